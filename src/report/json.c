#include "report/json.h"

#include "report/controls.h"
#include "report/write.h"

void json_item(struct buf *buf) {
        char last = buf->len > 0 ? buf->data[buf->len - 1] : 0;

        if (last != '{' && last != '[')
                buf_add_char(buf, ',');
}

void json_key(struct buf *buf, const char *key) {
        json_item(buf);
        buf_add_char(buf, '"');
        buf_add(buf, str_from(key));
        buf_add(buf, STR("\":"));
}

void json_string(struct buf *buf, const char *key, struct str value) {
        json_key(buf, key);
        buf_add_json(buf, value);
}

void json_number(struct buf *buf, const char *key, size_t value) {
        json_key(buf, key);
        buf_printf(buf, "%zu", value);
}

void json_bool(struct buf *buf, const char *key, bool value) {
        json_key(buf, key);
        buf_add(buf, value ? STR("true") : STR("false"));
}

/* Line and column are 0 where they are not known; the end is left out then. */
static void add_location(struct buf *buf, const struct finding_location *location) {
        buf_add_char(buf, '{');
        json_string(buf, "file", location->file);
        json_number(buf, "line", location->start.line);
        json_number(buf, "column", location->start.column);
        if (location->end.line > 0) {
                json_number(buf, "endLine", location->end.line);
                json_number(buf, "endColumn", location->end.column);
        }
        json_string(buf, "path", location->path);
        buf_add_char(buf, '}');
}

static void add_resource(struct buf *buf, const struct resource_ref *resource) {
        buf_add_char(buf, '{');
        json_string(buf, "apiVersion", resource->api_version);
        json_string(buf, "kind", resource->kind);
        json_string(buf, "namespace", resource->namespace);
        json_string(buf, "name", resource->name);
        buf_add_char(buf, '}');
}

static void add_rule(struct buf *buf, const struct rule_info *rule) {
        json_string(buf, "rule", rule->id);
        json_string(buf, "title", rule->title);
        json_string(buf, "severity", str_from(severity_name(rule->severity)));
        json_string(buf, "practice", rule->practice);
        json_key(buf, "frameworks");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < rule->control_count; i++) {
                json_item(buf);
                buf_add_json(buf, rule->controls[i]);
        }
        buf_add_char(buf, ']');
}

void json_finding(struct buf *buf, const struct finding *finding) {
        buf_add_char(buf, '{');
        add_rule(buf, finding->rule);
        json_string(buf, "message", finding->message);
        json_key(buf, "resource");
        add_resource(buf, &finding->resource);
        if (finding->owner.kind.len > 0) {
                json_key(buf, "owner");
                add_resource(buf, &finding->owner);
        }
        json_key(buf, "location");
        add_location(buf, &finding->location);
        if (finding->declared.file.len > 0) {
                json_key(buf, "declared");
                add_location(buf, &finding->declared);
        }
        json_key(buf, "related");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < finding->related_count; i++) {
                json_item(buf);
                add_location(buf, &finding->related[i]);
        }
        buf_add_char(buf, ']');
        json_string(buf, "fingerprint", finding->fingerprint);
        buf_add_char(buf, '}');
}

static void add_diagnostic(struct buf *buf, const struct diagnostic *diagnostic) {
        buf_add_char(buf, '{');
        json_string(buf, "file", diagnostic->file);
        json_number(buf, "line", diagnostic->pos.line);
        json_number(buf, "column", diagnostic->pos.column);
        if (diagnostic->other.line > 0) {
                json_number(buf, "otherLine", diagnostic->other.line);
                json_number(buf, "otherColumn", diagnostic->other.column);
        }
        json_string(buf, "message", diagnostic->message);
        json_bool(buf, "incomplete", diagnostic->incomplete);
        buf_add_char(buf, '}');
}

void json_coverage(struct buf *buf, const struct report *report) {
        const struct report_coverage *coverage = &report->coverage;

        buf_add_char(buf, '{');
        json_number(buf, "files", coverage->files);
        json_number(buf, "documents", coverage->documents);
        json_number(buf, "objects", coverage->objects);
        json_number(buf, "rules", coverage->rules);
        json_number(buf, "notJudged", coverage->not_judged);
        json_number(buf, "helmTemplates", coverage->templates);
        json_number(buf, "skipped", coverage->skipped);
        if (coverage->created + coverage->updated + coverage->deleted > 0) {
                json_number(buf, "created", coverage->created);
                json_number(buf, "updated", coverage->updated);
                json_number(buf, "deleted", coverage->deleted);
                json_number(buf, "known", coverage->known);
        }
        json_number(buf, "excepted", coverage->excepted);
        if (coverage->repeated > 0)
                json_number(buf, "repeated", coverage->repeated);
        json_number(buf, "bytes", coverage->bytes);
        json_bool(buf, "complete", !report_incomplete(report));
        buf_add_char(buf, '}');
}

static void add_counts(struct buf *buf, const struct finding_list *list) {
        size_t counts[SEVERITY_COUNT] = { 0 };

        for (size_t i = 0; i < list->findings.count; i++)
                counts[list->findings.items[i].rule->severity]++;
        buf_add_char(buf, '{');
        for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_LOW; severity--)
                json_number(buf, severity_name((enum severity)severity), counts[severity]);
        json_number(buf, "total", list->findings.count);
        buf_add_char(buf, '}');
}

/* One finding a line, so that line tools (diff, grep) work on it. The format is described by
 * docs/reference/report.schema.json. */
void write_json(struct out *out, const struct report *report) {
        const struct finding_list *list = report->list;
        struct buf *buf = &out->buf;

        buf_add(buf, STR("{\"schemaVersion\":\"1\",\n\"findings\":["));
        for (size_t i = 0; i < list->findings.count; i++) {
                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                json_finding(buf, &list->findings.items[i]);
                out_spill(out);
        }
        buf_add(buf, STR("],\n\"diagnostics\":["));
        for (size_t i = 0; i < list->diagnostics.count; i++) {
                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                add_diagnostic(buf, &list->diagnostics.items[i]);
                out_spill(out);
        }
        buf_add(buf, STR("],\n\"coverage\":"));
        json_coverage(buf, report);
        buf_add(buf, STR(",\n\"summary\":"));
        add_counts(buf, list);
        if (report->framework_count > 0) {
                buf_add(buf, STR(",\n"));
                controls_write_json(out, report);
        }
        buf_add(buf, STR("}\n"));
}
