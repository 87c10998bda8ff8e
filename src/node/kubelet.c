/*
 * The kubelet: its effective configuration.
 *
 *     defaults < file of --config < *.conf below --config-dir, in order < flags
 *
 * as cmd/kubelet/app/server.go merges them: drop-ins are JSON merge patches; feature gates of flags
 * are laid over those of files; a kubelet without --config has the legacy defaults of
 * options.applyLegacyDefaults, under its drop-ins, too. Fields that are no pointers there have
 * their default when they are zero in the file (pkg/kubelet/apis/config/v1beta1/defaults.go).
 */
#include "node/private.h"

enum { DROP_INS_MAX = 500, DROP_IN_DEPTH = 8 };

#define B SETTING_BOOL
#define I SETTING_INT
#define D SETTING_DURATION
#define S SETTING_STRING
#define F SETTING_FILE
#define L SETTING_LIST
#define M SETTING_MAP

/* field, flag, type, default, zero is unset, since, changed in, default then */
static const struct setting config_settings[] = {
        { "enableServer", "enable-server", B, "true" },
        { "staticPodPath", "pod-manifest-path", F },
        { "staticPodURL", "manifest-url", S },
        { "podLogsDir", NULL, F, "/var/log/pods", true, 30 },
        { "address", "address", S, "0.0.0.0", true },
        { "port", "port", I, "10250", true },
        { "readOnlyPort", "read-only-port", I },
        { "tlsCertFile", "tls-cert-file", F },
        { "tlsPrivateKeyFile", "tls-private-key-file", F },
        { "tlsCipherSuites", "tls-cipher-suites", L },
        { "tlsMinVersion", "tls-min-version", S },
        { "rotateCertificates", "rotate-certificates", B },
        { "serverTLSBootstrap", "rotate-server-certificates", B },
        { "authentication.x509.clientCAFile", "client-ca-file", F },
        { "authentication.webhook.enabled", "authentication-token-webhook", B, "true" },
        { "authentication.webhook.cacheTTL", "authentication-token-webhook-cache-ttl", D, "2m",
          true },
        { "authentication.anonymous.enabled", "anonymous-auth", B, "false" },
        { "authorization.mode", "authorization-mode", S, "Webhook", true },
        { "authorization.webhook.cacheAuthorizedTTL", "authorization-webhook-cache-authorized-ttl",
          D, "5m", true },
        { "authorization.webhook.cacheUnauthorizedTTL",
          "authorization-webhook-cache-unauthorized-ttl", D, "30s", true },
        { "registryPullQPS", "registry-qps", I, "5" },
        { "registryBurst", "registry-burst", I, "10", true },
        { "imagePullCredentialsVerificationPolicy", NULL, S, "", true, 33, 35,
          "NeverVerifyPreloadedImages" },
        { "eventRecordQPS", "event-qps", I, "50" },
        { "eventBurst", "event-burst", I, "100", true },
        { "enableDebuggingHandlers", "enable-debugging-handlers", B, "true" },
        { "enableContentionProfiling", "contention-profiling", B },
        { "healthzPort", "healthz-port", I, "10248" },
        { "healthzBindAddress", "healthz-bind-address", S, "127.0.0.1", true },
        { "oomScoreAdj", "oom-score-adj", I, "-999" },
        { "clusterDomain", "cluster-domain", S },
        { "clusterDNS", "cluster-dns", L },
        { "streamingConnectionIdleTimeout", "streaming-connection-idle-timeout", D, "4h", true },
        { "nodeStatusUpdateFrequency", "node-status-update-frequency", D, "10s", true },
        { "imageGCHighThresholdPercent", "image-gc-high-threshold", I, "85" },
        { "imageGCLowThresholdPercent", "image-gc-low-threshold", I, "80" },
        { "cgroupRoot", "cgroup-root", S },
        { "cgroupsPerQOS", "cgroups-per-qos", B, "true" },
        { "cgroupDriver", "cgroup-driver", S, "cgroupfs", true },
        { "hairpinMode", "hairpin-mode", S, "promiscuous-bridge", true },
        { "maxPods", "max-pods", I, "110", true },
        { "podCIDR", "pod-cidr", S },
        { "podPidsLimit", "pod-max-pids", I, "-1" },
        { "resolvConf", "resolv-conf", F, "/etc/resolv.conf" },
        { "runOnce", "runonce", B },
        { "maxOpenFiles", "max-open-files", I, "1000000", true },
        { "kubeAPIQPS", "kube-api-qps", I, "50" },
        { "kubeAPIBurst", "kube-api-burst", I, "100", true },
        { "serializeImagePulls", "serialize-image-pulls", B, "true" },
        { "evictionHard", "eviction-hard", M,
          "memory.available=100Mi,nodefs.available=10%,nodefs.inodesFree=5%,imagefs.available=15%,"
          "imagefs.inodesFree=5%" },
        { "evictionSoft", "eviction-soft", M },
        { "protectKernelDefaults", "protect-kernel-defaults", B },
        { "makeIPTablesUtilChains", "make-iptables-util-chains", B, "true" },
        { "featureGates", "feature-gates", SETTING_GATES },
        { "failSwapOn", "fail-swap-on", B, "true" },
        { "memorySwap.swapBehavior", NULL, S },
        { "containerLogMaxSize", "container-log-max-size", S, "10Mi", true },
        { "containerLogMaxFiles", "container-log-max-files", I, "5" },
        { "systemReserved", "system-reserved", M },
        { "kubeReserved", "kube-reserved", M },
        { "enforceNodeAllocatable", "enforce-node-allocatable", L, "pods" },
        { "allowedUnsafeSysctls", "allowed-unsafe-sysctls", L },
        { "volumePluginDir", "volume-plugin-dir", F,
          "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/", true },
        { "logging.format", "logging-format", S, "text", true },
        { "logging.verbosity", "v", I },
        { "enableSystemLogHandler", NULL, B, "true" },
        { "enableSystemLogQuery", NULL, B, "false", false, 27 },
        { "shutdownGracePeriod", NULL, D },
        { "crashLoopBackOff.maxContainerRestartPeriod", NULL, D, NULL, false, 32, 35, "300s" },
        { "enableProfilingHandler", NULL, B, "true" },
        { "enableDebugFlagsHandler", NULL, B, "true" },
        { "seccompDefault", NULL, B, "false" },
        { "registerNode", "register-node", B, "true" },
        { "registerWithTaints", NULL, SETTING_LITERAL },
        { "tracing.endpoint", NULL, S },
        { "localStorageCapacityIsolation", "local-storage-capacity-isolation", B, "true" },
        { "containerRuntimeEndpoint", "container-runtime-endpoint", S,
          "unix:///run/containerd/containerd.sock", true },
        { "imageServiceEndpoint", "image-service-endpoint", S },
        { "failCgroupV1", "fail-cgroupv1", B, "false", false, 31, 35, "true" },
        { "userNamespaces.idsPerPod", NULL, I, NULL, false, 33 },
};

/* What is no part of KubeletConfiguration. */
static const struct setting flag_settings[] = {
        { "config", "config", F },
        { "configDir", "config-dir", F },
        { "kubeconfig", "kubeconfig", F },
        { "bootstrapKubeconfig", "bootstrap-kubeconfig", F },
        { "certDir", "cert-dir", F, "/var/lib/kubelet/pki" },
        { "rootDir", "root-dir", F, "/var/lib/kubelet" },
        { "hostnameOverride", "hostname-override", S },
        { "nodeIP", "node-ip", S },
        { "cloudProvider", "cloud-provider", S },
        { "seccompDefault", "seccomp-default", B },
        { "nodeLabels", "node-labels", M },
};

enum { CONFIG_COUNT = ELEMENTS(config_settings), FLAG_COUNT = ELEMENTS(flag_settings) };

struct layers {
        struct layer *items;
        size_t count, capacity;
};

struct reading {
        struct node *node;
        struct component *kubelet;
        struct layers layers;
        struct fact *files; /* configFiles */
        struct str unknown; /* why not all is known */
};

static void add_layer(struct reading *reading, struct str path, const char *source) {
        struct node *node = reading->node;
        const struct root *root = component_root(node, reading->kubelet);
        struct yaml yaml;
        int r = node_yaml(node, root, path, "kubelet configuration", "kubelet.config", &yaml);

        fact_add(node->arena, reading->files,
                 node_file_in(node, root, path, "kubelet configuration"));
        if (r < 0 || yaml.count == 0 || yaml.items[0]->kind != DOC_MAP) {
                if (r == -ENOENT)
                        node_gap(node, "kubelet configuration", path, STR("does not exist"),
                                 "kubelet.config");
                reading->unknown =
                        yaml.why.len > 0 ? yaml.why
                                         : arena_printf(node->arena, "%.*s: holds no configuration",
                                                        STR_ARG(path));
                return;
        }
        *vec_push_in(node->arena, &reading->layers) =
                (struct layer){ yaml.items[0], yaml.path, source };
}

/* As filepath.WalkDir: names in order, folders entered, links not followed into folders. */
static void add_drop_ins(struct reading *reading, struct str folder, int depth) {
        struct node *node = reading->node;
        const struct root *root = component_root(node, reading->kubelet);
        struct root_names names = { 0 };
        int r = root_list(root, folder, node->arena, &names);

        if (r < 0) {
                struct str why = node_error_text(node, r);

                node_gap(node, "kubelet configuration", folder, why, "kubelet.config");
                reading->unknown =
                        arena_printf(node->arena, "%.*s: %.*s", STR_ARG(folder), STR_ARG(why));
        }
        for (size_t i = 0; i < names.count && reading->layers.count < DROP_INS_MAX; i++) {
                struct str path = node_join(node, folder, names.items[i]);
                struct stat st;

                if (root_stat(root, path, false, &st) < 0)
                        continue;
                if (S_ISDIR(st.st_mode) && depth < DROP_IN_DEPTH)
                        add_drop_ins(reading, path, depth + 1);
                else if (!S_ISDIR(st.st_mode) && str_ends(names.items[i], STR(".conf")))
                        add_layer(reading, path, "drop-in");
        }
}

/* A flag of the distribution (node/embedded.c) is a default, too, but one that was given. */
static void set_default(struct node *node, const struct component *kubelet, struct fact *map,
                        const char *key, const char *flag, struct fact *value) {
        const struct fact *old = fact_get(map, key);

        if (old && !flags_get(&kubelet->flags, flag) &&
            str_eq(fact_value_text(fact_get(old, "source")), STR("default")))
                fact_set(node->arena, map, str_from(key),
                         fact_setting(node->arena, value, "default", kubelet->place));
}

/* options.applyLegacyDefaults */
static void apply_legacy(struct node *node, const struct component *kubelet, struct fact *config) {
        struct arena *arena = node->arena;

        set_default(node, kubelet, fact_make(arena, config, "authentication.anonymous"), "enabled",
                    "anonymous-auth", fact_bool(arena, true));
        set_default(node, kubelet, fact_make(arena, config, "authentication.webhook"), "enabled",
                    "authentication-token-webhook", fact_bool(arena, false));
        set_default(node, kubelet, fact_make(arena, config, "authorization"), "mode",
                    "authorization-mode", fact_text(arena, "AlwaysAllow"));
        /* server.go fills these in when it loads a file */
        set_default(node, kubelet, config, "evictionHard", "eviction-hard", fact_map(arena));
        set_default(node, kubelet, config, "readOnlyPort", "read-only-port",
                    fact_int(arena, 10255));
}

/* Paths in a configuration file begin at its folder. */
static void make_absolute(struct node *node, struct fact *config) {
        static const char *const fields[] = { "staticPodPath",     "tlsCertFile",
                                              "tlsPrivateKeyFile", "resolvConf",
                                              "volumePluginDir",   "podLogsDir" };
        struct fact *settings[ELEMENTS(fields) + 1];

        for (size_t i = 0; i < ELEMENTS(fields); i++)
                settings[i] = fact_get(config, fields[i]);
        settings[ELEMENTS(fields)] =
                fact_get(fact_make(node->arena, config, "authentication.x509"), "clientCAFile");
        for (size_t i = 0; i < ELEMENTS(settings); i++) {
                struct str path = fact_value_text(settings[i]);

                if (path.len == 0 || path.ptr[0] == '/' ||
                    !str_eq(fact_value_text(fact_get(settings[i], "source")), STR("config")))
                        continue;
                path = node_path(node,
                                 node_dirname(fact_value_text(
                                         fact_get(fact_get(settings[i], "place"), "file"))),
                                 path);
                fact_set(node->arena, settings[i], STR("value"), fact_string(node->arena, path));
        }
}

/* What is not in the table: a value that depends on another one. */
static void adjust(struct node *node, struct component *kubelet, struct fact *config) {
        struct arena *arena = node->arena;
        const struct flag *flag = flags_get(&kubelet->flags, "seccomp-default");
        const struct fact *limit = fact_get(config, "podPidsLimit");
        const struct fact *levels = fact_get(config, "enforceNodeAllocatable");
        struct str source = fact_value_text(fact_get(levels, "source"));
        bool on;

        /* What is merged goes through JSON that leaves empty lists out: the default comes back. */
        if (fact_value_text(fact_get(kubelet->map, "configDir")).len > 0 && fact_value(levels) &&
            fact_value(levels)->count == 0 && !str_eq(source, STR("flag"))) {
                struct fact *list = (struct fact *)fact_value(levels);

                fact_add_string(arena, list, STR("pods"));
                fact_set(arena, (struct fact *)levels, STR("source"), fact_text(arena, "default"));
        }
        /* server.go: the flag or the field */
        if (flag && node_bool(flag->value, &on) && on)
                fact_set(arena, config, STR("seccompDefault"),
                         fact_setting(arena, fact_bool(arena, true), flag->source, flag->place));
        if (fact_value_int(limit, 0) < 0)
                ((struct fact *)fact_value(limit))->integer = -1;
}

static void add_certificates(struct node *node, struct component *kubelet, struct fact *config) {
        struct arena *arena = node->arena;
        const struct root *root = component_root(node, kubelet);
        struct fact *list = fact_get(kubelet->fact, "certificates");
        struct fact *files = fact_get(kubelet->fact, "files");
        struct str folder = fact_value_text(fact_get(kubelet->map, "certDir"));
        bool given = fact_value_text(fact_get(config, "tlsCertFile")).len > 0;
        bool rotated = fact_value_bool(fact_get(config, "serverTLSBootstrap"), false);
        static const char *const names[] = { "kubelet-client-current.pem",
                                             "kubelet-server-current.pem", "kubelet.crt",
                                             "kubelet.key" };

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                struct str path = node_join(node, folder, str_from(names[i]));

                if (!root_exists(root, path))
                        continue;
                fact_add(arena, files, node_file_in(node, root, path, names[i]));
                certificates_read(node, root, path, names[i], list);
        }
        fact_set_string(arena, kubelet->fact, "serverCertificate",
                        given     ? STR("given")
                        : rotated ? STR("rotated")
                                  : STR("self-signed"));
}

static void add_files(struct node *node, struct component *kubelet, struct fact *config) {
        struct arena *arena = node->arena;
        const struct root *root = component_root(node, kubelet);
        struct str path = fact_value_text(fact_get(kubelet->map, "kubeconfig"));
        struct fact *certificates, *files;

        if (path.len > 0)
                fact_set(arena, kubelet->fact, STR("kubeconfig"),
                         kubeconfig_fact(node, root, path, "kubelet"));
        path = fact_value_text(fact_get(kubelet->map, "bootstrapKubeconfig"));
        if (path.len > 0)
                fact_set(arena, kubelet->fact, STR("bootstrapKubeconfig"),
                         kubeconfig_fact(node, root, path, "kubelet-bootstrap"));
        path = fact_value_text(
                fact_get(fact_make(arena, config, "authentication.x509"), "clientCAFile"));
        if (path.len > 0)
                fact_set(arena, kubelet->fact, STR("clientCAFile"),
                         node_file_in(node, root, path, "client-ca-file"));
        path = fact_value_text(fact_get(config, "staticPodPath"));
        if (path.len > 0)
                fact_set(arena, kubelet->fact, STR("staticPods"),
                         node_file_in(node, root, path, "static pods"));
        /* the files of both tables */
        component_files(node, kubelet);
        certificates = fact_get(kubelet->fact, "certificates");
        files = fact_get(kubelet->fact, "files");
        kubelet->settings = config_settings;
        kubelet->setting_count = CONFIG_COUNT;
        kubelet->map = config;
        component_files(node, kubelet);
        for (const struct fact_member *m = certificates->first; m; m = m->next)
                fact_add(arena, fact_get(kubelet->fact, "certificates"), m->value);
        for (const struct fact_member *m = files->first; m; m = m->next)
                fact_add(arena, fact_get(kubelet->fact, "files"), m->value);
        kubelet->settings = flag_settings;
        kubelet->setting_count = FLAG_COUNT;
        kubelet->map = fact_get(kubelet->fact, "settings");
}

static void read_config(struct node *node, struct component *kubelet) {
        struct arena *arena = node->arena;
        struct reading reading = { .node = node, .kubelet = kubelet };
        struct str file = fact_value_text(fact_get(kubelet->map, "config"));
        struct str folder = fact_value_text(fact_get(kubelet->map, "configDir"));
        struct fact *config = fact_set(arena, kubelet->fact, STR("config"), fact_map(arena));
        struct settings_input input = { .settings = config_settings,
                                        .count = CONFIG_COUNT,
                                        .flags = &kubelet->flags };

        reading.files = fact_list(arena);
        input.place = kubelet->place;
        if (file.len > 0) {
                fact_set(arena, kubelet->fact, STR("configFile"),
                         node_file_in(node, component_root(node, kubelet), file, "config"));
                input.place = (struct place){ file, 1, 1 };
                add_layer(&reading, file, "config");
        }
        if (folder.len > 0) {
                fact_set(arena, kubelet->fact, STR("configDir"),
                         node_file_in(node, component_root(node, kubelet), folder, "config-dir"));
                add_drop_ins(&reading, folder, 0);
        }
        fact_set(arena, kubelet->fact, STR("configFiles"), reading.files);
        fact_set_bool(arena, kubelet->fact, "legacyDefaults", file.len == 0);
        input.layers = reading.layers.items;
        input.layer_count = reading.layers.count;
        input.unknown = reading.unknown;
        settings_fill(node, &input, config);
        if (file.len == 0)
                apply_legacy(node, kubelet, config);
        make_absolute(node, config);
        adjust(node, kubelet, config);
        node->static_pod_path = fact_value_text(fact_get(config, "staticPodPath"));
}

void kubelet_collect(struct node *node) {
        static struct setting all[CONFIG_COUNT + FLAG_COUNT];
        struct component *kubelet = arena_new(node->arena, struct component);

        memcpy(all, config_settings, sizeof config_settings);
        memcpy(all + CONFIG_COUNT, flag_settings, sizeof flag_settings);
        kubelet->name = "kubelet";
        kubelet->key = "kubelet";
        kubelet->settings = all;
        kubelet->setting_count = ELEMENTS(all);
        component_find(node, kubelet);
        node->kubelet = kubelet->fact;
        if (!kubelet->present)
                return;
        kubelet->settings = flag_settings;
        kubelet->setting_count = FLAG_COUNT;
        component_settings(node, kubelet, NULL, 0, STR(""));
        read_config(node, kubelet);
        add_files(node, kubelet, fact_get(kubelet->fact, "config"));
        add_certificates(node, kubelet, fact_get(kubelet->fact, "config"));
}
