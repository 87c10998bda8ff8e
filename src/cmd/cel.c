/* redoubt cel: what an expression gives. */
#include "cel/json.h"

#include <errno.h>

#include "base/confine.h"
#include "base/fs.h"
#include "base/util.h"
#include "cmd/command.h"
#include "cmd/language.h"
#include "kube/decode.h"

struct cel_arguments {
        const char *object, *old, *params;
        struct option_strings variables;
        int format;
        struct language_arguments language;
        bool stream, functions, as_submitted;
};

enum { FORMAT_VALUE, FORMAT_JSON };

/* What an expression is evaluated with. */
struct question {
        struct cel_env_options options;
        struct str expression;
        const struct doc_node *types;     /* a list of cel.expr.Decl, or NULL */
        const struct doc_node *exact;     /* name -> {"value": cel.expr.Value}, or NULL */
        const struct doc_node *variables; /* name -> value, or NULL */
        bool check_only;
};

struct answer {
        const struct cel_type *type;
        struct cel_value value; /* CEL_UNSET where it was only checked */
        struct cel_cost cost;
};

/* --- asking --- */

/* Makes room for variable NAME and returns its value. */
static struct cel_value *variable(struct cel_env *env, struct cel_value *values, struct str name) {
        int number = cel_env_variable(env, name);

        if (number < 0)
                number = cel_env_declare(env, name, &cel_type_dyn);
        return &values[number];
}

static size_t entry_count(const struct doc_node *map) {
        return map && map->kind == DOC_MAP ? map->map.count : 0;
}

/* Declares what QUESTION has, and fills VALUES by number. */
static int bind(const struct question *question, struct cel_env *env, struct arena *arena,
                struct cel_value *values, struct error *error) {
        int r = 0;

        for (size_t i = 0; question->types && i < question->types->list.count && r >= 0; i++)
                r = cel_json_declare(env, &question->types->list.items[i], error);
        for (size_t i = 0; i < entry_count(question->exact) && r >= 0; i++) {
                const struct doc_entry *entry = &question->exact->map.entries[i];

                r = cel_json_value_read(arena, doc_get(&entry->value, STR("value")),
                                        variable(env, values, entry->key), error);
        }
        for (size_t i = 0; i < entry_count(question->variables) && r >= 0; i++) {
                const struct doc_entry *entry = &question->variables->map.entries[i];

                *variable(env, values, entry->key) = cel_from_doc(&entry->value);
        }
        return r;
}

/* Answers QUESTION. -EINVAL where it is none, with the place within the expression. */
static int ask(const struct question *question, struct arena *arena, struct answer *ret,
               struct error *error) {
        size_t count = (question->types ? question->types->list.count : 0) +
                       entry_count(question->exact) + entry_count(question->variables);
        struct cel_value *values = arena_new_array(arena, count + 1, struct cel_value);
        struct cel_activation activation = { .variables = values, .count = count };
        struct cel_program *program;
        struct cel_env *env;
        int r = cel_env_new(arena, &question->options, &env);

        if (r < 0)
                return r;
        for (size_t i = 0; i < count; i++)
                values[i].kind = CEL_UNSET;
        *ret = (struct answer){ .value.kind = CEL_UNSET };
        r = bind(question, env, arena, values, error);
        if (r >= 0)
                r = cel_compile(env, arena, question->expression, &program, error);
        if (r >= 0) {
                ret->type = cel_program_type(program);
                if (!question->check_only)
                        cel_eval_cost(program, &activation, arena, &ret->value, &ret->cost);
        }
        cel_env_free(env);
        return r;
}

/* --- answering --- */

static void add_member(struct buf *buf, const char *name, struct str text) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, text);
}

static void add_answer(struct buf *buf, const struct answer *answer, struct arena *arena) {
        const struct cel_value *value = &answer->value;

        buf_add(buf, STR("{"));
        add_member(buf, "type", cel_type_text(arena, answer->type));
        if (value->kind == CEL_ERROR) {
                buf_add_char(buf, ',');
                add_member(buf, "error", value->error->message);
        } else if (value->kind != CEL_UNSET) {
                buf_add(buf, STR(",\"value\":"));
                cel_json_value_write(buf, value);
                buf_add(buf, STR(",\"json\":"));
                cel_json_plain_write(buf, value);
        }
        if (value->kind != CEL_UNSET)
                buf_printf(buf, ",\"cost\":%llu", (unsigned long long)answer->cost.cost);
        buf_add(buf, STR("}\n"));
}

static void add_invalid(struct buf *buf, const struct error *error) {
        buf_add_char(buf, '{');
        add_member(buf, "invalid", str_from(error->message));
        if (error->line > 0)
                buf_printf(buf, ",\"line\":%u,\"column\":%u", error->line, error->column);
        buf_add(buf, STR("}\n"));
}

/* --- one expression --- */

/* The one document in TEXT, which is called NAME. */
static int read_document(struct arena *arena, struct str name, struct str text,
                         const struct doc_node **ret, struct error *error) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc, *second;
        int r = doc_source_init(arena, name, arena_str(arena, text), source, error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_AUTO, NULL);
        r = doc_read(&reader, arena, &doc, error);
        if (r == 0)
                r = error_set(error, -ENOENT, "holds no object");
        if (r > 0 && doc_read(&reader, arena, &second, NULL) != 0)
                r = error_set(error, -EINVAL, "holds more than one object");
        if (r < 0) {
                error_set_file(error, name);
                return r;
        }
        *ret = doc->root;
        return 0;
}

static int read_file(struct command_context *context, const char *file,
                     const struct doc_node **ret) {
        const struct cel_arguments *arguments = context->options;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        bool standard_input = strcmp(file, "-") == 0;
        struct str name = str_from(standard_input ? "<stdin>" : file);
        int r = fs_read(file, standard_input ? STDIN_FILENO : -1, doc_default_limits.file_bytes,
                        standard_input, &buf, context->error);

        if (r < 0)
                return r;
        r = read_document(context->arena, name, buf_str(&buf), ret, context->error);
        if (r >= 0 && !arguments->as_submitted && (*ret)->kind == DOC_MAP)
                *ret = kube_decode(context->arena, *ret);
        return r;
}

struct binding {
        struct str name;
        const struct doc_node *value;
};

/* NAME=VALUE, where VALUE is YAML. */
static int read_variable(struct command_context *context, const char *text, struct binding *ret) {
        const char *equals = strchr(text, '=');

        if (!equals || equals == text)
                return error_set(context->error, -EINVAL, "--var wants NAME=VALUE, not \"%s\"",
                                 text);
        ret->name = (struct str){ text, (size_t)(equals - text) };
        return read_document(context->arena, ret->name, str_from(equals + 1), &ret->value,
                             context->error);
}

/* All variables that were named, as one map. */
static int read_variables(struct command_context *context, const struct doc_node **ret) {
        const struct cel_arguments *a = context->options;
        const struct {
                const char *name, *file;
        } files[] = { { "object", a->object }, { "oldObject", a->old }, { "params", a->params } };
        size_t count = 0, most = ELEMENTS(files) + a->variables.count;
        struct binding *bindings = arena_new_array(context->arena, most, struct binding);
        struct doc_node *map;
        int r = 0;

        for (size_t i = 0; i < ELEMENTS(files) && r >= 0; i++)
                if (files[i].file) {
                        bindings[count].name = str_from(files[i].name);
                        r = read_file(context, files[i].file, &bindings[count++].value);
                }
        for (size_t i = 0; i < a->variables.count && r >= 0; i++)
                r = read_variable(context, a->variables.items[i], &bindings[count++]);
        if (r < 0)
                return r;
        map = doc_new_map(context->arena, NULL, count);
        for (size_t i = 0; i < count; i++)
                doc_map_set(map, i, bindings[i].name, bindings[i].value);
        *ret = map;
        return 0;
}

static int evaluate(struct command_context *context, const struct cel_env_options *options,
                    const char *expression) {
        const struct cel_arguments *arguments = context->options;
        struct question question = { .options = *options, .expression = str_from(expression) };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct answer answer;
        int r = read_variables(context, &question.variables);

        if (r < 0)
                return r;
        r = ask(&question, context->arena, &answer, context->error);
        if (r < 0 && arguments->format == FORMAT_VALUE) {
                error_set_file(context->error, STR("expression"));
                return r;
        }
        if (r < 0)
                add_invalid(&text, context->error);
        else if (arguments->format == FORMAT_JSON)
                add_answer(&text, &answer, context->arena);
        else if (answer.value.kind == CEL_ERROR)
                command_note("%.*s", STR_ARG(answer.value.error->message));
        else {
                cel_json_plain_write(&text, &answer.value);
                buf_add_char(&text, '\n');
        }
        if (text.len > 0)
                fwrite(text.data, 1, text.len, stdout);
        if (r < 0)
                return COMMAND_FAILED;
        return answer.value.kind == CEL_ERROR ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

/* --- a stream --- */

static bool flag(const struct doc_node *line, const char *name) {
        const struct doc_node *node = doc_get(line, str_from(name));

        return node && node->kind == DOC_BOOL && node->boolean;
}

static int answer_line(const struct cel_env_options *options, struct str text, struct arena *arena,
                       struct buf *ret, struct error *error) {
        struct doc_source source = { STR(""), text };
        struct question question = { .options = *options };
        struct doc_reader reader;
        struct answer answer;
        struct doc *doc;
        int r;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        r = doc_read(&reader, arena, &doc, error);
        if (r == 0 || (r > 0 && (doc->root->kind != DOC_MAP || !doc_get(doc->root, STR("expr")))))
                r = error_set(error, -EINVAL, "a question is a JSON object with an \"expr\"");
        if (r < 0)
                return r;
        question.expression = doc_string(doc_get(doc->root, STR("expr")), STR(""));
        question.options.container = doc_string(doc_get(doc->root, STR("container")), STR(""));
        question.options.no_check = flag(doc->root, "disableCheck");
        question.options.no_macros = flag(doc->root, "disableMacros");
        question.check_only = flag(doc->root, "checkOnly");
        question.types = doc_get(doc->root, STR("typeEnv"));
        if (question.types && question.types->kind != DOC_LIST)
                question.types = NULL;
        question.exact = doc_get(doc->root, STR("bindings"));
        question.variables = doc_get(doc->root, STR("variables"));
        r = ask(&question, arena, &answer, error);
        if (r >= 0)
                add_answer(ret, &answer, arena);
        return r;
}

static int evaluate_stream(const struct cel_env_options *options) {
        struct buf line _cleanup_(buf_free) = BUF_INIT, answer _cleanup_(buf_free) = BUF_INIT;
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        int r;

        while ((r = fs_read_line(stdin, doc_default_limits.file_bytes, &line)) != 0) {
                struct error error = { 0 };

                buf_clear(&answer);
                if (r < 0)
                        error_set(&error, r, "the line is too long");
                else if (str_trim(buf_str(&line)).len == 0)
                        continue;
                else
                        r = answer_line(options, buf_str(&line), &arena, &answer, &error);
                if (r < 0) {
                        buf_clear(&answer);
                        add_invalid(&answer, &error);
                }
                fwrite(answer.data, 1, answer.len, stdout);
                fflush(stdout);
                arena_reset(&arena, 1 << 20);
        }
        return COMMAND_CLEAN;
}

/* --- what there is --- */

static void print_function(_unused_ void *userdata, const char *signature) {
        printf("%s\n", signature);
}

static int list_functions(struct command_context *context, const struct cel_env_options *options) {
        struct cel_env *env;
        int r = cel_env_new(context->arena, options, &env);

        if (r < 0)
                return r;
        cel_env_functions(env, print_function, NULL);
        cel_env_free(env);
        return COMMAND_CLEAN;
}

/* --- the verb --- */

static int confine_cel(struct command_context *context) {
        const struct cel_arguments *a = context->options;
        const char *const files[] = { a->object, a->old, a->params };
        const char *read[ELEMENTS(files)];
        struct confine_rules rules = { .read = read };

        for (size_t i = 0; i < ELEMENTS(files); i++)
                if (files[i] && strcmp(files[i], "-") != 0)
                        read[rules.read_count++] = files[i];
        return confine(&rules, NULL, context->error);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct cel_arguments *a = context->options;
        struct cel_env_options options = { .full = a->language.full };
        int r;

        if ((argc > 0) + a->stream + a->functions != 1)
                return command_usage_error(context,
                                           "one of EXPRESSION, --stream and --functions is needed");
        r = language_minor(&a->language, &options.kube_minor, context->error);
        if (r >= 0)
                r = confine_cel(context);
        if (r < 0)
                return r;
        if (a->functions)
                return list_functions(context, &options);
        return a->stream ? evaluate_stream(&options) : evaluate(context, &options, argv[0]);
}

#define AT(field) offsetof(struct cel_arguments, field)

static const struct option_word formats[] = {
        { "value", FORMAT_VALUE, "the value alone, as JSON" },
        { "json", FORMAT_JSON, "type, value and cost; or what is wrong" },
        { NULL },
};

static const struct option_spec specs[] = {
        OPTION_SECTION("Variables"),
        { 0, "object", "FILE", "the variable object; - for standard input", OPTION_STRING,
          AT(object), .hint = OPTION_HINT_FILE },
        { 0, "old", "FILE", "the variable oldObject", OPTION_STRING, AT(old),
          .hint = OPTION_HINT_FILE },
        { 0, "params", "FILE", "the variable params", OPTION_STRING, AT(params),
          .hint = OPTION_HINT_FILE },
        { 0, "var", "NAME=VALUE", "any other variable; VALUE is YAML or JSON", OPTION_STRINGS,
          AT(variables) },
        { 0, "as-submitted", NULL, "objects as they are written, not as the API server sees them",
          OPTION_FLAG, AT(as_submitted) },
        OPTION_SECTION("Language"),
        LANGUAGE_OPTIONS(struct cel_arguments, language),
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE, AT(format),
          .words = formats },
        { 0, "stream", NULL, "answer one line for each line of JSON on standard input", OPTION_FLAG,
          AT(stream) },
        { 0, "functions", NULL, "list what expressions may call, a signature a line", OPTION_FLAG,
          AT(functions) },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "EXPRESSION", OPTION_HINT_NONE, .optional = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt cel 'object.spec.replicas * 2' --object web.yaml", "try it on a manifest" },
        { "redoubt cel 'quantity(q).isLessThan(quantity(\"1Gi\"))' --var q=512Mi",
          "with a variable" },
        { "redoubt cel -o json '[1, 2, 3].exists(x, x > 1)'", "with its type and cost" },
        { NULL },
};

const struct command command_cel = {
        .name = "cel",
        .summary = "what a CEL expression gives",
        .description =
                "Evaluates EXPRESSION as the API server would and prints its value. The exit "
                "status is 1 where evaluation fails, and 2 where the expression does not "
                "compile.\n\n"
                "With --stream each line of standard input is a question of the form "
                "{\"expr\", \"variables\", \"bindings\", \"typeEnv\", \"container\", "
                "\"disableCheck\", \"disableMacros\", \"checkOnly\"}, of which only expr is "
                "needed: variables are plain JSON; bindings and typeEnv are written as in the "
                "conformance cases of the CEL specification.",
        .options = specs,
        .options_size = sizeof(struct cel_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
