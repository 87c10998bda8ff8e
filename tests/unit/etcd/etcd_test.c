#include "etcd_test.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "base/util.h"
#include "etcd/at_rest.h"
#include "etcd/residue.h"
#include "etcd/value.h"

/* --- values and keys --- */

/* What the providers write: k8s.io/apiserver, encryptionconfig/config.go. */
static void values_tell_who_wrote_them(void **state _unused_) {
        static const struct {
                struct str value;
                enum stored_provider provider;
                const char *version, *key;
        } cases[] = {
                { STR_INIT("k8s:enc:aescbc:v1:key1:\x80\x01"), STORED_AESCBC, "v1", "key1" },
                { STR_INIT("k8s:enc:aesgcm:v1:k:x"), STORED_AESGCM, "v1", "k" },
                { STR_INIT("k8s:enc:secretbox:v1:a-b.c:"), STORED_SECRETBOX, "v1", "a-b.c" },
                { STR_INIT("k8s:enc:kms:v1:vault:x"), STORED_KMS, "v1", "vault" },
                { STR_INIT("k8s:enc:kms:v2:vault:\x0a\x01x\x12\x02id"), STORED_KMS, "v2", "vault" },
                { STR_INIT("k8s:enc:kms:v3:vault:x"), STORED_UNKNOWN, "", "" },
                { STR_INIT("k8s:enc:aescbc:v2:key1:x"), STORED_UNKNOWN, "", "" },
                { STR_INIT("k8s:enc:rot13:v1:key1:x"), STORED_UNKNOWN, "", "" },
                { STR_INIT("k8s:enc:aescbc:v1:key1"), STORED_UNKNOWN, "", "" },
                { STR_INIT("k8s:enc:"), STORED_UNKNOWN, "", "" },
                { STR_INIT("k8s:enc"), STORED_PLAIN, "", "" },
                { STR_INIT("k8s\0\n\x0c"), STORED_PLAIN, "", "" },
                { STR_INIT("{\"kind\":\"Secret\"}"), STORED_PLAIN, "", "" },
                { STR_INIT(""), STORED_PLAIN, "", "" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct stored_value value;

                stored_value_read(cases[i].value, &value);
                assert_int_equal(value.provider, cases[i].provider);
                assert_true(str_eq(value.version, str_from(cases[i].version)));
                assert_true(str_eq(value.key, str_from(cases[i].key)));
                if (str_eq(value.version, STR("v2")))
                        assert_true(str_eq(value.key_id, STR("id")));
        }
}

/* SpecialDefaultResourcePrefixes of pkg/kubeapiserver, and what custom resources lie under. */
static void keys_tell_the_resource(void **state _unused_) {
        static const struct {
                const char *key, *resource, *namespace, *name;
        } cases[] = {
                { "/registry/secrets/shop/db", "secrets", "shop", "db" },
                { "/registry/minions/node-1", "nodes", "", "node-1" },
                { "/registry/services/specs/shop/web", "services", "shop", "web" },
                { "/registry/services/endpoints/shop/web", "endpoints", "shop", "web" },
                { "/registry/controllers/shop/rc", "replicationcontrollers", "shop", "rc" },
                { "/registry/deployments/shop/web", "deployments.apps", "shop", "web" },
                { "/registry/ingress/shop/web", "ingresses.networking.k8s.io", "shop", "web" },
                { "/registry/example.com/widgets/shop/w", "widgets.example.com", "shop", "w" },
                { "/registry/example.com/globals/g", "globals.example.com", "", "g" },
                { "/registry/clusterroles/system:node", "clusterroles.rbac.authorization.k8s.io",
                  "", "system:node" },
                /* OpenShift's. */
                { "/registry/oauth/accesstokens/t", "oauthaccesstokens.oauth.openshift.io", "",
                  "t" },
                { "/registry/routes/shop/web", "routes.route.openshift.io", "shop", "web" },
        };
        static const char *const none[] = { "/registry",         "/registry/",
                                            "/registry/secrets", "/registryx/secrets/a/b",
                                            "compact_rev_key",   "" };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct stored_key key;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_true(stored_key_read(str_from(cases[i].key), STR("/registry"), &key));
                assert_true(str_eq(stored_resource(&arena, key.path), str_from(cases[i].resource)));
                assert_true(str_eq(key.namespace, str_from(cases[i].namespace)));
                assert_true(str_eq(key.name, str_from(cases[i].name)));
        }
        for (size_t i = 0; i < ELEMENTS(none); i++)
                assert_false(stored_key_read(str_from(none[i]), STR("/registry"), &key));
}

static void plaintext_is_found_in_raw_bytes(void **state _unused_) {
        static const struct str secret = STR_INIT("k8s\0\n\x0c\n\x02v1\x12\x06Secret\x12\x05");
        static const struct {
                struct str bytes;
                uint64_t count;
        } cases[] = {
                { STR_INIT("....k8s\0\n\x0c\n\x02v1\x12\x06Secret..."
                           "k8s\0\n\x0c\n\x02v1\x12\x06Secret"),
                  2 },
                { STR_INIT("k8s\0\n\x11\n\x02v1\x12\x0bSecretStore"), 0 },
                { STR_INIT("k8s\0\n\x0f\n\x02v1\x12\tConfigMap Secret"), 0 },
                { STR_INIT("{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{}}"), 1 },
                { STR_INIT("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{}}"), 1 },
                /* A reference to a Secret is none. */
                { STR_INIT("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"name\":\"x\"}"), 0 },
                { STR_INIT("k8s\0\n\x0c\n\x02v1\x12\x06Secre"), 0 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_int_equal(residue_count(cases[i].bytes), cases[i].count);
        /* Across every border of windows: a file of some megabytes with one at each place. */
        for (size_t shift = 0; shift < 40; shift++) {
                int fd = memfd_create("residue", MFD_CLOEXEC);
                uint64_t count = 0;

                assert_int_equal(ftruncate(fd, 2 << 20), 0);
                for (size_t k = 1; k <= 3; k++)
                        assert_int_equal(
                                pwrite(fd, secret.ptr, secret.len,
                                       (off_t)(k * (512 << 10) - 20 - 128 * (k - 1) - shift)),
                                (ssize_t)secret.len);
                assert_int_equal(residue_scan(fd, 0, 2 << 20, NULL, NULL, &count), 0);
                assert_int_equal(count, 3);
                close(fd);
        }
}

/* --- files --- */

static int memory_file(struct str bytes) {
        int fd = memfd_create("etcd", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
        return fd;
}

/* Reads FD as a database; whether all of it could be. */
static bool read_file(int fd, uint64_t size, uint64_t *ret_keys, uint64_t *ret_plaintext) {
        struct at_rest found _cleanup_(at_rest_free) = { 0 };
        const struct census_resource *secrets;

        at_rest_init(&found, &(struct at_rest_options){ 0 });
        found.main = (struct at_rest_file){ .path = STR("db"),
                                            .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3),
                                            .size = size };
        at_rest_read(&found);
        secrets = census_find(&found.census, STR("secrets"));
        *ret_keys = found.census.keys;
        *ret_plaintext = secrets ? secrets->plaintext : 0;
        for (size_t i = 0; i < found.problems.count; i++)
                assert_true(found.problems.items[i].len > 0);
        return found.problems.count == 0;
}

static void load(const char *name, struct buf *ret) {
        char path[1024];

        snprintf(path, sizeof path, "%s/%s", CORPUS, name);
        assert_int_equal(fs_read(path, -1, 1 << 20, false, ret, NULL), 0);
}

/* Databases that bbolt wrote (oracle/cmd/store), with what its own library counts in them. */
static void databases_of_bbolt_are_counted(void **state _unused_) {
        static const struct {
                const char *name;
                uint64_t keys, plaintext;
        } cases[] = { { "freelist.db", 10, 3 },
                      { "branches.db", 60, 15 },
                      { "overflow.db", 4, 1 } };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct buf bytes _cleanup_(buf_free) = BUF_INIT;
                uint64_t keys, plaintext;
                int fd;

                load(cases[i].name, &bytes);
                fd = memory_file(buf_str(&bytes));
                assert_true(read_file(fd, bytes.len, &keys, &plaintext));
                assert_int_equal(keys, cases[i].keys);
                assert_int_equal(plaintext, cases[i].plaintext);
                close(fd);
        }
}

/* Every byte of a database, changed: it is read, or something is said; nothing is
 * ever counted twice. */
static void a_damaged_byte_anywhere_is_borne(void **state _unused_) {
        struct buf bytes _cleanup_(buf_free) = BUF_INIT;
        int fd;

        load("freelist.db", &bytes);
        fd = memory_file(buf_str(&bytes));
        for (size_t at = 0; at < bytes.len; at++) {
                static const unsigned char masks[] = { 0xff, 0x01, 0x80 };
                unsigned char byte =
                        (unsigned char)bytes.data[at] ^ masks[at / 8 % ELEMENTS(masks)];
                uint64_t keys, plaintext;

                assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
                read_file(fd, bytes.len, &keys, &plaintext);
                assert_true(keys <= 24 && plaintext <= keys);
                assert_int_equal(pwrite(fd, bytes.data + at, 1, (off_t)at), 1);
        }
        close(fd);
}

static void what_is_cut_off_is_told(void **state _unused_) {
        struct buf bytes _cleanup_(buf_free) = BUF_INIT;
        uint64_t keys, plaintext, pages;
        int fd;

        load("branches.db", &bytes);
        fd = memory_file(buf_str(&bytes));
        /* What lies behind the last page ever used is not missed. */
        memcpy(&pages, bytes.data + 16 + 40, sizeof pages);
        for (size_t size = 0; size < pages * 1024; size += 97) {
                assert_int_equal(ftruncate(fd, (off_t)size), 0);
                assert_false(read_file(fd, size, &keys, &plaintext));
                assert_int_equal(pwrite(fd, bytes.data, bytes.len, 0), (ssize_t)bytes.len);
        }
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values_tell_who_wrote_them),
                cmocka_unit_test(keys_tell_the_resource),
                cmocka_unit_test(plaintext_is_found_in_raw_bytes),
                cmocka_unit_test(databases_of_bbolt_are_counted),
                cmocka_unit_test(a_damaged_byte_anywhere_is_borne),
                cmocka_unit_test(what_is_cut_off_is_told),
                cmocka_unit_test(the_first_provider_of_the_nearest_entry_writes),
                cmocka_unit_test(what_the_server_refuses_is_refused),
                cmocka_unit_test(keys_are_in_no_message),
                cmocka_unit_test(plans_keep_every_step_readable),
                cmocka_unit_test(servers_are_found_by_the_file_they_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
