/*
 * Sets of policies: loading them from files, finding them, choosing among them.
 */
#include <errno.h>

#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"
#include "cel/message.h"
#include "policy/exception.h"
#include "policy/fields.h"
#include "policy/private.h"

static int make_env(struct policy_set *set, uint16_t kube_minor, bool params,
                    struct cel_env **ret) {
        struct cel_env_options options = { .kube_minor = kube_minor,
                                           .full = kube_minor == POLICY_CEL_FULL };
        struct cel_env *env;
        int r = cel_env_new(&set->arena, &options, &env);

        if (r < 0)
                return r;
        /* In the order of the POLICY_* numbers. */
        cel_env_declare(env, STR("object"), &cel_type_dyn);
        cel_env_declare(env, STR("oldObject"), &cel_type_dyn);
        cel_env_declare(env, STR("request"), policy_type_request());
        cel_env_declare(env, STR("namespaceObject"), policy_type_namespace());
        cel_env_declare(env, STR("variables"), policy_type_variables(set));
        cel_env_declare(env, STR("authorizer"), &cel_type_authorizer);
        cel_env_declare(env, STR("authorizer.requestResource"), &cel_type_resource_check);
        if (params)
                cel_env_declare(env, STR("params"), &cel_type_dyn);
        *ret = env;
        return 0;
}

void policy_set_add_library(struct policy_set *set, const struct cel_library *library) {
        *vec_push(&set->libraries) = library;
}

bool policy_is_about(const struct policy *policy, struct str group) {
        for (size_t i = 0; i < policy->match.rule_count; i++)
                for (size_t k = 0; k < policy->match.rules[i].group_count; k++)
                        if (str_eq(policy->match.rules[i].groups[k], group))
                                return true;
        return false;
}

static int need_env(struct policy_set *set, bool params, struct cel_env **env,
                    struct error *error) {
        int r = *env ? 0 : make_env(set, set->kube_minor, params, env);

        if (r < 0)
                return error_set(error, r, "cannot prepare the CEL environment: %s", strerror(-r));
        return 0;
}

int policy_env(struct policy_set *set, const struct policy *policy, struct cel_env **ret,
               struct error *error) {
        bool own = policy_is_about(policy, STR(POLICY_OWN_GROUP));
        struct cel_env **env = policy->has_params ? &set->param_env
                               : own              ? &set->own_env
                                                  : &set->env;
        bool made = !*env;
        int r = need_env(set, policy->has_params, env, error);

        for (size_t i = 0; r >= 0 && made && own && !policy->has_params && i < set->libraries.count;
             i++)
                cel_env_add_library(*env, set->libraries.items[i]);
        *ret = *env;
        return r;
}

int policy_patch_env(struct policy_set *set, const struct policy *policy, struct cel_env **ret,
                     struct error *error) {
        struct cel_env **env = &set->patch_envs[policy->has_params];
        bool made = !*env;
        int r = need_env(set, policy->has_params, env, error);

        if (r >= 0 && made) {
                cel_env_set_types(*env, cel_patch_type);
                cel_env_add_library(*env, &cel_library_jsonpatch);
        }
        *ret = *env;
        return r;
}

int policy_set_init(struct policy_set *set, uint16_t kube_minor, struct error *error) {
        *set = (struct policy_set){ .kube_minor = kube_minor,
                                    .compiler = PTHREAD_MUTEX_INITIALIZER };
        return need_env(set, false, &set->env, error);
}

void policy_set_free(struct policy_set *set) {
        if (set->env)
                cel_env_free(set->env);
        if (set->param_env)
                cel_env_free(set->param_env);
        if (set->own_env)
                cel_env_free(set->own_env);
        for (size_t i = 0; i < ELEMENTS(set->patch_envs); i++)
                cel_env_free(set->patch_envs[i]);
        vec_free(&set->libraries);
        vec_free(&set->policies);
        vec_free(&set->mutators);
        vec_free(&set->fixes);
        structure_set_free(&set->structures);
        vec_free(&set->bindings);
        vec_free(&set->frameworks);
        vec_free(&set->params.items);
        map_free(&set->params.known);
        arena_free(&set->params.names);
        map_free(&set->by_id);
        policy_exceptions_free(set->exceptions);
        arena_free(&set->arena);
}

bool policy_is_check(const struct doc_node *object) {
        return str_eq(doc_string(doc_get(object, STR("kind")), STR("")), STR("Check")) &&
               str_eq(doc_string(doc_get(object, STR("apiVersion")), STR("")),
                      STR("redoubt.io/v1"));
}

static bool is_admission_group(struct str api_version) {
        return str_eq(kube_group_version(api_version).group, STR("admissionregistration.k8s.io"));
}

/* OBJECT is of a kind or version that its group does not have: most likely it is misspelt, and
 * would be passed over in silence. */
static int unknown_kind(const struct doc_node *object, struct str api_version, struct str kind,
                        struct error *error) {
        static const char *const policies[] = { "ValidatingAdmissionPolicy",
                                                "ValidatingAdmissionPolicyBinding",
                                                "MutatingAdmissionPolicy",
                                                "MutatingAdmissionPolicyBinding", NULL };
        const struct doc_node *at = doc_get(object, STR("kind"));
        const char *near = NULL;

        for (size_t i = 0; policies[i]; i++)
                if (str_distance(kind, str_from(policies[i])) <= 3)
                        near = policies[i];
        return bad(at ? at : object, error, "%.*s has no kind \"%.*s\"%s%s%s", STR_ARG(api_version),
                   STR_ARG(kind), near ? ", did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

static bool is_policy_version(struct str version) {
        return str_eq(version, STR("v1")) || str_eq(version, STR("v1beta1")) ||
               str_eq(version, STR("v1alpha1"));
}

int policy_set_add_object(struct policy_set *set, const struct doc *doc,
                          const struct doc_node *object, struct error *error) {
        struct str kind = doc_string(doc_get(object, STR("kind")), STR(""));
        struct str api_version = doc_string(doc_get(object, STR("apiVersion")), STR(""));

        if (policy_is_check(object))
                return policy_load_check(set, doc, object, error);
        if (!is_admission_group(api_version)) {
                policy_set_add_param(set, object);
                (void)structure_set_add(&set->structures, object);
                return 0;
        }
        if (!is_policy_version(kube_group_version(api_version).version))
                return unknown_kind(object, api_version, kind, error);
        if (str_eq(kind, STR("ValidatingAdmissionPolicy")) || str_eq(kind, STR(POLICY_MUTATING)))
                return policy_load(set, doc, object, false, error);
        if (str_eq(kind, STR("ValidatingAdmissionPolicyBinding")) ||
            str_eq(kind, STR(POLICY_MUTATING "Binding")))
                return policy_load_binding(set, doc, object, error);
        if (!structure_find(NULL, api_version, kind))
                return unknown_kind(object, api_version, kind, error);
        return 0;
}

/* What becomes of a fault R in FILE: it ends the loading, unless somebody wants to hear of all. */
static int fault(struct policy_set *set, int r, struct str file, struct error *error) {
        error_set_file(error, file);
        if (!set->on_fault)
                return r;
        set->on_fault(set->fault_data, error);
        *error = (struct error){ 0 };
        return 0;
}

static int add_object(struct policy_set *set, const struct doc *doc, const struct doc_node *object,
                      struct error *error) {
        int r = policy_set_add_object(set, doc, object, error);

        return r < 0 ? fault(set, r, doc->source->name, error) : r;
}

static int add_document(struct policy_set *set, const struct doc *doc, struct error *error) {
        const struct doc_node *items = doc_get(doc->root, STR("items"));
        int r = 0;

        if (!str_eq(doc_string(doc_get(doc->root, STR("kind")), STR("")), STR("List")) || !items ||
            items->kind != DOC_LIST)
                return add_object(set, doc, doc->root, error);
        for (uint32_t i = 0; i < items->list.count && r >= 0; i++)
                r = add_object(set, doc, &items->list.items[i], error);
        return r;
}

int policy_set_add_source(struct policy_set *set, const struct doc_source *source,
                          struct error *error) {
        struct doc_reader reader;
        struct doc *doc;
        int r;

        doc_reader_init(&reader, source, DOC_AUTO, NULL);
        while ((r = doc_read(&reader, &set->arena, &doc, error)) != 0) {
                r = r > 0 ? add_document(set, doc, error) : fault(set, r, source->name, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

struct add_path {
        struct policy_set *set;
        struct error *error;
        int r;
};

static bool is_rule_file(void *userdata, struct str path, struct str relative, bool folder) {
        ptrdiff_t slash = -1;
        struct str name = relative;

        (void)userdata;
        (void)path;
        while ((slash = str_find(name, STR("/"), 0)) >= 0)
                name = str_slice(name, (size_t)slash + 1, name.len);
        if (str_starts(name, STR(".")))
                return false;
        if (folder)
                return true;
        if (str_ends(name, STR(".test.yaml")) || str_ends(name, STR(".test.yml")))
                return false;
        return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) ||
               str_ends(name, STR(".json"));
}

static int add_file(void *userdata, struct str path, uint64_t size) {
        struct add_path *add = userdata;
        struct doc_source *source = arena_new(&add->set->arena, struct doc_source);
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        int r;

        (void)size;
        r = fs_read(path.ptr, -1, doc_default_limits.file_bytes, false, &buf, add->error);
        if (r >= 0)
                r = doc_source_init(&add->set->arena, path,
                                    arena_str(&add->set->arena, buf_str(&buf)), source, add->error);
        if (r < 0) {
                error_set_file(add->error, path);
                return r;
        }
        return policy_set_add_source(add->set, source, add->error);
}

static void rule_path_problem(void *userdata, struct str path, const char *message) {
        struct add_path *add = userdata;

        if (add->r == 0) {
                add->r = error_set(add->error, -EIO, "%s", message);
                error_set_file(add->error, path);
        }
}

static size_t loaded(const struct policy_set *set) {
        return set->policies.count + set->mutators.count + set->fixes.count + set->bindings.count;
}

int policy_set_add_path(struct policy_set *set, const char *path, struct error *error) {
        struct add_path add = { set, error, 0 };
        struct walk walk = { is_rule_file, add_file, rule_path_problem, &add };
        size_t before = loaded(set);
        int r = walk_path(&set->arena, str_from(path), &walk, error);

        if (r >= 0)
                r = add.r;
        if (r >= 0 && !set->on_fault && loaded(set) == before)
                r = error_set(error, -ENOENT, "holds no ValidatingAdmissionPolicy");
        if (r < 0)
                error_set_file(error, str_from(path));
        return r;
}

static int compare_policies(const void *a, const void *b) {
        const struct policy *x = *(struct policy *const *)a, *y = *(struct policy *const *)b;

        return str_cmp(x->info.id, y->info.id);
}

static int compare_names(const void *a, const void *b) {
        const struct policy *x = *(struct policy *const *)a, *y = *(struct policy *const *)b;

        return str_cmp(x->name, y->name);
}

/* The policy that BINDING is about. */
static struct policy *find_bound(struct policy_set *set, const struct policy_binding *binding) {
        struct policy **items = binding->mutates ? set->mutators.items : set->policies.items;
        size_t count = binding->mutates ? set->mutators.count : set->policies.count;

        for (size_t i = 0; i < count; i++)
                if (str_eq(items[i]->name, binding->policy_name))
                        return items[i];
        return NULL;
}

static int no_policy(struct policy_set *set, const struct policy_binding *binding,
                     struct error *error) {
        const struct doc_node *at = doc_find(binding->object, "spec", "policyName");
        int r = error_set_at(error, -ENOENT, at->start.line, at->start.column,
                             "binding \"%.*s\" names policy \"%.*s\", which is not among the rules",
                             STR_ARG(binding->name), STR_ARG(binding->policy_name));

        return fault(set, r, binding->document->source->name, error);
}

static int named_twice(struct policy_set *set, const struct policy *policy, struct error *error) {
        const struct doc_node *at = doc_find(policy->object, "metadata", "name");
        int r = error_set_at(error, -EINVAL, at->start.line, at->start.column,
                             "there is another mutating policy \"%.*s\"", STR_ARG(policy->name));

        return fault(set, r, policy->info.source, error);
}

/* Mutating policies come in the order of their names, none twice. */
static int finish_mutators(struct policy_set *set, struct error *error) {
        int r = 0;

        if (set->mutators.count > 1)
                qsort(set->mutators.items, set->mutators.count, sizeof *set->mutators.items,
                      compare_names);
        for (size_t i = 1; i < set->mutators.count && r >= 0; i++)
                if (str_eq(set->mutators.items[i]->name, set->mutators.items[i - 1]->name))
                        r = named_twice(set, set->mutators.items[i], error);
        return r;
}

int policy_set_finish(struct policy_set *set, struct error *error) {
        /* From the last to the first, so that each list is in the order of reading: of several
         * refusals the first gives the message. */
        for (size_t i = set->bindings.count; i-- > 0;) {
                struct policy_binding *binding = set->bindings.items[i];
                struct policy *policy = find_bound(set, binding);

                if (!policy) {
                        int r = no_policy(set, binding, error);

                        if (r < 0)
                                return r;
                        continue;
                }
                binding->next = policy->bindings;
                policy->bindings = binding;
        }
        if (set->policies.count > 1)
                qsort(set->policies.items, set->policies.count, sizeof *set->policies.items,
                      compare_policies);
        for (size_t i = 0; i < set->policies.count; i++)
                set->policies.items[i]->number = i;
        return finish_mutators(set, error);
}

const struct policy *policy_find(const struct policy_set *set, struct str id,
                                 struct str *ret_near) {
        const struct policy *found = map_get(&set->by_id, id);
        size_t best = SIZE_MAX;

        *ret_near = STR("");
        for (size_t i = 0; !found && i < set->policies.count; i++) {
                struct str other = set->policies.items[i]->info.id;
                size_t distance = str_distance(id, other);

                if (distance < best && distance <= 1 + id.len / 4) {
                        best = distance;
                        *ret_near = other;
                }
        }
        return found;
}
