/*
 * A live etcd, asked through its JSON gateway.
 *
 * etcd serves its gRPC methods as JSON over HTTP too: POST /v3/kv/range with bytes in base64 (etcd,
 * Documentation/dev-guide/api_grpc_gateway). Only that method is called, and it only reads. Keys
 * are asked for page by page, all at the revision of the first answer, so that what is counted is
 * one state of the store; where that revision is compacted meanwhile, all is read again.
 *
 * Old revisions, free pages and the write-ahead log cannot be seen this way.
 */
#pragma once

#include "etcd/at_rest.h"

struct gateway_options {
        const char *endpoint;  /* "https://127.0.0.1:2379" */
        const char *authority; /* files; may be NULL */
        const char *certificate;
        const char *key;
        int64_t page; /* keys of one answer; 0: 500 */
};

/* Reads all keys below the prefixes of FOUND, which was initialised. Returns a negative errno with
 * ERROR where the endpoint cannot be asked; other problems are in FOUND. */
int gateway_read(struct at_rest *found, const struct gateway_options *options, struct error *error);
