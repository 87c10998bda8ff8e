/*
 * containerd: config.toml in versions 1, 2 and 3 with its imports, and the hosts.toml files of
 * registries. What version 2 has below io.containerd.grpc.v1.cri, version 3 splits into
 * io.containerd.cri.v1.runtime and io.containerd.cri.v1.images.
 */
#include "node/runtime.h"

enum { IMPORTS_MAX = 100, HOSTS_MAX = 200 };

#define B SETTING_BOOL
#define S SETTING_STRING

#define CRI(name)                                                                                  \
        {                                                                                          \
                "plugins/io.containerd.grpc.v1.cri/" name,                                         \
                        "plugins/io.containerd.cri.v1.runtime/" name,                              \
                        "plugins/io.containerd.cri.v1.images/" name, "plugins/cri/" name, NULL     \
        }

static const struct {
        const char *name;
        const char *keys[5];
        enum setting_type type;
        const char *fallback, *fallback2; /* of containerd 2 */
} table[] = {
        { "disabledPlugins", { "disabled_plugins", NULL }, SETTING_LIST, "", "" },
        { "requiredPlugins", { "required_plugins", NULL }, SETTING_LIST, "", "" },
        { "grpcAddress",
          { "grpc/address", NULL },
          S,
          "/run/containerd/containerd.sock",
          "/run/containerd/containerd.sock" },
        { "grpcTCPAddress", { "grpc/tcp_address", NULL }, S, "", "" },
        { "debugAddress", { "debug/address", NULL }, S, "", "" },
        { "metricsAddress", { "metrics/address", NULL }, S, "", "" },
        { "streamServerAddress", CRI("stream_server_address"), S, "127.0.0.1", "127.0.0.1" },
        { "streamServerPort", CRI("stream_server_port"), S, "0", "0" },
        { "enableTLSStreaming", CRI("enable_tls_streaming"), B, "false", "false" },
        { "enableSELinux", CRI("enable_selinux"), B, "false", "false" },
        { "unsetSeccompProfile", CRI("unset_seccomp_profile"), S, "", "" },
        { "restrictOOMScoreAdj", CRI("restrict_oom_score_adj"), B, "false", "false" },
        { "disableApparmor", CRI("disable_apparmor"), B, "false", "false" },
        { "enableUnprivilegedPorts", CRI("enable_unprivileged_ports"), B, "false", "true" },
        { "enableUnprivilegedICMP", CRI("enable_unprivileged_icmp"), B, "false", "true" },
        { "enableCDI", CRI("enable_cdi"), B, "false", "true" },
        { "sandboxImage", CRI("sandbox_image"), S, "", "" },
        { "tolerateMissingHugetlbController", CRI("tolerate_missing_hugetlb_controller"), B, "true",
          "true" },
        { "disableProcMount", CRI("disable_proc_mount"), B, "false", "false" },
        { "deviceOwnershipFromSecurityContext", CRI("device_ownership_from_security_context"), B,
          "false", "false" },
        { "registryConfigPath",
          { "plugins/io.containerd.grpc.v1.cri/registry/config_path",
            "plugins/io.containerd.cri.v1.images/registry/config_path",
            "plugins/cri/registry/config_path", NULL },
          S,
          "",
          "/etc/containerd/certs.d:/etc/docker/certs.d" },
        { "defaultRuntime",
          { "plugins/io.containerd.grpc.v1.cri/containerd/default_runtime_name",
            "plugins/io.containerd.cri.v1.runtime/containerd/default_runtime_name",
            "plugins/cri/containerd/default_runtime_name", NULL },
          S,
          "runc",
          "runc" },
        { "ignoreDeprecationWarnings", CRI("ignore_deprecation_warnings"), SETTING_LIST, "", "" },
};

static const char *const default_files[] = {
        "/etc/containerd/config.toml", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        "/var/snap/microk8s/current/args/containerd.toml", "/etc/cri/conf.d/00-base.part"
};

/* Whether NAME fits PATTERN, which may have stars. */
static bool fits(struct str name, struct str pattern) {
        size_t n = 0, p = 0, star = SIZE_MAX, mark = 0;

        while (n < name.len) {
                if (p < pattern.len && pattern.ptr[p] == '*') {
                        star = p++;
                        mark = n;
                } else if (p < pattern.len &&
                           (pattern.ptr[p] == '?' || pattern.ptr[p] == name.ptr[n])) {
                        p++;
                        n++;
                } else if (star != SIZE_MAX) {
                        p = star + 1;
                        n = ++mark;
                } else {
                        return false;
                }
        }
        while (p < pattern.len && pattern.ptr[p] == '*')
                p++;
        return p == pattern.len;
}

static void read_imports(struct node *node, const struct root *root, struct str base,
                         struct toml_files *files) {
        const struct toml_value *imports = toml_get(&files->toml, "imports");
        size_t count = imports ? imports->count : 0;
        /* the vector moves while files are added */
        struct str *patterns = count ? imports->items : NULL;

        for (size_t i = 0; i < count && i < IMPORTS_MAX; i++) {
                struct str pattern = node_path(node, node_dirname(base), patterns[i]);
                struct str folder = node_dirname(pattern), name = node_basename(pattern);
                struct root_names names = { 0 };

                if (!memchr(name.ptr, '*', name.len)) {
                        toml_files_read(node, root, pattern, "runtime.engines", files);
                        continue;
                }
                if (root_list(root, folder, node->arena, &names) < 0)
                        continue;
                for (size_t k = 0; k < names.count && k < IMPORTS_MAX; k++)
                        if (fits(names.items[k], name))
                                toml_files_read(node, root, node_join(node, folder, names.items[k]),
                                                "runtime.engines", files);
        }
}

static struct fact *registry(struct node *node, struct engine *engine, struct str host,
                             struct str endpoint, bool skip, struct place place) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_add(arena, fact_get(engine->fact, "registries"), fact_map(arena));

        fact_set_string(arena, fact, "host", host);
        fact_set_string(arena, fact, "endpoint", endpoint);
        fact_set_bool(arena, fact, "plainHTTP", str_starts(endpoint, STR("http://")));
        fact_set_bool(arena, fact, "skipVerify", skip);
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

/* registry.mirrors.HOST.endpoint, registry.configs.HOST.tls.insecure_skip_verify */
static void add_registries(struct node *node, struct engine *engine,
                           const struct toml_files *files) {
        for (size_t i = 0; i < files->toml.count; i++) {
                const struct toml_value *value = &files->toml.items[i];
                size_t n = 0;

                while (n < 6 && !str_eq(toml_part(value, n), STR("registry")))
                        n++;
                if (n == 6)
                        continue;
                if (str_eq(toml_part(value, n + 1), STR("mirrors")) && value->kind == TOML_LIST)
                        for (size_t k = 0; k < value->count && k < HOSTS_MAX; k++)
                                registry(node, engine, toml_part(value, n + 2), value->items[k],
                                         false, toml_place(files, value));
                if (str_eq(toml_part(value, n + 1), STR("configs")) &&
                    str_eq(toml_part(value, n + 4), STR("insecure_skip_verify")) &&
                    value->kind == TOML_BOOLEAN && value->boolean)
                        registry(node, engine, toml_part(value, n + 2), STR(""), true,
                                 toml_place(files, value));
        }
}

static void read_hosts(struct node *node, struct engine *engine, struct str host, struct str path) {
        struct toml_files files = { .files = fact_list(node->arena) };
        const struct root *root = component_root(node, &engine->component);

        if (toml_files_read(node, root, path, "runtime.engines", &files) < 0)
                return;
        for (size_t i = 0; i < files.toml.count; i++) {
                const struct toml_value *value = &files.toml.items[i];
                struct place place = toml_place(&files, value);
                struct str first = toml_part(value, 0);

                if (str_eq(first, STR("server")) && value->kind == TOML_STRING)
                        registry(node, engine, host, value->string, false, place);
                else if (str_eq(first, STR("host")) &&
                         str_eq(toml_part(value, 2), STR("skip_verify")))
                        registry(node, engine, host, toml_part(value, 1),
                                 value->kind == TOML_BOOLEAN && value->boolean, place);
                else if (str_eq(first, STR("host")) &&
                         str_eq(toml_part(value, 2), STR("capabilities")))
                        registry(node, engine, host, toml_part(value, 1), false, place);
        }
}

static void read_host_folders(struct node *node, struct engine *engine) {
        const struct root *root = component_root(node, &engine->component);
        struct str paths = fact_value_text(fact_get(engine->settings, "registryConfigPath")), path;

        while (paths.len > 0 && str_split(&paths, ':', &path)) {
                struct root_names names = { 0 };

                if (path.len == 0 || root_list(root, path, node->arena, &names) < 0)
                        continue;
                for (size_t i = 0; i < names.count && i < HOSTS_MAX; i++)
                        read_hosts(node, engine, names.items[i],
                                   node_join(node, node_join(node, path, names.items[i]),
                                             STR("hosts.toml")));
        }
}

static struct fact *find_runtime(struct arena *arena, struct fact *list, struct str name,
                                 struct place place) {
        struct fact *fact;

        for (const struct fact_member *m = list->first; m; m = m->next)
                if (str_eq(fact_value_text(fact_get(m->value, "name")), name))
                        return m->value;
        fact = fact_add(arena, list, fact_map(arena));
        fact_set_string(arena, fact, "name", name);
        fact_set_string(arena, fact, "type", STR(""));
        fact_set_string(arena, fact, "path", STR(""));
        fact_set_bool(arena, fact, "isDefault", false);
        fact_set_bool(arena, fact, "privilegedWithoutHostDevices", false);
        fact_set_bool(arena, fact, "systemdCgroup", false);
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

/* containerd.runtimes.NAME.runtime_type and the like */
static void add_runtimes(struct node *node, struct engine *engine, const struct toml_files *files) {
        struct arena *arena = node->arena;
        struct fact *list = fact_get(engine->fact, "runtimes"), *fact;
        struct str name = fact_value_text(fact_get(engine->settings, "defaultRuntime"));

        for (size_t i = 0; i < files->toml.count && list->count < HOSTS_MAX; i++) {
                const struct toml_value *value = &files->toml.items[i];
                struct str key, sub;
                size_t n = 0;

                while (n < 6 && !str_eq(toml_part(value, n), STR("runtimes")))
                        n++;
                if (n == 6)
                        continue;
                fact = find_runtime(arena, list, toml_part(value, n + 1), toml_place(files, value));
                key = toml_part(value, n + 2);
                sub = toml_part(value, n + 3);
                if (str_eq(key, STR("runtime_type")))
                        fact_set_string(arena, fact, "type", value->string);
                else if (str_eq(key, STR("privileged_without_host_devices")))
                        fact_set_bool(arena, fact, "privilegedWithoutHostDevices", value->boolean);
                else if (str_eq(sub, STR("SystemdCgroup")))
                        fact_set_bool(arena, fact, "systemdCgroup", value->boolean);
                else if (str_eq(sub, STR("BinaryName")))
                        fact_set_string(arena, fact, "path", value->string);
        }
        for (const struct fact_member *m = list->first; m; m = m->next)
                fact_set_bool(arena, m->value, "isDefault",
                              str_eq(fact_value_text(fact_get(m->value, "name")), name));
}

static struct str config_path(struct node *node, struct engine *engine) {
        const struct flag *flag = flags_get(&engine->component.flags, "config");

        if (!flag)
                flag = flags_get(&engine->component.flags, "c");
        if (flag)
                return flag->value;
        for (size_t i = 0; i < ELEMENTS(default_files); i++)
                if (root_exists(component_root(node, &engine->component),
                                str_from(default_files[i])))
                        return str_from(default_files[i]);
        return str_from(default_files[0]);
}

static void fill(struct node *node, struct engine *engine, const struct toml_files *files,
                 struct place place) {
        struct arena *arena = node->arena;
        const struct flag *address = flags_get(&engine->component.flags, "address");
        int major = 0, minor;

        node_version(fact_value_text(fact_get(engine->fact, "version")), &major, &minor);
        for (size_t i = 0; i < ELEMENTS(table); i++)
                fact_set(arena, engine->settings, str_from(table[i].name),
                         toml_setting(node, files, table[i].keys, table[i].type,
                                      major >= 2 ? table[i].fallback2 : table[i].fallback, place));
        if (!address)
                address = flags_get(&engine->component.flags, "a");
        if (address)
                fact_set(arena, engine->settings, STR("grpcAddress"),
                         fact_setting(arena, fact_string(arena, address->value), address->source,
                                      address->place));
}

void containerd_collect(struct node *node, struct fact *list) {
        static const char *const packages[] = { "containerd.io", "containerd", NULL };
        struct engine *engine = arena_new(node->arena, struct engine);
        struct toml_files files = { .files = fact_list(node->arena) };
        static const char *const state_keys[] = { "state", NULL };
        static const char *const root_keys[] = { "root", NULL };
        const struct toml_value *version;
        const struct root *root;
        struct place place;
        struct str path;

        engine->name = "containerd";
        engine->program = "containerd";
        engine->packages = packages;
        for (size_t i = 0; i < ELEMENTS(default_files); i++)
                engine->installed =
                        engine->installed || root_exists(&node->root, str_from(default_files[i]));
        if (!engine_find(node, engine, list))
                return;
        root = component_root(node, &engine->component);
        path = config_path(node, engine);
        place = (struct place){ path, 1, 1 };
        fact_set(node->arena, engine->fact, STR("configFile"),
                 node_file_in(node, root, path, "config"));
        toml_files_read(node, root, path, "runtime.engines", &files);
        read_imports(node, root, path, &files);
        fact_set(node->arena, engine->fact, STR("configFiles"), files.files);
        version = toml_get(&files.toml, "version");
        fact_set_int(node->arena, engine->fact, "configVersion",
                     version && version->kind == TOML_INTEGER ? version->integer : 1);
        fill(node, engine, &files, place);
        add_registries(node, engine, &files);
        read_host_folders(node, engine);
        add_runtimes(node, engine, &files);
        engine_add_socket(node, engine, fact_value_text(fact_get(engine->settings, "grpcAddress")),
                          "cri");
        engine_add_socket(node, engine, fact_value_text(fact_get(engine->settings, "debugAddress")),
                          "debug");
        fact_set(node->arena, engine->fact, STR("root"),
                 node_file_in(node, root,
                              fact_value_text(toml_setting(node, &files, root_keys, SETTING_STRING,
                                                           "/var/lib/containerd", place)),
                              "root"));
        fact_set(node->arena, engine->fact, STR("state"),
                 node_file_in(node, root,
                              fact_value_text(toml_setting(node, &files, state_keys, SETTING_STRING,
                                                           "/run/containerd", place)),
                              "state"));
}
