/*
 * Functions of CEL: one row per overload.
 *
 * A library is a table of rows; adding a function is adding a row. The signature is text, in one
 * line a person can read:
 *
 *     "string.indexOf(string, int) int"       a method
 *     "matches(string, string) bool"          a function
 *     "list(A).slice(int, int) list(A)"       with a type parameter
 *     "quantity.isQuantity"                   names may have dots: "ip.isCanonical(string) bool" is
 * a function with a namespace
 *
 * A signature whose part before the last dot of the name reads as a type is a method; otherwise the
 * dots belong to the name. The checker picks the rows that fit the argument types; where a type is
 * dyn, the evaluator picks by the kinds of the actual values. A call that fits none is "no such
 * overload".
 */
#pragma once

#include "cel/type.h"
#include "cel/value.h"

enum { CEL_MAX_ARGS = 8 };

/* ARGS has the receiver first for methods. None of them is an error (they are propagated before the
 * call). What the function allocates goes into context's scratch arena. Returns a value or an error
 * value. */
typedef struct cel_value cel_function(struct cel_context *context, const struct cel_value *args,
                                      size_t count);

/* Whose language has a function, where the two do not agree (cel_env_options.full). */
enum cel_dialect {
        CEL_DIALECT_BOTH,
        CEL_DIALECT_KUBERNETES,
        CEL_DIALECT_FULL,
};

struct cel_function_row {
        const char *signature;
        cel_function *call;
        uint16_t since; /* Kubernetes minor version that enables it: 28 means 1.28; 0 always */
        uint16_t until; /* the first minor version that no longer has it; 0 never */
        enum cel_dialect dialect;
        /* Checks constant arguments when the expression is compiled (literal validators), or NULL.
         * ARGS[i] is NULL where argument i is no literal. Returns NULL or what is wrong. */
        const char *(*check_literals)(struct arena *arena, const struct cel_value *const *args,
                                      size_t count);
        /* Checks the whole call after type checking (string.format against a list literal), or
         * NULL. Returns NULL, or what is wrong with *RET_AT set to the node to blame. */
        const char *(*check_call)(struct arena *arena, const struct cel_expr *call,
                                  const struct cel_expr **ret_at);
        /* Where the overload is chosen at run time, argument types are not looked at: the function
         * checks for itself. (Of other rows, the first element of a list argument has to fit.) */
        bool unguarded;
};

/* An overload, read from its row. */
struct cel_overload {
        struct str name;
        bool method;
        const struct cel_type *params[CEL_MAX_ARGS]; /* receiver first */
        size_t param_count;
        const struct cel_type *result;
        const struct cel_function_row *row;
};

struct cel_library {
        const char *name;
        const struct cel_function_row *rows;
        size_t count;
};

/* Constants such as `int`, `string`, `kubernetes.Quantity` are types as values; libraries with
 * opaque types list them here. */
extern const struct cel_library cel_library_standard; /* operators are the evaluator's own; this is
                                                         size(), contains(), int() ... */
extern const struct cel_library cel_library_time;     /* timestamp(), duration(), getHours() ... */
extern const struct cel_library cel_library_optional;
extern const struct cel_library cel_library_strings; /* cel-go ext strings, version 2, and format */
extern const struct cel_library cel_library_lists; /* cel-go ext lists v3 and Kubernetes' sum, min,
                                                      max, indexOf, isSorted */
extern const struct cel_library cel_library_sets;
extern const struct cel_library cel_library_regex; /* find, findAll; matches is standard */
extern const struct cel_library cel_library_url;
extern const struct cel_library cel_library_quantity;
extern const struct cel_library cel_library_net; /* ip, cidr */
extern const struct cel_library cel_library_format;
extern const struct cel_library cel_library_semver;
extern const struct cel_library cel_library_authz;     /* see cel/authorizer.h */
extern const struct cel_library cel_library_jsonpatch; /* only where mutating policies are
                                                           compiled; not in the base */

/* Extensions of cel-go that Kubernetes does not enable. */
extern const struct cel_library cel_library_math;
extern const struct cel_library cel_library_encoders; /* base64 */

/* What an evaluation carries. Functions use `scratch`; the rest is the evaluator's. */
struct cel_context {
        struct arena *scratch;
        const struct cel_env *env;
        const struct cel_value *variables; /* by environment variable number */
        size_t variable_count;
        struct cel_value *frame;    /* comprehension variables, by slot */
        uint64_t steps, step_limit; /* a bound on work; beyond it evaluation fails with an error */
        int64_t cost, cost_limit;   /* as Kubernetes counts (cost.h); beyond it the same happens */
        int64_t nested_cost;        /* of the lazy variables evaluated on the way */
        int64_t deferred_cost;      /* that part of cost that was charged late */
        struct cel_deferred *deferred;
        bool exhausted;                  /* a bound was hit: no &&, || or macro absorbs that */
        const struct cel_error *aborted; /* `exhausted` for another reason: the result ... */
        int64_t aborted_cost;            /* ... and the cost at that time */
        const struct regex *regex;       /* the constant pattern of the call being made, or NULL */
        uint32_t depth;                  /* nesting of expressions and lazy variables, bounded */
};

/* Charges COUNT units of work for something that is not one step (copying a list, scanning a
 * string). False: give up. */
bool cel_charge(struct cel_context *context, uint64_t count);

/* Whether the language is that of the specification (cel_env_options.full). */
bool cel_is_full(const struct cel_context *context);

/* "no such overload" for a call by NAME. */
struct cel_value cel_no_such_overload(struct cel_context *context, struct str name,
                                      const struct cel_value *args, size_t count);
