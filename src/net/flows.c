#include "net/flows.h"

#include "base/util.h"
#include "doc/json.h"
#include "net/private.h"
#include "net/service.h"

void net_flow_log_init(struct net_flow_log *log, const struct net_index *index) {
        *log = (struct net_flow_log){ .index = index };
}

void net_flow_log_free(struct net_flow_log *log) {
        map_free(&log->by_key);
        vec_free(&log->flows);
        arena_free(&log->arena);
}

uint32_t net_end_peer(const struct net_index *index, const struct net_end *end) {
        if (end->endpoint != UINT32_MAX)
                return index->endpoints[end->endpoint].class;
        return net_peer_of_ip(index, &end->ip);
}

static void keep(struct net_flow_log *log, const struct net_flow *flow) {
        struct {
                uint32_t ends[2];
                uint8_t ips[2][16];
                uint32_t rest;
        } key = { 0 };
        struct str text = { (const char *)&key, sizeof key };
        const struct net_end *ends[] = { &flow->source, &flow->destination };
        uintptr_t number;

        for (int i = 0; i < 2; i++) {
                key.ends[i] = ends[i]->endpoint;
                if (ends[i]->endpoint == UINT32_MAX)
                        memcpy(key.ips[i], ends[i]->ip.bytes, sizeof key.ips[i]);
        }
        key.rest = net_port_code(flow->protocol, flow->port) | (uint32_t)flow->denied << 31;
        number = (uintptr_t)map_get(&log->by_key, text);
        if (number > 0) {
                log->flows.items[number - 1].count += flow->count;
                return;
        }
        if (log->flows.count >= NET_FLOWS_MAX) {
                log->dropped++;
                return;
        }
        *vec_push(&log->flows) = *flow;
        map_put(&log->by_key, arena_str(&log->arena, text))->value =
                (void *)(uintptr_t)log->flows.count;
}

/* --- ends --- */

static bool set_endpoint(const struct net_index *index, const struct net_endpoint *endpoint,
                         struct net_end *ret) {
        if (endpoint)
                ret->endpoint = (uint32_t)(endpoint - index->endpoints);
        return endpoint;
}

/* NAME without its last part: "web-5d4f8-abcde" is a pod of "web-5d4f8", that one of "web". */
static struct str without_suffix(struct str name) {
        size_t end = name.len;

        while (end > 0 && name.ptr[end - 1] != '-')
                end--;
        return str_slice(name, 0, end > 0 ? end - 1 : 0);
}

static bool find_name(const struct net_index *index, struct str namespace, struct str kind,
                      struct str name, struct net_end *ret) {
        if (str_ends(name, STR("*")))
                name = without_suffix(name);
        if (set_endpoint(index, net_find(index, namespace, STR("Pod"), name), ret) ||
            set_endpoint(index, net_find(index, namespace, kind, name), ret))
                return true;
        for (int i = 0; i < 2; i++) {
                name = without_suffix(name);
                if (name.len > 0 &&
                    set_endpoint(index, net_find(index, namespace, STR(""), name), ret))
                        return true;
        }
        return false;
}

static bool find_end(const struct net_index *index, struct str namespace, struct str kind,
                     struct str name, struct str address, struct net_end *ret) {
        uint32_t peer;

        *ret = (struct net_end){ .endpoint = UINT32_MAX };
        if (name.len > 0 && namespace.len > 0 && !str_eq(name, STR("-")) &&
            find_name(index, namespace, kind, name, ret))
                return true;
        if (ip_parse(address, &ret->ip, NULL, NULL) < 0)
                return false;
        peer = net_peer_of_ip(index, &ret->ip);
        if (peer < index->class_count)
                ret->endpoint = index->classes[peer].pod->endpoint;
        return true;
}

static struct str text_of(const struct doc_node *map, struct str key) {
        return doc_string(doc_get(map, key), STR(""));
}

static bool read_port(const struct doc_node *node, uint16_t *ret) {
        if (!node || node->kind != DOC_INT || node->integer < 1 || node->integer > 65535)
                return false;
        *ret = (uint16_t)node->integer;
        return true;
}

/* --- the three forms --- */

enum form_result { FLOW_TAKEN, FLOW_REPLY, FLOW_UNKNOWN, FLOW_UNREADABLE };

static bool read_own_end(const struct net_index *index, const struct doc_node *node,
                         struct net_end *ret) {
        return find_end(index, text_of(node, STR("namespace")), text_of(node, STR("kind")),
                        text_of(node, STR("name")), text_of(node, STR("ip")), ret);
}

static enum form_result read_own(const struct net_index *index, const struct doc_node *root,
                                 struct net_flow *ret) {
        const struct doc_node *allowed = doc_get(root, STR("allowed"));

        if (!net_protocol_parse(doc_string(doc_get(root, STR("protocol")), STR("TCP")),
                                &ret->protocol) ||
            !read_port(doc_get(root, STR("port")), &ret->port))
                return FLOW_UNREADABLE;
        ret->denied = allowed && allowed->kind == DOC_BOOL && !allowed->boolean;
        return read_own_end(index, doc_get(root, STR("src")), &ret->source) &&
                               read_own_end(index, doc_get(root, STR("dst")), &ret->destination)
                       ? FLOW_TAKEN
                       : FLOW_UNKNOWN;
}

static bool read_hubble_end(const struct net_index *index, const struct doc_node *flow,
                            struct str end, struct net_end *ret) {
        const struct doc_node *node = doc_get(flow, end);
        struct str namespace = text_of(node, STR("namespace"));
        const struct doc_node *workloads = doc_get(node, STR("workloads"));

        if (find_end(index, namespace, STR(""), text_of(node, STR("pod_name")),
                     text_of(doc_get(flow, STR("IP")), end), ret) &&
            (ret->endpoint != UINT32_MAX || text_of(node, STR("pod_name")).len == 0))
                return true;
        if (workloads && workloads->kind == DOC_LIST && workloads->list.count > 0)
                return set_endpoint(index,
                                    net_find(index, namespace,
                                             text_of(&workloads->list.items[0], STR("kind")),
                                             text_of(&workloads->list.items[0], STR("name"))),
                                    ret);
        return false;
}

static enum form_result read_hubble(const struct net_index *index, const struct doc_node *flow,
                                    struct net_flow *ret) {
        const struct doc_node *l4 = doc_get(flow, STR("l4")), *reply, *port = NULL;

        reply = doc_get(flow, STR("is_reply"));
        if (reply && reply->kind == DOC_BOOL && reply->boolean)
                return FLOW_REPLY;
        for (int i = 0; i < NET_PROTOCOLS && !port; i++) {
                port = doc_get(doc_get(l4, str_from(net_protocol_name((enum net_protocol)i))),
                               STR("destination_port"));
                ret->protocol = (enum net_protocol)i;
        }
        if (!read_port(port, &ret->port))
                return FLOW_UNREADABLE;
        ret->denied = str_eq(text_of(flow, STR("verdict")), STR("DROPPED"));
        return read_hubble_end(index, flow, STR("source"), &ret->source) &&
                               read_hubble_end(index, flow, STR("destination"), &ret->destination)
                       ? FLOW_TAKEN
                       : FLOW_UNKNOWN;
}

static bool read_calico_end(const struct net_index *index, const struct doc_node *root,
                            const char *prefix, struct net_end *ret) {
        struct str parts[4];
        static const char *const names[] = { "namespace", "name", "name_aggr", "ip" };
        char key[32];

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                snprintf(key, sizeof key, "%s_%s", prefix, names[i]);
                parts[i] = text_of(root, str_from(key));
        }
        if (str_eq(parts[0], STR("-")))
                parts[0] = STR("");
        if (parts[1].len == 0 || str_eq(parts[1], STR("-")))
                parts[1] = parts[2];
        return find_end(index, parts[0], STR(""), parts[1], parts[3], ret);
}

static enum form_result read_calico(const struct net_index *index, const struct doc_node *root,
                                    struct net_flow *ret) {
        struct str protocol = text_of(root, STR("proto"));

        if (str_eq(protocol, STR("tcp")) || str_eq(protocol, STR("6")))
                ret->protocol = NET_TCP;
        else if (str_eq(protocol, STR("udp")) || str_eq(protocol, STR("17")))
                ret->protocol = NET_UDP;
        else if (str_eq(protocol, STR("sctp")) || str_eq(protocol, STR("132")))
                ret->protocol = NET_SCTP;
        else
                return FLOW_UNREADABLE;
        if (!read_port(doc_get(root, STR("dest_port")), &ret->port))
                return FLOW_UNREADABLE;
        ret->denied = str_eq(text_of(root, STR("action")), STR("deny"));
        return read_calico_end(index, root, "source", &ret->source) &&
                               read_calico_end(index, root, "dest", &ret->destination)
                       ? FLOW_TAKEN
                       : FLOW_UNKNOWN;
}

static enum form_result read_flow(const struct net_index *index, const struct doc_node *root,
                                  struct net_flow *ret) {
        const struct doc_node *flow = doc_get(root, STR("flow"));

        if (doc_get(root, STR("src")) && doc_get(root, STR("dst")))
                return read_own(index, root, ret);
        if (doc_get(flow ? flow : root, STR("l4")))
                return read_hubble(index, flow ? flow : root, ret);
        if (doc_get(root, STR("dest_port")))
                return read_calico(index, root, ret);
        return FLOW_UNREADABLE;
}

void net_flow_log_add(struct net_flow_log *log, struct str line) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR(""), line };
        struct net_flow flow = { .count = 1 };
        struct doc_reader reader;
        struct doc *doc;

        if (str_trim(line).len == 0)
                return;
        log->lines++;
        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        if (doc_read(&reader, &arena, &doc, NULL) <= 0) {
                log->unreadable++;
                return;
        }
        switch (read_flow(log->index, doc->root, &flow)) {
        case FLOW_TAKEN:
                keep(log, &flow);
                break;
        case FLOW_REPLY:
                log->replies++;
                break;
        case FLOW_UNKNOWN:
                log->unknown++;
                break;
        case FLOW_UNREADABLE:
                log->unreadable++;
                break;
        }
}

/* --- what manifests declare --- */

/* The host and port of "http://user@db.shop.svc:5432/x", "db:5432", "--db=db"; PORT is 0 where
 * there is none. */
static struct str host_of(struct str text, uint16_t *ret_port) {
        ptrdiff_t at = str_find(text, STR("://"), 0);
        struct str host;
        uint32_t port = 0;
        size_t end = 0;

        if (at >= 0)
                text = str_slice(text, (size_t)at + 3, text.len);
        else if ((at = str_find(text, STR("="), 0)) >= 0)
                text = str_slice(text, (size_t)at + 1, text.len);
        at = str_find(text, STR("@"), 0);
        if (at >= 0)
                text = str_slice(text, (size_t)at + 1, text.len);
        while (end < text.len && text.ptr[end] != ':' && text.ptr[end] != '/' &&
               text.ptr[end] != '?' && text.ptr[end] != ',')
                end++;
        host = str_slice(text, 0, end);
        if (end < text.len && text.ptr[end] == ':')
                for (end++; end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9' &&
                            port < 100000;
                     end++)
                        port = port * 10 + (uint32_t)(text.ptr[end] - '0');
        *ret_port = port <= 65535 ? (uint16_t)port : 0;
        return host;
}

static const struct net_service *service_of(const struct net_index *index,
                                            const struct net_pod *pod, struct str host) {
        struct str rest = host, name, namespace;

        if (!str_split(&rest, '.', &name) || name.len == 0)
                return NULL;
        if (!rest.ptr || !str_split(&rest, '.', &namespace))
                return net_service_find(index, pod->namespace->name, name);
        /* "db.shop", "db.shop.svc", "db.shop.svc.cluster.local": other names are not of Services.
         */
        if (rest.ptr && !str_eq(rest, STR("svc")) && !str_starts(rest, STR("svc.")))
                return NULL;
        return net_service_find(index, namespace, name);
}

static void declare_service(struct net_flow_log *log, uint32_t source,
                            const struct net_service *service, uint16_t port, struct str reason) {
        for (uint32_t i = 0; i < service->port_count; i++) {
                if (port > 0 && service->ports[i].port != port)
                        continue;
                for (uint32_t k = 0; k < service->endpoint_count; k++) {
                        uint32_t endpoint = service->endpoints[k];
                        struct net_flow flow = {
                                .source = { .endpoint = source },
                                .destination = { .endpoint = endpoint },
                                .protocol = service->ports[i].protocol,
                                .port = net_service_target(log->index, &service->ports[i],
                                                           log->index->endpoints[endpoint].pod),
                                .count = 1,
                                .reason = reason,
                        };

                        if (flow.port > 0 && source != endpoint)
                                keep(log, &flow);
                }
        }
}

static void declare_hosts(struct net_flow_log *log, uint32_t source) {
        const struct net_pod *pod = log->index->endpoints[source].pod;

        for (uint32_t i = 0; i < pod->host_count; i++) {
                uint16_t port;
                struct str host = host_of(pod->hosts[i], &port);
                const struct net_service *service = service_of(log->index, pod, host);

                if (service)
                        declare_service(log, source, service, port,
                                        arena_printf(&log->arena, "it names Service %.*s/%.*s",
                                                     STR_ARG(service->namespace),
                                                     STR_ARG(service->name)));
        }
}

void net_flow_log_declare(struct net_flow_log *log) {
        for (uint32_t i = 0; i < log->index->endpoint_count; i++)
                if (log->index->endpoints[i].pod->namespace)
                        declare_hosts(log, i);
}
