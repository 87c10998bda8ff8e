/*
 * Command line options, as tables.
 *
 * A verb describes its options once, in a constant table; parsing, the text of --help, shell
 * completion and the manual page are all made from that table, so they cannot disagree.
 *
 *     struct scan_options {
 *             int format;
 *             bool recursive;
 *             struct option_strings rules;
 *     };
 *     static const struct option_spec scan_specs[] = {
 *             OPTION_SECTION("Output"),
 *             { 'o', "output", "FORMAT", "how to write the report", OPTION_CHOICE,
 *               offsetof(struct scan_options, format), .words = formats },
 *             OPTION_SECTION("Input"),
 *             { 'r', "recursive", NULL, "look into folders", OPTION_FLAG,
 *               offsetof(struct scan_options, recursive), .negatable = true },
 *             { 0, "rule", "ID", "judge only these rules", OPTION_STRINGS,
 *               offsetof(struct scan_options, rules), .comma = true },
 *             OPTION_END,
 *     };
 *
 * A table knows nothing of where values go but the offset into the verb's own struct, so there are
 * no global variables. Several tables can be parsed together (a verb's, and those that all verbs
 * share): each is paired with its target in a `struct option_set`.
 *
 * The command line follows the GNU conventions: `-o json`, `-ojson`, `--output json`,
 * `--output=json`, `-vq` for `-v -q`, options and positional arguments in any order, everything
 * after `--` positional, `-` alone positional. Long options are not abbreviated: a script must not
 * break because an option was added.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum option_type {
        OPTION_TYPE_END = 0, /* the last row */
        OPTION_TYPE_SECTION, /* a heading of the usage text: `help` */
        OPTION_FLAG,         /* bool */
        OPTION_COUNTER,      /* int, one more each time: -vv */
        OPTION_STRING,       /* const char * */
        OPTION_STRINGS,      /* struct option_strings, one more each time */
        OPTION_INTEGER,      /* int64_t in [min, max] */
        OPTION_SIZE,         /* size_t in [min, max]: a number of bytes with K, M, G or T */
        OPTION_CHOICE,       /* int: the value of one of `words` */
        OPTION_COLOUR,       /* int: enum option_when; the words are always, never, auto */
};

/* One accepted word of a choice. A table of them ends with a NULL word. */
struct option_word {
        const char *word;
        int value;
        const char *help; /* for completion and manual pages; may be NULL */
};

enum option_when { OPTION_AUTO, OPTION_ALWAYS, OPTION_NEVER };

struct option_strings {
        const char **items;
        size_t count, capacity;
};

/* STRINGS as an array in ARENA. */
struct str *option_strs(struct arena *arena, const struct option_strings *strings);

/* What a shell offers for an argument. The words of a choice need no hint. */
enum option_hint {
        OPTION_HINT_NONE,
        OPTION_HINT_FILE,
        OPTION_HINT_DIR,
        OPTION_HINT_WORDS, /* `hint_words`: words parted by blanks, or, when it begins with '!', a
                              command of this program that prints one a line: "!policy list --ids"
                            */
};

struct option_spec {
        char letter;          /* 'o', or 0 */
        const char *name;     /* "output", or NULL */
        const char *argument; /* "FORMAT"; NULL for flags */
        const char *help;     /* lower case, no full stop at the end */
        enum option_type type;
        size_t offset;                   /* of the value in the target */
        const struct option_word *words; /* OPTION_CHOICE */
        int64_t min, max;  /* OPTION_INTEGER, OPTION_SIZE; both 0: no bounds but >= 0 */
        const char *alias; /* another accepted, unadvertised long name */
        enum option_hint hint;
        const char *hint_words;
        bool negatable; /* a flag that --no-NAME clears */
        bool comma;     /* OPTION_STRINGS: "a,b" gives two */
        bool hidden;    /* works, but is not shown */
};

/* Rows that are no options. */
#define OPTION_SECTION(title)                                                                      \
        { 0, NULL, NULL, title, OPTION_TYPE_SECTION }
#define OPTION_END                                                                                 \
        { 0 }

/* A table and the struct that receives its values. An array of sets ends with NULL specs. */
struct option_set {
        const struct option_spec *specs;
        void *target;
};

/* Reads ARGV[1..ARGC), stores the values, and moves the positional arguments to the front of ARGV.
 * RET is their number. Lists take their memory from ARENA; plain strings point into ARGV. Returns 0
 * or -EINVAL with a message for a person (which may hold raw bytes of the command line). Values
 * that were read before the failure stay stored. */
int options_parse(const struct option_set *sets, struct arena *arena, int argc, char **argv,
                  int *ret, struct error *error);

/* Appends the options as --help shows them: by section, aligned, wrapped to WIDTH columns. */
void options_usage(struct buf *buf, const struct option_set *sets, size_t width);

/* Appends the options section of a manual page, in man(7) roff. */
void options_roff(struct buf *buf, const struct option_set *sets);

/* Appends TEXT as roff text: hyphens, backslashes and leading dots as roff wants them. */
void options_add_roff(struct buf *buf, const char *text);

/* Appends TEXT wrapped to WIDTH columns; every line begins at column INDENT. COLUMN is where the
 * cursor stands now. Newlines in TEXT are kept. Ends with a newline. */
void options_wrap(struct buf *buf, const char *text, size_t indent, size_t column, size_t width);

/* The words of a choice or colour option, or NULL for other types. */
const struct option_word *option_words(const struct option_spec *spec);

/* The candidate nearest to WORD, or NULL where none is near enough to suggest. CANDIDATES ends with
 * NULL. */
const char *option_nearest(struct str word, const char *const *candidates);

/* A number of bytes: "4096", "512K", "16Mi", "2GB" (powers of 1024, either case). Returns -EINVAL
 * or -ERANGE. */
int option_parse_size(struct str text, size_t *ret);

/* A decimal number with an optional sign. Returns -EINVAL or -ERANGE. */
int option_parse_integer(struct str text, int64_t *ret);
