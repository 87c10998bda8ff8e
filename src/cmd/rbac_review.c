/* redoubt rbac review: what a product would be granted, before it is installed. */
#include <errno.h>

#include "base/confine.h"
#include "base/fs.h"
#include "base/pool.h"
#include "base/util.h"
#include "cmd/objects.h"
#include "cmd/rbac.h"
#include "cmd/rules.h"
#include "cmd/table.h"
#include "rbac/rights.h"
#include "rbac/subject.h"
#include "scan/scan.h"

struct review {
        struct command_context *context;
        struct arena *arena;
        struct rbac_index index;
        struct policy_set rules;
        struct finding_list risks;
        struct report_coverage coverage;
        bool complete;
};

static void review_free(struct review *review) {
        rbac_index_free(&review->index);
        policy_set_free(&review->rules);
        finding_list_free(&review->risks);
}

/* --- what one subject gets --- */

/* Whether RULE lets someone read Secrets, all of them or some. */
static bool reads_secrets(const struct rbac_rule *rule) {
        static const char *const verbs[] = { "get", "list", "watch" };

        for (size_t i = 0; i < ELEMENTS(verbs); i++) {
                struct rbac_request request = { .verb = str_from(verbs[i]),
                                                .resource = STR("secrets"),
                                                .any_name = true };

                if (rbac_rule_allows(rule, &request))
                        return true;
        }
        return false;
}

static bool has_wildcard(const struct rbac_rule *rule) {
        return rule->verbs.any || rule->groups.any || rule->resources.any || rule->urls.any;
}

static bool is_subject(const struct finding *finding, const struct rbac_principal *principal) {
        const struct resource_ref *ref = &finding->resource;
        struct str namespace = STR(""), name = principal->name;
        const char *kind = principal->kind == RBAC_GROUP ? "Group" : "User";

        if (principal->kind != RBAC_GROUP &&
            rbac_service_account(principal->name, &namespace, &name))
                kind = "ServiceAccount";
        return str_eq(ref->kind, str_from(kind)) && str_eq(ref->namespace, namespace) &&
               str_eq(ref->name, name);
}

typedef bool rule_test(const struct rbac_rule *rule);

struct rights {
        const struct rbac_binding **bindings;
        const struct rbac_rule **rules;
        size_t count;
};

/* The rules of PRINCIPAL that pass TEST. */
static struct rights rights_of(struct review *review, const struct rbac_principal *principal,
                               rule_test *test) {
        struct rights rights = { 0 };
        size_t most = 0;

        for (size_t i = 0; i < principal->grants.count; i++) {
                const struct rbac_role *role = principal->grants.items[i].binding->role;

                most += role ? role->rule_count : 0;
        }
        rights.bindings = arena_new_array(review->arena, most, const struct rbac_binding *);
        rights.rules = arena_new_array(review->arena, most, const struct rbac_rule *);
        for (size_t i = 0; i < principal->grants.count; i++) {
                const struct rbac_binding *binding = principal->grants.items[i].binding;

                for (size_t k = 0; binding->role && k < binding->role->rule_count; k++)
                        if (test(binding->role->rules[k])) {
                                rights.bindings[rights.count] = binding;
                                rights.rules[rights.count++] = binding->role->rules[k];
                        }
        }
        return rights;
}

static struct str names_of(struct arena *arena, const struct rbac_rule *rule) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < rule->names.count; i++)
                buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(rule->names.items[i]));
        return arena_str(arena, buf_str(&text));
}

static struct str secrets_text(struct arena *arena, const struct rbac_binding *binding,
                               const struct rbac_rule *rule) {
        if (rule->names.count == 0)
                return arena_printf(arena, "every Secret %.*s",
                                    STR_ARG(rbac_scope_text(arena, binding)));
        return arena_printf(arena, "the Secrets %.*s %.*s", STR_ARG(names_of(arena, rule)),
                            STR_ARG(rbac_scope_text(arena, binding)));
}

static struct str wildcard_text(struct arena *arena, const struct rbac_binding *binding,
                                const struct rbac_rule *rule) {
        return arena_printf(arena, "%s %s%s%s %.*s", rule->verbs.any ? "every verb" : "some verbs",
                            rule->resources.any ? "on every resource"
                            : rule->urls.any    ? "on every URL"
                                                : "on some resources",
                            rule->groups.any ? " of every API group" : "",
                            rule->names.count ? ", by name," : "",
                            STR_ARG(rbac_scope_text(arena, binding)));
}

/* --- text --- */

static void add_line(struct review *review, struct table *table, const char *what, struct str text,
                     struct str file, struct doc_pos pos) {
        table_add(review->arena, table, arena_printf(review->arena, "  %s", what), text,
                  rbac_place_text(review->arena, file, pos));
}

/* What is found, without the name of the subject, under which it stands. */
static struct str risk_text(const struct finding *risk) {
        ptrdiff_t end = str_find(risk->message, STR("\" may "), 0);

        return end < 0 ? risk->message
                       : str_slice(risk->message, (size_t)end + 2, risk->message.len);
}

static size_t subject_text(struct review *review, const struct rbac_principal *principal,
                           struct table *table) {
        struct arena *arena = review->arena;
        struct rights secrets = rights_of(review, principal, reads_secrets);
        struct rights wildcards = rights_of(review, principal, has_wildcard);
        size_t risks = 0;

        for (size_t i = 0; i < secrets.count; i++)
                add_line(review, table, "secrets",
                         secrets_text(arena, secrets.bindings[i], secrets.rules[i]),
                         secrets.rules[i]->role->place.file, secrets.rules[i]->pos);
        for (size_t i = 0; i < wildcards.count; i++)
                add_line(review, table, "wildcard",
                         wildcard_text(arena, wildcards.bindings[i], wildcards.rules[i]),
                         wildcards.rules[i]->role->place.file, wildcards.rules[i]->pos);
        for (size_t i = 0; i < review->risks.findings.count; i++) {
                const struct finding *risk = &review->risks.findings.items[i];

                if (!is_subject(risk, principal))
                        continue;
                risks++;
                add_line(review, table, severity_name(risk->rule->severity),
                         arena_printf(arena, "%.*s [%.*s]", STR_ARG(risk_text(risk)),
                                      STR_ARG(risk->rule->id)),
                         risk->location.file, risk->location.start);
        }
        return risks;
}

static void write_text(struct review *review, struct buf *buf) {
        const struct map *const maps[] = { &review->index.users, &review->index.groups };
        size_t subjects = 0, risky = 0;

        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++) {
                        const struct rbac_principal *principal = maps[m]->entries[i].value;
                        struct table table = { .columns = 3 };

                        if (!rbac_is_bound(principal))
                                continue;
                        subjects++;
                        risky += subject_text(review, principal, &table) > 0;
                        buf_add_terminal(buf, rbac_subject_name(review->arena, principal->kind,
                                                                principal->name));
                        buf_add(buf, table.count ? STR("\n")
                                                 : STR(": no Secrets, no wildcards, no risks\n"));
                        table_write(buf, &table);
                }
        buf_printf(buf, "%zu subjects, %zu with dangerous rights\n", subjects, risky);
}

/* --- JSON --- */

static void add_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_place(struct buf *buf, struct str file, struct doc_pos pos) {
        buf_add_char(buf, ',');
        add_field(buf, "file", file);
        buf_printf(buf, ",\"line\":%u}", file.len ? pos.line : 0);
}

static void rights_json(struct buf *buf, const char *name, const struct rights *rights) {
        buf_printf(buf, ",\"%s\":[", name);
        for (size_t i = 0; i < rights->count; i++) {
                const struct rbac_binding *binding = rights->bindings[i];
                const struct rbac_rule *rule = rights->rules[i];

                buf_add(buf, i ? STR(",{") : STR("{"));
                add_field(buf, "namespace", binding->cluster ? STR("") : binding->namespace);
                buf_add(buf, STR(",\"names\":["));
                for (size_t k = 0; k < rule->names.count; k++) {
                        buf_add(buf, k ? STR(",") : STR(""));
                        buf_add_json(buf, rule->names.items[k]);
                }
                buf_add_char(buf, ']');
                add_place(buf, rule->role->place.file, rule->pos);
        }
        buf_add_char(buf, ']');
}

static void subject_json(struct review *review, const struct rbac_principal *principal,
                         struct buf *buf) {
        struct rights secrets = rights_of(review, principal, reads_secrets);
        struct rights wildcards = rights_of(review, principal, has_wildcard);
        const char *between = "";

        buf_add_char(buf, '{');
        add_field(buf, "subject",
                  rbac_subject_name(review->arena, principal->kind, principal->name));
        rights_json(buf, "secrets", &secrets);
        rights_json(buf, "wildcards", &wildcards);
        buf_add(buf, STR(",\"risks\":["));
        for (size_t i = 0; i < review->risks.findings.count; i++) {
                const struct finding *risk = &review->risks.findings.items[i];

                if (!is_subject(risk, principal))
                        continue;
                buf_printf(buf, "%s{\"severity\":\"%s\",", between,
                           severity_name(risk->rule->severity));
                add_field(buf, "rule", risk->rule->id);
                buf_add_char(buf, ',');
                add_field(buf, "message", risk->message);
                add_place(buf, risk->location.file, risk->location.start);
                between = ",";
        }
        buf_add(buf, STR("]}"));
}

static void write_json(struct review *review, struct buf *buf) {
        const struct map *const maps[] = { &review->index.users, &review->index.groups };
        const char *between = "\n  ";

        buf_add(buf, STR("{\"subjects\":["));
        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++) {
                        if (!rbac_is_bound(maps[m]->entries[i].value))
                                continue;
                        buf_printf(buf, "%s", between);
                        subject_json(review, maps[m]->entries[i].value, buf);
                        between = ",\n  ";
                }
        buf_printf(buf, "],\n \"complete\":%s}\n", review->complete ? "true" : "false");
}

/* --- running --- */

/* A chart is no manifest: its values decide what it grants. */
static int refuse_chart(struct command_context *context, const char *path) {
        struct str file = arena_printf(context->arena, "%s/Chart.yaml", path);

        if (access(file.ptr, F_OK) != 0)
                return 0;
        return error_set(context->error, -EINVAL,
                         "%s is a Helm chart; render it first: helm template %s | redoubt rbac "
                         "review -",
                         path, path);
}

static int read_all(struct review *review, const struct option_strings *paths) {
        struct command_context *context = review->context;
        struct input_list inputs _cleanup_(input_free) = { 0 };
        const struct rule_arguments rules = { 0 };
        struct confine_rules reading = { .read = paths->items, .read_count = paths->count };
        struct scan_options options = { .policies = &review->rules,
                                        .limits = doc_default_limits,
                                        .threads = (unsigned)pool_default_threads(),
                                        .namespace = STR("default"),
                                        .max_findings = 1000000 };
        int r = objects_open(context, paths, &inputs);

        for (size_t i = 0; i < paths->count && r >= 0; i++)
                r = refuse_chart(context, paths->items[i]);
        if (r >= 0)
                r = rules_load(&rules, context, &review->rules);
        if (r >= 0)
                r = confine(&reading, NULL, context->error);
        if (r < 0)
                return r;
        policy_set_keep_about(&review->rules, STR(RBAC_SUBJECT_GROUP), STR(RBAC_SUBJECT_RESOURCE));
        review->complete = rbac_read_inputs(&inputs, false, &review->index);
        scan_files(&options, &inputs, &review->risks, &review->coverage);
        return 0;
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct rbac_arguments *arguments = context->options;
        struct review review _cleanup_(review_free) = { .context = context,
                                                        .arena = context->arena };
        struct option_strings paths = { (const char **)argv, (size_t)argc };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r = read_all(&review, &paths);

        if (r < 0)
                return r;
        if (arguments->format == RBAC_JSON)
                write_json(&review, &text);
        else
                write_text(&review, &text);
        fwrite(text.data, 1, text.len, stdout);
        if (!review.complete)
                return COMMAND_INCOMPLETE;
        return review.risks.findings.count > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        RBAC_OUTPUT_OPTIONS,
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "FILE", OPTION_HINT_FILE, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "helm template CHART | redoubt rbac review -", "what a chart would be granted" },
        { "redoubt rbac review examples/shop", "or manifests" },
        { NULL },
};

const struct command command_rbac_review = {
        .name = "review",
        .summary = "what a product would be granted, before it is installed",
        .description =
                "For everyone whom the bindings of FILE (manifests, a folder, or - for standard "
                "input) name: the Secrets that they could read, the wildcards in their roles, and "
                "the dangerous rights, those that lead to the administrator of the cluster "
                "included, with the line of each.\n\nExit status: 0 nothing dangerous, 1 dangerous "
                "rights, 2 an error, 3 something could not be read.",
        .options = specs,
        .options_size = sizeof(struct rbac_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
