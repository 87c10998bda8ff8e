#include "policy/export.h"

#include <errno.h>

#include "base/util.h"
#include "doc/write.h"
#include "policy/private.h"

/* The pod that an object stands for, by the kind of the request. dyn() because the server checks
 * expressions against the type of every kind that a policy matches, and no kind has all of these
 * fields. */
#define THE_POD                                                                                    \
        "request.kind.kind == 'Pod' ? dyn(object) : request.kind.kind == 'CronJob' ? "             \
        "dyn(object).spec.jobTemplate.spec.template : dyn(object).spec.template"

struct exporter {
        struct arena *arena;
        const struct policy *policy;
        struct str pod_variable; /* empty: expressions stay as they are */
};

/* --- trees --- */

static struct doc_node text_node(struct str text) {
        struct doc_node node = { .kind = DOC_STRING };

        doc_set_string(&node, text);
        return node;
}

/* A list of the COUNT strings in TEXTS. */
static const struct doc_node *text_list(struct exporter *e, const struct str *texts, size_t count) {
        struct doc_node *list = doc_new_list(e->arena, NULL, count);

        for (size_t i = 0; i < count; i++)
                list->list.items[i] = text_node(texts[i]);
        return list;
}

/* MAP with VALUE at KEY (NULL: without KEY). MAP has it already, or is to get it at the end. */
static const struct doc_node *with(struct exporter *e, const struct doc_node *map, struct str key,
                                   const struct doc_node *value) {
        bool has = doc_get(map, key);
        struct doc_node *made = doc_new_map(e->arena, map, map->map.count + !has);
        size_t count = 0;

        for (uint32_t i = 0; i < map->map.count; i++) {
                const struct doc_entry *entry = &map->map.entries[i];

                if (!str_eq(entry->key, key))
                        doc_map_set(made, count++, entry->key, &entry->value);
                else if (value)
                        doc_map_set(made, count++, key, value);
        }
        if (!has && value)
                doc_map_set(made, count++, key, value);
        made->map.count = (uint32_t)count;
        doc_map_index(e->arena, made);
        return made;
}

/* --- expressions that look at templates --- */

static const struct doc_node *rewritten(struct exporter *e, const struct doc_node *map,
                                        struct str field, struct str replacement) {
        const struct doc_node *node = doc_get(map, field);
        struct doc_node *made;

        if (!node || node->kind != DOC_STRING)
                return map;
        made = arena_new(e->arena, struct doc_node);
        *made = text_node(cel_replace_variable(e->arena, node->string, STR("object"), replacement));
        return with(e, map, field, made);
}

/* The list FIELD of SPEC with the expressions of its items rewritten. */
static const struct doc_node *rewrite_list(struct exporter *e, const struct doc_node *spec,
                                           struct str field, struct str replacement) {
        const struct doc_node *list = doc_get(spec, field);
        struct doc_node *made;

        if (!list || list->kind != DOC_LIST)
                return spec;
        made = doc_new_list(e->arena, list, list->list.count);
        for (uint32_t i = 0; i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                item = rewritten(e, item, STR("expression"), replacement);
                item = rewritten(e, item, STR("messageExpression"), replacement);
                item = rewritten(e, item, STR("valueExpression"), replacement);
                made->list.items[i] = *item;
        }
        return with(e, spec, field, made);
}

static const struct doc_node *add_pod_variable(struct exporter *e, const struct doc_node *spec) {
        const struct doc_node *list = doc_get(spec, STR("variables"));
        size_t count = list && list->kind == DOC_LIST ? list->list.count : 0;
        struct doc_node *made = doc_new_list(e->arena, spec, count + 1);
        struct doc_node *variable = doc_new_map(e->arena, spec, 2);
        struct doc_node text = text_node(e->pod_variable);

        doc_map_set(variable, 0, STR("name"), &text);
        text = text_node(STR(THE_POD));
        doc_map_set(variable, 1, STR("expression"), &text);
        doc_map_index(e->arena, variable);
        made->list.items[0] = *variable;
        for (size_t i = 0; i < count; i++)
                made->list.items[i + 1] = list->list.items[i];
        return with(e, spec, STR("variables"), made);
}

/* A name that no variable of the policy has. */
static struct str free_name(const struct policy *policy) {
        static const char *const names[] = { "pod", "judgedPod", "podOfObject" };

        for (size_t k = 0; k < ELEMENTS(names); k++) {
                bool taken = false;

                for (size_t i = 0; i < policy->variable_count; i++)
                        taken |= str_eq(policy->variables[i].name, str_from(names[k]));
                if (!taken)
                        return str_from(names[k]);
        }
        return STR("redoubtPod");
}

/* --- resources --- */

static const struct doc_node *workload_rule(struct exporter *e, const struct doc_node *rule,
                                            struct str group, const struct str *resources,
                                            size_t count) {
        rule = with(e, rule, STR("apiGroups"), text_list(e, &group, 1));
        rule = with(e, rule, STR("apiVersions"), text_list(e, &(struct str)STR_INIT("v1"), 1));
        return with(e, rule, STR("resources"), text_list(e, resources, count));
}

/* The rules of the policy, and for each that is about pods those for the workloads that make them.
 */
static const struct doc_node *add_workloads(struct exporter *e, const struct doc_node *spec) {
        static const struct str core[] = { STR_INIT("replicationcontrollers") },
                                apps[] = { STR_INIT("deployments"), STR_INIT("statefulsets"),
                                           STR_INIT("daemonsets"), STR_INIT("replicasets") },
                                batch[] = { STR_INIT("jobs"), STR_INIT("cronjobs") };
        const struct doc_node *match = doc_get(spec, STR("matchConstraints"));
        const struct doc_node *rules = doc_get(match, STR("resourceRules"));
        struct doc_node *made = doc_new_list(e->arena, rules, (size_t)rules->list.count * 4);
        uint32_t count = 0;

        for (uint32_t i = 0; i < rules->list.count; i++) {
                const struct doc_node *rule = &rules->list.items[i];
                const struct policy_rule *read = &e->policy->match.rules[i];
                bool pods = false;

                made->list.items[count++] = *rule;
                for (size_t k = 0; k < read->resource_count; k++)
                        pods |= str_eq(read->resources[k], STR("pods"));
                if (!pods)
                        continue;
                made->list.items[count++] = *workload_rule(e, rule, STR(""), core, ELEMENTS(core));
                made->list.items[count++] =
                        *workload_rule(e, rule, STR("apps"), apps, ELEMENTS(apps));
                made->list.items[count++] =
                        *workload_rule(e, rule, STR("batch"), batch, ELEMENTS(batch));
        }
        made->list.count = count;
        return with(e, spec, STR("matchConstraints"), with(e, match, STR("resourceRules"), made));
}

static const struct doc_node *expand(struct exporter *e, const struct doc_node *spec) {
        struct str pod;

        e->pod_variable = free_name(e->policy);
        pod = arena_printf(e->arena, "variables.%.*s", STR_ARG(e->pod_variable));
        spec = rewrite_list(e, spec, STR("variables"), pod);
        spec = rewrite_list(e, spec, STR("validations"), pod);
        spec = rewrite_list(e, spec, STR("auditAnnotations"), pod);
        /* Match conditions cannot use variables. */
        spec = rewrite_list(e, spec, STR("matchConditions"), STR("(" THE_POD ")"));
        return add_workloads(e, add_pod_variable(e, spec));
}

/* Without the mark that would make a scan look for templates once more. */
static const struct doc_node *metadata_of(struct exporter *e, const struct doc_node *root) {
        const struct doc_node *metadata = doc_get(root, STR("metadata"));
        const struct doc_node *annotations = doc_get(metadata, STR("annotations"));

        if (!annotations || annotations->kind != DOC_MAP)
                return metadata;
        return with(e, metadata, STR("annotations"),
                    with(e, annotations, STR(POLICY_ANNOTATION_JUDGE), NULL));
}

/* --- the binding --- */

/* One term of a selector: "key=value", "key!=value", "key", "!key". */
static int add_term(struct buf *buf, struct str term, struct error *error) {
        ptrdiff_t equals = str_find(term, STR("="), 0);
        struct str key = term, value = STR("");
        const char *operator= "Exists";

        if (equals >= 0) {
                bool not_equal = equals > 0 && term.ptr[equals - 1] == '!';
                bool twice = (size_t)equals + 1 < term.len && term.ptr[equals + 1] == '=';

                key = str_trim(str_slice(term, 0, (size_t)equals - not_equal));
                value = str_trim(str_slice(term, (size_t)equals + 1 + twice, term.len));
                operator= not_equal ? "NotIn" : "In";
        } else if (str_starts(term, STR("!"))) {
                key = str_trim(str_slice(term, 1, term.len));
                operator= "DoesNotExist";
        }
        if (key.len == 0 || str_find(key, STR(" "), 0) >= 0 || str_find(key, STR("("), 0) >= 0)
                return error_set(error, -EINVAL,
                                 "\"%.*s\" is no label selector (key=value, key!=value, key or "
                                 "!key, parted by commas)",
                                 STR_ARG(term));
        buf_add(buf, STR("      - key: "));
        buf_add_json(buf, key);
        buf_printf(buf, "\n        operator: %s\n", operator);
        if (equals >= 0) {
                buf_add(buf, STR("        values: ["));
                buf_add_json(buf, value);
                buf_add(buf, STR("]\n"));
        }
        return 0;
}

static int add_binding(struct buf *buf, const struct policy *policy,
                       const struct policy_export_options *options, struct error *error) {
        static const char *const actions[] = { "Deny", "Warn", "Audit" };
        struct str rest = options->namespaces, term;
        int r = 0;

        buf_printf(buf,
                   "---\napiVersion: admissionregistration.k8s.io/v1\n"
                   "kind: ValidatingAdmissionPolicyBinding\nmetadata:\n  name: %.*s\nspec:\n"
                   "  policyName: %.*s\n  validationActions: [%s]\n",
                   STR_ARG(policy->name), STR_ARG(policy->name), actions[options->action]);
        if (rest.len == 0)
                return 0;
        buf_add(buf, STR("  matchResources:\n    namespaceSelector:\n      matchExpressions:\n"));
        while (r >= 0 && str_split(&rest, ',', &term))
                r = add_term(buf, str_trim(term), error);
        return r;
}

bool policy_is_about_files(const struct policy *policy) {
        for (size_t i = 0; i < policy->match.rule_count; i++)
                for (size_t k = 0; k < policy->match.rules[i].group_count; k++) {
                        struct str group = policy->match.rules[i].groups[k];

                        if (!str_ends(group, STR(".config.k8s.io")) &&
                            !str_eq(group, STR("audit.k8s.io")) &&
                            !str_eq(group, STR("kubeadm.k8s.io")))
                                return false;
                }
        return true;
}

int policy_export(struct buf *buf, const struct policy *policy,
                  const struct policy_export_options *options, struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct exporter e = { .arena = &arena, .policy = policy };
        const struct doc_node *root = policy->document->root;

        if (policy->has_params)
                return error_set(
                        error, -EINVAL,
                        "rule %.*s takes parameters: its binding has to be written by hand",
                        STR_ARG(policy->info.id));
        root = with(&e, root, STR("metadata"), metadata_of(&e, root));
        if (policy->pod_templates)
                root = with(&e, root, STR("spec"), expand(&e, policy->spec));
        doc_write_yaml(buf, root, 0);
        return add_binding(buf, policy, options, error);
}
