/*
 * What the halves of this module share: the environment and the compiled program. Private to
 * src/cel.
 *
 * The checker rewrites the tree in place so that the evaluator has no names left to resolve:
 *
 *     - an identifier that names a type (`int`, `net.IP`) becomes a CONST of kind CEL_TYPE;
 *     - a select chain that names a variable with dots becomes an IDENT;
 *     - a call whose receiver is only a namespace (`ip.isCanonical(x)`, `math.greatest(x)`) loses
 *       its target and has the whole name in `name`;
 *     - an IDENT's slot is >= 0 for a comprehension variable (index into the frame of `slot_count`
 *       values), -1 - n for environment variable n, or CEL_SLOT_UNRESOLVED (no_check only: "no such
 *       attribute" when evaluated);
 *     - a CALL with op CEL_OP_CALL has `overloads`: the candidates in order of declaration, the
 *       receiver first, NULL-terminated, never NULL (with no_check the list may be empty: "no such
 *       overload"). With another op they only tell what it may cost: the evaluator switches on op;
 *     - lists, maps and conversions of constants become a CONST of their value.
 */
#pragma once

#include <limits.h>

#include "base/map.h"
#include "base/vec.h"
#include "cel/cel.h"
#include "cel/patterns.h"

enum { CEL_SLOT_UNRESOLVED = INT_MIN };

struct cel_variable {
        struct str name;
        const struct cel_type *type;
        bool hidden; /* see cel_env_hide */
};

/* The overloads of one function name, in order of declaration. */
struct cel_function_set {
        struct str name;
        const struct cel_overload **overloads; /* NULL-terminated */
        size_t count, capacity;
};

struct cel_env {
        struct arena *arena;
        struct cel_env_options options; /* kube_minor is never 0 here */
        VEC(struct cel_variable) variables;
        struct map variable_index; /* name -> number + 1, as a pointer */
        struct map functions;      /* name -> struct cel_function_set */
        struct map types;          /* name -> struct cel_type: the type that the name denotes */
        const struct cel_type *(*find_type)(struct arena *arena, struct str name); /* or NULL */
        VEC(struct regex *) regexes; /* of programs, beyond what `patterns` keeps */
        struct cel_patterns *patterns;
};

struct cel_program {
        const struct cel_env *env;
        const struct cel_expr *expr;
        const struct cel_type *type;
        int slot_count;       /* size of the frame for comprehension variables */
        const uint64_t *uses; /* bit set of environment variables, `use_count` bits */
        size_t use_count;
};

/* The function NAME, or NULL. */
const struct cel_function_set *cel_env_function(const struct cel_env *env, struct str name);

/* The type that NAME denotes, or NULL. */
const struct cel_type *cel_env_type(struct cel_env *env, struct str name);

/* Adds OVERLOAD, without a row, to its function: it can be checked, but not called. */
void cel_env_declare_overload(struct cel_env *env, const struct cel_overload *overload);

/* Reads a signature (func.h) into *RET, without the row. Signatures are written by us: one that
 * cannot be read ends the process. */
void cel_overload_read(struct arena *arena, const char *signature, struct cel_overload *ret);

/* The overloads of LIBRARY, one for each of its rows. A library is there as long as the process. */
const struct cel_overload *cel_library_overloads(const struct cel_library *library);
