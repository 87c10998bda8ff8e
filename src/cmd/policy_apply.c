/* redoubt policy apply: what mutating policies make of an object. */
#include "base/diff.h"
#include "base/util.h"
#include "base/vec.h"
#include "cmd/policy.h"
#include "doc/write.h"
#include "kube/written.h"
#include "policy/mutate.h"

enum { FORMAT_YAML, FORMAT_JSON, FORMAT_DIFF };

struct apply_arguments {
        struct request_arguments request; /* first, so that the pointer converts */
        int format;
        bool full;
};

static const struct option_word formats[] = {
        { "yaml", FORMAT_YAML, "the object" },
        { "json", FORMAT_JSON, "the object" },
        { "diff", FORMAT_DIFF, "what changes, as diff -u shows it" },
        { NULL },
};

/* --- files --- */

static void add_diff(struct buf *buf, const struct policy_question *question,
                     const struct doc_node *before, const struct doc_node *after) {
        struct buf x _cleanup_(buf_free) = BUF_INIT, y _cleanup_(buf_free) = BUF_INIT;
        struct str name = str_from(question->file);

        doc_write_yaml(&x, before, 0);
        doc_write_yaml(&y, after, 0);
        diff_unified(buf, name, buf_str(&x), name, buf_str(&y));
}

static void add_object(struct buf *buf, const struct apply_arguments *arguments,
                       const struct policy_question *question, const struct doc_node *before,
                       const struct doc_node *after) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        if (!arguments->full) {
                before = kube_written(&arena, before);
                after = kube_written(&arena, after);
        }
        if (arguments->format == FORMAT_DIFF) {
                add_diff(buf, question, before, after);
        } else if (arguments->format == FORMAT_JSON) {
                doc_write_json(buf, after);
                buf_add_char(buf, '\n');
        } else {
                doc_write_yaml(buf, after, 0);
        }
}

static void print_refusal(const struct policy_mutated *mutated) {
        struct error error = { 0 };

        error_set(&error, -1, "%.*s (%.*s)", STR_ARG(mutated->message), STR_ARG(mutated->reason));
        command_print_error(&error);
}

/* --- a stream --- */

static void add_text(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, ",\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_line(struct buf *buf, const struct policy_mutated *mutated) {
        if (mutated->denied) {
                buf_printf(buf, "{\"verdict\":\"deny\",\"status\":{\"code\":%d", mutated->code);
                add_text(buf, "reason", mutated->reason);
                add_text(buf, "message", mutated->message);
                buf_add(buf, STR("}}\n"));
                return;
        }
        buf_add(buf, STR("{\"verdict\":\"allow\",\"object\":"));
        if (mutated->object)
                doc_write_json(buf, mutated->object);
        else
                buf_add(buf, STR("null"));
        buf_add(buf, STR("}\n"));
}

/* --- either --- */

static bool answer(const struct request_arguments *request, struct buf *buf,
                   const struct policy_set *set, const struct policy_question *question,
                   const struct policy_subject *subject) {
        const struct apply_arguments *arguments = (const struct apply_arguments *)request;
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct policy_mutated mutated;

        policy_mutate(set, subject, &arena, &mutated);
        if (request->stream) {
                add_line(buf, &mutated);
                return !mutated.denied;
        }
        if (mutated.denied)
                print_refusal(&mutated);
        else if (mutated.object)
                add_object(buf, arguments, question, subject->object, mutated.object);
        if (set->mutators.count == 0)
                command_note("there is no MutatingAdmissionPolicy among the policies");
        else if (!mutated.matched)
                command_note("no policy is about this object");
        return !mutated.denied;
}

/* The last argument is the object, those before are policies. */
static void take_positionals(struct command_context *context, int argc, char **argv) {
        struct request_arguments *request = context->options;

        for (int i = 0; i + 1 < argc; i++)
                *vec_push_in(context->arena, &request->policies) = argv[i];
        if (argc > 0)
                request->object = argv[argc - 1];
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct request_arguments *request = context->options;

        if (request->stream && argc + (int)(request->bindings.count + request->params.count) > 0)
                return command_usage_error(context, "--stream takes everything from its lines");
        if (!request->stream && argc < 2)
                return command_usage_error(context, "POLICY and OBJECT, or --stream, are needed");
        take_positionals(context, argc, argv);
        return request_run(context, answer);
}

#define AT(field) offsetof(struct apply_arguments, field)

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write what becomes of the object", OPTION_CHOICE,
          AT(format), .words = formats },
        { 0, "full", NULL, "with everything that the API server adds by default", OPTION_FLAG,
          AT(full) },
        OPTION_SECTION("Policies"),
        { 0, "binding", "FILE", "their bindings; a policy without one applies everywhere",
          OPTION_STRINGS, AT(request.bindings), .hint = OPTION_HINT_FILE },
        { 0, "params", "FILE", "objects that bindings may choose as params", OPTION_STRINGS,
          AT(request.params), .hint = OPTION_HINT_FILE },
        OPTION_SECTION("Request"),
        { 0, "old", "FILE", "the object as it was: the request is an UPDATE", OPTION_STRING,
          AT(request.old), .hint = OPTION_HINT_FILE },
        { 0, "namespace-object", "FILE", "the Namespace that the object lives in", OPTION_STRING,
          AT(request.namespace), .hint = OPTION_HINT_FILE },
        { 0, "operation", "OP", "CREATE, UPDATE or CONNECT", OPTION_STRING, AT(request.operation),
          .hint = OPTION_HINT_WORDS, .hint_words = "CREATE UPDATE CONNECT" },
        { 0, "subresource", "NAME", "the subresource: scale, status, ...", OPTION_STRING,
          AT(request.subresource) },
        { 0, "as", "USER", "who makes the request (request.userInfo)", OPTION_STRING,
          AT(request.user) },
        { 0, "as-group", "GROUP", "a group of the user", OPTION_STRINGS, AT(request.groups) },
        { 0, "rbac", "PATH",
          "Roles and bindings that `authorizer` answers by; without, it allows nothing",
          OPTION_STRINGS, AT(request.rbac), .hint = OPTION_HINT_FILE },
        { 0, "stream", NULL, "answer one line for each line of JSON on standard input", OPTION_FLAG,
          AT(request.stream) },
        OPTION_SECTION("Language"),
        LANGUAGE_OPTIONS(struct apply_arguments, request.language),
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "POLICY", OPTION_HINT_FILE, .repeated = true, .optional = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt policy apply examples/policies/seccomp.yaml examples/policies/web.yaml",
          "the object after the policy" },
        { "redoubt policy apply -o diff examples/policies/seccomp.yaml examples/policies/web.yaml",
          "what the policy changes" },
        { NULL },
};

const struct command command_policy_apply = {
        .name = "apply",
        .summary = "what mutating policies make of an object",
        .usage = "[OPTION...] POLICY... OBJECT",
        .description =
                "Applies the MutatingAdmissionPolicies in POLICY (files or folders, with their "
                "bindings and params) to OBJECT, as the API server does when it is submitted, and "
                "prints the object after it: as it was written, with what the policies changed. "
                "Nothing is sent anywhere.\n\n"
                "The exit status is 0 where the object is admitted, changed or not; 1 where a "
                "policy fails, so that the API server would refuse the request; 2 where the "
                "policies or the object are not valid.\n\n"
                "With --stream each line of standard input is a question as for policy eval, "
                "answered by {\"verdict\":\"allow\",\"object\"} with the object as the server "
                "would store it, or {\"verdict\":\"deny\",\"status\"}; the exit status is 0.",
        .options = specs,
        .options_size = sizeof(struct apply_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
