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
};

/* Rows for an option table whose target TYPE has `struct cluster_arguments FIELD`. */
#define CLUSTER_OPTIONS(type, field)                                                               \
        OPTION_SECTION("Cluster"),                                                                 \
                { 0,           "cluster",                                                          \
                  NULL,        "look at the live objects of the cluster that kubectl would use",   \
                  OPTION_FLAG, offsetof(type, field.cluster) },                                    \
                { 0,                                                                               \
                  "context",                                                                       \
                  "NAME",                                                                          \
                  "the context of the kubeconfig; by default the current one",                     \
                  OPTION_STRING,                                                                   \
                  offsetof(type, field.context) },                                                 \
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

/* Reads what the policies of SET look at into RET: of NAMESPACE, or (NULL) of all of the cluster.
 * To be called before the process confines itself. */
int cluster_open(struct command_context *context, const struct cluster_arguments *arguments,
                 const char *namespace, const struct policy_set *set, struct input_list *ret);
