/* redoubt decode: objects as the API server would see them, for the tests that compare both. */
#include <errno.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/util.h"
#include "cmd/command.h"
#include "doc/write.h"
#include "kube/decode.h"

static const struct command_positional positionals[] = {
        { "FILE", OPTION_HINT_FILE },
        { NULL },
};

static int run(struct command_context *context, int argc _unused_, char **argv) {
        struct buf text _cleanup_(buf_free) = BUF_INIT, out _cleanup_(buf_free) = BUF_INIT;
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        bool standard = str_eq(str_from(argv[0]), STR("-"));
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;
        int r = fs_read(argv[0], standard ? STDIN_FILENO : -1, doc_default_limits.file_bytes,
                        standard, &text, context->error);

        if (r >= 0)
                r = doc_source_init(context->arena, str_from(argv[0]), buf_str(&text), &source,
                                    context->error);
        if (r < 0)
                return r;
        doc_reader_init(&reader, &source, DOC_AUTO, NULL);
        while ((r = doc_read(&reader, &arena, &doc, context->error)) > 0) {
                buf_clear(&out);
                doc_write_json(&out, kube_decode(&arena, doc->root));
                buf_add_char(&out, '\n');
                fwrite(out.data, 1, out.len, stdout);
                arena_reset(&arena, 1 << 20);
        }
        return r < 0 ? r : COMMAND_CLEAN;
}

const struct command command_decode = {
        .name = "decode",
        .summary = "print objects as the API server sees them",
        .description = "Prints each object of FILE, or of standard input for \"-\", as one line of "
                       "JSON: decoded and with the defaults that the API server would set.",
        .positionals = positionals,
        .hidden = true,
        .run = run,
};
