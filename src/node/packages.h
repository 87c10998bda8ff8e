/*
 * Installed packages. Private to src/node.
 */
#pragma once

#include "node/private.h"

enum { PACKAGES_MAX = 200000 };

/* Adds a package, up to PACKAGES_MAX; NAME and VERSION are copied. */
void packages_add(struct node *node, struct str name, struct str version, struct str path,
                  uint32_t line);

/* rpm.c: adds the packages of rpm's SQLite database PATH. 0; -EUCLEAN where it is damaged, or one
 * of its headers is (the others are added); or why it cannot be read. */
int rpm_read(struct node *node, struct str path);

/* Reads the databases of the package managers into NODE. */
void packages_read(struct node *node);

/* The package NAME, or NULL. */
const struct package *packages_find(const struct node *node, const char *name);
