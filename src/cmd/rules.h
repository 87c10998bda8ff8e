/*
 * Which rules a verb works with: options that several verbs share.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/language.h"
#include "policy/policy.h"

struct rule_arguments {
        struct option_strings add;        /* --rules DIR|FILE */
        struct option_strings frameworks; /* --framework */
        bool pod_security;                /* --pod-security, of scan alone */
        struct option_strings only, skip; /* --rule, --skip-rule */
        struct option_strings exceptions; /* --exceptions */
        bool no_catalogue;
        struct language_arguments language;
};

/* The frameworks of the catalogue, for completion. */
#define RULE_FRAMEWORKS                                                                            \
        "pss-baseline pss-restricted top10 six nsa-1.2 cis-k8s-1.12 cis-k8s-2.0.1 cis-eks-1.8 "    \
        "cis-gke-1.9 cis-aks-1.8 cis-docker-1.6"

/* Rows for an option table whose target TYPE has `struct rule_arguments FIELD`. */
#define RULE_OPTIONS(type, field)                                                                  \
        OPTION_SECTION("Rules"),                                                                   \
                { 'r',                                                                             \
                  "rules",                                                                         \
                  "PATH",                                                                          \
                  "add the ValidatingAdmissionPolicies of a file or folder",                       \
                  OPTION_STRINGS,                                                                  \
                  offsetof(type, field.add),                                                       \
                  .hint = OPTION_HINT_FILE },                                                      \
                { 0,           "no-catalogue",                                                     \
                  NULL,        "use only the rules given with --rules",                            \
                  OPTION_FLAG, offsetof(type, field.no_catalogue) },                               \
                { 0,                                                                               \
                  "framework",                                                                     \
                  "ID",                                                                            \
                  "only the rules of a framework: pss-baseline, pss-restricted, top10, six, "      \
                  "nsa-1.2, cis-k8s-1.12, cis-k8s-2.0.1, cis-eks-1.8, cis-gke-1.9, cis-aks-1.8, "  \
                  "cis-docker-1.6; pss-restricted:v1.28 is that of a version",                     \
                  OPTION_STRINGS,                                                                  \
                  offsetof(type, field.frameworks),                                                \
                  .comma = true,                                                                   \
                  .hint = OPTION_HINT_WORDS,                                                       \
                  .hint_words = RULE_FRAMEWORKS },                                                 \
                { 0,                                                                               \
                  "rule",                                                                          \
                  "ID",                                                                            \
                  "only these rules, by id or practice",                                           \
                  OPTION_STRINGS,                                                                  \
                  offsetof(type, field.only),                                                      \
                  .comma = true,                                                                   \
                  .hint = OPTION_HINT_WORDS,                                                       \
                  .hint_words = "!policy list --ids" },                                            \
                { 0,                                                                               \
                  "skip-rule",                                                                     \
                  "ID",                                                                            \
                  "without these rules, by id or practice",                                        \
                  OPTION_STRINGS,                                                                  \
                  offsetof(type, field.skip),                                                      \
                  .comma = true,                                                                   \
                  .hint = OPTION_HINT_WORDS,                                                       \
                  .hint_words = "!policy list --ids" },                                            \
                { 0,                                                                               \
                  "exceptions",                                                                    \
                  "FILE",                                                                          \
                  "what is accepted, and why: docs/exceptions.md",                                 \
                  OPTION_STRINGS,                                                                  \
                  offsetof(type, field.exceptions),                                                \
                  .hint = OPTION_HINT_FILE },                                                      \
                LANGUAGE_OPTIONS(type, field.language)

/* An empty set, for policies that may use the functions of the analyses. */
int rules_init(struct policy_set *ret, uint16_t kube_minor, struct error *error);

/* Loads the catalogue and what --rules names, and keeps what was asked for. */
int rules_load(const struct rule_arguments *arguments, struct command_context *context,
               struct policy_set *ret);

/* What SET's policies say about themselves, sorted by id, in ARENA. */
const struct rule_info *const *rules_table(struct arena *arena, const struct policy_set *set,
                                           size_t *ret_count);
