/*
 * References to container images, as far as defaulting needs them.
 */
#pragma once

#include "base/str.h"

/* Whether the image REFERENCE means a tag that moves: it has the tag latest, or neither tag nor
 * digest. What is no valid reference does not. (k8s.io/kubernetes/pkg/util/parsers with the grammar
 * of github.com/distribution/reference.) */
bool image_is_latest(struct str reference);
