#include <errno.h>

#include "base/util.h"
#include "net/private.h"
#include "net/service.h"

void net_problem(struct net_index *index, const struct net_place *place, bool incomplete,
                 const char *format, ...) {
        struct diagnostic *problem = vec_push(&index->problems);
        va_list args;

        va_start(args, format);
        *problem = (struct diagnostic){ .file = place->file,
                                        .pos = place->pos,
                                        .message = arena_vprintf(&index->arena, format, args),
                                        .incomplete = incomplete };
        va_end(args);
}

void net_refuse(struct net_reader *reader, const struct doc_node *node, const char *format, ...) {
        struct arena *arena = &reader->index->arena;
        struct net_place place = { reader->place.file, node->start };
        struct str message;
        va_list args;

        va_start(args, format);
        message = arena_vprintf(arena, format, args);
        va_end(args);
        net_problem(reader->index, &place, true, "%.*s \"%.*s\": %.*s",
                    STR_ARG(reader->resource->kind), STR_ARG(reader->resource->name),
                    STR_ARG(message));
}

/* The lengths keep names apart that hold slashes themselves. */
struct str net_key(struct arena *arena, struct str a, struct str b) {
        return arena_printf(arena, "%zu/%.*s/%.*s", a.len, STR_ARG(a), STR_ARG(b));
}

struct str net_key3(struct arena *arena, struct str a, struct str b, struct str c) {
        return arena_printf(arena, "%zu/%zu/%.*s/%.*s/%.*s", a.len, b.len, STR_ARG(a), STR_ARG(b),
                            STR_ARG(c));
}

struct str net_string(struct net_reader *reader, const struct doc_node *map, struct str key) {
        return arena_str(&reader->index->arena, doc_string(doc_get(map, key), STR("")));
}

const struct doc_node *net_list(struct net_reader *reader, const struct doc_node *map,
                                struct str key, uint32_t *ret_count) {
        const struct doc_node *node = doc_get(map, key);

        *ret_count = 0;
        if (net_absent(node))
                return NULL;
        if (node->kind != DOC_LIST) {
                net_refuse(reader, node, "%.*s must be a list", STR_ARG(key));
                return NULL;
        }
        *ret_count = node->list.count;
        return node->list.items;
}

void net_index_init(struct net_index *index) {
        *index = (struct net_index){ 0 };
        *vec_push(&index->word_text) = STR("");
        net_port_table_init(&index->ports);
}

void net_index_free(struct net_index *index) {
        struct map *maps[] = { &index->words,  &index->namespaces, &index->policies, &index->pods,
                               &index->owners, &index->names,      &index->services };

        for (size_t i = 0; i < index->all_namespaces.count; i++) {
                vec_free(&index->all_namespaces.items[i]->classes);
                vec_free(&index->all_namespaces.items[i]->policies);
        }
        for (size_t i = 0; i < ELEMENTS(maps); i++)
                map_free(maps[i]);
        vec_free(&index->word_text);
        vec_free(&index->all_policies);
        vec_free(&index->all_namespaces);
        vec_free(&index->all_pods);
        vec_free(&index->all_services);
        vec_free(&index->all_routes);
        vec_free(&index->all_gateways);
        vec_free(&index->pod_ranges);
        vec_free(&index->problems);
        net_port_table_free(&index->ports);
        arena_free(&index->arena);
}

void net_index_add_pod_range(struct net_index *index, const struct ip_prefix *range) {
        *vec_push(&index->pod_ranges) = ip_prefix_masked(range);
}

/* --- objects --- */

static const struct {
        const char *group, *resource;
        void (*add)(struct net_reader *reader);
} kinds[] = {
        { "networking.k8s.io", "networkpolicies", net_add_policy },
        { "policy.networking.k8s.io", "adminnetworkpolicies", net_add_admin_policy },
        { "policy.networking.k8s.io", "baselineadminnetworkpolicies", net_add_admin_policy },
        { "policy.networking.k8s.io", "clusternetworkpolicies", net_add_admin_policy },
        { "", "namespaces", net_add_namespace },
        { "", "nodes", net_add_node },
        { "", "pods", net_add_pod },
        { "", "services", net_add_service },
        { "networking.k8s.io", "ingresses", net_add_ingress },
        { "gateway.networking.k8s.io", "gateways", net_add_gateway },
        { "gateway.networking.k8s.io", "httproutes", net_add_http_route },
        { "gateway.networking.k8s.io", "grpcroutes", net_add_http_route },
        { "gateway.networking.k8s.io", "tcproutes", net_add_http_route },
        { "gateway.networking.k8s.io", "tlsroutes", net_add_http_route },
        { "gateway.networking.k8s.io", "udproutes", net_add_http_route },
        { "", "podtemplates", NULL },
};

/* Workloads: what has a pod template. Of kinds that are not built in that is seen when they come.
 */
static bool has_templates(struct str group, struct str resource) {
        const struct kube_kind *kind = kube_resource_find(resource);

        if (kind && str_eq(kind->group, group))
                return kind->pod_template;
        return !kube_group_is_builtin(group);
}

bool net_reads(struct str group, struct str resource) {
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(group, str_from(kinds[i].group)) &&
                    str_eq(resource, str_from(kinds[i].resource)))
                        return kinds[i].add;
        return has_templates(group, resource);
}

static struct str file_name(struct net_index *index, struct str file) {
        if (!str_eq(index->file, file))
                index->file = arena_str(&index->arena, file);
        return index->file;
}

void net_index_add(struct net_index *index, struct str file, const struct resource *resource) {
        struct net_reader reader = { .index = index, .resource = resource };

        if (!net_reads(resource->group, resource->resource))
                return;
        reader.place = (struct net_place){ file_name(index, file), resource->root->start };
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(resource->group, str_from(kinds[i].group)) &&
                    str_eq(resource->resource, str_from(kinds[i].resource))) {
                        kinds[i].add(&reader);
                        return;
                }
        net_note_plugin(&reader);
        net_add_templates(&reader);
}

/* --- finishing --- */

/* The API server gives every Namespace its name as a label; to one that is only mentioned, too. */
static void label_namespaces(struct net_index *index) {
        uint32_t key = net_word(index, STR("kubernetes.io/metadata.name"));

        for (size_t i = 0; i < index->all_namespaces.count; i++) {
                struct net_namespace *namespace = index->all_namespaces.items[i];
                struct net_labels before = namespace->labels;
                struct net_label own = { key, net_word(index, namespace->name) };
                struct net_label *items =
                        arena_new_array(&index->arena, before.count + 1, struct net_label);
                uint32_t count = 0;

                for (uint32_t k = 0; k < before.count; k++)
                        if (before.items[k].key != key)
                                items[count++] = before.items[k];
                items[count++] = own;
                namespace->labels = (struct net_labels){ items, count };
        }
}

static void list_policies(struct net_index *index) {
        size_t kept = 0;

        for (size_t i = 0; i < index->all_policies.count; i++) {
                struct net_policy *policy = index->all_policies.items[i];

                if (policy->replaced)
                        continue;
                index->all_policies.items[kept++] = policy;
                if (policy->tier == NET_TIER_POLICY)
                        *vec_push(&net_namespace_of(index, policy->namespace)->policies) = policy;
        }
        index->all_policies.count = kept;
}

void net_index_arrange(struct net_index *index) {
        net_own_pods(index);
        label_namespaces(index);
        list_policies(index);
        net_make_ranges(index);
        net_make_classes(index);
        net_select_services(index);
}

int net_index_resolve(struct net_index *index, const bool *wanted, struct error *error) {
        int r = net_resolve_rules(index, wanted, error);

        if (r < 0)
                return r;
        if (wanted)
                net_list_views(index, wanted);
        else
                net_make_views(index);
        net_check_priorities(index);
        index->finished = true;
        return 0;
}

int net_index_finish(struct net_index *index, struct error *error) {
        net_index_arrange(index);
        return net_index_resolve(index, NULL, error);
}
