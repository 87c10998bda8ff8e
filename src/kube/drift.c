#include "kube/drift.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/util.h"
#include "doc/edit.h"
#include "kube/merge-atom.h"

enum { DRIFTS_MAX = 100, DEPTH_MAX = 200, VALUE_MAX = 60 };

struct comparison {
        struct arena *arena;
        const struct kube_drift_sides *sides;
        kube_drift_fn *each;
        void *userdata;
        size_t count;
};

/* Where both sides are. */
struct level {
        const struct level *up;
        struct str path;
        struct str key; /* of the field; "" for an item of a list */
        unsigned depth;
};

static void compare(struct comparison *c, const struct level *level, const struct structure *type,
                    const struct doc_node *declared, const struct doc_node *live);

/* --- telling --- */

static void tell(struct comparison *c, enum kube_drift_kind kind, struct str path,
                 const struct doc_node *declared, const struct doc_node *live, struct str what) {
        const struct kube_drift drift = { kind, path, declared, live, what };

        if (c->count++ < DRIFTS_MAX)
                c->each(c->userdata, &drift);
}

/* Numbers and truth values are no secrets; of text only what is known to be none is shown. */
static bool may_be_shown(struct str path, const struct doc_node *node) {
        static const char *const fields[] = { "image", "type", "kind", "name", "effect", "policy" };

        if (node->kind == DOC_BOOL || node->kind == DOC_INT)
                return str_find(path, STR("data"), 0) < 0;
        if (node->kind != DOC_STRING || node->string.len > VALUE_MAX ||
            str_find(path, STR("data."), 0) == 0 || str_find(path, STR(".env"), 0) >= 0)
                return false;
        for (size_t i = 0; i < ELEMENTS(fields); i++)
                if (str_ends(path, str_from(fields[i])))
                        return true;
        return false;
}

static struct str shown(struct comparison *c, const struct doc_node *node) {
        if (node->kind == DOC_BOOL)
                return node->boolean ? STR("true") : STR("false");
        if (node->kind == DOC_INT)
                return arena_printf(c->arena, "%lld", (long long)node->integer);
        return arena_printf(c->arena, "\"%.*s\"", STR_ARG(node->string));
}

static void tell_changed(struct comparison *c, const struct level *level,
                         const struct doc_node *declared, const struct doc_node *live) {
        struct str what = arena_printf(c->arena, "%.*s is not as declared", STR_ARG(level->path));

        if (may_be_shown(level->path, declared) && may_be_shown(level->path, live))
                what = arena_printf(c->arena, "%.*s is %.*s, declared is %.*s",
                                    STR_ARG(level->path), STR_ARG(shown(c, live)),
                                    STR_ARG(shown(c, declared)));
        tell(c, KUBE_DRIFT_CHANGED, level->path, declared, live, what);
}

static void tell_missing(struct comparison *c, const struct level *level, struct str path,
                         const struct doc_node *declared, const struct doc_node *around) {
        (void)level;
        tell(c, KUBE_DRIFT_MISSING, path, declared, around,
             arena_printf(c->arena, "%.*s is declared, and not there", STR_ARG(path)));
}

/* --- what others write --- */

static bool is_empty(const struct doc_node *node) {
        return node->kind == DOC_NULL || (node->kind == DOC_MAP && node->map.count == 0) ||
               (node->kind == DOC_LIST && node->list.count == 0) ||
               (node->kind == DOC_STRING && node->string.len == 0);
}

static bool is_kind(const struct comparison *c, const char *kind) {
        return str_eq(c->sides->kind, str_from(kind));
}

static bool has_annotation(const struct comparison *c, const char *prefix) {
        const struct doc_node *annotations =
                doc_find(c->sides->declared, "metadata", "annotations");

        for (uint32_t i = 0;
             annotations && annotations->kind == DOC_MAP && i < annotations->map.count; i++)
                if (str_starts(annotations->map.entries[i].key, str_from(prefix)))
                        return true;
        return false;
}

/* "Cg==" is a line break, the placeholder that many charts write. */
static bool is_placeholder(const struct doc_node *bundle) {
        return is_empty(bundle) ||
               (bundle->kind == DOC_STRING && str_eq(bundle->string, STR("Cg==")));
}

static bool is_kept_by_tools(struct str annotation) {
        static const char *const names[] = { "kubectl.kubernetes.io/last-applied-configuration",
                                             "deployment.kubernetes.io/revision",
                                             "kubectl.kubernetes.io/restartedAt" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq(annotation, str_from(names[i])))
                        return true;
        return false;
}

/* Whether the field KEY at LEVEL is written by somebody else than who declares. */
static bool is_of_others(const struct comparison *c, const struct level *level, struct str key,
                         const struct doc_node *declared) {
        struct str path = level->path;

        if (path.len == 0)
                return str_eq(key, STR("apiVersion")) || str_eq(key, STR("kind")) ||
                       str_eq(key, STR("status")) ||
                       (c->sides->metadata_only && !str_eq(key, STR("metadata"))) ||
                       (str_eq(key, STR("rules")) && is_kind(c, "ClusterRole") &&
                        doc_get(c->sides->declared, STR("aggregationRule"))) ||
                       (str_eq(key, STR("secrets")) && is_kind(c, "ServiceAccount"));
        if (str_eq(path, STR("metadata")))
                return !str_eq(key, STR("labels")) && !str_eq(key, STR("annotations"));
        if (str_eq(level->key, STR("annotations")))
                return is_kept_by_tools(key);
        if (str_eq(path, STR("spec")))
                return (str_eq(key, STR("replicas")) && c->sides->scaled) ||
                       (str_eq(key, STR("finalizers")) && is_kind(c, "Namespace"));
        return str_eq(key, STR("caBundle")) &&
               (is_placeholder(declared) || has_annotation(c, "cert-manager.io/inject-"));
}

/* --- maps --- */

static struct str path_to(struct comparison *c, struct str path, struct str key) {
        for (size_t i = 0; i < key.len; i++)
                if (key.ptr[i] == '.' || key.ptr[i] == '/')
                        return arena_printf(c->arena, "%.*s[\"%.*s\"]", STR_ARG(path),
                                            STR_ARG(key));
        return arena_printf(c->arena, "%.*s%s%.*s", STR_ARG(path), path.len ? "." : "",
                            STR_ARG(key));
}

/* What is written in plain text arrives in data. */
static void compare_secret_text(struct comparison *c, const struct level *level,
                                const struct doc_node *texts) {
        const struct doc_node *data = doc_get(c->sides->live, STR("data"));

        for (uint32_t i = 0; texts->kind == DOC_MAP && i < texts->map.count; i++) {
                const struct doc_entry *entry = &texts->map.entries[i];
                const struct doc_node *live = doc_get(data, entry->key);
                struct str path = path_to(c, STR("stringData"), entry->key);

                if (!live)
                        tell_missing(c, level, path, &entry->value, c->sides->live);
                else if (!str_eq(base64_encode(c->arena, doc_string(&entry->value, STR(""))),
                                 doc_string(live, STR(""))))
                        tell(c, KUBE_DRIFT_CHANGED, path, &entry->value, live,
                             arena_printf(c->arena, "%.*s is not as declared", STR_ARG(path)));
        }
}

static void compare_maps(struct comparison *c, const struct level *level,
                         const struct structure *type, const struct doc_node *declared,
                         const struct doc_node *live) {
        for (uint32_t i = 0; i < declared->map.count; i++) {
                const struct doc_entry *entry = &declared->map.entries[i];
                const struct doc_node *other = doc_get(live, entry->key);
                struct level next = { level, STR(""), entry->key, level->depth + 1 };

                if ((entry->value.flags & DOC_SYNTHETIC) ||
                    is_of_others(c, level, entry->key, &entry->value))
                        continue;
                if (level->path.len == 0 && is_kind(c, "Secret") &&
                    str_eq(entry->key, STR("stringData"))) {
                        compare_secret_text(c, level, &entry->value);
                        continue;
                }
                next.path = path_to(c, level->path, entry->key);
                if (other)
                        compare(c, &next, atom_type(atom_field(type, entry->key)), &entry->value,
                                other);
                else if (!is_empty(&entry->value))
                        tell_missing(c, level, next.path, &entry->value, live);
        }
}

/* --- lists --- */

static bool is_containers(const struct comparison *c, const struct level *level) {
        return !is_kind(c, "Pod") &&
               (str_eq(level->key, STR("containers")) || str_eq(level->key, STR("initContainers")));
}

/* The items of LIST by what they go by. False where two have the same: then only the order is left.
 */
static bool index_items(struct comparison *c, const struct structure *type,
                        const struct doc_node *list, struct str *keys, struct map *ret) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        for (uint32_t i = 0; i < list->list.count; i++) {
                struct map_entry *entry;

                buf_clear(&key);
                if (atom_add_key(&key, c->arena, type, &list->list.items[i]))
                        return false;
                keys[i] = arena_str(c->arena, buf_str(&key));
                entry = map_put(ret, keys[i]);
                if (entry->value)
                        return false;
                entry->value = &list->list.items[i];
        }
        return true;
}

static void compare_keyed(struct comparison *c, const struct level *level,
                          const struct structure *type, const struct doc_node *declared,
                          const struct doc_node *live, const struct str *keys,
                          const struct map *others) {
        for (uint32_t i = 0; i < declared->list.count; i++) {
                const struct doc_node *item = &declared->list.items[i];
                const struct doc_node *other = map_get(others, keys[i]);
                struct level next = { level,
                                      arena_printf(c->arena, "%.*s%.*s", STR_ARG(level->path),
                                                   STR_ARG(keys[i])),
                                      STR(""), level->depth + 1 };

                if (item->flags & DOC_SYNTHETIC)
                        continue;
                if (other)
                        compare(c, &next, atom_type(atom_item(type)), item, other);
                else
                        tell_missing(c, level, next.path, item, live);
        }
}

static void tell_added(struct comparison *c, const struct level *level, const struct doc_node *live,
                       const struct str *keys, const struct map *declared) {
        for (uint32_t i = 0; i < live->list.count; i++)
                if (!map_get(declared, keys[i]))
                        tell(c, KUBE_DRIFT_ADDED, level->path, NULL, &live->list.items[i],
                             arena_printf(c->arena, "%.*s%.*s runs, and is not declared",
                                          STR_ARG(level->path), STR_ARG(keys[i])));
}

static void compare_in_order(struct comparison *c, const struct level *level,
                             const struct structure *type, const struct doc_node *declared,
                             const struct doc_node *live) {
        if (declared->list.count != live->list.count) {
                tell(c, KUBE_DRIFT_CHANGED, level->path, declared, live,
                     arena_printf(c->arena, "%.*s has %u items, declared are %u",
                                  STR_ARG(level->path), live->list.count, declared->list.count));
                return;
        }
        for (uint32_t i = 0; i < declared->list.count; i++) {
                struct level next = { level,
                                      arena_printf(c->arena, "%.*s[%u]", STR_ARG(level->path), i),
                                      STR(""), level->depth + 1 };

                compare(c, &next, atom_type(type ? atom_item(type) : NULL),
                        &declared->list.items[i], &live->list.items[i]);
        }
}

/* Admission adds tolerations to pods: those that were declared have to be among them. */
static void compare_tolerations(struct comparison *c, const struct level *level,
                                const struct doc_node *declared, const struct doc_node *live) {
        if (live->list.count < declared->list.count)
                compare_in_order(c, level, NULL, declared, live);
}

static void compare_lists(struct comparison *c, const struct level *level,
                          const struct structure *type, const struct doc_node *declared,
                          const struct doc_node *live) {
        struct str *keys = arena_new_array(c->arena, declared->list.count + 1, struct str);
        struct str *live_keys = arena_new_array(c->arena, live->list.count + 1, struct str);
        struct map ours = { 0 }, others = { 0 };

        if (is_kind(c, "Pod") && str_eq(level->path, STR("spec.tolerations")))
                compare_tolerations(c, level, declared, live);
        else if (!type || atom_list_is_atomic(type) ||
                 !index_items(c, type, declared, keys, &ours) ||
                 !index_items(c, type, live, live_keys, &others))
                compare_in_order(c, level, type, declared, live);
        else {
                compare_keyed(c, level, type, declared, live, keys, &others);
                if (is_containers(c, level))
                        tell_added(c, level, live, live_keys, &ours);
        }
        map_free(&ours);
        map_free(&others);
}

/* --- values --- */

static bool same_number(const struct doc_node *a, const struct doc_node *b) {
        if (a->kind == DOC_INT && b->kind == DOC_INT)
                return a->integer == b->integer;
        return (a->kind == DOC_INT ? (double)a->integer : a->number) ==
               (b->kind == DOC_INT ? (double)b->integer : b->number);
}

static bool is_number(const struct doc_node *node) {
        return node->kind == DOC_INT || node->kind == DOC_DOUBLE;
}

static bool same_scalar(const struct doc_node *a, const struct doc_node *b) {
        if (is_number(a) && is_number(b))
                return same_number(a, b);
        if (a->kind != b->kind)
                return is_empty(a) && is_empty(b);
        return a->kind == DOC_STRING ? str_eq(a->string, b->string)
               : a->kind == DOC_BOOL ? a->boolean == b->boolean
                                     : true;
}

static void compare(struct comparison *c, const struct level *level, const struct structure *type,
                    const struct doc_node *declared, const struct doc_node *live) {
        if (level->depth > DEPTH_MAX || c->count >= DRIFTS_MAX)
                return;
        if (declared->kind == DOC_MAP && live->kind == DOC_MAP)
                compare_maps(c, level, type, declared, live);
        else if (declared->kind == DOC_LIST && live->kind == DOC_LIST)
                compare_lists(c, level, type, declared, live);
        else if (!same_scalar(declared, live))
                tell_changed(c, level, declared, live);
}

void kube_drift_compare(struct arena *arena, const struct kube_drift_sides *sides,
                        kube_drift_fn *each, void *userdata) {
        struct comparison c = { arena, sides, each, userdata, 0 };
        const struct level top = { NULL, STR(""), STR(""), 0 };

        if (sides->declared->kind == DOC_MAP && sides->live->kind == DOC_MAP)
                compare(&c, &top, atom_type(sides->structure), sides->declared, sides->live);
}
