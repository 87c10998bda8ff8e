#include "net/facts.h"

#include "base/util.h"
#include "net/matrix.h"
#include "net/private.h"
#include "net/service.h"

struct facts {
        struct net_index *index;
        struct arena arena; /* reset for each document */
        struct arena lasting;
        struct buf out;
        net_fact_fn *emit;
        void *userdata;
        const struct net_exposure *exposures;
        size_t exposure_count, next_exposure;
        const struct net_class *api_server; /* NULL: not in the input */
        uint32_t *candidates;               /* by namespace: its workloads */
};

/* --- parts --- */

static void add_place(struct facts *facts, const struct net_place *place, struct doc_pos pos) {
        buf_add(&facts->out, STR("\"place\":{\"file\":"));
        buf_add_json(&facts->out, place->file);
        buf_printf(&facts->out, ",\"line\":%u,\"column\":%u}", pos.line, pos.column);
}

static void begin(struct facts *facts, const char *kind, struct str namespace, struct str name,
                  const struct net_place *place) {
        buf_clear(&facts->out);
        arena_reset(&facts->arena, SIZE_MAX);
        buf_printf(
                &facts->out,
                "{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"%s\",\"metadata\":{\"name\":", kind);
        buf_add_json(&facts->out, name);
        if (namespace.len > 0) {
                buf_add(&facts->out, STR(",\"namespace\":"));
                buf_add_json(&facts->out, namespace);
        }
        buf_add(&facts->out, STR("},"));
        add_place(facts, place, place->pos);
}

static void add_string(struct facts *facts, const char *key, struct str value) {
        buf_printf(&facts->out, ",\"%s\":", key);
        buf_add_json(&facts->out, value);
}

static void add_about(struct facts *facts, struct str api_version, struct str kind,
                      struct str namespace, struct str name) {
        buf_add(&facts->out, STR(",\"about\":{\"apiVersion\":"));
        buf_add_json(&facts->out, api_version);
        add_string(facts, "kind", kind);
        add_string(facts, "namespace", namespace);
        add_string(facts, "name", name);
        buf_add_char(&facts->out, '}');
}

static struct str title(struct facts *facts, struct str kind, struct str namespace,
                        struct str name) {
        if (namespace.len == 0)
                return arena_printf(&facts->arena, "%.*s \"%.*s\"", STR_ARG(kind), STR_ARG(name));
        return arena_printf(&facts->arena, "%.*s \"%.*s/%.*s\"", STR_ARG(kind), STR_ARG(namespace),
                            STR_ARG(name));
}

static void add_labels(struct facts *facts, const struct net_labels *labels) {
        buf_add_char(&facts->out, '{');
        for (uint32_t i = 0; i < labels->count; i++) {
                buf_add(&facts->out, i ? STR(",") : STR(""));
                buf_add_json(&facts->out, facts->index->word_text.items[labels->items[i].key]);
                buf_add_char(&facts->out, ':');
                buf_add_json(&facts->out, facts->index->word_text.items[labels->items[i].value]);
        }
        buf_add_char(&facts->out, '}');
}

static void add_set(struct facts *facts, uint32_t set) {
        const struct net_ports *ports = &facts->index->ports.sets.items[set];

        buf_add_char(&facts->out, '[');
        for (uint32_t i = 0; i < ports->count; i++)
                buf_printf(&facts->out, "%s{\"protocol\":\"%s\",\"from\":%u,\"to\":%u}",
                           i ? "," : "", net_protocol_name(ports->items[i].first >> 16),
                           ports->items[i].first & 0xffff, ports->items[i].last & 0xffff);
        buf_add_char(&facts->out, ']');
}

static void add_bool(struct facts *facts, const char *key, bool value) {
        buf_printf(&facts->out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void end(struct facts *facts, const struct net_place *place) {
        buf_add_char(&facts->out, '}');
        facts->emit(facts->userdata, buf_str(&facts->out), place->file, place->pos);
}

/* The apiVersion that people give KIND: of what is built in that is known. */
static struct str api_version_of(struct str kind) {
        static const struct {
                const char *kind, *api_version;
        } versions[] = { { "Pod", "v1" },
                         { "ReplicationController", "v1" },
                         { "Job", "batch/v1" },
                         { "CronJob", "batch/v1" } };

        for (size_t i = 0; i < ELEMENTS(versions); i++)
                if (str_eq(kind, str_from(versions[i].kind)))
                        return str_from(versions[i].api_version);
        return STR("apps/v1");
}

/* --- workloads --- */

static void add_ports(struct facts *facts, const struct net_pod *pod) {
        buf_add(&facts->out, STR(",\"ports\":["));
        for (uint32_t i = 0; i < pod->port_count; i++) {
                const struct net_named_port *port = &pod->ports[i];

                buf_add(&facts->out, i ? STR(",{\"name\":") : STR("{\"name\":"));
                buf_add_json(&facts->out, facts->index->word_text.items[port->name]);
                buf_printf(&facts->out, ",\"protocol\":\"%s\",\"port\":%u,\"hostPort\":%u}",
                           net_protocol_name(port->protocol), port->port, port->host_port);
        }
        buf_add_char(&facts->out, ']');
}

static uint32_t selected_by(const struct net_pod *pod) {
        uint32_t count = 0;

        for (size_t i = 0; i < pod->namespace->policies.count; i++)
                count += net_selector_matches(&pod->namespace->policies.items[i]->pods,
                                              &pod->labels);
        return count;
}

static const char *api_server_state(const struct facts *facts, uint32_t class) {
        const struct net_class *server = facts->api_server;

        if (!server)
                return "unknown";
        return net_reaches_port(facts->index, class, (uint32_t)(server - facts->index->classes),
                                NET_TCP, 6443)
                       ? "reached"
                       : "unreached";
}

static void add_workload(struct facts *facts, const struct net_endpoint *endpoint) {
        const struct net_pod *pod = endpoint->pod;

        buf_add(&facts->out, STR(",\"workload\":{\"kind\":"));
        buf_add_json(&facts->out, endpoint->kind);
        add_string(facts, "title",
                   title(facts, endpoint->kind, endpoint->namespace, endpoint->name));
        buf_add(&facts->out, STR(",\"images\":["));
        for (uint32_t i = 0; i < pod->image_count; i++) {
                buf_add(&facts->out, i ? STR(",") : STR(""));
                buf_add_json(&facts->out, pod->images[i]);
        }
        buf_add_char(&facts->out, ']');
        add_string(facts, "account", pod->account);
        add_bool(facts, "automount", pod->automount);
        add_bool(facts, "hostNetwork", pod->host_network);
        buf_printf(&facts->out, ",\"selectedBy\":%u,\"apiServer\":\"%s\"}", selected_by(pod),
                   api_server_state(facts, endpoint->class));
        buf_add(&facts->out, STR(",\"namespace\":{\"name\":"));
        buf_add_json(&facts->out, endpoint->namespace);
        buf_add(&facts->out, STR(",\"labels\":"));
        add_labels(facts, &pod->namespace->labels);
        add_bool(facts, "declared", pod->namespace->declared);
        buf_add_char(&facts->out, '}');
}

static void add_directions(struct facts *facts, const struct net_class *class) {
        const struct net_view *ingress = &facts->index->views[class->view[NET_INGRESS]];
        const struct net_view *egress = &facts->index->views[class->view[NET_EGRESS]];

        buf_printf(&facts->out,
                   ",\"isolated\":{\"ingress\":%s,\"egress\":%s},\"limited\":{\"ingress\":%s,"
                   "\"egress\":%s}",
                   ingress->isolated ? "true" : "false", egress->isolated ? "true" : "false",
                   ingress->limited ? "true" : "false", egress->limited ? "true" : "false");
}

static void add_outside(struct facts *facts, const char *key, const struct net_view *view) {
        bool first = true;

        buf_printf(&facts->out, ",\"%s\":[", key);
        for (uint32_t i = 0; i < view->group_count; i++) {
                uint32_t count = 0;
                const struct ip_prefix *blocks =
                        view->groups[i].set == NET_NO_PORTS
                                ? NULL
                                : net_blocks_of(facts->index, &facts->arena, view->groups[i].bits,
                                                &count);

                if (count == 0)
                        continue;
                buf_add(&facts->out, first ? STR("{\"cidrs\":[") : STR(",{\"cidrs\":["));
                for (uint32_t k = 0; k < count; k++)
                        buf_printf(&facts->out, "%s\"%.*s\"", k ? "," : "",
                                   STR_ARG(ip_prefix_text(&facts->arena, &blocks[k])));
                buf_add(&facts->out, STR("],\"ports\":"));
                add_set(facts, view->groups[i].set);
                buf_add_char(&facts->out, '}');
                first = false;
        }
        buf_add_char(&facts->out, ']');
}

/* What the workloads of NAMESPACE together reach at CLASS. */
static uint32_t set_from(struct facts *facts, const struct net_namespace *namespace,
                         uint32_t class) {
        struct net_index *index = facts->index;
        uint32_t set = NET_NO_PORTS;

        for (size_t i = 0; i < namespace->classes.count && set != NET_ALL_PORTS; i++) {
                uint32_t source = namespace->classes.items[i];
                uint32_t both = net_ports_intersect(&index->ports,
                                                    net_side(index, source, NET_EGRESS, class),
                                                    net_side(index, class, NET_INGRESS, source));

                set = net_ports_union(&index->ports, set, both);
        }
        return set;
}

static void add_namespaces(struct facts *facts, const uint32_t *sets, uint32_t set) {
        bool first = true;

        buf_add(&facts->out, STR("{\"namespaces\":["));
        for (size_t i = 0; i < facts->index->all_namespaces.count; i++) {
                const struct net_namespace *namespace = facts->index->all_namespaces.items[i];

                if (sets[i] != set)
                        continue;
                buf_add(&facts->out, first ? STR("{\"name\":") : STR(",{\"name\":"));
                buf_add_json(&facts->out, namespace->name);
                buf_add(&facts->out, STR(",\"labels\":"));
                add_labels(facts, &namespace->labels);
                buf_add_char(&facts->out, '}');
                first = false;
        }
        buf_add(&facts->out, STR("],\"ports\":"));
        add_set(facts, set);
        buf_add_char(&facts->out, '}');
}

static void add_reached_from(struct facts *facts, const struct net_endpoint *endpoint) {
        size_t count = facts->index->all_namespaces.count;
        uint32_t *sets = arena_new_array(&facts->arena, count, uint32_t);
        bool first = true;

        for (size_t i = 0; i < count; i++)
                if (facts->index->all_namespaces.items[i] != endpoint->pod->namespace)
                        sets[i] = set_from(facts, facts->index->all_namespaces.items[i],
                                           endpoint->class);
        buf_add(&facts->out, STR(",\"reachedFrom\":["));
        for (size_t i = 0; i < count; i++) {
                bool told = sets[i] == NET_NO_PORTS;

                for (size_t k = 0; k < i && !told; k++)
                        told = sets[k] == sets[i];
                if (told)
                        continue;
                buf_add(&facts->out, first ? STR("") : STR(","));
                add_namespaces(facts, sets, sets[i]);
                first = false;
        }
        buf_add_char(&facts->out, ']');
}

static void add_exposure(struct facts *facts, const struct net_exposure *it) {
        struct str through = str_from(net_way_name(it->way));

        if (it->route)
                through = title(facts, it->route->kind, it->route->namespace, it->route->name);
        else if (it->service)
                through = title(facts, STR("Service"), it->service->namespace, it->service->name);
        buf_printf(&facts->out, "{\"way\":\"%s\"", net_way_name(it->way));
        add_string(facts, "through", through);
        buf_printf(&facts->out,
                   ",\"protocol\":\"%s\",\"port\":%u,\"servicePort\":%u,\"outside\":%u,\"hosts\":[",
                   net_protocol_name(it->protocol), it->inside, it->service_port, it->outside);
        for (uint32_t i = 0; it->route && i < it->route->host_count; i++) {
                buf_add(&facts->out, i ? STR(",") : STR(""));
                buf_add_json(&facts->out, it->route->hosts[i]);
        }
        buf_add_char(&facts->out, ']');
        add_bool(facts, "blocked", it->blocked);
        add_bool(facts, "partly", it->partly);
        buf_add_char(&facts->out, ',');
        add_place(facts, &it->place, it->place.pos);
        buf_add_char(&facts->out, '}');
}

static void emit_workload(struct facts *facts, uint32_t number) {
        const struct net_endpoint *endpoint = &facts->index->endpoints[number];
        const struct net_class *class = &facts->index->classes[endpoint->class];
        bool first = true;

        begin(facts, "NetworkWorkload", endpoint->namespace, endpoint->name, &endpoint->place);
        add_about(facts, api_version_of(endpoint->kind), endpoint->kind, endpoint->namespace,
                  endpoint->name);
        add_workload(facts, endpoint);
        add_ports(facts, endpoint->pod);
        add_directions(facts, class);
        add_outside(facts, "to", &facts->index->views[class->view[NET_EGRESS]]);
        add_outside(facts, "from", &facts->index->views[class->view[NET_INGRESS]]);
        buf_add(&facts->out, STR(",\"openToAll\":"));
        add_set(facts, class->host ? NET_NO_PORTS : net_open_to_all(facts->index, endpoint->class));
        add_reached_from(facts, endpoint);
        buf_add(&facts->out, STR(",\"exposures\":["));
        while (facts->next_exposure < facts->exposure_count &&
               facts->exposures[facts->next_exposure].endpoint <= number) {
                const struct net_exposure *it = &facts->exposures[facts->next_exposure++];

                if (it->endpoint != number)
                        continue;
                buf_add(&facts->out, first ? STR("") : STR(","));
                add_exposure(facts, it);
                first = false;
        }
        buf_add_char(&facts->out, ']');
        end(facts, &endpoint->place);
}

/* --- namespaces --- */

static bool has_default(const struct net_namespace *namespace, enum net_direction direction) {
        for (size_t i = 0; i < namespace->policies.count; i++)
                if (namespace->policies.items[i]->rules[direction].applies &&
                    namespace->policies.items[i]->pods.count == 0)
                        return true;
        return false;
}

static void add_open(struct facts *facts, const struct net_namespace *namespace,
                     enum net_direction direction) {
        const struct net_index *index = facts->index;
        bool first = true;

        buf_printf(&facts->out, "\"%s\":[", direction == NET_INGRESS ? "ingress" : "egress");
        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *endpoint = &index->endpoints[i];
                const struct net_class *class = &index->classes[endpoint->class];

                if (endpoint->pod->namespace != namespace || class->host ||
                    index->views[class->view[direction]].isolated ||
                    index->views[class->view[direction]].limited)
                        continue;
                buf_add(&facts->out, first ? STR("") : STR(","));
                buf_add_json(&facts->out, endpoint->name);
                first = false;
        }
        buf_add_char(&facts->out, ']');
}

static void emit_namespace(struct facts *facts, const struct net_namespace *namespace) {
        struct net_place place = namespace->place;

        /* Where there is no Namespace, its policies may not be in the input either. */
        if (facts->candidates[namespace->number] == 0 || !namespace->declared)
                return;
        begin(facts, "NetworkNamespace", STR(""), namespace->name, &place);
        add_about(facts, STR("v1"), STR("Namespace"), STR(""), namespace->name);
        buf_add(&facts->out, STR(",\"labels\":"));
        add_labels(facts, &namespace->labels);
        buf_printf(&facts->out,
                   ",\"workloads\":%u,\"defaultDeny\":{\"ingress\":%s,\"egress\":%s},\"open\":{",
                   facts->candidates[namespace->number],
                   has_default(namespace, NET_INGRESS) ? "true" : "false",
                   has_default(namespace, NET_EGRESS) ? "true" : "false");
        add_open(facts, namespace, NET_INGRESS);
        buf_add_char(&facts->out, ',');
        add_open(facts, namespace, NET_EGRESS);
        buf_add_char(&facts->out, '}');
        end(facts, &place);
}

/* --- policies --- */

struct count {
        uint32_t matches, candidates;
};

/* Endpoints that are selected, among those of the namespaces that are. Where none is, but custom
 * resources may make pods that nobody sees here, there are no candidates. */
static struct count count_of(const struct facts *facts, const struct net_policy *policy,
                             const struct net_selector *namespaces,
                             const struct net_selector *pods) {
        const struct net_index *index = facts->index;
        struct count count = { 0 };
        bool opaque = false;

        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_pod *pod = index->endpoints[i].pod;

                if (!pod->namespace || pod->host_network)
                        continue;
                if (policy->namespace.len > 0 && !namespaces->present
                            ? !str_eq(pod->namespace->name, policy->namespace)
                            : !net_selector_matches(namespaces, &pod->namespace->labels))
                        continue;
                opaque |= pod->namespace->opaque;
                count.candidates++;
                count.matches += net_selector_matches(pods, &pod->labels);
        }
        if (opaque && count.matches == 0)
                count.candidates = 0;
        return count;
}

static bool port_exists(const struct facts *facts, const struct net_policy *policy,
                        const struct net_rule *rule, enum net_direction direction,
                        const struct net_rule_port *port) {
        const struct net_index *index = facts->index;
        const uint64_t *bits = direction == NET_INGRESS ? policy->bits : rule->bits;
        bool any = false;

        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *endpoint = &index->endpoints[i];

                if (!endpoint->pod->namespace || !net_bit(bits, endpoint->class))
                        continue;
                any = true;
                for (uint32_t k = 0; k < endpoint->pod->port_count; k++)
                        if (endpoint->pod->ports[k].name == port->word &&
                            (port->any_protocol ||
                             endpoint->pod->ports[k].protocol == port->protocol))
                                return true;
        }
        /* Nobody is selected: another finding. */
        return !any;
}

static void add_rule(struct facts *facts, const struct net_policy *policy,
                     const struct net_rule *rule, enum net_direction direction) {
        bool first = true;

        buf_printf(&facts->out, "{\"direction\":\"%s\",", net_direction_name(direction));
        add_place(facts, &policy->place, rule->pos);
        buf_add(&facts->out, STR(",\"peers\":["));
        for (uint32_t i = 0; i < rule->peer_count; i++) {
                const struct net_rule_peer *peer = &rule->peers[i];
                struct count count;

                if (peer->kind != NET_PEER_PODS)
                        continue;
                count = count_of(facts, policy, &peer->namespaces, &peer->pods);
                buf_add(&facts->out, first ? STR("{") : STR(",{"));
                add_place(facts, &policy->place, peer->pos);
                add_string(facts, "selector", peer->pods.text);
                add_string(facts, "namespaces", peer->namespaces.text);
                buf_printf(&facts->out, ",\"matches\":%u,\"candidates\":%u}", count.matches,
                           count.candidates);
                first = false;
        }
        buf_add(&facts->out, STR("],\"ports\":["));
        first = true;
        for (uint32_t i = 0; i < rule->port_count; i++) {
                if (rule->ports[i].name.len == 0)
                        continue;
                buf_add(&facts->out, first ? STR("{") : STR(",{"));
                add_place(facts, &policy->place, rule->ports[i].pos);
                add_string(facts, "name", rule->ports[i].name);
                add_bool(facts, "found",
                         port_exists(facts, policy, rule, direction, &rule->ports[i]));
                buf_add_char(&facts->out, '}');
                first = false;
        }
        buf_add(&facts->out, STR("]}"));
}

static void emit_policy(struct facts *facts, const struct net_policy *policy) {
        struct count count = count_of(facts, policy, &policy->namespaces, &policy->pods);
        struct net_place subject = { policy->place.file, policy->subject_pos };
        bool first = true;

        begin(facts, "NetworkPolicyUse", policy->namespace, policy->name, &subject);
        add_about(facts,
                  policy->tier == NET_TIER_POLICY ? STR("networking.k8s.io/v1")
                                                  : STR("policy.networking.k8s.io/v1alpha1"),
                  policy->kind, policy->namespace, policy->name);
        add_string(facts, "title", title(facts, policy->kind, policy->namespace, policy->name));
        add_string(facts, "selector", policy->pods.text);
        buf_printf(&facts->out, ",\"selects\":%u,\"candidates\":%u,\"rules\":[", count.matches,
                   count.candidates);
        for (int d = 0; d < NET_DIRECTIONS; d++)
                for (uint32_t i = 0; i < policy->rules[d].count; i++) {
                        buf_add(&facts->out, first ? STR("") : STR(","));
                        add_rule(facts, policy, &policy->rules[d].items[i], (enum net_direction)d);
                        first = false;
                }
        buf_add_char(&facts->out, ']');
        end(facts, &subject);
}

/* --- Services and routes --- */

/* Whether a pod behind SERVICE has the port on which PORT ends. Containers need not declare what
 * they listen on, so numbers are believed. */
static bool target_exists(const struct facts *facts, const struct net_service *service,
                          const struct net_service_port *port) {
        for (uint32_t i = 0; i < service->endpoint_count; i++)
                if (net_service_target(facts->index, port,
                                       facts->index->endpoints[service->endpoints[i]].pod) > 0)
                        return true;
        return service->endpoint_count == 0;
}

static void emit_service(struct facts *facts, const struct net_service *service) {
        const struct net_namespace *namespace =
                map_get(&facts->index->namespaces, service->namespace);
        struct net_place place = { service->place.file, service->selector_pos };

        if (!service->selects || service->type == NET_EXTERNAL_NAME)
                return;
        begin(facts, "NetworkServiceUse", service->namespace, service->name, &place);
        add_about(facts, STR("v1"), STR("Service"), service->namespace, service->name);
        add_string(facts, "title", title(facts, STR("Service"), service->namespace, service->name));
        buf_printf(&facts->out, ",\"selects\":%u,\"candidates\":%u,\"ports\":[",
                   service->endpoint_count, namespace ? facts->candidates[namespace->number] : 0);
        for (uint32_t i = 0; i < service->port_count; i++) {
                const struct net_service_port *port = &service->ports[i];
                struct str target = port->target_name;

                if (target.len == 0)
                        target = arena_printf(&facts->arena, "%u", port->target);
                buf_add(&facts->out, i ? STR(",{") : STR("{"));
                add_place(facts, &service->place, port->pos);
                add_string(facts, "name", port->name);
                buf_printf(&facts->out, ",\"protocol\":\"%s\",\"port\":%u",
                           net_protocol_name(port->protocol), port->port);
                add_string(facts, "target", target);
                add_bool(facts, "found", target_exists(facts, service, port));
                buf_add_char(&facts->out, '}');
        }
        buf_add_char(&facts->out, ']');
        end(facts, &place);
}

static bool has_port(const struct net_route_backend *backend) {
        const struct net_service *service = backend->target;

        if (!service || (backend->port == 0 && backend->port_name.len == 0))
                return true;
        for (uint32_t i = 0; i < service->port_count; i++)
                if (backend->port > 0 ? service->ports[i].port == backend->port
                                      : str_eq(service->ports[i].name, backend->port_name))
                        return true;
        return false;
}

static bool knows_services_of(const struct net_index *index, struct str namespace) {
        for (size_t i = 0; i < index->all_services.count; i++)
                if (str_eq(index->all_services.items[i]->namespace, namespace))
                        return true;
        return false;
}

static void emit_route(struct facts *facts, const struct net_route *route) {
        bool first = true;

        begin(facts, "NetworkRouteUse", route->namespace, route->name, &route->place);
        add_about(facts,
                  str_eq(route->kind, STR("Ingress")) ? STR("networking.k8s.io/v1")
                                                      : STR("gateway.networking.k8s.io/v1"),
                  route->kind, route->namespace, route->name);
        add_string(facts, "title", title(facts, route->kind, route->namespace, route->name));
        buf_add(&facts->out, STR(",\"backends\":["));
        for (uint32_t i = 0; i < route->backend_count; i++) {
                const struct net_route_backend *backend = &route->backends[i];
                struct str port = backend->port_name;

                if (backend->foreign)
                        continue;
                if (port.len == 0)
                        port = arena_printf(&facts->arena, "%u", backend->port);
                buf_add(&facts->out, first ? STR("{") : STR(",{"));
                add_place(facts, &route->place, backend->pos);
                add_string(facts, "service", backend->service);
                add_string(facts, "namespace", backend->namespace);
                add_string(facts, "port", port);
                add_bool(facts, "found", backend->target);
                add_bool(facts, "portFound", has_port(backend));
                add_bool(facts, "known", knows_services_of(facts->index, backend->namespace));
                buf_add_char(&facts->out, '}');
                first = false;
        }
        buf_add_char(&facts->out, ']');
        end(facts, &route->place);
}

static void emit_plugin(struct facts *facts) {
        const struct net_index *index = facts->index;

        if (index->plugin.len == 0)
                return;
        begin(facts, "NetworkPlugin", STR(""), STR("cluster"), &index->plugin_place);
        add_string(facts, "plugin", index->plugin);
        add_bool(facts, "enforces", index->plugin_enforces);
        buf_printf(&facts->out, ",\"policies\":%zu", index->all_policies.count);
        end(facts, &index->plugin_place);
}

/* --- all of them --- */

static void find_api_server(struct facts *facts) {
        for (size_t i = 0; i < facts->index->all_pods.count && !facts->api_server; i++) {
                const struct net_pod *pod = facts->index->all_pods.items[i];

                for (uint32_t k = 0; k < pod->image_count; k++)
                        if (str_find(pod->images[k], STR("/kube-apiserver:"), 0) >= 0)
                                facts->api_server = &facts->index->classes[pod->class];
        }
}

void net_make_facts(struct net_index *index, net_fact_fn *emit, void *userdata) {
        struct facts facts = { .index = index, .emit = emit, .userdata = userdata };

        facts.exposures = net_exposures(index, &facts.lasting, &facts.exposure_count);
        facts.candidates = arena_new_array(&facts.lasting, index->all_namespaces.count, uint32_t);
        for (uint32_t i = 0; i < index->endpoint_count; i++)
                if (index->endpoints[i].pod->namespace)
                        facts.candidates[index->endpoints[i].pod->namespace->number]++;
        find_api_server(&facts);
        for (uint32_t i = 0; i < index->endpoint_count; i++)
                if (index->endpoints[i].pod->namespace)
                        emit_workload(&facts, i);
        for (size_t i = 0; i < index->all_namespaces.count; i++)
                emit_namespace(&facts, index->all_namespaces.items[i]);
        for (size_t i = 0; i < index->all_policies.count; i++)
                emit_policy(&facts, index->all_policies.items[i]);
        for (size_t i = 0; i < index->all_services.count; i++)
                emit_service(&facts, index->all_services.items[i]);
        for (size_t i = 0; i < index->all_routes.count; i++)
                emit_route(&facts, index->all_routes.items[i]);
        emit_plugin(&facts);
        buf_free(&facts.out);
        arena_free(&facts.arena);
        arena_free(&facts.lasting);
}
