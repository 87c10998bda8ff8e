/*
 * Compiling the expressions of a policy.
 *
 * A user's policies are compiled when they are loaded, so that their faults are known before
 * anything is judged. Those of the catalogue, whose expressions the build has tested, are compiled
 * when the first object of their kind is met: most scans need a part of them, and start-up counts.
 */
#include <errno.h>

#include "base/util.h"
#include "cel/message.h"
#include "policy/fields.h"
#include "policy/private.h"

enum { ANNOTATION_EXPRESSION_MAX = 5 << 10 };

struct loader {
        struct policy_set *set;
        struct arena *arena;
        const struct doc *doc;
        struct cel_env *env;
};

static const char *const validation_fields[] = { "expression", "message", "messageExpression",
                                                 "reason", NULL };
static const char *const annotation_fields[] = { "key", "valueExpression", NULL };
static const char *const mutation_fields[] = { "patchType", "applyConfiguration", "jsonPatch",
                                               NULL };
static const char *const expression_fields[] = { "expression", NULL };
static const char *const named_fields[] = { "name", "expression", NULL };

/* Compiles the expression in FIELD of MAP. WANTED: the type it must have, or NULL for any. */
static int compile(struct loader *l, const struct doc_node *map, const char *field,
                   const struct cel_type *wanted, struct cel_program **ret, struct error *error) {
        const struct doc_node *node = doc_get(map, str_from(field));
        struct error problem = { 0 };
        struct doc_pos pos;
        int r;

        if (!node || node->kind != DOC_STRING || str_trim(node->string).len == 0)
                return bad(node ? node : map, error, "%s must be a CEL expression", field);
        r = cel_compile(l->env, l->arena, node->string, ret, &problem);
        if (r < 0) {
                pos = policy_place(l->doc->source, node, problem.line, problem.column);
                return error_set_at(error, r, pos.line, pos.column, "%s", problem.message);
        }
        if (wanted && !cel_type_equal(cel_program_type(*ret), wanted)) {
                struct str is = cel_type_text(l->arena, cel_program_type(*ret));
                struct str must = cel_type_text(l->arena, wanted);

                return bad(node, error, "%s must evaluate to %.*s, not %.*s", field, STR_ARG(must),
                           STR_ARG(is));
        }
        return 0;
}

static int read_variables(struct loader *l, const struct doc_node *spec, struct policy *policy,
                          struct error *error) {
        const struct doc_node *list = NULL;
        int r = policy_read_list(spec, "variables", &list, error);

        if (r < 0)
                return r;
        policy->variables = arena_new_array(l->arena, list->list.count, struct policy_variable);
        policy->variable_count = list->list.count;
        l->set->compiling = policy;
        l->set->compiled_variables = 0;
        for (uint32_t i = 0; i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                r = policy_check_fields(item, "a variable", named_fields, error);
                if (r >= 0)
                        r = policy_read_string(item, "name", &policy->variables[i].name, error);
                if (r >= 0)
                        r = compile(l, item, "expression", NULL, &policy->variables[i].program,
                                    error);
                if (r < 0)
                        return r;
                l->set->compiled_variables++;
        }
        return 0;
}

/* The variable `evidence`, if there is one, is asked for by name. */
static int read_evidence(struct loader *l, struct policy *policy, struct error *error) {
        struct cel_program *program = NULL;
        int r = 0;

        for (size_t i = 0; i < policy->variable_count && r >= 0 && !program; i++)
                if (str_eq(policy->variables[i].name, STR(POLICY_VARIABLE_EVIDENCE)))
                        r = cel_compile(l->env, l->arena,
                                        STR("variables." POLICY_VARIABLE_EVIDENCE), &program,
                                        error);
        policy->evidence = program;
        return r;
}

static int read_conditions(struct loader *l, const struct doc_node *spec, struct policy *policy,
                           struct error *error) {
        const struct doc_node *list = NULL;
        int r = policy_read_list(spec, "matchConditions", &list, error);

        if (r < 0)
                return r;
        policy->conditions = arena_new_array(l->arena, list->list.count, struct policy_condition);
        policy->condition_count = list->list.count;
        for (uint32_t i = 0; i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                r = policy_check_fields(item, "a match condition", named_fields, error);
                if (r >= 0)
                        r = policy_read_string(item, "name", &policy->conditions[i].name, error);
                if (r >= 0)
                        r = compile(l, item, "expression", &cel_type_bool,
                                    &policy->conditions[i].program, error);
                if (r < 0)
                        return r;
                policy->conditions[i].expression = doc_get(item, STR("expression"))->string;
                if (cel_program_uses(policy->conditions[i].program, POLICY_VARIABLES))
                        return bad(doc_get(item, STR("expression")), error,
                                   "a match condition cannot use variables");
        }
        return 0;
}

static bool is_reason(struct str text) {
        return str_eq(text, STR("Forbidden")) || str_eq(text, STR("Invalid")) ||
               str_eq(text, STR("RequestEntityTooLarge"));
}

/* A message is made without the authorizer. */
static void show_authorizer(struct cel_env *env, bool shown) {
        cel_env_hide(env, POLICY_AUTHORIZER, !shown);
        cel_env_hide(env, POLICY_REQUEST_RESOURCE, !shown);
}

static int read_validation(struct loader *l, const struct doc_node *item,
                           struct policy_validation *validation, struct error *error) {
        const struct doc_node *message_expression = doc_get(item, STR("messageExpression"));
        int r = policy_check_fields(item, "a validation", validation_fields, error);

        if (r >= 0)
                r = compile(l, item, "expression", &cel_type_bool, &validation->program, error);
        if (r >= 0)
                r = policy_read_string(item, "expression", &validation->expression, error);
        if (r >= 0)
                r = policy_read_string(item, "message", &validation->message, error);
        if (r >= 0)
                r = policy_read_string(item, "reason", &validation->reason, error);
        if (r >= 0 && message_expression && message_expression->kind != DOC_NULL) {
                show_authorizer(l->env, false);
                r = compile(l, item, "messageExpression", &cel_type_string,
                            &validation->message_program, error);
                show_authorizer(l->env, true);
        }
        if (r < 0)
                return r;
        if (validation->reason.len > 0 && !is_reason(validation->reason))
                return bad(doc_get(item, STR("reason")), error,
                           "\"%.*s\" is no reason (Forbidden, Invalid, RequestEntityTooLarge)",
                           STR_ARG(validation->reason));
        if (str_find(str_trim(validation->message), STR("\n"), 0) >= 0)
                return bad(doc_get(item, STR("message")), error,
                           "message must not contain line breaks");
        return 0;
}

static int read_annotation(struct loader *l, const struct doc_node *item,
                           struct policy_annotation *annotation, struct error *error) {
        const struct cel_type *type;
        int r = policy_check_fields(item, "an audit annotation", annotation_fields, error);

        if (r >= 0)
                r = policy_read_string(item, "key", &annotation->key, error);
        if (r >= 0 && annotation->key.len == 0)
                r = bad(item, error, "an audit annotation needs a key");
        if (r >= 0)
                r = compile(l, item, "valueExpression", NULL, &annotation->program, error);
        if (r < 0)
                return r;
        annotation->expression = doc_get(item, STR("valueExpression"))->string;
        if (str_trim(annotation->expression).len > ANNOTATION_EXPRESSION_MAX)
                return bad(doc_get(item, STR("valueExpression")), error,
                           "valueExpression must not be longer than %d bytes",
                           ANNOTATION_EXPRESSION_MAX);
        type = cel_program_type(annotation->program);
        if (!cel_type_equal(type, &cel_type_string) && !cel_type_equal(type, &cel_type_null))
                return bad(doc_get(item, STR("valueExpression")), error,
                           "valueExpression must evaluate to string or null, not %.*s",
                           STR_ARG(cel_type_text(l->arena, type)));
        return 0;
}

static int read_annotations(struct loader *l, const struct doc_node *list, struct policy *policy,
                            struct error *error) {
        int r = 0;

        policy->annotations = arena_new_array(l->arena, list->list.count, struct policy_annotation);
        policy->annotation_count = list->list.count;
        for (uint32_t i = 0; i < list->list.count && r >= 0; i++)
                r = read_annotation(l, &list->list.items[i], &policy->annotations[i], error);
        return r;
}

static int read_validations(struct loader *l, const struct doc_node *spec, struct policy *policy,
                            struct error *error) {
        const struct doc_node *list = NULL, *annotations = NULL;
        int r = policy_read_list(spec, "validations", &list, error);

        if (r >= 0)
                r = policy_read_list(spec, "auditAnnotations", &annotations, error);
        if (r < 0)
                return r;
        if (list->list.count == 0 && annotations->list.count == 0)
                return bad(spec, error, "a policy needs validations or auditAnnotations");
        policy->validations = arena_new_array(l->arena, list->list.count, struct policy_validation);
        policy->validation_count = list->list.count;
        for (uint32_t i = 0; i < list->list.count; i++) {
                r = read_validation(l, &list->list.items[i], &policy->validations[i], error);
                if (r < 0)
                        return r;
        }
        return read_annotations(l, annotations, policy, error);
}

/* The part of MUTATION that its patchType names. */
static int read_patch_type(const struct doc_node *item, struct policy_mutation *mutation,
                           const struct doc_node **ret, struct error *error) {
        static const char *const fields[] = { "applyConfiguration", "jsonPatch" };
        const struct doc_node *parts[2];
        struct str type = STR("");
        int r = policy_check_fields(item, "a mutation", mutation_fields, error);

        if (r >= 0)
                r = policy_read_string(item, "patchType", &type, error);
        if (r < 0)
                return r;
        mutation->patch_type =
                str_eq(type, STR("JSONPatch")) ? POLICY_JSON_PATCH : POLICY_APPLY_CONFIGURATION;
        if (mutation->patch_type != POLICY_JSON_PATCH && !str_eq(type, STR("ApplyConfiguration")))
                return bad(item, error,
                           "a mutation needs a patchType: ApplyConfiguration or JSONPatch");
        for (size_t i = 0; i < ELEMENTS(parts); i++) {
                parts[i] = doc_get(item, str_from(fields[i]));
                if (parts[i] && parts[i]->kind == DOC_NULL)
                        parts[i] = NULL;
        }
        *ret = parts[mutation->patch_type];
        if (!*ret)
                return bad(item, error, "%s must be specified when patchType is %.*s",
                           fields[mutation->patch_type], STR_ARG(type));
        if (parts[!mutation->patch_type])
                return bad(item, error, "%s must not be specified when patchType is %.*s",
                           fields[!mutation->patch_type], STR_ARG(type));
        return 0;
}

static int read_mutation(struct loader *l, const struct doc_node *item,
                         struct policy_mutation *mutation, struct error *error) {
        const struct cel_type *wanted;
        const struct doc_node *part = NULL;
        int r = read_patch_type(item, mutation, &part, error);

        if (r < 0)
                return r;
        wanted = cel_patch_type(l->arena, STR("Object"));
        if (mutation->patch_type == POLICY_JSON_PATCH)
                wanted = cel_type_list(l->arena, cel_patch_type(l->arena, STR("JSONPatch")));
        r = policy_check_fields(part, "a mutation", expression_fields, error);
        if (r >= 0)
                r = compile(l, part, "expression", wanted, &mutation->program, error);
        if (r >= 0)
                r = policy_read_string(part, "expression", &mutation->expression, error);
        return r;
}

static int read_mutations(struct loader *l, const struct doc_node *spec, struct policy *policy,
                          struct error *error) {
        const struct doc_node *list = NULL;
        int r = policy_read_list(spec, "mutations", &list, error);

        if (r >= 0)
                r = policy_patch_env(l->set, policy, &l->env, error);
        if (r < 0)
                return r;
        if (list->list.count == 0)
                return bad(spec, error, "a mutating policy needs mutations");
        policy->mutations = arena_new_array(l->arena, list->list.count, struct policy_mutation);
        policy->mutation_count = list->list.count;
        for (uint32_t i = 0; i < list->list.count && r >= 0; i++)
                r = read_mutation(l, &list->list.items[i], &policy->mutations[i], error);
        return r;
}

int policy_compile(struct policy_set *set, struct policy *policy, struct error *error) {
        struct loader l = { .set = set, .arena = &set->arena, .doc = policy->document };
        int r = policy_env(set, policy, &l.env, error);

        if (r >= 0)
                r = read_variables(&l, policy->spec, policy, error);
        if (r >= 0)
                r = read_evidence(&l, policy, error);
        if (r >= 0)
                r = read_conditions(&l, policy->spec, policy, error);
        if (r >= 0)
                r = policy->mutates ? read_mutations(&l, policy->spec, policy, error)
                                    : read_validations(&l, policy->spec, policy, error);
        policy->compiled = r >= 0;
        return r;
}

int policy_prepare(struct policy_set *set, struct policy *policy, struct error *error) {
        int r = 0;

        pthread_mutex_lock(&set->compiler);
        if (!policy->compiled)
                r = policy_compile(set, policy, error);
        pthread_mutex_unlock(&set->compiler);
        return r;
}
