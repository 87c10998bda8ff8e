/*
 * Reading a cluster: what the files of this module share who do. Private to src/inventory.
 *
 * discover.c asks what the server offers, list.c reads lists page by page, live_object.c
 * makes of an item the object that is judged. Who reads (cluster.c: once; follow.c: for as long as
 * it is wanted) decides what becomes of it.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "inventory/cluster.h"

struct live {
        struct client *client;
        const struct cluster_options *options;
        struct error *error;
        struct client_answer answer;
        struct arena arena; /* of the discovery */
        struct arena page;  /* of one answer */
        VEC(struct cluster_resource) resources;
};

void live_free(struct live *live);

/* Asks for PATH and reads the answer into ARENA. Returns the HTTP status, or a negative errno. */
int live_ask(struct live *live, const char *path, const char *accept, struct arena *arena,
             const struct doc_node **ret);

/* The error that STATUS, of the last answer, is. */
int live_refused(struct live *live, const char *path, int status);

struct str live_text(const struct doc_node *map, const char *key);

/* Names go into paths: what is none of Kubernetes' is not asked for. */
bool live_is_name(struct str name);

/* Fills live->resources with what can be listed, those that control others before those. */
int live_discover(struct live *live);

/* "secrets", "deployments.apps" */
struct str live_resource_name(struct arena *arena, const struct cluster_resource *resource);

/* --- objects --- */

/* What controls an object, by its ownerReferences. */
struct live_owner {
        struct str api_version, kind, name, uid; /* KIND empty: nothing does */
};

/* An item of a list, or of an event. Its text lives as long as the arena that it was made in. */
struct live_object {
        struct str path; /* "cluster:shop/deployments.apps/cart" */
        struct str namespace, name, uid, version;
        struct live_owner owner;
        const struct doc_node *root; /* with apiVersion and kind, without managedFields; of some
                                        only the metadata: a PartialObjectMetadata */
};

/* Makes RET of ITEM. False where ITEM has no name. */
bool live_object_of(struct live *live, struct arena *arena, const struct cluster_resource *resource,
                    const struct doc_node *item, struct live_object *ret);

/* The owner that controls the object with METADATA. */
struct live_owner live_owner_of(const struct doc_node *metadata);

/* What an object goes by among owners: group, kind, namespace and name. */
struct str live_identity(struct arena *arena, struct str group, struct str kind,
                         struct str namespace, struct str name);

/* --- lists --- */

/* Of Secrets, only the metadata is asked for, unless the user allows more. */
bool live_is_metadata_only(const struct live *live, const struct cluster_resource *resource);

/* The media type of one object's metadata. */
#define LIVE_METADATA "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

/* The media type to ask for; NULL: JSON. */
const char *live_accept(const struct live *live, const struct cluster_resource *resource,
                        bool list);

/* The path of the list of RESOURCE, without a query. */
void live_list_path(const struct live *live, const struct cluster_resource *resource,
                    struct buf *ret);

struct live_list_handler {
        void (*begin)(void *userdata); /* what was handed out before is void: it begins anew */
        void (*item)(void *userdata, const struct doc_node *item); /* lives for the call */
        void *userdata;
};

/* Reads the list of RESOURCE to its end. RET_VERSION (may be NULL) becomes its resourceVersion, in
 * ARENA. Returns 200, another HTTP status, or a negative errno. */
int live_list(struct live *live, const struct cluster_resource *resource,
              const struct live_list_handler *handler, struct arena *arena,
              struct str *ret_version);

/* Why a list could not be read that ended with STATUS, in ARENA: "403 Forbidden". */
struct str live_gap_reason(struct live *live, struct arena *arena, int status);

/* Where RESOURCE was looked for: "any namespace", "the cluster", or the namespace. */
struct str live_scope(const struct live *live, const struct cluster_resource *resource);

/* How many rules look at RESOURCE, as far as it is read. */
size_t live_rules(const struct live *live, const struct cluster_resource *resource);

/* Whether RESOURCE, the one number I of those that were found, is to be read: some rule looks at
 * it, it can be in the namespace that was asked for, and no earlier version of it is READ. */
bool live_is_wanted(const struct live *live, size_t i, size_t rules, const bool *read);

/* --- owners --- */

/* The path of the object OWNER of something in NAMESPACE; empty where its kind is not known. */
struct str live_owner_path(const struct live *live, struct arena *arena,
                           const struct live_owner *owner, struct str namespace);

/* Asks for the metadata of the object OWNER in NAMESPACE. Returns 200 and RET in ARENA, 404 where
 * it is not there, 403, or what else went wrong. */
int live_read_owner(struct live *live, const struct live_owner *owner, struct str namespace,
                    struct arena *arena, struct live_object *ret);
