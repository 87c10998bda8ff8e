#include "inventory/follow.h"

#include <errno.h>
#include <time.h>

#include "base/util.h"
#include "client/event.h"
#include "doc/write.h"
#include "inventory/follow_private.h"

enum {
        FIRST_PAUSE_MS = 500,
        LONGEST_PAUSE_MS = 60 * 1000,
        POLL_MS = 60 * 1000,      /* between readings of what may not be watched, or read */
        DISCOVER_MS = 600 * 1000, /* between looks at what the server offers */
        DISCOVER_SOON_MS = 2000,  /* after a CustomResourceDefinition changed */
        SHORT_WATCH_MS = 1000,    /* one that ends before that is not repeated at once */
        WATCH_SECONDS = 300,      /* at least, and twice that at most: as client-go does */
        OWNERS_MAX = 1000,        /* that are in no list and kept */
        OWNER_STEP = 20,          /* asked for between two looks at the watches */
        NO_LIST = -1,
};

static int64_t now_ms(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* A number below LIMIT, so that many of us do not come back at the same moment (xorshift). */
static uint64_t roll(struct follow *follow, uint64_t limit) {
        follow->dice ^= follow->dice << 13;
        follow->dice ^= follow->dice >> 7;
        follow->dice ^= follow->dice << 17;
        return follow->dice % limit;
}

static void set_text(struct buf *buf, struct str text) {
        buf_clear(buf);
        buf_add(buf, text);
}

static void tell(struct followed *list, enum follow_news news, struct str text) {
        const struct follow_handler *handler = list->follow->handler;

        handler->news(handler->userdata, news, &list->resource, text);
}

/* --- objects --- */

static bool is_definition(const struct followed *list) {
        return str_eq(list->resource.resource, STR("customresourcedefinitions"));
}

static void note_change(struct followed *list) {
        if (is_definition(list))
                list->follow->discover_ms =
                        MIN(list->follow->discover_ms, now_ms() + DISCOVER_SOON_MS);
}

struct store_object *follow_put(struct follow *follow, struct arena *arena,
                                const struct live_object *object) {
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;
        const struct live_owner *owner = &object->owner;
        struct store_object made = { .path = object->path,
                                     .version = object->version,
                                     .uid = object->uid,
                                     .owner_uid = owner->uid,
                                     .owner_version = owner->api_version,
                                     .owner_kind = owner->kind,
                                     .owner_name = owner->name };

        doc_write_yaml(&yaml, object->root, 0);
        made.text = buf_str(&yaml);
        if (owner->kind.len > 0)
                made.owner_path = live_owner_path(&follow->live, arena, owner, object->namespace);
        return store_put(&follow->store, &made);
}

static void forget(struct follow *follow, struct store_object *object) {
        follow->handler->gone(follow->handler->userdata, object);
        store_remove(&follow->store, object);
}

/* What owns OBJECT is asked for where no list will have it. */
static void want_owner(struct follow *follow, const struct live_object *object) {
        struct arena *arena = &follow->owner_arena;
        struct map_entry *asked;
        struct str path;

        if (object->owner.kind.len == 0 || follow->options.no_owners)
                return;
        path = live_owner_path(&follow->live, &follow->event, &object->owner, object->namespace);
        if (path.len == 0 || store_find(&follow->store, path))
                return;
        if (follow->owners_asked.count > 4 * OWNERS_MAX) {
                map_free(&follow->owners_asked);
                vec_free(&follow->owners);
                arena_free(arena);
        }
        if (map_get(&follow->owners_asked, path))
                return;
        asked = map_put(&follow->owners_asked, arena_str(arena, path));
        asked->value = follow;
        *vec_push(&follow->owners) = (struct owner_wish){
                { arena_str(arena, object->owner.api_version), arena_str(arena, object->owner.kind),
                  arena_str(arena, object->owner.name), arena_str(arena, object->owner.uid) },
                arena_str(arena, object->namespace)
        };
}

static void take_item(struct followed *list, const struct doc_node *item) {
        struct follow *follow = list->follow;
        struct store_object *known, *object;
        struct live_object made;

        if (item->kind != DOC_MAP ||
            !live_object_of(&follow->live, &follow->event, &list->resource, item, &made))
                return;
        known = store_find(&follow->store, made.path);
        if (known && str_eq(known->version, made.version) && str_eq(known->uid, made.uid)) {
                known->generation = list->generation;
                return;
        }
        object = follow_put(follow, &follow->event, &made);
        object->list = list->number;
        object->generation = list->generation;
        want_owner(follow, &made);
        note_change(list);
        follow->handler->changed(follow->handler->userdata, object);
}

static void drop_item(struct followed *list, const struct doc_node *item) {
        struct follow *follow = list->follow;
        struct store_object *known;
        struct live_object made;

        if (!live_object_of(&follow->live, &follow->event, &list->resource, item, &made))
                return;
        known = store_find(&follow->store, made.path);
        note_change(list);
        if (known)
                forget(follow, known);
}

/* What the last reading of LIST did not have is gone. */
static void sweep(struct followed *list) {
        struct store_object *object = list->follow->store.oldest, *next;

        for (; object; object = next) {
                next = object->younger;
                if (object->list == list->number && object->generation != list->generation)
                        forget(list->follow, object);
        }
}

/* --- lists --- */

static void wait_a_while(struct followed *list, int64_t at_least_ms) {
        int64_t pause = (int64_t)FIRST_PAUSE_MS << MIN(list->failures, 7u);

        pause = MIN(pause, (int64_t)LONGEST_PAUSE_MS);
        pause = pause / 2 + (int64_t)roll(list->follow, (uint64_t)pause / 2 + 1);
        list->due_ms = now_ms() + MAX(pause, at_least_ms);
        list->failures++;
}

static void begin_list(void *userdata) {
        struct follow *follow = userdata;

        follow->reading->generation++;
}

static void list_item(void *userdata, const struct doc_node *item) {
        struct follow *follow = userdata;

        arena_reset(&follow->event, 1 << 20);
        take_item(follow->reading, item);
        follow->counts.events++;
}

static void open_gap(struct followed *list, int status) {
        struct follow *follow = list->follow;

        arena_reset(&follow->event, 1 << 20);
        set_text(&list->reason, live_gap_reason(&follow->live, &follow->event, status));
        if (!list->gap)
                tell(list, FOLLOW_GAP, buf_str(&list->reason));
        list->gap = true;
        wait_a_while(list, status == 401 || status == 403 ? POLL_MS : 0);
}

/* The server does not offer it any more. */
static void retire(struct followed *list) {
        list->generation++;
        sweep(list);
        list->retired = true;
}

static void read_list(struct followed *list) {
        struct follow *follow = list->follow;
        const struct live_list_handler handler = { begin_list, list_item, follow };
        bool again = list->generation > 0 && !list->gap && !list->polled;
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str version = STR("");
        int status;

        follow->reading = list;
        follow->counts.lists++;
        status = live_list(&follow->live, &list->resource, &handler, &arena, &version);
        if (status == -ECANCELED)
                return;
        if (status == 404) {
                retire(list);
                return;
        }
        if (status != 200) {
                open_gap(list, status);
                return;
        }
        sweep(list);
        set_text(&list->version, version);
        list->due_ms = now_ms();
        if (list->gap)
                tell(list, FOLLOW_CLOSED, STR(""));
        else if (again)
                tell(list, FOLLOW_RELISTED, STR(""));
        list->gap = list->lost = false;
        list->failures = 0;
        if (list->polled || !list->resource.watchable || version.len == 0) {
                buf_clear(&list->version);
                list->polled = true;
                list->due_ms += POLL_MS;
        }
}

/* --- watches --- */

static void start_watch(struct followed *list) {
        struct follow *follow = list->follow;
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        unsigned seconds = follow->options.watch_seconds;

        if (seconds == 0)
                seconds = WATCH_SECONDS + (unsigned)roll(follow, WATCH_SECONDS);
        live_list_path(&follow->live, &list->resource, &path);
        buf_printf(&path,
                   "?watch=1&allowWatchBookmarks=true&timeoutSeconds=%u&resourceVersion=", seconds);
        client_add_escaped(&path, buf_str(&list->version));
        if (watch_set_start(follow->set, path.data,
                            live_accept(&follow->live, &list->resource, false), seconds, list,
                            &follow->error) < 0) {
                if (!list->lost)
                        tell(list, FOLLOW_LOST, str_from(follow->error.message));
                list->lost = true;
                wait_a_while(list, 0);
                return;
        }
        follow->counts.watches++;
        list->watching = true;
}

static void opened(_unused_ void *userdata, void *watch) {
        struct followed *list = watch;

        if (list->lost)
                tell(list, FOLLOW_FOUND, STR(""));
        list->lost = false;
}

static int take_line(void *userdata, void *watch, struct str line) {
        struct follow *follow = userdata;
        struct followed *list = watch;
        struct event event;

        arena_reset(&follow->event, 1 << 20);
        follow->counts.events++;
        if (event_read(&follow->event, line, &event, &follow->error) < 0) {
                buf_clear(&list->version);
                return -EPROTO;
        }
        if (event.type == EVENT_ERROR) {
                /* What other errors there are (500: the cache is being made) pass. */
                if (event.code == 410)
                        buf_clear(&list->version);
                return -ESTALE;
        }
        if (event.type == EVENT_ADDED || event.type == EVENT_MODIFIED)
                take_item(list, event.object);
        else if (event.type == EVENT_DELETED)
                drop_item(list, event.object);
        set_text(&list->version, event.version);
        list->failures = 0;
        return 0;
}

static void lose(struct followed *list, const struct watch_end *end) {
        struct arena *arena = &list->follow->event;

        arena_reset(arena, 1 << 20);
        if (!list->lost)
                tell(list, FOLLOW_LOST,
                     end->status > 0 && end->status != 200
                             ? arena_printf(arena, "the server answered %ld%s%.*s", end->status,
                                            end->message.len ? ": " : "", STR_ARG(end->message))
                             : arena_str(arena, end->message));
        list->lost = true;
        wait_a_while(list, MIN(end->retry_after, (int64_t)60) * 1000);
}

static void ended(void *userdata, void *watch, const struct watch_end *end) {
        struct follow *follow = userdata;
        struct followed *list = watch;

        list->watching = false;
        /* Whoever ends all of it does not want to hear of each. */
        if (end->code == -ECANCELED)
                return;
        list->past_mark = true;
        list->due_ms = now_ms();
        if (end->status == 410)
                buf_clear(&list->version);
        if (end->code == 0 && (end->status == 200 || end->status == 410)) {
                if (end->lasted_ms < SHORT_WATCH_MS)
                        wait_a_while(list, 0);
                return;
        }
        /* It was told on the stream that the version is too old, or nonsense. */
        if (end->code == -ESTALE || end->code == -EPROTO || end->code == -E2BIG) {
                if (end->code != -ESTALE)
                        lose(list, end);
                else
                        wait_a_while(list, 0);
                return;
        }
        if (end->status == 403 || end->status == 404 || end->status == 405) {
                list->polled = true;
                buf_clear(&list->version);
                return;
        }
        if (end->status == 401)
                (void)watch_set_renew(follow->set, &follow->error);
        lose(list, end);
}

/* --- what is offered --- */

static struct followed *find_list(const struct follow *follow,
                                  const struct cluster_resource *resource) {
        for (size_t i = 0; i < follow->lists.count; i++)
                if (str_eq(follow->lists.items[i]->resource.resource, resource->resource) &&
                    str_eq(follow->lists.items[i]->resource.group, resource->group))
                        return follow->lists.items[i];
        return NULL;
}

static void add_list(struct follow *follow, const struct cluster_resource *resource) {
        struct followed *list = find_list(follow, resource);

        if (list && !list->retired)
                return;
        if (!list) {
                list = xrealloc(NULL, 1, sizeof *list);
                *list = (struct followed){ .follow = follow, .number = follow->lists.count };
                *vec_push(&follow->lists) = list;
        }
        arena_reset(&list->arena, 0);
        list->resource = (struct cluster_resource){ arena_str(&list->arena, resource->group),
                                                    arena_str(&list->arena, resource->version),
                                                    arena_str(&list->arena, resource->kind),
                                                    arena_str(&list->arena, resource->resource),
                                                    resource->namespaced,
                                                    resource->watchable };
        list->retired = false;
        list->due_ms = now_ms();
}

static void add_lists(struct follow *follow) {
        struct live *live = &follow->live;
        bool *read _cleanup_free_ = xrealloc(NULL, live->resources.count + 1, sizeof *read);

        for (size_t i = 0; i < live->resources.count; i++) {
                const struct cluster_resource *resource = &live->resources.items[i];

                read[i] = live_is_wanted(live, i, live_rules(live, resource), read);
                if (read[i])
                        add_list(follow, resource);
        }
}

/* What is known stays where the server does not answer. */
static void discover_again(struct follow *follow) {
        struct live *live = &follow->live, before = *live;

        follow->discover_ms = now_ms() + DISCOVER_MS;
        live->arena = ARENA_INIT;
        live->resources.items = NULL;
        live->resources.count = live->resources.capacity = 0;
        if (live_discover(live) >= 0) {
                add_lists(follow);
                vec_free(&before.resources);
                arena_free(&before.arena);
                return;
        }
        vec_free(&live->resources);
        arena_free(&live->arena);
        live->arena = before.arena;
        live->resources.items = before.resources.items;
        live->resources.count = before.resources.count;
        live->resources.capacity = before.resources.capacity;
}

/* --- owners --- */

/* The oldest of those that are in no list makes room. */
static void limit_owners(struct follow *follow) {
        struct store_object *object = follow->store.oldest;

        if (follow->owner_objects <= OWNERS_MAX)
                return;
        while (object && object->list != (size_t)NO_LIST)
                object = object->younger;
        if (!object)
                return;
        follow->owner_objects--;
        forget(follow, object);
}

static void read_owners(struct follow *follow) {
        for (int i = 0; i < OWNER_STEP && follow->owners.count > 0; i++) {
                struct owner_wish wish = follow->owners.items[--follow->owners.count];
                struct store_object *object;
                struct live_object made;

                arena_reset(&follow->event, 1 << 20);
                if (live_read_owner(&follow->live, &wish.owner, wish.namespace, &follow->event,
                                    &made) != 200 ||
                    store_find(&follow->store, made.path))
                        continue;
                object = follow_put(follow, &follow->event, &made);
                object->list = (size_t)NO_LIST;
                follow->owner_objects++;
                follow->handler->changed(follow->handler->userdata, object);
                want_owner(follow, &made);
                limit_owners(follow);
        }
}

/* --- the whole --- */

static void attempt_due(struct follow *follow) {
        for (size_t i = 0; i < follow->lists.count; i++) {
                struct followed *list = follow->lists.items[i];

                if (list->watching || list->retired || list->due_ms > now_ms())
                        continue;
                if (list->version.len == 0)
                        read_list(list);
                /* A list that was just read is watched in the same step. */
                if (list->version.len > 0 && !list->gap && !list->retired)
                        start_watch(list);
        }
}

int follow_start(struct client *client, const struct follow_options *options,
                 const struct follow_handler *handler, struct follow **ret, struct error *error) {
        struct follow *follow = xrealloc(NULL, 1, sizeof *follow);
        int r;

        *follow = (struct follow){ .options = *options,
                                   .handler = handler,
                                   .dice = (uint64_t)now_ms() * 2654435761u + (uintptr_t)follow };
        follow->live = (struct live){ .client = client,
                                      .options = &follow->options.cluster,
                                      .error = &follow->error };
        follow->watch_handler = (struct watch_handler){ opened, take_line, ended, follow };
        follow->set = watch_set_new(client, &follow->watch_handler);
        if (options->cluster.namespace && !live_is_name(str_from(options->cluster.namespace)))
                r = error_set(&follow->error, -EINVAL, "\"%s\" is no name of a namespace",
                              options->cluster.namespace);
        else
                r = live_discover(&follow->live);
        if (r < 0) {
                if (error)
                        *error = follow->error;
                *ret = follow_free(follow);
                return r;
        }
        add_lists(follow);
        follow->discover_ms = now_ms() + DISCOVER_MS;
        if (options->known)
                follow_take_known(follow, options->known);
        attempt_due(follow);
        read_owners(follow);
        *ret = follow;
        return 0;
}

void follow_step(struct follow *follow, int ms) {
        attempt_due(follow);
        read_owners(follow);
        if (now_ms() >= follow->discover_ms)
                discover_again(follow);
        watch_set_poll(follow->set, ms);
}

struct follow *follow_free(struct follow *follow) {
        if (!follow)
                return NULL;
        watch_set_free(follow->set);
        for (size_t i = 0; i < follow->lists.count; i++) {
                struct followed *list = follow->lists.items[i];

                buf_free(&list->version);
                buf_free(&list->mark);
                buf_free(&list->reason);
                arena_free(&list->arena);
                free(list);
        }
        vec_free(&follow->lists);
        vec_free(&follow->owners);
        map_free(&follow->owners_asked);
        arena_free(&follow->owner_arena);
        arena_free(&follow->event);
        live_free(&follow->live);
        store_free(&follow->store);
        free(follow);
        return NULL;
}

struct store *follow_store(struct follow *follow) {
        return &follow->store;
}

struct follow_counts follow_counts(const struct follow *follow) {
        return follow->counts;
}

bool follow_has_gaps(const struct follow *follow) {
        for (size_t i = 0; i < follow->lists.count; i++)
                if (follow->lists.items[i]->gap && !follow->lists.items[i]->retired)
                        return true;
        return false;
}
