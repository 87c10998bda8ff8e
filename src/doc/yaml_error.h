/*
 * libyaml's complaints as sentences that help.
 */
#pragma once

#include <yaml.h>

#include "doc/locate.h"

/* Writes what made PARSER fail into ERROR: its problem in plain words, what usually causes it, and
 * the place that has to be looked at. Returns a negative errno. */
int yaml_error_set(const yaml_parser_t *parser, struct locator *locator, struct error *error);
