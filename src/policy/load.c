/*
 * Reading ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their bindings.
 *
 * Strict, as kubectl is: a field that the API server does not know is an error with a suggestion,
 * because a misspelt `matchConditions` would silently widen a policy.
 */
#include <ctype.h>
#include <errno.h>

#include "base/util.h"
#include "kube/selector.h"
#include "policy/fields.h"
#include "policy/private.h"

/* The reader's state: where memory comes from and what is read. */
struct loader {
        struct policy_set *set;
        struct arena *arena;
        const struct doc *doc;
};

static const char *const object_fields[] = { "apiVersion", "kind",   "metadata",
                                             "spec",       "status", NULL };
static const char *const policy_fields[] = { "paramKind",        "matchConstraints",
                                             "validations",      "failurePolicy",
                                             "auditAnnotations", "matchConditions",
                                             "variables",        NULL };
static const char *const mutating_fields[] = { "paramKind",          "matchConstraints",
                                               "mutations",          "failurePolicy",
                                               "reinvocationPolicy", "matchConditions",
                                               "variables",          NULL };
static const char *const mutating_binding_fields[] = { "policyName", "paramRef", "matchResources",
                                                       NULL };
static const char *const binding_fields[] = { "policyName", "paramRef", "matchResources",
                                              "validationActions", NULL };
static const char *const match_fields[] = { "namespaceSelector", "objectSelector",
                                            "resourceRules",     "excludeResourceRules",
                                            "matchPolicy",       NULL };
static const char *const rule_fields[] = { "apiGroups", "apiVersions",   "operations",
                                           "resources", "resourceNames", "scope",
                                           NULL };

/* --- matching --- */

static int read_operations(const struct doc_node *rule, struct loader *l, unsigned *ret,
                           struct error *error) {
        struct str *names = NULL;
        size_t count = 0;
        int r = policy_read_strings(l->arena, rule, "operations", &names, &count, error);

        if (r < 0)
                return r;
        for (size_t i = 0; i < count; i++) {
                if (str_eq(names[i], STR("*")))
                        *ret |= POLICY_CREATE | POLICY_UPDATE | POLICY_DELETE | POLICY_CONNECT;
                else if (str_eq(names[i], STR("CREATE")))
                        *ret |= POLICY_CREATE;
                else if (str_eq(names[i], STR("UPDATE")))
                        *ret |= POLICY_UPDATE;
                else if (str_eq(names[i], STR("DELETE")))
                        *ret |= POLICY_DELETE;
                else if (str_eq(names[i], STR("CONNECT")))
                        *ret |= POLICY_CONNECT;
                else
                        return bad(rule, error,
                                   "\"%.*s\" is no operation (CREATE, UPDATE, DELETE, CONNECT, *)",
                                   STR_ARG(names[i]));
        }
        if (count == 0)
                return bad(rule, error, "a resource rule needs operations");
        return 0;
}

static int read_rule(struct loader *l, const struct doc_node *node, struct policy_rule *rule,
                     struct error *error) {
        int r = policy_check_fields(node, "a resource rule", rule_fields, error);

        if (r >= 0)
                r = policy_read_strings(l->arena, node, "apiGroups", &rule->groups,
                                        &rule->group_count, error);
        if (r >= 0)
                r = policy_read_strings(l->arena, node, "apiVersions", &rule->versions,
                                        &rule->version_count, error);
        if (r >= 0)
                r = policy_read_strings(l->arena, node, "resources", &rule->resources,
                                        &rule->resource_count, error);
        if (r >= 0)
                r = policy_read_strings(l->arena, node, "resourceNames", &rule->names,
                                        &rule->name_count, error);
        if (r >= 0)
                r = read_operations(node, l, &rule->operations, error);
        if (r >= 0)
                r = policy_read_string(node, "scope", &rule->scope, error);
        if (r < 0)
                return r;
        if (rule->group_count == 0 || rule->version_count == 0 || rule->resource_count == 0)
                return bad(node, error,
                           "a resource rule needs apiGroups, apiVersions and resources");
        if (rule->scope.len == 0)
                rule->scope = STR("*");
        if (!str_eq(rule->scope, STR("*")) && !str_eq(rule->scope, STR("Cluster")) &&
            !str_eq(rule->scope, STR("Namespaced")))
                return bad(node, error, "\"%.*s\" is no scope (*, Cluster, Namespaced)",
                           STR_ARG(rule->scope));
        return 0;
}

static int read_rules(struct loader *l, const struct doc_node *match, const char *field,
                      struct policy_rule **ret, size_t *ret_count, struct error *error) {
        const struct doc_node *list = NULL;
        int r = policy_read_list(match, field, &list, error);

        if (r < 0)
                return r;
        *ret = arena_new_array(l->arena, list->list.count, struct policy_rule);
        for (uint32_t i = 0; i < list->list.count; i++) {
                r = read_rule(l, &list->list.items[i], &(*ret)[i], error);
                if (r < 0)
                        return r;
        }
        *ret_count = list->list.count;
        return 0;
}

static int read_selector(const struct doc_node *match, const char *field,
                         const struct doc_node **ret, struct error *error) {
        const struct doc_node *selector = doc_get(match, str_from(field));

        if (!selector || selector->kind == DOC_NULL)
                return 0;
        *ret = selector;
        return kube_selector_check(selector, error);
}

static int read_match(struct loader *l, const struct doc_node *node, struct policy_match *match,
                      struct error *error) {
        struct str policy = STR("");
        int r = policy_check_fields(node, "the match constraints", match_fields, error);

        if (r >= 0)
                r = read_rules(l, node, "resourceRules", &match->rules, &match->rule_count, error);
        if (r >= 0)
                r = read_rules(l, node, "excludeResourceRules", &match->exclude,
                               &match->exclude_count, error);
        if (r >= 0)
                r = read_selector(node, "namespaceSelector", &match->namespace_selector, error);
        if (r >= 0)
                r = read_selector(node, "objectSelector", &match->object_selector, error);
        if (r >= 0)
                r = policy_read_string(node, "matchPolicy", &policy, error);
        if (r < 0)
                return r;
        match->exact = str_eq(policy, STR("Exact"));
        if (policy.len > 0 && !match->exact && !str_eq(policy, STR("Equivalent")))
                return bad(node, error, "\"%.*s\" is no matchPolicy (Exact, Equivalent)",
                           STR_ARG(policy));
        return 0;
}

/* --- metadata --- */

/* "pods-privileged" of practice "pods" is rule "pods/privileged"; a policy without our label keeps
 * its name. */
static struct str rule_id(struct arena *arena, struct str practice, struct str name) {
        if (practice.len == 0)
                return name;
        if (str_starts(name, practice) && name.len > practice.len + 1 &&
            name.ptr[practice.len] == '-')
                name = str_slice(name, practice.len + 1, name.len);
        return arena_printf(arena, "%.*s/%.*s", STR_ARG(practice), STR_ARG(name));
}

static int read_metadata(struct loader *l, const struct doc_node *object, struct policy *policy,
                         struct error *error) {
        const struct doc_node *metadata = doc_get(object, STR("metadata"));
        const struct doc_node *labels = doc_get(metadata, STR("labels"));
        const struct doc_node *annotations = doc_get(metadata, STR("annotations"));
        const struct doc_node *severity = doc_get(labels, STR(POLICY_LABEL_SEVERITY));
        struct rule_info *info = &policy->info;
        struct str practice, judge, reads;
        int r;

        if (!metadata)
                return bad(object, error, "a policy needs metadata.name");
        r = policy_read_string(metadata, "name", &policy->name, error);
        if (r < 0)
                return r;
        if (policy->name.len == 0)
                return bad(metadata, error, "a policy needs metadata.name");
        practice = doc_string(doc_get(labels, STR(POLICY_LABEL_PRACTICE)), STR(""));
        info->id = rule_id(l->arena, practice, policy->name);
        info->practice = practice.len > 0 ? practice : STR("other");
        info->title = doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_TITLE)), policy->name);
        info->why = doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_WHY)), STR(""));
        info->remedy = doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_REMEDY)), STR(""));
        info->severity = SEVERITY_MEDIUM;
        info->source = l->doc->source->name;
        if (severity && severity_parse(doc_string(severity, STR("")), &info->severity) < 0)
                return bad(severity, error,
                           POLICY_LABEL_SEVERITY " must be critical, high, medium or low");
        r = policy_read_controls(l->arena, doc_get(annotations, STR(POLICY_ANNOTATION_CONTROLS)),
                                 policy, error);
        if (r < 0)
                return r;
        judge = doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_JUDGE)), STR(""));
        policy->pod_templates = str_eq(judge, STR("pod-templates"));
        if (judge.len > 0 && !policy->pod_templates)
                return bad(annotations, error, POLICY_ANNOTATION_JUDGE " must be pod-templates");
        reads = doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_READS)), STR(""));
        policy->metadata_only = str_eq(reads, STR("metadata"));
        if (reads.len > 0 && !policy->metadata_only)
                return bad(annotations, error, POLICY_ANNOTATION_READS " must be metadata");
        return 0;
}

static int read_failure_policy(const struct doc_node *spec, struct policy *policy,
                               struct error *error) {
        struct str text = STR("");
        int r = policy_read_string(spec, "failurePolicy", &text, error);

        if (r < 0)
                return r;
        policy->ignore_failures = str_eq(text, STR("Ignore"));
        if (text.len > 0 && !policy->ignore_failures && !str_eq(text, STR("Fail")))
                return bad(spec, error, "\"%.*s\" is no failurePolicy (Fail, Ignore)",
                           STR_ARG(text));
        return 0;
}

/* What is read only of a policy that mutates. There is nothing to mutate in a deletion. */
static int read_mutating(const struct doc_node *spec, struct policy *policy, struct error *error) {
        const unsigned all = POLICY_CREATE | POLICY_UPDATE | POLICY_DELETE | POLICY_CONNECT;
        struct str text = STR("");
        int r = policy_read_string(spec, "reinvocationPolicy", &text, error);

        if (r < 0)
                return r;
        policy->reinvoke = str_eq(text, STR("IfNeeded"));
        if (!policy->reinvoke && !str_eq(text, STR("Never")))
                return bad(spec, error,
                           "a mutating policy needs a reinvocationPolicy: Never or IfNeeded");
        for (size_t i = 0; i < policy->match.rule_count; i++) {
                unsigned operations = policy->match.rules[i].operations;

                if ((operations & POLICY_DELETE) && operations != all)
                        return bad(spec, error,
                                   "a mutating policy cannot match DELETE (CREATE, UPDATE, "
                                   "CONNECT, *)");
        }
        return 0;
}

static int read_spec(struct loader *l, const struct doc_node *object, struct policy *policy,
                     struct error *error) {
        const struct doc_node *spec = doc_get(object, STR("spec"));
        const struct doc_node *match = doc_get(spec, STR("matchConstraints"));
        int r;

        if (!spec)
                return bad(object, error, "a policy needs a spec");
        r = policy_check_fields(
                spec, policy->mutates ? "the spec of a mutating policy" : "the spec of a policy",
                policy->mutates ? mutating_fields : policy_fields, error);
        if (r < 0)
                return r;
        if (!match)
                return bad(spec, error, "a policy needs matchConstraints with resourceRules");
        r = read_match(l, match, &policy->match, error);
        if (r < 0)
                return r;
        if (policy->match.rule_count == 0)
                return bad(match, error, "matchConstraints needs resourceRules");
        r = policy_read_param_kind(spec, policy, error);
        if (r >= 0)
                r = read_failure_policy(spec, policy, error);
        if (r >= 0 && policy->mutates)
                r = read_mutating(spec, policy, error);
        return r;
}

static bool continues_name(struct str text, size_t at) {
        return at < text.len && (isalnum((unsigned char)text.ptr[at]) || text.ptr[at] == '_');
}

/* Whether TEXT has NAME as a whole word: "request" is not in "object.spec.requests". */
static bool has_name(struct str text, struct str name) {
        ptrdiff_t at = 0;

        while ((at = str_find(text, name, (size_t)at)) >= 0) {
                if (!continues_name(text, (size_t)at + name.len) &&
                    (at == 0 || !continues_name(text, (size_t)at - 1)))
                        return true;
                at++;
        }
        return false;
}

/* Whether an expression below SPEC mentions WORD. Text is enough: a mention in vain costs little.
 */
static bool mentions(const struct doc_node *node, struct str word) {
        if (node->kind == DOC_STRING)
                return has_name(node->string, word);
        if (node->kind == DOC_LIST)
                for (uint32_t i = 0; i < node->list.count; i++)
                        if (mentions(&node->list.items[i], word))
                                return true;
        if (node->kind == DOC_MAP)
                for (uint32_t i = 0; i < node->map.count; i++)
                        if (mentions(&node->map.entries[i].value, word))
                                return true;
        return false;
}

/* Makes POLICY, defined by OBJECT, one of SET. */
static int add_policy(struct policy_set *set, const struct doc_node *object, struct policy *policy,
                      struct error *error) {
        struct map_entry *entry = map_put(&set->by_id, policy->info.id);

        if (entry->value)
                return bad(object, error, "there is already a rule \"%.*s\", from %.*s",
                           STR_ARG(policy->info.id),
                           STR_ARG(((struct policy *)entry->value)->info.source));
        entry->value = policy;
        *vec_push(&set->policies) = policy;
        return 0;
}

static struct str fix_of(const struct doc_node *object) {
        const struct doc_node *annotations = doc_find(object, "metadata", "annotations");

        return doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_FIX)), STR(""));
}

/* Makes FIX, defined by OBJECT, that of the rule that it names: one that was read before. */
static int add_fix(struct policy_set *set, const struct doc_node *object, struct policy *fix,
                   struct error *error) {
        const struct doc_node *annotations = doc_find(object, "metadata", "annotations");
        struct str id = fix_of(object);
        struct policy *rule = map_get(&set->by_id, id);

        if (!rule)
                return bad(annotations, error,
                           POLICY_ANNOTATION_FIX ": there is no rule \"%.*s\" before this fix",
                           STR_ARG(id));
        if (rule->fix)
                return bad(annotations, error, "rule \"%.*s\" has a fix already", STR_ARG(id));
        fix->unsafe = doc_string(doc_get(annotations, STR(POLICY_ANNOTATION_UNSAFE)), STR(""));
        rule->fix = fix;
        rule->info.has_fix = true;
        *vec_push(&set->fixes) = fix;
        return 0;
}

int policy_load(struct policy_set *set, const struct doc *doc, const struct doc_node *object,
                bool lazy, struct error *error) {
        struct policy *policy = arena_new(&set->arena, struct policy);
        struct loader l = { .set = set, .arena = &set->arena, .doc = doc };
        int r;

        policy->document = doc;
        policy->object = object;
        policy->mutates =
                str_eq(doc_string(doc_get(object, STR("kind")), STR("")), STR(POLICY_MUTATING));
        policy->params = &set->params;
        policy->spec = doc_get(object, STR("spec"));
        r = policy_check_fields(object, "a policy", object_fields, error);
        if (r >= 0)
                r = read_metadata(&l, object, policy, error);
        if (r >= 0)
                r = read_spec(&l, object, policy, error);
        if (r >= 0 && !lazy)
                r = policy_compile(set, policy, error);
        if (r < 0)
                return r;
        policy->uses_object = mentions(policy->spec, STR("object"));
        policy->uses_old_object = mentions(policy->spec, STR("oldObject"));
        policy->uses_request = mentions(policy->spec, STR("request"));
        policy->uses_authorizer = mentions(policy->spec, STR("authorizer"));
        policy->uses_namespace =
                policy->match.namespace_selector || mentions(policy->spec, STR("namespaceObject"));
        if (!policy->mutates)
                return add_policy(set, object, policy, error);
        if (fix_of(object).len > 0)
                return add_fix(set, object, policy, error);
        *vec_push(&set->mutators) = policy;
        return 0;
}

static int read_check(const struct doc_node *object, enum policy_check *ret, struct error *error) {
        static const char *const names[POLICY_CHECK_COUNT] = {
                [POLICY_CHECK_UNKNOWN_FIELD] = "unknown-field",
                [POLICY_CHECK_WRONG_TYPE] = "wrong-type",
                [POLICY_CHECK_MISSING_FIELD] = "missing-field",
                [POLICY_CHECK_UNKNOWN_VALUE] = "unknown-value",
                [POLICY_CHECK_DUPLICATE_KEY] = "duplicate-key",
                [POLICY_CHECK_UNKNOWN_KIND] = "unknown-kind",
                [POLICY_CHECK_UNSERVED_VERSION] = "unserved-version",
                [POLICY_CHECK_DRIFT] = "drift",
                [POLICY_CHECK_MISSING_LIVE] = "missing-live",
                [POLICY_CHECK_UNDECLARED] = "undeclared",
        };
        struct str name = doc_string(doc_find(object, "spec", "check"), STR(""));

        for (size_t i = 1; i < ELEMENTS(names); i++)
                if (str_eq(name, str_from(names[i]))) {
                        *ret = (enum policy_check)i;
                        return 0;
                }
        return bad(object, error, "\"%.*s\" is no check", STR_ARG(name));
}

int policy_load_check(struct policy_set *set, const struct doc *doc, const struct doc_node *object,
                      struct error *error) {
        struct policy *policy = arena_new(&set->arena, struct policy);
        struct loader l = { .set = set, .arena = &set->arena, .doc = doc };
        int r = read_metadata(&l, object, policy, error);

        if (r >= 0)
                r = read_check(object, &policy->check, error);
        if (r < 0)
                return r;
        policy->document = doc;
        policy->params = &set->params;
        policy->spec = doc_get(object, STR("spec"));
        policy->compiled = true;
        return add_policy(set, object, policy, error);
}

static int read_actions(struct loader *l, const struct doc_node *spec,
                        struct policy_binding *binding, struct error *error) {
        struct str *actions = NULL;
        size_t count = 0;
        int r = policy_read_strings(l->arena, spec, "validationActions", &actions, &count, error);

        if (r < 0)
                return r;
        for (size_t i = 0; i < count; i++) {
                bool *action = str_eq(actions[i], STR("Deny"))    ? &binding->deny
                               : str_eq(actions[i], STR("Warn"))  ? &binding->warn
                               : str_eq(actions[i], STR("Audit")) ? &binding->audit
                                                                  : NULL;

                if (!action)
                        return bad(spec, error,
                                   "\"%.*s\" is no validationAction (Deny, Warn, Audit)",
                                   STR_ARG(actions[i]));
                if (*action)
                        return bad(spec, error, "validationActions holds %.*s twice",
                                   STR_ARG(actions[i]));
                *action = true;
        }
        binding->action_list = doc_get(spec, STR("validationActions"));
        if (!binding->deny && !binding->warn && !binding->audit)
                return bad(spec, error, "a binding needs validationActions (Deny, Warn, Audit)");
        if (binding->deny && binding->warn)
                return bad(spec, error, "validationActions must not hold both Deny and Warn");
        return 0;
}

int policy_load_binding(struct policy_set *set, const struct doc *doc,
                        const struct doc_node *object, struct error *error) {
        struct policy_binding *binding = arena_new(&set->arena, struct policy_binding);
        struct loader l = { .set = set, .arena = &set->arena };
        const struct doc_node *spec = doc_get(object, STR("spec"));
        const struct doc_node *match = doc_get(spec, STR("matchResources"));
        int r;

        r = policy_check_fields(object, "a binding", object_fields, error);
        if (r < 0)
                return r;
        if (!spec)
                return bad(object, error, "a binding needs a spec");
        binding->mutates = str_eq(doc_string(doc_get(object, STR("kind")), STR("")),
                                  STR(POLICY_MUTATING "Binding"));
        r = policy_check_fields(spec, "the spec of a binding",
                                binding->mutates ? mutating_binding_fields : binding_fields, error);
        if (r >= 0)
                r = policy_read_string(spec, "policyName", &binding->policy_name, error);
        if (r >= 0 && binding->policy_name.len == 0)
                r = bad(spec, error, "a binding needs a policyName");
        if (r >= 0 && !binding->mutates)
                r = read_actions(&l, spec, binding, error);
        if (r >= 0 && match && match->kind != DOC_NULL) {
                binding->has_match = true;
                r = read_match(&l, match, &binding->match, error);
        }
        if (r >= 0)
                r = policy_read_param_ref(spec, binding, error);
        if (r < 0)
                return r;
        binding->document = doc;
        binding->object = object;
        binding->name = doc_string(doc_find(object, "metadata", "name"), STR(""));
        *vec_push(&set->bindings) = binding;
        return 0;
}
