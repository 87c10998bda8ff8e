/* redoubt rbac matrix: subjects down, resources across, verbs in the cells. */
#include "base/util.h"
#include "cmd/rbac.h"
#include "cmd/table.h"
#include "rbac/rights.h"

/* What gives power over others; --resource asks for others. */
static const char *const usual_columns[] = {
        "pods",
        "pods/exec",
        "secrets",
        "configmaps",
        "serviceaccounts/token",
        "deployments.apps",
        "nodes",
        "roles.rbac.authorization.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
};

static int read_columns(struct command_context *context, const struct option_strings *names,
                        struct rbac_column **ret, size_t *ret_count) {
        size_t count = names->count ? names->count : ELEMENTS(usual_columns);
        struct rbac_column *columns = arena_new_array(context->arena, count, struct rbac_column);

        for (size_t i = 0; i < count; i++) {
                const char *name = names->count ? names->items[i] : usual_columns[i];
                struct rbac_request request = { 0 };
                int r = rbac_read_resource(context, str_from(name), &request);

                if (r < 0)
                        return r;
                if (request.resource.len == 0)
                        return command_usage_error(context, "a column is a resource, not a URL");
                columns[i] = (struct rbac_column){ request.group, request.resource,
                                                   request.subresource };
        }
        *ret = columns;
        *ret_count = count;
        return 0;
}

/* --- cells --- */

static const struct {
        uint16_t bit;
        char letter;
        const char *name;
} verbs[] = {
        { RBAC_GET, 'g', "get" },       { RBAC_LIST, 'l', "list" },
        { RBAC_WATCH, 'w', "watch" },   { RBAC_CREATE, 'c', "create" },
        { RBAC_UPDATE, 'u', "update" }, { RBAC_PATCH, 'p', "patch" },
        { RBAC_DELETE, 'd', "delete" }, { RBAC_DELETE_COLLECTION, 'D', "deletecollection" },
        { RBAC_ALL_VERBS, '*', "*" },   { RBAC_OTHER_VERBS, 'o', "other" },
};

static struct str cell_text(struct arena *arena, unsigned cell) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (cell & verbs[i].bit && (!(cell & RBAC_ALL_VERBS) || verbs[i].letter == '*'))
                        buf_add_char(&text, verbs[i].letter);
        if (cell & RBAC_SOME_NAMES)
                buf_add_char(&text, '~');
        return text.len > 0 ? arena_str(arena, buf_str(&text)) : STR("-");
}

static struct str column_text(struct arena *arena, const struct rbac_column *column) {
        if (column->subresource.len == 0)
                return column->resource;
        return arena_printf(arena, "%.*s/%.*s", STR_ARG(column->resource),
                            STR_ARG(column->subresource));
}

static void write_text(struct buf *buf, struct arena *arena, const struct rbac_matrix *matrix,
                       const struct rbac_column *columns, size_t count) {
        struct table table = { .columns = count + 2 };
        struct str *cells = arena_new_array(arena, count + 2, struct str);

        cells[0] = STR("SUBJECT");
        cells[1] = STR("NAMESPACE");
        for (size_t k = 0; k < count; k++)
                cells[k + 2] = column_text(arena, &columns[k]);
        table_add_cells(arena, &table, cells);
        for (size_t i = 0; i < matrix->count; i++) {
                const struct rbac_row *row = &matrix->items[i];

                cells[0] = rbac_subject_name(arena, row->principal->kind, row->principal->name);
                cells[1] = row->namespace.len ? row->namespace : STR("everywhere");
                for (size_t k = 0; k < count; k++)
                        cells[k + 2] = cell_text(arena, row->cells[k]);
                table_add_cells(arena, &table, cells);
        }
        table_write(buf, &table);
        buf_add(buf, STR("g get  l list  w watch  c create  u update  p patch  d delete  "
                         "D deletecollection  o other verbs  * all  ~ some of it only by name\n"));
}

static void cell_json(struct buf *buf, unsigned cell) {
        const char *between = "";

        buf_add(buf, STR("{\"verbs\":["));
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (cell & verbs[i].bit) {
                        buf_printf(buf, "%s\"%s\"", between, verbs[i].name);
                        between = ",";
                }
        buf_printf(buf, "],\"someNames\":%s}", cell & RBAC_SOME_NAMES ? "true" : "false");
}

static void write_json(struct buf *buf, struct arena *arena, const struct rbac_matrix *matrix,
                       const struct rbac_column *columns, size_t count) {
        buf_add(buf, STR("{\"resources\":["));
        for (size_t k = 0; k < count; k++) {
                buf_add(buf, k ? STR(",{\"group\":") : STR("{\"group\":"));
                buf_add_json(buf, columns[k].group);
                buf_add(buf, STR(",\"resource\":"));
                buf_add_json(buf, column_text(arena, &columns[k]));
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR("],\n \"rows\":["));
        for (size_t i = 0; i < matrix->count; i++) {
                const struct rbac_row *row = &matrix->items[i];

                buf_add(buf, i ? STR(",\n  {\"subject\":") : STR("\n  {\"subject\":"));
                buf_add_json(buf,
                             rbac_subject_name(arena, row->principal->kind, row->principal->name));
                buf_add(buf, STR(",\"namespace\":"));
                buf_add_json(buf, row->namespace);
                buf_add(buf, STR(",\"cells\":["));
                for (size_t k = 0; k < count; k++) {
                        buf_add(buf, k ? STR(",") : STR(""));
                        cell_json(buf, row->cells[k]);
                }
                buf_add(buf, STR("]}"));
        }
        buf_add(buf, STR("]}\n"));
}

/* --- running --- */

static int run(struct command_context *context, int argc, char **argv) {
        const struct rbac_arguments *arguments = context->options;
        struct rbac_index index _cleanup_(rbac_index_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct rbac_column *columns = NULL;
        struct rbac_matrix matrix;
        bool complete;
        size_t count = 0;
        int r = read_columns(context, &arguments->resources, &columns, &count);

        (void)argc;
        (void)argv;
        if (r == 0)
                r = rbac_read(context, arguments, &index, &complete);
        if (r != 0)
                return r;
        rbac_matrix(context->arena, &index, columns, count,
                    str_from(arguments->namespace ? arguments->namespace : ""), &matrix);
        if (arguments->format == RBAC_JSON)
                write_json(&text, context->arena, &matrix, columns, count);
        else
                write_text(&text, context->arena, &matrix, columns, count);
        fwrite(text.data, 1, text.len, stdout);
        return complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

#define AT(field) offsetof(struct rbac_arguments, field)

static const struct option_spec specs[] = {
        OPTION_SECTION("Question"),
        { 'n', "namespace", "NS", "what holds in this namespace", OPTION_STRING, AT(namespace) },
        { 0, "resource", "RESOURCE", "a column: secrets, deployments.apps, pods/exec",
          OPTION_STRINGS, AT(resources), .comma = true },
        RBAC_OUTPUT_OPTIONS,
        RBAC_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt rbac matrix -f examples/shop", "who may do what to what matters most" },
        { "redoubt rbac matrix -n shop --resource secrets,pods -f examples/shop",
          "in one namespace" },
        { NULL },
};

const struct command command_rbac_matrix = {
        .name = "matrix",
        .summary = "everyone's verbs on some resources, as a table",
        .description =
                "One row for every user, group and service account that a binding names, and for "
                "every namespace in which it does; one column for each resource. What a user gets "
                "through groups stands in the rows of the groups.\n\nExit status: 0, 2 an error, "
                "3 something could not be read.",
        .options = specs,
        .options_size = sizeof(struct rbac_arguments),
        .examples = examples,
        .run = run,
};
