/*
 * Policies: ValidatingAdmissionPolicy and MutatingAdmissionPolicy as the API server runs them.
 *
 * A policy is read from YAML, checked and compiled once, and then judges any number of objects; it
 * is read-only and may be used by several threads. A policy set is the catalogue, a user's own
 * policies, or both; their bindings narrow them down.
 *
 * Semantics follow k8s.io/apiserver/pkg/admission/plugin/policy (matching, validating) and
 * plugin/cel.
 */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "cel/authorizer.h"
#include "cel/cel.h"
#include "cel/explain.h"
#include "finding/finding.h"
#include "kube/kinds.h"
#include "kube/structure.h"
#include "kube/version.h"

/* metadata.labels and metadata.annotations that hold what Kubernetes has no field for. */
#define POLICY_LABEL_PRACTICE "redoubt.io/practice"
#define POLICY_LABEL_SEVERITY "redoubt.io/severity"
#define POLICY_ANNOTATION_TITLE "redoubt.io/title"
#define POLICY_ANNOTATION_WHY "redoubt.io/why"
#define POLICY_ANNOTATION_REMEDY "redoubt.io/remedy"
#define POLICY_ANNOTATION_CONTROLS "redoubt.io/controls"
#define POLICY_ANNOTATION_JUDGE "redoubt.io/judge"
#define POLICY_ANNOTATION_READS "redoubt.io/reads"       /* "metadata": the rest is not needed */
#define POLICY_ANNOTATION_NODE_FIX "redoubt.io/node-fix" /* harden/harden.h */

/* Of a MutatingAdmissionPolicy that is the fix of a rule: its id; and what may stop working. */
#define POLICY_ANNOTATION_FIX "redoubt.io/fix-of"
#define POLICY_ANNOTATION_UNSAFE "redoubt.io/unsafe"

/* The variable that holds what a rule looks at, for reports on frameworks: settings, files, or
 * anything else that says where it is from. */
#define POLICY_VARIABLE_EVIDENCE "evidence"

/* The API group of what only this program makes: the results of analyses, as documents. */
#define POLICY_OWN_GROUP "redoubt.io"

enum policy_operation {
        POLICY_CREATE = 1,
        POLICY_UPDATE = 2,
        POLICY_DELETE = 4,
        POLICY_CONNECT = 8
};

/* matchConstraints of a policy or matchResources of a binding. */
struct policy_rule {
        struct str *groups, *versions, *resources, *names;
        size_t group_count, version_count, resource_count, name_count;
        unsigned operations; /* enum policy_operation */
        struct str scope;    /* "*", "Cluster", "Namespaced" */
};
struct policy_match {
        struct policy_rule *rules, *exclude;
        size_t rule_count, exclude_count;
        const struct doc_node *namespace_selector, *object_selector; /* NULL: everything */
        bool exact;                                                  /* matchPolicy: Exact */
};

struct policy_variable {
        struct str name;
        struct cel_program *program;
};
struct policy_condition {
        struct str name;
        struct str expression;
        struct cel_program *program;
};
struct policy_validation {
        struct str expression;
        struct str message;
        struct str reason;
        struct cel_program *program;
        struct cel_program *message_program; /* NULL: none */
};

struct policy_annotation {
        struct str key;
        struct str expression;
        struct cel_program *program; /* of type string or null */
};

/* What a policy that mutates does to an object (policy/mutate.h). */
enum policy_patch_type { POLICY_APPLY_CONFIGURATION, POLICY_JSON_PATCH };

struct policy_mutation {
        enum policy_patch_type patch_type;
        struct str expression;
        struct cel_program *program; /* of type Object, or list(JSONPatch) */
};

/* The objects that policies may take as params, whatever their kind. */
struct policy_param {
        struct str group, kind, namespace, name;
        const struct doc_node *object;
};
struct policy_params {
        VEC(struct policy_param) items;
        struct map known; /* group, kind, namespace and name of each */
        struct arena names;
};

/* The versions of Kubernetes, by their minor, in which a framework has a control. */
struct policy_span {
        uint16_t since, until;
};

/* What the program judges itself, because no expression can: a policy in the cluster never sees
 * what decoding has dropped. Such a rule is a file like the others, of kind Check. */
enum policy_check {
        POLICY_CHECK_NONE, /* judged by its expressions */
        POLICY_CHECK_UNKNOWN_FIELD,
        POLICY_CHECK_WRONG_TYPE,
        POLICY_CHECK_MISSING_FIELD,
        POLICY_CHECK_UNKNOWN_VALUE,
        POLICY_CHECK_DUPLICATE_KEY,
        POLICY_CHECK_UNKNOWN_KIND,
        POLICY_CHECK_UNSERVED_VERSION,
        POLICY_CHECK_DRIFT, /* those about what is declared and what is live */
        POLICY_CHECK_MISSING_LIVE,
        POLICY_CHECK_UNDECLARED,
        POLICY_CHECK_COUNT
};

struct policy {
        struct rule_info info;
        enum policy_check check;
        struct policy_span *spans; /* of each of info.controls */
        bool former;               /* no control that it answers is still in force */
        struct str name;           /* metadata.name */
        size_t number;             /* its place among all that were loaded, by id */
        struct policy_match match;
        struct policy_variable *variables;
        struct policy_condition *conditions;
        struct policy_validation *validations;
        struct policy_annotation *annotations;
        struct policy_mutation *mutations;
        size_t variable_count, condition_count, validation_count, annotation_count, mutation_count;
        bool mutates;         /* a MutatingAdmissionPolicy: it has mutations and no validations */
        bool reinvoke;        /* reinvocationPolicy: IfNeeded */
        bool ignore_failures; /* failurePolicy: Ignore */
        bool pod_templates;   /* judge: pod-templates */
        bool metadata_only;   /* reads: metadata; the rest of the object is not needed */
        bool uses_object;     /* some expression mentions `object` */
        bool uses_old_object; /* ... `oldObject` */
        bool uses_request;    /* some expression mentions `request` */
        bool uses_authorizer; /* some expression mentions `authorizer` */
        bool has_params;      /* spec.paramKind is set */
        struct str param_group, param_version, param_kind;
        const struct policy_params *params; /* of the set */
        bool uses_namespace; /* needs the Namespace object: namespaceSelector or namespaceObject */
        struct policy_binding *bindings;
        struct policy_exception_list *exceptions; /* policy/exception.h */
        struct policy *fix; /* of a rule: what makes objects good; NULL: there is none */
        const struct cel_program *evidence; /* variables.evidence; NULL: there is none */
        struct str unsafe;                  /* of a fix: what may stop working; empty: nothing */
        const struct doc *document;         /* that holds it */
        const struct doc_node *object;      /* the policy in it: an item of a List, maybe */
        const struct doc_node *spec;
        bool compiled;
};

/* A ValidatingAdmissionPolicyBinding or MutatingAdmissionPolicyBinding. */
struct policy_binding {
        struct policy_binding *next;
        const struct doc *document;    /* that holds it */
        const struct doc_node *object; /* the binding itself */
        struct str name, policy_name;
        struct policy_match match;
        bool has_match, has_params;
        bool mutates;           /* of a MutatingAdmissionPolicy; it has no validationActions */
        bool deny, warn, audit; /* validationActions */
        /* paramRef: exactly one of name and selector is given */
        struct str param_name, param_namespace;
        const struct doc_node *param_selector;
        bool params_required;               /* parameterNotFoundAction: Deny */
        const struct doc_node *action_list; /* validationActions as written */
};

/* An item of a framework. Rules that name it (redoubt.io/controls) judge it, and those that judge
 * what it is the same `as`: a control of another framework, or "rule:ID". */
struct policy_item {
        struct str id, title;
        struct str section, section_title; /* "1.1"; empty where a framework has no sections */
        struct str manual;                 /* why it is left to people; empty: rules judge it */
        bool benchmark_manual;             /* the framework itself leaves it to people */
        struct str *as;
        size_t as_count;
};

struct policy_framework {
        struct str id, title;
        struct str *includes; /* whose items are also its own */
        size_t include_count;
        struct policy_item *items;
        size_t item_count;
};

/* Hears of something that is wrong with what is loaded. */
typedef void policy_fault_fn(void *userdata, const struct error *error);

/* Everything that was loaded. */
struct policy_set {
        struct arena arena;
        struct cel_env *env;       /* object, oldObject, request, namespaceObject, variables */
        struct cel_env *param_env; /* with params as well; made when first needed */
        struct cel_env *own_env;   /* with libraries as well, for policies about POLICY_OWN_GROUP */
        struct cel_env *patch_envs[2]; /* for mutations, without and with params */
        VEC(const struct cel_library *) libraries;
        uint16_t kube_minor;
        bool pod_security; /* pods are judged by policy_is_enforced */
        VEC(struct policy *) policies;
        VEC(struct policy *) mutators;   /* the MutatingAdmissionPolicies, which judge nothing */
        VEC(struct policy *) fixes;      /* those that are fixes of rules */
        struct structure_set structures; /* of the custom kinds that are defined in the input */
        VEC(struct policy_binding *) bindings;
        VEC(struct policy_framework) frameworks;
        struct policy_params params;
        struct policy_exceptions *exceptions; /* policy/exception.h; NULL: none */
        struct map by_id;
        pthread_mutex_t compiler;  /* held while a policy is compiled after loading */
        policy_fault_fn *on_fault; /* where it is set, what is faulty is left out and loading goes
                                      on, and a path may hold no policy; otherwise the first fault
                                      ends it */
        void *fault_data;
        const struct policy *compiling; /* the policy whose variables the environment shows */
        size_t compiled_variables;
};

/* The numbers of the environment's variables. */
enum {
        POLICY_OBJECT,
        POLICY_OLD_OBJECT,
        POLICY_REQUEST,
        POLICY_NAMESPACE_OBJECT,
        POLICY_VARIABLES,
        POLICY_AUTHORIZER,
        POLICY_REQUEST_RESOURCE,
        POLICY_PARAMS, /* only in param_env */
        POLICY_VARIABLE_COUNT
};

/* For a minor version: the language is all of CEL (cel_env_options.full), which no cluster takes.
 */
#define POLICY_CEL_FULL KUBE_MINOR_LATEST

/* KUBE_MINOR: the version of Kubernetes whose language policies are written in, 0 for the newest.
 */
int policy_set_init(struct policy_set *set, uint16_t kube_minor, struct error *error);

/* Lets those policies of SET that are about POLICY_OWN_GROUP use the functions of LIBRARY, which no
 * API server has. Call before any is added. */
void policy_set_add_library(struct policy_set *set, const struct cel_library *library);
void policy_set_free(struct policy_set *set);

/* Reads every policy, check and binding in the documents of SOURCE (which the set keeps using; its
 * text must live as long). Objects of other kinds are kept as possible params. A policy that is
 * malformed or does not compile is an error with its place. */
int policy_set_add_source(struct policy_set *set, const struct doc_source *source,
                          struct error *error);

/* The same for one OBJECT within DOC. */
int policy_set_add_object(struct policy_set *set, const struct doc *doc,
                          const struct doc_node *object, struct error *error);

/* Reads a file, or every .yaml, .yml and .json file below a folder (test files "*.test.yaml" left
 * out). */
int policy_set_add_path(struct policy_set *set, const char *path, struct error *error);

/* Adds the catalogue that is built in. */
int policy_set_add_catalogue(struct policy_set *set, struct error *error);

/* Connects bindings with policies and sorts the policies by id. Call once, after everything was
 * added. */
int policy_set_finish(struct policy_set *set, struct error *error);

/* Keeps only the policies with a control of one of the FRAMEWORKS, or of one that it includes, as
 * it stood in the version behind a colon ("pss-baseline:v1.28"); without one, in the version of the
 * set. -ENOENT, with those that are known, for a framework that no policy names. */
int policy_set_keep_frameworks(struct policy_set *set, const struct str *frameworks, size_t count,
                               struct error *error);

/* Keeps the rules of the Pod Security Standards, in all their versions, and has pods judged by
 * those that the labels of their Namespace enforce. */
void policy_set_keep_pod_security(struct policy_set *set);

/* Whether the labels of NAMESPACE_OBJECT, pod-security.kubernetes.io/enforce and -version, ask for
 * POLICY of SET. What they say and cannot mean is taken as the API server takes it: an unknown
 * level as restricted, an unknown version as the latest (k8s.io/pod-security-admission/api). */
bool policy_is_enforced(const struct policy_set *set, const struct policy *policy,
                        const struct doc_node *namespace_object);

/* Drops the policies that only former versions of a framework ask for, but for those NAMES. */
void policy_set_keep_current(struct policy_set *set, const struct str *names, size_t count);

/* Keeps or drops policies by id or practice ("pods/privileged", "pods"). -ENOENT for an unknown
 * one, with a suggestion. */
int policy_set_keep(struct policy_set *set, const struct str *names, size_t count, bool keep,
                    struct error *error);

/* Keeps only the policies with a rule about RESOURCE of API group GROUP, both named as such. */
void policy_set_keep_about(struct policy_set *set, struct str group, struct str resource);

/* The policy with id ID, or NULL with the closest id in *RET_NEAR (empty where there is none). */
const struct policy *policy_find(const struct policy_set *set, struct str id, struct str *ret_near);

/* The framework ID, or NULL. */
const struct policy_framework *policy_framework_find(const struct policy_set *set, struct str id);

/* Whether POLICY judges ITEM of FRAMEWORK, or what it is the same as. */
bool policy_answers(const struct policy *policy, const struct policy_framework *framework,
                    const struct policy_item *item);

/* The id and the version of "pss-baseline:v1.28"; without a version, that of SET. -EINVAL for a
 * version that is none. */
int policy_framework_parse(const struct policy_set *set, struct str text, struct str *ret_id,
                           uint16_t *ret_minor, struct error *error);

/* Whether CONTROL ("pss-baseline:privileged") belongs to FRAMEWORK, directly or through one that it
 * includes. */
bool policy_control_in(const struct policy_set *set, struct str control, struct str framework);

/* Makes POLICY ready to judge: compiles its expressions unless that was done before. May be called
 * by several threads; a policy must be prepared before policy_judge. */
int policy_prepare(struct policy_set *set, struct policy *policy, struct error *error);

/* Adds OBJECT, which must live as long as the set, to those that policies may take as params. What
 * is no Kubernetes object is passed over, and so is one that was added before: a cluster has it
 * once. */
void policy_set_add_param(struct policy_set *set, const struct doc_node *object);

/* Forgets the params beyond the first KEEP: the objects that a cluster had are others now. */
void policy_set_drop_params(struct policy_set *set, size_t keep);

/* Whether a policy with bindings takes objects of this kind as params. */
bool policy_set_wants_param(const struct policy_set *set, struct str group, struct str kind);

/* Whether BINDING of POLICY could choose PARAM for some object. */
bool policy_chooses_param(const struct policy *policy, const struct policy_binding *binding,
                          const struct policy_param *param);

/* --- judging --- */

/* Who makes a request; without a name and groups, nobody that is known. */
struct policy_user {
        struct str name, uid;
        const struct str *groups;
        size_t group_count;
        const struct doc_node *extra;            /* a map of lists of strings, or NULL */
        const struct cel_authorizer *authorizer; /* answers for this user, or NULL */
};

/* One object, as an admission request would present it. */
struct policy_subject {
        struct str group, version, kind;
        struct str resource;    /* "deployments" */
        struct str subresource; /* "" */
        struct str namespace, name;
        bool namespaced;
        enum policy_operation operation;
        const struct doc_node *object, *old_object; /* NULL where there is none */
        const struct doc_node
                *namespace_object; /* the Namespace it lives in; NULL: unknown or cluster-scoped */
        const struct policy_user *user; /* NULL: nobody is named */
        const struct doc_node *options; /* request.options; NULL: null */
        bool dry_run;
        const struct policy_subject *requested; /* what this was converted from; NULL: it was not */
        bool labels_unknown; /* those of an object: objectSelectors are taken to select it */
};

enum policy_action { POLICY_DENY, POLICY_WARN, POLICY_AUDIT, POLICY_ACTION_COUNT };

/* A validation that failed. */
struct policy_violation {
        const struct policy *policy;
        const struct policy_binding *binding; /* NULL: judged without one */
        size_t validation; /* index; SIZE_MAX: a match condition, an audit annotation or the params
                              failed, or the budget did not suffice */
        struct str message;
        struct str reason; /* of the refusal; empty after an error */
        bool error;        /* an expression could not be evaluated, or params could not be had;
                              failurePolicy made it a violation */
        bool always;       /* refuses the request whatever the binding's validationActions are */
        enum policy_action action; /* filled by policy_admit */
        const struct cel_reason *reasons;
        size_t reason_count;
};
typedef void policy_violation_fn(void *userdata, const struct policy_violation *violation);

/* Whether matchConstraints (and one of the bindings, where there are any) select SUBJECT.
 * Conditions are not looked at. */
bool policy_matches(const struct policy *policy, const struct policy_subject *subject);

/* Whether POLICY or one of its bindings chooses objects by their labels. */
bool policy_looks_at_labels(const struct policy *policy);

/* Whether POLICY or one of its bindings looks at the Namespace object. */
bool policy_looks_at_namespace(const struct policy *policy);

/* Whether the resource rules alone could select objects of this kind: what a caller may cache by
 * kind. */
bool policy_may_match(const struct policy *policy, const struct policy_subject *subject);

/* Judges SUBJECT, which POLICY (prepared) must match, and calls REPORT for each violation: once for
 * each of the params that its bindings choose. SCRATCH is reset by the caller. */
void policy_judge(const struct policy *policy, const struct policy_subject *subject,
                  struct arena *scratch, policy_violation_fn *report, void *userdata);

/* What else there is to know of a judgement. */
struct policy_watch {
        bool applied;              /* the match conditions held */
        struct cel_value evidence; /* what `variables.evidence` of the policy is; CEL_UNSET where it
                                      has none, or nothing was judged */
};

/* The same; fills WATCH, whose evidence lives in SCRATCH. */
void policy_judge_watched(const struct policy *policy, const struct policy_subject *subject,
                          struct arena *scratch, policy_violation_fn *report, void *userdata,
                          struct policy_watch *watch);
