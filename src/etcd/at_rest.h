/*
 * Encryption at rest, looked at where it is: in etcd's files, in k3s' SQLite, or in a live etcd.
 *
 *     at_rest_init(&found, &options);
 *     at_rest_open(&found, "/var/lib/etcd", &error);       opens all files; confine after this
 *     at_rest_read(&found);
 *     ... found.census, found.residue, found.problems ...
 *     at_rest_free(&found);
 *
 * PATH is a data directory of etcd (member/snap/db with its write-ahead log beside it), a database
 * or snapshot file, a folder of k3s or RKE2 (server/db/etcd or server/db/state.db), or an SQLite
 * file of kine. Files are opened for reading only, and neither locked nor touched otherwise.
 *
 * Whatever could not be read is a problem, and makes the answer incomplete; notes are worth
 * knowing and do not.
 */
#pragma once

#include "base/error.h"
#include "etcd/census.h"

enum at_rest_source {
        AT_REST_DATABASE, /* bbolt: member/snap/db */
        AT_REST_SNAPSHOT, /* the same with a hash behind it */
        AT_REST_KINE,     /* SQLite */
        AT_REST_LIVE,     /* an endpoint */
};

struct at_rest_options {
        struct str prefix; /* of keys; empty: the usual ones */
        bool names;        /* keep the names of plaintext objects */
};

struct at_rest_file {
        struct str path;
        int fd;
        uint64_t size;
};

struct at_rest {
        struct arena arena;
        struct at_rest_options options;
        enum at_rest_source source;
        struct at_rest_file main;
        VEC(struct at_rest_file) logs;   /* member/wal, or the WAL of SQLite */
        VEC(struct at_rest_file) others; /* of member/snap: .snap, and what is left over */
        struct census census;
        struct {
                uint64_t freed_pages; /* free pages in which a plaintext Secret begins */
                uint64_t slack;       /* plaintext Secrets in unused parts of pages */
                uint64_t wal;         /* in the log */
                uint64_t files;       /* in other files */
        } residue;
        bool residue_known; /* false for a live etcd */
        bool history_known; /* old revisions were looked at */
        bool has_log;       /* there was a log to look at */
        int64_t revision;   /* of the store */
        int64_t compacted;  /* all older revisions but the newest of each key are gone */
        uint64_t free_pages, pages;
        uint32_t page_size;
        unsigned rereads;  /* how often the file changed while it was read */
        bool hash_checked; /* a snapshot's hash is right */
        VEC(struct str) problems, notes;
};

void at_rest_init(struct at_rest *found, const struct at_rest_options *options);
void at_rest_free(struct at_rest *found);

/* Opens what PATH names. An error where nothing could be opened. */
int at_rest_open(struct at_rest *found, const char *path, struct error *error);

/* Reads what was opened; problems are in FOUND. */
void at_rest_read(struct at_rest *found);

/* Problems of what was counted as a whole. */
void at_rest_check(struct at_rest *found);

/* For the parts of the reader. */
void at_rest_problem(struct at_rest *found, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void at_rest_note(struct at_rest *found, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* database.c: a bbolt database, its history and its free pages. */
void at_rest_read_database(struct at_rest *found);
/* wal.c: a segment of the write-ahead log. */
void at_rest_read_segment(struct at_rest *found, const struct at_rest_file *file);
/* kine.c: an SQLite database. */
void at_rest_read_kine(struct at_rest *found);
