/*
 * Facts: a tree of values that is built up and then written as JSON.
 *
 * Members of maps keep the order in which they were set, so the same machine gives the same bytes.
 * Everything lives in the arena that is given; text is borrowed and has to live as long.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "doc/doc.h"

enum fact_kind { FACT_BOOL, FACT_INT, FACT_NUMBER, FACT_STRING, FACT_LIST, FACT_MAP };

struct fact_member;

struct fact {
        enum fact_kind kind;
        union {
                bool boolean;
                int64_t integer;
                double number;
                struct str string;
                struct {
                        struct fact_member *first, *last;
                        size_t count;
                };
        };
};

struct fact_member {
        struct fact_member *next;
        struct str key; /* empty in lists */
        struct fact *value;
};

/* Where something is written; a file without a name is nowhere. Line 0: 1. */
struct place {
        struct str file;
        uint32_t line, column;
};

struct fact *fact_map(struct arena *arena);
struct fact *fact_list(struct arena *arena);
struct fact *fact_bool(struct arena *arena, bool value);
struct fact *fact_int(struct arena *arena, int64_t value);
struct fact *fact_number(struct arena *arena, double value);
struct fact *fact_string(struct arena *arena, struct str value);
struct fact *fact_text(struct arena *arena, const char *value);
struct fact *fact_place(struct arena *arena, struct place place);

/* NODE with everything below; null becomes "". Depth is bounded by the reader's. */
struct fact *fact_of_doc(struct arena *arena, const struct doc_node *node);

/* Sets KEY of MAP, in place where it was set before. VALUE NULL: does nothing. Returns VALUE. */
struct fact *fact_set(struct arena *arena, struct fact *map, struct str key, struct fact *value);
void fact_set_bool(struct arena *arena, struct fact *map, const char *key, bool value);
void fact_set_int(struct arena *arena, struct fact *map, const char *key, int64_t value);
void fact_set_string(struct arena *arena, struct fact *map, const char *key, struct str value);

/* Appends VALUE to LIST. Returns it. */
struct fact *fact_add(struct arena *arena, struct fact *list, struct fact *value);
void fact_add_string(struct arena *arena, struct fact *list, struct str value);

/* The value of KEY, or NULL (also where MAP is NULL or no map). */
struct fact *fact_get(const struct fact *map, const char *key);

/* The map at the dotted PATH below MAP, made where it is missing. */
struct fact *fact_make(struct arena *arena, struct fact *map, const char *path);

/* The text of a setting or of a plain string; empty where it is no text. */
struct str fact_value_text(const struct fact *setting);
/* The boolean of a setting; FALLBACK where it is none. */
bool fact_value_bool(const struct fact *setting, bool fallback);
int64_t fact_value_int(const struct fact *setting, int64_t fallback);
const struct fact *fact_value(const struct fact *setting);

/* {value, source, place}; SOURCE is one of flag, config, drop-in, environment, live, default. */
struct fact *fact_setting(struct arena *arena, struct fact *value, const char *source,
                          struct place place);
/* {unknown, why, place} */
struct fact *fact_unknown(struct arena *arena, struct str why, struct place place);

/* Appends FACT as JSON, indented for people. */
void fact_write(struct buf *buf, const struct fact *fact);
