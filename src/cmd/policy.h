/*
 * What the verbs below `redoubt policy` share: a request, and the answer to it.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/language.h"
#include "cmd/rules.h"
#include "policy/admit.h"
#include "policy/export.h"
#include "rbac/rbac.h"

extern const struct command command_policy_apply, command_policy_check, command_policy_eval,
        command_policy_export, command_policy_frameworks, command_policy_replay,
        command_policy_simulate, command_policy_test;

/* Which rules are exported, and how: options of `export` and of what simulates it. */
struct export_arguments {
        struct rule_arguments rules;
        struct option_strings practices, actions;
        const char *namespaces;
};

/* Rows for an option table whose target TYPE begins with a `struct export_arguments`. */
#define EXPORT_OPTIONS(type)                                                                       \
        { 0,                                                                                       \
          "namespaces",                                                                            \
          "SELECTOR",                                                                              \
          "only in namespaces with these labels: key=value, key!=value, key in (a, b), key notin " \
          "(a, b), key, !key; parted by commas",                                                   \
          OPTION_STRING,                                                                           \
          offsetof(type, namespaces) },                                                            \
        {                                                                                          \
                0, "practice", "NAME", "only the rules of a practice", OPTION_STRINGS,             \
                        offsetof(type, practices), .comma = true                                   \
        }

/* Loads the rules that ARGUMENTS choose into SET and writes them to TEXT as policies and bindings.
 */
int policy_export_rules(struct command_context *context, const struct export_arguments *arguments,
                        struct policy_set *set, struct buf *text, size_t *ret_left_out);

/* Reads FILE, or standard input where it is "-", into the context's arena. */
int policy_input_source(struct command_context *context, const char *file, struct doc_source **ret);

/* Adds the policies, bindings and params in FILES, which may be folders, to SET. */
int policy_input_add(struct command_context *context, struct policy_set *set,
                     const struct option_strings *files);

/* What a request is made from. Any part may be NULL. */
struct policy_question {
        const struct doc_node *object, *old_object, *namespace_object;
        const struct doc_node *request; /* fields of AdmissionRequest that are to differ */
        struct str operation;           /* "CREATE"; empty: as the objects suggest */
        const char *file;               /* name of the object's file, or NULL */
        const struct policy_user *user; /* wins over request.userInfo */
        const struct rbac_index *rbac;  /* what `authorizer` answers by; NULL: it allows nothing */
};

/* Fills RET with the request that QUESTION is about; made in ARENA. -EINVAL with what is missing.
 */
int policy_question_subject(const struct policy_question *question, struct arena *arena,
                            struct policy_subject *ret, struct error *error);

/* What a verb that answers requests is told; the first member of its options. */
struct request_arguments {
        struct option_strings policies, bindings, params, groups, rbac;
        const char *object, *old, *namespace, *operation, *subresource, *user;
        bool stream;
        struct language_arguments language;
};

/* How such a verb answers: writes to BUF, and returns whether the request is allowed. */
typedef bool request_answer_fn(const struct request_arguments *arguments, struct buf *buf,
                               const struct policy_set *set, const struct policy_question *question,
                               const struct policy_subject *subject);

/* Reads policies and requests, from files or as a stream, and answers them. */
int request_run(struct command_context *context, request_answer_fn *answer);

/* Judges and writes the answer as one JSON object. Returns whether the request is allowed. */
bool policy_answer(struct buf *buf, const struct policy_set *set,
                   const struct policy_question *question, const struct policy_subject *subject);

/* The answer where the policies, bindings or objects are not valid. */
void policy_answer_invalid(struct buf *buf, const struct error *error);
