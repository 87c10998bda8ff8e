#include "../test.h"

#include <errno.h>

#include "base/buf.h"
#include "base/util.h"
#include "policy/policy.h"

/* A policy set with one policy. */
struct world {
        struct policy_set set;
        struct doc_source source;
        struct error error;
};

static void world_free(struct world *world) {
        policy_set_free(&world->set);
}

static int load_controls(struct world *world, const char *controls) {
        struct buf rule _cleanup_(buf_free) = BUF_INIT;
        int r = policy_set_init(&world->set, 0, &world->error);

        buf_printf(&rule,
                   "apiVersion: admissionregistration.k8s.io/v1\n"
                   "kind: ValidatingAdmissionPolicy\n"
                   "metadata:\n  name: p\n  annotations:\n    redoubt.io/controls: \"%s\"\n"
                   "spec:\n  matchConstraints:\n    resourceRules:\n"
                   "    - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], "
                   "resources: [pods]}\n"
                   "  validations: [{expression: 'true'}]\n",
                   controls);
        world->source = (struct doc_source){ STR("rule.yaml"),
                                             arena_str(&world->set.arena, buf_str(&rule)) };
        if (r >= 0)
                r = policy_set_add_source(&world->set, &world->source, &world->error);
        return r < 0 ? r : policy_set_finish(&world->set, &world->error);
}

static void controls_say_in_which_versions_they_are_in_force(void **state _unused_) {
        static const struct {
                const char *controls, *framework;
                bool kept;
        } cases[] = {
                { "a:x", "a", true },
                { "a:x", "a:v1.3", true },
                { "b:y, a:x@1.29-1.31", "a:v1.28", false },
                { "b:y, a:x@1.29-1.31", "a:v1.29", true },
                { "b:y, a:x@1.29-1.31", "a:1.31", true },
                { "b:y, a:x@1.29-1.31", "a:v1.32", false },
                { "b:y, a:x@1.29-1.31", "b:v1.32", true },
                { "a:x@1.34-", "a:v1.33", false },
                { "a:x@1.34-", "a", true },
                { "a:x@-1.30", "a:v1.0", true },
                { "a:x@-1.30", "a:latest", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct world world _cleanup_(world_free) = { 0 };
                struct str framework = str_from(cases[i].framework);
                int r;

                assert_int_equal(load_controls(&world, cases[i].controls), 0);
                r = policy_set_keep_frameworks(&world.set, &framework, 1, &world.error);
                assert_int_equal(r, cases[i].kept ? 0 : -ENOENT);
        }
}

static void a_policy_of_former_controls_only_is_kept_by_name(void **state _unused_) {
        static const char *const former[] = { "a:x@-1.30", "a:x@1.2-1.3, b:y@-1.9" };
        static const char *const current[] = { "", "a:x", "a:x@-1.30, b:y", "a:x@1.34-" };
        const struct str name = STR("p");

        for (size_t i = 0; i < ELEMENTS(former) + ELEMENTS(current); i++) {
                bool is_former = i < ELEMENTS(former);
                struct world world _cleanup_(world_free) = { 0 };

                assert_int_equal(load_controls(&world, is_former ? former[i]
                                                                 : current[i - ELEMENTS(former)]),
                                 0);
                policy_set_keep_current(&world.set, &name, 1);
                assert_int_equal(world.set.policies.count, 1);
                policy_set_keep_current(&world.set, NULL, 0);
                assert_int_equal(world.set.policies.count, !is_former);
        }
}

static void malformed_versions_of_controls_are_refused(void **state _unused_) {
        static const char *const controls[] = { "a:x@",     "a:x@1.30",      "a:x@1.31-1.30",
                                                "a:x@2.1-", "a:x@-x",        "a:x@1.2-1.3-1.4",
                                                "b, a@1-",  "a:x@1.1000000-" };

        for (size_t i = 0; i < ELEMENTS(controls); i++) {
                struct world world _cleanup_(world_free) = { 0 };

                assert_int_equal(load_controls(&world, controls[i]), -EINVAL);
                assert_int_equal(world.error.line, 6);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(controls_say_in_which_versions_they_are_in_force),
                cmocka_unit_test(a_policy_of_former_controls_only_is_kept_by_name),
                cmocka_unit_test(malformed_versions_of_controls_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
