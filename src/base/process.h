/*
 * Running another program and taking what it writes.
 *
 * No shell is involved: the arguments arrive as they are. A verb that needs this does it before it
 * confines itself (base/confine.h), for afterwards no program can be started.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct process {
        const char *const *argv; /* ends with NULL; argv[0] is looked for on PATH */
        struct str input;        /* its standard input */
        size_t limit;            /* bytes of output that are taken; more end it */
};

/* Runs PROCESS to its end and appends its standard output to OUTPUT. Returns its exit status; its
 * standard error is the message of ERROR where that is not 0. A negative errno where it could not
 * be run (-ENOENT: there is no such program), wrote too much (-EFBIG) or was ended by a signal
 * (-EINTR). */
int process_run(const struct process *process, struct buf *output, struct error *error);
