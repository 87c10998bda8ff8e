#include "cel/eval.h"

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

/* An optional in an optional loses a layer where cel-go reads an identifier or takes a branch of a
 * conditional, and optional.of(optional.none()) becomes optional.of(null): it resolves both as
 * attributes, which unwrap an optional and wrap what is in it again. */
static struct cel_value collapse(struct cel_context *context, struct cel_value value) {
        while (value.kind == CEL_OPTIONAL && value.some && value.some->kind == CEL_OPTIONAL) {
                if (!value.some->some)
                        return cel_optional_of(context->scratch, cel_null());
                value = *value.some;
        }
        return value;
}

static struct cel_value eval_ident(struct cel_context *context, const struct cel_expr *expr) {
        size_t number;

        if (expr->slot >= 0)
                return collapse(context, context->frame[expr->slot]);
        number = (size_t)(-1 - (int64_t)expr->slot);
        if (expr->slot != CEL_SLOT_UNRESOLVED && number < context->variable_count &&
            context->variables[number].kind != CEL_UNSET)
                return context->variables[number];
        return cel_error(context->scratch, "no such attribute(s): %.*s", STR_ARG(expr->name));
}

/* A term of && or ||: what it contributes when it does not decide alone. */
static struct cel_value term_error(const struct cel_value *term) {
        return cel_is_error(term) ? *term : cel_plain_no_overload();
}

/* && with DECIDES false, || with DECIDES true: a side that decides absorbs the other's error,
 * whichever comes first (specification, "Logical operators"). */
static struct cel_value eval_logic(struct cel_context *context, const struct cel_expr *expr,
                                   bool decides) {
        struct cel_value left, right;

        left = cel_eval_expr(context, expr->args[0]);
        if (left.kind == CEL_BOOL && left.boolean == decides)
                return cel_bool(decides);
        if (context->exhausted)
                return cel_exhausted();
        right = cel_eval_expr(context, expr->args[1]);
        if (right.kind == CEL_BOOL && right.boolean == decides)
                return cel_bool(decides);
        if (context->exhausted)
                return cel_exhausted();
        if (left.kind != CEL_BOOL)
                return term_error(&left);
        if (right.kind != CEL_BOOL)
                return term_error(&right);
        return cel_bool(!decides);
}

static struct cel_value eval_conditional(struct cel_context *context, const struct cel_expr *expr) {
        struct cel_value condition = cel_eval_expr(context, expr->args[0]);
        const struct cel_expr *branch;

        if (condition.kind != CEL_BOOL)
                return term_error(&condition);
        branch = expr->args[condition.boolean ? 1 : 2];
        if (branch->kind == CEL_EXPR_SELECT && branch->test_only)
                return cel_eval_has(context, branch, true);
        return collapse(context, cel_eval_expr(context, branch));
}

static bool is_empty_list(const struct cel_expr *expr) {
        if (expr->kind == CEL_EXPR_CONST)
                return expr->constant.kind == CEL_LIST && cel_list_size(&expr->constant) == 0;
        return expr->kind == CEL_EXPR_LIST && expr->arg_count == 0;
}

static struct cel_value eval_operator(struct cel_context *context, const struct cel_expr *expr) {
        struct cel_value left, right;

        /* cel-go turns membership in an empty list literal into false without looking at the
         * left side. */
        if (expr->op == CEL_OP_IN && is_empty_list(expr->args[1]))
                return cel_bool(false);
        left = cel_eval_expr(context, expr->args[0]);
        if (cel_is_error(&left))
                return left;
        if (expr->arg_count == 1)
                return cel_operate(context, expr->op, &left, NULL);
        right = cel_eval_expr(context, expr->args[1]);
        if (cel_is_error(&right))
                return right;
        return cel_operate(context, expr->op, &left, &right);
}

/* target.optMap(x, e), target.optFlatMap(x, e). */
static struct cel_value eval_opt_map(struct cel_context *context, const struct cel_expr *expr) {
        struct cel_value target = cel_eval_expr(context, expr->target), result;

        if (cel_is_error(&target))
                return target;
        if (target.kind != CEL_OPTIONAL)
                return cel_no_such_overload(context, STR("hasValue"), &target, 1);
        if (!target.some)
                return target;
        context->frame[expr->slot] = *target.some;
        result = cel_eval_expr(context, expr->args[0]);
        if (!cel_is_error(&result) && expr->op == CEL_OP_OPT_MAP)
                result = cel_optional_of(context->scratch, result);
        return collapse(context, result); /* the macros expand to a conditional */
}

static struct cel_value eval_call(struct cel_context *context, const struct cel_expr *expr) {
        switch (expr->op) {
        case CEL_OP_CALL:
                return cel_eval_call(context, expr);
        case CEL_OP_CONDITIONAL:
                return eval_conditional(context, expr);
        case CEL_OP_AND:
                return eval_logic(context, expr, false);
        case CEL_OP_OR:
                return eval_logic(context, expr, true);
        case CEL_OP_INDEX:
        case CEL_OP_OPTIONAL_INDEX:
                return cel_eval_access(context, expr);
        case CEL_OP_OPT_MAP:
        case CEL_OP_OPT_FLAT_MAP:
                return eval_opt_map(context, expr);
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
        return eval_operator(context, expr);
}

static struct cel_value eval_node(struct cel_context *context, const struct cel_expr *expr) {
        switch (expr->kind) {
        case CEL_EXPR_CONST:
                return expr->constant;
        case CEL_EXPR_IDENT:
                return eval_ident(context, expr);
        case CEL_EXPR_SELECT:
                return expr->test_only ? cel_eval_has(context, expr, false)
                                       : cel_eval_access(context, expr);
        case CEL_EXPR_CALL:
                return eval_call(context, expr);
        case CEL_EXPR_LIST:
                return cel_eval_list(context, expr);
        case CEL_EXPR_MAP:
                return cel_eval_map(context, expr);
        case CEL_EXPR_COMPREHENSION:
                return cel_eval_comprehension(context, expr);
        case CEL_EXPR_STRUCT:
                break; /* the checker lets none through */
        }
        return cel_error(context->scratch, "unknown type: %.*s", STR_ARG(expr->name));
}

struct cel_value cel_eval_expr(struct cel_context *context, const struct cel_expr *expr) {
        struct cel_value value;

        if (!cel_step(context))
                return cel_exhausted();
        if (expr->kind == CEL_EXPR_CONST)
                return expr->constant;
        if (expr->kind == CEL_EXPR_IDENT)
                return eval_ident(context, expr);
        if (context->depth >= CEL_DEPTH_LIMIT) {
                context->exhausted = true;
                return cel_exhausted();
        }
        context->depth++;
        value = eval_node(context, expr);
        context->depth--;
        return value;
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
        };
}

void cel_eval(const struct cel_program *program, const struct cel_activation *activation,
              struct arena *scratch, struct cel_value *ret) {
        struct cel_context context;

        cel_context_init(&context, program, activation, scratch);
        *ret = cel_eval_expr(&context, program->expr);
}

void cel_eval_nested(const struct cel_program *program, struct cel_context *context,
                     struct cel_value *ret) {
        struct cel_value *outer = context->frame;

        context->frame = cel_frame_new(program, context->scratch);
        *ret = cel_eval_expr(context, program->expr);
        context->frame = outer;
}
