/*
 * YAML time stamps, as far as go.yaml.in/yaml/v2 knows them.
 */
#pragma once

#include "base/str.h"

/* Whether TEXT is a date, or a date and time (separated by T, t or spaces), as the tag !!timestamp
 * demands. Fields may have one digit; a time with T or t needs a zone. */
bool timestamp_valid(struct str text);
