/*
 * What is exposed: every way in from outside the cluster, and whether policies stop it.
 *
 * Policies that limit addresses are asked with the addresses that may come. A load balancer or node
 * port may hide them (they are replaced by that of a node), which depends on the cloud; so a way
 * counts as blocked only where no address outside is let in.
 */
#include "base/util.h"
#include "net/private.h"
#include "net/service.h"

const char *net_way_name(enum net_way way) {
        static const char *const names[] = { "LoadBalancer", "NodePort", "externalIP", "Ingress",
                                             "route",        "hostPort", "hostNetwork" };

        return names[way];
}

struct finder {
        const struct net_index *index;
        struct arena *arena;
        VEC(struct net_exposure) found;
};

static bool may_come(const struct net_service *service, const struct net_range *range) {
        if (!service || service->source_range_count == 0)
                return true;
        for (uint32_t i = 0; i < service->source_range_count; i++) {
                struct ip_prefix *block = &service->source_ranges[i];

                /* A block may begin inside of a range. */
                if (ip_prefix_contains(block, &range->first) ||
                    (block->ip.v6 == range->first.v6 &&
                     memcmp(range->first.bytes, block->ip.bytes, 16) <= 0 &&
                     memcmp(block->ip.bytes, range->last.bytes, 16) <= 0))
                        return true;
        }
        return false;
}

/* Asks every range outside. */
static void ask_outside(const struct finder *finder, struct net_exposure *it,
                        const struct net_service *limits) {
        const struct net_index *index = finder->index;
        uint32_t class = index->endpoints[it->endpoint].class;
        uint32_t asked = 0, allowed = 0;

        for (uint32_t i = 0; i < index->range_count; i++) {
                if (!may_come(limits, &index->ranges[i]))
                        continue;
                asked++;
                allowed += net_reaches_port(index, index->class_count + i, class, it->protocol,
                                            it->inside);
        }
        it->blocked = allowed == 0;
        it->partly = !it->blocked && (allowed < asked || (limits && limits->source_range_count));
}

/* A route is served by a controller inside; which one is not known, and it may not be in the input.
 * So whatever rule lets somebody in on the port counts. */
static void ask_inside(const struct finder *finder, struct net_exposure *it) {
        const struct net_index *index = finder->index;
        uint32_t class = index->endpoints[it->endpoint].class;
        const struct net_view *view = &index->views[index->classes[class].view[NET_INGRESS]];

        it->blocked = true;
        for (uint32_t i = 0; i < view->group_count && it->blocked; i++)
                it->blocked = !net_ports_have(&index->ports.sets.items[view->groups[i].set],
                                              it->protocol, it->inside);
        for (uint32_t i = 0; i < view->policy_count; i++) {
                const struct net_rules *rules = &view->policies[i]->rules[NET_INGRESS];

                for (uint32_t k = 0; k < rules->count && it->blocked; k++)
                        it->blocked = rules->items[k].action != NET_ALLOW ||
                                      !net_rule_matches_port(index, &rules->items[k], class,
                                                             it->protocol, it->inside);
        }
}

static void add(struct finder *finder, const struct net_exposure *exposure,
                const struct net_service *limits) {
        struct net_exposure it = *exposure;

        if (finder->index->classes[finder->index->endpoints[it.endpoint].class].host)
                it.blocked = false;
        else if (it.way == NET_WAY_INGRESS || it.way == NET_WAY_ROUTE)
                ask_inside(finder, &it);
        else
                ask_outside(finder, &it, limits);
        *vec_push_in(finder->arena, &finder->found) = it;
}

static void add_port(struct finder *finder, const struct net_service *service,
                     const struct net_service_port *port, enum net_way way, uint16_t outside,
                     const struct net_route *route, struct net_place place) {
        for (uint32_t i = 0; i < service->endpoint_count; i++) {
                uint32_t endpoint = service->endpoints[i];
                struct net_exposure it = {
                        .endpoint = endpoint,
                        .way = way,
                        .service = service,
                        .route = route,
                        .protocol = port->protocol,
                        .service_port = port->port,
                        .outside = outside,
                        .inside = net_service_target(finder->index, port,
                                                     finder->index->endpoints[endpoint].pod),
                        .place = place,
                };

                if (it.inside > 0)
                        add(finder, &it, way == NET_WAY_LOAD_BALANCER ? service : NULL);
        }
}

static void find_service(struct finder *finder, const struct net_service *service) {
        struct net_place place = { service->place.file, service->type_pos };
        struct net_place external = { service->place.file, service->external_ips_pos };

        for (uint32_t i = 0; i < service->port_count; i++) {
                const struct net_service_port *port = &service->ports[i];

                if (service->type == NET_LOAD_BALANCER && !service->internal)
                        add_port(finder, service, port, NET_WAY_LOAD_BALANCER, port->port, NULL,
                                 place);
                if (service->type == NET_NODE_PORT)
                        add_port(finder, service, port, NET_WAY_NODE_PORT, port->node_port, NULL,
                                 place);
                if (service->external_ip_count > 0)
                        add_port(finder, service, port, NET_WAY_EXTERNAL_IP, port->port, NULL,
                                 external);
        }
}

static bool is_port_of(const struct net_route_backend *backend,
                       const struct net_service_port *port) {
        if (backend->port > 0)
                return backend->port == port->port;
        return backend->port_name.len == 0 || str_eq(backend->port_name, port->name);
}

static void find_route(struct finder *finder, const struct net_route *route) {
        enum net_way way = str_eq(route->kind, STR("Ingress")) ? NET_WAY_INGRESS : NET_WAY_ROUTE;

        for (uint32_t i = 0; i < route->backend_count; i++) {
                const struct net_route_backend *backend = &route->backends[i];
                struct net_place place = { route->place.file, backend->pos };

                for (uint32_t k = 0; backend->target && k < backend->target->port_count; k++)
                        if (is_port_of(backend, &backend->target->ports[k]))
                                add_port(finder, backend->target, &backend->target->ports[k], way,
                                         0, route, place);
        }
}

static void find_host_ports(struct finder *finder, uint32_t endpoint) {
        const struct net_pod *pod = finder->index->endpoints[endpoint].pod;

        for (uint32_t i = 0; pod->namespace && i < pod->port_count; i++) {
                struct net_exposure it = { .endpoint = endpoint,
                                           .way = NET_WAY_HOST_PORT,
                                           .protocol = pod->ports[i].protocol,
                                           .outside = pod->ports[i].host_port,
                                           .inside = pod->ports[i].port,
                                           .place = pod->place };

                if (pod->host_network) {
                        it.way = NET_WAY_HOST_NETWORK;
                        it.outside = it.inside;
                }
                if (it.outside > 0)
                        add(finder, &it, NULL);
        }
}

static int compare(const void *a, const void *b) {
        const struct net_exposure *left = a, *right = b;

        if (left->endpoint != right->endpoint)
                return left->endpoint < right->endpoint ? -1 : 1;
        if (left->way != right->way)
                return left->way < right->way ? -1 : 1;
        if (left->inside != right->inside)
                return left->inside < right->inside ? -1 : 1;
        if (left->place.pos.line != right->place.pos.line)
                return left->place.pos.line < right->place.pos.line ? -1 : 1;
        return (int)left->protocol - (int)right->protocol;
}

struct net_exposure *net_exposures(const struct net_index *index, struct arena *arena,
                                   size_t *ret_count) {
        struct finder finder = { .index = index, .arena = arena };

        for (size_t i = 0; i < index->all_services.count; i++)
                find_service(&finder, index->all_services.items[i]);
        for (size_t i = 0; i < index->all_routes.count; i++)
                find_route(&finder, index->all_routes.items[i]);
        for (uint32_t i = 0; i < index->endpoint_count; i++)
                find_host_ports(&finder, i);
        if (finder.found.count > 1)
                qsort(finder.found.items, finder.found.count, sizeof *finder.found.items, compare);
        *ret_count = finder.found.count;
        return finder.found.items;
}
