/*
 * What the files of this module share. Private to src/policy.
 */
#pragma once

#include "policy/policy.h"

/* types.c: the types of `request`, `namespaceObject` and `variables`, and the values behind them.
 */
const struct cel_type *policy_type_request(void);
const struct cel_type *policy_type_namespace(void);

/* `variables`, showing the first SET->compiled_variables variables of SET->compiling. */
const struct cel_type *policy_type_variables(struct policy_set *set);

/* The request that SUBJECT stands for, as a document in ARENA. */
const struct doc_node *policy_request(struct arena *arena, const struct policy_subject *subject);

/* place.c: where LINE and COLUMN of the text of scalar NODE are in SOURCE. */
struct doc_pos policy_place(const struct doc_source *source, const struct doc_node *node,
                            uint32_t line, uint32_t column);

/* load.c: reads the policy or binding in DOC into SET. LAZY leaves its expressions for
 * policy_prepare. */
int policy_load(struct policy_set *set, const struct doc *doc, const struct doc_node *object,
                bool lazy, struct error *error);
int policy_load_binding(struct policy_set *set, const struct doc_node *object, struct error *error);

/* compile.c: compiles the expressions of POLICY. */
int policy_compile(struct policy_set *set, struct policy *policy, struct error *error);

/* The environment for a policy, with or without params. */
int policy_env(struct policy_set *set, bool params, struct cel_env **ret, struct error *error);

/* set.c: reads policies/frameworks.yaml. */
int policy_load_frameworks(struct policy_set *set, const struct doc_node *list,
                           struct error *error);

/* The packed catalogue: a JSON document {"frameworks":[...],"practices":[...],"policies":[...]}. */
extern const char policy_catalogue_json[];
extern const size_t policy_catalogue_json_size;
