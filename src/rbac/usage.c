#include "rbac/usage.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/util.h"

void rbac_usage_free(struct rbac_usage *usage) {
        for (size_t i = 0; i < usage->users.count; i++)
                map_free(&((struct rbac_user *)usage->users.entries[i].value)->groups);
        map_free(&usage->users);
        map_free(&usage->uses);
        arena_free(&usage->arena);
}

/* --- what can be said --- */

/* A word as verbs, groups and resources are: without a star, slash or blank. */
static bool is_word(struct str text) {
        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];

                if (c <= ' ' || c == 0x7f || c == '*' || c == '/' || c == ',' || c == '"')
                        return false;
        }
        return text.len <= RBAC_USAGE_MAX_FIELD;
}

bool rbac_is_plain(const struct rbac_request *request) {
        if (request->user.len == 0 || request->user.len > RBAC_USAGE_MAX_FIELD ||
            request->verb.len == 0 || !is_word(request->verb))
                return false;
        if (request->resource.len == 0)
                return str_starts(request->path, STR("/")) && !str_ends(request->path, STR("*")) &&
                       request->path.len <= RBAC_USAGE_MAX_FIELD;
        return is_word(request->group) && is_word(request->resource) &&
               is_word(request->subresource) && is_word(request->namespace) &&
               request->name.len <= RBAC_USAGE_MAX_FIELD;
}

/* --- adding --- */

static void add_groups(struct rbac_usage *usage, struct rbac_user *user, const struct str *groups,
                       size_t count) {
        for (size_t i = 0; i < count; i++) {
                struct str group = groups[i];

                if (user->groups.count < RBAC_USAGE_MAX_GROUPS &&
                    group.len <= RBAC_USAGE_MAX_FIELD && !map_get(&user->groups, group)) {
                        group = arena_str(&usage->arena, group);
                        map_put(&user->groups, group)->value = user;
                }
        }
}

/* Groups that authentication adds are there whether or not the log names them. */
static struct rbac_user *find_user(struct rbac_usage *usage, struct str name) {
        struct rbac_user *user = map_get(&usage->users, name);
        struct str groups[RBAC_IMPLIED_GROUPS];

        if (!user) {
                user = arena_new(&usage->arena, struct rbac_user);
                user->name = arena_str(&usage->arena, name);
                map_put(&usage->users, user->name)->value = user;
                add_groups(usage, user, groups,
                           rbac_implied_groups(&usage->arena, user->name, groups));
        }
        return user;
}

/* Lengths stand before the fields: no two requests have one key. */
static void add_key(struct buf *key, struct str field) {
        buf_printf(key, "%zu:", field.len);
        buf_add(key, field);
}

static void make_key(struct buf *key, const struct rbac_request *request) {
        const struct str fields[] = { request->user,        request->verb,      request->group,
                                      request->resource,    request->namespace, request->name,
                                      request->subresource, request->path };

        for (size_t i = 0; i < ELEMENTS(fields); i++)
                add_key(key, fields[i]);
}

static struct rbac_request copy(struct arena *arena, const struct rbac_request *request) {
        return (struct rbac_request){
                .verb = arena_str(arena, request->verb),
                .group = arena_str(arena, request->group),
                .resource = arena_str(arena, request->resource),
                .subresource = arena_str(arena, request->subresource),
                .namespace = arena_str(arena, request->namespace),
                .name = arena_str(arena, request->name),
                .path = arena_str(arena, request->path),
        };
}

void rbac_usage_add(struct rbac_usage *usage, const struct rbac_request *request) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;
        struct rbac_user *user;
        struct rbac_use *use;

        make_key(&key, request);
        use = map_get(&usage->uses, buf_str(&key));
        if (usage->arena.reserved > RBAC_USAGE_MAX_MEMORY ||
            (!use && usage->uses.count >= RBAC_USAGE_MAX)) {
                usage->left_out++;
                return;
        }
        user = find_user(usage, request->user);
        user->requests++;
        add_groups(usage, user, request->groups, request->group_count);
        if (use)
                return;
        use = arena_new(&usage->arena, struct rbac_use);
        *use = (struct rbac_use){ user, copy(&usage->arena, request) };
        map_put(&usage->uses, arena_str(&usage->arena, buf_str(&key)))->value = use;
}

/* Times in RFC 3339 and UTC sort as text. */
void rbac_usage_saw(struct rbac_usage *usage, struct str time) {
        if (time.len == 0 || time.len >= RBAC_USAGE_TIME)
                return;
        if (usage->first[0] == 0 || str_cmp(time, str_from(usage->first)) < 0)
                snprintf(usage->first, sizeof usage->first, "%.*s", STR_ARG(time));
        if (usage->last[0] == 0 || str_cmp(time, str_from(usage->last)) > 0)
                snprintf(usage->last, sizeof usage->last, "%.*s", STR_ARG(time));
}
