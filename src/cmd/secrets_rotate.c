/* redoubt secrets rotate-plan: the steps to a new key, with each configuration. */
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/base64.h"
#include "base/util.h"
#include "cmd/secrets.h"
#include "cmd/secrets_plan.h"

enum { KEY_BYTES = 32, SERVERS_MAX = 1000 };

struct rotate_arguments {
        const char *config, *resource, *key_name, *kms_endpoint, *folder;
        struct option_strings servers;
        int provider;
        int format;
        bool generate;
};

static const struct option_word providers[] = {
        { "secretbox", STORED_SECRETBOX, "XSalsa20 and Poly1305; a key of 32 bytes" },
        { "aesgcm", STORED_AESGCM, "needs a new key every 200,000 writes" },
        { "aescbc", STORED_AESCBC, "open to padding attacks: for old versions" },
        { "kms", STORED_KMS, "v2; with --key-name and --kms-endpoint" },
        { NULL },
};

static const struct option_word formats[] = {
        { "text", SECRETS_TEXT, "for people" },
        { "json", SECRETS_JSON, "for programs" },
        { NULL },
};

/* --- files --- */

/* Makes the file NAME of FOLDER, which nobody else may read and which must not be there yet. */
static int write_file(const char *folder, const char *name, struct str text, struct error *error) {
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        _cleanup_fclose_ FILE *file = NULL;
        int fd;

        buf_printf(&path, "%s/%s", folder, name);
        fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  S_IRUSR | S_IWUSR);
        file = fd < 0 ? NULL : fdopen(fd, "w");
        if (!file || fwrite(text.ptr, 1, text.len, file) != text.len || fflush(file) != 0)
                return error_set(error, -errno, "cannot write %s: %s", path.data, strerror(errno));
        return 0;
}

static int write_plan(const char *folder, const struct rotation *plan, struct error *error) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r;

        if (mkdir(folder, S_IRWXU) < 0 && errno != EEXIST)
                return error_set(error, -errno, "cannot make %s: %s", folder, strerror(errno));
        secrets_add_plan(&text, plan, time(NULL));
        r = write_file(folder, SECRETS_PLAN_FILE, buf_str(&text), error);
        for (size_t i = 0; i < plan->count && r >= 0; i++) {
                if (plan->steps[i].kind != ROTATION_CONFIG)
                        continue;
                buf_clear(&text);
                rotation_add_config(&text, &plan->steps[i].config, true);
                r = write_file(folder, plan->steps[i].file.ptr, buf_str(&text), error);
        }
        if (text.data)
                explicit_bzero(text.data, text.len);
        return r;
}

static int make_key(struct arena *arena, struct str *ret, struct error *error) {
        char bytes[KEY_BYTES];

        if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
                return error_set(error, -EIO, "no random bytes can be had");
        *ret = base64_encode(arena, (struct str){ bytes, sizeof bytes });
        explicit_bzero(bytes, sizeof bytes);
        return 0;
}

/* --- text --- */

static void add_indented(struct buf *buf, struct str text) {
        struct str line;

        while (text.len > 0 && str_split(&text, '\n', &line)) {
                buf_add(buf, STR("       "));
                buf_add_terminal(buf, line);
                buf_add_char(buf, '\n');
        }
}

static void add_text(struct buf *buf, const struct rotation *plan, const char *folder) {
        struct buf config _cleanup_(buf_free) = BUF_INIT;

        buf_printf(buf, "%s with %s ", plan->introduces ? "encryption" : "rotation",
                   stored_provider_name(plan->provider));
        buf_add_terminal(buf, plan->key);
        buf_add(buf, STR(":"));
        for (size_t i = 0; i < plan->resource_count; i++) {
                buf_add_char(buf, ' ');
                buf_add_terminal(buf, plan->resources[i]);
        }
        buf_add(buf, STR("\n\n"));
        for (size_t i = 0; i < plan->count; i++) {
                const struct rotation_step *step = &plan->steps[i];

                buf_printf(buf, "%2zu. %s: ", i + 1, step->name);
                buf_add_terminal(buf, step->what);
                buf_add_char(buf, '\n');
                for (size_t k = 0; k < step->command_count; k++)
                        add_indented(buf, step->commands[k]);
                if (step->kind == ROTATION_CONFIG) {
                        buf_clear(&config);
                        rotation_add_config(&config, &step->config, false);
                        add_indented(buf, buf_str(&config));
                        if (folder)
                                buf_printf(buf, "       whole, with its keys: %s/%s\n", folder,
                                           step->file.ptr);
                }
        }
        buf_add(buf, STR("\nafter each step: redoubt secrets verify --plan "));
        buf_add_terminal(buf, str_from(folder ? folder : "FOLDER"));
        buf_add(buf, STR(" --step NAME --config FILE... [PATH]\n"));
        if (!folder)
                buf_add(buf, STR("the whole files, with keys: --write FOLDER [--generate-key]\n"));
}

static int run(struct command_context *context, int argc _unused_, char **argv _unused_) {
        const struct rotate_arguments *arguments = context->options;
        struct encryption config = { 0 };
        struct rotation_options options = {
                .resource = str_from(arguments->resource),
                .provider = (enum stored_provider)arguments->provider,
                .key_name = str_from(arguments->key_name ? arguments->key_name : ""),
                .kms_endpoint = str_from(arguments->kms_endpoint ? arguments->kms_endpoint : ""),
                .servers = option_strs(context->arena, &arguments->servers),
                .server_count = arguments->servers.count,
        };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct rotation plan;
        int r = 0;

        if (arguments->generate && !arguments->folder)
                return command_usage_error(context, "--generate-key needs --write FOLDER: a key is "
                                                    "never printed");
        if (arguments->config) {
                r = encryption_read_file(context->arena, arguments->config, &config,
                                         context->error);
                options.config = &config;
        }
        if (r >= 0 && arguments->generate)
                r = make_key(context->arena, &options.key_secret, context->error);
        if (r >= 0)
                r = rotation_plan(context->arena, &options, &plan, context->error);
        if (r >= 0 && arguments->folder)
                r = write_plan(arguments->folder, &plan, context->error);
        if (r < 0)
                return r;
        if (arguments->format == SECRETS_JSON)
                secrets_add_plan(&text, &plan, 0);
        else
                add_text(&text, &plan, arguments->folder);
        fwrite(text.data, 1, text.len, stdout);
        return COMMAND_CLEAN;
}

static const struct rotate_arguments defaults = { .resource = "secrets" };

static const struct option_spec specs[] = {
        OPTION_SECTION("Configuration"),
        { 0, "config", "FILE",
          "the API servers' EncryptionConfiguration as it is; none: nothing is "
          "encrypted yet",
          OPTION_STRING, offsetof(struct rotate_arguments, config), .hint = OPTION_HINT_FILE },
        { 0, "server", "NAME", "an API server; once for each of them", OPTION_STRINGS,
          offsetof(struct rotate_arguments, servers), .comma = true },
        { 0, "resource", "NAME", "whose entry is changed (default: secrets)", OPTION_STRING,
          offsetof(struct rotate_arguments, resource) },
        OPTION_SECTION("New key"),
        { 0, "provider", "NAME", "who encrypts (default: aesgcm where it does now, else secretbox)",
          OPTION_CHOICE, offsetof(struct rotate_arguments, provider), .words = providers },
        { 0, "key-name", "NAME", "of the new key (default: the first free of key1, key2 ...)",
          OPTION_STRING, offsetof(struct rotate_arguments, key_name) },
        { 0, "kms-endpoint", "URL", "the plugin's socket: unix:///run/kms.sock", OPTION_STRING,
          offsetof(struct rotate_arguments, kms_endpoint) },
        { 0, "generate-key", NULL, "make a random key; it is only in the files of --write",
          OPTION_FLAG, offsetof(struct rotate_arguments, generate) },
        OPTION_SECTION("Output"),
        { 0, "write", "FOLDER",
          "write the plan and each configuration, with its keys, into files "
          "that only you may read",
          OPTION_STRING, offsetof(struct rotate_arguments, folder), .hint = OPTION_HINT_DIR },
        { 'o', "output", "FORMAT", "how to write the plan", OPTION_CHOICE,
          offsetof(struct rotate_arguments, format), .words = formats },
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt secrets rotate-plan", "encrypt for the first time, one API server" },
        { "redoubt secrets rotate-plan --config encryption.yaml --server cp-1,cp-2,cp-3 --write "
          "plan --generate-key",
          "a new key for three API servers" },
        { NULL },
};

const struct command command_secrets_rotate_plan = {
        .name = "rotate-plan",
        .summary = "the steps to a new key without downtime",
        .description =
                "Writes the steps by which encryption is introduced, or its key or provider is "
                "changed, while the cluster goes on: each configuration file, each restart, the "
                "rewriting, and the cleaning of etcd. With several API servers the new key is "
                "first "
                "added for reading. Keys are never printed; with --write they are in files that "
                "only you may read. redoubt secrets verify checks each step.",
        .options = specs,
        .defaults = &defaults,
        .options_size = sizeof(struct rotate_arguments),
        .examples = examples,
        .run = run,
};
