#include "kube/merge-check.h"

#include <errno.h>

#include "base/map.h"
#include "base/util.h"
#include "base/vec.h"
#include "doc/write.h"
#include "kube/merge-atom.h"

/* More problems are not told. */
enum { PROBLEMS_MAX = 16 };

struct check {
        struct arena arena;
        struct buf path;
        VEC(struct str) problems; /* in the arena, each with its path */
        bool live;
};

static void add_problem(struct check *check, const char *message) {
        struct str path = buf_str(&check->path);

        if (check->problems.count == PROBLEMS_MAX)
                return;
        *vec_push_in(&check->arena, &check->problems) =
                arena_printf(&check->arena, "%.*s%s%s", STR_ARG(path),
                             path.len > 0 && *message ? ": " : "", message);
}

/* Back to the path that was LEN long. */
static void leave(struct check *check, size_t len) {
        check->path.len = len;
        if (check->path.data)
                check->path.data[len] = '\0';
}

/* --- as Go shows values --- */

static void add_go(struct buf *buf, const struct doc_node *value) {
        switch ((enum doc_kind)value->kind) {
        case DOC_STRING:
                buf_add(buf, value->string);
                break;
        case DOC_LIST:
                buf_add_char(buf, '[');
                for (uint32_t i = 0; i < value->list.count; i++) {
                        if (i > 0)
                                buf_add_char(buf, ' ');
                        add_go(buf, &value->list.items[i]);
                }
                buf_add_char(buf, ']');
                break;
        case DOC_MAP:
                buf_add(buf, STR("map["));
                for (uint32_t i = 0; i < value->map.count; i++) {
                        if (i > 0)
                                buf_add_char(buf, ' ');
                        buf_add(buf, value->map.entries[i].key);
                        buf_add_char(buf, ':');
                        add_go(buf, &value->map.entries[i].value);
                }
                buf_add_char(buf, ']');
                break;
        case DOC_NULL:
                buf_add(buf, STR("<nil>"));
                break;
        default:
                doc_write_json(buf, value);
        }
}

static const char *go_type(const struct doc_node *value) {
        static const char *const names[] = {
                [DOC_NULL] = "<nil>",
                [DOC_BOOL] = "bool",
                [DOC_INT] = "int64",
                [DOC_DOUBLE] = "float64",
                [DOC_STRING] = "string",
                [DOC_LIST] = "[]interface {}",
                [DOC_MAP] = "map[string]interface {}",
        };

        return names[value->kind];
}

static void expected(struct check *check, const char *what, const struct doc_node *value) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&text, "expected %s, got &{", what);
        add_go(&text, value);
        buf_add_char(&text, '}');
        add_problem(check, text.data);
}

/* --- walking --- */

static void check_value(struct check *check, const struct structure *type,
                        const struct doc_node *value);

static void check_below(struct check *check, size_t path, const struct structure *type,
                        const struct doc_node *value) {
        check_value(check, type, value);
        leave(check, path);
}

/* A live object has no fields that the server does not know: it has dropped them. */
static void check_map(struct check *check, const struct structure *type,
                      const struct doc_node *map) {
        size_t path = check->path.len;

        if (map->kind == DOC_NULL)
                return;
        if (map->kind != DOC_MAP) {
                expected(check, "map", map);
                return;
        }
        for (uint32_t i = 0; i < map->map.count; i++) {
                const struct doc_entry *entry = &map->map.entries[i];
                const struct structure *field = atom_field(type, entry->key);

                buf_printf(&check->path, ".%.*s", STR_ARG(entry->key));
                if (field) {
                        check_below(check, path, field, &entry->value);
                        continue;
                }
                if (!check->live)
                        add_problem(check, "field not declared in schema");
                leave(check, path);
        }
}

/* Appends what item I goes by. Returns false where it has nothing. */
static bool add_item_path(struct check *check, const struct structure *type,
                          const struct doc_node *list, uint32_t i) {
        size_t path = check->path.len;
        const char *problem;

        if (atom_list_is_atomic(type)) {
                buf_printf(&check->path, "[%u]", i);
                return true;
        }
        problem = atom_add_key(&check->path, &check->arena, type, &list->list.items[i]);
        if (!problem)
                return true;
        leave(check, path);
        add_problem(check, arena_printf(&check->arena, "element %u: %s", i, problem).ptr);
        return false;
}

static void check_list(struct check *check, const struct structure *type,
                       const struct doc_node *list) {
        struct map seen _cleanup_(map_free) = { 0 };
        size_t path = check->path.len;

        if (list->kind == DOC_NULL)
                return;
        if (list->kind != DOC_LIST) {
                expected(check, "list", list);
                return;
        }
        for (uint32_t i = 0; i < list->list.count; i++) {
                struct map_entry *entry;
                struct str key;

                if (!add_item_path(check, type, list, i))
                        return;
                key = arena_str(&check->arena,
                                str_slice(buf_str(&check->path), path, check->path.len));
                entry = map_put(&seen, key);
                if (entry->value && !check->live) {
                        leave(check, path);
                        add_problem(check,
                                    arena_printf(&check->arena, "duplicate entries for key %.*s",
                                                 STR_ARG(key))
                                            .ptr);
                        buf_add(&check->path, key);
                }
                entry->value = check;
                check_below(check, path, atom_item(type), &list->list.items[i]);
        }
}

static void check_scalar(struct check *check, const struct structure *type,
                         const struct doc_node *value) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (value->kind == DOC_NULL)
                return;
        switch (atom_scalar(type)) {
        case SCALAR_NUMBER:
                if (value->kind == DOC_INT || value->kind == DOC_DOUBLE)
                        return;
                buf_printf(&text, "expected numeric (int or float), got %s", go_type(value));
                add_problem(check, text.data);
                return;
        case SCALAR_STRING:
                if (value->kind == DOC_STRING)
                        return;
                buf_add(&text, STR("expected string, got &value.valueUnstructured{Value:"));
                add_go(&text, value);
                buf_add_char(&text, '}');
                add_problem(check, text.data);
                return;
        case SCALAR_BOOLEAN:
                if (value->kind != DOC_BOOL)
                        expected(check, "boolean", value);
                return;
        case SCALAR_ANY:
                if (value->kind == DOC_LIST || value->kind == DOC_MAP)
                        expected(check, "any scalar", value);
                return;
        }
}

/* The depth of what is merged is bounded by who made it. */
static void check_value(struct check *check, const struct structure *type,
                        const struct doc_node *value) {
        switch (atom_of(type, value)) {
        case ATOM_MAP:
                check_map(check, type, value);
                return;
        case ATOM_LIST:
                check_list(check, type, value);
                return;
        default:
                check_scalar(check, type, value);
        }
}

static void check_free(struct check *check) {
        buf_free(&check->path);
        arena_free(&check->arena);
}

int merge_check(const struct structure *structure, const struct doc_node *value, bool live,
                const char *prefix, struct error *error) {
        struct check check _cleanup_(check_free) = { .live = live };
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        check_value(&check, atom_type(structure), value);
        if (check.problems.count == 0)
                return 0;
        if (check.problems.count > 1)
                buf_add(&text, STR("errors:"));
        for (size_t i = 0; i < check.problems.count; i++)
                buf_printf(&text, "%s%.*s", check.problems.count > 1 ? "\n  " : "",
                           STR_ARG(check.problems.items[i]));
        return error_set(error, -EINVAL, "%s: %s", prefix, text.data);
}

/* --- atomics --- */

static void find_atomics(struct check *check, const struct structure *type,
                         const struct doc_node *value) {
        size_t path = check->path.len;

        if (value->kind == DOC_MAP && atom_of(type, value) == ATOM_MAP) {
                if (atom_map_is_atomic(type))
                        add_problem(check, "");
                for (uint32_t i = 0; i < value->map.count; i++) {
                        const struct doc_entry *entry = &value->map.entries[i];
                        const struct structure_field *field = structure_field(type, entry->key);

                        if (!field)
                                continue;
                        buf_printf(&check->path, ".%.*s", STR_ARG(entry->key));
                        find_atomics(check, atom_type(field->type), &entry->value);
                        leave(check, path);
                }
        }
        if (value->kind == DOC_LIST && atom_of(type, value) == ATOM_LIST) {
                if (atom_list_is_atomic(type))
                        add_problem(check, "");
                for (uint32_t i = 0; i < value->list.count; i++) {
                        buf_printf(&check->path, "[%u]", i);
                        find_atomics(check, atom_item(type), &value->list.items[i]);
                        leave(check, path);
                }
        }
}

int merge_check_atomics(const struct structure *structure, const struct doc_node *value,
                        struct error *error) {
        struct check check _cleanup_(check_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        find_atomics(&check, atom_type(structure), value);
        if (check.problems.count == 0)
                return 0;
        for (size_t i = 0; i < check.problems.count; i++)
                buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", STR_ARG(check.problems.items[i]));
        return error_set(error, -EINVAL,
                         "invalid ApplyConfiguration: may not mutate atomic arrays, maps or "
                         "structs: %s",
                         text.data);
}
