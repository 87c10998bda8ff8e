#include "base/utf8.h"

#include <stdbool.h>

#include "base/util.h"

static bool is_tail(struct str s, size_t at) {
        return at < s.len && ((unsigned char)s.ptr[at] & 0xc0) == 0x80;
}

static int32_t tail(struct str s, size_t at) {
        return (unsigned char)s.ptr[at] & 0x3f;
}

int32_t utf8_next(struct str s, size_t *offset) {
        size_t i = (*offset)++;
        unsigned char lead = (unsigned char)s.ptr[i];
        int32_t code;

        if (lead < 0x80)
                return lead;
        if (lead >= 0xc2 && lead < 0xe0 && is_tail(s, i + 1)) {
                *offset = i + 2;
                return (lead & 0x1f) << 6 | tail(s, i + 1);
        }
        if (lead >= 0xe0 && lead < 0xf0 && is_tail(s, i + 1) && is_tail(s, i + 2)) {
                code = (lead & 0x0f) << 12 | tail(s, i + 1) << 6 | tail(s, i + 2);
                if (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))
                        return -1;
                *offset = i + 3;
                return code;
        }
        if (lead >= 0xf0 && lead < 0xf5 && is_tail(s, i + 1) && is_tail(s, i + 2) &&
            is_tail(s, i + 3)) {
                code = (lead & 0x07) << 18 | tail(s, i + 1) << 12 | tail(s, i + 2) << 6 |
                       tail(s, i + 3);
                if (code < 0x10000 || code > 0x10ffff)
                        return -1;
                *offset = i + 4;
                return code;
        }
        return -1;
}

size_t utf8_encode(int32_t code, char out[4]) {
        if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return 0;
        if (code < 0x80) {
                out[0] = (char)code;
                return 1;
        }
        if (code < 0x800) {
                out[0] = (char)(0xc0 | code >> 6);
                out[1] = (char)(0x80 | (code & 0x3f));
                return 2;
        }
        if (code < 0x10000) {
                out[0] = (char)(0xe0 | code >> 12);
                out[1] = (char)(0x80 | (code >> 6 & 0x3f));
                out[2] = (char)(0x80 | (code & 0x3f));
                return 3;
        }
        out[0] = (char)(0xf0 | code >> 18);
        out[1] = (char)(0x80 | (code >> 12 & 0x3f));
        out[2] = (char)(0x80 | (code >> 6 & 0x3f));
        out[3] = (char)(0x80 | (code & 0x3f));
        return 4;
}

/* Nearly all text is ASCII, and every string that CEL looks at is counted for its cost: eight bytes
 * at a time as long as none is beyond it. */
size_t utf8_count(struct str s) {
        size_t i = 0, count;

        for (; i + 8 <= s.len; i += 8) {
                uint64_t word;

                memcpy(&word, s.ptr + i, 8);
                if (word & 0x8080808080808080u)
                        break;
        }
        for (count = i; i < s.len; count++)
                utf8_next(s, &i);
        return count;
}

bool utf8_valid(struct str s) {
        for (size_t i = 0; i < s.len;)
                if (utf8_next(s, &i) < 0)
                        return false;
        return true;
}

size_t utf8_offset(struct str s, size_t index) {
        size_t i = 0;

        while (i < s.len && index-- > 0)
                utf8_next(s, &i);
        return i;
}

struct range {
        int32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, int32_t code) {
        for (size_t i = 0; i < count; i++)
                if (code >= ranges[i].first && code <= ranges[i].last)
                        return true;
        return false;
}

int utf8_width(int32_t code) {
        static const struct range combining[] = {
                { 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },   { 0x610, 0x61a },
                { 0x64b, 0x65f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
                { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
        };
        static const struct range wide[] = {
                { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },
                { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
                { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
                { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
        };

        if (code < 0x300)
                return 1;
        if (in_ranges(combining, sizeof combining / sizeof combining[0], code))
                return 0;
        return in_ranges(wide, sizeof wide / sizeof wide[0], code) ? 2 : 1;
}

static bool is_white_space(int32_t code) {
        return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 ||
               code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
               code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

struct str utf8_trim(struct str s) {
        size_t begin = s.len, end = s.len, at = 0;

        while (at < s.len) {
                size_t from = at;

                if (is_white_space(utf8_next(s, &at)))
                        continue;
                if (begin == s.len)
                        begin = from;
                end = at;
        }
        return str_slice(s, begin, MAX(begin, end));
}
