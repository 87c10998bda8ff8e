/* Without libcurl nothing is asked. */
#include "node/private.h"

void probe_collect(struct node *node) {
        if (fact_get(node->kubelet, "config")) {
                fact_set(node->arena, node->kubelet, STR("probes"), fact_list(node->arena));
                fact_set(node->arena, node->kubelet, STR("differences"), fact_list(node->arena));
        }
        if (node->options->probe)
                node_gap(node, "probes", STR("libcurl"), STR("this build has none"),
                         "kubelet.probes");
}
