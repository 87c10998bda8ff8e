/* The texts that are made from option tables: usage and manual pages. */
#include <string.h>

#include "base/options.h"
#include "base/utf8.h"
#include "base/util.h"

enum {
        LEFT = 2,       /* where options begin */
        HELP_MAX = 32,  /* help begins here at the latest */
        WIDTH_MIN = 30, /* a narrower terminal is not helped by wrapping */
        HELP_NARROW = 10
};

static size_t text_width(struct str s) {
        size_t width = 0;

        for (size_t i = 0; i < s.len;) {
                int32_t code = utf8_next(s, &i);

                width += code < 0 ? 1 : (size_t)utf8_width(code);
        }
        return width;
}

void options_wrap(struct buf *buf, const char *text, size_t indent, size_t column, size_t width) {
        struct str rest = str_from(text), line;
        bool first_line = true;

        if (width < WIDTH_MIN)
                width = WIDTH_MIN;
        while (str_split(&rest, '\n', &line)) {
                struct str word;
                bool fresh = true;

                if (!first_line)
                        column = 0;
                first_line = false;
                while (str_split(&line, ' ', &word)) {
                        size_t cells = text_width(word);

                        if (cells == 0)
                                continue;
                        if (!fresh && column + 1 + cells > width) {
                                buf_add_char(buf, '\n');
                                column = 0;
                                fresh = true;
                        }
                        if (fresh && column < indent) {
                                buf_add_repeat(buf, ' ', indent - column);
                                column = indent;
                        } else if (!fresh) {
                                buf_add_char(buf, ' ');
                                column++;
                        }
                        buf_add(buf, word);
                        column += cells;
                        fresh = false;
                }
                buf_add_char(buf, '\n');
        }
}

/* "-o, --output FORMAT" */
static void add_names(struct buf *buf, const struct option_spec *spec) {
        if (spec->letter)
                buf_printf(buf, "-%c%s", spec->letter, spec->name ? ", " : "");
        else
                buf_add_repeat(buf, ' ', 4);
        if (spec->name)
                buf_printf(buf, "--%s%s", spec->negatable ? "[no-]" : "", spec->name);
        if (spec->argument)
                buf_printf(buf, " %s", spec->argument);
}

static void add_default(struct buf *buf, const struct option_spec *spec, const void *target) {
        const void *field;

        if (!target)
                return;
        field = (const char *)target + spec->offset;
        switch (spec->type) {
        case OPTION_STRING:
                if (*(const char *const *)field)
                        buf_printf(buf, " (default: %s)", *(const char *const *)field);
                break;
        case OPTION_INTEGER:
                if (*(const int64_t *)field > 0) /* less stands for something else */
                        buf_printf(buf, " (default: %lld)", (long long)*(const int64_t *)field);
                break;
        case OPTION_SIZE: {
                size_t bytes = *(const size_t *)field;
                const char *unit = "";

                for (const char *next = "KMGT"; *next && bytes != 0 && bytes % 1024 == 0; next++) {
                        bytes /= 1024;
                        unit = next;
                }
                if (bytes != 0)
                        buf_printf(buf, " (default: %zu%.1s)", bytes, unit);
                break;
        }
        case OPTION_CHOICE:
        case OPTION_COLOUR:
                for (const struct option_word *word = option_words(spec); word->word; word++)
                        if (word->value == *(const int *)field) {
                                buf_printf(buf, " (default: %s)", word->word);
                                break;
                        }
                break;
        default:
                break;
        }
}

static void add_help(struct buf *buf, const struct option_spec *spec, const void *target) {
        const struct option_word *words = option_words(spec);

        buf_add(buf, str_from(spec->help));
        for (const struct option_word *word = words; word && word->word; word++)
                buf_printf(buf, "%s%s", word == words ? ": " : ", ", word->word);
        add_default(buf, spec, target);
}

/* The column of the help texts: behind the longest names that leave enough room. */
static size_t help_column(const struct option_set *sets, size_t width) {
        size_t column = 0, most = width < 60 ? HELP_NARROW : HELP_MAX;
        struct buf names _cleanup_(buf_free) = BUF_INIT;

        for (; sets->specs; sets++)
                for (const struct option_spec *spec = sets->specs; spec->type; spec++) {
                        if (spec->type == OPTION_TYPE_SECTION || spec->hidden)
                                continue;
                        buf_clear(&names);
                        add_names(&names, spec);
                        if (LEFT + names.len + 2 <= most && LEFT + names.len + 2 > column)
                                column = LEFT + names.len + 2;
                }
        return column ? column : most;
}

static void add_option(struct buf *buf, const struct option_set *set,
                       const struct option_spec *spec, size_t indent, size_t width) {
        struct buf help _cleanup_(buf_free) = BUF_INIT;
        size_t start = buf->len, column;

        buf_add_repeat(buf, ' ', LEFT);
        add_names(buf, spec);
        column = buf->len - start;
        if (column + 2 > indent) {
                buf_add_char(buf, '\n');
                column = 0;
        }
        add_help(&help, spec, set->target);
        options_wrap(buf, help.data, indent, column, width);
}

void options_usage(struct buf *buf, const struct option_set *sets, size_t width) {
        size_t indent = help_column(sets, width);

        for (; sets->specs; sets++)
                for (const struct option_spec *spec = sets->specs; spec->type; spec++) {
                        if (spec->hidden)
                                continue;
                        if (spec->type == OPTION_TYPE_SECTION)
                                buf_printf(buf, "\n%s:\n", spec->help);
                        else
                                add_option(buf, sets, spec, indent, width);
                }
}

void options_add_roff(struct buf *buf, const char *text) {
        bool line_start = true;

        for (; *text; text++) {
                if (line_start && (*text == '.' || *text == '\''))
                        buf_add(buf, STR("\\&"));
                if (*text == '\\')
                        buf_add(buf, STR("\\e"));
                else if (*text == '-')
                        buf_add(buf, STR("\\-"));
                else
                        buf_add_char(buf, *text);
                line_start = *text == '\n';
        }
}

static void add_roff_option(struct buf *buf, const struct option_spec *spec, const void *target) {
        struct buf help _cleanup_(buf_free) = BUF_INIT;

        buf_add(buf, STR(".TP\n"));
        if (spec->letter)
                buf_printf(buf, "\\fB\\-%c\\fR%s", spec->letter, spec->name ? ", " : "");
        if (spec->name) {
                buf_add(buf, STR("\\fB\\-\\-"));
                if (spec->negatable)
                        buf_add(buf, STR("\\fR[\\fBno\\-\\fR]\\fB"));
                options_add_roff(buf, spec->name);
                buf_add(buf, STR("\\fR"));
        }
        if (spec->argument) {
                buf_add(buf, STR(" \\fI"));
                options_add_roff(buf, spec->argument);
                buf_add(buf, STR("\\fR"));
        }
        buf_add_char(buf, '\n');
        add_help(&help, spec, target);
        options_add_roff(buf, help.data);
        buf_add(buf, STR(".\n"));
}

void options_roff(struct buf *buf, const struct option_set *sets) {
        for (; sets->specs; sets++)
                for (const struct option_spec *spec = sets->specs; spec->type; spec++) {
                        if (spec->hidden)
                                continue;
                        if (spec->type == OPTION_TYPE_SECTION)
                                buf_printf(buf, ".SS %s\n", spec->help);
                        else
                                add_roff_option(buf, spec, sets->target);
                }
}
