/*
 * Params: the objects that a policy is parameterised with
 * (k8s.io/apiserver/pkg/admission/plugin/policy/generic, CollectParams).
 *
 * A policy names a kind (paramKind), a binding chooses objects of it by name or by labels
 * (paramRef). They are found among the rules and the input. Whether a kind is namespaced is a fact
 * for built-in kinds; others are taken as the objects show.
 */
#include <errno.h>

#include "base/util.h"
#include "kube/selector.h"
#include "policy/fields.h"
#include "policy/private.h"

static const char *const kind_fields[] = { "apiVersion", "kind", NULL };
static const char *const ref_fields[] = { "name", "namespace", "selector",
                                          "parameterNotFoundAction", NULL };

int policy_read_param_kind(const struct doc_node *spec, struct policy *policy,
                           struct error *error) {
        const struct doc_node *node = doc_get(spec, STR("paramKind"));
        struct kube_group_version gv;
        struct str api_version = STR("");
        int r;

        if (!node || node->kind == DOC_NULL)
                return 0;
        r = policy_check_fields(node, "paramKind", kind_fields, error);
        if (r >= 0)
                r = policy_read_string(node, "apiVersion", &api_version, error);
        if (r >= 0)
                r = policy_read_string(node, "kind", &policy->param_kind, error);
        if (r < 0)
                return r;
        if (api_version.len == 0 || policy->param_kind.len == 0)
                return bad(node, error, "paramKind needs apiVersion and kind");
        gv = kube_group_version(api_version);
        policy->param_group = gv.group;
        policy->param_version = gv.version;
        policy->has_params = true;
        return 0;
}

int policy_read_param_ref(const struct doc_node *spec, struct policy_binding *binding,
                          struct error *error) {
        const struct doc_node *node = doc_get(spec, STR("paramRef")), *selector;
        struct str action = STR("");
        int r;

        if (!node || node->kind == DOC_NULL)
                return 0;
        r = policy_check_fields(node, "paramRef", ref_fields, error);
        if (r >= 0)
                r = policy_read_string(node, "name", &binding->param_name, error);
        if (r >= 0)
                r = policy_read_string(node, "namespace", &binding->param_namespace, error);
        if (r >= 0)
                r = policy_read_string(node, "parameterNotFoundAction", &action, error);
        if (r < 0)
                return r;
        selector = doc_get(node, STR("selector"));
        if (selector && selector->kind != DOC_NULL) {
                binding->param_selector = selector;
                r = kube_selector_check(selector, error);
                if (r < 0)
                        return r;
        }
        if ((binding->param_name.len > 0) == (binding->param_selector != NULL))
                return bad(node, error, "paramRef needs either a name or a selector");
        binding->params_required = str_eq(action, STR("Deny"));
        if (!binding->params_required && !str_eq(action, STR("Allow")))
                return bad(node, error, "paramRef needs a parameterNotFoundAction: Allow or Deny");
        binding->has_params = true;
        return 0;
}

static struct map_entry *known_param(struct policy_set *set, const struct policy_param *param) {
        return map_put(&set->params.known,
                       arena_printf(&set->params.names, "%.*s/%.*s/%.*s/%.*s",
                                    STR_ARG(param->group), STR_ARG(param->kind),
                                    STR_ARG(param->namespace), STR_ARG(param->name)));
}

void policy_set_drop_params(struct policy_set *set, size_t keep) {
        struct policy_params *params = &set->params;

        if (params->items.count <= keep)
                return;
        params->items.count = keep;
        map_free(&params->known);
        arena_free(&params->names);
        for (size_t i = 0; i < keep; i++)
                known_param(set, &params->items.items[i])->value = set;
}

void policy_set_add_param(struct policy_set *set, const struct doc_node *object) {
        const struct doc_node *metadata = doc_get(object, STR("metadata"));
        struct str api_version = doc_string(doc_get(object, STR("apiVersion")), STR(""));
        struct str kind = doc_string(doc_get(object, STR("kind")), STR(""));
        struct policy_param param = {
                .group = kube_group_version(api_version).group,
                .kind = kind,
                .namespace = doc_string(doc_get(metadata, STR("namespace")), STR("")),
                .name = doc_string(doc_get(metadata, STR("name")), STR("")),
                .object = object,
        };
        struct map_entry *known;

        if (api_version.len == 0 || kind.len == 0)
                return;
        known = known_param(set, &param);
        if (known->value)
                return;
        known->value = set;
        *vec_push(&set->params.items) = param;
}

bool policy_set_wants_param(const struct policy_set *set, struct str group, struct str kind) {
        for (size_t i = 0; i < set->policies.count; i++) {
                const struct policy *policy = set->policies.items[i];

                if (policy->has_params && policy->bindings && str_eq(policy->param_kind, kind) &&
                    str_eq(policy->param_group, group))
                        return true;
        }
        return false;
}

static bool is_of_kind(const struct policy *policy, const struct policy_param *param) {
        return str_eq(param->kind, policy->param_kind) && str_eq(param->group, policy->param_group);
}

static bool is_namespaced(const struct policy *policy) {
        const struct kube_kind *known = kube_kind_find(policy->param_group, policy->param_kind);

        if (known)
                return known->namespaced;
        for (size_t i = 0; i < policy->params->items.count; i++)
                if (is_of_kind(policy, &policy->params->items.items[i]) &&
                    policy->params->items.items[i].namespace.len > 0)
                        return true;
        return false;
}

/* The namespace of the request as the server counts it: that of a Namespace is its own name. */
static struct str request_namespace(const struct policy_subject *subject) {
        if (subject->group.len == 0 && str_eq(subject->resource, STR("namespaces")))
                return subject->name;
        return subject->namespace;
}

static bool is_chosen(const struct policy_binding *binding, const struct policy_param *param) {
        if (binding->param_selector)
                return kube_selector_matches(binding->param_selector,
                                             doc_find(param->object, "metadata", "labels"));
        return str_eq(param->name, binding->param_name);
}

bool policy_chooses_param(const struct policy *policy, const struct policy_binding *binding,
                          const struct policy_param *param) {
        return is_of_kind(policy, param) && is_chosen(binding, param) &&
               (binding->param_namespace.len == 0 ||
                str_eq(param->namespace, binding->param_namespace));
}

const char *policy_find_params(const struct policy *policy, const struct policy_binding *binding,
                               const struct policy_subject *subject, struct arena *arena,
                               const struct doc_node *const **ret, size_t *ret_count) {
        VEC(const struct doc_node *) found = { 0 };
        struct str namespace = STR("");

        if (!policy->has_params || !binding || !binding->has_params) {
                *vec_push_in(arena, &found) = NULL;
                *ret = found.items;
                *ret_count = 1;
                return NULL;
        }
        if (is_namespaced(policy)) {
                namespace = binding->param_namespace.len ? binding->param_namespace
                                                         : request_namespace(subject);
                if (namespace.len == 0)
                        return "cannot use namespaced paramRef in policy binding that matches "
                               "cluster-scoped resources";
        } else if (binding->param_namespace.len > 0)
                return "paramRef.namespace must not be provided for a cluster-scoped `paramKind`";
        for (size_t i = 0; i < policy->params->items.count; i++) {
                const struct policy_param *param = &policy->params->items.items[i];

                if (is_of_kind(policy, param) && str_eq(param->namespace, namespace) &&
                    is_chosen(binding, param))
                        *vec_push_in(arena, &found) = param->object;
        }
        if (found.count == 0 && binding->params_required)
                return "no params found for policy binding with `Deny` parameterNotFoundAction";
        *ret = found.items;
        *ret_count = found.count;
        return NULL;
}
