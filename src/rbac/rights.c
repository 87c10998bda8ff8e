#include "rbac/rights.h"

#include "base/util.h"

/* --- objects --- */

uint64_t rbac_object_count(const struct rbac_rule *rule) {
        uint64_t names = MAX(rule->names.count, (size_t)1), count;

        if (__builtin_mul_overflow(rule->groups.count, rule->resources.count, &count) ||
            __builtin_mul_overflow(count, names, &count) ||
            __builtin_add_overflow(count, rule->urls.count, &count))
                return UINT64_MAX;
        return count;
}

struct rbac_object rbac_object_at(const struct rbac_rule *rule, uint64_t i) {
        size_t names = MAX(rule->names.count, (size_t)1);

        if (i < rule->urls.count)
                return (struct rbac_object){ .url = rule->urls.items[i] };
        i -= rule->urls.count;
        return (struct rbac_object){
                .group = rule->groups.items[i / names / rule->resources.count],
                .resource = rule->resources.items[i / names % rule->resources.count],
                .name = rule->names.count ? rule->names.items[i % names] : STR(""),
        };
}

struct rbac_request rbac_object_request(const struct rbac_object *object, struct str verb,
                                        struct str namespace) {
        struct rbac_request request = { .verb = verb, .namespace = namespace };
        ptrdiff_t slash = str_find(object->resource, STR("/"), 0);

        if (object->resource.len == 0) {
                request.path = object->url;
                return request;
        }
        request.group = object->group;
        request.resource = object->resource;
        request.name = object->name;
        if (slash >= 0) {
                request.resource = str_slice(object->resource, 0, (size_t)slash);
                request.subresource =
                        str_slice(object->resource, (size_t)slash + 1, object->resource.len);
        }
        return request;
}

/* --- differences --- */

struct comparison {
        struct arena *arena;
        const struct rbac_index *lacks;
        struct rbac_changes *changes;
        struct str groups[RBAC_IMPLIED_GROUPS]; /* of the principal */
        size_t group_count;
        uint64_t work;
};

static bool lacks(struct comparison *comparison, const struct rbac_principal *principal,
                  struct rbac_request *request) {
        struct rbac_decision decision;

        if (principal->kind != RBAC_GROUP)
                request->user = principal->name;
        request->groups = comparison->groups;
        request->group_count = comparison->group_count;
        rbac_decide(comparison->lacks, request, &decision);
        return !decision.allowed;
}

static bool same_verbs(const struct rbac_change *change, const struct str *verbs, size_t count) {
        if (change->verb_count != count)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!str_eq(change->verbs[i], verbs[i]))
                        return false;
        return true;
}

/* Objects of one rule that lack the same verbs stand together. */
static void add_change(struct comparison *comparison, const struct rbac_change *like,
                       const struct rbac_object *object, const struct str *verbs, size_t count,
                       size_t first) {
        struct rbac_changes *changes = comparison->changes;
        struct rbac_change *change = NULL;

        for (size_t i = first; i < changes->count && !change; i++)
                if (same_verbs(&changes->items[i], verbs, count))
                        change = &changes->items[i];
        if (!change) {
                change = vec_push_in(comparison->arena, changes);
                *change = *like;
                change->verbs = arena_new_array(comparison->arena, count, struct str);
                for (size_t i = 0; i < count; i++)
                        change->verbs[i] = verbs[i];
                change->verb_count = count;
        }
        change->objects = vec_grow(change->objects, change->object_count, &change->object_capacity,
                                   sizeof *change->objects, comparison->arena);
        change->objects[change->object_count++] = *object;
}

static void compare_rule(struct comparison *comparison, const struct rbac_change *like) {
        const struct rbac_rule *rule = like->rule;
        struct str namespace = like->binding->cluster ? STR("") : like->binding->namespace;
        uint64_t objects = rbac_object_count(rule), work;
        size_t first = comparison->changes->count;
        struct str *verbs;

        if (__builtin_mul_overflow(objects, rule->verbs.count, &work) ||
            __builtin_add_overflow(work, comparison->work, &work) || work > RBAC_CHANGES_WORK) {
                comparison->changes->cut = true;
                return;
        }
        comparison->work = work;
        verbs = arena_new_array(comparison->arena, rule->verbs.count, struct str);
        for (uint64_t i = 0; i < objects; i++) {
                struct rbac_object object = rbac_object_at(rule, i);
                size_t count = 0;

                /* A RoleBinding grants no URLs. */
                if (object.resource.len == 0 && namespace.len > 0)
                        continue;
                for (size_t k = 0; k < rule->verbs.count; k++) {
                        struct rbac_request request =
                                rbac_object_request(&object, rule->verbs.items[k], namespace);

                        if (lacks(comparison, like->principal, &request))
                                verbs[count++] = rule->verbs.items[k];
                }
                if (count > 0)
                        add_change(comparison, like, &object, verbs, count, first);
        }
}

static void compare_principal(struct comparison *comparison,
                              const struct rbac_principal *principal) {
        comparison->group_count = 1;
        if (principal->kind == RBAC_GROUP)
                comparison->groups[0] = principal->name;
        else
                comparison->group_count =
                        rbac_implied_groups(comparison->arena, principal->name, comparison->groups);
        for (size_t i = 0; i < principal->grants.count; i++) {
                const struct rbac_binding *binding = principal->grants.items[i].binding;

                for (size_t k = 0; binding->role && k < binding->role->rule_count; k++)
                        compare_rule(comparison,
                                     &(struct rbac_change){ .principal = principal,
                                                            .binding = binding,
                                                            .rule = binding->role->rules[k] });
        }
}

void rbac_changes(struct arena *arena, const struct rbac_index *has, const struct rbac_index *lack,
                  struct rbac_changes *ret) {
        struct comparison comparison = { .arena = arena, .lacks = lack, .changes = ret };
        const struct map *const maps[] = { &has->users, &has->groups };

        *ret = (struct rbac_changes){ 0 };
        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++)
                        compare_principal(&comparison, maps[m]->entries[i].value);
}

/* --- the matrix --- */

static unsigned verb_bits(const struct rbac_strings *verbs) {
        static const char *const names[] = { "get",    "list",  "watch",  "create",
                                             "update", "patch", "delete", "deletecollection" };
        unsigned bits = 0;

        for (size_t i = 0; i < verbs->count; i++) {
                unsigned bit = RBAC_OTHER_VERBS;

                for (unsigned k = 0; k < ELEMENTS(names); k++)
                        if (str_eq(verbs->items[i], str_from(names[k])))
                                bit = 1U << k;
                bits |= bit;
        }
        return verbs->any ? RBAC_ALL_VERBS : bits;
}

static bool rule_covers(const struct rbac_rule *rule, const struct rbac_column *column) {
        struct rbac_request request = { .verb = rule->verbs.items[0],
                                        .group = column->group,
                                        .resource = column->resource,
                                        .subresource = column->subresource,
                                        .any_name = true };

        return rbac_rule_allows(rule, &request);
}

static void fill_row(struct rbac_row *row, const struct rbac_binding *binding,
                     const struct rbac_column *columns, size_t column_count) {
        for (size_t i = 0; binding->role && i < binding->role->rule_count; i++) {
                const struct rbac_rule *rule = binding->role->rules[i];
                unsigned bits = verb_bits(&rule->verbs);

                if (rule->names.count > 0)
                        bits |= RBAC_SOME_NAMES;
                for (size_t k = 0; rule->verbs.count > 0 && k < column_count; k++)
                        if (rule_covers(rule, &columns[k]))
                                row->cells[k] |= (uint16_t)bits;
        }
}

static bool empty_row(const struct rbac_row *row, size_t column_count) {
        for (size_t i = 0; i < column_count; i++)
                if (row->cells[i])
                        return false;
        return true;
}

/* The grants of PRINCIPAL are sorted by namespace, those for everywhere first. */
static void add_rows(struct arena *arena, const struct rbac_principal *principal,
                     const struct rbac_column *columns, size_t column_count, struct str namespace,
                     struct rbac_matrix *ret) {
        struct rbac_row *row = NULL;

        for (size_t i = 0; i < principal->grants.count; i++) {
                const struct rbac_binding *binding = principal->grants.items[i].binding;
                struct str space = binding->cluster ? STR("") : binding->namespace;

                if (namespace.len > 0) {
                        if (space.len > 0 && !str_eq(space, namespace))
                                continue;
                        space = namespace;
                }
                if (!row || !str_eq(row->namespace, space)) {
                        if (row && empty_row(row, column_count))
                                ret->count--;
                        row = vec_push_in(arena, ret);
                        *row = (struct rbac_row){ principal, space,
                                                  arena_new_array(arena, column_count, uint16_t) };
                }
                fill_row(row, binding, columns, column_count);
        }
        if (row && empty_row(row, column_count))
                ret->count--;
}

void rbac_matrix(struct arena *arena, const struct rbac_index *index,
                 const struct rbac_column *columns, size_t column_count, struct str namespace,
                 struct rbac_matrix *ret) {
        const struct map *const maps[] = { &index->users, &index->groups };

        *ret = (struct rbac_matrix){ 0 };
        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++)
                        add_rows(arena, maps[m]->entries[i].value, columns, column_count, namespace,
                                 ret);
}
