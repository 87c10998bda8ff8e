/*
 * Selecting fields and indexing lists and maps.
 *
 * `a.?b.c[0]` is one chain: once a link is optional the rest is, and a missing link ends it. The
 * chain is evaluated without building an optional for each link; only its end result is one.
 */

#include "base/util.h"
#include "cel/cost.h"

static enum cel_found absent(const struct cel_value *operand, struct cel_value *ret) {
        *ret = (struct cel_value){ .kind = CEL_OPTIONAL, .node = operand->node, .missed = true };
        return CEL_FOUND_ABSENT;
}

/* ERROR arose at OPERAND, where something was missed. */
static enum cel_found missing(const struct cel_value *operand, struct cel_value error,
                              struct cel_value *ret) {
        *ret = error;
        ret->node = operand->node;
        ret->missed = true;
        return CEL_FOUND_ERROR;
}

/* Whether missing something in OPERAND is no error, where only PRESENCE is asked for. Kubernetes'
 * cel-go takes anything for an empty map. */
static bool may_lack(const struct cel_context *context, const struct cel_value *operand,
                     bool presence) {
        return presence && (operand->kind == CEL_MAP || !cel_is_full(context));
}

static struct cel_value no_such_key(struct cel_context *context, struct str key) {
        static const struct str start = STR_INIT("no such key: ");
        struct cel_error *error = arena_new(context->scratch, struct cel_error);
        char *text = arena_alloc(context->scratch, start.len + key.len + 1);

        memcpy(text, start.ptr, start.len);
        if (key.len > 0)
                memcpy(text + start.len, key.ptr, key.len);
        error->message = (struct str){ text, start.len + key.len };
        return cel_error_fixed(error);
}

static enum cel_found found_value(const struct cel_value *ret) {
        return cel_is_error(ret) ? CEL_FOUND_ERROR : CEL_FOUND_VALUE;
}

enum cel_found cel_select(struct cel_context *context, const struct cel_value *operand,
                          struct str name, uint32_t hash, bool presence, struct cel_value *ret) {
        const struct doc_node *node;
        struct cel_value key;

        if (operand->kind == CEL_MAP && operand->representation == CEL_DOC) {
                node = doc_get_hashed(operand->doc, name, hash);
                if (node) {
                        cel_doc_into(node, ret);
                        return CEL_FOUND_VALUE;
                }
        } else if (operand->kind == CEL_MAP) {
                key = cel_string(name);
                if (cel_map_find(context, operand, &key, ret))
                        return found_value(ret);
        } else if (operand->kind == CEL_OPAQUE && operand->opaque_type->field) {
                if (operand->opaque_type->field(operand->opaque, name, ret))
                        return CEL_FOUND_VALUE;
        } else if (operand->kind == CEL_LIST) {
                *ret = cel_error(context->scratch, "unsupported index type 'string' in list");
                ret->node = operand->node;
                return CEL_FOUND_ERROR;
        }
        if (may_lack(context, operand, presence))
                return absent(operand, ret);
        return missing(operand, no_such_key(context, name), ret);
}

/* The position that INDEX means in a list: whole numbers of every type. Returns 0, or -EINVAL with
 * an error in *RET. */
static int list_position(struct cel_context *context, const struct cel_value *index,
                         int64_t *ret_position, struct cel_value *ret) {
        switch (index->kind) {
        case CEL_INT:
                *ret_position = index->integer;
                return 0;
        case CEL_UINT:
                if (index->uinteger > INT64_MAX)
                        break;
                *ret_position = (int64_t)index->uinteger;
                return 0;
        case CEL_DOUBLE:
                if (!(index->number > -0x1p63 && index->number < 0x1p63) ||
                    (double)(int64_t)index->number != index->number)
                        break;
                *ret_position = (int64_t)index->number;
                return 0;
        default:
                *ret = cel_error(context->scratch, "unsupported index type '%.*s' in list",
                                 STR_ARG(cel_type_runtime_name(cel_value_type(index))));
                return -EINVAL;
        }
        *ret = cel_error(context->scratch, "unsupported index value %.*s in list",
                         STR_ARG(cel_value_text(context->scratch, index)));
        return -EINVAL;
}

static enum cel_found index_list(struct cel_context *context, const struct cel_value *list,
                                 const struct cel_value *index, bool presence,
                                 struct cel_value *ret) {
        struct cel_value error;
        int64_t position;

        if (list_position(context, index, &position, ret) < 0) {
                ret->node = list->node;
                return CEL_FOUND_ERROR;
        }
        if (position >= 0 && (uint64_t)position < cel_list_size(list)) {
                cel_item_into(list, (size_t)position, ret);
                return CEL_FOUND_VALUE;
        }
        if (presence)
                return absent(list, ret);
        error = cel_error(context->scratch, "index out of bounds: %.*s",
                          STR_ARG(cel_value_text(context->scratch, index)));
        return missing(list, error, ret);
}

/* Kinds that cel-go makes a qualifier of. */
static bool can_index(const struct cel_value *index) {
        return index->kind == CEL_STRING || index->kind == CEL_INT || index->kind == CEL_UINT ||
               index->kind == CEL_BOOL || index->kind == CEL_DOUBLE;
}

/* What cel-go calls a value that cannot be an index; those of a document are plain Go values there.
 */
static const char *qualifier_type(const struct cel_value *index) {
        if (index->kind == CEL_NULL && index->node && !index->missed)
                return "<nil>";
        if (index->representation == CEL_DOC && index->kind == CEL_LIST)
                return "[]interface {}";
        if (index->representation == CEL_DOC && index->kind == CEL_MAP)
                return "map[string]interface {}";
        return cel_value_go_type(index);
}

enum cel_found cel_index(struct cel_context *context, const struct cel_value *operand,
                         const struct cel_value *index, bool presence, struct cel_value *ret) {
        if (!can_index(index)) {
                *ret = cel_error(context->scratch, "invalid qualifier type: %s",
                                 qualifier_type(index));
                return CEL_FOUND_ERROR;
        }
        if (operand->kind == CEL_LIST)
                return index_list(context, operand, index, presence, ret);
        if (operand->kind == CEL_MAP && cel_map_find(context, operand, index, ret))
                return found_value(ret);
        if (may_lack(context, operand, presence))
                return absent(operand, ret);
        return missing(operand, no_such_key(context, cel_value_text(context->scratch, index)), ret);
}

static bool is_link(const struct cel_expr *expr) {
        return (expr->kind == CEL_EXPR_SELECT && !expr->test_only) ||
               (expr->kind == CEL_EXPR_CALL &&
                (expr->op == CEL_OP_INDEX || expr->op == CEL_OP_OPTIONAL_INDEX));
}

/* What a chain hangs on: EXPR's operand, evaluated as part of the chain where it is a link. */
static enum cel_found eval_operand(struct cel_context *context, const struct cel_expr *expr,
                                   struct cel_value *ret) {
        enum cel_found result;

        if (is_link(expr)) {
                if (!cel_step(context) || context->depth >= CEL_DEPTH_LIMIT) {
                        context->exhausted = true;
                        *ret = cel_exhausted();
                        return CEL_FOUND_ERROR;
                }
                context->depth++;
                result = cel_eval_chain(context, expr, ret);
                context->depth--;
                if (result == CEL_FOUND_VALUE && ret->kind == CEL_OPTIONAL && cel_is_full(context))
                        return cel_found_of(ret); /* an optional that was stored in a map */
                return result;
        }
        cel_eval_into(context, expr, ret);
        cel_pay_base(context, expr);
        result = cel_found_of(ret);
        /* Optionals in an optional count as one here, see collapse() in eval.c. */
        while (result == CEL_FOUND_SOME && ret->kind == CEL_OPTIONAL)
                *ret = ret->some ? *ret->some : cel_null();
        return result;
}

enum cel_found cel_found_of(struct cel_value *value) {
        if (cel_is_error(value))
                return CEL_FOUND_ERROR;
        if (value->kind != CEL_OPTIONAL)
                return CEL_FOUND_VALUE;
        if (!value->some)
                return CEL_FOUND_ABSENT;
        *value = *value->some;
        return CEL_FOUND_SOME;
}

enum cel_found cel_eval_chain(struct cel_context *context, const struct cel_expr *expr,
                              struct cel_value *ret) {
        bool select = expr->kind == CEL_EXPR_SELECT;
        struct cel_value operand, index;
        enum cel_found result;
        bool presence;

        if (!is_link(expr)) {
                cel_eval_into(context, expr, ret);
                return cel_found_of(ret);
        }
        result = eval_operand(context, select ? expr->target : expr->args[0], &operand);
        if (result == CEL_FOUND_ERROR || result == CEL_FOUND_ABSENT) {
                *ret = operand;
                return result;
        }
        presence = result == CEL_FOUND_SOME ||
                   (select ? expr->optional : expr->op == CEL_OP_OPTIONAL_INDEX);
        if (select) {
                result = cel_select(context, &operand, expr->name, expr->hash, presence, ret);
        } else {
                cel_eval_bare(context, expr->args[1], &index);
                if (cel_is_error(&index)) {
                        *ret = index;
                        result = CEL_FOUND_ERROR;
                } else {
                        result = cel_index(context, &operand, &index, presence, ret);
                }
        }
        context->cost += !presence || result == CEL_FOUND_VALUE;
        return result == CEL_FOUND_VALUE && presence ? CEL_FOUND_SOME : result;
}

void cel_eval_access(struct cel_context *context, const struct cel_expr *expr,
                     struct cel_value *ret) {
        if (cel_eval_chain(context, expr, ret) == CEL_FOUND_SOME)
                *ret = cel_optional_of(context->scratch, *ret);
}

/* What has() says about a field that is there or not. */
static struct cel_value presence_value(struct cel_context *context, bool present, bool optional) {
        if (!optional)
                return cel_bool(present);
        if (!present)
                return (struct cel_value){ .kind = CEL_OPTIONAL };
        return cel_optional_of(context->scratch, cel_null());
}

struct cel_value cel_eval_has(struct cel_context *context, const struct cel_expr *expr,
                              bool branch) {
        struct cel_value operand, value;
        enum cel_found found;

        /* has() is no unit of its own, unlike the path in it; of that from a conditional, which is
         * none either, one is taken off. */
        context->cost -= expr->attribute || !branch;
        found = eval_operand(context, expr->target, &operand);
        if (found == CEL_FOUND_ERROR)
                return operand;
        if (found == CEL_FOUND_ABSENT)
                return presence_value(context, false, branch);
        branch = branch && found == CEL_FOUND_SOME;
        context->cost += found == CEL_FOUND_VALUE;
        switch (cel_select(context, &operand, expr->name, expr->hash, true, &value)) {
        case CEL_FOUND_ERROR:
                /* A lazy variable that fails fails has(), too. */
                return value;
        case CEL_FOUND_ABSENT:
                return presence_value(context, false, branch);
        case CEL_FOUND_VALUE:
        case CEL_FOUND_SOME:
                context->cost += found == CEL_FOUND_SOME;
                break;
        }
        return presence_value(context, true, branch);
}
