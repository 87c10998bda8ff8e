/* redoubt net exposure: what the outside, and the whole cluster, reach. */
#include "base/util.h"
#include "cmd/net.h"
#include "cmd/table.h"
#include "net/matrix.h"
#include "net/service.h"

/* --- words --- */

static struct str way_text(struct arena *arena, const struct net_exposure *exposure) {
        const struct net_service *service = exposure->service;
        const struct net_route *route = exposure->route;

        if (route)
                return arena_printf(arena, "%.*s %.*s/%.*s", STR_ARG(route->kind),
                                    STR_ARG(net_shown(arena, route->namespace)),
                                    STR_ARG(net_shown(arena, route->name)));
        if (service)
                return arena_printf(arena, "%s of Service %.*s/%.*s", net_way_name(exposure->way),
                                    STR_ARG(net_shown(arena, service->namespace)),
                                    STR_ARG(net_shown(arena, service->name)));
        return arena_printf(arena, "%s", net_way_name(exposure->way));
}

static struct str outside_text(struct arena *arena, const struct net_exposure *exposure) {
        const struct net_route *route = exposure->route;
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (!route) {
                if (exposure->outside == 0)
                        return STR("a port that the cluster chooses");
                return arena_printf(arena, "%s %u", net_protocol_name(exposure->protocol),
                                    exposure->outside);
        }
        for (uint32_t i = 0; i < route->host_count; i++)
                buf_printf(&text, "%s%.*s", i ? ", " : "",
                           STR_ARG(net_shown(arena, route->hosts[i])));
        return text.len ? arena_str(arena, buf_str(&text)) : STR("any host");
}

static const char *state_of(const struct net_exposure *exposure) {
        if (exposure->blocked)
                return "blocked by policies";
        return exposure->partly ? "open to some addresses" : "open";
}

/* --- what is shown --- */

static bool in_namespace(const struct net_arguments *arguments,
                         const struct net_endpoint *endpoint) {
        return !arguments->namespace || str_eq(endpoint->namespace, str_from(arguments->namespace));
}

static bool is_open_inside(const struct net_index *index, const struct net_endpoint *endpoint,
                           uint32_t set) {
        return set != NET_NO_PORTS && endpoint->pod->namespace &&
               !index->classes[endpoint->class].host;
}

/* --- text --- */

static size_t add_outside(struct command_context *context, const struct net_index *index,
                          const struct net_exposure *exposures, size_t count, struct buf *out) {
        struct table table = { .columns = 6 };
        size_t rows = 0;

        table_add(context->arena, &table, STR("WORKLOAD"), STR("PORT"), STR("THROUGH"),
                  STR("OUTSIDE"), STR("STATE"), STR("WHERE"));
        for (size_t i = 0; i < count; i++) {
                const struct net_exposure *it = &exposures[i];
                const struct net_endpoint *endpoint = &index->endpoints[it->endpoint];

                if (!in_namespace(context->options, endpoint))
                        continue;
                rows += !it->blocked;
                table_add(context->arena, &table,
                          net_endpoint_name(context->arena, index, endpoint),
                          arena_printf(context->arena, "%s %u", net_protocol_name(it->protocol),
                                       it->inside),
                          way_text(context->arena, it), outside_text(context->arena, it),
                          str_from(state_of(it)),
                          net_place_text(context->arena, it->place.file, it->place.pos));
        }
        if (table.count > table.columns)
                table_write(out, &table);
        else
                buf_add(out, STR("nothing is exposed to the outside\n"));
        return rows;
}

static size_t add_inside(struct command_context *context, struct net_index *index,
                         struct buf *out) {
        struct table table = { .columns = 2 };

        table_add(context->arena, &table, STR("EVERY POD OF THE CLUSTER REACHES"), STR("PORTS"));
        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *endpoint = &index->endpoints[i];
                uint32_t set = net_open_to_all(index, endpoint->class);

                if (is_open_inside(index, endpoint, set) &&
                    in_namespace(context->options, endpoint))
                        table_add(context->arena, &table,
                                  net_endpoint_name(context->arena, index, endpoint),
                                  net_ports_text(context->arena, &index->ports.sets.items[set]));
        }
        if (table.count == table.columns)
                return 0;
        buf_add_char(out, '\n');
        table_write(out, &table);
        return table.count / table.columns - 1;
}

/* --- JSON --- */

static void add_exposure_json(struct buf *out, const struct net_index *index,
                              const struct net_exposure *it) {
        const struct net_route *route = it->route;

        buf_add(out, STR("{\"workload\":"));
        net_add_endpoint(out, &index->endpoints[it->endpoint]);
        buf_printf(out, ",\"way\":\"%s\",\"protocol\":\"%s\",\"port\":%u,\"outside\":%u",
                   net_way_name(it->way), net_protocol_name(it->protocol), it->inside, it->outside);
        buf_add(out, STR(",\"service\":"));
        if (it->service)
                buf_add_json(out, it->service->name);
        else
                buf_add(out, STR("null"));
        buf_add(out, STR(",\"route\":"));
        if (route)
                buf_add_json(out, route->name);
        else
                buf_add(out, STR("null"));
        buf_add(out, STR(",\"hosts\":["));
        for (uint32_t i = 0; route && i < route->host_count; i++) {
                buf_add(out, i ? STR(",") : STR(""));
                buf_add_json(out, route->hosts[i]);
        }
        buf_printf(out, "],\"blocked\":%s,\"partly\":%s,\"file\":", it->blocked ? "true" : "false",
                   it->partly ? "true" : "false");
        buf_add_json(out, it->place.file);
        buf_printf(out, ",\"line\":%u}", it->place.pos.line);
}

static size_t add_json(struct command_context *context, struct net_index *index,
                       const struct net_exposure *exposures, size_t count, struct buf *out) {
        size_t open = 0, written = 0;

        buf_add(out, STR("{\"outside\":["));
        for (size_t i = 0; i < count; i++) {
                if (!in_namespace(context->options, &index->endpoints[exposures[i].endpoint]))
                        continue;
                buf_add(out, written++ ? STR(",\n") : STR("\n"));
                add_exposure_json(out, index, &exposures[i]);
                open += !exposures[i].blocked;
        }
        buf_add(out, STR("],\n\"cluster\":["));
        written = 0;
        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *endpoint = &index->endpoints[i];
                uint32_t set = net_open_to_all(index, endpoint->class);

                if (!is_open_inside(index, endpoint, set) ||
                    !in_namespace(context->options, endpoint))
                        continue;
                buf_add(out, written++ ? STR(",\n{\"workload\":") : STR("\n{\"workload\":"));
                net_add_endpoint(out, endpoint);
                buf_add(out, STR(",\"ports\":"));
                net_add_ports(out, &index->ports.sets.items[set]);
                buf_add_char(out, '}');
        }
        buf_add(out, STR("]}\n"));
        return open + written;
}

/* --- the verb --- */

static int run(struct command_context *context, _unused_ int argc, _unused_ char **argv) {
        const struct net_arguments *arguments = context->options;
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct buf out _cleanup_(buf_free) = BUF_INIT;
        struct net_exposure *exposures;
        bool complete = true;
        size_t count, open;
        int r = net_read(context, arguments, &index, &complete);

        if (r < 0)
                return r;
        exposures = net_exposures(&index, context->arena, &count);
        if (arguments->format == NET_JSON) {
                open = add_json(context, &index, exposures, count, &out);
        } else {
                open = add_outside(context, &index, exposures, count, &out);
                open += add_inside(context, &index, &out);
        }
        fwrite(out.data, 1, out.len, stdout);
        if (!complete)
                return COMMAND_INCOMPLETE;
        return open ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        NET_OUTPUT_OPTION(net_formats),
        { 'n', "namespace", "NS", "only workloads of this namespace", OPTION_STRING,
          offsetof(struct net_arguments, namespace) },
        NET_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt net exposure -f examples/shop", "what can be reached from outside" },
        { NULL },
};

const struct command command_net_exposure = {
        .name = "exposure",
        .summary = "what the outside, and the whole cluster, reach",
        .description =
                "Lists every way from outside to a workload (LoadBalancer, NodePort, external "
                "addresses, Ingress, routes of the Gateway API, host ports and the host network), "
                "with the port of the pod on which it ends, and whether policies stop it; and the "
                "workloads that every pod of the cluster reaches. A way is blocked where policies "
                "let in no address outside; of an Ingress or a route, nobody inside, because which "
                "controller serves it is not known. Load balancers that an annotation keeps inside "
                "are left out.\n\nExit status: 0 nothing is open, 1 something is, 2 an error, 3 "
                "something could not be read.",
        .options = specs,
        .options_size = sizeof(struct net_arguments),
        .examples = examples,
        .run = run,
};
