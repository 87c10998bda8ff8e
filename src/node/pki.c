/*
 * Keys, certificates and kubeconfig files of the control plane, where the installers put them.
 */
#include <openssl/crypto.h>

#include "node/private.h"

static const char *const folders[] = { "/etc/kubernetes/pki",
                                       "/etc/kubernetes/ssl",
                                       "/etc/kubernetes/certs",
                                       "/etc/etcd/pki",
                                       "/srv/kubernetes",
                                       "/var/lib/rancher/k3s/server/tls",
                                       "/var/lib/rancher/k3s/server/cred",
                                       "/var/lib/rancher/k3s/agent",
                                       "/var/lib/rancher/rke2/server/tls",
                                       "/var/lib/rancher/rke2/server/cred",
                                       "/var/lib/rancher/rke2/agent",
                                       "/var/snap/microk8s/current/certs",
                                       "/var/snap/microk8s/current/credentials",
                                       "/system/secrets/kubernetes" };

static const struct {
        const char *name, *path;
} kubeconfigs[] = {
        { "admin", "/etc/kubernetes/admin.conf" },
        { "super-admin", "/etc/kubernetes/super-admin.conf" },
        { "controller-manager", "/etc/kubernetes/controller-manager.conf" },
        { "scheduler", "/etc/kubernetes/scheduler.conf" },
        { "kubelet", "/etc/kubernetes/kubelet.conf" },
        { "bootstrap-kubelet", "/etc/kubernetes/bootstrap-kubelet.conf" },
        { "admin", "/etc/rancher/k3s/k3s.yaml" },
        { "admin", "/etc/rancher/rke2/rke2.yaml" },
        { "admin", "/var/lib/rancher/k3s/server/cred/admin.kubeconfig" },
        { "controller-manager", "/var/lib/rancher/k3s/server/cred/controller.kubeconfig" },
        { "scheduler", "/var/lib/rancher/k3s/server/cred/scheduler.kubeconfig" },
        { "admin", "/var/lib/rancher/rke2/server/cred/admin.kubeconfig" },
        { "controller-manager", "/var/lib/rancher/rke2/server/cred/controller.kubeconfig" },
        { "scheduler", "/var/lib/rancher/rke2/server/cred/scheduler.kubeconfig" },
        { "admin", "/var/snap/microk8s/current/credentials/client.config" },
        { "controller-manager", "/var/snap/microk8s/current/credentials/controller.config" },
        { "scheduler", "/var/snap/microk8s/current/credentials/scheduler.config" },
        { "kubelet", "/var/snap/microk8s/current/credentials/kubelet.config" },
        { "controller-manager", "/var/lib/kube-controller-manager/kubeconfig" },
        { "scheduler", "/var/lib/kube-scheduler/kubeconfig" },
        { "kubelet", "/var/lib/kubelet/kubeconfig" },
};

enum { DEPTH_MAX = 4, FILES_MAX = 1000, FILE_MAX = 1 << 20 };

static void add_key(struct node *node, struct str path, struct str kind, bool encrypted,
                    struct fact *file) {
        struct arena *arena = node->arena;
        struct fact *fact =
                fact_add(arena, fact_get(fact_get(node->facts, "pki"), "keys"), fact_map(arena));

        fact_set_string(arena, fact, "path", path);
        fact_set_string(arena, fact, "kind", arena_str(arena, kind));
        fact_set_bool(arena, fact, "encrypted", encrypted);
        fact_set(arena, fact, STR("file"), file);
        fact_set(arena, fact, STR("place"), fact_get(file, "place"));
}

static void add_file(struct node *node, struct fact *pki, struct str path) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct fact *files = fact_get(pki, "files"), *file;
        const char *purpose = "other";
        bool encrypted = false;
        struct str kind;
        int r;

        if (files->count >= FILES_MAX)
                return;
        r = root_read(&node->root, path, FILE_MAX, &buf);
        if (r < 0 && r != -ENOENT && r != -ENXIO)
                node_gap(node, "key or certificate", path, node_error_text(node, r),
                         "pki.files pki.keys pki.certificates");
        kind = private_key_kind(buf_str(&buf), &encrypted);
        if (kind.len > 0)
                purpose = "key";
        else if (str_find(buf_str(&buf), STR("-----BEGIN CERTIFICATE-----"), 0) >= 0)
                purpose = "certificate";
        else if (str_find(buf_str(&buf), STR("kind: Config"), 0) >= 0)
                purpose = "kubeconfig";
        else if (str_ends(path, STR(".key")))
                purpose = "key";
        file = fact_add(node->arena, files, node_file(node, path, purpose));
        if (kind.len > 0)
                add_key(node, path, kind, encrypted, file);
        certificates_parse(node, buf_str(&buf), (struct place){ path, 1, 1 },
                           arena_str(node->arena, node_basename(path)).ptr,
                           fact_get(pki, "certificates"));
        if (buf.data)
                OPENSSL_cleanse(buf.data, buf.capacity);
}

static bool is_interesting(struct str name) {
        static const char *const ends[] = { ".crt",        ".key",  ".pem",    ".pub", ".cert",
                                            ".kubeconfig", ".conf", ".config", ".json" };

        for (size_t i = 0; i < ELEMENTS(ends); i++)
                if (str_ends(name, str_from(ends[i])))
                        return true;
        return false;
}

static void add_folder(struct node *node, struct fact *pki, struct str folder, int depth) {
        struct root_names names = { 0 };
        int r = root_list(&node->root, folder, node->arena, &names);

        if (r == -ENOENT || r == -ENOTDIR)
                return;
        fact_add(node->arena, fact_get(pki, "directories"), node_file(node, folder, "pki"));
        if (r < 0)
                node_gap(node, "keys and certificates", folder, node_error_text(node, r),
                         "pki.files pki.keys pki.certificates");
        for (size_t i = 0; i < names.count && i < FILES_MAX; i++) {
                struct str path = node_join(node, folder, names.items[i]);
                struct stat st;

                if (root_stat(&node->root, path, false, &st) < 0)
                        continue;
                if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX &&
                    !str_eq(names.items[i], STR("containerd")) &&
                    !str_eq(names.items[i], STR("images")) &&
                    !str_eq(names.items[i], STR("pod-manifests")) &&
                    !str_eq(names.items[i], STR("logs")))
                        add_folder(node, pki, path, depth + 1);
                else if (!S_ISDIR(st.st_mode) && is_interesting(names.items[i]))
                        add_file(node, pki, path);
        }
}

static void mark_unreadable(struct node *node, struct fact *pki) {
        for (const struct fact_member *m = node->gaps->first; m; m = m->next)
                if (str_eq(fact_value_text(fact_get(m->value, "what")),
                           STR("keys and certificates"))) {
                        struct str why =
                                arena_printf(node->arena, "%.*s: %.*s",
                                             STR_ARG(fact_value_text(fact_get(m->value, "path"))),
                                             STR_ARG(fact_value_text(fact_get(m->value, "error"))));
                        const struct place nowhere = { 0 };

                        fact_set(node->arena, pki, STR("files"),
                                 fact_unknown(node->arena, why, nowhere));
                        fact_set(node->arena, pki, STR("keys"),
                                 fact_unknown(node->arena, why, nowhere));
                        fact_set(node->arena, pki, STR("certificates"),
                                 fact_unknown(node->arena, why, nowhere));
                        return;
                }
}

/* What people who sign in to the node have for kubectl. */
static void add_personal(struct node *node, struct fact *configs) {
        for (size_t i = 0; i < node->users.users.count && configs->count < FILES_MAX; i++) {
                const struct user *user = &node->users.users.items[i];
                struct str path =
                        arena_printf(node->arena, "%.*s/.kube/config", STR_ARG(user->home));

                if (user->home.len > 1 && root_exists(&node->root, path))
                        fact_add(node->arena, configs,
                                 kubeconfig_fact(node, &node->root, path,
                                                 arena_str(node->arena, user->name).ptr));
        }
}

void pki_collect(struct node *node) {
        struct arena *arena = node->arena;
        struct fact *pki = fact_set(arena, node->facts, STR("pki"), fact_map(arena)), *configs;
        static const char *const lists[] = { "directories", "files", "keys", "certificates" };

        for (size_t i = 0; i < ELEMENTS(lists); i++)
                fact_set(arena, pki, str_from(lists[i]), fact_list(arena));
        for (size_t i = 0; i < ELEMENTS(folders); i++)
                add_folder(node, pki, str_from(folders[i]), 0);
        configs = fact_set(arena, pki, STR("kubeconfigs"), fact_list(arena));
        for (size_t i = 0; i < ELEMENTS(kubeconfigs); i++)
                if (root_exists(&node->root, str_from(kubeconfigs[i].path)))
                        fact_add(arena, configs,
                                 kubeconfig_fact(node, &node->root, str_from(kubeconfigs[i].path),
                                                 kubeconfigs[i].name));
        add_personal(node, configs);
        mark_unreadable(node, pki);
}
