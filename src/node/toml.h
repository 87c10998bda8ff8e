/*
 * TOML, as much of it as container runtimes are configured with.
 *
 * Reads TOML 1.0: tables, arrays of tables, dotted and quoted keys, strings of all four kinds,
 * integers, floats, booleans, arrays and inline tables; dates are kept as text. The result is one
 * flat list of values in the order of the text, each with its whole key and its place: what is
 * asked of a configuration is a few keys, and what is merged from several files is the last of
 * equal keys. Keys of an array of tables get the number of the table.
 *
 *     [plugins."io.containerd.grpc.v1.cri"]
 *     enable_selinux = true               -> plugins / io.containerd.grpc.v1.cri / enable_selinux
 *
 * Hostile text is bounded: depth, number of values, size of keys.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum toml_kind { TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOLEAN, TOML_DATE, TOML_LIST };

/* Parts of a key are joined by this, which no key can hold. */
#define TOML_SEPARATOR '\x1f'

struct toml_value {
        struct str key; /* "plugins\x1fcri\x1fenable_selinux" */
        enum toml_kind kind;
        bool boolean;
        int64_t integer;
        double number;
        struct str string;
        struct str *items; /* of a list: its strings, other scalars as their text */
        size_t count;
        uint32_t line, column; /* of the key */
};

struct toml {
        struct toml_value *items;
        size_t count, capacity;
};

enum { TOML_DEPTH = 64, TOML_VALUES = 100000, TOML_KEY = 4096 };

/* Reads TEXT into ARENA. -EINVAL with the place of what is wrong, -E2BIG beyond a bound; RET then
 * has what came before. */
int toml_parse(struct arena *arena, struct str text, struct toml *ret, struct error *error);

/* The last value whose key is PATH, parts separated by slashes; "*" stands for any one part. */
const struct toml_value *toml_get(const struct toml *toml, const char *path);

/* The next value at or after *AT whose key begins with PATH; *AT is moved behind it. NULL at the
 * end. */
const struct toml_value *toml_each(const struct toml *toml, const char *path, size_t *at);

/* Part number N of the key of VALUE, from 0; empty where there is none. */
struct str toml_part(const struct toml_value *value, size_t n);
