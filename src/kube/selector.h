/*
 * Label selectors (metav1.LabelSelector): matchLabels and matchExpressions, all of which must hold.
 *
 * Semantics of apimachinery's LabelSelectorAsSelector: NotIn and DoesNotExist hold for a missing
 * key; an empty selector matches everything; an absent one (NULL) is the caller's business.
 */
#pragma once

#include "base/error.h"
#include "doc/doc.h"

/* Whether SELECTOR (a map) selects LABELS (a map of strings, or NULL for none). */
bool kube_selector_matches(const struct doc_node *selector, const struct doc_node *labels);

/* The same for labels that have VALUE at KEY on top: an object that the server gives a label. */
bool kube_selector_matches_with(const struct doc_node *selector, const struct doc_node *labels,
                                struct str key, struct str value);

/* Checks the shape of SELECTOR: known operators, values present where needed. Returns 0 or -EINVAL
 * with the place. */
int kube_selector_check(const struct doc_node *selector, struct error *error);

/* Reads a selector as kubectl takes it ("team=shop,tier in (web, api),!legacy") and makes it one of
 * matchExpressions in ARENA. Grammar of apimachinery's labels.Parse, without the comparisons of
 * numbers (key>1), which no LabelSelector can hold. -EINVAL with what is wrong: keys and values
 * have to be such as labels may have. */
int kube_selector_parse(struct arena *arena, struct str text, const struct doc_node **ret,
                        struct error *error);
