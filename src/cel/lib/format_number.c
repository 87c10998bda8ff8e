#include "cel/lib/format_number.h"

#include <math.h>

#include "base/utf8.h"

enum { GROUP = 3 }; /* digits between separators */

/* The digits of a number that is not negative: 0.d1d2d3... times 10^exponent, without zeros at
 * either end. Zero has none. */
struct digits {
        struct str text;
        int64_t exponent;
};

/* Makes digits of "123.45" or "1.5e+06". */
static struct digits digits_read(struct arena *arena, struct str number) {
        char *out = arena_alloc(arena, number.len + 1);
        struct digits digits = { { out, 0 }, 0 };
        bool point = false;
        size_t i = 0;

        for (; i < number.len && number.ptr[i] != 'e'; i++) {
                char c = number.ptr[i];

                if (c == '.') {
                        point = true;
                        continue;
                }
                if (c == '0' && digits.text.len == 0) {
                        digits.exponent -= point; /* a zero in front */
                        continue;
                }
                out[digits.text.len++] = c;
                digits.exponent += !point;
        }
        if (i < number.len)
                digits.exponent += strtol(number.ptr + i + 1, NULL, 10);
        while (digits.text.len > 0 && out[digits.text.len - 1] == '0')
                digits.text.len--;
        if (digits.text.len == 0)
                digits.exponent = 0;
        return digits;
}

static void add_whole(struct builder *out, const struct digits *digits) {
        int64_t count = digits->exponent;

        if (count <= 0)
                builder_add_char(out, '0');
        for (int64_t i = 0; i < count; i++) {
                builder_add_char(out, i < (int64_t)digits->text.len ? digits->text.ptr[i] : '0');
                if (count - i > 1 && (count - i - 1) % GROUP == 0)
                        builder_add_char(out, ',');
        }
}

static void add_fraction(struct builder *out, const struct digits *digits, int64_t least) {
        int64_t used = (int64_t)digits->text.len - digits->exponent;
        int64_t count = MAX(used, least);

        if (count <= 0)
                return;
        builder_add_char(out, '.');
        for (int64_t i = 0; i < count; i++) {
                int64_t position = i + digits->exponent;
                bool given = position >= 0 && position < (int64_t)digits->text.len;

                builder_add_char(out, given ? digits->text.ptr[position] : '0');
        }
}

static bool add_special(struct builder *out, double number) {
        if (isnan(number))
                builder_add(out, STR("NaN"));
        else if (isinf(number))
                builder_add(out, number < 0 ? STR("-∞") : STR("∞"));
        else
                return false;
        return true;
}

/* More than a million cannot be said in the formatting language that is used in between. */
static bool add_nonsense(struct builder *out, int64_t count) {
        if (count / 10 <= 1000 * 1000)
                return false;
        builder_add(out, STR("%!(NOVERB)"));
        return true;
}

void cel_format_fixed(struct builder *out, double number, int64_t precision) {
        int64_t least = (uint8_t)precision, most = (int16_t)precision;
        struct digits digits;
        struct str text;

        if (add_nonsense(out, precision) || add_special(out, number))
                return;
        if (most >= 0)
                text = arena_printf(out->arena, "%.*f", (int)most, fabs(number));
        else
                text = cel_double_text(out->arena, fabs(number));
        digits = digits_read(out->arena, text);
        if (number < 0)
                builder_add_char(out, '-');
        add_whole(out, &digits);
        add_fraction(out, &digits, least);
}

static void add_superscript(struct builder *out, int exponent) {
        static const int32_t digits[] = { 0x2070, 0xb9,   0xb2,   0xb3,   0x2074,
                                          0x2075, 0x2076, 0x2077, 0x2078, 0x2079 };
        char text[16];

        snprintf(text, sizeof(text), "%02d", abs(exponent));
        builder_add(out, STR("×10"));
        if (exponent < 0)
                builder_add_rune(out, 0x207b);
        for (const char *c = text; *c; c++)
                builder_add_rune(out, digits[*c - '0']);
}

void cel_format_scientific(struct builder *out, double number, int64_t width) {
        struct builder text = { .arena = out->arena };
        size_t cells = (uint16_t)width, count;

        if (add_nonsense(out, width))
                return;
        if (!add_special(&text, number)) {
                char digits[64], *e;

                snprintf(digits, sizeof(digits), "%.6e", fabs(number));
                e = strchr(digits, 'e');
                if (number < 0)
                        builder_add_char(&text, '-');
                builder_add(&text, (struct str){ digits, (size_t)(e - digits) });
                add_superscript(&text, (int)strtol(e + 1, NULL, 10));
        }
        count = utf8_count(builder_str(&text));
        builder_add_repeat(out, ' ', cells > count ? cells - count : 0);
        builder_add(out, builder_str(&text));
}
