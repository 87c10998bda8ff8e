/* redoubt secrets at-rest: what of etcd's data is encrypted, by which key, and what is not. */
#include <errno.h>

#include "base/confine.h"
#include "base/util.h"
#include "cmd/secrets.h"
#include "etcd/gateway.h"
#include "etcd/servers.h"

struct at_rest_arguments {
        struct secrets_source source;
        const char *config;
        bool find, all;
        int format;
};

const struct option_word secrets_formats[] = {
        { "text", SECRETS_TEXT, "for people" },
        { "json", SECRETS_JSON, "for programs" },
        { "facts", SECRETS_FACTS,
          "a document for rules: redoubt secrets at-rest -o facts PATH | "
          "redoubt scan -" },
        { NULL },
};

/* /registry, also when written "registry" or "/registry/". */
static struct str prefix_of(struct arena *arena, const char *text) {
        struct str prefix = str_from(text ? text : "");

        while (str_ends(prefix, STR("/")))
                prefix.len--;
        if (prefix.len > 0 && prefix.ptr[0] != '/')
                prefix = arena_printf(arena, "/%.*s", STR_ARG(prefix));
        return prefix;
}

/* The files are open: nothing else has to be read or reached from here on. */
static int confine_now(struct command_context *context) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct confine_result result = { 0 };
        int r = confine(&(struct confine_rules){ 0 }, &result, context->error);

        if (r >= 0 && context->common.verbose > 0) {
                confine_describe(&text, &result);
                command_note("%s", text.data);
        }
        return r;
}

static int ask_endpoint(const struct secrets_source *source, struct at_rest *found) {
        const struct gateway_options options = { .endpoint = source->endpoint,
                                                 .authority = source->authority,
                                                 .certificate = source->certificate,
                                                 .key = source->key };
        struct error error = { 0 };

        if (gateway_read(found, &options, &error) < 0)
                at_rest_problem(found, "%s", error.message);
        else
                at_rest_check(found);
        return 0;
}

int secrets_read(struct command_context *context, const struct secrets_source *source,
                 const char *path, struct at_rest *found) {
        struct at_rest_options options = { .prefix = prefix_of(context->arena, source->prefix),
                                           .names = source->names };
        struct error error = { 0 };
        int r;

        at_rest_init(found, &options);
        if (source->endpoint)
                return ask_endpoint(source, found);
        if (access(path, F_OK) < 0)
                return error_set(context->error, -errno, "%s: %s", path, strerror(errno));
        r = at_rest_open(found, path, &error);
        if (r < 0) {
                at_rest_problem(found, "%s", error.message);
                return 0;
        }
        r = confine_now(context);
        if (r < 0)
                return r;
        at_rest_read(found);
        return 0;
}

static void tell(const struct command_context *context, const struct at_rest *found) {
        for (size_t i = 0; i < found->problems.count; i++)
                command_note("%.*s", STR_ARG(found->problems.items[i]));
        for (size_t i = 0; i < found->notes.count && !context->common.quiet; i++)
                command_note("%.*s", STR_ARG(found->notes.items[i]));
        if (context->common.verbose > 0)
                command_note("%ju revisions; read anew %u times because the file changed",
                             (uintmax_t)found->census.revisions, found->rereads);
}

static void write_report(const struct secrets_report *report, int format) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (format == SECRETS_JSON)
                secrets_add_json(&text, report);
        else if (format == SECRETS_FACTS)
                secrets_add_facts(&text, report);
        else
                secrets_add_text(&text, report);
        fwrite(text.data, 1, text.len, stdout);
}

/* The configuration that is given, or that an API server of this machine reads. Returns 1, or 0
 * where none was asked for. */
static int read_config(struct command_context *context, const struct at_rest_arguments *arguments,
                       struct encryption *ret) {
        struct str path = str_from(arguments->config);
        int r = arguments->config != NULL;

        if (!arguments->config && arguments->find) {
                r = server_find_config(context->arena, "/proc", &path, context->error);
                if (r == 0)
                        return error_set(context->error, -ENOENT,
                                         "no API server with --encryption-provider-config runs "
                                         "here, or its process may not be looked at: name the file "
                                         "with --config");
        }
        if (r <= 0)
                return r;
        r = encryption_read_file(context->arena, path.ptr, ret, context->error);
        return r < 0 ? r : 1;
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct at_rest_arguments *arguments = context->options;
        struct at_rest found _cleanup_(at_rest_free) = { .main.fd = -1 };
        struct encryption config = { 0 };
        struct verdict verdict;
        struct secrets_report report = {
                .arena = context->arena, .found = &found, .verdict = &verdict, .all = arguments->all
        };
        int r = 0;

        if ((argc == 1) == (arguments->source.endpoint != NULL))
                return command_usage_error(context, "either PATH or --endpoint URL is needed");
        r = read_config(context, arguments, &config);
        report.config = r > 0 ? &config : NULL;
        if (r >= 0)
                r = secrets_read(context, &arguments->source, argc ? argv[0] : NULL, &found);
        if (r < 0)
                return r;
        verdict_make(context->arena, &found, report.config, &verdict);
        tell(context, &found);
        if (found.census.revisions > 0 || found.problems.count == 0 ||
            arguments->format != SECRETS_TEXT)
                write_report(&report, arguments->format);
        if (found.problems.count > 0)
                return COMMAND_INCOMPLETE;
        return verdict.findings ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE,
          offsetof(struct at_rest_arguments, format), .words = secrets_formats },
        { 0, "all", NULL, "all resources, also those that nothing encrypts", OPTION_FLAG,
          offsetof(struct at_rest_arguments, all) },
        { 0, "names", NULL, "the names of the objects in plaintext, not only their number",
          OPTION_FLAG, offsetof(struct at_rest_arguments, source.names) },
        OPTION_SECTION("Configuration"),
        { 0, "config", "FILE", "the API server's EncryptionConfiguration, to compare with",
          OPTION_STRING, offsetof(struct at_rest_arguments, config), .hint = OPTION_HINT_FILE },
        { 0, "find-config", NULL, "the one that the API server of this machine reads", OPTION_FLAG,
          offsetof(struct at_rest_arguments, find) },
        SECRETS_SOURCE_OPTIONS(struct at_rest_arguments, source),
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .optional = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt secrets at-rest /var/lib/etcd", "the data directory of a control plane" },
        { "redoubt secrets at-rest backup.db --config /etc/kubernetes/encryption.yaml",
          "a snapshot, against the configuration" },
        { NULL },
};

const struct command command_secrets_at_rest = {
        .name = "at-rest",
        .summary = "what of etcd's data is encrypted, by which key, and what is not",
        .description =
                "Reads a data directory of etcd, a database or snapshot file, k3s' SQLite, or with "
                "--endpoint a live etcd, and tells for each resource how many values are "
                "encrypted, "
                "by which provider and key, and how many are plaintext; which old revisions still "
                "are; and whether free pages and the write-ahead log have Secrets in plaintext. "
                "Values are never shown. Files are opened for reading only, and etcd may run.\n\n"
                "Exit status: 0 nothing is plaintext that should not be, and one key encrypts all; "
                "1 something is, or a rotation is not complete; 2 an error; 3 something could not "
                "be read.",
        .options = specs,
        .options_size = sizeof(struct at_rest_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
