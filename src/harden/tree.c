#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/util.h"
#include "harden/private.h"

/* Opens the folder PATH below ROOT; links within the root may lead there. */
static int open_folder(int root, const char *path) {
        struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        long fd = syscall(SYS_openat2, root, path, &how, sizeof how);

        return fd < 0 ? -errno : (int)fd;
}

/* Makes the folders of PATH that are missing, one after the other. */
static int make_folders(int root, const char *path) {
        char part[4096];
        size_t length = strlen(path);

        for (size_t end = 1; end <= length; end++) {
                char name[HARDEN_NAME_MAX + 1];
                int parent, r;

                if (path[end] != '/' && path[end] != 0)
                        continue;
                memcpy(part, path, end);
                part[end] = 0;
                parent = tree_open_parent(root, str_from(part), false, name);
                if (parent < 0)
                        return parent;
                r = mkdirat(parent, name, 0700) < 0 && errno != EEXIST ? -errno : 0;
                close(parent);
                if (r < 0)
                        return r;
        }
        return 0;
}

int tree_open_parent(int root, struct str path, bool make, char name[static HARDEN_NAME_MAX + 1]) {
        char folder[4096];
        size_t slash = path.len;
        int fd;

        while (slash > 0 && path.ptr[slash - 1] != '/')
                slash--;
        if (path.len - slash == 0 || path.len - slash > HARDEN_NAME_MAX ||
            slash >= sizeof folder - 1 || memchr(path.ptr, 0, path.len))
                return -EINVAL;
        memcpy(name, path.ptr + slash, path.len - slash);
        name[path.len - slash] = 0;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return -EINVAL;
        memcpy(folder, path.ptr, slash);
        folder[slash] = 0;
        if (slash == 0)
                strcpy(folder, "/");
        else if (slash > 1)
                folder[slash - 1] = 0;
        fd = open_folder(root, folder);
        if (fd == -ENOENT && make && make_folders(root, folder) >= 0)
                fd = open_folder(root, folder);
        return fd;
}

int tree_stat(int root, struct str path, struct stat *ret) {
        char name[HARDEN_NAME_MAX + 1];
        int parent = tree_open_parent(root, path, false, name), r;

        if (parent < 0)
                return parent;
        r = fstatat(parent, name, ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
        close(parent);
        return r;
}

int tree_read(int root, struct str path, struct buf *buf, struct stat *ret) {
        char name[HARDEN_NAME_MAX + 1];
        int parent = tree_open_parent(root, path, false, name), fd, r;

        if (parent < 0)
                return parent;
        fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
        close(parent);
        if (r >= 0 && fstat(fd, ret) < 0)
                r = -errno;
        if (r >= 0)
                r = fs_read(NULL, fd, HARDEN_FILE_MAX, false, buf, NULL);
        if (fd >= 0)
                close(fd);
        return r;
}

static int write_all(int fd, struct str text) {
        while (text.len > 0) {
                ssize_t n = write(fd, text.ptr, text.len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text = str_slice(text, (size_t)n, text.len);
        }
        return fsync(fd) < 0 ? -errno : 0;
}

static int write_new(int parent, const char *name, struct str text, mode_t mode, uid_t uid,
                     gid_t gid) {
        int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, text);
        if (r >= 0 && (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0))
                r = -errno;
        if (close(fd) < 0 && r >= 0)
                r = -errno;
        if (r < 0)
                unlinkat(parent, name, 0);
        return r;
}

/* The temporary name begins with a dot: the kubelet passes over such files in the folder of static
 * pods, and systemd in its own. */
int tree_write(int root, struct str path, struct str text, mode_t mode, uid_t uid, gid_t gid) {
        char name[HARDEN_NAME_MAX + 1], temporary[64];
        int parent = tree_open_parent(root, path, true, name), r;

        if (parent < 0)
                return parent;
        snprintf(temporary, sizeof temporary, ".redoubt-%ld.tmp", (long)getpid());
        unlinkat(parent, temporary, 0);
        r = write_new(parent, temporary, text, mode, uid, gid);
        if (r >= 0 && renameat(parent, temporary, parent, name) < 0) {
                r = -errno;
                unlinkat(parent, temporary, 0);
        }
        close(parent);
        return r;
}

int tree_change(int root, struct str path, mode_t mode, uid_t uid, gid_t gid) {
        char name[HARDEN_NAME_MAX + 1], self[64];
        int parent = tree_open_parent(root, path, false, name), fd, r = 0;

        if (parent < 0)
                return parent;
        fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                r = -errno;
        close(parent);
        if (r < 0)
                return r;
        /* chmod has no way to leave links alone; the descriptor names the very file. */
        snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
        if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 || chmod(self, mode) < 0)
                r = -errno;
        close(fd);
        return r;
}

int tree_remove(int root, struct str path) {
        char name[HARDEN_NAME_MAX + 1];
        int parent = tree_open_parent(root, path, false, name), r;

        if (parent < 0)
                return parent;
        r = unlinkat(parent, name, 0) < 0 ? -errno : 0;
        close(parent);
        return r;
}
