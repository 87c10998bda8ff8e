/*
 * kube-proxy. On most clusters it runs in a pod, and its configuration is a ConfigMap that is
 * mounted there: it is read through the root directory of the process.
 */
#include "node/private.h"

#define S SETTING_STRING
#define F SETTING_FILE

static const struct setting config_settings[] = {
        { "bindAddress", "bind-address", S, "0.0.0.0", true },
        { "metricsBindAddress", "metrics-bind-address", S, "127.0.0.1:10249", true },
        { "healthzBindAddress", "healthz-bind-address", S, "0.0.0.0:10256", true },
        { "bindAddressHardFail", NULL, SETTING_BOOL },
        { "mode", "proxy-mode", S },
        { "enableProfiling", "profiling", SETTING_BOOL },
        { "clusterCIDR", "cluster-cidr", S },
        { "clientConnection.kubeconfig", "kubeconfig", F },
        { "hostnameOverride", "hostname-override", S },
        { "nodePortAddresses", "nodeport-addresses", SETTING_LIST },
        { "featureGates", "feature-gates", SETTING_GATES },
        { "conntrack.maxPerCore", "conntrack-max-per-core", SETTING_INT, "32768" },
        { "config", "config", F },
};

void proxy_collect(struct node *node) {
        struct component *proxy = arena_new(node->arena, struct component);
        struct arena *arena = node->arena;
        struct layer layer = { .source = "config" };
        struct settings_input input = { .settings = config_settings,
                                        .count = ELEMENTS(config_settings),
                                        .flags = &proxy->flags };
        const struct flag *config;
        struct yaml yaml;
        struct str path;

        proxy->name = "kube-proxy";
        proxy->key = "kubeProxy";
        proxy->settings = config_settings;
        proxy->setting_count = ELEMENTS(config_settings);
        component_find(node, proxy);
        if (!proxy->present)
                return;
        if (proxy->process && proxy->process->is_pod && proxy->manifest.count == 0 &&
            proxy->inside.fd < 0)
                root_enter(&node->root, proxy->process->pid, arena, &proxy->inside);
        input.place = proxy->place;
        config = flags_get(&proxy->flags, "config");
        if (config && config->value.len > 0) {
                /* with a file, flags are of no effect (but for some that are no settings) */
                static const struct flags none;

                input.flags = &none;
                input.place = (struct place){ config->value, 1, 1 };
                fact_set(arena, proxy->fact, STR("configFile"),
                         node_file_in(node, component_root(node, proxy), config->value, "config"));
                if (node_yaml(node, component_root(node, proxy), config->value,
                              "kube-proxy configuration", "kubeProxy.config", &yaml) >= 0 &&
                    yaml.count > 0) {
                        layer.root = yaml.items[0];
                        layer.path = yaml.path;
                        input.layers = &layer;
                        input.layer_count = 1;
                } else {
                        input.unknown = yaml.why.len > 0 ? yaml.why : STR("holds nothing");
                }
        }
        proxy->map = fact_set(arena, proxy->fact, STR("config"), fact_map(arena));
        settings_fill(node, &input, proxy->map);
        component_files(node, proxy);
        path = fact_value_text(fact_get(fact_get(proxy->map, "clientConnection"), "kubeconfig"));
        if (path.len > 0)
                fact_set(arena, proxy->fact, STR("kubeconfig"),
                         kubeconfig_fact(node, component_root(node, proxy), path, "kube-proxy"));
}
