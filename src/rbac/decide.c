#include "base/util.h"
#include "rbac/private.h"

enum { FEW_GRANTS = 8 };

/* --- one rule --- */

/* str_eq, without a call where the first byte tells: verbs and resources are often as long as
 * others. */
static inline bool same(struct str a, struct str b) {
        return a.len == b.len && (a.len == 0 || (a.ptr[0] == b.ptr[0] && str_eq(a, b)));
}

static bool holds(const struct rbac_strings *strings, struct str wanted) {
        if (strings->any)
                return true;
        for (size_t i = 0; i < strings->count; i++)
                if (same(strings->items[i], wanted))
                        return true;
        return false;
}

/* RULE is "RESOURCE/SUBRESOURCE", or "*" in place of the resource. */
static bool is_subresource(struct str rule, struct str resource, struct str subresource) {
        size_t before = rule.len - MIN(rule.len, subresource.len);

        if (before == 0 || rule.ptr[before - 1] != '/' || !str_ends(rule, subresource))
                return false;
        return str_eq(str_slice(rule, 0, before - 1), resource) ||
               str_eq(str_slice(rule, 0, before - 1), STR("*"));
}

static bool holds_resource(const struct rbac_strings *resources,
                           const struct rbac_request *request) {
        if (resources->any)
                return true;
        if (request->subresource.len == 0)
                return holds(resources, request->resource);
        for (size_t i = 0; i < resources->count; i++)
                if (is_subresource(resources->items[i], request->resource, request->subresource))
                        return true;
        return false;
}

static bool holds_name(const struct rbac_rule *rule, const struct rbac_request *request) {
        if (rule->names.count == 0 || request->any_name)
                return true;
        for (size_t i = 0; i < rule->names.count; i++)
                if (str_eq(rule->names.items[i], request->name))
                        return true;
        return false;
}

static bool holds_url(const struct rbac_strings *urls, struct str path) {
        if (holds(urls, path))
                return true;
        for (size_t i = 0; i < urls->count; i++) {
                struct str url = urls->items[i];

                if (!str_ends(url, STR("*")))
                        continue;
                while (str_ends(url, STR("*")))
                        url.len--;
                if (str_starts(path, url))
                        return true;
        }
        return false;
}

bool rbac_rule_allows(const struct rbac_rule *rule, const struct rbac_request *request) {
        if (!holds(&rule->verbs, request->verb))
                return false;
        if (request->resource.len == 0)
                return holds_url(&rule->urls, request->path);
        return holds(&rule->groups, request->group) && holds_resource(&rule->resources, request) &&
               holds_name(rule, request);
}

/* ROLE may be NULL: there is none, nothing is allowed. */
static bool role_allows(const struct rbac_role *role, const struct rbac_request *request,
                        size_t *ret_rule) {
        for (size_t i = 0; role && i < role->rule_count; i++)
                if (rbac_rule_allows(role->rules[i], request)) {
                        *ret_rule = i;
                        return true;
                }
        return false;
}

bool rbac_binding_allows(const struct rbac_binding *binding, const struct rbac_request *request,
                         size_t *ret_rule) {
        size_t rule;

        return role_allows(binding->role, request, ret_rule ? ret_rule : &rule);
}

/* --- one subject --- */

/* The first grant of SPACE: most have so few that going through them is faster than halving. */
static size_t first_grant(const struct rbac_principal *principal, uint32_t space) {
        size_t low = 0, high = space > 0 ? principal->grants.count : 0;

        while (high - low > FEW_GRANTS) {
                size_t middle = low + (high - low) / 2;

                if (principal->grants.items[middle].space < space)
                        low = middle + 1;
                else
                        high = middle;
        }
        while (low < high && principal->grants.items[low].space < space)
                low++;
        return low;
}

/* Puts the first binding of PRINCIPAL in SPACE that allows REQUEST into RET, unless RET holds an
 * earlier one. */
static void ask(const struct rbac_principal *principal, uint32_t space,
                const struct rbac_request *request, struct rbac_signature wanted,
                struct rbac_decision *ret) {
        for (size_t i = first_grant(principal, space); i < principal->grants.count; i++) {
                const struct rbac_grant *grant = &principal->grants.items[i];
                size_t rule;

                if (grant->space != space ||
                    (ret->allowed && ret->binding->order <= grant->binding->order))
                        return;
                if (rbac_may_allow(grant->signature, wanted) &&
                    role_allows(grant->role, request, &rule)) {
                        *ret = (struct rbac_decision){ true, grant->binding, grant->role, rule };
                        return;
                }
        }
}

/* The number of NAMESPACE; 0 where no binding is in it. */
static uint32_t space_of(const struct rbac_index *index, struct str namespace) {
        return namespace.len > 0 ? (uint32_t)(uintptr_t)map_get(&index->namespaces, namespace) : 0;
}

static const struct rbac_principal *group_of(const struct rbac_index *index, struct str name) {
        if (str_eq(name, STR("system:authenticated")))
                return index->authenticated;
        if (str_eq(name, STR("system:serviceaccounts")))
                return index->accounts;
        return map_get(&index->groups, name);
}

static bool has_master(const struct rbac_request *request) {
        for (size_t i = 0; i < request->group_count; i++)
                if (str_eq(request->groups[i], STR("system:masters")))
                        return true;
        return false;
}

void rbac_decide(const struct rbac_index *index, const struct rbac_request *request,
                 struct rbac_decision *ret) {
        const struct rbac_signature wanted = rbac_request_signature(request);
        const struct rbac_principal *user = map_get(&index->users, request->user);
        struct rbac_decision near = { 0 };
        uint32_t space;

        *ret = (struct rbac_decision){ 0 };
        if (has_master(request)) {
                ret->allowed = true;
                return;
        }
        space = space_of(index, request->namespace);
        for (size_t i = 0; i <= request->group_count; i++) {
                const struct rbac_principal *principal =
                        i == 0 ? user : group_of(index, request->groups[i - 1]);

                if (!principal)
                        continue;
                ask(principal, 0, request, wanted, ret);
                if (space > 0 && !ret->allowed)
                        ask(principal, space, request, wanted, &near);
        }
        if (!ret->allowed)
                *ret = near;
}

/* --- dormant bindings --- */

struct dormant {
        struct arena *arena;
        const struct rbac_binding **items;
        size_t count, capacity;
};

static void add_dormant(struct dormant *dormant, const struct rbac_principal *principal,
                        uint32_t space) {
        for (size_t i = principal ? first_grant(principal, space) : 0;
             principal && i < principal->grants.count && principal->grants.items[i].space == space;
             i++)
                if (!principal->grants.items[i].binding->role)
                        *vec_push_in(dormant->arena, dormant) = principal->grants.items[i].binding;
}

static int compare_bindings(const void *a, const void *b) {
        const struct rbac_binding *const *left = a, *const *right = b;

        if ((*left)->cluster != (*right)->cluster)
                return (*left)->cluster ? -1 : 1;
        return ((*left)->order > (*right)->order) - ((*left)->order < (*right)->order);
}

const struct rbac_binding **rbac_dormant(const struct rbac_index *index,
                                         const struct rbac_request *request, struct arena *arena,
                                         size_t *ret_count) {
        uint32_t near = space_of(index, request->namespace);
        struct dormant all = { .arena = arena };
        size_t count = 0;

        for (size_t i = 0; i <= request->group_count; i++) {
                const struct rbac_principal *principal =
                        i == 0 ? map_get(&index->users, request->user)
                               : map_get(&index->groups, request->groups[i - 1]);

                add_dormant(&all, principal, 0);
                if (near > 0)
                        add_dormant(&all, principal, near);
        }
        if (all.count > 0)
                qsort(all.items, all.count, sizeof *all.items, compare_bindings);
        for (size_t i = 0; i < all.count; i++)
                if (count == 0 || all.items[count - 1] != all.items[i])
                        all.items[count++] = all.items[i];
        *ret_count = count;
        return all.items;
}

/* --- who a user is --- */

bool rbac_service_account(struct str user, struct str *ret_namespace, struct str *ret_name) {
        struct str prefix = STR("system:serviceaccount:"), rest;
        ptrdiff_t colon;

        if (!str_starts(user, prefix))
                return false;
        rest = str_slice(user, prefix.len, user.len);
        colon = str_find(rest, STR(":"), 0);
        if (colon <= 0 || (size_t)colon + 1 == rest.len ||
            str_find(rest, STR(":"), (size_t)colon + 1) >= 0)
                return false;
        *ret_namespace = str_slice(rest, 0, (size_t)colon);
        *ret_name = str_slice(rest, (size_t)colon + 1, rest.len);
        return true;
}

size_t rbac_implied_groups(struct arena *arena, struct str user,
                           struct str ret[static RBAC_IMPLIED_GROUPS]) {
        struct str namespace, name;
        size_t count = 0;

        if (str_eq(user, STR("system:anonymous"))) {
                ret[count++] = STR("system:unauthenticated");
                return count;
        }
        if (rbac_service_account(user, &namespace, &name)) {
                ret[count++] = STR("system:serviceaccounts");
                ret[count++] =
                        arena_printf(arena, "system:serviceaccounts:%.*s", STR_ARG(namespace));
        }
        ret[count++] = STR("system:authenticated");
        return count;
}
