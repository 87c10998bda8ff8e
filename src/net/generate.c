#include "net/generate.h"

#include <strings.h>

#include "base/util.h"
#include "net/private.h"
#include "net/service.h"

/* More addresses than this outside become everything outside. */
enum { ADDRESSES_MAX = 20, REASONS_MAX = 3 };

struct generator {
        const struct net_flow_log *log;
        const struct net_index *index;
        const struct net_generate_options *options;
        struct arena arena;
        struct buf *out;
        struct net_generate_result *result;
        const struct net_exposure *exposures;
        size_t exposure_count;
};

/* --- labels --- */

static const char *const controller_labels[] = {
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
        "app.kubernetes.io/version",
        "helm.sh/chart",
        "app.kubernetes.io/managed-by",
};

/* In the order in which they are tried. */
static const char *const naming_labels[] = {
        "app.kubernetes.io/name",     "app",       "k8s-app", "name", "app.kubernetes.io/component",
        "app.kubernetes.io/instance", "component", "tier"
};

static bool is_of_controller(struct str key) {
        for (size_t i = 0; i < ELEMENTS(controller_labels); i++)
                if (str_eq(key, str_from(controller_labels[i])))
                        return true;
        return false;
}

static struct str word(const struct generator *generator, uint32_t number) {
        return generator->index->word_text.items[number];
}

/* Whether LABELS tell ENDPOINT apart from the other workloads of its namespace. */
static bool tell_apart(const struct generator *generator, const struct net_endpoint *endpoint,
                       const struct net_labels *labels) {
        const struct net_index *index = generator->index;

        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_pod *pod = index->endpoints[i].pod;
                uint32_t equal = 0;

                if (&index->endpoints[i] == endpoint || pod->namespace != endpoint->pod->namespace)
                        continue;
                for (uint32_t k = 0; k < labels->count; k++) {
                        const uint32_t *value = net_label_find(&pod->labels, labels->items[k].key);

                        equal += value && *value == labels->items[k].value;
                }
                if (equal == labels->count)
                        return false;
        }
        return labels->count > 0;
}

/* The labels of ENDPOINT that a person would select it by, best first. */
static struct net_labels candidates_of(struct generator *generator,
                                       const struct net_endpoint *endpoint) {
        const struct net_labels *all = &endpoint->pod->labels;
        struct net_labels found = {
                arena_new_array(&generator->arena, all->count, struct net_label), 0
        };

        for (size_t k = 0; k < ELEMENTS(naming_labels); k++)
                for (uint32_t i = 0; i < all->count; i++)
                        if (str_eq(word(generator, all->items[i].key), str_from(naming_labels[k])))
                                found.items[found.count++] = all->items[i];
        for (uint32_t i = 0; i < all->count; i++) {
                bool known = is_of_controller(word(generator, all->items[i].key));

                for (uint32_t k = 0; k < found.count && !known; k++)
                        known = found.items[k].key == all->items[i].key;
                if (!known)
                        found.items[found.count++] = all->items[i];
        }
        return found;
}

static struct net_labels selector_of(struct generator *generator,
                                     const struct net_endpoint *endpoint, bool *ret_apart) {
        struct net_labels all = candidates_of(generator, endpoint);

        for (uint32_t count = 1; count <= all.count; count++) {
                struct net_labels some = { all.items, count };

                if (tell_apart(generator, endpoint, &some)) {
                        *ret_apart = true;
                        return some;
                }
        }
        *ret_apart = false;
        return all;
}

/* --- YAML --- */

/* Words that YAML 1.1 takes for something else. */
static bool is_word(struct str text) {
        static const char *const words[] = { "true", "false", "yes", "no", "on",
                                             "off",  "null",  "y",   "n" };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (text.len == strlen(words[i]) && strncasecmp(text.ptr, words[i], text.len) == 0)
                        return true;
        return false;
}

/* Names of Kubernetes mostly need no quotes. */
static bool is_plain(struct str text) {
        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

                if (!letter && (i == 0 || !(c >= '0' && c <= '9')) &&
                    (i == 0 || (c != '-' && c != '.' && c != '/' && c != '_')))
                        return false;
        }
        return text.len > 0 && !is_word(text);
}

static void add_scalar(struct buf *out, struct str text) {
        if (is_plain(text))
                buf_add(out, text);
        else
                buf_add_json(out, text);
}

static void add_labels(struct generator *generator, const struct net_labels *labels) {
        buf_add_char(generator->out, '{');
        for (uint32_t i = 0; i < labels->count; i++) {
                buf_add(generator->out, i ? STR(", ") : STR(""));
                add_scalar(generator->out, word(generator, labels->items[i].key));
                buf_add(generator->out, STR(": "));
                add_scalar(generator->out, word(generator, labels->items[i].value));
        }
        buf_add_char(generator->out, '}');
}

static void add_pod_selector(struct generator *generator, const char *indent,
                             const struct net_endpoint *endpoint) {
        bool apart;
        struct net_labels labels = selector_of(generator, endpoint, &apart);

        if (labels.count == 0) {
                buf_printf(generator->out, "%spodSelector: {}\n", indent);
                return;
        }
        buf_printf(generator->out, "%spodSelector:\n%s  matchLabels: ", indent, indent);
        add_labels(generator, &labels);
        buf_add_char(generator->out, '\n');
}

static struct str shown(struct generator *generator, struct str text) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        buf_add_terminal(&buf, text);
        return arena_str(&generator->arena, buf_str(&buf));
}

static bool is_taken(const struct generator *generator, struct str namespace, struct str name) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;

        return map_get(&generator->index->policies,
                       net_key3(&scratch, STR("NetworkPolicy"), namespace, name));
}

/* A policy with the name of one that is there would take its place. */
static void begin_policy(struct generator *generator, struct str namespace, struct str name) {
        if (generator->options->only_open && is_taken(generator, namespace, name))
                name = arena_printf(&generator->arena, "%.*s-declared", STR_ARG(name));
        buf_add(generator->out, generator->result->policies++ ? STR("---\n") : STR(""));
        buf_add(generator->out, STR("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
                                    "metadata:\n  name: "));
        add_scalar(generator->out, name);
        buf_add(generator->out, STR("\n  namespace: "));
        add_scalar(generator->out, namespace);
        buf_add(generator->out, STR("\nspec:\n"));
}

/* --- connections of one workload in one direction --- */

/* The other end, and the ports on which it is connected to. */
struct partner {
        struct net_end end;
        struct net_interval *ports;
        uint32_t count;
        size_t capacity;
        uint64_t flows;
        struct str reason;
};

struct partners {
        struct partner *items;
        size_t count, capacity;
};

static bool same_end(const struct net_end *a, const struct net_end *b) {
        if (a->endpoint != b->endpoint)
                return false;
        return a->endpoint != UINT32_MAX || ip_equal(&a->ip, &b->ip);
}

static void note(struct generator *generator, struct partners *partners, const struct net_end *end,
                 const struct net_flow *flow) {
        uint32_t code = net_port_code(flow->protocol, flow->port);
        struct partner *partner = NULL;

        for (size_t i = 0; i < partners->count && !partner; i++)
                if (same_end(&partners->items[i].end, end))
                        partner = &partners->items[i];
        if (!partner) {
                partners->items = vec_grow(partners->items, partners->count, &partners->capacity,
                                           sizeof *partners->items, &generator->arena);
                partner = &partners->items[partners->count++];
                *partner = (struct partner){ .end = *end, .reason = flow->reason };
        }
        partner->flows += flow->count;
        for (uint32_t i = 0; i < partner->count; i++)
                if (partner->ports[i].first == code)
                        return;
        partner->ports = vec_grow(partner->ports, partner->count, &partner->capacity,
                                  sizeof *partner->ports, &generator->arena);
        partner->ports[partner->count++] = (struct net_interval){ code, code };
}

static int compare_intervals(const void *a, const void *b) {
        const struct net_interval *left = a, *right = b;

        return left->first < right->first ? -1 : left->first > right->first;
}

static struct partners partners_of(struct generator *generator, uint32_t endpoint,
                                   enum net_direction direction) {
        struct partners partners = { 0 };

        for (size_t i = 0; i < generator->log->flows.count; i++) {
                const struct net_flow *flow = &generator->log->flows.items[i];
                const struct net_end *own =
                        direction == NET_INGRESS ? &flow->destination : &flow->source;

                if (!flow->denied && own->endpoint == endpoint)
                        note(generator, &partners,
                             direction == NET_INGRESS ? &flow->source : &flow->destination, flow);
        }
        for (size_t i = 0; i < partners.count; i++)
                qsort(partners.items[i].ports, partners.items[i].count,
                      sizeof *partners.items[i].ports, compare_intervals);
        return partners;
}

static bool same_ports(const struct partner *a, const struct partner *b) {
        return a->count == b->count && memcmp(a->ports, b->ports, a->count * sizeof *a->ports) == 0;
}

/* Pods of the host network are met by the address of their node. */
static bool is_address(const struct generator *generator, const struct net_end *end) {
        return end->endpoint == UINT32_MAX ||
               generator->index->classes[generator->index->endpoints[end->endpoint].class].host;
}

static const struct net_address *address_of(const struct generator *generator,
                                            const struct net_end *end, struct net_address *room) {
        const struct net_pod *pod;

        if (end->endpoint == UINT32_MAX) {
                *room = (struct net_address){ true, end->ip };
                return room;
        }
        pod = generator->index->endpoints[end->endpoint].pod;
        return pod->addresses[0].known ? &pod->addresses[0] : &pod->addresses[1];
}

static void add_comment(struct generator *generator, const struct partner *partner) {
        struct buf *out = generator->out;

        if (partner->end.endpoint != UINT32_MAX) {
                const struct net_endpoint *endpoint =
                        &generator->index->endpoints[partner->end.endpoint];

                buf_printf(out, "        # %.*s/%.*s",
                           STR_ARG(shown(generator, endpoint->namespace)),
                           STR_ARG(shown(generator, endpoint->name)));
        } else {
                buf_printf(out, "        # %.*s",
                           STR_ARG(ip_text(&generator->arena, &partner->end.ip)));
        }
        if (partner->reason.len > 0)
                buf_printf(out, ": %.*s\n", STR_ARG(shown(generator, partner->reason)));
        else
                buf_printf(out,
                           partner->flows == 1 ? ": observed once\n" : ": observed %llu times\n",
                           (unsigned long long)partner->flows);
}

static void add_peer(struct generator *generator, const struct partner *partner,
                     const struct net_endpoint *own) {
        const struct net_endpoint *endpoint;
        struct net_address room = { 0 };
        struct buf *out = generator->out;

        add_comment(generator, partner);
        if (is_address(generator, &partner->end)) {
                const struct net_address *address = address_of(generator, &partner->end, &room);

                if (!address->known)
                        buf_add(out, STR("        # its node has no known address: put it here\n"
                                         "        - ipBlock: {cidr: 192.0.2.1/32}\n"));
                else
                        buf_printf(out, "        - ipBlock: {cidr: \"%.*s/%d\"}\n",
                                   STR_ARG(ip_text(&generator->arena, &address->ip)),
                                   address->ip.v6 ? 128 : 32);
                return;
        }
        endpoint = &generator->index->endpoints[partner->end.endpoint];
        buf_add(out, STR("        - "));
        if (endpoint->pod->namespace != own->pod->namespace) {
                buf_add(out, STR("namespaceSelector:\n            matchLabels: "
                                 "{kubernetes.io/metadata.name: "));
                add_scalar(out, endpoint->namespace);
                buf_add(out, STR("}\n          "));
        }
        {
                struct buf selector _cleanup_(buf_free) = BUF_INIT;

                generator->out = &selector;
                add_pod_selector(generator, "          ", endpoint);
                generator->out = out;
                buf_add(out, str_slice(buf_str(&selector), 10, selector.len));
        }
}

static void add_ports(struct generator *generator, const struct partner *partner) {
        buf_add(generator->out, STR("      ports:\n"));
        for (uint32_t i = 0; i < partner->count; i++)
                buf_printf(generator->out, "        - {protocol: %s, port: %u}\n",
                           net_protocol_name(partner->ports[i].first >> 16),
                           partner->ports[i].first & 0xffff);
}

static size_t count_outside(const struct partners *partners, const struct partner *like) {
        size_t count = 0;

        for (size_t i = 0; i < partners->count; i++)
                count += partners->items[i].end.endpoint == UINT32_MAX &&
                         same_ports(&partners->items[i], like);
        return count;
}

static void add_everything_outside(struct generator *generator, size_t count) {
        buf_printf(generator->out,
                   "        # %zu addresses outside were observed: too many to list\n"
                   "        - ipBlock:\n            cidr: 0.0.0.0/0\n            except: "
                   "[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.169.254/32]\n",
                   count);
}

/* One rule for all partners with the same ports as the one AT. */
static void add_rule(struct generator *generator, struct partners *partners, size_t at, bool *done,
                     const struct net_endpoint *own, enum net_direction direction) {
        const struct partner *first = &partners->items[at];
        size_t outside = count_outside(partners, first);
        bool many = outside > ADDRESSES_MAX;

        buf_printf(generator->out, "    - %s:\n", direction == NET_INGRESS ? "from" : "to");
        if (many)
                add_everything_outside(generator, outside);
        for (size_t i = at; i < partners->count; i++) {
                if (done[i] || !same_ports(&partners->items[i], first))
                        continue;
                done[i] = true;
                if (!many || partners->items[i].end.endpoint != UINT32_MAX)
                        add_peer(generator, &partners->items[i], own);
        }
        add_ports(generator, first);
        generator->result->rules++;
}

/* --- what manifests alone cannot show --- */

static void add_dns(struct generator *generator) {
        buf_add(generator->out,
                STR("    # names are looked up at the DNS of the cluster\n    - to:\n"
                    "        - namespaceSelector:\n            matchLabels: "
                    "{kubernetes.io/metadata.name: kube-system}\n          podSelector:\n"
                    "            matchLabels: {k8s-app: kube-dns}\n      ports:\n"
                    "        - {protocol: UDP, port: 53}\n        - {protocol: TCP, port: 53}\n"));
        generator->result->rules++;
}

static void add_from_outside(struct generator *generator, const struct net_exposure *it) {
        struct buf *out = generator->out;

        if (it->route) {
                buf_printf(out,
                           "    # %.*s %.*s/%.*s leads here; narrow this to the controller that "
                           "serves it\n    - from:\n        - namespaceSelector: {}\n",
                           STR_ARG(it->route->kind),
                           STR_ARG(shown(generator, it->route->namespace)),
                           STR_ARG(shown(generator, it->route->name)));
        } else {
                buf_printf(out, "    # reached from outside (%s)\n    - from:\n",
                           net_way_name(it->way));
                for (uint32_t i = 0; it->service && it->way == NET_WAY_LOAD_BALANCER &&
                                     i < it->service->source_range_count;
                     i++)
                        buf_printf(out, "        - ipBlock: {cidr: \"%.*s\"}\n",
                                   STR_ARG(ip_prefix_text(&generator->arena,
                                                          &it->service->source_ranges[i])));
                if (!it->service || it->way != NET_WAY_LOAD_BALANCER ||
                    it->service->source_range_count == 0)
                        buf_add(out, STR("        - ipBlock: {cidr: 0.0.0.0/0}\n"));
        }
        buf_printf(out, "      ports:\n        - {protocol: %s, port: %u}\n",
                   net_protocol_name(it->protocol), it->inside);
        generator->result->rules++;
}

static size_t add_ways_in(struct generator *generator, uint32_t endpoint) {
        size_t count = 0;

        for (size_t i = 0; i < generator->exposure_count; i++)
                if (generator->exposures[i].endpoint == endpoint) {
                        add_from_outside(generator, &generator->exposures[i]);
                        count++;
                }
        return count;
}

static bool has_ways_in(const struct generator *generator, uint32_t endpoint) {
        for (size_t i = 0; i < generator->exposure_count; i++)
                if (generator->exposures[i].endpoint == endpoint)
                        return true;
        return false;
}

/* --- policies --- */

/* The directions that the policies for CLASS are about. */
static bool is_about(const struct generator *generator, uint32_t class,
                     enum net_direction direction) {
        return !generator->options->only_open || !net_isolated(generator->index, class, direction);
}

static void add_types(struct generator *generator, bool ingress, bool egress) {
        buf_printf(generator->out, "  policyTypes: [%s%s%s]\n", ingress ? "Ingress" : "",
                   ingress && egress ? ", " : "", egress ? "Egress" : "");
}

static void add_direction(struct generator *generator, uint32_t number, struct partners *partners,
                          enum net_direction direction, bool more) {
        const struct net_endpoint *own = &generator->index->endpoints[number];
        bool *done = arena_new_array(&generator->arena, partners->count + 1, bool);

        if (partners->count == 0 && !more)
                return;
        buf_printf(generator->out, "  %s:\n", direction == NET_INGRESS ? "ingress" : "egress");
        if (more && direction == NET_EGRESS)
                add_dns(generator);
        if (more && direction == NET_INGRESS)
                add_ways_in(generator, number);
        for (size_t i = 0; i < partners->count; i++)
                if (!done[i])
                        add_rule(generator, partners, i, done, own, direction);
}

static void add_workload(struct generator *generator, uint32_t number) {
        const struct net_endpoint *endpoint = &generator->index->endpoints[number];
        struct partners ingress = partners_of(generator, number, NET_INGRESS);
        struct partners egress = partners_of(generator, number, NET_EGRESS);
        bool declared = generator->options->declared, apart = true;
        bool ways = declared && has_ways_in(generator, number);
        bool in = is_about(generator, endpoint->class, NET_INGRESS);
        bool out = is_about(generator, endpoint->class, NET_EGRESS);

        if (generator->index->classes[endpoint->class].host) {
                generator->result->hosts++;
                return;
        }
        if (ingress.count == 0 && egress.count == 0 && !ways && !declared)
                return;
        if (!in && !out)
                return;
        selector_of(generator, endpoint, &apart);
        begin_policy(generator, endpoint->namespace, endpoint->name);
        if (!apart) {
                generator->result->ambiguous++;
                buf_add(generator->out,
                        STR("  # no labels tell this workload apart from others of the "
                            "namespace: give it one\n"));
        }
        add_pod_selector(generator, "  ", endpoint);
        add_types(generator, in, out);
        if (in)
                add_direction(generator, number, &ingress, NET_INGRESS, ways);
        if (out)
                add_direction(generator, number, &egress, NET_EGRESS, declared);
}

/* The rules of one workload in one direction, without a head. */
static void add_needed(struct generator *generator, uint32_t number, enum net_direction direction) {
        struct partners partners = partners_of(generator, number, direction);
        bool *done = arena_new_array(&generator->arena, partners.count + 1, bool);

        if (direction == NET_INGRESS && generator->options->declared)
                add_ways_in(generator, number);
        for (size_t i = 0; i < partners.count; i++)
                if (!done[i])
                        add_rule(generator, &partners, i, done,
                                 &generator->index->endpoints[number], direction);
}

static bool is_wanted(const struct generator *generator, struct str namespace) {
        for (size_t i = 0; i < generator->options->namespace_count; i++)
                if (str_eq(generator->options->namespaces[i], namespace))
                        return true;
        return generator->options->namespace_count == 0;
}

void net_generate_rules(const struct net_flow_log *log, const struct net_generate_options *options,
                        const struct net_policy *policy, enum net_direction direction,
                        struct buf *out, struct net_generate_result *ret) {
        struct generator generator = {
                .log = log, .index = log->index, .options = options, .out = out, .result = ret
        };

        *ret = (struct net_generate_result){ 0 };
        generator.exposures =
                net_exposures(log->index, &generator.arena, &generator.exposure_count);
        if (direction == NET_EGRESS && options->declared)
                add_dns(&generator);
        for (uint32_t i = 0; i < log->index->endpoint_count; i++)
                if (net_bit(policy->bits, log->index->endpoints[i].class))
                        add_needed(&generator, i, direction);
        arena_free(&generator.arena);
}

void net_generate(const struct net_flow_log *log, const struct net_generate_options *options,
                  struct buf *out, struct net_generate_result *ret) {
        struct generator generator = {
                .log = log, .index = log->index, .options = options, .out = out, .result = ret
        };
        const struct net_index *index = log->index;
        const struct net_namespace *last = NULL;

        *ret = (struct net_generate_result){ 0 };
        generator.exposures = net_exposures(index, &generator.arena, &generator.exposure_count);
        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_namespace *namespace = index->endpoints[i].pod->namespace;

                if (!namespace || !is_wanted(&generator, namespace->name))
                        continue;
                if (namespace != last) {
                        begin_policy(&generator, namespace->name, STR("default-deny"));
                        buf_add(out, STR("  # nothing, except as the other policies say\n"
                                         "  podSelector: {}\n"
                                         "  policyTypes: [Ingress, Egress]\n"));
                        last = namespace;
                }
                add_workload(&generator, i);
        }
        arena_free(&generator.arena);
}
