/*
 * The types of the variables that Kubernetes declares for admission policies. `object`, `oldObject`
 * and `params` are dyn; `request` has the fields of admission/v1 AdmissionRequest that policies may
 * see, `namespaceObject` those of a Namespace
 * (k8s.io/apiserver/pkg/admission/plugin/cel/compile.go).
 */
#include "base/util.h"
#include "policy/private.h"

static const struct cel_type *find_field(const struct cel_object *object, struct str name);

/* An object type and the list of its fields refer to each other through the type's name. */
#define OBJECT(variable, type_name)                                                                \
        static const struct cel_object variable##_object = { find_field,                           \
                                                             (void *)(uintptr_t)type_name };       \
        static const struct cel_type variable = { .kind = CEL_TYPE_OBJECT,                         \
                                                  .name = STR_INIT(type_name),                     \
                                                  .object = &variable##_object }

OBJECT(type_gvk, "kubernetes.GroupVersionKind");
OBJECT(type_gvr, "kubernetes.GroupVersionResource");
OBJECT(type_user, "kubernetes.UserInfo");
OBJECT(type_request, "kubernetes.AdmissionRequest");
OBJECT(type_meta, "kubernetes.NamespaceMetadata");
OBJECT(type_spec, "kubernetes.NamespaceSpec");
OBJECT(type_status, "kubernetes.NamespaceStatus");
OBJECT(type_namespace, "kubernetes.Namespace");

static const struct cel_type *const one_string[] = { &cel_type_string };
static const struct cel_type *const two_strings[] = { &cel_type_string, &cel_type_string };
static const struct cel_type strings = { .kind = CEL_TYPE_LIST,
                                         .params = one_string,
                                         .param_count = 1 };
static const struct cel_type string_map = { .kind = CEL_TYPE_MAP,
                                            .params = two_strings,
                                            .param_count = 2 };
static const struct cel_type *const string_to_strings[] = { &cel_type_string, &strings };
static const struct cel_type extra_map = { .kind = CEL_TYPE_MAP,
                                           .params = string_to_strings,
                                           .param_count = 2 };

static const struct {
        const struct cel_type *object;
        struct str field;
        const struct cel_type *type;
} fields[] = {
        { &type_gvk, STR_INIT("group"), &cel_type_string },
        { &type_gvk, STR_INIT("version"), &cel_type_string },
        { &type_gvk, STR_INIT("kind"), &cel_type_string },
        { &type_gvr, STR_INIT("group"), &cel_type_string },
        { &type_gvr, STR_INIT("version"), &cel_type_string },
        { &type_gvr, STR_INIT("resource"), &cel_type_string },
        { &type_user, STR_INIT("username"), &cel_type_string },
        { &type_user, STR_INIT("uid"), &cel_type_string },
        { &type_user, STR_INIT("groups"), &strings },
        { &type_user, STR_INIT("extra"), &extra_map },
        { &type_request, STR_INIT("kind"), &type_gvk },
        { &type_request, STR_INIT("resource"), &type_gvr },
        { &type_request, STR_INIT("subResource"), &cel_type_string },
        { &type_request, STR_INIT("requestKind"), &type_gvk },
        { &type_request, STR_INIT("requestResource"), &type_gvr },
        { &type_request, STR_INIT("requestSubResource"), &cel_type_string },
        { &type_request, STR_INIT("name"), &cel_type_string },
        { &type_request, STR_INIT("namespace"), &cel_type_string },
        { &type_request, STR_INIT("operation"), &cel_type_string },
        { &type_request, STR_INIT("userInfo"), &type_user },
        { &type_request, STR_INIT("dryRun"), &cel_type_bool },
        { &type_request, STR_INIT("options"), &cel_type_dyn },
        { &type_meta, STR_INIT("name"), &cel_type_string },
        { &type_meta, STR_INIT("generateName"), &cel_type_string },
        { &type_meta, STR_INIT("namespace"), &cel_type_string },
        { &type_meta, STR_INIT("labels"), &string_map },
        { &type_meta, STR_INIT("annotations"), &string_map },
        { &type_meta, STR_INIT("UID"), &cel_type_string },
        { &type_meta, STR_INIT("creationTimestamp"), &cel_type_timestamp },
        { &type_meta, STR_INIT("deletionGracePeriodSeconds"), &cel_type_int },
        { &type_meta, STR_INIT("deletionTimestamp"), &cel_type_timestamp },
        { &type_meta, STR_INIT("generation"), &cel_type_int },
        { &type_meta, STR_INIT("resourceVersion"), &cel_type_string },
        { &type_meta, STR_INIT("finalizers"), &strings },
        { &type_spec, STR_INIT("finalizers"), &strings },
        { &type_status, STR_INIT("phase"), &cel_type_string },
        { &type_namespace, STR_INIT("metadata"), &type_meta },
        { &type_namespace, STR_INIT("spec"), &type_spec },
        { &type_namespace, STR_INIT("status"), &type_status },
};

static const struct cel_type *find_field(const struct cel_object *object, struct str name) {
        for (size_t i = 0; i < ELEMENTS(fields); i++)
                if (fields[i].object->object == object && str_eq(fields[i].field, name))
                        return fields[i].type;
        return NULL;
}

const struct cel_type *policy_type_request(void) {
        return &type_request;
}

const struct cel_type *policy_type_namespace(void) {
        return &type_namespace;
}

const struct cel_type *policy_variable_type(struct arena *arena, const struct cel_type *type) {
        switch (type->kind) {
        case CEL_TYPE_NULL:
        case CEL_TYPE_BOOL:
        case CEL_TYPE_INT:
        case CEL_TYPE_UINT:
        case CEL_TYPE_DOUBLE:
        case CEL_TYPE_STRING:
        case CEL_TYPE_BYTES:
        case CEL_TYPE_TIMESTAMP:
        case CEL_TYPE_DURATION:
                return type;
        case CEL_TYPE_LIST:
                return cel_type_list(arena, policy_variable_type(arena, type->params[0]));
        case CEL_TYPE_MAP:
                return cel_type_map(arena, policy_variable_type(arena, type->params[0]),
                                    policy_variable_type(arena, type->params[1]));
        default:
                return &cel_type_dyn;
        }
}

static const struct cel_type *find_variable(const struct cel_object *object, struct str name) {
        struct policy_set *set = object->data;

        for (size_t i = 0; i < set->compiled_variables; i++)
                if (str_eq(set->compiling->variables[i].name, name))
                        return policy_variable_type(
                                &set->arena,
                                cel_program_type(set->compiling->variables[i].program));
        return NULL;
}

const struct cel_type *policy_type_variables_of(struct arena *arena,
                                                const struct cel_object *object) {
        struct cel_type *type = arena_new(arena, struct cel_type);

        *type = (struct cel_type){ .kind = CEL_TYPE_OBJECT,
                                   .name = STR("kubernetes.variables"),
                                   .object = object };
        return type;
}

const struct cel_type *policy_type_variables(struct policy_set *set) {
        struct cel_object *object = arena_new(&set->arena, struct cel_object);

        *object = (struct cel_object){ .find = find_variable, .data = set };
        return policy_type_variables_of(&set->arena, object);
}
