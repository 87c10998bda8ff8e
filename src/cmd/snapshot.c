/* redoubt snapshot: a cluster in a file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/util.h"
#include "cmd/cluster.h"
#include "inventory/follow.h"
#include "inventory/snapshot.h"

struct snapshot_arguments {
        struct cluster_arguments cluster;
        const char *namespace;
};

static void add_file(struct snapshot_writer *writer, const struct input_file *file) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { file->path, file->text };
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_YAML, NULL);
        if (doc_read(&reader, &arena, &doc, NULL) > 0)
                snapshot_writer_add(writer, file->path, doc->root);
}

/* What a cluster holds is not for everyone. */
static FILE *open_private(const char *path, int flags) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, S_IRUSR | S_IWUSR);

        return fd < 0 ? NULL : fdopen(fd, "w");
}

/* Ends WRITER and tells what was written to PATH, and what is missing. */
static int write_end(struct command_context *context, const char *path,
                     struct snapshot_writer *writer, const struct input_list *objects) {
        const struct cluster_wish wish = { 0 };
        bool complete = true;
        int64_t count;

        for (size_t i = 0; i < objects->problems.count; i++) {
                const struct diagnostic *problem = &objects->problems.items[i];

                command_note("%.*s", STR_ARG(problem->message));
                snapshot_writer_add_problem(writer, problem->message, problem->incomplete);
                complete &= !problem->incomplete;
        }
        for (size_t i = 0; i < objects->gaps.count; i++) {
                struct str message =
                        cluster_gap_message(context->arena, &wish, &objects->gaps.items[i]);

                command_note("%.*s", STR_ARG(message));
                complete = false;
        }
        snapshot_writer_add_lists(writer, objects);
        count = snapshot_writer_end(writer);
        if (count < 0)
                return error_set(context->error, (int)count, "cannot write %s: %s", path,
                                 strerror((int)-count));
        if (!context->common.quiet)
                command_note("%s: %zu objects", path, (size_t)count);
        return complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static int write_all(struct command_context *context, const char *path,
                     const struct input_list *objects, struct str server) {
        _cleanup_fclose_ FILE *file = open_private(path, O_TRUNC);
        struct snapshot_writer *writer;

        if (!file)
                return error_set(context->error, -errno, "cannot write %s: %s", path,
                                 strerror(errno));
        writer = snapshot_writer_new(file, server);
        for (size_t i = 0; i < objects->files.count; i++)
                add_file(writer, &objects->files.items[i]);
        return write_end(context, path, writer, objects);
}

static int save(struct command_context *context, int argc, char **argv) {
        const struct snapshot_arguments *arguments = context->options;
        struct cluster_arguments cluster = arguments->cluster;
        struct input_list objects _cleanup_(input_free) = { 0 };
        struct str server = STR("");
        int r;

        (void)argc;
        cluster.cluster = true;
        r = cluster_open(
                context, &cluster,
                &(struct cluster_wish){ .namespace = arguments->namespace, .keep_gaps = true },
                &objects, &server);
        return r < 0 ? r : write_all(context, argv[0], &objects, server);
}

static const struct option_spec save_specs[] = {
        OPTION_SECTION("Cluster"),
        { 'n', "namespace", "NAME", "only what lives in this namespace", OPTION_STRING,
          offsetof(struct snapshot_arguments, namespace) },
        CLUSTER_ACCESS_OPTIONS(struct snapshot_arguments, cluster),
        OPTION_END,
};

static const struct command_positional save_positionals[] = {
        { "FILE", OPTION_HINT_FILE },
        { NULL },
};

static const struct command_example save_examples[] = {
        { "redoubt snapshot save shop.snapshot", "the cluster of kubectl's current context" },
        { "redoubt scan --from shop.snapshot", "judge it later, or elsewhere" },
        { NULL },
};

static const struct command command_snapshot_save = {
        .name = "save",
        .summary = "write the objects of a cluster into a file",
        .description =
                "Reads the objects of the live cluster that kubectl would use and writes them, "
                "compressed and with a hash, into FILE, which only you may read. Secrets are kept "
                "as metadata; with --read-secrets their keys are kept as well, and never their "
                "values.\n\nExit status: 0, 2 an "
                "error, 3 something could not be read.",
        .options = save_specs,
        .options_size = sizeof(struct snapshot_arguments),
        .positionals = save_positionals,
        .examples = save_examples,
        .run = save,
};

/* --- refresh --- */

enum { WATCH_SECONDS = 5, PATIENCE_STEPS = 120, STEP_MS = 250 };

struct refresh {
        struct command_context *context;
        struct follow *follow;
        size_t changed, gone, relisted;
};

static void changed(void *userdata, _unused_ struct store_object *object) {
        ((struct refresh *)userdata)->changed++;
}

static void gone(void *userdata, _unused_ struct store_object *object) {
        ((struct refresh *)userdata)->gone++;
}

static void news(void *userdata, enum follow_news news, const struct cluster_resource *resource,
                 struct str text) {
        struct refresh *refresh = userdata;

        refresh->relisted += news == FOLLOW_RELISTED;
        if (refresh->context->common.verbose > 0 && text.len > 0)
                command_note("%.*s: %.*s", STR_ARG(resource->resource), STR_ARG(text));
}

/* A damaged snapshot is nothing to go on from. */
static int read_known(struct command_context *context, const char *path, struct input_list *known) {
        int r = input_add_snapshot(known, path, context->error);

        if (r < 0)
                return r;
        if (known->lists.count + known->gaps.count == 0)
                return error_set(context->error, -EINVAL,
                                 "%s is damaged, or was written before snapshots could be "
                                 "refreshed: save it again",
                                 path);
        for (size_t i = 0; i < known->problems.count; i++)
                if (known->problems.items[i].incomplete)
                        return error_set(context->error, -EINVAL, "%s cannot be refreshed: %.*s",
                                         path, STR_ARG(known->problems.items[i].message));
        return 0;
}

/* The namespace that KNOWN is of; NULL: all. */
static const char *namespace_of(const struct input_list *known) {
        for (size_t i = 0; i < known->lists.count; i++)
                if (known->lists.items[i].namespaced)
                        return str_eq(known->lists.items[i].scope, STR("any namespace"))
                                       ? NULL
                                       : known->lists.items[i].scope.ptr;
        return NULL;
}

/* Writes beside PATH and moves it there at the end, so that there is always a whole one. */
static int replace(struct refresh *refresh, const char *path, struct str server) {
        struct command_context *context = refresh->context;
        const char *aside = arena_printf(context->arena, "%s.new", path).ptr;
        struct input_list lists _cleanup_(input_free) = { 0 };
        _cleanup_fclose_ FILE *file = open_private(aside, O_EXCL);
        struct snapshot_writer *writer;
        int r;

        if (!file)
                return error_set(context->error, -errno, "cannot write %s: %s", aside,
                                 strerror(errno));
        writer = snapshot_writer_new(file, server);
        for (struct store_object *object = follow_store(refresh->follow)->oldest; object;
             object = object->younger)
                add_file(writer,
                         &(struct input_file){ .path = object->path, .text = object->text });
        follow_lists(refresh->follow, &lists);
        r = write_end(context, path, writer, &lists);
        if (r >= 0 && rename(aside, path) < 0)
                r = error_set(context->error, -errno, "cannot replace %s: %s", path,
                              strerror(errno));
        if (r < 0)
                unlink(aside);
        return r;
}

static int catch_up(struct refresh *refresh) {
        struct command_context *context = refresh->context;
        int r = follow_mark(refresh->follow, context->error);

        for (int i = 0; r >= 0 && !follow_is_current(refresh->follow); i++) {
                if (i >= PATIENCE_STEPS)
                        return error_set(context->error, -ETIMEDOUT,
                                         "the cluster does not tell what has changed");
                follow_step(refresh->follow, STEP_MS);
        }
        return r;
}

static int refresh_from(struct command_context *context, const char *path,
                        const struct input_list *known, struct client *client,
                        const struct kubeconfig *config) {
        const struct snapshot_arguments *arguments = context->options;
        const struct cluster_wish wish = { .namespace = namespace_of(known) };
        struct refresh refresh = { .context = context };
        const struct follow_handler handler = { changed, gone, news, &refresh };
        const struct follow_options options = {
                .cluster = cluster_options_of(&arguments->cluster, &wish),
                .watch_seconds = WATCH_SECONDS,
                .known = known,
        };
        int r = follow_start(client, &options, &handler, &refresh.follow, context->error);

        if (r >= 0)
                r = catch_up(&refresh);
        if (r >= 0)
                r = replace(&refresh, path, config->server);
        if (r >= 0 && !context->common.quiet)
                command_note("%zu objects new or changed, %zu gone; %zu lists read again",
                             refresh.changed, refresh.gone, refresh.relisted);
        follow_free(refresh.follow);
        return r;
}

static int refresh(struct command_context *context, int argc, char **argv) {
        const struct snapshot_arguments *arguments = context->options;
        struct input_list known _cleanup_(input_free) = { 0 };
        struct client *client = NULL;
        struct kubeconfig config;
        int r = read_known(context, argv[0], &known);

        (void)argc;
        if (r >= 0)
                r = cluster_connect(context, &arguments->cluster, NULL, &config, &client);
        if (r >= 0 && known.server.len > 0 && !str_eq(known.server, config.server))
                r = error_set(context->error, -EINVAL,
                              "%s is of the cluster at %.*s, and this is the one at %.*s", argv[0],
                              STR_ARG(known.server), STR_ARG(config.server));
        if (r >= 0)
                r = refresh_from(context, argv[0], &known, client, &config);
        client_free(client);
        return r;
}

static const struct option_spec refresh_specs[] = {
        OPTION_SECTION("Cluster"),
        CLUSTER_ACCESS_OPTIONS(struct snapshot_arguments, cluster),
        OPTION_END,
};

static const struct command_example refresh_examples[] = {
        { "redoubt snapshot refresh shop.snapshot", "what has changed since it was written" },
        { NULL },
};

static const struct command command_snapshot_refresh = {
        .name = "refresh",
        .summary = "bring a snapshot up to date",
        .description =
                "Asks the cluster that the snapshot FILE is of for what has changed since it was "
                "written, and for nothing else, and replaces it. Lists whose past the server does "
                "not remember any more (some minutes, as a rule) are read again.\n\nExit status: "
                "0, 2 an error, 3 something could not be read.",
        .options = refresh_specs,
        .options_size = sizeof(struct snapshot_arguments),
        .positionals = save_positionals,
        .examples = refresh_examples,
        .run = refresh,
};

static const struct command *const verbs[] = { &command_snapshot_save, &command_snapshot_refresh,
                                               NULL };

const struct command command_snapshot = {
        .name = "snapshot",
        .summary = "keep the objects of a cluster in a file",
        .description = "A snapshot is what --from reads in the place of a live cluster.",
        .verbs = verbs,
};
