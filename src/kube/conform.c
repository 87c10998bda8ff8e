#include "kube/conform.h"

#include <math.h>

#include "base/buf.h"
#include "base/util.h"

struct check {
        conform_fn *report;
        void *userdata;
        bool is_status; /* within the status of the object */
};

/* Levels that are searched below an object for the place of a field. */
enum { HINT_DEPTH = 3 };

static void deviate(struct check *check, enum conform_problem problem, const struct doc_node *node,
                    struct str field, const struct structure *expected,
                    const struct conform_level *level) {
        check->report(check->userdata,
                      &(struct conform_deviation){ problem, node, field, expected, level });
}

static bool is_null(const struct doc_node *node) {
        return !node || node->kind == DOC_NULL;
}

/* Go decodes 1.0 of YAML into an integer, because it arrives as 1. */
static bool is_integer(const struct structure *structure, const struct doc_node *node) {
        double low = -0x1p63, high = 0x1p63;

        if (str_eq(structure->format, STR("int32")) || structure->kind == STRUCTURE_INT_OR_STRING) {
                low = INT32_MIN;
                high = INT32_MAX;
        }
        if (node->kind == DOC_INT)
                return (double)node->integer >= low && (double)node->integer <= high;
        return node->kind == DOC_DOUBLE && node->number == floor(node->number) &&
               node->number >= low && node->number <= high;
}

static bool fits(const struct structure *structure, const struct doc_node *node) {
        bool is_number = node->kind == DOC_INT || node->kind == DOC_DOUBLE;

        switch ((enum structure_kind)structure->kind) {
        case STRUCTURE_ANY:
                return true;
        case STRUCTURE_OBJECT:
        case STRUCTURE_MAP:
                return node->kind == DOC_MAP;
        case STRUCTURE_LIST:
                return node->kind == DOC_LIST;
        case STRUCTURE_STRING:
                return node->kind == DOC_STRING;
        case STRUCTURE_INTEGER:
                return is_integer(structure, node);
        case STRUCTURE_NUMBER:
                return is_number;
        case STRUCTURE_BOOLEAN:
                return node->kind == DOC_BOOL;
        case STRUCTURE_INT_OR_STRING:
                return node->kind == DOC_STRING || is_integer(structure, node);
        case STRUCTURE_QUANTITY:
                return node->kind == DOC_STRING || is_number;
        }
        return true;
}

/* A field of a custom resource that has a default is never missing. */
static bool has_default(const struct structure *structure) {
        return doc_get(structure->source, STR("default"));
}

static bool is_custom(const struct structure *structure) {
        return structure->source;
}

/* Fields that are published as required, because they are always written, and that the server does
 * without: zero or nothing is a value like others. Groups whose validation is not known are listed
 * as a whole. */
static bool is_dispensable(const struct structure *object, struct str field) {
        static const struct {
                struct str definition, field;
        } fields[] = {
                { STR_INIT("apps.v1.ControllerRevision"), STR_INIT("revision") },
                { STR_INIT("batch.v1.PodFailurePolicy"), STR_INIT("rules") },
                { STR_INIT("core.v1.ClusterTrustBundleProjection"), STR_INIT("path") },
                { STR_INIT("core.v1.HTTPHeader"), STR_INIT("value") },
                { STR_INIT("core.v1.ISCSIPersistentVolumeSource"), STR_INIT("lun") },
                { STR_INIT("core.v1.ISCSIVolumeSource"), STR_INIT("lun") },
                { STR_INIT("core.v1.LimitRangeSpec"), STR_INIT("limits") },
                { STR_INIT("core.v1.PreferredSchedulingTerm"), STR_INIT("preference") },
                { STR_INIT("core.v1.SleepAction"), STR_INIT("seconds") },
                { STR_INIT("core.v1.Sysctl"), STR_INIT("value") },
                { STR_INIT("core.v1.TypedLocalObjectReference"), STR_INIT("kind") },
                { STR_INIT("discovery.v1.ForZone"), STR_INIT("name") },
                { STR_INIT("discovery.v1.ForNode"), STR_INIT("name") },
                { STR_INIT("storage.v1.CSIDriver"), STR_INIT("spec") },
                { STR_INIT("storage.v1.TokenRequest"), STR_INIT("audience") },
        };
        static const struct str groups[] = {
                STR_INIT("authentication."), STR_INIT("authorization."),
                STR_INIT("events."),         STR_INIT("flowcontrol."),
                STR_INIT("resource."),       STR_INIT("core.v1.Event"),
                STR_INIT("core.v1.Binding"), STR_INIT("storage.v1.CSINode"),
        };
        struct str name = str_slice(object->name, sizeof("io.k8s.api.") - 1, object->name.len);

        for (size_t i = 0; i < ELEMENTS(groups); i++)
                if (str_starts(name, groups[i]))
                        return true;
        for (size_t i = 0; i < ELEMENTS(fields); i++)
                if (str_eq(name, fields[i].definition) && str_eq(field, fields[i].field))
                        return true;
        return false;
}

static void check_value(struct check *check, const struct conform_level *level);

static void check_missing(struct check *check, const struct conform_level *level) {
        const struct structure *structure = level->structure;

        for (size_t i = 0; i < structure->field_count; i++) {
                const struct structure_field *field = &structure->fields[i];

                if (field->required && is_null(doc_get(level->node, field->name)) &&
                    !has_default(field->type) && !is_dispensable(structure, field->name))
                        deviate(check, CONFORM_MISSING_FIELD, level->node, field->name, field->type,
                                level);
        }
}

static bool is_directive(struct str key) {
        return str_starts(key, STR("$"));
}

static void check_fields(struct check *check, const struct conform_level *level) {
        const struct doc_node *object = level->node;

        for (uint32_t i = 0; i < object->map.count; i++) {
                const struct doc_entry *entry = &object->map.entries[i];
                const struct structure_field *field = structure_field(level->structure, entry->key);

                if (field)
                        check_value(check,
                                    &(struct conform_level){ level, field->type, &entry->value });
                else if (!(level->structure->flags & STRUCTURE_OPEN) && !is_directive(entry->key))
                        deviate(check, CONFORM_UNKNOWN_FIELD, &entry->value, entry->key, NULL,
                                level);
        }
        if (!check->is_status)
                check_missing(check, level);
}

static void check_children(struct check *check, const struct conform_level *level) {
        const struct doc_node *node = level->node;
        const struct structure *of = level->structure->of;

        if (node->kind == DOC_LIST)
                for (uint32_t i = 0; i < node->list.count; i++)
                        check_value(check,
                                    &(struct conform_level){ level, of, &node->list.items[i] });
        else
                for (uint32_t i = 0; i < node->map.count; i++)
                        if (!is_directive(node->map.entries[i].key))
                                check_value(check,
                                            &(struct conform_level){ level, of,
                                                                     &node->map.entries[i].value });
}

static bool is_enumerated(const struct structure *structure, struct str value) {
        for (size_t i = 0; i < structure->enum_count; i++)
                if (str_eq(structure->enums[i], value))
                        return true;
        return false;
}

static void check_scalar(struct check *check, const struct conform_level *level) {
        const struct structure *structure = level->structure;
        const struct doc_node *node = level->node;

        /* To a built-in kind the empty string is no value. */
        if (check->is_status || structure->enum_count == 0 || node->kind != DOC_STRING ||
            (node->string.len == 0 && !is_custom(structure)) ||
            is_enumerated(structure, node->string))
                return;
        deviate(check, CONFORM_UNKNOWN_VALUE, node, STR(""), structure, level);
}

static bool is_status(const struct conform_level *level) {
        const struct doc_entry *entry = doc_entry_of(level->node);

        return level->parent && !level->parent->parent && entry &&
               str_eq(entry->key, STR("status"));
}

static void check_value(struct check *check, const struct conform_level *level) {
        const struct structure *structure = level->structure;

        if (is_null(level->node)) {
                if (!is_custom(structure) || (structure->flags & STRUCTURE_NULLABLE) ||
                    has_default(structure))
                        return;
        }
        if (is_status(level))
                check->is_status = true;
        if (!fits(structure, level->node))
                deviate(check, CONFORM_WRONG_TYPE, level->node, STR(""), structure, level);
        else if (structure->kind == STRUCTURE_OBJECT)
                check_fields(check, level);
        else if (structure->kind == STRUCTURE_MAP || structure->kind == STRUCTURE_LIST)
                check_children(check, level);
        else
                check_scalar(check, level);
        if (is_status(level))
                check->is_status = false;
}

void conform_check(const struct structure *structure, const struct doc_node *object,
                   conform_fn *report, void *userdata) {
        struct check check = { report, userdata, false };

        check_value(&check, &(struct conform_level){ NULL, structure, object });
}

/* --- hints --- */

/* The candidate that a person most likely meant by NAME, or an empty string: it differs in case or
 * in few letters. */
static bool is_nearer(struct str name, struct str candidate, size_t *best) {
        size_t distance = str_distance(name, candidate);
        bool same = name.len == candidate.len && name.len > 0 &&
                    strncasecmp(name.ptr, candidate.ptr, name.len) == 0;

        if (same)
                distance = 0;
        if (distance >= *best || (!same && distance > MAX(name.len / 4, (size_t)1)))
                return false;
        *best = distance;
        return true;
}

static struct str near_field(const struct structure *structure, struct str name) {
        struct str found = STR("");
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < structure->field_count; i++)
                if (is_nearer(name, structure->fields[i].name, &best))
                        found = structure->fields[i].name;
        return found;
}

struct str conform_near_value(const struct structure *structure, struct str value) {
        struct str found = STR("");
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < structure->enum_count; i++)
                if (is_nearer(value, structure->enums[i], &best))
                        found = structure->enums[i];
        return found;
}

/* A place that is looked for: a field, of an object that is called PARENT (empty: whatever). */
struct place {
        struct str field, parent;
        struct buf path; /* to it */
};

/* Extends the path to the place that is exactly DEPTH fields below STRUCTURE, called NAME. */
static bool find_below(struct place *place, const struct structure *structure, struct str name,
                       unsigned depth) {
        struct buf *path = &place->path;
        size_t length = path->len;

        while (structure->kind == STRUCTURE_LIST && structure->of) {
                buf_add(path, STR("[]"));
                structure = structure->of;
        }
        if (depth == 0 && (place->parent.len == 0 || str_eq(place->parent, name)) &&
            structure_field(structure, place->field)) {
                buf_printf(path, ".%.*s", STR_ARG(place->field));
                return true;
        }
        for (size_t i = 0; depth > 0 && i < structure->field_count; i++) {
                const struct structure_field *field = &structure->fields[i];
                size_t before = path->len;

                if (str_eq(field->name, STR("metadata")) || str_eq(field->name, STR("status")))
                        continue;
                buf_printf(path, ".%.*s", STR_ARG(field->name));
                if (find_below(place, field->type, field->name, depth - 1))
                        return true;
                path->len = before;
        }
        path->len = length;
        return false;
}

static bool find_from(struct place *place, struct arena *arena, const struct conform_level *level,
                      unsigned depth) {
        place->path.len = 0;
        buf_add(&place->path, doc_path(arena, level->node));
        return level->structure->kind == STRUCTURE_OBJECT &&
               find_below(place, level->structure, STR(""), depth);
}

/* The nearest place that has the field: below the object, in what holds it, or in an object of the
 * same name elsewhere (the securityContext of a container instead of the pod's). */
static bool find_place(const struct conform_deviation *deviation, struct arena *arena,
                       struct place *place) {
        const struct doc_entry *entry = doc_entry_of(deviation->level->node);
        const struct conform_level *outer = deviation->level->parent;

        for (unsigned depth = 1; depth <= HINT_DEPTH; depth++)
                if (find_from(place, arena, deviation->level, depth))
                        return true;
        for (const struct conform_level *level = outer; level; level = level->parent)
                if (find_from(place, arena, level, 0))
                        return true;
        place->parent = entry ? entry->key : STR("");
        for (const struct conform_level *level = outer; entry && level; level = level->parent)
                for (unsigned depth = 1; depth <= HINT_DEPTH; depth++)
                        if (find_from(place, arena, level, depth))
                                return true;
        return false;
}

struct conform_hint conform_hint(struct arena *arena, const struct conform_deviation *deviation) {
        struct str near = near_field(deviation->level->structure, deviation->field);
        struct place place = { .field = deviation->field };
        struct conform_hint hint = { CONFORM_NO_HINT };

        if (near.len > 0)
                return (struct conform_hint){ CONFORM_SPELLING, near };
        if (find_place(deviation, arena, &place))
                hint = (struct conform_hint){
                        CONFORM_PLACE,
                        arena_str(arena, str_slice(buf_str(&place.path), place.path.data[0] == '.',
                                                   place.path.len)),
                };
        buf_free(&place.path);
        return hint;
}

const char *conform_type_name(const struct structure *structure) {
        switch ((enum structure_kind)structure->kind) {
        case STRUCTURE_ANY:
                return "any value";
        case STRUCTURE_OBJECT:
                return "an object";
        case STRUCTURE_MAP:
                return structure->of->kind == STRUCTURE_STRING ? "a map of strings" : "a map";
        case STRUCTURE_LIST:
                return structure->of->kind == STRUCTURE_STRING ? "a list of strings" : "a list";
        case STRUCTURE_STRING:
                return "a string";
        case STRUCTURE_INTEGER:
                return "an integer";
        case STRUCTURE_NUMBER:
                return "a number";
        case STRUCTURE_BOOLEAN:
                return "true or false";
        case STRUCTURE_INT_OR_STRING:
                return "an integer or a string";
        case STRUCTURE_QUANTITY:
                return "a quantity, like 500m or 1Gi";
        }
        return "any value";
}
