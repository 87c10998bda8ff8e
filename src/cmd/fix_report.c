/* redoubt fix: what it shows. */
#include "base/util.h"
#include "cmd/fix.h"
#include "doc/write.h"

static const char *const state_names[] = {
        [FIX_OFFERED] = "offered",
        [FIX_UNSAFE] = "unsafe",
        [FIX_IMPOSSIBLE] = "impossible",
        [FIX_REFUSED] = "refused",
};

struct fix_counts fix_count(const struct fix_run *run) {
        struct fix_counts counts = { 0 };
        size_t count;
        struct fix *const *fixes = fix_list(run, &count);

        for (size_t i = 0; i < count; i++) {
                const struct fix *fix = fixes[i];

                counts.offered += fix->state == FIX_OFFERED;
                counts.unsafe += fix->state == FIX_UNSAFE;
                counts.impossible += fix->state == FIX_IMPOSSIBLE;
                counts.refused += fix->state == FIX_REFUSED;
                if (fix->state == FIX_OFFERED)
                        counts.findings += fix->findings.count;
        }
        fix_files(run, &counts.files);
        return counts;
}

/* --- a patch --- */

bool fix_add_patch(struct buf *buf, const struct fix_report *report) {
        size_t count;
        const struct fix_file *files = fix_files(report->run, &count);
        bool hidden = false;

        for (size_t i = 0; i < count; i++)
                hidden |= fix_add_diff(buf, report->run, &files[i]);
        return hidden;
}

/* --- a list --- */

static void add_resource(struct buf *buf, const struct resource_ref *resource) {
        buf_add_terminal(buf, resource->kind);
        buf_add_char(buf, ' ');
        if (resource->namespace.len > 0) {
                buf_add_terminal(buf, resource->namespace);
                buf_add_char(buf, '/');
        }
        buf_add_terminal(buf, resource->name);
}

static void add_line(struct buf *buf, const struct fix *fix) {
        const struct finding *finding = fix->findings.items[0];

        buf_printf(buf, "%-10s %-8s ", state_names[fix->state], severity_name(fix->rule->severity));
        buf_add_terminal(buf, finding->location.file);
        buf_printf(buf, ":%u: ", finding->location.start.line);
        buf_add_terminal(buf, fix->rule->id);
        buf_add(buf, STR(": "));
        add_resource(buf, &finding->resource);
        if (fix->title.len > 0) {
                buf_add(buf, STR(": "));
                buf_add_terminal(buf, fix->title);
        }
        if (fix->unsafe.len > 0) {
                buf_add(buf, STR("; may break: "));
                buf_add_terminal(buf, fix->unsafe);
        }
        if (fix->reason.len > 0) {
                buf_add(buf, STR("; "));
                buf_add_terminal(buf, fix->reason);
        }
        buf_add_char(buf, '\n');
}

void fix_add_text(struct buf *buf, const struct fix_report *report) {
        size_t count;
        struct fix *const *fixes = fix_list(report->run, &count);

        for (size_t i = 0; i < count; i++)
                add_line(buf, fixes[i]);
}

/* --- for programs --- */

static void add_member(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, ",\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_findings(struct buf *buf, const struct fix *fix) {
        buf_add(buf, STR(",\"findings\":["));
        for (size_t i = 0; i < fix->findings.count; i++) {
                const struct finding *finding = fix->findings.items[i];

                buf_add(buf, i ? STR(",{\"rule\":") : STR("{\"rule\":"));
                buf_add_json(buf, finding->rule->id);
                add_member(buf, "fingerprint", finding->fingerprint);
                add_member(buf, "file", finding->location.file);
                buf_printf(buf, ",\"line\":%u,\"column\":%u", finding->location.start.line,
                           finding->location.start.column);
                add_member(buf, "message", finding->message);
                add_member(buf, "kind", finding->resource.kind);
                add_member(buf, "namespace", finding->resource.namespace);
                add_member(buf, "name", finding->resource.name);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
}

static const char *operation(const struct fix_edit *edit) {
        if (edit->whole)
                return "removeObject";
        return edit->change.kind == DOC_CHANGE_SET      ? "set"
               : edit->change.kind == DOC_CHANGE_APPEND ? "append"
                                                        : "remove";
}

static void add_edits(struct buf *buf, const struct fix *fix) {
        buf_add(buf, STR(",\"changes\":["));
        for (size_t i = 0; i < fix->edits.count; i++) {
                const struct fix_edit *edit = &fix->edits.items[i];
                struct finding_location place = fix_edit_place(fix, edit);

                buf_printf(buf, "%s{\"op\":\"%s\"", i ? "," : "", operation(edit));
                add_member(buf, "file", place.file);
                buf_printf(buf, ",\"line\":%u", place.start.line);
                add_member(buf, "path", place.path);
                if (edit->change.value) {
                        buf_add(buf, STR(",\"value\":"));
                        doc_write_json(buf, edit->change.value);
                }
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR("],\"creates\":["));
        for (size_t i = 0; i < fix->creations.count; i++) {
                buf_add(buf, i ? STR(",{\"file\":") : STR("{\"file\":"));
                buf_add_json(buf, fix->creations.items[i].file);
                buf_add(buf, STR(",\"object\":"));
                doc_write_json(buf, fix->creations.items[i].object);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
}

static void add_fix(struct buf *buf, const struct fix *fix) {
        buf_add(buf, STR("{\"rule\":"));
        buf_add_json(buf, fix->rule->id);
        add_member(buf, "severity", str_from(severity_name(fix->rule->severity)));
        add_member(buf, "state", str_from(state_names[fix->state]));
        if (fix->title.len > 0)
                add_member(buf, "title", fix->title);
        if (fix->unsafe.len > 0)
                add_member(buf, "mayBreak", fix->unsafe);
        if (fix->reason.len > 0)
                add_member(buf, "reason", fix->reason);
        add_findings(buf, fix);
        add_edits(buf, fix);
        buf_add_char(buf, '}');
}

static void add_file(struct buf *buf, const struct fix_report *report,
                     const struct fix_file *file) {
        struct buf diff _cleanup_(buf_free) = BUF_INIT;
        bool hidden = fix_add_diff(&diff, report->run, file);

        buf_add(buf, STR("{\"path\":"));
        buf_add_json(buf, file->path);
        buf_printf(buf, ",\"new\":%s,\"removed\":%s,\"redacted\":%s",
                   file->is_new ? "true" : "false", file->is_gone ? "true" : "false",
                   hidden ? "true" : "false");
        add_member(buf, "diff", buf_str(&diff));
        buf_add_char(buf, '}');
}

void fix_add_json(struct buf *buf, const struct fix_report *report) {
        size_t count;
        struct fix *const *fixes = fix_list(report->run, &count);
        const struct fix_file *files;

        buf_add(buf, STR("{\"fixes\":["));
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i ? STR(",\n ") : STR("\n "));
                add_fix(buf, fixes[i]);
        }
        buf_add(buf, STR("],\n\"files\":["));
        files = fix_files(report->run, &count);
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i ? STR(",\n ") : STR("\n "));
                add_file(buf, report, &files[i]);
        }
        buf_printf(buf, "],\n\"findingsWithoutFix\":%zu,\"complete\":%s,\"written\":%s}\n",
                   fix_without(report->run), report->complete ? "true" : "false",
                   report->written ? "true" : "false");
}
