#include "inventory/cluster.h"

#include <errno.h>

#include "base/util.h"
#include "doc/write.h"
#include "inventory/live.h"
#include "kube/kinds.h"

enum {
        OWNER_READS_MAX = 1000, /* objects that are asked for because they own others */
        FORBIDDEN_MAX = 20,     /* of them that may be refused before no more are asked for */
};

/* An owner that something read names. */
struct wanted_owner {
        struct live_owner owner;
        struct str namespace;
};

struct reader {
        struct live live;
        struct input_list *list;
        const struct cluster_resource *resource; /* that is read now */
        size_t files, objects;                   /* before it */
        struct arena names;
        struct map known; /* identities of what was read or asked for */
        VEC(struct wanted_owner) owners;
};

/* --- objects --- */

static void mark_known(struct reader *reader, struct str group, struct str kind,
                       struct str namespace, struct str name) {
        map_put(&reader->known, live_identity(&reader->names, group, kind, namespace, name))
                ->value = reader;
}

static void want_owner(struct reader *reader, const struct live_object *object) {
        struct arena *arena = &reader->names;

        if (object->owner.kind.len == 0)
                return;
        *vec_push(&reader->owners) = (struct wanted_owner){
                { arena_str(arena, object->owner.api_version), arena_str(arena, object->owner.kind),
                  arena_str(arena, object->owner.name), arena_str(arena, object->owner.uid) },
                arena_str(arena, object->namespace)
        };
}

static void add_text(struct reader *reader, const struct live_object *object) {
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;

        doc_write_yaml(&yaml, object->root, 0);
        input_add_text(reader->list, object->path, buf_str(&yaml));
        reader->objects++;
}

static void add_item(void *userdata, const struct doc_node *item) {
        struct reader *reader = userdata;
        struct live_object object;

        if (item->kind != DOC_MAP ||
            !live_object_of(&reader->live, &reader->live.page, reader->resource, item, &object))
                return;
        mark_known(reader, reader->resource->group, reader->resource->kind, object.namespace,
                   object.name);
        want_owner(reader, &object);
        add_text(reader, &object);
        if (reader->live.options->progress && reader->objects % 100 == 0)
                reader->live.options->progress(reader->live.options->userdata, reader->objects,
                                               reader->resource->resource);
}

/* --- lists --- */

static void begin_list(void *userdata) {
        struct reader *reader = userdata;

        reader->list->files.count = reader->files;
}

/* RESOURCE, which was read (REASON is its version), or could not be. */
static struct input_gap list_of(struct arena *arena, const struct live *live,
                                const struct cluster_resource *resource, struct str reason) {
        return (struct input_gap){ .group = arena_str(arena, resource->group),
                                   .version = arena_str(arena, resource->version),
                                   .kind = arena_str(arena, resource->kind),
                                   .resource = arena_str(arena, resource->resource),
                                   .namespaced = resource->namespaced,
                                   .metadata_only = live_is_metadata_only(live, resource),
                                   .scope = arena_str(arena, live_scope(live, resource)),
                                   .reason = arena_str(arena, reason) };
}

static int read_list(struct reader *reader, const struct cluster_resource *resource) {
        const struct live_list_handler handler = { begin_list, add_item, reader };
        struct input_list *list = reader->list;
        struct str version = STR("");
        int status;

        reader->resource = resource;
        reader->files = reader->list->files.count;
        status = live_list(&reader->live, resource, &handler, &reader->names, &version);
        if (status == -ECANCELED)
                return status;
        if (status == 200)
                *vec_push(&list->lists) = list_of(&list->arena, &reader->live, resource, version);
        else
                *vec_push(&list->gaps) =
                        list_of(&list->arena, &reader->live, resource,
                                live_gap_reason(&reader->live, &reader->names, status));
        return 0;
}

static int read_lists(struct reader *reader) {
        struct live *live = &reader->live;
        const struct cluster_options *options = live->options;
        bool *read _cleanup_free_ = xrealloc(NULL, live->resources.count + 1, sizeof *read);
        int r = 0;

        for (size_t i = 0; i < live->resources.count && r >= 0; i++) {
                const struct cluster_resource *resource = &live->resources.items[i];

                read[i] = live_is_wanted(live, i, live_rules(live, resource), read);
                if (read[i])
                        r = read_list(reader, resource);
                if (read[i] && options->progress)
                        options->progress(options->userdata, reader->objects, resource->resource);
        }
        return r;
}

/* --- owners --- */

static void owner_problem(struct reader *reader, const struct wanted_owner *wanted,
                          const char *what) {
        struct diagnostic *made = vec_push(&reader->list->problems);
        struct arena *arena = &reader->list->arena;

        made->file = STR(CLUSTER_PATH);
        made->message =
                arena_printf(arena,
                             "%.*s %.*s%s%.*s, which objects name as what controls "
                             "them, %s",
                             STR_ARG(wanted->owner.kind), STR_ARG(wanted->namespace),
                             wanted->namespace.len ? "/" : "", STR_ARG(wanted->owner.name), what);
}

/* Asks for one owner; returns its status. What owns the owner is wanted next. */
static int read_owner(struct reader *reader, const struct wanted_owner *wanted) {
        struct arena *page = &reader->live.page;
        struct live_object object;
        int status;

        arena_reset(page, 1 << 20);
        status = live_read_owner(&reader->live, &wanted->owner, wanted->namespace, page, &object);
        if (status == 200) {
                want_owner(reader, &object);
                add_text(reader, &object);
        } else if (status == 404)
                owner_problem(reader, wanted, "is not there");
        return status;
}

static bool is_known(struct reader *reader, const struct wanted_owner *wanted) {
        struct str group = kube_group_version(wanted->owner.api_version).group;
        struct arena *arena = &reader->live.page;

        /* It may be an object without a namespace. */
        return map_get(&reader->known, live_identity(arena, group, wanted->owner.kind,
                                                     wanted->namespace, wanted->owner.name)) ||
               map_get(&reader->known, live_identity(arena, group, wanted->owner.kind, STR(""),
                                                     wanted->owner.name));
}

/* Those that no list had: kinds that no rule looks at, or that may not be listed. The loop ends,
 * because nobody is asked for twice. */
static int read_owners(struct reader *reader) {
        size_t asked = 0, refused = 0;

        for (size_t i = 0; i < reader->owners.count; i++) {
                const struct wanted_owner wanted = reader->owners.items[i];
                int status;

                arena_reset(&reader->live.page, 1 << 20);
                if (asked >= OWNER_READS_MAX || refused >= FORBIDDEN_MAX ||
                    is_known(reader, &wanted))
                        continue;
                mark_known(reader, kube_group_version(wanted.owner.api_version).group,
                           wanted.owner.kind, wanted.namespace, wanted.owner.name);
                asked++;
                status = read_owner(reader, &wanted);
                if (status == -ECANCELED)
                        return status;
                refused += status == 401 || status == 403;
        }
        return 0;
}

int cluster_read(struct client *client, const struct cluster_options *options,
                 struct input_list *ret, struct error *error) {
        struct error own;
        struct reader reader = {
                .live = { .client = client, .options = options, .error = error ? error : &own },
                .list = ret,
        };
        int r;

        if (options->namespace && !live_is_name(str_from(options->namespace)))
                return error_set(error, -EINVAL, "\"%s\" is no name of a namespace",
                                 options->namespace);
        r = live_discover(&reader.live);
        if (r >= 0)
                r = read_lists(&reader);
        if (r >= 0 && !options->group_only)
                r = read_owners(&reader);
        live_free(&reader.live);
        vec_free(&reader.owners);
        map_free(&reader.known);
        arena_free(&reader.names);
        return r;
}
