/* What PATH is, which files belong to it, and reading them all. */
#include "etcd/at_rest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/util.h"
#include "etcd/bbolt.h"
#include "etcd/residue.h"

enum { FILES_MAX = 10000 };

#define SQLITE_MAGIC STR("SQLite format 3\0")

/* --- opening --- */

/* Opens the regular file PATH for reading; the time of access stays as it is where the system lets
 * us. */
static int open_file(struct at_rest *found, struct str path, struct at_rest_file *ret,
                     struct error *error) {
        int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
        struct stat st;
        int fd = open(path.ptr, flags | O_NOATIME);

        if (fd < 0 && errno == EPERM)
                fd = open(path.ptr, flags);
        if (fd < 0)
                return error_set(error, -errno, "%.*s: cannot open: %s", STR_ARG(path),
                                 strerror(errno));
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
                close(fd);
                return error_set(error, -ENXIO, "%.*s is no regular file", STR_ARG(path));
        }
        *ret = (struct at_rest_file){ .path = arena_str(&found->arena, path),
                                      .fd = fd,
                                      .size = (uint64_t)st.st_size };
        return 0;
}

static bool is_file(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

typedef bool wanted_fn(const char *name);

static bool is_segment(const char *name) {
        return name[0] != '.';
}

/* Everything in member/snap but the database itself. */
static bool is_other(const char *name) {
        return name[0] != '.' && strcmp(name, "db") != 0;
}

static int by_path(const void *a, const void *b) {
        const struct at_rest_file *x = a, *y = b;

        return str_cmp(x->path, y->path);
}

/* Opens the files of FOLDER that are WANTED. A folder that is not there has none. */
static void open_folder(struct at_rest *found, struct str folder, bool log, wanted_fn *wanted) {
        DIR *dir = opendir(folder.ptr);
        struct dirent *entry;
        size_t count = 0;

        if (!dir) {
                if (errno != ENOENT)
                        at_rest_problem(found, "%.*s: cannot open: %s", STR_ARG(folder),
                                        strerror(errno));
                return;
        }
        while ((entry = readdir(dir)) && count++ < FILES_MAX) {
                struct error error = { 0 };
                struct at_rest_file file;
                struct str path =
                        arena_printf(&found->arena, "%.*s/%s", STR_ARG(folder), entry->d_name);

                if (!wanted(entry->d_name) || !is_file(path.ptr))
                        continue;
                if (open_file(found, path, &file, &error) < 0) {
                        /* etcd takes old segments away while we look. */
                        if (access(path.ptr, F_OK) == 0)
                                at_rest_problem(found, "%s", error.message);
                } else if (log) {
                        *vec_push(&found->logs) = file;
                } else {
                        *vec_push(&found->others) = file;
                }
        }
        if (entry)
                at_rest_problem(found, "%.*s has more than %d files", STR_ARG(folder), FILES_MAX);
        closedir(dir);
        if (log && found->logs.count)
                qsort(found->logs.items, found->logs.count, sizeof *found->logs.items, by_path);
        else if (found->others.count)
                qsort(found->others.items, found->others.count, sizeof *found->others.items,
                      by_path);
}

static int open_member(struct at_rest *found, struct str member, struct error *error) {
        struct arena *arena = &found->arena;
        int r = open_file(found, arena_printf(arena, "%.*s/snap/db", STR_ARG(member)), &found->main,
                          error);

        if (r < 0)
                return r;
        open_folder(found, arena_printf(arena, "%.*s/wal", STR_ARG(member)), true, is_segment);
        open_folder(found, arena_printf(arena, "%.*s/snap", STR_ARG(member)), false, is_other);
        found->has_log = found->logs.count > 0;
        return 0;
}

/* SQLite writes first into FILE-wal. */
static int open_kine(struct at_rest *found, struct str path, struct error *error) {
        struct str wal = arena_printf(&found->arena, "%.*s-wal", STR_ARG(path));
        struct at_rest_file file;
        int r = 0;

        if (found->main.fd < 0)
                r = open_file(found, path, &found->main, error);
        if (r < 0)
                return r;
        found->source = AT_REST_KINE;
        if (is_file(wal.ptr)) {
                r = open_file(found, wal, &file, error);
                if (r >= 0)
                        *vec_push(&found->logs) = file;
                found->has_log = r >= 0;
        }
        return r;
}

/* Where etcd's files lie below what people name. */
static int open_below(struct at_rest *found, struct str folder, struct error *error) {
        static const char *const members[] = { "member", "", "server/db/etcd/member", "etcd/member",
                                               "db/etcd/member" };
        static const char *const databases[] = { "server/db/state.db", "db/state.db", "state.db" };
        struct arena *arena = &found->arena;

        for (size_t i = 0; i < ELEMENTS(members); i++) {
                struct str member = arena_printf(arena, "%.*s/%s", STR_ARG(folder), members[i]);

                if (is_file(arena_printf(arena, "%.*s/snap/db", STR_ARG(member)).ptr))
                        return open_member(found, member, error);
        }
        for (size_t i = 0; i < ELEMENTS(databases); i++) {
                struct str path = arena_printf(arena, "%.*s/%s", STR_ARG(folder), databases[i]);

                if (is_file(path.ptr))
                        return open_kine(found, path, error);
        }
        /* etcd's folders are closed to all but its user and root. */
        if (access(arena_printf(arena, "%.*s/member/snap/db", STR_ARG(folder)).ptr, R_OK) < 0 &&
            errno == EACCES)
                return error_set(error, -EACCES, "%.*s may not be looked into: run this as root",
                                 STR_ARG(folder));
        return error_set(error, -ENOENT,
                         "%.*s: there is no member/snap/db of etcd and no state.db of kine in it",
                         STR_ARG(folder));
}

int at_rest_open(struct at_rest *found, const char *path, struct error *error) {
        struct str name = arena_str(&found->arena, str_from(path));
        char magic[16];
        int r = fs_is_folder(path);

        if (r < 0)
                return error_set(error, r, "%s: %s", path, strerror(-r));
        while (name.len > 1 && str_ends(name, STR("/")))
                name = arena_str(&found->arena, str_slice(name, 0, name.len - 1));
        if (r > 0)
                return open_below(found, name, error);
        r = open_file(found, name, &found->main, error);
        if (r < 0)
                return r;
        if (bbolt_pread(found->main.fd, magic, sizeof magic, 0) == sizeof magic &&
            str_eq((struct str){ magic, sizeof magic }, SQLITE_MAGIC))
                return open_kine(found, name, error);
        return 0;
}

/* --- reading --- */

static void read_others(struct at_rest *found) {
        for (size_t i = 0; i < found->others.count; i++) {
                const struct at_rest_file *file = &found->others.items[i];
                int r = residue_scan(file->fd, 0, file->size, NULL, NULL, &found->residue.files);

                if (r < 0)
                        at_rest_problem(found, "%.*s: cannot read: %s", STR_ARG(file->path),
                                        strerror(-r));
        }
}

void at_rest_read(struct at_rest *found) {
        if (found->source == AT_REST_KINE) {
                at_rest_read_kine(found);
        } else {
                at_rest_read_database(found);
                for (size_t i = 0; i < found->logs.count; i++)
                        at_rest_read_segment(found, &found->logs.items[i]);
                read_others(found);
        }
        at_rest_check(found);
}
