/* What reading files and asking a live etcd share. */
#include "base/util.h"
#include "etcd/at_rest.h"

void at_rest_init(struct at_rest *found, const struct at_rest_options *options) {
        *found = (struct at_rest){ .options = *options, .main.fd = -1 };
        census_init(&found->census, options->prefix);
        found->census.want_names = options->names;
}

static void close_files(struct at_rest_file *files, size_t count) {
        for (size_t i = 0; i < count; i++)
                close_fd(&files[i].fd);
}

void at_rest_free(struct at_rest *found) {
        close_files(&found->main, 1);
        close_files(found->logs.items, found->logs.count);
        close_files(found->others.items, found->others.count);
        vec_free(&found->logs);
        vec_free(&found->others);
        vec_free(&found->problems);
        vec_free(&found->notes);
        census_free(&found->census);
        arena_free(&found->arena);
}

void at_rest_problem(struct at_rest *found, const char *format, ...) {
        va_list args;

        va_start(args, format);
        *vec_push(&found->problems) = arena_vprintf(&found->arena, format, args);
        va_end(args);
}

void at_rest_note(struct at_rest *found, const char *format, ...) {
        va_list args;

        va_start(args, format);
        *vec_push(&found->notes) = arena_vprintf(&found->arena, format, args);
        va_end(args);
}

void at_rest_check(struct at_rest *found) {
        if (found->census.cut)
                at_rest_problem(found, "there is more than is counted: see the limits");
        if (found->census.keys == 0 && found->census.other_keys > 0)
                at_rest_problem(found,
                                "no key lies below %.*s, but %ju elsewhere, such as %.*s: name the "
                                "API server's --etcd-prefix with --prefix",
                                STR_ARG(found->census.prefixes[0]),
                                (uintmax_t)found->census.other_keys,
                                STR_ARG(found->census.other_key));
}
