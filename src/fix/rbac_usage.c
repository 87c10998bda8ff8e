#include "fix/rbac_usage.h"

#include "base/fs.h"
#include "base/util.h"
#include "doc/edit.h"
#include "rbac/unused.h"

struct usages {
        struct arena arena;
        struct rbac_index index;
        struct rbac_unused unused;
};

static void read_file(struct usages *usages, const struct fix_input *input,
                      const struct input_file *file) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source source;
        struct doc_reader reader;
        struct str text = file->text;
        struct doc *doc;
        int r = 0;

        if (!text.ptr) {
                r = fs_read(file->path.ptr, -1, input->options->limits.file_bytes, false, &buf,
                            NULL);
                text = buf_str(&buf);
        }
        if (r < 0 || str_find(text, STR("rbac.authorization.k8s.io"), 0) < 0 ||
            doc_source_init(&arena, file->path, text, &source, NULL) < 0)
                return;
        doc_reader_init(&reader, &source, DOC_AUTO, &input->options->limits);
        while ((r = doc_read(&reader, &arena, &doc, NULL)) != 0) {
                struct resource_list list;

                if (r < 0)
                        continue;
                resources_of(&arena, doc, input->options->namespace, false, &list);
                for (size_t i = 0; i < list.count; i++)
                        rbac_index_add(&usages->index, file->path, &list.items[i]);
        }
}

void *rbac_usages_new(const struct fix_input *input) {
        struct usages *usages;

        if (!input->usage)
                return NULL;
        usages = xrealloc(NULL, 1, sizeof *usages);
        *usages = (struct usages){ 0 };
        rbac_index_init(&usages->index);
        rbac_index_add_defaults(&usages->index);
        for (size_t i = 0; i < input->files->files.count; i++)
                read_file(usages, input, &input->files->files.items[i]);
        rbac_index_finish(&usages->index);
        rbac_unused(&usages->arena, &usages->index, input->usage, &usages->unused);
        return usages;
}

void *rbac_usages_free(void *self) {
        struct usages *usages = self;

        if (!usages)
                return NULL;
        rbac_index_free(&usages->index);
        arena_free(&usages->arena);
        free(usages);
        return NULL;
}

/* --- one rule --- */

/* What was used of a rule: each word once. */
struct used {
        struct arena *arena;
        struct map verbs, groups, resources, names, urls;
        bool bound; /* someone is given it */
        bool cut;   /* more than the examples that are kept */
        bool named; /* every request named its object */
};

static void used_free(struct used *used) {
        map_free(&used->verbs);
        map_free(&used->groups);
        map_free(&used->resources);
        map_free(&used->names);
        map_free(&used->urls);
}

static void add_request(struct used *used, const struct rbac_request *request) {
        struct str resource = request->resource;

        map_put(&used->verbs, request->verb);
        if (resource.len == 0) {
                map_put(&used->urls, request->path);
                return;
        }
        if (request->subresource.len > 0)
                resource = arena_printf(used->arena, "%.*s/%.*s", STR_ARG(resource),
                                        STR_ARG(request->subresource));
        map_put(&used->groups, request->group);
        map_put(&used->resources, resource);
        if (request->name.len > 0)
                map_put(&used->names, request->name);
        else
                used->named = false;
}

static bool is_rule(const struct rbac_rule *rule, struct str file, const struct doc_node *node) {
        return rule->pos.line == node->start.line && rule->pos.column == node->start.column &&
               str_eq(rule->role->place.file, file);
}

static void collect(const struct usages *usages, struct str file, const struct doc_node *node,
                    struct used *ret) {
        for (size_t i = 0; i < usages->unused.count; i++) {
                const struct rbac_binding_use *binding = &usages->unused.items[i];
                const struct rbac_role *role = binding->binding->role;

                for (size_t k = 0; role && k < role->rule_count; k++) {
                        const struct rbac_rule_use *use = &binding->rules[k];

                        if (!is_rule(use->rule, file, node))
                                continue;
                        ret->bound = true;
                        ret->cut |= use->uses > use->count;
                        for (size_t n = 0; n < use->count; n++)
                                add_request(ret, &use->items[n]->request);
                }
        }
}

/* Gives list KEY of RULE the words of USED, those that it has in its own order first. */
static void set_words(struct fix *fix, const struct fix_target *target, const struct doc_node *rule,
                      struct str key, const struct map *used) {
        struct arena *arena = fix_arena(fix);
        const struct doc_node *list = doc_get(rule, key);
        struct str *words = arena_new_array(arena, used->count + 1, struct str);
        struct map seen = MAP_INIT;
        size_t count = 0;

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                struct str word = doc_string(&list->list.items[i], STR(""));

                for (size_t k = 0; k < used->count; k++)
                        if (str_eq(used->entries[k].key, word) && !map_get(&seen, word)) {
                                map_put(&seen, word)->value = fix;
                                words[count++] = word;
                        }
        }
        for (size_t k = 0; k < used->count; k++)
                if (!map_get(&seen, used->entries[k].key))
                        words[count++] = arena_str(arena, used->entries[k].key);
        map_free(&seen);
        if (count > 0)
                fix_set(fix, target, rule, key, doc_text_list(arena, words, count));
}

void rbac_narrow(const void *self, struct fix *fix, const struct fix_target *target,
                 const struct doc_node *rule) {
        const struct usages *usages = self;
        struct str file = target->document ? fix->findings.items[0]->location.file : STR("");
        struct used used _cleanup_(used_free) = { .arena = fix_arena(fix), .named = true };

        collect(usages, file, rule, &used);
        if (!used.bound) {
                fix_refuse(fix, "nobody in the input is bound to the role, so the log does not "
                                "tell what it is for");
        } else if (used.cut || usages->unused.cut) {
                fix_refuse(fix, "more was used of the rule than can be told apart");
        } else if (used.verbs.count == 0) {
                fix_remove(fix, target, rule);
        } else {
                set_words(fix, target, rule, STR("verbs"), &used.verbs);
                if (used.resources.count > 0) {
                        set_words(fix, target, rule, STR("apiGroups"), &used.groups);
                        set_words(fix, target, rule, STR("resources"), &used.resources);
                }
                if (used.urls.count > 0)
                        set_words(fix, target, rule, STR("nonResourceURLs"), &used.urls);
        }
}
