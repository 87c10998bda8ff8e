/*
 * redoubt policy frameworks: the frameworks, item by item, and which rules judge each.
 */
#include <errno.h>

#include "base/util.h"
#include "cmd/policy.h"
#include "cmd/rules.h"
#include "cmd/table.h"
#include "report/json.h"

enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_MARKDOWN };

struct frameworks_arguments {
        int format;
};

static const struct option_word formats[] = {
        { "table", FORMAT_TABLE, "for people" },
        { "json", FORMAT_JSON, "for programs" },
        { "markdown", FORMAT_MARKDOWN, "for pages" },
        { NULL },
};

typedef void item_fn(void *userdata, const struct policy_set *set,
                     const struct policy_framework *framework, const struct policy_item *item);

/* Every item of FRAMEWORK, those of the frameworks that it includes first. */
static void each_item(const struct policy_set *set, const struct policy_framework *framework,
                      item_fn *each, void *userdata) {
        for (size_t i = 0; i < framework->include_count; i++) {
                const struct policy_framework *included =
                        policy_framework_find(set, framework->includes[i]);

                for (size_t k = 0; included && k < included->item_count; k++)
                        each(userdata, set, included, &included->items[k]);
        }
        for (size_t i = 0; i < framework->item_count; i++)
                each(userdata, set, framework, &framework->items[i]);
}

/* The ids of the rules that judge ITEM, between BEFORE and AFTER, separated by commas. */
static size_t add_rules(struct buf *buf, const struct policy_set *set,
                        const struct policy_framework *framework, const struct policy_item *item,
                        const char *quote) {
        size_t count = 0;

        for (size_t i = 0; i < set->policies.count; i++) {
                const struct policy *policy = set->policies.items[i];

                if (!policy_answers(policy, framework, item))
                        continue;
                buf_printf(buf, "%s%s%.*s%s", count++ > 0 ? ", " : "", quote,
                           STR_ARG(policy->info.id), quote);
        }
        return count;
}

/* --- JSON --- */

static void add_item_json(void *userdata, const struct policy_set *set,
                          const struct policy_framework *framework,
                          const struct policy_item *item) {
        struct buf *buf = userdata;

        buf_add(buf, buf->data[buf->len - 1] == '[' ? STR("\n  ") : STR(",\n  "));
        buf_add_char(buf, '{');
        json_string(buf, "id", item->id);
        json_string(buf, "title", item->title);
        json_string(buf, "section", item->section);
        json_string(buf, "sectionTitle", item->section_title);
        json_string(buf, "judged", item->manual.len > 0 ? STR("manual") : STR("automated"));
        json_string(buf, "benchmark", item->benchmark_manual ? STR("manual") : STR("automated"));
        json_string(buf, "reason", item->manual);
        json_key(buf, "as");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < item->as_count; i++) {
                json_item(buf);
                buf_add_json(buf, item->as[i]);
        }
        buf_add(buf, STR("],\"rules\":["));
        add_rules(buf, set, framework, item, "\"");
        buf_add(buf, STR("]}"));
}

static void write_json(struct buf *buf, const struct policy_set *set,
                       const struct policy_framework *framework, bool first) {
        buf_add(buf, first ? STR("[\n ") : STR(",\n "));
        buf_add_char(buf, '{');
        json_string(buf, "id", framework->id);
        json_string(buf, "title", framework->title);
        json_key(buf, "items");
        buf_add_char(buf, '[');
        each_item(set, framework, add_item_json, buf);
        buf_add(buf, STR("]}"));
}

/* --- Markdown --- */

static void add_item_markdown(void *userdata, const struct policy_set *set,
                              const struct policy_framework *framework,
                              const struct policy_item *item) {
        struct buf *buf = userdata;

        buf_printf(buf, "| %.*s | %.*s | ", STR_ARG(item->id), STR_ARG(item->title));
        if (item->manual.len > 0)
                buf_printf(buf, "manual: %.*s | ", STR_ARG(item->manual));
        else
                buf_printf(buf, "automated%s | ",
                           item->benchmark_manual ? " (manual in the benchmark)" : "");
        add_rules(buf, set, framework, item, "`");
        buf_add(buf, STR(" |\n"));
}

static void write_markdown(struct buf *buf, const struct policy_set *set,
                           const struct policy_framework *framework) {
        buf_printf(buf, "## %.*s\n\n`--framework %.*s`\n\n", STR_ARG(framework->title),
                   STR_ARG(framework->id));
        buf_add(buf, STR("| item | title | judged | rules |\n|---|---|---|---|\n"));
        each_item(set, framework, add_item_markdown, buf);
        buf_add_char(buf, '\n');
}

/* --- tables --- */

struct rows {
        struct arena *arena;
        struct table table;
};

static void add_item_row(void *userdata, const struct policy_set *set,
                         const struct policy_framework *framework, const struct policy_item *item) {
        struct rows *rows = userdata;
        struct buf rules _cleanup_(buf_free) = BUF_INIT;

        add_rules(&rules, set, framework, item, "");
        table_add(rows->arena, &rows->table, item->id, item->title,
                  item->manual.len > 0 ? STR("manual") : STR("automated"),
                  arena_str(rows->arena, item->manual.len > 0 ? item->manual : buf_str(&rules)));
}

static void write_items(struct buf *buf, struct arena *arena, const struct policy_set *set,
                        const struct policy_framework *framework) {
        struct rows rows = { arena, { .columns = 4 } };

        table_add(arena, &rows.table, STR("ITEM"), STR("TITLE"), STR("JUDGED"), STR("RULES"));
        each_item(set, framework, add_item_row, &rows);
        table_write(buf, &rows.table);
}

struct counts {
        size_t items, manual;
};

static void count_item(void *userdata, _unused_ const struct policy_set *set,
                       _unused_ const struct policy_framework *framework,
                       const struct policy_item *item) {
        struct counts *counts = userdata;

        counts->items++;
        counts->manual += item->manual.len > 0;
}

static void write_overview(struct buf *buf, struct arena *arena, const struct policy_set *set) {
        struct table table = { .columns = 4 };

        table_add(arena, &table, STR("FRAMEWORK"), STR("ITEMS"), STR("MANUAL"), STR("TITLE"));
        for (size_t i = 0; i < set->frameworks.count; i++) {
                const struct policy_framework *framework = &set->frameworks.items[i];
                struct counts counts = { 0 };

                each_item(set, framework, count_item, &counts);
                table_add(arena, &table, framework->id, arena_printf(arena, "%zu", counts.items),
                          arena_printf(arena, "%zu", counts.manual), framework->title);
        }
        table_write(buf, &table);
}

/* --- running --- */

static void write_one(struct command_context *context, struct buf *buf,
                      const struct policy_set *set, const struct policy_framework *framework,
                      bool first) {
        const struct frameworks_arguments *arguments = context->options;

        if (arguments->format == FORMAT_JSON)
                write_json(buf, set, framework, first);
        else if (arguments->format == FORMAT_MARKDOWN)
                write_markdown(buf, set, framework);
        else
                write_items(buf, context->arena, set, framework);
}

static int write_named(struct command_context *context, struct buf *buf,
                       const struct policy_set *set, int argc, char **argv) {
        for (int i = 0; i < argc; i++) {
                const struct policy_framework *framework =
                        policy_framework_find(set, str_from(argv[i]));

                if (!framework)
                        return error_set(context->error, -ENOENT,
                                         "unknown framework \"%s\"; redoubt policy frameworks "
                                         "lists them",
                                         argv[i]);
                write_one(context, buf, set, framework, i == 0);
        }
        return 0;
}

static int write_frameworks(struct command_context *context, struct buf *buf,
                            const struct policy_set *set, int argc, char **argv) {
        const struct frameworks_arguments *arguments = context->options;
        int r = 0;

        if (argc > 0)
                r = write_named(context, buf, set, argc, argv);
        else if (arguments->format == FORMAT_TABLE)
                write_overview(buf, context->arena, set);
        else
                for (size_t i = 0; i < set->frameworks.count; i++)
                        write_one(context, buf, set, &set->frameworks.items[i], i == 0);
        if (arguments->format == FORMAT_JSON)
                buf_add(buf, STR("\n]\n"));
        return r;
}

static int frameworks(struct command_context *context, int argc, char **argv) {
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r = rules_init(&set, 0, context->error);

        if (r >= 0)
                r = policy_set_add_catalogue(&set, context->error);
        if (r >= 0)
                r = policy_set_finish(&set, context->error);
        if (r < 0)
                return r;
        r = write_frameworks(context, &text, &set, argc, argv);
        if (r < 0)
                return r;
        fwrite(text.data, 1, text.len, stdout);
        return COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        { 'o', "output", "FORMAT", "how to write them", OPTION_CHOICE,
          offsetof(struct frameworks_arguments, format), .words = formats },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "FRAMEWORK", OPTION_HINT_WORDS, RULE_FRAMEWORKS, .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt policy frameworks", "which frameworks there are" },
        { "redoubt policy frameworks cis-k8s-1.12",
          "the items of one, and the rules that judge them" },
        { NULL },
};

const struct command command_policy_frameworks = {
        .name = "frameworks",
        .summary = "the frameworks, item by item, with the rules that judge each",
        .options = specs,
        .options_size = sizeof(struct frameworks_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = frameworks,
};
