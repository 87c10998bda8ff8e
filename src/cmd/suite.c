#include "cmd/suite.h"

#include <errno.h>

#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"
#include "inventory/resource.h"

int suite_init(struct suite *suite, uint16_t minor, struct error *error) {
        *suite = (struct suite){ 0 };
        return policy_set_init(&suite->set, minor, error);
}

void suite_free(struct suite *suite) {
        vec_free(&suite->objects);
        map_free(&suite->namespaces);
        policy_set_free(&suite->set);
        arena_free(&suite->arena);
}

/* --- paths --- */

struct str suite_folder(struct arena *arena, struct str path) {
        size_t end = path.len;

        while (end > 0 && path.ptr[end - 1] != '/')
                end--;
        if (end == 0)
                return STR(".");
        return arena_str(arena, str_slice(path, 0, end > 1 ? end - 1 : end));
}

struct str suite_path(struct arena *arena, struct str folder, struct str path) {
        if (str_starts(path, STR("/")) || str_eq(folder, STR(".")))
                return arena_str(arena, path);
        return arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(path));
}

/* --- reading --- */

int suite_read(struct arena *arena, struct str path,
               int (*each)(void *userdata, const struct doc *doc), void *userdata,
               struct error *error) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_reader reader;
        struct doc *doc;
        int r = fs_read(path.ptr, -1, doc_default_limits.file_bytes, false, &buf, error);

        if (r >= 0)
                r = doc_source_init(arena, path, arena_str(arena, buf_str(&buf)), source, error);
        if (r >= 0)
                doc_reader_init(&reader, source, DOC_AUTO, NULL);
        while (r >= 0 && (r = doc_read(&reader, arena, &doc, error)) > 0)
                r = each(userdata, doc);
        if (r < 0)
                error_set_file(error, path);
        return r;
}

static void add_namespace(struct suite *suite, const struct doc_node *object) {
        struct str name = doc_string(doc_find(object, "metadata", "name"), STR(""));

        map_put(&suite->namespaces, name)->value = (void *)(uintptr_t)object;
}

static int add_document(void *userdata, const struct doc *doc) {
        struct suite *suite = userdata;
        struct resource_list resources;

        resources_of(&suite->arena, doc, STR(""), true, &resources);
        for (size_t i = 0; i < resources.count; i++) {
                const struct doc_node *root = resources.items[i].root;

                *vec_push(&suite->objects) =
                        (struct suite_object){ doc->source->name, root->start, root };
                if (str_eq(resources.items[i].resource, STR("namespaces")))
                        add_namespace(suite, root);
        }
        return 0;
}

struct adding {
        struct suite *suite;
        struct error *error;
};

static int add_objects_of_file(void *userdata, struct str path, uint64_t size _unused_) {
        struct adding *adding = userdata;

        return suite_read(&adding->suite->arena, path, add_document, adding->suite, adding->error);
}

static bool is_manifest(void *userdata _unused_, struct str path, struct str relative _unused_,
                        bool folder) {
        return folder || str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) ||
               str_ends(path, STR(".json"));
}

int suite_add_objects(struct suite *suite, struct str path, struct error *error) {
        struct adding adding = { suite, error };
        struct walk walk = { is_manifest, add_objects_of_file, NULL, &adding };
        int r = fs_is_folder(path.ptr);

        if (r < 0)
                error_set(error, r, "%s", strerror(-r));
        else if (r > 0)
                r = walk_path(&suite->arena, path, &walk, error);
        else
                return suite_read(&suite->arena, path, add_document, suite, error);
        if (r < 0)
                error_set_file(error, path);
        return r;
}

int suite_add_policies(struct suite *suite, struct str path, struct error *error) {
        size_t before = suite->set.params.items.count;
        int r = fs_is_folder(path.ptr);

        if (r < 0) {
                error_set(error, r, "%s", strerror(-r));
                error_set_file(error, path);
                return r;
        }
        r = policy_set_add_path(&suite->set, path.ptr, error);
        if (r == -ENOENT)
                r = 0; /* there is the file, but no policy in it */
        for (size_t i = before; i < suite->set.params.items.count; i++)
                if (str_eq(suite->set.params.items.items[i].kind, STR("Namespace")))
                        add_namespace(suite, suite->set.params.items.items[i].object);
        return r;
}

int suite_finish(struct suite *suite, struct error *error) {
        return policy_set_finish(&suite->set, error);
}

int suite_subject(struct suite *suite, const struct suite_object *object,
                  struct policy_subject *ret, struct error *error) {
        struct policy_question question = {
                .object = object->object,
                .request = suite->request,
                .namespace_object =
                        map_get(&suite->namespaces,
                                doc_string(doc_find(object->object, "metadata", "namespace"),
                                           STR("default"))),
        };

        return policy_question_subject(&question, &suite->arena, ret, error);
}
