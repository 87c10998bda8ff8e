#include "policy/mutate.h"

#include <errno.h>

#include "base/util.h"
#include "base/vec.h"
#include "doc/patch.h"
#include "kube/decode.h"
#include "kube/merge.h"
#include "kube/strict.h"
#include "policy/admit.h"
#include "policy/evaluation.h"
#include "policy/value.h"

/* A policy as one binding applies it with one object as params. */
struct invocation {
        const struct policy *policy;
        const struct policy_binding *binding; /* NULL: none */
        const struct doc_node *params;        /* NULL: none */
        bool ran;                             /* its match conditions held */
};

struct mutation_run {
        const struct policy_set *set;
        struct arena *arena;
        struct policy_subject subject; /* with the object as it is now */
        VEC(struct invocation) invocations;
        VEC(struct invocation) earlier; /* those of the first pass */
        bool second;                    /* this is the second pass */
        bool patched;                   /* some mutation was applied */
        bool failed;                    /* nothing more is done */
        struct policy_mutated *ret;
};

/* What the sink of a judgement needs. */
struct mutator {
        struct mutation_run *run;
        struct invocation *invocation;
};

/* --- refusals --- */

static void deny(struct mutation_run *run, struct str message, const char *reason, int code) {
        if (run->ret->denied)
                return;
        run->ret->denied = true;
        run->ret->message = message;
        run->ret->reason = str_from(reason);
        run->ret->code = code;
}

/* A fault of a policy, which failurePolicy may overlook. */
static void policy_fails(struct mutation_run *run, const struct invocation *invocation,
                         struct str message, const char *reason) {
        const struct policy *policy = invocation->policy;
        const struct policy_binding *binding = invocation->binding;

        if (policy->ignore_failures)
                return;
        if (binding)
                message = arena_printf(
                        run->arena, "policy '%.*s' with binding '%.*s' denied request: %.*s",
                        STR_ARG(policy->name), STR_ARG(binding->name), STR_ARG(message));
        else
                message = arena_printf(run->arena, "policy \"%.*s\" denied request: %.*s",
                                       STR_ARG(policy->name), STR_ARG(message));
        deny(run, message, reason, 403);
}

/* A fault that ends everything, whatever the policies say. */
static void server_fails(struct mutation_run *run, const char *message) {
        run->failed = true;
        run->ret->denied = false;
        deny(run, arena_printf(run->arena, "Internal error occurred: %s", message), "InternalError",
             500);
}

static void take_violation(void *userdata, const struct policy_violation *violation) {
        struct mutator *mutator = userdata;

        policy_fails(mutator->run, mutator->invocation, violation->message, "Invalid");
}

/* --- the two kinds of patches --- */

/* OBJECT as one of the kind that LIKE is of. */
static const struct doc_node *with_kind(struct arena *arena, const struct doc_node *object,
                                        const struct doc_node *like) {
        static const struct str keys[] = { STR_INIT("apiVersion"), STR_INIT("kind") };
        struct doc_node *made = doc_new_map(arena, object, object->map.count + ELEMENTS(keys));
        uint32_t count = 0;

        for (uint32_t i = 0; i < object->map.count; i++) {
                const struct doc_entry *entry = &object->map.entries[i];

                if (str_eq(entry->key, keys[0]) || str_eq(entry->key, keys[1]))
                        continue;
                made->map.entries[count++] = *entry;
        }
        for (uint32_t i = 0; i < like->map.count; i++) {
                const struct doc_entry *entry = &like->map.entries[i];

                if (str_eq(entry->key, keys[0]) || str_eq(entry->key, keys[1]))
                        made->map.entries[count++] = *entry;
        }
        made->flags = object->flags;
        made->parent = object->parent;
        made->map.count = count;
        doc_map_index(arena, made);
        return made;
}

static const struct structure *structure_of(const struct structure_set *custom,
                                            const struct doc_node *object) {
        return structure_find(custom, doc_string(doc_get(object, STR("apiVersion")), STR("")),
                              doc_string(doc_get(object, STR("kind")), STR("")));
}

/* "apps/v1, Kind=Deployment" */
static struct str kind_text(struct arena *arena, const struct doc_node *object) {
        struct str api_version = doc_string(doc_get(object, STR("apiVersion")), STR(""));
        struct str kind = doc_string(doc_get(object, STR("kind")), STR(""));

        return arena_printf(arena, "%s%.*s, Kind=%.*s",
                            str_find(api_version, STR("/"), 0) < 0 ? "/" : "", STR_ARG(api_version),
                            STR_ARG(kind));
}

static int apply_configuration(struct mutation_run *run, const struct cel_value *value,
                               const struct doc_node **ret, struct error *error) {
        const struct doc_node *object = run->subject.object, *configuration;
        const struct structure *structure = structure_find(
                &run->set->structures, doc_string(doc_get(object, STR("apiVersion")), STR("")),
                doc_string(doc_get(object, STR("kind")), STR("")));
        struct error problem = { 0 };
        int r = policy_check_type_names(value, error);

        if (r >= 0)
                r = policy_configuration(run->arena, value, &configuration, error);
        if (r < 0)
                return r;
        r = kube_merge(run->arena, structure, object, with_kind(run->arena, configuration, object),
                       ret, &problem);
        if (r < 0)
                return error_set(error, r, "error applying patch: %s", problem.message);
        r = kube_decode_check(*ret, &problem);
        if (r < 0)
                return error_set(error, r, "unable to convert unstructured object to %.*s: %s",
                                 STR_ARG(kind_text(run->arena, object)), problem.message);
        return r;
}

static struct str patch_text(const struct cel_message *patch, const char *field) {
        const struct cel_value *value = cel_message_get(patch, str_from(field));

        return value && value->kind == CEL_STRING ? value->string : STR("");
}

static int read_operation(struct mutation_run *run, const struct cel_value *item,
                          struct doc_operation *ret, struct error *error) {
        const struct cel_message *patch = cel_message_of(item);
        const struct cel_value *value;
        int r = 0;

        if (!patch || !str_eq(patch->type->name, STR("JSONPatch")))
                return error_set(error, -EINVAL,
                                 "type mismatch: JSONPatchType.expression should evaluate to array "
                                 "of JSONPatch");
        ret->op = patch_text(patch, "op");
        ret->path = patch_text(patch, "path");
        ret->from = patch_text(patch, "from");
        value = cel_message_get(patch, STR("value"));
        if (!value)
                return 0;
        if (cel_message_of(value))
                r = policy_check_type_names(value, error);
        return r < 0 ? r : policy_json_value(run->arena, value, &ret->value, error);
}

#define SERVER_FAULT(error, ...) (error_set((error), -EIO, __VA_ARGS__))

/* Whether FIELD of the patched OBJECT says the same as BEFORE. It may be left out of a built-in
 * kind, for which the server knows it; in a custom resource it may say what it likes. -EIO. */
static int check_kind(const struct doc_node *object, const struct doc_node *before,
                      const char *field, struct error *error) {
        const struct doc_node *is = doc_get(object, str_from(field));
        bool builtin = structure_of(NULL, before) != NULL;

        if (is && is->kind != DOC_STRING && is->kind != DOC_NULL)
                return SERVER_FAULT(error,
                                    "couldn't get version/kind; json parse error: json: cannot "
                                    "unmarshal %s into Go struct field .%s of type string",
                                    doc_kind_name(is->kind), field);
        if (!builtin && (!is || is->kind == DOC_NULL) && strcmp(field, "kind") == 0)
                return SERVER_FAULT(error, "Object 'Kind' is missing");
        if (builtin && is && is->kind == DOC_STRING &&
            !str_eq(is->string, doc_string(doc_get(before, str_from(field)), STR(""))))
                return SERVER_FAULT(error, "failed to convert object: the patch changed its %s",
                                    field);
        return 0;
}

/* What a JSON patch made has to be of the kind that it was of, and one that can be decoded. -EIO.
 */
static int check_patched(struct mutation_run *run, const struct doc_node **object,
                         struct error *error) {
        const struct doc_node *before = run->subject.object;
        int r;

        if ((*object)->kind != DOC_MAP)
                return SERVER_FAULT(error,
                                    "couldn't get version/kind; json parse error: json: cannot "
                                    "unmarshal array into Go value of type struct { APIVersion "
                                    "string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
                                    "\"json:\\\"kind,omitempty\\\"\" }");
        r = check_kind(*object, before, "kind", error);
        if (r >= 0)
                r = check_kind(*object, before, "apiVersion", error);
        if (r < 0)
                return r;
        *object = with_kind(run->arena, *object, before);
        return kube_decode_check(*object, error) < 0 ? -EIO : 0;
}

/* A patch whose `test` fails changes nothing. What cannot be decoded afterwards is a fault of the
 * server, -EIO, because it wrote it. */
static int apply_json_patch(struct mutation_run *run, const struct cel_value *value,
                            const struct doc_node **ret, struct error *error) {
        size_t count = cel_list_size(value);
        struct doc_operation *operations = arena_new_array(run->arena, count, struct doc_operation);
        struct error problem = { 0 };
        int r = 0;

        for (size_t i = 0; i < count && r >= 0; i++) {
                struct cel_value item = cel_list_at(value, i);

                r = read_operation(run, &item, &operations[i], error);
        }
        if (r < 0)
                return r;
        r = doc_patch(run->arena, run->subject.object, operations, count, ret, &problem);
        if (r == -ECANCELED) {
                *ret = run->subject.object;
                return 0;
        }
        if (r < 0)
                return error_set(error, r, "%s%s",
                                 r == -EIO ? "" : "JSON Patch: ", problem.message);
        return check_patched(run, ret, error);
}

/* --- mutations --- */

static int patch_object(struct mutation_run *run, const struct policy_mutation *mutation,
                        const struct cel_value *value, const struct doc_node **ret,
                        struct error *error) {
        if (mutation->patch_type == POLICY_JSON_PATCH)
                return apply_json_patch(run, value, ret, error);
        return apply_configuration(run, value, ret, error);
}

/* The value of MUTATION's expression; false, reported, where it has none. */
static bool evaluate(struct mutation_run *run, const struct invocation *invocation,
                     const struct policy_mutation *mutation, struct cel_value *ret) {
        const struct policy *policy = invocation->policy;
        struct cel_value values[POLICY_VARIABLE_COUNT] = { 0 };
        struct policy_evaluation evaluation;
        struct str message;

        policy_values_init(values, policy, &run->subject, invocation->params, run->arena);
        policy_values_show_namespace(values, policy, &run->subject, run->arena);
        policy_evaluation_init(&evaluation, policy, values, CEL_COST_PER_POLICY, run->arena);
        if (!policy_evaluate(&evaluation, mutation->program, ret))
                message = STR(POLICY_OUT_OF_BUDGET);
        else if (ret->kind == CEL_ERROR)
                message = policy_error_message(run->arena, mutation->expression, ret);
        else
                return true;
        policy_fails(run, invocation, message, "Invalid");
        return false;
}

static void mutate(struct mutation_run *run, const struct invocation *invocation,
                   const struct policy_mutation *mutation) {
        const struct doc_node *made;
        struct error error = { 0 };
        struct cel_value value;
        int r;

        if (!evaluate(run, invocation, mutation, &value))
                return;
        r = patch_object(run, mutation, &value, &made, &error);
        if (r == -EIO) {
                server_fails(run, error.message);
        } else if (r < 0) {
                policy_fails(run, invocation, arena_str(run->arena, str_from(error.message)),
                             "Invalid");
        } else {
                run->subject.object = kube_decode(run->arena, made);
                run->patched = true;
        }
}

/* --- invocations --- */

static bool conditions_hold(struct mutation_run *run, struct invocation *invocation) {
        struct mutator mutator = { run, invocation };
        const struct policy_sink sink = { .violation = take_violation, .userdata = &mutator };
        struct cel_value values[POLICY_VARIABLE_COUNT] = { 0 };

        policy_values_init(values, invocation->policy, &run->subject, invocation->params,
                           run->arena);
        return policy_conditions_hold(invocation->policy, invocation->binding, values, run->arena,
                                      &sink);
}

/* Whether INVOCATION, of the second pass, is of a policy that runs again. */
static bool runs_again(const struct mutation_run *run, const struct invocation *invocation) {
        if (!invocation->policy->reinvoke)
                return false;
        for (size_t i = 0; i < run->earlier.count; i++) {
                const struct invocation *earlier = &run->earlier.items[i];

                if (earlier->policy == invocation->policy &&
                    earlier->binding == invocation->binding &&
                    earlier->params == invocation->params)
                        return earlier->ran;
        }
        return false;
}

static void invoke(struct mutation_run *run, struct invocation *invocation) {
        const struct policy *policy = invocation->policy;

        if (!conditions_hold(run, invocation) || (run->second && !runs_again(run, invocation)))
                return;
        invocation->ran = true;
        for (size_t i = 0; i < policy->mutation_count && !run->failed; i++)
                mutate(run, invocation, &policy->mutations[i]);
}

/* Adds the invocations of POLICY as BINDING (NULL: none) applies it. */
static void collect_bound(struct mutation_run *run, const struct policy *policy,
                          const struct policy_binding *binding) {
        struct invocation invocation = { .policy = policy, .binding = binding };
        const struct doc_node *const *params = NULL;
        size_t count = 0;
        const char *problem =
                policy_find_params(policy, binding, &run->subject, run->arena, &params, &count);

        if (problem)
                policy_fails(run, &invocation,
                             arena_printf(run->arena, "failed to configure binding: %s", problem),
                             "Forbidden");
        for (size_t i = 0; !problem && i < count; i++) {
                invocation.params = params[i];
                *vec_push_in(run->arena, &run->invocations) = invocation;
        }
}

/* Who matches is decided before anything is changed. */
static void collect(struct mutation_run *run) {
        for (size_t i = 0; i < run->set->mutators.count; i++) {
                const struct policy *policy = run->set->mutators.items[i];

                if (!policy_definition_matches(policy, &run->subject))
                        continue;
                if (!policy->bindings)
                        collect_bound(run, policy, NULL);
                for (const struct policy_binding *binding = policy->bindings; binding;
                     binding = binding->next)
                        if (policy_binding_matches(binding, &run->subject))
                                collect_bound(run, policy, binding);
                run->ret->matched = true;
        }
}

static void pass(struct mutation_run *run) {
        collect(run);
        for (size_t i = 0; i < run->invocations.count && !run->failed; i++)
                invoke(run, &run->invocations.items[i]);
}

/* Starts the second pass. */
static void turn(struct mutation_run *run) {
        memcpy(&run->earlier, &run->invocations, sizeof run->earlier);
        memset(&run->invocations, 0, sizeof run->invocations);
        run->second = true;
}

void policy_mutate(const struct policy_set *set, const struct policy_subject *subject,
                   struct arena *arena, struct policy_mutated *ret) {
        struct mutation_run run = { .set = set, .arena = arena, .subject = *subject, .ret = ret };

        *ret = (struct policy_mutated){ .object = subject->object };
        if (!subject->object || subject->operation == POLICY_DELETE ||
            policy_is_exempt(subject->group, subject->resource))
                return;
        pass(&run);
        if (run.patched && !ret->denied) {
                turn(&run);
                pass(&run);
        }
        if (!ret->denied)
                ret->object = run.subject.object;
}
