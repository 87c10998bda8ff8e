/*
 * Collecting: the collectors one after the other, and what the node is as a whole.
 */
#include <time.h>

#include "node/packages.h"

/* Which installer made the node: files that only it leaves, the most special first. */
static const struct {
        const char *layout, *path;
} marks[] = {
        { "rke2", "/var/lib/rancher/rke2" },
        { "rke2", "/etc/rancher/rke2" },
        { "k3s", "/var/lib/rancher/k3s" },
        { "k3s", "/etc/rancher/k3s" },
        { "microk8s", "/var/snap/microk8s" },
        { "kind", "/kind" },
        { "kops", "/opt/kops" },
        { "kops", "/etc/kubernetes/kops-controller" },
        { "kops", "/etc/systemd/system/kops-configuration.service" },
        { "kops", "/usr/lib/systemd/system/kops-configuration.service" },
        { "kops", "/lib/systemd/system/kops-configuration.service" },
        { "kubeadm", "/var/lib/kubelet/kubeadm-flags.env" },
        { "kubeadm", "/etc/kubernetes/admin.conf" },
        { "kubeadm", "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf" },
        { "kubeadm", "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf" },
};

static void find_layout(struct node *node) {
        struct str text;

        node->layout = NULL;
        if (node_read(node, &node->root, STR("/etc/os-release"), "operating system", "host.os",
                      &text) >= 0 &&
            str_find(text, STR("ID=talos"), 0) >= 0)
                node->layout = "talos";
        for (size_t i = 0; i < ELEMENTS(marks) && !node->layout; i++)
                if (root_exists(&node->root, str_from(marks[i].path)))
                        node->layout = marks[i].layout;
}

static struct str host_name(struct node *node) {
        struct str text;

        if (node->options->name)
                return str_from(node->options->name);
        if (node_read(node, &node->root, STR("/etc/hostname"), "name of the host", "metadata.name",
                      &text) >= 0) {
                struct str line = STR("");

                str_split(&text, '\n', &line);
                line = str_trim(line);
                if (line.len > 0 && line.len < 254)
                        return line;
        }
        if (node_read(node, &node->root, STR("/proc/sys/kernel/hostname"), "name of the host",
                      "metadata.name", &text) >= 0 &&
            str_trim(text).len > 0)
                return str_trim(text);
        return STR("node");
}

static bool is_present(const struct node *node, const char *component) {
        return fact_value_bool(fact_get(fact_get(node->facts, component), "present"), false);
}

static void set_head(struct node *node) {
        struct arena *arena = node->arena;
        struct str name = host_name(node);
        struct fact *fact;

        fact_set(arena, node->facts, STR("apiVersion"), fact_text(arena, NODE_API_VERSION));
        fact_set(arena, node->facts, STR("kind"), fact_text(arena, NODE_KIND));
        fact = fact_set(arena, node->facts, STR("metadata"), fact_map(arena));
        fact_set_string(arena, fact, "name", name);
        fact = fact_set(arena, node->facts, STR("about"), fact_map(arena));
        fact_set_string(arena, fact, "apiVersion", STR("v1"));
        fact_set_string(arena, fact, "kind", STR("Node"));
        fact_set_string(arena, fact, "name", name);
        fact = fact_set(arena, node->facts, STR("facts"), fact_map(arena));
        fact_set_int(arena, fact, "version", 1);
        fact_set_string(arena, fact, "redoubt", STR(REDOUBT_VERSION));
        fact_set_string(arena, fact, "root", node->root.path);
        fact_set_bool(arena, fact, "processes", node->has_proc);
        fact_set_bool(arena, fact, "probed", node->options->probe);
        fact_set(arena, node->facts, STR("layout"), fact_text(arena, "none"));
        fact_set(arena, node->facts, STR("roles"), fact_map(arena));
        fact_set(arena, node->facts, STR("kubernetes"), fact_map(arena));
}

static void set_roles(struct node *node) {
        struct fact *roles = fact_get(node->facts, "roles");
        bool control = is_present(node, "apiServer") || is_present(node, "controllerManager") ||
                       is_present(node, "scheduler");
        bool any = control || is_present(node, "kubelet") || is_present(node, "etcd");

        fact_set_bool(node->arena, roles, "controlPlane", control);
        fact_set_bool(node->arena, roles, "etcd", is_present(node, "etcd"));
        fact_set_bool(node->arena, roles, "worker", is_present(node, "kubelet"));
        fact_set(node->arena, node->facts, STR("layout"),
                 fact_text(node->arena, node->layout ? node->layout
                                        : any        ? "plain"
                                                     : "none"));
}

int node_collect(const struct node_options *options, struct buf *ret, struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct node node = { .options = options, .arena = &arena };
        int r = root_open(options->root, &node.root, error);

        if (r < 0)
                return r;
        node.facts = fact_map(&arena);
        node.gaps = fact_list(&arena);
        users_read(&node);
        processes_read(&node);
        find_layout(&node);
        set_head(&node);
        packages_read(&node);
        version_collect(&node);
        kubelet_collect(&node);
        api_server_collect(&node);
        controllers_collect(&node);
        etcd_collect(&node);
        proxy_collect(&node);
        set_roles(&node);
        cni_collect(&node);
        pki_collect(&node);
        runtime_collect(&node);
        host_collect(&node);
        probe_collect(&node);
        fact_set(&arena, node.facts, STR("gaps"), node.gaps);
        fact_write(ret, node.facts);
        root_close(&node.root);
        return 0;
}
