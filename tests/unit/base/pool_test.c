#include "../test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/pool.h"
#include "base/util.h"

enum { ITEMS = 2000, THREADS_MAX = 16 };

struct item {
        size_t number;
        unsigned result;
};

struct run {
        struct item items[ITEMS];
        size_t consumed;
        bool in_order;
        atomic_int busy[THREADS_MAX]; /* items that worker I works on at the moment */
        atomic_int under_way, most_under_way;
        atomic_bool overlapped; /* one worker index was used twice at once */
        pthread_t caller;
        bool elsewhere; /* `consume` ran in another thread */
        size_t fail_at;
};

static unsigned compute(size_t number) {
        unsigned value = (unsigned)number;

        /* Some items take much longer than others, so that they overtake each other. */
        for (size_t i = 0; i < (number % 7 == 0 ? 20000 : 20); i++)
                value = value * 1664525u + 1013904223u;
        return value;
}

static void work(void *argument, size_t worker, void *user) {
        struct item *item = argument;
        struct run *run = user;
        int now = atomic_fetch_add(&run->under_way, 1) + 1;
        int most = atomic_load(&run->most_under_way);

        while (now > most && !atomic_compare_exchange_weak(&run->most_under_way, &most, now))
                ;
        if (atomic_fetch_add(&run->busy[worker], 1) != 0)
                atomic_store(&run->overlapped, true);
        item->result = compute(item->number);
        atomic_fetch_sub(&run->busy[worker], 1);
        atomic_fetch_sub(&run->under_way, 1);
}

static int consume(void *argument, void *user) {
        const struct item *item = argument;
        struct run *run = user;

        if (item->number != run->consumed || item->result != compute(item->number))
                run->in_order = false;
        if (!pthread_equal(pthread_self(), run->caller))
                run->elsewhere = true;
        run->consumed++;
        return item->number >= run->fail_at ? -(int)(item->number % 100 + 1) : 0;
}

static struct run *run_new(size_t fail_at) {
        struct run *run = calloc(1, sizeof *run);

        assert_non_null(run);
        run->in_order = true;
        run->caller = pthread_self();
        run->fail_at = fail_at;
        return run;
}

static void results_come_in_order(void **state _unused_) {
        static const struct {
                size_t threads, depth;
        } cases[] = { { 0, 0 }, { 1, 1 }, { 2, 1 }, { 3, 64 }, { 8, 8 }, { 16, 5000 } };

        for (size_t c = 0; c < ELEMENTS(cases); c++) {
                struct run *run = run_new(SIZE_MAX);
                const struct pool_work what = { work, consume, run };
                struct pool *pool = pool_new(&what, cases[c].threads, cases[c].depth);

                for (size_t i = 0; i < ITEMS; i++) {
                        run->items[i].number = i;
                        assert_int_equal(pool_submit(pool, &run->items[i]), 0);
                }
                assert_int_equal(pool_finish(pool), 0);
                assert_int_equal(run->consumed, ITEMS);
                assert_true(run->in_order);
                assert_false(run->elsewhere);
                assert_false(run->overlapped);
                assert_true((size_t)run->most_under_way <= MAX(cases[c].threads, (size_t)1));
                assert_null(pool_free(pool));
                free(run);
        }
}

/* An item that sleeps while others are submitted must hold these back at the depth. */
static void first_sleeps(void *argument, size_t worker _unused_, void *user _unused_) {
        const struct timespec moment = { .tv_nsec = 50000000 };
        const struct item *item = argument;

        if (item->number == 0)
                nanosleep(&moment, NULL);
}

struct pressure {
        size_t submitted, consumed;
        size_t most; /* submitted and not yet consumed */
};

static int count(void *argument _unused_, void *user) {
        struct pressure *pressure = user;

        pressure->most = MAX(pressure->most, pressure->submitted - pressure->consumed);
        pressure->consumed++;
        return 0;
}

static void depth_is_never_exceeded(void **state _unused_) {
        struct pressure pressure = { 0 };
        struct item items[100];
        struct pool *pool = pool_new(&(struct pool_work){ first_sleeps, count, &pressure }, 4, 10);

        for (size_t i = 0; i < ELEMENTS(items); i++) {
                items[i] = (struct item){ .number = i };
                pool_submit(pool, &items[i]);
                pressure.submitted++;
                assert_true(pressure.submitted - pressure.consumed <= 10);
        }
        pool_free(pool); /* finishes */
        assert_int_equal(pressure.consumed, ELEMENTS(items));
        assert_int_equal(pressure.most, 10);
}

static void the_first_failure_is_kept(void **state _unused_) {
        for (size_t threads = 1; threads <= 4; threads += 3) {
                struct run *run = run_new(5); /* items 5, 6, 7 ... fail with -6, -7, -8 ... */
                struct pool *pool = pool_new(&(struct pool_work){ work, consume, run }, threads, 4);
                int r = 0;

                for (size_t i = 0; i < 50; i++) {
                        run->items[i].number = i;
                        r = pool_submit(pool, &run->items[i]);
                        if (i < 5)
                                assert_int_equal(r, 0);
                }
                assert_int_equal(r, -6);
                assert_int_equal(pool_finish(pool), -6);
                assert_int_equal(run->consumed, 50); /* every item was consumed all the same */
                pool_free(pool);
                free(run);
        }
}

static void an_idle_pool_ends(void **state _unused_) {
        struct pool *pool = pool_new(&(struct pool_work){ work, consume, NULL }, 4, 4);

        assert_int_equal(pool_finish(pool), 0);
        assert_null(pool_free(pool));
        assert_null(pool_free(NULL));
        assert_in_range(pool_default_threads(), 1, 1024);
}

/* A worker's stack must take what the main thread's takes. */
static void use_stack(void *argument, size_t worker _unused_, void *user _unused_) {
        volatile char memory[6 << 20];

        for (size_t i = 0; i < sizeof memory; i += 4096)
                memory[i] = 1;
        *(char *)argument = memory[4096];
}

static int nothing(void *argument _unused_, void *user _unused_) {
        return 0;
}

static void workers_have_a_large_stack(void **state _unused_) {
        struct pool *pool = pool_new(&(struct pool_work){ use_stack, nothing, NULL }, 2, 2);
        char done[4] = { 0 };

        for (size_t i = 0; i < ELEMENTS(done); i++)
                pool_submit(pool, &done[i]);
        pool_free(pool);
        assert_memory_equal(done, "\1\1\1\1", 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(results_come_in_order),
                cmocka_unit_test(depth_is_never_exceeded),
                cmocka_unit_test(the_first_failure_is_kept),
                cmocka_unit_test(an_idle_pool_ends),
                cmocka_unit_test(workers_have_a_large_stack),
        };

        return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
