/*
 * Versions of Kubernetes, as people write them. The major version has been 1 since 2015, so the
 * minor alone says which.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* Newer than every version. */
#define KUBE_MINOR_LATEST UINT16_MAX

/* Reads the minor of "1.31", "v1.31" or "1.31.2"; RET is untouched on error (-EINVAL). */
int kube_minor_parse(struct str text, uint16_t *ret);
