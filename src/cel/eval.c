#include "cel/cost.h"
#include "cel/message.h"

#include "base/util.h"
#include "cel/functions.h"

const struct cel_error cel_error_exhausted = {
        .message = STR_INIT("operation cancelled: actual cost limit exceeded")
};
const struct cel_error cel_error_no_overload = { .message = STR_INIT("no such overload") };

bool cel_charge(struct cel_context *context, uint64_t count) {
        if (__builtin_add_overflow(context->steps, count, &context->steps) ||
            context->steps > context->step_limit)
                context->exhausted = true;
        return !context->exhausted;
}

void cel_abort(struct cel_context *context, const char *format, ...) {
        struct cel_error *error = arena_new(context->scratch, struct cel_error);
        va_list args;

        va_start(args, format);
        error->message = arena_vprintf(context->scratch, format, args);
        va_end(args);
        context->aborted = error;
        context->aborted_cost = context->cost;
        context->exhausted = true;
}

void cel_abort_refund(struct cel_context *context, int64_t cost) {
        if (context->aborted)
                context->aborted_cost -= cost;
}

/* What becomes of an opaque value or a type that is unwrapped and wrapped again: cel-go takes the
 * Go value out of it, and has no way back from most. */
static struct cel_value convert_back(struct cel_context *context, const struct cel_value *value) {
        if (value->kind == CEL_TYPE)
                return cel_string(cel_value_text(context->scratch, value));
        if (value->kind == CEL_OPAQUE && !value->opaque_type->convertible)
                return cel_error(context->scratch, "unsupported conversion to ref.Val: (%.*s)",
                                 STR_ARG(value->opaque_type->name));
        return *value;
}

/* An optional in an optional loses a layer where cel-go reads an identifier or takes a branch of a
 * conditional, and optional.of(optional.none()) becomes optional.of(null): it resolves both as
 * attributes, which unwrap an optional and wrap what is in it again. So the value of
 * x.optMap(q, quantity(q)) is an optional error. */
static void collapse(struct cel_context *context, struct cel_value *value) {
        if (value->kind != CEL_OPTIONAL || !value->some || cel_is_full(context))
                return;
        while (value->kind == CEL_OPTIONAL && value->some && value->some->kind == CEL_OPTIONAL) {
                if (!value->some->some)
                        *value = cel_optional_of(context->scratch, cel_null());
                else
                        *value = *value->some;
        }
        if (value->some && (value->some->kind == CEL_OPAQUE || value->some->kind == CEL_TYPE))
                *value = cel_optional_of(context->scratch, convert_back(context, value->some));
}

static void eval_ident(struct cel_context *context, const struct cel_expr *expr,
                       struct cel_value *ret) {
        size_t number;

        context->cost++;
        if (expr->slot >= 0) {
                if (context->deferred)
                        cel_pay_deferred(context, expr->slot);
                *ret = context->frame[expr->slot];
                collapse(context, ret);
                return;
        }
        number = (size_t)(-1 - (int64_t)expr->slot);
        if (expr->slot != CEL_SLOT_UNRESOLVED && number < context->variable_count &&
            context->variables[number].kind != CEL_UNSET)
                *ret = context->variables[number];
        else
                *ret = cel_error(context->scratch, "no such attribute(s): %.*s",
                                 STR_ARG(expr->name));
}

/* A term that is no bool: an error stays what it is. */
static void not_bool(struct cel_value *term) {
        if (!cel_is_error(term))
                *term = cel_plain_no_overload();
}

/* && with DECIDES false, || with DECIDES true: a side that decides absorbs the other's error,
 * whichever comes first (specification, "Logical operators"). */
static void eval_logic(struct cel_context *context, const struct cel_expr *expr, bool decides,
                       struct cel_value *ret) {
        struct cel_value right;

        cel_eval_into(context, expr->args[0], ret);
        if (ret->kind == CEL_BOOL && ret->boolean == decides) {
                cel_bool_into(ret, decides);
                return;
        }
        if (context->exhausted)
                return;
        cel_eval_into(context, expr->args[1], &right);
        if (context->exhausted)
                *ret = cel_exhausted();
        else if (right.kind == CEL_BOOL && right.boolean == decides)
                cel_bool_into(ret, decides);
        else if (ret->kind != CEL_BOOL)
                not_bool(ret);
        else if (right.kind == CEL_BOOL)
                cel_bool_into(ret, !decides);
        else {
                *ret = right;
                not_bool(ret);
        }
}

static void eval_conditional(struct cel_context *context, const struct cel_expr *expr,
                             struct cel_value *ret) {
        const struct cel_expr *branch;

        cel_eval_into(context, expr->args[0], ret);
        if (ret->kind != CEL_BOOL) {
                not_bool(ret);
                return;
        }
        branch = expr->args[ret->boolean ? 1 : 2];
        if (branch->kind == CEL_EXPR_SELECT && branch->test_only) {
                *ret = cel_eval_has(context, branch, true);
                return;
        }
        cel_eval_bare(context, branch, ret);
        collapse(context, ret);
}

static void eval_operator(struct cel_context *context, const struct cel_expr *expr,
                          struct cel_value *ret) {
        struct cel_value left, right;

        cel_eval_into(context, expr->args[0], &left);
        if (expr->arg_count == 1) {
                cel_pay_operator(context, expr, &left, NULL);
                if (cel_is_error(&left))
                        *ret = left;
                else
                        cel_operate_into(context, expr->op, &left, NULL, ret);
                return;
        }
        if (cel_is_error(&left) && expr->op == CEL_OP_IN && expr->cost == CEL_COST_FREE) {
                *ret = left;
                return;
        }
        /* Even if the left side failed, cel-go evaluates the right one, and that costs. */
        cel_eval_into(context, expr->args[1], &right);
        cel_pay_operator(context, expr, &left, &right);
        if (context->exhausted)
                *ret = cel_exhausted();
        else if (cel_is_error(&left))
                *ret = left;
        else if (cel_is_error(&right))
                *ret = right;
        else
                cel_operate_into(context, expr->op, &left, &right, ret);
}

/* Evaluates the body of EXPR with its variable bound to VALUE, for which DEFERRED is charged when
 * it is used. */
static void eval_body(struct cel_context *context, const struct cel_expr *expr,
                      struct cel_value value, struct cel_deferred *deferred,
                      struct cel_value *ret) {
        context->frame[expr->slot] = value;
        context->deferred = deferred;
        cel_eval_into(context, expr->args[0], ret);
        context->deferred = deferred->outer;
        context->deferred_cost -= deferred->paid;
        if (!cel_is_error(ret) && expr->op == CEL_OP_OPT_MAP)
                *ret = cel_optional_of(context->scratch, *ret);
        collapse(context, ret); /* the macros expand to a conditional */
}

/* target.optMap(x, e), target.optFlatMap(x, e). */
static void eval_opt_map(struct cel_context *context, const struct cel_expr *expr,
                         struct cel_value *ret) {
        int64_t before = context->cost - context->deferred_cost;
        struct cel_deferred deferred = { context->deferred, expr->slot, 0, 0 };

        cel_eval_into(context, expr->target, ret);
        deferred.cost = context->cost - context->deferred_cost - before;
        if (!expr->conditional) {
                /* A mere binding: an error shows where the variable is used. */
                context->cost -= deferred.cost;
                eval_body(context, expr, cel_is_error(ret) ? *ret : *ret->some, &deferred, ret);
                return;
        }
        deferred.cost++; /* value() */
        context->cost++; /* hasValue() */
        if (cel_is_error(ret))
                return;
        if (ret->kind != CEL_OPTIONAL) {
                *ret = cel_no_such_overload(context, STR("hasValue"), ret, 1);
                return;
        }
        /* optional.of() or optional.none() */
        context->cost += expr->op == CEL_OP_OPT_MAP || !ret->some;
        if (ret->some) {
                eval_body(context, expr, *ret->some, &deferred, ret);
                cel_abort_refund(context, expr->op == CEL_OP_OPT_MAP);
        }
}

/* cel.bind(), cel.block(): a value that fails fails where it is used. */
static void eval_bind(struct cel_context *context, const struct cel_expr *expr,
                      struct cel_value *ret) {
        size_t last = expr->arg_count - 1;

        for (size_t i = 0; i < last; i++) {
                struct cel_value value = cel_eval_expr(context, expr->args[i]);

                context->frame[expr->slot + (int)i] = value;
        }
        cel_eval_into(context, expr->args[last], ret);
}

static void eval_call(struct cel_context *context, const struct cel_expr *expr,
                      struct cel_value *ret) {
        switch (expr->op) {
        case CEL_OP_CALL:
                cel_eval_call(context, expr, ret);
                return;
        case CEL_OP_CONDITIONAL:
                eval_conditional(context, expr, ret);
                return;
        case CEL_OP_AND:
                eval_logic(context, expr, false, ret);
                return;
        case CEL_OP_OR:
                eval_logic(context, expr, true, ret);
                return;
        case CEL_OP_INDEX:
        case CEL_OP_OPTIONAL_INDEX:
                cel_eval_access(context, expr, ret);
                return;
        case CEL_OP_OPT_MAP:
        case CEL_OP_OPT_FLAT_MAP:
                eval_opt_map(context, expr, ret);
                return;
        case CEL_OP_BIND:
                eval_bind(context, expr, ret);
                return;
        case CEL_OP_NOT:
        case CEL_OP_NEGATE:
        case CEL_OP_EQUAL:
        case CEL_OP_NOT_EQUAL:
        case CEL_OP_LESS:
        case CEL_OP_LESS_EQUAL:
        case CEL_OP_GREATER:
        case CEL_OP_GREATER_EQUAL:
        case CEL_OP_IN:
        case CEL_OP_ADD:
        case CEL_OP_SUBTRACT:
        case CEL_OP_MULTIPLY:
        case CEL_OP_DIVIDE:
        case CEL_OP_MODULO:
                break;
        }
        eval_operator(context, expr, ret);
}

static void eval_node(struct cel_context *context, const struct cel_expr *expr,
                      struct cel_value *ret) {
        switch (expr->kind) {
        case CEL_EXPR_CONST:
                *ret = expr->constant;
                return;
        case CEL_EXPR_IDENT:
                eval_ident(context, expr, ret);
                return;
        case CEL_EXPR_SELECT:
                if (expr->test_only)
                        *ret = cel_eval_has(context, expr, false);
                else
                        cel_eval_access(context, expr, ret);
                return;
        case CEL_EXPR_CALL:
                eval_call(context, expr, ret);
                return;
        case CEL_EXPR_LIST:
                *ret = cel_eval_list(context, expr);
                return;
        case CEL_EXPR_MAP:
                *ret = cel_eval_map(context, expr);
                return;
        case CEL_EXPR_COMPREHENSION:
                cel_eval_comprehension(context, expr, ret);
                return;
        case CEL_EXPR_STRUCT:
                if (expr->type->object && expr->type->object->message)
                        *ret = cel_eval_message(context, expr);
                else /* not checked */
                        *ret = cel_error(context->scratch, "unknown type: %.*s",
                                         STR_ARG(expr->name));
                return;
        }
}

void cel_eval_into(struct cel_context *context, const struct cel_expr *expr,
                   struct cel_value *ret) {
        if (!cel_step(context)) {
                *ret = cel_exhausted();
                return;
        }
        if (expr->kind == CEL_EXPR_CONST) {
                *ret = expr->constant;
                return;
        }
        if (expr->kind == CEL_EXPR_IDENT) {
                eval_ident(context, expr, ret);
                return;
        }
        if (context->depth >= CEL_DEPTH_LIMIT) {
                context->exhausted = true;
                *ret = cel_exhausted();
                return;
        }
        context->depth++;
        eval_node(context, expr, ret);
        context->depth--;
}

struct cel_value *cel_frame_new(const struct cel_program *program, struct arena *scratch) {
        size_t count = program->slot_count > 0 ? (size_t)program->slot_count : 0;

        return count > 0 ? arena_new_array(scratch, count, struct cel_value) : NULL;
}

void cel_context_init(struct cel_context *context, const struct cel_program *program,
                      const struct cel_activation *activation, struct arena *scratch) {
        *context = (struct cel_context){
                .scratch = scratch,
                .env = program->env,
                .variables = activation->variables,
                .variable_count = activation->count,
                .frame = cel_frame_new(program, scratch),
                .step_limit = activation->step_limit ? activation->step_limit : CEL_DEFAULT_STEPS,
                .cost_limit = CEL_COST_PER_CALL,
        };
        if (activation->cost_limit)
                context->cost_limit = activation->cost_limit < INT64_MAX
                                              ? (int64_t)activation->cost_limit
                                              : INT64_MAX;
}

/* Evaluates PROGRAM, whose cost starts at 0. What costs too much is an error, whatever the value.
 */
static void eval_program(struct cel_context *context, const struct cel_program *program,
                         struct cel_value *ret) {
        cel_eval_into(context, program->expr, ret);
        if (context->aborted) {
                *ret = cel_error_fixed(context->aborted);
                context->cost = context->aborted_cost;
        } else if (context->cost > context->cost_limit)
                *ret = cel_exhausted();
}

void cel_eval_cost(const struct cel_program *program, const struct cel_activation *activation,
                   struct arena *scratch, struct cel_value *ret, struct cel_cost *ret_cost) {
        struct cel_context context;

        cel_context_init(&context, program, activation, scratch);
        eval_program(&context, program, ret);
        *ret_cost = (struct cel_cost){ (uint64_t)context.cost, (uint64_t)context.nested_cost };
}

void cel_eval(const struct cel_program *program, const struct cel_activation *activation,
              struct arena *scratch, struct cel_value *ret) {
        struct cel_cost cost;

        cel_eval_cost(program, activation, scratch, ret, &cost);
}

void cel_eval_nested(const struct cel_program *program, struct cel_context *context,
                     struct cel_value *ret) {
        struct cel_deferred *deferred = context->deferred;
        int64_t cost = context->cost, deferred_cost = context->deferred_cost;
        struct cel_value *outer = context->frame;

        context->frame = cel_frame_new(program, context->scratch);
        context->cost = context->deferred_cost = 0;
        context->deferred = NULL;
        eval_program(context, program, ret);
        /* A variable that costs too much is an error like others to the expression around it. */
        if ((context->aborted || context->cost > context->cost_limit) &&
            context->steps <= context->step_limit)
                context->exhausted = false;
        context->aborted = NULL;
        context->nested_cost += context->cost;
        context->cost = cost;
        context->deferred_cost = deferred_cost;
        context->deferred = deferred;
        context->frame = outer;
}
