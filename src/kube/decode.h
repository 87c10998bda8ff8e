/*
 * Objects as the API server sees them.
 *
 * A policy in the cluster never sees the text that was submitted: the object has been decoded into
 * its Go type before, has got its defaults, and is written out again. So, for kinds with a schema
 * (kube/schema.h): fields that the type does not have are gone; null fields are absent, and so are
 * empty ones unless the type says otherwise; fields that the type always writes are there;
 * quantities are canonical; what was not set has its default. What cannot be decoded (a number for
 * a string) stays as it was written: the server would refuse it, a rule may still look at it.
 *
 * What was written keeps its position, parent and index, so that paths lead into the text. What was
 * not is DOC_SYNTHETIC, and has the position of the nearest thing around it that was.
 *
 * Fields of a struct are in the order of their names.
 */
#pragma once

#include "doc/doc.h"

/* OBJECT of kind KIND of API_VERSION for rules to be judged on, made in ARENA: as the server would
 * see it, except that a Secret keeps its stringData (the server writes that into data, where a
 * placeholder cannot be told from a value), and that a pod without containers has none instead of
 * null (the server refuses it; in files it is a patch). Of a kind without schema only null fields
 * are removed; then OBJECT itself is returned when it has none. */
const struct doc_node *kube_decode_as(struct arena *arena, const struct doc_node *object,
                                      struct str api_version, struct str kind);

/* OBJECT, of the kind that it names, exactly as the server would see it. */
const struct doc_node *kube_decode(struct arena *arena, const struct doc_node *object);

/* OBJECT, of kind KIND of API_VERSION, as the server writes what it holds already: without
 * defaults. */
const struct doc_node *kube_decode_undefaulted(struct arena *arena, const struct doc_node *object,
                                               struct str api_version, struct str kind);
