/*
 * How fast RBAC answers: bench-rbac FILE.
 *
 * Those who are named in bindings of FILE ask, in no order and with the groups that authentication
 * adds, for verbs on resources, in a namespace in which they have something or in another; again
 * and again for a second of processor time, in one thread. Prints one object of JSON:
 *
 *     subjects    users, groups and service accounts
 *     questions   different ones; `allowed` of them are
 *     rate        answers a second
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

struct bench {
        struct arena arena;
        struct rbac_index index;
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

static size_t subject_count(const struct bench *b) {
        return b->index.users.count + b->index.groups.count;
}

static struct str any_namespace(struct bench *b) {
        return b->index.namespaces.entries[number_below(b, b->index.namespaces.count)].key;
}

static const struct rbac_principal *any_principal(struct bench *b) {
        size_t at = number_below(b, subject_count(b));

        return at < b->index.users.count ? b->index.users.entries[at].value
                                         : b->index.groups.entries[at - b->index.users.count].value;
}

/* A question of PRINCIPAL; the member of a group asks for it. */
static void add_question(struct bench *b, const struct rbac_principal *principal) {
        static const char *const verbs[] = { "get", "list", "create", "update", "delete" };
        struct str *groups = arena_new_array(&b->arena, RBAC_IMPLIED_GROUPS + 1, struct str);
        bool is_group = principal->kind == RBAC_GROUP;
        struct str user = is_group ? STR("someone") : principal->name;
        size_t count = rbac_implied_groups(&b->arena, user, groups);
        const struct rbac_column *column = &columns[number_below(b, ELEMENTS(columns))];
        const struct rbac_binding *binding =
                principal->grants.items[number_below(b, principal->grants.count)].binding;
        bool own = b->questions.count % 2 == 0 && !binding->cluster;

        if (is_group)
                groups[count++] = principal->name;
        *vec_push_in(&b->arena, &b->questions) = (struct rbac_request){
                .user = user,
                .groups = groups,
                .group_count = count,
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

static double measure_rate(const struct bench *b) {
        double start = bench_time(), took;
        size_t count = 0;

        do {
                ask(b);
                count += b->questions.count;
                took = bench_time() - start;
        } while (took < 1);
        return (double)count / took;
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
        while (subject_count(&b) > 0 && b.questions.count < QUESTIONS)
                add_question(&b, any_principal(&b));
        milliseconds = measure_matrix(&b, &matrix);
        printf("{\"subjects\":%zu,\"questions\":%zu,\"allowed\":%zu,\"rate\":%.0f,"
               "\"matrix\":%.1f,\"rows\":%zu}\n",
               subject_count(&b), b.questions.count, ask(&b), measure_rate(&b), milliseconds,
               matrix.count);
        return 0;
}
