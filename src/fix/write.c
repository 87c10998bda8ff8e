/*
 * Writing what fixes made of a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/util.h"
#include "fix/fix.h"

static int fail(struct error *error, struct str path, int r, const char *what) {
        error_set(error, r, "%s: %s", what, strerror(-r));
        error_set_file(error, path);
        return r;
}

/* Whether PATH still holds what was read of it. */
static int check_unchanged(const char *path, const struct fix_file *file, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        int r = fs_read(path, -1, file->before.len + 1, false, &buf, error);

        if (r >= 0 && !str_eq(buf_str(&buf), file->before))
                r = -EFBIG;
        if (r == -EFBIG) {
                r = error_set(error, -EBUSY,
                              "has changed since it was read; nothing was written to it");
                error_set_file(error, file->path);
        }
        return r;
}

static int write_all(int fd, struct str text) {
        while (text.len > 0) {
                ssize_t n = write(fd, text.ptr, text.len);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        text = str_slice(text, (size_t)n, text.len);
        }
        return 0;
}

/* A descriptor of the new file beside PATH, whose name is put into TEMPORARY. */
static int write_beside(const char *path, struct str text, const struct stat *old,
                        char temporary[static PATH_MAX]) {
        _cleanup_close_ int fd = -1;
        int r;

        if (snprintf(temporary, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX)
                return -ENAMETOOLONG;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text);
        if (r >= 0 && fchmod(fd, old->st_mode & 07777) < 0)
                r = -errno;
        /* Not everybody may give files away; then it belongs to who ran this, as with an editor. */
        if (r >= 0 && (old->st_uid != geteuid() || old->st_gid != getegid()) &&
            fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
                r = -errno;
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0)
                unlink(temporary);
        return r;
}

static int replace(const char *path, const struct fix_file *file, struct error *error) {
        char temporary[PATH_MAX];
        struct stat old;
        int r = check_unchanged(path, file, error);

        if (r < 0)
                return r;
        if (stat(path, &old) < 0)
                return fail(error, file->path, -errno, "cannot be looked at");
        if (file->is_gone)
                return unlink(path) < 0 ? fail(error, file->path, -errno, "cannot be removed") : 0;
        r = write_beside(path, file->after, &old, temporary);
        if (r < 0)
                return fail(error, file->path, r, "cannot be written");
        r = check_unchanged(path, file, error);
        if (r >= 0 && rename(temporary, path) < 0)
                r = fail(error, file->path, -errno, "cannot be replaced");
        if (r < 0)
                unlink(temporary);
        return r;
}

/* A file that has come into being meanwhile is left alone. */
static int create(const struct fix_file *file, struct error *error) {
        _cleanup_close_ int fd =
                open(file->path.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        int r;

        if (fd < 0)
                return fail(error, file->path, -errno, "cannot be made");
        r = write_all(fd, file->after);
        return r < 0 ? fail(error, file->path, r, "cannot be written") : 0;
}

int fix_write(const struct fix_file *file, struct error *error) {
        char path[PATH_MAX];

        if (file->is_new)
                return create(file, error);
        /* What a link leads to is changed, and the link stays. */
        if (!realpath(file->path.ptr, path))
                return fail(error, file->path, -errno, "cannot be found");
        return replace(path, file, error);
}
