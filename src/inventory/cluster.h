/*
 * The objects of a live cluster, as files of an input list.
 *
 * What the server offers is discovered, what rules ask for is listed page by page, and each object
 * becomes a file of its own, in the YAML that `kubectl get -o yaml` would show, without
 * managedFields: so a finding has a line and a column, and its source can be shown. A file is
 * called "cluster:NAMESPACE/RESOURCE.GROUP/NAME".
 *
 * What may not be read becomes a gap of the list, to be told precisely. Of Secrets only the
 * metadata is read unless the user allows more. What controls an object and is in no list, because
 * no rule looks at its kind or because it may not be listed, is asked for by name, its metadata
 * alone: so everything can be traced to the top. Such half objects are documents of the kind
 * PartialObjectMetadata.
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
        bool watchable; /* the server tells what changes */
};

struct cluster_options {
        const char *namespace; /* only this one; NULL: all of the cluster */
        bool secrets;          /* read Secrets, with what they hold */
        bool whole;            /* leave nothing out: managedFields */
        bool group_only;       /* owners are of no interest */
        unsigned page;         /* objects of one answer; 0: 500 */
        /* How many rules look at RESOURCE, where all of it, or its metadata alone, can be had; what
         * none looks at is not read. */
        size_t (*wanted)(void *userdata, const struct cluster_resource *resource,
                         bool metadata_only);
        /* Called now and then; may be NULL. */
        void (*progress)(void *userdata, size_t objects, struct str resource);
        void *userdata;
};

/* What an object of a cluster is called; NAMESPACE may be empty. */
struct str cluster_path_of(struct arena *arena, struct str group, struct str resource,
                           struct str namespace, struct str name);

/* The group and the resource of the object at PATH: "cluster:shop/deployments.apps/cart" is of
 * "apps" and "deployments". Empty where PATH is none of a cluster. */
void cluster_resource_of(struct str path, struct str *ret_group, struct str *ret_resource);

/* Adds the objects that CLIENT's cluster has to RET. What could not be listed is among its gaps. An
 * error only where the server cannot be reached or does not say what it offers. */
int cluster_read(struct client *client, const struct cluster_options *options,
                 struct input_list *ret, struct error *error);
