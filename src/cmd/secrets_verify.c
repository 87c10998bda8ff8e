/* redoubt secrets verify: whether a step of a rotation was done. */
#include <errno.h>
#include <time.h>

#include "base/util.h"
#include "cmd/secrets.h"
#include "cmd/secrets_plan.h"
#include "etcd/rotation_check.h"

struct verify_arguments {
        struct secrets_source source;
        const char *plan, *step;
        struct option_strings configs;
        int format;
};

static const struct option_word formats[] = {
        { "text", SECRETS_TEXT, "for people" },
        { "json", SECRETS_JSON, "for programs" },
        { NULL },
};

/* A name, or a number from 1 on. */
static int find_step(const struct rotation *plan, const char *text, size_t *ret,
                     struct error *error) {
        int64_t number;

        for (size_t i = 0; i < plan->count; i++)
                if (strcmp(plan->steps[i].name, text) == 0) {
                        *ret = i;
                        return 0;
                }
        if (option_parse_integer(str_from(text), &number) < 0 || number < 1 ||
            (size_t)number > plan->count)
                return error_set(error, -EINVAL, "the plan has no step \"%s\"", text);
        *ret = (size_t)number - 1;
        return 0;
}

static int read_servers(struct command_context *context, const struct verify_arguments *arguments,
                        struct rotation_evidence *evidence) {
        size_t count = arguments->configs.count;
        int r = 0;

        evidence->servers = arena_new_array(context->arena, count, struct rotation_server);
        evidence->server_count = count;
        for (size_t i = 0; i < count && r >= 0; i++) {
                struct rotation_server *server = &evidence->servers[i];

                server->path = arguments->configs.items[i];
                r = encryption_read_file(context->arena, server->path, &server->config,
                                         context->error);
                if (r >= 0)
                        r = server_file_time(server->path, &server->file_ms, context->error);
                if (r >= 0)
                        r = server_find("/proc", server->path, &server->state, context->error);
                server->found = r > 0;
        }
        return r;
}

static const char *word_of(enum rotation_state state) {
        return state == ROTATION_DONE ? "done" : state == ROTATION_MISSING ? "missing" : "unknown";
}

static void write_text(const struct rotation_step *step, const struct rotation_result *result) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        static const char *const words[] = { "done", "NOT DONE", "not known" };

        buf_printf(&text, "step %s: %s\n", step->name, words[result->state]);
        for (size_t i = 0; i < result->reason_count; i++) {
                buf_add(&text, STR("  "));
                buf_add_terminal(&text, result->reasons[i]);
                buf_add_char(&text, '\n');
        }
        fwrite(text.data, 1, text.len, stdout);
}

static void write_json(const struct rotation_step *step, size_t number,
                       const struct rotation_result *result) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&text, "{\"step\":%zu,\"name\":\"%s\",\"state\":\"%s\",\"reasons\":[", number,
                   step->name, word_of(result->state));
        for (size_t i = 0; i < result->reason_count; i++) {
                buf_add(&text, i ? STR(",") : STR(""));
                buf_add_json(&text, result->reasons[i]);
        }
        buf_add(&text, STR("]}\n"));
        fwrite(text.data, 1, text.len, stdout);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct verify_arguments *arguments = context->options;
        struct at_rest data _cleanup_(at_rest_free) = { .main.fd = -1 };
        struct rotation_evidence evidence = { .now_ms = (int64_t)time(NULL) * 1000 };
        struct rotation_result result;
        struct rotation plan;
        size_t step = 0;
        int r;

        if (!arguments->plan || !arguments->step)
                return command_usage_error(context, "--plan FOLDER and --step NAME are needed");
        r = secrets_read_plan(context->arena, arguments->plan, &plan, &evidence.made_ms,
                              context->error);
        if (r >= 0)
                r = find_step(&plan, arguments->step, &step, context->error);
        if (r >= 0)
                r = read_servers(context, arguments, &evidence);
        if (r >= 0 && (argc > 0 || arguments->source.endpoint)) {
                r = secrets_read(context, &arguments->source, argc ? argv[0] : NULL, &data);
                evidence.data = &data;
        }
        if (r < 0)
                return r;
        for (size_t i = 0; i < data.problems.count; i++)
                command_note("%.*s", STR_ARG(data.problems.items[i]));
        rotation_check(context->arena, &plan, step, &evidence, &result);
        if (arguments->format == SECRETS_JSON)
                write_json(&plan.steps[step], step + 1, &result);
        else
                write_text(&plan.steps[step], &result);
        if (result.state == ROTATION_UNKNOWN)
                return COMMAND_INCOMPLETE;
        return result.state == ROTATION_DONE ? COMMAND_CLEAN : COMMAND_FINDINGS;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Plan"),
        { 0, "plan", "FOLDER", "what rotate-plan --write made", OPTION_STRING,
          offsetof(struct verify_arguments, plan), .hint = OPTION_HINT_DIR },
        { 0, "step", "NAME", "its name or number", OPTION_STRING,
          offsetof(struct verify_arguments, step) },
        { 0, "config", "FILE", "the configuration in place; once for each API server",
          OPTION_STRINGS, offsetof(struct verify_arguments, configs), .hint = OPTION_HINT_FILE },
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE,
          offsetof(struct verify_arguments, format), .words = formats },
        SECRETS_SOURCE_OPTIONS(struct verify_arguments, source),
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .optional = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt secrets verify --plan plan --step rewrite --config "
          "/etc/kubernetes/encryption.yaml /var/lib/etcd",
          "on a control plane, after Secrets were rewritten" },
        { NULL },
};

const struct command command_secrets_verify = {
        .name = "verify",
        .summary = "was a step of a rotation done",
        .description =
                "Looks for what a step of a plan, and those before it, must have left behind: the "
                "configuration file of each API server, the time at which its process was started, "
                "and what encrypts the values of etcd, which PATH or --endpoint names from the "
                "step "
                "rewrite on. Check each step when it was done: what it leaves is overwritten by "
                "later ones.\n\nExit status: 0 done, 1 not done, 2 an error, 3 that cannot be "
                "known from what was given.",
        .options = specs,
        .options_size = sizeof(struct verify_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
