/*
 * The structures of custom resources; see kube/structure.h.
 */
#pragma once

#include "kube/structure.h"

/* The kind KIND of API_VERSION among those of SET, or NULL. */
const struct structure_gvk *structure_set_find(const struct structure_set *set,
                                               struct str api_version, struct str kind);
