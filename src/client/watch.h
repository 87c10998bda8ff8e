/*
 * Watches: many lists of one cluster, of which the server tells what changes as it changes.
 *
 * A watch is a request that is answered for as long as both sides like, line by line. All those of
 * a set share one connection where the server speaks HTTP/2. A stream ends sooner or later: the
 * server has its own limit, connections break, versions become too old. What to do then is for the
 * caller to say, who is told how it ended and may start the next one; nothing is repeated here.
 *
 * A connection that is dead without a word is noticed by keep-alive probes within two minutes, and
 * by the end of the time that was asked for.
 */
#pragma once

#include "client/client.h"

struct watch_set;

/* How a stream ended. */
struct watch_end {
        int code;            /* 0: the server ended it in good order; a negative errno: otherwise */
        long status;         /* of HTTP; 0: there was no answer */
        struct str message;  /* of the server or the connection; may be empty */
        int64_t retry_after; /* seconds that the server wants us to wait; 0: it did not say */
        int64_t lasted_ms;
};

/* WATCH is what was given to watch_set_start. */
struct watch_handler {
        /* The server has agreed. Must not touch the set. */
        void (*opened)(void *userdata, void *watch);
        /* LINE lives for the call, which must not touch the set. A negative errno ends the stream.
         */
        int (*line)(void *userdata, void *watch, struct str line);
        /* It may start the next stream. */
        void (*ended)(void *userdata, void *watch, const struct watch_end *end);
        void *userdata;
};

/* CLIENT and HANDLER must outlive the set. */
struct watch_set *watch_set_new(struct client *client, const struct watch_handler *handler);

/* Starts to ask for PATH (".../pods?watch=1&resourceVersion=71..."), for at most SECONDS. ACCEPT as
 * in client_get. An error only where there are no credentials. */
int watch_set_start(struct watch_set *set, const char *path, const char *accept, unsigned seconds,
                    void *watch, struct error *error);

/* Hands out what has come; waits for it at most MS milliseconds. */
void watch_set_poll(struct watch_set *set, int ms);

/* The client's credentials were refused: the next stream is started with new ones. */
int watch_set_renew(struct watch_set *set, struct error *error);

/* Ends all streams without telling anybody. Accepts and returns NULL. */
struct watch_set *watch_set_free(struct watch_set *set);
