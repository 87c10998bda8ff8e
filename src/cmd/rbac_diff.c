/* redoubt rbac diff: which rights a change gives and takes. */
#include "base/confine.h"
#include "base/util.h"
#include "cmd/objects.h"
#include "cmd/rbac.h"
#include "cmd/table.h"
#include "rbac/rights.h"

/* --- words --- */

static struct str object_text(struct arena *arena, const struct rbac_object *object) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (object->resource.len == 0)
                return arena_printf(arena, "URL %.*s", STR_ARG(object->url));
        buf_add(&text, object->resource);
        if (object->group.len > 0 && !str_eq(object->group, STR("*")))
                buf_printf(&text, ".%.*s", STR_ARG(object->group));
        else if (object->group.len > 0)
                buf_add(&text, STR(" of any group"));
        if (object->name.len > 0)
                buf_printf(&text, " \"%.*s\"", STR_ARG(object->name));
        return arena_str(arena, buf_str(&text));
}

static struct str objects_text(struct arena *arena, const struct rbac_change *change) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < change->object_count; i++) {
                buf_add(&text, i ? STR(", ") : STR(""));
                buf_add(&text, object_text(arena, &change->objects[i]));
        }
        return arena_str(arena, buf_str(&text));
}

static struct str verbs_text(struct arena *arena, const struct rbac_change *change) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < change->verb_count; i++) {
                buf_add(&text, i ? STR(" ") : STR(""));
                buf_add(&text, change->verbs[i]);
        }
        return arena_str(arena, buf_str(&text));
}

static struct str subject_of(struct arena *arena, const struct rbac_change *change) {
        return rbac_subject_name(arena, change->principal->kind, change->principal->name);
}

static struct str place_of(struct arena *arena, const struct rbac_change *change) {
        return rbac_place_text(arena, change->rule->role->place.file, change->rule->pos);
}

/* --- writing --- */

static void add_rows(struct rbac_difference *diff, const char *sign,
                     const struct rbac_changes *changes, struct table *table) {
        struct arena *arena = diff->arena;

        for (size_t i = 0; i < changes->count; i++) {
                const struct rbac_change *change = &changes->items[i];

                table_add(arena, table,
                          arena_printf(arena, "%s %.*s", sign, STR_ARG(subject_of(arena, change))),
                          verbs_text(arena, change),
                          arena_printf(arena, "%.*s %.*s", STR_ARG(objects_text(arena, change)),
                                       STR_ARG(rbac_scope_text(arena, change->binding))),
                          rbac_binding_name(arena, change->binding), place_of(arena, change));
        }
}

static void write_text(struct rbac_difference *diff, struct buf *buf) {
        struct table table = { .columns = 5 };

        add_rows(diff, "+", &diff->gained, &table);
        add_rows(diff, "-", &diff->lost, &table);
        table_write(buf, &table);
        if (table.count == 0)
                buf_add(buf, STR("the same rights\n"));
}

static void add_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, value);
}

static void change_json(struct rbac_difference *diff, struct buf *buf,
                        const struct rbac_change *change) {
        struct arena *arena = diff->arena;

        buf_add_char(buf, '{');
        add_field(buf, "subject", subject_of(arena, change));
        buf_add_char(buf, ',');
        add_field(buf, "namespace",
                  change->binding->cluster ? STR("") : change->binding->namespace);
        buf_add(buf, STR(",\"verbs\":["));
        for (size_t i = 0; i < change->verb_count; i++) {
                buf_add(buf, i ? STR(",") : STR(""));
                buf_add_json(buf, change->verbs[i]);
        }
        buf_add(buf, STR("],\"objects\":["));
        for (size_t i = 0; i < change->object_count; i++) {
                const struct rbac_object *object = &change->objects[i];

                buf_add(buf, i ? STR(",{") : STR("{"));
                if (object->resource.len == 0) {
                        add_field(buf, "url", object->url);
                } else {
                        add_field(buf, "group", object->group);
                        buf_add_char(buf, ',');
                        add_field(buf, "resource", object->resource);
                }
                if (object->name.len > 0) {
                        buf_add_char(buf, ',');
                        add_field(buf, "name", object->name);
                }
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR("],"));
        add_field(buf, "binding", rbac_binding_name(arena, change->binding));
        buf_add_char(buf, ',');
        add_field(buf, "role", rbac_role_name(arena, change->binding));
        buf_add_char(buf, ',');
        add_field(buf, "file", change->rule->role->place.file);
        buf_printf(buf, ",\"line\":%u}",
                   change->rule->role->place.file.len ? change->rule->pos.line : 0);
}

static void changes_json(struct rbac_difference *diff, struct buf *buf, const char *name,
                         const struct rbac_changes *changes) {
        buf_printf(buf, "\"%s\":[", name);
        for (size_t i = 0; i < changes->count; i++) {
                buf_add(buf, i ? STR(",\n  ") : STR("\n  "));
                change_json(diff, buf, &changes->items[i]);
        }
        buf_add_char(buf, ']');
}

static void write_json(struct rbac_difference *diff, struct buf *buf) {
        buf_add_char(buf, '{');
        changes_json(diff, buf, "gained", &diff->gained);
        buf_add(buf, STR(",\n "));
        changes_json(diff, buf, "lost", &diff->lost);
        buf_printf(buf, ",\n \"complete\":%s}\n", diff->complete ? "true" : "false");
}

void rbac_add_difference(struct buf *buf, struct rbac_difference *diff, int format) {
        if (format == RBAC_JSON)
                write_json(diff, buf);
        else
                write_text(diff, buf);
}

/* --- running --- */

static int read_both(struct command_context *context, char **argv, struct rbac_index *old,
                     struct rbac_index *new, bool *ret_complete) {
        const struct rbac_arguments *arguments = context->options;
        struct input_list before _cleanup_(input_free) = { 0 };
        struct input_list after _cleanup_(input_free) = { 0 };
        const char *const paths[] = { argv[0], argv[1] };
        struct option_strings olds = { (const char **)&argv[0], 1 };
        struct option_strings news = { (const char **)&argv[1], 1 };
        struct confine_rules rules = { .read = paths, .read_count = 2 };
        int r = objects_open(context, &olds, &before);

        if (r >= 0)
                r = objects_open(context, &news, &after);
        if (r >= 0)
                r = confine(&rules, NULL, context->error);
        if (r < 0)
                return r;
        *ret_complete = rbac_read_inputs(&before, arguments->no_defaults, old);
        *ret_complete &= rbac_read_inputs(&after, arguments->no_defaults, new);
        return 0;
}

static int run(struct command_context *context, int argc, char **argv) {
        struct rbac_index old _cleanup_(rbac_index_free) = { 0 };
        struct rbac_index new _cleanup_(rbac_index_free) = { 0 };
        const struct rbac_arguments *arguments = context->options;
        struct rbac_difference diff = { .arena = context->arena };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r;

        if (argc != 2)
                return command_usage_error(context, "give OLD and NEW");
        r = read_both(context, argv, &old, &new, &diff.complete);
        if (r < 0)
                return r;
        rbac_changes(context->arena, &new, &old, &diff.gained);
        rbac_changes(context->arena, &old, &new, &diff.lost);
        if (diff.gained.cut || diff.lost.cut) {
                command_note("some roles grant too many rights to compare one by one");
                diff.complete = false;
        }
        rbac_add_difference(&text, &diff, arguments->format);
        fwrite(text.data, 1, text.len, stdout);
        if (!diff.complete)
                return COMMAND_INCOMPLETE;
        return diff.gained.count + diff.lost.count > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"), RBAC_OUTPUT_OPTIONS, OPTION_SECTION("Input"),
        RBAC_DEFAULTS_OPTION,     OPTION_END,
};

static const struct command_positional positionals[] = {
        { "OLD", OPTION_HINT_FILE },
        { "NEW", OPTION_HINT_FILE },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt rbac diff examples/policies examples/shop", "what one has more than the other" },
        { NULL },
};

const struct command command_rbac_diff = {
        .name = "diff",
        .summary = "which rights a change gives and takes",
        .description =
                "Compares what everyone may do by the manifests in OLD and in NEW (files or "
                "folders): rights, not texts. A right that is held in another way is no "
                "difference. Rights that are gained begin with +, those that are lost with -.\n\n"
                "Exit status: 0 the same rights, 1 differences, 2 an error, 3 something could not "
                "be read.",
        .options = specs,
        .options_size = sizeof(struct rbac_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
