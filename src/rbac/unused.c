#include "rbac/unused.h"

#include "base/util.h"
#include "base/vec.h"

struct uses {
        const struct rbac_use **items;
        size_t count, capacity;
};

struct work {
        struct arena *arena;
        const struct rbac_usage *usage;
        struct map by_user; /* -> struct uses */
        struct rbac_unused *ret;
        uint64_t done;
};

/* pkg/registry/rbac, certificates, and the admission plugins for them. */
bool rbac_is_invisible(struct str verb) {
        static const char *const verbs[] = {
                "bind", "escalate", "approve", "sign", "attest", "use"
        };

        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (str_eq(verb, str_from(verbs[i])))
                        return true;
        return false;
}

/* --- one rule --- */

static const struct str star[] = { STR_INIT("*") };
static const struct rbac_strings anything = { (struct str *)star, 1, true };

/* Marks the items of STRINGS that REQUEST needs; ONE is the rule as it would be with only one of
 * them, which it holds in NARROWED. */
static void mark(const struct rbac_strings *strings, struct rbac_rule *one,
                 struct rbac_strings *narrowed, const struct rbac_request *request, bool *marks) {
        const struct rbac_strings before = *narrowed;

        for (size_t i = 0; i < strings->count; i++) {
                *narrowed = (struct rbac_strings){ &strings->items[i], 1,
                                                   str_eq(strings->items[i], STR("*")) };
                marks[i] |= rbac_rule_allows(one, request);
        }
        *narrowed = before;
}

static void mark_all(struct rbac_rule_use *use, const struct rbac_request *request) {
        const struct rbac_rule *rule = use->rule;
        struct rbac_rule one = { .verbs = anything, .groups = anything, .resources = anything };

        mark(&rule->verbs, &one, &one.verbs, request, use->verbs);
        if (request->resource.len > 0) {
                mark(&rule->groups, &one, &one.groups, request, use->groups);
                mark(&rule->resources, &one, &one.resources, request, use->resources);
                mark(&rule->names, &one, &one.names, request, use->names);
        } else {
                mark(&rule->urls, &one, &one.urls, request, use->urls);
        }
}

static uint64_t rule_size(const struct rbac_rule *rule) {
        return rule->verbs.count + rule->groups.count + rule->resources.count + rule->names.count +
               rule->urls.count;
}

static bool all_marked(const struct rbac_strings *strings, const bool *marks) {
        for (size_t i = 0; i < strings->count; i++)
                if (!marks[i] || str_eq(strings->items[i], STR("*")))
                        return false;
        return true;
}

static bool all_verbs(const struct rbac_rule_use *use, bool invisible_only) {
        const struct rbac_strings *verbs = &use->rule->verbs;

        for (size_t i = 0; i < verbs->count; i++)
                if (!rbac_is_invisible(verbs->items[i]) &&
                    (invisible_only || !use->verbs[i] || str_eq(verbs->items[i], STR("*"))))
                        return false;
        return true;
}

static void begin_rule(struct arena *arena, const struct rbac_rule *rule,
                       struct rbac_rule_use *ret) {
        *ret = (struct rbac_rule_use){
                .rule = rule,
                .verbs = arena_new_array(arena, rule->verbs.count, bool),
                .groups = arena_new_array(arena, rule->groups.count, bool),
                .resources = arena_new_array(arena, rule->resources.count, bool),
                .names = arena_new_array(arena, rule->names.count, bool),
                .urls = arena_new_array(arena, rule->urls.count, bool),
        };
}

static void end_rule(struct rbac_rule_use *use) {
        const struct rbac_rule *rule = use->rule;

        use->invisible = rule->verbs.count > 0 && all_verbs(use, true);
        use->whole = use->uses > 0 && all_verbs(use, false) &&
                     all_marked(&rule->groups, use->groups) &&
                     all_marked(&rule->resources, use->resources) &&
                     all_marked(&rule->names, use->names) && all_marked(&rule->urls, use->urls);
}

/* --- one binding --- */

static bool concerns(const struct rbac_binding *binding, const struct rbac_request *request) {
        return binding->cluster ||
               (request->resource.len > 0 && str_eq(binding->namespace, request->namespace));
}

static void hold_against(struct work *work, struct rbac_binding_use *binding,
                         const struct uses *uses) {
        size_t rules = binding->binding->role->rule_count;

        for (size_t i = 0; i < uses->count; i++) {
                const struct rbac_request *request = &uses->items[i]->request;

                work->done += rules;
                if (work->done > RBAC_UNUSED_WORK) {
                        work->ret->cut = true;
                        return;
                }
                for (size_t k = 0; concerns(binding->binding, request) && k < rules; k++) {
                        struct rbac_rule_use *use = &binding->rules[k];

                        if (!rbac_rule_allows(use->rule, request))
                                continue;
                        use->uses++;
                        work->done += rule_size(use->rule);
                        mark_all(use, request);
                        if (use->count < RBAC_UNUSED_MAX_EXAMPLES)
                                *vec_push_in(work->arena, use) = uses->items[i];
                }
        }
}

/* The members of a group are those who were in it by the log. */
static void hold_against_all(struct work *work, struct rbac_binding_use *binding) {
        const struct rbac_principal *principal = binding->principal;
        const struct uses *uses;

        if (principal->kind != RBAC_GROUP) {
                uses = map_get(&work->by_user, principal->name);
                if (uses)
                        hold_against(work, binding, uses);
                return;
        }
        for (size_t i = 0; i < work->usage->users.count; i++) {
                const struct rbac_user *user = work->usage->users.entries[i].value;

                work->done++;
                if (map_get(&user->groups, principal->name))
                        hold_against(work, binding, map_get(&work->by_user, user->name));
        }
}

static void take_binding(struct work *work, const struct rbac_principal *principal,
                         const struct rbac_binding *binding) {
        const struct rbac_role *role = binding->role;
        struct rbac_binding_use use = { .principal = principal, .binding = binding, .whole = true };

        use.rules = arena_new_array(work->arena, role->rule_count, struct rbac_rule_use);
        for (size_t i = 0; i < role->rule_count; i++)
                begin_rule(work->arena, role->rules[i], &use.rules[i]);
        hold_against_all(work, &use);
        for (size_t i = 0; i < role->rule_count; i++) {
                end_rule(&use.rules[i]);
                use.used |= use.rules[i].uses > 0;
                use.whole &= use.rules[i].whole || use.rules[i].invisible;
        }
        *vec_push_in(work->arena, work->ret) = use;
}

static void sort_uses(struct work *work) {
        for (size_t i = 0; i < work->usage->uses.count; i++) {
                const struct rbac_use *use = work->usage->uses.entries[i].value;
                struct map_entry *entry = map_put(&work->by_user, use->user->name);

                if (!entry->value)
                        entry->value = arena_new(work->arena, struct uses);
                *vec_push_in(work->arena, (struct uses *)entry->value) = use;
        }
}

void rbac_unused(struct arena *arena, const struct rbac_index *index,
                 const struct rbac_usage *usage, struct rbac_unused *ret) {
        const struct map *const maps[] = { &index->users, &index->groups };
        struct work work = { .arena = arena, .usage = usage, .ret = ret };

        *ret = (struct rbac_unused){ 0 };
        sort_uses(&work);
        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++) {
                        const struct rbac_principal *principal = maps[m]->entries[i].value;

                        for (size_t k = 0; k < principal->grants.count; k++) {
                                const struct rbac_binding *binding =
                                        principal->grants.items[k].binding;

                                if (binding->role && !binding->standard)
                                        take_binding(&work, principal, binding);
                        }
                }
        map_free(&work.by_user);
}
