/* What --help and `redoubt help` print, made from the table of a verb. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cmd/command.h"

enum { WIDTH_MAX = 100, WIDTH_DEFAULT = 80 };

void command_synopsis(struct buf *buf, const struct command *command) {
        if (command->usage) {
                buf_add(buf, str_from(command->usage));
                return;
        }
        buf_add(buf, str_from(command->verbs ? "VERB [OPTION...]" : "[OPTION...]"));
        for (const struct command_positional *p = command->positionals; p && p->name; p++)
                buf_printf(buf, " %s%s%s%s", p->optional ? "[" : "", p->name,
                           p->repeated ? "..." : "", p->optional ? "]" : "");
}

static void add_verbs(struct buf *buf, const struct command *command, size_t width) {
        size_t longest = 0;

        for (size_t i = 0; command->verbs[i]; i++)
                if (!command->verbs[i]->hidden)
                        longest = MAX(longest, strlen(command->verbs[i]->name));
        buf_add(buf, STR("\nVerbs:\n"));
        for (size_t i = 0; command->verbs[i]; i++) {
                const struct command *verb = command->verbs[i];

                if (verb->hidden)
                        continue;
                buf_printf(buf, "  %-*s  ", (int)longest, verb->name);
                options_wrap(buf, verb->summary, longest + 4, longest + 4, width);
        }
}

static void add_examples(struct buf *buf, const struct command *command, size_t width) {
        buf_add(buf, STR("\nExamples:\n"));
        for (const struct command_example *e = command->examples; e->line; e++) {
                buf_printf(buf, "  %s\n", e->line);
                options_wrap(buf, e->what, 6, 0, width);
        }
}

void command_help(struct buf *buf, const struct command *command, const char *name, size_t width) {
        /* The defaults are only read, for "(default: ...)". */
        union {
                const void *constant;
                void *target;
        } defaults = { command->defaults };
        struct buf synopsis _cleanup_(buf_free) = BUF_INIT;
        size_t start = buf->len;
        const struct option_set sets[] = {
                { command->options ? command->options : command_common_specs,
                  command->options ? defaults.target : NULL },
                { command->options ? command_common_specs : NULL, NULL },
                { NULL, NULL },
        };

        buf_printf(buf, "usage: %s ", name);
        command_synopsis(&synopsis, command);
        options_wrap(buf, synopsis.data, buf->len - start, buf->len - start, width);
        if (command->description) {
                buf_add_char(buf, '\n');
                options_wrap(buf, command->description, 0, 0, width);
        }
        if (command->verbs)
                add_verbs(buf, command, width);
        options_usage(buf, sets, width);
        if (command->examples)
                add_examples(buf, command, width);
        if (command->verbs)
                buf_printf(buf, "\nMore on a verb: %s VERB --help\n", name);
}

static const struct command_positional help_positionals[] = {
        { "VERB", OPTION_HINT_WORDS, "!completion verbs", .optional = true, .repeated = true },
        { NULL },
};

static int help_run(struct command_context *context, int argc, char **argv) {
        const struct command *command = &command_root;
        struct buf name _cleanup_(buf_free) = BUF_INIT;
        struct buf help _cleanup_(buf_free) = BUF_INIT;

        buf_add(&name, str_from(command_root.name));
        for (int i = 0; i < argc; i++) {
                const struct command *next =
                        command->verbs ? command_find(command->verbs, str_from(argv[i])) : NULL;

                if (!next)
                        return command_unknown_verb(command, name.data, argv[i]);
                command = next;
                buf_printf(&name, " %s", command->name);
        }
        command_help(&help, command, name.data,
                     MIN(command_width(STDOUT_FILENO, WIDTH_DEFAULT), (size_t)WIDTH_MAX));
        (void)context;
        fputs(help.data, stdout);
        return COMMAND_CLEAN;
}

const struct command command_help_verb = {
        .name = "help",
        .summary = "show help on a verb",
        .description = "Shows what a verb does, its options, and examples. "
                       "`redoubt VERB --help` shows the same.",
        .positionals = help_positionals,
        .run = help_run,
};
