/*
 * Which version of Kubernetes this is: defaults depend on it.
 *
 * Nothing is run, so it is what files say: the image of a static pod, the package of the kubelet,
 * the files that kind, k3s and RKE2 leave.
 */
#include "node/packages.h"

static const char *const pod_files[] = {
        "/etc/kubernetes/manifests/kube-apiserver.yaml",
        "/etc/kubernetes/manifests/kube-apiserver.manifest",
        "/etc/kubernetes/manifests/kube-controller-manager.yaml",
        "/etc/kubernetes/manifests/kube-proxy.manifest",
        "/var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml",
        "/var/lib/rancher/rke2/agent/pod-manifests/kube-proxy.yaml",
};

static bool from_image(struct node *node, struct str path, struct fact **ret) {
        const struct doc_node *list;
        struct yaml yaml;

        if (!root_exists(&node->root, path) ||
            node_yaml(node, &node->root, path, "static pod", "kubernetes.version", &yaml) < 0 ||
            yaml.count == 0)
                return false;
        list = doc_find(yaml.items[0], "spec", "containers");
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *image = doc_get(&list->list.items[i], STR("image"));
                struct str text = doc_string(image, STR(""));
                ptrdiff_t at = str_find(text, STR(":v"), 0);
                int major, minor;

                if (at < 0)
                        continue;
                text = str_slice(text, (size_t)at + 1, text.len);
                at = str_find(text, STR("@"), 0);
                if (at >= 0)
                        text = str_slice(text, 0, (size_t)at);
                if (!node_version(text, &major, &minor) || major != 1)
                        continue;
                *ret = fact_setting(node->arena, fact_string(node->arena, text), "config",
                                    node_place(yaml.path, image));
                node->minor = minor;
                return true;
        }
        return false;
}

/* A file that holds nothing but a version. */
static bool from_file(struct node *node, const char *path, struct fact **ret) {
        struct str text, line = STR("");
        int major, minor;

        if (node_read(node, &node->root, str_from(path), "version", "kubernetes.version", &text) <
            0)
                return false;
        str_split(&text, '\n', &line);
        line = str_trim(line);
        if (!node_version(line, &major, &minor) || major != 1)
                return false;
        *ret = fact_setting(node->arena, fact_string(node->arena, line), "config",
                            (struct place){ str_from(path), 1, 1 });
        node->minor = minor;
        return true;
}

static bool from_packages(struct node *node, struct fact **ret) {
        const struct package *package = packages_find(node, "kubelet");
        int major, minor;

        if (!package || !node_version(package->version, &major, &minor) || major != 1)
                return false;
        node->minor = minor;
        *ret = fact_setting(node->arena, fact_string(node->arena, package->version), "config",
                            package->place);
        return true;
}

void version_collect(struct node *node) {
        struct fact *kubernetes = fact_get(node->facts, "kubernetes"), *version = NULL;
        bool found = false;

        for (size_t i = 0; i < ELEMENTS(pod_files) && !found; i++)
                found = from_image(node, str_from(pod_files[i]), &version);
        found = found || from_file(node, "/kind/version", &version) ||
                from_file(node, "/etc/kubernetes/version", &version) ||
                from_packages(node, &version);
        if (!found)
                version = fact_unknown(node->arena,
                                       STR("no image, package or file here says which version of "
                                           "Kubernetes this is"),
                                       (struct place){ STR("/"), 1, 1 });
        fact_set(node->arena, kubernetes, STR("version"), version);
        fact_set_int(node->arena, kubernetes, "minor", node->minor);
}
