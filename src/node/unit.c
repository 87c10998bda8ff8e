/*
 * Units of systemd: systemd.syntax(7), systemd.unit(5), systemd.service(5), systemd.exec(5).
 *
 * A unit is its file and the drop-ins NAME.d/x.conf of all unit folders, in the order of their
 * names; an earlier folder hides files of the same name in later ones. An empty assignment resets
 * a list. Words of ExecStart are split with quotes and escapes; $NAME as a word of its own is
 * replaced by the words of the variable, ${NAME} anywhere by its value. Each word keeps the place
 * where it is written, which for a variable is its definition.
 */
#include "node/private.h"

enum { DIRECTIVES_MAX = 20000, DROP_INS_MAX = 200, VARIABLES_MAX = 2000 };

static const char *const folders[] = { "/etc/systemd/system", "/run/systemd/system",
                                       "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                       "/lib/systemd/system" };

static bool is_comment(struct str line) {
        return line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';';
}

/* The next line with what a backslash at its end continues. Returns false at the end. */
static bool logical_line(struct arena *arena, struct str *rest, uint32_t *number, struct str *ret,
                         uint32_t *ret_number) {
        struct buf joined _cleanup_(buf_free) = BUF_INIT;
        struct str line;
        bool more = false;

        while (str_split(rest, '\n', &line)) {
                struct str text = str_trim(line);

                ++*number;
                if (more && is_comment(text) && text.len > 0)
                        continue;
                if (!more)
                        *ret_number = *number;
                else
                        buf_add_char(&joined, ' ');
                if (text.len == 0 || text.ptr[text.len - 1] != '\\' ||
                    (!more && is_comment(text))) {
                        if (!more) {
                                *ret = text;
                                return true;
                        }
                        buf_add(&joined, text);
                        break;
                }
                text.len--;
                buf_add(&joined, text);
                more = true;
        }
        if (!more)
                return false;
        *ret = str_trim(arena_str(arena, buf_str(&joined)));
        return true;
}

void unit_parse(struct arena *arena, struct str path, struct str text, struct unit *unit) {
        struct str section = STR(""), line;
        uint32_t number = 0, first = 1;

        while (unit->directives.count < DIRECTIVES_MAX &&
               logical_line(arena, &text, &number, &line, &first)) {
                ptrdiff_t equals = str_find(line, STR("="), 0);
                struct directive directive = { .place = { path, first, 1 } };

                if (is_comment(line))
                        continue;
                if (line.ptr[0] == '[') {
                        section = str_slice(line, 1, line.len - (line.ptr[line.len - 1] == ']'));
                        continue;
                }
                if (equals <= 0)
                        continue;
                directive.section = section;
                directive.key = str_trim(str_slice(line, 0, (size_t)equals));
                directive.value = str_trim(str_slice(line, (size_t)equals + 1, line.len));
                *vec_push_in(arena, &unit->directives) = directive;
        }
}

struct drop_in {
        struct str name, path;
};

static int by_name(const void *a, const void *b) {
        return str_cmp(((const struct drop_in *)a)->name, ((const struct drop_in *)b)->name);
}

static void read_drop_ins(struct node *node, struct unit *unit) {
        VEC(struct drop_in) found = { 0 };

        for (size_t i = 0; i < ELEMENTS(folders); i++) {
                struct str folder =
                        arena_printf(node->arena, "%s/%.*s.d", folders[i], STR_ARG(unit->name));
                struct root_names names = { 0 };

                if (root_list(&node->root, folder, node->arena, &names) < 0)
                        continue;
                for (size_t k = 0; k < names.count && found.count < DROP_INS_MAX; k++) {
                        bool hidden = !str_ends(names.items[k], STR(".conf"));

                        for (size_t m = 0; m < found.count && !hidden; m++)
                                hidden = str_eq(found.items[m].name, names.items[k]);
                        if (!hidden)
                                *vec_push(&found) =
                                        (struct drop_in){ names.items[k],
                                                          node_join(node, folder, names.items[k]) };
                }
        }
        if (found.count > 1)
                qsort(found.items, found.count, sizeof *found.items, by_name);
        unit->drop_ins = arena_new_array(node->arena, found.count, struct str);
        for (size_t i = 0; i < found.count; i++) {
                struct str text;

                if (node_read(node, &node->root, found.items[i].path, "unit", "", &text) < 0)
                        continue;
                unit->drop_ins[unit->drop_in_count++] = found.items[i].path;
                unit_parse(node->arena, found.items[i].path, text, unit);
        }
        vec_free(&found);
}

int unit_read(struct node *node, struct str name, struct unit *ret) {
        struct str text;
        int r = -ENOENT;

        *ret = (struct unit){ .name = name };
        for (size_t i = 0; i < ELEMENTS(folders) && r < 0; i++) {
                struct str path = arena_printf(node->arena, "%s/%.*s", folders[i], STR_ARG(name));

                r = node_read(node, &node->root, path, "unit", "", &text);
                if (r >= 0)
                        ret->path = path;
        }
        if (r < 0)
                return r;
        unit_parse(node->arena, ret->path, text, ret);
        read_drop_ins(node, ret);
        return 0;
}

bool unit_is_enabled(struct node *node, struct str name) {
        for (size_t i = 0; i < ELEMENTS(folders); i++) {
                struct root_names names = { 0 };
                struct stat st;

                if (root_list(&node->root, str_from(folders[i]), node->arena, &names) < 0)
                        continue;
                for (size_t k = 0; k < names.count; k++)
                        if ((str_ends(names.items[k], STR(".wants")) ||
                             str_ends(names.items[k], STR(".requires"))) &&
                            root_stat(&node->root,
                                      arena_printf(node->arena, "%s/%.*s/%.*s", folders[i],
                                                   STR_ARG(names.items[k]), STR_ARG(name)),
                                      false, &st) >= 0)
                                return true;
        }
        return false;
}

const struct directive *unit_get(const struct unit *unit, const char *section, const char *key) {
        const struct directive *found = NULL;

        for (size_t i = 0; i < unit->directives.count; i++) {
                const struct directive *directive = &unit->directives.items[i];

                if (str_eq(directive->section, str_from(section)) &&
                    str_eq(directive->key, str_from(key)))
                        found = directive->value.len > 0 ? directive : NULL;
        }
        return found;
}

static char unescape(char c) {
        switch (c) {
        case 'n':
                return '\n';
        case 't':
                return '\t';
        case 's':
                return ' ';
        default:
                return c;
        }
}

void unit_split(struct arena *arena, struct str text, struct place place, struct words *ret) {
        struct buf word _cleanup_(buf_free) = BUF_INIT;
        size_t i = 0;

        while (i < text.len && ret->count < NODE_WORDS_MAX) {
                char quote = 0;
                bool any = false;

                buf_clear(&word);
                while (i < text.len && (text.ptr[i] == ' ' || text.ptr[i] == '\t'))
                        i++;
                for (; i < text.len; i++) {
                        char c = text.ptr[i];

                        if (!quote && (c == ' ' || c == '\t'))
                                break;
                        any = true;
                        if (quote ? c == quote : c == '"' || c == '\'')
                                quote = quote ? 0 : c;
                        else if (c == '\\' && i + 1 < text.len && quote != '\'')
                                buf_add_char(&word, unescape(text.ptr[++i]));
                        else
                                buf_add_char(&word, c);
                }
                if (any)
                        *vec_push_in(arena, ret) =
                                (struct word){ arena_str(arena, buf_str(&word)), place, "flag" };
        }
}

static struct str unquote(struct str value) {
        if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'') &&
            value.ptr[value.len - 1] == value.ptr[0])
                return str_slice(value, 1, value.len - 1);
        return value;
}

void unit_variables(struct arena *arena, struct str path, struct str text, struct variables *ret) {
        uint32_t number = 0, first = 1;
        struct str line;

        while (ret->count < VARIABLES_MAX && logical_line(arena, &text, &number, &line, &first)) {
                ptrdiff_t equals;

                if (is_comment(line))
                        continue;
                if (str_starts(line, STR("export ")))
                        line = str_trim(str_slice(line, 7, line.len));
                equals = str_find(line, STR("="), 0);
                if (equals <= 0)
                        continue;
                *vec_push_in(arena, ret) = (struct variable){
                        str_trim(str_slice(line, 0, (size_t)equals)),
                        unquote(str_trim(str_slice(line, (size_t)equals + 1, line.len))),
                        { path, first, 1 }
                };
        }
}

static void add_environment(struct node *node, const struct directive *directive,
                            struct variables *ret) {
        struct words words = { 0 };

        unit_split(node->arena, directive->value, directive->place, &words);
        for (size_t i = 0; i < words.count && ret->count < VARIABLES_MAX; i++) {
                struct str text = words.items[i].text;
                ptrdiff_t equals = str_find(text, STR("="), 0);

                if (equals > 0)
                        *vec_push_in(node->arena, ret) =
                                (struct variable){ str_slice(text, 0, (size_t)equals),
                                                   str_slice(text, (size_t)equals + 1, text.len),
                                                   directive->place };
        }
}

static void add_environment_file(struct node *node, const struct directive *directive,
                                 struct variables *ret) {
        struct str path = directive->value, text;

        if (str_starts(path, STR("-")))
                path = str_slice(path, 1, path.len);
        if (node_read(node, &node->root, path, "environment file", "", &text) >= 0)
                unit_variables(node->arena, path, text, ret);
}

/* Files win over Environment=; of the same variable the last. */
void unit_environment(struct node *node, const struct unit *unit, struct variables *ret) {
        for (int files = 0; files < 2; files++) {
                const char *key = files ? "EnvironmentFile" : "Environment";
                size_t first = 0;

                for (size_t i = 0; i < unit->directives.count; i++)
                        if (str_eq(unit->directives.items[i].key, str_from(key)) &&
                            unit->directives.items[i].value.len == 0)
                                first = i + 1;
                for (size_t i = first; i < unit->directives.count; i++) {
                        const struct directive *directive = &unit->directives.items[i];

                        if (!str_eq(directive->key, str_from(key)))
                                continue;
                        if (files)
                                add_environment_file(node, directive, ret);
                        else
                                add_environment(node, directive, ret);
                }
        }
}

static const struct variable *find_variable(const struct variables *variables, struct str name) {
        for (size_t i = variables->count; i-- > 0;)
                if (str_eq(variables->items[i].name, name))
                        return &variables->items[i];
        return NULL;
}

static bool is_name(struct str text) {
        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];

                if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (i > 0 && c >= '0' && c <= '9')))
                        return false;
        }
        return text.len > 0;
}

/* ${NAME} within WORD. */
static struct word expand(struct arena *arena, const struct variables *variables,
                          struct word word) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        size_t at = 0;

        for (;;) {
                ptrdiff_t start = str_find(word.text, STR("${"), at);
                ptrdiff_t end = start < 0 ? -1 : str_find(word.text, STR("}"), (size_t)start);
                const struct variable *variable;

                if (end < 0)
                        break;
                buf_add(&text, str_slice(word.text, at, (size_t)start));
                variable = find_variable(variables,
                                         str_slice(word.text, (size_t)start + 2, (size_t)end));
                if (variable && text.len < ROOT_FILE_MAX) {
                        buf_add(&text, variable->value);
                        word.place = variable->place;
                }
                at = (size_t)end + 1;
        }
        if (at == 0)
                return word;
        buf_add(&text, str_slice(word.text, at, word.text.len));
        word.text = arena_str(arena, buf_str(&text));
        return word;
}

void unit_command(struct node *node, const struct unit *unit, struct words *ret) {
        const struct directive *start = unit_get(unit, "Service", "ExecStart");
        struct variables variables = { 0 };
        struct words raw = { 0 };
        struct str value;

        if (!start)
                return;
        value = start->value;
        while (value.len > 0 && strchr("@-:+!|", value.ptr[0]))
                value = str_slice(value, 1, value.len);
        unit_environment(node, unit, &variables);
        unit_split(node->arena, value, start->place, &raw);
        for (size_t i = 0; i < raw.count && ret->count < NODE_WORDS_MAX; i++) {
                struct word word = raw.items[i];
                struct str name = str_slice(word.text, 1, word.text.len);
                const struct variable *variable;

                if (!str_starts(word.text, STR("$")) || !is_name(name)) {
                        *vec_push_in(node->arena, ret) = expand(node->arena, &variables, word);
                        continue;
                }
                variable = find_variable(&variables, name);
                if (variable)
                        unit_split(node->arena, variable->value, variable->place, ret);
        }
}
