#include "base/buf.h"
#include "base/util.h"
#include "cel/cel.h"
#include "cel/lexer.h"

/* `a.object` and `a.?object` are fields. */
static bool is_field(const struct cel_token *tokens, size_t at) {
        if (at > 0 && tokens[at - 1].kind == CEL_TOKEN_DOT)
                return true;
        return at > 1 && tokens[at - 1].kind == CEL_TOKEN_QUESTION &&
               tokens[at - 2].kind == CEL_TOKEN_DOT;
}

struct str cel_replace_variable(struct arena *arena, struct str expression, struct str name,
                                struct str replacement) {
        const struct cel_token *tokens = cel_lex(arena, expression);
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        size_t copied = 0;

        for (size_t i = 0; tokens[i].kind != CEL_TOKEN_END && tokens[i].kind != CEL_TOKEN_BAD;
             i++) {
                size_t at = (size_t)(tokens[i].text.ptr - expression.ptr);

                if (tokens[i].kind != CEL_TOKEN_IDENT || !str_eq(tokens[i].text, name) ||
                    is_field(tokens, i))
                        continue;
                buf_add(&buf, str_slice(expression, copied, at));
                buf_add(&buf, replacement);
                copied = at + name.len;
        }
        buf_add(&buf, str_slice(expression, copied, expression.len));
        return arena_str(arena, buf_str(&buf));
}
