/*
 * Reading audit logs: files, folders of rotated files or standard input, an event at a time.
 *
 * A log is hostile input like any other: a line is bounded, what cannot be read is counted and the
 * first of it told, and nothing of a line is kept once its events were handed over.
 */
#pragma once

#include "cmd/command.h"
#include "doc/doc.h"

struct audit_log {
        struct command_context *context;
        /* Takes the event ROOT; a negative errno with ERROR says why it cannot be read. */
        int (*event)(void *userdata, const struct doc_node *root, struct error *error);
        void *userdata;

        struct arena arena; /* of the line at hand: given up when it is done */
        struct str file;    /* where it stands */
        size_t line;
        size_t unreadable; /* lines, events and files */
};

/* A row for an option table whose target has `struct option_strings` at OFFSET. */
#define AUDIT_LOG_OPTION(offset)                                                                   \
        {                                                                                          \
                0, "audit-log", "PATH",                                                            \
                        "audit events, one JSON object a line: a file, a folder of rotated "       \
                        "files, "                                                                  \
                        "or - for standard input",                                                 \
                        OPTION_STRINGS, (offset), .hint = OPTION_HINT_FILE                         \
        }

/* Reads what PATHS name. Returns 0, or a negative errno with the error of the context where a path
 * itself cannot be read. */
int audit_log_read(struct audit_log *log, const struct option_strings *paths);

/* For _cleanup_. */
void audit_log_free(struct audit_log *log);
