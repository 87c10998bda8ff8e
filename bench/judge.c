/*
 * How fast policies judge objects: bench-judge QUESTION FOLDER...
 *
 * The catalogue judges the objects of the manifests in the FOLDERs, in one thread, again and again
 * for a second of processor time; objects are read and decoded once. Policies that ask for params
 * or for the authorizer, and those that no API server takes, are left out. Prints one object of
 * JSON:
 *
 *     verdicts    of each pair of policy and object: "a" admitted, "d" denied
 *     rate        judgements a second
 *     pod         microseconds for `pod_policies` policies over one pod
 *
 * QUESTION is written for .build/oracle/oracle, which judges the same pairs.
 */
#include "base/util.h"
#include "bench.h"
#include "doc/write.h"
#include "kube/decode.h"
#include "policy/private.h"

enum { MAX_TEMPLATES = 16, POD_POLICIES = 100, ARENA_KEEP = 1 << 20 };

struct pair {
        const struct policy *policy;
        const struct policy_subject *subject;
        size_t policy_number, subject_number;
};

struct bench {
        struct arena arena, scratch;
        struct policy_set set;
        VEC(struct policy *) policies;
        VEC(struct policy_subject *) subjects;
        VEC(struct pair) pairs;
};

/* --- what is judged --- */

static int load_policies(struct bench *b, struct error *error) {
        int r = policy_set_init(&b->set, 0, error);

        if (r >= 0)
                r = policy_set_add_catalogue(&b->set, error);
        if (r >= 0)
                r = policy_set_finish(&b->set, error);
        for (size_t i = 0; r >= 0 && i < b->set.policies.count; i++) {
                struct policy *policy = b->set.policies.items[i];

                if (policy->check || policy->has_params ||
                    policy_is_about(policy, STR(POLICY_OWN_GROUP)))
                        continue;
                r = policy_prepare(&b->set, policy, error);
                if (r >= 0 && !policy->uses_authorizer)
                        *vec_push_in(&b->arena, &b->policies) = policy;
        }
        return r;
}

static void add_subject(struct bench *b, const struct policy_subject *subject) {
        *vec_push_in(&b->arena, &b->subjects) = arena_copy(&b->arena, subject, sizeof *subject);
}

/* The pods of a workload are subjects of their own: most of the catalogue is about pods. */
static void add_resource(void *userdata, const struct resource *resource) {
        struct bench *b = userdata;
        const struct doc_node *templates[MAX_TEMPLATES];
        struct policy_subject subject = resource_subject(resource);
        size_t count =
                kube_pod_templates(resource->known, resource->object, templates, MAX_TEMPLATES);

        add_subject(b, &subject);
        for (size_t i = 0; i < count; i++) {
                const struct doc_node *pod =
                        kube_pod_from_template(&b->arena, templates[i], resource->namespace);

                subject.group = subject.name = STR("");
                subject.version = STR("v1");
                subject.kind = STR("Pod");
                subject.resource = STR("pods");
                subject.object = kube_decode_as(&b->arena, pod, subject.version, subject.kind);
                add_subject(b, &subject);
        }
}

static void find_pairs(struct bench *b) {
        for (size_t s = 0; s < b->subjects.count; s++)
                for (size_t p = 0; p < b->policies.count; p++)
                        if (policy_matches(b->policies.items[p], b->subjects.items[s]))
                                *vec_push_in(&b->arena, &b->pairs) =
                                        (struct pair){ b->policies.items[p], b->subjects.items[s],
                                                       p, s };
}

/* --- judging --- */

static void deny(void *userdata, const struct policy_violation *violation) {
        bool *denied = userdata;

        (void)violation;
        *denied = true;
}

static bool judge(struct bench *b, const struct policy *policy,
                  const struct policy_subject *subject) {
        bool denied = false;

        arena_reset(&b->scratch, ARENA_KEEP);
        policy_judge(policy, subject, &b->scratch, deny, &denied);
        return denied;
}

static double measure_rate(struct bench *b) {
        double start = bench_time(), took;
        size_t count = 0;

        do {
                for (size_t i = 0; i < b->pairs.count; i++)
                        judge(b, b->pairs.items[i].policy, b->pairs.items[i].subject);
                count += b->pairs.count;
                took = bench_time() - start;
        } while (took < 1);
        return (double)count / took;
}

/* The first POD_POLICIES policies that match the first pod, matching included. */
static double measure_pod(struct bench *b, size_t *ret_policies) {
        const struct policy *policies[POD_POLICIES];
        const struct policy_subject *pod = NULL;
        size_t count = 0, rounds = 0;
        double start, took;

        for (size_t i = 0; i < b->pairs.count && count < POD_POLICIES; i++) {
                const struct pair *pair = &b->pairs.items[i];

                if (!pod && str_eq(pair->subject->resource, STR("pods")))
                        pod = pair->subject;
                if (pair->subject == pod)
                        policies[count++] = pair->policy;
        }
        start = bench_time();
        do {
                for (size_t i = 0; i < count; i++)
                        if (policy_matches(policies[i], pod))
                                judge(b, policies[i], pod);
                rounds++;
                took = bench_time() - start;
        } while (took < 0.5);
        *ret_policies = count;
        return took / (double)rounds * 1e6;
}

/* --- output --- */

static int write_question(const struct bench *b, const char *path) {
        FILE *file _cleanup_fclose_ = fopen(path, "we");
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        bool written;

        buf_add(&text, STR("{\"bench\":{\"seconds\":1,\"policies\":["));
        for (size_t i = 0; i < b->policies.count; i++) {
                buf_add(&text, i ? STR(",") : STR(""));
                doc_write_json(&text, b->policies.items[i]->object);
        }
        buf_add(&text, STR("],\"objects\":["));
        for (size_t i = 0; i < b->subjects.count; i++) {
                buf_add(&text, i ? STR(",") : STR(""));
                doc_write_json(&text, b->subjects.items[i]->object);
        }
        buf_add(&text, STR("],\"pairs\":["));
        for (size_t i = 0; i < b->pairs.count; i++)
                buf_printf(&text, "%s[%zu,%zu]", i ? "," : "", b->pairs.items[i].policy_number,
                           b->pairs.items[i].subject_number);
        buf_add(&text, STR("]}}\n"));
        written = file && fwrite(text.data, 1, text.len, file) == text.len && fflush(file) == 0;
        return written ? 0 : -errno;
}

static void write_answer(struct bench *b) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        size_t policies;
        double rate = measure_rate(b), pod = measure_pod(b, &policies);

        buf_printf(&text, "{\"policies\":%zu,\"objects\":%zu,\"rate\":%.0f,\"pod\":%.1f,",
                   b->policies.count, b->subjects.count, rate, pod);
        buf_printf(&text, "\"pod_policies\":%zu,\"verdicts\":\"", policies);
        for (size_t i = 0; i < b->pairs.count; i++)
                buf_add_char(&text, judge(b, b->pairs.items[i].policy, b->pairs.items[i].subject)
                                            ? 'd'
                                            : 'a');
        buf_add(&text, STR("\"}\n"));
        fwrite(text.data, 1, text.len, stdout);
}

int main(int argc, char **argv) {
        struct bench b = { 0 };
        struct error error = { 0 };
        int r;

        if (argc < 3) {
                fprintf(stderr, "usage: %s QUESTION FOLDER...\n", argv[0]);
                return 2;
        }
        r = load_policies(&b, &error);
        for (int i = 2; r >= 0 && i < argc; i++)
                r = bench_read(&b.arena, argv[i], add_resource, &b, &error);
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", argv[0], error.message);
                return 2;
        }
        find_pairs(&b);
        if (write_question(&b, argv[1]) < 0) {
                fprintf(stderr, "%s: %s cannot be written\n", argv[0], argv[1]);
                return 2;
        }
        write_answer(&b);
        return 0;
}
