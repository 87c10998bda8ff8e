/*
 * Judging a cluster as it changes.
 *
 *     inventory/follow ──► objects that changed ──► live scan ──► findings that appear and go
 *
 * An object that changed is judged anew, and its findings are compared with those that it had: one
 * that says something else about the same place has changed (scan/changes.h). What concerns more
 * than one object waits a little, so that a burst is dealt with once: a Namespace concerns the
 * objects in it; a CustomResourceDefinition, or a right where rules ask the authorizer, concerns
 * all; what the analyses read (scan/analysis.h) makes them run again, and the more rarely the
 * longer they take. Findings that only repeat those of an owner are not told (scan/lineage.c); when
 * the owner changes, that is looked at again.
 *
 * Params of policies are objects of the cluster, too: where one that a binding chooses has changed,
 * everything is judged anew.
 */
#pragma once

#include "inventory/store.h"
#include "scan/scan.h"

struct live_scan;

enum live_event {
        LIVE_APPEARED,
        LIVE_RESOLVED,
        LIVE_CHANGED, /* it is still there, and says something else */
        LIVE_PROBLEM, /* an object cannot be judged: the message says why */
};

/* FINDING lives for the call; of a problem it has only location and message. BEFORE is what one
 * that changed was, and NULL otherwise. */
typedef void live_event_fn(void *userdata, enum live_event event, const struct finding *finding,
                           const struct finding *before);

/* Adds the lists of the cluster, and which could be read, to LISTS. */
typedef void live_lists_fn(void *userdata, struct input_list *lists);

/* OPTIONS and the policies in it must live as long; its `old` is not looked at. STORE is that of
 * the cluster. */
struct live_scan *live_scan_new(const struct scan_options *options, struct store *store,
                                live_event_fn *event, live_lists_fn *lists, void *userdata);

/* OBJECT of the store is new or changed. */
void live_scan_changed(struct live_scan *live, struct store_object *object);

/* OBJECT is about to be taken out of the store: its findings are resolved. */
void live_scan_gone(struct live_scan *live, struct store_object *object);

/* Judges what has changed. NOW_MS is a clock that does not go back; what has to wait is left for
 * later, unless ALL is to be done. */
void live_scan_settle(struct live_scan *live, int64_t now_ms, bool all);

struct live_summary {
        size_t objects, appeared, resolved, changed, problems;
        size_t open[SEVERITY_COUNT]; /* findings that are there now */
        size_t not_judged;           /* objects of which something could not be judged */
};
struct live_summary live_scan_summary(const struct live_scan *live);

/* Accepts and returns NULL. Frees the data of all objects. */
struct live_scan *live_scan_free(struct live_scan *live);
