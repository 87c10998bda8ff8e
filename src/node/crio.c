/*
 * CRI-O: crio.conf, then crio.conf.d in the order of names; and flags.
 */
#include "node/runtime.h"

enum { DROP_INS_MAX = 200 };

#define B SETTING_BOOL
#define I SETTING_INT
#define S SETTING_STRING
#define L SETTING_LIST

static const struct {
        const char *name, *keys[2];
        enum setting_type type;
        const char *fallback, *flag;
} table[] = {
        { "selinux", { "crio/runtime/selinux" }, B, "false", "selinux" },
        { "pidsLimit", { "crio/runtime/pids_limit" }, I, "-1", "pids-limit" },
        { "seccompProfile", { "crio/runtime/seccomp_profile" }, S, "", "seccomp-profile" },
        { "privilegedSeccompProfile",
          { "crio/runtime/privileged_seccomp_profile" },
          S,
          "",
          "privileged-seccomp-profile" },
        { "seccompUseDefaultWhenEmpty",
          { "crio/runtime/seccomp_use_default_when_empty" },
          B,
          "true",
          "seccomp-use-default-when-empty" },
        { "apparmorProfile",
          { "crio/runtime/apparmor_profile" },
          S,
          "crio-default",
          "apparmor-profile" },
        { "defaultCapabilities",
          { "crio/runtime/default_capabilities" },
          L,
          "CHOWN,DAC_OVERRIDE,FSETID,FOWNER,SETGID,SETUID,SETPCAP,NET_BIND_SERVICE,KILL",
          "default-capabilities" },
        { "addInheritableCapabilities",
          { "crio/runtime/add_inheritable_capabilities" },
          B,
          "false",
          "add-inheritable-capabilities" },
        { "defaultSysctls", { "crio/runtime/default_sysctls" }, L, "", "default-sysctls" },
        { "defaultUlimits", { "crio/runtime/default_ulimits" }, L, "", "default-ulimits" },
        { "allowedDevices",
          { "crio/runtime/allowed_devices" },
          L,
          "/dev/fuse,/dev/net/tun",
          "allowed-devices" },
        { "hooksDir",
          { "crio/runtime/hooks_dir" },
          L,
          "/usr/share/containers/oci/hooks.d",
          "hooks-dir" },
        { "defaultRuntime", { "crio/runtime/default_runtime" }, S, "crun", "default-runtime" },
        { "readOnly", { "crio/runtime/read_only" }, B, "false", "read-only" },
        { "noPivot", { "crio/runtime/no_pivot" }, B, "false", "no-pivot" },
        { "cgroupManager", { "crio/runtime/cgroup_manager" }, S, "systemd", "cgroup-manager" },
        { "hostnetworkDisableSelinux",
          { "crio/runtime/hostnetwork_disable_selinux" },
          B,
          "true",
          "hostnetwork-disable-selinux" },
        { "insecureRegistries", { "crio/image/insecure_registries" }, L, "", "insecure-registry" },
        { "signaturePolicy", { "crio/image/signature_policy" }, S, "", "signature-policy" },
        { "pauseImage", { "crio/image/pause_image" }, S, "", "pause-image" },
        { "streamAddress", { "crio/api/stream_address" }, S, "127.0.0.1", "stream-address" },
        { "streamPort", { "crio/api/stream_port" }, S, "0", "stream-port" },
        { "streamEnableTLS", { "crio/api/stream_enable_tls" }, B, "false", "stream-enable-tls" },
        { "listen", { "crio/api/listen" }, S, "/var/run/crio/crio.sock", "listen" },
        { "enableMetrics", { "crio/metrics/enable_metrics" }, B, "false", "enable-metrics" },
        { "metricsHost", { "crio/metrics/metrics_host" }, S, "127.0.0.1", "metrics-host" },
        { "metricsPort", { "crio/metrics/metrics_port" }, I, "9090", "metrics-port" },
};

static void read_files(struct node *node, struct engine *engine, struct toml_files *files) {
        const struct root *root = component_root(node, &engine->component);
        const struct flag *config = flags_get(&engine->component.flags, "config");
        const struct flag *folder_flag = flags_get(&engine->component.flags, "config-dir");
        struct str path = config ? config->value : STR("/etc/crio/crio.conf");
        struct str folder = folder_flag ? folder_flag->value : STR("/etc/crio/crio.conf.d");
        struct root_names names = { 0 };

        fact_set(node->arena, engine->fact, STR("configFile"),
                 node_file_in(node, root, path, "config"));
        toml_files_read(node, root, path, "runtime.engines", files);
        if (root_list(root, folder, node->arena, &names) < 0)
                return;
        for (size_t i = 0; i < names.count && i < DROP_INS_MAX; i++)
                if (!str_starts(names.items[i], STR(".")))
                        toml_files_read(node, root, node_join(node, folder, names.items[i]),
                                        "runtime.engines", files);
}

static void add_runtimes(struct node *node, struct engine *engine, const struct toml_files *files) {
        struct arena *arena = node->arena;
        struct fact *list = fact_get(engine->fact, "runtimes"), *fact = NULL;
        struct str name = fact_value_text(fact_get(engine->settings, "defaultRuntime"));
        size_t at = 0;
        const struct toml_value *value;

        while ((value = toml_each(&files->toml, "crio/runtime/runtimes", &at))) {
                struct str one = toml_part(value, 3), key = toml_part(value, 4);

                fact = NULL;
                for (const struct fact_member *m = list->first; m && !fact; m = m->next)
                        if (str_eq(fact_value_text(fact_get(m->value, "name")), one))
                                fact = m->value;
                if (!fact) {
                        fact = fact_add(arena, list, fact_map(arena));
                        fact_set_string(arena, fact, "name", one);
                        fact_set_string(arena, fact, "type", STR("oci"));
                        fact_set_string(arena, fact, "path", STR(""));
                        fact_set_bool(arena, fact, "isDefault", str_eq(one, name));
                        fact_set_bool(arena, fact, "privilegedWithoutHostDevices", false);
                        fact_set(arena, fact, STR("place"),
                                 fact_place(arena, toml_place(files, value)));
                }
                if (str_eq(key, STR("runtime_path")))
                        fact_set_string(arena, fact, "path", value->string);
                else if (str_eq(key, STR("runtime_type")) && value->string.len > 0)
                        fact_set_string(arena, fact, "type", value->string);
                else if (str_eq(key, STR("privileged_without_host_devices")))
                        fact_set_bool(arena, fact, "privilegedWithoutHostDevices", value->boolean);
        }
}

void crio_collect(struct node *node, struct fact *list) {
        static const char *const packages[] = { "cri-o", "crio", NULL };
        struct engine *engine = arena_new(node->arena, struct engine);
        struct toml_files files = { .files = fact_list(node->arena) };
        struct place place;

        engine->name = "cri-o";
        engine->program = "crio";
        engine->packages = packages;
        engine->installed = root_exists(&node->root, STR("/etc/crio/crio.conf")) ||
                            root_exists(&node->root, STR("/etc/crio/crio.conf.d"));
        if (!engine_find(node, engine, list))
                return;
        read_files(node, engine, &files);
        place = (struct place){
                fact_value_text(fact_get(fact_get(engine->fact, "configFile"), "path")), 1, 1
        };
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                const struct flag *flag = flags_get(&engine->component.flags, table[i].flag);
                struct fact *value =
                        flag ? setting_value(node->arena, table[i].type, flag->value) : NULL;

                fact_set(node->arena, engine->settings, str_from(table[i].name),
                         value ? fact_setting(node->arena, value, flag->source, flag->place)
                               : toml_setting(node, &files, table[i].keys, table[i].type,
                                              table[i].fallback, place));
        }
        fact_set(node->arena, engine->fact, STR("configFiles"), files.files);
        add_runtimes(node, engine, &files);
        engine_add_socket(node, engine, fact_value_text(fact_get(engine->settings, "listen")),
                          "cri");
}
