/*
 * What the counts mean: whether something is wrong, and what to run.
 *
 * A resource has to be encrypted when it is `secrets`, when the EncryptionConfiguration writes it
 * encrypted, or, where no configuration was given, when some of its values are encrypted. Of these,
 * every current value in plaintext, every key in use but the one that writes, every old revision
 * in plaintext and all plaintext that is left on the disk is a fault. So are values whose key the
 * configuration does not have: the API server cannot read them.
 *
 * Actions are what to do, in order, each a sentence and, where there is one, the command.
 */
#pragma once

#include "etcd/at_rest.h"
#include "etcd/encryption.h"

struct verdict_action {
        const char *id; /* "restore-key", "introduce", "rewrite", "compact", "defragment", "log",
                           "remove-key", "configure" */
        struct str what;
        struct str command; /* may be empty */
};

struct verdict_resource {
        const struct census_resource *resource;
        struct encryption_list list; /* of its providers, where a configuration is known */
        bool required;               /* has to be encrypted */
        bool plaintext_unreadable;   /* the configuration has no identity for it */
        uint64_t unreadable;         /* values whose key is missing */
        uint64_t not_written;        /* current values by another key than the one that writes */
        const struct census_provider *writer; /* that wrote the newest value, or as configured */
};

/* A key of the configuration that no current value needs. */
struct verdict_unused {
        struct str resources; /* "secrets, configmaps" of the entry */
        enum stored_provider provider;
        struct str key;
};

struct verdict {
        struct verdict_resource *resources; /* sorted by name */
        size_t count;
        VEC(struct verdict_action) actions;
        VEC(struct verdict_unused) unused;
        uint64_t plaintext;     /* of required resources */
        uint64_t old_plaintext; /* of required resources */
        uint64_t unreadable, not_written;
        uint64_t residue; /* all places together */
        bool findings;    /* something has to be done */
};

/* CONFIG may be NULL. Memory is taken from ARENA; FOUND and CONFIG must live as long. */
void verdict_make(struct arena *arena, const struct at_rest *found, const struct encryption *config,
                  struct verdict *ret);
