/*
 * CustomResourceDefinitions from files.
 */
#include <errno.h>

#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"
#include "kube/structure.h"

struct add_path {
        struct structure_set *set;
        struct error *error;
        size_t added;
        int r; /* of what could not be read */
};

static bool is_manifest(void *userdata, struct str path, struct str relative, bool folder) {
        (void)userdata;
        (void)relative;
        return folder || str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) ||
               str_ends(path, STR(".json"));
}

static size_t add_document(struct structure_set *set, const struct doc_node *root) {
        const struct doc_node *items = doc_get(root, STR("items"));
        size_t added = structure_set_add(set, root);

        if (items && items->kind == DOC_LIST)
                for (uint32_t i = 0; i < items->list.count; i++)
                        added += structure_set_add(set, &items->list.items[i]);
        return added;
}

static int add_file(void *userdata, struct str path, uint64_t size) {
        struct add_path *add = userdata;
        struct arena *arena = &add->set->arena;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;
        int r;

        (void)size;
        r = fs_read(path.ptr, -1, doc_default_limits.file_bytes, false, &buf, add->error);
        if (r >= 0)
                r = doc_source_init(arena, path, arena_str(arena, buf_str(&buf)), source,
                                    add->error);
        if (r >= 0) {
                doc_reader_init(&reader, source, DOC_AUTO, NULL);
                while ((r = doc_read(&reader, arena, &doc, add->error)) > 0)
                        add->added += add_document(add->set, doc->root);
        }
        if (r < 0)
                error_set_file(add->error, path);
        return r;
}

static void note_problem(void *userdata, struct str path, const char *message) {
        struct add_path *add = userdata;

        if (add->r < 0)
                return;
        add->r = error_set(add->error, -EIO, "%s", message);
        error_set_file(add->error, path);
}

int structure_set_add_path(struct structure_set *set, const char *path, struct error *error) {
        struct add_path add = { .set = set, .error = error };
        struct walk walk = { is_manifest, add_file, note_problem, &add };
        int r = walk_path(&set->arena, str_from(path), &walk, error);

        if (r >= 0)
                r = add.r;
        if (r >= 0 && add.added == 0)
                r = error_set(error, -ENOENT,
                              "holds no CustomResourceDefinition of apiextensions.k8s.io/v1");
        if (r < 0)
                error_set_file(error, str_from(path));
        return r;
}
