#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

#ifndef CONFINE_SANITIZER
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONFINE_SANITIZER 1
#endif
#endif
#endif
#ifndef CONFINE_SANITIZER
#define CONFINE_SANITIZER 0
#endif

/* LANDLOCK
 *
 * The kernel's header may be older than the kernel, so its interface (Documentation/userspace-api/
 * landlock.rst) is spelled out here under our own names. */

enum {
        LL_FS_EXECUTE = 1 << 0,
        LL_FS_READ_FILE = 1 << 2,
        LL_FS_READ_DIR = 1 << 3,
        LL_FS_ABI_1 = (1 << 13) - 1, /* bits 0 to 12: execute, write, read, remove, make */
        LL_FS_REFER = 1 << 13,       /* ABI 2 */
        LL_FS_TRUNCATE = 1 << 14,    /* ABI 3 */
        LL_FS_IOCTL_DEV = 1 << 15,   /* ABI 5 */

        LL_NET_BIND_TCP = 1 << 0, /* ABI 4 */
        LL_NET_CONNECT_TCP = 1 << 1,

        LL_SCOPE_ABSTRACT_UNIX = 1 << 0, /* ABI 6 */
        LL_SCOPE_SIGNAL = 1 << 1,

        LL_CREATE_VERSION = 1 << 0,
        LL_RULE_PATH_BENEATH = 1,

        /* The numbers are the same on every architecture. */
        LL_CALL_CREATE = 444,
        LL_CALL_ADD = 445,
        LL_CALL_RESTRICT = 446,
};

struct ll_ruleset {
        uint64_t fs, net, scope;
};

struct ll_path_beneath {
        uint64_t access;
        int32_t fd;
} __attribute__((packed));

int confine_landlock_abi(void) {
        long abi = syscall(LL_CALL_CREATE, NULL, 0, LL_CREATE_VERSION);

        return abi < 0 ? 0 : (int)abi;
}

/* A kernel takes a longer struct than it knows when the rest is zero; ours never has anything in
 * fields of a later ABI. */
static struct ll_ruleset ruleset_for(int abi, bool connect, struct confine_result *result) {
        struct ll_ruleset ruleset = { .fs = LL_FS_ABI_1 };

        result->refer = abi >= 2;
        result->truncate = abi >= 3;
        result->network = abi >= 4;
        result->device_ioctl = abi >= 5;
        result->scope = abi >= 6;
        /* ABI 7 adds control over audit records only; the kernel's default is what we want. */
        if (result->refer)
                ruleset.fs |= LL_FS_REFER;
        if (result->truncate)
                ruleset.fs |= LL_FS_TRUNCATE;
        if (result->network)
                ruleset.net = LL_NET_BIND_TCP | (connect ? 0 : LL_NET_CONNECT_TCP);
        if (result->device_ioctl)
                ruleset.fs |= LL_FS_IOCTL_DEV;
        if (result->scope)
                ruleset.scope = LL_SCOPE_ABSTRACT_UNIX | LL_SCOPE_SIGNAL;
        return ruleset;
}

static int landlock_allow(int ruleset, const char *path, struct confine_result *result,
                          struct error *error) {
        struct ll_path_beneath rule = { .access = LL_FS_READ_FILE };
        _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
        struct stat st;

        if (fd < 0) {
                result->passed_over++;
                return 0;
        }
        if (fstat(fd, &st) < 0)
                return error_set(error, -errno, "cannot stat %s: %s", path, strerror(errno));
        if (S_ISDIR(st.st_mode))
                rule.access |= LL_FS_READ_DIR;
        rule.fd = fd;
        if (syscall(LL_CALL_ADD, ruleset, LL_RULE_PATH_BENEATH, &rule, 0) == 0)
                return 0;
        if (errno == EBADFD || errno == EBADF) { /* a pipe or socket under /proc: no file to name */
                result->passed_over++;
                return 0;
        }
        return error_set(error, -errno, "cannot allow reading %s: %s", path, strerror(errno));
}

static int landlock_apply(const struct confine_rules *rules, struct confine_result *result,
                          struct error *error) {
        struct ll_ruleset attributes = ruleset_for(result->landlock_abi, rules->connect, result);
        _cleanup_close_ int ruleset = -1;
        int r;

        ruleset = (int)syscall(LL_CALL_CREATE, &attributes, sizeof attributes, 0);
        if (ruleset < 0)
                return error_set(error, -errno, "cannot make a Landlock ruleset: %s",
                                 strerror(errno));
        for (size_t i = 0; i < rules->read_count; i++) {
                r = landlock_allow(ruleset, rules->read[i], result, error);
                if (r < 0)
                        return r;
        }
        if (CONFINE_SANITIZER) {
                r = landlock_allow(ruleset, "/proc", result, error);
                if (r < 0)
                        return r;
        }
        if (syscall(LL_CALL_RESTRICT, ruleset, 0) < 0)
                return error_set(error, -errno, "cannot enforce Landlock: %s", strerror(errno));
        result->landlock = true;
        return 0;
}

/* SECCOMP */

/* Allowed whatever their arguments. By name, so that the list does not depend on the architecture
 * or the age of the headers: a name that libseccomp does not know here is passed over. */
static const char *const allowed[] = {
        /* reading */
        "read",
        "readv",
        "pread64",
        "preadv",
        "lseek",
        "_llseek",
        "close",
        "getdents64",
        "getdents",
        "fstat",
        "fstat64",
        "stat",
        "stat64",
        "lstat",
        "lstat64",
        "newfstatat",
        "fstatat64",
        "statx",
        "statfs",
        "fstatfs",
        "readlink",
        "readlinkat",
        "access",
        "faccessat",
        "faccessat2",
        "getcwd",
        "fadvise64",
        "readahead",
        "poll",
        "ppoll",
        "select",
        "pselect6",
        /* writing to what is open */
        "write",
        "writev",
        "pwrite64",
        "pwritev",
        "fsync",
        "fdatasync",
        "dup",
        "dup2",
        "dup3",
        "fcntl",
        "fcntl64",
        "pipe2",
        /* memory: mmap and mprotect have rules of their own */
        "munmap",
        "mremap",
        "madvise",
        "brk",
        "membarrier",
        /* threads: so has clone */
        "futex",
        "futex_time64",
        "futex_waitv",
        "set_robust_list",
        "get_robust_list",
        "rseq",
        "set_tid_address",
        "sched_yield",
        "sched_getaffinity",
        "gettid",
        "exit",
        "exit_group",
        /* time */
        "clock_gettime",
        "clock_gettime64",
        "clock_getres",
        "clock_nanosleep",
        "clock_nanosleep_time64",
        "nanosleep",
        "gettimeofday",
        "time",
        "times",
        /* itself */
        "getpid",
        "getppid",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        "uname",
        "sysinfo",
        "getrlimit",
        "ugetrlimit",
        "getrusage",
        "getrandom",
        "getcpu",
        "capget",
        "sched_getparam",
        "sched_getscheduler",
        /* signals to itself: so has tgkill */
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "sigreturn",
        "sigaltstack",
        "restart_syscall",
};

/* Honest code of ours never calls these: whoever does is not ours any more. */
static const char *const killed[] = {
        "execve",
        "execveat",
        "process_vm_readv",
        "process_vm_writev",
};

/* Of clients of a server, and of the resolver (which asks the kernel by netlink, too). */
static const char *const connecting[] = {
        "socket",     "connect",       "bind",      "getsockname", "getpeername",
        "getsockopt", "setsockopt",    "sendto",    "recvfrom",    "sendmsg",
        "sendmmsg",   "recvmsg",       "shutdown",  "socketpair",  "pipe2",
        "eventfd2",   "epoll_create1", "epoll_ctl", "epoll_wait",  "epoll_pwait",
};
static const char *const no_connecting[] = { "socket" };

static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
                    const struct scmp_arg_cmp *conditions) {
        int number = seccomp_syscall_resolve_name(name);

        /* Negative numbers stand for calls of other architectures. */
        if (number < 0)
                return 0;
        return seccomp_rule_add_array(filter, action, number, count, conditions);
}

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names,
                     size_t count) {
        for (size_t i = 0; i < count; i++) {
                int r = add_rule(filter, action, names[i], 0, NULL);

                if (r < 0)
                        return r;
        }
        return 0;
}

#if defined(__s390__)
enum { CLONE_FLAGS_ARGUMENT = 1 };
#else
enum { CLONE_FLAGS_ARGUMENT = 0 };
#endif

static const uint64_t open_writes =
        O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);

/* Calls that are allowed with some arguments only. */
static int add_conditional(scmp_filter_ctx filter) {
        const struct {
                const char *name;
                struct scmp_arg_cmp condition;
        } rules[] = {
                { "open", SCMP_A1(SCMP_CMP_MASKED_EQ, open_writes, 0) },
                { "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, open_writes, 0) },
                { "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
                { "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
                { "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
                { "clone", SCMP_CMP64(CLONE_FLAGS_ARGUMENT, SCMP_CMP_MASKED_EQ, CLONE_THREAD,
                                      CLONE_THREAD) },
                { "tgkill", SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid()) },
                { "ioctl", SCMP_A1(SCMP_CMP_EQ, TCGETS) },
                { "ioctl", SCMP_A1(SCMP_CMP_EQ, TIOCGWINSZ) },
                { "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0) }, /* asking, not setting */
                { "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME) },
                { "prctl", SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME) },
                { "prctl", SCMP_A0(SCMP_CMP_EQ, 0x53564d41 /* PR_SET_VMA: names for mappings */) },
        };

        for (size_t i = 0; i < ELEMENTS(rules); i++) {
                int r = add_rule(filter, SCMP_ACT_ALLOW, rules[i].name, 1, &rules[i].condition);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* An unconditional rule would swallow those for the sanitizers: there, only being traced and
 * reading and writing memory and registers one word at a time (requests 0 to 6) kill. */
static int add_killed(scmp_filter_ctx filter) {
        const struct scmp_arg_cmp request = SCMP_A0(SCMP_CMP_LE, PTRACE_POKEUSER);
        int r = add_rule(filter, SCMP_ACT_KILL_PROCESS, "ptrace", CONFINE_SANITIZER ? 1 : 0,
                         &request);

        if (r < 0)
                return r;
        return add_names(filter, SCMP_ACT_KILL_PROCESS, killed, ELEMENTS(killed));
}

static int add_network(scmp_filter_ctx filter, bool connect) {
        const struct scmp_arg_cmp option = SCMP_A1(SCMP_CMP_EQ, FIONBIO);
        int r;

        if (!connect)
                return add_names(filter, SCMP_ACT_KILL_PROCESS, no_connecting,
                                 ELEMENTS(no_connecting));
        r = add_rule(filter, SCMP_ACT_ALLOW, "ioctl", 1, &option);
        if (r < 0)
                return r;
        return add_names(filter, SCMP_ACT_ALLOW, connecting, ELEMENTS(connecting));
}

/* LeakSanitizer stops the threads of its own process with ptrace from a clone that shares memory.
 */
static int add_sanitizer(scmp_filter_ctx filter) {
        static const char *const names[] = { "wait4", "waitid", "kill", "tkill", "personality" };
        static const unsigned requests[] = {
                PTRACE_ATTACH,  PTRACE_DETACH, PTRACE_CONT, PTRACE_GETREGSET, PTRACE_KILL,
#ifdef PT_GETREGS
                PTRACE_GETREGS,
#endif
        };
        static const int options[] = { PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_PTRACER,
                                       PR_SET_PDEATHSIG };
        const uint64_t shared = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED;
        const struct scmp_arg_cmp tracer =
                SCMP_CMP64(CLONE_FLAGS_ARGUMENT, SCMP_CMP_MASKED_EQ, shared, shared);
        int r = add_names(filter, SCMP_ACT_ALLOW, names, ELEMENTS(names));

        if (r == 0)
                r = add_rule(filter, SCMP_ACT_ALLOW, "clone", 1, &tracer);
        for (size_t i = 0; r == 0 && i < ELEMENTS(requests); i++) {
                const struct scmp_arg_cmp request = SCMP_A0(SCMP_CMP_EQ, requests[i]);

                r = add_rule(filter, SCMP_ACT_ALLOW, "ptrace", 1, &request);
        }
        for (size_t i = 0; r == 0 && i < ELEMENTS(options); i++) {
                const struct scmp_arg_cmp option = SCMP_A0(SCMP_CMP_EQ, (uint64_t)options[i]);

                r = add_rule(filter, SCMP_ACT_ALLOW, "prctl", 1, &option);
        }
        return r;
}

static int seccomp_fill(scmp_filter_ctx filter, bool connect) {
        int r;

        /* All threads; and a binary tree instead of a list, which costs less for each call. Where
         * libseccomp is too old for the tree, the list serves. */
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
        if (r < 0)
                return r;
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        if (r < 0)
                return r;
        /* The C library falls back to clone, whose flags a filter can see. */
        r = add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
        if (r < 0)
                return r;
        r = add_names(filter, SCMP_ACT_ALLOW, allowed, ELEMENTS(allowed));
        if (r < 0)
                return r;
        r = add_conditional(filter);
        if (r < 0)
                return r;
        if (CONFINE_SANITIZER) {
                r = add_sanitizer(filter);
                if (r < 0)
                        return r;
        }
        r = add_network(filter, connect);
        if (r < 0)
                return r;
        return add_killed(filter);
}

static void release_filter(scmp_filter_ctx *filter) {
        if (*filter)
                seccomp_release(*filter);
}

/* Whether the kernel takes filters at all: not with CONFIG_SECCOMP_FILTER unset. */
static bool seccomp_available(void) {
        return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 && seccomp_api_get() > 0;
}

static int seccomp_apply(bool connect, struct confine_result *result, struct error *error) {
        scmp_filter_ctx filter _cleanup_(release_filter) = NULL;
        int r;

        if (!seccomp_available())
                return 0;
        filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        if (!filter)
                return error_set(error, -ENOMEM, "cannot make a seccomp filter");
        r = seccomp_fill(filter, connect);
        if (r < 0)
                return error_set(error, r, "cannot build the seccomp filter: %s", strerror(-r));
        r = seccomp_load(filter);
        if (r < 0)
                return error_set(error, r, "cannot load the seccomp filter: %s", strerror(-r));
        result->seccomp = true;
        return 0;
}

int confine(const struct confine_rules *rules, struct confine_result *ret, struct error *error) {
        struct confine_result result = { 0 };
        int r;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_set(error, -errno, "cannot set no_new_privs: %s", strerror(errno));
        result.no_new_privs = true;
        result.landlock_abi = confine_landlock_abi();
        if (result.landlock_abi > 0) {
                r = landlock_apply(rules, &result, error);
                if (r < 0)
                        return r;
        }
        r = seccomp_apply(rules->connect, &result, error);
        if (r < 0)
                return r;
        if (ret)
                *ret = result;
        return 0;
}

void confine_describe(struct buf *buf, const struct confine_result *result) {
        const struct {
                bool have;
                const char *name;
        } parts[] = {
                { result->refer, "links" },   { result->truncate, "truncate" },
                { result->network, "TCP" },   { result->device_ioctl, "device ioctl" },
                { result->scope, "signals" },
        };

        buf_add(buf, str_from(result->no_new_privs ? "no_new_privs" : "not no_new_privs"));
        if (result->landlock) {
                buf_printf(buf, ", Landlock ABI %d (files", result->landlock_abi);
                for (size_t i = 0; i < ELEMENTS(parts); i++)
                        if (parts[i].have)
                                buf_printf(buf, ", %s", parts[i].name);
                buf_add_char(buf, ')');
        } else
                buf_add(buf, STR(", no Landlock in this kernel"));
        buf_add(buf, str_from(result->seccomp ? ", seccomp" : ", no seccomp in this kernel"));
}
