/*
 * Confinement: what a parser that was taken over cannot do.
 *
 * Redoubt reads hostile input, so before it does, it gives up what it does not need, for the rest
 * of the life of the process and without asking for any privilege:
 *
 *   no_new_privs   no program it could start gains rights
 *   Landlock       files can be read below the given paths and nowhere else; nothing can be
 *                  written, created, renamed, truncated or executed; no TCP, no device ioctl, no
 *                  abstract sockets and no signals out of the process - as far as the kernel's
 *                  Landlock ABI (1 to 7 are known) reaches
 *   seccomp        a list of the system calls that a program with threads needs for reading files,
 *                  computing and writing to what is open. Starting a program, making a socket,
 *                  tracing and touching other processes' memory kill the process, for honest code
 *                  never does that; everything else fails with EPERM
 *
 * What is already open stays usable: open outputs first. Threads may be created afterwards (before,
 * too, but Landlock holds only for the calling thread and those it creates). On a kernel, or in a
 * container, that lacks one part, the others are still applied and `confine_result` says so.
 *
 * Reading /usr/share/zoneinfo or anything else the program needs later has to be among the paths. A
 * symbolic link that leads out of the paths cannot be followed.
 *
 * Builds with AddressSanitizer, LeakSanitizer or ThreadSanitizer (found out by the compiler's own
 * macros, or forced with -DCONFINE_SANITIZER=1 or 0) also allow what the sanitizers do when the
 * process ends: look at its own /proc, and stop and attach to its own threads. Such builds are for
 * tests only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct confine_rules {
        const char *const *read; /* files and folders that may be read, with all below them. Those
                                    that do not exist are passed over */
        size_t read_count;
        bool connect; /* to TCP servers, and what looking for their addresses takes */
};

struct confine_result {
        bool no_new_privs;
        int landlock_abi;  /* of the kernel; 0 where it has none */
        bool landlock;     /* applied: file access */
        bool refer;        /* ABI 2: renaming and linking between folders is denied as well */
        bool truncate;     /* ABI 3 */
        bool network;      /* ABI 4: TCP bind and connect */
        bool device_ioctl; /* ABI 5 */
        bool scope;        /* ABI 6: abstract sockets and signals */
        bool seccomp;
        size_t passed_over; /* paths of the rules that could not be opened */
};

/* Confines the process. Returns 0 even where the kernel lacks parts (see RET), a negative errno
 * where a part that the kernel has could not be applied: then the caller should not go on. RET may
 * be NULL. */
int confine(const struct confine_rules *rules, struct confine_result *ret, struct error *error);

/* The Landlock ABI of the kernel, 0 where it has none or it is not allowed. */
int confine_landlock_abi(void);

/* One line for -v: "no_new_privs, Landlock ABI 7 (files, truncate, TCP, ...), seccomp", and what is
 * missing. */
void confine_describe(struct buf *buf, const struct confine_result *result);
