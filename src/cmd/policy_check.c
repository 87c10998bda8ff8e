/* redoubt policy check: do policies and bindings compile, what do they match, do types fit? */
#include "cmd/policy_check.h"

#include <errno.h>

#include "base/util.h"
#include "cmd/policy.h"
#include "cmd/rules.h"

enum { FORMAT_TEXT, FORMAT_JSON };

static const struct option_word formats[] = {
        { "text", FORMAT_TEXT, "for people" },
        { "json", FORMAT_JSON, "for programs" },
        { NULL },
};

struct check_arguments {
        struct option_strings crds;
        struct language_arguments language;
        int format;
};

struct check {
        struct command_context *context;
        struct policy_set set;
        struct structure_set custom;
        struct check_result result;
};

static void check_free(struct check *check) {
        policy_set_free(&check->set);
        structure_set_free(&check->custom);
        vec_free(&check->result.policies);
        vec_free(&check->result.faults);
}

static void note_fault(void *userdata, const struct error *error) {
        struct check *check = userdata;

        *vec_push(&check->result.faults) = *error;
}

static int load(struct check *check, int argc, char **argv) {
        const struct check_arguments *arguments = check->context->options;
        struct error *error = check->context->error;
        uint16_t minor;
        int r = language_minor(&arguments->language, &minor, error);

        if (r >= 0)
                r = rules_init(&check->set, minor, error);
        check->set.on_fault = note_fault;
        check->set.fault_data = check;
        for (int i = 0; i < argc && r >= 0; i++)
                r = policy_set_add_path(&check->set, argv[i], error);
        if (r >= 0)
                r = policy_set_finish(&check->set, error);
        for (size_t i = 0; i < arguments->crds.count && r >= 0; i++)
                r = structure_set_add_path(&check->custom, arguments->crds.items[i], error);
        if (r >= 0 && check->set.policies.count + check->set.mutators.count +
                                      check->set.bindings.count + check->result.faults.count ==
                              0)
                r = error_set(error, -ENOENT,
                              "there is no ValidatingAdmissionPolicy in what was given");
        /* definitions may also stand beside the policies */
        for (size_t i = 0; i < check->set.params.items.count && r >= 0; i++)
                structure_set_add(&check->custom, check->set.params.items.items[i].object);
        return r;
}

static int check_types(struct check *check) {
        struct policy_typechecker *checker = NULL;
        int r = policy_typechecker_new(&check->set, &check->custom, &checker,
                                       check->context->error);

        for (size_t i = 0; i < check->set.policies.count && r >= 0; i++) {
                struct checked_policy *checked = vec_push(&check->result.policies);

                checked->policy = check->set.policies.items[i];
                policy_typecheck(checker, checked->policy, check->context->arena, &checked->types);
                check->result.warning_count += checked->types.items.count;
        }
        policy_typechecker_free(checker);
        /* mutating policies have no status */
        for (size_t i = 0; i < check->set.mutators.count && r >= 0; i++)
                vec_push(&check->result.policies)->policy = check->set.mutators.items[i];
        for (size_t i = 0; i < check->set.fixes.count && r >= 0; i++)
                vec_push(&check->result.policies)->policy = check->set.fixes.items[i];
        return r;
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct check_arguments *arguments = context->options;
        struct check check _cleanup_(check_free) = { .context = context };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r = load(&check, argc, argv);

        if (r >= 0)
                r = check_types(&check);
        if (r < 0)
                return r;
        if (arguments->format == FORMAT_JSON)
                check_write_json(&text, &check.result);
        else
                check_write_text(&text, &check.result);
        if (text.len > 0)
                fwrite(text.data, 1, text.len, stdout);
        if (arguments->format == FORMAT_TEXT)
                for (size_t i = 0; i < check.result.faults.count; i++)
                        command_print_error(&check.result.faults.items[i]);
        if (check.result.faults.count > 0)
                return COMMAND_FAILED;
        return check.result.warning_count > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        { 0, "crds", "PATH",
          "CustomResourceDefinitions, for the types of custom resources; those beside the policies "
          "are known anyway",
          OPTION_STRINGS, offsetof(struct check_arguments, crds), .hint = OPTION_HINT_FILE },
        LANGUAGE_OPTIONS(struct check_arguments, language),
        { 'o', "output", "FORMAT", "how to write the result", OPTION_CHOICE,
          offsetof(struct check_arguments, format), .words = formats },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt policy check policy.yaml", "what the API server would say to it" },
        { "redoubt policy check policies --crds crds -o json",
          "a folder of policies, some about custom resources" },
        { NULL },
};

const struct command command_policy_check = {
        .name = "check",
        .summary = "whether policies compile, what they match and cost, whether types fit",
        .description =
                "Reads ValidatingAdmissionPolicies, MutatingAdmissionPolicies and their bindings "
                "as the API server would when they are applied. Every fault is told with its "
                "place, and the exit status is "
                "2.\n\n"
                "Then the types of expressions are checked against the schemas of the kinds that a "
                "policy's rules name, as the controller manager does for status.typeChecking: "
                "misspelt fields, comparisons of a number with a string. Such warnings change no "
                "verdict in a cluster; the exit status is 1.",
        .options = specs,
        .options_size = sizeof(struct check_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
