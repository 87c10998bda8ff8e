#include "cel/checker.h"

#include "base/buf.h"

enum { SIGNATURE_MAX = 4096 }; /* bytes of the text of argument types */

static void undeclared(struct cel_checker *checker, struct doc_pos pos, struct str name) {
        cel_issues_add(checker->issues, pos, "undeclared reference to '%.*s' (in container '%.*s')",
                       STR_ARG(name), STR_ARG(checker->env->options.container));
}

void cel_check_mismatch(struct cel_checker *checker, struct doc_pos pos,
                        const struct cel_type *expected, const struct cel_type *found) {
        struct str a = cel_type_text(checker->arena, expected);
        struct str b = cel_type_text(checker->arena, found);

        cel_issues_add(checker->issues, pos, "expected type '%.*s' but found '%.*s'", STR_ARG(a),
                       STR_ARG(b));
}

const struct cel_type *cel_check_unwrap(const struct cel_type *type, bool *ret) {
        *ret = cel_type_is_optional(type);
        return *ret ? type->params[0] : type;
}

/* --- names --- */

/* Iterates over what NAME may mean in the container: "a.b" makes of x a.b.x, a.x, x; a leading dot
 * leaves only x (cel-go containers.ResolveCandidateNames). */
struct candidates {
        struct str name, container;
        bool done;
};

static struct candidates candidates_of(struct cel_checker *checker, struct str name) {
        struct candidates c = { name, checker->env->options.container, false };

        if (name.len > 0 && name.ptr[0] == '.') {
                c.name = str_slice(name, 1, name.len);
                c.container = (struct str){ 0 };
        }
        return c;
}

static bool candidate_next(struct cel_checker *checker, struct candidates *c, struct str *ret) {
        size_t dot = c->container.len;

        if (c->done)
                return false;
        if (c->container.len == 0) {
                c->done = true;
                *ret = c->name;
                return true;
        }
        *ret = arena_printf(checker->arena, "%.*s.%.*s", STR_ARG(c->container), STR_ARG(c->name));
        while (dot > 0 && c->container.ptr[dot - 1] != '.')
                dot--;
        c->container.len = dot > 0 ? dot - 1 : 0;
        return true;
}

static const struct cel_scope *find_local(const struct cel_scope *scope, struct str name) {
        while (scope && !str_eq(scope->name, name))
                scope = scope->outer;
        return scope;
}

/* The comprehension variable that NAME, or what stands before its first dot, is. */
static const struct cel_scope *find_root(const struct cel_checker *checker, struct str name) {
        const char *dot = memchr(name.ptr, '.', name.len);

        return find_local(checker->scope,
                          dot ? str_slice(name, 0, (size_t)(dot - name.ptr)) : name);
}

static bool resolve_local(struct cel_expr *expr, const struct cel_scope *local) {
        expr->kind = CEL_EXPR_IDENT;
        expr->slot = local->slot;
        expr->type = local->type;
        return true;
}

/* Makes EXPR what NAME means: a comprehension variable, a variable of the environment, or a type.
 * Returns false where it means nothing. In the specification a comprehension variable hides what
 * the container has under its name, and a name with a leading dot never means one; the cel-go of
 * Kubernetes tries the container first. */
static bool resolve_name(struct cel_checker *checker, struct cel_expr *expr, struct str name) {
        struct candidates candidates = candidates_of(checker, name);
        bool full = checker->env->options.full;
        const struct cel_scope *local = full ? find_root(checker, name) : NULL;
        struct str candidate;

        if (local)
                return str_eq(local->name, name) && resolve_local(expr, local);
        while (candidate_next(checker, &candidates, &candidate)) {
                const struct cel_type *type = cel_env_type(checker->env, candidate);
                int number = cel_env_variable(checker->env, candidate);

                local = full ? NULL : find_local(checker->scope, candidate);
                if (local)
                        return resolve_local(expr, local);
                if (number >= 0) {
                        expr->kind = CEL_EXPR_IDENT;
                        expr->name = checker->env->variables.items[number].name;
                        expr->slot = -1 - number;
                        expr->type = checker->env->variables.items[number].type;
                        checker->uses[number / 64] |= UINT64_C(1) << (number % 64);
                        return true;
                }
                if (type) {
                        expr->kind = CEL_EXPR_CONST;
                        expr->constant = cel_type_value(type);
                        expr->type = cel_type_of_type(checker->arena, type);
                        return true;
                }
        }
        return false;
}

static const struct cel_function_set *resolve_function(struct cel_checker *checker,
                                                       struct str name) {
        struct candidates candidates = candidates_of(checker, name);
        const struct cel_function_set *set = NULL;
        struct str candidate;

        while (!set && candidate_next(checker, &candidates, &candidate))
                set = cel_env_function(checker->env, candidate);
        return set;
}

/* EXPR as "a.b.c", where it is a chain of plain selects from an identifier; otherwise empty. A
 * chain is at most 250 long. */
static struct str qualified_name(struct cel_checker *checker, const struct cel_expr *expr) {
        const struct cel_expr *part;
        size_t len = 0;
        char *out;

        for (part = expr; part->kind == CEL_EXPR_SELECT; part = part->target) {
                if (part->test_only || part->optional)
                        return (struct str){ 0 };
                len += part->name.len + 1;
        }
        if (part->kind != CEL_EXPR_IDENT)
                return (struct str){ 0 };
        len += part->name.len;
        out = arena_alloc(checker->arena, len + 1);
        for (size_t at = len; expr->kind == CEL_EXPR_SELECT; expr = expr->target) {
                at -= expr->name.len;
                memcpy(out + at, expr->name.ptr, expr->name.len);
                out[--at] = '.';
        }
        memcpy(out, part->name.ptr, part->name.len);
        return (struct str){ out, len };
}

static void check_ident(struct cel_checker *checker, struct cel_expr *expr) {
        if (resolve_name(checker, expr, expr->name))
                return;
        expr->slot = CEL_SLOT_UNRESOLVED;
        expr->type = &cel_type_error;
        undeclared(checker, expr->mark, expr->name);
}

/* --- selects --- */

static const struct cel_type *field_type(struct cel_checker *checker, const struct cel_expr *expr,
                                         const struct cel_object *object) {
        const struct cel_type *type = object->find(object, expr->name);

        if (type)
                return type;
        cel_issues_add(checker->issues, expr->mark, "undefined field '%.*s'", STR_ARG(expr->name));
        if (object->hint)
                cel_issues_explain(checker->issues,
                                   object->hint(object, expr->name, checker->arena));
        return &cel_type_error;
}

/* Types that only functions can take apart: quantity, URL, authorizer. To upstream they are
 * messages whose definition nobody has; the types of other libraries are not, and read better. */
static const struct cel_type *no_fields(struct cel_checker *checker, const struct cel_expr *expr,
                                        const struct cel_type *type) {
        struct str text = cel_type_text(checker->arena, type);

        if (type->kind == CEL_TYPE_OPAQUE && str_starts(type->name, STR("kubernetes."))) {
                cel_issues_add(checker->issues, expr->mark,
                               "unexpected failed resolution of '%.*s'", STR_ARG(text));
                cel_issues_explain(checker->issues, STR("it has no fields, only functions"));
                return &cel_type_error;
        }
        cel_issues_add(checker->issues, expr->mark, "type '%.*s' does not support field selection",
                       STR_ARG(text));
        return &cel_type_dyn;
}

static const struct cel_type *select_type(struct cel_checker *checker,
                                          const struct cel_expr *expr) {
        const struct cel_type *operand =
                cel_infer_resolve(&checker->infer, expr->target->type, false);
        const struct cel_type *result;
        bool optional;

        operand = cel_check_unwrap(operand, &optional);
        switch (operand->kind) {
        case CEL_TYPE_MAP:
                result = operand->params[1];
                break;
        case CEL_TYPE_OBJECT:
                result = field_type(checker, expr, operand->object);
                break;
        case CEL_TYPE_PARAM:
                (void)cel_infer_assign(&checker->infer, &cel_type_dyn, operand);
                result = &cel_type_dyn;
                break;
        default:
                result = cel_type_is_wild(operand) ? &cel_type_dyn
                                                   : no_fields(checker, expr, operand);
        }
        if (optional || expr->optional)
                result = cel_type_optional(checker->arena, result);
        return result;
}

static void check_select(struct cel_checker *checker, struct cel_expr *expr) {
        if (!expr->test_only && !expr->optional) {
                struct str name = qualified_name(checker, expr);

                if (name.len > 0 && resolve_name(checker, expr, name)) {
                        expr->target = NULL;
                        return;
                }
        }
        cel_check_expr(checker, expr->target);
        expr->type = select_type(checker, expr);
        if (expr->test_only)
                expr->type = &cel_type_bool;
        expr->type = cel_infer_resolve(&checker->infer, expr->type, false);
}

/* --- calls --- */

/* "(int, string)", or "int.(string)" for a method. */
static struct str arguments_text(struct cel_checker *checker, bool method,
                                 const struct cel_type *const *types, size_t count) {
        _cleanup_(buf_free) struct buf buf = BUF_INIT;

        for (size_t i = 0; i < count && buf.len < SIGNATURE_MAX; i++) {
                const struct cel_type *type = cel_infer_resolve(&checker->infer, types[i], true);

                if (i == (method ? 1 : 0))
                        buf_add_char(&buf, '(');
                else if (i > 0)
                        buf_add(&buf, STR(", "));
                buf_add(&buf, cel_type_text(checker->arena, type));
                if (i == 0 && method)
                        buf_add_char(&buf, '.');
        }
        if (count == (method ? 1 : 0))
                buf_add_char(&buf, '(');
        buf_add_char(&buf, ')');
        return arena_str(checker->arena, buf_str(&buf));
}

/* OVERLOAD's types with fresh variables for its type parameters. */
static const struct cel_type *instantiate(struct cel_checker *checker,
                                          const struct cel_overload *overload,
                                          const struct cel_type **params) {
        const struct cel_type *vars[26] = { 0 };

        for (size_t i = 0; i < overload->param_count; i++)
                params[i] = cel_infer_instantiate(&checker->infer, overload->params[i], vars);
        return cel_infer_instantiate(&checker->infer, overload->result, vars);
}

/* The result when one more overload, that gives TYPE, fits: dyn where they disagree. */
static const struct cel_type *merge_results(struct cel_checker *checker,
                                            const struct cel_type *result,
                                            const struct cel_type *type) {
        if (!result)
                return type;
        if (result->kind == CEL_TYPE_DYN || cel_infer_same(&checker->infer, result, type))
                return result;
        return &cel_type_dyn;
}

const struct cel_type *cel_check_overloads(struct cel_checker *checker,
                                           const struct cel_function_set *set, bool method,
                                           const struct cel_type *const *types, size_t count,
                                           struct doc_pos pos,
                                           const struct cel_overload *const **ret) {
        const struct cel_overload **fitting =
                ret ? arena_new_array(checker->arena, set->count + 1, const struct cel_overload *)
                    : NULL;
        const struct cel_type *params[CEL_MAX_ARGS], *result = NULL, *type;
        bool no_check = checker->env->options.no_check;
        size_t fits = 0;

        if (ret)
                *ret = fitting;
        for (size_t i = 0; i < set->count; i++) {
                const struct cel_overload *overload = set->overloads[i];

                if (overload->method != method || overload->param_count != count)
                        continue;
                if (no_check) {
                        type = &cel_type_dyn;
                } else {
                        type = instantiate(checker, overload, params);
                        if (!cel_infer_assign_all(&checker->infer, types, params, count))
                                continue;
                        type = cel_infer_resolve(&checker->infer, type, false);
                }
                if (fitting)
                        fitting[fits++] = overload;
                result = merge_results(checker, result, type);
        }
        if (!result) {
                struct str text = arguments_text(checker, method, types, count);

                cel_issues_add(checker->issues, pos,
                               "found no matching overload for '%.*s' applied to '%.*s'",
                               STR_ARG(set->name), STR_ARG(text));
        }
        return result;
}

const struct cel_type *cel_check_named(struct cel_checker *checker, struct str name, bool method,
                                       const struct cel_type *const *types, size_t count,
                                       struct doc_pos pos, const struct cel_overload *const **ret) {
        const struct cel_function_set *set = cel_env_function(checker->env, name);
        const struct cel_type *type = NULL;

        if (set)
                type = cel_check_overloads(checker, set, method, types, count, pos, ret);
        else
                undeclared(checker, pos, name);
        return type ? type : &cel_type_error;
}

static const struct cel_overload *const no_overloads[] = { NULL };

/* The types of EXPR's receiver and arguments; *RET_COUNT of them. */
static const struct cel_type **argument_types(struct cel_checker *checker,
                                              const struct cel_expr *expr, size_t *ret_count) {
        size_t receiver = expr->target ? 1 : 0, count = expr->arg_count + receiver;
        const struct cel_type **types =
                arena_new_array(checker->arena, count + 1, const struct cel_type *);

        if (expr->target)
                types[0] = expr->target->type;
        for (size_t i = 0; i < expr->arg_count; i++)
                types[receiver + i] = expr->args[i]->type;
        *ret_count = count;
        return types;
}

static void check_overloads_of(struct cel_checker *checker, struct cel_expr *expr,
                               const struct cel_function_set *set) {
        const struct cel_type *type = NULL;
        const struct cel_type **types;
        size_t count;

        expr->overloads = no_overloads;
        if (!set) {
                undeclared(checker, expr->mark, expr->name);
        } else {
                expr->name = set->name;
                types = argument_types(checker, expr, &count);
                type = cel_check_overloads(checker, set, expr->target != NULL, types, count,
                                           expr->mark, &expr->overloads);
        }
        expr->type = type ? type : &cel_type_error;
}

static void check_call(struct cel_checker *checker, struct cel_expr *expr) {
        for (size_t i = 0; i < expr->arg_count; i++)
                cel_check_expr(checker, expr->args[i]);
        if (expr->target) {
                struct str prefix = qualified_name(checker, expr->target);

                if (prefix.len > 0) {
                        struct str name = arena_printf(checker->arena, "%.*s.%.*s", STR_ARG(prefix),
                                                       STR_ARG(expr->name));
                        const struct cel_function_set *set = resolve_function(checker, name);

                        if (set) {
                                expr->target = NULL;
                                check_overloads_of(checker, expr, set);
                                return;
                        }
                }
                cel_check_expr(checker, expr->target);
        }
        check_overloads_of(checker, expr, resolve_function(checker, expr->name));
}

/* && and || want bool on both sides, and say which is not. */
static void check_logic(struct cel_checker *checker, struct cel_expr *expr) {
        expr->type = &cel_type_bool;
        for (size_t i = 0; i < expr->arg_count; i++)
                cel_check_expr(checker, expr->args[i]);
        for (size_t i = 0; i < expr->arg_count; i++) {
                struct cel_expr *arg = expr->args[i];

                if (cel_infer_assign(&checker->infer, arg->type, &cel_type_bool))
                        continue;
                cel_check_mismatch(checker, arg->mark, &cel_type_bool, arg->type);
                expr->type = &cel_type_error;
        }
}

static void check_operator(struct cel_checker *checker, struct cel_expr *expr) {
        const struct cel_type *types[3];

        for (size_t i = 0; i < expr->arg_count; i++) {
                cel_check_expr(checker, expr->args[i]);
                types[i] = expr->args[i]->type;
        }
        expr->type = cel_check_named(checker, str_from(cel_op_name(expr->op)), false, types,
                                     expr->arg_count, expr->mark, &expr->overloads);
}

/* --- literals of lists, maps and messages --- */

/* The common type of PREVIOUS (NULL: none yet) and TYPE; dyn where they have none. That Kubernetes
 * wants items of one type is checked afterwards (compile.c). */
static const struct cel_type *join(struct cel_checker *checker, const struct cel_type *previous,
                                   const struct cel_type *type) {
        if (!previous)
                return type;
        if (!cel_infer_assign(&checker->infer, previous, type))
                return &cel_type_dyn;
        /* cel-go takes null for the more general of a type and null; in the specification it is
         * that which both are assignable to. */
        if (checker->env->options.full && type->kind == CEL_TYPE_NULL)
                return previous;
        return cel_infer_general(&checker->infer, previous, type);
}

/* The type of EXPR as an item written with '?'. */
static const struct cel_type *optional_item(struct cel_checker *checker,
                                            const struct cel_expr *expr) {
        bool optional;
        const struct cel_type *type = cel_check_unwrap(expr->type, &optional);

        if (!optional && type->kind != CEL_TYPE_DYN)
                cel_check_mismatch(checker, expr->mark, cel_type_optional(checker->arena, type),
                                   type);
        return type;
}

static void check_list(struct cel_checker *checker, struct cel_expr *expr) {
        const struct cel_type *item = NULL;

        for (size_t i = 0; i < expr->arg_count; i++) {
                struct cel_expr *arg = expr->args[i];
                bool optional = expr->optional_items && expr->optional_items[i];

                cel_check_expr(checker, arg);
                item = join(checker, item, optional ? optional_item(checker, arg) : arg->type);
        }
        expr->type = cel_type_list(checker->arena, item ? item : cel_infer_var(&checker->infer));
}

static void check_map(struct cel_checker *checker, struct cel_expr *expr) {
        const struct cel_type *key = NULL, *value = NULL;

        for (size_t i = 0; i < expr->entry_count; i++) {
                struct cel_map_entry_expr *entry = &expr->entries[i];

                cel_check_expr(checker, entry->key);
                key = join(checker, key, entry->key->type);
                cel_check_expr(checker, entry->value);
                value = join(checker, value,
                             entry->optional ? optional_item(checker, entry->value)
                                             : entry->value->type);
        }
        if (!key) {
                key = cel_infer_var(&checker->infer);
                value = cel_infer_var(&checker->infer);
        }
        expr->type = cel_type_map(checker->arena, key, value);
}

/* The message type that NAME, resolved, denotes for EXPR; NULL, reported, where it denotes none. */
static const struct cel_type *message_type(struct cel_checker *checker, const struct cel_expr *expr,
                                           const struct cel_expr *name) {
        if (name->kind != CEL_EXPR_CONST) {
                struct str text = cel_type_text(checker->arena, name->type);

                cel_issues_add(checker->issues, expr->mark, "'%.*s' is not a type", STR_ARG(text));
                return NULL;
        }
        if (name->constant.type->object && name->constant.type->object->message)
                return name->constant.type;
        cel_issues_add(checker->issues, expr->mark, "'%.*s' is not a message type",
                       STR_ARG(expr->name));
        return NULL;
}

/* MESSAGE is NULL where what is constructed is none. */
static void check_field(struct cel_checker *checker, const struct cel_type *message,
                        const struct cel_map_entry_expr *entry) {
        struct str name = entry->key->constant.string, is, wanted_text = STR("");
        const struct cel_type *wanted, *type;

        cel_check_expr(checker, entry->value);
        type = entry->optional ? optional_item(checker, entry->value) : entry->value->type;
        if (!message) {
                cel_issues_add(checker->issues, entry->key->mark, "undefined field '%.*s'",
                               STR_ARG(name));
                return;
        }
        wanted = message->object->find(message->object, name);
        if (wanted && cel_infer_assign(&checker->infer, wanted, type))
                return;
        is = cel_type_text(checker->arena, type);
        if (wanted)
                wanted_text = cel_type_text(checker->arena, wanted);
        cel_issues_add(checker->issues, entry->key->mark,
                       "expected type of field '%.*s' is '%.*s' but provided type is '%.*s'",
                       STR_ARG(name), STR_ARG(wanted_text), STR_ARG(is));
}

static void check_struct(struct cel_checker *checker, struct cel_expr *expr) {
        struct cel_expr name = *expr;
        const struct cel_type *type;

        expr->type = &cel_type_error;
        if (!resolve_name(checker, &name, expr->name)) {
                undeclared(checker, expr->mark, expr->name);
                return;
        }
        type = message_type(checker, expr, &name);
        for (size_t i = 0; i < expr->entry_count; i++)
                check_field(checker, type, &expr->entries[i]);
        if (type)
                expr->type = type;
}

/* --- everything --- */

static const struct cel_type *constant_type(const struct cel_value *value) {
        switch (value->kind) {
        case CEL_NULL:
                return &cel_type_null;
        case CEL_BOOL:
                return &cel_type_bool;
        case CEL_INT:
                return &cel_type_int;
        case CEL_UINT:
                return &cel_type_uint;
        case CEL_DOUBLE:
                return &cel_type_double;
        case CEL_BYTES:
                return &cel_type_bytes;
        default:
                return &cel_type_string;
        }
}

static void check_any_call(struct cel_checker *checker, struct cel_expr *expr) {
        switch (expr->op) {
        case CEL_OP_CALL:
                check_call(checker, expr);
                break;
        case CEL_OP_AND:
        case CEL_OP_OR:
                check_logic(checker, expr);
                break;
        case CEL_OP_OPT_MAP:
        case CEL_OP_OPT_FLAT_MAP:
                cel_check_optional_map(checker, expr);
                break;
        case CEL_OP_BIND:
                cel_check_bind(checker, expr);
                break;
        default:
                check_operator(checker, expr);
        }
}

void cel_check_expr(struct cel_checker *checker, struct cel_expr *expr) {
        expr->slot = 0;
        if (cel_infer_exhausted(&checker->infer)) {
                expr->type = &cel_type_error;
                return;
        }
        switch (expr->kind) {
        case CEL_EXPR_CONST:
                expr->type = constant_type(&expr->constant);
                break;
        case CEL_EXPR_IDENT:
                check_ident(checker, expr);
                break;
        case CEL_EXPR_SELECT:
                check_select(checker, expr);
                break;
        case CEL_EXPR_CALL:
                check_any_call(checker, expr);
                break;
        case CEL_EXPR_LIST:
                check_list(checker, expr);
                break;
        case CEL_EXPR_MAP:
                check_map(checker, expr);
                break;
        case CEL_EXPR_STRUCT:
                check_struct(checker, expr);
                break;
        case CEL_EXPR_COMPREHENSION:
                cel_check_comprehension(checker, expr);
                break;
        }
        if (checker->env->options.no_check)
                expr->type = &cel_type_dyn;
}
