/*
 * Choosing among the policies of a set: by framework, by id, by practice.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/util.h"
#include "kube/version.h"
#include "policy/private.h"

static struct str framework_of(struct str control) {
        ptrdiff_t colon = str_find(control, STR(":"), 0);

        return colon < 0 ? control : str_slice(control, 0, (size_t)colon);
}

bool policy_control_in(const struct policy_set *set, struct str control, struct str framework) {
        const struct policy_framework *wanted = policy_framework_find(set, framework);
        struct str is = framework_of(control);

        if (str_eq(is, framework))
                return true;
        for (size_t i = 0; wanted && i < wanted->include_count; i++)
                if (str_eq(is, wanted->includes[i]))
                        return true;
        return false;
}

/* Whether an item of FRAMEWORK is the same as what POLICY judges. */
static bool answers_alike(const struct policy_framework *framework, const struct policy *policy) {
        for (size_t i = 0; framework && i < framework->item_count; i++)
                if (framework->items[i].as_count > 0 &&
                    policy_answers(policy, framework, &framework->items[i]))
                        return true;
        return false;
}

/* Whether POLICY answers a control of FRAMEWORK as it stood in Kubernetes 1.MINOR. */
static bool in_framework(const struct policy_set *set, const struct policy *policy,
                         struct str framework, uint16_t minor) {
        for (size_t i = 0; i < policy->info.control_count; i++)
                if (minor >= policy->spans[i].since && minor <= policy->spans[i].until &&
                    policy_control_in(set, policy->info.controls[i], framework))
                        return true;
        return answers_alike(policy_framework_find(set, framework), policy);
}

static void keep_where(struct policy_set *set, const bool *keep) {
        size_t kept = 0;

        for (size_t i = 0; i < set->policies.count; i++)
                if (keep[i])
                        set->policies.items[kept++] = set->policies.items[i];
        set->policies.count = kept;
}

static int unknown_framework(const struct policy_set *set, struct str framework,
                             struct error *error) {
        struct buf known _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < set->frameworks.count; i++)
                buf_printf(&known, "%s%.*s", i ? ", " : "", STR_ARG(set->frameworks.items[i].id));
        return error_set(error, -ENOENT, "no rule belongs to framework \"%.*s\"; known are %s",
                         STR_ARG(framework), known.len ? known.data : "none");
}

int policy_framework_parse(const struct policy_set *set, struct str text, struct str *ret_id,
                           uint16_t *ret_minor, struct error *error) {
        ptrdiff_t colon = str_find(text, STR(":"), 0);
        struct str version = colon < 0 ? STR("") : str_slice(text, (size_t)colon + 1, text.len);

        *ret_id = framework_of(text);
        *ret_minor = set->kube_minor ? set->kube_minor : KUBE_MINOR_LATEST;
        if (str_eq(version, STR("latest")))
                *ret_minor = KUBE_MINOR_LATEST;
        else if (colon >= 0 && kube_minor_parse(version, ret_minor) < 0)
                return error_set(error, -EINVAL,
                                 "\"%.*s\" is no version of framework %.*s; it should look like "
                                 "v1.31, or be latest",
                                 STR_ARG(version), STR_ARG(*ret_id));
        return 0;
}

int policy_set_keep_frameworks(struct policy_set *set, const struct str *frameworks, size_t count,
                               struct error *error) {
        _cleanup_free_ bool *keep = calloc(MAX(set->policies.count, (size_t)1), sizeof *keep);

        if (!keep)
                out_of_memory();
        for (size_t f = 0; f < count; f++) {
                bool known = false;
                uint16_t minor;
                struct str id;
                int r = policy_framework_parse(set, frameworks[f], &id, &minor, error);

                if (r < 0)
                        return r;
                for (size_t i = 0; i < set->policies.count; i++) {
                        if (!in_framework(set, set->policies.items[i], id, minor))
                                continue;
                        keep[i] = known = true;
                }
                if (!known)
                        return unknown_framework(set, id, error);
        }
        keep_where(set, keep);
        return 0;
}

/* --- what a Namespace enforces --- */

void policy_set_keep_pod_security(struct policy_set *set) {
        _cleanup_free_ bool *keep =
                xrealloc(NULL, MAX(set->policies.count, (size_t)1), sizeof *keep);

        for (size_t i = 0; i < set->policies.count; i++) {
                const struct rule_info *info = &set->policies.items[i]->info;

                keep[i] = false;
                for (size_t k = 0; k < info->control_count; k++)
                        keep[i] = keep[i] ||
                                  policy_control_in(set, info->controls[k], STR("pss-restricted"));
        }
        keep_where(set, keep);
        set->pod_security = true;
}

/* The version that an enforce-version means; KUBE_MINOR_LATEST for what is none. */
static uint16_t enforced_minor(struct str version) {
        char exact[16];
        uint16_t minor;

        if (kube_minor_parse(version, &minor) < 0)
                return KUBE_MINOR_LATEST;
        snprintf(exact, sizeof exact, "v1.%u", (unsigned)minor);
        return str_eq(version, str_from(exact)) ? minor : KUBE_MINOR_LATEST;
}

bool policy_is_enforced(const struct policy_set *set, const struct policy *policy,
                        const struct doc_node *namespace_object) {
        const struct doc_node *labels = doc_find(namespace_object, "metadata", "labels");
        struct str level = doc_string(doc_get(labels, STR("pod-security.kubernetes.io/enforce")),
                                      STR("privileged"));
        uint16_t minor = enforced_minor(doc_string(
                doc_get(labels, STR("pod-security.kubernetes.io/enforce-version")), STR("latest")));

        if (str_eq(level, STR("privileged")))
                return false;
        if (set->kube_minor && minor > set->kube_minor)
                minor = set->kube_minor;
        return in_framework(set, policy,
                            str_eq(level, STR("baseline")) ? STR("pss-baseline")
                                                           : STR("pss-restricted"),
                            minor);
}

/* --- by name --- */

void policy_set_keep_current(struct policy_set *set, const struct str *names, size_t count) {
        size_t kept = 0;

        for (size_t i = 0; i < set->policies.count; i++) {
                struct policy *policy = set->policies.items[i];
                bool keep = !policy->former;

                for (size_t n = 0; n < count; n++)
                        keep = keep || str_eq(policy->info.id, names[n]);
                if (keep)
                        set->policies.items[kept++] = policy;
        }
        set->policies.count = kept;
}

int policy_set_keep(struct policy_set *set, const struct str *names, size_t count, bool keep_them,
                    struct error *error) {
        _cleanup_free_ bool *keep = xrealloc(NULL, set->policies.count, sizeof *keep);

        for (size_t i = 0; i < set->policies.count; i++)
                keep[i] = !keep_them;
        for (size_t n = 0; n < count; n++) {
                bool known = false;

                for (size_t i = 0; i < set->policies.count; i++) {
                        const struct rule_info *info = &set->policies.items[i]->info;

                        if (!str_eq(info->id, names[n]) && !str_eq(info->practice, names[n]))
                                continue;
                        keep[i] = keep_them;
                        known = true;
                }
                if (!known) {
                        struct str near;

                        policy_find(set, names[n], &near);
                        return error_set(error, -ENOENT, "unknown rule \"%.*s\"%s%.*s%s",
                                         STR_ARG(names[n]), near.len ? ", did you mean \"" : "",
                                         STR_ARG(near), near.len ? "\"?" : "");
                }
        }
        keep_where(set, keep);
        return 0;
}

static bool has_str(const struct str *list, size_t count, struct str text) {
        for (size_t i = 0; i < count; i++)
                if (str_eq(list[i], text))
                        return true;
        return false;
}

void policy_set_keep_about(struct policy_set *set, struct str group, struct str resource) {
        _cleanup_free_ bool *keep = xrealloc(NULL, set->policies.count, sizeof *keep);

        for (size_t i = 0; i < set->policies.count; i++) {
                const struct policy_match *match = &set->policies.items[i]->match;

                keep[i] = false;
                for (size_t k = 0; k < match->rule_count; k++) {
                        const struct policy_rule *rule = &match->rules[k];

                        if (has_str(rule->groups, rule->group_count, group) &&
                            has_str(rule->resources, rule->resource_count, resource))
                                keep[i] = true;
                }
        }
        keep_where(set, keep);
}
