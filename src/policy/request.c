/*
 * `request` and `namespaceObject` as expressions see them
 * (k8s.io/apiserver/pkg/admission/plugin/cel, CreateAdmissionRequest and CreateNamespaceObject).
 *
 * Both come from Go structs: a field that Go omits when it is empty is absent here too, so that
 * has(request.subResource) is false for a request about the resource itself.
 */
#include "base/util.h"
#include "base/vec.h"
#include "policy/private.h"

/* A map being filled; near gives its place. */
struct maker {
        struct arena *arena;
        const struct doc_node *near;
        struct doc_node *map;
        size_t count;
};

static struct maker maker_new(struct arena *arena, const struct doc_node *near, size_t most) {
        return (struct maker){ arena, near, doc_new_map(arena, near, most), 0 };
}

static void add(struct maker *m, struct str key, const struct doc_node *value) {
        doc_map_set(m->map, m->count++, key, value);
}

static struct doc_node text_node(struct maker *m, struct str text) {
        struct doc_node node = *doc_new_list(m->arena, m->near, 0);

        doc_set_string(&node, text);
        return node;
}

static void add_text(struct maker *m, struct str key, struct str text) {
        struct doc_node node = text_node(m, text);

        add(m, key, &node);
}

static void add_text_unless_empty(struct maker *m, struct str key, struct str text) {
        if (text.len > 0)
                add_text(m, key, text);
}

static const struct doc_node *done(struct maker *m) {
        m->map->map.count = (uint32_t)m->count;
        doc_map_index(m->arena, m->map);
        return m->map;
}

/* {GROUP, VERSION, LAST_KEY: LAST} */
static const struct doc_node *triple(struct arena *arena, const struct doc_node *near,
                                     const struct policy_subject *subject, struct str last_key,
                                     struct str last) {
        struct maker m = maker_new(arena, near, 3);

        add_text(&m, STR("group"), subject->group);
        add_text(&m, STR("version"), subject->version);
        add_text(&m, last_key, last);
        return done(&m);
}

static struct str operation_name(enum policy_operation operation) {
        switch (operation) {
        case POLICY_UPDATE:
                return STR("UPDATE");
        case POLICY_DELETE:
                return STR("DELETE");
        case POLICY_CONNECT:
                return STR("CONNECT");
        case POLICY_CREATE:
        default:
                return STR("CREATE");
        }
}

static const struct doc_node *user_info(struct arena *arena, const struct doc_node *near,
                                        const struct policy_user *user) {
        struct maker m = maker_new(arena, near, 4);

        if (!user)
                return done(&m);
        add_text_unless_empty(&m, STR("username"), user->name);
        add_text_unless_empty(&m, STR("uid"), user->uid);
        if (user->group_count > 0) {
                struct doc_node *groups = doc_new_list(arena, near, user->group_count);

                for (size_t i = 0; i < user->group_count; i++)
                        groups->list.items[i] = text_node(&m, user->groups[i]);
                add(&m, STR("groups"), groups);
        }
        if (user->extra && user->extra->kind == DOC_MAP && user->extra->map.count > 0)
                add(&m, STR("extra"), user->extra);
        return done(&m);
}

const struct doc_node *policy_request(struct arena *arena, const struct policy_subject *subject) {
        const struct doc_node *near = subject->object ? subject->object : subject->old_object;
        const struct doc_node *kind = triple(arena, near, subject, STR("kind"), subject->kind);
        const struct doc_node *resource =
                triple(arena, near, subject, STR("resource"), subject->resource);
        const struct policy_subject *requested = subject->requested ? subject->requested : subject;
        bool is_namespace = subject->group.len == 0 && str_eq(subject->resource, STR("namespaces"));
        struct maker m = maker_new(arena, near, 12);
        struct doc_node dry_run = { .kind = DOC_BOOL, .boolean = subject->dry_run };
        struct doc_node none = { .kind = DOC_NULL };

        add(&m, STR("kind"), kind);
        add(&m, STR("resource"), resource);
        add_text_unless_empty(&m, STR("subResource"), subject->subresource);
        add(&m, STR("requestKind"), triple(arena, near, requested, STR("kind"), requested->kind));
        add(&m, STR("requestResource"),
            triple(arena, near, requested, STR("resource"), requested->resource));
        add_text_unless_empty(&m, STR("requestSubResource"), subject->subresource);
        add_text_unless_empty(&m, STR("name"), subject->name);
        add_text_unless_empty(&m, STR("namespace"),
                              is_namespace ? subject->name : subject->namespace);
        add_text(&m, STR("operation"), operation_name(subject->operation));
        add(&m, STR("userInfo"), user_info(arena, near, subject->user));
        add(&m, STR("dryRun"), &dry_run);
        add(&m, STR("options"), subject->options ? subject->options : &none);
        return done(&m);
}

/* The FIELDS of FROM that are there and not null, and for each struct of Go an empty map. */
static const struct doc_node *pick(struct arena *arena, const struct doc_node *near,
                                   const struct doc_node *from, const char *const *fields) {
        struct maker m = maker_new(arena, near, 12);

        for (; *fields; fields++) {
                const struct doc_node *value = doc_get(from, str_from(*fields));

                if (value && value->kind != DOC_NULL)
                        add(&m, str_from(*fields), value);
        }
        return done(&m);
}

const struct doc_node *policy_namespace(struct arena *arena, const struct policy_subject *subject) {
        static const char *const metadata[] = { "name",
                                                "generateName",
                                                "namespace",
                                                "labels",
                                                "annotations",
                                                "uid",
                                                "creationTimestamp",
                                                "deletionGracePeriodSeconds",
                                                "deletionTimestamp",
                                                "generation",
                                                "resourceVersion",
                                                "finalizers",
                                                NULL };
        static const char *const spec[] = { "finalizers", NULL };
        static const char *const status[] = { "phase", "conditions", NULL };
        const struct doc_node *from = subject->namespace_object;
        struct maker m;

        if (!from || !subject->namespaced)
                return NULL;
        m = maker_new(arena, from, 3);
        add(&m, STR("metadata"), pick(arena, from, doc_get(from, STR("metadata")), metadata));
        add(&m, STR("spec"), pick(arena, from, doc_get(from, STR("spec")), spec));
        add(&m, STR("status"), pick(arena, from, doc_get(from, STR("status")), status));
        return done(&m);
}
