/*
 * Options of verbs that can look at a live cluster.
 */
#pragma once

#include "cmd/command.h"
#include "inventory/cluster.h"
#include "policy/policy.h"

struct declared;

struct cluster_arguments {
        bool cluster, all_namespaces, secrets;
        const char *kubeconfig, *context;
        struct option_strings snapshots; /* --from */
};

/* Rows for an option table whose target TYPE has `struct cluster_arguments FIELD`. */
#define CLUSTER_OPTIONS(type, field)                                                               \
        OPTION_SECTION("Cluster"),                                                                 \
                { 0,           "cluster",                                                          \
                  NULL,        "look at the live objects of the cluster that kubectl would use",   \
                  OPTION_FLAG, offsetof(type, field.cluster) },                                    \
                { 0,                                                                               \
                  "from",                                                                          \
                  "FILE",                                                                          \
                  "look at the objects of a snapshot (redoubt snapshot save)",                     \
                  OPTION_STRINGS,                                                                  \
                  offsetof(type, field.snapshots),                                                 \
                  .hint = OPTION_HINT_FILE },                                                      \
                CLUSTER_ACCESS_OPTIONS(type, field)

/* Those that say which cluster, and how it is read. */
#define CLUSTER_ACCESS_OPTIONS(type, field)                                                        \
        { 0,                                                                                       \
          "context",                                                                               \
          "NAME",                                                                                  \
          "the context of the kubeconfig; by default the current one",                             \
          OPTION_STRING,                                                                           \
          offsetof(type, field.context) },                                                         \
                { 0,                                                                               \
                  "kubeconfig",                                                                    \
                  "FILE",                                                                          \
                  "this kubeconfig; by default those of KUBECONFIG, or ~/.kube/config",            \
                  OPTION_STRING,                                                                   \
                  offsetof(type, field.kubeconfig),                                                \
                  .hint = OPTION_HINT_FILE },                                                      \
                { 'A',                                                                             \
                  "all-namespaces",                                                                \
                  NULL,                                                                            \
                  "all namespaces, and what lives in none (the default; -n NAME is one)",          \
                  OPTION_FLAG,                                                                     \
                  offsetof(type, field.all_namespaces) },                                          \
        {                                                                                          \
                0, "read-secrets", NULL,                                                           \
                        "read Secrets with what they hold, not only their metadata", OPTION_FLAG,  \
                        offsetof(type, field.secrets)                                              \
        }

/* Whether ARGUMENTS name a cluster or a snapshot. */
bool cluster_named(const struct cluster_arguments *arguments);

/* What is read of a cluster. */
struct cluster_wish {
        const char *namespace;           /* only this one; NULL: all of the cluster */
        const struct policy_set *set;    /* what these policies look at; NULL: everything */
        const struct declared *declared; /* and what is declared (scan/declared.h); NULL */
        const char *group;               /* only the kinds of this API group; NULL: of any */
        bool (*reads)(struct str group, struct str resource); /* only those; NULL: of any */
        bool whole;                                           /* with managedFields */
        bool keep_gaps; /* what could not be read is left among the gaps */
};

/* What it means to WISH that GAP could not be read, in ARENA: "cannot list secrets ...: 3 rules not
 * judged". Empty where it means nothing. */
struct str cluster_gap_message(struct arena *arena, const struct cluster_wish *wish,
                               const struct input_gap *gap);

/* A client of the cluster that ARGUMENTS name, for as long as STOP (may be NULL) is not set. It may
 * only read. CONFIG is filled in the arena of CONTEXT. */
int cluster_connect(struct command_context *context, const struct cluster_arguments *arguments,
                    const volatile sig_atomic_t *stop, struct kubeconfig *config,
                    struct client **ret);

/* How what WISH asks for is read; `userdata` of the options is WISH itself. */
struct cluster_options cluster_options_of(const struct cluster_arguments *arguments,
                                          const struct cluster_wish *wish);

/* Reads what WISH asks for into RET, from the cluster and the snapshots that ARGUMENTS name.
 * RET_SERVER (may be NULL) is the URL of the cluster. To be called before the process confines
 * itself. */
int cluster_open(struct command_context *context, const struct cluster_arguments *arguments,
                 const struct cluster_wish *wish, struct input_list *ret, struct str *ret_server);
