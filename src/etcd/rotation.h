/*
 * Introducing or changing the key that encrypts, without downtime.
 *
 * API servers read their configuration when they start. While they are restarted one after the
 * other, old and new ones are at work at once, and each has to be able to read what any other
 * writes. Hence the order (Kubernetes, "Encrypting Confidential Data at Rest"):
 *
 *     add-key       the new key second, everywhere: it reads, the old one still writes
 *     restart-add   each API server
 *     promote-key   the new key first, everywhere: it writes, the old one still reads
 *     restart-promote
 *     rewrite       every object, so that the new key encrypts it
 *     verify        that nothing needs the old key any more
 *     remove-old    the new key alone
 *     restart-remove
 *     compact       so that old revisions go
 *     defragment    so that free pages go
 *
 * Where there is only one API server nobody else writes: it begins at promote-key.
 */
#pragma once

#include "base/buf.h"
#include "etcd/encryption.h"

/* What stands for a key that was not made here. */
#define ROTATION_PLACEHOLDER "REPLACE-WITH-BASE64-OF-32-RANDOM-BYTES"

enum rotation_kind {
        ROTATION_CONFIG,  /* put FILE in place on each server */
        ROTATION_RESTART, /* each server */
        ROTATION_REWRITE,
        ROTATION_VERIFY,
        ROTATION_COMPACT,
        ROTATION_DEFRAGMENT,
};

struct rotation_step {
        const char *name; /* as above */
        enum rotation_kind kind;
        struct str what;
        struct str *commands;
        size_t command_count;
        struct encryption config; /* of ROTATION_CONFIG */
        struct str file;          /* "1-add-key.yaml" */
};

struct rotation_options {
        const struct encryption *config; /* as it is; NULL: nothing is encrypted yet */
        struct str resource;             /* "secrets": its entry is changed */
        enum stored_provider provider;   /* STORED_PLAIN: that of the entry, or secretbox */
        struct str key_name;             /* empty: the first free one of key1, key2, ... */
        struct str key_secret;           /* base64; empty: the placeholder */
        struct str kms_endpoint;         /* of a kms provider, whose name is KEY_NAME */
        const struct str *servers;
        size_t server_count;
};

struct rotation {
        struct rotation_step steps[10];
        size_t count;
        struct str *resources; /* of the entry */
        size_t resource_count;
        enum stored_provider provider;
        struct str version, key; /* that is to encrypt */
        bool introduces;         /* nothing was encrypted before */
};

/* Makes the plan in ARENA, of which the texts of OPTIONS remain a part. -EINVAL with what cannot be
 * planned. */
int rotation_plan(struct arena *arena, const struct rotation_options *options, struct rotation *ret,
                  struct error *error);

/* Appends CONFIG as YAML. Without SECRETS keys are left out: that is for people. */
void rotation_add_config(struct buf *buf, const struct encryption *config, bool secrets);

/* Whether A and B do the same with every resource: resources, providers and keys in one order, with
 * equal secrets. A placeholder is equal to any secret. */
bool rotation_same(const struct encryption *a, const struct encryption *b);
