#include "base/base64.h"

#include <errno.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str base64_encode(struct arena *arena, struct str bytes) {
        char *out = arena_alloc(arena, (bytes.len / 3 + 1) * 4);
        size_t len = 0;

        for (size_t i = 0; i < bytes.len; i += 3) {
                size_t given = bytes.len - i < 3 ? bytes.len - i : 3;
                uint32_t group = 0;

                for (size_t j = 0; j < 3; j++)
                        group = group << 8 | (j < given ? (uint8_t)bytes.ptr[i + j] : 0);
                for (size_t j = 0; j < 4; j++)
                        out[len++] = j <= given ? alphabet[group >> (18 - 6 * j) & 63] : '=';
        }
        return (struct str){ out, len };
}

int base64_decode(struct arena *arena, struct str text, struct str *ret) {
        char *out = arena_alloc(arena, text.len / 4 * 3 + 4);
        size_t len = 0, digits = 0, padding = 0;
        uint32_t bits = 0;

        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];
                const char *at = c ? strchr(alphabet, c) : NULL;

                if (c == '\n' || c == '\r')
                        continue;
                if (c == '=') {
                        padding++;
                        continue;
                }
                if (!at || padding > 0)
                        return -EINVAL;
                bits = bits << 6 | (uint32_t)(at - alphabet);
                if (++digits % 4 != 1)
                        out[len++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)));
        }
        if (digits % 4 == 1 || (padding > 0 && (digits + padding) % 4 != 0) || padding > 2)
                return -EINVAL;
        *ret = (struct str){ out, len };
        return 0;
}
