/* The table of verbs: to add one, write its file and put its row here. */
#include "cmd/command.h"

const struct command *const commands[] = {
        &command_completion,
        &command_help_verb,
        &command_version,
        NULL,
};
