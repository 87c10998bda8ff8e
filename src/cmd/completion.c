/*
 * redoubt completion: scripts for shells, and manual pages, all made from the tables of the verbs.
 *
 * The scripts name every verb and option; only words that depend on the machine (ids of rules) are
 * asked for when they are needed, by running redoubt itself (hints that begin with '!').
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "base/vec.h"
#include "cmd/command.h"

enum { DEPTH_MAX = 4 };

/* A verb with its way from the root: "policy test"; "" for redoubt itself. */
struct node {
        const struct command *command;
        const char *path;
};

struct tree {
        struct arena *arena;
        VEC(struct node) nodes;
};

static void collect(struct tree *tree, const struct command *command, const char *path,
                    unsigned depth) {
        *vec_push_in(tree->arena, &tree->nodes) = (struct node){ command, path };
        for (size_t i = 0; depth < DEPTH_MAX && command->verbs && command->verbs[i]; i++) {
                const struct command *verb = command->verbs[i];

                if (verb->hidden)
                        continue;
                collect(tree, verb,
                        arena_printf(tree->arena, "%s%s%s", path, *path ? " " : "", verb->name).ptr,
                        depth + 1);
        }
}

static struct tree tree_new(struct arena *arena) {
        struct tree tree = { .arena = arena };

        collect(&tree, &command_root, "", 0);
        return tree;
}

typedef void option_fn(struct buf *buf, const struct node *node, const struct option_spec *spec);

/* Calls FN for every option of NODE that is shown: its own, then those that all have. */
static void each_option(struct buf *buf, const struct node *node, option_fn *fn) {
        const struct option_spec *const tables[] = { node->command->options, command_common_specs };

        for (size_t i = 0; i < ELEMENTS(tables); i++)
                for (const struct option_spec *spec = tables[i]; spec && spec->type; spec++)
                        if (spec->type != OPTION_TYPE_SECTION && !spec->hidden)
                                fn(buf, node, spec);
}

static void add_verb_names(struct buf *buf, const struct command *command, const char *separator) {
        bool first = true;

        for (size_t i = 0; command->verbs && command->verbs[i]; i++) {
                if (command->verbs[i]->hidden)
                        continue;
                buf_printf(buf, "%s%s", first ? "" : separator, command->verbs[i]->name);
                first = false;
        }
}

static void add_words(struct buf *buf, const struct option_word *words) {
        for (const struct option_word *word = words; word->word; word++)
                buf_printf(buf, "%s%s", word == words ? "" : " ", word->word);
}

/* Words that are fixed, or a command substitution that yields them: "$(redoubt ...)" in bash and
 * zsh, "(redoubt ...)" in fish. */
static void add_hint_words(struct buf *buf, const char *words, const char *substitution) {
        if (!words)
                return;
        if (words[0] == '!')
                buf_printf(buf, "%sredoubt %s 2>/dev/null)", substitution, words + 1);
        else
                buf_add(buf, str_from(words));
}

/* BASH */

/* The command that fills COMPREPLY with what may stand for an argument. */
static void bash_add_values(struct buf *buf, enum option_hint hint, const char *hint_words,
                            const struct option_word *words) {
        if (words) {
                buf_add(buf, STR("_redoubt_words \""));
                add_words(buf, words);
                buf_add(buf, STR("\""));
        } else if (hint == OPTION_HINT_WORDS) {
                buf_add(buf, STR("_redoubt_words \""));
                add_hint_words(buf, hint_words, "$(");
                buf_add(buf, STR("\""));
        } else if (hint == OPTION_HINT_FILE)
                buf_add(buf, STR("_redoubt_files -f"));
        else if (hint == OPTION_HINT_DIR)
                buf_add(buf, STR("_redoubt_files -d"));
        else
                buf_add(buf, STR(":"));
}

static void bash_add_argument(struct buf *buf, const struct node *node,
                              const struct option_spec *spec) {
        if (!spec->argument)
                return;
        buf_add(buf, STR("    "));
        if (spec->letter)
                buf_printf(buf, "\"%s:-%c\"", node->path, spec->letter);
        if (spec->name)
                buf_printf(buf, "%s\"%s:--%s\"", spec->letter ? " | " : "", node->path, spec->name);
        buf_add(buf, STR(") "));
        bash_add_values(buf, spec->hint, spec->hint_words, option_words(spec));
        buf_add(buf, STR("; return ;;\n"));
}

static void bash_add_name(struct buf *buf, const struct node *node _unused_,
                          const struct option_spec *spec) {
        if (spec->letter)
                buf_printf(buf, " -%c", spec->letter);
        if (spec->name)
                buf_printf(buf, " --%s", spec->name);
        if (spec->name && spec->negatable)
                buf_printf(buf, " --no-%s", spec->name);
}

static void bash_add_positionals(struct buf *buf, const struct node *node) {
        const struct command_positional *positional = node->command->positionals;

        buf_printf(buf, "    \"%s\") ", node->path);
        if (node->command->verbs) {
                buf_add(buf, STR("_redoubt_words \""));
                add_verb_names(buf, node->command, " ");
                buf_add(buf, STR("\""));
        } else if (positional && positional->name)
                bash_add_values(buf, positional->hint, positional->hint_words, NULL);
        else
                buf_add_char(buf, ':');
        buf_add(buf, STR(" ;;\n"));
}

static void bash_write(struct buf *buf, const struct tree *tree) {
        buf_add(buf,
                STR("# bash completion of redoubt: source <(redoubt completion bash)\n"
                    "_redoubt_words() {\n"
                    "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
                    "}\n"
                    "_redoubt_files() {\n"
                    "    compopt -o filenames 2>/dev/null\n"
                    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
                    "}\n"
                    "_redoubt() {\n"
                    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                    "    local path= word i\n"
                    "    COMPREPLY=()\n"
                    "    # \"--name=value\" comes as three words\n"
                    "    if [[ $cur == = ]]; then cur=\n"
                    "    elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
                    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "        word=\"$path${path:+ }${COMP_WORDS[i]}\"\n"
                    "        case $word in\n"));
        for (size_t i = 1; i < tree->nodes.count; i++)
                buf_printf(buf, "%s\"%s\"", i == 1 ? "        " : " | ", tree->nodes.items[i].path);
        buf_add(buf, STR(") path=$word ;;\n"
                         "        *) break ;;\n"
                         "        esac\n"
                         "    done\n"
                         "    case $path:$prev in\n"));
        for (size_t i = 0; i < tree->nodes.count; i++)
                each_option(buf, &tree->nodes.items[i], bash_add_argument);
        buf_add(buf, STR("    esac\n"
                         "    if [[ $cur == -* ]]; then\n"
                         "        case $path in\n"));
        for (size_t i = 0; i < tree->nodes.count; i++) {
                buf_printf(buf, "        \"%s\") _redoubt_words \"", tree->nodes.items[i].path);
                each_option(buf, &tree->nodes.items[i], bash_add_name);
                buf_add(buf, STR("\" ;;\n"));
        }
        buf_add(buf, STR("        esac\n"
                         "        return\n"
                         "    fi\n"
                         "    case $path in\n"));
        for (size_t i = 0; i < tree->nodes.count; i++)
                bash_add_positionals(buf, &tree->nodes.items[i]);
        buf_add(buf, STR("    esac\n"
                         "}\n"
                         "complete -F _redoubt redoubt\n"));
}

/* ZSH */

/* TEXT inside single quotes, with what _arguments would take for syntax escaped. */
static void zsh_add(struct buf *buf, const char *text) {
        for (; *text; text++) {
                if (*text == '\'')
                        buf_add(buf, STR("'\\''"));
                else if (strchr("[]:\\", *text))
                        buf_printf(buf, "\\%c", *text);
                else
                        buf_add_char(buf, *text);
        }
}

static void zsh_add_values(struct buf *buf, const char *name, enum option_hint hint,
                           const char *hint_words, const struct option_word *words) {
        buf_add_char(buf, ':');
        zsh_add(buf, name);
        buf_add_char(buf, ':');
        if (words) {
                buf_add_char(buf, '(');
                add_words(buf, words);
                buf_add_char(buf, ')');
        } else if (hint == OPTION_HINT_WORDS) {
                /* A value in braces is evaluated when it is needed. */
                buf_add(buf, STR("{compadd -- "));
                add_hint_words(buf, hint_words, "$(");
                buf_add_char(buf, '}');
        } else if (hint == OPTION_HINT_FILE)
                buf_add(buf, STR("_files"));
        else if (hint == OPTION_HINT_DIR)
                buf_add(buf, STR("_files -/"));
        else
                buf_add_char(buf, ' ');
}

/* '*-o+[help]:FORMAT:(text json)': every option may be repeated, in any place. */
static void zsh_add_one(struct buf *buf, const struct option_spec *spec, const char *name,
                        const char *join) {
        buf_printf(buf, " \\\n        '*%s%s[", name, spec->argument ? join : "");
        zsh_add(buf, spec->help);
        buf_add_char(buf, ']');
        if (spec->argument)
                zsh_add_values(buf, spec->argument, spec->hint, spec->hint_words,
                               option_words(spec));
        buf_add_char(buf, '\'');
}

static void zsh_add_option(struct buf *buf, const struct node *node _unused_,
                           const struct option_spec *spec) {
        const char letter[] = { '-', spec->letter, 0 };
        struct buf name _cleanup_(buf_free) = BUF_INIT;

        if (spec->letter)
                zsh_add_one(buf, spec, letter, "+");
        if (!spec->name)
                return;
        buf_printf(&name, "--%s", spec->name);
        zsh_add_one(buf, spec, name.data, "=");
        if (spec->negatable) {
                buf_clear(&name);
                buf_printf(&name, "--no-%s", spec->name);
                zsh_add_one(buf, spec, name.data, "");
        }
}

static void zsh_add_function_name(struct buf *buf, const char *path) {
        buf_add(buf, STR("_redoubt"));
        if (*path)
                buf_add_char(buf, '_');
        for (; *path; path++)
                buf_add_char(buf, *path == ' ' || *path == '-' ? '_' : *path);
}

static void zsh_add_verbs(struct buf *buf, const struct node *node) {
        const struct command *const *verbs = node->command->verbs;

        buf_add(buf, STR(" \\\n        '1:verb:(("));
        for (size_t i = 0; verbs[i]; i++) {
                if (verbs[i]->hidden)
                        continue;
                buf_printf(buf, " %s\\:\"", verbs[i]->name);
                zsh_add(buf, verbs[i]->summary);
                buf_add_char(buf, '"');
        }
        buf_add(buf, STR(" ))' '*::argument:->argument'\n"
                         "    [[ $state == argument ]] && case $line[1] in\n"));
        for (size_t i = 0; verbs[i]; i++) {
                struct buf path _cleanup_(buf_free) = BUF_INIT;

                if (verbs[i]->hidden)
                        continue;
                buf_printf(&path, "%s%s%s", node->path, *node->path ? " " : "", verbs[i]->name);
                buf_printf(buf, "    %s) ", verbs[i]->name);
                zsh_add_function_name(buf, path.data);
                buf_add(buf, STR(" ;;\n"));
        }
        buf_add(buf, STR("    esac\n"));
}

static void zsh_write(struct buf *buf, const struct tree *tree) {
        buf_add(buf, STR("#compdef redoubt\n"
                         "# zsh completion of redoubt: source <(redoubt completion zsh)\n"));
        for (size_t i = 0; i < tree->nodes.count; i++) {
                const struct node *node = &tree->nodes.items[i];
                const struct command_positional *p = node->command->positionals;

                zsh_add_function_name(buf, node->path);
                buf_add(buf, STR("() {\n"));
                if (node->command->verbs)
                        buf_add(buf, STR("    local line state\n"));
                buf_printf(buf, "    _arguments -s%s", node->command->verbs ? " -C" : "");
                each_option(buf, node, zsh_add_option);
                if (node->command->verbs)
                        zsh_add_verbs(buf, node);
                for (; !node->command->verbs && p && p->name; p++) {
                        buf_printf(buf, " \\\n        '%s", p->repeated ? "*" : "");
                        zsh_add_values(buf, p->name, p->hint, p->hint_words, NULL);
                        buf_add_char(buf, '\'');
                }
                buf_add(buf, STR("\n}\n"));
        }
        buf_add(buf, STR("if [[ $funcstack[1] == _redoubt ]]; then _redoubt \"$@\"\n"
                         "else compdef _redoubt redoubt; fi\n"));
}

/* FISH */

static void fish_add(struct buf *buf, const char *text) {
        buf_add_char(buf, '\'');
        for (; *text; text++) {
                if (*text == '\'' || *text == '\\')
                        buf_add_char(buf, '\\');
                buf_add_char(buf, *text);
        }
        buf_add_char(buf, '\'');
}

static void fish_begin(struct buf *buf, const char *path) {
        buf_printf(buf, "complete -c redoubt -n '__redoubt_at %s'", path);
}

static void fish_add_values(struct buf *buf, enum option_hint hint, const char *hint_words,
                            const struct option_word *words) {
        struct buf list _cleanup_(buf_free) = BUF_INIT;

        if (words)
                add_words(&list, words);
        else if (hint == OPTION_HINT_WORDS)
                add_hint_words(&list, hint_words, "(");
        else if (hint == OPTION_HINT_DIR)
                buf_add(&list, STR("(__fish_complete_directories (commandline -ct))"));
        if (hint == OPTION_HINT_FILE && !words)
                buf_add(buf, STR(" -r -F"));
        else
                buf_add(buf, STR(" -x"));
        if (list.len == 0)
                return;
        buf_add(buf, STR(" -a "));
        fish_add(buf, list.data);
}

static void fish_add_option(struct buf *buf, const struct node *node,
                            const struct option_spec *spec) {
        fish_begin(buf, node->path);
        if (spec->letter)
                buf_printf(buf, " -s %c", spec->letter);
        if (spec->name)
                buf_printf(buf, " -l %s", spec->name);
        if (spec->argument)
                fish_add_values(buf, spec->hint, spec->hint_words, option_words(spec));
        buf_add(buf, STR(" -d "));
        fish_add(buf, spec->help);
        buf_add_char(buf, '\n');
        if (spec->name && spec->negatable) {
                fish_begin(buf, node->path);
                buf_printf(buf, " -l no-%s\n", spec->name);
        }
}

static void fish_add_positionals(struct buf *buf, const struct node *node) {
        const struct command_positional *p = node->command->positionals;

        for (size_t i = 0; node->command->verbs && node->command->verbs[i]; i++) {
                const struct command *verb = node->command->verbs[i];

                if (verb->hidden)
                        continue;
                fish_begin(buf, node->path);
                buf_printf(buf, " -a %s -d ", verb->name);
                fish_add(buf, verb->summary);
                buf_add_char(buf, '\n');
        }
        if (node->command->verbs || !p || !p->name)
                return;
        fish_begin(buf, node->path);
        if (p->hint == OPTION_HINT_FILE)
                buf_add(buf, STR(" -F"));
        else
                fish_add_values(buf, p->hint, p->hint_words, NULL);
        buf_add_char(buf, '\n');
}

static void fish_write(struct buf *buf, const struct tree *tree) {
        buf_add(buf, STR("# fish completion of redoubt: redoubt completion fish | source\n"
                         "function __redoubt_at\n"
                         "    set -l path\n"
                         "    for word in (commandline -opc)[2..]\n"
                         "        contains -- (string join -- ' ' $path $word)"));
        for (size_t i = 1; i < tree->nodes.count; i++)
                buf_printf(buf, " '%s'", tree->nodes.items[i].path);
        buf_add(buf, STR("\n        or break\n"
                         "        set -a path $word\n"
                         "    end\n"
                         "    test \"$path\" = \"$argv\"\n"
                         "end\n"
                         "complete -c redoubt -f\n"));
        for (size_t i = 0; i < tree->nodes.count; i++) {
                fish_add_positionals(buf, &tree->nodes.items[i]);
                each_option(buf, &tree->nodes.items[i], fish_add_option);
        }
}

/* MANUAL PAGES */

static void man_add_paragraphs(struct buf *buf, const char *text) {
        struct str rest = str_from(text), line;

        while (str_split(&rest, '\n', &line)) {
                struct buf copy _cleanup_(buf_free) = BUF_INIT;

                buf_add(&copy, line);
                if (line.len == 0)
                        buf_add(buf, STR(".PP"));
                else
                        options_add_roff(buf, copy.data);
                buf_add_char(buf, '\n');
        }
}

static void man_add_verbs(struct buf *buf, const struct command *command) {
        buf_add(buf, STR(".SH VERBS\n"));
        for (size_t i = 0; command->verbs[i]; i++) {
                if (command->verbs[i]->hidden)
                        continue;
                buf_add(buf, STR(".TP\n.B "));
                options_add_roff(buf, command->verbs[i]->name);
                buf_add_char(buf, '\n');
                man_add_paragraphs(buf, command->verbs[i]->summary);
        }
}

static void man_add_examples(struct buf *buf, const struct command_example *example) {
        buf_add(buf, STR(".SH EXAMPLES\n"));
        for (; example->line; example++) {
                buf_add(buf, STR(".TP\n.B "));
                options_add_roff(buf, example->line);
                buf_add_char(buf, '\n');
                man_add_paragraphs(buf, example->what);
        }
}

static void man_write(struct buf *buf, const struct node *node) {
        const struct command *command = node->command;
        /* Only read, for defaults. */
        union {
                const void *constant;
                void *target;
        } defaults = { command->defaults };
        const struct option_set own[] = { { command->options, defaults.target }, { NULL, NULL } };
        const struct option_set common[] = { { command_common_specs, NULL }, { NULL, NULL } };
        struct buf synopsis _cleanup_(buf_free) = BUF_INIT;
        struct buf name _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&name, "redoubt%s%s", *node->path ? "-" : "", node->path);
        for (size_t i = 0; i < name.len; i++)
                if (name.data[i] == ' ')
                        name.data[i] = '-';
        command_synopsis(&synopsis, command);
        buf_add(buf, STR(".TH \""));
        options_add_roff(buf, name.data);
        buf_printf(buf, "\" 1 \"\" \"redoubt %s\"\n.SH NAME\n", REDOUBT_VERSION);
        options_add_roff(buf, name.data);
        buf_add(buf, STR(" \\- "));
        options_add_roff(buf, command->summary);
        buf_printf(buf, "\n.SH SYNOPSIS\n.B redoubt%s%s\n", *node->path ? " " : "", node->path);
        options_add_roff(buf, synopsis.data);
        buf_add(buf, STR("\n.SH DESCRIPTION\n"));
        man_add_paragraphs(buf, command->description ? command->description : command->summary);
        if (command->verbs)
                man_add_verbs(buf, command);
        buf_add(buf, STR(".SH OPTIONS\n"));
        options_roff(buf, own);
        options_roff(buf, common);
        if (command->examples)
                man_add_examples(buf, command->examples);
}

/* THE VERB */

static int write_script(struct command_context *context,
                        void (*write)(struct buf *buf, const struct tree *tree)) {
        struct buf script _cleanup_(buf_free) = BUF_INIT;
        struct tree tree = tree_new(context->arena);

        write(&script, &tree);
        fwrite(script.data, 1, script.len, stdout);
        return COMMAND_CLEAN;
}

static int run_bash(struct command_context *context, int argc _unused_, char **argv _unused_) {
        return write_script(context, bash_write);
}

static int run_zsh(struct command_context *context, int argc _unused_, char **argv _unused_) {
        return write_script(context, zsh_write);
}

static int run_fish(struct command_context *context, int argc _unused_, char **argv _unused_) {
        return write_script(context, fish_write);
}

static int run_verbs(struct command_context *context _unused_, int argc _unused_,
                     char **argv _unused_) {
        struct buf names _cleanup_(buf_free) = BUF_INIT;

        add_verb_names(&names, &command_root, "\n");
        printf("%s\n", names.data);
        return COMMAND_CLEAN;
}

/* The page of a verb ("policy test" as two arguments), of redoubt itself without one. */
static int run_man(struct command_context *context, int argc, char **argv) {
        struct buf page _cleanup_(buf_free) = BUF_INIT;
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        struct tree tree = tree_new(context->arena);

        for (int i = 0; i < argc; i++)
                buf_printf(&path, "%s%s", i ? " " : "", argv[i]);
        for (size_t i = 0; i < tree.nodes.count; i++) {
                if (!str_eq(str_from(tree.nodes.items[i].path), buf_str(&path)))
                        continue;
                man_write(&page, &tree.nodes.items[i]);
                fwrite(page.data, 1, page.len, stdout);
                return COMMAND_CLEAN;
        }
        return command_unknown_verb(&command_root, context->name, path.data);
}

static const struct command_positional man_positionals[] = {
        { "VERB", OPTION_HINT_WORDS, "!completion verbs", .optional = true, .repeated = true },
        { NULL },
};

static const struct command bash = { .name = "bash",
                                     .summary = "for bash: source <(redoubt completion bash)",
                                     .run = run_bash };
static const struct command zsh = { .name = "zsh",
                                    .summary = "for zsh: source <(redoubt completion zsh)",
                                    .run = run_zsh };
static const struct command fish = { .name = "fish",
                                     .summary = "for fish: redoubt completion fish | source",
                                     .run = run_fish };
static const struct command man = { .name = "man",
                                    .summary = "a manual page, in roff",
                                    .positionals = man_positionals,
                                    .hidden = true,
                                    .run = run_man };
static const struct command verbs = {
        .name = "verbs", .summary = "the names of all verbs", .hidden = true, .run = run_verbs
};

static const struct command *const completion_verbs[] = {
        &bash, &zsh, &fish, &man, &verbs, NULL,
};

static const struct command_example completion_examples[] = {
        { "source <(redoubt completion bash)", "complete in this shell" },
        { "redoubt completion bash > /etc/bash_completion.d/redoubt",
          "for everybody, from now on" },
        { NULL },
};

const struct command command_completion = {
        .name = "completion",
        .summary = "write a completion script for a shell",
        .usage = "SHELL",
        .description = "Writes a script that teaches a shell the verbs and options of redoubt.",
        .examples = completion_examples,
        .verbs = completion_verbs,
};
