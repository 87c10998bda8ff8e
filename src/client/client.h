/*
 * A client of the API server.
 *
 *     client_new(&config, &options, &client, &error);
 *     client_get(client, "/api/v1/pods?limit=500", NULL, &answer, &error);
 *
 * It speaks HTTP/2 where the server does, over one connection, at most so many requests a second.
 * It waits and tries again when the server is busy (429, with Retry-After), broken (500, 502, 503,
 * 504) or out of reach, a few times with growing pauses; a token that was refused is got anew once.
 * Answers are bounded in size and time. What changes as time goes on is told by client/watch.h.
 *
 * A client reads, unless it is made with the right to do more: then client_apply can ask what would
 * become of a change (dry run), or change. Without that right it sends nothing but GET, so that no
 * request can change the cluster.
 *
 * Not for several threads at once.
 */
#pragma once

#include <signal.h>

#include "base/buf.h"
#include "client/kubeconfig.h"

enum client_rights {
        CLIENT_READ,    /* GET and nothing else */
        CLIENT_DRY_RUN, /* and changes that the server is asked to forget again */
        CLIENT_CHANGE   /* and changes */
};

struct client_options {
        enum client_rights rights;
        unsigned per_second; /* requests; 0: 50 */
        unsigned attempts;   /* for one request, 0: 5 */
        unsigned seconds;    /* that one attempt may take; 0: 60 */
        size_t answer_max;   /* bytes; 0: 256 MiB */
        const char *as;      /* --as: impersonate; wins over the kubeconfig's */
        const char *const *as_groups;
        size_t as_group_count;
        const volatile sig_atomic_t *stop; /* where it is set, requests end with -ECANCELED; NULL:
                                              nobody will */
};

struct client;

/* CONFIG must live as long as the client. -EINVAL with what is wrong in it. */
int client_new(const struct kubeconfig *config, const struct client_options *options,
               struct client **ret, struct error *error);
struct client *client_free(struct client *client);

struct client_answer {
        long status;        /* of HTTP */
        struct buf body;    /* emptied before each request; freed by the caller */
        struct str message; /* of a Status object, for what failed; until the next request */
};

/* Asks for PATH ("/api/v1/pods?limit=500"); ACCEPT is the media type, NULL: JSON. Returns 0 for
 * whatever the server answered for good (see status), -ETIMEDOUT, -ECONNREFUSED, -EPROTO or the
 * like with ERROR where there was no answer. */
int client_get(struct client *client, const char *path, const char *accept,
               struct client_answer *answer, struct error *error);

/* A server-side apply (KEP-555): the fields of BODY, an object in JSON or YAML, become MANAGER's.
 */
struct client_change {
        struct str body;
        const char *manager; /* "redoubt" */
        bool force;          /* take fields from other managers instead of failing with 409 */
        bool dry_run;        /* answer what would become of it, and forget it */
};

/* Applies CHANGE to the object at PATH ("/apis/apps/v1/namespaces/shop/deployments/cart"), which is
 * made where it is not there. The answer is the object. -EPERM, and nothing is sent, where the
 * client was made without the right to. */
int client_apply(struct client *client, const char *path, const struct client_change *change,
                 struct client_answer *answer, struct error *error);

/* TEXT as part of a URL's path or query. */
void client_add_escaped(struct buf *buf, struct str text);

/* The libraries that it is made of, with their versions; "none" in a build without them. */
const char *client_libraries(void);

/* How many requests were sent, tries included. */
size_t client_requests(const struct client *client);
