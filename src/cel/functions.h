/*
 * Functions that the evaluator treats specially, or that several files of this module share. Private
 * to src/cel.
 */
#pragma once

#include "cel/func.h"

/* These two evaluate their argument only when it is needed, so they are never called as functions;
 * their rows are recognised by these addresses. */
cel_function cel_optional_or, cel_optional_or_value;
