/*
 * What the structure of objects is judged by: the checks among the rules, the
 * CustomResourceDefinitions of the input, and which files a kustomization builds from: their
 * objects need not be complete, because patches and common labels complete them.
 */
#include "base/util.h"
#include "doc/edit.h"
#include "scan/private.h"

void structures_init(struct structures *structures, const struct policy_set *set) {
        for (size_t i = 0; i < set->policies.count; i++) {
                const struct policy *policy = set->policies.items[i];

                if (policy->check == POLICY_CHECK_NONE)
                        continue;
                structures->rules[policy->check] = policy;
                structures->any = true;
        }
}

void structures_free(struct structures *structures) {
        structure_set_free(&structures->custom);
        map_free(&structures->parts);
        arena_free(&structures->arena);
}

/* --- definitions --- */

static void add_definition(struct structures *structures, const struct doc_node *node) {
        struct str kind = doc_string(doc_get(node, STR("kind")), STR(""));

        if (str_eq(kind, STR("CustomResourceDefinition")))
                structure_set_add(&structures->custom,
                                  doc_copy(&structures->arena, STR(""), node)->root);
}

static void add_document(void *userdata, struct arena *arena, const struct doc *doc) {
        struct resource_list resources;

        resources_of(arena, doc, STR(""), true, &resources);
        for (size_t i = 0; i < resources.count; i++)
                add_definition(userdata, resources.items[i].root);
}

bool structures_gather(struct structures *structures, struct gather *ret) {
        *ret = (struct gather){ STR("CustomResourceDefinition"), add_document, structures };
        return structures->any;
}

/* --- kustomizations --- */

struct part_finder {
        struct structures *structures;
        struct str folder; /* of the kustomization, with a slash at the end; or empty */
};

static bool is_kustomization(struct str path) {
        static const char *const names[] = { "kustomization.yaml", "kustomization.yml",
                                             "Kustomization" };

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                struct str name = str_from(names[i]);

                if (str_ends(path, name) &&
                    (path.len == name.len || path.ptr[path.len - name.len - 1] == '/'))
                        return true;
        }
        return false;
}

static struct str folder_of(struct str path) {
        while (path.len > 0 && path.ptr[path.len - 1] != '/')
                path.len--;
        return path;
}

/* Where RELATIVE leads from FOLDER; "../" is followed. */
static struct str resolve(struct arena *arena, struct str folder, struct str relative) {
        for (;;) {
                if (str_starts(relative, STR("./")))
                        relative = str_slice(relative, 2, relative.len);
                else if (str_starts(relative, STR("../")) && folder.len > 0) {
                        relative = str_slice(relative, 3, relative.len);
                        folder = folder_of(str_slice(folder, 0, folder.len - 1));
                } else
                        return arena_printf(arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(relative));
        }
}

static void add_part(struct part_finder *finder, const struct doc_node *path) {
        struct structures *structures = finder->structures;

        if (path && path->kind == DOC_STRING)
                map_put(&structures->parts,
                        resolve(&structures->arena, finder->folder, path->string))
                        ->value = structures;
}

static void add_parts(struct part_finder *finder, const struct doc_node *list) {
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                add_part(finder, item->kind == DOC_MAP ? doc_get(item, STR("path")) : item);
        }
}

static void add_kustomization(void *userdata, struct arena *arena, const struct doc *doc) {
        (void)arena;
        add_parts(userdata, doc_get(doc->root, STR("resources")));
        add_parts(userdata, doc_get(doc->root, STR("patches")));
        add_parts(userdata, doc_get(doc->root, STR("patchesStrategicMerge")));
}

void structures_find_parts(struct structures *structures, const struct scan_options *options,
                           const struct input_list *files) {
        for (size_t i = 0; i < files->files.count; i++) {
                const struct input_file *file = &files->files.items[i];
                struct part_finder finder = { structures, folder_of(file->path) };
                const struct gather gather = { STR(""), add_kustomization, &finder };

                if (is_kustomization(file->path))
                        gather_file(options, file, &gather, 1);
        }
}
