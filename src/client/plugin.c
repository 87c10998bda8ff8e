#include "client/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/util.h"

enum { OUTPUT_MAX = 4 << 20, TIME_MAX = 60 };

extern char **environ;

/* What a plugin is told: KUBERNETES_EXEC_INFO. */
static struct str exec_info(struct arena *arena, const struct kubeconfig *config) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        buf_add(&buf, STR("KUBERNETES_EXEC_INFO={\"apiVersion\":"));
        buf_add_json(&buf, config->exec->api_version);
        buf_add(&buf, STR(",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false"));
        if (config->exec->cluster_info) {
                buf_add(&buf, STR(",\"cluster\":{\"server\":"));
                buf_add_json(&buf, config->server);
                if (config->authority.len > 0) {
                        buf_add(&buf, STR(",\"certificate-authority-data\":"));
                        buf_add_json(&buf, base64_encode(arena, config->authority));
                }
                if (config->server_name.len > 0) {
                        buf_add(&buf, STR(",\"tls-server-name\":"));
                        buf_add_json(&buf, config->server_name);
                }
                buf_add(&buf,
                        config->insecure ? STR(",\"insecure-skip-tls-verify\":true}") : STR("}"));
        }
        buf_add(&buf, STR("}}"));
        return arena_str(arena, buf_str(&buf));
}

static char **arguments_of(struct arena *arena, const struct kubeconfig_exec *exec) {
        char **argv = arena_new_array(arena, exec->arg_count + 2, char *);

        argv[0] = (char *)(uintptr_t)exec->command.ptr;
        for (size_t i = 0; i < exec->arg_count; i++)
                argv[i + 1] = (char *)(uintptr_t)exec->args[i].ptr;
        return argv;
}

static bool same_name(const char *a, struct str b) {
        ptrdiff_t end = str_find(b, STR("="), 0);

        return end > 0 && strncmp(a, b.ptr, (size_t)end + 1) == 0;
}

/* The environment of this process, with what the kubeconfig sets in the place of what was. */
static char **environment_of(struct arena *arena, const struct kubeconfig *config) {
        const struct kubeconfig_exec *exec = config->exec;
        size_t count = 0, most = exec->env_count + 2;
        char **envp;

        for (char **e = environ; *e; e++)
                most++;
        envp = arena_new_array(arena, most, char *);
        for (char **e = environ; *e; e++) {
                bool replaced = strncmp(*e, "KUBERNETES_EXEC_INFO=", 21) == 0;

                for (size_t i = 0; i < exec->env_count && !replaced; i++)
                        replaced = same_name(*e, exec->env[i]);
                if (!replaced)
                        envp[count++] = *e;
        }
        for (size_t i = 0; i < exec->env_count; i++)
                envp[count++] = (char *)(uintptr_t)exec->env[i].ptr;
        envp[count++] = (char *)(uintptr_t)exec_info(arena, config).ptr;
        return envp;
}

static int start(struct arena *arena, const struct kubeconfig *config, int out, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);

        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawnp(ret, config->exec->command.ptr, &actions, NULL,
                                 arguments_of(arena, config->exec), environment_of(arena, config));
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int64_t now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec;
}

/* Reads until the other side is closed. */
static int read_output(int fd, struct buf *buf) {
        int64_t end = now() + TIME_MAX;
        char part[4096];

        for (;;) {
                struct pollfd wait = { .fd = fd, .events = POLLIN };
                int64_t left = end - now();
                ssize_t n;

                if (left <= 0 || poll(&wait, 1, (int)left * 1000) == 0)
                        return -ETIMEDOUT;
                n = read(fd, part, sizeof part);
                if (n == 0)
                        return 0;
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        buf_add(buf, (struct str){ part, (size_t)n });
                if (buf->len > OUTPUT_MAX)
                        return -EFBIG;
        }
}

static int failed(const struct kubeconfig_exec *exec, int code, struct error *error) {
        if (code == -ENOENT && exec->hint.len > 0)
                return error_set(error, code, "the exec plugin %.*s is not there: %.*s",
                                 STR_ARG(exec->command), STR_ARG(exec->hint));
        return error_set(error, code, "the exec plugin %.*s failed: %s", STR_ARG(exec->command),
                         strerror(-code));
}

int plugin_run(struct arena *arena, struct kubeconfig *config, int64_t *ret_expiry,
               struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        int ends[2], status = 0, r;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return failed(config->exec, -errno, error);
        r = start(arena, config, ends[1], &pid);
        close(ends[1]);
        if (r < 0) {
                close(ends[0]);
                return failed(config->exec, r, error);
        }
        r = read_output(ends[0], &buf);
        close(ends[0]);
        if (r < 0)
                kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (r < 0)
                return failed(config->exec, r, error);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return error_set(error, -EPERM, "the exec plugin %.*s failed with status %d",
                                 STR_ARG(config->exec->command),
                                 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        return kubeconfig_read_credential(arena, buf_str(&buf), config, ret_expiry, error);
}
