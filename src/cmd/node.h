/*
 * What the files of `redoubt node` share.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/scan.h"
#include "node/node.h"

/* Where facts come from. */
struct node_source {
        const char *root;  /* --root */
        const char *facts; /* --facts: collected before; NULL: collect them now */
        const char *name;  /* --name */
        const char *key;   /* --verify */
        bool probe;        /* --probe */
};

#define NODE_COLLECT_OPTIONS(type, field)                                                          \
        OPTION_SECTION("Machine"),                                                                 \
                { 0,                                                                               \
                  "root",                                                                          \
                  "DIR",                                                                           \
                  "read everything, /proc included, below DIR: a mounted image, the host mount "   \
                  "of a container; / by default",                                                  \
                  OPTION_STRING,                                                                   \
                  offsetof(type, field.root),                                                      \
                  .hint = OPTION_HINT_FILE },                                                      \
                { 0,           "probe",                                                            \
                  NULL,        "ask the ports of this machine, over its own addresses, with GET",  \
                  OPTION_FLAG, offsetof(type, field.probe) },                                      \
        {                                                                                          \
                0, "name", "NAME", "the name of the node, instead of that of the host",            \
                        OPTION_STRING, offsetof(type, field.name)                                  \
        }

/* Collects the facts, or reads those of --facts and checks their signature, into RET (JSON). */
int node_facts_text(struct command_context *context, const struct node_source *source,
                    struct buf *ret);

/* Reads the facts in file PATH, with their signature checked by KEY unless that is NULL. The tree
 * lives in the arena of CONTEXT. */
int node_facts_read(struct command_context *context, const char *path, const char *key,
                    const struct doc_node **ret);

/* Reads facts in TEXT, which must live as long as the arena of CONTEXT. */
int node_facts_parse(struct command_context *context, struct str text, const struct doc_node **ret);

extern const struct command command_node_diff, command_node_facts, command_node_fix;
