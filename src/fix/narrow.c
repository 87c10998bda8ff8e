/*
 * Fixes for NetworkPolicies with a rule that allows everybody on every port: in its stead come the
 * rules that the workloads need that the policy selects (fix/network.h). Where they need nothing in
 * that direction, the rule goes, and nothing comes.
 *
 * Neither manifests nor a log show every connection: the fix is unsafe.
 */
#include "base/util.h"
#include "fix/network.h"
#include "fix/private.h"

static const struct net_policy *find_policy(const struct net_index *index,
                                            const struct finding *finding) {
        for (size_t i = 0; i < index->all_policies.count; i++) {
                const struct net_policy *policy = index->all_policies.items[i];

                if (policy->tier == NET_TIER_POLICY &&
                    str_eq(policy->name, finding->resource.name) &&
                    str_eq(policy->namespace, finding->resource.namespace))
                        return policy;
        }
        return NULL;
}

/* Absent, null and empty mean everybody, on every port. */
static bool is_empty(const struct doc_node *list) {
        return !list || list->kind == DOC_NULL || (list->kind == DOC_LIST && list->list.count == 0);
}

static bool allows_all(const struct doc_node *rule, bool ingress) {
        return rule->kind == DOC_MAP && is_empty(doc_get(rule, STR("ports"))) &&
               is_empty(doc_get(rule, ingress ? STR("from") : STR("to")));
}

/* The rules that are needed, as a list. */
static const struct doc_node *needed(struct fix *fix, const struct fix_network *network,
                                     const struct net_policy *policy, bool ingress) {
        const struct net_generate_options options = { .declared = network->declared };
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;
        struct net_generate_result result;

        net_generate_rules(&network->log, &options, policy, ingress ? NET_INGRESS : NET_EGRESS,
                           &yaml, &result);
        /* The value points into its text. */
        return fix_value(fix,
                         result.rules == 0 ? "[]" : arena_str(fix_arena(fix), buf_str(&yaml)).ptr);
}

/* Those that allow all go, and RULES come behind what is left: their order means nothing. */
static void change(struct fix *fix, const struct fix_target *target, const struct doc_node *list,
                   const struct doc_node *rules, bool ingress) {
        uint32_t wide = 0;

        for (uint32_t i = 0; i < list->list.count; i++)
                wide += allows_all(&list->list.items[i], ingress);
        if (wide == list->list.count) {
                fix_replace(fix, target, list, rules);
                return;
        }
        for (uint32_t i = 0; i < list->list.count; i++)
                if (allows_all(&list->list.items[i], ingress))
                        fix_remove(fix, target, &list->list.items[i]);
        for (uint32_t i = 0; i < rules->list.count; i++)
                fix_append(fix, target, list, &rules->list.items[i]);
}

static void propose(void *data, const struct finding *finding, struct fix *fix) {
        struct fix_network *self = data;
        bool ingress = str_ends(finding->rule->id, STR("-ingress"));
        const struct net_policy *policy;
        const struct doc_node *list;
        struct fix_target target;

        if (!fix_find(fix, &finding->location, &target))
                return;
        policy = self->usable ? find_policy(&self->index, finding) : NULL;
        list = doc_get(doc_get(target.resource.root, STR("spec")),
                       ingress ? STR("ingress") : STR("egress"));
        if (!self->usable)
                fix_refuse(fix, "the network of the input is too large to be compared");
        else if (!policy || policy->selects == 0)
                fix_refuse(fix, "the policy selects no pods of the input: nothing tells what they "
                                "need");
        else if (!list || list->kind != DOC_LIST)
                fix_refuse(fix, "its rules cannot be read");
        else {
                change(fix, &target, list, needed(fix, self, policy, ingress), ingress);
                fix_describe(fix, "allow only the connections that %s",
                             self->declared ? "manifests declare" : "were observed");
        }
}

static const char *const rules[] = { "network/policy-allows-all-ingress",
                                     "network/policy-allows-all-egress", NULL };

const struct fix_provider fix_narrow_policy = {
        .rules = rules,
        .unsafe = "connections that no manifest and no log shows are cut; see redoubt net impact",
        .start = fix_network_start,
        .propose = propose,
        .stop = fix_network_stop,
};
