/*
 * What the files of this module share. Private to src/cloud.
 */
#pragma once

#include "cloud/cloud.h"

/* A cluster in a description. */
struct cloud_reader {
        struct cloud *cloud;
        struct cloud_cluster *cluster;
        struct str file; /* in the arena */
        const struct doc_node *root;
        const struct doc_node *unknown; /* of a plan: what is known only after it was applied */
};

/* field.c */

/* Of Terraform's resources of one map, which are lists of one, the map; else NODE. */
const struct doc_node *field_map(const struct doc_node *node);

/* Whether NODE is a map, or a list that is one of Terraform's and not empty. */
bool field_is_block(const struct doc_node *node);

/* KEY of MAP, whatever the case and the punctuation; NULL where it is missing or null. */
const struct doc_node *field_get(const struct doc_node *map, const char *key);

/* What the first of PATHS ("a.b|c.d") that is there leads to. *RET_NEAR (may be NULL) becomes the
 * deepest node on the way to it, or to the one that got farthest. */
const struct doc_node *field_find(const struct doc_node *root, const char *paths,
                                  const struct doc_node **ret_near);
struct str field_text(const struct doc_node *root, const char *paths);

struct cloud_place field_place(const struct cloud_reader *reader, const struct doc_node *node);

/* What a field that is missing counts as. */
enum field_default { FIELD_FALSE, FIELD_TRUE, FIELD_ABSENT };
struct cloud_fact field_bool(const struct cloud_reader *reader, const char *paths,
                             enum field_default fallback);
struct cloud_fact field_negated(const struct cloud_reader *reader, const char *paths,
                                enum field_default fallback);
/* A text; FIELD_FALSE: empty where it is missing. */
struct cloud_fact field_string(const struct cloud_reader *reader, const char *paths,
                               enum field_default fallback);

/* A fact that was concluded, placed where PATHS leads. */
struct cloud_fact field_says(const struct cloud_reader *reader, const char *paths, bool value);
struct cloud_fact field_unknown(const struct cloud_reader *reader, const char *paths,
                                const char *why);

/* Whether a plan cannot say yet what PATHS leads to. */
bool field_is_pending(const struct cloud_reader *reader, const char *paths);

void field_add_address(const struct cloud_reader *reader, const char *paths, enum cloud_door door);

/* The host of an URL or of "host:port", without brackets. */
struct str field_host(struct str url);

/* Adds NODE, a text, to the sources that may connect. */
void field_add_entry(const struct cloud_reader *reader, const struct doc_node *node);

/* Adds the items of the list that PATHS leads to; KEY: what of each item; NULL: itself. */
void field_add_entries(const struct cloud_reader *reader, const char *paths, const char *key);

/* providers.c: fills the cluster from the root. */
void provider_read_eks(struct cloud_reader *reader);
void provider_read_gke(struct cloud_reader *reader);
void provider_read_aks(struct cloud_reader *reader);
void provider_read_oke(struct cloud_reader *reader);

/* oci_rules.c: takes the rules of the list RULES that are about the API server's port. */
void oci_add_rules(struct cloud *cloud, struct str file, const struct doc_node *rules);

/* A rule of itself. */
void oci_add_rule(struct cloud *cloud, struct str file, const struct doc_node *rule);

/* terraform.c: the clusters and rules of a plan or state. */
bool terraform_is(const struct doc_node *root);
void terraform_add(struct cloud *cloud, struct str file, const struct doc_node *root);

/* Whether there is room for one more behind COUNT; notes that there is none. */
static inline bool cloud_has_room(struct cloud *cloud, size_t count) {
        cloud->cut |= count >= CLOUD_MOST;
        return count < CLOUD_MOST;
}

/* cloud.c */
enum cloud_provider { PROVIDER_EKS, PROVIDER_GKE, PROVIDER_AKS, PROVIDER_OKE, PROVIDER_COUNT };
void cloud_add_cluster(struct cloud *cloud, enum cloud_provider provider, struct str file,
                       const struct doc_node *root, const struct doc_node *unknown,
                       struct str source);
