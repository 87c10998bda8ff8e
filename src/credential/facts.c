/* Credentials as documents, and the words for them. */
#include <time.h>

#include "credential/private.h"

const char *credential_type_name(const struct credential *credential) {
        static const char *const names[] = { "certificate", "token", "password" };

        return names[credential->type];
}

const char *credential_chain_name(const struct credential *credential) {
        static const char *const names[] = { "unknown", "root", "verified", "expired", "broken" };

        return names[credential->chain];
}

struct str credential_where(struct arena *arena, const struct credential *credential) {
        struct str holder = credential->name;

        if (str_eq(credential->kind, STR("Config")))
                return arena_printf(arena, "kubeconfig, %.*s", STR_ARG(credential->member));
        if (str_eq(credential->kind, STR("File")))
                return arena_printf(arena, "file %.*s", STR_ARG(credential->name));
        if (credential->namespace.len > 0)
                holder = arena_printf(arena, "%.*s/%.*s", STR_ARG(credential->namespace),
                                      STR_ARG(credential->name));
        return arena_printf(arena, "%.*s %.*s, %.*s", STR_ARG(credential->kind), STR_ARG(holder),
                            STR_ARG(credential->member));
}

static int64_t floor_days(int64_t seconds) {
        return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
}

int64_t credential_days(const struct credentials *credentials,
                        const struct credential *credential) {
        return floor_days(credential->end - credentials->now);
}

void credential_add_time(struct buf *buf, int64_t seconds) {
        time_t time = (time_t)seconds;
        struct tm tm;
        char text[64];

        if (gmtime_r(&time, &tm))
                buf_add(buf, (struct str){ text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ",
                                                          &tm) });
}

static void add_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, ",\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_bool(struct buf *buf, const char *name, bool value) {
        buf_printf(buf, ",\"%s\":%s", name, value ? "true" : "false");
}

static void add_names(struct buf *buf, const char *name, const struct credential_names *names) {
        buf_printf(buf, ",\"%s\":[", name);
        for (size_t i = 0; i < names->count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                buf_add_json(buf, names->items[i]);
        }
        buf_add_char(buf, ']');
}

static void add_holder(struct buf *buf, const struct credential *credential) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;

        buf_add(buf, STR("{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"Credential\",\"metadata\":{"
                         "\"name\":"));
        buf_add_json(buf, credential_where(&arena, credential));
        buf_add(buf, STR("},\"about\":{\"apiVersion\":"));
        buf_add_json(buf, credential->api_version);
        add_field(buf, "kind", credential->kind);
        add_field(buf, "namespace", credential->namespace);
        add_field(buf, "name", credential->name);
        buf_add(buf, STR("},\"place\":{\"file\":"));
        buf_add_json(buf, credential->file);
        buf_printf(buf, ",\"line\":%u,\"column\":%u}", credential->pos.line,
                   credential->pos.column);
        add_field(buf, "holder", credential->kind);
        add_field(buf, "secretType", credential->secret_type);
        add_field(buf, "member", credential->member);
}

static void add_times(struct buf *buf, const struct credentials *credentials,
                      const struct credential *credential) {
        if (credential->has_start) {
                buf_add(buf, STR(",\"notBefore\":\""));
                credential_add_time(buf, credential->start);
                buf_printf(buf, "\",\"daysUntilValid\":%lld",
                           (long long)-floor_days(credentials->now - credential->start));
        }
        if (credential->has_end) {
                buf_add(buf, STR(",\"notAfter\":\""));
                credential_add_time(buf, credential->end);
                buf_printf(buf, "\",\"daysLeft\":%lld",
                           (long long)credential_days(credentials, credential));
        }
        if (credential->has_start && credential->has_end)
                buf_printf(buf, ",\"lifetimeDays\":%lld",
                           (long long)floor_days(credential->end - credential->start));
}

static void add_certificate(struct buf *buf, const struct credential *credential) {
        add_field(buf, "commonName", credential->common_name);
        add_names(buf, "organizations", &credential->organizations);
        add_names(buf, "dns", &credential->dns);
        add_names(buf, "ips", &credential->ips);
        add_names(buf, "usages", &credential->usages);
        add_field(buf, "keyAlgorithm", credential->algorithm);
        buf_printf(buf, ",\"keyBits\":%d", credential->bits);
        add_field(buf, "signature", credential->signature);
        add_bool(buf, "authority", credential->authority);
        add_bool(buf, "selfSigned", credential->self_signed);
        add_bool(buf, "keyDiffers", credential->key_differs);
        add_field(buf, "chain", str_from(credential_chain_name(credential)));
        add_field(buf, "fingerprint", credential->fingerprint);
        buf_printf(buf, ",\"copies\":%u,\"keyCopies\":%u", credential->copies,
                   credential->key_copies);
}

void credential_add_json(struct buf *buf, const struct credentials *credentials,
                         const struct credential *credential) {
        add_holder(buf, credential);
        add_field(buf, "type", str_from(credential_type_name(credential)));
        add_field(buf, "use", credential->use);
        add_bool(buf, "readable", credential->readable || credential->type == CREDENTIAL_PASSWORD);
        add_field(buf, "subject", credential->subject);
        add_field(buf, "issuer", credential->issuer);
        add_times(buf, credentials, credential);
        add_bool(buf, "hasKey", credential->has_key);
        add_names(buf, "audiences", &credential->audiences);
        add_bool(buf, "alternative", credential->alternative);
        if (credential->type == CREDENTIAL_CERTIFICATE && credential->readable)
                add_certificate(buf, credential);
        buf_add_char(buf, '}');
}
