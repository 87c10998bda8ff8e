#include "rbac/least.h"

#include "base/util.h"
#include "base/vec.h"

struct right {
        struct str user, space;
        struct str group, resource; /* "pods/exec" with its subresource */
        struct str url;
        struct str verb;
        struct str name; /* empty: all of them */
};

struct rights {
        struct right *items;
        size_t count, capacity;
};

/* Everything that is used of one object. */
struct cell {
        const struct right *right; /* the first of them */
        struct str *verbs;
        size_t verb_count;
        struct str verb_text; /* all of them, to compare */
};

/* --- rights --- */

static bool has_name(struct str verb) {
        static const char *const verbs[] = { "get", "update", "patch", "delete", "impersonate" };

        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (str_eq(verb, str_from(verbs[i])))
                        return true;
        return false;
}

static bool is_given(struct arena *arena, const struct rbac_index *given,
                     const struct rbac_use *use) {
        struct rbac_request request = use->request;
        struct str groups[RBAC_IMPLIED_GROUPS];
        struct rbac_decision decision = { 0 };

        request.user = use->user->name;
        request.groups = groups;
        request.group_count = rbac_implied_groups(arena, request.user, groups);
        if (given)
                rbac_decide(given, &request, &decision);
        return decision.allowed;
}

static struct right right_of(struct arena *arena, const struct rbac_use *use) {
        const struct rbac_request *request = &use->request;
        struct right right = { .user = use->user->name,
                               .space = request->namespace,
                               .group = request->group,
                               .resource = request->resource,
                               .url = request->path,
                               .verb = request->verb };

        if (request->subresource.len > 0)
                right.resource = arena_printf(arena, "%.*s/%.*s", STR_ARG(request->resource),
                                              STR_ARG(request->subresource));
        if (has_name(request->verb))
                right.name = request->name;
        return right;
}

static void collect(struct arena *arena, const struct rbac_usage *usage,
                    const struct rbac_least_options *options, struct rights *ret) {
        for (size_t i = 0; i < usage->uses.count; i++) {
                const struct rbac_use *use = usage->uses.entries[i].value;

                if (options->wants && !options->wants(options->userdata, use->user->name))
                        continue;
                if (!is_given(arena, options->given, use))
                        *vec_push_in(arena, ret) = right_of(arena, use);
        }
}

/* --- order --- */

static int compare_fields(const struct str *a, const struct str *b, size_t count) {
        int order = 0;

        for (size_t i = 0; i < count && order == 0; i++)
                order = str_cmp(a[i], b[i]);
        return order;
}

/* What is wanted comes first, where it is held after that. */
static int by_right(const void *a, const void *b) {
        const struct right *l = a, *r = b;
        const struct str left[] = { l->user, l->group, l->resource, l->url,
                                    l->verb, l->space, l->name };
        const struct str right[] = { r->user, r->group, r->resource, r->url,
                                     r->verb, r->space, r->name };

        return compare_fields(left, right, ELEMENTS(left));
}

static int by_object(const void *a, const void *b) {
        const struct right *l = a, *r = b;
        const struct str left[] = { l->user, l->space, l->group, l->resource,
                                    l->url,  l->name,  l->verb };
        const struct str right[] = { r->user, r->space, r->group, r->resource,
                                     r->url,  r->name,  r->verb };

        return compare_fields(left, right, ELEMENTS(left));
}

static bool same_right(const struct right *a, const struct right *b) {
        return str_eq(a->user, b->user) && str_eq(a->group, b->group) &&
               str_eq(a->resource, b->resource) && str_eq(a->url, b->url) &&
               str_eq(a->verb, b->verb);
}

static void sort(struct rights *rights, int (*compare)(const void *, const void *)) {
        if (rights->count > 0)
                qsort(rights->items, rights->count, sizeof *rights->items, compare);
}

/* --- what is wider than was used, because that was asked for --- */

/* The end of the run of one right that begins at FROM; WITHIN one space. */
static size_t run_end(const struct rights *rights, size_t from, bool within) {
        const struct right *first = &rights->items[from];
        size_t end = from + 1;

        while (end < rights->count && same_right(first, &rights->items[end]) &&
               (!within || str_eq(first->space, rights->items[end].space)))
                end++;
        return end;
}

static void merge_spaces(struct rights *rights, size_t merge) {
        for (size_t i = 0, end; i < rights->count; i = end) {
                size_t spaces = 0;

                for (end = i;
                     end < rights->count && same_right(&rights->items[i], &rights->items[end]);
                     end = run_end(rights, end, true))
                        spaces++;
                for (size_t k = i; spaces >= merge && k < end; k++)
                        rights->items[k].space = STR("");
        }
}

/* One right in place of a run, where it is on everything or on too many names. */
static void merge_names(struct rights *rights, size_t limit) {
        size_t kept = 0;

        for (size_t i = 0, end; i < rights->count; i = end) {
                size_t first = kept;

                end = run_end(rights, i, true);
                for (size_t k = i; k < end; k++)
                        if (k == i || !str_eq(rights->items[k].name, rights->items[k - 1].name))
                                rights->items[kept++] = rights->items[k];
                if (rights->items[first].name.len == 0 || kept - first > limit) {
                        rights->items[first].name = STR("");
                        kept = first + 1;
                }
        }
        rights->count = kept;
}

/* --- what is held anyway --- */

/* Whether one of the sorted rights [FROM, TO) is on NAME or on everything. */
static bool holds_name(const struct right *items, size_t from, size_t to, struct str name) {
        if (from < to && items[from].name.len == 0)
                return true;
        while (from < to) {
                size_t middle = from + (to - from) / 2;
                int order = str_cmp(items[middle].name, name);

                if (order == 0)
                        return true;
                if (order < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return false;
}

/* Drops what a namespace repeats of the whole cluster, whose space sorts first. */
static void drop_repeated(struct arena *arena, struct rights *rights) {
        struct rights kept = { 0 };

        for (size_t i = 0, end; i < rights->count; i = end) {
                size_t wide = rights->items[i].space.len == 0 ? run_end(rights, i, true) : i;

                end = run_end(rights, i, false);
                for (size_t k = i; k < end; k++)
                        if (k < wide || !holds_name(rights->items, i, wide, rights->items[k].name))
                                *vec_push_in(arena, &kept) = rights->items[k];
        }
        *rights = kept;
}

/* --- cells --- */

static bool same_object(const struct right *a, const struct right *b) {
        return str_eq(a->user, b->user) && str_eq(a->space, b->space) &&
               str_eq(a->group, b->group) && str_eq(a->resource, b->resource) &&
               str_eq(a->url, b->url) && str_eq(a->name, b->name);
}

static struct cell make_cell(struct arena *arena, const struct right *rights, size_t count) {
        struct cell cell = { .right = rights,
                             .verbs = arena_new_array(arena, count, struct str),
                             .verb_count = count };
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < count; i++) {
                cell.verbs[i] = rights[i].verb;
                buf_add(&text, rights[i].verb);
                buf_add_char(&text, ',');
        }
        cell.verb_text = arena_str(arena, buf_str(&text));
        return cell;
}

/* RIGHTS are sorted by object. */
static struct cell *make_cells(struct arena *arena, const struct rights *rights,
                               size_t *ret_count) {
        struct cell *cells = arena_new_array(arena, rights->count, struct cell);
        size_t count = 0;

        for (size_t i = 0, end; i < rights->count; i = end) {
                for (end = i + 1;
                     end < rights->count && same_object(&rights->items[i], &rights->items[end]);)
                        end++;
                cells[count++] = make_cell(arena, &rights->items[i], end - i);
        }
        *ret_count = count;
        return cells;
}

/* The resource of rules about names: they have only one. */
static struct str named_resource(const struct cell *cell) {
        return cell->right->name.len > 0 ? cell->right->resource : STR("");
}

static bool is_url(const struct cell *cell) {
        return cell->right->resource.len == 0;
}

static int by_rule(const void *a, const void *b) {
        const struct cell *l = a, *r = b;
        const struct str left[] = { l->right->user, l->right->space };
        const struct str right[] = { r->right->user, r->right->space };
        const struct str left_rule[] = { l->right->group,    named_resource(l), l->verb_text,
                                         l->right->resource, l->right->name,    l->right->url };
        const struct str right_rule[] = { r->right->group,    named_resource(r), r->verb_text,
                                          r->right->resource, r->right->name,    r->right->url };
        int order = compare_fields(left, right, ELEMENTS(left));

        if (order == 0)
                order = is_url(l) - is_url(r);
        return order ? order : compare_fields(left_rule, right_rule, ELEMENTS(left_rule));
}

static bool same_role(const struct cell *a, const struct cell *b) {
        return str_eq(a->right->user, b->right->user) && str_eq(a->right->space, b->right->space);
}

static bool same_rule(const struct cell *a, const struct cell *b) {
        return same_role(a, b) && is_url(a) == is_url(b) &&
               str_eq(a->right->group, b->right->group) &&
               str_eq(named_resource(a), named_resource(b)) &&
               (a->right->name.len > 0) == (b->right->name.len > 0) &&
               str_eq(a->verb_text, b->verb_text);
}

/* --- roles --- */

static struct rbac_least_rule make_rule(struct arena *arena, const struct cell *cells,
                                        size_t count) {
        struct rbac_least_rule rule = { .verbs = cells[0].verbs,
                                        .verb_count = cells[0].verb_count,
                                        .group = cells[0].right->group };
        struct str *items = arena_new_array(arena, count, struct str);

        for (size_t i = 0; i < count; i++)
                items[i] = is_url(&cells[i])              ? cells[i].right->url
                           : cells[i].right->name.len > 0 ? cells[i].right->name
                                                          : cells[i].right->resource;
        if (is_url(&cells[0])) {
                rule.urls = items;
                rule.url_count = count;
        } else if (cells[0].right->name.len > 0) {
                rule.resources = arena_new(arena, struct str);
                rule.resources[0] = cells[0].right->resource;
                rule.resource_count = 1;
                rule.names = items;
                rule.name_count = count;
        } else {
                rule.resources = items;
                rule.resource_count = count;
        }
        return rule;
}

/* What names of roles can be made of, of a user's name: any byte else becomes a dash. */
static struct str plain_name(struct arena *arena, struct str user) {
        struct str namespace, account;
        struct str text = rbac_service_account(user, &namespace, &account)
                                  ? arena_printf(arena, "least:%.*s:%.*s", STR_ARG(namespace),
                                                 STR_ARG(account))
                                  : arena_printf(arena, "least:%.*s", STR_ARG(user));
        struct str name = arena_str(arena, str_slice(text, 0, 200));

        for (size_t i = 0; i < name.len; i++) {
                char c = name.ptr[i];
                bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '@';

                if (!plain)
                        ((char *)name.ptr)[i] = '-';
        }
        return name;
}

/* TAKEN counts how often each name was wanted. */
static struct str role_name(struct arena *arena, struct map *taken, struct str user) {
        struct str base = plain_name(arena, user), name = base;
        uintptr_t count = (uintptr_t)map_get(taken, base);

        while (map_get(taken, name))
                name = arena_printf(arena, "%.*s-%zu", STR_ARG(base), (size_t)++count);
        map_put(taken, base)->value = (void *)MAX(count, (uintptr_t)1);
        if (!str_eq(name, base))
                map_put(taken, name)->value = (void *)(uintptr_t)1;
        return name;
}

static void make_roles(struct arena *arena, const struct cell *cells, size_t count,
                       struct rbac_least *ret) {
        struct map taken _cleanup_(map_free) = MAP_INIT;
        struct rbac_least_role *role = NULL;

        for (size_t i = 0, end; i < count; i = end) {
                for (end = i + 1; end < count && same_rule(&cells[i], &cells[end]);)
                        end++;
                if (!role || !same_role(&cells[i - 1], &cells[i])) {
                        struct str user = cells[i].right->user;
                        struct str name = role && str_eq(role->user, user)
                                                  ? role->name
                                                  : role_name(arena, &taken, user);

                        role = vec_push_in(arena, ret);
                        *role = (struct rbac_least_role){ .user = user,
                                                          .namespace = cells[i].right->space,
                                                          .name = name };
                }
                *vec_push_in(arena, role) = make_rule(arena, &cells[i], end - i);
        }
}

void rbac_least(struct arena *arena, const struct rbac_usage *usage,
                const struct rbac_least_options *options, struct rbac_least *ret) {
        struct rights rights = { 0 };
        struct cell *cells;
        size_t count;

        *ret = (struct rbac_least){ 0 };
        collect(arena, usage, options, &rights);
        sort(&rights, by_right);
        if (options->merge > 0)
                merge_spaces(&rights, options->merge);
        sort(&rights, by_right);
        merge_names(&rights, options->names);
        drop_repeated(arena, &rights);
        sort(&rights, by_object);
        cells = make_cells(arena, &rights, &count);
        if (count > 0)
                qsort(cells, count, sizeof *cells, by_rule);
        make_roles(arena, cells, count, ret);
}
