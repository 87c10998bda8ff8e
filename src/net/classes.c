/*
 * Classes: pods that no policy can tell apart. What a policy could tell is written into a key of
 * numbers; pods of equal keys are of one class. Endpoints give the classes names.
 */
#include "base/util.h"
#include "net/private.h"

/* Words that policies ask for. */
struct asked {
        bool *keys;  /* by word: the key of a selector of pods or nodes */
        bool *ports; /* by word: the name of a port */
};

static void ask_selector(struct asked *asked, const struct net_selector *selector) {
        for (uint32_t i = 0; i < selector->count; i++)
                asked->keys[selector->items[i].key] = true;
}

static void ask_rules(struct asked *asked, const struct net_rules *rules) {
        for (uint32_t i = 0; i < rules->count; i++) {
                const struct net_rule *rule = &rules->items[i];

                for (uint32_t k = 0; k < rule->peer_count; k++)
                        ask_selector(asked, &rule->peers[k].pods);
                for (uint32_t k = 0; k < rule->port_count; k++)
                        asked->ports[rule->ports[k].word] = true;
        }
}

static void find_asked(struct net_index *index, struct asked *asked) {
        asked->keys = arena_new_array(&index->arena, index->word_text.count, bool);
        asked->ports = arena_new_array(&index->arena, index->word_text.count, bool);
        for (size_t i = 0; i < index->all_policies.count; i++) {
                const struct net_policy *policy = index->all_policies.items[i];

                ask_selector(asked, &policy->pods);
                for (int d = 0; d < NET_DIRECTIONS; d++)
                        ask_rules(asked, &policy->rules[d]);
        }
        asked->ports[0] = false;
}

/* --- keys --- */

struct key {
        VEC(uint32_t) numbers;
};

static void add_port(struct key *key, const struct net_named_port *port) {
        *vec_push(&key->numbers) = port->name;
        *vec_push(&key->numbers) = net_port_code(port->protocol, port->port);
}

static void write_key(const struct net_index *index, const struct asked *asked,
                      const struct net_pod *pod, struct key *key) {
        key->numbers.count = 0;
        *vec_push(&key->numbers) = pod->host_network ? UINT32_MAX : pod->namespace->number;
        for (int f = 0; f < 2; f++)
                *vec_push(&key->numbers) = pod->addresses[f].known
                                                   ? net_range_of(index, &pod->addresses[f].ip) + 1
                                                   : 0;
        if (pod->host_network) {
                /* Where nodes are selected by their labels, and because connections from a node to
                 * its own pods are special, every node is one of its own. */
                *vec_push(&key->numbers) = (uint32_t)(uintptr_t)map_get(&index->words, pod->node);
                return;
        }
        for (uint32_t i = 0; i < pod->labels.count; i++)
                if (asked->keys[pod->labels.items[i].key]) {
                        *vec_push(&key->numbers) = pod->labels.items[i].key;
                        *vec_push(&key->numbers) = pod->labels.items[i].value;
                }
        *vec_push(&key->numbers) = UINT32_MAX;
        for (uint32_t i = 0; i < pod->port_count; i++)
                if (asked->ports[pod->ports[i].name])
                        add_port(key, &pod->ports[i]);
}

static void put_into_class(struct net_index *index, struct net_pod *pod, const struct key *key,
                           struct map *by_key) {
        struct str text = { (const char *)key->numbers.items,
                            key->numbers.count * sizeof *key->numbers.items };
        uint32_t number = (uint32_t)(uintptr_t)map_get(by_key, text);
        struct net_class *class;

        if (number == 0) {
                number = ++index->class_count;
                map_put(by_key, arena_str(&index->arena, text))->value = (void *)(uintptr_t)number;
                class = &index->classes[number - 1];
                class->namespace = pod->host_network ? NULL : pod->namespace;
                class->pod = pod;
                class->host = pod->host_network;
                class->node = pod->node;
                for (int f = 0; f < 2; f++)
                        class->range[f] = pod->addresses[f].known
                                                  ? net_range_of(index, &pod->addresses[f].ip)
                                                  : UINT32_MAX;
                if (class->namespace)
                        *vec_push(&class->namespace->classes) = number - 1;
        }
        class = &index->classes[number - 1];
        /* A Node knows its own labels; a pod of the host network does not know them. */
        if (str_eq(pod->kind, STR("Node")))
                class->pod = pod;
        class->pods += !str_eq(pod->kind, STR("Node"));
        if (!str_eq(class->node, pod->node))
                class->node = STR("");
        pod->class = number - 1;
}

/* --- endpoints --- */

static int compare_pods(const void *a, const void *b) {
        const struct net_pod *left = *(struct net_pod *const *)a,
                             *right = *(struct net_pod *const *)b;
        struct str none = STR("");
        int r = str_cmp(left->namespace ? left->namespace->name : none,
                        right->namespace ? right->namespace->name : none);

        if (r == 0)
                r = str_cmp(left->kind, right->kind);
        if (r == 0)
                r = str_cmp(left->owner, right->owner);
        return r != 0 ? r : str_cmp(left->name, right->name);
}

static bool same_workload(const struct net_pod *a, const struct net_pod *b) {
        return a->namespace == b->namespace && str_eq(a->kind, b->kind) &&
               str_eq(a->owner, b->owner);
}

static void add_endpoint(struct net_index *index, struct net_pod *const *pods, size_t count,
                         bool single) {
        const struct net_pod *pod = pods[0];
        uint32_t number = index->endpoint_count++;

        index->endpoints[number] = (struct net_endpoint){
                .namespace = pod->namespace ? pod->namespace->name : STR(""),
                .kind = single ? STR("Pod") : pod->kind,
                .name = single ? pod->name : pod->owner,
                .class = pod->class,
                .pods = (uint32_t)count,
                .pod = pod,
                .place = pod->place,
        };
        for (size_t i = 0; i < count; i++)
                pods[i]->endpoint = number;
}

/* A workload whose pods are of different classes is told pod by pod. */
static void add_workload(struct net_index *index, struct net_pod *const *pods, size_t count) {
        bool same = true;

        for (size_t i = 1; i < count; i++)
                same &= pods[i]->class == pods[0]->class;
        if (same || pods[0]->template) {
                add_endpoint(index, pods, count, false);
                return;
        }
        for (size_t i = 0; i < count; i++)
                add_endpoint(index, &pods[i], 1, true);
}

static void name_endpoint(struct net_index *index, struct str namespace, struct str kind,
                          struct str name, uint32_t number) {
        struct str keys[] = { net_key3(&index->arena, namespace, kind, name),
                              net_key3(&index->arena, namespace, STR(""), name) };

        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                struct map_entry *entry = map_put(&index->names, keys[i]);

                if (!entry->value)
                        entry->value = (void *)(uintptr_t)(number + 1);
        }
}

static int compare_endpoints(const void *a, const void *b) {
        const struct net_endpoint *left = a, *right = b;
        int r = str_cmp(left->namespace, right->namespace);

        if (r == 0)
                r = str_cmp(left->kind, right->kind);
        return r != 0 ? r : str_cmp(left->name, right->name);
}

static void make_endpoints(struct net_index *index) {
        size_t count = index->all_pods.count;
        struct net_pod **pods = index->all_pods.items;

        index->endpoints = arena_new_array(&index->arena, count, struct net_endpoint);
        for (size_t i = 0, end; i < count; i = end) {
                for (end = i + 1; end < count && same_workload(pods[i], pods[end]); end++)
                        ;
                add_workload(index, &pods[i], end - i);
        }
        /* Single pods of workloads stand at the place of their own kind. */
        if (index->endpoint_count > 1)
                qsort(index->endpoints, index->endpoint_count, sizeof *index->endpoints,
                      compare_endpoints);
        for (uint32_t i = 0; i < index->endpoint_count; i++)
                name_endpoint(index, index->endpoints[i].namespace, index->endpoints[i].kind,
                              index->endpoints[i].name, i);
        for (size_t i = 0; i < count; i++) {
                struct str namespace = pods[i]->namespace ? pods[i]->namespace->name : STR("");
                const struct net_endpoint *found =
                        net_find(index, namespace, STR("Pod"), pods[i]->name);

                if (!found)
                        found = net_find(index, namespace, pods[i]->kind, pods[i]->owner);
                if (!found)
                        continue;
                pods[i]->endpoint = (uint32_t)(found - index->endpoints);
                if (pods[i]->name.len > 0)
                        name_endpoint(index, namespace, STR("Pod"), pods[i]->name,
                                      pods[i]->endpoint);
        }
}

/* A pod of the host network has the addresses of its node, all of them. */
static void share_addresses(struct net_index *index) {
        struct map nodes _cleanup_(map_free) = MAP_INIT;

        for (size_t i = 0; i < index->all_pods.count; i++)
                if (!index->all_pods.items[i]->namespace)
                        map_put(&nodes, index->all_pods.items[i]->name)->value =
                                index->all_pods.items[i];
        for (size_t i = 0; i < index->all_pods.count; i++) {
                struct net_pod *pod = index->all_pods.items[i];
                const struct net_pod *node = pod->host_network ? map_get(&nodes, pod->node) : NULL;

                if (node && (node->addresses[0].known || node->addresses[1].known))
                        memcpy(pod->addresses, node->addresses, sizeof pod->addresses);
        }
}

void net_make_classes(struct net_index *index) {
        struct map by_key _cleanup_(map_free) = MAP_INIT;
        struct key key = { 0 };
        struct asked asked;

        share_addresses(index);
        find_asked(index, &asked);
        if (index->all_pods.count > 1)
                qsort(index->all_pods.items, index->all_pods.count, sizeof *index->all_pods.items,
                      compare_pods);
        index->classes = arena_new_array(&index->arena, index->all_pods.count, struct net_class);
        for (size_t i = 0; i < index->all_pods.count; i++) {
                write_key(index, &asked, index->all_pods.items[i], &key);
                put_into_class(index, index->all_pods.items[i], &key, &by_key);
        }
        vec_free(&key.numbers);
        make_endpoints(index);
        index->peer_count = index->class_count + index->range_count;
        index->words_per_set = (index->peer_count + 63) / 64;
}
