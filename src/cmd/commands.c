/* The table of verbs: to add one, write its file and put its row here. */
#include "cmd/command.h"

/* clang-format off */
extern const struct command
        command_cel,
        command_decode,
        command_endpoint,
        command_explain,
        command_fix,
        command_net,
        command_node,
        command_paths,
        command_policy,
        command_rbac,
        command_scan,
        command_secrets,
        command_snapshot;
/* clang-format on */

const struct command *const commands[] = {
        &command_scan,
        &command_fix,
        &command_explain,
        &command_rbac,
        &command_net,
        &command_paths,
        &command_node,
        &command_secrets,
        &command_endpoint,
        &command_policy,
        &command_cel,
        &command_snapshot,
        &command_completion,
        &command_help_verb,
        &command_version,
        &command_decode,
        NULL, /* keeps one a line */
};
