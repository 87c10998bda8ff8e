/*
 * Tables for people: columns as wide as their widest cell, the last one as long as it is.
 *
 *     struct table table = { .columns = 2 };
 *     table_add(arena, &table, STR("SUBJECT"), STR("WHERE"));
 *     table_write(&buf, &table);
 *
 * Cells are escaped for terminals when they are added.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct table {
        size_t columns;
        struct str *items; /* row by row */
        size_t count, capacity;
};

/* Adds the row CELLS, of table->columns. */
void table_add_cells(struct arena *arena, struct table *table, const struct str *cells);

#define table_add(arena, table, ...)                                                               \
        table_add_cells((arena), (table), (const struct str[]){ __VA_ARGS__ })

void table_write(struct buf *buf, const struct table *table);
