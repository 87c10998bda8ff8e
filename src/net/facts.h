/*
 * What the network analysis knows, as documents: what rules about the network are judged on.
 *
 *     apiVersion: redoubt.io/v1
 *     kind: NetworkWorkload
 *     metadata: {name: cart, namespace: shop}
 *     about: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: cart}
 *     place: {file: shop.yaml, line: 3, column: 1}
 *     workload: {kind: Deployment, title: 'Deployment "shop/cart"', images: [...], account: cart,
 *                automount: true, hostNetwork: false, selectedBy: 2,     NetworkPolicies
 *                apiServer: reached}                  or unreached, or unknown: it is not in the
 * input namespace: {name: shop, labels: {...}} ports: [{name: http, protocol: TCP, port: 8080,
 * hostPort: 0}] isolated: {ingress: true, egress: false}        by NetworkPolicies limited:
 * {ingress: true, egress: false}         by policies of any tier to: [{cidrs: [0.0.0.0/0], ports:
 * [{protocol: TCP, from: 443, to: 443}]}]    outside from: [...] the same, from outside openToAll:
 * [{protocol, from, to}]               what every pod of the cluster reaches reachedFrom:
 * [{namespaces: [{name, labels}], ports}]      other namespaces with a workload that reaches some
 * of the ports exposures: [{way: LoadBalancer, through: 'Service "shop/cart"', protocol: TCP, port:
 * 8080, servicePort: 80, servicePort: 80,
 *                  outside: 80, hosts: [], blocked: false, partly: false, place}]
 *
 *     kind: NetworkNamespace (those that are in the input), metadata: {name}, about, place, labels,
 * workloads: 5, defaultDeny: {ingress, egress}, open: {ingress: [cart], egress: []}      limited by
 * nothing
 *
 *     kind: NetworkPolicyUse, metadata, about, place, title, selects: 2 (workloads), candidates: 5
 *     (workloads of the namespaces it is about), rules: [{direction: Ingress, place, peers:
 *     [{selector: "app=web", matches: 1, candidates: 5, place}], ports: [{name, found, place}]}]
 *
 *     kind: NetworkServiceUse, metadata, about, place, title, selects: 1, candidates: 5, selector,
 *     ports: [{name, port, target, found: true, place}]
 *
 *     kind: NetworkRouteUse, metadata, about, place, title, backends: [{service, namespace, port,
 *     found, portFound, known: true (Services of that namespace are in the input), place}]
 *
 *     kind: NetworkPlugin, metadata: {name: cluster}, place, plugin: flannel, enforces: false,
 *     policies: 12
 *
 * Rules name them by their plural (networkworkloads ...), and ask with net_library:
 *
 *     net.isolated(workload, 'Ingress')                     whether NetworkPolicies isolate it
 *     net.reaches(workload, '169.254.169.254', 'TCP', 80)   whether it may connect to an address
 *                                                           outside
 *     net.reachedFrom(workload, '192.0.2.1', 'TCP', 443)    whether an address outside may to it
 *     net.openToAll(workload, 'TCP', 6379)                  whether every pod of the cluster may
 *     net.exposed(workload)                                 the ways from outside that no policy
 *                                                           stops
 */
#pragma once

#include "base/buf.h"
#include "cel/func.h"
#include "net/net.h"

extern const struct cel_library net_library;

typedef void net_fact_fn(void *userdata, struct str json, struct str file, struct doc_pos pos);

/* Makes every document, in JSON; those of workloads by namespace, kind and name. */
void net_make_facts(struct net_index *index, net_fact_fn *emit, void *userdata);
