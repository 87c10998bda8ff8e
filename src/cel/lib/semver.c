/*
 * Semantic versions (apiserver pkg/cel/library/semverlib.go, which uses
 * github.com/blang/semver/v4). Build metadata takes no part in comparisons.
 */
#include "cel/lib/lib.h"

static const struct cel_type semver_type = { .kind = CEL_TYPE_OPAQUE,
                                             .name = STR_INIT("kubernetes.Semver") };

/* One part of a pre-release: a number (then NUMERIC) or text. */
struct prerelease {
        bool numeric;
        uint64_t number;
        struct str text;
};

struct semver {
        uint64_t numbers[3]; /* major, minor, patch */
        struct prerelease *prerelease;
        size_t prerelease_count;
};

/* --- comparing --- */

static int order(uint64_t a, uint64_t b) {
        return (a > b) - (a < b);
}

static int compare_prerelease(const struct prerelease *a, const struct prerelease *b) {
        int r;

        if (a->numeric != b->numeric)
                return a->numeric ? -1 : 1;
        if (a->numeric)
                return order(a->number, b->number);
        r = str_cmp(a->text, b->text);
        return (r > 0) - (r < 0);
}

static int semver_compare(const struct semver *a, const struct semver *b) {
        int r = 0;

        for (size_t i = 0; i < 3 && r == 0; i++)
                r = order(a->numbers[i], b->numbers[i]);
        if (r != 0)
                return r;
        /* A release comes after its pre-releases. */
        if (a->prerelease_count == 0 || b->prerelease_count == 0)
                return order(a->prerelease_count == 0, b->prerelease_count == 0);
        for (size_t i = 0; i < MIN(a->prerelease_count, b->prerelease_count) && r == 0; i++)
                r = compare_prerelease(&a->prerelease[i], &b->prerelease[i]);
        return r != 0 ? r : order(a->prerelease_count, b->prerelease_count);
}

static bool semver_equal(const void *a, const void *b) {
        return semver_compare(a, b) == 0;
}

static const struct cel_opaque_type semver_opaque = { .name = STR_INIT("kubernetes.Semver"),
                                                      .type = &semver_type,
                                                      .equal = semver_equal };

/* --- reading --- */

static bool all_digits(struct str s) {
        for (size_t i = 0; i < s.len; i++)
                if (s.ptr[i] < '0' || s.ptr[i] > '9')
                        return false;
        return true;
}

static bool all_identifier(struct str s) {
        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-'))
                        return false;
        }
        return true;
}

/* What reading gives: an error value where kind is CEL_ERROR, otherwise nothing. */
static const struct cel_value fine = { .kind = CEL_NULL };

/* strconv.ParseUint of digits. */
static struct cel_value read_number(struct arena *arena, struct str digits, uint64_t *ret) {
        uint64_t value = 0;

        if (digits.len == 0)
                return cel_error(arena, "strconv.ParseUint: parsing \"\": invalid syntax");
        for (size_t i = 0; i < digits.len; i++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(digits.ptr[i] - '0'), &value))
                        return cel_error(arena,
                                         "strconv.ParseUint: parsing \"%.*s\": value out of range",
                                         STR_ARG(digits));
        *ret = value;
        return fine;
}

static struct cel_value read_main(struct arena *arena, struct str text, size_t which,
                                  struct semver *ret) {
        static const char *const names[] = { "major", "minor", "patch" };
        static const char *const capitals[] = { "Major", "Minor", "Patch" };
        struct str quoted;

        if (!all_digits(text)) {
                quoted = cel_quote(arena, text);
                return cel_error(arena, "Invalid character(s) found in %s number %.*s",
                                 names[which], STR_ARG(quoted));
        }
        if (text.len > 1 && text.ptr[0] == '0') {
                quoted = cel_quote(arena, text);
                return cel_error(arena, "%s number must not contain leading zeroes %.*s",
                                 capitals[which], STR_ARG(quoted));
        }
        return read_number(arena, text, &ret->numbers[which]);
}

static struct cel_value read_prerelease(struct arena *arena, struct str text,
                                        struct prerelease *ret) {
        struct str quoted;

        if (text.len == 0)
                return cel_error(arena, "Prerelease is empty");
        if (all_digits(text)) {
                if (text.len > 1 && text.ptr[0] == '0') {
                        quoted = cel_quote(arena, text);
                        return cel_error(
                                arena,
                                "Numeric PreRelease version must not contain leading zeroes %.*s",
                                STR_ARG(quoted));
                }
                ret->numeric = true;
                return read_number(arena, text, &ret->number);
        }
        if (!all_identifier(text)) {
                quoted = cel_quote(arena, text);
                return cel_error(arena, "Invalid character(s) found in prerelease %.*s",
                                 STR_ARG(quoted));
        }
        ret->text = text;
        return fine;
}

static struct cel_value check_build(struct arena *arena, struct str text) {
        struct str quoted;

        if (text.len == 0)
                return cel_error(arena, "Build meta data is empty");
        if (!all_identifier(text)) {
                quoted = cel_quote(arena, text);
                return cel_error(arena, "Invalid character(s) found in build meta data %.*s",
                                 STR_ARG(quoted));
        }
        return fine;
}

/* Cuts S at the first C. Returns whether there was one; then *RET_AFTER is what follows. */
static bool cut(struct str *s, char c, struct str *ret_after) {
        const char *hit = s->len > 0 ? memchr(s->ptr, c, s->len) : NULL;

        if (!hit)
                return false;
        *ret_after = str_slice(*s, (size_t)(hit - s->ptr) + 1, s->len);
        s->len = (size_t)(hit - s->ptr);
        return true;
}

static size_t count_parts(struct str s) {
        size_t count = 1;

        for (size_t i = 0; i < s.len; i++)
                count += s.ptr[i] == '.';
        return count;
}

/* The dotted parts behind '-' and '+'. */
static struct cel_value read_labels(struct arena *arena, struct str *prerelease, struct str *build,
                                    struct semver *ret) {
        struct cel_value error;
        struct str part;

        if (prerelease) {
                ret->prerelease =
                        arena_new_array(arena, count_parts(*prerelease), struct prerelease);
                while (str_split(prerelease, '.', &part)) {
                        error = read_prerelease(arena, part,
                                                &ret->prerelease[ret->prerelease_count++]);
                        if (error.kind == CEL_ERROR)
                                return error;
                }
        }
        while (build && str_split(build, '.', &part)) {
                error = check_build(arena, part);
                if (error.kind == CEL_ERROR)
                        return error;
        }
        return fine;
}

static struct cel_value semver_parse(struct arena *arena, struct str text, struct semver *ret) {
        struct str parts[3] = { text }, build = STR(""), prerelease = STR("");
        bool has_build, has_prerelease;
        struct cel_value error = fine;

        if (text.len == 0)
                return cel_error(arena, "Version string empty");
        if (!cut(&parts[0], '.', &parts[1]) || !cut(&parts[1], '.', &parts[2]))
                return cel_error(arena, "No Major.Minor.Patch elements found");
        for (size_t i = 0; i < 2 && error.kind != CEL_ERROR; i++)
                error = read_main(arena, parts[i], i, ret);
        if (error.kind == CEL_ERROR)
                return error;
        has_build = cut(&parts[2], '+', &build);
        has_prerelease = cut(&parts[2], '-', &prerelease);
        error = read_main(arena, parts[2], 2, ret);
        if (error.kind == CEL_ERROR)
                return error;
        return read_labels(arena, has_prerelease ? &prerelease : NULL, has_build ? &build : NULL,
                           ret);
}

/* PART without leading zeros, except one before what is no digit. */
static void add_without_zeros(struct builder *builder, struct str part) {
        size_t i = 0;

        if (part.len > 1) {
                while (i < part.len && part.ptr[i] == '0')
                        i++;
                if (i == part.len || part.ptr[i] < '0' || part.ptr[i] > '9')
                        builder_add_char(builder, '0');
        }
        builder_add(builder, str_slice(part, i, part.len));
}

/* The tolerant form: "v" in front, missing minor or patch, leading zeros. */
static struct cel_value semver_parse_tolerant(struct arena *arena, struct str text,
                                              struct semver *ret) {
        struct builder builder = { .arena = arena };
        struct str parts[3];
        size_t count = 1;

        if (str_starts(text, STR("v")))
                text = str_slice(text, 1, text.len);
        parts[0] = text;
        while (count < 3 && cut(&parts[count - 1], '.', &parts[count]))
                count++;
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        builder_add_char(&builder, '.');
                add_without_zeros(&builder, parts[i]);
        }
        if (count < 3 && parts[count - 1].len > 0 &&
            (memchr(parts[count - 1].ptr, '+', parts[count - 1].len) ||
             memchr(parts[count - 1].ptr, '-', parts[count - 1].len)))
                return cel_error(arena, "short version cannot contain PreRelease/Build meta data");
        for (; count < 3; count++)
                builder_add(&builder, STR(".0"));
        return semver_parse(arena, builder_str(&builder), ret);
}

static struct cel_value parse(struct cel_context *context, const struct cel_value *args,
                              size_t count, struct semver *ret) {
        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (count > 1 && args[1].boolean)
                return semver_parse_tolerant(context->scratch, args[0].string, ret);
        return semver_parse(context->scratch, args[0].string, ret);
}

/* --- functions --- */

static struct cel_value semver(struct cel_context *context, const struct cel_value *args,
                               size_t count) {
        struct semver *made = arena_new(context->scratch, struct semver);
        struct cel_value error = parse(context, args, count, made);

        return error.kind == CEL_ERROR ? error : cel_opaque(&semver_opaque, made);
}

static struct cel_value is_semver(struct cel_context *context, const struct cel_value *args,
                                  size_t count) {
        struct semver parsed = { 0 };
        struct cel_value error = parse(context, args, count, &parsed);

        if (context->exhausted)
                return error;
        return cel_bool(error.kind != CEL_ERROR);
}

static struct cel_value major_number(_unused_ struct cel_context *context,
                                     const struct cel_value *args, _unused_ size_t count) {
        return cel_int((int64_t)((const struct semver *)args[0].opaque)->numbers[0]);
}

static struct cel_value minor_number(_unused_ struct cel_context *context,
                                     const struct cel_value *args, _unused_ size_t count) {
        return cel_int((int64_t)((const struct semver *)args[0].opaque)->numbers[1]);
}

static struct cel_value patch_number(_unused_ struct cel_context *context,
                                     const struct cel_value *args, _unused_ size_t count) {
        return cel_int((int64_t)((const struct semver *)args[0].opaque)->numbers[2]);
}

static struct cel_value compare_to(_unused_ struct cel_context *context,
                                   const struct cel_value *args, _unused_ size_t count) {
        return cel_int(semver_compare(args[0].opaque, args[1].opaque));
}

static struct cel_value is_greater_than(_unused_ struct cel_context *context,
                                        const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(semver_compare(args[0].opaque, args[1].opaque) > 0);
}

static struct cel_value is_less_than(_unused_ struct cel_context *context,
                                     const struct cel_value *args, _unused_ size_t count) {
        return cel_bool(semver_compare(args[0].opaque, args[1].opaque) < 0);
}

#define SEMVER "kubernetes.Semver"

static const struct cel_function_row rows[] = {
        { .signature = "semver(string) " SEMVER, .call = semver, .since = 33 },
        { .signature = "semver(string, bool) " SEMVER, .call = semver, .since = 33 },
        { .signature = "isSemver(string) bool", .call = is_semver, .since = 33 },
        { .signature = "isSemver(string, bool) bool", .call = is_semver, .since = 33 },
        { .signature = SEMVER ".isGreaterThan(" SEMVER ") bool",
          .call = is_greater_than,
          .since = 33 },
        { .signature = SEMVER ".isLessThan(" SEMVER ") bool", .call = is_less_than, .since = 33 },
        { .signature = SEMVER ".compareTo(" SEMVER ") int", .call = compare_to, .since = 33 },
        { .signature = SEMVER ".major() int", .call = major_number, .since = 33 },
        { .signature = SEMVER ".minor() int", .call = minor_number, .since = 33 },
        { .signature = SEMVER ".patch() int", .call = patch_number, .since = 33 },
};

CEL_LIBRARY(cel_library_semver, "semver", rows);
