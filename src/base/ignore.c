#include "base/ignore.h"

#include <errno.h>

#include "base/util.h"
#include "base/vec.h"

enum token_type {
        TOKEN_BYTE,
        TOKEN_ANY,   /* ? */
        TOKEN_CLASS, /* [...] */
        TOKEN_STAR,  /* any run without a slash */
        TOKEN_DEEP,  /* any run */
        TOKEN_SKIP,  /* the next two, a deep run and a slash, may be left out together */
        TOKEN_NEVER, /* a broken pattern */
};

struct class {
        uint64_t bits[4];
};

struct token {
        uint8_t type; /* enum token_type */
        char byte;
        const struct class *class;
};

struct pattern {
        struct token *tokens;
        size_t count;
        bool negative, folders_only, last_part_only;
};

struct ignore {
        VEC(struct pattern) patterns;
};

/* COMPILING */

struct compiler {
        struct arena *arena;
        struct str text;
        size_t next;
        size_t literal; /* bytes before the first special one */
};

static void class_add(struct class *class, unsigned from, unsigned to) {
        for (unsigned c = from; c <= to; c++)
                class->bits[c / 64] |= UINT64_C(1) << (c % 64);
}

static bool class_has(const struct class *class, char byte) {
        unsigned char c = (unsigned char)byte;

        return class->bits[c / 64] >> (c % 64) & 1;
}

/* [:alpha:] and the like, of ASCII. */
static bool class_add_named(struct class *class, struct str name) {
        static const struct {
                struct str name;
                struct {
                        unsigned char from, to;
                } ranges[4];
        } named[] = {
                { STR_INIT("alnum"), { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
                { STR_INIT("alpha"), { { 'A', 'Z' }, { 'a', 'z' } } },
                { STR_INIT("blank"), { { ' ', ' ' }, { '\t', '\t' } } },
                { STR_INIT("cntrl"), { { 1, 0x1f }, { 0x7f, 0x7f } } },
                { STR_INIT("digit"), { { '0', '9' } } },
                { STR_INIT("graph"), { { '!', '~' } } },
                { STR_INIT("lower"), { { 'a', 'z' } } },
                { STR_INIT("print"), { { ' ', '~' } } },
                { STR_INIT("punct"), { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } } },
                { STR_INIT("space"), { { ' ', ' ' }, { '\t', '\r' } } },
                { STR_INIT("upper"), { { 'A', 'Z' } } },
                { STR_INIT("xdigit"), { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } },
        };

        for (size_t i = 0; i < ELEMENTS(named); i++) {
                if (!str_eq(named[i].name, name))
                        continue;
                for (size_t j = 0; j < 4 && named[i].ranges[j].from; j++)
                        class_add(class, named[i].ranges[j].from, named[i].ranges[j].to);
                return true;
        }
        return false;
}

static int peek(const struct compiler *compiler, size_t ahead) {
        size_t at = compiler->next + ahead;

        return at < compiler->text.len ? (unsigned char)compiler->text.ptr[at] : -1;
}

/* A member of a class, after a backslash perhaps. -1 at the end of the pattern. */
static int class_byte(struct compiler *compiler) {
        if (peek(compiler, 0) == '\\')
                compiler->next++;
        return peek(compiler, 0) < 0 ? -1 : (unsigned char)compiler->text.ptr[compiler->next++];
}

/* "[:name:]" at the current place. Returns 1 where it was one, 0 where the bracket is an ordinary
 * member, -EINVAL where the pattern is broken. */
static int class_named(struct compiler *compiler, struct class *class) {
        ptrdiff_t end = str_find(compiler->text, STR("]"), compiler->next + 2);
        struct str name;

        if (end < 0)
                return -EINVAL;
        name = str_slice(compiler->text, compiler->next + 2, (size_t)end);
        if (!str_ends(name, STR(":")))
                return 0;
        if (!class_add_named(class, str_slice(name, 0, name.len - 1)))
                return -EINVAL;
        compiler->next = (size_t)end + 1;
        return 1;
}

/* One member or range of a class. *LAST is the byte that a range may begin with, -1 for none. */
static int class_item(struct compiler *compiler, struct class *class, int *last) {
        int c = peek(compiler, 0), r;

        if (c == '-' && *last > 0 && peek(compiler, 1) >= 0 && peek(compiler, 1) != ']') {
                compiler->next++;
                c = class_byte(compiler);
                if (c < 0)
                        return -EINVAL;
                class_add(class, (unsigned)*last, (unsigned)c);
                *last = -1;
                return 0;
        }
        if (c == '[' && peek(compiler, 1) == ':') {
                r = class_named(compiler, class);
                if (r != 0) {
                        *last = -1;
                        return MIN(r, 0);
                }
        }
        c = class_byte(compiler);
        if (c < 0)
                return -EINVAL;
        class_add(class, (unsigned)c, (unsigned)c);
        *last = c;
        return 0;
}

/* Behind the opening bracket. A closing bracket that comes first is an ordinary member. */
static const struct class *compile_class(struct compiler *compiler) {
        struct class *class = arena_new(compiler->arena, struct class);
        bool negative = peek(compiler, 0) == '!' || peek(compiler, 0) == '^';
        int last = -1;

        compiler->next += negative;
        do {
                if (class_item(compiler, class, &last) < 0)
                        return NULL;
        } while (peek(compiler, 0) >= 0 && peek(compiler, 0) != ']');
        if (peek(compiler, 0) < 0)
                return NULL;
        compiler->next++;
        for (size_t i = 0; negative && i < ELEMENTS(class->bits); i++)
                class->bits[i] = ~class->bits[i];
        class->bits['/' / 64] &= ~(UINT64_C(1) << ('/' % 64));
        return class;
}

/* A run of stars that begins at byte START of the pattern. Two or more are deep where they stand
 * alone between slashes or ends. git compares the literal beginning of a pattern first and takes
 * what is left for a pattern of its own, so that "ab**" + "/c" counts as standing alone, too. */
static enum token_type star_type(const struct compiler *compiler, size_t start) {
        int after = peek(compiler, 0);
        bool starts = start == compiler->literal || compiler->text.ptr[start - 1] == '/';

        if (compiler->next - start < 2 || !starts)
                return TOKEN_STAR;
        if (after == '/')
                return TOKEN_SKIP;
        if (after < 0 || (after == '\\' && peek(compiler, 1) == '/'))
                return TOKEN_DEEP;
        return TOKEN_STAR;
}

static struct token compile_token(struct compiler *compiler) {
        size_t start = compiler->next;
        char byte = compiler->text.ptr[compiler->next++];
        const struct class *class;

        switch (byte) {
        case '?':
                return (struct token){ .type = TOKEN_ANY };
        case '*':
                while (peek(compiler, 0) == '*')
                        compiler->next++;
                return (struct token){ .type = (uint8_t)star_type(compiler, start) };
        case '[':
                class = compile_class(compiler);
                if (!class)
                        break;
                return (struct token){ .type = TOKEN_CLASS, .class = class };
        case '\\':
                if (peek(compiler, 0) < 0)
                        break;
                return (struct token){ .byte = compiler->text.ptr[compiler->next++] };
        default:
                return (struct token){ .byte = byte };
        }
        compiler->next = compiler->text.len;
        return (struct token){ .type = TOKEN_NEVER };
}

static size_t literal_length(struct str text) {
        size_t length = 0;

        while (length < text.len && !memchr("*?[\\", text.ptr[length], 4))
                length++;
        return length;
}

static void compile(struct arena *arena, struct pattern *pattern, struct str text) {
        struct compiler compiler = { .arena = arena };

        if (str_starts(text, STR("!"))) {
                pattern->negative = true;
                text = str_slice(text, 1, text.len);
        }
        if (str_ends(text, STR("/"))) {
                pattern->folders_only = true;
                text.len--;
        }
        pattern->last_part_only = str_find(text, STR("/"), 0) < 0;
        if (str_starts(text, STR("/")))
                text = str_slice(text, 1, text.len);
        compiler.text = text;
        compiler.literal = literal_length(text);
        pattern->tokens = arena_new_array(arena, text.len, struct token);
        while (compiler.next < text.len) {
                struct token token = compile_token(&compiler);

                pattern->tokens[pattern->count++] = token;
                /* It came from at least two stars, so there is room. */
                if (token.type == TOKEN_SKIP)
                        pattern->tokens[pattern->count++] = (struct token){ .type = TOKEN_DEEP };
        }
}

/* Without the blanks at the end, unless a backslash keeps them. */
static struct str trim_end(struct str line) {
        size_t end = 0;

        for (size_t i = 0; i < line.len; i++) {
                if (line.ptr[i] == '\\' && i + 1 == line.len)
                        return line;
                if (line.ptr[i] == '\\')
                        i++;
                else if (line.ptr[i] == ' ')
                        continue;
                end = i + 1;
        }
        return str_slice(line, 0, end);
}

int ignore_new(struct arena *arena, struct str text, struct ignore **ret, struct error *error) {
        struct ignore *ignore = arena_new(arena, struct ignore);
        struct str line;
        uint32_t number = 0;

        if (text.len > IGNORE_TEXT_MAX)
                return error_set(error, -E2BIG, "is larger than the limit of %d bytes",
                                 IGNORE_TEXT_MAX);
        if (str_starts(text, STR("\xef\xbb\xbf")))
                text = str_slice(text, 3, text.len);
        while (str_split(&text, '\n', &line)) {
                const char *nul = line.len ? memchr(line.ptr, 0, line.len) : NULL;

                number++;
                if (str_ends(line, STR("\r")))
                        line.len--;
                if (nul)
                        line.len = MIN(line.len, (size_t)(nul - line.ptr));
                if (str_starts(line, STR("#")))
                        continue;
                line = trim_end(line);
                if (line.len == 0)
                        continue;
                if (line.len > IGNORE_PATTERN_MAX)
                        return error_set_at(error, -E2BIG, number, 1,
                                            "a pattern is longer than the limit of %d bytes",
                                            IGNORE_PATTERN_MAX);
                compile(arena, vec_push_in(arena, &ignore->patterns), line);
        }
        *ret = ignore;
        return 0;
}

/* MATCHING
 *
 * A pattern is a small automaton whose state is a place in the row of tokens. All places that the
 * text read so far can lead to are kept at once, as a set of bits, so nothing is tried twice. */

enum { WORDS = IGNORE_PATTERN_MAX / 64 + 1 };

struct places {
        uint64_t words[WORDS];
};

static void places_add(struct places *places, size_t place) {
        places->words[place / 64] |= UINT64_C(1) << (place % 64);
}

static bool places_has(const struct places *places, size_t place) {
        return places->words[place / 64] >> (place % 64) & 1;
}

/* The next place at or after FROM, or SIZE_MAX. */
static size_t places_next(const struct places *places, size_t from, size_t words) {
        for (size_t i = from / 64; i < words; i++) {
                uint64_t word = places->words[i];

                if (i == from / 64)
                        word &= ~UINT64_C(0) << (from % 64);
                if (word)
                        return i * 64 + (size_t)__builtin_ctzll(word);
        }
        return SIZE_MAX;
}

/* Adds the places that can be had without reading on: stars may match nothing. Such steps lead
 * forward only, so one pass finds all. */
static void places_close(struct places *places, const struct pattern *pattern, size_t words) {
        for (size_t i = places_next(places, 0, words); i < pattern->count;
             i = places_next(places, i + 1, words))
                switch (pattern->tokens[i].type) {
                case TOKEN_SKIP:
                        places_add(places, i + 3);
                        places_add(places, i + 1);
                        break;
                case TOKEN_DEEP:
                case TOKEN_STAR:
                        places_add(places, i + 1);
                        break;
                default:
                        break;
                }
}

static void step(const struct token *token, size_t place, char byte, struct places *next) {
        switch (token->type) {
        case TOKEN_BYTE:
                if (token->byte == byte)
                        places_add(next, place + 1);
                break;
        case TOKEN_ANY:
                if (byte != '/')
                        places_add(next, place + 1);
                break;
        case TOKEN_CLASS:
                if (class_has(token->class, byte))
                        places_add(next, place + 1);
                break;
        case TOKEN_STAR:
                if (byte != '/')
                        places_add(next, place);
                break;
        case TOKEN_DEEP:
                places_add(next, place);
                break;
        default:
                break;
        }
}

static bool match(const struct pattern *pattern, struct str text) {
        size_t words = pattern->count / 64 + 1;
        struct places sets[2], *now = &sets[0], *next = &sets[1], *swap;

        memset(now, 0, words * sizeof now->words[0]);
        places_add(now, 0);
        places_close(now, pattern, words);
        for (size_t i = 0; i < text.len; i++) {
                bool alive = false;

                memset(next, 0, words * sizeof next->words[0]);
                for (size_t place = places_next(now, 0, words); place < pattern->count;
                     place = places_next(now, place + 1, words)) {
                        step(&pattern->tokens[place], place, text.ptr[i], next);
                        alive = true;
                }
                if (!alive)
                        return false;
                places_close(next, pattern, words);
                swap = now;
                now = next;
                next = swap;
        }
        return places_has(now, pattern->count);
}

static struct str last_part(struct str path) {
        const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;

        return slash ? str_slice(path, (size_t)(slash - path.ptr) + 1, path.len) : path;
}

enum ignore_verdict ignore_check(const struct ignore *ignore, struct str path, bool is_folder) {
        struct str last = last_part(path);

        for (size_t i = ignore->patterns.count; i > 0; i--) {
                const struct pattern *pattern = &ignore->patterns.items[i - 1];

                if (pattern->folders_only && !is_folder)
                        continue;
                if (match(pattern, pattern->last_part_only ? last : path))
                        return pattern->negative ? IGNORE_TAKEN_BACK : IGNORE_LEFT_OUT;
        }
        return IGNORE_UNDECIDED;
}

enum ignore_verdict ignore_check_path(const struct ignore *ignore, struct str path,
                                      bool is_folder) {
        for (size_t i = 1; i < path.len; i++)
                if (path.ptr[i] == '/' &&
                    ignore_check(ignore, str_slice(path, 0, i), true) == IGNORE_LEFT_OUT)
                        return IGNORE_LEFT_OUT;
        return ignore_check(ignore, path, is_folder);
}
