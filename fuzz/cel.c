/*
 * CEL: any text as an expression, against a small fixed object.
 *
 * Compiling has to be deterministic (the same answer, message and place twice), what compiles has
 * to evaluate to something within its budget, and the same twice; explaining must cope with
 * whatever happened. The first byte picks the Kubernetes version and whether types are checked.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "cel/cel.h"
#include "cel/explain.h"
#include "doc/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char object_text[] =
        "{\"kind\": \"Pod\", \"metadata\": {\"name\": \"a\", \"labels\": {\"x\": \"1\", \"y\": "
        "\"\"}},"
        " \"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"i:1\", \"n\": 1.5}, {}], "
        "\"hostPID\": true, \"replicas\": 3, \"none\": null}}";

struct run {
        struct arena arena;
        struct cel_env *env;
        struct cel_program *program;
        struct cel_value value;
        struct error error;
        int r;
};

static const struct doc_node *object(struct arena *arena) {
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        r = doc_source_init(arena, STR("object"), str_from(object_text), &source, NULL);
        assert(r == 0);
        doc_reader_init(&reader, arena_copy(arena, &source, sizeof(source)), DOC_JSON, NULL);
        r = doc_read(&reader, arena, &doc, NULL);
        assert(r == 1);
        return doc->root;
}

static void compile_and_run(struct run *run, const struct cel_env_options *options,
                            struct str text) {
        struct cel_value variables[2] = { 0 };
        struct cel_activation activation = { variables, 2, 100 * 1000 };
        struct cel_reason reasons[CEL_EXPLAIN_MAX];
        struct cel_explainer explainer = { 0 };

        *run = (struct run){ .arena = ARENA_INIT };
        (void)cel_env_new(&run->arena, options, &run->env);
        cel_env_declare(run->env, STR("object"), &cel_type_dyn);
        cel_env_declare(run->env, STR("n"), &cel_type_int);
        run->r = cel_compile(run->env, &run->arena, text, &run->program, &run->error);
        if (run->r < 0)
                return;
        variables[0] = cel_from_doc(object(&run->arena));
        variables[1] = cel_int(7);
        cel_eval(run->program, &activation, &run->arena, &run->value);
        (void)cel_explain(run->program, &activation, &explainer, &run->arena, reasons);
}

static void release(struct run *run) {
        cel_env_free(run->env);
        arena_free(&run->arena);
}

/* Both runs told the same. */
static void compare(struct run *a, struct run *b) {
        assert(a->r == b->r);
        if (a->r < 0) {
                assert(strcmp(a->error.message, b->error.message) == 0);
                assert(a->error.line == b->error.line && a->error.column == b->error.column);
                assert(a->error.message[0] && a->error.line > 0);
                return;
        }
        assert(str_eq(cel_type_text(&a->arena, cel_program_type(a->program)),
                      cel_type_text(&b->arena, cel_program_type(b->program))));
        assert(a->value.kind == b->value.kind);
        if (a->value.kind == CEL_ERROR)
                assert(str_eq(a->value.error->message, b->value.error->message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct cel_env_options options = { 0 };
        struct run a, b;
        struct str text;

        if (size < 1 || size > 4096)
                return 0;
        options.kube_minor = (uint16_t)(26 + data[0] % 12);
        options.no_check = data[0] >= 0xf0;
        text = (struct str){ (const char *)data + 1, size - 1 };
        compile_and_run(&a, &options, text);
        compile_and_run(&b, &options, text);
        compare(&a, &b);
        release(&a);
        release(&b);
        return 0;
}
