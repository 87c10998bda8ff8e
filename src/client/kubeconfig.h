/*
 * Kubeconfig: where a cluster is, and who we are there.
 *
 * Files are read and merged as kubectl does (k8s.io/client-go/tools/clientcmd): of those that
 * KUBECONFIG lists, parted by colons, the first that says something wins, cluster by cluster, user
 * by user and context by context; files that do not exist are passed over; relative paths start at
 * the folder of the file that names them. Without any of them, a pod finds its own API server and
 * token (in-cluster configuration).
 *
 * What is read here is secret: nothing of it may reach an error message but names and paths.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "doc/doc.h"

/* An exec plugin: a program that prints credentials. */
struct kubeconfig_exec {
        struct str api_version; /* client.authentication.k8s.io/v1 or v1beta1 */
        struct str command;
        struct str *args;
        size_t arg_count;
        struct str *env; /* "NAME=value" */
        size_t env_count;
        bool cluster_info; /* provideClusterInfo */
        struct str hint;   /* installHint */
};

/* All that is needed to reach one cluster as one user. PEM texts are NULL-terminated. */
struct kubeconfig {
        struct str context, cluster, user; /* names; empty in a pod */
        struct str server;                 /* "https://10.0.0.1:6443/prefix", no slash at the end */
        struct str authority;              /* certificates, PEM; empty: those of the system */
        struct str server_name;            /* tls-server-name; empty: the host of SERVER */
        struct str proxy;                  /* proxy-url; empty: as the environment says */
        bool insecure;                     /* insecure-skip-tls-verify */
        struct str namespace;              /* of the context; empty: default */

        struct str certificate, key; /* client certificate, PEM; empty: none */
        struct str token;            /* empty: none */
        struct str token_file;       /* wins over TOKEN, and is read again now and then */
        struct str name, password;   /* basic authentication */
        const struct kubeconfig_exec *exec;
        struct str as, as_uid; /* impersonation; empty: none */
        struct str *as_groups;
        size_t as_group_count;
};

/* What the user of the program wants to differ. NULL: as configured. */
struct kubeconfig_choice {
        const char *path;    /* --kubeconfig: this file and no other */
        const char *context; /* --context */
};

/* Reads the configuration that kubectl would use, into ARENA. -ENOENT where there is none,
 * -EINVAL with the file, line and column of what is wrong in it. */
int kubeconfig_load(struct arena *arena, const struct kubeconfig_choice *choice,
                    struct kubeconfig *ret, struct error *error);

/* Fills the credentials of CONFIG with those of the document that an exec plugin printed, an
 * ExecCredential; *RET_EXPIRY is when they end, in seconds since 1970, INT64_MAX: never. */
int kubeconfig_read_credential(struct arena *arena, struct str text, struct kubeconfig *config,
                               int64_t *ret_expiry, struct error *error);
