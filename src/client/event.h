/*
 * What the server says on a watch: lines of JSON, each an event (metav1.WatchEvent).
 *
 *     {"type":"MODIFIED","object":{"metadata":{"resourceVersion":"71",...},...}}
 *
 * An object was added, modified or deleted; a BOOKMARK says that everything until its version has
 * been told; an ERROR is a Status, mostly 410: the version to go on from is too old, and the list
 * has to be read anew. Nothing of it is trusted: lines have a bound, and what is no event is an
 * error, after which the watch begins anew.
 */
#pragma once

#include "base/buf.h"
#include "doc/doc.h"

enum event_type { EVENT_ADDED, EVENT_MODIFIED, EVENT_DELETED, EVENT_BOOKMARK, EVENT_ERROR };

struct event {
        enum event_type type;
        const struct doc_node *object; /* a map */
        struct str version;            /* resourceVersion of the object; empty for an ERROR */
        int64_t code;                  /* of an ERROR: an HTTP status; 0: none was given */
        struct str message;            /* of an ERROR */
};

/* Reads LINE into ARENA. -EPROTO for what is no event: one of another type, without an object, or
 * without a version where there has to be one. */
int event_read(struct arena *arena, struct str line, struct event *ret, struct error *error);

/* Cuts a stream into lines. */
struct line_cutter {
        struct buf line; /* what has come of the next one */
        size_t limit;    /* of its bytes */
};

/* A negative errno ends it. */
typedef int line_fn(void *userdata, struct str line);

/* Takes in DATA and calls EACH for every line that ends in it; empty ones are passed over. -E2BIG
 * for a line beyond the limit, or what EACH returned. */
int line_cutter_add(struct line_cutter *cutter, struct str data, line_fn *each, void *userdata);
void line_cutter_free(struct line_cutter *cutter);
