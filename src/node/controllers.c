/*
 * kube-controller-manager and kube-scheduler.
 */
#include "node/private.h"

#define B SETTING_BOOL
#define I SETTING_INT
#define D SETTING_DURATION
#define S SETTING_STRING
#define F SETTING_FILE
#define L SETTING_LIST

static const struct setting manager_settings[] = {
        { "profiling", "profiling", B, "true" },
        { "contentionProfiling", "contention-profiling", B },
        { "bindAddress", "bind-address", S, "0.0.0.0" },
        { "address", "address", S },
        { "securePort", "secure-port", I, "10257" },
        { "port", "port", I },
        { "terminatedPodGCThreshold", "terminated-pod-gc-threshold", I, "12500" },
        { "useServiceAccountCredentials", "use-service-account-credentials", B, "false" },
        { "serviceAccountPrivateKeyFile", "service-account-private-key-file", F },
        { "rootCAFile", "root-ca-file", F },
        { "featureGates", "feature-gates", SETTING_GATES },
        { "clusterSigningCertFile", "cluster-signing-cert-file", F },
        { "clusterSigningKeyFile", "cluster-signing-key-file", F },
        { "clusterSigningDuration", "cluster-signing-duration", D, "8760h" },
        { "tlsCertFile", "tls-cert-file", F },
        { "tlsPrivateKeyFile", "tls-private-key-file", F },
        { "tlsMinVersion", "tls-min-version", S },
        { "tlsCipherSuites", "tls-cipher-suites", L },
        { "kubeconfig", "kubeconfig", F },
        { "authenticationKubeconfig", "authentication-kubeconfig", F },
        { "authorizationKubeconfig", "authorization-kubeconfig", F },
        { "authorizationAlwaysAllowPaths", "authorization-always-allow-paths", L,
          "/healthz,/readyz,/livez" },
        { "clientCAFile", "client-ca-file", F },
        { "requestheaderClientCAFile", "requestheader-client-ca-file", F },
        { "controllers", "controllers", L, "*" },
        { "leaderElect", "leader-elect", B, "true" },
        { "allocateNodeCIDRs", "allocate-node-cidrs", B },
        { "clusterCIDR", "cluster-cidr", S },
        { "cloudProvider", "cloud-provider", S },
};

static const struct setting scheduler_settings[] = {
        { "enableProfiling", "profiling", B, "true" },
        { "enableContentionProfiling", "contention-profiling", B, "true" },
        { "bindAddress", "bind-address", S, "0.0.0.0" },
        { "address", "address", S },
        { "securePort", "secure-port", I, "10259" },
        { "port", "port", I },
        { "config", "config", F },
        { "clientConnection.kubeconfig", "kubeconfig", F },
        { "authenticationKubeconfig", "authentication-kubeconfig", F },
        { "authorizationKubeconfig", "authorization-kubeconfig", F },
        { "authorizationAlwaysAllowPaths", "authorization-always-allow-paths", L,
          "/healthz,/readyz,/livez" },
        { "clientCAFile", "client-ca-file", F },
        { "tlsCertFile", "tls-cert-file", F },
        { "tlsPrivateKeyFile", "tls-private-key-file", F },
        { "tlsMinVersion", "tls-min-version", S },
        { "tlsCipherSuites", "tls-cipher-suites", L },
        { "leaderElection.leaderElect", "leader-elect", B, "true" },
        { "featureGates", "feature-gates", SETTING_GATES },
};

static void collect_manager(struct node *node) {
        struct component *manager = arena_new(node->arena, struct component);
        struct arena *arena = node->arena;
        const struct fact *gates;
        struct fact *rotate;

        manager->name = "kube-controller-manager";
        manager->key = "controllerManager";
        manager->settings = manager_settings;
        manager->setting_count = ELEMENTS(manager_settings);
        component_find(node, manager);
        if (!manager->present)
                return;
        component_settings(node, manager, NULL, 0, STR(""));
        /* on by default since 1.12 */
        gates = fact_get(manager->map, "featureGates");
        rotate = fact_map(arena);
        fact_set_bool(arena, rotate, "value",
                      fact_value_bool(fact_get(fact_value(gates), "RotateKubeletServerCertificate"),
                                      true));
        fact_set(arena, rotate, STR("source"), fact_get(gates, "source"));
        fact_set(arena, rotate, STR("place"), fact_get(gates, "place"));
        fact_set(arena, manager->map, STR("rotateKubeletServerCertificate"), rotate);
        component_files(node, manager);
}

static void rename_setting(struct arena *arena, struct fact *map, const char *from,
                           const char *member, const char *to) {
        struct fact *fact = fact_get(map, from);

        if (member)
                fact = fact_get(fact, member);
        fact_set(arena, map, str_from(to), fact);
}

static void collect_scheduler(struct node *node) {
        struct component *scheduler = arena_new(node->arena, struct component);
        struct arena *arena = node->arena;
        const struct flag *config;
        struct layer layer = { .source = "config" };
        struct str unknown = STR("");
        struct yaml yaml;
        size_t layers = 0;

        scheduler->name = "kube-scheduler";
        scheduler->key = "scheduler";
        scheduler->settings = scheduler_settings;
        scheduler->setting_count = ELEMENTS(scheduler_settings);
        component_find(node, scheduler);
        if (!scheduler->present)
                return;
        config = flags_get(&scheduler->flags, "config");
        if (config && config->value.len > 0) {
                if (node_yaml(node, component_root(node, scheduler), config->value,
                              "scheduler configuration", "scheduler.settings", &yaml) >= 0 &&
                    yaml.count > 0) {
                        layer.root = yaml.items[0];
                        layer.path = yaml.path;
                        layers = 1;
                } else {
                        unknown = yaml.why;
                }
        }
        component_settings(node, scheduler, &layer, layers, unknown);
        component_files(node, scheduler);
        rename_setting(arena, scheduler->map, "enableProfiling", NULL, "profiling");
        rename_setting(arena, scheduler->map, "clientConnection", "kubeconfig", "kubeconfig");
        rename_setting(arena, scheduler->map, "leaderElection", "leaderElect", "leaderElect");
}

void controllers_collect(struct node *node) {
        collect_manager(node);
        collect_scheduler(node);
}
