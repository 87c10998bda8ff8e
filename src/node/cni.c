/*
 * The network plugin: its configurations, in the order in which the runtime takes them.
 */
#include "node/private.h"

static const char *const config_dirs[] = { "/etc/cni/net.d",
                                           "/var/lib/rancher/k3s/agent/etc/cni/net.d",
                                           "/var/snap/microk8s/current/args/cni-network" };
static const char *const bin_dirs[] = { "/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni",
                                        "/var/lib/rancher/k3s/data/current/bin" };

/* Plugins, and whether what they belong to enforces NetworkPolicy. */
static const struct {
        const char *type, *name;
        bool enforces;
} known[] = {
        { "calico", "calico", true },
        { "cilium-cni", "cilium", true },
        { "antrea", "antrea", true },
        { "weave-net", "weave", true },
        { "kube-ovn", "kube-ovn", true },
        { "canal", "canal", true },
        { "flannel", "flannel", false },
        { "aws-cni", "aws-vpc-cni", true },
        { "azure-vnet", "azure", true },
        { "kube-router", "kube-router", true },
        { "ovn-k8s-cni-overlay", "ovn-kubernetes", true },
        { "ptp", "kindnet", true },
        { "bridge", "bridge", false },
        { "multus", "multus", false },
};

enum { FILES_MAX = 100, BINARIES_MAX = 200 };

static void add_plugin(struct node *node, struct str path, struct str network,
                       const struct doc_node *plugin, struct fact *cni) {
        struct arena *arena = node->arena;
        struct str type = doc_string(doc_get(plugin, STR("type")), STR(""));
        struct fact *fact = fact_add(arena, fact_get(cni, "plugins"), fact_map(arena));

        fact_set_string(arena, fact, "name", network);
        fact_set_string(arena, fact, "type", type);
        fact_set(arena, fact, STR("place"), fact_place(arena, node_place(path, plugin)));
        for (size_t i = 0; i < ELEMENTS(known); i++) {
                if (!str_eq(type, str_from(known[i].type)) ||
                    fact_value_text(fact_get(cni, "name")).len > 0)
                        continue;
                fact_set_string(arena, cni, "name", str_from(known[i].name));
                fact_set_bool(arena, cni, "enforcesNetworkPolicy", known[i].enforces);
        }
}

static void read_file(struct node *node, struct str path, struct fact *cni) {
        const struct doc_node *root, *list;
        struct str network;
        struct yaml yaml;

        fact_add(node->arena, fact_get(cni, "files"), node_file(node, path, "cni"));
        if (node_yaml(node, &node->root, path, "network configuration", "cni.plugins", &yaml) < 0 ||
            yaml.count == 0)
                return;
        root = yaml.items[0];
        network = doc_string(doc_get(root, STR("name")), STR(""));
        list = doc_get(root, STR("plugins"));
        if (list && list->kind == DOC_LIST)
                for (uint32_t i = 0; i < list->list.count && i < FILES_MAX; i++)
                        add_plugin(node, yaml.path, network, &list->list.items[i], cni);
        else if (doc_get(root, STR("type")))
                add_plugin(node, yaml.path, network, root, cni);
}

static bool is_config(struct str name) {
        return str_ends(name, STR(".conf")) || str_ends(name, STR(".conflist")) ||
               str_ends(name, STR(".json"));
}

static bool read_dir(struct node *node, const char *folder, struct fact *cni) {
        struct root_names names = { 0 };
        struct str path = str_from(folder);
        int r = root_list(&node->root, path, node->arena, &names);

        if (r == -ENOENT || r == -ENOTDIR)
                return false;
        fact_set(node->arena, cni, STR("configDir"), node_file(node, path, "cni"));
        if (r < 0)
                node_gap(node, "network configuration", path, node_error_text(node, r),
                         "cni.files cni.plugins");
        for (size_t i = 0; i < names.count && i < FILES_MAX; i++)
                if (is_config(names.items[i]))
                        read_file(node, node_join(node, path, names.items[i]), cni);
        return true;
}

static void add_binaries(struct node *node, struct fact *cni) {
        struct fact *list = fact_set(node->arena, cni, STR("binaries"), fact_list(node->arena));

        for (size_t d = 0; d < ELEMENTS(bin_dirs); d++) {
                struct root_names names = { 0 };
                struct str folder = str_from(bin_dirs[d]);

                if (root_list(&node->root, folder, node->arena, &names) < 0)
                        continue;
                fact_set(node->arena, cni, STR("binDir"), node_file(node, folder, "cni"));
                for (size_t i = 0; i < names.count && i < BINARIES_MAX; i++) {
                        struct str path = node_join(node, folder, names.items[i]);
                        struct stat st;

                        if (root_stat(&node->root, path, true, &st) >= 0 &&
                            (st.st_uid != 0 || (st.st_mode & 022)))
                                fact_add(node->arena, list, node_file(node, path, "cni binary"));
                }
                return;
        }
}

void cni_collect(struct node *node) {
        struct arena *arena = node->arena;
        struct fact *cni = fact_set(arena, node->facts, STR("cni"), fact_map(arena));
        bool found = false;

        fact_set_bool(arena, cni, "present", false);
        fact_set_string(arena, cni, "name", STR(""));
        fact_set_bool(arena, cni, "enforcesNetworkPolicy", false);
        fact_set(arena, cni, STR("files"), fact_list(arena));
        fact_set(arena, cni, STR("plugins"), fact_list(arena));
        for (size_t i = 0; i < ELEMENTS(config_dirs) && !found; i++)
                found = read_dir(node, config_dirs[i], cni);
        fact_set_bool(arena, cni, "present", fact_get(cni, "files")->count > 0);
        add_binaries(node, cni);
}
