/*
 * The objects of a live cluster, as files of an input list.
 *
 * What the server offers is discovered, what rules ask for is listed page by page, and each object
 * becomes a file of its own, in the YAML that `kubectl get -o yaml` would show, without
 * managedFields: so a finding has a line and a column, and its source can be shown. A file is
 * called "cluster:NAMESPACE/RESOURCE.GROUP/NAME".
 *
 * What may not be read is reported precisely and makes the scan incomplete. Secrets are left out
 * unless the user allows to read them. Objects that a listed workload controls (the pods of
 * a Deployment) are left out too, unless all is asked for: what is found in its template is found
 * once.
 */
#pragma once

#include "client/client.h"
#include "inventory/files.h"

/* What the names of such files begin with. */
#define CLUSTER_PATH "cluster:"

/* A kind of object that the server offers. */
struct cluster_resource {
        struct str group, version, kind;
        struct str resource; /* "deployments" */
        bool namespaced;
};

struct cluster_options {
        const char *namespace; /* only this one; NULL: all of the cluster */
        bool secrets;          /* read Secrets, with what they hold */
        bool whole;            /* leave nothing out: neither what is controlled nor managedFields */
        unsigned page;         /* objects of one answer; 0: 500 */
        /* How many rules look at RESOURCE; what none looks at is not read. */
        size_t (*wanted)(void *userdata, const struct cluster_resource *resource);
        /* Called now and then; may be NULL. */
        void (*progress)(void *userdata, size_t objects, struct str resource);
        void *userdata;
};

/* Adds the objects that CLIENT's cluster has to RET. What could not be listed is among its
 * problems. An error only where the server cannot be reached or does not say what it offers. */
int cluster_read(struct client *client, const struct cluster_options *options,
                 struct input_list *ret, struct error *error);
