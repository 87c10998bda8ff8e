#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "base/util.h"

/* Parsers are bounded for the stack of the main thread; the C library's own default follows the
 * limits of whoever started us. */
enum { STACK_SIZE = 8 << 20 };

struct slot {
        void *item;
        bool done;
};

struct worker {
        struct pool *pool;
        size_t index;
        pthread_t thread;
};

/* A ring of slots. Items are numbered as they come; number N lies in slots[N % depth]:
 *
 *     consumed <= taken <= submitted <= consumed + depth
 *
 * [consumed, taken) are being worked on or done, [taken, submitted) wait. */
struct pool {
        struct pool_work work;
        struct slot *slots;
        size_t depth;
        size_t consumed, submitted; /* changed by the caller's thread only */
        size_t taken;
        int failure; /* what `consume` first failed with */

        pthread_mutex_t lock;
        pthread_cond_t waiting;  /* for workers: there is something to take, or the end */
        pthread_cond_t finished; /* for the caller: the oldest is done */
        bool stop;

        size_t worker_count;
        struct worker workers[];
};

size_t pool_default_threads(void) {
        cpu_set_t set;

        if (sched_getaffinity(0, sizeof set, &set) < 0)
                return 1;
        return (size_t)MAX(CPU_COUNT(&set), 1);
}

/* Takes the next item; NULL at the end. */
static struct slot *take(struct pool *pool) {
        struct slot *slot = NULL;

        pthread_mutex_lock(&pool->lock);
        while (pool->taken == pool->submitted && !pool->stop)
                pthread_cond_wait(&pool->waiting, &pool->lock);
        if (pool->taken != pool->submitted)
                slot = &pool->slots[pool->taken++ % pool->depth];
        pthread_mutex_unlock(&pool->lock);
        return slot;
}

static void *run_worker(void *argument) {
        const struct worker *worker = argument;
        struct pool *pool = worker->pool;
        struct slot *slot;

        while ((slot = take(pool))) {
                /* The slot is ours until it is marked done. */
                pool->work.work(slot->item, worker->index, pool->work.user);
                pthread_mutex_lock(&pool->lock);
                slot->done = true;
                if (slot == &pool->slots[pool->consumed % pool->depth])
                        pthread_cond_signal(&pool->finished);
                pthread_mutex_unlock(&pool->lock);
        }
        return NULL;
}

static void start_workers(struct pool *pool, size_t threads) {
        pthread_attr_t attributes;

        if (pthread_attr_init(&attributes) != 0)
                return;
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        for (size_t i = 0; i < threads; i++) {
                struct worker *worker = &pool->workers[i];

                *worker = (struct worker){ .pool = pool, .index = i };
                if (pthread_create(&worker->thread, &attributes, run_worker, worker) != 0)
                        break;
                pool->worker_count++;
        }
        pthread_attr_destroy(&attributes);
}

struct pool *pool_new(const struct pool_work *work, size_t threads, size_t depth) {
        struct pool *pool;

        threads = MIN(MAX(threads, (size_t)1), (size_t)POOL_THREADS_MAX);
        depth = MAX(depth, threads);
        pool = xrealloc(NULL, 1, sizeof *pool + threads * sizeof pool->workers[0]);
        *pool = (struct pool){ .work = *work, .depth = depth };
        pool->slots = xrealloc(NULL, depth, sizeof *pool->slots);
        pthread_mutex_init(&pool->lock, NULL);
        pthread_cond_init(&pool->waiting, NULL);
        pthread_cond_init(&pool->finished, NULL);
        if (threads > 1)
                start_workers(pool, threads);
        return pool;
}

static void consume(struct pool *pool, void *item) {
        int r = pool->work.consume(item, pool->work.user);

        if (r < 0 && pool->failure == 0)
                pool->failure = r;
}

static void consume_oldest(struct pool *pool) {
        struct slot *slot = &pool->slots[pool->consumed % pool->depth];
        void *item;

        pthread_mutex_lock(&pool->lock);
        while (!slot->done)
                pthread_cond_wait(&pool->finished, &pool->lock);
        item = slot->item;
        pool->consumed++;
        pthread_mutex_unlock(&pool->lock);
        consume(pool, item);
}

int pool_submit(struct pool *pool, void *item) {
        if (pool->worker_count == 0) {
                pool->work.work(item, 0, pool->work.user);
                consume(pool, item);
                return pool->failure;
        }
        if (pool->submitted - pool->consumed == pool->depth)
                consume_oldest(pool);
        pthread_mutex_lock(&pool->lock);
        pool->slots[pool->submitted++ % pool->depth] = (struct slot){ .item = item };
        pthread_cond_signal(&pool->waiting);
        pthread_mutex_unlock(&pool->lock);
        return pool->failure;
}

int pool_finish(struct pool *pool) {
        while (pool->consumed != pool->submitted)
                consume_oldest(pool);
        return pool->failure;
}

struct pool *pool_free(struct pool *pool) {
        if (!pool)
                return NULL;
        pool_finish(pool);
        pthread_mutex_lock(&pool->lock);
        pool->stop = true;
        pthread_cond_broadcast(&pool->waiting);
        pthread_mutex_unlock(&pool->lock);
        for (size_t i = 0; i < pool->worker_count; i++)
                pthread_join(pool->workers[i].thread, NULL);
        pthread_cond_destroy(&pool->finished);
        pthread_cond_destroy(&pool->waiting);
        pthread_mutex_destroy(&pool->lock);
        free(pool->slots);
        free(pool);
        return NULL;
}
