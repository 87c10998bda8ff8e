/*
 * Function signatures, and the operators, whose overloads only the checker knows.
 */
#include <pthread.h>

#include "base/util.h"
#include "cel/checker.h"

/* Operators as rows. Order matters as for functions: the first that fits gives the result's type.
 * Source: cel-go common/stdlib/standard.go, cel/library.go (optionals), ext/comprehensions.go. */
// clang-format off
#define COMPARISONS(op)                               \
        { op "(bool, bool) bool" },                   \
        { op "(int, int) bool" },                     \
        { op "(int, double) bool", .since = 28 },     \
        { op "(int, uint) bool", .since = 28 },       \
        { op "(uint, uint) bool" },                   \
        { op "(uint, double) bool", .since = 28 },    \
        { op "(uint, int) bool", .since = 28 },       \
        { op "(double, double) bool" },               \
        { op "(double, int) bool", .since = 28 },     \
        { op "(double, uint) bool", .since = 28 },    \
        { op "(string, string) bool" },               \
        { op "(bytes, bytes) bool" },                 \
        { op "(timestamp, timestamp) bool" },         \
        { op "(duration, duration) bool" }
// clang-format on

static const struct cel_function_row operator_rows[] = {
        { "_?_:_(bool, A, A) A" },
        { "_&&_(bool, bool) bool" },
        { "_||_(bool, bool) bool" },
        { "!_(bool) bool" },
        { "_==_(A, A) bool" },
        { "_!=_(A, A) bool" },
        { "_+_(bytes, bytes) bytes" },
        { "_+_(double, double) double" },
        { "_+_(duration, duration) duration" },
        { "_+_(duration, timestamp) timestamp" },
        { "_+_(timestamp, duration) timestamp" },
        { "_+_(int, int) int" },
        { "_+_(list(A), list(A)) list(A)" },
        { "_+_(string, string) string" },
        { "_+_(uint, uint) uint" },
        { "_/_(double, double) double" },
        { "_/_(int, int) int" },
        { "_/_(uint, uint) uint" },
        { "_%_(int, int) int" },
        { "_%_(uint, uint) uint" },
        { "_*_(double, double) double" },
        { "_*_(int, int) int" },
        { "_*_(uint, uint) uint" },
        { "-_(double) double" },
        { "-_(int) int" },
        { "_-_(double, double) double" },
        { "_-_(duration, duration) duration" },
        { "_-_(int, int) int" },
        { "_-_(timestamp, duration) timestamp" },
        { "_-_(timestamp, timestamp) duration" },
        { "_-_(uint, uint) uint" },
        COMPARISONS("_<_"),
        COMPARISONS("_<=_"),
        COMPARISONS("_>_"),
        COMPARISONS("_>=_"),
        { "_[_](list(A), int) A" },
        { "_[_](map(A, B), A) B" },
        { "_[_](optional(list(V)), int) optional(V)", .since = 28 },
        { "_[_](optional(map(K, V)), K) optional(V)", .since = 28 },
        { "@in(A, list(A)) bool" },
        { "@in(A, map(A, B)) bool" },
        { "_[?_](list(V), int) optional(V)", .since = 28 },
        { "_[?_](optional(list(V)), int) optional(V)", .since = 28 },
        { "_[?_](map(K, V), K) optional(V)", .since = 28 },
        { "_[?_](optional(map(K, V)), K) optional(V)", .since = 28 },
        { "cel.@mapInsert(map(K, V), K, V) map(K, V)", .since = 32 },
        { "cel.@mapInsert(map(K, V), map(K, V)) map(K, V)", .since = 32 },
};

const struct cel_library *cel_operators(void) {
        static const struct cel_library library = { "operators", operator_rows,
                                                    ELEMENTS(operator_rows) };

        return &library;
}

const char *cel_op_name(enum cel_op op) {
        static const char *const names[] = {
                [CEL_OP_CALL] = NULL,        [CEL_OP_CONDITIONAL] = "_?_:_",
                [CEL_OP_AND] = "_&&_",       [CEL_OP_OR] = "_||_",
                [CEL_OP_NOT] = "!_",         [CEL_OP_NEGATE] = "-_",
                [CEL_OP_EQUAL] = "_==_",     [CEL_OP_NOT_EQUAL] = "_!=_",
                [CEL_OP_LESS] = "_<_",       [CEL_OP_LESS_EQUAL] = "_<=_",
                [CEL_OP_GREATER] = "_>_",    [CEL_OP_GREATER_EQUAL] = "_>=_",
                [CEL_OP_IN] = "@in",         [CEL_OP_ADD] = "_+_",
                [CEL_OP_SUBTRACT] = "_-_",   [CEL_OP_MULTIPLY] = "_*_",
                [CEL_OP_DIVIDE] = "_/_",     [CEL_OP_MODULO] = "_%_",
                [CEL_OP_INDEX] = "_[_]",     [CEL_OP_OPTIONAL_INDEX] = "_[?_]",
                [CEL_OP_OPT_MAP] = "optMap", [CEL_OP_OPT_FLAT_MAP] = "optFlatMap",
                [CEL_OP_BIND] = "cel.bind",
        };

        return names[op];
}

_noreturn_ static void unreadable(const char *signature) {
        fprintf(stderr, "unreadable function signature: %s\n", signature);
        abort();
}

/* The length of "(...)" at the start of TEXT. */
static size_t parenthesised(struct str text) {
        int depth = 0;

        for (size_t i = 0; i < text.len; i++) {
                if (text.ptr[i] == '(')
                        depth++;
                else if (text.ptr[i] == ')' && --depth == 0)
                        return i + 1;
        }
        return text.len;
}

/* What stands before the parameters: "matches", "list(A).slice". A parenthesis that a dot follows
 * belongs to the receiver's type. */
static struct str take_head(struct str signature) {
        size_t i = 0;

        while (i < signature.len) {
                size_t end;

                if (signature.ptr[i] != '(') {
                        i++;
                        continue;
                }
                end = i + parenthesised(str_slice(signature, i, signature.len));
                if (end >= signature.len || signature.ptr[end] != '.')
                        break;
                i = end;
        }
        return str_slice(signature, 0, i);
}

/* Cuts the receiver off HEAD ("list(A).slice" leaves "slice"). Returns NULL where it has none. */
static const struct cel_type *take_receiver(struct arena *arena, struct str *head) {
        const struct cel_type *type;
        struct str text;
        size_t dot = head->len;

        while (dot > 0 && head->ptr[dot - 1] != '.')
                dot--;
        if (dot == 0)
                return NULL;
        text = str_slice(*head, 0, dot - 1);
        type = cel_type_read(arena, &text);
        if (!type || text.len > 0)
                return NULL;
        *head = str_slice(*head, dot, head->len);
        return type;
}

static void skip_spaces(struct str *text) {
        while (text->len > 0 && text->ptr[0] == ' ')
                *text = str_slice(*text, 1, text->len);
}

void cel_overload_read(struct arena *arena, const char *signature, struct cel_overload *ret) {
        struct str text = str_from(signature), head = take_head(text);
        const struct cel_type *type;

        *ret = (struct cel_overload){ 0 };
        text = str_slice(text, head.len, text.len);
        type = take_receiver(arena, &head);
        ret->name = arena_str(arena, head);
        if (type) {
                ret->method = true;
                ret->params[ret->param_count++] = type;
        }
        if (text.len == 0 || head.len == 0)
                unreadable(signature);
        do {
                text = str_slice(text, 1, text.len); /* '(' or ',' */
                skip_spaces(&text);
                if (text.len > 0 && text.ptr[0] == ')')
                        break;
                if (ret->param_count == CEL_MAX_ARGS)
                        unreadable(signature);
                type = cel_type_read(arena, &text);
                if (!type)
                        unreadable(signature);
                ret->params[ret->param_count++] = type;
                skip_spaces(&text);
        } while (text.len > 0 && text.ptr[0] == ',');
        if (text.len == 0 || text.ptr[0] != ')')
                unreadable(signature);
        text = str_slice(text, 1, text.len);
        skip_spaces(&text);
        ret->result = cel_type_read(arena, &text);
        if (!ret->result || text.len > 0)
                unreadable(signature);
}

/* The overloads of the libraries that some environment has had, read once for all of them: a
 * process may make thousands. They are kept until it ends. */
static struct {
        pthread_mutex_t lock;
        struct arena arena;
        struct read_library {
                struct read_library *next;
                const struct cel_library *library;
                struct cel_overload *overloads;
        } * first;
} libraries = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct read_library *read_library(const struct cel_library *library) {
        struct read_library *read = arena_new(&libraries.arena, struct read_library);

        *read = (struct read_library){ libraries.first, library,
                                       arena_new_array(&libraries.arena, library->count,
                                                       struct cel_overload) };
        for (size_t i = 0; i < library->count; i++) {
                cel_overload_read(&libraries.arena, library->rows[i].signature,
                                  &read->overloads[i]);
                read->overloads[i].row = &library->rows[i];
        }
        libraries.first = read;
        return read;
}

const struct cel_overload *cel_library_overloads(const struct cel_library *library) {
        struct read_library *read;

        pthread_mutex_lock(&libraries.lock);
        for (read = libraries.first; read; read = read->next)
                if (read->library == library)
                        break;
        if (!read)
                read = read_library(library);
        pthread_mutex_unlock(&libraries.lock);
        return read->overloads;
}
