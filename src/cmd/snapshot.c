/* redoubt snapshot: a cluster in a file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/util.h"
#include "cmd/cluster.h"
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

static int write_all(struct command_context *context, const char *path,
                     const struct input_list *objects, struct str server) {
        /* What a cluster holds is not for everyone. */
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
        _cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
        const struct cluster_wish wish = { 0 };
        struct snapshot_writer *writer;
        bool complete = true;
        int64_t count;

        if (!file)
                return error_set(context->error, -errno, "cannot write %s: %s", path,
                                 strerror(errno));
        writer = snapshot_writer_new(file, server);
        for (size_t i = 0; i < objects->files.count; i++)
                add_file(writer, &objects->files.items[i]);
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
                "compressed and with a hash, into FILE, which only you may read. Secrets are left "
                "out; with --read-secrets their names and keys are kept, and never their values. "
                "What a listed workload controls is left out as well.\n\nExit status: 0, 2 an "
                "error, 3 something could not be read.",
        .options = save_specs,
        .options_size = sizeof(struct snapshot_arguments),
        .positionals = save_positionals,
        .examples = save_examples,
        .run = save,
};

static const struct command *const verbs[] = { &command_snapshot_save, NULL };

const struct command command_snapshot = {
        .name = "snapshot",
        .summary = "keep the objects of a cluster in a file",
        .description = "A snapshot is what --from reads in the place of a live cluster.",
        .verbs = verbs,
};
