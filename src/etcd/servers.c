#include "etcd/servers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/util.h"

enum { ARGUMENTS_MAX = 1 << 20, PROCESSES_MAX = 1 << 20, START_FIELD = 22 };

static int64_t clock_ms(clockid_t clock) {
        struct timespec time;

        clock_gettime(clock, &time);
        return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The argument behind `NAME=` or, as one of its own, behind NAME. */
static struct str argument(struct str arguments, struct str name) {
        struct str part, found = { 0 };
        bool next = false;

        while (arguments.len > 0 && str_split(&arguments, '\0', &part)) {
                if (next)
                        found = part;
                next = str_eq(part, name);
                if (str_starts(part, name) && part.len > name.len && part.ptr[name.len] == '=')
                        found = str_slice(part, name.len + 1, part.len);
        }
        return found;
}

static bool is_same_file(const char *a, const char *b) {
        struct stat x, y;

        return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Field 22 of /proc/PID/stat, counted behind the name, which may have blanks: ticks since boot. */
static int64_t start_of(struct arena *arena, const char *folder) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        const char *at;
        int64_t ticks;

        if (fs_read(arena_printf(arena, "%s/stat", folder).ptr, -1, ARGUMENTS_MAX, true, &text,
                    NULL) < 0)
                return -1;
        at = text.data ? strrchr(text.data, ')') : NULL;
        for (int field = 2; at && field < START_FIELD; field++)
                at = strchr(at + 1, ' ');
        if (!at)
                return -1;
        ticks = strtoll(at, NULL, 10);
        return clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME) +
               ticks * 1000 / sysconf(_SC_CLK_TCK);
}

/* The arguments of the process in FOLDER; whether it is given a configuration. */
static bool read_arguments(struct arena *arena, const char *folder, struct str *ret,
                           struct str *ret_config) {
        struct buf arguments _cleanup_(buf_free) = BUF_INIT;

        if (fs_read(arena_printf(arena, "%s/cmdline", folder).ptr, -1, ARGUMENTS_MAX, true,
                    &arguments, NULL) < 0)
                return false;
        *ret = arena_str(arena, buf_str(&arguments));
        *ret_config = argument(*ret, STR("--encryption-provider-config"));
        return ret_config->len > 0;
}

/* What is looked for: the process that reads FILE, or, where that is NULL, any that reads one,
 * which CONFIG then names. */
struct look {
        struct arena *arena;
        const char *file;
        struct server_state state;
        struct str config;
};

static bool look_at(struct look *look, const char *folder) {
        struct arena *arena = look->arena;
        struct str arguments, config, inside, reload;

        if (!read_arguments(arena, folder, &arguments, &config))
                return false;
        inside = arena_printf(arena, "%s/root%.*s", folder, STR_ARG(config));
        if (!look->file) {
                look->config = access(inside.ptr, R_OK) == 0 ? inside : config;
                return true;
        }
        if (!is_same_file(inside.ptr, look->file) &&
            !is_same_file(arena_str(arena, config).ptr, look->file))
                return false;
        reload = argument(arguments, STR("--encryption-provider-config-automatic-reload"));
        look->state.reloads = str_eq(reload, STR("true"));
        look->state.started_ms = start_of(arena, folder);
        return look->state.started_ms > 0;
}

static int look_at_all(struct look *look, const char *proc, struct error *error) {
        DIR *dir = opendir(proc);
        struct dirent *entry;
        int found = 0;

        if (!dir)
                return error_set(error, -errno, "%s: %s", proc, strerror(errno));
        for (int i = 0; !found && i < PROCESSES_MAX && (entry = readdir(dir)); i++) {
                struct arena_mark mark = arena_mark(look->arena);

                look->state.pid = (int)strtol(entry->d_name, NULL, 10);
                found = look->state.pid > 0 &&
                        look_at(look,
                                arena_printf(look->arena, "%s/%d", proc, look->state.pid).ptr);
                if (!found)
                        arena_rewind(look->arena, mark);
        }
        closedir(dir);
        return found;
}

int server_find(const char *proc, const char *file, struct server_state *ret, struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct look look = { .arena = &arena, .file = file };
        int r = look_at_all(&look, proc, error);

        if (r > 0)
                *ret = look.state;
        return r;
}

int server_find_config(struct arena *arena, const char *proc, struct str *ret,
                       struct error *error) {
        struct look look = { .arena = arena };
        int r = look_at_all(&look, proc, error);

        if (r > 0)
                *ret = arena_str(arena, look.config);
        return r;
}

int server_file_time(const char *file, int64_t *ret_ms, struct error *error) {
        struct stat st;

        if (stat(file, &st) < 0)
                return error_set(error, -errno, "%s: %s", file, strerror(errno));
        *ret_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        return 0;
}
