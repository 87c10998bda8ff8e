/*
 * The language that expressions are written in, for verbs that compile some: that of a version of
 * Kubernetes (--kube-version), or all of CEL (--cel-full).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/options.h"

struct language_arguments {
        const char *kube_version; /* "1.N" */
        bool full;
};

/* Rows for an option table whose target TYPE has `struct language_arguments FIELD`. */
#define LANGUAGE_OPTIONS(type, field)                                                              \
        { 0,                                                                                       \
          "kube-version",                                                                          \
          "1.N",                                                                                   \
          "the cluster's version: which CEL functions there are, and which Pod Security means",    \
          OPTION_STRING,                                                                           \
          offsetof(type, field.kube_version) },                                                    \
        {                                                                                          \
                0, "cel-full", NULL,                                                               \
                        "all of CEL as its specification has it, and more extensions "             \
                        "than API servers take",                                                   \
                        OPTION_FLAG, offsetof(type, field.full)                                    \
        }

/* What is meant, for policy_set_init(): the minor version, 0 for the newest, or POLICY_CEL_FULL.
 * -EINVAL where the version is none. */
int language_minor(const struct language_arguments *arguments, uint16_t *ret, struct error *error);
