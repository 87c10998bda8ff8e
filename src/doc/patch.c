#include "doc/patch.h"

#include <errno.h>

#include "base/buf.h"
#include "base/util.h"
#include "base/vec.h"
#include "doc/tree.h"
#include "doc/write.h"

/* What "copy" may add to a document in all (the API server's --json-patch-max-copy-bytes). */
enum { COPY_LIMIT = 3 << 20 };

/* A value of the document that is being patched. It is opened, which makes its children values of
 * their own, when an operation goes through it. A NULL child is null. */
struct patched;

struct patched_child {
        struct str key;           /* in maps */
        struct doc_pos key_start; /* line 0 where the key is new */
        struct patched *value;
};

struct patched {
        const struct doc_node *from;
        bool open;
        VEC(struct patched_child) children;
};

struct patch {
        struct arena *arena;
        struct patched *root;
        const struct doc_operation *operation; /* the one at hand */
        size_t copied;                         /* bytes */
        bool panics; /* upstream's library does, and with it the request */
        struct error *error;
};

/* Where an operation acts: the child KEY of CONTAINER, which is open. */
struct target {
        struct patched *container;
        struct str key;
};

#define FAIL(patch, ...) error_set((patch)->error, -EINVAL, __VA_ARGS__)

/* --- values --- */

static struct patched *patched_new(struct arena *arena, const struct doc_node *from) {
        struct patched *made = arena_new(arena, struct patched);

        made->from = from;
        return made;
}

static bool is_list(const struct patched *value) {
        return value->from->kind == DOC_LIST;
}

/* A null that an operation brought; it is gone through like an empty map. Others are NULL. */
static bool is_null(const struct patched *value) {
        return value->from->kind == DOC_NULL;
}

static bool is_collection(const struct patched *value) {
        return is_list(value) || value->from->kind == DOC_MAP || is_null(value);
}

static void add_child(struct patch *patch, struct patched *to, const struct doc_entry *entry,
                      const struct doc_node *node) {
        struct patched_child *child = vec_push_in(patch->arena, &to->children);

        if (entry) {
                child->key = entry->key;
                child->key_start = entry->key_start;
        }
        child->value = node->kind == DOC_NULL ? NULL : patched_new(patch->arena, node);
}

static void open_value(struct patch *patch, struct patched *value) {
        const struct doc_node *from = value->from;

        if (value->open || is_null(value))
                return;
        value->open = true;
        if (from->kind == DOC_LIST)
                for (uint32_t i = 0; i < from->list.count; i++)
                        add_child(patch, value, NULL, &from->list.items[i]);
        else
                for (uint32_t i = 0; i < from->map.count; i++)
                        add_child(patch, value, &from->map.entries[i], &from->map.entries[i].value);
}

/* --- finding --- */

/* A reference token of RFC 6901 without its escapes. */
static struct str unescape(struct arena *arena, struct str token) {
        char *text;
        size_t len = 0;

        if (str_find(token, STR("~"), 0) < 0)
                return token;
        text = arena_alloc(arena, token.len);
        for (size_t i = 0; i < token.len; i++) {
                bool escape = token.ptr[i] == '~' && i + 1 < token.len &&
                              (token.ptr[i + 1] == '0' || token.ptr[i + 1] == '1');

                text[len++] = !escape ? token.ptr[i] : token.ptr[i + 1] == '0' ? '~' : '/';
                i += escape;
        }
        return (struct str){ text, len };
}

/* An index as strconv.Atoi reads it; false where KEY is none. */
static bool read_index(struct str key, int64_t *ret) {
        bool negative = key.len > 0 && key.ptr[0] == '-';
        size_t i = negative || (key.len > 0 && key.ptr[0] == '+');
        int64_t value = 0;

        if (i == key.len)
                return false;
        for (; i < key.len; i++) {
                if (key.ptr[i] < '0' || key.ptr[i] > '9' || value > INT32_MAX)
                        return false;
                value = value * 10 + (key.ptr[i] - '0');
        }
        *ret = negative ? -value : value;
        return true;
}

/* The index that KEY means in a list of COUNT items, with a message where it means none. */
static int list_index(struct patch *patch, struct str key, size_t count, size_t *ret,
                      struct str *ret_problem) {
        int64_t index;

        if (!read_index(key, &index)) {
                *ret_problem =
                        arena_printf(patch->arena, "strconv.Atoi: parsing \"%.*s\": invalid syntax",
                                     STR_ARG(key));
                return -EINVAL;
        }
        if (index >= (int64_t)count || index < -(int64_t)count) {
                *ret_problem = arena_printf(
                        patch->arena,
                        "Unable to access invalid index: %lld: invalid index referenced",
                        (long long)index);
                return -EINVAL;
        }
        *ret = (size_t)(index < 0 ? index + (int64_t)count : index);
        return 0;
}

static ptrdiff_t find_key(const struct patched *map, struct str key) {
        for (size_t i = 0; i < map->children.count; i++)
                if (str_eq(map->children.items[i].key, key))
                        return (ptrdiff_t)i;
        return -1;
}

/* The value at TARGET, NULL for null; in a map, what is not there is null, too. */
static int target_get(struct patch *patch, const struct target *target, struct patched **ret,
                      struct str *ret_problem) {
        const struct patched *container = target->container;
        ptrdiff_t at;
        size_t index;
        int r = 0;

        *ret = NULL;
        if (is_list(container)) {
                r = list_index(patch, target->key, container->children.count, &index, ret_problem);
                if (r >= 0)
                        *ret = container->children.items[index].value;
                return r;
        }
        at = find_key(container, target->key);
        if (at >= 0)
                *ret = container->children.items[at].value;
        return 0;
}

/* Follows PATH to its last token. Returns false where something on the way is no collection. */
static bool find_target(struct patch *patch, struct str path, struct target *ret) {
        struct target target = { .container = patch->root };
        ptrdiff_t slash = str_find(path, STR("/"), 0), next;
        struct str ignored;
        struct patched *value;

        if (slash < 0)
                return false;
        for (;;) {
                next = str_find(path, STR("/"), (size_t)slash + 1);
                target.key = unescape(patch->arena, str_slice(path, (size_t)slash + 1,
                                                              next < 0 ? path.len : (size_t)next));
                open_value(patch, target.container);
                if (next < 0)
                        break;
                if (target_get(patch, &target, &value, &ignored) < 0 || !value ||
                    !is_collection(value))
                        return false;
                target.container = value;
                slash = next;
        }
        *ret = target;
        return true;
}

/* --- changing --- */

static void insert(struct patch *patch, struct patched *to, size_t at, struct patched_child child) {
        struct patched_child *items;

        (void)vec_push_in(patch->arena, &to->children);
        items = to->children.items;
        memmove(&items[at + 1], &items[at], (to->children.count - 1 - at) * sizeof *items);
        items[at] = child;
}

static void erase(struct patched *from, size_t at) {
        struct patched_child *items = from->children.items;

        from->children.count--;
        memmove(&items[at], &items[at + 1], (from->children.count - at) * sizeof *items);
}

static void map_set(struct patch *patch, const struct target *target, struct patched *value) {
        struct patched *map = target->container;
        ptrdiff_t at = find_key(map, target->key);

        if (is_null(map))
                patch->panics = true;
        else if (at >= 0)
                map->children.items[at].value = value;
        else
                *vec_push_in(patch->arena, &map->children) =
                        (struct patched_child){ .key = target->key, .value = value };
}

/* Adds VALUE at TARGET; the item of a list moves behind it. */
static int target_add(struct patch *patch, const struct target *target, struct patched *value,
                      struct str *ret_problem) {
        struct patched *container = target->container;
        size_t count = container->children.count, index = count;
        struct str problem;
        int r = 0;

        if (!is_list(container)) {
                map_set(patch, target, value);
                return 0;
        }
        if (!str_eq(target->key, STR("-")))
                r = list_index(patch, target->key, count + 1, &index, &problem);
        if (r < 0) {
                int64_t number;

                *ret_problem = read_index(target->key, &number)
                                       ? problem
                                       : arena_printf(patch->arena,
                                                      "value was not a proper array index: "
                                                      "'%.*s': %.*s",
                                                      STR_ARG(target->key), STR_ARG(problem));
                return r;
        }
        insert(patch, container, index, (struct patched_child){ .value = value });
        return 0;
}

static int target_remove(struct patch *patch, const struct target *target,
                         struct str *ret_problem) {
        struct patched *container = target->container;
        ptrdiff_t at;
        size_t index;
        int r;

        if (is_list(container)) {
                r = list_index(patch, target->key, container->children.count, &index, ret_problem);
                if (r >= 0)
                        erase(container, index);
                return r;
        }
        at = find_key(container, target->key);
        if (at < 0) {
                *ret_problem = arena_printf(patch->arena,
                                            "Unable to remove nonexistent key: %.*s: missing value",
                                            STR_ARG(target->key));
                return -EINVAL;
        }
        erase(container, (size_t)at);
        return 0;
}

/* --- building the result --- */

static int build(struct patch *patch, const struct patched *value, uint32_t depth,
                 struct doc_node *to);

static int build_children(struct patch *patch, const struct patched *value, uint32_t depth,
                          struct doc_node *made) {
        for (size_t i = 0; i < value->children.count; i++) {
                const struct patched_child *child = &value->children.items[i];
                struct doc_node *to;
                int r;

                if (is_list(value)) {
                        to = &made->list.items[i];
                } else {
                        made->map.entries[i].key = child->key;
                        made->map.entries[i].key_start = child->key_start;
                        to = &made->map.entries[i].value;
                }
                r = build(patch, child->value, depth + 1, to);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Depth is bounded here, because operations can nest without end. */
static int build(struct patch *patch, const struct patched *value, uint32_t depth,
                 struct doc_node *to) {
        size_t count = value ? value->children.count : 0;
        struct doc_node *made;
        int r;

        if (depth > doc_default_limits.depth)
                return error_set(patch->error, -E2BIG, "the result is nested too deeply");
        if (!value || !value->open) {
                *to = value ? *value->from : (struct doc_node){ .kind = DOC_NULL };
                return 0;
        }
        made = is_list(value) ? doc_new_list(patch->arena, value->from, count)
                              : doc_new_map(patch->arena, value->from, count);
        r = build_children(patch, value, depth, made);
        if (r < 0)
                return r;
        *to = *value->from;
        if (is_list(value)) {
                to->list = made->list;
        } else {
                doc_map_index(patch->arena, made);
                to->map = made->map;
        }
        return 0;
}

static struct doc_node *build_node(struct patch *patch, const struct patched *value) {
        struct doc_node *made = arena_new(patch->arena, struct doc_node);

        return build(patch, value, 0, made) < 0 ? NULL : made;
}

/* --- equality --- */

static bool nodes_equal(const struct doc_node *a, const struct doc_node *b);

static bool maps_equal(const struct doc_node *a, const struct doc_node *b) {
        uint32_t count = b->kind == DOC_MAP ? b->map.count : 0;

        if ((b->kind != DOC_MAP && b->kind != DOC_NULL) || a->map.count != count)
                return false;
        for (uint32_t i = 0; i < a->map.count; i++) {
                const struct doc_node *x = &a->map.entries[i].value;
                const struct doc_node *y = doc_get(b, a->map.entries[i].key);

                if (!y || (x->kind == DOC_NULL) != (y->kind == DOC_NULL) ||
                    (x->kind != DOC_NULL && !nodes_equal(x, y)))
                        return false;
        }
        return true;
}

static bool lists_equal(const struct doc_node *a, const struct doc_node *b) {
        if (b->kind != DOC_LIST || a->list.count != b->list.count)
                return false;
        for (uint32_t i = 0; i < a->list.count; i++)
                if (!nodes_equal(&a->list.items[i], &b->list.items[i]))
                        return false;
        return true;
}

/* Scalars are equal when they are written alike. */
static bool scalars_equal(const struct doc_node *a, const struct doc_node *b) {
        struct buf x _cleanup_(buf_free) = BUF_INIT, y _cleanup_(buf_free) = BUF_INIT;

        doc_write_json(&x, a);
        doc_write_json(&y, b);
        return str_eq(buf_str(&x), buf_str(&y));
}

static bool nodes_equal(const struct doc_node *a, const struct doc_node *b) {
        static const struct doc_node empty = { .kind = DOC_MAP };

        switch ((enum doc_kind)a->kind) {
        case DOC_NULL:
                return maps_equal(&empty, b);
        case DOC_MAP:
                return maps_equal(a, b);
        case DOC_LIST:
                return lists_equal(a, b);
        default:
                return b->kind != DOC_LIST && b->kind != DOC_MAP && scalars_equal(a, b);
        }
}

/* --- the operations --- */

static int operation_fails(struct patch *patch, const char *what, struct str at,
                           struct str problem) {
        return FAIL(patch, "error in %s for path: '%.*s': %.*s", what, STR_ARG(at),
                    STR_ARG(problem));
}

static int path_is_missing(struct patch *patch, const char *what, struct str path) {
        return FAIL(patch, "%.*s operation does not apply: doc is missing %s%.*s: missing value",
                    STR_ARG(patch->operation->op), what, STR_ARG(path));
}

/* The text of a path as Go's %q shows it. */
static int quoted_path_is_missing(struct patch *patch) {
        struct str path = patch->operation->path;

        return path_is_missing(patch,
                               "path: ", arena_printf(patch->arena, "\"%.*s\"", STR_ARG(path)));
}

static struct patched *operation_value(struct patch *patch) {
        const struct doc_node *value = patch->operation->value;

        return value ? patched_new(patch->arena, value) : NULL;
}

static int apply_add(struct patch *patch) {
        struct target target;
        struct str problem;

        if (!find_target(patch, patch->operation->path, &target))
                return quoted_path_is_missing(patch);
        if (target_add(patch, &target, operation_value(patch), &problem) < 0)
                return operation_fails(patch, "add", patch->operation->path, problem);
        return 0;
}

static int apply_remove(struct patch *patch) {
        struct target target;
        struct str problem;

        if (!find_target(patch, patch->operation->path, &target))
                return quoted_path_is_missing(patch);
        if (target_remove(patch, &target, &problem) < 0)
                return operation_fails(patch, "remove", patch->operation->path, problem);
        return 0;
}

static int replace_document(struct patch *patch) {
        struct patched *value = operation_value(patch);

        patch->panics = !value;
        if (value && !is_collection(value))
                return FAIL(patch, "replace operation value must be object or array");
        patch->root = value;
        return 0;
}

static int apply_replace(struct patch *patch) {
        struct str path = patch->operation->path, problem;
        struct patched *before;
        struct target target;
        size_t index;

        if (path.len == 0)
                return replace_document(patch);
        if (!find_target(patch, path, &target))
                return path_is_missing(patch, "path: ", path);
        if (target_get(patch, &target, &before, &problem) < 0)
                return path_is_missing(patch, "key: ", path);
        if (!is_list(target.container))
                map_set(patch, &target, operation_value(patch));
        else if (list_index(patch, target.key, target.container->children.count, &index,
                            &problem) >= 0)
                target.container->children.items[index].value = operation_value(patch);
        return 0;
}

static int apply_move(struct patch *patch) {
        const struct doc_operation *operation = patch->operation;
        struct patched *value;
        struct target target;
        struct str problem;

        if (operation->from.len == 0)
                return FAIL(patch, "move operation failed to decode from: operation, missing from "
                                   "field: missing value");
        if (!find_target(patch, operation->from, &target))
                return path_is_missing(patch, "from path: ", operation->from);
        if (target_get(patch, &target, &value, &problem) < 0 ||
            target_remove(patch, &target, &problem) < 0)
                return operation_fails(patch, "move", target.key, problem);
        if (!find_target(patch, operation->path, &target))
                return path_is_missing(patch, "destination path: ", operation->path);
        if (target_add(patch, &target, value, &problem) < 0)
                return operation_fails(patch, "move", operation->path, problem);
        return 0;
}

/* A copy of VALUE as it is now. */
static int copy_value(struct patch *patch, const struct patched *value, struct patched **ret) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *node;

        *ret = NULL;
        if (!value)
                return 0;
        node = build_node(patch, value);
        if (!node)
                return -E2BIG;
        doc_write_json(&json, node);
        patch->copied += json.len;
        if (patch->copied > COPY_LIMIT)
                return FAIL(patch,
                            "Unable to complete the copy, the accumulated size increase of copy is "
                            "%zu, exceeding the limit %d",
                            patch->copied, COPY_LIMIT);
        *ret = patched_new(patch->arena, node);
        return 0;
}

static int apply_copy(struct patch *patch) {
        const struct doc_operation *operation = patch->operation;
        struct patched *value;
        struct target target;
        struct str problem;
        int r;

        if (operation->from.len == 0)
                return FAIL(patch, "copy operation failed to decode from: operation, missing from "
                                   "field: missing value");
        if (!find_target(patch, operation->from, &target))
                return path_is_missing(patch, "from path: ", operation->from);
        if (target_get(patch, &target, &value, &problem) < 0)
                return FAIL(patch, "error in copy for from: '%.*s': %.*s", STR_ARG(operation->from),
                            STR_ARG(problem));
        if (!find_target(patch, operation->path, &target))
                return path_is_missing(patch, "destination path: ", operation->path);
        r = copy_value(patch, value, &value);
        if (r < 0)
                return r;
        if (target_add(patch, &target, value, &problem) < 0)
                return FAIL(patch, "error while adding value during copy: %.*s", STR_ARG(problem));
        return 0;
}

static int test_failed(struct patch *patch) {
        return error_set(patch->error, -ECANCELED, "testing value %.*s failed: test failed",
                         STR_ARG(patch->operation->path));
}

static int apply_test(struct patch *patch) {
        const struct doc_node *wanted = patch->operation->value, *is;
        struct str path = patch->operation->path, problem;
        struct patched *value = patch->root;
        struct target target;

        if (path.len > 0) {
                if (!find_target(patch, path, &target))
                        return FAIL(patch,
                                    "test operation does not apply: is missing path: %.*s: missing "
                                    "value",
                                    STR_ARG(path));
                if (target_get(patch, &target, &value, &problem) < 0)
                        return operation_fails(patch, "test", path, problem);
        }
        if (path.len == 0 && !wanted)
                patch->panics = true;
        if (!value || !wanted)
                return !value && !wanted ? 0 : test_failed(patch);
        is = build_node(patch, value);
        if (!is)
                return -E2BIG;
        return nodes_equal(is, wanted) ? 0 : test_failed(patch);
}

static int apply(struct patch *patch) {
        static const struct {
                struct str op;
                int (*apply)(struct patch *patch);
        } operations[] = {
                { STR_INIT("add"), apply_add },   { STR_INIT("remove"), apply_remove },
                { STR_INIT("move"), apply_move }, { STR_INIT("replace"), apply_replace },
                { STR_INIT("copy"), apply_copy }, { STR_INIT("test"), apply_test },
        };

        for (size_t i = 0; i < ELEMENTS(operations); i++)
                if (str_eq(operations[i].op, patch->operation->op))
                        return operations[i].apply(patch);
        return FAIL(patch, "Unexpected kind: %.*s", STR_ARG(patch->operation->op));
}

int doc_patch(struct arena *arena, const struct doc_node *document,
              const struct doc_operation *operations, size_t count, const struct doc_node **ret,
              struct error *error) {
        struct patch patch = { .arena = arena, .error = error };
        const struct doc_node *made;

        patch.root = patched_new(arena, document);
        for (size_t i = 0; i < count; i++) {
                int r;

                patch.operation = &operations[i];
                r = apply(&patch);
                if (patch.panics)
                        return error_set(error, -EIO,
                                         "This request caused apiserver to panic. Look in the logs "
                                         "for details.");
                if (r < 0)
                        return r;
        }
        made = build_node(&patch, patch.root);
        if (!made)
                return -E2BIG;
        *ret = is_null(patch.root) ? doc_new_map(arena, document, 0) : made;
        return 0;
}
