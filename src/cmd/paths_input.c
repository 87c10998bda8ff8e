/* redoubt paths: reading the input into a graph. */
#include <errno.h>

#include "base/confine.h"
#include "base/util.h"
#include "cmd/objects.h"
#include "cmd/paths.h"
#include "kube/version.h"

const struct paths_arguments paths_defaults = { .limit = 20 };

const struct option_word paths_text_json[] = {
        { "text", PATHS_TEXT, "for people" },
        { "json", PATHS_JSON, "for programs" },
        { NULL },
};

const struct option_word paths_all_formats[] = {
        { "text", PATHS_TEXT, "for people" },
        { "json", PATHS_JSON, "for programs" },
        { "dot", PATHS_DOT, "for Graphviz" },
        { "svg", PATHS_SVG, "a picture" },
        { "html", PATHS_HTML, "a page with the picture and the paths" },
        { NULL },
};

static void add(void *userdata, struct str file, const struct resource *resource) {
        graph_add(userdata, file, resource);
}

/* What is left to read are the files. */
static int confine_to(struct command_context *context, const struct option_strings *files) {
        const char **paths = arena_new_array(context->arena, files->count + 1, const char *);
        struct confine_rules rules = { .read = paths };

        for (size_t i = 0; i < files->count; i++)
                paths[rules.read_count++] = files->items[i];
        if (files->count == 0)
                paths[rules.read_count++] = ".";
        return confine(&rules, NULL, context->error);
}

static int read_objects(struct command_context *context, struct graph *graph, bool *ret_complete) {
        const struct paths_arguments *arguments = context->options;
        const struct cluster_wish wish = { .whole = true, .reads = graph_reads };
        struct input_list inputs _cleanup_(input_free) = { 0 };
        int r = 0;

        if (!cluster_named(&arguments->cluster) || arguments->files.count > 0)
                r = objects_open(context, &arguments->files, &inputs);
        if (r >= 0)
                r = cluster_open(context, &arguments->cluster, &wish, &inputs, NULL);
        if (r >= 0)
                r = confine_to(context, &arguments->files);
        if (r >= 0)
                *ret_complete = objects_read(&inputs, add, graph);
        return r;
}

int paths_read(struct command_context *context, struct graph *graph, bool *ret_complete) {
        const struct paths_arguments *arguments = context->options;
        struct graph_options options = { .lateral = arguments->lateral,
                                         .no_defaults = arguments->no_defaults };
        int r;

        if (arguments->kube_version &&
            kube_minor_parse(str_from(arguments->kube_version), &options.minor) < 0)
                return error_set(context->error, -EINVAL,
                                 "--kube-version takes a version such as 1.34, not \"%s\"",
                                 arguments->kube_version);
        graph_init(graph, &options);
        r = read_objects(context, graph, ret_complete);
        if (r < 0)
                return r;
        graph_finish(graph);
        for (size_t i = 0; i < graph->problems.count; i++)
                objects_tell(graph->problems.items[i].file, graph->problems.items[i].pos,
                             graph->problems.items[i].message);
        *ret_complete &= graph->problems.count == 0;
        return 0;
}

int paths_status(bool found, bool complete) {
        return !complete ? COMMAND_INCOMPLETE : found ? COMMAND_FINDINGS : COMMAND_CLEAN;
}
