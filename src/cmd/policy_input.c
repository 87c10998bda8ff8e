/* redoubt policy: the files that policies, bindings and params come from. */
#include "base/fs.h"
#include "base/util.h"
#include "cmd/policy.h"

int policy_input_source(struct command_context *context, const char *file,
                        struct doc_source **ret) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(context->arena, struct doc_source);
        bool standard_input = strcmp(file, "-") == 0;
        int r = fs_read(file, standard_input ? STDIN_FILENO : -1, doc_default_limits.file_bytes,
                        standard_input, &buf, context->error);

        if (r >= 0)
                r = doc_source_init(context->arena, str_from(standard_input ? "<stdin>" : file),
                                    arena_str(context->arena, buf_str(&buf)), source,
                                    context->error);
        if (r < 0)
                error_set_file(context->error, str_from(file));
        *ret = source;
        return r;
}

int policy_input_add(struct command_context *context, struct policy_set *set,
                     const struct option_strings *files) {
        struct doc_source *source;
        int r = 0;

        for (size_t i = 0; i < files->count && r >= 0; i++) {
                if (fs_is_folder(files->items[i]) > 0) {
                        r = policy_set_add_path(set, files->items[i], context->error);
                        continue;
                }
                r = policy_input_source(context, files->items[i], &source);
                if (r >= 0)
                        r = policy_set_add_source(set, source, context->error);
        }
        return r;
}
