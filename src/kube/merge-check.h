/*
 * What is wrong with a value that is to be merged. Private to src/kube.
 */
#pragma once

#include "kube/structure.h"

/* Whether VALUE fits STRUCTURE (structured-merge-diff, typed/validate.go). LIVE: it is an object
 * that the server has, whose lists may hold the same key twice. Appends what is wrong to ERROR's
 * message PREFIX; -EINVAL. */
int merge_check(const struct structure *structure, const struct doc_node *value, bool live,
                const char *prefix, struct error *error);

/* Whether VALUE, which fits STRUCTURE, has parts that are replaced as a whole; -EINVAL. */
int merge_check_atomics(const struct structure *structure, const struct doc_node *value,
                        struct error *error);
