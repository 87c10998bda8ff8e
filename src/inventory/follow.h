/*
 * A cluster that is followed: its objects, and what changes about them as it changes.
 *
 * Each list is read once, and watched from the version that it had. A watch that ends in good order
 * goes on where it was (bookmarks keep that version young); one that is refused because the version
 * is too old (410), or that says something that is no event, leads to the list being read again and
 * compared with what is known, so nothing is lost: what is not in the list any more is gone. After
 * failures the next attempt waits, longer each time, at most a minute. A list that may not be read
 * is tried again every minute: rights are given and taken. A list that cannot be watched is read
 * again every minute. What the server offers is asked for again every ten minutes, and soon after
 * a CustomResourceDefinition changed.
 *
 * The one who follows is told of every change, of gaps that open and close, and of connections that
 * are lost and found again.
 */
#pragma once

#include "inventory/cluster.h"
#include "inventory/store.h"

struct follow;

enum follow_news {
        FOLLOW_GAP,      /* the list cannot be read: TEXT says why */
        FOLLOW_CLOSED,   /* it can, again */
        FOLLOW_LOST,     /* the watch broke: TEXT says why; it is tried again */
        FOLLOW_FOUND,    /* and it works again; nothing was missed */
        FOLLOW_RELISTED, /* too much was missed to go on: the list was read again and compared */
};

struct follow_handler {
        /* OBJECT is there, new or changed. */
        void (*changed)(void *userdata, struct store_object *object);
        /* OBJECT is gone; its data is to be freed. */
        void (*gone)(void *userdata, struct store_object *object);
        void (*news)(void *userdata, enum follow_news news, const struct cluster_resource *resource,
                     struct str text);
        void *userdata;
};

struct follow_options {
        struct cluster_options cluster;
        unsigned watch_seconds; /* that a watch is asked for; 0: between five and ten minutes */
        const struct input_list *known; /* objects and lists of a snapshot to go on from; NULL */
        bool no_owners;
};

/* Reads what the server offers, and the lists. An error only where the server cannot be reached or
 * does not say what it offers. HANDLER, CLIENT and OPTIONS must outlive what is returned. */
int follow_start(struct client *client, const struct follow_options *options,
                 const struct follow_handler *handler, struct follow **ret, struct error *error);

/* Takes in what has changed; waits for it at most MS milliseconds. */
void follow_step(struct follow *follow, int ms);

/* Whether every list has told all that happened until it was asked for by follow_mark. */
bool follow_is_current(const struct follow *follow);

/* Asks the server for the present version of everything: follow_is_current is about that. */
int follow_mark(struct follow *follow, struct error *error);

struct store *follow_store(struct follow *follow);

/* The lists as they are now, with versions and gaps, into LIST. */
void follow_lists(const struct follow *follow, struct input_list *list);

/* Whether some list could not be read at its last attempt. */
bool follow_has_gaps(const struct follow *follow);

/* What was done: lists read, watches begun, events taken in. */
struct follow_counts {
        size_t lists, watches, events;
};
struct follow_counts follow_counts(const struct follow *follow);
struct follow *follow_free(struct follow *follow);
