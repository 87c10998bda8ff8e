/*
 * What lies in etcd, counted: by resource and namespace, by provider and key.
 *
 * A census is shown every revision of every key, the newest first. The first one of a key says what
 * the key holds now (or that it was deleted); the others are history, which stays in the database
 * until it is compacted. Only counts, names of resources, namespaces, providers and keys, and
 * revisions are kept; of values nothing, and of the keys a keyed 64-bit hash (SipHash-1-3), so that
 * a million of them take 16 MB. Two keys with one hash would make one value be missed; among ten
 * million keys that happens once in three hundred thousand times.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "etcd/value.h"

enum {
        CENSUS_RESOURCES_MAX = 4096,
        CENSUS_PROVIDERS_MAX = 256,    /* of one resource */
        CENSUS_NAMESPACES_MAX = 65536, /* of all resources together */
        CENSUS_KEYS_MAX = 1 << 25,
};

struct census_provider {
        enum stored_provider provider;
        struct str version, key;
        uint64_t values;      /* that are current */
        uint64_t old_values;  /* old revisions */
        int64_t oldest_value; /* revision of the oldest current value */
        int64_t newest_value; /* and of the newest */
        struct map key_ids;   /* kms v2: the plugin's keys; value: uintptr_t count, current ones */
};

struct census_namespace {
        struct str name;
        uint64_t values, plaintext;
};

struct census_resource {
        struct str path, name; /* "services/specs", "services" */
        uint64_t values;       /* current: plaintext + encrypted + unknown */
        uint64_t plaintext, encrypted, unknown;
        uint64_t old_plaintext;   /* old revisions, and those of deleted keys */
        int64_t oldest_plaintext; /* revision of the oldest current value in plaintext; 0: none */
        int64_t newest_plaintext;
        VEC(struct census_provider) providers; /* in order of appearance */
        struct map namespaces;                 /* of struct census_namespace */
        VEC(struct str) names; /* "shop/db": plaintext ones, where names are wanted */
};

struct census {
        struct arena arena;
        struct str prefixes[3]; /* of keys; NULL ptr after the last */
        bool want_names;
        struct map resources; /* by path */
        uint64_t keys;        /* current keys under the prefixes */
        uint64_t other_keys;  /* current keys elsewhere */
        struct str other_key; /* the first part of one of them */
        uint64_t revisions;   /* all that were shown */
        uint64_t namespace_count;
        int64_t newest; /* the largest revision */
        bool cut;       /* a bound was met: the counts are not complete */
        uint64_t *seen; /* hashes of keys, open addressing, 0 free */
        uint64_t seen_count, seen_size;
        uint64_t seed[2];
        struct census_resource *last;
};

struct census_record {
        struct str key, value;
        int64_t revision;
        bool deleted; /* a tombstone: no value */
};

/* PREFIX: of all keys ("/registry"); empty: that of Kubernetes and those of OpenShift. */
void census_init(struct census *census, struct str prefix);
void census_free(struct census *census);

/* Takes RECORD in; of one key the newest first. */
void census_add(struct census *census, const struct census_record *record);

/* The resource NAME ("secrets"), or NULL where nothing of it is there. */
const struct census_resource *census_find(const struct census *census, struct str name);

/* The resources sorted by name, in ARENA. */
const struct census_resource **census_sorted(struct arena *arena, const struct census *census);
