/* Lists of a cluster, page by page. */
#include <errno.h>

#include "base/util.h"
#include "inventory/live.h"

enum {
        PAGE = 500,
        RESTARTS_MAX = 3, /* of a list that was changed too fast to be read to its end */
        PAGES_MAX = 100000,
        EMPTY_PAGES_MAX = 100, /* one after the other: such a list leads nowhere */
        PAGE_KEEP = 1 << 20,
};

#define METADATA_LIST "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

static bool is_secrets(const struct cluster_resource *resource) {
        return resource->group.len == 0 && str_eq(resource->resource, STR("secrets"));
}

bool live_is_metadata_only(const struct live *live, const struct cluster_resource *resource) {
        return is_secrets(resource) && !live->options->secrets;
}

const char *live_accept(const struct live *live, const struct cluster_resource *resource,
                        bool list) {
        if (!live_is_metadata_only(live, resource))
                return NULL;
        return list ? METADATA_LIST : LIVE_METADATA;
}

struct str live_resource_name(struct arena *arena, const struct cluster_resource *resource) {
        return arena_printf(arena, "%.*s%s%.*s", STR_ARG(resource->resource),
                            resource->group.len ? "." : "", STR_ARG(resource->group));
}

void live_list_path(const struct live *live, const struct cluster_resource *resource,
                    struct buf *ret) {
        buf_clear(ret);
        buf_printf(ret, resource->group.len ? "/apis/%.*s" : "/api%.*s", STR_ARG(resource->group));
        buf_printf(ret, "/%.*s", STR_ARG(resource->version));
        if (live->options->namespace && resource->namespaced)
                buf_printf(ret, "/namespaces/%s", live->options->namespace);
        buf_printf(ret, "/%.*s", STR_ARG(resource->resource));
}

/* Where the list goes on after NEXT. */
static void page_path(struct live *live, const struct cluster_resource *resource, struct str next,
                      struct buf *ret) {
        live_list_path(live, resource, ret);
        buf_printf(ret, "?limit=%u", live->options->page ? live->options->page : PAGE);
        if (next.len > 0)
                buf_add(ret, STR("&continue="));
        client_add_escaped(ret, next);
}

static uint32_t hand_out(const struct live_list_handler *handler, const struct doc_node *items) {
        if (!items || items->kind != DOC_LIST)
                return 0;
        for (uint32_t i = 0; i < items->list.count; i++)
                handler->item(handler->userdata, &items->list.items[i]);
        return items->list.count;
}

/* A list has an array of items, or null where there are none; what says neither is none. */
static bool is_list(const struct doc_node *root) {
        const struct doc_node *items = doc_get(root, STR("items"));

        return items && (items->kind == DOC_LIST || items->kind == DOC_NULL);
}

static int read_pages(struct live *live, const struct cluster_resource *resource,
                      const struct live_list_handler *handler, struct arena *arena,
                      struct str *ret_version) {
        struct buf path _cleanup_(buf_free) = BUF_INIT, next _cleanup_(buf_free) = BUF_INIT;
        size_t empty = 0;

        for (size_t pages = 0; pages < PAGES_MAX && empty < EMPTY_PAGES_MAX; pages++) {
                const struct doc_node *root = NULL;
                struct str token;
                int status;

                page_path(live, resource, buf_str(&next), &path);
                arena_reset(&live->page, PAGE_KEEP);
                status = live_ask(live, path.data, live_accept(live, resource, true), &live->page,
                                  &root);
                if (status != 200)
                        return status;
                if (!is_list(root))
                        return error_set(live->error, -EPROTO,
                                         "the server's answer to %s is no list", path.data);
                empty = hand_out(handler, doc_get(root, STR("items"))) > 0 ? 0 : empty + 1;
                if (ret_version)
                        *ret_version = arena_str(
                                arena,
                                doc_string(doc_find(root, "metadata", "resourceVersion"), STR("")));
                token = doc_string(doc_find(root, "metadata", "continue"), STR(""));
                if (token.len == 0)
                        return 200;
                if (str_eq(token, buf_str(&next)))
                        break;
                buf_clear(&next);
                buf_add(&next, token);
        }
        return error_set(live->error, -E2BIG, "the list does not end");
}

/* A list that has expired (410) begins anew. */
int live_list(struct live *live, const struct cluster_resource *resource,
              const struct live_list_handler *handler, struct arena *arena,
              struct str *ret_version) {
        int status = 410;

        for (int i = 0; i < RESTARTS_MAX && status == 410; i++) {
                handler->begin(handler->userdata);
                status = read_pages(live, resource, handler, arena, ret_version);
        }
        return status;
}

struct str live_gap_reason(struct live *live, struct arena *arena, int status) {
        struct str message = status < 0 ? str_from(live->error->message) : live->answer.message;

        if (status == 403 || status == 401)
                return arena_printf(arena, "%d %s", status,
                                    status == 403 ? "Forbidden" : "Unauthorized");
        if (message.len == 0)
                return arena_printf(arena, "the server answered %d without a message", status);
        return arena_printf(arena, "%s%.*s",
                            status < 0 ? "" : "the server answered: ", STR_ARG(message));
}

struct str live_scope(const struct live *live, const struct cluster_resource *resource) {
        if (!resource->namespaced)
                return STR("the cluster");
        return live->options->namespace ? str_from(live->options->namespace) : STR("any namespace");
}

size_t live_rules(const struct live *live, const struct cluster_resource *resource) {
        return live->options->wanted(live->options->userdata, resource,
                                     live_is_metadata_only(live, resource));
}

bool live_is_wanted(const struct live *live, size_t i, size_t rules, const bool *read) {
        const struct cluster_resource *resource = &live->resources.items[i];

        if (rules == 0 || (!resource->namespaced && live->options->namespace))
                return false;
        for (size_t k = 0; k < i; k++)
                if (read[k] && str_eq(live->resources.items[k].group, resource->group) &&
                    str_eq(live->resources.items[k].resource, resource->resource))
                        return false;
        return true;
}

void live_free(struct live *live) {
        buf_free(&live->answer.body);
        vec_free(&live->resources);
        arena_free(&live->arena);
        arena_free(&live->page);
}
