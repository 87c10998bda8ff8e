/*
 * What expressions of mutating policies give, as documents. Private to src/policy.
 *
 * An apply configuration is what Go's plain values of the message are
 * (k8s.io/apiserver/pkg/cel/mutation/dynamic), the value of a JSON patch its JSON. Neither is
 * defined for everything that CEL can make, and what is not is an error here as there.
 */
#pragma once

#include "cel/message.h"

/* Whether the types of MESSAGE and of the messages in it say where they stand: `Object.spec` in
 * field spec of `Object`. -EINVAL. */
int policy_check_type_names(const struct cel_value *message, struct error *error);

/* MESSAGE as an apply configuration, made in ARENA. -EINVAL where it has a value that no object can
 * have, -E2BIG where it is too large. */
int policy_configuration(struct arena *arena, const struct cel_value *message,
                         const struct doc_node **ret, struct error *error);

/* VALUE as JSON, made in ARENA; the same errors. */
int policy_json_value(struct arena *arena, const struct cel_value *value,
                      const struct doc_node **ret, struct error *error);
