/*
 * What the files of `redoubt net` share.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/command.h"
#include "inventory/files.h"
#include "net/net.h"
#include "net/service.h"

enum { NET_TEXT, NET_JSON, NET_DOT, NET_SVG, NET_HTML };

struct net_arguments {
        struct option_strings files, pod_ranges, flows, policies, namespaces;
        struct cluster_arguments cluster;
        const char *namespace;
        bool stream, nodes, all;
        int format;
};

/* Rows for the option tables of the sub-verbs. */
#define NET_INPUT_OPTIONS                                                                          \
        OPTION_SECTION("Input"),                                                                   \
                { 'f',                                                                             \
                  "file",                                                                          \
                  "PATH",                                                                          \
                  "manifests: a file, a folder or - (default: .)",                                 \
                  OPTION_STRINGS,                                                                  \
                  offsetof(struct net_arguments, files),                                           \
                  .hint = OPTION_HINT_FILE },                                                      \
                NET_RANGE_OPTION, CLUSTER_OPTIONS(struct net_arguments, cluster)

#define NET_RANGE_OPTION                                                                           \
        {                                                                                          \
                0, "pod-cidr", "CIDR",                                                             \
                        "the addresses of pods, where no Node tells (default: the private "        \
                        "ranges)",                                                                 \
                        OPTION_STRINGS, offsetof(struct net_arguments, pod_ranges)                 \
        }

/* The words of -o for verbs without pictures. */
extern const struct option_word net_formats[];

#define NET_OUTPUT_OPTION(words_)                                                                  \
        {                                                                                          \
                'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE,                 \
                        offsetof(struct net_arguments, format), .words = words_                    \
        }

/* net_input.c: reads what ARGUMENTS name into INDEX and finishes it. What could not be read is told
 * on standard error; RET_COMPLETE says whether there was none of that. */
int net_read(struct command_context *context, const struct net_arguments *arguments,
             struct net_index *index, bool *ret_complete);

/* Confines the process to the files that ARGUMENTS name. */
int net_confine(struct command_context *context, const struct net_arguments *arguments);

/* The halves of net_read, for verbs that read more than one input. */
int net_prepare(struct command_context *context, const struct net_arguments *arguments,
                struct net_index *index);
bool net_read_inputs(const struct input_list *inputs, struct net_index *index);
int net_conclude(struct command_context *context, struct net_index *index, bool *complete);

/* The same for a few questions: net_arrange reads, and finds out who there is; net_resolve makes
 * what net_decide needs for the parties of COUNT questions. What could not be read is told by the
 * second, or by net_tell. */
int net_arrange(struct command_context *context, const struct net_arguments *arguments,
                struct net_index *index, bool *ret_complete);
struct net_party;
int net_resolve(struct command_context *context, struct net_index *index,
                const struct net_party *const *parties, size_t count, bool *complete);
void net_tell(const struct net_index *index, bool *complete);

/* One end of a question: a workload, a pod, a Node, an address or a block of them. */
struct net_party {
        struct str text; /* for people */
        uint32_t *peers;
        uint32_t count;
        const struct net_service *service; /* the peers are behind it; NULL: no Service */
        const uint32_t *endpoints;         /* of the Service, beside `peers` */
        bool workload;                     /* the peers are pods of it that differ */
};

/* Reads "NAMESPACE/NAME", "NAMESPACE/KIND/NAME", "node/NAME", an address or a CIDR into RET; the
 * kind may be Service, and an address that of a Service. */
int net_read_party(struct command_context *context, const struct net_index *index, struct str text,
                   struct net_party *ret);

/* Reads "80", "UDP/53" or "53/UDP" into RET. */
bool net_read_port(struct str text, enum net_protocol *ret_protocol, uint16_t *ret_port);

/* TEXT of the input for a terminal. */
struct str net_shown(struct arena *arena, struct str text);

/* The following are for terminals. "shop/web", and "shop/StatefulSet/web"
 * where the name alone does not tell. */
struct str net_endpoint_name(struct arena *arena, const struct net_index *index,
                             const struct net_endpoint *endpoint);
/* "NetworkPolicy shop/db", "AdminNetworkPolicy guard". */
struct str net_policy_name(struct arena *arena, const struct net_policy *policy);
/* "net.yaml:12". */
struct str net_place_text(struct arena *arena, struct str file, struct doc_pos pos);

/* Appends {"namespace","kind","name"}. */
void net_add_endpoint(struct buf *buf, const struct net_endpoint *endpoint);
/* Appends [{"protocol","from","to"}]. */
void net_add_ports(struct buf *buf, const struct net_ports *ports);

/* net_stream.c: answers a line of JSON for each line of JSON on standard input. */
int net_stream(struct command_context *context);

extern const struct command command_net_diff, command_net_exposure, command_net_generate,
        command_net_impact, command_net_isolated, command_net_list, command_net_why;
