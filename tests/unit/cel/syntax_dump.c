#include "syntax_dump.h"

#include <inttypes.h>

#include "base/util.h"
#include "cel/number.h"

struct dump {
        struct buf *buf;
        struct arena arena;
        size_t indent;
        bool line_start;
};

static void dump_expr(struct dump *dump, const struct cel_expr *expr);

static void text(struct dump *dump, struct str s) {
        if (dump->line_start)
                buf_add_repeat(dump->buf, ' ', dump->indent * 2);
        dump->line_start = false;
        buf_add(dump->buf, s);
}

static void word(struct dump *dump, const char *s) {
        text(dump, str_from(s));
}

static void line(struct dump *dump) {
        buf_add_char(dump->buf, '\n');
        dump->line_start = true;
}

static void kind(struct dump *dump, const char *name) {
        word(dump, "^#*expr.");
        word(dump, name);
        word(dump, "#");
}

static void dump_constant(struct dump *dump, const struct cel_value *value) {
        switch (value->kind) {
        case CEL_NULL:
                word(dump, "null");
                kind(dump, "Constant_NullValue");
                break;
        case CEL_BOOL:
                word(dump, value->boolean ? "true" : "false");
                kind(dump, "Constant_BoolValue");
                break;
        case CEL_INT:
                text(dump, arena_printf(&dump->arena, "%" PRId64, value->integer));
                kind(dump, "Constant_Int64Value");
                break;
        case CEL_UINT:
                text(dump, arena_printf(&dump->arena, "%" PRIu64 "u", value->uinteger));
                kind(dump, "Constant_Uint64Value");
                break;
        case CEL_DOUBLE:
                text(dump, cel_double_text(&dump->arena, value->number));
                kind(dump, "Constant_DoubleValue");
                break;
        case CEL_BYTES:
                word(dump, "b");
                text(dump, cel_quote(&dump->arena, value->string));
                kind(dump, "Constant_BytesValue");
                break;
        default:
                text(dump, cel_quote(&dump->arena, value->string));
                kind(dump, "Constant_StringValue");
        }
}

/* A part of a fold: either a node of the tree, or a piece of the expansion. */
struct piece {
        const struct cel_expr *expr;
        const char *literal; /* "true", "@result" ...: with its kind */
        const char *literal_kind;
        const char *call; /* a function of ... */
        const struct piece *args[3];
        const struct piece *item; /* a list of one */
};

static void dump_piece(struct dump *dump, const struct piece *piece);

static void dump_arguments(struct dump *dump, const char *name, const struct piece *const *args,
                           size_t count) {
        word(dump, name);
        word(dump, "(");
        if (count > 0) {
                dump->indent++;
                line(dump);
                for (size_t i = 0; i < count; i++) {
                        if (i > 0) {
                                word(dump, ",");
                                line(dump);
                        }
                        dump_piece(dump, args[i]);
                }
                dump->indent--;
                line(dump);
        }
        word(dump, ")");
        kind(dump, "Expr_CallExpr");
}

static void dump_piece(struct dump *dump, const struct piece *piece) {
        size_t count = 0;

        if (piece->expr) {
                dump_expr(dump, piece->expr);
        } else if (piece->literal) {
                word(dump, piece->literal);
                kind(dump, piece->literal_kind);
        } else if (piece->item) {
                word(dump, "[");
                line(dump);
                dump->indent++;
                dump_piece(dump, piece->item);
                dump->indent--;
                line(dump);
                word(dump, "]");
                kind(dump, "Expr_ListExpr");
        } else {
                while (count < 3 && piece->args[count])
                        count++;
                dump_arguments(dump, piece->call, piece->args, count);
        }
}

static void dump_fold_parts(struct dump *dump, const struct cel_comprehension *fold,
                            const struct piece *parts[4]) {
        static const char *const titles[] = { "// Init", "// LoopCondition", "// LoopStep",
                                              "// Result" };

        word(dump, "__comprehension__(");
        dump->indent++;
        line(dump);
        word(dump, "// Variable");
        line(dump);
        text(dump, fold->var);
        word(dump, ",");
        line(dump);
        word(dump, "// Target");
        line(dump);
        dump_expr(dump, fold->range);
        word(dump, ",");
        line(dump);
        word(dump, "// Accumulator");
        line(dump);
        word(dump, "@result,");
        for (size_t i = 0; i < 4; i++) {
                line(dump);
                word(dump, titles[i]);
                line(dump);
                dump_piece(dump, parts[i]);
                word(dump, i < 3 ? "," : ")");
        }
        dump->indent--;
        kind(dump, "Expr_ComprehensionExpr");
}

static void dump_comprehension(struct dump *dump, const struct cel_comprehension *fold) {
        static const char constant_bool[] = "Constant_BoolValue";
        static const char constant_int[] = "Constant_Int64Value";
        struct piece result = { .literal = "@result", .literal_kind = "Expr_IdentExpr" };
        struct piece yes = { .literal = "true", .literal_kind = constant_bool };
        struct piece no = { .literal = "false", .literal_kind = constant_bool };
        struct piece zero = { .literal = "0", .literal_kind = constant_int };
        struct piece one = { .literal = "1", .literal_kind = constant_int };
        struct piece empty = { .literal = "[]", .literal_kind = "Expr_ListExpr" };
        struct piece condition = { .expr = fold->condition };
        struct piece variable = { .literal = arena_str(&dump->arena, fold->var).ptr,
                                  .literal_kind = "Expr_IdentExpr" };
        struct piece transform = { .expr = fold->transform };
        struct piece not_result = { .call = "!_", .args = { &result } };
        struct piece go_on = { .call = "@not_strictly_false",
                               .args = { fold->macro == CEL_MACRO_ALL ? &result : &not_result } };
        struct piece both = { .call = fold->macro == CEL_MACRO_ALL ? "_&&_" : "_||_",
                              .args = { &result, &condition } };
        struct piece plus_one = { .call = "_+_", .args = { &result, &one } };
        struct piece count = { .call = "_?_:_", .args = { &condition, &plus_one, &result } };
        struct piece is_one = { .call = "_==_", .args = { &result, &one } };
        struct piece list = { .item = fold->transform ? &transform : &variable };
        struct piece add = { .call = "_+_", .args = { &result, &list } };
        struct piece add_if = { .call = "_?_:_", .args = { &condition, &add, &result } };
        const struct piece *parts[4] = { &yes, &go_on, &both, &result };

        switch (fold->macro) {
        case CEL_MACRO_ALL:
                break;
        case CEL_MACRO_EXISTS:
                parts[0] = &no;
                break;
        case CEL_MACRO_EXISTS_ONE:
                parts[0] = &zero;
                parts[1] = &yes;
                parts[2] = &count;
                parts[3] = &is_one;
                break;
        default:
                parts[0] = &empty;
                parts[1] = &yes;
                parts[2] = fold->condition ? &add_if : &add;
        }
        dump_fold_parts(dump, fold, parts);
}

static void dump_call(struct dump *dump, const struct cel_expr *expr) {
        struct str name = expr->op == CEL_OP_CALL ? expr->name : str_from(cel_op_name(expr->op));

        if (expr->target) {
                dump_expr(dump, expr->target);
                word(dump, ".");
        }
        text(dump, name);
        word(dump, "(");
        for (size_t i = 0; i < expr->arg_count; i++) {
                if (i == 0)
                        dump->indent++;
                else
                        word(dump, ",");
                line(dump);
                dump_expr(dump, expr->args[i]);
        }
        if (expr->arg_count > 0) {
                dump->indent--;
                line(dump);
        }
        word(dump, ")");
        kind(dump, "Expr_CallExpr");
}

static void dump_list(struct dump *dump, const struct cel_expr *expr) {
        word(dump, "[");
        for (size_t i = 0; i < expr->arg_count; i++) {
                if (i == 0)
                        dump->indent++;
                else
                        word(dump, ",");
                line(dump);
                dump_expr(dump, expr->args[i]);
        }
        if (expr->arg_count > 0) {
                dump->indent--;
                line(dump);
        }
        word(dump, "]");
        kind(dump, "Expr_ListExpr");
}

static void dump_entries(struct dump *dump, const struct cel_expr *expr) {
        text(dump, expr->name);
        word(dump, "{");
        for (size_t i = 0; i < expr->entry_count; i++) {
                const struct cel_map_entry_expr *entry = &expr->entries[i];

                if (i == 0)
                        dump->indent++;
                else
                        word(dump, ",");
                line(dump);
                if (entry->optional)
                        word(dump, "?");
                if (expr->kind == CEL_EXPR_STRUCT)
                        text(dump, entry->key->constant.string);
                else
                        dump_expr(dump, entry->key);
                word(dump, ":");
                dump_expr(dump, entry->value);
                kind(dump, "Expr_CreateStruct_Entry");
        }
        if (expr->entry_count > 0) {
                dump->indent--;
                line(dump);
        }
        word(dump, "}");
        kind(dump, "Expr_StructExpr");
}

static void dump_expr(struct dump *dump, const struct cel_expr *expr) {
        switch (expr->kind) {
        case CEL_EXPR_CONST:
                dump_constant(dump, &expr->constant);
                break;
        case CEL_EXPR_IDENT:
                text(dump, expr->name);
                kind(dump, "Expr_IdentExpr");
                break;
        case CEL_EXPR_SELECT:
                dump_expr(dump, expr->target);
                word(dump, ".");
                text(dump, expr->name);
                if (expr->test_only)
                        word(dump, "~test-only~");
                kind(dump, "Expr_SelectExpr");
                break;
        case CEL_EXPR_CALL:
                dump_call(dump, expr);
                break;
        case CEL_EXPR_LIST:
                dump_list(dump, expr);
                break;
        case CEL_EXPR_MAP:
        case CEL_EXPR_STRUCT:
                dump_entries(dump, expr);
                break;
        case CEL_EXPR_COMPREHENSION:
                dump_comprehension(dump, expr->comprehension);
                break;
        }
}

void syntax_dump(struct buf *buf, const struct cel_expr *expr) {
        struct dump dump = { .buf = buf, .arena = ARENA_INIT };

        dump_expr(&dump, expr);
        arena_free(&dump.arena);
}
