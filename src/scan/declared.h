/*
 * What manifests declare, beside the cluster that they are for.
 *
 * Every object of the manifests is known by the path that it has in the cluster. So a finding about
 * a live object can say where in the manifests it comes from, and where the two part there are
 * findings of their own, by rules of kind Check: what is live differs from what is declared
 * (kube/drift.h), what is declared is not live, and, for the labels that the user names, what is
 * live was not declared.
 */
#pragma once

#include "inventory/files.h"
#include "scan/scan.h"

struct declared;

/* Reads MANIFESTS, of which objects without a namespace go to that of OPTIONS, else to "default".
 * UNDECLARED selects the live objects that have to be declared (a selector as for kubectl; NULL:
 * none). What cannot be read is among the problems of MANIFESTS. -EINVAL for a bad selector. */
int declared_read(const struct scan_options *options, struct input_list *manifests,
                  const char *undeclared, struct declared **ret, struct error *error);
struct declared *declared_free(struct declared *declared);

/* How many objects of this kind are declared. */
size_t declared_count(const struct declared *declared, struct str group, struct str resource);

/* Whether live objects that are not declared are looked for. */
bool declared_is_complete(const struct declared *declared);
