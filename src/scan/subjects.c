/*
 * The analysis of RBAC: everyone whom a binding of the input names is judged as a document of its
 * own (rbac/subject.h). What is found is placed at the rule, in the role, that grants too much; the
 * binding is the other place.
 */
#include "base/util.h"
#include "rbac/subject.h"
#include "scan/private.h"

static bool reads(struct str group, _unused_ struct str resource) {
        return str_eq(group, STR("rbac.authorization.k8s.io"));
}

static void *start(_unused_ const struct scan_options *options) {
        struct rbac_index *index = xrealloc(NULL, 1, sizeof *index);

        rbac_index_init(index);
        rbac_index_add_defaults(index);
        return index;
}

static void add(void *self, struct str file, const struct resource *resource) {
        rbac_index_add(self, file, resource);
}

static void emit_subject(const struct rbac_index *index, const struct rbac_principal *principal,
                         analysis_emit_fn *emit, void *userdata) {
        const struct rbac_place *place = &principal->grants.items[0].binding->place;
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        rbac_add_subject(&json, index, principal);
        emit(userdata, buf_str(&json), place->file, place->pos);
}

static void finish(void *self, analysis_emit_fn *emit, void *userdata) {
        struct rbac_index *index = self;
        const struct map *const maps[] = { &index->users, &index->groups };

        rbac_index_finish(index);
        for (size_t m = 0; m < ELEMENTS(maps); m++)
                for (size_t i = 0; i < maps[m]->count; i++)
                        if (rbac_is_bound(maps[m]->entries[i].value))
                                emit_subject(index, maps[m]->entries[i].value, emit, userdata);
}

static const struct diagnostic *problems(void *self, size_t *ret_count) {
        const struct rbac_index *index = self;

        *ret_count = index->problems.count;
        return index->problems.items;
}

static void *stop(void *self) {
        rbac_index_free(self);
        free(self);
        return NULL;
}

static const char *const made[] = { "subjects", NULL };

const struct analysis subjects_analysis = {
        .resources = made,
        .word = "rbac.authorization.k8s.io",
        .reads = reads,
        .start = start,
        .add = add,
        .finish = finish,
        .problems = problems,
        .stop = stop,
};
