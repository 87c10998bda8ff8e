#include "net/service.h"

#include "base/util.h"
#include "net/private.h"

/* --- Services --- */

static uint16_t port_number(const struct doc_node *node) {
        if (!node || node->kind != DOC_INT || node->integer < 1 || node->integer > 65535)
                return 0;
        return (uint16_t)node->integer;
}

static void read_service_port(struct net_reader *reader, const struct doc_node *node,
                              struct net_service_port *ret) {
        const struct doc_node *target = doc_get(node, STR("targetPort"));

        ret->pos = node->start;
        ret->name = net_string(reader, node, STR("name"));
        net_protocol_parse(doc_string(doc_get(node, STR("protocol")), STR("TCP")), &ret->protocol);
        ret->port = port_number(doc_get(node, STR("port")));
        ret->node_port = port_number(doc_get(node, STR("nodePort")));
        if (target && target->kind == DOC_STRING)
                ret->target_name = arena_str(&reader->index->arena, target->string);
        else
                ret->target = port_number(target);
        if (ret->target == 0 && ret->target_name.len == 0)
                ret->target = ret->port;
}

static enum net_service_type type_of(const struct doc_node *spec) {
        struct str type = doc_string(doc_get(spec, STR("type")), STR(""));

        if (str_eq(type, STR("NodePort")))
                return NET_NODE_PORT;
        if (str_eq(type, STR("LoadBalancer")))
                return NET_LOAD_BALANCER;
        return str_eq(type, STR("ExternalName")) ? NET_EXTERNAL_NAME : NET_CLUSTER_IP;
}

static void read_source_ranges(struct net_reader *reader, const struct doc_node *spec,
                               struct net_service *service) {
        uint32_t count;
        const struct doc_node *items =
                net_list(reader, spec, STR("loadBalancerSourceRanges"), &count);

        service->source_ranges = arena_new_array(&reader->index->arena, count, struct ip_prefix);
        if (count > 0)
                service->source_ranges_pos = items[0].start;
        for (uint32_t i = 0; i < count; i++) {
                struct str text = str_trim(doc_string(&items[i], STR("")));

                if (net_read_prefix(text, &service->source_ranges[service->source_range_count]))
                        service->source_range_count++;
                else
                        net_refuse(reader, &items[i], "\"%.*s\" is no address block (CIDR)",
                                   STR_ARG(text));
        }
}

static void read_external_ips(struct net_reader *reader, const struct doc_node *spec,
                              struct net_service *service) {
        uint32_t count;
        const struct doc_node *items = net_list(reader, spec, STR("externalIPs"), &count);

        service->external_ips = arena_new_array(&reader->index->arena, count, struct str);
        if (count > 0)
                service->external_ips_pos = items[0].start;
        for (uint32_t i = 0; i < count; i++)
                service->external_ips[service->external_ip_count++] =
                        arena_str(&reader->index->arena, doc_string(&items[i], STR("")));
}

/* Annotations by which clouds are told to keep a load balancer inside. */
static bool is_internal(const struct doc_node *object) {
        static const struct {
                const char *key, *value; /* NULL: any but "false" */
        } annotations[] = {
                { "networking.gke.io/load-balancer-type", "Internal" },
                { "cloud.google.com/load-balancer-type", "Internal" },
                { "service.beta.kubernetes.io/azure-load-balancer-internal", "true" },
                { "service.beta.kubernetes.io/aws-load-balancer-internal", NULL },
                { "service.beta.kubernetes.io/aws-load-balancer-scheme", "internal" },
                { "service.beta.kubernetes.io/oci-load-balancer-internal", "true" },
                { "oci.oraclecloud.com/internal", "true" },
        };
        const struct doc_node *map = doc_find(object, "metadata", "annotations");

        for (size_t i = 0; i < ELEMENTS(annotations); i++) {
                const struct doc_node *node = doc_get(map, str_from(annotations[i].key));
                struct str value = doc_string(node, STR("false"));

                if (node && (annotations[i].value ? str_eq(value, str_from(annotations[i].value))
                                                  : !str_eq(value, STR("false"))))
                        return true;
        }
        return false;
}

static void read_service_address(const struct doc_node *node, struct net_service *service) {
        struct ip ip;

        if (str_eq(doc_string(node, STR("")), STR("None")))
                service->headless = true;
        else if (ip_parse(doc_string(node, STR("")), &ip, NULL, NULL) >= 0)
                service->addresses[ip.v6] = (struct net_address){ true, ip };
}

static struct doc_pos start_of(const struct doc_node *node, struct doc_pos fallback) {
        return node ? node->start : fallback;
}

void net_add_service(struct net_reader *reader) {
        struct net_index *index = reader->index;
        struct net_service *service = arena_new(&index->arena, struct net_service);
        const struct doc_node *spec = doc_get(reader->resource->object, STR("spec")), *items;
        const struct doc_node *selector = doc_get(spec, STR("selector"));
        const struct doc_node *addresses = doc_get(spec, STR("clusterIPs"));
        struct map_entry *entry;

        service->namespace = net_namespace_of(index, reader->resource->namespace)->name;
        service->name = arena_str(&index->arena, reader->resource->name);
        service->place = reader->place;
        service->type = type_of(spec);
        service->type_pos = start_of(doc_get(spec, STR("type")), reader->place.pos);
        service->selector_pos = start_of(selector, reader->place.pos);
        service->external_name = net_string(reader, spec, STR("externalName"));
        service->internal = is_internal(reader->resource->object);
        net_read_labels(index, selector, &service->selector);
        service->selects = service->selector.count > 0;
        items = net_list(reader, spec, STR("ports"), &service->port_count);
        service->ports =
                arena_new_array(&index->arena, service->port_count, struct net_service_port);
        for (uint32_t i = 0; i < service->port_count; i++)
                read_service_port(reader, &items[i], &service->ports[i]);
        read_service_address(doc_get(spec, STR("clusterIP")), service);
        for (uint32_t i = 0; addresses && addresses->kind == DOC_LIST && i < addresses->list.count;
             i++)
                read_service_address(&addresses->list.items[i], service);
        read_source_ranges(reader, spec, service);
        read_external_ips(reader, spec, service);
        entry = map_put(&index->services,
                        net_key(&index->arena, service->namespace, service->name));
        if (entry->value)
                return; /* given twice: the first counts; a scan says so */
        entry->value = service;
        *vec_push(&index->all_services) = service;
}

/* --- behind Services --- */

static bool selects(const struct net_service *service, const struct net_pod *pod) {
        for (uint32_t i = 0; i < service->selector.count; i++) {
                const uint32_t *value =
                        net_label_find(&pod->labels, service->selector.items[i].key);

                if (!value || *value != service->selector.items[i].value)
                        return false;
        }
        return true;
}

/* Pods are sorted by namespace, so that those of one are found at once. */
static size_t first_of(const struct net_index *index, struct str namespace) {
        size_t low = 0, high = index->all_pods.count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct net_pod *pod = index->all_pods.items[middle];
                struct str own = pod->namespace ? pod->namespace->name : STR("");

                if (str_cmp(own, namespace) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void select_service(struct net_index *index, struct net_service *service) {
        VEC(uint32_t) found = { 0 };

        if (!service->selects)
                return;
        for (size_t i = first_of(index, service->namespace); i < index->all_pods.count; i++) {
                const struct net_pod *pod = index->all_pods.items[i];

                if (!pod->namespace || !str_eq(pod->namespace->name, service->namespace))
                        break;
                if (selects(service, pod) &&
                    (found.count == 0 || found.items[found.count - 1] != pod->endpoint))
                        *vec_push_in(&index->arena, &found) = pod->endpoint;
        }
        service->endpoints = found.items;
        service->endpoint_count = (uint32_t)found.count;
}

const struct net_service *net_service_find(const struct net_index *index, struct str namespace,
                                           struct str name) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;

        return map_get(&index->services, net_key(&scratch, namespace, name));
}

static void connect_route(struct net_index *index, struct net_route *route) {
        for (uint32_t i = 0; i < route->backend_count; i++) {
                struct net_route_backend *backend = &route->backends[i];
                struct net_service *service =
                        map_get(&index->services,
                                net_key(&index->arena, backend->namespace, backend->service));

                if (backend->foreign || !service)
                        continue;
                backend->target = service;
                *vec_push_in(&index->arena, &service->routes) = backend;
        }
}

void net_select_services(struct net_index *index) {
        for (size_t i = 0; i < index->all_services.count; i++)
                select_service(index, index->all_services.items[i]);
        for (size_t i = 0; i < index->all_routes.count; i++)
                connect_route(index, index->all_routes.items[i]);
}

const struct net_service *net_service_of_ip(const struct net_index *index, const struct ip *ip) {
        for (size_t i = 0; i < index->all_services.count; i++) {
                const struct net_address *address =
                        &index->all_services.items[i]->addresses[ip->v6];

                if (address->known && ip_equal(&address->ip, ip))
                        return index->all_services.items[i];
        }
        return NULL;
}

uint16_t net_service_target(const struct net_index *index, const struct net_service_port *port,
                            const struct net_pod *pod) {
        uint32_t word;

        if (port->target_name.len == 0)
                return port->target;
        word = (uint32_t)(uintptr_t)map_get(&index->words, port->target_name);
        for (uint32_t i = 0; i < pod->port_count && word > 0; i++)
                if (pod->ports[i].name == word && pod->ports[i].protocol == port->protocol)
                        return pod->ports[i].port;
        return 0;
}
