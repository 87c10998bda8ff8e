/*
 * The kernel: sysctls as they are and as they are configured, modules, weaknesses of the processor,
 * and whether its series is still maintained.
 */
#include "node/host.h"

static const char *const sysctls[] = {
        "fs.protected_fifos",
        "fs.protected_hardlinks",
        "fs.protected_regular",
        "fs.protected_symlinks",
        "fs.suid_dumpable",
        "kernel.core_pattern",
        "kernel.core_uses_pid",
        "kernel.ctrl-alt-del",
        "kernel.dmesg_restrict",
        "kernel.io_uring_disabled",
        "kernel.kexec_load_disabled",
        "kernel.keys.root_maxbytes",
        "kernel.keys.root_maxkeys",
        "kernel.kptr_restrict",
        "kernel.modules_disabled",
        "kernel.panic",
        "kernel.panic_on_oops",
        "kernel.perf_event_paranoid",
        "kernel.pid_max",
        "kernel.randomize_va_space",
        "kernel.sysrq",
        "kernel.unprivileged_bpf_disabled",
        "kernel.unprivileged_userns_clone",
        "kernel.yama.ptrace_scope",
        "net.bridge.bridge-nf-call-ip6tables",
        "net.bridge.bridge-nf-call-iptables",
        "net.core.bpf_jit_harden",
        "net.ipv4.conf.all.accept_redirects",
        "net.ipv4.conf.all.accept_source_route",
        "net.ipv4.conf.all.forwarding",
        "net.ipv4.conf.all.log_martians",
        "net.ipv4.conf.all.rp_filter",
        "net.ipv4.conf.all.secure_redirects",
        "net.ipv4.conf.all.send_redirects",
        "net.ipv4.conf.default.accept_redirects",
        "net.ipv4.conf.default.accept_source_route",
        "net.ipv4.conf.default.log_martians",
        "net.ipv4.conf.default.rp_filter",
        "net.ipv4.conf.default.secure_redirects",
        "net.ipv4.conf.default.send_redirects",
        "net.ipv4.icmp_echo_ignore_broadcasts",
        "net.ipv4.icmp_ignore_bogus_error_responses",
        "net.ipv4.ip_forward",
        "net.ipv4.tcp_syncookies",
        "net.ipv6.conf.all.accept_ra",
        "net.ipv6.conf.all.accept_redirects",
        "net.ipv6.conf.all.accept_source_route",
        "net.ipv6.conf.all.forwarding",
        "net.ipv6.conf.default.accept_ra",
        "net.ipv6.conf.default.accept_redirects",
        "net.ipv6.conf.default.accept_source_route",
        "user.max_user_namespaces",
        "vm.mmap_min_addr",
        "vm.overcommit_memory",
        "vm.panic_on_oom",
        "vm.unprivileged_userfaultfd",
};

/*
 * Series of kernel.org with long-term support and when it ends, as published there: months, of
 * which the last day counts (https://www.kernel.org/category/releases.html; for those that have
 * ended, the table as it was then). Every other series ends when the next ones are out, so one that
 * is older than the newest of the table has ended, and of a newer one nothing is known.
 */
static const struct {
        int major, minor;
        const char *end;
} series_table[] = {
        { 4, 4, "2022-02-28" },  { 4, 9, "2023-01-31" },  { 4, 14, "2024-01-31" },
        { 4, 19, "2024-12-31" }, { 5, 4, "2025-12-31" },  { 5, 10, "2026-12-31" },
        { 5, 15, "2026-12-31" }, { 6, 1, "2027-12-31" },  { 6, 6, "2027-12-31" },
        { 6, 12, "2028-12-31" }, { 6, 18, "2028-12-31" },
};

/* Distributions that maintain kernels of their own beyond the series. */
static const char *const maintainers[] = { ".el",  "-generic", "-aws", "-azure", "-gcp", "-gke",
                                           "amzn", "-default", "+deb", "-cloud", ".fc",  "-kvm" };

enum { FILES_MAX = 200, MODULES_MAX = 1000 };

struct configured {
        struct variables values;
};

static struct str normal_key(struct arena *arena, struct str key) {
        struct str copy = arena_str(arena, key);
        char *text = (char *)copy.ptr;

        for (size_t i = 0; i < copy.len; i++)
                if (text[i] == '/')
                        text[i] = '.';
        return copy;
}

static void read_sysctl_file(struct node *node, struct str path, struct configured *ret) {
        struct str text, line;
        uint32_t number = 0;

        if (node_read(node, &node->root, path, "sysctl", "host.sysctl", &text) < 0)
                return;
        while (str_split(&text, '\n', &line)) {
                ptrdiff_t equals = str_find(line, STR("="), 0);
                struct str key;

                number++;
                line = str_trim(line);
                equals = str_find(line, STR("="), 0);
                if (equals <= 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
                        continue;
                key = str_trim(str_slice(line, 0, (size_t)equals));
                if (str_starts(key, STR("-")))
                        key = str_slice(key, 1, key.len);
                if (ret->values.count < 5000)
                        *vec_push_in(node->arena, &ret->values) = (struct variable){
                                normal_key(node->arena, key),
                                str_trim(str_slice(line, (size_t)equals + 1, line.len)),
                                { path, number, 1 }
                        };
        }
}

static int by_basename(const void *a, const void *b) {
        return str_cmp(node_basename(*(const struct str *)a),
                       node_basename(*(const struct str *)b));
}

/* sysctl.d(5): all folders together in the order of names, then /etc/sysctl.conf. */
static void read_configured(struct node *node, struct configured *ret) {
        static const char *const folders[] = { "/etc/sysctl.d", "/run/sysctl.d",
                                               "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d" };
        struct root_names all = { 0 };

        for (size_t i = 0; i < ELEMENTS(folders); i++) {
                struct root_names names = host_files(node, folders[i], ".conf");

                for (size_t k = 0; k < names.count && all.count < FILES_MAX; k++) {
                        bool hidden = false;

                        for (size_t m = 0; m < all.count && !hidden; m++)
                                hidden = str_eq(node_basename(all.items[m]),
                                                node_basename(names.items[k]));
                        if (!hidden)
                                *vec_push_in(node->arena, &all) = names.items[k];
                }
        }
        if (all.count > 1)
                qsort(all.items, all.count, sizeof *all.items, by_basename);
        for (size_t i = 0; i < all.count; i++)
                read_sysctl_file(node, all.items[i], ret);
        read_sysctl_file(node, STR("/etc/sysctl.conf"), ret);
}

static struct fact *value_of(struct arena *arena, struct str text) {
        int64_t integer;

        return node_int(text, &integer) ? fact_int(arena, integer) : fact_string(arena, text);
}

static struct str sysctl_path(struct arena *arena, const char *name) {
        struct str path = arena_printf(arena, "/proc/sys/%s", name);
        char *text = (char *)path.ptr;

        for (size_t i = 0; i < path.len; i++)
                if (text[i] == '.')
                        text[i] = '/';
        return path;
}

static struct fact *sysctl_fact(struct node *node, const char *name,
                                const struct configured *configured) {
        struct arena *arena = node->arena;
        struct str path = sysctl_path(arena, name), text;
        struct fact *fact = NULL;
        int r = node_read(node, &node->root, path, "sysctl",
                          arena_printf(arena, "host.sysctl.%s", name).ptr, &text);

        if (r >= 0)
                fact = fact_setting(arena, value_of(arena, str_trim(text)), "live",
                                    (struct place){ path, 1, 1 });
        else if (r != -ENOENT && r != -ENOTDIR)
                fact = fact_unknown(arena,
                                    arena_printf(arena, "%.*s: %.*s", STR_ARG(path),
                                                 STR_ARG(node_error_text(node, r))),
                                    (struct place){ path, 1, 1 });
        for (size_t i = configured->values.count; i-- > 0;) {
                const struct variable *one = &configured->values.items[i];
                struct fact *setting;

                if (!str_eq(one->name, str_from(name)))
                        continue;
                setting = fact_setting(arena, value_of(arena, one->value), "config", one->place);
                if (!fact)
                        return setting; /* an image: what it will be */
                fact_set(arena, fact, STR("configured"), setting);
                fact_set(arena, fact, STR("configuredPlace"), fact_get(setting, "place"));
                break;
        }
        if (fact)
                fact_set_bool(arena, fact, "lasting", fact_get(fact, "configured") != NULL);
        return fact;
}

static void add_sysctls(struct node *node, struct fact *host) {
        struct fact *map = fact_set(node->arena, host, STR("sysctl"), fact_map(node->arena));
        struct configured configured = { 0 };

        read_configured(node, &configured);
        for (size_t i = 0; i < ELEMENTS(sysctls); i++)
                fact_set(node->arena, map, str_from(sysctls[i]),
                         sysctl_fact(node, sysctls[i], &configured));
}

static bool date_is_past(struct node *node, const char *date) {
        int64_t year, month, day, days;

        if (!node_int(str_slice(str_from(date), 0, 4), &year) ||
            !node_int(str_slice(str_from(date), 5, 7), &month) ||
            !node_int(str_slice(str_from(date), 8, 10), &day))
                return false;
        /* days since 1970 of the civil calendar */
        year -= month <= 2;
        days = 365 * year + year / 4 - year / 100 + year / 400 +
               (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 719469;
        return days * 86400 < node->options->now;
}

static bool is_ended(struct node *node, int major, int minor, const char **ret_date) {
        bool older = false;

        for (size_t i = 0; i < ELEMENTS(series_table); i++) {
                if (major == series_table[i].major && minor == series_table[i].minor) {
                        *ret_date = series_table[i].end;
                        return date_is_past(node, series_table[i].end);
                }
                older = major < series_table[i].major ||
                        (major == series_table[i].major && minor < series_table[i].minor);
        }
        return older;
}

static void add_release(struct node *node, struct fact *kernel) {
        struct arena *arena = node->arena;
        struct fact *release = host_line(node, "/proc/sys/kernel/osrelease", SETTING_STRING,
                                         "host.kernel"),
                    *end;
        struct str text = fact_value_text(release), series = STR("");
        const char *date = "";
        bool maintained = false, known = false;
        int major, minor;

        if (!release)
                release = fact_unknown(arena, STR("no kernel is running here"),
                                       (struct place){ STR("/proc"), 1, 1 });
        known = node_version(text, &major, &minor);
        if (known)
                series = arena_printf(arena, "%d.%d", major, minor);
        for (size_t i = 0; i < ELEMENTS(maintainers); i++)
                maintained = maintained || str_find(text, str_from(maintainers[i]), 0) >= 0;
        fact_set(arena, kernel, STR("release"), release);
        fact_set_string(arena, kernel, "series", series);
        fact_set_bool(arena, kernel, "distribution", maintained);
        end = fact_get(release, "value")
                      ? fact_setting(arena,
                                     fact_bool(arena, known && !maintained &&
                                                              is_ended(node, major, minor, &date)),
                                     "live",
                                     (struct place){ STR("/proc/sys/kernel/osrelease"), 1, 1 })
                      : release;
        fact_set(arena, kernel, STR("endOfLife"), end);
        fact_set_string(arena, kernel, "endOfLifeDate", str_from(date));
}

static void add_modules(struct node *node, struct fact *kernel) {
        struct str text, line;
        struct fact *list;

        if (node_read(node, &node->root, STR("/proc/modules"), "modules", "host.kernel.modules",
                      &text) < 0)
                return;
        list = fact_set(node->arena, kernel, STR("modules"), fact_list(node->arena));
        while (str_split(&text, '\n', &line) && list->count < MODULES_MAX) {
                struct str name = STR("");

                str_split(&line, ' ', &name);
                if (name.len > 0)
                        fact_add_string(node->arena, list, name);
        }
}

static void add_command_line(struct node *node, struct fact *kernel) {
        struct place place = { STR("/proc/cmdline"), 1, 1 };
        struct str text, word;
        struct fact *map = fact_map(node->arena);

        if (node_read(node, &node->root, place.file, "command line of the kernel",
                      "host.kernel.cmdline", &text) < 0)
                return;
        text = str_trim(text);
        while (text.len > 0 && str_split(&text, ' ', &word)) {
                ptrdiff_t equals = str_find(word, STR("="), 0);
                struct str key = equals < 0 ? word : str_slice(word, 0, (size_t)equals);

                if (key.len > 0 && map->count < 200)
                        fact_set(node->arena, map, key,
                                 fact_string(node->arena,
                                             equals < 0 ? STR("")
                                                        : str_slice(word, (size_t)equals + 1,
                                                                    word.len)));
        }
        fact_set(node->arena, kernel, STR("cmdline"),
                 fact_setting(node->arena, map, "live", place));
}

static void add_weaknesses(struct node *node, struct fact *kernel) {
        static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
        struct fact *list =
                fact_set(node->arena, kernel, STR("vulnerabilities"), fact_list(node->arena));
        struct root_names names = host_files(node, folder, "");

        for (size_t i = 0; i < names.count && i < 100; i++) {
                struct fact *fact;
                struct str text;

                if (node_read(node, &node->root, names.items[i], "weakness of the processor", "",
                              &text) < 0)
                        continue;
                text = str_trim(text);
                fact = fact_add(node->arena, list, fact_map(node->arena));
                fact_set_string(node->arena, fact, "name", node_basename(names.items[i]));
                fact_set_string(node->arena, fact, "state", text);
                fact_set_bool(node->arena, fact, "vulnerable", str_starts(text, STR("Vulnerable")));
                fact_set(node->arena, fact, STR("place"),
                         fact_place(node->arena, (struct place){ names.items[i], 1, 1 }));
        }
}

/* "[none] integrity confidentiality" */
static void add_lockdown(struct node *node, struct fact *kernel) {
        struct fact *fact =
                host_line(node, "/sys/kernel/security/lockdown", SETTING_STRING, "host.kernel");
        struct str text = fact_value_text(fact);
        ptrdiff_t from = str_find(text, STR("["), 0), to = str_find(text, STR("]"), 0);

        if (!fact)
                fact = fact_setting(node->arena, fact_text(node->arena, "none"), "default",
                                    (struct place){ STR("/sys/kernel/security/lockdown"), 1, 1 });
        else if (from >= 0 && to > from)
                fact_set(node->arena, fact, STR("value"),
                         fact_string(node->arena, str_slice(text, (size_t)from + 1, (size_t)to)));
        fact_set(node->arena, kernel, STR("lockdown"), fact);
}

void kernel_collect(struct node *node, struct fact *host) {
        struct fact *kernel = fact_set(node->arena, host, STR("kernel"), fact_map(node->arena));
        struct arena *arena = node->arena;
        bool two = root_exists(&node->root, STR("/sys/fs/cgroup/cgroup.controllers"));
        bool known = root_exists(&node->root, STR("/sys/fs/cgroup"));
        struct place place = { STR("/sys/fs/cgroup"), 1, 1 };

        add_release(node, kernel);
        fact_set(arena, kernel, STR("tainted"),
                 host_line(node, "/proc/sys/kernel/tainted", SETTING_INT, "host.kernel"));
        add_modules(node, kernel);
        add_lockdown(node, kernel);
        add_command_line(node, kernel);
        fact_set(arena, kernel, STR("modulesDisabled"),
                 host_line(node, "/proc/sys/kernel/modules_disabled", SETTING_INT, ""));
        fact_set(arena, kernel, STR("unprivilegedUserNamespaces"),
                 host_line(node, "/proc/sys/user/max_user_namespaces", SETTING_INT, ""));
        fact_set(arena, kernel, STR("cgroup"),
                 known ? fact_setting(arena, fact_int(arena, two ? 2 : 1), "live", place)
                       : fact_unknown(arena, STR("/sys is not mounted"), place));
        add_weaknesses(node, kernel);
        add_sysctls(node, host);
}
