/* What all verbs share: see command.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/util.h"
#include "base/vec.h"
#include "cmd/command.h"

enum { HELP_WIDTH = 80, HELP_WIDTH_MAX = 100 };

const struct option_spec command_common_specs[] = {
        OPTION_SECTION("Common options"),
        { 'v', "verbose", NULL, "say more on standard error; twice says even more", OPTION_COUNTER,
          offsetof(struct command_common, verbose) },
        { 'q', "quiet", NULL, "no progress line and no hints", OPTION_FLAG,
          offsetof(struct command_common, quiet) },
        { 0, "color", "WHEN", "colours", OPTION_COLOUR, offsetof(struct command_common, colour),
          .alias = "colour" },
        { 'h', "help", NULL, "show this help", OPTION_FLAG, offsetof(struct command_common, help) },
        { 0, "version", NULL, "show the version", OPTION_FLAG,
          offsetof(struct command_common, version), .hidden = true },
        OPTION_END,
};

static const struct command_example root_examples[] = {
        { "redoubt scan examples/shop", "judge the manifests of a folder" },
        { "helm template . | redoubt scan -", "judge what a chart renders" },
        { "redoubt explain pods/privileged", "why a rule exists, and what to do" },
        { NULL },
};

const struct command command_root = {
        .name = "redoubt",
        .summary = "keeps Kubernetes clusters in a known-good security posture",
        .usage = "VERB [OPTION...] [ARGUMENT...]",
        .description =
                "Checks Kubernetes manifests, live clusters, machines and etcd with rules that are "
                "ValidatingAdmissionPolicies, and gives the verdict that the API server would "
                "give.\n\n"
                "Exit status: 0 clean, 1 findings, 2 an error, 3 something could not be "
                "judged.",
        .examples = root_examples,
        .verbs = commands,
};

/* TERMINAL AND MESSAGES */

bool command_colour(const struct command_context *context, int fd) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        if (context->common.colour != OPTION_AUTO)
                return context->common.colour == OPTION_ALWAYS;
        if (no_color && *no_color)
                return false;
        return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

/* By name rather than through setlocale: a static binary has no locales to load. */
bool command_unicode(void) {
        static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };

        for (size_t i = 0; i < ELEMENTS(variables); i++) {
                const char *value = getenv(variables[i]);

                if (value && *value)
                        return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
        }
        return false;
}

size_t command_width(int fd, size_t fallback) {
        struct winsize size;

        if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return fallback;
        return size.ws_col;
}

static void print_line(struct str text) {
        struct buf line _cleanup_(buf_free) = BUF_INIT;

        buf_add(&line, STR("redoubt: "));
        buf_add_terminal(&line, text);
        buf_add_char(&line, '\n');
        fwrite(line.data, 1, line.len, stderr);
}

void command_print_error(const struct error *error) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (error->file[0])
                buf_printf(&text, "%s:", error->file);
        if (error->line > 0)
                buf_printf(&text, "%u:", error->line);
        if (error->line > 0 && error->column > 0)
                buf_printf(&text, "%u:", error->column);
        buf_printf(&text, "%s%s", text.len ? " " : "", error->message);
        print_line(buf_str(&text));
}

static void print_format(const char *format, va_list args) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        buf_vprintf(&text, format, args);
        print_line(buf_str(&text));
}

void command_note(const char *format, ...) {
        va_list args;

        va_start(args, format);
        print_format(format, args);
        va_end(args);
}

static int usage_failed(const char *name) {
        fprintf(stderr, "try: %s --help\n", name);
        return COMMAND_FAILED;
}

int command_usage_error(const struct command_context *context, const char *format, ...) {
        va_list args;

        va_start(args, format);
        print_format(format, args);
        va_end(args);
        return usage_failed(context->name);
}

/* VERBS */

const struct command *command_find(const struct command *const *list, struct str name) {
        for (; *list; list++)
                if (str_eq(str_from((*list)->name), name))
                        return *list;
        return NULL;
}

int command_unknown_verb(const struct command *parent, const char *name, const char *word) {
        VEC(const char *) candidates = { 0 };
        const char *nearest;

        for (size_t i = 0; parent->verbs && parent->verbs[i]; i++)
                if (!parent->verbs[i]->hidden)
                        *vec_push(&candidates) = parent->verbs[i]->name;
        *vec_push(&candidates) = NULL;
        nearest = option_nearest(str_from(word), candidates.items);
        vec_free(&candidates);
        if (nearest)
                command_note("unknown verb \"%s\", did you mean \"%s\"?", word, nearest);
        else if (parent == &command_root && access(word, F_OK) == 0)
                command_note("unknown verb \"%s\", did you mean: redoubt scan %s", word, word);
        else
                command_note("unknown verb \"%s\"", word);
        return usage_failed(name);
}

static void print_help(const struct command *command, const char *name, FILE *out) {
        struct buf help _cleanup_(buf_free) = BUF_INIT;
        size_t width = command_width(fileno(out), HELP_WIDTH);

        command_help(&help, command, name, MIN(width, (size_t)HELP_WIDTH_MAX));
        fputs(help.data, out);
}

static int check_positionals(const struct command_context *context, int argc, char **argv) {
        const struct command_positional *p = context->command->positionals;
        int given = 0;

        for (; p && p->name; p++) {
                if (given >= argc && !p->optional)
                        return command_usage_error(context, "%s: %s is missing",
                                                   context->command->name, p->name);
                given = p->repeated ? argc : given + 1;
        }
        if (argc > given)
                return command_usage_error(context, "%s: unexpected argument \"%s\"",
                                           context->command->name, argv[given]);
        return 0;
}

static int run_parsed(struct command_context *context, int argc, char **argv) {
        int r;

        if (context->common.help) {
                print_help(context->command, context->name, stdout);
                return COMMAND_CLEAN;
        }
        if (context->common.version) {
                puts("redoubt " REDOUBT_VERSION);
                return COMMAND_CLEAN;
        }
        if (!context->command->run && argc > 0)
                return command_usage_error(context, "options follow the verb: %s %s [OPTION...]",
                                           context->name, argv[0]);
        if (!context->command->run)
                return command_usage_error(context, "a verb is missing behind \"%s\"",
                                           context->name);
        r = check_positionals(context, argc, argv);
        if (r != 0)
                return r;
        r = context->command->run(context, argc, argv);
        if (r < 0) {
                if (context->error->message[0] == 0)
                        error_set(context->error, r, "%s", strerror(-r));
                command_print_error(context->error);
                return COMMAND_FAILED;
        }
        return r;
}

/* ARGV[0] is the verb; NAME is how it was called. */
static int run_command(const struct command *command, const char *name, int argc, char **argv) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct error error = { 0 };
        struct command_context context = {
                .command = command,
                .name = name,
                .options = arena_alloc(&arena, MAX(command->options_size, (size_t)1)),
                .arena = &arena,
                .error = &error,
        };
        const struct option_set sets[] = {
                { command_common_specs, &context.common },
                { command->options, context.options }, /* or NULL, which ends the list too */
                { NULL, NULL },
        };
        int count;

        if (command->defaults)
                memcpy(context.options, command->defaults, command->options_size);
        if (options_parse(sets, &arena, argc, argv, &count, &error) < 0) {
                /* Help was asked for: whatever else was wrong does not matter. */
                if (context.common.help)
                        return run_parsed(&context, 0, argv);
                command_print_error(&error);
                return usage_failed(name);
        }
        return run_parsed(&context, count, argv);
}

/* Walks down `redoubt policy test`, as far as words name verbs. */
static int dispatch(int argc, char **argv) {
        const struct command *command = &command_root;
        struct buf name _cleanup_(buf_free) = BUF_INIT;

        buf_add(&name, str_from(command->name));
        while (command->verbs && argc > 1 && argv[1][0] != '-') {
                const struct command *verb = command_find(command->verbs, str_from(argv[1]));

                if (!verb)
                        return command_unknown_verb(command, name.data, argv[1]);
                command = verb;
                buf_printf(&name, " %s", verb->name);
                argc--;
                argv++;
        }
        return run_command(command, name.data, argc, argv);
}

/* PROCESS */

/* A closed standard descriptor would be taken by the next file opened, and then written to. What is
 * put in its place cannot be written, so that a report into nowhere is an error. */
static void hold_standard_descriptors(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                close(fd);
}

/* Output that did not arrive must not look like a clean result. */
static int finish_output(int status) {
        bool failed = ferror(stdout) != 0;

        errno = 0;
        if (fclose(stdout) != 0)
                failed = true;
        if (!failed || status == COMMAND_FAILED) /* the verb has said so itself */
                return status;
        command_note("cannot write standard output%s%s", errno ? ": " : "",
                     errno ? strerror(errno) : "");
        return COMMAND_FAILED;
}

int main(int argc, char **argv) {
        hold_standard_descriptors();
        /* `redoubt scan | head` ends without a word, also where the parent ignores the signal. */
        signal(SIGPIPE, SIG_DFL);
        if (argc < 2) {
                print_help(&command_root, command_root.name, stderr);
                return COMMAND_FAILED;
        }
        return finish_output(dispatch(argc, argv));
}
