/*
 * Views: what a class allows in one direction, by peer.
 *
 * All peers begin in one group; each rule of each policy splits the groups by whether it matches,
 * and changes what is decided for those it does. Groups that have become equal are joined again, so
 * their number stays that of the distinct answers. Classes that the same policies select share the
 * view.
 */
#include "base/util.h"
#include "net/private.h"

/* What is decided for the peers of a group, as sets of ports. */
struct state {
        uint64_t *bits;
        uint32_t open;    /* nothing has matched in this tier */
        uint32_t passed;  /* a Pass of this tier did */
        uint32_t allowed; /* for good */
        uint32_t granted; /* by NetworkPolicies */
};

struct maker {
        struct net_index *index;
        struct arena scratch;
        VEC(struct state) states;
        VEC(const struct net_policy *) admin, baseline; /* of all, in order */
        VEC(const struct net_policy *) chosen;          /* those of the view at hand */
        VEC(struct net_view) views;
        struct map by_key;
        struct arena keys;
};

void net_bits_fill(uint64_t *bits, uint32_t count) {
        memset(bits, 0xff, count / 64 * sizeof *bits);
        if (count % 64)
                bits[count / 64] = (UINT64_C(1) << (count % 64)) - 1;
}

/* --- groups --- */

/* Splits the state AT by MATCH. Returns the number of the state of those that match, SIZE_MAX where
 * none does. */
static size_t split(struct maker *maker, size_t at, const uint64_t *match) {
        uint32_t words = maker->index->words_per_set;
        struct state rest = maker->states.items[at], hit = rest;
        bool in = false, out = false;

        for (uint32_t i = 0; i < words && !(in && out); i++) {
                in |= (rest.bits[i] & match[i]) != 0;
                out |= (rest.bits[i] & ~match[i]) != 0;
        }
        if (!in || !out)
                return in ? at : SIZE_MAX;
        hit.bits = arena_new_array(&maker->scratch, words, uint64_t);
        for (uint32_t i = 0; i < words; i++) {
                hit.bits[i] = rest.bits[i] & match[i];
                rest.bits[i] &= ~match[i];
        }
        *vec_push(&maker->states) = hit;
        return maker->states.count - 1;
}

static bool same(const struct state *a, const struct state *b) {
        return a->open == b->open && a->passed == b->passed && a->allowed == b->allowed &&
               a->granted == b->granted;
}

static void join(struct maker *maker) {
        size_t kept = 0;

        for (size_t i = 0; i < maker->states.count; i++) {
                struct state *state = &maker->states.items[i];
                size_t k = 0;

                while (k < kept && !same(&maker->states.items[k], state))
                        k++;
                if (k == kept) {
                        maker->states.items[kept++] = *state;
                        continue;
                }
                for (uint32_t w = 0; w < maker->index->words_per_set; w++)
                        maker->states.items[k].bits[w] |= state->bits[w];
        }
        maker->states.count = kept;
}

/* --- rules --- */

static void decide(struct net_port_table *ports, const struct net_rule *rule, uint32_t set,
                   struct state *state) {
        uint32_t hit;

        if (rule->policy->tier == NET_TIER_POLICY) {
                state->granted = net_ports_union(ports, state->granted, set);
                return;
        }
        hit = net_ports_intersect(ports, state->open, set);
        state->open = net_ports_subtract(ports, state->open, hit);
        if (rule->action == NET_ALLOW)
                state->allowed = net_ports_union(ports, state->allowed, hit);
        else if (rule->action == NET_PASS)
                state->passed = net_ports_union(ports, state->passed, hit);
}

static void apply_to(struct maker *maker, const struct net_rule *rule, const uint64_t *match,
                     uint32_t set) {
        size_t count = maker->states.count;

        if (set == NET_NO_PORTS)
                return;
        for (size_t i = 0; i < count; i++) {
                size_t hit = split(maker, i, match);

                if (hit != SIZE_MAX)
                        decide(&maker->index->ports, rule, set, &maker->states.items[hit]);
        }
}

/* The peers that an egress rule with named ports matches, by the ports that these names stand for.
 */
static void make_cells(struct net_index *index, struct net_rule *rule) {
        VEC(struct net_group) cells = { 0 };

        for (uint32_t peer = 0; peer < index->peer_count; peer++) {
                uint32_t set;
                size_t k = 0;

                if (!net_bit(rule->bits, peer))
                        continue;
                set = net_rule_ports(index, rule, peer);
                while (k < cells.count && cells.items[k].set != set)
                        k++;
                if (k == cells.count)
                        *vec_push_in(&index->arena, &cells) = (struct net_group){
                                set, arena_new_array(&index->arena, index->words_per_set, uint64_t)
                        };
                net_bit_set(cells.items[k].bits, peer);
        }
        rule->cells = cells.items;
        rule->cell_count = (uint32_t)cells.count;
}

static void apply(struct maker *maker, struct net_rule *rule, uint32_t class,
                  enum net_direction direction) {
        if (!rule->named || direction == NET_INGRESS) {
                apply_to(maker, rule, rule->bits, net_rule_ports(maker->index, rule, class));
                return;
        }
        if (!rule->cells)
                make_cells(maker->index, rule);
        for (uint32_t i = 0; i < rule->cell_count; i++)
                apply_to(maker, rule, rule->cells[i].bits, rule->cells[i].set);
}

/* --- tiers --- */

static void begin(struct maker *maker) {
        struct net_index *index = maker->index;
        struct state all = { .open = NET_ALL_PORTS };

        arena_reset(&maker->scratch, SIZE_MAX);
        all.bits = arena_new_array(&maker->scratch, index->words_per_set, uint64_t);
        net_bits_fill(all.bits, index->peer_count);
        maker->states.count = 0;
        *vec_push(&maker->states) = all;
}

/* What no rule of the tier decided goes on to the next. */
static void end_tier(struct maker *maker, enum net_tier tier, bool isolated) {
        struct net_port_table *ports = &maker->index->ports;

        for (size_t i = 0; i < maker->states.count; i++) {
                struct state *state = &maker->states.items[i];
                uint32_t rest = net_ports_union(ports, state->open, state->passed);

                if (tier == NET_TIER_POLICY && isolated) {
                        state->allowed =
                                net_ports_union(ports, state->allowed,
                                                net_ports_intersect(ports, rest, state->granted));
                        rest = NET_NO_PORTS;
                } else if (tier == NET_TIER_BASELINE) {
                        state->allowed = net_ports_union(ports, state->allowed, rest);
                        rest = NET_NO_PORTS;
                }
                state->open = rest;
                state->passed = NET_NO_PORTS;
                state->granted = NET_NO_PORTS;
        }
        join(maker);
}

static void finish_view(struct maker *maker, struct net_view *view) {
        struct net_index *index = maker->index;

        view->groups = arena_new_array(&index->arena, maker->states.count, struct net_group);
        for (size_t i = 0; i < maker->states.count; i++) {
                const struct state *state = &maker->states.items[i];

                view->limited |= state->allowed != NET_ALL_PORTS;
                view->groups[view->group_count++] = (struct net_group){
                        state->allowed, arena_copy(&index->arena, state->bits,
                                                   index->words_per_set * sizeof *state->bits)
                };
        }
}

static void list_policies(struct maker *maker, struct net_view *view) {
        view->policy_count = (uint32_t)maker->chosen.count;
        view->policies = arena_copy(&maker->index->arena, maker->chosen.items,
                                    maker->chosen.count * sizeof *maker->chosen.items);
}

static void make_view(struct maker *maker, uint32_t class, enum net_direction direction,
                      struct net_view *view) {
        size_t at = 0;

        list_policies(maker, view);
        begin(maker);
        for (int tier = 0; tier < NET_TIERS; tier++) {
                for (; at < maker->chosen.count && (int)maker->chosen.items[at]->tier == tier;
                     at++) {
                        const struct net_rules *rules = &maker->chosen.items[at]->rules[direction];

                        view->isolated |= tier == NET_TIER_POLICY;
                        for (uint32_t i = 0; i < rules->count; i++)
                                apply(maker, &rules->items[i], class, direction);
                        join(maker);
                }
                end_tier(maker, (enum net_tier)tier, view->isolated);
        }
        finish_view(maker, view);
}

/* --- which policies --- */

static int compare_priority(const void *a, const void *b) {
        const struct net_policy *left = *(const struct net_policy *const *)a,
                                *right = *(const struct net_policy *const *)b;

        if (left->priority != right->priority)
                return left->priority < right->priority ? -1 : 1;
        return str_cmp(left->name, right->name);
}

static void sort_tiers(struct maker *maker) {
        struct net_index *index = maker->index;

        for (size_t i = 0; i < index->all_policies.count; i++) {
                const struct net_policy *policy = index->all_policies.items[i];

                if (policy->tier == NET_TIER_ADMIN)
                        *vec_push(&maker->admin) = policy;
                else if (policy->tier == NET_TIER_BASELINE)
                        *vec_push(&maker->baseline) = policy;
        }
        if (maker->admin.count > 1)
                qsort(maker->admin.items, maker->admin.count, sizeof *maker->admin.items,
                      compare_priority);
        if (maker->baseline.count > 1)
                qsort(maker->baseline.items, maker->baseline.count, sizeof *maker->baseline.items,
                      compare_priority);
}

static void choose_from(struct maker *maker, const struct net_policy *const *policies, size_t count,
                        uint32_t class, enum net_direction direction) {
        for (size_t i = 0; i < count; i++)
                if (policies[i]->rules[direction].applies && net_bit(policies[i]->bits, class))
                        *vec_push(&maker->chosen) = policies[i];
}

static void choose(struct maker *maker, uint32_t class, enum net_direction direction) {
        const struct net_class *it = &maker->index->classes[class];

        maker->chosen.count = 0;
        if (it->host)
                return;
        choose_from(maker, maker->admin.items, maker->admin.count, class, direction);
        choose_from(maker, (const struct net_policy *const *)it->namespace->policies.items,
                    it->namespace->policies.count, class, direction);
        choose_from(maker, maker->baseline.items, maker->baseline.count, class, direction);
}

/* Named ports of ingress rules are those of the class itself. */
static bool depends_on_class(const struct maker *maker, enum net_direction direction) {
        for (size_t i = 0; i < maker->chosen.count && direction == NET_INGRESS; i++) {
                const struct net_rules *rules = &maker->chosen.items[i]->rules[direction];

                for (uint32_t k = 0; k < rules->count; k++)
                        if (rules->items[k].named)
                                return true;
        }
        return false;
}

static uint32_t view_of(struct maker *maker, uint32_t class, enum net_direction direction) {
        size_t count;
        uint32_t *numbers;
        struct map_entry *entry;
        struct net_view view = { 0 };

        choose(maker, class, direction);
        count = maker->chosen.count;
        numbers = arena_new_array(&maker->keys, count + 2, uint32_t);
        for (size_t i = 0; i < count; i++)
                numbers[i] = maker->chosen.items[i]->order;
        numbers[count] = count > 0 ? (uint32_t)direction : 0;
        count++;
        if (depends_on_class(maker, direction))
                numbers[count++] = class;
        entry = map_put(&maker->by_key,
                        (struct str){ (const char *)numbers, count * sizeof *numbers });
        if (entry->value)
                return (uint32_t)(uintptr_t)entry->value - 1;
        make_view(maker, class, direction, &view);
        *vec_push(&maker->views) = view;
        entry->value = (void *)(uintptr_t)maker->views.count;
        return (uint32_t)maker->views.count - 1;
}

static void finish(struct maker *maker) {
        struct net_index *index = maker->index;

        index->view_count = (uint32_t)maker->views.count;
        index->views = arena_copy(&index->arena, maker->views.items,
                                  maker->views.count * sizeof *maker->views.items);
        map_free(&maker->by_key);
        arena_free(&maker->keys);
        arena_free(&maker->scratch);
        vec_free(&maker->states);
        vec_free(&maker->admin);
        vec_free(&maker->baseline);
        vec_free(&maker->chosen);
        vec_free(&maker->views);
}

void net_make_views(struct net_index *index) {
        struct maker maker = { .index = index };

        sort_tiers(&maker);
        for (uint32_t i = 0; i < index->class_count; i++)
                for (int d = 0; d < NET_DIRECTIONS; d++)
                        index->classes[i].view[d] = view_of(&maker, i, (enum net_direction)d);
        finish(&maker);
}

void net_list_views(struct net_index *index, const bool *wanted) {
        struct maker maker = { .index = index };

        sort_tiers(&maker);
        *vec_push(&maker.views) = (struct net_view){ 0 }; /* of all others */
        for (uint32_t i = 0; i < index->class_count; i++)
                for (int d = 0; d < NET_DIRECTIONS && wanted[i]; d++) {
                        choose(&maker, i, (enum net_direction)d);
                        index->classes[i].view[d] = (uint32_t)maker.views.count;
                        list_policies(&maker, vec_push(&maker.views));
                }
        finish(&maker);
}
