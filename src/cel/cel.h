/*
 * The Common Expression Language as Kubernetes runs it. Usable on its own: everything here depends
 * only on `base` and `doc`.
 *
 *     struct cel_env *env;            what expressions may use: variables, functions, version
 *     struct cel_program *program;    one compiled expression; any number of threads may evaluate
 * it
 *
 *     cel_env_new(&arena, &options, &env);
 *     n = cel_env_declare(env, STR("object"), &cel_type_dyn);
 *     cel_compile(env, &arena, STR("object.spec.replicas < 5"), &program, &error);
 *     cel_eval(program, &(struct cel_activation){ .variables = values, .count = 1 }, &scratch,
 * &result);
 *
 * Semantics: cel-spec and cel-go 0.26 with the options of
 * k8s.io/apiserver/pkg/cel/environment/base.go.
 */
#pragma once

#include "cel/ast.h"
#include "cel/func.h"
#include "cel/issues.h"
#include "cel/type.h"
#include "cel/value.h"

struct cel_env_options {
        uint16_t kube_minor; /* 36: Kubernetes 1.36; decides which functions exist. 0: the newest
                                known */
        bool no_check; /* skip the type checker; names and overloads are resolved as far as possible
                          (conformance cases) */
        bool no_macros;
        bool full; /* the language as its specification has it, and cel-go's extension libraries
                      that Kubernetes does not enable, instead of Kubernetes' choice of a version */
        struct str container; /* a namespace that names are resolved in; empty in Kubernetes */
};

/* Made in ARENA, which must outlive it. */
int cel_env_new(struct arena *arena, const struct cel_env_options *options, struct cel_env **ret);

/* Releases what is not in the arena (compiled regular expressions of all programs). */
void cel_env_free(struct cel_env *env);

/* Adds LIBRARY (rows whose version fits) to those that Kubernetes enables. */
void cel_env_add_library(struct cel_env *env, const struct cel_library *library);

/* Calls VISIT with the signature (func.h) of everything that an expression may call, operators
 * included: library after library. */
void cel_env_functions(const struct cel_env *env,
                       void (*visit)(void *userdata, const char *signature), void *userdata);

/* Declares a variable and returns its number. A name may have dots. */
int cel_env_declare(struct cel_env *env, struct str name, const struct cel_type *type);

/* Lets FIND say which types there are beside those of the libraries: the type called NAME, made in
 * ARENA, or NULL. It is asked once for each name. */
void cel_env_set_types(struct cel_env *env,
                       const struct cel_type *(*find)(struct arena *arena, struct str name));

/* The number of variable NAME, or -1. */
int cel_env_variable(const struct cel_env *env, struct str name);

/* Gives variable NUMBER another type in expressions that are compiled from now on. */
void cel_env_retype(struct cel_env *env, int number, const struct cel_type *type);

/* Hides variable NUMBER from expressions that are compiled from now on, or shows it again. */
void cel_env_hide(struct cel_env *env, int number, bool hidden);

struct cel_program;

/* Parses, checks and prepares EXPRESSION. One thread at a time may compile with ENV, whose arena
 * and patterns it adds to; programs made before may be evaluated meanwhile. Returns 0, or -EINVAL
 * with the first problem, at its line and column within EXPRESSION. The program lives in ARENA. */
int cel_compile(struct cel_env *env, struct arena *arena, struct str expression,
                struct cel_program **ret, struct error *error);

/* The type of EXPRESSION, or NULL with all that is wrong in ISSUES, whose arena is used. Unlike
 * cel_compile it does not look at what only making a program refuses (constants that cannot be
 * converted, for one). */
const struct cel_type *cel_typecheck(struct cel_env *env, struct str expression,
                                     struct cel_issues *issues);

/* The type of the result. */
const struct cel_type *cel_program_type(const struct cel_program *program);
const struct cel_expr *cel_program_expr(const struct cel_program *program);

/* Whether the expression mentions environment variable NUMBER. */
bool cel_program_uses(const struct cel_program *program, int number);

/* EXPRESSION with REPLACEMENT in the place of every mention of variable NAME, in ARENA. Fields and
 * strings that read the same are left alone. */
struct str cel_replace_variable(struct arena *arena, struct str expression, struct str name,
                                struct str replacement);

struct cel_activation {
        const struct cel_value
                *variables; /* by number; CEL_UNSET where there is no value ("no such attribute") */
        size_t count;
        uint64_t step_limit; /* 0: the default, 10,000,000 */
        uint64_t cost_limit; /* 0: what Kubernetes allows one call, 1,000,000 */
};

/* Kubernetes' limits (k8s.io/apiserver/pkg/apis/cel/config.go). */
enum {
        CEL_COST_PER_CALL = 1000 * 1000,
        CEL_COST_PER_POLICY = 10 * 1000 * 1000,
        CEL_COST_PER_CONDITIONS = 10 * 1000 * 1000 / 4,
};

/* What an evaluation cost, in Kubernetes' units. Each lazy variable has a limit of its own; only
 * the evaluation that used it first pays for it. */
struct cel_cost {
        uint64_t cost, variables;
};

/* Evaluates. Always fills *RET; a CEL_ERROR says what went wrong. Allocates only in SCRATCH. */
void cel_eval(const struct cel_program *program, const struct cel_activation *activation,
              struct arena *scratch, struct cel_value *ret);

/* The same; says what it cost. */
void cel_eval_cost(const struct cel_program *program, const struct cel_activation *activation,
                   struct arena *scratch, struct cel_value *ret, struct cel_cost *ret_cost);

/* The same within a running evaluation (lazy variables): shares its steps, but is charged on its
 * own. */
void cel_eval_nested(const struct cel_program *program, struct cel_context *context,
                     struct cel_value *ret);
