/* What ends when, for calendars and for Prometheus. */
#include "base/util.h"
#include "cmd/secrets_timeline.h"

enum { FOLD_OCTETS = 75 };

/* --- RFC 5545 --- */

static bool is_continuation(char c) {
        return ((unsigned char)c & 0xc0) == 0x80;
}

/* 3.1: at most 75 octets in a line; the others begin with a blank. Characters stay whole. */
static void add_folded(struct buf *buf, struct str line) {
        size_t room = FOLD_OCTETS;

        while (line.len > room) {
                size_t cut = room;

                while (cut > 1 && is_continuation(line.ptr[cut]))
                        cut--;
                buf_add(buf, str_slice(line, 0, cut));
                buf_add(buf, STR("\r\n "));
                line = str_slice(line, cut, line.len);
                room = FOLD_OCTETS - 1;
        }
        buf_add(buf, line);
        buf_add(buf, STR("\r\n"));
}

/* 3.3.11 */
static void add_text_line(struct buf *buf, const char *property, struct str text) {
        struct buf shown _cleanup_(buf_free) = BUF_INIT, line _cleanup_(buf_free) = BUF_INIT;

        buf_add_terminal(&shown, text);
        buf_add(&line, str_from(property));
        buf_add_char(&line, ':');
        for (size_t i = 0; i < shown.len; i++) {
                char c = shown.data[i];

                if (c == '\\' || c == ';' || c == ',')
                        buf_add_char(&line, '\\');
                buf_add_char(&line, c);
        }
        add_folded(buf, buf_str(&line));
}

/* 20260131T120000Z */
static void add_time_line(struct buf *buf, const char *property, int64_t seconds) {
        struct buf text _cleanup_(buf_free) = BUF_INIT, line _cleanup_(buf_free) = BUF_INIT;

        credential_add_time(&text, seconds);
        buf_add(&line, str_from(property));
        buf_add_char(&line, ':');
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] != '-' && text.data[i] != ':')
                        buf_add_char(&line, text.data[i]);
        add_folded(buf, buf_str(&line));
}

/* FNV-1a: the same credential has the same identity in every run, so that calendars update it. */
static uint64_t identity(struct str text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < text.len; i++)
                hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
        return hash;
}

static void add_event(struct buf *buf, const struct credentials *credentials,
                      const struct credential *credential, struct arena *ids, struct map *seen) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str what = timeline_what(&arena, credential);
        struct str where = credential_where(&arena, credential);
        struct str full = arena_printf(&arena, "%.*s, %.*s:%u", STR_ARG(where),
                                       STR_ARG(credential->file), credential->pos.line);
        struct buf id _cleanup_(buf_free) = BUF_INIT;

        /* Without the line, which moves when something else is changed. */
        where = arena_printf(&arena, "%.*s, %.*s", STR_ARG(where), STR_ARG(credential->file));
        buf_printf(&id, "%016llx-%016llx@redoubt.io", (unsigned long long)identity(where),
                   (unsigned long long)identity(
                           credential->fingerprint.len > 0 ? credential->fingerprint : what));
        if (map_get(seen, buf_str(&id)))
                return; /* the same one is given twice */
        map_put(seen, arena_str(ids, buf_str(&id)))->value = buf;
        buf_add(buf, STR("BEGIN:VEVENT\r\n"));
        add_text_line(buf, "UID", buf_str(&id));
        add_time_line(buf, "DTSTAMP", credentials->now);
        add_time_line(buf, "DTSTART", credential->end);
        add_text_line(buf, "SUMMARY", arena_printf(&arena, "%.*s expires", STR_ARG(what)));
        add_text_line(buf, "DESCRIPTION", full);
        buf_add(buf, STR("TRANSP:TRANSPARENT\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\n"
                         "TRIGGER:-P14D\r\n"));
        add_text_line(buf, "DESCRIPTION",
                      arena_printf(&arena, "%.*s expires in 14 days", STR_ARG(what)));
        buf_add(buf, STR("END:VALARM\r\nEND:VEVENT\r\n"));
}

void timeline_add_calendar(struct buf *buf, const struct credentials *credentials) {
        struct arena ids _cleanup_(arena_free) = ARENA_INIT;
        struct map seen = MAP_INIT;

        buf_add(buf, STR("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
                         "PRODID:-//Redoubt//secrets timeline//EN\r\n"));
        for (size_t i = 0; i < credentials->list.count; i++)
                if (credentials->list.items[i].has_end)
                        add_event(buf, credentials, &credentials->list.items[i], &ids, &seen);
        map_free(&seen);
        buf_add(buf, STR("END:VCALENDAR\r\n"));
}

/* --- Prometheus --- */

static void add_label(struct buf *buf, const char *name, struct str value) {
        struct buf shown _cleanup_(buf_free) = BUF_INIT;

        buf_add_terminal(&shown, value);
        buf_printf(buf, "%s%s=\"", buf->len > 0 ? "," : "", name);
        for (size_t i = 0; i < shown.len; i++) {
                if (shown.data[i] == '\\' || shown.data[i] == '"')
                        buf_add_char(buf, '\\');
                buf_add_char(buf, shown.data[i]);
        }
        buf_add_char(buf, '"');
}

static void add_labels(struct buf *labels, const struct credential *credential) {
        add_label(labels, "type", str_from(credential_type_name(credential)));
        add_label(labels, "use", credential->use);
        add_label(labels, "kind", credential->kind);
        add_label(labels, "namespace", credential->namespace);
        add_label(labels, "name", credential->name);
        add_label(labels, "member", credential->member);
        add_label(labels, "file", credential->file);
        add_label(labels, "subject", credential->subject);
        add_label(labels, "issuer", credential->issuer);
        add_label(labels, "fingerprint", credential->fingerprint);
}

void timeline_add_metrics(struct buf *buf, const struct credentials *credentials) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct map seen = MAP_INIT; /* a series may be there once only */
        size_t without = 0;

        buf_add(buf, STR("# HELP redoubt_credential_not_after_timestamp_seconds When it expires.\n"
                         "# TYPE redoubt_credential_not_after_timestamp_seconds gauge\n"));
        for (size_t i = 0; i < credentials->list.count; i++) {
                const struct credential *credential = &credentials->list.items[i];
                struct buf labels _cleanup_(buf_free) = BUF_INIT;
                struct map_entry *entry;

                if (!credential->has_end) {
                        without++;
                        continue;
                }
                add_labels(&labels, credential);
                entry = map_put(&seen, arena_str(&arena, buf_str(&labels)));
                if (entry->value)
                        continue;
                entry->value = buf;
                buf_printf(buf, "redoubt_credential_not_after_timestamp_seconds{");
                buf_add(buf, buf_str(&labels));
                buf_printf(buf, "} %lld\n", (long long)credential->end);
        }
        map_free(&seen);
        buf_printf(buf,
                   "# HELP redoubt_credentials_without_expiry Those that never expire.\n"
                   "# TYPE redoubt_credentials_without_expiry gauge\n"
                   "redoubt_credentials_without_expiry %zu\n",
                   without);
}
