#include "inventory/live.h"

#include <errno.h>

#include "base/util.h"

enum { RESOURCES_MAX = 10000, PATH_MAX_BYTES = 8192 };

#define AGGREGATED "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

/* --- asking --- */

int live_ask(struct live *live, const char *path, const char *accept, struct arena *arena,
             const struct doc_node **ret) {
        struct client_answer *answer = &live->answer;
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_limits limits = doc_default_limits;
        struct doc_reader json;
        struct doc *doc;
        int r = client_get(live->client, path, accept, answer, live->error);

        if (r < 0 || answer->status != 200)
                return r < 0 ? r : (int)answer->status;
        limits.file_bytes = SIZE_MAX;
        *source = (struct doc_source){ STR(""), arena_str(arena, buf_str(&answer->body)) };
        doc_reader_init(&json, source, DOC_JSON, &limits);
        if (doc_read(&json, arena, &doc, NULL) <= 0 || doc->root->kind != DOC_MAP)
                return error_set(live->error, -EPROTO,
                                 "the server's answer to %s is no JSON object", path);
        *ret = doc->root;
        return 200;
}

int live_refused(struct live *live, const char *path, int status) {
        struct str message = live->answer.message;

        if (status < 0)
                return status;
        return error_set(live->error, status == 401 || status == 403 ? -EACCES : -EPROTO,
                         "the server answered %d to %s%s%.*s", status, path,
                         message.len ? ": " : "", STR_ARG(message));
}

/* --- discovery --- */

struct str live_text(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

bool live_is_name(struct str name) {
        for (size_t i = 0; i < name.len; i++)
                if (!name.ptr[i] ||
                    !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
                            name.ptr[i]))
                        return false;
        return name.len > 0 && name.len < 254;
}

static bool has_verb(const struct doc_node *verbs, struct str verb) {
        for (uint32_t i = 0; verbs && verbs->kind == DOC_LIST && i < verbs->list.count; i++)
                if (str_eq(doc_string(&verbs->list.items[i], STR("")), verb))
                        return true;
        return false;
}

/* MADE, whose text is that of an answer, with the VERBS that it has. What cannot be listed and what
 * has no sane name is left out. */
static void add_resource(struct live *live, const struct cluster_resource *made,
                         const struct doc_node *verbs) {
        struct arena *arena = &live->arena;

        if (!has_verb(verbs, STR("list")) || !live_is_name(made->version) ||
            !live_is_name(made->resource) || (made->group.len > 0 && !live_is_name(made->group)) ||
            live->resources.count >= RESOURCES_MAX)
                return;
        *vec_push(&live->resources) =
                (struct cluster_resource){ .group = arena_str(arena, made->group),
                                           .version = arena_str(arena, made->version),
                                           .kind = arena_str(arena, made->kind),
                                           .resource = arena_str(arena, made->resource),
                                           .namespaced = made->namespaced,
                                           .watchable = has_verb(verbs, STR("watch")) };
}

/* A version of an APIGroupDiscovery. */
static void add_version(struct live *live, struct str group, const struct doc_node *version) {
        const struct doc_node *resources = doc_get(version, STR("resources"));

        for (uint32_t i = 0; resources && resources->kind == DOC_LIST && i < resources->list.count;
             i++) {
                const struct doc_node *resource = &resources->list.items[i];

                add_resource(
                        live,
                        &(struct cluster_resource){
                                .group = group,
                                .version = live_text(version, "version"),
                                .kind = live_text(doc_get(resource, STR("responseKind")), "kind"),
                                .resource = live_text(resource, "resource"),
                                .namespaced =
                                        str_eq(live_text(resource, "scope"), STR("Namespaced")) },
                        doc_get(resource, STR("verbs")));
        }
}

static void add_groups(struct live *live, const struct doc_node *root) {
        const struct doc_node *groups = doc_get(root, STR("items"));

        for (uint32_t i = 0; groups && groups->kind == DOC_LIST && i < groups->list.count; i++) {
                const struct doc_node *group = &groups->list.items[i];
                const struct doc_node *versions = doc_get(group, STR("versions"));

                for (uint32_t k = 0;
                     versions && versions->kind == DOC_LIST && k < versions->list.count; k++)
                        add_version(live, doc_string(doc_find(group, "metadata", "name"), STR("")),
                                    &versions->list.items[k]);
        }
}

/* An APIResourceList, of servers that do not aggregate discovery (before 1.30). */
static int add_legacy_version(struct live *live, struct str group, struct str version) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        char path[PATH_MAX_BYTES];
        const struct doc_node *root = NULL, *resources;
        int status;

        if (!live_is_name(version) || (group.len > 0 && !live_is_name(group)))
                return 0;
        snprintf(path, sizeof path, group.len ? "/apis/%.*s/%.*s" : "/api%.*s/%.*s", STR_ARG(group),
                 STR_ARG(version));
        status = live_ask(live, path, NULL, &arena, &root);
        if (status != 200)
                return status < 0 ? status : live_refused(live, path, status);
        resources = doc_get(root, STR("resources"));
        for (uint32_t i = 0; resources && resources->kind == DOC_LIST && i < resources->list.count;
             i++) {
                const struct doc_node *resource = &resources->list.items[i];
                const struct doc_node *namespaced = doc_get(resource, STR("namespaced"));

                add_resource(live,
                             &(struct cluster_resource){
                                     .group = group,
                                     .version = version,
                                     .kind = live_text(resource, "kind"),
                                     .resource = live_text(resource, "name"),
                                     .namespaced = namespaced && namespaced->kind == DOC_BOOL &&
                                                   namespaced->boolean },
                             doc_get(resource, STR("verbs")));
        }
        return 0;
}

static int discover_legacy(struct live *live) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *root = NULL, *groups;
        int r = add_legacy_version(live, STR(""), STR("v1")), status;

        if (r < 0)
                return r;
        status = live_ask(live, "/apis", NULL, &arena, &root);
        if (status != 200)
                return live_refused(live, "/apis", status);
        groups = doc_get(root, STR("groups"));
        for (uint32_t i = 0; groups && groups->kind == DOC_LIST && i < groups->list.count && r >= 0;
             i++) {
                const struct doc_node *versions = doc_get(&groups->list.items[i], STR("versions"));

                for (uint32_t k = 0;
                     versions && versions->kind == DOC_LIST && k < versions->list.count && r >= 0;
                     k++)
                        r = add_legacy_version(live, live_text(&groups->list.items[i], "name"),
                                               live_text(&versions->list.items[k], "version"));
        }
        return r;
}

int live_discover(struct live *live) {
        static const char *const roots[] = { "/api", "/apis" };

        for (size_t i = 0; i < ELEMENTS(roots); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                const struct doc_node *root = NULL;
                int status = live_ask(live, roots[i], AGGREGATED, &arena, &root);

                if (status != 200 && status != 406)
                        return live_refused(live, roots[i], status);
                if (status == 406 || !str_eq(live_text(root, "kind"), STR("APIGroupDiscoveryList")))
                        return discover_legacy(live);
                add_groups(live, root);
        }
        return 0;
}
