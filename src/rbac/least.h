/*
 * The smallest roles that allow what was used.
 *
 *     rights ──► cells ──► rules ──► a role for each subject and space
 *                verbs on one object
 *
 * Rules hold exactly the rights that were used and no others: what stands together in a rule are
 * objects that were used with the same verbs. No right is in two rules, so each rule is needed. A
 * right on certain names is one only where the server always knows the name (get, update, patch,
 * delete, impersonate), and where the verb was not used on more names than are wanted. A right that
 * is held in all of the cluster is not repeated in namespaces.
 *
 * Everything is sorted, so that the same log gives the same roles.
 */
#pragma once

#include "base/buf.h"
#include "rbac/usage.h"

struct rbac_least_options {
        const struct rbac_index *given; /* what needs no role; NULL: nothing is given */
        size_t names; /* a right used on more names than this is one on all of them */
        size_t merge; /* a right used in so many namespaces is one in all; 0: never */
        bool (*wants)(void *userdata, struct str user); /* NULL: everyone */
        void *userdata;
};

struct rbac_least_rule {
        struct str *verbs;
        struct str group; /* one API group; rules about URLs have none */
        struct str *resources, *names, *urls;
        size_t verb_count, resource_count, name_count, url_count;
};

/* The rights of a user in one space. */
struct rbac_least_role {
        struct str user;
        struct str namespace; /* empty: everywhere, a ClusterRole */
        struct str name;      /* of the role and of its binding */
        struct rbac_least_rule *items;
        size_t count, capacity;
};

struct rbac_least {
        struct rbac_least_role *items; /* by user, then namespace, the whole cluster first */
        size_t count, capacity;
};

/* The roles that allow USAGE, in ARENA. */
void rbac_least(struct arena *arena, const struct rbac_usage *usage,
                const struct rbac_least_options *options, struct rbac_least *ret);

/* Appends ROLES with their bindings in YAML. */
void rbac_least_yaml(struct buf *buf, const struct rbac_least *roles);

/* Appends ROLES as a list in JSON. */
void rbac_least_json(struct buf *buf, const struct rbac_least *roles);
