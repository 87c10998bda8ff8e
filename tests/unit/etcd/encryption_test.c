#include "etcd_test.h"

#include <errno.h>

#include "base/util.h"
#include "etcd/rotation.h"

#define KEY "bm90LWEta2V5LW5vdC1hLWtleS1ub3QtYS1rZXkhISE="
#define HEAD "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: ["
#define BOX(name) "{secretbox: {keys: [{name: " name ", secret: " KEY "}]}}"

static int read_text(struct arena *arena, const char *text, struct encryption *ret,
                     struct error *error) {
        return encryption_read(arena, STR("encryption.yaml"), str_from(text), ret, error);
}

/* transformerFromOverrides of k8s.io/apiserver: exact, then *.GROUP, then *.*, else identity. */
void the_first_provider_of_the_nearest_entry_writes(void **state _unused_) {
        static const char text[] = HEAD "{resources: [secrets], providers: [" BOX(
                "a") ", {identity: {}}]},"
                     "{resources: [events, secrets], providers: [" BOX(
                             "again") "]},"
                                      "{resources: [configmaps], providers: [{identity: {}}, " BOX(
                                              "b") "]},"
                                                   "{resources: ['*.apps'], providers: [" BOX(
                                                           "c") "]},"
                                                                "{resources: ['*.'], providers: "
                                                                "[{aesgcm: {keys: [{name: d, "
                                                                "secret: " KEY "}]}}]},"
                                                                "{resources: ['*.*'], providers: "
                                                                "[{kms: {apiVersion: v2, name: e, "
                                                                "endpoint: "
                                                                "'unix:///e'}}]}]}";
        static const struct {
                const char *resource;
                enum stored_provider writer;
                const char *key;
                size_t providers;
        } cases[] = {
                { "secrets", STORED_SECRETBOX, "a", 3 },
                { "configmaps", STORED_PLAIN, "", 2 },
                { "events", STORED_SECRETBOX, "again", 1 },
                { "deployments.apps", STORED_SECRETBOX, "c", 1 },
                { "pods", STORED_AESGCM, "d", 1 },
                { "widgets.example.com", STORED_KMS, "e", 1 },
        };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct error error = { 0 };
        struct encryption config;
        struct encryption_list list;

        assert_int_equal(read_text(&arena, text, &config, &error), 0);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                list = encryption_of(&arena, &config, str_from(cases[i].resource));
                assert_int_equal(list.count, cases[i].providers);
                assert_int_equal(list.items[0].provider, cases[i].writer);
                assert_int_equal(encryption_writes(&list), cases[i].writer != STORED_PLAIN);
                if (*cases[i].key)
                        assert_int_equal(encryption_use(&list, cases[i].writer,
                                                        list.items[0].version,
                                                        str_from(cases[i].key)),
                                         ENCRYPTION_WRITES);
        }
        list = encryption_of(&arena, &config, STR("secrets"));
        assert_int_equal(encryption_use(&list, STORED_PLAIN, STR(""), STR("")), ENCRYPTION_READS);
        assert_int_equal(encryption_use(&list, STORED_SECRETBOX, STR("v1"), STR("again")),
                         ENCRYPTION_READS);
        assert_int_equal(encryption_use(&list, STORED_AESCBC, STR("v1"), STR("a")),
                         ENCRYPTION_MISSING);
        list = encryption_of(&arena, &config, STR("pods"));
        assert_int_equal(encryption_use(&list, STORED_PLAIN, STR(""), STR("")), ENCRYPTION_MISSING);
}

/* What LoadEncryptionConfig and its validation refuse. */
void what_the_server_refuses_is_refused(void **state _unused_) {
        static const char *const texts[] = {
                "",
                "[]",
                "{apiVersion: v1, kind: EncryptionConfiguration, resources: [{}]}",
                HEAD "]}",
                HEAD "{resources: [], providers: [{identity: {}}]}]}",
                HEAD "{resources: [secrets], providers: []}]}",
                HEAD "{resources: [secrets], providers: [{}]}]}",
                HEAD "{resources: [secrets], providers: [{identity: {}, aescbc: {keys: []}}]}]}",
                HEAD "{resources: [secrets], providers: [{aescbc: {keys: []}}]}]}",
                HEAD "{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: "
                     "eA==}]}}]}]}",
                HEAD "{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: "
                     "'?'}]}}]}]}",
                HEAD "{resources: [secrets], providers: [{secretbox: {keys: [{secret: " KEY
                     "}]}}]}]}",
                HEAD "{resources: [secrets], providers: [{kms: {name: 'a:b', endpoint: "
                     "'unix:///x'}}]}]}",
                HEAD "{resources: [secrets], providers: [{kms: {name: a, endpoint: "
                     "'http://x'}}]}]}",
                HEAD "{resources: ['*'], providers: [{identity: {}}]}]}",
                HEAD "{resources: ['*.*'], providers: [{identity: {}}]}, {resources: [secrets], "
                     "providers: [{identity: {}}]}]}",
                HEAD "{resources: ['*.apps'], providers: [{identity: {}}]}, {resources: "
                     "[deployments.apps], providers: [{identity: {}}]}]}",
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct error error = { 0 };
                struct encryption config;

                assert_int_equal(read_text(&arena, texts[i], &config, &error), -EINVAL);
                assert_true(error.message[0] != '\0');
        }
}

void keys_are_in_no_message(void **state _unused_) {
        static const char *const texts[] = {
                "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, a: "
                "b: " KEY,
                HEAD
                "{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: MARKER" KEY
                "}]}}]}]}",
                HEAD "{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: "
                     "[MARKER]}]}}]}]}",
                "MARKER: [",
                "\"MARKER",
                "MARKER" KEY,
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct error error = { 0 };
                struct encryption config;

                assert_int_equal(read_text(&arena, texts[i], &config, &error), -EINVAL);
                assert_null(strstr(error.message, "MARKER"));
                assert_null(strstr(error.message, "bm90"));
        }
}

/* Between one configuration and the next, servers with either must read what any of them writes. */
static void check_neighbours(struct arena *arena, const struct encryption *before,
                             const struct encryption *after) {
        const struct encryption *both[] = { before, after };

        for (size_t i = 0; i < 2; i++) {
                struct encryption_list writer = encryption_of(arena, both[i], STR("secrets"));
                struct encryption_list reader = encryption_of(arena, both[1 - i], STR("secrets"));
                const struct encryption_provider *first = &writer.items[0];
                struct str key = first->key_count ? first->keys[0].name : STR("");

                assert_int_not_equal(encryption_use(&reader, first->provider, first->version, key),
                                     ENCRYPTION_MISSING);
        }
}

void plans_keep_every_step_readable(void **state _unused_) {
        static const char *const texts[] = {
                HEAD "{resources: [secrets], providers: [{identity: {}}]}]}",
                HEAD "{resources: [secrets, configmaps], providers: [" BOX(
                        "key1") ", {identity: {}}]}]}",
                HEAD "{resources: [configmaps], providers: [" BOX(
                        "key1") "]}, {resources: ['*.*'], "
                                "providers: [{aescbc: {keys: [{name: a, secret: " KEY
                                "}, {name: b, secret: " KEY
                                "}]}}, {aesgcm: {keys: [{name: c, secret: " KEY "}]}}]}]}",
                HEAD "{resources: [secrets], providers: [{kms: {apiVersion: v2, name: v, endpoint: "
                     "'unix:///v'}}]}]}",
        };
        static const struct str servers[] = { STR_INIT("a"), STR_INIT("b") };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct error error = { 0 };
                struct encryption config, copy;
                struct buf text _cleanup_(buf_free) = BUF_INIT;
                const struct encryption *last = &config;
                struct rotation plan;
                struct rotation_options options = { .config = &config,
                                                    .resource = STR("secrets"),
                                                    .key_secret = STR(KEY),
                                                    .servers = servers,
                                                    .server_count = 2 };

                assert_int_equal(read_text(&arena, texts[i], &config, &error), 0);
                assert_int_equal(rotation_plan(&arena, &options, &plan, &error), 0);
                assert_int_equal(plan.count, 10);
                for (size_t k = 0; k < plan.count; k++) {
                        if (plan.steps[k].kind != ROTATION_CONFIG)
                                continue;
                        check_neighbours(&arena, last, &plan.steps[k].config);
                        last = &plan.steps[k].config;
                        /* What is written can be read again, and says the same. */
                        buf_clear(&text);
                        rotation_add_config(&text, last, true);
                        assert_int_equal(read_text(&arena, text.data, &copy, &error), 0);
                        assert_true(rotation_same(last, &copy));
                        buf_clear(&text);
                        rotation_add_config(&text, last, false);
                        assert_null(strstr(text.data, KEY));
                }
                assert_int_equal(encryption_of(&arena, last, STR("secrets")).count, 1);
        }
}
