/* Which network plugin runs: one that enforces policies, or not. */
#include "base/util.h"
#include "net/private.h"

/* By what the DaemonSet or its images are called. Canal is flannel with Calico, and enforces. */
static const struct {
        const char *word, *plugin;
        bool enforces;
} plugins[] = {
        { "calico", "Calico", true },
        { "cilium", "Cilium", true },
        { "canal", "Canal", true },
        { "antrea", "Antrea", true },
        { "weave-kube", "Weave Net", true },
        { "kube-router", "kube-router", true },
        { "ovn-kubernetes", "OVN", true },
        { "kube-ovn", "Kube-OVN", true },
        { "kube-network-policies", "kube-network-policies", true },
        { "aws-network-policy-agent", "Amazon VPC CNI", true },
        { "azure-npm", "Azure NPM", true },
        { "kube-flannel", "flannel", false },
        { "flannel", "flannel", false },
        { "kindnet", "kindnet", true },
};

static bool mentions(const struct doc_node *object, struct str name, struct str word) {
        const struct doc_node *containers =
                doc_find(object, "spec", "template", "spec", "containers");

        if (str_find(name, word, 0) >= 0)
                return true;
        for (uint32_t i = 0;
             containers && containers->kind == DOC_LIST && i < containers->list.count; i++)
                if (str_find(doc_string(doc_get(&containers->list.items[i], STR("image")), STR("")),
                             word, 0) >= 0)
                        return true;
        return false;
}

void net_note_plugin(struct net_reader *reader) {
        struct net_index *index = reader->index;

        if (!str_eq(reader->resource->kind, STR("DaemonSet")))
                return;
        for (size_t i = 0; i < ELEMENTS(plugins); i++) {
                if (!mentions(reader->resource->object, reader->resource->name,
                              str_from(plugins[i].word)))
                        continue;
                /* One that enforces may run beside one that does not. */
                if (index->plugin.len > 0 && !plugins[i].enforces)
                        return;
                index->plugin = str_from(plugins[i].plugin);
                index->plugin_place = reader->place;
                index->plugin_enforces = plugins[i].enforces;
                return;
        }
}
