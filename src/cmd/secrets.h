/*
 * What the files of `redoubt secrets` share.
 */
#pragma once

#include "cmd/command.h"
#include "etcd/verdict.h"

enum { SECRETS_TEXT, SECRETS_JSON, SECRETS_FACTS };

extern const struct option_word secrets_formats[];

/* Where the data is: files, or a live etcd. */
struct secrets_source {
        const char *endpoint, *authority, *certificate, *key;
        const char *prefix;
        bool names;
};

#define SECRETS_SOURCE_OPTIONS(type, member)                                                       \
        OPTION_SECTION("etcd"),                                                                    \
                { 0,                                                                               \
                  "endpoint",                                                                      \
                  "URL",                                                                           \
                  "ask a live etcd: https://127.0.0.1:2379",                                       \
                  OPTION_STRING,                                                                   \
                  offsetof(type, member.endpoint) },                                               \
                { 0,                                                                               \
                  "cacert",                                                                        \
                  "FILE",                                                                          \
                  "who signed its certificate",                                                    \
                  OPTION_STRING,                                                                   \
                  offsetof(type, member.authority),                                                \
                  .hint = OPTION_HINT_FILE },                                                      \
                { 0,                                                                               \
                  "cert",                                                                          \
                  "FILE",                                                                          \
                  "the client certificate",                                                        \
                  OPTION_STRING,                                                                   \
                  offsetof(type, member.certificate),                                              \
                  .hint = OPTION_HINT_FILE },                                                      \
                { 0,                                                                               \
                  "key",                                                                           \
                  "FILE",                                                                          \
                  "its key",                                                                       \
                  OPTION_STRING,                                                                   \
                  offsetof(type, member.key),                                                      \
                  .hint = OPTION_HINT_FILE },                                                      \
        {                                                                                          \
                0, "prefix", "PATH", "the API server's --etcd-prefix (default: /registry)",        \
                        OPTION_STRING, offsetof(type, member.prefix)                               \
        }

/* Reads PATH, or the endpoint of SOURCE, into FOUND. Returns 0; FOUND has the problems, also when
 * nothing could be opened. */
int secrets_read(struct command_context *context, const struct secrets_source *source,
                 const char *path, struct at_rest *found);

/* secrets_text.c and secrets_json.c: the report. */
struct secrets_report {
        struct arena *arena;
        const struct at_rest *found;
        const struct encryption *config; /* may be NULL */
        const struct verdict *verdict;
        bool all;   /* every resource, not only those that are to be encrypted */
        bool facts; /* what is not known is left out */
};
void secrets_add_text(struct buf *buf, const struct secrets_report *report);
void secrets_add_json(struct buf *buf, const struct secrets_report *report);
/* The same as a document of kind EtcdStore, for rules. */
void secrets_add_facts(struct buf *buf, const struct secrets_report *report);

extern const struct command command_secrets_at_rest, command_secrets_rotate_plan,
        command_secrets_verify, command_secrets_timeline;
