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

enum {
        COLLECT_MAX = 512,    /* nodes collected before the less specific ones are dropped */
        DEPTH_MAX = 1000,     /* nesting of the walk */
        VALUE_DEPTH_MAX = 16, /* lists in lists whose elements are looked at */
};

struct explanation {
        struct cel_context context;
        const struct cel_explainer *explainer;
        struct cel_reason *reasons;
        size_t count;
        uint32_t depth;
};

static void explain(struct explanation *e, const struct cel_expr *expr);

static struct cel_value eval(struct explanation *e, const struct cel_expr *expr) {
        return cel_eval_expr(&e->context, expr);
}

static bool is_full(const struct explanation *e) {
        return e->count >= COLLECT_MAX || e->context.exhausted;
}

/* --- collecting --- */

static void add(struct explanation *e, const struct doc_node *node, bool missed, struct str key) {
        if (!node || is_full(e))
                return;
        e->reasons[e->count++] =
                (struct cel_reason){ .node = node, .missed = missed, .missed_key = key };
}

/* Where VALUE came from; for lists and maps that an expression made, where their elements came
 * from.
 */
static void add_value(struct explanation *e, const struct cel_value *value, unsigned depth) {
        if (value->node) {
                add(e, value->node, value->missed, STR(""));
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

/* A shallow copy (the spec of a pod made from a template) is the same place as what it is a copy
 * of. */
static bool same_place(const struct doc_node *a, const struct doc_node *b) {
        return a == b || (a->parent && a->parent == b->parent && a->index == b->index);
}

static bool is_within(const struct doc_node *node, const struct doc_node *ancestor) {
        while (node && node->depth > ancestor->depth)
                node = node->parent;
        return node && same_place(node, ancestor);
}

static bool is_listed(const struct explanation *e, size_t from, size_t to,
                      const struct cel_reason *reason) {
        for (size_t i = from; i < to; i++)
                if (same_place(e->reasons[i].node, reason->node) &&
                    e->reasons[i].missed == reason->missed &&
                    str_eq(e->reasons[i].missed_key, reason->missed_key))
                        return true;
        return false;
}

/* Drops what was added since START if it was there shortly before, so that a thousand elements that
 * fail for one reason do not crowd out others. */
static void forget_repeated(struct explanation *e, size_t start) {
        size_t from = start > 16 ? start - 16 : 0, kept = start;

        for (size_t i = start; i < e->count; i++)
                if (!is_listed(e, from, kept, &e->reasons[i]))
                        e->reasons[kept++] = e->reasons[i];
        e->count = kept;
}

/* Keeps the reasons [FROM, TO) only. */
static void keep(struct explanation *e, size_t start, size_t from, size_t to) {
        memmove(&e->reasons[start], &e->reasons[from], (to - from) * sizeof *e->reasons);
        e->count = start + to - from;
}

static uint16_t deepest(const struct explanation *e, size_t from, size_t to) {
        uint16_t depth = 0;

        for (size_t i = from; i < to; i++)
                if (e->reasons[i].node->depth > depth)
                        depth = e->reasons[i].node->depth;
        return depth;
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
        size_t before = e->count;

        if (condition.kind == CEL_BOOL)
                explain(e, expr->args[condition.boolean ? 1 : 2]);
        if (e->count == before)
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

/* What was missed in OPERAND: the field itself, or, where OPERAND stands for something that was
 * missed already, that. */
static void explain_missing(struct explanation *e, const struct cel_expr *operand_expr,
                            const struct cel_value *operand, struct str key) {
        if (operand->node && !operand->missed)
                add(e, operand->node, true, key);
        else
                explain(e, operand_expr);
}

/* A select, an index, or has(). */
static void explain_access(struct explanation *e, const struct cel_expr *expr) {
        const struct cel_expr *operand_expr = is_index(expr) ? expr->args[0] : expr->target;
        struct cel_value operand, value, index = cel_string(expr->name);
        enum cel_found found;
        size_t before = e->count;

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
                        add(e, operand.node, false, STR(""));
                else
                        explain_missing(e, operand_expr, &operand, key);
        } else {
                add_value(e, &value, 0);
        }
        if (e->count == before) {
                explain(e, operand_expr);
                if (is_index(expr))
                        explain(e, expr->args[1]);
        }
}

/* x in container. A value of the document that is looked up is the spot; a constant is not, then
 * the container is. */
static void explain_in(struct explanation *e, const struct cel_expr *expr) {
        struct cel_value element = eval(e, expr->args[0]), container, found;
        size_t before = e->count;

        explain(e, expr->args[0]);
        if (e->count > before || cel_is_error(&element))
                return;
        container = eval(e, expr->args[1]);
        if (container.kind == CEL_MAP && container.node && !container.missed) {
                if (cel_map_find(&e->context, &container, &element, &found))
                        add_value(e, &found, 0);
                else
                        add(e, container.node, true,
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
                size_t before = e->count;

                elements_bind(e, elements, i);
                holds = eval(e, elements->macro->condition);
                if (failing ? holds.kind == CEL_BOOL
                            : holds.kind != CEL_BOOL || holds.boolean != wanted)
                        continue;
                matching++;
                explain(e, elements->macro->condition);
                if (e->count == before || with_element)
                        add_element(e, elements, i);
                forget_repeated(e, before);
        }
        return matching;
}

/* No element of the list held: the list is the spot, and so is what the elements were compared
 * with, if that lies elsewhere. */
static void explain_none_held(struct explanation *e, const struct elements *elements) {
        size_t before = e->count, own, kept;

        explain(e, elements->macro->range);
        own = kept = e->count;
        explain_elements(e, elements, false, false, false);
        if (own == before)
                return;
        for (size_t i = own; i < e->count; i++) {
                bool inside = false;

                for (size_t j = before; j < own; j++)
                        inside = inside || is_within(e->reasons[i].node, e->reasons[j].node);
                if (!inside)
                        e->reasons[kept++] = e->reasons[i];
        }
        e->count = kept;
}

static void explain_quantifier(struct explanation *e, const struct cel_expr *expr) {
        const struct cel_comprehension *macro = expr->comprehension;
        bool decides = macro->macro == CEL_MACRO_EXISTS;
        size_t before = e->count;
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
        if (e->count == before)
                explain(e, macro->range);
        if (e->count == before && value.kind == CEL_BOOL && value.boolean != decides)
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
        size_t before = e->count;
        struct elements elements;

        if (!elements_init(e, expr, &elements))
                return;
        for (size_t i = 0; i < elements.range.count && !is_full(e); i++) {
                struct cel_value holds = cel_bool(true);
                size_t start = e->count;

                elements_bind(e, &elements, i);
                if (elements.macro->condition)
                        holds = eval(e, elements.macro->condition);
                if (holds.kind != CEL_BOOL)
                        explain(e, elements.macro->condition);
                else if (!holds.boolean)
                        continue;
                else
                        explain(e, elements.macro->transform);
                if (e->count == start)
                        add_element(e, &elements, i);
                forget_repeated(e, start);
        }
        if (e->count == before)
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
        size_t start = e->count, own;
        struct cel_value target;
        bool found = false;

        explain(e, expr->target);
        if (cel_eval_chain(&e->context, expr->target, &target) != CEL_FOUND_ABSENT)
                return;
        own = e->count;
        explain(e, expr->args[0]);
        for (size_t i = own; i < e->count; i++)
                found = found || !e->reasons[i].missed;
        if (found || deepest(e, own, e->count) > deepest(e, start, own))
                keep(e, start, own, e->count);
        else if (own > start)
                keep(e, start, start, own);
}

static void explain_opt_map(struct explanation *e, const struct cel_expr *expr) {
        struct cel_value target = eval(e, expr->target);
        size_t before = e->count;

        if (target.kind == CEL_OPTIONAL && target.some) {
                e->context.frame[expr->slot] = *target.some;
                explain(e, expr->args[0]);
        }
        if (e->count == before)
                explain(e, expr->target);
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

/* --- the result --- */

static const struct doc_node *root_of(const struct doc_node *node) {
        while (node->parent)
                node = node->parent;
        return node;
}

/* Document order: an ancestor goes before its descendants. Both are in one tree. */
static int compare_nodes(const struct doc_node *a, const struct doc_node *b) {
        uint16_t a_depth = a->depth, b_depth = b->depth;

        if (same_place(a, b))
                return 0;
        while (a->depth > b_depth && a->parent)
                a = a->parent;
        while (b->depth > a_depth && b->parent)
                b = b->parent;
        if (same_place(a, b))
                return a_depth < b_depth ? -1 : 1;
        while (a->parent && b->parent && a->parent != b->parent) {
                a = a->parent;
                b = b->parent;
        }
        return a->index < b->index ? -1 : a->index > b->index;
}

struct ranked {
        struct cel_reason reason;
        size_t root, order; /* of first appearance */
};

static int compare_ranked(const void *left, const void *right) {
        const struct ranked *a = left, *b = right;
        int order;

        if (a->root != b->root)
                return a->root < b->root ? -1 : 1;
        order = compare_nodes(a->reason.node, b->reason.node);
        if (order != 0)
                return order;
        /* Of two reasons at one node the one that knows what was missed says more. */
        if (a->reason.missed != b->reason.missed)
                return a->reason.missed ? -1 : 1;
        if ((a->reason.missed_key.len > 0) != (b->reason.missed_key.len > 0))
                return a->reason.missed_key.len > 0 ? -1 : 1;
        return a->order < b->order ? -1 : a->order > b->order;
}

/* Sorts, and keeps the most specific nodes. In document order everything between an ancestor and
 * its descendant is a descendant too, so looking at the next one is enough. */
static size_t finish(struct explanation *e, struct cel_reason *ret) {
        struct ranked *ranked = arena_new_array(e->context.scratch, e->count, struct ranked);
        size_t kept = 0;

        for (size_t i = 0; i < e->count; i++) {
                const struct doc_node *root = root_of(e->reasons[i].node);

                ranked[i] = (struct ranked){ .reason = e->reasons[i], .root = i, .order = i };
                for (size_t j = 0; j < i; j++)
                        if (root_of(e->reasons[j].node) == root) {
                                ranked[i].root = ranked[j].root;
                                break;
                        }
        }
        qsort(ranked, e->count, sizeof *ranked, compare_ranked);
        for (size_t i = 0; i < e->count && kept < CEL_EXPLAIN_MAX; i++) {
                if (i > 0 && same_place(ranked[i].reason.node, ranked[i - 1].reason.node))
                        continue;
                size_t next = i + 1;

                while (next < e->count && same_place(ranked[next].reason.node, ranked[i].reason.node))
                        next++;
                if (next < e->count && is_within(ranked[next].reason.node, ranked[i].reason.node))
                        continue;
                ret[kept++] = ranked[i].reason;
        }
        return kept;
}

size_t cel_explain(const struct cel_program *program, const struct cel_activation *activation,
                   const struct cel_explainer *explainer, struct arena *scratch,
                   struct cel_reason *ret) {
        struct explanation e = { .explainer = explainer };

        cel_context_init(&e.context, program, activation, scratch);
        e.reasons = arena_new_array(scratch, COLLECT_MAX, struct cel_reason);
        explain(&e, program->expr);
        return finish(&e, ret);
}
