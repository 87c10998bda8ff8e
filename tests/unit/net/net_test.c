/* Network decisions. What is expected follows from the documentation of NetworkPolicy and of
 * policy.networking.k8s.io; tests/cli/net_conformance.py and net_random.py ask much more. */
#include "net/net.h"

#include "../test.h"
#include "base/util.h"
#include "net/flows.h"
#include "net/matrix.h"
#include "net/service.h"

#define POD(namespace, name, labels, ip)                                                           \
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " name                                   \
        ", namespace: " namespace ", labels: {" labels "}}\nspec: {containers: [{name: c, image: " \
                                  "i, ports: [{name: http, "                                       \
                                  "containerPort: 8080}]}]}\nstatus: {podIP: " ip "}\n"
#define POLICY(namespace, name, spec)                                                              \
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " name       \
        ", namespace: " namespace "}\nspec: {" spec "}\n"

/* Two namespaces with a web and a db each. */
#define CLUSTER                                                                                    \
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: a}}\n"                \
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b, labels: {team: b}}\n" POD(      \
                "a", "web", "app: web", "10.0.0.1") POD("a", "db", "app: db", "10.0.0.2")          \
                POD("b", "web", "app: web", "10.0.1.1") POD("b", "db", "app: db", "10.0.1.2")

static void load(struct net_index *index, const char *text) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR("test.yaml"), str_from(text) };
        struct resource_list resources;
        struct doc_reader reader;
        struct error error;
        struct doc *doc;
        int r;

        net_index_init(index);
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        while ((r = doc_read(&reader, &arena, &doc, NULL)) != 0) {
                assert_int_equal(r, 1);
                resources_of(&arena, doc, STR("default"), false, &resources);
                for (size_t i = 0; i < resources.count; i++)
                        net_index_add(index, source.name, &resources.items[i]);
        }
        assert_int_equal(net_index_finish(index, &error), 0);
}

/* "a/web", or an address. */
static uint32_t peer(const struct net_index *index, const char *text) {
        struct str rest = str_from(text), namespace;
        const struct net_endpoint *endpoint;
        struct ip ip;

        if (ip_parse(rest, &ip, NULL, NULL) >= 0)
                return net_peer_of_ip(index, &ip);
        str_split(&rest, '/', &namespace);
        endpoint = net_find(index, namespace, STR(""), rest);
        assert_non_null(endpoint);
        return endpoint->class;
}

static bool allowed(const struct net_index *index, const char *source, const char *destination,
                    enum net_protocol protocol, uint16_t port) {
        struct net_decision decision;
        uint32_t from = peer(index, source), to = peer(index, destination);
        bool matrix = net_reaches_port(index, from, to, protocol, port);

        net_decide(index, from, to, protocol, port, &decision);
        /* Both ways to answer say the same. */
        assert_int_equal(decision.allowed, matrix);
        return matrix;
}

static bool tcp(const struct net_index *index, const char *source, const char *destination,
                uint16_t port) {
        return allowed(index, source, destination, NET_TCP, port);
}

static size_t incomplete(const struct net_index *index) {
        size_t count = 0;

        for (size_t i = 0; i < index->problems.count; i++)
                count += index->problems.items[i].incomplete;
        return count;
}

/* --- port sets --- */

static void test_port_sets(_unused_ void **state) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct net_interval some[] = { { 90, 100 }, { 80, 89 }, { 5, 6 } };
        struct net_interval middle[] = { { 85, 95 } };
        struct net_port_table table;
        uint32_t a, b, c;

        net_port_table_init(&table);
        a = net_ports_intern(&table, some, 3);
        b = net_ports_intern(&table, middle, 1);
        /* Sorted and joined: 5-6, 80-100. */
        assert_str(net_ports_text(&arena, &table.sets.items[a]), "TCP 5-6,80-100");
        c = net_ports_subtract(&table, a, b);
        assert_str(net_ports_text(&arena, &table.sets.items[c]), "TCP 5-6,80-84,96-100");
        assert_int_equal(net_ports_union(&table, c, b), a);
        assert_int_equal(net_ports_intersect(&table, a, b), b);
        assert_int_equal(net_ports_intersect(&table, c, b), NET_NO_PORTS);
        assert_int_equal(net_ports_subtract(&table, a, NET_ALL_PORTS), NET_NO_PORTS);
        assert_true(net_ports_are_all(&table.sets.items[NET_ALL_PORTS]));
        assert_str(net_ports_text(&arena, &table.sets.items[NET_ALL_PORTS]), "any port");
        c = net_ports_subtract(&table, NET_ALL_PORTS, a);
        assert_false(net_ports_have(&table.sets.items[c], NET_TCP, 80));
        assert_true(net_ports_have(&table.sets.items[c], NET_UDP, 80));
        net_port_table_free(&table);
}

/* --- NetworkPolicy --- */

static void test_without_policies_all_is_allowed(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, CLUSTER);
        assert_true(tcp(&index, "a/web", "b/db", 1));
        assert_true(tcp(&index, "8.8.8.8", "b/db", 1));
        assert_true(tcp(&index, "b/db", "8.8.8.8", 1));
}

static void test_isolation_is_per_direction(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, CLUSTER POLICY("a", "p", "podSelector: {matchLabels: {app: db}}"));
        assert_false(tcp(&index, "a/web", "a/db", 1));
        assert_true(tcp(&index, "a/db", "a/web", 1));
        assert_true(tcp(&index, "a/web", "b/db", 1));
        assert_true(net_isolated(&index, peer(&index, "a/db"), NET_INGRESS));
        assert_false(net_isolated(&index, peer(&index, "a/db"), NET_EGRESS));
}

/* Without policyTypes: Ingress always, Egress where there are egress rules. */
static void test_default_policy_types(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index,
             CLUSTER POLICY("a", "p", "podSelector: {}, egress: [{to: [{podSelector: {}}]}]"));
        assert_false(tcp(&index, "b/web", "a/db", 1));
        assert_false(tcp(&index, "a/web", "b/db", 1));
        net_index_free(&index);
        load(&index, CLUSTER POLICY("a", "p", "podSelector: {}, egress: []"));
        assert_true(tcp(&index, "a/web", "b/db", 1));
}

/* One item with two selectors means both, two items mean either. */
static void test_peers(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, CLUSTER POLICY("a", "p",
                                    "podSelector: {matchLabels: {app: db}}, ingress: [{from: "
                                    "[{namespaceSelector: {matchLabels: {team: b}}, podSelector: "
                                    "{matchLabels: {app: web}}}]}]"));
        assert_true(tcp(&index, "b/web", "a/db", 1));
        assert_false(tcp(&index, "b/db", "a/db", 1));
        assert_false(tcp(&index, "a/web", "a/db", 1));
        net_index_free(&index);
        load(&index, CLUSTER POLICY("a", "p",
                                    "podSelector: {matchLabels: {app: db}}, ingress: [{from: "
                                    "[{namespaceSelector: {matchLabels: {team: b}}}, {podSelector: "
                                    "{matchLabels: {app: web}}}]}]"));
        assert_true(tcp(&index, "b/db", "a/db", 1));
        assert_true(tcp(&index, "a/web", "a/db", 1));
}

/* `ingress: [{}]` is everybody; a null selector is none. */
static void test_empty_and_null(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, CLUSTER POLICY("a", "p", "podSelector: {}, ingress: [{}]"));
        assert_true(tcp(&index, "b/web", "a/db", 1));
        net_index_free(&index);
        load(&index, CLUSTER POLICY("a", "p",
                                    "podSelector: {}, ingress: [{from: [{podSelector: null, "
                                    "namespaceSelector: {}}]}]"));
        assert_true(tcp(&index, "b/web", "a/db", 1));
        assert_false(tcp(&index, "8.8.8.8", "a/db", 1));
}

static void test_blocks(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, CLUSTER POLICY("a", "p",
                                    "podSelector: {}, policyTypes: [Egress], egress: [{to: "
                                    "[{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.1.0/24]}}, "
                                    "{ipBlock: {cidr: 2001:db8::/32}}]}]"));
        assert_true(tcp(&index, "a/web", "10.9.9.9", 1));
        assert_false(tcp(&index, "a/web", "10.0.1.9", 1));
        assert_true(tcp(&index, "a/web", "a/db", 1));
        assert_false(tcp(&index, "a/web", "b/db", 1));
        assert_true(tcp(&index, "a/web", "2001:db8::1", 1));
        assert_false(tcp(&index, "a/web", "2001:db9::1", 1));
        assert_false(tcp(&index, "a/web", "11.0.0.0", 1));
}

static void test_ports(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, CLUSTER POLICY("a", "p",
                                    "podSelector: {}, ingress: [{ports: [{port: http}, {port: 100, "
                                    "endPort: 200, protocol: UDP}, {protocol: SCTP}]}]"));
        assert_true(tcp(&index, "b/web", "a/db", 8080));
        assert_false(allowed(&index, "b/web", "a/db", NET_UDP, 8080));
        assert_true(allowed(&index, "b/web", "a/db", NET_UDP, 200));
        assert_false(allowed(&index, "b/web", "a/db", NET_UDP, 201));
        assert_true(allowed(&index, "b/web", "a/db", NET_SCTP, 1));
        assert_false(tcp(&index, "b/web", "a/db", 100));
}

/* A pod of the host network is the node: no selector selects it, nothing holds for it. */
static void test_host_network(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index,
             CLUSTER "---\napiVersion: v1\nkind: Pod\nmetadata: {name: host, namespace: a, labels: "
                     "{app: web}}\nspec: {hostNetwork: true, nodeName: n1, containers: []}\n"
                     "status: {podIP: 172.18.0.2}\n" POLICY("a", "p",
                                                            "podSelector: {}, policyTypes: "
                                                            "[Ingress, Egress], ingress: [{from: "
                                                            "[{podSelector: {}}]}]"));
        assert_false(tcp(&index, "a/host", "a/db", 1));
        assert_true(tcp(&index, "a/host", "b/db", 1));
        assert_true(tcp(&index, "b/db", "a/host", 1));
        assert_int_equal(peer(&index, "172.18.0.2"), peer(&index, "a/host"));
}

/* A node reaches its own pods, whatever policies say. */
static void test_node_to_its_own_pods(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };
        const struct net_endpoint *node;

        load(&index, "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: "
                     "[{type: InternalIP, address: 172.18.0.2}]}\n"
                     "---\napiVersion: v1\nkind: Node\nmetadata: {name: n2}\nstatus: {addresses: "
                     "[{type: InternalIP, address: 172.18.0.3}]}\n"
                     "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\nspec: "
                     "{nodeName: n1, containers: []}\nstatus: {podIP: 10.0.0.1}\n" POLICY(
                             "a", "deny", "podSelector: {}"));
        node = net_find(&index, STR(""), STR("Node"), STR("n1"));
        assert_non_null(node);
        assert_true(net_reaches_port(&index, node->class, peer(&index, "a/p"), NET_TCP, 1));
        node = net_find(&index, STR(""), STR("Node"), STR("n2"));
        assert_false(net_reaches_port(&index, node->class, peer(&index, "a/p"), NET_TCP, 1));
}

static void test_pods_that_have_ended_are_not_there(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, "apiVersion: v1\nkind: Pod\nmetadata: {name: done, namespace: a}\nspec: "
                     "{containers: []}\nstatus: {phase: Succeeded, podIP: 10.0.0.1}\n");
        assert_null(net_find(&index, STR("a"), STR(""), STR("done")));
        assert_int_equal(index.class_count, 0);
}

/* --- tiers --- */

#define CLUSTER_POLICY(name, tier, priority, rest)                                                 \
        "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"         \
        "metadata: {name: " name "}\nspec: {tier: " tier ", priority: " priority                   \
        ", subject: {namespaces: {}}, " rest "}\n"

static void test_tiers(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index,
             CLUSTER POLICY("a", "p", "podSelector: {}") CLUSTER_POLICY(
                     "first", "Admin", "1",
                     "ingress: [{action: Pass, from: [{pods: {namespaceSelector: {}, podSelector: "
                     "{matchLabels: {app: db}}}}]}, {action: Accept, from: [{namespaces: "
                     "{matchLabels: {team: b}}}], protocols: [{tcp: {destinationPort: {number: "
                     "80}}}]}]")
                     CLUSTER_POLICY("last", "Baseline", "1",
                                    "ingress: [{action: Deny, from: [{namespaces: {matchLabels: "
                                    "{team: a}}}]}]"));
        assert_true(tcp(&index, "b/web", "a/db", 80));   /* accepted before the NetworkPolicy */
        assert_false(tcp(&index, "b/web", "a/db", 81));  /* which denies the rest */
        assert_false(tcp(&index, "b/db", "a/web", 80));  /* passed to it */
        assert_false(tcp(&index, "a/web", "b/web", 80)); /* no NetworkPolicy: baseline denies */
        assert_true(tcp(&index, "b/db", "b/web", 80));
        assert_int_equal(incomplete(&index), 0);
}

static void test_equal_priority_is_reported(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index, CLUSTER CLUSTER_POLICY("x", "Admin", "5",
                                            "ingress: [{action: Accept, from: [{namespaces: {}}]}]")
                             CLUSTER_POLICY("y", "Admin", "5",
                                            "ingress: [{action: Deny, from: [{namespaces: {}}]}]"));
        assert_int_equal(incomplete(&index), 1);
}

/* An Allow with a peer that is not known matches nothing by it, a Deny denies everything. */
static void test_unknown_peers_fail_closed(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index,
             CLUSTER CLUSTER_POLICY("x", "Admin", "5",
                                    "ingress: [{action: Deny, from: [{planets: {}}], "
                                    "protocols: [{tcp: {destinationPort: {number: 80}}}]}]"));
        assert_false(tcp(&index, "a/web", "b/web", 81));
        assert_int_equal(incomplete(&index), 1);
        net_index_free(&index);
        load(&index,
             CLUSTER POLICY("a", "p", "podSelector: {}, ingress: [{from: [{planet: {}}]}]"));
        assert_false(tcp(&index, "b/web", "a/db", 1));
        assert_int_equal(incomplete(&index), 1);
}

/* --- input that the API server would refuse --- */

static void test_bad_input_is_reported(_unused_ void **state) {
        static const char *const specs[] = {
                "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]",
                "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: "
                "[11.0.0.0/8]}}]}]",
                "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: "
                "{}}]}]",
                "podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: a, "
                "operator: Like, values: [b]}]}}]}]",
                "podSelector: {}, ingress: [{ports: [{port: 70000}]}]",
                "podSelector: {}, ingress: [{ports: [{port: 80, endPort: 79}]}]",
                "podSelector: {}, ingress: [{ports: [{port: http, endPort: 80}]}]",
                "podSelector: {}, ingress: [{ports: [{protocol: ICMP}]}]",
        };

        for (size_t i = 0; i < ELEMENTS(specs); i++) {
                struct net_index index _cleanup_(net_index_free) = { 0 };
                char text[4096];

                snprintf(text, sizeof text, "%s%s%s}\n", CLUSTER,
                         "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: "
                         "{name: p, namespace: a}\nspec: {",
                         specs[i]);
                load(&index, text);
                assert_int_equal(incomplete(&index), 1);
                /* What cannot be used matches nothing; the policy isolates all the same. */
                assert_false(tcp(&index, "b/web", "a/db", 80));
        }
}

/* --- workloads --- */

static void test_pods_belong_to_their_workload(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };
        const struct net_endpoint *web;

        load(&index, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: a}\n"
                     "spec: {template: {metadata: {labels: {app: old}}, spec: {containers: []}}}\n"
                     "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-5d-x, namespace: a, "
                     "labels: {app: web, pod-template-hash: 5d}, ownerReferences: [{apiVersion: "
                     "apps/v1, kind: ReplicaSet, name: web-5d, controller: true}]}\nspec: "
                     "{containers: []}\nstatus: {podIP: 10.0.0.1}\n");
        web = net_find(&index, STR("a"), STR("Deployment"), STR("web"));
        assert_non_null(web);
        /* The pod that runs counts, not the template. */
        assert_int_equal(web->pods, 1);
        assert_false(web->pod->template);
        assert_ptr_equal(web, net_find(&index, STR("a"), STR("Pod"), STR("web-5d-x")));
        assert_int_equal(index.endpoint_count, 1);
}

/* A template has no address yet: only a block with all addresses of pods holds it. */
static void test_addresses_that_are_not_known(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };
        const char *cluster =
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db, namespace: b}\nspec: "
                "{template: {metadata: {labels: {app: db}}, spec: {containers: "
                "[]}}}\n" CLUSTER_POLICY("x", "Admin", "1",
                                         "egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]")
                        POD("a", "web", "app: web", "10.0.0.1");

        load(&index, cluster);
        assert_false(tcp(&index, "a/web", "b/db", 1));
}

static void test_services(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct net_exposure *exposures;
        size_t count;

        load(&index, CLUSTER
             "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: a}\nspec: "
             "{type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24], selector: "
             "{app: db}, ports: [{port: 80, targetPort: http}]}\n" POLICY(
                     "a", "p",
                     "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "
                     "198.51.100.0/24}}]}]"));
        exposures = net_exposures(&index, &arena, &count);
        assert_int_equal(count, 1);
        assert_int_equal(exposures[0].outside, 80);
        assert_int_equal(exposures[0].inside, 8080);
        /* The policy lets other addresses in than those that may come. */
        assert_true(exposures[0].blocked);
}

static void test_blocks_are_as_few_as_can_be(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct net_view *view;
        struct ip_prefix *blocks;
        uint32_t count;

        load(&index, CLUSTER POLICY("a", "p",
                                    "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "
                                    "10.0.0.0/9}}, {ipBlock: {cidr: 10.128.0.0/9}}]}]"));
        view = &index.views[index.classes[peer(&index, "a/db")].view[NET_INGRESS]];
        for (uint32_t i = 0; i < view->group_count; i++) {
                blocks = net_blocks_of(&index, &arena, view->groups[i].bits, &count);
                if (view->groups[i].set == NET_ALL_PORTS)
                        assert_str(net_blocks_text(&arena, blocks, count), "10.0.0.0/8");
                else
                        assert_str(net_blocks_text(&arena, blocks, count),
                                   "0.0.0.0/0 except 10.0.0.0/8, ::/0");
        }
}

/* Pods of one class are others to each other. */
static void test_open_to_all(_unused_ void **state) {
        struct net_index index _cleanup_(net_index_free) = { 0 };

        load(&index,
             CLUSTER POLICY("a", "p", "podSelector: {}") POLICY("b", "p", "podSelector: {}"));
        assert_int_equal(net_open_to_all(&index, peer(&index, "a/db")), NET_NO_PORTS);
        net_index_free(&index);
        load(&index, CLUSTER);
        assert_int_equal(net_open_to_all(&index, peer(&index, "a/db")), NET_ALL_PORTS);
        net_index_free(&index);
        load(&index, POD("a", "web", "app: web", "10.0.0.1") POLICY("a", "p", "podSelector: {}"));
        assert_int_equal(net_open_to_all(&index, peer(&index, "a/web")), NET_NO_PORTS);
}

/* --- logs --- */

static void test_forms_of_logs(_unused_ void **state) {
        static const char *const lines[] = {
                "{\"src\":{\"namespace\":\"a\",\"name\":\"web\"},\"dst\":{\"ip\":\"10.0.1.2\"},"
                "\"protocol\":\"TCP\",\"port\":5432}",
                "{\"flow\":{\"verdict\":\"FORWARDED\",\"IP\":{\"source\":\"10.0.0.1\","
                "\"destination\":\"10.0.1.2\"},\"l4\":{\"TCP\":{\"source_port\":4000,"
                "\"destination_port\":5432}},\"source\":{\"namespace\":\"a\",\"pod_name\":\"web\"},"
                "\"destination\":{\"namespace\":\"b\",\"pod_name\":\"db\"},\"is_reply\":false}}",
                "{\"source_namespace\":\"a\",\"source_name\":\"-\",\"source_name_aggr\":\"web-*\","
                "\"source_ip\":null,\"dest_namespace\":\"b\",\"dest_name\":\"db\","
                "\"dest_port\":5432,\"proto\":\"tcp\",\"action\":\"allow\"}",
        };
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct net_flow_log log;

        load(&index, CLUSTER);
        net_flow_log_init(&log, &index);
        for (size_t i = 0; i < ELEMENTS(lines); i++)
                net_flow_log_add(&log, str_from(lines[i]));
        /* All three say the same. */
        assert_int_equal(log.flows.count, 1);
        assert_int_equal(log.flows.items[0].count, 3);
        assert_int_equal(log.flows.items[0].port, 5432);
        net_flow_log_add(&log, STR("{\"flow\":{\"l4\":{\"TCP\":{\"destination_port\":1}},"
                                   "\"is_reply\":true}}"));
        net_flow_log_add(&log, STR("{\"src\":{\"name\":\"x\"},\"dst\":{},\"port\":1}"));
        net_flow_log_add(&log, STR("nonsense"));
        assert_int_equal(log.replies, 1);
        assert_int_equal(log.unknown, 1);
        assert_int_equal(log.unreadable, 1);
        net_flow_log_free(&log);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_port_sets),
                cmocka_unit_test(test_without_policies_all_is_allowed),
                cmocka_unit_test(test_isolation_is_per_direction),
                cmocka_unit_test(test_default_policy_types),
                cmocka_unit_test(test_peers),
                cmocka_unit_test(test_empty_and_null),
                cmocka_unit_test(test_blocks),
                cmocka_unit_test(test_ports),
                cmocka_unit_test(test_host_network),
                cmocka_unit_test(test_node_to_its_own_pods),
                cmocka_unit_test(test_pods_that_have_ended_are_not_there),
                cmocka_unit_test(test_tiers),
                cmocka_unit_test(test_equal_priority_is_reported),
                cmocka_unit_test(test_unknown_peers_fail_closed),
                cmocka_unit_test(test_bad_input_is_reported),
                cmocka_unit_test(test_pods_belong_to_their_workload),
                cmocka_unit_test(test_addresses_that_are_not_known),
                cmocka_unit_test(test_services),
                cmocka_unit_test(test_blocks_are_as_few_as_can_be),
                cmocka_unit_test(test_open_to_all),
                cmocka_unit_test(test_forms_of_logs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
