/*
 * The Docker daemon (daemon.json, flags) and cri-dockerd.
 */
#include "node/runtime.h"

#define B SETTING_BOOL
#define S SETTING_STRING
#define F SETTING_FILE
#define L SETTING_LIST

/* field of daemon.json, flag; the name in the facts is made of the field */
static const struct setting docker_settings[] = {
        { "icc", "icc", B, "true" },
        { "userns-remap", "userns-remap", S },
        { "no-new-privileges", "no-new-privileges", B },
        { "live-restore", "live-restore", B },
        { "userland-proxy", "userland-proxy", B, "true" },
        { "hosts", "host", L },
        { "tls", "tls", B },
        { "tlsverify", "tlsverify", B },
        { "tlscacert", "tlscacert", F },
        { "tlscert", "tlscert", F },
        { "tlskey", "tlskey", F },
        { "insecure-registries", "insecure-registry", L },
        { "registry-mirrors", "registry-mirror", L },
        { "experimental", "experimental", B },
        { "log-level", "log-level", S, "info" },
        { "log-driver", "log-driver", S, "json-file" },
        { "log-opts", "log-opt", SETTING_MAP },
        { "iptables", "iptables", B, "true" },
        { "ip6tables", "ip6tables", B, "true" },
        { "storage-driver", "storage-driver", S },
        { "seccomp-profile", "seccomp-profile", S },
        { "selinux-enabled", "selinux-enabled", B },
        { "authorization-plugins", "authorization-plugin", L },
        { "default-ulimits", NULL, SETTING_LITERAL },
        { "cgroup-parent", "cgroup-parent", S },
        { "default-runtime", "default-runtime", S, "runc" },
        { "data-root", "data-root", S, "/var/lib/docker" },
        { "group", "group", S, "docker" },
        { "bridge", "bridge", S },
        { "default-cgroupns-mode", "default-cgroupns-mode", S },
        { "metrics-addr", "metrics-addr", S },
        { "debug", "debug", B },
};

static const struct setting dockerd_settings[] = {
        { "containerRuntimeEndpoint", "container-runtime-endpoint", S,
          "unix:///var/run/cri-dockerd.sock" },
        { "networkPlugin", "network-plugin", S, "cni" },
        { "streamingBindAddr", "streaming-bind-addr", S, "localhost:0" },
        { "dockerEndpoint", "docker-endpoint", S, "unix:///var/run/docker.sock" },
        { "hairpinMode", "hairpin-mode", S, "none" },
};

/* "userns-remap" -> "usernsRemap", "tlsverify" -> "tlsVerify" */
static struct str fact_name(struct arena *arena, const char *field) {
        static const char *const special[][2] = { { "tlsverify", "tlsVerify" },
                                                  { "tlscacert", "tlsCACert" },
                                                  { "tlscert", "tlsCert" },
                                                  { "tlskey", "tlsKey" } };
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < ELEMENTS(special); i++)
                if (strcmp(field, special[i][0]) == 0)
                        return str_from(special[i][1]);
        for (; *field; field++)
                if (*field == '-' && field[1] >= 'a' && field[1] <= 'z')
                        buf_add_char(&text, (char)(*++field - 'a' + 'A'));
                else
                        buf_add_char(&text, *field);
        return arena_str(arena, buf_str(&text));
}

static void read_docker(struct node *node, struct engine *engine) {
        struct arena *arena = node->arena;
        const struct root *root = component_root(node, &engine->component);
        const struct flag *flag = flags_get(&engine->component.flags, "config-file");
        struct str path = flag ? flag->value : STR("/etc/docker/daemon.json");
        struct layer layer = { .source = "config" };
        struct settings_input input = { .settings = docker_settings,
                                        .count = ELEMENTS(docker_settings),
                                        .flags = &engine->component.flags,
                                        .place = { path, 1, 1 } };
        struct fact *raw = fact_map(arena), *files;
        struct yaml yaml;
        int r = node_yaml(node, root, path, "configuration of the container runtime",
                          "runtime.engines", &yaml);

        fact_set(arena, engine->fact, STR("configFile"), node_file_in(node, root, path, "config"));
        files = fact_set(arena, engine->fact, STR("configFiles"), fact_list(arena));
        if (r != -ENOENT)
                fact_add(arena, files, node_file_in(node, root, path, "config"));
        if (r >= 0 && yaml.count > 0) {
                layer = (struct layer){ yaml.items[0], yaml.path, "config" };
                input.layers = &layer;
                input.layer_count = 1;
        } else if (r < 0 && r != -ENOENT) {
                input.unknown = yaml.why;
        }
        settings_fill(node, &input, raw);
        for (size_t i = 0; i < ELEMENTS(docker_settings); i++)
                fact_set(arena, engine->settings, fact_name(arena, docker_settings[i].field),
                         fact_get(raw, docker_settings[i].field));
        engine->component.settings = docker_settings;
        engine->component.setting_count = ELEMENTS(docker_settings);
        engine->component.map = raw;
        engine->component.fact = engine->fact;
        component_files(node, &engine->component);
}

static void add_sockets(struct node *node, struct engine *engine) {
        const struct fact *hosts = fact_value(fact_get(engine->settings, "hosts"));

        engine_add_socket(node, engine, STR("/var/run/docker.sock"), "docker");
        for (const struct fact_member *m = hosts && hosts->kind == FACT_LIST ? hosts->first : NULL;
             m; m = m->next)
                if (!str_eq(fact_value_text(m->value), STR("unix:///var/run/docker.sock")))
                        engine_add_socket(node, engine, fact_value_text(m->value), "docker");
}

void docker_collect(struct node *node, struct fact *list) {
        static const char *const packages[] = { "docker-ce", "docker.io", "moby-engine", NULL };
        static const char *const none[] = { "cri-dockerd", NULL };
        struct engine *docker = arena_new(node->arena, struct engine);
        struct engine *shim = arena_new(node->arena, struct engine);

        docker->name = "docker";
        docker->program = "dockerd";
        docker->packages = packages;
        docker->component.settings = docker_settings;
        docker->component.setting_count = ELEMENTS(docker_settings);
        docker->installed = root_exists(&node->root, STR("/etc/docker/daemon.json"));
        /* the unit is called docker.service */
        docker->unit = "docker.service";
        if (engine_find(node, docker, list)) {
                read_docker(node, docker);
                add_sockets(node, docker);
        }
        shim->name = "cri-dockerd";
        shim->program = "cri-dockerd";
        shim->packages = none;
        shim->unit = "cri-docker.service";
        shim->component.settings = dockerd_settings;
        shim->component.setting_count = ELEMENTS(dockerd_settings);
        if (engine_find(node, shim, list)) {
                shim->component.map = shim->settings;
                component_settings(node, &shim->component, NULL, 0, STR(""));
                engine_add_socket(
                        node, shim,
                        fact_value_text(fact_get(shim->settings, "containerRuntimeEndpoint")),
                        "cri");
        }
}
