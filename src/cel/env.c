/*
 * The environment: which variables, functions and types an expression may use.
 */
#include "base/regex.h"
#include "cel/checker.h"

enum { NEWEST_MINOR = 37 };

/* All libraries that k8s.io/apiserver/pkg/cel/environment/base.go enables in some version; the
 * rows know since when. */
static const struct cel_library *const libraries[] = {
        &cel_library_standard, &cel_library_time,     &cel_library_url,      &cel_library_regex,
        &cel_library_lists,    &cel_library_optional, &cel_library_quantity, &cel_library_strings,
        &cel_library_sets,     &cel_library_net,      &cel_library_format,   &cel_library_semver,
        &cel_library_authz,
};

/* Those that --cel-full adds. */
static const struct cel_library *const extensions[] = { &cel_library_math, &cel_library_encoders };

static void add_type(struct cel_env *env, const char *name, const struct cel_type *type) {
        map_put(&env->types, str_from(name))->value = (void *)type;
}

/* Types that expressions can name (cel-go common/stdlib; the libraries' own by their version).
 * kubernetes.Quantity and the like are no values in Kubernetes. */
static void add_types(struct cel_env *env) {
        static const struct cel_type ip = { .kind = CEL_TYPE_OPAQUE, .name = STR_INIT("net.IP") };
        static const struct cel_type cidr = { .kind = CEL_TYPE_OPAQUE,
                                              .name = STR_INIT("net.CIDR") };
        static const struct cel_type optional = { .kind = CEL_TYPE_OPAQUE,
                                                  .name = STR_INIT("optional_type") };

        add_type(env, "bool", &cel_type_bool);
        add_type(env, "bytes", &cel_type_bytes);
        add_type(env, "double", &cel_type_double);
        add_type(env, "google.protobuf.Duration", &cel_type_duration);
        add_type(env, "google.protobuf.Timestamp", &cel_type_timestamp);
        add_type(env, "int", &cel_type_int);
        add_type(env, "list", &cel_type_list_dyn);
        add_type(env, "map", &cel_type_map_dyn);
        add_type(env, "null_type", &cel_type_null);
        add_type(env, "string", &cel_type_string);
        add_type(env, "type", &cel_type_type);
        add_type(env, "uint", &cel_type_uint);
        if (env->options.kube_minor >= 28)
                add_type(env, "optional_type", &optional);
        if (env->options.kube_minor >= 30) {
                add_type(env, "net.IP", &ip);
                add_type(env, "net.CIDR", &cidr);
        }
}

int cel_env_new(struct arena *arena, const struct cel_env_options *options, struct cel_env **ret) {
        struct cel_env *env = arena_new(arena, struct cel_env);

        env->arena = arena;
        if (options)
                env->options = *options;
        if (env->options.kube_minor == 0 || env->options.full)
                env->options.kube_minor = NEWEST_MINOR;
        env->options.container = arena_str(arena, env->options.container);
        env->patterns = arena_new(arena, struct cel_patterns);
        cel_patterns_init(env->patterns);
        add_types(env);
        cel_env_add_library(env, cel_operators());
        for (size_t i = 0; i < ELEMENTS(libraries); i++)
                cel_env_add_library(env, libraries[i]);
        for (size_t i = 0; env->options.full && i < ELEMENTS(extensions); i++)
                cel_env_add_library(env, extensions[i]);
        *ret = env;
        return 0;
}

void cel_env_free(struct cel_env *env) {
        if (!env)
                return;
        for (size_t i = 0; i < env->regexes.count; i++)
                regex_free(env->regexes.items[i]);
        vec_free(&env->regexes);
        cel_patterns_free(env->patterns);
        vec_free(&env->variables);
        map_free(&env->variable_index);
        map_free(&env->functions);
        map_free(&env->types);
}

static void add_overload(struct cel_env *env, const struct cel_overload *overload) {
        struct map_entry *entry = map_put(&env->functions, overload->name);
        struct cel_function_set *set;

        if (!entry->value) {
                entry->value = arena_new(env->arena, struct cel_function_set);
                ((struct cel_function_set *)entry->value)->name = overload->name;
        }
        set = entry->value;
        if (set->count + 1 >= set->capacity) /* room for the NULL as well */
                set->overloads = vec_grow(set->overloads, set->capacity, &set->capacity,
                                          sizeof(*set->overloads), env->arena);
        set->overloads[set->count++] = overload;
        set->overloads[set->count] = NULL;
}

void cel_env_functions(const struct cel_env *env,
                       void (*visit)(void *userdata, const char *signature), void *userdata) {
        for (size_t i = 0; i < env->functions.count; i++) {
                const struct cel_function_set *set = env->functions.entries[i].value;

                for (size_t j = 0; j < set->count; j++)
                        visit(userdata, set->overloads[j]->row->signature);
        }
}

static struct cel_value not_bound(struct cel_context *context,
                                  _unused_ const struct cel_value *args, _unused_ size_t count) {
        return cel_error(context->scratch, "no such overload");
}

void cel_env_declare_overload(struct cel_env *env, const struct cel_overload *overload) {
        static const struct cel_function_row row = { .signature = "", .call = not_bound };
        struct cel_overload *copy = arena_copy(env->arena, overload, sizeof(*overload));

        copy->row = &row;
        add_overload(env, copy);
}

void cel_env_add_library(struct cel_env *env, const struct cel_library *library) {
        enum cel_dialect other = env->options.full ? CEL_DIALECT_KUBERNETES : CEL_DIALECT_FULL;
        uint16_t minor = env->options.kube_minor;
        const struct cel_overload *overloads = cel_library_overloads(library);

        for (size_t i = 0; i < library->count; i++) {
                const struct cel_function_row *row = &library->rows[i];

                if (minor >= row->since && (row->until == 0 || minor < row->until) &&
                    row->dialect != other)
                        add_overload(env, &overloads[i]);
        }
}

int cel_env_declare(struct cel_env *env, struct str name, const struct cel_type *type) {
        struct cel_variable *variable = vec_push(&env->variables);
        int number = (int)env->variables.count - 1;

        variable->name = arena_str(env->arena, name);
        variable->type = type;
        map_put(&env->variable_index, variable->name)->value = (void *)((intptr_t)number + 1);
        return number;
}

void cel_env_retype(struct cel_env *env, int number, const struct cel_type *type) {
        env->variables.items[number].type = type;
}

void cel_env_hide(struct cel_env *env, int number, bool hidden) {
        env->variables.items[number].hidden = hidden;
}

void cel_env_set_types(struct cel_env *env,
                       const struct cel_type *(*find)(struct arena *arena, struct str name)) {
        env->find_type = find;
}

const struct cel_type *cel_env_type(struct cel_env *env, struct str name) {
        const struct cel_type *type = map_get(&env->types, name);

        if (type || !env->find_type)
                return type;
        type = env->find_type(env->arena, name);
        if (type)
                map_put(&env->types, type->name)->value = (void *)type;
        return type;
}

const struct cel_function_set *cel_env_function(const struct cel_env *env, struct str name) {
        return map_get(&env->functions, name);
}

int cel_env_variable(const struct cel_env *env, struct str name) {
        int number = (int)((intptr_t)map_get(&env->variable_index, name) - 1);

        return number >= 0 && env->variables.items[number].hidden ? -1 : number;
}

bool cel_is_full(const struct cel_context *context) {
        return context->env->options.full;
}
