/*
 * Signed facts: whoever judges or compares facts that were collected elsewhere can tell that nobody
 * changed them on the way.
 *
 * What is signed is the document as compact JSON, without its member `signature`:
 *
 *     signature: {algorithm: ed25519, key: "sha256:...", value: BASE64}
 *
 * A key file in PEM makes a signature with that private key (Ed25519, ECDSA or RSA with SHA-256)
 * and is checked with the public key or certificate; any other file of at least 16 bytes is the key
 * of an HMAC with SHA-256, the same on both sides. `key` is the fingerprint of the public key, or,
 * for an HMAC, empty.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "doc/doc.h"

/* Appends the facts in TEXT with a signature by the key in file KEY. */
int node_sign(struct str text, const char *key, struct buf *ret, struct error *error);

/* Checks the signature of FACTS with the key in file KEY. 0: it is right; -EBADMSG: it is missing
 * or wrong; others: the key cannot be used. */
int node_verify(const struct doc_node *facts, const char *key, struct error *error);
