/*
 * What the files of this module share. Private to src/policy.
 */
#pragma once

#include "base/buf.h"
#include "kube/structure.h"
#include "policy/policy.h"

/* A kind, and with "Binding" that of its bindings. */
#define POLICY_MUTATING "MutatingAdmissionPolicy"

/* types.c: the types of `request`, `namespaceObject` and `variables`, and the values behind them.
 */
const struct cel_type *policy_type_request(void);
const struct cel_type *policy_type_namespace(void);

/* `variables`, showing the first SET->compiled_variables variables of SET->compiling. */
const struct cel_type *policy_type_variables(struct policy_set *set);

/* The type of `variables` with the fields of OBJECT. */
const struct cel_type *policy_type_variables_of(struct arena *arena,
                                                const struct cel_object *object);

/* What other expressions are told of a variable of TYPE (upstream's convertCelTypeToDeclType):
 * simple types, and lists and maps of them. An object, an optional or a type of a library is dyn.
 */
const struct cel_type *policy_variable_type(struct arena *arena, const struct cel_type *type);

/* object_types.c: the type of objects of STRUCTURE, under NAME ("Deployment"). NULL: rules do not
 * see what is in them. */
const struct cel_type *policy_type_of_structure(struct arena *arena,
                                                const struct structure *structure, struct str name);

/* request.c: the request that SUBJECT stands for, as a document in ARENA. */
const struct doc_node *policy_request(struct arena *arena, const struct policy_subject *subject);

/* request.c: what policies may see of the Namespace that SUBJECT lives in; NULL where there is
 * none. */
const struct doc_node *policy_namespace(struct arena *arena, const struct policy_subject *subject);

/* What a judgement yields, piece by piece. */
struct policy_sink {
        policy_violation_fn *violation;
        /* An audit annotation of POLICY; NULL: nobody keeps them. */
        void (*annotation)(void *userdata, const struct policy *policy, struct str key,
                           struct str value);
        void *userdata;
        /* What was evaluated cost this much more. NULL: nobody asks, and messages that cannot
         * matter are not evaluated. */
        uint64_t *cost;
        bool *applied;              /* set where the match conditions hold; NULL: nobody asks */
        struct cel_value *evidence; /* set to what the policy looked at; NULL: nobody asks */
};

/* judge.c: judges SUBJECT by POLICY as BINDING (NULL: none) applies it, once for each of its
 * params. */
void policy_judge_bound(const struct policy *policy, const struct policy_binding *binding,
                        const struct policy_subject *subject, struct arena *scratch,
                        const struct policy_sink *sink);

/* match.c: the parts of policy_matches. */
bool policy_definition_matches(const struct policy *policy, const struct policy_subject *subject);
bool policy_binding_matches(const struct policy_binding *binding,
                            const struct policy_subject *subject);

/* match.c: SUBJECT in the version in which POLICY, which matches it, judges it: *RET, made in
 * SCRATCH, where a rule only names an equivalent version, else SUBJECT. */
const struct policy_subject *policy_version_of(const struct policy *policy,
                                               const struct policy_subject *subject,
                                               struct arena *scratch, struct policy_subject *ret);

/* params.c: the params that BINDING chooses for POLICY and SUBJECT, in ARENA. A NULL among them is
 * "no params". Returns NULL, or why they cannot be had. */
const char *policy_find_params(const struct policy *policy, const struct policy_binding *binding,
                               const struct policy_subject *subject, struct arena *arena,
                               const struct doc_node *const **ret, size_t *ret_count);

/* export.c: writes POLICY (prepared) as a YAML document, expanded to pod templates where it is
 * judged on those. */
void policy_export_definition(struct buf *buf, const struct policy *policy);

/* export.c: OBJECT without what a server adds to it, as it may be applied. */
const struct doc_node *policy_export_bare(struct arena *arena, const struct doc_node *object);

/* params.c: reads spec.paramKind and spec.paramRef. */
int policy_read_param_kind(const struct doc_node *spec, struct policy *policy, struct error *error);
int policy_read_param_ref(const struct doc_node *spec, struct policy_binding *binding,
                          struct error *error);

/* controls.c: reads the annotation redoubt.io/controls, which may be NULL. */
int policy_read_controls(struct arena *arena, const struct doc_node *annotation,
                         struct policy *policy, struct error *error);

/* place.c: where LINE and COLUMN of the text of scalar NODE are in SOURCE. */
struct doc_pos policy_place(const struct doc_source *source, const struct doc_node *node,
                            uint32_t line, uint32_t column);

/* set.c: whether OBJECT is a rule that the program judges itself. */
bool policy_is_check(const struct doc_node *object);

/* load.c: reads the policy, check or binding in DOC into SET. LAZY leaves its expressions for
 * policy_prepare. */
int policy_load(struct policy_set *set, const struct doc *doc, const struct doc_node *object,
                bool lazy, struct error *error);
int policy_load_check(struct policy_set *set, const struct doc *doc, const struct doc_node *object,
                      struct error *error);
int policy_load_binding(struct policy_set *set, const struct doc *doc,
                        const struct doc_node *object, struct error *error);

/* compile.c: compiles the expressions of POLICY. */
int policy_compile(struct policy_set *set, struct policy *policy, struct error *error);

/* Whether POLICY has a rule about resources of API group GROUP, named as such. */
bool policy_is_about(const struct policy *policy, struct str group);

/* The environment for POLICY: with params where it takes them, with libraries where it is about
 * POLICY_OWN_GROUP. */
int policy_env(struct policy_set *set, const struct policy *policy, struct cel_env **ret,
               struct error *error);

/* The environment for the mutations of POLICY, which alone know Object and JSONPatch. */
int policy_patch_env(struct policy_set *set, const struct policy *policy, struct cel_env **ret,
                     struct error *error);

/* framework.c: reads the frameworks of the catalogue. */
int policy_load_frameworks(struct policy_set *set, const struct doc_node *list,
                           struct error *error);

/* The packed catalogue: a JSON document {"frameworks":[...],"practices":[...],"policies":[...]}. */
extern const char policy_catalogue_json[];
extern const size_t policy_catalogue_json_size;
