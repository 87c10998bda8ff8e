/*
 * Values, types and declarations as JSON, in both forms that are of use:
 *
 *     exact    protobuf's JSON of cel.expr.Value, Type and Decl (cel-spec, proto/cel/expr), as the
 *              conformance cases have it: {"int64Value":"42"}, {"primitive":"INT64"}
 *     plain    what a program would make of it: 42
 */
#pragma once

#include "base/buf.h"
#include "cel/cel.h"

/* Reads cel.expr.Value. Lists and maps, and 64-bit numbers that are written as numbers, too.
 * -EINVAL for anything else. */
int cel_json_value_read(struct arena *arena, const struct doc_node *node, struct cel_value *ret,
                        struct error *error);

/* Reads cel.expr.Type. */
int cel_json_type_read(struct arena *arena, const struct doc_node *node,
                       const struct cel_type **ret, struct error *error);

/* Declares what cel.expr.Decl says: a variable, or a function, which can be checked but not called.
 */
int cel_json_declare(struct cel_env *env, const struct doc_node *declaration, struct error *error);

/* The exact form. What cel.expr.Value does not have: an optional is {"optionalValue":VALUE}, or
 * null where it is none; an opaque value is an objectValue with its text as "value". */
void cel_json_value_write(struct buf *buf, const struct cel_value *value);

/* The plain form: times, bytes (as base64), types, NaN and infinities become strings, an optional
 * its value or null. */
void cel_json_plain_write(struct buf *buf, const struct cel_value *value);
