#include "inventory/cluster.h"

#include <errno.h>

#include "base/util.h"
#include "doc/write.h"
#include "kube/kinds.h"

enum {
        PAGE = 500,
        RESTARTS_MAX = 3, /* of a list that was changed too fast to be read to its end */
        RESOURCES_MAX = 10000,
        PAGES_MAX = 100000,
        PATH_MAX_BYTES = 8192,
};

#define AGGREGATED "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

struct reader {
        struct client *client;
        const struct cluster_options *options;
        struct input_list *list;
        struct error *error;
        struct client_answer answer;
        struct arena arena; /* of the discovery */
        struct arena page;  /* of one answer */
        VEC(struct cluster_resource) resources;
        size_t objects;
};

/* --- asking --- */

/* Asks for PATH and reads the answer into ARENA. Returns the HTTP status, or a negative errno. */
static int ask(struct reader *reader, const char *path, const char *accept, struct arena *arena,
               const struct doc_node **ret) {
        struct client_answer *answer = &reader->answer;
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_limits limits = doc_default_limits;
        struct doc_reader json;
        struct doc *doc;
        int r = client_get(reader->client, path, accept, answer, reader->error);

        if (r < 0 || answer->status != 200)
                return r < 0 ? r : (int)answer->status;
        limits.file_bytes = SIZE_MAX;
        *source = (struct doc_source){ STR(""), arena_str(arena, buf_str(&answer->body)) };
        doc_reader_init(&json, source, DOC_JSON, &limits);
        if (doc_read(&json, arena, &doc, NULL) <= 0 || doc->root->kind != DOC_MAP)
                return error_set(reader->error, -EPROTO,
                                 "the server's answer to %s is no JSON object", path);
        *ret = doc->root;
        return 200;
}

static int refused(struct reader *reader, const char *path, int status) {
        struct str message = reader->answer.message;

        if (status < 0)
                return status;
        return error_set(reader->error, status == 401 || status == 403 ? -EACCES : -EPROTO,
                         "the server answered %d to %s%s%.*s", status, path,
                         message.len ? ": " : "", STR_ARG(message));
}

/* --- discovery --- */

static struct str text_at(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

/* Names go into paths: what is none of Kubernetes' is not asked for. */
static bool is_name(struct str name) {
        for (size_t i = 0; i < name.len; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
                            name.ptr[i]))
                        return false;
        return name.len > 0 && name.len < 254;
}

static bool lists(const struct doc_node *verbs) {
        for (uint32_t i = 0; verbs && verbs->kind == DOC_LIST && i < verbs->list.count; i++)
                if (str_eq(doc_string(&verbs->list.items[i], STR("")), STR("list")))
                        return true;
        return false;
}

static void add_resource(struct reader *reader, struct str group, struct str version,
                         struct str kind, struct str resource, bool namespaced) {
        struct cluster_resource *made;

        if (!is_name(version) || !is_name(resource) || (group.len > 0 && !is_name(group)) ||
            reader->resources.count >= RESOURCES_MAX)
                return;
        made = vec_push(&reader->resources);
        *made = (struct cluster_resource){ arena_str(&reader->arena, group),
                                           arena_str(&reader->arena, version),
                                           arena_str(&reader->arena, kind),
                                           arena_str(&reader->arena, resource), namespaced };
}

/* A version of an APIGroupDiscovery. */
static void add_version(struct reader *reader, struct str group, const struct doc_node *version) {
        const struct doc_node *resources = doc_get(version, STR("resources"));

        for (uint32_t i = 0; resources && resources->kind == DOC_LIST && i < resources->list.count;
             i++) {
                const struct doc_node *resource = &resources->list.items[i];

                if (lists(doc_get(resource, STR("verbs"))))
                        add_resource(reader, group, text_at(version, "version"),
                                     text_at(doc_get(resource, STR("responseKind")), "kind"),
                                     text_at(resource, "resource"),
                                     str_eq(text_at(resource, "scope"), STR("Namespaced")));
        }
}

static void add_groups(struct reader *reader, const struct doc_node *root) {
        const struct doc_node *groups = doc_get(root, STR("items"));

        for (uint32_t i = 0; groups && groups->kind == DOC_LIST && i < groups->list.count; i++) {
                const struct doc_node *group = &groups->list.items[i];
                const struct doc_node *versions = doc_get(group, STR("versions"));

                for (uint32_t k = 0;
                     versions && versions->kind == DOC_LIST && k < versions->list.count; k++)
                        add_version(reader,
                                    doc_string(doc_find(group, "metadata", "name"), STR("")),
                                    &versions->list.items[k]);
        }
}

/* An APIResourceList, of servers that do not aggregate discovery (before 1.30). */
static int add_legacy_version(struct reader *reader, struct str group, struct str version) {
        char path[PATH_MAX_BYTES];
        const struct doc_node *root = NULL, *resources;
        int status;

        if (!is_name(version) || (group.len > 0 && !is_name(group)))
                return 0;
        snprintf(path, sizeof path, group.len ? "/apis/%.*s/%.*s" : "/api%.*s/%.*s", STR_ARG(group),
                 STR_ARG(version));
        status = ask(reader, path, NULL, &reader->arena, &root);
        if (status != 200)
                return status < 0 ? status : refused(reader, path, status);
        resources = doc_get(root, STR("resources"));
        for (uint32_t i = 0; resources && resources->kind == DOC_LIST && i < resources->list.count;
             i++) {
                const struct doc_node *resource = &resources->list.items[i];
                const struct doc_node *namespaced = doc_get(resource, STR("namespaced"));

                if (lists(doc_get(resource, STR("verbs"))))
                        add_resource(reader, group, version, text_at(resource, "kind"),
                                     text_at(resource, "name"),
                                     namespaced && namespaced->kind == DOC_BOOL &&
                                             namespaced->boolean);
        }
        return 0;
}

static int discover_legacy(struct reader *reader) {
        const struct doc_node *root = NULL, *groups;
        int r = add_legacy_version(reader, STR(""), STR("v1")), status;

        if (r < 0)
                return r;
        status = ask(reader, "/apis", NULL, &reader->arena, &root);
        if (status != 200)
                return refused(reader, "/apis", status);
        groups = doc_get(root, STR("groups"));
        for (uint32_t i = 0; groups && groups->kind == DOC_LIST && i < groups->list.count && r >= 0;
             i++) {
                const struct doc_node *versions = doc_get(&groups->list.items[i], STR("versions"));

                for (uint32_t k = 0;
                     versions && versions->kind == DOC_LIST && k < versions->list.count && r >= 0;
                     k++)
                        r = add_legacy_version(reader, text_at(&groups->list.items[i], "name"),
                                               text_at(&versions->list.items[k], "version"));
        }
        return r;
}

static int discover(struct reader *reader) {
        static const char *const roots[] = { "/api", "/apis" };

        for (size_t i = 0; i < ELEMENTS(roots); i++) {
                const struct doc_node *root = NULL;
                int status = ask(reader, roots[i], AGGREGATED, &reader->arena, &root);

                if (status != 200 && status != 406)
                        return refused(reader, roots[i], status);
                if (status == 406 || !str_eq(text_at(root, "kind"), STR("APIGroupDiscoveryList")))
                        return discover_legacy(reader);
                add_groups(reader, root);
        }
        return 0;
}

/* --- objects --- */

/* Workloads whose templates are judged: what they control is not judged again. */
static bool is_controlled(const struct doc_node *metadata) {
        const struct doc_node *owners = doc_get(metadata, STR("ownerReferences"));

        for (uint32_t i = 0; owners && owners->kind == DOC_LIST && i < owners->list.count; i++) {
                const struct doc_node *owner = &owners->list.items[i];
                const struct doc_node *controller = doc_get(owner, STR("controller"));
                const struct kube_kind *kind =
                        kube_kind_find(kube_group_version(text_at(owner, "apiVersion")).group,
                                       text_at(owner, "kind"));

                if (controller && controller->kind == DOC_BOOL && controller->boolean && kind &&
                    kind->pod_template)
                        return true;
        }
        return false;
}

static const struct doc_node *without_managed_fields(struct arena *arena,
                                                     const struct doc_node *metadata) {
        struct doc_node *made;
        size_t count = 0;

        if (!metadata || metadata->kind != DOC_MAP)
                return metadata;
        made = doc_new_map(arena, NULL, metadata->map.count);
        for (uint32_t i = 0; i < metadata->map.count; i++)
                if (!str_eq(metadata->map.entries[i].key, STR("managedFields")))
                        doc_map_set(made, count++, metadata->map.entries[i].key,
                                    &metadata->map.entries[i].value);
        made->map.count = (uint32_t)count;
        doc_map_index(arena, made);
        return made;
}

/* ITEM of a list with the apiVersion and kind that items lack. */
static const struct doc_node *whole_object(struct reader *reader, const struct doc_node *item,
                                           struct str api_version, struct str kind) {
        struct arena *arena = &reader->page;
        struct doc_node *made = doc_new_map(arena, NULL, item->map.count + 2);
        struct doc_node text = { .kind = DOC_STRING };
        size_t count = 0;

        doc_set_string(&text, api_version);
        doc_map_set(made, count++, STR("apiVersion"), &text);
        doc_set_string(&text, kind);
        doc_map_set(made, count++, STR("kind"), &text);
        for (uint32_t i = 0; i < item->map.count; i++) {
                const struct doc_entry *entry = &item->map.entries[i];

                if (str_eq(entry->key, STR("metadata")) && !reader->options->whole)
                        doc_map_set(made, count++, entry->key,
                                    without_managed_fields(arena, &entry->value));
                else if (!str_eq(entry->key, STR("apiVersion")) && !str_eq(entry->key, STR("kind")))
                        doc_map_set(made, count++, entry->key, &entry->value);
        }
        made->map.count = (uint32_t)count;
        doc_map_index(arena, made);
        return made;
}

static void add_object(struct reader *reader, const struct cluster_resource *resource,
                       const struct doc_node *item) {
        const struct doc_node *metadata = doc_get(item, STR("metadata")), *object;
        struct str namespace = text_at(metadata, "namespace"), api_version, path;
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;

        if (item->kind != DOC_MAP || (!reader->options->whole && is_controlled(metadata)))
                return;
        api_version = resource->group.len
                              ? arena_printf(&reader->page, "%.*s/%.*s", STR_ARG(resource->group),
                                             STR_ARG(resource->version))
                              : resource->version;
        path = arena_printf(&reader->page, CLUSTER_PATH "%.*s%s%.*s%s%.*s/%.*s", STR_ARG(namespace),
                            namespace.len ? "/" : "", STR_ARG(resource->resource),
                            resource->group.len ? "." : "", STR_ARG(resource->group),
                            STR_ARG(text_at(metadata, "name")));
        object = whole_object(reader, item, api_version, resource->kind);
        reader->objects++;
        doc_write_yaml(&yaml, object, 0);
        input_add_text(reader->list, path, buf_str(&yaml));
}

/* --- lists --- */

static void problem(struct reader *reader, struct str resource, bool incomplete, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
static void problem(struct reader *reader, struct str resource, bool incomplete, const char *format,
                    ...) {
        struct diagnostic *made = vec_push(&reader->list->problems);
        va_list args;

        va_start(args, format);
        made->file = arena_printf(&reader->list->arena, CLUSTER_PATH "%.*s", STR_ARG(resource));
        made->message = arena_vprintf(&reader->list->arena, format, args);
        made->incomplete = incomplete;
        va_end(args);
}

static void cannot_list(struct reader *reader, const struct cluster_resource *resource,
                        size_t rules, int status) {
        struct str message = status < 0 ? str_from(reader->error->message) : reader->answer.message;
        const char *scope =
                reader->options->namespace ? reader->options->namespace : "any namespace";

        if (status == 403 || status == 401)
                problem(reader, resource->resource, true,
                        "cannot list %.*s%s%.*s in %s: %zu rules not judged (%d %s)",
                        STR_ARG(resource->resource), resource->group.len ? "." : "",
                        STR_ARG(resource->group), resource->namespaced ? scope : "the cluster",
                        rules, status, status == 403 ? "Forbidden" : "Unauthorized");
        else
                problem(reader, resource->resource, true,
                        "cannot list %.*s%s%.*s: %zu rules not judged (%s%.*s)",
                        STR_ARG(resource->resource), resource->group.len ? "." : "",
                        STR_ARG(resource->group), rules, status < 0 ? "" : "the server answered: ",
                        STR_ARG(message.len ? message : STR("an error without a message")));
}

/* Where the list goes on: CONTINUE, escaped for a URL. */
static void page_path(struct reader *reader, const struct cluster_resource *resource,
                      struct str next, struct buf *ret) {
        const struct cluster_options *options = reader->options;

        buf_clear(ret);
        buf_printf(ret, resource->group.len ? "/apis/%.*s" : "/api%.*s", STR_ARG(resource->group));
        buf_printf(ret, "/%.*s", STR_ARG(resource->version));
        if (options->namespace && resource->namespaced)
                buf_printf(ret, "/namespaces/%s", options->namespace);
        buf_printf(ret, "/%.*s?limit=%u", STR_ARG(resource->resource),
                   options->page ? options->page : PAGE);
        if (next.len > 0)
                buf_add(ret, STR("&continue="));
        for (size_t i = 0; i < next.len; i++) {
                unsigned char c = (unsigned char)next.ptr[i];

                if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                    strchr("-_.~", c))
                        buf_add_char(ret, (char)c);
                else
                        buf_printf(ret, "%%%02X", c);
        }
}

/* Reads a list from its beginning to its end. Returns 200, another HTTP status, or a negative
 * errno. */
static int read_pages(struct reader *reader, const struct cluster_resource *resource) {
        struct buf path _cleanup_(buf_free) = BUF_INIT, next _cleanup_(buf_free) = BUF_INIT;

        for (size_t pages = 0; pages < PAGES_MAX; pages++) {
                const struct doc_node *root = NULL, *items;
                struct str token;
                int status;

                page_path(reader, resource, buf_str(&next), &path);
                arena_reset(&reader->page, 1 << 20);
                status = ask(reader, path.data, NULL, &reader->page, &root);
                if (status != 200)
                        return status;
                items = doc_get(root, STR("items"));
                for (uint32_t i = 0; items && items->kind == DOC_LIST && i < items->list.count; i++)
                        add_object(reader, resource, &items->list.items[i]);
                if (reader->options->progress)
                        reader->options->progress(reader->options->userdata, reader->objects,
                                                  resource->resource);
                token = doc_string(doc_find(root, "metadata", "continue"), STR(""));
                if (token.len == 0)
                        return 200;
                buf_clear(&next);
                buf_add(&next, token);
        }
        return error_set(reader->error, -E2BIG, "the list does not end");
}

/* A list that has expired (410) begins anew; what was read of it is dropped. */
static void read_list(struct reader *reader, const struct cluster_resource *resource,
                      size_t rules) {
        size_t files = reader->list->files.count, objects = reader->objects;
        int status = 410;

        for (int i = 0; i < RESTARTS_MAX && status == 410; i++) {
                reader->list->files.count = files;
                reader->objects = objects;
                status = read_pages(reader, resource);
        }
        if (status != 200)
                cannot_list(reader, resource, rules, status);
}

/* Whether an earlier version of the same resource is read already. */
static bool is_read(const struct reader *reader, size_t i, const bool *read) {
        const struct cluster_resource *resource = &reader->resources.items[i];

        for (size_t k = 0; k < i; k++)
                if (read[k] && str_eq(reader->resources.items[k].group, resource->group) &&
                    str_eq(reader->resources.items[k].resource, resource->resource))
                        return true;
        return false;
}

static void read_lists(struct reader *reader) {
        const struct cluster_options *options = reader->options;
        bool *read _cleanup_free_ = xrealloc(NULL, reader->resources.count + 1, sizeof *read);

        for (size_t i = 0; i < reader->resources.count; i++) {
                const struct cluster_resource *resource = &reader->resources.items[i];
                size_t rules = options->wanted(options->userdata, resource);
                bool secrets =
                        resource->group.len == 0 && str_eq(resource->resource, STR("secrets"));

                read[i] = rules > 0 && (resource->namespaced || !options->namespace) &&
                          !is_read(reader, i, read);
                if (read[i] && secrets && !options->secrets)
                        problem(reader, resource->resource, false,
                                "Secrets are not read: %zu rules about them are not judged (allow "
                                "it with --read-secrets)",
                                rules);
                else if (read[i])
                        read_list(reader, resource, rules);
        }
}

int cluster_read(struct client *client, const struct cluster_options *options,
                 struct input_list *ret, struct error *error) {
        struct error own;
        struct reader reader = {
                .client = client, .options = options, .list = ret, .error = error ? error : &own
        };
        int r;

        if (options->namespace && !is_name(str_from(options->namespace)))
                return error_set(error, -EINVAL, "\"%s\" is no name of a namespace",
                                 options->namespace);
        r = discover(&reader);
        if (r >= 0)
                read_lists(&reader);
        buf_free(&reader.answer.body);
        vec_free(&reader.resources);
        arena_free(&reader.arena);
        arena_free(&reader.page);
        return r;
}
