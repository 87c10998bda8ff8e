/*
 * The walk that explains.
 *
 * `explain` follows an expression whose value is known to be interesting, evaluates the parts again
 * where it has to know which of them decided, and collects document nodes on the way. Values carry
 * the node they came from, so the walk stops early wherever a value has one. What it costs is
 * bounded by the same budget of steps as an evaluation; when that is used up the nodes found so far
 * are the answer.
 */
#include "cel/explain.h"

#include "base/util.h"
#include "cel/eval.h"
#include "cel/functions.h"
#include "cel/reasons.h"

enum {
        DEPTH_MAX = 1000,     /* nesting of the walk */
        VALUE_DEPTH_MAX = 16, /* lists in lists whose elements are looked at */
};

struct explanation {
        struct cel_context context;
        const struct cel_explainer *explainer;
        struct reasons reasons;
        uint32_t depth;
};

static void explain(struct explanation *e, const struct cel_expr *expr);

static struct cel_value eval(struct explanation *e, const struct cel_expr *expr) {
        return cel_eval_expr(&e->context, expr);
}

static bool is_full(const struct explanation *e) {
        return e->reasons.count >= REASONS_MAX || e->context.exhausted;
}

/* --- collecting --- */

/* Where VALUE came from; for lists and maps that an expression made, where their elements came
 * from.
 */
static void add_value(struct explanation *e, const struct cel_value *value, unsigned depth) {
        if (value->node) {
                reasons_add(&e->reasons, value->node, value->missed, STR(""));
                return;
        }
        if (depth >= VALUE_DEPTH_MAX || value->representation != CEL_NATIVE)
                return;
        if (value->kind == CEL_OPTIONAL && value->some)
                add_value(e, value->some, depth + 1);
        if (value->kind == CEL_LIST)
                for (size_t i = 0; i < value->list->count && !is_full(e) && cel_step(&e->context);
                     i++)
                        add_value(e, &value->list->items[i], depth + 1);
        if (value->kind == CEL_MAP)
                for (size_t i = 0; i < value->map->count && !is_full(e) && cel_step(&e->context);
                     i++)
                        add_value(e, &value->map->values[i], depth + 1);
}

/* --- && and || --- */

enum term_choice { TERMS_ALL, TERMS_DECIDING, TERMS_FAILING };

/* Explains the terms of a chain of one operator: all of them, those whose value is DECIDES, or the
 * first that is no bool. Returns false when nothing more is wanted. */
static bool explain_terms(struct explanation *e, const struct cel_expr *expr, enum cel_op op,
                          enum term_choice choice, bool decides) {
        struct cel_value value;

        if (is_full(e))
                return false;
        if (expr->kind == CEL_EXPR_CALL && expr->op == op) {
                bool more;

                if (e->depth >= DEPTH_MAX)
                        return false;
                e->depth++;
                more = explain_terms(e, expr->args[0], op, choice, decides) &&
                       explain_terms(e, expr->args[1], op, choice, decides);
                e->depth--;
                return more;
        }
        if (choice == TERMS_ALL) {
                explain(e, expr);
                return true;
        }
        value = eval(e, expr);
        if (choice == TERMS_DECIDING) {
                if (value.kind == CEL_BOOL && value.boolean == decides)
                        explain(e, expr);
                return true;
        }
        if (value.kind == CEL_BOOL)
                return true;
        explain(e, expr);
        return false;
}

static void explain_logic(struct explanation *e, const struct cel_expr *expr) {
        bool decides = expr->op == CEL_OP_OR;
        struct cel_value value = eval(e, expr);

        if (value.kind != CEL_BOOL)
                explain_terms(e, expr, expr->op, TERMS_FAILING, decides);
        else if (value.boolean == decides)
                explain_terms(e, expr, expr->op, TERMS_DECIDING, decides);
        else
                explain_terms(e, expr, expr->op, TERMS_ALL, decides);
}

static void explain_conditional(struct explanation *e, const struct cel_expr *expr) {
        struct cel_value condition = eval(e, expr->args[0]);
        size_t before = e->reasons.count;

        if (condition.kind == CEL_BOOL)
                explain(e, expr->args[condition.boolean ? 1 : 2]);
        if (e->reasons.count == before)
                explain(e, expr->args[0]);
}

/* --- fields and elements --- */

/* Field KEY of a lazy map: what decided the variable behind it. Returns whether there is one. */
static bool explain_variable(struct explanation *e, const struct cel_value *map, struct str key) {
        const struct cel_program *program = NULL;
        struct cel_value *outer = e->context.frame;

        if (map->kind != CEL_MAP || map->representation != CEL_LAZY)
                return false;
        if (e->explainer && e->explainer->variable)
                program = e->explainer->variable(map->lazy, key);
        if (!program)
                return false;
        e->context.frame = cel_frame_new(program, e->context.scratch);
        explain(e, program->expr);
        e->context.frame = outer;
        return true;
}

static bool is_index(const struct cel_expr *expr) {
        return expr->kind == CEL_EXPR_CALL &&
               (expr->op == CEL_OP_INDEX || expr->op == CEL_OP_OPTIONAL_INDEX);
}

/* KEY was missed in NODE. The text may have it all the same, with a value that is as good as none
 * (`readOnly: false`): then that is the spot. */
static void add_missed(struct explanation *e, const struct doc_node *node, struct str key) {
        const struct doc_node *written = doc_get_written(node, key);

        if (written)
                reasons_add(&e->reasons, written, false, STR(""));
        else
                reasons_add(&e->reasons, node, true, key);
}

/* What was missed in OPERAND: the field itself, or, where OPERAND stands for something that was
 * missed already, that. */
static void explain_missing(struct explanation *e, const struct cel_expr *operand_expr,
                            const struct cel_value *operand, struct str key) {
        if (operand->node && !operand->missed)
                add_missed(e, operand->node, key);
        else
                explain(e, operand_expr);
}

/* A select, an index, or has(). */
static void explain_access(struct explanation *e, const struct cel_expr *expr) {
        const struct cel_expr *operand_expr = is_index(expr) ? expr->args[0] : expr->target;
        struct cel_value operand, value, index = cel_string(expr->name);
        enum cel_found found;
        size_t before = e->reasons.count;

        found = cel_eval_chain(&e->context, operand_expr, &operand);
        if (found == CEL_FOUND_ERROR || found == CEL_FOUND_ABSENT) {
                explain(e, operand_expr);
                return;
        }
        if (is_index(expr)) {
                index = eval(e, expr->args[1]);
                if (cel_is_error(&index)) {
                        explain(e, expr->args[1]);
                        return;
                }
        }
        if (index.kind == CEL_STRING && explain_variable(e, &operand, index.string))
                return;
        if (is_index(expr))
                found = cel_index(&e->context, &operand, &index, true, &value);
        else
                found = cel_select(&e->context, &operand, expr->name, expr->hash, true, &value);
        if (found == CEL_FOUND_ABSENT || found == CEL_FOUND_ERROR) {
                struct str key = index.kind == CEL_STRING ? index.string : STR("");

                if (found == CEL_FOUND_ERROR && operand.node)
                        reasons_add(&e->reasons, operand.node, false, STR(""));
                else
                        explain_missing(e, operand_expr, &operand, key);
        } else {
                add_value(e, &value, 0);
        }
        if (e->reasons.count == before) {
                explain(e, operand_expr);
                if (is_index(expr))
                        explain(e, expr->args[1]);
        }
}

/* x in container. A value of the document that is looked up is the spot; a constant is not, then
 * the container is. */
static void explain_in(struct explanation *e, const struct cel_expr *expr) {
        struct cel_value element = eval(e, expr->args[0]), container, found;
        size_t before = e->reasons.count;

        explain(e, expr->args[0]);
        if (e->reasons.count > before || cel_is_error(&element))
                return;
        container = eval(e, expr->args[1]);
        if (container.kind == CEL_MAP && container.node && !container.missed) {
                if (cel_map_find(&e->context, &container, &element, &found))
                        add_value(e, &found, 0);
                else
                        add_missed(e, container.node,
                                   element.kind == CEL_STRING ? element.string : STR(""));
                return;
        }
        if (container.kind == CEL_LIST) {
                for (size_t i = 0; i < cel_list_size(&container) && cel_step(&e->context); i++) {
                        found = cel_list_at(&container, i);
                        if (found.node && cel_equal_charged(&e->context, &element, &found)) {
                                add_value(e, &found, 0);
                                return;
                        }
                }
        }
        explain(e, expr->args[1]);
}

/* --- macros --- */

struct elements {
        const struct cel_comprehension *macro;
        struct cel_value value;
        struct cel_range range;
};

/* Evaluates the range. Returns false where it is none; that is explained instead. */
static bool elements_init(struct explanation *e, const struct cel_expr *expr,
                          struct elements *elements) {
        elements->macro = expr->comprehension;
        elements->value = eval(e, elements->macro->range);
        if (!cel_is_error(&elements->value) && cel_range_init(&elements->range, &elements->value))
                return true;
        explain(e, elements->macro->range);
        return false;
}

static void elements_bind(struct explanation *e, const struct elements *elements, size_t index) {
        const struct cel_comprehension *macro = elements->macro;
        struct cel_value *frame = e->context.frame;

        cel_step(&e->context);
        cel_range_at(&elements->range, index, &frame[macro->slot],
                     macro->var2.len > 0 ? &frame[macro->slot2] : NULL);
}

/* The node of element INDEX. */
static void add_element(struct explanation *e, const struct elements *elements, size_t index) {
        struct cel_value first, second;

        if (elements->range.map)
                cel_range_at(&elements->range, index, &first, &second);
        else
                cel_range_at(&elements->range, index, &second, NULL);
        add_value(e, &second, 0);
}

/* Explains the predicate of every element for which it is WANTED, or, with FAILING, that has none
 * because it failed. Where the predicate has nothing to say, the element itself is the spot.
 * Returns how many elements there are. */
static size_t explain_elements(struct explanation *e, const struct elements *elements, bool wanted,
                               bool failing, bool with_element) {
        size_t matching = 0;

        for (size_t i = 0; i < elements->range.count && !is_full(e); i++) {
                struct cel_value holds;
                size_t before = e->reasons.count;

                elements_bind(e, elements, i);
                holds = eval(e, elements->macro->condition);
                if (failing ? holds.kind == CEL_BOOL
                            : holds.kind != CEL_BOOL || holds.boolean != wanted)
                        continue;
                matching++;
                explain(e, elements->macro->condition);
                if (e->reasons.count == before || with_element)
                        add_element(e, elements, i);
                reasons_forget_repeated(&e->reasons, before);
        }
        return matching;
}

/* No element of the list held: the list is the spot, and so is what the elements were compared
 * with, if that lies elsewhere. */
static void explain_none_held(struct explanation *e, const struct elements *elements) {
        size_t before = e->reasons.count, own, kept;

        explain(e, elements->macro->range);
        own = kept = e->reasons.count;
        explain_elements(e, elements, false, false, false);
        if (own == before)
                return;
        for (size_t i = own; i < e->reasons.count; i++) {
                bool inside = false;

                for (size_t j = before; j < own; j++)
                        inside = inside || reasons_is_within(e->reasons.items[i].node,
                                                             e->reasons.items[j].node);
                if (!inside)
                        e->reasons.items[kept++] = e->reasons.items[i];
        }
        e->reasons.count = kept;
}

static void explain_quantifier(struct explanation *e, const struct cel_expr *expr) {
        const struct cel_comprehension *macro = expr->comprehension;
        bool decides = macro->macro == CEL_MACRO_EXISTS;
        size_t before = e->reasons.count;
        struct elements elements;
        struct cel_value value;

        if (!elements_init(e, expr, &elements))
                return;
        value = eval(e, expr);
        if (value.kind != CEL_BOOL)
                explain_elements(e, &elements, false, true, false);
        else if (value.boolean == decides)
                explain_elements(e, &elements, decides, false, false);
        else if (decides)
                explain_none_held(e, &elements);
        if (e->reasons.count == before)
                explain(e, macro->range);
        if (e->reasons.count == before && value.kind == CEL_BOOL && value.boolean != decides)
                explain_elements(e, &elements, !decides, false, false);
}

static void explain_exists_one(struct explanation *e, const struct cel_expr *expr) {
        struct elements elements;
        struct cel_value value;

        if (!elements_init(e, expr, &elements))
                return;
        value = eval(e, expr);
        if (value.kind != CEL_BOOL)
                explain_elements(e, &elements, false, true, false);
        else if (explain_elements(e, &elements, true, false, false) == 0)
                explain_none_held(e, &elements);
}

/* filter(p): the elements that were kept, and why; where none was, the list. */
static void explain_filter(struct explanation *e, const struct cel_expr *expr) {
        struct elements elements;
        struct cel_value value;

        if (!elements_init(e, expr, &elements))
                return;
        value = eval(e, expr);
        if (cel_is_error(&value))
                explain_elements(e, &elements, false, true, false);
        else if (explain_elements(e, &elements, true, false, true) == 0)
                explain_none_held(e, &elements);
}

/* map(t), map(p, t), transformList, transformMap: what the transformed elements came from. */
static void explain_map(struct explanation *e, const struct cel_expr *expr) {
        size_t before = e->reasons.count;
        struct elements elements;

        if (!elements_init(e, expr, &elements))
                return;
        for (size_t i = 0; i < elements.range.count && !is_full(e); i++) {
                struct cel_value holds = cel_bool(true);
                size_t start = e->reasons.count;

                elements_bind(e, &elements, i);
                if (elements.macro->condition)
                        holds = eval(e, elements.macro->condition);
                if (holds.kind != CEL_BOOL)
                        explain(e, elements.macro->condition);
                else if (!holds.boolean)
                        continue;
                else
                        explain(e, elements.macro->transform);
                if (e->reasons.count == start)
                        add_element(e, &elements, i);
                reasons_forget_repeated(&e->reasons, start);
        }
        if (e->reasons.count == before)
                explain(e, elements.macro->range);
}

static void explain_comprehension(struct explanation *e, const struct cel_expr *expr) {
        switch (expr->comprehension->macro) {
        case CEL_MACRO_ALL:
        case CEL_MACRO_EXISTS:
                explain_quantifier(e, expr);
                break;
        case CEL_MACRO_EXISTS_ONE:
                explain_exists_one(e, expr);
                break;
        case CEL_MACRO_FILTER:
                explain_filter(e, expr);
                break;
        case CEL_MACRO_MAP:
        case CEL_MACRO_TRANSFORM_LIST:
        case CEL_MACRO_TRANSFORM_MAP:
        case CEL_MACRO_TRANSFORM_MAP_ENTRY:
                explain_map(e, expr);
                break;
        }
}

/* --- calls --- */

static bool calls(const struct cel_expr *expr, cel_function *function) {
        return expr->kind == CEL_EXPR_CALL && expr->op == CEL_OP_CALL && expr->overloads &&
               expr->overloads[0] && expr->overloads[0]->row->call == function;
}

/* target.or(x), target.orValue(x): what was found in the target. Where it was missed, the default
 * is what decided if it was found in the document; a constant default points at where the target
 * was missed; and of two that were missed the one deeper in the document is the spot: of a
 * container's field and the pod's that stands in for it, the container's. */
static void explain_or(struct explanation *e, const struct cel_expr *expr) {
        size_t start = e->reasons.count, own;
        struct cel_value target;
        bool found = false;

        explain(e, expr->target);
        if (cel_eval_chain(&e->context, expr->target, &target) != CEL_FOUND_ABSENT)
                return;
        own = e->reasons.count;
        explain(e, expr->args[0]);
        for (size_t i = own; i < e->reasons.count; i++)
                found = found || !e->reasons.items[i].missed;
        if (found || reasons_deepest(&e->reasons, own, e->reasons.count) >
                             reasons_deepest(&e->reasons, start, own))
                reasons_keep(&e->reasons, start, own, e->reasons.count);
        else if (own > start)
                reasons_keep(&e->reasons, start, start, own);
}

static void explain_opt_map(struct explanation *e, const struct cel_expr *expr) {
        struct cel_value target = eval(e, expr->target);
        size_t before = e->reasons.count;

        if (target.kind == CEL_OPTIONAL && target.some) {
                e->context.frame[expr->slot] = *target.some;
                explain(e, expr->args[0]);
        }
        if (e->reasons.count == before)
                explain(e, expr->target);
}

/* cel.bind(), cel.block(): what is bound is a reason where it is used; where nothing is, all of it
 * may be. */
static void explain_bind(struct explanation *e, const struct cel_expr *expr) {
        size_t last = expr->arg_count - 1, before = e->reasons.count;

        for (size_t i = 0; i < last; i++) {
                struct cel_value value = eval(e, expr->args[i]);

                e->context.frame[expr->slot + (int)i] = value;
        }
        explain(e, expr->args[last]);
        for (size_t i = 0; i < last && e->reasons.count == before; i++)
                explain(e, expr->args[i]);
}

/* The size of a mapped list is that of the list. */
static const struct cel_expr *measured(const struct cel_expr *expr) {
        const struct cel_expr *list = expr->target ? expr->target : expr->args[0];

        while (list->kind == CEL_EXPR_COMPREHENSION &&
               list->comprehension->macro == CEL_MACRO_MAP && !list->comprehension->condition)
                list = list->comprehension->range;
        return list;
}

/* Operators and functions in general: their operands; where one failed, that one. */
static void explain_operands(struct explanation *e, const struct cel_expr *expr) {
        struct cel_value value = eval(e, expr);

        if (cel_is_error(&value)) {
                struct cel_value operand;

                if (expr->target) {
                        operand = eval(e, expr->target);
                        if (cel_is_error(&operand)) {
                                explain(e, expr->target);
                                return;
                        }
                }
                for (size_t i = 0; i < expr->arg_count; i++) {
                        operand = eval(e, expr->args[i]);
                        if (cel_is_error(&operand)) {
                                explain(e, expr->args[i]);
                                return;
                        }
                }
        }
        if (expr->target)
                explain(e, expr->target);
        for (size_t i = 0; i < expr->arg_count && !is_full(e); i++)
                explain(e, expr->args[i]);
}

static void explain_call(struct explanation *e, const struct cel_expr *expr) {
        switch (expr->op) {
        case CEL_OP_AND:
        case CEL_OP_OR:
                explain_logic(e, expr);
                return;
        case CEL_OP_CONDITIONAL:
                explain_conditional(e, expr);
                return;
        case CEL_OP_INDEX:
        case CEL_OP_OPTIONAL_INDEX:
                explain_access(e, expr);
                return;
        case CEL_OP_IN:
                explain_in(e, expr);
                return;
        case CEL_OP_OPT_MAP:
        case CEL_OP_OPT_FLAT_MAP:
                explain_opt_map(e, expr);
                return;
        case CEL_OP_BIND:
                explain_bind(e, expr);
                return;
        default:
                break;
        }
        if (expr->target && (calls(expr, cel_optional_or) || calls(expr, cel_optional_or_value)))
                explain_or(e, expr);
        else if (calls(expr, cel_function_size))
                explain(e, measured(expr));
        else
                explain_operands(e, expr);
}

static void explain_literal(struct explanation *e, const struct cel_expr *expr) {
        for (size_t i = 0; i < expr->arg_count && !is_full(e); i++)
                explain(e, expr->args[i]);
        for (size_t i = 0; i < expr->entry_count && !is_full(e); i++) {
                explain(e, expr->entries[i].key);
                explain(e, expr->entries[i].value);
        }
}

static void explain(struct explanation *e, const struct cel_expr *expr) {
        struct cel_value value;

        if (is_full(e) || e->depth >= DEPTH_MAX)
                return;
        e->depth++;
        switch (expr->kind) {
        case CEL_EXPR_IDENT:
                value = eval(e, expr);
                add_value(e, &value, 0);
                break;
        case CEL_EXPR_SELECT:
                explain_access(e, expr);
                break;
        case CEL_EXPR_CALL:
                explain_call(e, expr);
                break;
        case CEL_EXPR_LIST:
        case CEL_EXPR_MAP:
        case CEL_EXPR_STRUCT:
                explain_literal(e, expr);
                break;
        case CEL_EXPR_COMPREHENSION:
                explain_comprehension(e, expr);
                break;
        case CEL_EXPR_CONST:
                break;
        }
        e->depth--;
}

size_t cel_explain(const struct cel_program *program, const struct cel_activation *activation,
                   const struct cel_explainer *explainer, struct arena *scratch,
                   struct cel_reason *ret) {
        struct explanation e = { .explainer = explainer };

        cel_context_init(&e.context, program, activation, scratch);
        e.context.cost_limit = INT64_MAX; /* the same parts are evaluated again and again */
        e.reasons.items = arena_new_array(scratch, REASONS_MAX, struct cel_reason);
        explain(&e, program->expr);
        return reasons_finish(&e.reasons, scratch, ret);
}
