/* Label selectors as a text: see kube_selector_parse. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "base/vec.h"
#include "doc/edit.h"
#include "kube/selector.h"

enum { NAME_MAX_LENGTH = 63, PREFIX_MAX_LENGTH = 253 };

struct parser {
        struct arena *arena;
        struct str rest;
        struct error *error;
        VEC(struct doc_node) terms;
};

/* --- tokens --- */

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word, or one of the signs ( ) , ! = == != ; empty at the end. */
static struct str peek(struct parser *p) {
        static const char signs[] = "(),!=<>";
        size_t n = 0;

        while (p->rest.len > 0 && is_space(p->rest.ptr[0]))
                p->rest = str_slice(p->rest, 1, p->rest.len);
        if (p->rest.len == 0)
                return p->rest;
        if (str_starts(p->rest, STR("==")) || str_starts(p->rest, STR("!=")))
                return str_slice(p->rest, 0, 2);
        if (memchr(signs, p->rest.ptr[0], sizeof signs - 1))
                return str_slice(p->rest, 0, 1);
        while (n < p->rest.len && !is_space(p->rest.ptr[n]) &&
               !memchr(signs, p->rest.ptr[n], sizeof signs - 1))
                n++;
        return str_slice(p->rest, 0, n);
}

static struct str next(struct parser *p) {
        struct str token = peek(p);

        p->rest = str_slice(p->rest, token.len, p->rest.len);
        return token;
}

static bool accept(struct parser *p, const char *sign) {
        if (!str_eq(peek(p), str_from(sign)))
                return false;
        next(p);
        return true;
}

static bool is_word(struct str token) {
        return token.len > 0 && !memchr("(),!=<>", token.ptr[0], 7);
}

/* --- what labels may hold --- */

static bool is_alphanumeric(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters and digits, with - _ . between them. */
static bool is_name(struct str text) {
        if (text.len == 0 || text.len > NAME_MAX_LENGTH || !is_alphanumeric(text.ptr[0]) ||
            !is_alphanumeric(text.ptr[text.len - 1]))
                return false;
        for (size_t i = 0; i < text.len; i++)
                if (!is_alphanumeric(text.ptr[i]) && !memchr("-_.", text.ptr[i], 3))
                        return false;
        return true;
}

/* Parts of lower case letters, digits and -, parted by dots (RFC 1123). */
static bool is_domain(struct str text) {
        struct str part;

        if (text.len > PREFIX_MAX_LENGTH)
                return false;
        while (str_split(&text, '.', &part)) {
                if (part.len == 0 || part.ptr[0] == '-' || part.ptr[part.len - 1] == '-')
                        return false;
                for (size_t i = 0; i < part.len; i++)
                        if (part.ptr[i] != '-' && (!is_alphanumeric(part.ptr[i]) ||
                                                   (part.ptr[i] >= 'A' && part.ptr[i] <= 'Z')))
                                return false;
        }
        return true;
}

static bool is_key(struct str text) {
        ptrdiff_t slash = str_find(text, STR("/"), 0);

        if (slash < 0)
                return is_name(text);
        return is_domain(str_slice(text, 0, (size_t)slash)) &&
               is_name(str_slice(text, (size_t)slash + 1, text.len));
}

static bool is_value(struct str text) {
        return text.len == 0 || is_name(text);
}

/* --- terms --- */

static int bad(struct parser *p, const char *what, struct str token) {
        return error_set(p->error, -EINVAL,
                         "%s \"%.*s\" (a selector is key=value, key!=value, key in (a, b), key "
                         "notin (a, b), key or !key, parted by commas)",
                         what, STR_ARG(token));
}

/* VALUES NULL: an operator that takes none. */
static void add_term(struct parser *p, struct str key, const char *operator,
                     const struct doc_node * values) {
        struct doc_node *term = doc_new_map(p->arena, NULL, values ? 3 : 2), text = doc_text(key);

        doc_map_set(term, 0, STR("key"), &text);
        text = doc_text(str_from(operator));
        doc_map_set(term, 1, STR("operator"), &text);
        if (values)
                doc_map_set(term, 2, STR("values"), values);
        doc_map_index(p->arena, term);
        *vec_push_in(p->arena, &p->terms) = *term;
}

/* The value behind = or !=, which may be empty. */
static int read_value(struct parser *p, struct str *ret) {
        *ret = is_word(peek(p)) ? next(p) : STR("");
        return is_value(*ret) ? 0 : bad(p, "no label has the value", *ret);
}

/* "(a, b)"; an empty value is one, too. */
static int read_values(struct parser *p, const struct doc_node **ret) {
        VEC(struct str) values = { 0 };
        int r;

        if (!accept(p, "("))
                return bad(p, "expected ( instead of", peek(p));
        do {
                r = read_value(p, vec_push_in(p->arena, &values));
                if (r < 0)
                        return r;
        } while (accept(p, ","));
        if (!accept(p, ")"))
                return bad(p, "expected ) instead of", peek(p));
        *ret = doc_text_list(p->arena, values.items, values.count);
        return 0;
}

static int read_comparison(struct parser *p, struct str key) {
        const struct doc_node *values = NULL;
        struct str token = next(p), value;
        bool in = str_eq(token, STR("in")), notin = str_eq(token, STR("notin"));
        bool equal = str_eq(token, STR("=")) || str_eq(token, STR("=="));
        int r;

        if (in || notin) {
                r = read_values(p, &values);
        } else if (equal || str_eq(token, STR("!="))) {
                r = read_value(p, &value);
                values = doc_text_list(p->arena, &value, 1);
        } else
                return bad(p, "expected an operator instead of", token);
        if (r >= 0)
                add_term(p, key, in || equal ? "In" : "NotIn", values);
        return r;
}

static int read_term(struct parser *p) {
        bool absent = accept(p, "!");
        struct str key = next(p), token;

        if (!is_word(key) || !is_key(key))
                return bad(p, "no label has the key", key);
        token = peek(p);
        if (!absent && token.len > 0 && !str_eq(token, STR(",")))
                return read_comparison(p, key);
        add_term(p, key, absent ? "DoesNotExist" : "Exists", NULL);
        return 0;
}

int kube_selector_parse(struct arena *arena, struct str text, const struct doc_node **ret,
                        struct error *error) {
        struct parser p = { .arena = arena, .rest = text, .error = error };
        struct doc_node *list, *selector;
        int r;

        do {
                r = read_term(&p);
                if (r < 0)
                        return r;
        } while (accept(&p, ","));
        if (peek(&p).len > 0)
                return bad(&p, "expected a comma instead of", peek(&p));
        list = doc_new_list(arena, NULL, p.terms.count);
        for (size_t i = 0; i < p.terms.count; i++)
                list->list.items[i] = p.terms.items[i];
        selector = doc_new_map(arena, NULL, 1);
        doc_map_set(selector, 0, STR("matchExpressions"), list);
        doc_map_index(arena, selector);
        *ret = selector;
        return 0;
}
