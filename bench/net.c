/*
 * How fast the network is decided: bench-net FILE.
 *
 * Reads FILE, makes the index, then the matrix of all endpoints, then asks for the rules that
 * decide between endpoints drawn at random, for a second of processor time, in one thread. Prints
 * one object of JSON:
 *
 *     pods, policies, classes, endpoints, ranges    how much there is
 *     index       milliseconds to make the index of what was read
 *     matrix      milliseconds for the matrix; `connections` are in it
 *     why         microseconds for one question, with the rules that decide and the closest ones
 */
#include "base/util.h"
#include "bench.h"
#include "net/matrix.h"

struct bench {
        struct net_index index;
        uint64_t random;
        size_t edges;
};

static uint32_t number_below(struct bench *b, size_t limit) {
        b->random = b->random * 6364136223846793005ULL + 1442695040888963407ULL;
        return (uint32_t)((b->random >> 33) % limit);
}

static void add_resource(void *userdata, const struct resource *resource) {
        struct bench *b = userdata;

        net_index_add(&b->index, STR("cluster"), resource);
}

static void count_edge(void *userdata, _unused_ const struct net_edge *edge) {
        struct bench *b = userdata;

        b->edges++;
}

static double measure_why(struct bench *b) {
        double start = bench_time(), end = start;
        size_t asked = 0;

        while (end - start < 1) {
                for (int i = 0; i < 1000; i++, asked++) {
                        struct net_decision decision;

                        net_decide(&b->index, number_below(b, b->index.class_count),
                                   number_below(b, b->index.class_count), NET_TCP,
                                   (uint16_t)(8000 + number_below(b, 1000)), &decision);
                }
                end = bench_time();
        }
        return (end - start) / (double)asked * 1e6;
}

int main(int argc, char **argv) {
        const struct net_matrix_options options = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct bench b = { .random = 1 };
        struct error error = { 0 };
        double start, indexed, matrix;

        if (argc != 2) {
                fprintf(stderr, "usage: bench-net FILE\n");
                return 2;
        }
        net_index_init(&b.index);
        if (bench_read(&arena, argv[1], add_resource, &b, &error) < 0) {
                fprintf(stderr, "bench-net: %s\n", error.message);
                return 2;
        }
        start = bench_time();
        if (net_index_finish(&b.index, &error) < 0 || b.index.class_count == 0) {
                fprintf(stderr, "bench-net: %s\n", error.message);
                return 2;
        }
        indexed = bench_time();
        net_matrix(&b.index, &options, count_edge, &b);
        matrix = bench_time();
        printf("{\"pods\":%zu,\"policies\":%zu,\"classes\":%u,\"endpoints\":%u,\"ranges\":%u,"
               "\"connections\":%zu,\"index\":%.1f,\"matrix\":%.1f,\"why\":%.2f}\n",
               b.index.all_pods.count, b.index.all_policies.count, b.index.class_count,
               b.index.endpoint_count, b.index.range_count, b.edges, (indexed - start) * 1e3,
               (matrix - indexed) * 1e3, measure_why(&b));
        net_index_free(&b.index);
        return 0;
}
