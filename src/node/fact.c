#include "node/fact.h"

#include "base/util.h"

static struct fact *make(struct arena *arena, enum fact_kind kind) {
        struct fact *fact = arena_new(arena, struct fact);

        fact->kind = kind;
        return fact;
}

struct fact *fact_map(struct arena *arena) {
        return make(arena, FACT_MAP);
}

struct fact *fact_list(struct arena *arena) {
        return make(arena, FACT_LIST);
}

struct fact *fact_bool(struct arena *arena, bool value) {
        struct fact *fact = make(arena, FACT_BOOL);

        fact->boolean = value;
        return fact;
}

struct fact *fact_int(struct arena *arena, int64_t value) {
        struct fact *fact = make(arena, FACT_INT);

        fact->integer = value;
        return fact;
}

struct fact *fact_number(struct arena *arena, double value) {
        struct fact *fact = make(arena, FACT_NUMBER);

        fact->number = value;
        return fact;
}

struct fact *fact_string(struct arena *arena, struct str value) {
        struct fact *fact = make(arena, FACT_STRING);

        fact->string = value;
        return fact;
}

struct fact *fact_text(struct arena *arena, const char *value) {
        return fact_string(arena, str_from(value));
}

struct fact *fact_place(struct arena *arena, struct place place) {
        struct fact *fact = fact_map(arena);

        fact_set_string(arena, fact, "file", place.file);
        fact_set_int(arena, fact, "line", place.line ? place.line : 1);
        fact_set_int(arena, fact, "column", place.column ? place.column : 1);
        return fact;
}

struct fact *fact_of_doc(struct arena *arena, const struct doc_node *node) {
        struct fact *fact;

        switch (node->kind) {
        case DOC_BOOL:
                return fact_bool(arena, node->boolean);
        case DOC_INT:
                return fact_int(arena, node->integer);
        case DOC_DOUBLE:
                return fact_number(arena, node->number);
        case DOC_STRING:
                return fact_string(arena, node->string);
        case DOC_LIST:
                fact = fact_list(arena);
                for (uint32_t i = 0; i < node->list.count; i++)
                        fact_add(arena, fact, fact_of_doc(arena, &node->list.items[i]));
                return fact;
        case DOC_MAP:
                fact = fact_map(arena);
                for (uint32_t i = 0; i < node->map.count; i++)
                        fact_set(arena, fact, node->map.entries[i].key,
                                 fact_of_doc(arena, &node->map.entries[i].value));
                return fact;
        default:
                return fact_text(arena, "");
        }
}

struct fact *fact_add(struct arena *arena, struct fact *list, struct fact *value) {
        struct fact_member *member;

        if (!value)
                return NULL;
        member = arena_new(arena, struct fact_member);
        member->value = value;
        if (list->last)
                list->last->next = member;
        else
                list->first = member;
        list->last = member;
        list->count++;
        return value;
}

void fact_add_string(struct arena *arena, struct fact *list, struct str value) {
        fact_add(arena, list, fact_string(arena, value));
}

struct fact *fact_set(struct arena *arena, struct fact *map, struct str key, struct fact *value) {
        if (!value)
                return NULL;
        for (struct fact_member *member = map->first; member; member = member->next)
                if (str_eq(member->key, key))
                        return member->value = value;
        fact_add(arena, map, value);
        map->last->key = key;
        return value;
}

void fact_set_bool(struct arena *arena, struct fact *map, const char *key, bool value) {
        fact_set(arena, map, str_from(key), fact_bool(arena, value));
}

void fact_set_int(struct arena *arena, struct fact *map, const char *key, int64_t value) {
        fact_set(arena, map, str_from(key), fact_int(arena, value));
}

void fact_set_string(struct arena *arena, struct fact *map, const char *key, struct str value) {
        fact_set(arena, map, str_from(key), fact_string(arena, value));
}

static struct fact *get(const struct fact *map, struct str key) {
        if (!map || map->kind != FACT_MAP)
                return NULL;
        for (struct fact_member *member = map->first; member; member = member->next)
                if (str_eq(member->key, key))
                        return member->value;
        return NULL;
}

struct fact *fact_get(const struct fact *map, const char *key) {
        return get(map, str_from(key));
}

struct fact *fact_make(struct arena *arena, struct fact *map, const char *path) {
        struct str rest = str_from(path), part;

        while (str_split(&rest, '.', &part)) {
                struct fact *next = get(map, part);

                map = next ? next : fact_set(arena, map, part, fact_map(arena));
        }
        return map;
}

const struct fact *fact_value(const struct fact *setting) {
        if (setting && setting->kind == FACT_MAP)
                return fact_get(setting, "value");
        return setting;
}

struct str fact_value_text(const struct fact *setting) {
        const struct fact *value = fact_value(setting);

        return value && value->kind == FACT_STRING ? value->string : STR("");
}

bool fact_value_bool(const struct fact *setting, bool fallback) {
        const struct fact *value = fact_value(setting);

        return value && value->kind == FACT_BOOL ? value->boolean : fallback;
}

int64_t fact_value_int(const struct fact *setting, int64_t fallback) {
        const struct fact *value = fact_value(setting);

        return value && value->kind == FACT_INT ? value->integer : fallback;
}

struct fact *fact_setting(struct arena *arena, struct fact *value, const char *source,
                          struct place place) {
        struct fact *fact = fact_map(arena);

        fact_set(arena, fact, STR("value"), value);
        fact_set(arena, fact, STR("source"), fact_text(arena, source));
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

struct fact *fact_unknown(struct arena *arena, struct str why, struct place place) {
        struct fact *fact = fact_map(arena);

        fact_set_bool(arena, fact, "unknown", true);
        fact_set_string(arena, fact, "why", why);
        if (place.file.len > 0)
                fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

/* Maps and lists of nothing but scalars are short enough for one line, but for long lists. */
static bool is_flat(const struct fact *fact) {
        if (fact->count > 8)
                return false;
        for (const struct fact_member *member = fact->first; member; member = member->next)
                if (member->value->kind >= FACT_LIST && member->value->count > 0 &&
                    (member->value->kind == FACT_LIST || !is_flat(member->value)))
                        return false;
        return true;
}

static void write_at(struct buf *buf, const struct fact *fact, size_t indent, bool flat) {
        bool is_map = fact->kind == FACT_MAP;

        flat = flat || fact->count == 0 || is_flat(fact);
        buf_add_char(buf, is_map ? '{' : '[');
        for (const struct fact_member *member = fact->first; member; member = member->next) {
                if (!flat) {
                        buf_add_char(buf, '\n');
                        buf_add_repeat(buf, ' ', indent + 2);
                }
                if (is_map) {
                        buf_add_json(buf, member->key);
                        buf_add(buf, STR(": "));
                }
                switch (member->value->kind) {
                case FACT_BOOL:
                        buf_add(buf, member->value->boolean ? STR("true") : STR("false"));
                        break;
                case FACT_INT:
                        buf_printf(buf, "%lld", (long long)member->value->integer);
                        break;
                case FACT_NUMBER:
                        buf_printf(buf, "%.15g", member->value->number);
                        break;
                case FACT_STRING:
                        buf_add_json(buf, member->value->string);
                        break;
                default:
                        write_at(buf, member->value, indent + 2, flat);
                }
                if (member->next)
                        buf_add(buf, flat ? STR(", ") : STR(","));
        }
        if (!flat) {
                buf_add_char(buf, '\n');
                buf_add_repeat(buf, ' ', indent);
        }
        buf_add_char(buf, is_map ? '}' : ']');
}

void fact_write(struct buf *buf, const struct fact *fact) {
        write_at(buf, fact, 0, false);
        buf_add_char(buf, '\n');
}
