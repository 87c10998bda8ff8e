/* redoubt paths: what people call the things of the graph. */
#include <errno.h>

#include "base/util.h"
#include "cmd/paths.h"

/* Words for kinds; of workloads the word is the kind itself. */
static const struct {
        const char *word;
        enum graph_kind kind;
        bool namespaced;
} words[] = {
        { "pod", GRAPH_POD, true },
        { "container", GRAPH_CONTAINER, true },
        { "node", GRAPH_NODE, false },
        { "sa", GRAPH_ACCOUNT, true },
        { "serviceaccount", GRAPH_ACCOUNT, true },
        { "user", GRAPH_USER, false },
        { "group", GRAPH_GROUP, false },
        { "secret", GRAPH_SECRET, true },
        { "service", GRAPH_SERVICE, true },
        { "volume", GRAPH_VOLUME, false },
        { "pv", GRAPH_VOLUME, false },
        { "image", GRAPH_IMAGE, false },
        { "cloud", GRAPH_CLOUD, false },
        { "kubelet", GRAPH_KUBELET, false },
        { "workload", GRAPH_WORKLOAD, true },
        { "deployment", GRAPH_WORKLOAD, true },
        { "statefulset", GRAPH_WORKLOAD, true },
        { "daemonset", GRAPH_WORKLOAD, true },
        { "replicaset", GRAPH_WORKLOAD, true },
        { "replicationcontroller", GRAPH_WORKLOAD, true },
        { "job", GRAPH_WORKLOAD, true },
        { "cronjob", GRAPH_WORKLOAD, true },
        /* all of a namespace */
        { "namespace", GRAPH_ADMIN, false },
        { "secrets", GRAPH_SECRETS, false },
        { "pods", GRAPH_PODS, false },
        { "traffic", GRAPH_TRAFFIC, false },
};

struct wanted {
        struct str word; /* "deployment"; empty: any kind */
        enum graph_kind kind;
        bool has_kind, has_namespace;
        struct str namespace, name, part;
};

static bool same_word(struct str a, struct str b) {
        if (a.len != b.len)
                return false;
        for (size_t i = 0; i < a.len; i++)
                if ((a.ptr[i] | 32) != (b.ptr[i] | 32))
                        return false;
        return true;
}

static void read_kind(struct wanted *wanted, struct str *text) {
        ptrdiff_t slash = str_find(*text, STR("/"), 0);
        struct str word = slash > 0 ? str_slice(*text, 0, (size_t)slash) : STR("");

        for (size_t i = 0; i < ELEMENTS(words); i++) {
                if (!same_word(word, str_from(words[i].word)))
                        continue;
                wanted->has_kind = true;
                wanted->word = word;
                wanted->kind = words[i].kind;
                wanted->has_namespace = words[i].namespaced;
                *text = str_slice(*text, (size_t)slash + 1, text->len);
                return;
        }
        /* "shop/web": something of a namespace. */
        wanted->has_namespace = slash > 0;
}

static struct wanted read_wanted(struct str text) {
        struct wanted wanted = { 0 };

        read_kind(&wanted, &text);
        if (wanted.has_kind && wanted.kind >= GRAPH_ADMIN && wanted.kind < GRAPH_NODES) {
                wanted.namespace = text;
                return wanted;
        }
        /* Without a namespace ("pod/web") it is looked for in all of them. */
        if (wanted.has_namespace && str_find(text, STR("/"), 0) >= 0)
                str_split(&text, '/', &wanted.namespace);
        wanted.name = text;
        if (wanted.kind == GRAPH_CONTAINER && wanted.has_kind && str_find(text, STR("/"), 0) >= 0) {
                str_split(&text, '/', &wanted.name);
                wanted.part = text;
        }
        return wanted;
}

/* What a template makes is called "Deployment/web" in the graph. */
static struct str plain_name(const struct graph_vertex *vertex) {
        struct str name = vertex->name, kind;

        if (vertex->template && (vertex->kind == GRAPH_POD || vertex->kind == GRAPH_CONTAINER))
                str_split(&name, '/', &kind);
        return name;
}

static bool is_wanted(const struct graph_vertex *vertex, const struct wanted *wanted) {
        if (wanted->has_kind ? vertex->kind != wanted->kind
                             : vertex->kind == GRAPH_CONTAINER || vertex->kind == GRAPH_ROLE ||
                                       graph_is_hyper(vertex->kind))
                return false;
        if (vertex->kind == GRAPH_WORKLOAD && wanted->has_kind &&
            !same_word(wanted->word, STR("workload")) && !same_word(wanted->word, vertex->part))
                return false;
        if (!wanted->has_kind && vertex->kind == GRAPH_POD && vertex->template)
                return false;
        if (!str_eq(plain_name(vertex), wanted->name) ||
            (wanted->namespace.len > 0 && !str_eq(vertex->namespace, wanted->namespace)))
                return false;
        return wanted->part.len == 0 || str_eq(vertex->part, wanted->part);
}

static void add_vertex(struct arena *arena, struct paths_list *list, uint32_t vertex) {
        *(uint32_t *)vec_push_in(arena, list) = vertex;
}

/* A pod is its containers; a workload its pods. */
static void add_parts(struct arena *arena, const struct graph *graph, uint32_t vertex,
                      struct paths_list *list) {
        enum graph_kind kind = graph->vertices.items[vertex].kind;

        add_vertex(arena, list, vertex);
        if (kind != GRAPH_POD && kind != GRAPH_WORKLOAD)
                return;
        for (uint32_t i = graph->out_first[vertex]; i < graph->out_first[vertex + 1]; i++) {
                const struct graph_edge *edge = &graph->edges.items[i];

                if (edge->attack == GRAPH_HOLDS)
                        add_vertex(arena, list, edge->to);
                else if (kind == GRAPH_WORKLOAD && edge->attack == GRAPH_CONTAINS)
                        add_parts(arena, graph, edge->to, list);
        }
}

/* A name that nothing has: the nearest one that something has. */
static int unknown(struct command_context *context, const struct graph *graph, struct str text,
                   const struct wanted *wanted) {
        struct str best = STR("");
        size_t least = 4;

        for (size_t i = 0; i < graph->vertices.count; i++) {
                const struct graph_vertex *vertex = &graph->vertices.items[i];
                size_t distance;

                if (vertex->name.len == 0 || vertex->kind == GRAPH_ROLE ||
                    (wanted->has_kind && vertex->kind != wanted->kind))
                        continue;
                distance = str_distance(vertex->name, wanted->name);
                if (distance < least) {
                        least = distance;
                        best = graph_name(graph, context->arena, (uint32_t)i);
                }
        }
        return error_set(context->error, -ENOENT, "there is no \"%.*s\" in the input%s%.*s%s",
                         STR_ARG(text), best.len ? ", did you mean " : "", STR_ARG(best),
                         best.len ? "?" : "");
}

int paths_find(struct command_context *context, const struct graph *graph, struct str text,
               bool parts, struct paths_list *ret) {
        struct wanted wanted = read_wanted(text);
        uint32_t found = UINT32_MAX;

        if (wanted.has_kind && wanted.kind >= GRAPH_ADMIN && wanted.kind < GRAPH_NODES) {
                found = graph_find(graph, wanted.kind, wanted.namespace, STR(""), STR(""));
                if (found == UINT32_MAX)
                        return error_set(context->error, -ENOENT,
                                         "there is no namespace \"%.*s\" in the input",
                                         STR_ARG(wanted.namespace));
                add_vertex(context->arena, ret, found);
                return 0;
        }
        for (size_t i = 0; i < graph->vertices.count; i++) {
                if (!is_wanted(&graph->vertices.items[i], &wanted))
                        continue;
                /* A container is in each pod of its name. */
                if (found != UINT32_MAX) {
                        struct str one = graph_name(graph, context->arena, found);
                        struct str other = graph_name(graph, context->arena, (uint32_t)i);

                        return error_set(
                                context->error, -EINVAL,
                                "\"%.*s\" could be %.*s or %.*s: write KIND/NAMESPACE/NAME",
                                STR_ARG(text), STR_ARG(one), STR_ARG(other));
                }
                found = (uint32_t)i;
        }
        if (found == UINT32_MAX)
                return unknown(context, graph, text, &wanted);
        if (parts)
                add_parts(context->arena, graph, found, ret);
        else
                add_vertex(context->arena, ret, found);
        return 0;
}

/* --- starts --- */

static void add_all(struct command_context *context, const struct graph *graph, struct str word,
                    struct paths_list *ret) {
        for (size_t i = 0; i < graph->vertices.count; i++) {
                const struct graph_vertex *vertex = &graph->vertices.items[i];
                bool container = vertex->kind == GRAPH_CONTAINER && !vertex->passing;
                bool identity = vertex->kind == GRAPH_USER || vertex->kind == GRAPH_GROUP;

                if ((str_eq(word, STR("containers")) && container) ||
                    (str_eq(word, STR("exposed")) && container && vertex->exposed) ||
                    (str_eq(word, STR("outside")) && vertex->kind == GRAPH_EXTERNAL) ||
                    (str_eq(word, STR("identities")) && identity))
                        add_vertex(context->arena, ret, (uint32_t)i);
        }
}

static bool is_start_word(struct str text) {
        return str_eq(text, STR("containers")) || str_eq(text, STR("exposed")) ||
               str_eq(text, STR("outside")) || str_eq(text, STR("identities"));
}

static int compare_numbers(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

int paths_starts(struct command_context *context, const struct graph *graph,
                 struct paths_list *ret) {
        const struct paths_arguments *arguments = context->options;
        size_t count = 0;
        int r = 0;

        if (arguments->starts.count == 0) {
                add_all(context, graph, STR("containers"), ret);
                add_all(context, graph, STR("outside"), ret);
        }
        for (size_t i = 0; i < arguments->starts.count && r >= 0; i++) {
                struct str text = str_from(arguments->starts.items[i]);

                if (is_start_word(text))
                        add_all(context, graph, text, ret);
                else
                        r = paths_find(context, graph, text, false, ret);
        }
        if (r < 0)
                return r;
        if (ret->count > 1)
                qsort(ret->items, ret->count, sizeof *ret->items, compare_numbers);
        for (size_t i = 0; i < ret->count; i++)
                if (count == 0 || ret->items[count - 1] != ret->items[i])
                        ret->items[count++] = ret->items[i];
        ret->count = count;
        return 0;
}

/* --- targets --- */

static int add_target(struct command_context *context, const struct graph *graph, struct str text,
                      struct paths_target *ret) {
        int r;

        *ret = (struct paths_target){ .name = text };
        if (str_eq(text, STR("cluster-admin")) || str_eq(text, STR("admin"))) {
                ret->name = STR("cluster-admin");
                add_vertex(context->arena, &ret->ends, graph->admin);
                return 0;
        }
        if (str_eq(text, STR("secrets")) || str_eq(text, STR("all-secrets"))) {
                ret->name = STR("all secrets");
                add_vertex(context->arena, &ret->ends, graph->secrets);
                return 0;
        }
        if (str_eq(text, STR("nodes"))) {
                ret->name = STR("nodes");
                for (size_t i = 0; i < graph->vertices.count; i++)
                        if (graph->vertices.items[i].kind == GRAPH_NODE)
                                add_vertex(context->arena, &ret->ends, (uint32_t)i);
                /* Where no node is known, whoever has them all has them. */
                add_vertex(context->arena, &ret->ends, graph->nodes);
                return 0;
        }
        r = paths_find(context, graph, text, true, &ret->ends);
        if (r >= 0)
                ret->name = graph_name(graph, context->arena, ret->ends.items[0]);
        return r;
}

int paths_targets(struct command_context *context, const struct graph *graph, int argc, char **argv,
                  struct paths_target **ret, size_t *ret_count) {
        static const char *const standard[] = { "cluster-admin", "secrets", "nodes" };
        size_t count = argc > 0 ? (size_t)argc : ELEMENTS(standard);
        int r = 0;

        *ret = arena_new_array(context->arena, count, struct paths_target);
        for (size_t i = 0; i < count && r >= 0; i++) {
                r = add_target(context, graph, str_from(argc > 0 ? argv[i] : standard[i]),
                               &(*ret)[i]);
        }
        *ret_count = count;
        return r;
}
