/*
 * What the files of `redoubt paths` share.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/command.h"
#include "graph/graph.h"

enum paths_format { PATHS_TEXT, PATHS_JSON, PATHS_DOT, PATHS_SVG, PATHS_HTML };

struct paths_arguments {
        struct option_strings files, starts;
        struct cluster_arguments cluster;
        const char *kube_version;
        bool no_defaults, lateral, explain, all, by_cost;
        int format;
        int64_t limit;
};
extern const struct paths_arguments paths_defaults;

#define PATHS_INPUT_OPTIONS                                                                        \
        OPTION_SECTION("Input"),                                                                   \
                { 'f',                                                                             \
                  "file",                                                                          \
                  "PATH",                                                                          \
                  "manifests: a file, a folder or - (default: .)",                                 \
                  OPTION_STRINGS,                                                                  \
                  offsetof(struct paths_arguments, files),                                         \
                  .hint = OPTION_HINT_FILE },                                                      \
                CLUSTER_OPTIONS(struct paths_arguments, cluster), OPTION_SECTION("Assumptions"),   \
                { 0,                                                                               \
                  "kube-version",                                                                  \
                  "1.N",                                                                           \
                  "the cluster's version: what attacks it allows (default: the newest)",           \
                  OPTION_STRING,                                                                   \
                  offsetof(struct paths_arguments, kube_version) },                                \
                { 0,           "lateral",                                                          \
                  NULL,        "whatever can be connected to can be taken over",                   \
                  OPTION_FLAG, offsetof(struct paths_arguments, lateral) },                        \
        {                                                                                          \
                0, "no-defaults", NULL,                                                            \
                        "without the roles that every cluster is born with (cluster-admin, "       \
                        "admin, edit, view ...)",                                                  \
                        OPTION_FLAG, offsetof(struct paths_arguments, no_defaults)                 \
        }

#define PATHS_START_OPTION                                                                         \
        {                                                                                          \
                's', "start", "THING",                                                             \
                        "where the attack starts: containers, exposed, outside, identities, or "   \
                        "a thing like pod/shop/web (default: containers and outside)",             \
                        OPTION_STRINGS, offsetof(struct paths_arguments, starts), .comma = true    \
        }

/* A list of vertices. */
struct paths_list {
        uint32_t *items;
        size_t count, capacity;
};

/* paths_input.c: reads the input into GRAPH and finishes it; what is missing is told on standard
 * error, and RET_COMPLETE says whether there was none of that. */
int paths_read(struct command_context *context, struct graph *graph, bool *ret_complete);

/* paths_find.c: adds what TEXT names to RET: the thing itself, or (PARTS) all that is a part of it.
 * -ENOENT where there is no such thing, -EINVAL where it could be several. */
int paths_find(struct command_context *context, const struct graph *graph, struct str text,
               bool parts, struct paths_list *ret);

/* The starts that the options name, sorted. */
int paths_starts(struct command_context *context, const struct graph *graph,
                 struct paths_list *ret);

/* "cluster-admin", "all secrets", "nodes": what TEXT (a word or a thing) is called. */
struct paths_target {
        struct str name;
        struct paths_list ends;
};

/* The targets that ARGV names, or the three by default. */
int paths_targets(struct command_context *context, const struct graph *graph, int argc, char **argv,
                  struct paths_target **ret, size_t *ret_count);

/* paths_explain.c: appends what an attack is, how it is checked and fixed. With an edge of a path,
 * its names are filled into the commands; IDENTITY is who acts (empty: not known). */
void paths_explain(struct buf *buf, const struct graph *graph, const struct graph_edge *edge,
                   struct str identity, const char *indent);
/* The commands alone, one a line. */
struct str paths_check(struct arena *arena, const struct graph *graph,
                       const struct graph_edge *edge, struct str identity);
/* Who acts after this edge was walked: "system:serviceaccount:ci:deployer"; else IDENTITY. */
struct str paths_identity(const struct graph *graph, struct arena *arena, uint32_t vertex,
                          struct str identity);

/* paths_json.c: one edge, one vertex, the assumptions. */
void paths_add_vertex(struct buf *buf, const struct graph *graph, uint32_t vertex);
void paths_add_edge(struct buf *buf, const struct graph *graph, const struct graph_edge *edge,
                    struct str identity, bool explain);
void paths_add_remarks(struct buf *buf, const struct graph *graph, bool complete);
/* Writes and empties BUF where it has grown large. */
void paths_flush(struct buf *buf);

/* paths_picture.c: the best paths of SEARCHES as a picture. */
struct paths_picture {
        const struct graph *graph;
        const struct paths_target *targets;
        const struct graph_search *searches; /* one for each target */
        size_t target_count;
        const struct paths_list *starts;
        bool complete;
};
void paths_add_picture(struct buf *buf, const struct paths_picture *picture, int format);

/* COMMAND_CLEAN, _FINDINGS or _INCOMPLETE. */
int paths_status(bool found, bool complete);

extern const struct option_word paths_text_json[], paths_all_formats[];
extern const struct command command_paths_attacks, command_paths_blast, command_paths_cut,
        command_paths_edges, command_paths_to;
