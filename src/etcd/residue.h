/*
 * Plaintext that nobody looks for any more: Secrets in raw bytes.
 *
 * A value that was overwritten, compacted or deleted stays on the disk until its bytes are used
 * again: in free pages, behind the last item of a page, in the write-ahead log. It is found by how
 * the API server writes a Secret: as protobuf (`k8s\0`, then a TypeMeta of v1 and Secret:
 * k8s.io/apimachinery, serializer/protobuf) or as JSON that begins with kind, apiVersion and
 * metadata. A Secret within another object (an annotation, a manifest in a ConfigMap) does not
 * begin so.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* As many bytes before and behind the word that is searched decide. */
enum { RESIDUE_CONTEXT = 64 };

/* Where the next plaintext Secret of BYTES begins at or after *AT; moves *AT behind it. Returns
 * false where there is none. */
bool residue_next(struct str bytes, size_t *at, size_t *ret);

/* How many there are. */
uint64_t residue_count(struct str bytes);

/* Whether BYTES (a value of etcd) is a Secret in plaintext. */
bool residue_is_secret(struct str bytes);

/* The bytes [FROM, TO) of FD, read in windows; *RET is increased by the Secrets that begin there.
 * ON_HIT, if not NULL, is told where each begins. Returns 0 or a negative errno. */
typedef void residue_hit_fn(void *userdata, uint64_t offset);
int residue_scan(int fd, uint64_t from, uint64_t to, residue_hit_fn *on_hit, void *userdata,
                 uint64_t *ret);
