/* Reading Ingresses, Gateways and the routes of the Gateway API. */
#include "base/util.h"
#include "net/private.h"
#include "net/service.h"

enum { BACKENDS_MAX = 4096 }; /* of one route */

struct backends {
        struct net_route_backend *items;
        uint32_t count;
        size_t capacity;
};

static struct net_route *new_route(struct net_reader *reader) {
        struct net_index *index = reader->index;
        struct net_route *route = arena_new(&index->arena, struct net_route);

        route->kind = arena_str(&index->arena, reader->resource->kind);
        route->namespace = net_namespace_of(index, reader->resource->namespace)->name;
        route->name = arena_str(&index->arena, reader->resource->name);
        route->place = reader->place;
        *vec_push(&index->all_routes) = route;
        return route;
}

static struct net_route_backend *new_backend(struct net_reader *reader, struct net_route *route,
                                             size_t *capacity, const struct doc_node *node) {
        struct net_route_backend *backend;

        if (route->backend_count >= BACKENDS_MAX) {
                net_refuse(reader, node, "has more than %d backends", BACKENDS_MAX);
                return NULL;
        }
        route->backends = vec_grow(route->backends, route->backend_count, capacity,
                                   sizeof *route->backends, &reader->index->arena);
        backend = &route->backends[route->backend_count++];
        backend->route = route;
        backend->namespace = route->namespace;
        backend->pos = node->start;
        return backend;
}

static uint16_t port_number(const struct doc_node *node) {
        if (!node || node->kind != DOC_INT || node->integer < 1 || node->integer > 65535)
                return 0;
        return (uint16_t)node->integer;
}

/* --- Ingress --- */

static void read_ingress_backend(struct net_reader *reader, struct net_route *route,
                                 size_t *capacity, const struct doc_node *node) {
        const struct doc_node *service = doc_get(node, STR("service"));
        const struct doc_node *port = doc_get(service, STR("port"));
        struct net_route_backend *backend;

        if (net_absent(node))
                return;
        backend = new_backend(reader, route, capacity, node);
        if (!backend)
                return;
        backend->foreign = net_absent(service);
        backend->service = net_string(reader, service, STR("name"));
        backend->port = port_number(doc_get(port, STR("number")));
        backend->port_name = net_string(reader, port, STR("name"));
}

static void read_ingress_rule(struct net_reader *reader, struct net_route *route, size_t *capacity,
                              const struct doc_node *rule) {
        uint32_t count;
        const struct doc_node *paths =
                net_list(reader, doc_get(rule, STR("http")), STR("paths"), &count);

        for (uint32_t i = 0; i < count; i++)
                read_ingress_backend(reader, route, capacity, doc_get(&paths[i], STR("backend")));
}

void net_add_ingress(struct net_reader *reader) {
        struct net_route *route = new_route(reader);
        const struct doc_node *spec = doc_get(reader->resource->object, STR("spec")), *rules;
        size_t capacity = 0;
        uint32_t count;

        net_list(reader, spec, STR("tls"), &count);
        route->tls = count > 0;
        read_ingress_backend(reader, route, &capacity, doc_get(spec, STR("defaultBackend")));
        rules = net_list(reader, spec, STR("rules"), &count);
        route->hosts = arena_new_array(&reader->index->arena, count, struct str);
        for (uint32_t i = 0; i < count; i++) {
                struct str host = net_string(reader, &rules[i], STR("host"));

                if (host.len > 0)
                        route->hosts[route->host_count++] = host;
                read_ingress_rule(reader, route, &capacity, &rules[i]);
        }
}

/* --- Gateway API --- */

void net_add_gateway(struct net_reader *reader) {
        struct net_index *index = reader->index;
        struct net_gateway *gateway = arena_new(&index->arena, struct net_gateway);
        const struct doc_node *items =
                net_list(reader, doc_get(reader->resource->object, STR("spec")), STR("listeners"),
                         &gateway->listener_count);

        gateway->namespace = net_namespace_of(index, reader->resource->namespace)->name;
        gateway->name = arena_str(&index->arena, reader->resource->name);
        gateway->place = reader->place;
        gateway->tls = gateway->listener_count > 0;
        for (uint32_t i = 0; i < gateway->listener_count; i++) {
                struct str protocol = doc_string(doc_get(&items[i], STR("protocol")), STR(""));

                gateway->tls &= str_eq(protocol, STR("HTTPS")) || str_eq(protocol, STR("TLS"));
        }
        *vec_push(&index->all_gateways) = gateway;
}

static void read_route_backend(struct net_reader *reader, struct net_route *route, size_t *capacity,
                               const struct doc_node *node) {
        struct net_route_backend *backend = new_backend(reader, route, capacity, node);
        struct str group = doc_string(doc_get(node, STR("group")), STR(""));
        struct str kind = doc_string(doc_get(node, STR("kind")), STR("Service"));
        struct str namespace = doc_string(doc_get(node, STR("namespace")), STR(""));

        if (!backend)
                return;
        backend->foreign = group.len > 0 || !str_eq(kind, STR("Service"));
        backend->service = net_string(reader, node, STR("name"));
        backend->port = port_number(doc_get(node, STR("port")));
        if (namespace.len > 0)
                backend->namespace = arena_str(&reader->index->arena, namespace);
}

static void read_parents(struct net_reader *reader, const struct doc_node *spec,
                         struct net_route *route) {
        struct arena *arena = &reader->index->arena;
        uint32_t count;
        const struct doc_node *items = net_list(reader, spec, STR("parentRefs"), &count);

        route->parents = arena_new_array(arena, count, struct str);
        route->parent_pos = arena_new_array(arena, count, struct doc_pos);
        for (uint32_t i = 0; i < count; i++) {
                struct str kind = doc_string(doc_get(&items[i], STR("kind")), STR("Gateway"));
                struct str namespace =
                        doc_string(doc_get(&items[i], STR("namespace")), route->namespace);

                if (!str_eq(kind, STR("Gateway")))
                        continue;
                route->parent_pos[route->parent_count] = items[i].start;
                route->parents[route->parent_count++] = net_key(
                        arena, namespace, doc_string(doc_get(&items[i], STR("name")), STR("")));
        }
}

/* HTTPRoute, GRPCRoute, TCPRoute, TLSRoute and UDPRoute agree in what is read here. */
void net_add_http_route(struct net_reader *reader) {
        struct net_route *route = new_route(reader);
        const struct doc_node *spec = doc_get(reader->resource->object, STR("spec"));
        const struct doc_node *rules, *hosts;
        size_t capacity = 0;
        uint32_t count;

        read_parents(reader, spec, route);
        hosts = net_list(reader, spec, STR("hostnames"), &count);
        route->hosts = arena_new_array(&reader->index->arena, count, struct str);
        for (uint32_t i = 0; i < count; i++)
                route->hosts[route->host_count++] =
                        arena_str(&reader->index->arena, doc_string(&hosts[i], STR("")));
        rules = net_list(reader, spec, STR("rules"), &count);
        for (uint32_t i = 0; i < count; i++) {
                uint32_t backends;
                const struct doc_node *items =
                        net_list(reader, &rules[i], STR("backendRefs"), &backends);

                for (uint32_t k = 0; k < backends; k++)
                        read_route_backend(reader, route, &capacity, &items[k]);
        }
}
