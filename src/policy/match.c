/*
 * Which objects a policy is about (k8s.io/apiserver/pkg/admission/plugin/policy/matching and
 * .../predicates).
 *
 * Every part must hold, so their order does not show. An object whose Namespace is not known has
 * the one label that every namespace has: kubernetes.io/metadata.name.
 */
#include "base/util.h"
#include "kube/convert.h"
#include "kube/selector.h"
#include "policy/private.h"

static bool lists(const struct str *items, size_t count, struct str value) {
        for (size_t i = 0; i < count; i++)
                if (str_eq(items[i], STR("*")) || str_eq(items[i], value))
                        return true;
        return false;
}

static struct str before_slash(struct str text, struct str *ret_after) {
        ptrdiff_t slash = str_find(text, STR("/"), 0);

        *ret_after = slash < 0 ? STR("") : str_slice(text, (size_t)slash + 1, text.len);
        return slash < 0 ? text : str_slice(text, 0, (size_t)slash);
}

static bool resource_listed(const struct policy_rule *rule, const struct policy_subject *subject) {
        for (size_t i = 0; i < rule->resource_count; i++) {
                struct str sub, resource = before_slash(rule->resources[i], &sub);

                if ((str_eq(resource, STR("*")) || str_eq(resource, subject->resource)) &&
                    (str_eq(sub, STR("*")) || str_eq(sub, subject->subresource)))
                        return true;
        }
        return false;
}

static bool scope_fits(const struct policy_rule *rule, const struct policy_subject *subject) {
        if (str_eq(rule->scope, STR("Cluster")))
                return !subject->namespaced;
        if (str_eq(rule->scope, STR("Namespaced")))
                return subject->namespaced;
        return true;
}

/* Whether the server still serves objects written in SUBJECT's version; an older one is taken for
 * what it became. */
static bool is_served(const struct policy_subject *subject) {
        const struct kube_kind *known = kube_kind_find(subject->group, subject->kind);

        if (str_eq(subject->group, STR("events.k8s.io")))
                return str_eq(subject->version, STR("v1"));
        return known && str_eq(known->group, subject->group) &&
               (str_eq(subject->version, STR("v1")) ||
                (str_eq(subject->resource, STR("horizontalpodautoscalers")) &&
                 str_eq(subject->version, STR("v2"))));
}

static bool lists_v1(const struct policy_rule *rule) {
        return lists(rule->versions, rule->version_count, STR("v1"));
}

static bool equivalent_group(const struct policy_rule *rule, const struct policy_subject *subject) {
        for (size_t i = 0; i < rule->group_count; i++)
                if (kube_equivalent(rule->groups[i], subject->group, subject->resource))
                        return true;
        return false;
}

/* With matchPolicy Equivalent a rule for one version or group of a resource stands for all that are
 * served: the server converts. Of the built-in kinds only autoscalers have two versions, and only
 * events two groups. What is served of other kinds is not known: any version may be. */
static bool is_equivalent(const struct policy_rule *rule, const struct policy_subject *subject) {
        if (!is_served(subject))
                return lists(rule->groups, rule->group_count, subject->group) ||
                       equivalent_group(rule, subject);
        if (str_eq(subject->resource, STR("horizontalpodautoscalers")))
                return lists(rule->groups, rule->group_count, subject->group) &&
                       (lists_v1(rule) || lists(rule->versions, rule->version_count, STR("v2")));
        return str_eq(subject->resource, STR("events")) && lists_v1(rule) &&
               equivalent_group(rule, subject);
}

static bool group_version_fits(const struct policy_rule *rule, const struct policy_subject *subject,
                               bool exact) {
        if (lists(rule->groups, rule->group_count, subject->group) &&
            lists(rule->versions, rule->version_count, subject->version))
                return true;
        return !exact && is_equivalent(rule, subject);
}

/* resourceNames know no wildcard. */
static bool name_fits(const struct policy_rule *rule, const struct policy_subject *subject) {
        for (size_t i = 0; i < rule->name_count; i++)
                if (str_eq(rule->names[i], subject->name))
                        return true;
        return rule->name_count == 0;
}

/* No server has what analyses make: only a rule that names its group is about it. */
static bool is_meant(const struct policy_rule *rule, const struct policy_subject *subject) {
        if (!str_eq(subject->group, STR(POLICY_OWN_GROUP)))
                return true;
        for (size_t i = 0; i < rule->group_count; i++)
                if (str_eq(rule->groups[i], subject->group))
                        return true;
        return false;
}

static bool rule_fits(const struct policy_rule *rule, const struct policy_subject *subject,
                      bool exact, bool with_name) {
        if (!is_meant(rule, subject) || !(rule->operations & subject->operation) ||
            !scope_fits(rule, subject) || !resource_listed(rule, subject) ||
            !group_version_fits(rule, subject, exact))
                return false;
        return !with_name || name_fits(rule, subject);
}

static bool any_rule_fits(const struct policy_rule *rules, size_t count,
                          const struct policy_subject *subject, bool exact, bool with_name) {
        for (size_t i = 0; i < count; i++)
                if (rule_fits(&rules[i], subject, exact, with_name))
                        return true;
        return false;
}

/* The Namespace whose labels count: that which is being made, or the one that the object is in. */
static const struct doc_node *namespace_of(const struct policy_subject *subject,
                                           bool is_namespace) {
        if (!is_namespace)
                return subject->namespace_object;
        if (subject->subresource.len == 0 &&
            (subject->operation == POLICY_CREATE || subject->operation == POLICY_UPDATE))
                return subject->object;
        return subject->namespace_object ? subject->namespace_object : subject->old_object;
}

static bool namespace_selected(const struct doc_node *selector,
                               const struct policy_subject *subject) {
        bool is_namespace = subject->group.len == 0 && str_eq(subject->resource, STR("namespaces"));
        const struct doc_node *labels =
                doc_find(namespace_of(subject, is_namespace), "metadata", "labels");

        if (!subject->namespaced && !is_namespace)
                return true;
        return kube_selector_matches_with(selector, labels, STR("kubernetes.io/metadata.name"),
                                          is_namespace ? subject->name : subject->namespace);
}

static bool selects(const struct doc_node *selector, const struct doc_node *object) {
        return object && kube_selector_matches(selector, doc_find(object, "metadata", "labels"));
}

static bool is_empty_selector(const struct doc_node *selector) {
        const struct doc_node *labels = doc_get(selector, STR("matchLabels"));
        const struct doc_node *expressions = doc_get(selector, STR("matchExpressions"));

        return (!labels || labels->kind != DOC_MAP || labels->map.count == 0) &&
               (!expressions || expressions->kind != DOC_LIST || expressions->list.count == 0);
}

static bool selects_by_label(const struct policy_match *match) {
        return match->object_selector && !is_empty_selector(match->object_selector);
}

/* The new object or the old one: a label that is being removed still counts. */
static bool selectors_fit(const struct policy_match *match, const struct policy_subject *subject) {
        if (match->namespace_selector && !namespace_selected(match->namespace_selector, subject))
                return false;
        return !selects_by_label(match) || subject->labels_unknown ||
               selects(match->object_selector, subject->object) ||
               selects(match->object_selector, subject->old_object);
}

static bool match_fits(const struct policy_match *match, const struct policy_subject *subject) {
        if (any_rule_fits(match->exclude, match->exclude_count, subject, match->exact, true))
                return false;
        /* A binding without rules of its own narrows nothing. */
        if (match->rule_count > 0 &&
            !any_rule_fits(match->rules, match->rule_count, subject, match->exact, true))
                return false;
        return selectors_fit(match, subject);
}

bool policy_definition_matches(const struct policy *policy, const struct policy_subject *subject) {
        return match_fits(&policy->match, subject);
}

bool policy_binding_matches(const struct policy_binding *binding,
                            const struct policy_subject *subject) {
        return !binding->has_match || match_fits(&binding->match, subject);
}

/* The other version of a kind that is served in two. */
static bool other_version(const struct policy_subject *subject, struct policy_subject *ret) {
        bool is_v1 = str_eq(subject->version, STR("v1"));

        *ret = *subject;
        ret->requested = subject;
        if (subject->subresource.len > 0 || !is_served(subject))
                return false;
        if (str_eq(subject->resource, STR("horizontalpodautoscalers")))
                ret->version = is_v1 ? STR("v2") : STR("v1");
        else if (str_eq(subject->resource, STR("events")) && is_v1)
                ret->group = subject->group.len > 0 ? STR("") : STR("events.k8s.io");
        else
                return false;
        return true;
}

static const struct doc_node *convert(struct arena *arena, const struct doc_node *object,
                                      const struct policy_subject *from,
                                      const struct policy_subject *to) {
        struct str versions[2];
        const struct policy_subject *subjects[] = { from, to };

        for (size_t i = 0; i < ELEMENTS(versions); i++)
                versions[i] = arena_printf(arena, "%.*s%s%.*s", STR_ARG(subjects[i]->group),
                                           subjects[i]->group.len ? "/" : "",
                                           STR_ARG(subjects[i]->version));
        return object ? kube_convert(arena, object, from->kind, versions[0], versions[1]) : NULL;
}

const struct policy_subject *policy_version_of(const struct policy *policy,
                                               const struct policy_subject *subject,
                                               struct arena *scratch, struct policy_subject *ret) {
        const struct policy_match *match = &policy->match;

        if (match->exact || any_rule_fits(match->rules, match->rule_count, subject, true, true) ||
            !other_version(subject, ret) ||
            !any_rule_fits(match->rules, match->rule_count, ret, true, true))
                return subject;
        ret->object = convert(scratch, subject->object, subject, ret);
        ret->old_object = convert(scratch, subject->old_object, subject, ret);
        return ret;
}

bool policy_matches(const struct policy *policy, const struct policy_subject *subject) {
        if (!policy_definition_matches(policy, subject))
                return false;
        if (!policy->bindings)
                return true;
        for (const struct policy_binding *binding = policy->bindings; binding;
             binding = binding->next)
                if (policy_binding_matches(binding, subject))
                        return true;
        return false;
}

bool policy_may_match(const struct policy *policy, const struct policy_subject *subject) {
        return any_rule_fits(policy->match.rules, policy->match.rule_count, subject,
                             policy->match.exact, false);
}

bool policy_looks_at_labels(const struct policy *policy) {
        if (selects_by_label(&policy->match))
                return true;
        for (const struct policy_binding *binding = policy->bindings; binding;
             binding = binding->next)
                if (selects_by_label(&binding->match))
                        return true;
        return false;
}

bool policy_looks_at_namespace(const struct policy *policy) {
        if (policy->uses_namespace)
                return true;
        for (const struct policy_binding *binding = policy->bindings; binding;
             binding = binding->next)
                if (binding->match.namespace_selector)
                        return true;
        return false;
}
