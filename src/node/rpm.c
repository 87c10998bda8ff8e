/*
 * The database of rpm in its form of today: an SQLite file whose table Packages has one header a
 * row (rpm, lib/backend/sqlite.c).
 */
#include "node/rpm.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "etcd/sqlite_view.h"
#include "node/packages.h"

/* Tags and types (rpm, include/rpm/rpmtag.h). */
enum { TAG_NAME = 1000, TAG_VERSION = 1001, TAG_RELEASE = 1002, TAG_EPOCH = 1003 };
enum { TYPE_INT32 = 4, TYPE_STRING = 6 };
enum { HEADER_START = 8, ENTRY = 16, READ_TRIES = 3 };

static uint32_t big32(const char *p) {
        const unsigned char *u = (const unsigned char *)p;

        return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

/* The string at OFFSET of DATA, which ends within it. */
static bool string_at(struct str data, uint32_t offset, struct str *ret) {
        const char *end;

        if (offset >= data.len)
                return false;
        *ret = str_slice(data, offset, data.len);
        end = memchr(ret->ptr, '\0', ret->len);
        if (!end)
                return false;
        ret->len = (size_t)(end - ret->ptr);
        return true;
}

static bool take_entry(struct str data, const char *entry, struct rpm_header *ret) {
        uint32_t tag = big32(entry), type = big32(entry + 4), offset = big32(entry + 8);
        struct str *text = tag == TAG_NAME      ? &ret->name
                           : tag == TAG_VERSION ? &ret->version
                           : tag == TAG_RELEASE ? &ret->release
                                                : NULL;

        if (text)
                return type == TYPE_STRING && string_at(data, offset, text);
        if (tag != TAG_EPOCH)
                return true;
        if (type != TYPE_INT32 || big32(entry + 12) < 1 || offset > data.len ||
            data.len - offset < 4)
                return false;
        ret->epoch = big32(data.ptr + offset);
        ret->has_epoch = true;
        return true;
}

int rpm_header_read(struct str header, struct rpm_header *ret) {
        struct str data;
        uint32_t count;

        *ret = (struct rpm_header){ .name = STR(""), .version = STR(""), .release = STR("") };
        if (header.len < HEADER_START || header.len > RPM_HEADER_MAX)
                return -EUCLEAN;
        count = big32(header.ptr);
        if (count > RPM_ENTRIES_MAX || (header.len - HEADER_START) / ENTRY < count)
                return -EUCLEAN;
        data = str_slice(header, HEADER_START + (size_t)count * ENTRY, header.len);
        if (big32(header.ptr + 4) > data.len)
                return -EUCLEAN;
        data.len = big32(header.ptr + 4);
        for (uint32_t i = 0; i < count; i++)
                if (!take_entry(data, header.ptr + HEADER_START + (size_t)i * ENTRY, ret))
                        return -EUCLEAN;
        return ret->name.len > 0 && ret->version.len > 0 && ret->release.len > 0 ? 0 : -EUCLEAN;
}

struct str rpm_version(struct arena *arena, const struct rpm_header *header) {
        if (header->has_epoch)
                return arena_printf(arena, "%u:%.*s-%.*s", (unsigned)header->epoch,
                                    STR_ARG(header->version), STR_ARG(header->release));
        return arena_printf(arena, "%.*s-%.*s", STR_ARG(header->version), STR_ARG(header->release));
}

/* --- the database --- */

static void add(struct node *node, struct str path, struct str bytes, uint64_t *damaged) {
        struct rpm_header header;

        if (rpm_header_read(bytes, &header) < 0)
                ++*damaged;
        else if (!str_eq(header.name, STR("gpg-pubkey"))) /* a key that is trusted, no package */
                packages_add(node, header.name, rpm_version(node->arena, &header), path, 1);
}

static int read_rows(struct node *node, struct str path, sqlite3 *db, uint64_t *damaged) {
        sqlite3_stmt *rows = NULL;
        int r = sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &rows, NULL);

        while (r == SQLITE_OK && (r = sqlite3_step(rows)) == SQLITE_ROW) {
                const void *bytes = sqlite3_column_blob(rows, 0);
                int size = sqlite3_column_bytes(rows, 0);

                add(node, path, (struct str){ bytes ? bytes : "", bytes ? (size_t)size : 0 },
                    damaged);
                if (node->packages.count + *damaged >= PACKAGES_MAX)
                        break;
                r = SQLITE_OK;
        }
        sqlite3_finalize(rows);
        return r == SQLITE_DONE || r == SQLITE_ROW ? 0 : -EUCLEAN;
}

static int read_view(struct node *node, struct str path, struct sqlite_view *view,
                     uint64_t *damaged) {
        sqlite3 *db = NULL;
        int r = sqlite_view_connect(view, &db) == SQLITE_OK ? 0 : -EUCLEAN;

        if (r >= 0) {
                sqlite3_limit(db, SQLITE_LIMIT_LENGTH, RPM_HEADER_MAX);
                r = read_rows(node, path, db, damaged);
        }
        sqlite_view_disconnect(view, db);
        return r;
}

static uint64_t size_of(int fd) {
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

int rpm_read(struct node *node, struct str path) {
        int fd _cleanup_close_ = root_open_file(&node->root, path);
        int wal _cleanup_close_ =
                root_open_file(&node->root, arena_printf(node->arena, "%.*s-wal", STR_ARG(path)));
        uint64_t damaged = 0;
        int r = fd < 0 ? fd : 0;

        for (int i = 0; i < READ_TRIES && fd >= 0; i++) {
                struct sqlite_view view = { 0 };
                bool current;

                node->packages.count = 0;
                damaged = 0;
                r = sqlite_view_open(&view, fd, size_of(fd), wal < 0 ? -1 : wal, size_of(wal));
                if (r >= 0)
                        r = read_view(node, path, &view, &damaged);
                current = sqlite_view_is_current(&view);
                sqlite_view_close(&view);
                if (current)
                        break;
        }
        return r < 0 ? r : damaged > 0 ? -EUCLEAN : 0;
}
