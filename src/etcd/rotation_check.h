/*
 * Whether the steps of a rotation were done: what each should have left behind is looked for in the
 * configuration files, in the API servers' processes and in etcd's data.
 *
 * A step is good only if those before it are. What they leave behind is overwritten by later ones
 * in part: of a restart nothing is left but the time at which a server was started, which must be
 * later than the file it should have read and, for all steps behind the first restart, later than
 * the plan. So each step is best checked when it was done.
 */
#pragma once

#include "etcd/rotation.h"
#include "etcd/servers.h"
#include "etcd/verdict.h"

enum rotation_state { ROTATION_DONE, ROTATION_MISSING, ROTATION_UNKNOWN };

struct rotation_server {
        const char *path;         /* of its configuration file */
        struct encryption config; /* what that says */
        int64_t file_ms;
        bool found; /* its process was; STATE tells of it */
        struct server_state state;
};

struct rotation_evidence {
        struct rotation_server *servers;
        size_t server_count;
        const struct at_rest *data; /* NULL: none was given */
        int64_t made_ms;            /* when the plan was made */
        int64_t now_ms;
};

struct rotation_result {
        enum rotation_state state;
        struct str *reasons; /* why not, or why that is not known */
        size_t reason_count;
};

/* Judges step AT of PLAN, of which the configurations were read back, by what is there now. */
void rotation_check(struct arena *arena, const struct rotation *plan, size_t at,
                    const struct rotation_evidence *evidence, struct rotation_result *ret);
