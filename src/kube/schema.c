#include "kube/schema.h"

#include <pthread.h>

#include "base/util.h"

/* What is made of the tables when they are used for the first time. */
static struct {
        struct arena arena;
        const struct doc_node **fallbacks; /* by index into schema_defaults */
        uint32_t *hashes;                  /* by index into schema_fields */
} prepared;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct doc_node *read_json(const char *text) {
        struct doc_source *source = arena_new(&prepared.arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc = NULL;

        *source = (struct doc_source){ STR("default"), str_from(text) };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        return doc_read(&reader, &prepared.arena, &doc, NULL) > 0 ? doc->root : NULL;
}

static void prepare(void) {
        prepared.fallbacks =
                arena_new_array(&prepared.arena, schema_default_count, const struct doc_node *);
        for (size_t i = 1; i < schema_default_count; i++)
                prepared.fallbacks[i] = read_json(schema_defaults[i]);
        prepared.hashes = arena_new_array(&prepared.arena, schema_field_count, uint32_t);
        for (size_t i = 0; i < schema_field_count; i++)
                prepared.hashes[i] = str_hash(schema_fields[i].name);
}

static int compare_kind(const struct schema_kind *row, struct str api_version, struct str kind) {
        int r = str_cmp(api_version, row->api_version);

        return r ? r : str_cmp(kind, row->kind);
}

const struct schema_type *schema_find(struct str api_version, struct str kind) {
        size_t low = 0, high = schema_kind_count;

        pthread_once(&once, prepare);
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int r = compare_kind(&schema_kinds[middle], api_version, kind);

                if (r == 0)
                        return &schema_types[schema_kinds[middle].type];
                if (r < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

int schema_field_index(const struct schema_type *type, struct str name) {
        const struct schema_field *fields = schema_fields_of(type);
        int low = 0, high = type->count;

        while (low < high) {
                int middle = (low + high) / 2, r = str_cmp(name, fields[middle].name);

                if (r == 0)
                        return middle;
                if (r < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return -1;
}

const struct doc_node *schema_fallback(const struct schema_field *field) {
        return field->fallback ? prepared.fallbacks[field->fallback] : NULL;
}

uint32_t schema_field_hash(const struct schema_field *field) {
        return prepared.hashes[field - schema_fields];
}
