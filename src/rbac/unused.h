/*
 * Rights that are granted and were not used.
 *
 * Every rule that a binding gives someone is held against the rights that they used: a rule is used
 * by each request that it would have allowed, whether or not another one allows it as well. Of
 * rules that were used it is told which of their verbs, groups, resources, names and URLs no
 * request needed.
 */
#pragma once

#include "rbac/usage.h"

struct rbac_rule_use {
        const struct rbac_rule *rule;
        bool *verbs, *groups, *resources, *names, *urls; /* which items of the rule were needed */
        const struct rbac_use **items; /* who used it for what: the first of them */
        size_t count, capacity;
        uint64_t uses;  /* all of them */
        bool invisible; /* all its verbs are such that no log shows */
        bool whole;     /* every item was needed, and none is a "*" */
};

enum { RBAC_UNUSED_MAX_EXAMPLES = 100 };

/* What BINDING gives PRINCIPAL. */
struct rbac_binding_use {
        const struct rbac_principal *principal;
        const struct rbac_binding *binding;
        struct rbac_rule_use *rules; /* as many as the role has */
        bool used;                   /* one of them was */
        bool whole;                  /* nothing of it is too much, as far as a log can tell */
};

struct rbac_unused {
        struct rbac_binding_use *items; /* those of one principal stand together */
        size_t count, capacity;
        bool cut; /* there was more than RBAC_UNUSED_WORK allows to look at */
};

/* Rules that are asked at most. */
enum { RBAC_UNUSED_WORK = 50 * 1000 * 1000 };

/* Whether VERB is asked about only behind a request for something else, so that no log has it. */
bool rbac_is_invisible(struct str verb);

/* Holds the bindings of INDEX, standard ones aside, against USAGE. In ARENA. */
void rbac_unused(struct arena *arena, const struct rbac_index *index,
                 const struct rbac_usage *usage, struct rbac_unused *ret);
