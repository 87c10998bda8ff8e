/*
 * What is wrong with an expression: every problem, with its place.
 *
 * Most callers want the one that stands first in the text, which cel_compile reports. Type checking
 * wants them all, in the words in which Kubernetes shows them (cel-go common/errors.go): a warning
 * in a policy's status is that text.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "doc/doc.h"

struct cel_issue {
        struct doc_pos pos; /* within the expression */
        struct str message; /* as Kubernetes says it */
        struct str detail;  /* what we can add to that; empty: nothing */
};

struct cel_issues {
        struct arena *arena;
        struct cel_issue *items; /* at most CEL_MAX_ISSUES */
        size_t count, capacity;
        size_t total; /* with those beyond the limit */
};

enum { CEL_MAX_ISSUES = 100 };

void cel_issues_add(struct cel_issues *issues, struct doc_pos pos, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Adds what Kubernetes does not say to the one that was added last. */
void cel_issues_explain(struct cel_issues *issues, struct str detail);

/* Puts them into the order of the text; what was found earlier stays first at the same place. */
void cel_issues_sort(struct cel_issues *issues);

/* The one that stands first in the text, with its detail. Returns -EINVAL; there must be one. */
int cel_issues_first(struct cel_issues *issues, struct error *error);

/* All of them as Kubernetes writes them: each with its line of EXPRESSION and a caret under it. */
struct str cel_issues_text(struct cel_issues *issues, struct str expression);
