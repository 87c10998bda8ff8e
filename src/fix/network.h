/*
 * The network of the input, for fixes of policies: who there is, and what has to be connected, by
 * the logs of connections that were given (fix_input.flows), else by what manifests declare.
 */
#pragma once

#include "fix/fix.h"
#include "net/generate.h"

struct fix_network {
        struct net_index index;
        struct net_flow_log log;
        bool usable;   /* it could be compared */
        bool declared; /* the log comes from manifests */
};

/* For struct fix_provider. */
void *fix_network_start(const struct fix_input *input);
void *fix_network_stop(void *network);
