/*
 * The table of the providers.
 */
#include "base/util.h"
#include "fix/private.h"
#include "fix/rbac.h"

const struct fix_provider *const fix_providers[] = {
        &fix_rbac_subjects,
        &fix_rbac_bindings,
        &fix_rbac_everyone,
        &fix_rbac_inert,
        &fix_rbac_rights,
        &fix_rbac_wildcards,
        &fix_rbac_tokens,
        &fix_rbac_secrets,
        &fix_quota,
        &fix_limit_range,
        &fix_default_deny,
        &fix_narrow_policy,
        NULL,
};

const struct fix_provider *fix_provider_for(struct str rule, size_t *ret_number) {
        for (size_t i = 0; fix_providers[i]; i++)
                for (size_t k = 0; fix_providers[i]->rules[k]; k++)
                        if (str_eq(rule, str_from(fix_providers[i]->rules[k]))) {
                                *ret_number = i;
                                return fix_providers[i];
                        }
        return NULL;
}

void fix_mark_rules(struct policy_set *set) {
        for (size_t i = 0; i < set->policies.count; i++) {
                struct rule_info *info = &set->policies.items[i]->info;
                size_t number;

                if (fix_provider_for(info->id, &number))
                        info->has_fix = true;
        }
}
