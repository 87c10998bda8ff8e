/* redoubt policy eval: what the API server would answer to a request. */
#include <errno.h>

#include "base/confine.h"
#include "base/fs.h"
#include "base/util.h"
#include "cmd/objects.h"
#include "cmd/policy.h"
#include "cmd/policy_stream.h"
#include "cmd/rbac.h"
#include "doc/write.h"

/* --- from files --- */

struct inputs {
        struct command_context *context;
        struct policy_set *set;
        struct policy_question question;
};

/* The one object in FILE; NULL where no file was named. */
static int read_object(struct inputs *in, const char *file, const struct doc_node **ret) {
        struct error *error = in->context->error;
        struct doc_source *source;
        struct doc_reader reader;
        struct doc *doc, *second;
        int r;

        if (!file)
                return 0;
        r = policy_input_source(in->context, file, &source);
        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_AUTO, NULL);
        r = doc_read(&reader, in->context->arena, &doc, error);
        if (r == 0)
                r = error_set(error, -ENOENT, "holds no object");
        if (r > 0 && doc_read(&reader, in->context->arena, &second, NULL) != 0)
                r = error_set(error, -EINVAL, "holds more than one object");
        if (r < 0) {
                error_set_file(error, source->name);
                return r;
        }
        *ret = doc->root;
        return 0;
}

static int read_inputs(struct inputs *in, const struct request_arguments *arguments) {
        uint16_t minor;
        int r = language_minor(&arguments->language, &minor, in->context->error);

        if (r >= 0)
                r = policy_set_init(in->set, minor, in->context->error);
        if (r >= 0)
                r = policy_input_add(in->context, in->set, &arguments->policies);
        if (r >= 0)
                r = policy_input_add(in->context, in->set, &arguments->bindings);
        if (r >= 0)
                r = policy_input_add(in->context, in->set, &arguments->params);
        if (r >= 0)
                r = policy_set_finish(in->set, in->context->error);
        if (r >= 0)
                r = read_object(in, arguments->object, &in->question.object);
        if (r >= 0)
                r = read_object(in, arguments->old, &in->question.old_object);
        if (r >= 0)
                r = read_object(in, arguments->namespace, &in->question.namespace_object);
        if (r >= 0 && in->set->policies.count + in->set->mutators.count == 0)
                r = error_set(in->context->error, -ENOENT, "there is no policy to judge by");
        return r;
}

static const struct policy_user *user_of(struct command_context *context) {
        const struct request_arguments *arguments = context->options;
        struct policy_user *user = arena_new(context->arena, struct policy_user);

        if (!arguments->user && arguments->groups.count == 0)
                return NULL;
        user->name = str_from(arguments->user ? arguments->user : "");
        user->groups =
                rbac_groups_of(context->arena, &arguments->groups, user->name, &user->group_count);
        return user;
}

static const struct doc_node *request_with_subresource(struct arena *arena, const char *name) {
        struct doc_node *map = doc_new_map(arena, NULL, 1);
        struct doc_node text = { .kind = DOC_STRING, .string = str_from(name) };

        doc_map_set(map, 0, STR("subResource"), &text);
        doc_map_index(arena, map);
        return map;
}

static int answer_files(struct command_context *context, request_answer_fn *answer,
                        const struct rbac_index *rbac) {
        const struct request_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct inputs in = { .context = context,
                             .set = &set,
                             .question = { .operation = str_from(arguments->operation),
                                           .file = arguments->object ? arguments->object
                                                                     : arguments->old,
                                           .user = user_of(context),
                                           .rbac = rbac } };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct policy_subject subject;
        int r, status = COMMAND_CLEAN;

        if (arguments->subresource)
                in.question.request =
                        request_with_subresource(context->arena, arguments->subresource);
        r = read_inputs(&in, arguments);
        if (r >= 0)
                r = policy_question_subject(&in.question, context->arena, &subject, context->error);
        if (r == -ENOMEM || r == -EIO || r == -ENOENT || r == -EACCES)
                return r;
        if (r < 0) {
                policy_answer_invalid(&text, context->error);
                command_print_error(context->error);
                status = COMMAND_FAILED;
        } else if (!answer(arguments, &text, &set, &in.question, &subject))
                status = COMMAND_FINDINGS;
        if (text.len > 0)
                fwrite(text.data, 1, text.len, stdout);
        return status;
}

/* --- a stream of questions --- */

static int answer_stream(struct command_context *context, request_answer_fn *answer,
                         const struct rbac_index *rbac) {
        const struct request_arguments *arguments = context->options;
        struct policy_stream stream _cleanup_(policy_stream_free) = {
                .arguments = arguments, .answer = answer, .user = user_of(context), .rbac = rbac
        };
        struct buf line _cleanup_(buf_free) = BUF_INIT, text _cleanup_(buf_free) = BUF_INIT;
        int r = language_minor(&arguments->language, &stream.kube_minor, context->error);

        if (r < 0)
                return r;
        while ((r = fs_read_line(stdin, doc_default_limits.file_bytes, &line)) != 0) {
                struct error error = { 0 };

                buf_clear(&text);
                if (r < 0) {
                        error_set(&error, r, "the line is too long");
                        policy_answer_invalid(&text, &error);
                } else if (str_trim(buf_str(&line)).len > 0)
                        policy_stream_answer(&stream, buf_str(&line), &text);
                fwrite(text.data, 1, text.len, stdout);
                fflush(stdout);
        }
        return COMMAND_CLEAN;
}

/* --- either --- */

static void add_paths(const char **paths, size_t *count, const struct option_strings *strings) {
        for (size_t i = 0; i < strings->count; i++)
                paths[(*count)++] = strings->items[i];
}

static int confine_to_inputs(struct command_context *context) {
        const struct request_arguments *a = context->options;
        size_t count = 0,
               most = a->policies.count + a->bindings.count + a->params.count + a->rbac.count + 3;
        const char **paths = arena_new_array(context->arena, most, const char *);
        const char *const single[] = { a->object, a->old, a->namespace };
        struct confine_rules rules = { .read = paths };

        add_paths(paths, &count, &a->policies);
        add_paths(paths, &count, &a->bindings);
        add_paths(paths, &count, &a->params);
        add_paths(paths, &count, &a->rbac);
        for (size_t i = 0; i < ELEMENTS(single); i++)
                if (single[i])
                        paths[count++] = single[i];
        rules.read_count = count;
        return confine(&rules, NULL, context->error);
}

int request_run(struct command_context *context, request_answer_fn *answer) {
        const struct request_arguments *arguments = context->options;
        struct input_list inputs _cleanup_(input_free) = { 0 };
        struct rbac_index index _cleanup_(rbac_index_free) = { 0 };
        const struct rbac_index *rbac;
        bool complete = true;
        int r = 0;

        if (arguments->rbac.count > 0)
                r = objects_open(context, &arguments->rbac, &inputs);
        if (r >= 0)
                r = confine_to_inputs(context);
        if (r < 0)
                return r;
        if (arguments->rbac.count > 0)
                complete = rbac_read_inputs(&inputs, false, &index);
        rbac = arguments->rbac.count > 0 ? &index : NULL;
        r = arguments->stream ? answer_stream(context, answer, rbac)
                              : answer_files(context, answer, rbac);
        return (r == COMMAND_CLEAN || r == COMMAND_FINDINGS) && !complete ? COMMAND_INCOMPLETE : r;
}

/* --- the verb --- */

static bool answer_eval(const struct request_arguments *arguments, struct buf *buf,
                        const struct policy_set *set, const struct policy_question *question,
                        const struct policy_subject *subject) {
        (void)arguments;
        return policy_answer(buf, set, question, subject);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct request_arguments *arguments = context->options;
        bool has_files =
                arguments->policies.count + arguments->bindings.count + arguments->params.count >
                        0 ||
                arguments->object || arguments->old || arguments->namespace;

        (void)argc;
        (void)argv;
        if (arguments->stream && has_files)
                return command_usage_error(context, "--stream takes everything from its lines");
        if (!arguments->stream && arguments->policies.count == 0)
                return command_usage_error(context, "--policy FILE or --stream is needed");
        if (!arguments->stream && !arguments->object && !arguments->old)
                return command_usage_error(context, "--object FILE or --old FILE is needed");
        return request_run(context, answer_eval);
}

#define AT(field) offsetof(struct request_arguments, field)

static const struct option_spec specs[] = {
        OPTION_SECTION("Policies"),
        { 0, "policy", "PATH", "ValidatingAdmissionPolicies, and what else stands with them",
          OPTION_STRINGS, AT(policies), .hint = OPTION_HINT_FILE },
        { 0, "binding", "FILE", "their bindings; a policy without one is judged everywhere",
          OPTION_STRINGS, AT(bindings), .hint = OPTION_HINT_FILE },
        { 0, "params", "FILE", "objects that bindings may choose as params", OPTION_STRINGS,
          AT(params), .hint = OPTION_HINT_FILE },
        OPTION_SECTION("Request"),
        { 0, "object", "FILE", "the object of the request; - for standard input", OPTION_STRING,
          AT(object), .hint = OPTION_HINT_FILE },
        { 0, "old", "FILE", "the object as it was: the request is an UPDATE", OPTION_STRING,
          AT(old), .hint = OPTION_HINT_FILE },
        { 0, "namespace-object", "FILE", "the Namespace that the object lives in", OPTION_STRING,
          AT(namespace), .hint = OPTION_HINT_FILE },
        { 0, "operation", "OP", "CREATE, UPDATE, DELETE or CONNECT", OPTION_STRING, AT(operation),
          .hint = OPTION_HINT_WORDS, .hint_words = "CREATE UPDATE DELETE CONNECT" },
        { 0, "subresource", "NAME", "the subresource: scale, status, exec ...", OPTION_STRING,
          AT(subresource) },
        { 0, "as", "USER", "who makes the request (request.userInfo)", OPTION_STRING, AT(user) },
        { 0, "as-group", "GROUP", "a group of the user", OPTION_STRINGS, AT(groups) },
        { 0, "rbac", "PATH",
          "Roles and bindings that `authorizer` answers by; without, it allows nothing",
          OPTION_STRINGS, AT(rbac), .hint = OPTION_HINT_FILE },
        { 0, "stream", NULL, "answer one line for each line of JSON on standard input", OPTION_FLAG,
          AT(stream) },
        OPTION_SECTION("Language"),
        LANGUAGE_OPTIONS(struct request_arguments, language),
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt policy eval --policy policy.yaml --object pod.yaml", "would it be admitted?" },
        { "redoubt policy eval --policy policy.yaml --object new.yaml --old old.yaml --as alice",
          "the same for a change, made by alice" },
        { NULL },
};

const struct command command_policy_eval = {
        .name = "eval",
        .summary = "what the API server would answer to a request",
        .description =
                "Judges a request by ValidatingAdmissionPolicies and their bindings, as the API "
                "server does, after MutatingAdmissionPolicies among them have changed the object, "
                "and prints the answer as one JSON object: verdict (allow, deny or invalid), "
                "violations, warnings and audit annotations. The exit status is 0 for allow, 1 for "
                "deny and 2 where the policies or the request are not valid.\n\n"
                "With --stream each line of standard input is a question of the form "
                "{\"policy\", \"binding\", \"params\", \"object\", \"oldObject\", "
                "\"namespaceObject\", "
                "\"request\"}, and the exit status is 0. The first three are an object, a list of "
                "objects, or YAML text; request holds fields of an AdmissionRequest: operation, "
                "name, "
                "namespace, kind, resource, subResource, userInfo, options, dryRun.",
        .options = specs,
        .options_size = sizeof(struct request_arguments),
        .examples = examples,
        .run = run,
};
