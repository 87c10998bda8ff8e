/*
 * A pool of worker threads for a row of independent pieces of work, whose results come back in the
 * order in which they were given, so that what a program prints does not depend on how many
 * threads it used.
 *
 *     pool = pool_new(&(struct pool_work){ judge, consume, &scan }, threads, 4 * threads);
 *     while (...)
 *             r = pool_submit(pool, item);
 *     r = pool_finish(pool);
 *
 * `work` runs in a worker thread, for several items at once; `consume` runs in the thread that
 * submits and finishes, for one item after the other, in order, exactly once for every item that
 * was submitted - also after a failure, so that it can free the item. At most DEPTH items are under
 * way: when they are, `pool_submit` first waits for the oldest and consumes it (back-pressure).
 *
 * With one thread there are no threads: `pool_submit` works and consumes at once.
 *
 * The pool is used by one thread. `work` and `consume` must not call it.
 */
#pragma once

#include <stddef.h>

struct pool;

struct pool_work {
        /* WORKER is below the number of threads and the same for one thread: an index for memory of
         * its own. */
        void (*work)(void *item, size_t worker, void *user);
        /* Returns 0, or a negative errno that `pool_submit` and `pool_finish` hand on. */
        int (*consume)(void *item, void *user);
        void *user;
};

enum { POOL_THREADS_MAX = 256 };

/* Starts THREADS workers (fewer, where the system gives no more; at most POOL_THREADS_MAX) with
 * room for DEPTH items (at least one a thread). Always succeeds: without threads the caller works.
 */
struct pool *pool_new(const struct pool_work *work, size_t threads, size_t depth);

/* Gives ITEM to the pool. Returns 0, or what `consume` first failed with: then the caller should
 * submit no more (what it still submits is consumed, too). */
int pool_submit(struct pool *pool, void *item);

/* Waits for all items and consumes them. Returns 0 or what `consume` first failed with. */
int pool_finish(struct pool *pool);

/* Finishes if need be, ends the threads and frees the pool. Accepts and returns NULL. */
struct pool *pool_free(struct pool *pool);

/* How many threads this process can keep busy: the processors it may run on. */
size_t pool_default_threads(void);
