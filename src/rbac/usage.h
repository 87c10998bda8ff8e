/*
 * Rights that were used: what a log of requests comes to, each right once.
 *
 * Who fills it decides which requests count. What may be kept is bounded, for a log is hostile:
 * what comes after that is only counted, and whoever reads the result has to say that it is not
 * whole.
 */
#pragma once

#include "rbac/rbac.h"

enum {
        RBAC_USAGE_MAX = 100000,           /* rights */
        RBAC_USAGE_MAX_FIELD = 1024,       /* bytes of a name */
        RBAC_USAGE_MAX_GROUPS = 1000,      /* of a user */
        RBAC_USAGE_MAX_MEMORY = 128 << 20, /* bytes of all of it */
        RBAC_USAGE_TIME = 40
};

struct rbac_user {
        struct str name;
        struct map groups; /* all that it was ever in */
        uint64_t requests;
};

/* A right that USER used: a request, never with the user or groups in it. */
struct rbac_use {
        struct rbac_user *user;
        struct rbac_request request;
};

struct rbac_usage {
        struct arena arena;
        struct map users;  /* name -> struct rbac_user */
        struct map uses;   /* key -> struct rbac_use, in the order in which they came */
        uint64_t left_out; /* requests that did not fit */
        char first[RBAC_USAGE_TIME], last[RBAC_USAGE_TIME]; /* as in the log; empty: no request */
};

void rbac_usage_free(struct rbac_usage *usage);

/* Whether rules can say just what REQUEST asks for: a "*" would say more, and what is too long or
 * no word is nothing that a server answers. */
bool rbac_is_plain(const struct rbac_request *request);

/* Adds the plain REQUEST of its user and groups, which is copied. */
void rbac_usage_add(struct rbac_usage *usage, const struct rbac_request *request);

/* Widens the time of the log by TIME (RFC 3339, UTC). */
void rbac_usage_saw(struct rbac_usage *usage, struct str time);
