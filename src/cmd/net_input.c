/* redoubt net: reading manifests and clusters into an index, and the words of a question. */
#include <errno.h>

#include "base/confine.h"
#include "base/util.h"
#include "cmd/net.h"
#include "cmd/objects.h"

const struct option_word net_formats[] = {
        { "text", NET_TEXT, "for people" },
        { "json", NET_JSON, "for programs" },
        { NULL },
};

/* Remarks that are shown, of those that make nothing incomplete. */
enum { NOTES_MAX = 3 };

/* --- input --- */

int net_prepare(struct command_context *context, const struct net_arguments *arguments,
                struct net_index *index) {
        net_index_init(index);
        for (size_t i = 0; i < arguments->pod_ranges.count; i++) {
                struct str text = str_from(arguments->pod_ranges.items[i]), rest = text, part;
                struct ip_prefix range = { 0 };
                struct str length = STR("");

                if (str_split(&rest, '/', &part))
                        length = rest;
                if (ip_parse(part, &range.ip, NULL, NULL) < 0 || !length.ptr ||
                    ip_prefix_length_parse(length, &range.ip, &range.length) < 0)
                        return error_set(context->error, -EINVAL,
                                         "\"%.*s\" is no address block (CIDR)", STR_ARG(text));
                net_index_add_pod_range(index, &range);
        }
        return 0;
}

static void add(void *userdata, struct str file, const struct resource *resource) {
        if (!resource->metadata_only)
                net_index_add(userdata, file, resource);
}

bool net_read_inputs(const struct input_list *inputs, struct net_index *index) {
        return objects_read(inputs, add, index);
}

void net_tell(const struct net_index *index, bool *complete) {
        size_t notes = 0;

        for (size_t i = 0; i < index->problems.count; i++) {
                const struct diagnostic *problem = &index->problems.items[i];

                *complete &= !problem->incomplete;
                /* A folder with a variant for each stage has everything twice: a few say it. */
                if (problem->incomplete || notes++ < NOTES_MAX)
                        objects_tell(problem->file, problem->pos, problem->message);
        }
        if (notes > NOTES_MAX)
                command_note("%zu more objects are given twice", notes - NOTES_MAX);
}

int net_conclude(struct command_context *context, struct net_index *index, bool *complete) {
        int r = net_index_finish(index, context->error);

        net_tell(index, complete);
        return r;
}

int net_confine(struct command_context *context, const struct net_arguments *arguments) {
        const struct option_strings *lists[] = { &arguments->files, &arguments->flows,
                                                 &arguments->policies };
        size_t most = 1;
        const char **paths;
        struct confine_rules rules = { 0 };

        for (size_t k = 0; k < ELEMENTS(lists); k++)
                most += lists[k]->count;
        paths = arena_new_array(context->arena, most, const char *);
        for (size_t k = 0; k < ELEMENTS(lists); k++)
                for (size_t i = 0; i < lists[k]->count; i++)
                        paths[rules.read_count++] = lists[k]->items[i];
        if (arguments->files.count == 0)
                paths[rules.read_count++] = ".";
        rules.read = paths;
        return confine(&rules, NULL, context->error);
}

static int read_inputs(struct command_context *context, const struct net_arguments *arguments,
                       struct net_index *index, bool *ret_complete) {
        const struct cluster_wish wish = { .whole = true };
        struct input_list inputs _cleanup_(input_free) = { 0 };
        bool live = cluster_named(&arguments->cluster);
        int r = net_prepare(context, arguments, index);

        if (r >= 0 && (!live || arguments->files.count > 0))
                r = objects_open(context, &arguments->files, &inputs);
        if (r >= 0)
                r = cluster_open(context, &arguments->cluster, &wish, &inputs, NULL);
        if (r >= 0)
                r = net_confine(context, arguments);
        if (r < 0)
                return r;
        *ret_complete = net_read_inputs(&inputs, index);
        return 0;
}

int net_read(struct command_context *context, const struct net_arguments *arguments,
             struct net_index *index, bool *ret_complete) {
        int r = read_inputs(context, arguments, index, ret_complete);

        return r < 0 ? r : net_conclude(context, index, ret_complete);
}

int net_arrange(struct command_context *context, const struct net_arguments *arguments,
                struct net_index *index, bool *ret_complete) {
        int r = read_inputs(context, arguments, index, ret_complete);

        if (r >= 0)
                net_index_arrange(index);
        return r;
}

int net_resolve(struct command_context *context, struct net_index *index,
                const struct net_party *const *parties, size_t count, bool *complete) {
        bool *wanted = arena_new_array(context->arena, index->class_count + 1, bool);
        int r;

        for (size_t i = 0; i < count; i++)
                for (uint32_t k = 0; k < parties[i]->count; k++)
                        if (parties[i]->peers[k] < index->class_count)
                                wanted[parties[i]->peers[k]] = true;
        r = net_index_resolve(index, wanted, context->error);
        net_tell(index, complete);
        return r;
}

/* --- questions --- */

static int one_peer(struct command_context *context, uint32_t peer, struct net_party *ret) {
        ret->peers = arena_new(context->arena, uint32_t);
        ret->peers[0] = peer;
        ret->count = 1;
        return 0;
}

/* Every range that BLOCK holds a part of. */
static int read_block(struct command_context *context, const struct net_index *index,
                      const struct ip_prefix *block, struct net_party *ret) {
        ret->peers = arena_new_array(context->arena, index->range_count, uint32_t);
        for (uint32_t i = 0; i < index->range_count; i++) {
                const struct net_range *range = &index->ranges[i];
                struct ip_prefix masked = ip_prefix_masked(block);

                if (ip_prefix_contains(&masked, &range->first) ||
                    net_peer_of_ip(index, &masked.ip) == index->class_count + i)
                        ret->peers[ret->count++] = index->class_count + i;
        }
        return 0;
}

static int behind_service(struct command_context *context, const struct net_index *index,
                          const struct net_service *service, struct net_party *ret) {
        if (service->endpoint_count == 0)
                return error_set(context->error, -ENOENT, "no pod is behind Service \"%.*s/%.*s\"",
                                 STR_ARG(service->namespace), STR_ARG(service->name));
        ret->service = service;
        ret->endpoints = service->endpoints;
        ret->peers = arena_new_array(context->arena, service->endpoint_count, uint32_t);
        for (uint32_t i = 0; i < service->endpoint_count; i++)
                ret->peers[ret->count++] = index->endpoints[service->endpoints[i]].class;
        return 0;
}

static int read_address(struct command_context *context, const struct net_index *index,
                        struct str text, struct net_party *ret) {
        struct ip_prefix block = { 0 };
        struct str rest = text, part;

        str_split(&rest, '/', &part);
        if (ip_parse(part, &block.ip, NULL, NULL) < 0)
                return -ENOENT;
        if (!rest.ptr && net_service_of_ip(index, &block.ip))
                return behind_service(context, index, net_service_of_ip(index, &block.ip), ret);
        if (!rest.ptr)
                return one_peer(context, net_peer_of_ip(index, &block.ip), ret);
        if (ip_prefix_length_parse(rest, &block.ip, &block.length) < 0)
                return error_set(context->error, -EINVAL, "\"%.*s\" is no address block (CIDR)",
                                 STR_ARG(text));
        return read_block(context, index, &block, ret);
}

static int nobody(struct command_context *context, const struct net_index *index, struct str text,
                  struct str namespace, struct str name) {
        const struct net_endpoint *best = NULL;
        size_t distance = SIZE_MAX;

        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *endpoint = &index->endpoints[i];
                size_t d = str_distance(endpoint->name, name);

                if (!str_eq(endpoint->namespace, namespace) && d != SIZE_MAX)
                        d += 2;
                if (d < distance) {
                        distance = d;
                        best = endpoint;
                }
        }
        if (best && distance <= 4)
                return error_set(context->error, -ENOENT,
                                 "there is no workload or pod \"%.*s\", did you mean "
                                 "\"%.*s/%.*s\"?",
                                 STR_ARG(text), STR_ARG(best->namespace), STR_ARG(best->name));
        return error_set(context->error, -ENOENT, "there is no workload or pod \"%.*s\"",
                         STR_ARG(text));
}

/* A workload whose pods policies tell apart (one has no address yet, or labels of its own) is no
 * endpoint itself: all of its pods are meant. */
static bool pods_of_workload(struct command_context *context, const struct net_index *index,
                             struct str namespace, struct str kind, struct str name,
                             struct net_party *ret) {
        ret->peers = arena_new_array(context->arena, index->endpoint_count + 1, uint32_t);
        for (uint32_t i = 0; i < index->endpoint_count; i++) {
                const struct net_endpoint *endpoint = &index->endpoints[i];
                bool seen = false;

                if (!endpoint->pod->namespace || !str_eq(endpoint->namespace, namespace) ||
                    !str_eq(endpoint->kind, STR("Pod")) || !str_eq(endpoint->pod->owner, name) ||
                    (kind.len > 0 && !str_eq(endpoint->pod->kind, kind)))
                        continue;
                for (uint32_t k = 0; k < ret->count; k++)
                        seen |= ret->peers[k] == endpoint->class;
                if (!seen)
                        ret->peers[ret->count++] = endpoint->class;
        }
        ret->workload = ret->count > 0;
        return ret->workload;
}

int net_read_party(struct command_context *context, const struct net_index *index, struct str text,
                   struct net_party *ret) {
        struct str rest = text, namespace, kind = STR(""), name;
        const struct net_endpoint *endpoint;
        int r;

        *ret = (struct net_party){ .text = net_shown(context->arena, text) };
        r = read_address(context, index, text, ret);
        if (r != -ENOENT)
                return r;
        str_split(&rest, '/', &namespace);
        if (!rest.ptr) {
                name = namespace;
                namespace = STR("default");
        } else {
                str_split(&rest, '/', &name);
                if (rest.ptr) {
                        kind = name;
                        name = rest;
                }
        }
        if (str_eq(kind, STR("Service")) || str_eq(kind, STR("service")) ||
            str_eq(kind, STR("svc"))) {
                const struct net_service *service = net_service_find(index, namespace, name);

                if (!service)
                        return error_set(context->error, -ENOENT,
                                         "there is no Service \"%.*s/%.*s\"", STR_ARG(namespace),
                                         STR_ARG(name));
                return behind_service(context, index, service, ret);
        }
        if (kind.len == 0 && str_eq(namespace, STR("node"))) {
                namespace = STR("");
                kind = STR("Node");
        }
        endpoint = net_find(index, namespace, kind, name);
        if (!endpoint && kind.len == 0)
                endpoint = net_find(index, namespace, STR("Pod"), name);
        if (!endpoint && pods_of_workload(context, index, namespace, kind, name, ret))
                return 0;
        if (!endpoint)
                return nobody(context, index, text, namespace, name);
        return one_peer(context, endpoint->class, ret);
}

bool net_read_port(struct str text, enum net_protocol *ret_protocol, uint16_t *ret_port) {
        struct str number = text, part;
        uint32_t value = 0;

        *ret_protocol = NET_TCP;
        if (str_find(text, STR("/"), 0) >= 0) {
                str_split(&number, '/', &part);
                if (!net_protocol_parse(part, ret_protocol)) {
                        if (!net_protocol_parse(number, ret_protocol))
                                return false;
                        number = part;
                }
        }
        if (number.len == 0 || number.len > 5)
                return false;
        for (size_t i = 0; i < number.len; i++) {
                if (number.ptr[i] < '0' || number.ptr[i] > '9')
                        return false;
                value = value * 10 + (uint32_t)(number.ptr[i] - '0');
        }
        *ret_port = (uint16_t)value;
        return value >= 1 && value <= 65535;
}

/* --- words --- */

struct str net_shown(struct arena *arena, struct str text) {
        struct buf shown _cleanup_(buf_free) = BUF_INIT;

        buf_add_terminal(&shown, text);
        return arena_str(arena, buf_str(&shown));
}

struct str net_endpoint_name(struct arena *arena, const struct net_index *index,
                             const struct net_endpoint *endpoint) {
        struct str namespace = net_shown(arena, endpoint->namespace);
        struct str name = net_shown(arena, endpoint->name);

        if (!endpoint->pod->namespace)
                return arena_printf(arena, "node/%.*s", STR_ARG(name));
        if (net_find(index, endpoint->namespace, STR(""), endpoint->name) == endpoint)
                return arena_printf(arena, "%.*s/%.*s", STR_ARG(namespace), STR_ARG(name));
        return arena_printf(arena, "%.*s/%.*s/%.*s", STR_ARG(namespace),
                            STR_ARG(net_shown(arena, endpoint->kind)), STR_ARG(name));
}

struct str net_policy_name(struct arena *arena, const struct net_policy *policy) {
        struct str name = net_shown(arena, policy->name);

        if (policy->namespace.len == 0)
                return arena_printf(arena, "%.*s %.*s", STR_ARG(policy->kind), STR_ARG(name));
        return arena_printf(arena, "%.*s %.*s/%.*s", STR_ARG(policy->kind),
                            STR_ARG(net_shown(arena, policy->namespace)), STR_ARG(name));
}

struct str net_place_text(struct arena *arena, struct str file, struct doc_pos pos) {
        return arena_printf(arena, "%.*s:%u", STR_ARG(net_shown(arena, file)), pos.line);
}

void net_add_endpoint(struct buf *buf, const struct net_endpoint *endpoint) {
        buf_add(buf, STR("{\"namespace\":"));
        buf_add_json(buf, endpoint->namespace);
        buf_add(buf, STR(",\"kind\":"));
        buf_add_json(buf, endpoint->kind);
        buf_add(buf, STR(",\"name\":"));
        buf_add_json(buf, endpoint->name);
        buf_add_char(buf, '}');
}

void net_add_ports(struct buf *buf, const struct net_ports *ports) {
        buf_add_char(buf, '[');
        for (uint32_t i = 0; i < ports->count; i++)
                buf_printf(buf, "%s{\"protocol\":\"%s\",\"from\":%u,\"to\":%u}", i ? "," : "",
                           net_protocol_name(ports->items[i].first >> 16),
                           ports->items[i].first & 0xffff, ports->items[i].last & 0xffff);
        buf_add_char(buf, ']');
}
