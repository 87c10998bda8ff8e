/*
 * Managed clusters: what a provider says of them, as documents that rules judge.
 *
 * The user hands over what the provider's own tool prints: `aws eks describe-cluster`, `gcloud
 * container clusters describe --format json`, `az aks show`, `oci ce cluster get`, or a Terraform
 * plan or state (`terraform show -json`). Each cluster in it becomes one document of kind
 * ManagedCluster (group redoubt.io) in which the same question has the same name, whoever the
 * provider is. Every fact is {value, place}, and place is the field's line and column in the
 * description, or those of the map in which the field is missing; what the description does not
 * tell is {unknown: true, why, place}, and what the provider does not have is left out.
 *
 *     cloud_init(&cloud);
 *     cloud_add(&cloud, file, root);            every document; true: it was a description
 *     cloud_add_kubeconfig(&cloud, file, root);
 *     cloud_make(&cloud, emit, userdata);
 *     cloud_free(&cloud);
 *
 * What is joined: servers of kubeconfigs are compared with the addresses of the clusters, so that
 * it is known through which door they go; and an OKE cluster, which has no allow list of its own,
 * gets the rules of the network security groups and security lists that were given.
 *
 * Fields are found whatever the case and the punctuation of their names: the APIs write
 * publicAccessCidrs, the tools public-access-cidrs, Terraform public_access_cidrs. The facts about
 * them are those of the providers' API references: EKS Cluster and VpcConfigResponse, GKE
 * projects.locations.clusters (v1), AKS ManagedClusters, OKE Cluster, OCI SecurityRule and
 * IngressSecurityRule, and the schemas of the Terraform providers.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "cloud/range.h"
#include "doc/doc.h"

/* Of clusters, of rules and of servers each: they are joined with one another. */
enum { CLOUD_MOST = 2048 };

struct cloud_place {
        struct str file;
        struct doc_pos pos;
};

enum cloud_state { CLOUD_NONE, CLOUD_BOOL, CLOUD_TEXT, CLOUD_UNKNOWN };

/* One thing that a description says of a cluster. */
struct cloud_fact {
        enum cloud_state state; /* CLOUD_NONE: the provider has no such thing */
        bool boolean;
        struct str text; /* CLOUD_TEXT; why it is not known: CLOUD_UNKNOWN */
        struct cloud_place place;
};

/* A source that the public endpoint takes connections from. */
struct cloud_entry {
        struct str text;
        struct cloud_place place;
        bool is_range;
        struct ip_prefix range;
};

enum cloud_door { CLOUD_DOOR_PUBLIC, CLOUD_DOOR_PRIVATE, CLOUD_DOOR_DNS, CLOUD_DOOR_EITHER };

struct cloud_address {
        struct str host;
        enum cloud_door door;
};

struct cloud_cluster {
        const char *provider; /* "eks", "gke", "aks", "oke" */
        struct str source;    /* "description", or the address of a Terraform resource */
        struct str name;
        struct cloud_place place;
        struct cloud_fact region, version, public, private, dns, public_fqdn, provider_addresses;
        struct cloud_fact private_nodes, key, audit_log, monitoring, local_accounts, directory,
                directory_rights, run_command, legacy_rights, client_certificate, channel, alpha;
        struct {
                struct cloud_fact limited; /* whether there is a list at all */
                VEC(struct cloud_entry) entries;
        } allow;
        VEC(struct cloud_address) addresses;
        bool wants_rules; /* OKE: its list is in security rules */
        bool has_groups;  /* and it is in network security groups */
};

/* Where a kubeconfig goes. */
struct cloud_server {
        struct str url, host;
        struct cloud_place place;
};

struct cloud {
        struct arena arena;
        VEC(struct cloud_cluster *) clusters;
        VEC(struct cloud_server) servers;
        VEC(struct cloud_entry) rules;    /* of OCI: sources that may reach the API server's port */
        bool group_rules, security_lists; /* of which there were exports */
        bool cut;                         /* there was more than CLOUD_MOST of something */
};

/* Takes a document of kind ManagedCluster, in JSON. FILE and POS are where its cluster begins. */
typedef void cloud_emit_fn(void *userdata, struct str json, struct str file, struct doc_pos pos);

void cloud_init(struct cloud *cloud);
void cloud_free(struct cloud *cloud);

/* Whether ROOT is something that cloud_add takes. */
bool cloud_is_description(const struct doc_node *root);

/* Takes what is of interest in ROOT, a document of FILE; both live only for the call. False where
 * it is no description of a provider. */
bool cloud_add(struct cloud *cloud, struct str file, const struct doc_node *root);

/* Takes the servers of a kubeconfig (kind Config, v1). */
void cloud_add_kubeconfig(struct cloud *cloud, struct str file, const struct doc_node *root);

/* Whether HOST is an address of CLUSTER's API server. */
bool cloud_is_address(const struct cloud_cluster *cluster, struct str host);

/* Makes the documents, in the order in which the clusters came. */
void cloud_make(struct cloud *cloud, cloud_emit_fn *emit, void *userdata);
