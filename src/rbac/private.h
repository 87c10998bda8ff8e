/*
 * What the files of this module share. Private to src/rbac.
 */
#pragma once

#include "rbac/rbac.h"

/* aggregate.c: puts the rules in force of every role into place. */
void rbac_aggregate(struct rbac_index *index);

/* Adds a diagnostic about the object at PLACE. */
void rbac_problem(struct rbac_index *index, const struct rbac_place *place, bool incomplete,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The roles and bindings of rbac_index_add_defaults, as a List in JSON. */
extern const char rbac_defaults_json[];

/* --- signatures --- */

enum { RBAC_URL_BIT = 31, RBAC_SUBRESOURCE_BITS = 16 };

/* Of a verb. The verbs of Kubernetes are all different. */
static inline uint32_t rbac_verb_bit(struct str verb) {
        size_t first = verb.len > 0 ? (unsigned char)verb.ptr[0] : 0;

        return (uint32_t)1 << ((first + 3 * verb.len) & 31);
}

/* Of a resource as it is asked for without a subresource; of bits 0 to 15. */
static inline uint32_t rbac_resource_bit(struct str resource) {
        size_t first = resource.len > 0 ? (unsigned char)resource.ptr[0] : 0;

        return (uint32_t)1 << ((first + 3 * resource.len) & 15);
}

/* Of what ends with a subresource; of bits 16 to 30. */
static inline uint32_t rbac_subresource_bit(struct str text) {
        unsigned char last = text.len > 0 ? (unsigned char)text.ptr[text.len - 1] : 0;

        return (uint32_t)1 << (RBAC_SUBRESOURCE_BITS + last % 15);
}

/* What REQUEST needs: a role with neither of a kind of its bits does not allow it. */
static inline struct rbac_signature rbac_request_signature(const struct rbac_request *request) {
        return (struct rbac_signature){
                rbac_verb_bit(request->verb),
                request->resource.len == 0      ? (uint32_t)1 << RBAC_URL_BIT
                : request->subresource.len == 0 ? rbac_resource_bit(request->resource)
                                                : rbac_subresource_bit(request->subresource),
        };
}

static inline bool rbac_may_allow(struct rbac_signature granted, struct rbac_signature wanted) {
        return (granted.verbs & wanted.verbs) && (granted.objects & wanted.objects);
}

struct rbac_signature rbac_signature_of(const struct rbac_role *role);
