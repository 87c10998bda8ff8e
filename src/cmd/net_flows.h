/*
 * What the verbs that read logs of connections share.
 */
#pragma once

#include "cmd/net.h"
#include "net/flows.h"

#define NET_FLOWS_OPTION                                                                           \
        {                                                                                          \
                0, "flows", "FILE",                                                                \
                        "a log of connections, lines of JSON: ours, Hubble's or Calico's",         \
                        OPTION_STRINGS, offsetof(struct net_arguments, flows),                     \
                        .hint = OPTION_HINT_FILE                                                   \
        }

/* Reads the logs of ARGUMENTS into LOG, and tells on standard error what could not be used.
 * RET_COMPLETE becomes false where that is something. */
int net_read_flows(struct command_context *context, const struct net_arguments *arguments,
                   struct net_flow_log *log, bool *complete);

/* "shop/web", or the address. */
struct str net_end_text(struct arena *arena, const struct net_index *index,
                        const struct net_end *end);
