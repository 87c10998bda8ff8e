/*
 * How fast RBAC answers: bench-rbac FILE.
 *
 * Those who are named in bindings of FILE ask, in no order and with the groups that authentication
 * adds, for verbs on resources, in a namespace in which they have something or in another; again
 * and again for a second of processor time, in one thread. Prints one object of JSON:
 *
 *     subjects    users, groups and service accounts
 *     questions   different ones; `allowed` of them are
 *     rate        answers a second, in the fastest round of all questions
 *     matrix      milliseconds for the matrix of all subjects; `rows` has its size
 */
#include "base/util.h"
#include "bench.h"
#include "rbac/rights.h"

enum { QUESTIONS = 20 * 1000 };

#define COLUMN(group, resource, subresource)                                                       \
        { STR_INIT(group), STR_INIT(resource), STR_INIT(subresource) }

static const struct rbac_column columns[] = {
        COLUMN("", "pods", ""),
        COLUMN("", "pods", "exec"),
        COLUMN("", "secrets", ""),
        COLUMN("", "configmaps", ""),
        COLUMN("", "serviceaccounts", "token"),
        COLUMN("apps", "deployments", ""),
        COLUMN("", "nodes", ""),
        COLUMN("rbac.authorization.k8s.io", "roles", ""),
        COLUMN("rbac.authorization.k8s.io", "rolebindings", ""),
};

struct asker {
        const struct rbac_principal *principal;
        struct str user, groups[RBAC_IMPLIED_GROUPS + 1];
        size_t group_count;
};

struct bench {
        struct arena arena;
        struct rbac_index index;
        VEC(struct asker) askers;
        VEC(struct rbac_request) questions;
        uint64_t random;
};

static uint32_t number_below(struct bench *b, size_t limit) {
        b->random = b->random * 6364136223846793005ULL + 1442695040888963407ULL;
        return (uint32_t)((b->random >> 33) % limit);
}

static void add_resource(void *userdata, const struct resource *resource) {
        struct bench *b = userdata;

        rbac_index_add(&b->index, STR("cluster"), resource);
}

static struct str any_namespace(struct bench *b) {
        return b->index.namespaces.entries[number_below(b, b->index.namespaces.count)].key;
}

/* Someone whom PRINCIPAL is about: the user, or a member of the group. */
static void add_asker(struct bench *b, const struct rbac_principal *principal) {
        struct asker *asker = vec_push_in(&b->arena, &b->askers);
        bool is_group = principal->kind == RBAC_GROUP;

        asker->principal = principal;
        asker->user = is_group ? STR("someone") : principal->name;
        asker->group_count = rbac_implied_groups(&b->arena, asker->user, asker->groups);
        if (is_group)
                asker->groups[asker->group_count++] = principal->name;
}

static void add_askers(struct bench *b, const struct map *principals) {
        for (size_t i = 0; i < principals->count; i++)
                add_asker(b, principals->entries[i].value);
}

static void add_question(struct bench *b, const struct asker *asker) {
        static const char *const verbs[] = { "get", "list", "create", "update", "delete" };
        const struct rbac_column *column = &columns[number_below(b, ELEMENTS(columns))];
        size_t grant = number_below(b, asker->principal->grants.count);
        const struct rbac_binding *binding = asker->principal->grants.items[grant].binding;
        bool own = b->questions.count % 2 == 0 && !binding->cluster;

        *vec_push_in(&b->arena, &b->questions) = (struct rbac_request){
                .user = asker->user,
                .groups = asker->groups,
                .group_count = asker->group_count,
                .verb = str_from(verbs[number_below(b, ELEMENTS(verbs))]),
                .group = column->group,
                .resource = column->resource,
                .subresource = column->subresource,
                .namespace = own ? binding->namespace : any_namespace(b),
        };
}

/* Asks every question once: returns how many are allowed. */
static size_t ask(const struct bench *b) {
        size_t allowed = 0;

        for (size_t i = 0; i < b->questions.count; i++) {
                struct rbac_decision decision;

                rbac_decide(&b->index, &b->questions.items[i], &decision);
                allowed += decision.allowed;
        }
        return allowed;
}

/* Of the fastest round: a round is short enough to be left alone by what else runs. */
static double measure_rate(const struct bench *b) {
        double start = bench_time(), now = start, best = 0;

        while (now - start < 1) {
                double before = now;

                ask(b);
                now = bench_time();
                best = MAX(best, (double)b->questions.count / (now - before));
        }
        return best;
}

static double measure_matrix(struct bench *b, struct rbac_matrix *ret) {
        double start = bench_time();

        rbac_matrix(&b->arena, &b->index, columns, ELEMENTS(columns), STR(""), ret);
        return (bench_time() - start) * 1e3;
}

int main(int argc, char **argv) {
        struct bench b = { 0 };
        struct error error = { 0 };
        struct rbac_matrix matrix;
        double milliseconds;

        if (argc != 2) {
                fprintf(stderr, "usage: %s FILE\n", argv[0]);
                return 2;
        }
        rbac_index_init(&b.index);
        if (bench_read(&b.arena, argv[1], add_resource, &b, &error) < 0) {
                fprintf(stderr, "%s: %s\n", argv[0], error.message);
                return 2;
        }
        rbac_index_finish(&b.index);
        add_askers(&b, &b.index.users);
        add_askers(&b, &b.index.groups);
        while (b.askers.count > 0 && b.questions.count < QUESTIONS)
                add_question(&b, &b.askers.items[number_below(&b, b.askers.count)]);
        milliseconds = measure_matrix(&b, &matrix);
        printf("{\"subjects\":%zu,\"questions\":%zu,\"allowed\":%zu,\"rate\":%.0f,"
               "\"matrix\":%.1f,\"rows\":%zu}\n",
               b.askers.count, b.questions.count, ask(&b), measure_rate(&b), milliseconds,
               matrix.count);
        return 0;
}
