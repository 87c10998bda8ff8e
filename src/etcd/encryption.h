/*
 * EncryptionConfiguration: which provider writes a resource, and which can read it.
 *
 * An entry lists resources and providers. A resource is looked up by its exact name, then by its
 * group (`*.apps`, `*.` for the core group), then as `*.*`; what is found nowhere is not encrypted.
 * Where several entries name the same resource their providers follow each other. The first
 * provider of the list writes, with its first key; a value is read by the provider and key that its
 * prefix names; without `identity` in the list plaintext cannot be read. An entry behind a wildcard
 * that covers it makes the API server refuse the file. (k8s.io/apiserver,
 * pkg/server/options/encryptionconfig/config.go, and pkg/apis/apiserver/validation.)
 *
 * Keys are held only as places in the document, and never leave it but into files that
 * rotation.h writes.
 */
#pragma once

#include "base/vec.h"
#include "doc/doc.h"
#include "etcd/census.h"

struct encryption_key {
        struct str name;
        struct str secret; /* base64, or the endpoint of a kms plugin */
        const struct doc_node *node;
};

struct encryption_provider {
        enum stored_provider provider; /* STORED_PLAIN: identity */
        struct str version;            /* of kms: "v1" or "v2"; "v1" */
        const struct doc_node *node;   /* the map with the one key that names the provider */
        struct encryption_key *keys;   /* kms: one, with the plugin's name; identity: none */
        size_t key_count;
};

struct encryption_entry {
        struct str *resources;
        size_t resource_count;
        struct encryption_provider *providers;
        size_t provider_count;
        const struct doc_node *node;
};

struct encryption {
        struct str path;
        const struct doc_node *root;
        struct encryption_entry *entries;
        size_t count;
        bool is_plan; /* placeholders are taken for keys */
};

/* Reads the file PATH into ARENA, and checks what the API server checks. -EINVAL with the reason
 * and place; no message has anything of a key. */
int encryption_read_file(struct arena *arena, const char *path, struct encryption *ret,
                         struct error *error);
/* The same for a file of a plan, in which a placeholder (rotation.h) may stand for a key. */
int encryption_read_plan_file(struct arena *arena, const char *path, struct encryption *ret,
                              struct error *error);
int encryption_read(struct arena *arena, struct str path, struct str text, struct encryption *ret,
                    struct error *error);

/* The providers of RESOURCE ("secrets", "deployments.apps"), in order and in ARENA; none: it is not
 * encrypted. */
struct encryption_list {
        struct encryption_provider *items;
        size_t count;
};
struct encryption_list encryption_of(struct arena *arena, const struct encryption *encryption,
                                     struct str resource);

/* Whether what LIST writes is encrypted. */
bool encryption_writes(const struct encryption_list *list);

/* What LIST does with values of PROVIDER, VERSION and KEY. */
enum encryption_use {
        ENCRYPTION_MISSING, /* cannot be read */
        ENCRYPTION_READS,
        ENCRYPTION_WRITES,
};
enum encryption_use encryption_use(const struct encryption_list *list,
                                   enum stored_provider provider, struct str version,
                                   struct str key);
