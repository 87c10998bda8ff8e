#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

enum { MESSAGE_MAX = 512 };

extern char **environ;

/* A file in memory that holds TEXT, to be read from its beginning. */
static int file_of(const char *name, struct str text) {
        _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC);

        if (fd < 0)
                return -errno;
        for (size_t done = 0; done < text.len;) {
                ssize_t n = write(fd, text.ptr + done, text.len - done);

                if (n < 0 && errno != EINTR)
                        return -errno;
                done += n > 0 ? (size_t)n : 0;
        }
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int start(const struct process *process, const int fds[3], pid_t *ret) {
        posix_spawn_file_actions_t actions;
        /* The arguments are only read, whatever the type says. */
        union {
                const char *const *constant;
                char *const *target;
        } argv = { process->argv };
        int r = posix_spawn_file_actions_init(&actions);

        for (int i = 0; i < 3 && r == 0; i++)
                r = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
        if (r == 0)
                r = posix_spawnp(ret, process->argv[0], &actions, NULL, argv.target, environ);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int take_output(int fd, size_t limit, struct buf *output) {
        char chunk[64 << 10];

        for (size_t taken = 0;;) {
                ssize_t n = read(fd, chunk, sizeof chunk);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                taken += (size_t)n;
                if (taken > limit)
                        return -EFBIG;
                buf_add(output, (struct str){ chunk, (size_t)n });
        }
}

/* The first line that the program wrote to its standard error. */
static struct str first_line(int fd, char text[MESSAGE_MAX]) {
        ssize_t n = pread(fd, text, MESSAGE_MAX, 0);
        struct str rest = { text, n > 0 ? (size_t)n : 0 }, line = rest;

        str_split(&rest, '\n', &line);
        return str_trim(line);
}

static int finish(pid_t pid, int output, const char *name, int messages, struct error *error) {
        char text[MESSAGE_MAX];
        struct str line;
        int status;

        if (output < 0)
                kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_set(error, -errno, "cannot wait for %s", name);
        if (output < 0)
                return error_set(error, output,
                                 output == -EFBIG ? "%s writes more than is taken"
                                                  : "cannot read what %s writes",
                                 name);
        if (!WIFEXITED(status))
                return error_set(error, -EINTR, "%s was ended by a signal", name);
        line = first_line(messages, text);
        if (WEXITSTATUS(status) != 0)
                error_set(error, -EIO, "%s%s%.*s", name, line.len > 0 ? ": " : " failed",
                          STR_ARG(line));
        return WEXITSTATUS(status);
}

int process_run(const struct process *process, struct buf *output, struct error *error) {
        const char *name = process->argv[0];
        _cleanup_close_ int input = file_of("input", process->input);
        _cleanup_close_ int messages = file_of("messages", STR(""));
        int ends[2], r;
        pid_t pid;

        if (input < 0 || messages < 0)
                return error_set(error, MIN(input, messages), "cannot make a file in memory");
        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
        r = start(process, (const int[]){ input, ends[1], messages }, &pid);
        close(ends[1]);
        if (r == 0)
                r = finish(pid, take_output(ends[0], process->limit, output), name, messages,
                           error);
        else
                error_set(error, r, "cannot run %s: %s", name, strerror(-r));
        close(ends[0]);
        return r;
}
