/*
 * SHA-256 (FIPS 180-4), for fingerprints.
 *
 * A fingerprint decides whether a finding is the one that somebody accepted earlier, so nobody may
 * be able to write a manifest whose finding takes over the fingerprint of another: hence a
 * cryptographic hash. It is small data, so this is the plain form of the algorithm.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sha256 {
        uint32_t state[8];
        uint64_t bytes;          /* taken in so far */
        unsigned char block[64]; /* the last BYTES % 64 of them */
};

enum { SHA256_SIZE = 32 };

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
void sha256_end(struct sha256 *hash, unsigned char ret[SHA256_SIZE]);
