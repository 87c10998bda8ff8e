/* redoubt rbac risks: a scan by the rules about subjects. */
#include "cmd/rbac.h"
#include "cmd/scan.h"
#include "rbac/subject.h"

static int run(struct command_context *context, int argc, char **argv) {
        return scan_command(context, argc, argv, RBAC_SUBJECT_RESOURCE);
}

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt rbac risks examples/shop", "who holds dangerous rights" },
        { "redoubt rbac risks -o json examples/shop", "for programs" },
        { NULL },
};

const struct command command_rbac_risks = {
        .name = "risks",
        .summary = "who holds dangerous rights, and through what",
        .description =
                "Judges everyone whom a binding names by the rights that are in force for them: "
                "what lets them take over the cluster, a node, another identity, or read what is "
                "secret. Each finding is placed at the rule of the role that grants it, with the "
                "binding as the other place. These are the rules about subjects of `redoubt scan`, "
                "with its options and reports.\n\nExit status: 0 none, 1 findings at or above "
                "--fail-on, 2 an error, 3 something was not judged.",
        .options = scan_specs,
        .defaults = &scan_defaults,
        .options_size = sizeof scan_defaults,
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
