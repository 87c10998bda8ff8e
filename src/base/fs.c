#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

static int check_type(int fd, bool any_type, size_t *ret_hint, struct error *error) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_set(error, -errno, "cannot stat: %s", strerror(errno));
        if (S_ISDIR(st.st_mode))
                return error_set(error, -EISDIR, "is a directory");
        if (!S_ISREG(st.st_mode) && !any_type)
                return error_set(error, -ENXIO, "is not a regular file (FIFO, socket or device)");
        *ret_hint = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 0;
        return 0;
}

static int read_all(int fd, size_t limit, size_t hint, struct buf *buf, struct error *error) {
        size_t chunk = MAX(MIN(hint, limit) + 1, (size_t)(64 << 10));

        for (;;) {
                ssize_t n;

                /* Room for a chunk, grown by the buffer's own rule. */
                buf_add_repeat(buf, 0, chunk);
                buf->len -= chunk;
                n = read(fd, buf->data + buf->len, chunk);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_set(error, -errno, "cannot read: %s", strerror(errno));
                if (n == 0)
                        return 0;
                buf->len += (size_t)n;
                if (buf->len > limit)
                        return error_set(error, -EFBIG,
                                         "is larger than the limit of %zu bytes (--max-file-size)",
                                         limit);
                chunk = 64 << 10;
        }
}

int fs_read(const char *name, int fd, size_t limit, bool any_type, struct buf *buf,
            struct error *error) {
        _cleanup_close_ int opened = -1;
        size_t hint = 0;
        int r;

        buf_clear(buf);
        if (fd < 0) {
                /* O_NONBLOCK so that opening a FIFO without a writer returns. */
                fd = opened = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
                if (fd < 0)
                        return error_set(error, -errno, "cannot open: %s", strerror(errno));
        }
        r = check_type(fd, any_type, &hint, error);
        if (r < 0)
                return r;
        if (hint > limit)
                return error_set(error, -EFBIG,
                                 "is larger than the limit of %zu bytes (--max-file-size)", limit);
        return read_all(fd, limit, hint, buf, error);
}

int fs_is_folder(const char *name) {
        struct stat st;

        if (stat(name, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode);
}

int fs_read_line(FILE *file, size_t limit, struct buf *buf) {
        int c;

        buf_clear(buf);
        while ((c = getc_unlocked(file)) != EOF && c != '\n')
                if (buf->len <= limit)
                        buf_add_char(buf, (char)c);
        if (buf->len > limit)
                return -E2BIG;
        return c == EOF && buf->len == 0 ? 0 : 1;
}
