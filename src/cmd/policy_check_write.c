/* The results of `redoubt policy check`, as text and as JSON. */
#include "base/util.h"
#include "cmd/policy_check.h"

static const char *const operation_names[] = { "CREATE", "UPDATE", "DELETE", "CONNECT" };

/* --- text --- */

static void add_list(struct buf *buf, const struct str *items, size_t count) {
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i > 0 ? STR(",") : STR(""));
                buf_add_terminal(buf, items[i].len > 0 ? items[i] : STR("core"));
        }
}

static void add_operations(struct buf *buf, unsigned operations) {
        bool first = true;

        for (size_t i = 0; i < ELEMENTS(operation_names); i++) {
                if (!(operations & 1u << i))
                        continue;
                buf_printf(buf, "%s%s", first ? "" : ",", operation_names[i]);
                first = false;
        }
}

static void add_match(struct buf *buf, const struct policy_match *match) {
        for (size_t i = 0; i < match->rule_count + match->exclude_count; i++) {
                bool excluded = i >= match->rule_count;
                const struct policy_rule *rule =
                        excluded ? &match->exclude[i - match->rule_count] : &match->rules[i];

                buf_add(buf, excluded ? STR("  but not ") : STR("  matches "));
                add_operations(buf, rule->operations);
                buf_add(buf, STR(" of "));
                add_list(buf, rule->resources, rule->resource_count);
                buf_add(buf, STR(" in "));
                add_list(buf, rule->groups, rule->group_count);
                buf_add_char(buf, '/');
                add_list(buf, rule->versions, rule->version_count);
                buf_add_char(buf, '\n');
        }
}

static void add_bindings(struct buf *buf, const struct policy *policy) {
        if (!policy->bindings)
                buf_add(buf, STR("  no binding: in a cluster it would do nothing\n"));
        for (const struct policy_binding *b = policy->bindings; b; b = b->next) {
                buf_add(buf, STR("  bound by "));
                buf_add_terminal(buf, b->name);
                buf_printf(buf, "%s%s%s%s%s\n", b->mutates ? "" : ":", b->deny ? " Deny" : "",
                           b->warn ? " Warn" : "", b->audit ? " Audit" : "",
                           policy->has_params && !b->has_params ? ", without params" : "");
        }
}

/* "apps/v1 Deployment" */
static void add_kind(struct buf *buf, const struct structure_gvk *kind) {
        buf_add_terminal(buf, kind->group);
        buf_add(buf, kind->group.len > 0 ? STR("/") : STR(""));
        buf_add_terminal(buf, kind->version);
        buf_add_char(buf, ' ');
        buf_add_terminal(buf, kind->kind);
}

static void add_kinds(struct buf *buf, const struct policy_type_warnings *types) {
        if (types->kind_count == 0)
                buf_add(buf, STR("  types not checked: no rule names a known kind without "
                                 "wildcards"));
        for (size_t i = 0; i < types->kind_count; i++) {
                buf_add(buf, i > 0 ? STR(", ") : STR("  types checked for "));
                add_kind(buf, types->kinds[i]);
        }
        buf_add_char(buf, '\n');
}

static bool same_problem(const struct policy_type_problem *a, const struct policy_type_problem *b) {
        return a->place.line == b->place.line && a->place.column == b->place.column &&
               str_eq(a->message, b->message) && str_eq(a->detail, b->detail);
}

/* One problem, with every kind that has it: those before number AT have been written. */
static void add_problem(struct buf *buf, const struct policy *policy,
                        const struct policy_type_warning *warning, size_t at) {
        const struct policy_type_problem *problem = &warning->problems.items[at];

        for (size_t i = 0; i < at; i++)
                if (same_problem(&warning->problems.items[i], problem))
                        return;
        buf_add_terminal(buf, policy->info.source);
        buf_printf(buf, ":%u:%u: warning: ", problem->place.line, problem->place.column);
        buf_add_terminal(buf, problem->message);
        if (problem->detail.len > 0) {
                buf_add(buf, STR(": "));
                buf_add_terminal(buf, problem->detail);
        }
        buf_add(buf, STR("\n    "));
        buf_add_terminal(buf, warning->field_ref);
        buf_add(buf, STR(", where the object is "));
        for (size_t i = at; i < warning->problems.count; i++) {
                if (!same_problem(&warning->problems.items[i], problem))
                        continue;
                buf_add(buf, i > at ? STR(", ") : STR(""));
                add_kind(buf, warning->problems.items[i].kind);
        }
        buf_add_char(buf, '\n');
}

/* Whether a client is not warned where the validation fails: without a message the warning has the
 * expression, and the API server sends none with a line break. */
static bool warns_nobody(const struct policy *policy, const struct policy_validation *validation) {
        struct str said = str_trim(validation->expression);

        if (validation->message.len > 0 || validation->message_program ||
            (str_find(said, STR("\n"), 0) < 0 && str_find(said, STR("\r"), 0) < 0))
                return false;
        for (const struct policy_binding *b = policy->bindings; b; b = b->next)
                if (b->warn)
                        return true;
        return false;
}

static void add_silent(struct buf *buf, const struct policy *policy) {
        for (size_t i = 0; i < policy->validation_count; i++)
                if (warns_nobody(policy, &policy->validations[i]))
                        buf_printf(buf,
                                   "  spec.validations[%zu] warns nobody: its warning would have "
                                   "line breaks; give it a message\n",
                                   i);
}

void check_write_text(struct buf *buf, const struct check_result *result) {
        for (size_t i = 0; i < result->policies.count; i++) {
                const struct checked_policy *checked = &result->policies.items[i];
                const struct policy *policy = checked->policy;

                buf_add_terminal(buf, policy->name);
                if (policy->mutates)
                        buf_printf(buf, ": %zu mutations%s\n", policy->mutation_count,
                                   policy->reinvoke ? ", again if needed" : "");
                else
                        buf_printf(buf, ": %zu validations\n", policy->validation_count);
                add_match(buf, &policy->match);
                add_bindings(buf, policy);
                add_silent(buf, policy);
                if (!policy->mutates)
                        add_kinds(buf, &checked->types);
                check_write_costs_text(buf, policy);
                for (size_t w = 0; w < checked->types.items.count; w++) {
                        const struct policy_type_warning *warning = &checked->types.items.items[w];

                        for (size_t p = 0; p < warning->problems.count; p++)
                                add_problem(buf, policy, warning, p);
                }
        }
}

/* --- JSON --- */

static void add_json_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, ",\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_json_strings(struct buf *buf, const char *name, const struct str *items,
                             size_t count) {
        buf_printf(buf, ",\"%s\":[", name);
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i > 0 ? STR(",") : STR(""));
                buf_add_json(buf, items[i]);
        }
        buf_add_char(buf, ']');
}

static void add_json_rules(struct buf *buf, const char *name, const struct policy_rule *rules,
                           size_t count) {
        buf_printf(buf, ",\"%s\":[", name);
        for (size_t i = 0; i < count; i++) {
                struct str operations[ELEMENTS(operation_names)];
                size_t n = 0;

                for (size_t o = 0; o < ELEMENTS(operation_names); o++)
                        if (rules[i].operations & 1u << o)
                                operations[n++] = str_from(operation_names[o]);
                buf_add(buf, i > 0 ? STR(",{\"scope\":") : STR("{\"scope\":"));
                buf_add_json(buf, rules[i].scope);
                add_json_strings(buf, "operations", operations, n);
                add_json_strings(buf, "apiGroups", rules[i].groups, rules[i].group_count);
                add_json_strings(buf, "apiVersions", rules[i].versions, rules[i].version_count);
                add_json_strings(buf, "resources", rules[i].resources, rules[i].resource_count);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
}

static void add_json_bindings(struct buf *buf, const struct policy *policy) {
        buf_add(buf, STR(",\"bindings\":["));
        for (const struct policy_binding *b = policy->bindings; b; b = b->next) {
                const struct str actions[] = { STR("Deny"), STR("Warn"), STR("Audit") };
                const bool has[] = { b->deny, b->warn, b->audit };
                struct str written[ELEMENTS(actions)];
                size_t n = 0;

                for (size_t i = 0; i < ELEMENTS(actions); i++)
                        if (has[i])
                                written[n++] = actions[i];
                buf_add(buf, b == policy->bindings ? STR("{\"name\":") : STR(",{\"name\":"));
                buf_add_json(buf, b->name);
                add_json_strings(buf, "validationActions", written, n);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
}

static void add_json_problem(struct buf *buf, const struct policy *policy,
                             const struct policy_type_problem *problem) {
        const struct structure_gvk *kind = problem->kind;

        buf_add(buf, STR("{\"group\":"));
        buf_add_json(buf, kind->group);
        add_json_field(buf, "version", kind->version);
        add_json_field(buf, "kind", kind->kind);
        add_json_field(buf, "message", problem->message);
        if (problem->detail.len > 0)
                add_json_field(buf, "hint", problem->detail);
        add_json_field(buf, "file", policy->info.source);
        buf_printf(buf, ",\"line\":%u,\"column\":%u}", problem->place.line, problem->place.column);
}

static void add_json_warning(struct buf *buf, const struct policy *policy,
                             const struct policy_type_warning *warning) {
        buf_add(buf, STR("{\"fieldRef\":"));
        buf_add_json(buf, warning->field_ref);
        add_json_field(buf, "warning", warning->text);
        buf_add(buf, STR(",\"problems\":["));
        for (size_t i = 0; i < warning->problems.count; i++) {
                buf_add(buf, i > 0 ? STR(",") : STR(""));
                add_json_problem(buf, policy, &warning->problems.items[i]);
        }
        buf_add(buf, STR("]}"));
}

static void add_json_types(struct buf *buf, const struct policy *policy,
                           const struct policy_type_warnings *types) {
        buf_add(buf, STR(",\"typeChecking\":{\"kinds\":["));
        for (size_t i = 0; i < types->kind_count; i++) {
                buf_add(buf, i > 0 ? STR(",{\"group\":") : STR("{\"group\":"));
                buf_add_json(buf, types->kinds[i]->group);
                add_json_field(buf, "version", types->kinds[i]->version);
                add_json_field(buf, "kind", types->kinds[i]->kind);
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR("],\"expressionWarnings\":["));
        for (size_t i = 0; i < types->items.count; i++) {
                buf_add(buf, i > 0 ? STR(",") : STR(""));
                add_json_warning(buf, policy, &types->items.items[i]);
        }
        buf_add(buf, STR("]}"));
}

static void add_json_silent(struct buf *buf, const struct policy *policy) {
        bool first = true;

        buf_add(buf, STR(",\"warnsNobody\":["));
        for (size_t i = 0; i < policy->validation_count; i++)
                if (warns_nobody(policy, &policy->validations[i])) {
                        buf_printf(buf, "%s\"spec.validations[%zu]\"", first ? "" : ",", i);
                        first = false;
                }
        buf_add_char(buf, ']');
}

static void add_json_policy(struct buf *buf, const struct checked_policy *checked) {
        const struct policy *policy = checked->policy;

        buf_add(buf, STR("{\"name\":"));
        buf_add_json(buf, policy->name);
        add_json_field(buf, "file", policy->info.source);
        buf_printf(buf, ",\"validations\":%zu", policy->validation_count);
        add_json_rules(buf, "resourceRules", policy->match.rules, policy->match.rule_count);
        add_json_rules(buf, "excludeResourceRules", policy->match.exclude,
                       policy->match.exclude_count);
        add_json_bindings(buf, policy);
        add_json_silent(buf, policy);
        check_write_costs_json(buf, policy);
        add_json_types(buf, policy, &checked->types);
        buf_add_char(buf, '}');
}

void check_write_json(struct buf *buf, const struct check_result *result) {
        buf_add(buf, STR("{\"policies\":["));
        for (size_t i = 0; i < result->policies.count; i++) {
                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                add_json_policy(buf, &result->policies.items[i]);
        }
        buf_add(buf, STR("],\n\"errors\":["));
        for (size_t i = 0; i < result->faults.count; i++) {
                const struct error *fault = &result->faults.items[i];

                buf_add(buf, i > 0 ? STR(",\n{\"message\":") : STR("\n{\"message\":"));
                buf_add_json(buf, str_from(fault->message));
                add_json_field(buf, "file", str_from(fault->file));
                buf_printf(buf, ",\"line\":%u,\"column\":%u}", fault->line, fault->column);
        }
        buf_add(buf, STR("]}\n"));
}
