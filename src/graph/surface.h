/*
 * What rules about attack paths are judged on: documents of the group redoubt.io.
 *
 *     apiVersion: redoubt.io/v1
 *     kind: AttackSurface                            resource attacksurfaces, one for each workload
 *     metadata: {name: web, namespace: shop}
 *     about: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}
 *     place: {file: web.yaml, line: 1, column: 1}
 *     surface: {title: 'Deployment "shop/web"', pods: 3, exposed: true}
 *     paths:                                         the nearest of its containers to each target
 *     - target: cluster-admin                        or secrets (all of them), nodes (any)
 *       container: app
 *       steps: 2
 *       way: "token of its service account, exec into pods"
 *       place: {file: web.yaml, line: 20, column: 9} of the first step
 *       lastPlace: {file: rbac.yaml, line: 7, column: 5}
 *     neighbours:                                    where it can take over its node by itself: who
 *     - title: 'Deployment "bank/db"'                of other namespaces runs there
 *       namespace: bank
 *       place: {file: bank.yaml, line: 3, column: 1}
 *
 *     apiVersion: redoubt.io/v1
 *     kind: NamespaceUse                             resource namespaceuses, one for each namespace
 *     metadata: {name: shop}                         with workloads
 *     about: {apiVersion: v1, kind: Namespace, name: shop}
 *     place: {file: shop.yaml, line: 1, column: 1}   of the Namespace, else of its first workload
 *     use: {workloads: 3, declared: true, quota: false, limitRange: false}
 *     unlimited: ['Deployment "shop/web"']           workloads with a container without memory
 * limit exposed: ['Deployment "shop/web"']             those that the outside reaches powerful:
 * ['Deployment "shop/operator"']       those at most two steps from cluster-admin
 *
 * Rules ask with the functions of graph_library:
 *
 *     graph.paths(surface, target)       the paths to the target (one or none)
 *     graph.reaches(surface, target)     whether there is one
 *     graph.steps(surface, target)       its steps; 1000000 where there is none
 *     graph.neighbours(surface)          the neighbours
 */
#pragma once

#include "base/buf.h"
#include "cel/func.h"
#include "graph/graph.h"

extern const struct cel_library graph_library;

/* What is seen of a namespace, but for its pods. */
struct graph_limits {
        bool quota, range;
        VEC(struct str) unlimited; /* "Deployment web" */
};

/* Calls EMIT with each AttackSurface and NamespaceUse of GRAPH (finished), in JSON, in the order of
 * names. LIMITS: name of a namespace -> struct graph_limits; NULL values are none. */
typedef void graph_surface_fn(void *userdata, struct str json, struct str file, struct doc_pos pos);
void graph_surfaces(const struct graph *graph, const struct map *limits, graph_surface_fn *emit,
                    void *userdata);
