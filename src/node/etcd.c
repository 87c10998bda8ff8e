/*
 * etcd: flags, else the environment (ETCD_*), else defaults; with --config-file only that file
 * (etcd's server/etcdmain/config.go).
 */
#include "node/private.h"

#define B SETTING_BOOL
#define S SETTING_STRING
#define F SETTING_FILE
#define L SETTING_LIST

/* The names in the file are those of the flags, but for the security sections. */
static const struct setting settings[] = {
        { "client-transport-security.cert-file", "cert-file", F },
        { "client-transport-security.key-file", "key-file", F },
        { "client-transport-security.client-cert-auth", "client-cert-auth", B },
        { "client-transport-security.trusted-ca-file", "trusted-ca-file", F },
        { "client-transport-security.auto-tls", "auto-tls", B },
        { "peer-transport-security.cert-file", "peer-cert-file", F },
        { "peer-transport-security.key-file", "peer-key-file", F },
        { "peer-transport-security.client-cert-auth", "peer-client-cert-auth", B },
        { "peer-transport-security.trusted-ca-file", "peer-trusted-ca-file", F },
        { "peer-transport-security.auto-tls", "peer-auto-tls", B },
        { "data-dir", "data-dir", S },
        { "wal-dir", "wal-dir", S },
        { "name", "name", S, "default" },
        { "listen-client-urls", "listen-client-urls", L, "http://localhost:2379" },
        { "listen-peer-urls", "listen-peer-urls", L, "http://localhost:2380" },
        { "listen-metrics-urls", "listen-metrics-urls", L },
        { "listen-client-http-urls", "listen-client-http-urls", L },
        { "advertise-client-urls", "advertise-client-urls", L, "http://localhost:2379" },
        { "initial-advertise-peer-urls", "initial-advertise-peer-urls", L,
          "http://localhost:2380" },
        { "initial-cluster", "initial-cluster", L },
        { "cipher-suites", "cipher-suites", L },
        { "tls-min-version", "tls-min-version", S },
        { "enable-pprof", "enable-pprof", B },
        { "auth-token", "auth-token", S, "simple" },
        { "config-file", "config-file", F },
        { "snapshot-count", "snapshot-count", SETTING_INT },
};

/* "trusted-ca-file" -> "trustedCAFile" */
static struct str camel(struct arena *arena, const char *flag) {
        static const char *const words[][2] = { { "ca", "CA" },
                                                { "tls", "TLS" },
                                                { "urls", "URLs" },
                                                { "url", "URL" },
                                                { "http", "HTTP" } };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct str rest = str_from(flag), part;
        bool first = true;

        for (; str_split(&rest, '-', &part); first = false) {
                bool special = false;

                for (size_t i = 0; i < ELEMENTS(words) && !first && !special; i++) {
                        special = str_eq(part, str_from(words[i][0]));
                        if (special)
                                buf_add(&text, str_from(words[i][1]));
                }
                if (special)
                        continue;
                buf_add_char(&text, first ? part.ptr[0] : (char)(part.ptr[0] - 'a' + 'A'));
                buf_add(&text, str_slice(part, 1, part.len));
        }
        return arena_str(arena, buf_str(&text));
}

static struct fact *find(const struct fact *map, const char *field) {
        const char *dot = strchr(field, '.');
        char folder[64];

        if (!dot)
                return fact_get(map, field);
        snprintf(folder, sizeof folder, "%.*s", (int)(dot - field), field);
        return fact_get(fact_get(map, folder), dot + 1);
}

/* Environment variables of a container: values only, for valueFrom is nothing that this knows. */
static void container_environment(struct node *node, struct component *etcd) {
        const struct doc_node *list = etcd->container ? doc_get(etcd->container, STR("env")) : NULL;

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *item = &list->list.items[i];
                const struct doc_node *value = doc_get(item, STR("value"));

                if (value && value->kind == DOC_STRING)
                        *vec_push_in(node->arena, &etcd->environment) =
                                (struct variable){ doc_string(doc_get(item, STR("name")), STR("")),
                                                   value->string,
                                                   node_place(etcd->manifest.path, value) };
        }
}

static void process_variables(struct node *node, struct component *etcd) {
        struct str text, part;

        if (!etcd->process || etcd->manifest.count > 0 || etcd->environment.count > 0 ||
            process_environment(node, etcd->process, &text) < 0)
                return;
        while (str_split(&text, '\0', &part)) {
                ptrdiff_t equals = str_find(part, STR("="), 0);

                if (equals > 0 && str_starts(part, STR("ETCD_")))
                        *vec_push_in(node->arena, &etcd->environment) = (struct variable){
                                str_slice(part, 0, (size_t)equals),
                                str_slice(part, (size_t)equals + 1, part.len),
                                { arena_printf(node->arena, "/proc/%u/environ", etcd->process->pid),
                                  1, 1 }
                        };
        }
}

static struct str config_file(const struct component *etcd) {
        const struct flag *flag = flags_get(&etcd->flags, "config-file");

        if (flag)
                return flag->value;
        for (size_t i = etcd->environment.count; i-- > 0;)
                if (str_eq(etcd->environment.items[i].name, STR("ETCD_CONFIG_FILE")))
                        return etcd->environment.items[i].value;
        return STR("");
}

static void fill(struct node *node, struct component *etcd) {
        struct str path = config_file(etcd), unknown = STR("");
        struct layer layer = { .source = "config" };
        static const struct flags none;
        struct settings_input input = { .settings = settings,
                                        .count = ELEMENTS(settings),
                                        .flags = &etcd->flags,
                                        .environment = &etcd->environment,
                                        .environment_prefix = "ETCD_",
                                        .place = etcd->place };
        struct yaml yaml;

        if (path.len > 0) {
                input.flags = &none;
                input.environment_prefix = NULL;
                input.place = (struct place){ path, 1, 1 };
                if (node_yaml(node, component_root(node, etcd), path, "etcd configuration",
                              "etcd.settings", &yaml) >= 0 &&
                    yaml.count > 0) {
                        layer.root = yaml.items[0];
                        layer.path = yaml.path;
                        input.layers = &layer;
                        input.layer_count = 1;
                } else {
                        unknown = yaml.why;
                }
        }
        input.unknown = unknown;
        etcd->map = fact_map(node->arena);
        settings_fill(node, &input, etcd->map);
}

/*
 * Who owns the data of etcd: a container has an /etc/passwd of its own, and there the user may have
 * a name that the host does not know, or none at all: then the number is its name.
 */
static struct fact *data_owner(struct node *node, const struct component *etcd, int64_t uid) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena);
        struct place place = { STR("/etc/passwd"), 1, 1 };
        struct str name = users_name(&node->users, uid);
        const char *from = "host";
        struct root inside = { .fd = -1 };
        uint32_t line;

        if (etcd->process && etcd->process->is_pod) {
                name = STR("");
                if (root_enter(&node->root, etcd->process->pid, arena, &inside) >= 0 &&
                    users_name_in(node, &inside, uid, &name, &line) >= 0) {
                        from = "container";
                        place = (struct place){ arena_printf(arena, "%.*s/etc/passwd",
                                                             STR_ARG(inside.path)),
                                                line, 1 };
                }
                root_close(&inside);
        }
        if (name.len == 0) {
                from = "number";
                name = arena_printf(arena, "%lld", (long long)uid);
        }
        fact_set_int(arena, fact, "uid", uid);
        fact_set_string(arena, fact, "name", name);
        fact_set_string(arena, fact, "from", str_from(from));
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

static void add_data(struct node *node, struct component *etcd, struct fact *named) {
        struct arena *arena = node->arena;
        struct str path = fact_value_text(fact_get(named, "dataDir"));

        if (fact_value(fact_get(named, "dataDir")) && path.len == 0) {
                path = arena_printf(arena, "%.*s.etcd",
                                    STR_ARG(fact_value_text(fact_get(named, "name"))));
                fact_set(arena, named, STR("dataDir"),
                         fact_setting(arena, fact_string(arena, path), "default", etcd->place));
        }
        if (path.len > 0 && path.ptr[0] == '/') {
                struct fact *file =
                        node_file_in(node, component_root(node, etcd), path, "data-dir");
                const struct fact *uid = fact_get(file, "uid");

                fact_set(arena, etcd->fact, STR("dataDirFile"), file);
                if (uid)
                        fact_set(arena, etcd->fact, STR("dataDirOwner"),
                                 data_owner(node, etcd, uid->integer));
        }
}

/* Whether the CA of etcd's clients is that of the cluster: then any client certificate of the
 * cluster reads all of its data. */
static void compare_authorities(struct node *node, struct component *etcd, struct fact *named) {
        struct arena *arena = node->arena;
        const struct fact *ours = fact_get(etcd->fact, "certificates");
        const struct fact *theirs = fact_get(node->api_server, "certificates");
        const struct fact *ca = fact_get(named, "trustedCAFile");
        bool same = false, known = false;
        struct fact *fact = fact_map(arena);

        for (const struct fact_member *m = ours ? ours->first : NULL; m; m = m->next) {
                if (!str_eq(fact_value_text(fact_get(m->value, "purpose")), STR("trusted-ca-file")))
                        continue;
                for (const struct fact_member *k = theirs ? theirs->first : NULL; k; k = k->next) {
                        if (!str_eq(fact_value_text(fact_get(k->value, "purpose")),
                                    STR("client-ca-file")))
                                continue;
                        known = true;
                        same = same || str_eq(fact_value_text(fact_get(m->value, "fingerprint")),
                                              fact_value_text(fact_get(k->value, "fingerprint")));
                }
        }
        if (!known)
                same = fact_value_text(ca).len > 0 &&
                       str_eq(fact_value_text(ca),
                              fact_value_text(fact_get(fact_get(node->api_server, "settings"),
                                                       "clientCAFile")));
        fact_set_bool(arena, fact, "value", same);
        fact_set(arena, fact, STR("source"), fact_get(ca, "source"));
        fact_set(arena, fact, STR("place"), fact_get(ca, "place"));
        fact_set(arena, named, STR("sameCAAsCluster"), fact);
}

void etcd_collect(struct node *node) {
        struct component *etcd = arena_new(node->arena, struct component);
        struct arena *arena = node->arena;
        struct fact *named = fact_map(arena);

        etcd->name = "etcd";
        etcd->key = "etcd";
        etcd->settings = settings;
        etcd->setting_count = ELEMENTS(settings);
        component_find(node, etcd);
        if (!etcd->present)
                return;
        container_environment(node, etcd);
        process_variables(node, etcd);
        fill(node, etcd);
        component_files(node, etcd);
        for (size_t i = 0; i < ELEMENTS(settings); i++)
                fact_set(arena, named, camel(arena, settings[i].flag),
                         find(etcd->map, settings[i].field));
        fact_set(arena, etcd->fact, STR("settings"), named);
        add_data(node, etcd, named);
        compare_authorities(node, etcd, named);
}
