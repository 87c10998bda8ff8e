/*
 * Installed packages. Private to src/node.
 */
#pragma once

#include "node/private.h"

/* Reads the databases of the package managers into NODE. */
void packages_read(struct node *node);

/* The package NAME, or NULL. */
const struct package *packages_find(const struct node *node, const char *name);
