/*
 * Credentials: what proves an identity in a cluster, and until when.
 *
 *     Secrets, ConfigMaps, kubeconfigs, CA bundles, facts of nodes ──► credentials ──► documents
 *
 * Certificates are read with OpenSSL, tokens (JWT) by their payload. Of private keys only the
 * public half is derived, to tell which certificate they belong to and where else they lie; then
 * they are wiped. What is kept here is public: names, times, key sizes, digests of certificates and
 * public keys. No byte of a key or of a token's signature is kept, and none can reach an output.
 *
 * Every credential is in one place; `credentials_finish` compares them: who signed a certificate,
 * and in how many places it, or its private key, lies.
 */
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "inventory/resource.h"

enum {
        CREDENTIALS_MAX = 200000,       /* more are counted as left out */
        CREDENTIAL_VALUE_MAX = 1 << 20, /* a larger value is not looked into */
        CREDENTIAL_PEM_MAX = 1000       /* certificates of one value */
};

enum credential_type { CREDENTIAL_CERTIFICATE, CREDENTIAL_TOKEN, CREDENTIAL_PASSWORD };

enum credential_chain {
        CHAIN_UNKNOWN,  /* the issuer is not in the input, or nothing can be said */
        CHAIN_ROOT,     /* signed by itself */
        CHAIN_VERIFIED, /* an authority of the input signed it */
        CHAIN_EXPIRED,  /* so it did, but that authority has expired */
        CHAIN_BROKEN    /* an authority has the issuer's name, and did not sign it */
};

struct credential_names {
        struct str *items;
        size_t count, capacity;
};

/* Strings live in the arena of the list. */
struct credential {
        uint8_t type;   /* enum credential_type */
        uint8_t chain;  /* enum credential_chain */
        struct str use; /* "tls", "ca-bundle", "kubeconfig-client", "kubeconfig-authority", "data",
                           "node", "service-account-token", "jwt", "bootstrap-token",
                           "kubeconfig-token", "kubeconfig-password" */
        bool readable;  /* false: it is there, and is no certificate or token */

        /* The object, or file, that holds it, and the value in it. */
        struct str api_version, kind, namespace, name, secret_type, member;
        struct str file;
        struct doc_pos pos;

        struct str subject, issuer;
        struct str common_name;
        struct credential_names organizations, dns, ips, usages, audiences;
        bool has_start, has_end;
        int64_t start, end; /* seconds since 1970 */

        struct str algorithm, signature; /* of a certificate: "RSA", "sha256WithRSAEncryption" */
        int bits;
        bool authority, self_signed;
        bool has_key;           /* a private key, or what serves as one, lies in the same object */
        bool key_differs;       /* and is that of another certificate */
        struct str fingerprint; /* sha256 of the certificate, in hex */
        struct str key_digest;  /* of its public key */
        uint32_t copies;        /* places of the same certificate */
        uint32_t key_copies;    /* objects in which its private key lies */
        bool alternative;       /* another certificate of the same CA bundle is valid for a month or
                                   more: it takes over */
        void *x509;             /* while the list lives; NULL */
};

struct credentials {
        struct arena arena;
        int64_t now; /* what "expired" is measured against */
        VEC(struct credential) list;
        size_t left_out;  /* beyond CREDENTIALS_MAX */
        size_t too_large; /* values that were not looked into */
        size_t closed;    /* Secrets of which only the metadata was read */
};

void credentials_init(struct credentials *credentials, int64_t now);
void credentials_free(struct credentials *credentials);

/* Whether objects of this kind may hold a credential. */
bool credentials_reads(struct str group, struct str resource);

/* Takes what RESOURCE of FILE holds; nothing of either is kept. */
void credentials_add(struct credentials *credentials, struct str file,
                     const struct resource *resource);

/* Takes the certificates of the PEM file FILE, with TEXT; its private keys are matched with them.
 */
void credentials_add_pem(struct credentials *credentials, struct str file, struct str text);

/* After the last object: chains and copies. Sorts the list by expiry; what never ends is last. */
void credentials_finish(struct credentials *credentials);

/* "certificate", and "root", for outputs. */
const char *credential_type_name(const struct credential *credential);
const char *credential_chain_name(const struct credential *credential);

/* "Secret shop/web, tls.crt", in ARENA. */
struct str credential_where(struct arena *arena, const struct credential *credential);

/* Whole days until the end, rounded down: -1 from the second it is over. */
int64_t credential_days(const struct credentials *credentials, const struct credential *credential);

/* Writes CREDENTIAL as a document of kind Credential of the group redoubt.io. */
void credential_add_json(struct buf *buf, const struct credentials *credentials,
                         const struct credential *credential);

/* 2026-01-31T12:00:00Z */
void credential_add_time(struct buf *buf, int64_t seconds);
