/*
 * The tables behind the built-in structures, of structure-data.c: rows that refer to each other by
 * number and to strings by their offset in structure_text, so that the program's loader has nothing
 * to relocate. See kube/structure.h for what they mean.
 */
#pragma once

#include "kube/structure.h"

struct structure_row {
        uint8_t kind, list_type, flags;
        uint16_t of;           /* a row */
        uint16_t first, count; /* of its fields */
        uint16_t enums, keys;  /* offsets in structure_lists */
        uint32_t format, name; /* strings */
};

struct structure_field_row {
        uint32_t name;
        uint16_t type; /* a row */
        bool required;
};

struct structure_kind_row {
        uint32_t group, version, kind, resource; /* strings */
        uint16_t type;                           /* a row */
        bool namespaced, served;
};

extern const struct structure_kind_row structure_kind_rows[]; /* by group, kind, version */
extern const struct structure_row structure_rows[];
extern const struct structure_field_row structure_field_rows[];
extern const uint32_t structure_lists[]; /* a count, and the offsets of so many strings */
extern const char structure_text[];      /* strings that end in NUL */
extern const size_t structure_kind_row_count, structure_row_count, structure_field_row_count,
        structure_list_size;
