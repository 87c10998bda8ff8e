/* Following a cluster from what a snapshot has of it, and back into one. */
#include <errno.h>

#include "base/util.h"
#include "inventory/follow_private.h"

/* --- from a snapshot --- */

static const struct input_gap *known_list(const struct input_list *known,
                                          const struct cluster_resource *resource) {
        for (size_t i = 0; i < known->lists.count; i++)
                if (str_eq(known->lists.items[i].group, resource->group) &&
                    str_eq(known->lists.items[i].resource, resource->resource))
                        return &known->lists.items[i];
        return NULL;
}

/* A list that was read otherwise (another version or scope, only metadata) is of no use. */
static bool is_same_list(const struct follow *follow, const struct followed *list,
                         const struct input_gap *known) {
        const struct live *live = &follow->live;

        return str_eq(known->version, list->resource.version) &&
               str_eq(known->scope, live_scope(live, &list->resource)) &&
               known->metadata_only == live_is_metadata_only(live, &list->resource);
}

static struct followed *list_of(const struct follow *follow, struct str path) {
        struct str group, resource;

        cluster_resource_of(path, &group, &resource);
        for (size_t i = 0; i < follow->lists.count; i++)
                if (str_eq(follow->lists.items[i]->resource.group, group) &&
                    str_eq(follow->lists.items[i]->resource.resource, resource))
                        return follow->lists.items[i];
        return NULL;
}

/* Objects of lists that are to be read anew are taken, too: reading finds which are as they were.
 */
static void take_object(struct follow *follow, const struct input_file *file) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { file->path, file->text };
        const struct doc_node *metadata;
        struct store_object *object;
        struct live_object made;
        struct followed *list;
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_YAML, NULL);
        list = list_of(follow, file->path);
        if (!list || doc_read(&reader, &arena, &doc, NULL) <= 0)
                return;
        metadata = doc_get(doc->root, STR("metadata"));
        made = (struct live_object){ .path = file->path,
                                     .namespace = live_text(metadata, "namespace"),
                                     .name = live_text(metadata, "name"),
                                     .uid = live_text(metadata, "uid"),
                                     .version = live_text(metadata, "resourceVersion"),
                                     .owner = live_owner_of(metadata),
                                     .root = doc->root };
        object = follow_put(follow, &arena, &made);
        object->list = list->number;
        object->generation = list->generation;
}

void follow_take_known(struct follow *follow, const struct input_list *known) {
        for (size_t i = 0; i < follow->lists.count; i++) {
                struct followed *list = follow->lists.items[i];
                const struct input_gap *had = known_list(known, &list->resource);

                if (had && list->resource.watchable && is_same_list(follow, list, had))
                        buf_add(&list->version, had->reason);
        }
        for (size_t i = 0; i < known->files.count; i++)
                take_object(follow, &known->files.items[i]);
}

/* --- how far it is --- */

/* Versions are numbers that grow (KEP-5504), whatever their size. */
static bool is_reached(struct str version, struct str mark) {
        return version.len != mark.len ? version.len > mark.len : str_cmp(version, mark) >= 0;
}

int follow_mark(struct follow *follow, struct error *error) {
        struct live *live = &follow->live;
        struct buf path _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < follow->lists.count; i++) {
                struct followed *list = follow->lists.items[i];
                const struct doc_node *root = NULL;
                int status;

                if (list->gap || list->retired || list->polled)
                        continue;
                live_list_path(live, &list->resource, &path);
                buf_add(&path, STR("?limit=1"));
                arena_reset(&live->page, 1 << 20);
                status = live_ask(live, path.data, live_accept(live, &list->resource, true),
                                  &live->page, &root);
                if (status < 0)
                        return error_set(error, status, "%s", live->error->message);
                buf_clear(&list->mark);
                list->past_mark = false;
                if (status == 200)
                        buf_add(&list->mark,
                                doc_string(doc_find(root, "metadata", "resourceVersion"), STR("")));
        }
        return 0;
}

bool follow_is_current(const struct follow *follow) {
        for (size_t i = 0; i < follow->lists.count; i++) {
                const struct followed *list = follow->lists.items[i];

                if (list->gap || list->retired || list->polled)
                        continue;
                if (list->version.len == 0)
                        return false;
                if (!list->past_mark && !is_reached(buf_str(&list->version), buf_str(&list->mark)))
                        return false;
        }
        return true;
}

/* --- into a snapshot --- */

void follow_lists(const struct follow *follow, struct input_list *list) {
        struct arena *arena = &list->arena;

        for (size_t i = 0; i < follow->lists.count; i++) {
                const struct followed *followed = follow->lists.items[i];
                const struct cluster_resource *resource = &followed->resource;
                struct input_gap made = {
                        .group = arena_str(arena, resource->group),
                        .version = arena_str(arena, resource->version),
                        .kind = arena_str(arena, resource->kind),
                        .resource = arena_str(arena, resource->resource),
                        .namespaced = resource->namespaced,
                        .metadata_only = live_is_metadata_only(&follow->live, resource),
                        .scope = arena_str(arena, live_scope(&follow->live, resource)),
                        .reason = arena_str(arena, buf_str(followed->gap ? &followed->reason
                                                                         : &followed->version)),
                };

                if (followed->retired)
                        continue;
                if (followed->gap)
                        *vec_push(&list->gaps) = made;
                else
                        *vec_push(&list->lists) = made;
        }
}
