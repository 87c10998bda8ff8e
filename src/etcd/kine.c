/*
 * kine's SQLite database, as k3s has it in place of etcd.
 *
 * Every row of the table `kine` is a revision (its id) of the key `name`: `value`, or with
 * `deleted` what was deleted; `old_value` repeats the value of the revision before
 * (`prev_revision`), and stays when that was compacted (github.com/k3s-io/kine,
 * pkg/drivers/generic).
 */
#include <errno.h>

#include "base/util.h"
#include "etcd/at_rest.h"
#include "etcd/bbolt.h"
#include "etcd/residue.h"
#include "etcd/sqlite_view.h"

enum {
        HEADER = 100,
        READ_TRIES = 3,
        TRUNK_PAGES_MAX = 1 << 22,
};

static uint32_t big32(const unsigned char *p) {
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* --- rows --- */

static struct str blob(sqlite3_stmt *rows, int column) {
        const void *bytes = sqlite3_column_blob(rows, column);
        int size = sqlite3_column_bytes(rows, column);

        return (struct str){ bytes ? bytes : "", bytes ? (size_t)size : 0 };
}

/* The rows' own plaintext Secrets: what is found beyond them in raw bytes is residue. */
static uint64_t take_row(struct at_rest *found, sqlite3_stmt *rows) {
        struct census_record record = { .key = blob(rows, 0),
                                        .revision = sqlite3_column_int64(rows, 1),
                                        .deleted = sqlite3_column_int(rows, 2) != 0 };
        struct str value = blob(rows, 3), old = blob(rows, 4);
        uint64_t secrets = residue_is_secret(value) + residue_is_secret(old);

        record.value = value;
        census_add(&found->census, &record);
        /* What was deleted, and what was there before where that row is gone, is history. */
        record.deleted = false;
        if (sqlite3_column_int(rows, 2) && value.len > 0)
                census_add(&found->census, &record);
        record.value = old;
        record.revision = sqlite3_column_int64(rows, 5);
        if (old.len > 0 && !sqlite3_column_int(rows, 6))
                census_add(&found->census, &record);
        return secrets;
}

static int read_rows(struct at_rest *found, sqlite3 *db, uint64_t *ret_secrets) {
        static const char query[] =
                "SELECT name, id, deleted, value, old_value, prev_revision, EXISTS("
                "SELECT 1 FROM kine AS p WHERE p.id = kine.prev_revision) "
                "FROM kine ORDER BY id DESC";
        sqlite3_stmt *rows = NULL;
        int r = sqlite3_prepare_v2(db, query, -1, &rows, NULL);

        while (r == SQLITE_OK && (r = sqlite3_step(rows)) == SQLITE_ROW) {
                *ret_secrets += take_row(found, rows);
                r = SQLITE_OK;
        }
        if (sqlite3_finalize(rows) != SQLITE_OK && r == SQLITE_DONE)
                r = SQLITE_ERROR;
        return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int64_t compacted(sqlite3 *db) {
        sqlite3_stmt *row = NULL;
        int64_t revision = 0;

        if (sqlite3_prepare_v2(db, "SELECT prev_revision FROM kine WHERE name = 'compact_rev_key'",
                               -1, &row, NULL) == SQLITE_OK &&
            sqlite3_step(row) == SQLITE_ROW)
                revision = sqlite3_column_int64(row, 0);
        sqlite3_finalize(row);
        return revision;
}

/* --- free pages --- */

struct free_pages {
        struct bbolt_bits free;
        uint64_t hits, all, last;
        uint32_t page_size;
};

/* The list of free pages: trunks, each with the next one, a count and numbers (section 1.5). */
static void find_free(struct sqlite_view *view, struct free_pages *free) {
        unsigned char head[HEADER];
        _cleanup_free_ unsigned char *trunk = xrealloc(NULL, view->page_size, 1);
        uint32_t next;

        bbolt_bits_init(&free->free, view->size / view->page_size);
        if (!sqlite_view_read(view, head, HEADER, 0))
                return;
        next = big32(head + 32);
        for (int i = 0; i < TRUNK_PAGES_MAX && next > 0; i++) {
                uint32_t count;

                if (bbolt_set_bit(&free->free, next - 1) ||
                    !sqlite_view_read(view, trunk, view->page_size,
                                      (uint64_t)(next - 1) * view->page_size))
                        return;
                count = MIN(big32(trunk + 4), view->page_size / 4 - 2);
                for (uint32_t k = 0; k < count; k++) {
                        uint32_t page = big32(trunk + 8 + 4 * (size_t)k);

                        if (page > 0)
                                bbolt_set_bit(&free->free, page - 1);
                }
                next = big32(trunk);
        }
}

static void count_page(struct sqlite_view *view, struct free_pages *free, unsigned char *page,
                       uint64_t number) {
        uint64_t hits;

        if (!sqlite_view_read(view, page, view->page_size, number * view->page_size))
                return;
        hits = residue_count((struct str){ (const char *)page, view->page_size });
        if (bbolt_bit(&free->free, number))
                free->hits += hits > 0;
        else
                free->all += hits;
}

/* SECRETS: what the rows have. A row that begins at the end of a page can hide its Secret from the
 * search, so slack is what is surely more than that. */
static void read_residue(struct at_rest *found, struct sqlite_view *view, uint64_t secrets) {
        _cleanup_free_ unsigned char *page = xrealloc(NULL, view->page_size, 1);
        struct free_pages free = { .page_size = view->page_size };

        find_free(view, &free);
        for (uint64_t i = 0; i < view->size / view->page_size; i++) {
                found->free_pages += bbolt_bit(&free.free, i);
                count_page(view, &free, page, i);
        }
        bbolt_bits_free(&free.free);
        found->residue.freed_pages = free.hits;
        found->residue.slack = free.all > secrets ? free.all - secrets : 0;
        found->pages = view->size / view->page_size;
        found->page_size = view->page_size;
}

/* --- all --- */

static int open_view(struct at_rest *found, struct sqlite_view *view) {
        bool has_wal = found->logs.count > 0;

        return sqlite_view_open(view, found->main.fd, found->main.size,
                                has_wal ? found->logs.items[0].fd : -1,
                                has_wal ? found->logs.items[0].size : 0);
}

static int read_view(struct at_rest *found, struct sqlite_view *view, struct error *error) {
        uint64_t secrets = 0;
        sqlite3 *db = NULL;
        int r;

        r = sqlite_view_connect(view, &db);
        if (r == SQLITE_OK)
                r = read_rows(found, db, &secrets);
        if (r == SQLITE_OK)
                found->compacted = compacted(db);
        else
                error_set(error, -EUCLEAN, "%s", sqlite3_errmsg(db));
        sqlite_view_disconnect(view, db);
        if (r == SQLITE_OK)
                read_residue(found, view, secrets);
        return r == SQLITE_OK ? 0 : -EUCLEAN;
}

void at_rest_read_kine(struct at_rest *found) {
        struct error error = { 0 };
        struct sqlite_view view = { 0 };
        int r = 0;

        found->history_known = found->residue_known = true;
        for (int i = 0; i < READ_TRIES; i++) {
                bool current;

                census_free(&found->census);
                census_init(&found->census, found->options.prefix);
                found->census.want_names = found->options.names;
                r = open_view(found, &view);
                if (r >= 0)
                        r = read_view(found, &view, &error);
                else
                        error_set(&error, r, "the head of the file is damaged");
                current = sqlite_view_is_current(&view);
                sqlite_view_close(&view);
                if (current)
                        break;
                found->rereads++;
        }
        found->revision = found->census.newest;
        if (r < 0) {
                at_rest_problem(found, "%.*s: cannot be read: %s", STR_ARG(found->main.path),
                                error.message);
                return;
        }
        for (size_t i = 0; i < found->logs.count; i++)
                residue_scan(found->logs.items[i].fd, 0, found->logs.items[i].size, NULL, NULL,
                             &found->residue.wal);
}
