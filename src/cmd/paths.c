/* redoubt paths: how an attacker gets from here to there. */
#include "cmd/paths.h"

#include "base/util.h"

static const struct command *const verbs[] = {
        &command_paths_to,    &command_paths_blast,   &command_paths_cut,
        &command_paths_edges, &command_paths_attacks, NULL,
};

const struct command command_paths = {
        .name = "paths",
        .summary = "how an attacker gets from a foothold to the cluster",
        .description =
                "Makes one graph of containers, nodes, identities, rights, secrets and services, "
                "with an edge for each way to get from one to another: escapes from containers, "
                "tokens, rights that give more than they seem to. Its paths are the ways of an "
                "attacker; its smallest cuts are what to change first.",
        .verbs = verbs,
};
