/*
 * string.format: printf-like formatting with the clauses %s %d %f %e %x %X %o %b %%.
 *
 * Kubernetes has version 2 of cel-go's strings library (ext/formatting.go), whose numbers are those
 * of an English locale: %f groups thousands ("1,234.500000") and %e is written "1.052033×10⁰³"; the
 * number between "%." and "e" is a width there, not a precision. All of that is kept, since
 * messages and verdicts depend on it. With --cel-full the format is that of the specification
 * (ext/formatting_v2.go): plain numbers, precisions that are precisions, and no quotes within lists
 * and maps.
 */
#pragma once

#include "cel/ast.h"
#include "cel/func.h"

/* The function: ARGS are the format and the list. */
struct cel_value cel_format_string(struct cel_context *context, const struct cel_value *args,
                                   size_t count);

/* Checks a call whose receiver and list are literals against the types that the checker found: see
 * cel_function_row.check_call. */
const char *cel_format_string_check(struct arena *arena, const struct cel_expr *call,
                                    const struct cel_expr **ret_at);
