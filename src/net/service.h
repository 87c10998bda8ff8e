/*
 * Services, Ingresses and the Gateway API: how traffic gets to pods from outside.
 *
 * A Service is selected once, when the index is finished: which pods stand behind it, and on which
 * of their ports each of its own ends (targetPort, a number or a name of the pod). What a policy
 * sees is the port of the pod, after the address of the Service was replaced.
 *
 * An Ingress or a route leads from outside, through a controller that runs somewhere in the
 * cluster, to a Service. Its pods are asked for what they let in from that controller, where the
 * input tells which it is.
 */
#pragma once

#include "net/net.h"

struct net_service_port {
        struct str name;
        enum net_protocol protocol;
        uint16_t port, node_port;
        uint16_t target;        /* 0: by name, or as `port` */
        struct str target_name; /* not empty: the name of a port of the pod */
        struct doc_pos pos;
};

enum net_service_type { NET_CLUSTER_IP, NET_NODE_PORT, NET_LOAD_BALANCER, NET_EXTERNAL_NAME };

struct net_service {
        struct str namespace, name;
        struct net_place place;
        enum net_service_type type;
        bool headless;
        bool internal;              /* a load balancer that an annotation keeps inside */
        struct net_labels selector; /* all must be equal; none: selects nothing */
        bool selects;
        struct net_service_port *ports;
        uint32_t port_count;
        struct net_address addresses[2]; /* its own in the cluster */
        struct str *external_ips;
        uint32_t external_ip_count;
        struct ip_prefix *source_ranges; /* of a load balancer; none: everybody */
        uint32_t source_range_count;
        struct doc_pos source_ranges_pos, type_pos, external_ips_pos, selector_pos;
        struct str external_name;
        uint32_t *endpoints; /* numbers of index->endpoints */
        uint32_t endpoint_count;
        VEC(struct net_route_backend *) routes; /* of routes and Ingresses that lead here */
};

/* Where a route leads. */
struct net_route_backend {
        const struct net_route *route;
        struct str namespace, service;
        uint16_t port; /* 0: by name, or not said */
        struct str port_name;
        struct doc_pos pos;
        const struct net_service *target; /* NULL: there is none */
        bool foreign;                     /* not a Service */
};

struct net_route {
        struct str kind, namespace, name;
        struct net_place place;
        struct str *hosts;
        uint32_t host_count;
        bool tls;
        struct net_route_backend *backends;
        uint32_t backend_count;
        struct str *parents; /* "namespace/name" of Gateways */
        struct doc_pos *parent_pos;
        uint32_t parent_count;
};

struct net_gateway {
        struct str namespace, name;
        struct net_place place;
        uint32_t listener_count;
        bool tls; /* every listener */
};

/* Connects Services with endpoints and routes with Services. Part of net_index_finish. */
void net_select_services(struct net_index *index);

const struct net_service *net_service_find(const struct net_index *index, struct str namespace,
                                           struct str name);

/* The Service that has the address IP in the cluster; NULL: none has. */
const struct net_service *net_service_of_ip(const struct net_index *index, const struct ip *ip);

/* The port of POD on which PORT of a Service ends; 0: POD has no port of that name. */
uint16_t net_service_target(const struct net_index *index, const struct net_service_port *port,
                            const struct net_pod *pod);

/* The ways in which something is exposed. */
enum net_way {
        NET_WAY_LOAD_BALANCER,
        NET_WAY_NODE_PORT,
        NET_WAY_EXTERNAL_IP,
        NET_WAY_INGRESS,
        NET_WAY_ROUTE,
        NET_WAY_HOST_PORT,
        NET_WAY_HOST_NETWORK
};
const char *net_way_name(enum net_way way);

/* One way in from outside to an endpoint. */
struct net_exposure {
        uint32_t endpoint;
        enum net_way way;
        const struct net_service *service; /* NULL: none is part of it */
        const struct net_route *route;     /* of NET_WAY_INGRESS and NET_WAY_ROUTE */
        enum net_protocol protocol;
        uint16_t service_port; /* of `service`; 0: none */
        uint16_t outside;      /* the port that is called from outside; 0: that of the route */
        uint16_t inside;       /* the port of the pod */
        struct net_place place;
        bool blocked; /* policies let nobody from outside in (nor, of a route, anybody inside) */
        bool partly;  /* only some addresses */
};

/* Every way in, in the order of endpoints; in ARENA. */
struct net_exposure *net_exposures(const struct net_index *index, struct arena *arena,
                                   size_t *ret_count);
