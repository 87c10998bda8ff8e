/*
 * redoubt fix --write: the process that reads hostile files cannot write, and the one that writes
 * reads nothing but the list that the other one sends: for each file its path, what was read and
 * what it becomes, each with its length before it.
 */
#include <limits.h>
#include <sys/stat.h>

#include "base/util.h"
#include "cmd/fix.h"

/* What a file may have become. */
enum { TEXT_MAX = INT_MAX };

enum { RECORD_NEW = 1, RECORD_GONE = 2 };

struct record {
        uint32_t flags;
        uint32_t path, before, after; /* lengths */
};

/* --- sending --- */

static int write_all(int fd, const void *data, size_t size) {
        const char *at = data;

        while (size > 0) {
                ssize_t n = write(fd, at, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        at += n;
                        size -= (size_t)n;
                }
        }
        return 0;
}

int fix_send(int fd, const struct fix_run *run) {
        size_t count;
        const struct fix_file *files = fix_files(run, &count);
        int r = 0;

        for (size_t i = 0; i < count && r >= 0; i++) {
                const struct fix_file *file = &files[i];
                const struct record record = {
                        .flags = (file->is_new ? RECORD_NEW : 0u) |
                                 (file->is_gone ? RECORD_GONE : 0u),
                        .path = (uint32_t)file->path.len,
                        .before = (uint32_t)file->before.len,
                        .after = (uint32_t)file->after.len,
                };

                if (file->before.len > TEXT_MAX || file->after.len > TEXT_MAX)
                        return -EFBIG;
                r = write_all(fd, &record, sizeof record);
                if (r >= 0)
                        r = write_all(fd, file->path.ptr, file->path.len);
                if (r >= 0)
                        r = write_all(fd, file->before.ptr, file->before.len);
                if (r >= 0)
                        r = write_all(fd, file->after.ptr, file->after.len);
        }
        return r;
}

/* --- receiving --- */

/* 1, 0 at the end, or a negative errno. */
static int read_all(int fd, void *data, size_t size) {
        char *at = data;
        size_t done = 0;

        while (done < size) {
                ssize_t n = read(fd, at + done, size - done);

                if (n == 0)
                        return done == 0 ? 0 : -EPIPE;
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        done += (size_t)n;
        }
        return 1;
}

static int read_text(int fd, struct arena *arena, size_t size, struct str *ret) {
        char *text;
        int r = 1;

        if (size > TEXT_MAX)
                return -EFBIG;
        text = arena_alloc(arena, size + 1);
        if (size > 0)
                r = read_all(fd, text, size);
        *ret = (struct str){ text, size };
        return r == 0 ? -EPIPE : r;
}

static struct str folder_of(struct str path) {
        while (path.len > 0 && path.ptr[path.len - 1] != '/')
                path.len--;
        return path;
}

static bool is_manifest(struct str path) {
        return str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) ||
               str_ends(path, STR(".json"));
}

/* A file of the input; a new one only beside one of those. */
static bool may_write(const struct input_list *inputs, const struct fix_file *file) {
        for (size_t i = 0; i < inputs->files.count; i++) {
                const struct input_file *input = &inputs->files.items[i];

                if (input->text.ptr)
                        continue;
                if (file->is_new ? str_eq(folder_of(input->path), folder_of(file->path)) &&
                                           is_manifest(file->path)
                                 : str_eq(input->path, file->path))
                        return true;
        }
        return false;
}

static int receive_one(int fd, struct arena *arena, struct fix_file *ret) {
        struct record record;
        int r = read_all(fd, &record, sizeof record);

        if (r <= 0)
                return r;
        *ret = (struct fix_file){ .is_new = record.flags & RECORD_NEW,
                                  .is_gone = record.flags & RECORD_GONE };
        r = read_text(fd, arena, record.path, &ret->path);
        if (r > 0)
                r = read_text(fd, arena, record.before, &ret->before);
        if (r > 0)
                r = read_text(fd, arena, record.after, &ret->after);
        return r;
}

int fix_receive(int fd, const struct input_list *inputs, struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        VEC(struct fix_file) files = { 0 };
        struct fix_file file;
        int written = 0, r;

        /* All of them first: nothing is written before everything was computed. */
        while ((r = receive_one(fd, &arena, &file)) > 0)
                *vec_push_in(&arena, &files) = file;
        if (r < 0)
                return error_set(error, r, "the fixes did not arrive: %s", strerror(-r));
        for (size_t i = 0; i < files.count; i++)
                if (!may_write(inputs, &files.items[i])) {
                        r = error_set(error, -EPERM, "is no file of the input; it is not written");
                        error_set_file(error, files.items[i].path);
                        return r;
                }
        for (size_t i = 0; i < files.count; i++) {
                r = fix_write(&files.items[i], error);
                if (r < 0)
                        return r;
                written++;
        }
        return written;
}
