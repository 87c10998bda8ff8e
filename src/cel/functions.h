/*
 * Functions that the evaluator treats specially. Private to src/cel.
 */
#pragma once

#include "cel/func.h"

/* These two evaluate their argument only when it is needed, so they are never called as functions;
 * their rows are recognised by these addresses. */
cel_function cel_optional_or, cel_optional_or_value;

/* Their messages for arguments that do not fit differ from those of all others, see call.c. */
cel_function cel_function_size, cel_function_contains, cel_function_starts_with,
        cel_function_ends_with, cel_function_matches;
