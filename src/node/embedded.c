/*
 * Components inside another process: k3s and the agent of RKE2 run them in their own, microk8s
 * starts them with files of arguments.
 *
 * k3s gives each component flags of its own (pkg/daemons/control/server.go, pkg/daemons/agent of
 * k3s), then those that the user asks for with `--kubelet-arg` and the like, on the command line or
 * in config.yaml and config.yaml.d. Titles of its processes hide their arguments, so the unit tells
 * them.
 */
#include "node/private.h"

enum { ARGS_MAX = 500, FILES_MAX = 100 };

/* What k3s decides: %s is its folder, /var/lib/rancher/k3s. */
static const struct {
        const char *component, *text;
} k3s_flags[] = {
        { "kube-apiserver", "--anonymous-auth=false" },
        { "kube-apiserver", "--authorization-mode=Node,RBAC" },
        { "kube-apiserver", "--enable-admission-plugins=NodeRestriction" },
        { "kube-apiserver", "--allow-privileged=true" },
        { "kube-apiserver", "--enable-bootstrap-token-auth=true" },
        { "kube-apiserver", "--bind-address=127.0.0.1" },
        { "kube-apiserver", "--secure-port=6444" },
        { "kube-apiserver", "--profiling=false" },
        { "kube-apiserver", "--client-ca-file=%s/server/tls/client-ca.crt" },
        { "kube-apiserver", "--tls-cert-file=%s/server/tls/serving-kube-apiserver.crt" },
        { "kube-apiserver", "--tls-private-key-file=%s/server/tls/serving-kube-apiserver.key" },
        { "kube-apiserver", "--kubelet-certificate-authority=%s/server/tls/server-ca.crt" },
        { "kube-apiserver",
          "--kubelet-client-certificate=%s/server/tls/client-kube-apiserver.crt" },
        { "kube-apiserver", "--kubelet-client-key=%s/server/tls/client-kube-apiserver.key" },
        { "kube-apiserver", "--service-account-key-file=%s/server/tls/service.key" },
        { "kube-apiserver",
          "--service-account-signing-key-file=%s/server/tls/service.current.key" },
        { "kube-apiserver",
          "--service-account-issuer=https://kubernetes.default.svc.cluster.local" },
        { "kube-apiserver", "--requestheader-client-ca-file=%s/server/tls/request-header-ca.crt" },
        { "kube-apiserver", "--proxy-client-cert-file=%s/server/tls/client-auth-proxy.crt" },
        { "kube-apiserver", "--proxy-client-key-file=%s/server/tls/client-auth-proxy.key" },
        { "kube-controller-manager", "--bind-address=127.0.0.1" },
        { "kube-controller-manager", "--profiling=false" },
        { "kube-controller-manager", "--use-service-account-credentials=true" },
        { "kube-controller-manager", "--root-ca-file=%s/server/tls/server-ca.crt" },
        { "kube-controller-manager",
          "--service-account-private-key-file=%s/server/tls/service.current.key" },
        { "kube-controller-manager", "--kubeconfig=%s/server/cred/controller.kubeconfig" },
        { "kube-controller-manager", "--allocate-node-cidrs=true" },
        { "kube-scheduler", "--bind-address=127.0.0.1" },
        { "kube-scheduler", "--profiling=false" },
        { "kube-scheduler", "--kubeconfig=%s/server/cred/scheduler.kubeconfig" },
        { "kubelet", "--anonymous-auth=false" },
        { "kubelet", "--authentication-token-webhook=true" },
        { "kubelet", "--authorization-mode=Webhook" },
        { "kubelet", "--client-ca-file=%s/agent/client-ca.crt" },
        { "kubelet", "--tls-cert-file=%s/agent/serving-kubelet.crt" },
        { "kubelet", "--tls-private-key-file=%s/agent/serving-kubelet.key" },
        { "kubelet", "--read-only-port=0" },
        { "kubelet", "--healthz-bind-address=127.0.0.1" },
        { "kubelet", "--kubeconfig=%s/agent/kubelet.kubeconfig" },
        { "kubelet", "--fail-swap-on=false" },
        { "kubelet", "--serialize-image-pulls=false" },
        { "kubelet", "--container-runtime-endpoint=unix:///run/k3s/containerd/containerd.sock" },
        { "kubelet", "--pod-manifest-path=%s/agent/pod-manifests" },
        { "kube-proxy", "--kubeconfig=%s/agent/kubeproxy.kubeconfig" },
        { "kube-proxy", "--healthz-bind-address=127.0.0.1" },
};

/* Options of k3s that are flags of a component: whatever value makes which flag. */
static const struct {
        const char *option, *component, *flag;
} translations[] = {
        { "protect-kernel-defaults", "kubelet", "--protect-kernel-defaults=true" },
        { "secrets-encryption", "kube-apiserver",
          "--encryption-provider-config=%s/server/cred/encryption-config.json" },
};

struct found {
        struct node *node;
        struct component *component;
        const char *folder; /* /var/lib/rancher/k3s */
        bool off;           /* an option says that it does not run */
};

static void push(struct found *found, struct str text, struct place place, const char *source) {
        if (found->component->words.count < ARGS_MAX)
                *vec_push_in(found->node->arena, &found->component->words) =
                        (struct word){ text, place, source };
}

/* An argument of the user: "v=2" or "--v=2". */
static void push_argument(struct found *found, struct str text, struct place place,
                          const char *source) {
        if (!str_starts(text, STR("--")))
                text = arena_printf(found->node->arena, "--%.*s", STR_ARG(text));
        push(found, text, place, source);
}

static void apply_option(struct found *found, struct str name, struct str value, struct place place,
                         const char *source) {
        const char *component = found->component->name;
        struct str argument = arena_printf(found->node->arena, "%s-arg", component);
        bool on = true;

        if (str_ends(name, STR("+")))
                name.len--;
        if (str_eq(name, argument)) {
                push_argument(found, value, place, source);
                return;
        }
        node_bool(value, &on);
        for (size_t i = 0; i < ELEMENTS(translations); i++)
                if (on && str_eq(name, str_from(translations[i].option)) &&
                    strcmp(component, translations[i].component) == 0) {
                        struct buf text _cleanup_(buf_free) = BUF_INIT;
                        const char *cut = strstr(translations[i].flag, "%s");

                        if (cut)
                                buf_printf(&text, "%.*s%s%s", (int)(cut - translations[i].flag),
                                           translations[i].flag, found->folder, cut + 2);
                        else
                                buf_add(&text, str_from(translations[i].flag));
                        push(found, arena_str(found->node->arena, buf_str(&text)), place, source);
                }
        found->off = found->off ||
                     (on && str_eq(name, STR("disable-kube-proxy")) &&
                      strcmp(component, "kube-proxy") == 0) ||
                     (on && str_eq(name, STR("disable-apiserver")) &&
                      strcmp(component, "kube-apiserver") == 0) ||
                     (on && str_eq(name, STR("disable-agent")) &&
                      (strcmp(component, "kubelet") == 0 || strcmp(component, "kube-proxy") == 0));
}

static struct str scalar(struct arena *arena, const struct doc_node *node) {
        switch (node->kind) {
        case DOC_STRING:
                return node->string;
        case DOC_BOOL:
                return node->boolean ? STR("true") : STR("false");
        case DOC_INT:
                return arena_printf(arena, "%lld", (long long)node->integer);
        default:
                return STR("");
        }
}

static void read_config(struct found *found, struct str path) {
        struct node *node = found->node;
        struct yaml yaml;
        int r = node_yaml(node, &node->root, path, "configuration of the distribution",
                          found->component->key, &yaml);

        if (r < 0 || yaml.count == 0 || yaml.items[0]->kind != DOC_MAP)
                return;
        for (uint32_t i = 0; i < yaml.items[0]->map.count; i++) {
                const struct doc_entry *entry = &yaml.items[0]->map.entries[i];

                if (entry->value.kind != DOC_LIST) {
                        apply_option(found, entry->key, scalar(node->arena, &entry->value),
                                     node_place(yaml.path, &entry->value), "config");
                        continue;
                }
                for (uint32_t k = 0; k < entry->value.list.count && k < ARGS_MAX; k++)
                        apply_option(found, entry->key,
                                     scalar(node->arena, &entry->value.list.items[k]),
                                     node_place(yaml.path, &entry->value.list.items[k]), "config");
        }
}

static void read_unit(struct found *found, const struct unit *unit) {
        struct words words = { 0 };
        struct flags flags = { 0 };

        unit_command(found->node, unit, &words);
        flags_parse(found->node->arena, &words, 1, NULL, 0, &flags);
        for (size_t i = 0; i < flags.count; i++)
                apply_option(found, flags.items[i].name, flags.items[i].value, flags.items[i].place,
                             "flag");
}

static void push_defaults(struct found *found, struct place place) {
        for (size_t i = 0; i < ELEMENTS(k3s_flags); i++) {
                const char *cut = strstr(k3s_flags[i].text, "%s");

                if (strcmp(k3s_flags[i].component, found->component->name) != 0)
                        continue;
                push(found,
                     cut ? arena_printf(found->node->arena, "%.*s%s%s",
                                        (int)(cut - k3s_flags[i].text), k3s_flags[i].text,
                                        found->folder, cut + 2)
                         : str_from(k3s_flags[i].text),
                     place, "default");
        }
}

static bool find_rancher(struct node *node, struct component *component, const char *name) {
        static const char *const units[][2] = { { "k3s.service", "k3s-agent.service" },
                                                { "rke2-server.service", "rke2-agent.service" } };
        bool rke2 = strcmp(name, "rke2") == 0, agent_part;
        struct arena *arena = node->arena;
        struct found found = { .node = node,
                               .component = component,
                               .folder = arena_printf(arena, "/var/lib/rancher/%s", name).ptr };
        struct str config = arena_printf(arena, "/etc/rancher/%s/config.yaml", name);
        struct str drop_ins = arena_printf(arena, "/etc/rancher/%s/config.yaml.d", name), etcd;
        struct root_names names = { 0 };
        struct unit unit;
        bool server = unit_read(node, str_from(units[rke2][0]), &unit) >= 0, has_unit = server;
        struct place place;

        if (!server)
                has_unit = unit_read(node, str_from(units[rke2][1]), &unit) >= 0;
        server = server ||
                 root_exists(&node->root, arena_printf(arena, "%s/server/tls", found.folder));
        agent_part = strcmp(component->name, "kubelet") == 0 ||
                     strcmp(component->name, "kube-proxy") == 0;
        if (!agent_part && (!server || rke2)) /* RKE2 has static pods for those */
                return false;
        place = (struct place){ root_exists(&node->root, config) ? config : unit.path, 1, 1 };
        if (!place.file.len)
                place.file = config;
        push(&found, str_from(component->name), place, "default");
        if (strcmp(component->name, "etcd") == 0) {
                etcd = arena_printf(arena, "%s/server/db/etcd/config", found.folder);
                if (!root_exists(&node->root, etcd)) {
                        component->words.count = 0;
                        return false;
                }
                push(&found, arena_printf(arena, "--config-file=%.*s", STR_ARG(etcd)), place,
                     "default");
        }
        push_defaults(&found, place);
        /* the command line wins over the files */
        read_config(&found, config);
        if (root_list(&node->root, drop_ins, arena, &names) >= 0)
                for (size_t i = 0; i < names.count && i < FILES_MAX; i++)
                        if (str_ends(names.items[i], STR(".yaml")))
                                read_config(&found, node_join(node, drop_ins, names.items[i]));
        if (has_unit)
                read_unit(&found, &unit);
        if (found.off) {
                component->words.count = 0;
                return false;
        }
        component->place = place;
        component->first = 1;
        return true;
}

static struct str snap_path(struct node *node, struct str text) {
        static const struct str variables[] = { STR_INIT("${SNAP_DATA}"), STR_INIT("$SNAP_DATA") };

        for (size_t i = 0; i < ELEMENTS(variables); i++) {
                ptrdiff_t at = str_find(text, variables[i], 0);

                if (at >= 0)
                        return arena_printf(
                                node->arena, "%.*s/var/snap/microk8s/current%.*s", (int)at,
                                text.ptr,
                                STR_ARG(str_slice(text, (size_t)at + variables[i].len, text.len)));
        }
        return text;
}

static bool find_microk8s(struct node *node, struct component *component) {
        struct str path =
                arena_printf(node->arena, "/var/snap/microk8s/current/args/%s", component->name);
        struct found found = { .node = node, .component = component };
        struct place place = { path, 0, 1 };
        struct str text, line;

        if (node_read(node, &node->root, path, "arguments of a component", component->key, &text) <
            0)
                return false;
        component->place = (struct place){ path, 1, 1 };
        push(&found, str_from(component->name), component->place, "flag");
        while (str_split(&text, '\n', &line)) {
                place.line++;
                line = str_trim(line);
                if (line.len > 0 && line.ptr[0] == '-')
                        push(&found, snap_path(node, line), place, "flag");
        }
        component->first = 1;
        return true;
}

bool embedded_find(struct node *node, struct component *component) {
        if (!node->layout)
                return false;
        if (strcmp(node->layout, "microk8s") == 0)
                return find_microk8s(node, component);
        if (strcmp(node->layout, "k3s") == 0 || strcmp(node->layout, "rke2") == 0)
                return find_rancher(node, component, node->layout);
        return false;
}
