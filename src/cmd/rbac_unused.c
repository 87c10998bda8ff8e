/* redoubt rbac unused: rights that are granted and that no request of a log used. */
#include "base/util.h"
#include "cmd/audit_log.h"
#include "cmd/rbac.h"
#include "cmd/table.h"
#include "rbac/unused.h"

struct report {
        struct arena *arena;
        const struct rbac_log *log;
        const struct rbac_unused *unused;
        bool complete;
};

/* Uses of a rule with a "*" that are shown. */
enum { SHOWN_USES = 6 };

/* --- words --- */

/* Adds what of STRINGS was not needed: "verbs list watch". */
static void add_unneeded(struct buf *buf, const char *what, const struct rbac_strings *strings,
                         const bool *marks) {
        bool begun = false;

        for (size_t i = 0; i < strings->count; i++) {
                if (marks[i] || rbac_is_invisible(strings->items[i]))
                        continue;
                if (!begun)
                        buf_printf(buf, "%s%s", buf->len > 0 ? "; " : "", what);
                begun = true;
                buf_add_char(buf, ' ');
                buf_add(buf, strings->items[i].len ? strings->items[i] : STR("\"\""));
        }
}

static bool has_star(const struct rbac_rule *rule) {
        return rule->verbs.any || rule->groups.any || rule->resources.any;
}

static struct str use_text(struct arena *arena, const struct rbac_use *use) {
        struct rbac_request request = use->request;

        request.namespace = STR("");
        request.name = STR("");
        if (request.resource.len == 0)
                return arena_printf(arena, "%.*s %.*s", STR_ARG(request.verb),
                                    STR_ARG(request.path));
        return arena_printf(arena, "%.*s %.*s%s%.*s%s%.*s", STR_ARG(request.verb),
                            STR_ARG(request.resource), request.group.len ? "." : "",
                            STR_ARG(request.group), request.subresource.len ? "/" : "",
                            STR_ARG(request.subresource));
}

/* The different texts of what USE was needed for, as a map to nothing. */
static void collect_uses(struct arena *arena, const struct rbac_rule_use *use, struct map *ret) {
        for (size_t i = 0; i < use->count; i++)
                map_put(ret, use_text(arena, use->items[i]))->value = arena;
}

static void add_uses(struct buf *buf, struct arena *arena, const struct rbac_rule_use *use) {
        struct map texts _cleanup_(map_free) = MAP_INIT;

        collect_uses(arena, use, &texts);
        buf_printf(buf, "%sonly: ", buf->len > 0 ? "; " : "");
        for (size_t i = 0; i < texts.count && i < SHOWN_USES; i++) {
                buf_add(buf, i ? STR(", ") : STR(""));
                buf_add(buf, texts.entries[i].key);
        }
        if (texts.count > SHOWN_USES)
                buf_add(buf, STR(" ..."));
}

static struct str verdict(struct arena *arena, const struct rbac_rule_use *use) {
        const struct rbac_rule *rule = use->rule;
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (use->invisible)
                return STR("no log shows that");
        if (use->uses == 0)
                return STR("never used");
        if (use->whole)
                return STR("used");
        add_unneeded(&text, "verbs", &rule->verbs, use->verbs);
        if (rule->resources.count > 0)
                add_unneeded(&text, "groups", &rule->groups, use->groups);
        add_unneeded(&text, "resources", &rule->resources, use->resources);
        add_unneeded(&text, "names", &rule->names, use->names);
        add_unneeded(&text, "URLs", &rule->urls, use->urls);
        if (text.len > 0) {
                struct str unneeded = arena_str(arena, buf_str(&text));

                buf_clear(&text);
                buf_printf(&text, "unused: %.*s", STR_ARG(unneeded));
        }
        if (has_star(rule))
                add_uses(&text, arena, use);
        return arena_str(arena, buf_str(&text));
}

/* --- text --- */

static void binding_text(struct report *report, struct buf *buf,
                         const struct rbac_binding_use *use) {
        const struct rbac_binding *binding = use->binding;
        struct table table = { .columns = 4 };
        struct arena *arena = report->arena;

        buf_add(buf, STR("  "));
        buf_add_terminal(buf, rbac_binding_name(arena, binding));
        buf_add(buf, STR(" -> "));
        buf_add_terminal(buf, rbac_role_name(arena, binding));
        buf_add(buf, STR(", "));
        buf_add_terminal(buf, rbac_scope_text(arena, binding));
        buf_add(buf, STR("   "));
        buf_add_terminal(buf, rbac_place_text(arena, binding->place.file, binding->place.pos));
        buf_add(buf, use->used ? STR("\n") : STR("   never used\n"));
        for (size_t i = 0; i < binding->role->rule_count; i++) {
                const struct rbac_rule *rule = use->rules[i].rule;

                table_add(arena, &table,
                          arena_printf(arena, "    %.*s", STR_ARG(rbac_rule_verbs(arena, rule))),
                          rbac_rule_objects(arena, rule),
                          rbac_place_text(arena, rule->role->place.file, rule->pos),
                          verdict(arena, &use->rules[i]));
        }
        table_write(buf, &table);
}

/* A group is in the log where one of its members is. */
static bool was_seen(const struct rbac_usage *usage, const struct rbac_principal *principal) {
        if (principal->kind != RBAC_GROUP)
                return map_get(&usage->users, principal->name) != NULL;
        for (size_t i = 0; i < usage->users.count; i++) {
                const struct rbac_user *user = usage->users.entries[i].value;

                if (map_get(&user->groups, principal->name))
                        return true;
        }
        return false;
}

static void write_text(struct report *report, struct buf *buf) {
        const struct rbac_principal *last = NULL;

        for (size_t i = 0; i < report->unused->count; i++) {
                const struct rbac_binding_use *use = &report->unused->items[i];

                if (use->whole)
                        continue;
                if (use->principal != last) {
                        last = use->principal;
                        buf_add_terminal(buf,
                                         rbac_subject_name(report->arena, last->kind, last->name));
                        buf_add(buf, was_seen(&report->log->usage, last)
                                             ? STR("\n")
                                             : STR("   not in the log\n"));
                }
                binding_text(report, buf, use);
        }
        buf_add(buf, last ? STR("\n") : STR("everything that is granted was used\n"));
        rbac_add_log(buf, report->log, "");
        buf_add(buf,
                STR("what is rare (certificates, a recovery) may be needed and not be in a log "
                    "of that time\n"));
}

/* --- JSON --- */

static void add_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, value);
        buf_add_char(buf, ',');
}

static void unneeded_json(struct buf *buf, const char *name, const struct rbac_strings *strings,
                          const bool *marks) {
        bool begun = false;

        buf_printf(buf, "\"%s\":[", name);
        for (size_t i = 0; i < strings->count; i++) {
                if (marks[i] || rbac_is_invisible(strings->items[i]))
                        continue;
                buf_add(buf, begun ? STR(",") : STR(""));
                buf_add_json(buf, strings->items[i]);
                begun = true;
        }
        buf_add_char(buf, ']');
}

static void rule_json(struct report *report, struct buf *buf, const struct rbac_rule_use *use) {
        struct map texts _cleanup_(map_free) = MAP_INIT;
        const struct rbac_rule *rule = use->rule;

        buf_add(buf, STR("{\"rule\":"));
        rbac_add_rule(buf, rule);
        buf_printf(buf, ",\"state\":\"%s\",\"unused\":{",
                   use->invisible   ? "invisible"
                   : use->uses == 0 ? "unused"
                   : use->whole     ? "used"
                                    : "partly");
        unneeded_json(buf, "verbs", &rule->verbs, use->verbs);
        buf_add_char(buf, ',');
        unneeded_json(buf, "apiGroups", &rule->groups, use->groups);
        buf_add_char(buf, ',');
        unneeded_json(buf, "resources", &rule->resources, use->resources);
        buf_add_char(buf, ',');
        unneeded_json(buf, "resourceNames", &rule->names, use->names);
        buf_add_char(buf, ',');
        unneeded_json(buf, "nonResourceURLs", &rule->urls, use->urls);
        buf_add(buf, STR("},\"usedFor\":["));
        collect_uses(report->arena, use, &texts);
        for (size_t i = 0; i < texts.count; i++) {
                buf_add(buf, i ? STR(",") : STR(""));
                buf_add_json(buf, texts.entries[i].key);
        }
        buf_add(buf, STR("]}"));
}

static void binding_json(struct report *report, struct buf *buf,
                         const struct rbac_binding_use *use) {
        const struct rbac_binding *binding = use->binding;
        struct arena *arena = report->arena;

        buf_add_char(buf, '{');
        add_field(buf, "subject",
                  rbac_subject_name(arena, use->principal->kind, use->principal->name));
        buf_printf(buf, "\"seen\":%s,",
                   was_seen(&report->log->usage, use->principal) ? "true" : "false");
        add_field(buf, "binding", rbac_binding_name(arena, binding));
        add_field(buf, "role", rbac_role_name(arena, binding));
        add_field(buf, "namespace", binding->cluster ? STR("") : binding->namespace);
        add_field(buf, "file", binding->place.file);
        buf_printf(buf, "\"line\":%u,\"used\":%s,\"rules\":[", binding->place.pos.line,
                   use->used ? "true" : "false");
        for (size_t i = 0; i < binding->role->rule_count; i++) {
                buf_add(buf, i ? STR(",\n    ") : STR("\n    "));
                rule_json(report, buf, &use->rules[i]);
        }
        buf_add(buf, STR("]}"));
}

static void write_json(struct report *report, struct buf *buf) {
        bool begun = false;

        buf_add(buf, STR("{\"log\":"));
        rbac_add_log_json(buf, report->log);
        buf_add(buf, STR(",\n \"bindings\":["));
        for (size_t i = 0; i < report->unused->count; i++) {
                if (report->unused->items[i].whole)
                        continue;
                buf_add(buf, begun ? STR(",\n  ") : STR("\n  "));
                binding_json(report, buf, &report->unused->items[i]);
                begun = true;
        }
        buf_printf(buf, "],\n \"complete\":%s}\n", report->complete ? "true" : "false");
}

/* --- running --- */

static bool has_unused(const struct rbac_unused *unused) {
        for (size_t i = 0; i < unused->count; i++)
                if (!unused->items[i].whole)
                        return true;
        return false;
}

static int run(struct command_context *context, int argc _unused_, char **argv _unused_) {
        const struct rbac_arguments *arguments = context->options;
        struct rbac_index index _cleanup_(rbac_index_free) = { 0 };
        struct rbac_log log _cleanup_(rbac_log_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct rbac_unused unused;
        struct report report = { .arena = context->arena, .log = &log, .unused = &unused };
        int r;

        if (arguments->logs.count == 0)
                return command_usage_error(context, "--audit-log PATH is needed");
        r = rbac_read(context, arguments, &index, &report.complete);
        if (r >= 0)
                r = rbac_read_logs(context, arguments, true, &log);
        if (r < 0)
                return r;
        rbac_unused(context->arena, &index, &log.usage, &unused);
        if (unused.cut)
                command_note("there are too many rights and requests to compare all of them");
        report.complete &= rbac_log_is_complete(&log) && !unused.cut;
        if (arguments->format == RBAC_JSON)
                write_json(&report, &text);
        else
                write_text(&report, &text);
        fwrite(text.data, 1, text.len, stdout);
        if (!report.complete)
                return COMMAND_INCOMPLETE;
        return has_unused(&unused) ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Log"),
        AUDIT_LOG_OPTION(offsetof(struct rbac_arguments, logs)),
        RBAC_OUTPUT_OPTIONS,
        RBAC_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt rbac unused --audit-log examples/policies/audit.log -f examples/shop",
          "what the manifests grant and the log does not show" },
        { NULL },
};

const struct command command_rbac_unused = {
        .name = "unused",
        .summary = "rights that are granted and were not used",
        .description =
                "Holds what bindings grant against the requests of an API server's audit log that "
                "were allowed, also those that failed after that, and says for every subject and "
                "binding which rules no request needed, and which verbs, resources and names of "
                "the others. A request counts as use of every rule that would have allowed it. The "
                "members of a group are those that the log shows.\n\nLevel Metadata is enough. "
                "Rights that are asked about behind another request (bind, escalate, approve, "
                "sign, use) are in no log and are marked so. What is rare may be needed and not "
                "show in a short log.\n\nExit status: 0 everything is used, 1 something is not, "
                "2 an error, 3 something could not be read.",
        .options = specs,
        .options_size = sizeof(struct rbac_arguments),
        .examples = examples,
        .run = run,
};
