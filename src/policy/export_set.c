#include <errno.h>

#include "base/util.h"
#include "doc/edit.h"
#include "doc/write.h"
#include "kube/selector.h"
#include "policy/admit.h"
#include "policy/export.h"
#include "policy/private.h"

struct set_exporter {
        struct arena arena;
        struct buf *buf;
        const struct policy_set *set;
        const struct policy_export_options *options;
        const struct doc_node *namespaces;    /* the selector, or NULL */
        VEC(const struct doc_node *) written; /* params, and the definitions of their kinds */
};

static void add_object(struct set_exporter *e, const struct doc_node *object) {
        if (e->buf->len > 0)
                buf_add(e->buf, STR("---\n"));
        doc_write_yaml(e->buf, policy_export_bare(&e->arena, object), 0);
}

/* --- params --- */

static void add_once(struct set_exporter *e, const struct doc_node *object) {
        for (size_t i = 0; i < e->written.count; i++)
                if (e->written.items[i] == object)
                        return;
        *vec_push_in(&e->arena, &e->written) = object;
        add_object(e, object);
}

static bool defines(const struct policy_param *param, const struct policy *policy) {
        return str_eq(param->kind, STR("CustomResourceDefinition")) &&
               str_eq(doc_string(doc_find(param->object, "spec", "group"), STR("")),
                      policy->param_group) &&
               str_eq(doc_string(doc_find(param->object, "spec", "names", "kind"), STR("")),
                      policy->param_kind);
}

static int add_params(struct set_exporter *e, const struct policy *policy,
                      const struct policy_binding *binding, struct error *error) {
        const struct policy_params *params = &e->set->params;
        bool found = false;

        for (size_t i = 0; i < params->items.count; i++)
                if (defines(&params->items.items[i], policy))
                        add_once(e, params->items.items[i].object);
        for (size_t i = 0; i < params->items.count; i++)
                if (policy_chooses_param(policy, binding, &params->items.items[i])) {
                        add_once(e, params->items.items[i].object);
                        found = true;
                }
        if (found)
                return 0;
        return error_set(error, -ENOENT,
                         "binding %.*s of rule %.*s chooses a %.*s as params that is not among the "
                         "rules; add its file with --rules",
                         STR_ARG(binding->name), STR_ARG(policy->info.id),
                         STR_ARG(policy->param_kind));
}

/* --- bindings --- */

/* The selector of a binding and that of the options: what either demands. */
static const struct doc_node *both(struct set_exporter *e, const struct doc_node *selector) {
        const struct doc_node *theirs = doc_get(selector, STR("matchExpressions"));
        const struct doc_node *ours = doc_get(e->namespaces, STR("matchExpressions"));
        size_t count = theirs && theirs->kind == DOC_LIST ? theirs->list.count : 0;
        struct doc_node *made;

        if (!selector || selector->kind != DOC_MAP)
                return e->namespaces;
        made = doc_new_list(&e->arena, selector, count + ours->list.count);
        for (size_t i = 0; i < made->list.count; i++)
                made->list.items[i] =
                        i < count ? theirs->list.items[i] : ours->list.items[i - count];
        return doc_with(&e->arena, selector, STR("matchExpressions"), made);
}

static const struct doc_node *in_namespaces(struct set_exporter *e, const struct doc_node *spec) {
        const struct doc_node *match = doc_get(spec, STR("matchResources"));

        if (!e->namespaces)
                return spec;
        if (!match || match->kind != DOC_MAP)
                match = doc_new_map(&e->arena, spec, 0);
        match = doc_with(&e->arena, match, STR("namespaceSelector"),
                         both(e, doc_get(match, STR("namespaceSelector"))));
        return doc_with(&e->arena, spec, STR("matchResources"), match);
}

static void add_binding(struct set_exporter *e, const struct doc_node *object) {
        const struct doc_node *spec = doc_get(object, STR("spec"));

        spec = doc_with(&e->arena, spec, STR("validationActions"),
                        doc_text_list(&e->arena, e->options->actions, e->options->action_count));
        add_object(e, doc_with(&e->arena, object, STR("spec"), in_namespaces(e, spec)));
}

static struct doc_node *map_of(struct set_exporter *e, const struct str (*texts)[2], size_t count) {
        struct doc_node *map = doc_new_map(&e->arena, NULL, count), text;

        for (size_t i = 0; i < count; i++) {
                text = doc_text(texts[i][1]);
                doc_map_set(map, i, texts[i][0], &text);
        }
        doc_map_index(&e->arena, map);
        return map;
}

/* The binding that puts a policy to work everywhere. */
static const struct doc_node *new_binding(struct set_exporter *e, const struct policy *policy) {
        const struct str head[][2] = {
                { STR_INIT("apiVersion"), STR_INIT("admissionregistration.k8s.io/v1") },
                { STR_INIT("kind"), STR_INIT("ValidatingAdmissionPolicyBinding") },
        };
        const struct str metadata[][2] = { { STR_INIT("name"), policy->name } };
        const struct str spec[][2] = { { STR_INIT("policyName"), policy->name } };
        const struct doc_node *binding = map_of(e, head, ELEMENTS(head));

        binding = doc_with(&e->arena, binding, STR("metadata"),
                           map_of(e, metadata, ELEMENTS(metadata)));
        return doc_with(&e->arena, binding, STR("spec"), map_of(e, spec, ELEMENTS(spec)));
}

/* --- a policy with what belongs to it --- */

static int add_policy(struct set_exporter *e, const struct policy *policy, struct error *error) {
        int r = 0;

        if (policy->has_params && !policy->bindings)
                return error_set(
                        error, -EINVAL,
                        "rule %.*s takes parameters (paramKind), and no binding says which; "
                        "add one with --rules",
                        STR_ARG(policy->info.id));
        for (const struct policy_binding *b = policy->bindings; b && r >= 0; b = b->next)
                if (policy->has_params && b->has_params)
                        r = add_params(e, policy, b, error);
        if (r < 0)
                return r;
        if (e->buf->len > 0)
                buf_add(e->buf, STR("---\n"));
        policy_export_definition(e->buf, policy);
        for (const struct policy_binding *b = policy->bindings; b; b = b->next)
                add_binding(e, b->object);
        if (!policy->bindings)
                add_binding(e, new_binding(e, policy));
        return 0;
}

static int check_actions(const struct policy_export_options *options, struct error *error) {
        static const struct str known[] = { STR_INIT("Deny"), STR_INIT("Warn"), STR_INIT("Audit") };
        size_t seen[ELEMENTS(known)] = { 0 };

        for (size_t i = 0; i < options->action_count; i++) {
                size_t k = 0;

                while (k < ELEMENTS(known) && !str_eq(known[k], options->actions[i]))
                        k++;
                if (k == ELEMENTS(known))
                        return error_set(error, -EINVAL,
                                         "\"%.*s\" is no action; there are Audit, Warn and Deny",
                                         STR_ARG(options->actions[i]));
                if (seen[k]++ > 0)
                        return error_set(error, -EINVAL, "action %.*s is named twice",
                                         STR_ARG(known[k]));
        }
        if (seen[0] && seen[1])
                return error_set(error, -EINVAL,
                                 "a binding cannot both Deny and Warn: a refusal is told anyway");
        return 0;
}

/* Whether GROUP is in files only: the configuration of the cluster's components, and what Redoubt
 * itself makes to be judged. */
static bool is_never_served(struct str group) {
        return str_ends(group, STR(".config.k8s.io")) || str_eq(group, STR("audit.k8s.io")) ||
               str_eq(group, STR("kubeadm.k8s.io")) || str_eq(group, STR(POLICY_OWN_GROUP));
}

static bool is_never_asked(const struct policy_rule *rule) {
        for (size_t i = 0; i < rule->group_count; i++) {
                if (is_never_served(rule->groups[i]))
                        continue;
                for (size_t k = 0; k < rule->resource_count; k++)
                        if (!policy_is_exempt(rule->groups[i], rule->resources[k]))
                                return false;
        }
        return true;
}

/* Whether no API server would ever ask POLICY. */
static bool is_useless(const struct policy *policy) {
        for (size_t i = 0; i < policy->match.rule_count; i++)
                if (!is_never_asked(&policy->match.rules[i]))
                        return false;
        return true;
}

int policy_export(struct buf *buf, struct policy_set *set,
                  const struct policy_export_options *options, size_t *ret_left_out,
                  struct error *error) {
        struct set_exporter e = { .buf = buf, .set = set, .options = options };
        size_t left_out = 0;
        int r = check_actions(options, error);

        if (r >= 0 && options->namespaces.len > 0)
                r = kube_selector_parse(&e.arena, options->namespaces, &e.namespaces, error);
        for (size_t i = 0; i < set->policies.count && r >= 0; i++) {
                struct policy *policy = set->policies.items[i];

                if (is_useless(policy)) {
                        left_out++;
                        continue;
                }
                r = policy_prepare(set, policy, error);
                if (r >= 0)
                        r = add_policy(&e, policy, error);
        }
        arena_free(&e.arena);
        if (r >= 0)
                *ret_left_out = left_out;
        return r;
}
