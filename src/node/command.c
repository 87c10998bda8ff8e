/*
 * Command lines of Go programs, and settings that are decided by flags, files and defaults.
 */
#include "node/private.h"

enum { FLAGS_MAX = 2000 };

/* Kubernetes' flags take _ for -. */
static struct str normal_name(struct arena *arena, struct str name) {
        struct str copy;
        char *text;

        if (!memchr(name.ptr, '_', name.len))
                return name;
        copy = arena_str(arena, name);
        text = (char *)copy.ptr;
        for (size_t i = 0; i < copy.len; i++)
                if (text[i] == '_')
                        text[i] = '-';
        return copy;
}

static const struct setting *find_setting(const struct setting *settings, size_t count,
                                          struct str name) {
        for (size_t i = 0; i < count; i++)
                if (settings[i].flag && str_eq(name, str_from(settings[i].flag)))
                        return &settings[i];
        return NULL;
}

/* Whether the word behind a flag without "=" is its value. */
static bool takes_next(const struct setting *setting, const struct words *words, size_t next) {
        struct str word;

        if ((setting && setting->type == SETTING_BOOL) || next >= words->count)
                return false;
        word = words->items[next].text;
        return setting || !str_starts(word, STR("-"));
}

void flags_parse(struct arena *arena, const struct words *words, size_t first,
                 const struct setting *settings, size_t count, struct flags *ret) {
        for (size_t i = first; i < words->count && ret->count < FLAGS_MAX; i++) {
                struct str text = words->items[i].text;
                struct flag flag = { .place = words->items[i].place,
                                     .source = words->items[i].source };
                ptrdiff_t equals;

                if (str_eq(text, STR("--")))
                        break;
                if (!str_starts(text, STR("-")) || text.len < 2)
                        continue;
                text = str_slice(text, str_starts(text, STR("--")) ? 2 : 1, text.len);
                equals = str_find(text, STR("="), 0);
                flag.name =
                        normal_name(arena, equals < 0 ? text : str_slice(text, 0, (size_t)equals));
                flag.value =
                        equals < 0 ? STR("true") : str_slice(text, (size_t)equals + 1, text.len);
                if (equals < 0 &&
                    takes_next(find_setting(settings, count, flag.name), words, i + 1))
                        flag.value = words->items[++i].text;
                *vec_push_in(arena, ret) = flag;
        }
}

const struct flag *flags_get(const struct flags *flags, const char *name) {
        for (size_t i = flags->count; i-- > 0;)
                if (str_eq(flags->items[i].name, str_from(name)))
                        return &flags->items[i];
        return NULL;
}

static bool is_secret(struct str name) {
        static const char *const words[] = { "token", "secret", "password", "datastore-endpoint" };

        if (str_find(name, STR("file"), 0) >= 0 || str_find(name, STR("ttl"), 0) >= 0 ||
            str_find(name, STR("webhook"), 0) >= 0 || str_ends(name, STR("-auth")) ||
            str_ends(name, STR("auth-token")) || str_find(name, STR("expiration"), 0) >= 0)
                return false;
        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (str_find(name, str_from(words[i]), 0) >= 0)
                        return true;
        return false;
}

struct fact *flags_fact(struct node *node, const struct flags *flags) {
        struct arena *arena = node->arena;
        struct fact *map = fact_map(arena);

        for (size_t i = 0; i < flags->count; i++) {
                const struct flag *flag = &flags->items[i];
                bool hidden = is_secret(flag->name) && !str_eq(flag->value, STR("true")) &&
                              !str_eq(flag->value, STR("false"));
                struct str value = hidden ? STR("(hidden)") : flag->value;
                struct fact *fact =
                        fact_setting(arena, fact_string(arena, value), flag->source, flag->place);
                struct fact *values = fact_list(arena);

                if (flag->name.len == 0)
                        continue;
                for (size_t k = 0; k < flags->count; k++)
                        if (str_eq(flags->items[k].name, flag->name))
                                fact_add_string(arena, values,
                                                hidden ? value : flags->items[k].value);
                fact_set(arena, fact, STR("values"), values);
                if (hidden)
                        fact_set_string(arena, fact, "fingerprint",
                                        node_fingerprint(node, flag->value));
                fact_set(arena, map, flag->name, fact);
        }
        return map;
}

static struct fact *map_value(struct arena *arena, struct str text, bool booleans) {
        struct fact *map = fact_map(arena);
        struct str part;
        bool flag;

        while (text.len > 0 && str_split(&text, ',', &part)) {
                ptrdiff_t equals = str_find(part, STR("="), 0);
                struct str value;

                part = str_trim(part);
                equals = str_find(part, STR("="), 0);
                if (equals <= 0)
                        equals = str_find(part, STR("<"), 0);
                if (equals <= 0)
                        continue;
                value = str_trim(str_slice(part, (size_t)equals + 1, part.len));
                fact_set(arena, map, str_trim(str_slice(part, 0, (size_t)equals)),
                         booleans && node_bool(value, &flag) ? fact_bool(arena, flag)
                                                             : fact_string(arena, value));
        }
        return map;
}

struct fact *setting_value(struct arena *arena, enum setting_type type, struct str text) {
        struct fact *list;
        struct str part;
        int64_t integer;
        double number;
        bool flag;

        switch (type) {
        case SETTING_BOOL:
                return node_bool(text, &flag) ? fact_bool(arena, flag) : NULL;
        case SETTING_INT:
                return node_int(text, &integer) ? fact_int(arena, integer) : NULL;
        case SETTING_NUMBER:
                return node_duration(arena_printf(arena, "%.*ss", STR_ARG(text)), &number)
                               ? fact_number(arena, number)
                               : NULL;
        case SETTING_DURATION:
                return node_duration(text, &number) ? fact_number(arena, number) : NULL;
        case SETTING_LIST:
        case SETTING_FILES:
                list = fact_list(arena);
                while (text.len > 0 && str_split(&text, ',', &part))
                        fact_add_string(arena, list, str_trim(part));
                return list;
        case SETTING_MAP:
        case SETTING_GATES:
                return map_value(arena, text, type == SETTING_GATES);
        default:
                return fact_string(arena, text);
        }
}

static struct fact *zero(struct arena *arena, enum setting_type type) {
        switch (type) {
        case SETTING_BOOL:
                return fact_bool(arena, false);
        case SETTING_INT:
                return fact_int(arena, 0);
        case SETTING_NUMBER:
        case SETTING_DURATION:
                return fact_number(arena, 0);
        case SETTING_LIST:
        case SETTING_FILES:
        case SETTING_LITERAL:
                return fact_list(arena);
        case SETTING_MAP:
        case SETTING_GATES:
                return fact_map(arena);
        default:
                return fact_text(arena, "");
        }
}

static bool is_zero(const struct fact *value) {
        switch (value->kind) {
        case FACT_BOOL:
                return !value->boolean;
        case FACT_INT:
                return value->integer == 0;
        case FACT_NUMBER:
                return value->number == 0;
        case FACT_STRING:
                return value->string.len == 0;
        default:
                return value->count == 0;
        }
}

/* What a document says, as a value of TYPE; NULL where it is none of it. */
static struct fact *document_value(struct arena *arena, enum setting_type type,
                                   const struct doc_node *node) {
        double number;

        switch (type) {
        case SETTING_BOOL:
                return node->kind == DOC_BOOL ? fact_bool(arena, node->boolean) : NULL;
        case SETTING_INT:
                return node->kind == DOC_INT ? fact_int(arena, node->integer) : NULL;
        case SETTING_NUMBER:
                return node->kind == DOC_INT      ? fact_number(arena, (double)node->integer)
                       : node->kind == DOC_DOUBLE ? fact_number(arena, node->number)
                                                  : NULL;
        case SETTING_DURATION:
                return node->kind == DOC_STRING && node_duration(node->string, &number)
                               ? fact_number(arena, number)
                               : NULL;
        case SETTING_LIST:
        case SETTING_FILES:
                return node->kind == DOC_LIST     ? fact_of_doc(arena, node)
                       : node->kind == DOC_STRING ? setting_value(arena, type, node->string)
                                                  : NULL;
        case SETTING_MAP:
        case SETTING_GATES:
                return node->kind == DOC_MAP ? fact_of_doc(arena, node) : NULL;
        case SETTING_STRING:
        case SETTING_FILE:
                return node->kind == DOC_STRING ? fact_string(arena, node->string) : NULL;
        default:
                return fact_of_doc(arena, node);
        }
}

static const struct doc_node *find_dotted(const struct doc_node *root, const char *path) {
        struct str rest = str_from(path), part;

        while (root && str_split(&rest, '.', &part))
                root = doc_get(root, part);
        return root;
}

static const char *fallback_of(const struct setting *setting, int minor) {
        return setting->changed && (minor == 0 || minor >= setting->changed) ? setting->now
                                                                             : setting->fallback;
}

static struct fact *default_value(struct node *node, const struct setting *setting) {
        const char *text = fallback_of(setting, node->minor);

        return text ? setting_value(node->arena, setting->type, str_from(text))
                    : zero(node->arena, setting->type);
}

static bool is_map(enum setting_type type) {
        return type == SETTING_MAP || type == SETTING_GATES;
}

/* Lays the members of OVER over those of MAP. A null removes, as a JSON merge patch does. */
static struct fact *merged(struct arena *arena, const struct fact *map, struct fact *over) {
        struct fact *fact = fact_map(arena);

        for (const struct fact_member *m = map->first; m; m = m->next)
                fact_set(arena, fact, m->key, m->value);
        for (const struct fact_member *m = over->first; m; m = m->next)
                fact_set(arena, fact, m->key, m->value);
        return fact;
}

/* The value of the last layer that has one. */
static struct fact *from_layers(struct node *node, const struct settings_input *input,
                                const struct setting *setting) {
        struct arena *arena = node->arena;
        struct fact *found = NULL;

        for (size_t i = 0; i < input->layer_count; i++) {
                const struct layer *layer = &input->layers[i];
                const struct doc_node *at = find_dotted(layer->root, setting->field);
                struct place place = node_place(layer->path, at);
                struct fact *value;

                /* defaults of maps are filled in before anything is laid over them */
                if (i == 0 && is_map(setting->type) && setting->fallback &&
                    (!at || at->kind == DOC_NULL) && strcmp(layer->source, "config") == 0)
                        found = fact_setting(arena, default_value(node, setting), "default",
                                             input->place);
                if (!at || (i == 0 && at->kind == DOC_NULL))
                        continue;
                value = at->kind == DOC_NULL ? NULL : document_value(arena, setting->type, at);
                if (at->kind == DOC_NULL) {
                        found = NULL;
                } else if (!value) {
                        found = fact_unknown(arena,
                                             arena_printf(arena,
                                                          "%.*s:%u: %s is a %s, which it cannot be",
                                                          STR_ARG(layer->path), place.line,
                                                          setting->field, doc_kind_name(at->kind)),
                                             place);
                } else {
                        if (found && is_map(setting->type) && fact_value(found) &&
                            fact_value(found)->kind == FACT_MAP)
                                value = merged(arena, fact_value(found), value);
                        found = fact_setting(arena, value, layer->source, place);
                }
        }
        if (found && setting->zero_is_unset && fact_value(found) && is_zero(fact_value(found)))
                return NULL;
        return found;
}

static struct fact *from_flag(struct node *node, const struct settings_input *input,
                              const struct setting *setting, const struct fact *below) {
        struct arena *arena = node->arena;
        const struct flag *flag = setting->flag ? flags_get(input->flags, setting->flag) : NULL;
        struct fact *value = NULL;

        if (!flag)
                return NULL;
        for (size_t i = 0; i < input->flags->count; i++) {
                const struct flag *one = &input->flags->items[i];
                struct fact *more;

                if (!str_eq(one->name, flag->name))
                        continue;
                more = setting_value(arena, setting->type, one->value);
                if (value && more && (value->kind == FACT_LIST)) {
                        for (const struct fact_member *m = more->first; m; m = m->next)
                                fact_add(arena, value, m->value);
                } else if (value && more && value->kind == FACT_MAP) {
                        value = merged(arena, value, more);
                } else {
                        value = more;
                }
        }
        if (!value)
                return fact_unknown(arena,
                                    arena_printf(arena, "--%s=%.*s cannot be read", setting->flag,
                                                 STR_ARG(flag->value)),
                                    flag->place);
        /* Feature gates of flags are laid over those of files; other maps take their place. */
        if (setting->type == SETTING_GATES && fact_value(below) &&
            fact_value(below)->kind == FACT_MAP)
                value = merged(arena, fact_value(below), value);
        return fact_setting(arena, value, flag->source, flag->place);
}

static struct fact *from_environment(struct node *node, const struct settings_input *input,
                                     const struct setting *setting) {
        struct arena *arena = node->arena;
        struct buf name _cleanup_(buf_free) = BUF_INIT;
        struct fact *value;

        if (!input->environment_prefix || !setting->flag)
                return NULL;
        buf_add(&name, str_from(input->environment_prefix));
        for (const char *c = setting->flag; *c; c++)
                buf_add_char(&name, *c == '-'                ? '_'
                                    : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A')
                                                             : *c);
        for (size_t i = input->environment->count; i-- > 0;) {
                const struct variable *variable = &input->environment->items[i];

                if (!str_eq(variable->name, buf_str(&name)))
                        continue;
                value = setting_value(arena, setting->type, variable->value);
                return value ? fact_setting(arena, value, "environment", variable->place)
                             : fact_unknown(arena, STR("the variable cannot be read"),
                                            variable->place);
        }
        return NULL;
}

static struct fact *decide(struct node *node, const struct settings_input *input,
                           const struct setting *setting) {
        struct fact *below = from_layers(node, input, setting);
        struct fact *fact = from_flag(node, input, setting, below);

        if (!fact && !below)
                fact = from_environment(node, input, setting);
        if (!fact)
                fact = below;
        if (!fact && input->unknown.len > 0)
                return fact_unknown(node->arena, input->unknown, input->place);
        if (fact)
                return fact;
        return fact_setting(node->arena, default_value(node, setting), "default", input->place);
}

void settings_fill(struct node *node, const struct settings_input *input, struct fact *map) {
        for (size_t i = 0; i < input->count; i++) {
                const struct setting *setting = &input->settings[i];
                struct str field = str_from(setting->field), folder = field;
                struct fact *at = map;

                if (setting->since && node->minor && node->minor < setting->since)
                        continue;
                while (folder.len > 0 && folder.ptr[folder.len - 1] != '.')
                        folder.len--;
                if (folder.len > 0)
                        at = fact_make(
                                node->arena, map,
                                arena_printf(node->arena, "%.*s", (int)folder.len - 1, folder.ptr)
                                        .ptr);
                fact_set(node->arena, at, str_slice(field, folder.len, field.len),
                         decide(node, input, setting));
        }
}
