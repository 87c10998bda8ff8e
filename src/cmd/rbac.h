/*
 * What the files of `redoubt rbac` share.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/command.h"
#include "cmd/language.h"
#include "inventory/files.h"
#include "rbac/node.h"
#include "rbac/others.h"
#include "rbac/rights.h"
#include "rbac/usage.h"

enum { RBAC_TEXT, RBAC_JSON };

/* What the input says beside roles and bindings: who else decides. */
struct rbac_beside {
        bool nodes_asked; /* by the caller: a live cluster's pods and volumes are to be read, too */
        bool nodes_read;  /* the input could have had them */
        struct rbac_nodes nodes;
        struct rbac_others others;
};
void rbac_beside_free(struct rbac_beside *beside);

struct rbac_arguments {
        struct option_strings files, groups, resources;
        struct option_strings logs; /* audit logs that are read after the manifests */
        struct cluster_arguments cluster;
        const char *namespace, *as, *subresource;
        struct language_arguments language; /* of can-i: the version of Kubernetes */
        bool stream, no_defaults;
        int format;
};

/* Rows for the option tables of the sub-verbs. */
#define RBAC_INPUT_OPTIONS                                                                         \
        OPTION_SECTION("Input"),                                                                   \
                { 'f',                                                                             \
                  "file",                                                                          \
                  "PATH",                                                                          \
                  "manifests with the roles and bindings: a file, a folder or - (default: .)",     \
                  OPTION_STRINGS,                                                                  \
                  offsetof(struct rbac_arguments, files),                                          \
                  .hint = OPTION_HINT_FILE },                                                      \
                RBAC_DEFAULTS_OPTION, CLUSTER_OPTIONS(struct rbac_arguments, cluster)

#define RBAC_DEFAULTS_OPTION                                                                       \
        {                                                                                          \
                0, "no-defaults", NULL,                                                            \
                        "without the roles that every cluster is born with (cluster-admin, "       \
                        "admin, edit, view ...)",                                                  \
                        OPTION_FLAG, offsetof(struct rbac_arguments, no_defaults)                  \
        }

extern const struct option_word rbac_formats[];

#define RBAC_OUTPUT_OPTIONS                                                                        \
        {                                                                                          \
                'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE,                 \
                        offsetof(struct rbac_arguments, format), .words = rbac_formats             \
        }

/* rbac_input.c: reads what -f names into INDEX and finishes it. What could not be read is told on
 * standard error; RET_COMPLETE says whether there was none of that. */
int rbac_read(struct command_context *context, const struct rbac_arguments *arguments,
              struct rbac_index *index, bool *ret_complete);

/* The same; fills BESIDE, too. */
int rbac_read_all(struct command_context *context, const struct rbac_arguments *arguments,
                  struct rbac_index *index, struct rbac_beside *beside, bool *ret_complete);

/* For verbs that read more than one input (objects_open): reads what was opened; returns whether
 * all of it could be. */
bool rbac_read_inputs(const struct input_list *inputs, bool no_defaults, struct rbac_index *ret);

/* Reads "deployments", "deployments.apps", "pods/exec" or "/healthz" into RET. The group of
 * a built-in resource need not be written. */
int rbac_read_resource(struct command_context *context, struct str text, struct rbac_request *ret);

/* Reads VERB RESOURCE [NAME] into RET. */
int rbac_read_request(struct command_context *context, const struct rbac_arguments *arguments,
                      int argc, char **argv, struct rbac_request *ret);

/* The groups of USER, in ARENA: those GIVEN with --as-group and those that the API server adds.
 * None where nobody is named. */
const struct str *rbac_groups_of(struct arena *arena, const struct option_strings *given,
                                 struct str user, size_t *ret_count);

/* "ClusterRoleBinding deployer", "RoleBinding shop/support". */
struct str rbac_binding_name(struct arena *arena, const struct rbac_binding *binding);
/* "ClusterRole view", "Role support": what BINDING names. */
struct str rbac_role_name(struct arena *arena, const struct rbac_binding *binding);
/* "everywhere", "in namespace shop": where BINDING grants. */
struct str rbac_scope_text(struct arena *arena, const struct rbac_binding *binding);
/* "delete secrets in namespace shop", for sentences. */
struct str rbac_request_text(struct arena *arena, const struct rbac_request *request);
/* "ServiceAccount ci/deployer", "User jane". */
struct str rbac_subject_name(struct arena *arena, enum rbac_subject_kind kind, struct str name);
/* "get list", and "pods, pods/log, deployments.apps": what RULE is about. */
struct str rbac_rule_verbs(struct arena *arena, const struct rbac_rule *rule);
struct str rbac_rule_objects(struct arena *arena, const struct rbac_rule *rule);
/* "rbac/ci.yaml:14", or "built in". */
struct str rbac_place_text(struct arena *arena, struct str file, struct doc_pos pos);

/* Appends DECISION as an object without the closing brace. */
void rbac_add_decision(struct buf *buf, struct arena *arena, const struct rbac_decision *decision);

/* The same for what the node authorizer allows. */
void rbac_add_node_decision(struct buf *buf);

/* rbac.c: appends what no answer of RBAC alone can know: other authorizers of the input, in lines
 * or as a member ",\"authorizers\":[...]" (nothing where there are none). */
void rbac_add_others(struct buf *buf, struct arena *arena, const struct rbac_others *others);
void rbac_add_others_json(struct buf *buf, const struct rbac_others *others);

/* Appends RULE as an object. */
void rbac_add_rule(struct buf *buf, const struct rbac_rule *rule);

/* rbac_diff.c: appends what is GAINED and LOST for people or for programs. */
struct rbac_difference {
        struct arena *arena;
        struct rbac_changes gained, lost;
        bool complete;
};
void rbac_add_difference(struct buf *buf, struct rbac_difference *difference, int format);

/* rbac_usage.c: what a log says that was used. */
struct rbac_log {
        struct rbac_usage usage;
        size_t events, unfinished, forbidden, failed, unreadable;
};

/* Reads the logs of ARGUMENTS into RET. Requests that were allowed but failed count WITH_FAILED. */
int rbac_read_logs(struct command_context *context, const struct rbac_arguments *arguments,
                   bool with_failed, struct rbac_log *ret);
void rbac_log_free(struct rbac_log *log);

/* Whether all of it could be read. */
bool rbac_log_is_complete(const struct rbac_log *log);

/* Appends lines about LOG, each behind PREFIX; or the object that says the same. */
void rbac_add_log(struct buf *buf, const struct rbac_log *log, const char *prefix);
void rbac_add_log_json(struct buf *buf, const struct rbac_log *log);

/* rbac_stream.c: answers one line of JSON for each line of standard input. */
int rbac_stream(struct command_context *context, const struct rbac_index *index,
                const struct rbac_beside *beside);

extern const struct command command_rbac_diff, command_rbac_least, command_rbac_matrix,
        command_rbac_review, command_rbac_risks, command_rbac_subject, command_rbac_unused,
        command_rbac_who_can;
