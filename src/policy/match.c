/*
 * Which objects a policy is about (k8s.io/apiserver/pkg/admission/plugin/policy/matching and
 * .../predicates).
 *
 * The order is upstream's: excluded rules, then resource rules, then the selectors. An object whose
 * Namespace is not known has the one label that every namespace has: kubernetes.io/metadata.name.
 */
#include "base/util.h"
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

/* With matchPolicy Equivalent a rule for one version or group of a resource stands for all of them:
 * the server converts. */
static bool group_version_fits(const struct policy_rule *rule, const struct policy_subject *subject,
                               bool exact) {
        if (lists(rule->groups, rule->group_count, subject->group) &&
            (!exact || lists(rule->versions, rule->version_count, subject->version)))
                return true;
        if (exact)
                return false;
        for (size_t i = 0; i < rule->group_count; i++)
                if (kube_equivalent(rule->groups[i], subject->group, subject->resource))
                        return true;
        return false;
}

static bool rule_fits(const struct policy_rule *rule, const struct policy_subject *subject,
                      bool exact, bool with_name) {
        if (!(rule->operations & subject->operation) || !scope_fits(rule, subject) ||
            !resource_listed(rule, subject) || !group_version_fits(rule, subject, exact))
                return false;
        return !with_name || rule->name_count == 0 ||
               lists(rule->names, rule->name_count, subject->name);
}

static bool any_rule_fits(const struct policy_rule *rules, size_t count,
                          const struct policy_subject *subject, bool exact, bool with_name) {
        for (size_t i = 0; i < count; i++)
                if (rule_fits(&rules[i], subject, exact, with_name))
                        return true;
        return false;
}

static bool namespace_selected(const struct doc_node *selector,
                               const struct policy_subject *subject) {
        bool is_namespace = subject->group.len == 0 && str_eq(subject->resource, STR("namespaces"));
        const struct doc_node *namespace =
                is_namespace ? subject->object : subject->namespace_object;
        struct str name = is_namespace ? subject->name : subject->namespace;
        struct doc_entry entry = { .key = STR("kubernetes.io/metadata.name") };
        struct doc_node only_name = { .kind = DOC_MAP, .map = { &entry, 1, 0 } };
        const struct doc_node *labels = doc_find(namespace, "metadata", "labels");

        if (!subject->namespaced && !is_namespace)
                return true;
        if (labels && doc_get(labels, entry.key))
                return kube_selector_matches(selector, labels);
        if (!labels) {
                entry.hash = str_hash(entry.key);
                doc_set_string(&entry.value, name);
                return kube_selector_matches(selector, &only_name);
        }
        return kube_selector_matches(selector, labels);
}

static bool selectors_fit(const struct policy_match *match, const struct policy_subject *subject) {
        const struct doc_node *object = subject->object ? subject->object : subject->old_object;

        if (match->namespace_selector && !namespace_selected(match->namespace_selector, subject))
                return false;
        return !match->object_selector ||
               kube_selector_matches(match->object_selector,
                                     doc_find(object, "metadata", "labels"));
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

bool policy_matches(const struct policy *policy, const struct policy_subject *subject) {
        if (!match_fits(&policy->match, subject))
                return false;
        if (!policy->bindings)
                return true;
        for (const struct policy_binding *binding = policy->bindings; binding;
             binding = binding->next)
                if (!binding->has_match || match_fits(&binding->match, subject))
                        return true;
        return false;
}

bool policy_may_match(const struct policy *policy, const struct policy_subject *subject) {
        return any_rule_fits(policy->match.rules, policy->match.rule_count, subject,
                             policy->match.exact, false);
}
