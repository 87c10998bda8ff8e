/* What the files of credentials share. */
#pragma once

#include "credential/credential.h"

/* The value at hand: what every credential in it has in common. */
struct holder {
        struct credentials *credentials;
        const struct resource *resource;
        struct str file;
        const struct doc_node *node; /* the value, for its place */
        struct str member;           /* how the value is called */
        struct str use;
        bool has_key; /* a private key lies beside it */
};

/* A new credential of HOLDER; NULL where there are too many. */
struct credential *holder_new(const struct holder *holder, enum credential_type type);

/* The certificates in the PEM text TEXT. Returns how many there were. */
size_t holder_add_certificates(const struct holder *holder, struct str text);

/* The digest of the public half of the private key in PEM; empty where none can be read. */
struct str private_key_digest(struct arena *arena, struct str pem);

/* TEXT, if it is a JWT. Returns whether it was. */
bool holder_add_token(const struct holder *holder, struct str text);

/* What the kubeconfig CONFIG holds. */
void holder_add_kubeconfig(const struct holder *holder, const struct doc_node *config);

/* What the facts of a node, of kind NodeFacts, say of its certificates. */
void holder_add_node(const struct holder *holder, const struct doc_node *facts);

/* Overwrites what was secret, in memory of an arena. */
void wipe(struct str text);

bool has_word(struct str text, const char *word);
