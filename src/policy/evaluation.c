#include "policy/evaluation.h"

#include <errno.h>

static ptrdiff_t variable_index(const struct policy *policy, struct str name) {
        for (size_t i = 0; i < policy->variable_count; i++)
                if (str_eq(policy->variables[i].name, name))
                        return (ptrdiff_t)i;
        return -1;
}

/* What is thrown by a variable says whose fault it is. */
static struct cel_value variable_error(struct arena *scratch, struct str name,
                                       struct cel_value value) {
        struct cel_error *error = arena_new(scratch, struct cel_error);

        *error = *value.error;
        error->message =
                arena_printf(scratch, "composited variable \"%.*s\" fails to evaluate: %.*s",
                             STR_ARG(name), STR_ARG(value.error->message));
        value.error = error;
        return value;
}

/* A variable sees only those before it, so this ends. */
static int get_variable(const struct cel_lazy *lazy, struct cel_context *context, struct str key,
                        struct cel_value *ret) {
        struct policy_variables *variables = (struct policy_variables *)(uintptr_t)lazy;
        ptrdiff_t i = variable_index(variables->policy, key);
        struct cel_value *value;

        if (i < 0)
                return -ENOENT;
        value = &variables->values[i];
        if (value->kind == CEL_UNSET) {
                cel_eval_nested(variables->policy->variables[i].program, context, value);
                if (value->kind == CEL_ERROR)
                        *value = variable_error(context->scratch,
                                                variables->policy->variables[i].name, *value);
        }
        *ret = *value;
        return 0;
}

static const struct cel_program *variable_program(const struct cel_lazy *lazy, struct str key) {
        const struct policy_variables *variables = (const struct policy_variables *)lazy;
        ptrdiff_t i = variable_index(variables->policy, key);

        return i < 0 ? NULL : variables->policy->variables[i].program;
}

void policy_evaluation_init(struct policy_evaluation *evaluation, const struct policy *policy,
                            const struct cel_value *values, uint64_t budget,
                            struct arena *scratch) {
        struct policy_variables *variables = &evaluation->variables;

        evaluation->scratch = scratch;
        variables->lazy.get = get_variable;
        variables->policy = policy;
        variables->values = arena_new_array(scratch, policy->variable_count, struct cel_value);
        for (size_t i = 0; i < policy->variable_count; i++)
                variables->values[i].kind = CEL_UNSET;
        memcpy(evaluation->values, values, sizeof evaluation->values);
        evaluation->values[POLICY_VARIABLES] = (struct cel_value){ .kind = CEL_MAP,
                                                                   .representation = CEL_LAZY,
                                                                   .lazy = &variables->lazy };
        evaluation->activation = (struct cel_activation){ .variables = evaluation->values,
                                                          .count = POLICY_VARIABLE_COUNT };
        evaluation->budget = budget;
        evaluation->cost = 0;
        evaluation->exhausted = NULL;
}

bool policy_evaluate(struct policy_evaluation *evaluation, const struct cel_program *program,
                     struct cel_value *ret) {
        struct cel_cost cost;

        if (evaluation->exhausted)
                return false;
        cel_eval_cost(program, &evaluation->activation, evaluation->scratch, ret, &cost);
        evaluation->cost += cost.variables + cost.cost;
        if (evaluation->cost > evaluation->budget)
                evaluation->exhausted = program;
        return !evaluation->exhausted;
}

size_t policy_evaluation_unused(const struct policy_evaluation *evaluation) {
        const struct policy_variables *variables = &evaluation->variables;
        size_t count = 0;

        for (size_t i = 0; i < variables->policy->variable_count; i++)
                count += variables->values[i].kind == CEL_UNSET;
        return count;
}

size_t policy_evaluation_explain(const struct policy_evaluation *evaluation,
                                 const struct cel_program *program, struct cel_reason *reasons) {
        static const struct cel_explainer explainer = { variable_program };

        return cel_explain(program, &evaluation->activation, &explainer, evaluation->scratch,
                           reasons);
}
