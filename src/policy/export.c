#include "policy/export.h"

#include "base/util.h"
#include "doc/edit.h"
#include "doc/write.h"
#include "policy/exception.h"
#include "policy/private.h"

/* The pod that VARIABLE (object, oldObject) stands for, by the kind of the request. dyn() because
 * the server checks expressions against the type of every kind that a policy matches, and no kind
 * has all of these fields. */
#define THE_POD(variable)                                                                          \
        "request.kind.kind == 'Pod' ? dyn(" variable                                               \
        ") : request.kind.kind == 'CronJob' ? dyn(" variable                                       \
        ").spec.jobTemplate.spec.template : dyn(" variable ").spec.template"

/* The same where there may be none. */
#define THE_POD_OR_NULL(variable) variable " == null ? dyn(null) : (" THE_POD(variable) ")"

/* What stands for a variable of the request in expanded expressions: one of the policy's variables,
 * or its definition where those cannot be used. */
struct view {
        struct str variable;   /* "object" */
        struct str definition; /* the pod that it stands for */
        struct str name;       /* of the policy's variable */
        struct str mention;    /* "variables.NAME" */
        struct str inlined;    /* the definition in parentheses */
        bool used;             /* by an expression that may use variables */
};

struct exporter {
        struct arena *arena;
        const struct policy *policy;
        struct view views[2];
};

/* --- expressions that look at templates --- */

static struct str rewritten_text(struct exporter *e, struct str text, bool inlined) {
        for (size_t i = 0; i < ELEMENTS(e->views); i++) {
                struct view *view = &e->views[i];
                struct str made = cel_replace_variable(e->arena, text, view->variable,
                                                       inlined ? view->inlined : view->mention);

                view->used |= !inlined && !str_eq(made, text);
                text = made;
        }
        return text;
}

static const struct doc_node *rewritten(struct exporter *e, const struct doc_node *map,
                                        struct str field, bool inlined) {
        const struct doc_node *node = doc_get(map, field);
        struct doc_node text;

        if (!node || node->kind != DOC_STRING)
                return map;
        text = doc_text(rewritten_text(e, node->string, inlined));
        return doc_with(e->arena, map, field, &text);
}

/* The list FIELD of SPEC with the expressions of its items rewritten. */
static const struct doc_node *rewrite_list(struct exporter *e, const struct doc_node *spec,
                                           struct str field, bool inlined) {
        const struct doc_node *list = doc_get(spec, field);
        struct doc_node *made;

        if (!list || list->kind != DOC_LIST)
                return spec;
        made = doc_new_list(e->arena, list, list->list.count);
        for (uint32_t i = 0; i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                item = rewritten(e, item, STR("expression"), inlined);
                item = rewritten(e, item, STR("messageExpression"), inlined);
                item = rewritten(e, item, STR("valueExpression"), inlined);
                made->list.items[i] = *item;
        }
        return doc_with(e->arena, spec, field, made);
}

static struct doc_node *view_variable(struct exporter *e, const struct doc_node *near,
                                      const struct view *view) {
        struct doc_node *variable = doc_new_map(e->arena, near, 2);
        struct doc_node text = doc_text(view->name);

        doc_map_set(variable, 0, STR("name"), &text);
        text = doc_text(view->definition);
        doc_map_set(variable, 1, STR("expression"), &text);
        doc_map_index(e->arena, variable);
        return variable;
}

/* The views that are used come before the policy's own variables. */
static const struct doc_node *add_variables(struct exporter *e, const struct doc_node *spec) {
        const struct doc_node *list = doc_get(spec, STR("variables"));
        uint32_t own = list && list->kind == DOC_LIST ? list->list.count : 0, count = 0;
        struct doc_node *made = doc_new_list(e->arena, spec, own + ELEMENTS(e->views));

        for (size_t i = 0; i < ELEMENTS(e->views); i++)
                if (e->views[i].used)
                        made->list.items[count++] = *view_variable(e, spec, &e->views[i]);
        for (uint32_t i = 0; i < own; i++)
                made->list.items[count++] = list->list.items[i];
        made->list.count = count;
        return count > 0 ? doc_with(e->arena, spec, STR("variables"), made) : spec;
}

static bool is_variable(const struct policy *policy, struct str name) {
        for (size_t i = 0; i < policy->variable_count; i++)
                if (str_eq(policy->variables[i].name, name))
                        return true;
        return false;
}

static struct view make_view(struct exporter *e, struct str variable, struct str name,
                             struct str definition) {
        struct view view = { .variable = variable, .definition = definition, .name = name };

        while (is_variable(e->policy, view.name))
                view.name = arena_printf(e->arena, "%.*s_", STR_ARG(view.name));
        view.mention = arena_printf(e->arena, "variables.%.*s", STR_ARG(view.name));
        view.inlined = arena_printf(e->arena, "(%.*s)", STR_ARG(definition));
        return view;
}

static bool judges_deletions(const struct policy *policy) {
        for (size_t i = 0; i < policy->match.rule_count; i++)
                if (policy->match.rules[i].operations & POLICY_DELETE)
                        return true;
        return false;
}

/* --- resources --- */

static const struct doc_node *workload_rule(struct exporter *e, const struct doc_node *rule,
                                            struct str group, const struct str *resources,
                                            size_t count) {
        rule = doc_with(e->arena, rule, STR("apiGroups"), doc_text_list(e->arena, &group, 1));
        rule = doc_with(e->arena, rule, STR("apiVersions"),
                        doc_text_list(e->arena, &(struct str)STR_INIT("v1"), 1));
        return doc_with(e->arena, rule, STR("resources"),
                        doc_text_list(e->arena, resources, count));
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
        return doc_with(e->arena, spec, STR("matchConstraints"),
                        doc_with(e->arena, match, STR("resourceRules"), made));
}

static const struct doc_node *expand(struct exporter *e, const struct doc_node *spec) {
        e->views[0] = make_view(e, STR("object"), STR("pod"),
                                judges_deletions(e->policy) ? STR(THE_POD_OR_NULL("object"))
                                                            : STR(THE_POD("object")));
        e->views[1] =
                make_view(e, STR("oldObject"), STR("oldPod"), STR(THE_POD_OR_NULL("oldObject")));
        spec = rewrite_list(e, spec, STR("variables"), false);
        spec = rewrite_list(e, spec, STR("validations"), false);
        spec = rewrite_list(e, spec, STR("auditAnnotations"), false);
        /* Match conditions cannot use variables. */
        spec = rewrite_list(e, spec, STR("matchConditions"), true);
        return add_workloads(e, add_variables(e, spec));
}

/* What is excepted from the policy, as one more match condition. */
static const struct doc_node *add_exceptions(struct exporter *e, const struct doc_node *spec) {
        struct str condition = policy_exception_condition(e->policy, e->arena);
        const struct doc_node *list = doc_get(spec, STR("matchConditions"));
        uint32_t own = list && list->kind == DOC_LIST ? list->list.count : 0;
        struct doc_node *made, *added = doc_new_map(e->arena, spec, 2), text;

        if (condition.len == 0)
                return spec;
        text = doc_text(STR("not-excepted"));
        doc_map_set(added, 0, STR("name"), &text);
        text = doc_text(condition);
        doc_map_set(added, 1, STR("expression"), &text);
        doc_map_index(e->arena, added);
        made = doc_new_list(e->arena, spec, (size_t)own + 1);
        for (uint32_t i = 0; i < own; i++)
                made->list.items[i] = list->list.items[i];
        made->list.items[own] = *added;
        return doc_with(e->arena, spec, STR("matchConditions"), made);
}

const struct doc_node *policy_export_bare(struct arena *arena, const struct doc_node *object) {
        static const char *const written_by_server[] = { "creationTimestamp", "generation",
                                                         "managedFields",     "resourceVersion",
                                                         "selfLink",          "uid" };
        const struct doc_node *metadata = doc_get(object, STR("metadata"));

        for (size_t i = 0; i < ELEMENTS(written_by_server) && metadata; i++)
                if (doc_get(metadata, str_from(written_by_server[i])))
                        metadata = doc_with(arena, metadata, str_from(written_by_server[i]), NULL);
        object = doc_with(arena, object, STR("status"), NULL);
        return metadata ? doc_with(arena, object, STR("metadata"), metadata) : object;
}

/* Without the mark that would make a scan look for templates once more. */
static const struct doc_node *metadata_of(struct exporter *e, const struct doc_node *root) {
        const struct doc_node *metadata = doc_get(root, STR("metadata"));
        const struct doc_node *annotations = doc_get(metadata, STR("annotations"));

        if (!annotations || annotations->kind != DOC_MAP)
                return metadata;
        return doc_with(e->arena, metadata, STR("annotations"),
                        doc_with(e->arena, annotations, STR(POLICY_ANNOTATION_JUDGE), NULL));
}

void policy_export_definition(struct buf *buf, const struct policy *policy) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct exporter e = { .arena = &arena, .policy = policy };
        const struct doc_node *root = policy_export_bare(&arena, policy->object), *spec;

        root = doc_with(&arena, root, STR("metadata"), metadata_of(&e, root));
        spec = policy->pod_templates ? expand(&e, policy->spec) : policy->spec;
        root = doc_with(&arena, root, STR("spec"), add_exceptions(&e, spec));
        doc_write_yaml(buf, root, 0);
}
