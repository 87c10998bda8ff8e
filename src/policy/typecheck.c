#include "policy/typecheck.h"

#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "policy/private.h"

/* Kinds that one resource rule may name; with the last of them upstream stops looking. */
enum { KINDS_MAX = 10 };

/* A variable of the policy whose expressions are checked. */
struct typed_variable {
        struct str name;
        const struct cel_type *type;
};

struct policy_typechecker {
        struct arena arena; /* of the environment; types of one policy are in its own */
        const struct structure_set *custom;
        struct cel_env *env;
        const struct typed_variable *variables; /* those that `variables` has at the moment */
        size_t variable_count;
};

/* The environment's variables, by number. */
enum { OBJECT, OLD_OBJECT, REQUEST, NAMESPACE_OBJECT, VARIABLES, AUTHORIZER, PARAMS };

static const struct cel_type *find_variable(const struct cel_object *object, struct str name) {
        const struct policy_typechecker *checker = object->data;

        for (size_t i = checker->variable_count; i-- > 0;)
                if (str_eq(checker->variables[i].name, name))
                        return checker->variables[i].type;
        return NULL;
}

int policy_typechecker_new(const struct policy_set *set, const struct structure_set *custom,
                           struct policy_typechecker **ret, struct error *error) {
        struct cel_env_options options = { .kube_minor = set->kube_minor,
                                           .full = set->kube_minor == POLICY_CEL_FULL };
        struct policy_typechecker *checker = xrealloc(NULL, 1, sizeof(*checker));
        struct cel_object *object;
        int r;

        *checker = (struct policy_typechecker){ .custom = custom };
        r = cel_env_new(&checker->arena, &options, &checker->env);
        if (r < 0) {
                policy_typechecker_free(checker);
                return error_set(error, r, "cannot prepare the CEL environment: %s", strerror(-r));
        }
        object = arena_new(&checker->arena, struct cel_object);
        *object = (struct cel_object){ .find = find_variable, .data = checker };
        cel_env_declare(checker->env, STR("object"), &cel_type_dyn);
        cel_env_declare(checker->env, STR("oldObject"), &cel_type_dyn);
        cel_env_declare(checker->env, STR("request"), policy_type_request());
        cel_env_declare(checker->env, STR("namespaceObject"), policy_type_namespace());
        cel_env_declare(checker->env, STR("variables"),
                        policy_type_variables_of(&checker->arena, object));
        cel_env_declare(checker->env, STR("authorizer"), &cel_type_authorizer);
        cel_env_declare(checker->env, STR("params"), &cel_type_dyn);
        *ret = checker;
        return 0;
}

void policy_typechecker_free(struct policy_typechecker *checker) {
        if (!checker)
                return;
        cel_env_free(checker->env);
        arena_free(&checker->arena);
        free(checker);
}

/* --- which kinds --- */

static int compare_strs(const void *a, const void *b) {
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* A sorted copy of ITEMS; without those that name a subresource, or empty (RET_COUNT 0) where one
 * has a wildcard. RESOURCES with a wildcard are only left out. */
static struct str *plain(struct arena *arena, const struct str *items, size_t count, bool resources,
                         size_t *ret_count) {
        struct str *kept = arena_new_array(arena, count + 1, struct str);
        size_t n = 0;

        *ret_count = 0;
        for (size_t i = 0; i < count; i++) {
                if (str_find(items[i], STR("*"), 0) >= 0) {
                        if (!resources)
                                return kept;
                } else if (!resources || str_find(items[i], STR("/"), 0) < 0) {
                        kept[n++] = items[i];
                }
        }
        if (n > 1)
                qsort(kept, n, sizeof(*kept), compare_strs);
        *ret_count = n;
        return kept;
}

static bool same_ignoring_case(struct str a, struct str b) {
        return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* Whether discovery finds GVK by its plural or singular. To upstream's mapper an empty group is no
 * group: core/v1 "deployments" are those of apps/v1. */
static bool is_named(const struct structure_gvk *gvk, struct str group, struct str version,
                     struct str resource) {
        return gvk->served && gvk->resource.len > 0 && str_eq(gvk->version, version) &&
               (group.len == 0 || str_eq(gvk->group, group)) &&
               (same_ignoring_case(resource, gvk->resource) ||
                same_ignoring_case(resource, gvk->kind));
}

struct kinds {
        struct arena *arena;
        VEC(const struct structure_gvk *) items; /* without duplicates */
        size_t named;                            /* by the present rule, with duplicates */
};

/* False: enough. */
static bool add_kind(struct kinds *kinds, const struct structure_gvk *gvk) {
        bool known = false;

        for (size_t i = 0; i < kinds->items.count; i++)
                known = known || kinds->items.items[i] == gvk;
        if (!known)
                *vec_push_in(kinds->arena, &kinds->items) = gvk;
        return ++kinds->named < KINDS_MAX;
}

static bool add_named(const struct policy_typechecker *checker, struct kinds *kinds,
                      struct str group, struct str version, struct str resource) {
        size_t count;
        const struct structure_gvk *builtins = structure_builtins(&count);

        for (size_t i = 0; i < count; i++)
                if (is_named(&builtins[i], group, version, resource) &&
                    !add_kind(kinds, &builtins[i]))
                        return false;
        for (size_t i = 0; checker->custom && i < checker->custom->gvks.count; i++) {
                const struct structure_gvk *gvk = checker->custom->gvks.entries[i].value;

                if (is_named(gvk, group, version, resource) && !add_kind(kinds, gvk))
                        return false;
        }
        return true;
}

static bool add_rule(const struct policy_typechecker *checker, struct kinds *kinds,
                     const struct policy_rule *rule) {
        size_t group_count, version_count, resource_count;
        struct str *groups =
                plain(kinds->arena, rule->groups, rule->group_count, false, &group_count);
        struct str *versions =
                plain(kinds->arena, rule->versions, rule->version_count, false, &version_count);
        struct str *resources =
                plain(kinds->arena, rule->resources, rule->resource_count, true, &resource_count);

        kinds->named = 0;
        for (size_t g = 0; g < group_count; g++)
                for (size_t v = 0; v < version_count; v++)
                        for (size_t r = 0; r < resource_count; r++)
                                if (!add_named(checker, kinds, groups[g], versions[v],
                                               resources[r]))
                                        return false;
        return true;
}

static int compare_kinds(const void *a, const void *b) {
        const struct structure_gvk *x = *(const struct structure_gvk *const *)a,
                                   *y = *(const struct structure_gvk *const *)b;
        int r = str_cmp(x->group, y->group);

        if (r == 0)
                r = str_cmp(x->version, y->version);
        return r ? r : str_cmp(x->kind, y->kind);
}

/* The kinds that POLICY's rules name, in the order of group, version and kind. */
static void kinds_of(const struct policy_typechecker *checker, const struct policy *policy,
                     struct arena *arena, struct policy_type_warnings *ret) {
        struct kinds kinds = { .arena = arena };

        for (size_t i = 0; i < policy->match.rule_count; i++)
                if (!add_rule(checker, &kinds, &policy->match.rules[i]))
                        break;
        if (kinds.items.count > 1)
                qsort(kinds.items.items, kinds.items.count, sizeof(*kinds.items.items),
                      compare_kinds);
        ret->kinds = kinds.items.items;
        ret->kind_count = kinds.items.count;
}

/* --- checking --- */

/* The expressions of a policy that are checked, and what is wrong with each. */
struct checked {
        const struct doc_node *node;
        struct policy_type_warning warning;
        size_t faulty; /* kinds that it does not fit */
};

static void add_checked(struct arena *arena, struct checked *checked, size_t validation,
                        const struct doc_node *item, const char *field) {
        checked->node = doc_get(item, str_from(field));
        checked->warning.field_ref =
                arena_printf(arena, "spec.validations[%zu].%s", validation, field);
}

static struct checked *checked_of(const struct policy *policy, struct arena *arena,
                                  size_t *ret_count) {
        const struct doc_node *list = doc_get(policy->spec, STR("validations"));
        size_t items = list && list->kind == DOC_LIST ? list->list.count : 0, count = 0;
        struct checked *checked = arena_new_array(arena, 2 * items + 1, struct checked);

        for (size_t i = 0; i < items; i++) {
                const struct doc_node *item = &list->list.items[i];
                struct str message = doc_string(doc_get(item, STR("messageExpression")), STR(""));

                add_checked(arena, &checked[count++], i, item, "expression");
                if (message.len > 0)
                        add_checked(arena, &checked[count++], i, item, "messageExpression");
        }
        *ret_count = count;
        return checked;
}

/* The type of objects of GVK (NULL: unknown); its name is that of the kind with SUFFIX. */
static const struct cel_type *type_of_kind(const struct structure_gvk *gvk, struct arena *arena,
                                           const char *suffix) {
        const struct cel_type *type = NULL;

        if (gvk)
                type = policy_type_of_structure(
                        arena, gvk->structure,
                        arena_printf(arena, "%.*s%s", STR_ARG(gvk->kind), suffix));
        return type ? type : &cel_type_dyn;
}

static const struct cel_type *params_type(const struct policy_typechecker *checker,
                                          const struct policy *policy, struct arena *arena,
                                          const struct structure_gvk *object) {
        struct str api_version = policy->param_version;
        const struct structure_gvk *gvk;

        if (policy->param_group.len > 0)
                api_version = arena_printf(arena, "%.*s/%.*s", STR_ARG(policy->param_group),
                                           STR_ARG(policy->param_version));
        gvk = structure_gvk_find(NULL, api_version, policy->param_kind);
        if (!gvk) {
                gvk = structure_gvk_find(checker->custom, api_version, policy->param_kind);
                /* only what is served is published */
                gvk = gvk && gvk->served ? gvk : NULL;
        }
        /* types are told apart by name, and these two are different */
        return type_of_kind(gvk, arena, gvk && str_eq(gvk->kind, object->kind) ? "2" : "");
}

/* Gives `variables` the variables of POLICY; one that is wrong is dyn. */
static void declare_variables(struct policy_typechecker *checker, const struct policy *policy,
                              struct arena *arena) {
        const struct doc_node *list = doc_get(policy->spec, STR("variables"));
        struct typed_variable *variables =
                arena_new_array(arena, policy->variable_count + 1, struct typed_variable);

        checker->variables = variables;
        checker->variable_count = 0;
        for (size_t i = 0; i < policy->variable_count; i++) {
                struct cel_issues issues = { .arena = arena };
                const struct cel_type *type = cel_typecheck(
                        checker->env,
                        doc_string(doc_get(&list->list.items[i], STR("expression")), STR("")),
                        &issues);

                variables[i] = (struct typed_variable){
                        policy->variables[i].name,
                        type ? policy_variable_type(arena, type) : &cel_type_dyn,
                };
                checker->variable_count++;
        }
}

/* Adds what is wrong with an expression where the object is of KIND. */
static void add_problems(const struct policy *policy, struct checked *checked,
                         const struct structure_gvk *kind, struct cel_issues *issues) {
        struct policy_type_warning *warning = &checked->warning;
        struct str text = cel_issues_text(issues, checked->node->string);

        warning->text = arena_printf(issues->arena, "%.*s%s%.*s/%.*s, Kind=%.*s: %.*s\n",
                                     STR_ARG(warning->text), checked->faulty++ > 0 ? "\n" : "",
                                     STR_ARG(kind->group), STR_ARG(kind->version),
                                     STR_ARG(kind->kind), STR_ARG(text));
        for (size_t i = 0; i < issues->count; i++) {
                const struct cel_issue *issue = &issues->items[i];

                *vec_push_in(issues->arena, &warning->problems) =
                        (struct policy_type_problem){ kind, issue->message, issue->detail,
                                                      policy_place(policy->document->source,
                                                                   checked->node, issue->pos.line,
                                                                   issue->pos.column) };
        }
}

static void check_kind(struct policy_typechecker *checker, const struct policy *policy,
                       const struct structure_gvk *kind, struct checked *checked, size_t count,
                       struct arena *arena) {
        const struct cel_type *type = type_of_kind(kind, arena, "");

        cel_env_retype(checker->env, OBJECT, type);
        cel_env_retype(checker->env, OLD_OBJECT, type);
        cel_env_hide(checker->env, PARAMS, !policy->has_params);
        if (policy->has_params)
                cel_env_retype(checker->env, PARAMS, params_type(checker, policy, arena, kind));
        declare_variables(checker, policy, arena);
        for (size_t i = 0; i < count; i++) {
                struct cel_issues issues = { .arena = arena };

                if (!cel_typecheck(checker->env, checked[i].node->string, &issues))
                        add_problems(policy, &checked[i], kind, &issues);
        }
}

void policy_typecheck(struct policy_typechecker *checker, const struct policy *policy,
                      struct arena *arena, struct policy_type_warnings *ret) {
        size_t count;
        struct checked *checked = checked_of(policy, arena, &count);

        *ret = (struct policy_type_warnings){ 0 };
        kinds_of(checker, policy, arena, ret);
        for (size_t i = 0; i < ret->kind_count; i++)
                check_kind(checker, policy, ret->kinds[i], checked, count, arena);
        for (size_t i = 0; i < count; i++)
                if (checked[i].faulty > 0)
                        *vec_push_in(arena, &ret->items) = checked[i].warning;
}
