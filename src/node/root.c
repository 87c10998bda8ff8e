#include "node/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/util.h"

enum { TRIES = 8 };

int root_open(const char *path, struct root *ret, struct error *error) {
        struct stat self, machine;
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return error_set(error, -errno, "%s: %s", path, strerror(errno));
        ret->fd = fd;
        ret->path = str_from(path);
        ret->live = fstat(fd, &self) == 0 && stat("/", &machine) == 0 &&
                    self.st_dev == machine.st_dev && self.st_ino == machine.st_ino;
        return 0;
}

void root_close(struct root *root) {
        if (root->fd >= 0)
                close(root->fd);
        root->fd = -1;
}

/* RESOLVE_IN_ROOT gives EAGAIN where something was renamed meanwhile. */
static int open_at(const struct root *root, struct str path, uint64_t flags) {
        struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
        char name[ROOT_PATH_MAX];
        long fd = -1;

        if (path.len >= sizeof name || memchr(path.ptr ? path.ptr : "", '\0', path.len))
                return -ENAMETOOLONG;
        if (path.len == 0)
                return -ENOENT;
        memcpy(name, path.ptr, path.len);
        name[path.len] = '\0';
        for (int i = 0; i < TRIES; i++) {
                fd = syscall(SYS_openat2, root->fd, name, &how, sizeof how);
                if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
                        break;
        }
        return fd < 0 ? -errno : (int)fd;
}

int root_open_path(const struct root *root, struct str path) {
        return open_at(root, path, O_PATH);
}

int root_open_file(const struct root *root, struct str path) {
        int fd = open_at(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
                close(fd);
                return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
        }
        return fd;
}

int root_read(const struct root *root, struct str path, size_t limit, struct buf *ret) {
        int fd _cleanup_close_ = root_open_file(root, path);
        char block[16384];

        buf_clear(ret);
        if (fd < 0)
                return fd;
        for (;;) {
                ssize_t n = read(fd, block, sizeof block);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                if (ret->len + (size_t)n > limit)
                        return -EFBIG;
                buf_add(ret, (struct str){ block, (size_t)n });
        }
}

int root_stat(const struct root *root, struct str path, bool follow, struct stat *ret) {
        int fd _cleanup_close_ = open_at(root, path, O_PATH | (follow ? 0 : O_NOFOLLOW));

        if (fd < 0)
                return fd;
        return fstat(fd, ret) < 0 ? -errno : 0;
}

bool root_exists(const struct root *root, struct str path) {
        struct stat st;

        return root_stat(root, path, true, &st) == 0;
}

int root_readlink(const struct root *root, struct str path, struct arena *arena, struct str *ret) {
        int fd _cleanup_close_ = open_at(root, path, O_PATH | O_NOFOLLOW);
        char text[ROOT_PATH_MAX];
        ssize_t n;

        if (fd < 0)
                return fd;
        n = readlinkat(fd, "", text, sizeof text);
        if (n < 0)
                return -errno;
        *ret = arena_str(arena, (struct str){ text, (size_t)n });
        return 0;
}

static int path_of(int fd, struct arena *arena, struct str *ret) {
        char name[64], text[ROOT_PATH_MAX];
        ssize_t n;

        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        n = readlink(name, text, sizeof text);
        if (n < 0)
                return -errno;
        *ret = arena_str(arena, (struct str){ text, (size_t)n });
        return 0;
}

int root_resolve(const struct root *root, struct str path, struct arena *arena, struct str *ret) {
        int fd _cleanup_close_ = open_at(root, path, O_PATH);
        struct str whole, above;
        int r;

        if (fd < 0)
                return fd;
        r = path_of(fd, arena, &whole);
        if (r >= 0)
                r = path_of(root->fd, arena, &above);
        if (r < 0)
                return r;
        if (str_eq(above, STR("/")))
                above = STR("");
        if (!str_starts(whole, above))
                return -EXDEV;
        whole = str_slice(whole, above.len, whole.len);
        *ret = whole.len > 0 ? whole : STR("/");
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

int root_list(const struct root *root, struct str path, struct arena *arena,
              struct root_names *ret) {
        int fd = open_at(root, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
        const struct dirent *entry;
        DIR *dir;
        int r = 0;

        if (fd < 0)
                return fd;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        while ((entry = readdir(dir))) {
                struct str name = str_from(entry->d_name);

                if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
                        continue;
                if (ret->count >= ROOT_LIST_MAX) {
                        r = -E2BIG;
                        break;
                }
                *vec_push_in(arena, ret) = arena_str(arena, name);
        }
        closedir(dir);
        if (ret->count > 1)
                qsort(ret->items, ret->count, sizeof *ret->items, compare_names);
        return r;
}

int root_enter(const struct root *root, unsigned pid, struct arena *arena, struct root *ret) {
        struct str name = arena_printf(arena, "/proc/%u", pid);
        int process _cleanup_close_ = open_at(root, name, O_PATH | O_DIRECTORY);
        struct statfs fs;
        int fd;

        if (process < 0)
                return process;
        /* Only the kernel's own link may lead elsewhere. */
        if (fstatfs(process, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
                fd = openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        else
                fd = open_at(root, arena_printf(arena, "%.*s/root", STR_ARG(name)),
                             O_PATH | O_DIRECTORY);
        if (fd < 0)
                return fd == -1 ? -errno : fd;
        *ret = (struct root){ .fd = fd, .path = arena_printf(arena, "%.*s/root", STR_ARG(name)) };
        return 0;
}
