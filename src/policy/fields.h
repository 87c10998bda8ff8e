/*
 * Reading the fields of a policy. Private to src/policy.
 *
 * Strict, as kubectl is: a field that the API server does not know is an error with a suggestion,
 * because a misspelt `matchConditions` would silently widen a policy.
 */
#pragma once

#include "base/error.h"
#include "doc/doc.h"

/* Fills ERROR with a place: that of NODE. */
#define bad(node, error, ...)                                                                      \
        error_set_at((error), -EINVAL, (node)->start.line, (node)->start.column, __VA_ARGS__)

/* Whether MAP is a map that has only KNOWN fields (ends with NULL). WHAT names it in the error. */
int policy_check_fields(const struct doc_node *map, const char *what, const char *const *known,
                        struct error *error);

/* The string FIELD of MAP; empty where it is absent or null. */
int policy_read_string(const struct doc_node *map, const char *field, struct str *ret,
                       struct error *error);

/* The list of strings FIELD of MAP, in ARENA; RET is untouched where it is absent or null. */
int policy_read_strings(struct arena *arena, const struct doc_node *map, const char *field,
                        struct str **ret, size_t *ret_count, struct error *error);

/* The list FIELD of MAP; an empty one where it is absent or null. */
int policy_read_list(const struct doc_node *map, const char *field, const struct doc_node **ret,
                     struct error *error);
