#include "finding/finding.h"
#include "finding/sha256.h"

/* Each field goes in behind its length (8 bytes, little endian), so that no two different lists of
 * fields are the same bytes. */
static void add_field(struct sha256 *hash, struct str field) {
        unsigned char length[8];

        for (size_t i = 0; i < sizeof length; i++)
                length[i] = (unsigned char)((uint64_t)field.len >> (8 * i));
        sha256_add(hash, length, sizeof length);
        sha256_add(hash, field.ptr, field.len);
}

/* "apps" of "apps/v1", "" of "v1". The version is no part of an object's identity: moving from
 * apps/v1beta2 to apps/v1 does not make a known finding a new one. */
static struct str api_group(struct str api_version) {
        const char *slash =
                api_version.len > 0 ? memchr(api_version.ptr, '/', api_version.len) : NULL;

        return slash ? str_slice(api_version, 0, (size_t)(slash - api_version.ptr)) : STR("");
}

/*
 * SHA-256 over the format's name, rule id, API group, kind, namespace, name, stable path and
 * message, of which the first 16 bytes are shown. Nothing else goes in: no file, no line, no
 * severity, and nothing of the process or the machine. A change here makes every baseline and every
 * tracked alert of every user start anew: then the format's name must change, too.
 */
struct str finding_fingerprint(struct arena *arena, const struct finding *finding,
                               struct str stable_path) {
        static const char digits[] = "0123456789abcdef";
        enum { SHOWN = 16 };
        unsigned char digest[SHA256_SIZE];
        char text[2 * SHOWN];
        struct sha256 hash;

        sha256_begin(&hash);
        add_field(&hash, STR("redoubt/v1"));
        add_field(&hash, finding->rule->id);
        add_field(&hash, api_group(finding->resource.api_version));
        add_field(&hash, finding->resource.kind);
        add_field(&hash, finding->resource.namespace);
        add_field(&hash, finding->resource.name);
        add_field(&hash, stable_path);
        add_field(&hash, finding->message);
        sha256_end(&hash, digest);
        for (size_t i = 0; i < SHOWN; i++) {
                text[2 * i] = digits[digest[i] >> 4];
                text[2 * i + 1] = digits[digest[i] & 15];
        }
        return arena_str(arena, (struct str){ text, sizeof text });
}
