/*
 * API servers on this machine, and since when they run.
 *
 * An API server reads its EncryptionConfiguration when it starts, or, with
 * --encryption-provider-config-automatic-reload, about once a minute. So it has what a file says
 * when it was started, or had time to look, after the file was written. Which process reads which
 * file is found in /proc: by its arguments, and through its root folder, because it may run in
 * a container.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct server_state {
        int pid;
        int64_t started_ms; /* since 1970 */
        bool reloads;       /* looks at the file again by itself */
};

enum { SERVER_RELOAD_SECONDS = 90 };

/* Finds the process that reads the configuration FILE. Returns 1, 0 where there is none (on this
 * machine, or that may be looked at), or a negative errno. PROC is "/proc". */
int server_find(const char *proc, const char *file, struct server_state *ret, struct error *error);

/* The configuration that some API server of this machine reads, as a path that can be opened here,
 * in ARENA. Returns 1, 0 where there is none, or a negative errno. */
int server_find_config(struct arena *arena, const char *proc, struct str *ret, struct error *error);

/* When FILE was last written, in milliseconds since 1970. */
int server_file_time(const char *file, int64_t *ret_ms, struct error *error);
