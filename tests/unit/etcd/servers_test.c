#include "etcd_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/util.h"
#include "etcd/servers.h"

static void write_file(const char *folder, const char *name, const char *text, size_t size) {
        char path[512];
        int fd;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, size), (ssize_t)size);
        close(fd);
}

static void remove_all(const char *folder) {
        static const char *const names[] = { "1/cmdline",
                                             "1",
                                             "20/root"
                                             "/etc/enc.yaml",
                                             "20/root"
                                             "/etc",
                                             "20/root",
                                             "20/cmdline",
                                             "20/stat",
                                             "20" };
        char path[512];

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                snprintf(path, sizeof path, "%s/%s", folder, names[i]);
                assert_int_equal(remove(path), 0);
        }
        assert_int_equal(remove(folder), 0);
}

static void make_folder(const char *folder, const char *name) {
        char path[512];

        snprintf(path, sizeof path, "%s/%s", folder, name);
        assert_int_equal(mkdir(path, 0700), 0);
}

#define WRITE(folder, name, text) write_file(folder, name, text, sizeof(text) - 1)

/* A /proc of its own: something else, a name with a blank and a bracket, and a server in a
 * container, whose file lies below its own root. */
void servers_are_found_by_the_file_they_read(void **state _unused_) {
        char folder[] = "/tmp/redoubt-servers-XXXXXX", path[512];
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct server_state server;
        struct error error = { 0 };
        struct timespec boot, now;
        struct str config;
        int64_t expected;

        assert_non_null(mkdtemp(folder));
        make_folder(folder, "1");
        WRITE(folder, "1/cmdline",
              "/sbin/init\0--encryption-provider-config-automatic-reload=true");
        assert_int_equal(server_find_config(&arena, folder, &config, &error), 0);
        make_folder(folder, "20");
        make_folder(folder, "20/root");
        make_folder(folder, "20/root"
                            "/etc");
        WRITE(folder,
              "20/root"
              "/etc/enc.yaml",
              "x");
        WRITE(folder, "20/cmdline",
              "kube-apiserver\0--encryption-provider-config-automatic-reload=true\0--encryption-"
              "provider-config=/etc/enc.yaml\0--profiling=false");
        WRITE(folder, "20/stat",
              "20 (kube (api) x) S 1 1 1 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 9 0 "
              "700 123 4 5");
        snprintf(path, sizeof path,
                 "%s/20/root"
                 "/etc/enc.yaml",
                 folder);
        assert_int_equal(server_find(folder, path, &server, &error), 1);
        assert_int_equal(server.pid, 20);
        assert_true(server.reloads);
        /* Field 22, in ticks since the machine was started. */
        clock_gettime(CLOCK_BOOTTIME, &boot);
        clock_gettime(CLOCK_REALTIME, &now);
        expected = ((int64_t)now.tv_sec - boot.tv_sec) * 1000 +
                   (now.tv_nsec - boot.tv_nsec) / 1000000 + 700 * 1000 / sysconf(_SC_CLK_TCK);
        assert_in_range(server.started_ms, expected - 2000, expected + 2000);
        assert_int_equal(server_find_config(&arena, folder, &config, &error), 1);
        assert_true(str_eq(config, str_from(path)));
        snprintf(path, sizeof path, "%s/1/cmdline", folder);
        assert_int_equal(server_find(folder, path, &server, &error), 0);
        remove_all(folder);
}
