/*
 * Verbs.
 *
 * `redoubt VERB [OPTION...] [ARGUMENT...]`: each verb is one file of this folder that defines a
 * `struct command`, and one row in the table of commands.c. main.c does what all verbs share: finds
 * the verb, parses its options by their table, writes its help, prints its error, checks that
 * standard output arrived, and turns the result into the exit status. A verb's `run` is left with
 * the work itself:
 *
 *     struct greet_options { const char *name; };
 *     static const struct greet_options greet_defaults = { .name = "world" };
 *     static const struct option_spec greet_specs[] = { ..., OPTION_END };
 *
 *     static int greet_run(struct command_context *context, int argc, char **argv) {
 *             const struct greet_options *options = context->options;
 *             ...
 *             return COMMAND_CLEAN;
 *     }
 *
 *     const struct command command_greet = {
 *             .name = "greet",
 *             .summary = "says hello",
 *             .options = greet_specs,
 *             .defaults = &greet_defaults,
 *             .options_size = sizeof greet_defaults,
 *             .run = greet_run,
 *     };
 */
#pragma once

#include "base/options.h"

/* Exit statuses, the same for every verb. */
enum command_status {
        COMMAND_CLEAN = 0,
        COMMAND_FINDINGS = 1,  /* findings at or above --fail-on, or a question answered "no" */
        COMMAND_FAILED = 2,    /* usage or runtime error */
        COMMAND_INCOMPLETE = 3 /* something could not be judged; wins over findings */
};

/* Options that every verb has. */
struct command_common {
        int verbose; /* -v, -vv */
        bool quiet;  /* -q: no progress, no hints */
        int colour;  /* enum option_when */
        bool help, version;
};

struct command_context {
        const struct command *command;
        const char *name; /* as called: "redoubt policy test" */
        struct command_common common;
        void *options;       /* the verb's own struct, filled from its table */
        struct arena *arena; /* lives as long as the run */
        struct error *error; /* for a `run` that returns a negative errno */
};

/* Arguments that are no options. */
struct command_positional {
        const char *name; /* "PATH"; NULL ends the list */
        enum option_hint hint;
        const char *hint_words; /* as in struct option_spec */
        bool optional, repeated;
};

struct command_example {
        const char *line; /* "redoubt scan examples/shop"; NULL ends the list */
        const char *what; /* what it does, lower case */
};

struct command {
        const char *name;        /* one word */
        const char *summary;     /* a few words, lower case, for the list of verbs */
        const char *usage;       /* the synopsis behind the name; NULL: made from the positionals */
        const char *description; /* paragraphs parted by an empty line */
        const struct option_spec *options; /* may be NULL */
        const void *defaults;              /* a struct of `options_size`, or NULL: zeroes */
        size_t options_size;               /* of the struct that `options` fill */
        const struct command_positional *positionals; /* ends with a NULL name; NULL: none */
        const struct command_example *examples;       /* ends with a NULL line; may be NULL */
        const struct command *const *verbs;           /* `redoubt policy test`; ends with NULL */
        bool hidden;                                  /* works, but is not listed */

        /* Returns a command_status, or a negative errno with context->error filled. ARGV holds the
         * ARGC positional arguments, then NULL; their number was checked against `positionals`. */
        int (*run)(struct command_context *context, int argc, char **argv);
};

/* commands.c: every verb, in the order in which help lists them; ends with NULL. */
extern const struct command *const commands[];

/* The options that every verb has, for help and completion. */
extern const struct option_spec command_common_specs[];

/* `redoubt` itself: what it is, for its help and manual page. Its `verbs` are `commands`. */
extern const struct command command_root;

/* Verbs that belong to no module. */
extern const struct command command_help_verb, command_version, command_completion;

/* Help on COMMAND (called as NAME: "redoubt policy test"), wrapped to WIDTH columns. */
void command_help(struct buf *buf, const struct command *command, const char *name, size_t width);

/* The synopsis behind the name: "[OPTION...] PATH...". */
void command_synopsis(struct buf *buf, const struct command *command);

/* Prints that WORD is no verb of PARENT (called as NAME), with the nearest one, and returns
 * COMMAND_FAILED. */
int command_unknown_verb(const struct command *parent, const char *name, const char *word);

/* The verb NAME of LIST, or NULL. */
const struct command *command_find(const struct command *const *list, struct str name);

/* Whether FD is to be written in colour: as asked for; else where it is a terminal that can show
 * it and NO_COLOR (no-color.org) is unset or empty. */
bool command_colour(const struct command_context *context, int fd);

/* Whether the locale of the terminal is UTF-8, so that box drawing can be shown. */
bool command_unicode(void);

/* The columns of the terminal FD; FALLBACK where it is none. */
size_t command_width(int fd, size_t fallback);

/* Prints "redoubt: [file:line:column: ]message" on standard error, with everything that could drive
 * a terminal escaped. */
void command_print_error(const struct error *error);

/* Prints "redoubt: " and a message that is no failure of the run: a warning, or more to know. */
void command_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For arguments that a table cannot check: prints the error and where to find help, and returns
 * COMMAND_FAILED. */
int command_usage_error(const struct command_context *context, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
