#include "report/sarif.h"

#include "base/map.h"
#include "report/json.h"
#include "report/write.h"

/* --- text and places --- */

void sarif_add_message(struct buf *buf, struct str text) {
        struct buf escaped _cleanup_(buf_free) = BUF_INIT;

        if (str_find(text, STR("]("), 0) < 0) {
                buf_add_json(buf, text);
                return;
        }
        for (size_t i = 0; i < text.len; i++) {
                if (strchr("[]\\", text.ptr[i]) && text.ptr[i])
                        buf_add_char(&escaped, '\\');
                buf_add_char(&escaped, text.ptr[i]);
        }
        buf_add_json(buf, buf_str(&escaped));
}

static bool is_unreserved(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == '~';
}

void sarif_add_uri(struct buf *buf, struct str file) {
        while (str_starts(file, STR("./"))) {
                file = str_slice(file, 2, file.len);
                while (str_starts(file, STR("/")))
                        file = str_slice(file, 1, file.len);
        }
        if (str_starts(file, STR("/")))
                buf_add(buf, STR("file://"));
        for (size_t i = 0; i < file.len; i++) {
                char c = file.ptr[i];

                if (is_unreserved(c) || c == '/')
                        buf_add_char(buf, c);
                else
                        buf_printf(buf, "%%%02X", (unsigned)(unsigned char)c);
        }
}

/* An end that is not behind the start says nothing and is left out. */
static void add_region(struct buf *buf, struct doc_pos start, struct doc_pos end) {
        json_key(buf, "region");
        buf_add_char(buf, '{');
        json_number(buf, "startLine", start.line);
        if (start.column > 0)
                json_number(buf, "startColumn", start.column);
        if (start.column > 0 && end.column > 0 &&
            (end.line > start.line || (end.line == start.line && end.column > start.column))) {
                json_number(buf, "endLine", end.line);
                json_number(buf, "endColumn", end.column);
        }
        buf_add_char(buf, '}');
}

static void add_physical(struct buf *buf, struct str file, struct doc_pos start,
                         struct doc_pos end) {
        json_key(buf, "physicalLocation");
        buf_add(buf, STR("{\"artifactLocation\":{\"uri\":\""));
        sarif_add_uri(buf, file);
        buf_add(buf, STR("\"}"));
        if (start.line > 0)
                add_region(buf, start, end);
        buf_add_char(buf, '}');
}

/* --- results --- */

/* "apps/v1/Deployment/shop/cart". */
static void add_logical(struct buf *buf, const struct finding *finding) {
        const struct resource_ref *resource = &finding->resource;
        const struct str parts[] = { resource->api_version, resource->kind, resource->namespace,
                                     resource->name };
        struct buf name _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < ELEMENTS(parts); i++) {
                if (parts[i].len == 0)
                        continue;
                if (name.len > 0)
                        buf_add_char(&name, '/');
                buf_add(&name, parts[i]);
        }
        if (name.len == 0)
                return;
        json_key(buf, "logicalLocations");
        buf_add(buf, STR("[{"));
        if (resource->name.len > 0)
                json_string(buf, "name", resource->name);
        json_string(buf, "fullyQualifiedName", buf_str(&name));
        json_string(buf, "kind", STR("resource"));
        buf_add(buf, STR("}]"));
}

static void add_related(struct buf *buf, const struct finding *finding) {
        if (finding->related_count == 0)
                return;
        json_key(buf, "relatedLocations");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < finding->related_count; i++) {
                const struct finding_location *location = &finding->related[i];

                json_item(buf);
                buf_add_char(buf, '{');
                json_number(buf, "id", i + 1);
                if (location->file.len > 0)
                        add_physical(buf, location->file, location->start, location->end);
                if (location->path.len > 0) {
                        json_key(buf, "message");
                        buf_add(buf, STR("{\"text\":"));
                        sarif_add_message(buf, location->path);
                        buf_add_char(buf, '}');
                }
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
}

static void add_owner(struct buf *buf, const struct resource_ref *owner) {
        struct buf name _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&name, "%.*s %.*s%s%.*s", STR_ARG(owner->kind), STR_ARG(owner->namespace),
                   owner->namespace.len ? "/" : "", STR_ARG(owner->name));
        json_string(buf, "owner", buf_str(&name));
}

static void add_result(struct buf *buf, const struct finding *finding, size_t rule_index) {
        const struct rule_info *rule = finding->rule;
        const struct finding_location *location = &finding->location;

        buf_add_char(buf, '{');
        json_string(buf, "ruleId", rule->id);
        json_number(buf, "ruleIndex", rule_index);
        json_string(buf, "level", str_from(severity_level(rule->severity)));
        json_key(buf, "message");
        buf_add(buf, STR("{\"text\":"));
        sarif_add_message(buf, finding->message.len > 0 ? finding->message : rule->title);
        buf_add(buf, STR("},\"locations\":[{"));
        if (location->file.len > 0)
                add_physical(buf, location->file, location->start, location->end);
        add_logical(buf, finding);
        buf_add(buf, STR("}]"));
        add_related(buf, finding);
        json_key(buf, "partialFingerprints");
        buf_add_char(buf, '{');
        if (finding->fingerprint.len > 0)
                json_string(buf, "redoubt/v1", finding->fingerprint);
        buf_add_char(buf, '}');
        json_key(buf, "properties");
        buf_add_char(buf, '{');
        json_string(buf, "severity", str_from(severity_name(rule->severity)));
        json_string(buf, "practice", rule->practice);
        json_string(buf, "path", location->path);
        if (finding->owner.kind.len > 0)
                add_owner(buf, &finding->owner);
        buf_add(buf, STR("}}"));
}

/* --- the run --- */

/* The rule table: the rules that were judged and, should a finding come from another, that one too.
 * The map finds the index of a rule by the bytes of its pointer; its values are index + 1. */
struct rule_table {
        VEC(const struct rule_info *) rules;
        struct map indexes;
};

static size_t rule_index(struct rule_table *table, const struct rule_info *const *rule) {
        struct str key = { (const char *)rule, sizeof *rule };
        struct map_entry *entry = map_put(&table->indexes, key);

        if (!entry->value) {
                *vec_push(&table->rules) = *rule;
                entry->value = (void *)(uintptr_t)table->rules.count;
        }
        return (uintptr_t)entry->value - 1;
}

static void rule_table_init(struct rule_table *table, const struct report *report) {
        for (size_t i = 0; i < report->rule_count; i++)
                rule_index(table, &report->rules[i]);
        for (size_t i = 0; i < report->list->findings.count; i++) {
                const struct finding *finding = &report->list->findings.items[i];

                rule_index(table, &finding->rule);
        }
}

static void rule_table_free(struct rule_table *table) {
        vec_free(&table->rules);
        map_free(&table->indexes);
}

static void add_tool(struct out *out, const struct report *report, const struct rule_table *table) {
        struct buf *buf = &out->buf;

        buf_add(buf, STR("\"tool\":{\"driver\":{\"name\":\"Redoubt\""));
        if (report->version) {
                json_string(buf, "version", str_from(report->version));
                json_string(buf, "semanticVersion", str_from(report->version));
        }
        buf_add(buf, STR(",\n\"rules\":["));
        for (size_t i = 0; i < table->rules.count; i++) {
                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                sarif_add_rule(buf, table->rules.items[i]);
                out_spill(out);
        }
        buf_add(buf, STR("]}}"));
}

static void add_notification(struct buf *buf, const struct diagnostic *diagnostic) {
        buf_add_char(buf, '{');
        json_string(buf, "level", diagnostic->incomplete ? STR("error") : STR("warning"));
        json_key(buf, "message");
        buf_add(buf, STR("{\"text\":"));
        sarif_add_message(buf, diagnostic->message);
        buf_add_char(buf, '}');
        if (diagnostic->file.len > 0) {
                const struct doc_pos unknown = { 0 };

                buf_add(buf, STR(",\"locations\":[{"));
                add_physical(buf, diagnostic->file, diagnostic->pos, unknown);
                buf_add_char(buf, '}');
                if (diagnostic->other.line > 0) {
                        buf_add(buf, STR(",{"));
                        add_physical(buf, diagnostic->file, diagnostic->other, unknown);
                        buf_add(buf, STR(",\"message\":{\"text\":\"the other place\"}}"));
                }
                buf_add_char(buf, ']');
        }
        buf_add_char(buf, '}');
}

/* What could not be judged makes the invocation unsuccessful: a service that shows the log must not
 * take missing results for good news. */
static void add_invocation(struct out *out, const struct report *report) {
        const struct finding_list *list = report->list;
        struct buf *buf = &out->buf;

        buf_add(buf, STR("\"invocations\":[{"));
        json_bool(buf, "executionSuccessful", !report_incomplete(report));
        buf_add(buf, STR(",\"toolExecutionNotifications\":["));
        for (size_t i = 0; i < list->diagnostics.count; i++) {
                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                add_notification(buf, &list->diagnostics.items[i]);
                out_spill(out);
        }
        buf_add(buf, STR("]}]"));
}

void write_sarif(struct out *out, const struct report *report) {
        struct rule_table table _cleanup_(rule_table_free) = { 0 };
        struct buf *buf = &out->buf;

        rule_table_init(&table, report);
        buf_add(buf,
                STR("{\"$schema\":\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/"
                    "schemas/sarif-schema-2.1.0.json\",\n\"version\":\"2.1.0\",\n\"runs\":[{"));
        add_tool(out, report, &table);
        buf_add(buf, STR(",\n"));
        add_invocation(out, report);
        buf_add(buf, STR(",\n\"columnKind\":\"unicodeCodePoints\",\n\"results\":["));
        for (size_t i = 0; i < report->list->findings.count; i++) {
                const struct finding *finding = &report->list->findings.items[i];

                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                add_result(buf, finding, rule_index(&table, &finding->rule));
                out_spill(out);
        }
        buf_add(buf, STR("],\n\"properties\":{\"coverage\":"));
        json_coverage(buf, report);
        buf_add(buf, STR("}}]}\n"));
}
