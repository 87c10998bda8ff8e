/*
 * Rights: rules taken apart, so that they can be compared and laid out.
 *
 * A rule with two verbs and three resources grants six rights. One set of rights holds another as
 * the API server decides it when someone hands out a role (policy_comparator.go and rule.go of
 * pkg/registry/rbac/validation): each right must be held by one rule; a "*" is held only by a "*",
 * and a right on everything is not held by a right on each name.
 */
#pragma once

#include "rbac/rbac.h"

/* What a rule speaks of: a resource (with a name, perhaps) or a URL. */
struct rbac_object {
        struct str group, resource; /* "pods/exec" with its subresource */
        struct str name;            /* empty: all of them */
        struct str url;             /* where RESOURCE is empty */
};

/* The number of objects of RULE, and number I of them. */
uint64_t rbac_object_count(const struct rbac_rule *rule);
struct rbac_object rbac_object_at(const struct rbac_rule *rule, uint64_t i);

/* The question whether VERB is allowed on OBJECT, in NAMESPACE or (empty) everywhere. */
struct rbac_request rbac_object_request(const struct rbac_object *object, struct str verb,
                                        struct str namespace);

/* --- differences --- */

/* Some of the verbs of a rule on some of its objects, that PRINCIPAL has through BINDING. */
struct rbac_change {
        const struct rbac_principal *principal;
        const struct rbac_binding *binding;
        const struct rbac_rule *rule;
        struct str *verbs;
        struct rbac_object *objects;
        size_t verb_count, object_count, object_capacity;
};

struct rbac_changes {
        struct rbac_change *items;
        size_t count, capacity;
        bool cut; /* there was more than RBAC_CHANGES_WORK allows to look at */
};

/* Rights that are compared at most: a role may have as many as the product of its lists. */
enum { RBAC_CHANGES_WORK = 20 * 1000 * 1000 };

/* What someone may do by HAS and may not do by LACKS; a right that LACKS gives them through one of
 * the groups that authentication adds counts as had. In ARENA. */
void rbac_changes(struct arena *arena, const struct rbac_index *has, const struct rbac_index *lacks,
                  struct rbac_changes *ret);

/* --- the matrix --- */

enum rbac_verb {
        RBAC_GET = 1 << 0,
        RBAC_LIST = 1 << 1,
        RBAC_WATCH = 1 << 2,
        RBAC_CREATE = 1 << 3,
        RBAC_UPDATE = 1 << 4,
        RBAC_PATCH = 1 << 5,
        RBAC_DELETE = 1 << 6,
        RBAC_DELETE_COLLECTION = 1 << 7,
        RBAC_ALL_VERBS = 1 << 8, /* "*": those that are not named here as well */
        RBAC_OTHER_VERBS = 1 << 9,
        RBAC_SOME_NAMES = 1 << 10 /* not a verb: some of it only on resources with certain names */
};

/* A column of the matrix. */
struct rbac_column {
        struct str group, resource, subresource;
};

struct rbac_row {
        const struct rbac_principal *principal;
        struct str namespace; /* empty: everywhere */
        uint16_t *cells;      /* enum rbac_verb, one for each column */
};

struct rbac_matrix {
        struct rbac_row *items;
        size_t count, capacity;
};

/* One row for each principal and each namespace in which a binding names it (or, with NAMESPACE,
 * one for what holds in that namespace), as far as any cell has something. In ARENA. */
void rbac_matrix(struct arena *arena, const struct rbac_index *index,
                 const struct rbac_column *columns, size_t column_count, struct str namespace,
                 struct rbac_matrix *ret);
