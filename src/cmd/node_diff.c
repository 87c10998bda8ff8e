/* redoubt node diff: what changed between two collections of facts. */
#include "base/util.h"
#include "cmd/node.h"
#include "node/drift.h"

enum { DIFF_TEXT, DIFF_JSON };

struct diff_arguments {
        const char *key;
        int format;
};

static void add_text(struct buf *buf, const struct drift *drift) {
        for (size_t i = 0; i < drift->count; i++) {
                const struct drift_change *change = &drift->items[i];
                bool both = change->old.len > 0 && change->new.len > 0;

                buf_printf(buf, "%c ", both ? '~' : change->new.len ? '+' : '-');
                buf_add_terminal(buf, change->path);
                buf_add(buf, STR(": "));
                buf_add_terminal(buf, change->old);
                if (both)
                        buf_add(buf, STR(" -> "));
                buf_add_terminal(buf, change->new);
                if (change->file.len > 0) {
                        buf_add(buf, STR("   "));
                        buf_add_terminal(buf, change->file);
                        buf_printf(buf, ":%u", change->line);
                }
                buf_add_char(buf, '\n');
        }
        if (drift->count == 0)
                buf_add(buf, STR("no difference\n"));
        if (drift->cut)
                buf_printf(buf, "more than %d differences: the others are left out\n", DRIFT_MAX);
}

static void add_json(struct buf *buf, const struct drift *drift) {
        buf_printf(buf, "{\"complete\": %s, \"changes\": [", drift->cut ? "false" : "true");
        for (size_t i = 0; i < drift->count; i++) {
                const struct drift_change *change = &drift->items[i];

                buf_printf(buf, "%s\n  {\"path\": ", i ? "," : "");
                buf_add_json(buf, change->path);
                buf_printf(buf, ", \"kind\": \"%.*s\", \"old\": ", STR_ARG(change->kind));
                buf_add_json(buf, change->old);
                buf_add(buf, STR(", \"new\": "));
                buf_add_json(buf, change->new);
                buf_add(buf, STR(", \"file\": "));
                buf_add_json(buf, change->file);
                buf_printf(buf, ", \"line\": %u}", change->line);
        }
        buf_add(buf, STR("]}\n"));
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct diff_arguments *arguments = context->options;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *old = NULL, *new = NULL;
        struct drift drift = { 0 };
        int r = node_facts_read(context, argv[0], arguments->key, &old);

        (void)argc;
        if (r >= 0)
                r = node_facts_read(context, argv[1], arguments->key, &new);
        if (r < 0)
                return r;
        drift_compare(context->arena, old, new, &drift);
        if (arguments->format == DIFF_JSON)
                add_json(&buf, &drift);
        else
                add_text(&buf, &drift);
        fwrite(buf.data, 1, buf.len, stdout);
        return drift.count > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_word formats[] = {
        { "text", DIFF_TEXT, "for people" },
        { "json", DIFF_JSON, "for programs" },
        { NULL },
};

static const struct option_spec specs[] = {
        { 'o', "output", "FORMAT", "how to write the differences", OPTION_CHOICE,
          offsetof(struct diff_arguments, format), .words = formats },
        { 0, "verify", "KEY", "both must be signed: the public key, or the secret, in file KEY",
          OPTION_STRING, offsetof(struct diff_arguments, key), .hint = OPTION_HINT_FILE },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "OLD", OPTION_HINT_FILE },
        { "NEW", OPTION_HINT_FILE },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt node diff approved.json facts.json", "what is not as it was approved" },
        { NULL },
};

const struct command command_node_diff = {
        .name = "diff",
        .summary = "compare two collections of facts",
        .description =
                "Compares facts of one node, setting by setting and file by file. What changes by "
                "itself (process ids, days that are left, sizes) and where settings are written is "
                "left aside.\n\nExit status: 0 no difference, 1 some, 2 an error.",
        .options = specs,
        .options_size = sizeof(struct diff_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
