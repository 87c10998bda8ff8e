/*
 * Options of verbs that can look at a live cluster.
 */
#pragma once

#include "cmd/command.h"
#include "inventory/cluster.h"
#include "policy/policy.h"

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
                0, "read-secrets", NULL, "read Secrets, too, with what they hold", OPTION_FLAG,    \
                        offsetof(type, field.secrets)                                              \
        }

/* Whether ARGUMENTS name a cluster or a snapshot. */
bool cluster_named(const struct cluster_arguments *arguments);

/* What is read of a cluster. */
struct cluster_wish {
        const char *namespace;        /* only this one; NULL: all of the cluster */
        const struct policy_set *set; /* what these policies look at; NULL: everything */
        const char *group;            /* only the kinds of this API group; NULL: of any */
        /* Only the kinds for which it is true; NULL: of any. */
        bool (*reads)(struct str group, struct str resource);
        bool whole;                   /* with what is controlled by something else that is read */
};

/* Reads what WISH asks for into RET, from the cluster and the snapshots that ARGUMENTS name.
 * RET_SERVER (may be NULL) is the URL of the cluster. To be called before the process confines
 * itself. */
int cluster_open(struct command_context *context, const struct cluster_arguments *arguments,
                 const struct cluster_wish *wish, struct input_list *ret, struct str *ret_server);
