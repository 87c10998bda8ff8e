/* redoubt secrets: where Secrets are, and who could read them there. */
#include "cmd/secrets.h"

static const struct command *const verbs[] = { &command_secrets_at_rest,
                                               &command_secrets_rotate_plan,
                                               &command_secrets_verify, &command_secrets_timeline,
                                               NULL };

const struct command command_secrets = {
        .name = "secrets",
        .summary = "are Secrets encrypted in etcd, and which certificate expires when",
        .description =
                "Proves from etcd's own data whether Secrets are encrypted, plans how to change "
                "that without downtime, and checks that each step was done. Lists what "
                "certificates and tokens there are, and when they expire.",
        .verbs = verbs,
};
