/*
 * What lies in etcd under a key: how the API server wrote it, and for which resource.
 *
 * A value that a provider encrypted begins with `k8s:enc:PROVIDER:VERSION:KEY:`, where KEY is the
 * name of the key, or of the provider for kms (k8s.io/apiserver,
 * pkg/server/options/encryptionconfig). Everything else is plaintext, in whatever form: protobuf
 * behind `k8s\0`, JSON, CBOR. The identity provider refuses to read what begins with `k8s:enc:`.
 *
 * A key is PREFIX/PATH/[NAMESPACE/]NAME. PATH is the plural of a built-in resource, some of them
 * under old names (minions, controllers, services/specs: SpecialDefaultResourcePrefixes of
 * pkg/kubeapiserver), or GROUP/PLURAL for custom resources and aggregated built-in ones.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum stored_provider {
        STORED_PLAIN,     /* no provider: identity */
        STORED_AESCBC,    /* v1 */
        STORED_AESGCM,    /* v1 */
        STORED_SECRETBOX, /* v1 */
        STORED_KMS,       /* v1, v2 */
        STORED_UNKNOWN,   /* k8s:enc: and something else */
};

struct stored_value {
        enum stored_provider provider;
        struct str version; /* "v1"; empty for plaintext */
        struct str key;     /* the name of the key, or of the kms provider */
        struct str key_id;  /* kms v2: which key the plugin used; its own words */
};

void stored_value_read(struct str value, struct stored_value *ret);

/* "aescbc", as in the prefix and in EncryptionConfiguration; "identity", "unknown". */
const char *stored_provider_name(enum stored_provider provider);

struct stored_key {
        struct str path;      /* "secrets", "services/specs", "example.com/widgets" */
        struct str namespace; /* empty where the object has none */
        struct str name;
};

/* Takes KEY apart, which begins with PREFIX ("/registry"). Returns whether it could. */
bool stored_key_read(struct str key, struct str prefix, struct stored_key *ret);

/* The resource that is stored below PATH, as EncryptionConfiguration names it: "secrets",
 * "deployments.apps", "widgets.example.com". In ARENA. */
struct str stored_resource(struct arena *arena, struct str path);
