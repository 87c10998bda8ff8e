#include "base/str.h"

#include <sys/random.h>
#include <time.h>

#include "base/util.h"

int str_cmp(struct str a, struct str b) {
        size_t n = MIN(a.len, b.len);
        int r = n ? memcmp(a.ptr, b.ptr, n) : 0;

        if (r != 0)
                return r;
        return (a.len > b.len) - (a.len < b.len);
}

struct str str_slice(struct str s, size_t from, size_t to) {
        to = MIN(to, s.len);
        from = MIN(from, to);
        return (struct str){ s.ptr ? s.ptr + from : NULL, to - from };
}

bool str_starts(struct str s, struct str prefix) {
        return s.len >= prefix.len && str_eq(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix) {
        return s.len >= suffix.len && str_eq(str_slice(s, s.len - suffix.len, s.len), suffix);
}

ptrdiff_t str_find(struct str s, struct str needle, size_t from) {
        const char *hit;

        if (from > s.len || needle.len > s.len - from)
                return -1;
        if (needle.len == 0)
                return (ptrdiff_t)from;
        hit = memmem(s.ptr + from, s.len - from, needle.ptr, needle.len);
        return hit ? hit - s.ptr : -1;
}

static bool is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s) {
        while (s.len > 0 && is_space(s.ptr[0]))
                s = str_slice(s, 1, s.len);
        while (s.len > 0 && is_space(s.ptr[s.len - 1]))
                s.len--;
        return s;
}

bool str_split(struct str *rest, char separator, struct str *ret_part) {
        const char *hit;

        if (!rest->ptr)
                return false;
        hit = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
        if (!hit) {
                *ret_part = *rest;
                *rest = (struct str){ 0 };
                return true;
        }
        *ret_part = (struct str){ rest->ptr, (size_t)(hit - rest->ptr) };
        *rest = str_slice(*rest, ret_part->len + 1, rest->len);
        return true;
}

/* Optimal string alignment over three rows. */
size_t str_distance(struct str a, struct str b) {
        enum { MAX_LEN = 64 };
        size_t rows[3][MAX_LEN + 1];
        size_t *before = rows[0], *last = rows[1], *row = rows[2];

        if (a.len > MAX_LEN || b.len > MAX_LEN)
                return SIZE_MAX;
        for (size_t j = 0; j <= b.len; j++)
                last[j] = j;
        for (size_t i = 1; i <= a.len; i++) {
                row[0] = i;
                for (size_t j = 1; j <= b.len; j++) {
                        size_t change = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);

                        row[j] = MIN(change, MIN(last[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                            a.ptr[i - 2] == b.ptr[j - 1])
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }
                size_t *spare = before;
                before = last;
                last = row;
                row = spare;
        }
        return last[b.len];
}

static uint64_t hash_seed;

__attribute__((constructor)) static void draw_seed(void) {
        if (getrandom(&hash_seed, sizeof hash_seed, GRND_NONBLOCK) != (ssize_t)sizeof hash_seed) {
                struct timespec now;

                clock_gettime(CLOCK_REALTIME, &now);
                hash_seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec ^
                            (uint64_t)(uintptr_t)&now;
        }
}

static uint64_t mix(uint64_t a, uint64_t b) {
        __extension__ unsigned __int128 product = (unsigned __int128)a * b;

        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load(const char *p, size_t size) {
        uint64_t word = 0;

        memcpy(&word, p, size);
        return word;
}

/* The 1 to 7 bytes of a short text in one word, read in steps of fixed size. */
static inline uint64_t load_short(const char *p, size_t n) {
        if (n >= 4)
                return load(p, 4) | load(p + n - 4, 4) << 32;
        return load(p, 1) | load(p + n / 2, 1) << 8 | load(p + n - 1, 1) << 16;
}

/* A multiply-and-fold hash in the manner of wyhash: sixteen bytes a step, the seed in every step.
 * The last step may take some bytes again; the length tells such texts apart. */
uint32_t str_hash(struct str s) {
        const uint64_t key = hash_seed ^ 0x8ebc6af09c88c6e3u;
        uint64_t h = hash_seed ^ s.len * 0xa0761d6478bd642fu, first = 0, last = 0;
        const char *p = s.ptr;
        size_t n = s.len;

        for (; n > 16; n -= 16, p += 16)
                h = mix(load(p, 8) ^ key, load(p + 8, 8) ^ h);
        if (s.len >= 16)
                first = load(p + n - 16, 8);
        else if (n >= 8)
                first = load(p, 8);
        else if (n > 0)
                first = load_short(p, n);
        if (n >= 8 || s.len >= 16)
                last = load(p + n - 8, 8);
        h = mix(first ^ key, last ^ h);
        h = mix(h, 0x1d8e4e27c47d124fu ^ hash_seed);
        return (uint32_t)(h ^ (h >> 32));
}
