/*
 * Nodes: what there is to know about a machine that runs Kubernetes, as one document of facts.
 *
 *     /proc, configuration, certificates, sockets ──► collectors ──► NodeFacts ──► rules
 *
 * The document is described in docs/node-facts.md; rules are about resource `nodefacts` of group
 * redoubt.io. Every setting in it says who decided it and where that is written, which is where a
 * finding is placed; what could not be read is `unknown` there, and listed among its `gaps`.
 *
 * Everything is read below a root (node/root.h): the machine itself, a mounted image, the host
 * mount of a container, or a tree that a test made. No program is run, nothing is written, nothing
 * secret is kept, and every read has a bound.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "policy/policy.h"

#define NODE_API_VERSION POLICY_OWN_GROUP "/v1"
#define NODE_GROUP POLICY_OWN_GROUP
#define NODE_RESOURCE "nodefacts"
#define NODE_KIND "NodeFacts"

struct node_options {
        const char *root; /* "/": this machine */
        const char *name; /* of the node; NULL: what its files say */
        int64_t now;      /* seconds since 1970, for what is left of certificates */
        bool probe;       /* ask the ports of this machine (GET only); needs root "/" */
};

/* Collects the facts and appends them to RET, as one document in JSON, on lines for people. What
 * cannot be read is a gap in them; an error only where the root itself cannot be opened. */
int node_collect(const struct node_options *options, struct buf *ret, struct error *error);
