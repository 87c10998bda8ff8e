#include "base/options.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "base/vec.h"

/* One parse: where we are, and what errors call the option ("--output", "-o"). */
struct parse {
        const struct option_set *sets;
        struct arena *arena;
        char **argv;
        int argc, next; /* argv[next] is read next */
        struct error *error;
};

struct match {
        const struct option_spec *spec;
        void *target;
        bool negated;
};

static const struct option_word when_words[] = {
        { "auto", OPTION_AUTO, "on a terminal" },
        { "always", OPTION_ALWAYS, NULL },
        { "never", OPTION_NEVER, NULL },
        { NULL },
};

const struct option_word *option_words(const struct option_spec *spec) {
        if (spec->type == OPTION_COLOUR)
                return when_words;
        return spec->type == OPTION_CHOICE ? spec->words : NULL;
}

/* A suggestion that is wrong is worse than none: one edit in three characters, or a beginning. */
static bool near_enough(struct str word, struct str candidate, size_t distance) {
        if (word.len >= 2 && str_starts(candidate, word))
                return true;
        return distance <= MAX(word.len / 3, (size_t)1) && distance < word.len;
}

const char *option_nearest(struct str word, const char *const *candidates) {
        const char *best = NULL;
        size_t best_distance = SIZE_MAX;

        for (; *candidates; candidates++) {
                struct str candidate = str_from(*candidates);
                size_t distance = str_distance(word, candidate);

                if (distance < best_distance && near_enough(word, candidate, distance)) {
                        best = *candidates;
                        best_distance = distance;
                }
        }
        return best;
}

int option_parse_integer(struct str text, int64_t *ret) {
        bool negative = text.len > 0 && text.ptr[0] == '-';
        size_t i = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
        int64_t value = 0;

        if (i == text.len)
                return -EINVAL;
        for (; i < text.len; i++) {
                int digit = text.ptr[i] - '0';

                if (digit < 0 || digit > 9)
                        return -EINVAL;
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, negative ? -digit : digit, &value))
                        return -ERANGE;
        }
        *ret = value;
        return 0;
}

/* "", "K", "Ki", "KB" and "KiB" are all 1024: nobody means 1000 by a limit of memory. */
static int size_shift(struct str unit, unsigned *ret) {
        static const char letters[] = "KMGT";
        const char *at;
        char letter;

        *ret = 0;
        if (unit.len == 0)
                return 0;
        letter = unit.ptr[0] >= 'a' ? (char)(unit.ptr[0] - 'a' + 'A') : unit.ptr[0];
        at = letter ? strchr(letters, letter) : NULL;
        if (at) {
                *ret = (unsigned)(at - letters + 1) * 10;
                unit = str_slice(unit, 1, unit.len);
                if (unit.len > 0 && unit.ptr[0] == 'i')
                        unit = str_slice(unit, 1, unit.len);
        }
        if (unit.len == 0 || str_eq(unit, STR("B")) || str_eq(unit, STR("b")))
                return 0;
        return -EINVAL;
}

int option_parse_size(struct str text, size_t *ret) {
        size_t digits = 0;
        unsigned shift;
        int64_t value;
        int r;

        while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
                digits++;
        r = size_shift(str_slice(text, digits, text.len), &shift);
        if (r < 0)
                return r;
        r = option_parse_integer(str_slice(text, 0, digits), &value);
        if (r < 0)
                return r;
        if ((uint64_t)value > (SIZE_MAX >> shift))
                return -ERANGE;
        *ret = (size_t)value << shift;
        return 0;
}

static int store_integer(struct parse *parse, const struct match *match, const char *name,
                         const char *value) {
        const struct option_spec *spec = match->spec;
        bool bounded = spec->min != 0 || spec->max != 0;
        int64_t max = bounded ? spec->max : INT64_MAX;
        int64_t number;
        int r = option_parse_integer(str_from(value), &number);

        if (r == -EINVAL)
                return error_set(parse->error, r, "%s: \"%s\" is not a number", name, value);
        if (r < 0 || number < spec->min || number > max) {
                if (bounded)
                        return error_set(parse->error, -EINVAL,
                                         "%s: %s is not between %lld and %lld", name, value,
                                         (long long)spec->min, (long long)spec->max);
                return error_set(parse->error, -EINVAL, "%s: %s is out of range", name, value);
        }
        *(int64_t *)((char *)match->target + spec->offset) = number;
        return 0;
}

static int store_size(struct parse *parse, const struct match *match, const char *name,
                      const char *value) {
        const struct option_spec *spec = match->spec;
        bool bounded = spec->min != 0 || spec->max != 0;
        size_t bytes;
        int r = option_parse_size(str_from(value), &bytes);

        if (r == -EINVAL)
                return error_set(parse->error, r,
                                 "%s: \"%s\" is not a size, write it like 4096, 512K, 64M or 2G",
                                 name, value);
        if (r < 0 || (bounded && (bytes < (size_t)spec->min || bytes > (size_t)spec->max))) {
                if (bounded)
                        return error_set(parse->error, -EINVAL,
                                         "%s: %s is not between %lld and %lld bytes", name, value,
                                         (long long)spec->min, (long long)spec->max);
                return error_set(parse->error, -EINVAL, "%s: %s is too large", name, value);
        }
        *(size_t *)((char *)match->target + spec->offset) = bytes;
        return 0;
}

static int store_choice(struct parse *parse, const struct match *match, const char *name,
                        const char *value) {
        VEC(const char *) candidates = { 0 };
        struct buf list _cleanup_(buf_free) = BUF_INIT;
        const char *nearest;

        for (const struct option_word *word = option_words(match->spec); word->word; word++) {
                if (str_eq(str_from(word->word), str_from(value))) {
                        *(int *)((char *)match->target + match->spec->offset) = word->value;
                        vec_free(&candidates);
                        return 0;
                }
                *vec_push(&candidates) = word->word;
                buf_printf(&list, "%s%s", list.len ? ", " : "", word->word);
        }
        *vec_push(&candidates) = NULL;
        nearest = option_nearest(str_from(value), candidates.items);
        vec_free(&candidates);
        if (nearest)
                return error_set(parse->error, -EINVAL,
                                 "%s: unknown word \"%s\", did you mean \"%s\"? (one of %.*s)",
                                 name, value, nearest, STR_ARG(buf_str(&list)));
        return error_set(parse->error, -EINVAL, "%s: unknown word \"%s\", not one of %.*s", name,
                         value, STR_ARG(buf_str(&list)));
}

static int store_strings(struct parse *parse, const struct match *match, const char *name,
                         const char *value) {
        struct option_strings *list =
                (struct option_strings *)((char *)match->target + match->spec->offset);
        struct str rest = str_from(value), part;

        if (!match->spec->comma) {
                *vec_push_in(parse->arena, list) = value;
                return 0;
        }
        while (str_split(&rest, ',', &part)) {
                part = str_trim(part);
                if (part.len == 0)
                        return error_set(parse->error, -EINVAL, "%s: an empty item in \"%s\"", name,
                                         value);
                *vec_push_in(parse->arena, list) = arena_str(parse->arena, part).ptr;
        }
        return 0;
}

static int store(struct parse *parse, const struct match *match, const char *name,
                 const char *value) {
        void *field = (char *)match->target + match->spec->offset;

        switch (match->spec->type) {
        case OPTION_FLAG:
                *(bool *)field = !match->negated;
                return 0;
        case OPTION_COUNTER:
                *(int *)field = match->negated ? 0 : MIN(*(int *)field, 1000) + 1;
                return 0;
        case OPTION_STRING:
                *(const char **)field = value;
                return 0;
        case OPTION_STRINGS:
                return store_strings(parse, match, name, value);
        case OPTION_INTEGER:
                return store_integer(parse, match, name, value);
        case OPTION_SIZE:
                return store_size(parse, match, name, value);
        case OPTION_CHOICE:
        case OPTION_COLOUR:
                return store_choice(parse, match, name, value);
        case OPTION_TYPE_END:
        case OPTION_TYPE_SECTION:
                break;
        }
        return -EINVAL;
}

static bool name_is(const struct option_spec *spec, struct str name) {
        return (spec->name && str_eq(str_from(spec->name), name)) ||
               (spec->alias && str_eq(str_from(spec->alias), name));
}

static bool is_option(const struct option_spec *spec) {
        return spec->type != OPTION_TYPE_SECTION;
}

static bool find_long(const struct option_set *sets, struct str name, struct match *ret) {
        struct str positive = str_slice(name, 3, name.len);
        bool negated = str_starts(name, STR("no-"));

        for (; sets->specs; sets++)
                for (const struct option_spec *spec = sets->specs; spec->type; spec++) {
                        if (!is_option(spec))
                                continue;
                        if (name_is(spec, name)) {
                                *ret = (struct match){ spec, sets->target, false };
                                return true;
                        }
                        if (negated && spec->negatable && name_is(spec, positive)) {
                                *ret = (struct match){ spec, sets->target, true };
                                return true;
                        }
                }
        return false;
}

static bool find_letter(const struct option_set *sets, char letter, struct match *ret) {
        for (; sets->specs; sets++)
                for (const struct option_spec *spec = sets->specs; spec->type; spec++)
                        if (is_option(spec) && spec->letter == letter) {
                                *ret = (struct match){ spec, sets->target, false };
                                return true;
                        }
        return false;
}

static int unknown_long(struct parse *parse, struct str name) {
        VEC(const char *) candidates = { 0 };
        const char *nearest;

        for (const struct option_set *set = parse->sets; set->specs; set++)
                for (const struct option_spec *spec = set->specs; spec->type; spec++) {
                        if (!is_option(spec) || !spec->name || spec->hidden)
                                continue;
                        *vec_push(&candidates) = spec->name;
                        if (spec->negatable)
                                *vec_push(&candidates) =
                                        arena_printf(parse->arena, "no-%s", spec->name).ptr;
                }
        *vec_push(&candidates) = NULL;
        nearest = option_nearest(name, candidates.items);
        vec_free(&candidates);
        if (nearest)
                return error_set(parse->error, -EINVAL, "unknown option --%.*s, did you mean --%s?",
                                 STR_ARG(name), nearest);
        return error_set(parse->error, -EINVAL, "unknown option --%.*s", STR_ARG(name));
}

static int needs_argument(struct parse *parse, const struct match *match, const char *name) {
        return error_set(parse->error, -EINVAL, "option %s needs an argument: %s", name,
                         match->spec->argument);
}

/* TEXT is what follows the two hyphens. */
static int parse_long(struct parse *parse, const char *text) {
        const char *equals = strchr(text, '=');
        struct str name =
                str_slice(str_from(text), 0, equals ? (size_t)(equals - text) : strlen(text));
        const char *shown = arena_printf(parse->arena, "--%.*s", STR_ARG(name)).ptr;
        struct match match;

        if (!find_long(parse->sets, name, &match))
                return unknown_long(parse, name);
        if (!match.spec->argument || match.negated) {
                if (equals)
                        return error_set(parse->error, -EINVAL, "option %s takes no argument",
                                         shown);
                return store(parse, &match, shown, NULL);
        }
        if (equals)
                return store(parse, &match, shown, equals + 1);
        if (parse->next >= parse->argc)
                return needs_argument(parse, &match, shown);
        return store(parse, &match, shown, parse->argv[parse->next++]);
}

static int unknown_letter(struct parse *parse, const char *bundle, char letter) {
        struct match match;

        /* `-output` is meant as `--output`. */
        if (strlen(bundle) > 1 && find_long(parse->sets, str_from(bundle), &match))
                return error_set(parse->error, -EINVAL, "unknown option -%c, did you mean --%s?",
                                 letter, bundle);
        if ((unsigned char)letter >= 0x80) /* half a character would be garbage */
                return error_set(parse->error, -EINVAL, "unknown option -%s", bundle);
        if (bundle[1])
                return error_set(parse->error, -EINVAL, "unknown option -%c in -%s", letter,
                                 bundle);
        return error_set(parse->error, -EINVAL, "unknown option -%c", letter);
}

/* BUNDLE is what follows the hyphen: letters of flags, and one that may take the rest. */
static int parse_letters(struct parse *parse, const char *bundle) {
        for (const char *p = bundle; *p; p++) {
                const char shown[] = { '-', *p, 0 };
                struct match match;
                int r;

                if (!find_letter(parse->sets, *p, &match))
                        return unknown_letter(parse, bundle, *p);
                if (match.spec->argument) {
                        if (p[1])
                                return store(parse, &match, shown, p + 1);
                        if (parse->next >= parse->argc)
                                return needs_argument(parse, &match, shown);
                        return store(parse, &match, shown, parse->argv[parse->next++]);
                }
                r = store(parse, &match, shown, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

int options_parse(const struct option_set *sets, struct arena *arena, int argc, char **argv,
                  int *ret, struct error *error) {
        struct parse parse = { sets, arena, argv, argc, 1, error };
        int positionals = 0;

        while (parse.next < argc) {
                char *argument = argv[parse.next++];
                int r;

                if (argument[0] != '-' || argument[1] == 0) {
                        argv[positionals++] = argument;
                        continue;
                }
                if (strcmp(argument, "--") == 0)
                        break;
                r = argument[1] == '-' ? parse_long(&parse, argument + 2)
                                       : parse_letters(&parse, argument + 1);
                if (r < 0)
                        return r;
        }
        while (parse.next < argc)
                argv[positionals++] = argv[parse.next++];
        argv[positionals] = NULL;
        *ret = positionals;
        return 0;
}

struct str *option_strs(struct arena *arena, const struct option_strings *strings) {
        struct str *items = arena_new_array(arena, strings->count, struct str);

        for (size_t i = 0; i < strings->count; i++)
                items[i] = str_from(strings->items[i]);
        return items;
}
