/*
 * Recognising Helm templates, which are no YAML until they are rendered.
 */
#pragma once

#include "base/str.h"

/* Whether TEXT is a Helm template: it has template actions and lies in the templates folder of a
 * chart (IN_CHART), or its actions use Helm's built-in objects (.Values., .Release., .Chart.),
 * `define` or `include`. */
bool template_is_helm(struct str text, bool in_chart);
