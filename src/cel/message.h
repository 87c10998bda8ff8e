/*
 * Messages: what `Object.spec{replicas: 3}` makes.
 *
 * An environment has none unless it says which types there are (cel_env_set_types). Those of
 * policies that mutate are `Object`, and with a name for each field below it
 * `Object.spec.template`, the parts of an apply configuration, which take any field; and
 * `JSONPatch`, an operation of a JSON patch (k8s.io/apiserver/pkg/cel/mutation). As in upstream
 * nothing checks here that the type of a part fits the field that it is put into.
 */
#pragma once

#include "cel/cel.h"

/* Names are distinct. */
struct cel_message {
        const struct cel_type *type;
        const struct str *names;
        const struct cel_value *values;
        size_t count;
};

/* The message in VALUE; NULL where it is none. */
const struct cel_message *cel_message_of(const struct cel_value *value);

/* The value of field NAME, or NULL. */
const struct cel_value *cel_message_get(const struct cel_message *message, struct str name);

/* The types of policies that mutate, made in ARENA; NULL where NAME is none of them. */
const struct cel_type *cel_patch_type(struct arena *arena, struct str name);

/* For the evaluator: the value of EXPR, a message construction. */
struct cel_value cel_eval_message(struct cel_context *context, const struct cel_expr *expr);
