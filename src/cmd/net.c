/* redoubt net: what can reach what. */
#include "cmd/net.h"

static const struct command *const verbs[] = {
        &command_net_list, &command_net_why,      &command_net_exposure, &command_net_isolated,
        &command_net_diff, &command_net_generate, &command_net_impact,   NULL,
};

extern const struct command command_net;
const struct command command_net = {
        .name = "net",
        .summary = "what can reach what, and which policy decides it",
        .description =
                "Answers questions about the network policies of a cluster or of manifests: "
                "NetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy and "
                "ClusterNetworkPolicy, decided as their API says. A network plugin that enforces "
                "them is taken for granted.",
        .verbs = verbs,
};
