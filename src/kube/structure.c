#include "kube/structure.h"

#include <pthread.h>

#include "kube/kinds.h"
#include "kube/structure-custom.h"
#include "kube/structure-data.h"

/* The structures that are made of the tables when one is asked for the first time. */
static struct {
        struct arena arena;
        struct structure *structures;   /* by row */
        struct structure_field *fields; /* by row */
        struct str *lists;              /* by offset in structure_lists; counts are empty */
        struct structure_gvk *gvks;     /* by row */
} builtin;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct str text_at(uint32_t offset) {
        return str_from(structure_text + offset);
}

static void make_structure(const struct structure_row *row, struct structure *ret) {
        *ret = (struct structure){
                .kind = row->kind,
                .list_type = row->list_type,
                .flags = row->flags,
                .name = text_at(row->name),
                .format = text_at(row->format),
                .of = row->of ? &builtin.structures[row->of] : NULL,
                .fields = &builtin.fields[row->first],
                .field_count = row->count,
                .enums = &builtin.lists[row->enums + 1],
                .enum_count = structure_lists[row->enums],
                .keys = &builtin.lists[row->keys + 1],
                .key_count = structure_lists[row->keys],
        };
}

static void make_gvk(const struct structure_kind_row *row, struct structure_gvk *ret) {
        *ret = (struct structure_gvk){
                .group = text_at(row->group),
                .version = text_at(row->version),
                .kind = text_at(row->kind),
                .resource = text_at(row->resource),
                .namespaced = row->namespaced,
                .served = row->served,
                .structure = &builtin.structures[row->type],
        };
}

static void make_lists(void) {
        builtin.lists = arena_new_array(&builtin.arena, structure_list_size + 1, struct str);
        for (size_t at = 0; at < structure_list_size; at += structure_lists[at] + 1)
                for (size_t i = 1; i <= structure_lists[at]; i++)
                        builtin.lists[at + i] = text_at(structure_lists[at + i]);
}

static void make_builtins(void) {
        struct arena *arena = &builtin.arena;

        make_lists();
        builtin.structures = arena_new_array(arena, structure_row_count, struct structure);
        builtin.fields = arena_new_array(arena, structure_field_row_count, struct structure_field);
        builtin.gvks = arena_new_array(arena, structure_kind_row_count, struct structure_gvk);
        for (size_t i = 0; i < structure_row_count; i++)
                make_structure(&structure_rows[i], &builtin.structures[i]);
        for (size_t i = 0; i < structure_field_row_count; i++)
                builtin.fields[i] = (struct structure_field){
                        text_at(structure_field_rows[i].name),
                        &builtin.structures[structure_field_rows[i].type],
                        structure_field_rows[i].required,
                };
        for (size_t i = 0; i < structure_kind_row_count; i++)
                make_gvk(&structure_kind_rows[i], &builtin.gvks[i]);
}

const struct structure_gvk *structure_builtins(size_t *ret_count) {
        pthread_once(&once, make_builtins);
        *ret_count = structure_kind_row_count;
        return builtin.gvks;
}

static int compare_gvk(const struct structure_gvk *gvk, struct kube_group_version written,
                       struct str kind) {
        int r = str_cmp(written.group, gvk->group);

        if (r == 0)
                r = str_cmp(kind, gvk->kind);
        return r ? r : str_cmp(written.version, gvk->version);
}

const struct structure_gvk *structure_gvk_find(const struct structure_set *custom,
                                               struct str api_version, struct str kind) {
        struct kube_group_version written = kube_group_version(api_version);
        size_t low = 0, high;
        const struct structure_gvk *gvks = structure_builtins(&high);

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int r = compare_gvk(&gvks[middle], written, kind);

                if (r == 0)
                        return &gvks[middle];
                if (r < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return custom ? structure_set_find(custom, api_version, kind) : NULL;
}

const struct structure *structure_find(const struct structure_set *custom, struct str api_version,
                                       struct str kind) {
        const struct structure_gvk *gvk = structure_gvk_find(custom, api_version, kind);

        return gvk ? gvk->structure : NULL;
}

const struct structure_field *structure_field(const struct structure *structure, struct str name) {
        size_t low = 0, high = structure ? structure->field_count : 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct structure_field *field = &structure->fields[middle];
                int r = str_cmp(name, field->name);

                if (r == 0)
                        return field;
                if (r < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}
