/*
 * The API server: its flags with their defaults (k8s.io/apiserver/pkg/server/options,
 * pkg/kubeapiserver/options), and the files that decide who is let in, what is admitted, recorded
 * and encrypted.
 */
#include "node/api_server.h"

#define B SETTING_BOOL
#define I SETTING_INT
#define D SETTING_DURATION
#define S SETTING_STRING
#define F SETTING_FILE
#define L SETTING_LIST

static const struct setting settings[] = {
        { "anonymousAuth", "anonymous-auth", B, "true" },
        { "tokenAuthFile", "token-auth-file", F },
        { "basicAuthFile", "basic-auth-file", F },
        { "authorizationMode", "authorization-mode", L, "AlwaysAllow" },
        { "authorizationConfig", "authorization-config", F },
        { "authenticationConfig", "authentication-config", F },
        { "clientCAFile", "client-ca-file", F },
        { "kubeletClientCertificate", "kubelet-client-certificate", F },
        { "kubeletClientKey", "kubelet-client-key", F },
        { "kubeletCertificateAuthority", "kubelet-certificate-authority", F },
        { "kubeletHttps", "kubelet-https", B, "true" },
        { "enableAdmissionPlugins", "enable-admission-plugins", L },
        { "disableAdmissionPlugins", "disable-admission-plugins", L },
        { "admissionControlConfigFile", "admission-control-config-file", F },
        { "profiling", "profiling", B, "true" },
        { "contentionProfiling", "contention-profiling", B },
        { "debugSocketPath", "debug-socket-path", F },
        { "auditLogPath", "audit-log-path", S },
        { "auditLogMaxAge", "audit-log-maxage", I, "0", false, 0, 36, "366" },
        { "auditLogMaxBackup", "audit-log-maxbackup", I, "0", false, 0, 36, "100" },
        { "auditLogMaxSize", "audit-log-maxsize", I, "0", false, 0, 36, "100" },
        { "auditPolicyFile", "audit-policy-file", F },
        { "auditWebhookConfigFile", "audit-webhook-config-file", F },
        { "requestTimeout", "request-timeout", D, "60s" },
        { "serviceAccountLookup", "service-account-lookup", B, "true" },
        { "serviceAccountKeyFile", "service-account-key-file", SETTING_FILES },
        { "serviceAccountSigningKeyFile", "service-account-signing-key-file", F },
        { "serviceAccountIssuer", "service-account-issuer", L },
        { "serviceAccountExtendTokenExpiration", "service-account-extend-token-expiration", B,
          "true" },
        { "serviceAccountMaxTokenExpiration", "service-account-max-token-expiration", D },
        { "etcdServers", "etcd-servers", L },
        { "etcdCAFile", "etcd-cafile", F },
        { "etcdCertFile", "etcd-certfile", F },
        { "etcdKeyFile", "etcd-keyfile", F },
        { "etcdPrefix", "etcd-prefix", S, "/registry" },
        { "tlsCertFile", "tls-cert-file", F },
        { "tlsPrivateKeyFile", "tls-private-key-file", F },
        { "tlsMinVersion", "tls-min-version", S },
        { "tlsCipherSuites", "tls-cipher-suites", L },
        { "encryptionProviderConfig", "encryption-provider-config", F },
        { "encryptionProviderConfigAutomaticReload", "encryption-provider-config-automatic-reload",
          B },
        { "bindAddress", "bind-address", S, "0.0.0.0" },
        { "securePort", "secure-port", I, "6443" },
        { "insecurePort", "insecure-port", I },
        { "insecureBindAddress", "insecure-bind-address", S },
        { "advertiseAddress", "advertise-address", S },
        { "oidcIssuerURL", "oidc-issuer-url", S },
        { "oidcClientID", "oidc-client-id", S },
        { "oidcCAFile", "oidc-ca-file", F },
        { "enableBootstrapTokenAuth", "enable-bootstrap-token-auth", B },
        { "runtimeConfig", "runtime-config", L },
        { "featureGates", "feature-gates", SETTING_GATES },
        { "goawayChance", "goaway-chance", SETTING_NUMBER },
        { "requestheaderClientCAFile", "requestheader-client-ca-file", F },
        { "requestheaderAllowedNames", "requestheader-allowed-names", L },
        { "proxyClientCertFile", "proxy-client-cert-file", F },
        { "proxyClientKeyFile", "proxy-client-key-file", F },
        { "allowPrivileged", "allow-privileged", B },
        { "egressSelectorConfigFile", "egress-selector-config-file", F },
        { "tracingConfigFile", "tracing-config-file", F },
        { "maxRequestsInflight", "max-requests-inflight", I, "400" },
        { "eventTTL", "event-ttl", D, "1h" },
        { "authenticationTokenWebhookConfigFile", "authentication-token-webhook-config-file", F },
        { "authorizationWebhookConfigFile", "authorization-webhook-config-file", F },
        { "authorizationPolicyFile", "authorization-policy-file", F },
        { "strictTransportSecurityDirectives", "strict-transport-security-directives", L },
        { "corsAllowedOrigins", "cors-allowed-origins", L },
        { "enableAggregatorRouting", "enable-aggregator-routing", B },
        { "serviceClusterIPRange", "service-cluster-ip-range", L },
        { "repairMalformedUpdates", "repair-malformed-updates", B },
};

/* Plugins that are on by default, with the minor version since which they are. */
static const struct {
        const char *name;
        uint8_t since;
} default_plugins[] = {
        { "NamespaceLifecycle" },
        { "LimitRanger" },
        { "ServiceAccount" },
        { "TaintNodesByCondition" },
        { "PodSecurity", 23 },
        { "Priority" },
        { "DefaultTolerationSeconds" },
        { "DefaultStorageClass" },
        { "StorageObjectInUseProtection" },
        { "PodGroupProtection", 36 },
        { "PersistentVolumeClaimResize" },
        { "RuntimeClass" },
        { "CertificateApproval" },
        { "CertificateSigning" },
        { "ClusterTrustBundleAttest", 27 },
        { "CertificateSubjectRestriction" },
        { "DefaultIngressClass" },
        { "PodTopologyLabels", 33 },
        { "PodGroupWorkloadExists", 36 },
        { "NodeDeclaredFeatureValidator", 35 },
        { "JobValidation", 36 },
        { "PodResizeValidator", 36 },
        { "MutatingAdmissionPolicy", 32 },
        { "MutatingAdmissionWebhook" },
        { "ValidatingAdmissionPolicy", 26 },
        { "ValidatingAdmissionWebhook" },
        { "ResourceQuota" },
};

static bool list_has(const struct fact *setting, const char *text) {
        const struct fact *list = fact_value(setting);

        for (const struct fact_member *m = list && list->kind == FACT_LIST ? list->first : NULL; m;
             m = m->next)
                if (str_eq(fact_value_text(m->value), str_from(text)))
                        return true;
        return false;
}

static struct fact *place_of(const struct fact *setting) {
        return fact_get(setting, "place");
}

/* A setting that is derived from SETTING: same source and place, another value. */
static struct fact *derived(struct arena *arena, const struct fact *setting, struct fact *value) {
        struct fact *fact = fact_map(arena);

        fact_set(arena, fact, STR("value"), value);
        fact_set(arena, fact, STR("source"), fact_get(setting, "source"));
        fact_set(arena, fact, STR("place"), place_of(setting));
        return fact;
}

/* Opens the file that setting KEY names. Returns whether it could be read; the reason why not, as
 * an unknown, is in *RET_UNKNOWN. */
static bool open_named(struct node *node, struct component *api, const char *key, const char *facts,
                       struct yaml *yaml, struct fact **ret_unknown) {
        const struct fact *setting = fact_get(api->map, key);
        struct str path = fact_value_text(setting);
        struct place place = { path, 1, 1 };
        int r = node_yaml(node, component_root(node, api), path, key, facts, yaml);

        if (r >= 0 && yaml->count > 0 && yaml->items[0]->kind == DOC_MAP)
                return true;
        if (r == -ENOENT)
                node_gap(node, key, path, STR("does not exist"), facts);
        *ret_unknown = fact_unknown(
                node->arena,
                yaml->why.len > 0 ? yaml->why
                                  : arena_printf(node->arena, "%.*s: holds nothing", STR_ARG(path)),
                place);
        return false;
}

static bool is_named(const struct component *api, const char *key) {
        return fact_value_text(fact_get(api->map, key)).len > 0;
}

static double seconds(const struct doc_node *map, const char *key, double fallback) {
        const struct doc_node *at = doc_get(map, str_from(key));
        double value;

        return at && at->kind == DOC_STRING && node_duration(at->string, &value) && value != 0
                       ? value
                       : fallback;
}

static struct fact *authorizer_fact(struct node *node, struct str path,
                                    const struct doc_node *item) {
        struct arena *arena = node->arena;
        const struct doc_node *webhook = doc_get(item, STR("webhook"));
        const struct doc_node *connection = doc_get(webhook, STR("connectionInfo"));
        const struct doc_node *conditions = doc_get(webhook, STR("matchConditions"));
        struct fact *fact = fact_map(arena);

        fact_set_string(arena, fact, "name", doc_string(doc_get(item, STR("name")), STR("")));
        fact_set_string(arena, fact, "type", doc_string(doc_get(item, STR("type")), STR("")));
        fact_set_string(arena, fact, "failurePolicy",
                        doc_string(doc_get(webhook, STR("failurePolicy")), STR("")));
        fact_set(arena, fact, STR("timeoutSeconds"),
                 fact_number(arena, seconds(webhook, "timeout", 0)));
        fact_set_string(arena, fact, "connection",
                        doc_string(doc_get(connection, STR("type")), STR("")));
        fact_set_string(arena, fact, "kubeConfigFile",
                        doc_string(doc_get(connection, STR("kubeConfigFile")), STR("")));
        fact_set_int(arena, fact, "matchConditions",
                     conditions && conditions->kind == DOC_LIST ? conditions->list.count : 0);
        fact_set(arena, fact, STR("authorizedTTLSeconds"),
                 fact_number(arena, webhook ? seconds(webhook, "authorizedTTL", 300) : 0));
        fact_set(arena, fact, STR("unauthorizedTTLSeconds"),
                 fact_number(arena, webhook ? seconds(webhook, "unauthorizedTTL", 30) : 0));
        fact_set(arena, fact, STR("place"), fact_place(arena, node_place(path, item)));
        return fact;
}

static void read_authorizers(struct node *node, const struct yaml *yaml, struct fact *fact) {
        struct arena *arena = node->arena;
        const struct doc_node *list = doc_get(yaml->items[0], STR("authorizers"));
        struct fact *types = fact_list(arena);
        struct fact *facts = fact_set(arena, fact, STR("authorizers"), fact_list(arena));

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                fact_add(arena, facts, authorizer_fact(node, yaml->path, item));
                fact_add_string(arena, types, doc_string(doc_get(item, STR("type")), STR("")));
        }
        fact_set(arena, fact, STR("modes"),
                 fact_setting(arena, types, "config",
                              node_place(yaml->path, list ? list : yaml->items[0])));
}

static struct fact *collect_authorization(struct node *node, struct component *api) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena), *unknown = NULL, *facts;
        const struct fact *modes = fact_get(api->map, "authorizationMode");
        struct yaml yaml;

        if (is_named(api, "authorizationConfig")) {
                fact_set(arena, fact, STR("file"),
                         node_file_in(node, component_root(node, api),
                                      fact_value_text(fact_get(api->map, "authorizationConfig")),
                                      "authorization-config"));
                if (open_named(node, api, "authorizationConfig", "apiServer.authorization", &yaml,
                               &unknown))
                        read_authorizers(node, &yaml, fact);
                else
                        fact_set(arena, fact, STR("modes"), unknown);
                return fact;
        }
        fact_set(arena, fact, STR("modes"), (struct fact *)modes);
        facts = fact_set(arena, fact, STR("authorizers"), fact_list(arena));
        for (const struct fact_member *m = fact_value(modes) && fact_value(modes)->kind == FACT_LIST
                                                   ? fact_value(modes)->first
                                                   : NULL;
             m; m = m->next) {
                struct fact *one = fact_add(arena, facts, fact_map(arena));

                fact_set_string(arena, one, "name", fact_value_text(m->value));
                fact_set_string(arena, one, "type", fact_value_text(m->value));
                fact_set_string(arena, one, "failurePolicy", STR(""));
                fact_set(arena, one, STR("place"), place_of(modes));
        }
        return fact;
}

static uint32_t count_of(const struct doc_node *map, const char *key) {
        const struct doc_node *list = doc_get(map, str_from(key));

        return list && list->kind == DOC_LIST ? list->list.count : 0;
}

static struct fact *strings(struct arena *arena, const struct doc_node *list, const char *member) {
        struct fact *fact = fact_list(arena);

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];

                fact_add_string(
                        arena, fact,
                        doc_string(member ? doc_get(item, str_from(member)) : item, STR("")));
        }
        return fact;
}

static struct fact *issuer_fact(struct node *node, struct str path, const struct doc_node *item) {
        struct arena *arena = node->arena;
        const struct doc_node *issuer = doc_get(item, STR("issuer"));
        struct fact *fact = fact_map(arena);

        fact_set_string(arena, fact, "url", doc_string(doc_get(issuer, STR("url")), STR("")));
        fact_set(arena, fact, STR("audiences"),
                 strings(arena, doc_get(issuer, STR("audiences")), NULL));
        fact_set_string(arena, fact, "discoveryURL",
                        doc_string(doc_get(issuer, STR("discoveryURL")), STR("")));
        fact_set_bool(arena, fact, "hasCA",
                      doc_string(doc_get(issuer, STR("certificateAuthority")), STR("")).len > 0);
        fact_set_int(arena, fact, "userValidationRules", count_of(item, "userValidationRules"));
        fact_set_int(arena, fact, "claimValidationRules", count_of(item, "claimValidationRules"));
        fact_set_string(arena, fact, "usernamePrefix",
                        doc_string(doc_find(item, "claimMappings", "username", "prefix"), STR("")));
        fact_set_string(
                arena, fact, "usernameExpression",
                doc_string(doc_find(item, "claimMappings", "username", "expression"), STR("")));
        fact_set(arena, fact, STR("place"), fact_place(arena, node_place(path, item)));
        return fact;
}

/* pkg/kubeapiserver/options: with AlwaysAllow nobody is anonymous. */
static struct fact *anonymous_of_flag(struct node *node, struct component *api,
                                      const struct fact *modes) {
        const struct fact *flag = fact_get(api->map, "anonymousAuth");

        if (fact_value_bool(flag, false) && list_has(modes, "AlwaysAllow"))
                return derived(node->arena, modes, fact_bool(node->arena, false));
        return (struct fact *)flag;
}

static void read_authentication(struct node *node, struct component *api, const struct yaml *yaml,
                                const struct fact *modes, struct fact *fact) {
        struct arena *arena = node->arena;
        const struct doc_node *root = yaml->items[0], *jwt = doc_get(root, STR("jwt"));
        const struct doc_node *anonymous = doc_get(root, STR("anonymous"));
        const struct doc_node *enabled = doc_get(anonymous, STR("enabled"));
        struct fact *issuers = fact_get(fact, "issuers");

        if (anonymous && anonymous->kind == DOC_MAP) {
                struct place place = node_place(yaml->path, enabled ? enabled : anonymous);
                bool on = enabled && enabled->kind == DOC_BOOL && enabled->boolean;

                fact_set(arena, fact, STR("anonymous"),
                         fact_setting(arena, fact_bool(arena, on), "config", place));
                fact_set(arena, fact, STR("anonymousPaths"),
                         fact_setting(arena,
                                      strings(arena, doc_get(anonymous, STR("conditions")), "path"),
                                      "config", place));
        } else {
                fact_set(arena, fact, STR("anonymous"), anonymous_of_flag(node, api, modes));
        }
        for (uint32_t i = 0; jwt && jwt->kind == DOC_LIST && i < jwt->list.count; i++)
                fact_add(arena, issuers, issuer_fact(node, yaml->path, &jwt->list.items[i]));
}

static struct fact *collect_authentication(struct node *node, struct component *api,
                                           const struct fact *modes) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena), *unknown = NULL;
        const struct fact *flag = fact_get(api->map, "anonymousAuth");
        struct yaml yaml;

        fact_set(arena, fact, STR("anonymous"), anonymous_of_flag(node, api, modes));
        fact_set(arena, fact, STR("anonymousPaths"), derived(arena, flag, fact_list(arena)));
        fact_set(arena, fact, STR("issuers"), fact_list(arena));
        if (!is_named(api, "authenticationConfig"))
                return fact;
        fact_set(arena, fact, STR("file"),
                 node_file_in(node, component_root(node, api),
                              fact_value_text(fact_get(api->map, "authenticationConfig")),
                              "authentication-config"));
        if (open_named(node, api, "authenticationConfig", "apiServer.authentication", &yaml,
                       &unknown)) {
                read_authentication(node, api, &yaml, modes, fact);
        } else {
                fact_set(arena, fact, STR("anonymous"), unknown);
                fact_set(arena, fact, STR("anonymousPaths"), unknown);
                fact_set(arena, fact, STR("issuers"), unknown);
        }
        return fact;
}

static struct fact *enabled_plugins(struct node *node, struct component *api) {
        struct arena *arena = node->arena;
        const struct fact *enable = fact_get(api->map, "enableAdmissionPlugins");
        const struct fact *disable = fact_get(api->map, "disableAdmissionPlugins");
        struct fact *list = fact_list(arena);

        if (!fact_value(enable) || !fact_value(disable))
                return (struct fact *)(fact_value(enable) ? disable : enable);
        for (size_t i = 0; i < ELEMENTS(default_plugins); i++)
                if ((node->minor == 0 || node->minor >= default_plugins[i].since) &&
                    !list_has(disable, default_plugins[i].name))
                        fact_add(arena, list, fact_text(arena, default_plugins[i].name));
        for (const struct fact_member *m = fact_value(enable)->first; m; m = m->next) {
                struct str name = fact_value_text(m->value);

                if (!list_has(list, arena_str(arena, name).ptr) &&
                    !list_has(disable, arena_str(arena, name).ptr))
                        fact_add_string(arena, list, name);
        }
        return derived(arena,
                       fact_value(disable)->count > 0 && fact_value(enable)->count == 0 ? disable
                                                                                        : enable,
                       list);
}

/* What PodSecurity enforces where a Namespace says nothing. */
static void add_pod_security(struct arena *arena, const struct doc_node *config,
                             struct fact *fact) {
        static const char *const defaults[][2] = { { "enforce", "enforce" },
                                                   { "enforce-version", "enforceVersion" },
                                                   { "audit", "audit" },
                                                   { "warn", "warn" } };
        static const char *const exempt[][2] = { { "namespaces", "exemptNamespaces" },
                                                 { "usernames", "exemptUsernames" },
                                                 { "runtimeClasses", "exemptRuntimeClasses" } };

        for (size_t i = 0; i < ELEMENTS(defaults); i++)
                fact_set_string(arena, fact, defaults[i][1],
                                doc_string(doc_find(config, "defaults", defaults[i][0]),
                                           i == 1 ? STR("latest") : STR("privileged")));
        for (size_t i = 0; i < ELEMENTS(exempt); i++)
                fact_set(arena, fact, str_from(exempt[i][1]),
                         strings(arena, doc_find(config, "exemptions", exempt[i][0]), NULL));
}

static struct fact *plugin_fact(struct node *node, struct component *api, struct str file,
                                const struct doc_node *item) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena);
        struct str name = doc_string(doc_get(item, STR("name")), STR(""));
        struct str path = doc_string(doc_get(item, STR("path")), STR(""));
        const struct doc_node *config = doc_get(item, STR("configuration"));
        struct yaml yaml;

        path = node_path(node, node_dirname(file), path);
        fact_set_string(arena, fact, "name", name);
        fact_set_string(arena, fact, "path", path);
        if (path.len > 0) {
                fact_set(arena, fact, STR("file"),
                         node_file_in(node, component_root(node, api), path, "admission plugin"));
                if (node_yaml(node, component_root(node, api), path, "admission plugin",
                              "apiServer.admission.plugins", &yaml) >= 0 &&
                    yaml.count > 0)
                        config = yaml.items[0];
        }
        if (str_eq(name, STR("PodSecurity")))
                add_pod_security(arena, config, fact);
        fact_set_int(arena, fact, "limits", count_of(config, "limits"));
        if (str_eq(name, STR("ImagePolicyWebhook"))) {
                const struct doc_node *allow = doc_find(config, "imagePolicy", "defaultAllow");

                fact_set_bool(arena, fact, "defaultAllow",
                              allow && allow->kind == DOC_BOOL && allow->boolean);
        }
        fact_set(arena, fact, STR("place"), fact_place(arena, node_place(file, item)));
        return fact;
}

static struct fact *collect_admission(struct node *node, struct component *api) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena), *unknown = NULL, *plugins;
        const struct doc_node *list;
        struct yaml yaml;

        fact_set(arena, fact, STR("enabled"), enabled_plugins(node, api));
        plugins = fact_set(arena, fact, STR("plugins"), fact_list(arena));
        if (!is_named(api, "admissionControlConfigFile"))
                return fact;
        fact_set(arena, fact, STR("file"),
                 node_file_in(node, component_root(node, api),
                              fact_value_text(fact_get(api->map, "admissionControlConfigFile")),
                              "admission-control-config-file"));
        if (!open_named(node, api, "admissionControlConfigFile", "apiServer.admission.plugins",
                        &yaml, &unknown)) {
                fact_set(arena, fact, STR("plugins"), unknown);
                return fact;
        }
        list = doc_get(yaml.items[0], STR("plugins"));
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                fact_add(arena, plugins, plugin_fact(node, api, yaml.path, &list->list.items[i]));
        return fact;
}

static struct fact *collect_audit(struct node *node, struct component *api) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena), *unknown = NULL, *backends;
        struct yaml yaml;

        backends = fact_set(arena, fact, STR("backends"), fact_list(arena));
        if (is_named(api, "auditLogPath"))
                fact_add(arena, backends, fact_text(arena, "log"));
        if (is_named(api, "auditWebhookConfigFile"))
                fact_add(arena, backends, fact_text(arena, "webhook"));
        fact_set(arena, fact, STR("place"), fact_place(arena, api->place));
        if (!is_named(api, "auditPolicyFile")) {
                fact_set_int(arena, fact, "rules", 0);
                fact_set(arena, fact, STR("requests"), audit_requests(node, NULL, api->place));
                return fact;
        }
        fact_set(arena, fact, STR("file"),
                 node_file_in(node, component_root(node, api),
                              fact_value_text(fact_get(api->map, "auditPolicyFile")),
                              "audit-policy-file"));
        if (!open_named(node, api, "auditPolicyFile", "apiServer.audit.requests", &yaml,
                        &unknown)) {
                fact_set_bool(arena, fact, "unknown", true);
                fact_set(arena, fact, STR("why"), fact_get(unknown, "why"));
                return fact;
        }
        fact_set_int(arena, fact, "rules", count_of(yaml.items[0], "rules"));
        fact_set(arena, fact, STR("omitStages"),
                 strings(arena, doc_get(yaml.items[0], STR("omitStages")), NULL));
        fact_set(arena, fact, STR("requests"), audit_requests(node, &yaml, api->place));
        fact_set(arena, fact, STR("place"),
                 fact_place(arena, node_place(yaml.path, yaml.items[0])));
        return fact;
}

static struct fact *collect_encryption(struct node *node, struct component *api) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena), *unknown = NULL;
        struct yaml yaml;

        if (!is_named(api, "encryptionProviderConfig")) {
                fact_set(arena, fact, STR("resources"),
                         encryption_resources(node, NULL, api->place));
                return fact;
        }
        fact_set(arena, fact, STR("file"),
                 node_file_in(node, component_root(node, api),
                              fact_value_text(fact_get(api->map, "encryptionProviderConfig")),
                              "encryption-provider-config"));
        if (open_named(node, api, "encryptionProviderConfig", "apiServer.encryption.resources",
                       &yaml, &unknown)) {
                fact_set(arena, fact, STR("resources"),
                         encryption_resources(node, &yaml, api->place));
        } else {
                fact_set_bool(arena, fact, "unknown", true);
                fact_set(arena, fact, STR("why"), fact_get(unknown, "why"));
        }
        return fact;
}

void api_server_collect(struct node *node) {
        struct component *api = arena_new(node->arena, struct component);
        struct arena *arena = node->arena;
        struct fact *authorization;

        api->name = "kube-apiserver";
        api->key = "apiServer";
        api->settings = settings;
        api->setting_count = ELEMENTS(settings);
        component_find(node, api);
        node->api_server = api->fact;
        if (!api->present)
                return;
        component_settings(node, api, NULL, 0, STR(""));
        component_files(node, api);
        authorization =
                fact_set(arena, api->fact, STR("authorization"), collect_authorization(node, api));
        fact_set(arena, api->fact, STR("authentication"),
                 collect_authentication(node, api, fact_get(authorization, "modes")));
        fact_set(arena, api->fact, STR("admission"), collect_admission(node, api));
        fact_set(arena, api->fact, STR("audit"), collect_audit(node, api));
        fact_set(arena, api->fact, STR("encryption"), collect_encryption(node, api));
}
