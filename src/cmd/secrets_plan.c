#include "cmd/secrets_plan.h"

#include <errno.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/util.h"

enum { PLAN_MAX = 1 << 20 };

/* --- writing --- */

static void add_list(struct buf *buf, const char *name, const struct str *items, size_t count) {
        buf_printf(buf, "\"%s\":[", name);
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i ? STR(",") : STR(""));
                buf_add_json(buf, items[i]);
        }
        buf_add_char(buf, ']');
}

static void add_step(struct buf *buf, const struct rotation_step *step, size_t number) {
        struct buf config _cleanup_(buf_free) = BUF_INIT;

        buf_printf(buf, "{\"step\":%zu,\"name\":\"%s\",\"what\":", number, step->name);
        buf_add_json(buf, step->what);
        buf_add_char(buf, ',');
        add_list(buf, "commands", step->commands, step->command_count);
        if (step->kind == ROTATION_CONFIG) {
                buf_add(buf, STR(",\"file\":"));
                buf_add_json(buf, step->file);
                rotation_add_config(&config, &step->config, false);
                buf_add(buf, STR(",\"configWithoutKeys\":"));
                buf_add_json(buf, buf_str(&config));
        }
        buf_add_char(buf, '}');
}

void secrets_add_plan(struct buf *buf, const struct rotation *plan, int64_t made) {
        buf_printf(buf, "{\"introduces\":%s,\"provider\":\"%s\",\"version\":\"%.*s\",\"key\":",
                   plan->introduces ? "true" : "false", stored_provider_name(plan->provider),
                   STR_ARG(plan->version));
        buf_add_json(buf, plan->key);
        if (made > 0)
                buf_printf(buf, ",\"made\":%jd", (intmax_t)made);
        buf_add_char(buf, ',');
        add_list(buf, "resources", plan->resources, plan->resource_count);
        buf_add(buf, STR(",\n \"steps\":["));
        for (size_t i = 0; i < plan->count; i++) {
                buf_add(buf, i ? STR(",\n  ") : STR("\n  "));
                add_step(buf, &plan->steps[i], i + 1);
        }
        buf_add(buf, STR("]}\n"));
}

/* --- reading --- */

static const struct {
        const char *name;
        enum rotation_kind kind;
} kinds[] = {
        { "add-key", ROTATION_CONFIG },     { "restart-add", ROTATION_RESTART },
        { "promote-key", ROTATION_CONFIG }, { "restart-promote", ROTATION_RESTART },
        { "rewrite", ROTATION_REWRITE },    { "verify", ROTATION_VERIFY },
        { "remove-old", ROTATION_CONFIG },  { "restart-remove", ROTATION_RESTART },
        { "compact", ROTATION_COMPACT },    { "defragment", ROTATION_DEFRAGMENT },
};

static int damaged(struct error *error, const char *folder) {
        return error_set(error, -EINVAL, "%s/" SECRETS_PLAN_FILE " is no plan of rotate-plan",
                         folder);
}

static int read_step(struct arena *arena, const char *folder, const struct doc_node *node,
                     struct rotation_step *ret, struct error *error) {
        struct str name = doc_string(doc_get(node, STR("name")), STR(""));

        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(name, str_from(kinds[i].name))) {
                        ret->name = kinds[i].name;
                        ret->kind = kinds[i].kind;
                }
        ret->what = doc_string(doc_get(node, STR("what")), STR(""));
        ret->file = doc_string(doc_get(node, STR("file")), STR(""));
        if (!ret->name || (ret->kind == ROTATION_CONFIG) != (ret->file.len > 0) ||
            memchr(ret->file.ptr, '/', ret->file.len))
                return damaged(error, folder);
        if (ret->kind != ROTATION_CONFIG)
                return 0;
        return encryption_read_plan_file(
                arena, arena_printf(arena, "%s/%.*s", folder, STR_ARG(ret->file)).ptr, &ret->config,
                error);
}

static enum stored_provider provider_of(struct str name) {
        for (int i = STORED_AESCBC; i <= STORED_KMS; i++)
                if (str_eq(name, str_from(stored_provider_name((enum stored_provider)i))))
                        return (enum stored_provider)i;
        return STORED_UNKNOWN;
}

static int read_root(struct arena *arena, const char *folder, const struct doc_node *root,
                     struct rotation *ret, struct error *error) {
        const struct doc_node *steps = doc_get(root, STR("steps")),
                              *resources = doc_get(root, STR("resources"));
        int r = 0;

        if (!steps || steps->kind != DOC_LIST || steps->list.count > ELEMENTS(ret->steps) ||
            !resources || resources->kind != DOC_LIST)
                return damaged(error, folder);
        ret->provider = provider_of(doc_string(doc_get(root, STR("provider")), STR("")));
        ret->version = doc_string(doc_get(root, STR("version")), STR(""));
        ret->key = doc_string(doc_get(root, STR("key")), STR(""));
        ret->resource_count = resources->list.count;
        ret->resources = arena_new_array(arena, ret->resource_count, struct str);
        for (size_t i = 0; i < ret->resource_count; i++)
                ret->resources[i] = doc_string(&resources->list.items[i], STR(""));
        for (size_t i = 0; i < steps->list.count && r >= 0; i++)
                r = read_step(arena, folder, &steps->list.items[i], &ret->steps[ret->count++],
                              error);
        return r;
}

int secrets_read_plan(struct arena *arena, const char *folder, struct rotation *ret,
                      int64_t *ret_made_ms, struct error *error) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct str path = arena_printf(arena, "%s/" SECRETS_PLAN_FILE, folder);
        struct doc_source *source = arena_new(arena, struct doc_source);
        const struct doc_node *made;
        struct doc_reader reader;
        struct doc *doc;
        int r = fs_read(path.ptr, -1, PLAN_MAX, false, &text, error);

        if (r < 0) {
                error_set_file(error, path);
                return r;
        }
        *source = (struct doc_source){ path, arena_str(arena, buf_str(&text)) };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        if (doc_read(&reader, arena, &doc, NULL) <= 0)
                return damaged(error, folder);
        made = doc_get(doc->root, STR("made"));
        if (!made || made->kind != DOC_INT)
                return damaged(error, folder);
        *ret = (struct rotation){ 0 };
        *ret_made_ms = made->integer * 1000;
        return read_root(arena, folder, doc->root, ret, error);
}
