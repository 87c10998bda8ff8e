/*
 * Parser and checker against upstream's own cases: cel-go's parser and checker tests and the
 * conformance suite of cel-spec, with what Kubernetes 1.36 says about each.
 */
#include "../test.h"
#include "syntax_dump.h"
#include "syntax_test.h"

#include "base/fs.h"
#include "base/util.h"
#include "cel/cel.h"
#include "doc/doc.h"

/* The cases of a file of the shared data. */
struct cases {
        struct arena arena;
        struct buf text;
        struct doc_source source;
        struct doc_reader reader;
};

static void cases_open(struct cases *cases, const char *name) {
        const char *folder = test_data();
        char path[4096];
        struct error error = { 0 };

        if (!folder)
                skip();
        *cases = (struct cases){ .arena = ARENA_INIT, .text = BUF_INIT };
        (void)snprintf(path, sizeof(path), "%s/cel/%s", folder, name);
        assert_int_equal(fs_read(path, -1, 1 << 26, false, &cases->text, &error), 0);
        assert_int_equal(doc_source_init(&cases->arena, str_from(name), buf_str(&cases->text),
                                         &cases->source, &error),
                         0);
        doc_reader_init(&cases->reader, &cases->source, DOC_JSON, NULL);
}

static void cases_close(struct cases *cases) {
        arena_free(&cases->arena);
        buf_free(&cases->text);
}

static const struct doc_node *cases_next(struct cases *cases) {
        struct error error = { 0 };
        struct doc *doc;
        int r = doc_read(&cases->reader, &cases->arena, &doc, &error);

        if (r < 0)
                print_error("%s\n", error.message);
        assert_true(r >= 0);
        return r > 0 ? doc->root : NULL;
}

static struct str field(const struct doc_node *node, const char *name) {
        return doc_string(doc_find(node, name), (struct str){ 0 });
}

static bool flag(const struct doc_node *node, const char *name) {
        const struct doc_node *value = doc_find(node, name);

        return value && value->kind == DOC_BOOL && value->boolean;
}

static bool needs_nothing(const struct doc_node *node) {
        const struct doc_node *needs = doc_find(node, "needs");

        return !needs || needs->list.count == 0;
}

/* cel-go's tests enable another macro, existsOne with one variable; and the parser of its limits'
 * tests has others than the default. One text has a code point that Go thinks unprintable. */
static bool other_parser(struct str expr, struct str problem) {
        return str_find(expr, STR("existsOne("), 0) >= 0 ||
               str_find(expr, STR("\\U00088888"), 0) >= 0 ||
               str_find(expr, STR("\xf2\x88\xa2\x88"), 0) >= 0 ||
               str_find(problem, STR("limit"), 0) >= 0 || str_find(problem, STR("depth"), 0) >= 0;
}

static void check_tree(const struct cel_expr *expr, struct str text, struct str expected) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;

        syntax_dump(&buf, expr);
        if (str_eq(buf_str(&buf), expected))
                return;
        print_error("%.*s\nis\n%s\nnot\n%.*s\n", STR_ARG(text), buf.data, STR_ARG(expected));
        fail();
}

/* The place of the first problem in "ERROR: :1:5: ...", as "1:5". */
static struct str problem_place(struct str problem) {
        struct str rest = problem, part;
        const char *start;

        for (int i = 0; i < 2; i++)
                if (!str_split(&rest, ':', &part))
                        return (struct str){ 0 };
        start = rest.ptr;
        if (!str_split(&rest, ':', &part) || !str_split(&rest, ':', &part))
                return (struct str){ 0 };
        return (struct str){ start, (size_t)(part.ptr + part.len - start) };
}

/* Parses the case and compares the tree, or the place of the problem. Returns whether it was one
 * that this parser can do. */
static bool check_parse(const struct doc_node *node) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct cel_parser_options options = { .limits = cel_default_limits };
        struct str text = field(node, "expr"), tree = field(node, "celgoAst");
        struct str problem = field(node, "celgoError");
        struct error error = { 0 };
        struct cel_expr *expr;
        int r;

        if (other_parser(text, problem) || (tree.len == 0 && problem.len == 0))
                return false;
        r = cel_parse(&arena, text, &options, &expr, &error);
        if (tree.len > 0) {
                if (r < 0)
                        print_error("%.*s: %s\n", STR_ARG(text), error.message);
                assert_int_equal(r, 0);
                check_tree(expr, text, tree);
                return true;
        }
        if (r == 0)
                print_error("%.*s: parses, but should: %.*s\n", STR_ARG(text), STR_ARG(problem));
        assert_int_equal(r, -EINVAL);
        if (str_find(text, STR("x{"), 0) !=
            0) /* upstream reports what its recovery stumbles over */
                assert_str(arena_printf(&arena, "%u:%u", error.line, error.column),
                           arena_str(&arena, problem_place(problem)).ptr);
        return true;
}

static size_t check_parse_file(const char *name) {
        struct cases cases;
        const struct doc_node *node;
        size_t count = 0;

        cases_open(&cases, name);
        while ((node = cases_next(&cases)))
                count += check_parse(node) ? 1 : 0;
        cases_close(&cases);
        return count;
}

static void trees_are_those_of_cel_go(void **state _unused_) {
        assert_true(check_parse_file("parsing.jsonl") > 170);
        assert_true(check_parse_file("checking.jsonl") > 110);
        assert_true(check_parse_file("comprehension.jsonl") > 50);
}

static void trees_of_the_conformance_suite(void **state _unused_) {
        assert_true(check_parse_file("conformance.jsonl") > 2000);
}

/* A cel.expr.Type of the suite. NULL for one that this implementation has not (messages). */
static const struct cel_type *read_type(struct arena *arena, const struct doc_node *node) {
        static const struct {
                const char *name;
                const struct cel_type *type;
        } names[] = {
                { "BOOL", &cel_type_bool },           { "INT64", &cel_type_int },
                { "UINT64", &cel_type_uint },         { "DOUBLE", &cel_type_double },
                { "STRING", &cel_type_string },       { "BYTES", &cel_type_bytes },
                { "TIMESTAMP", &cel_type_timestamp }, { "DURATION", &cel_type_duration },
        };
        const struct doc_node *list = doc_find(node, "listType", "elemType");
        const struct doc_node *key = doc_find(node, "mapType", "keyType");
        const struct cel_type *a, *b;
        struct str name = field(node, "primitive");

        if (name.len == 0)
                name = field(node, "wellKnown");
        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq(name, str_from(names[i].name)))
                        return names[i].type;
        if (doc_find(node, "null"))
                return &cel_type_null;
        if (doc_find(node, "dyn"))
                return &cel_type_dyn;
        if (list) {
                a = read_type(arena, list);
                return a ? cel_type_list(arena, a) : NULL;
        }
        if (!key)
                return NULL;
        a = read_type(arena, key);
        b = read_type(arena, doc_find(node, "mapType", "valueType"));
        return a && b ? cel_type_map(arena, a, b) : NULL;
}

/* Declares the case's variables. Returns false where it needs something else. */
static bool declare(struct cel_env *env, struct arena *arena, const struct doc_node *node) {
        const struct doc_node *types = doc_find(node, "typeEnv");
        const struct doc_node *bindings = doc_find(node, "bindings");

        for (uint32_t i = 0; types && i < types->list.count; i++) {
                const struct doc_node *decl = &types->list.items[i];
                const struct cel_type *type = read_type(arena, doc_find(decl, "ident", "type"));

                if (!type)
                        return false;
                cel_env_declare(env, field(decl, "name"), type);
        }
        for (uint32_t i = 0; bindings && !types && i < bindings->map.count; i++)
                cel_env_declare(env, bindings->map.entries[i].key, &cel_type_dyn);
        return true;
}

/* Compiles the case as Kubernetes 1.36 would, and compares whether it does, and the type. */
static bool check_compile(const struct doc_node *node) {
        _cleanup_(arena_free) struct arena arena = ARENA_INIT;
        struct cel_env_options options = { .kube_minor = 36,
                                           .container = field(node, "container") };
        struct str text = field(node, "expr"), kube = field(node, "k8s");
        struct str type = field(node, "celgoType");
        bool compiles = !str_eq(kube, STR("does-not-compile"));
        bool either = str_eq(field(node, "expect"), STR("error")) && compiles;
        struct cel_program *program;
        struct error error = { 0 };
        struct cel_env *env;
        int r;

        if (!needs_nothing(node) || flag(node, "disableCheck"))
                return false;
        assert_int_equal(cel_env_new(&arena, &options, &env), 0);
        if (!declare(env, &arena, node)) {
                cel_env_free(env);
                return false;
        }
        r = cel_compile(env, &arena, text, &program, &error);
        if (!either && (r == 0) != compiles) {
                print_error("%.*s: Kubernetes says %.*s: %s\n", STR_ARG(text), STR_ARG(kube),
                            r < 0 ? error.message : "");
                fail();
        }
        if (r == 0 && type.len > 0 && !either && compiles)
                assert_str(cel_type_text(&arena, cel_program_type(program)),
                           arena_str(&arena, type).ptr);
        cel_env_free(env);
        return true;
}

static void kubernetes_compiles_the_same(void **state _unused_) {
        struct cases cases;
        const struct doc_node *node;
        size_t count = 0;

        cases_open(&cases, "conformance.jsonl");
        while ((node = cases_next(&cases)))
                count += check_compile(node) ? 1 : 0;
        cases_close(&cases);
        assert_true(count > 1500);
}

int syntax_data_tests(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(trees_are_those_of_cel_go),
                cmocka_unit_test(trees_of_the_conformance_suite),
                cmocka_unit_test(kubernetes_compiles_the_same),
        };

        return cmocka_run_group_tests_name("syntax data", tests, NULL, NULL);
}
