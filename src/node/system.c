/*
 * The rest of the host: packages, mandatory access control, boot loader, time, services, units.
 */
#include "node/host.h"

enum { ITEMS_MAX = 500 };

/* Packages that matter to a node. */
static const char *const relevant[] = {
        "kubelet",
        "kubeadm",
        "kubectl",
        "containerd",
        "containerd.io",
        "runc",
        "crun",
        "cri-o",
        "docker-ce",
        "docker.io",
        "openssh-server",
        "openssl",
        "libssl3",
        "sudo",
        "systemd",
        "linux-image-amd64",
        "auditd",
        "apparmor",
        "chrony",
        "iptables",
        "nftables",
        "cri-tools",
        "etcd-server",
        "podman",
        "telnetd",
        "rsh-server",
        "nfs-kernel-server",
        "rpcbind",
        "avahi-daemon",
        "cups",
        "unattended-upgrades",
        "aide",
        "fail2ban",
        "libc6",
};

/* Services that have no business on a node. */
static const char *const suspicious[] = {
        "rpcbind",   "avahi-daemon",    "cups",        "nfs-server",
        "smbd",      "telnet",          "rsh",         "rlogin",
        "vsftpd",    "snmpd",           "xinetd",      "inetd",
        "tftpd-hpa", "bind9",           "named",       "dnsmasq",
        "squid",     "apache2",         "nginx",       "httpd",
        "mysql",     "mariadb",         "postgresql",  "redis-server",
        "bluetooth", "isc-dhcp-server", "slapd",       "rsync",
        "ypserv",    "kdump",           "debug-shell", "proc-sys-fs-binfmt_misc",
};

static const struct {
        const char *name, *process, *config;
} time_services[] = {
        { "chrony", "chronyd", "/etc/chrony/chrony.conf" },
        { "chrony", "chronyd", "/etc/chrony.conf" },
        { "systemd-timesyncd", "systemd-timesyn", "/etc/systemd/timesyncd.conf" },
        { "ntp", "ntpd", "/etc/ntp.conf" },
        { "openntpd", "openntpd", "/etc/openntpd/ntpd.conf" },
};

static bool runs(const struct node *node, const char *name) {
        for (size_t i = 0; i < node->processes.count; i++)
                if (str_eq(node->processes.items[i].name, str_from(name)))
                        return true;
        return false;
}

static void add_updates(struct node *node, struct fact *packages) {
        struct arena *arena = node->arena;
        struct str path = STR("/etc/apt/apt.conf.d/20auto-upgrades"), text;
        struct place place = { path, 1, 1 };
        bool on = false;

        if (strcmp(node->package_manager, "dpkg") == 0) {
                if (node_read(node, &node->root, path, "updates", "", &text) >= 0)
                        on = str_find(text, STR("Unattended-Upgrade \"1\""), 0) >= 0;
                on = on && packages_find(node, "unattended-upgrades") != NULL;
        } else if (strcmp(node->package_manager, "rpm") == 0) {
                place.file = STR("/etc/dnf/automatic.conf");
                if (node_read(node, &node->root, place.file, "updates", "", &text) >= 0)
                        on = str_find(text, STR("apply_updates = yes"), 0) >= 0 &&
                             unit_is_enabled(node, STR("dnf-automatic.timer"));
        }
        fact_set(arena, packages, STR("unattendedUpgrades"),
                 fact_setting(arena, fact_bool(arena, on), on ? "config" : "default", place));
        place.file = STR("/var/run/reboot-required");
        fact_set(arena, packages, STR("rebootRequired"),
                 fact_setting(arena, fact_bool(arena, root_exists(&node->root, place.file)), "live",
                              place));
}

static void add_packages(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *packages = fact_set(arena, host, STR("packages"), fact_map(arena)), *list;

        fact_set_string(arena, packages, "manager", str_from(node->package_manager));
        if (node->package_database.len > 0)
                fact_set(arena, packages, STR("file"),
                         node_file(node, node->package_database, "packages"));
        add_updates(node, packages);
        if (node->packages.count == 0 && node->package_manager[0])
                return; /* a database that was not read: the lists are missing */
        fact_set_int(arena, packages, "count", (int64_t)node->packages.count);
        list = fact_set(arena, packages, STR("relevant"), fact_list(arena));
        for (size_t i = 0; i < ELEMENTS(relevant); i++) {
                const struct package *package = packages_find(node, relevant[i]);
                struct fact *fact;

                if (!package)
                        continue;
                fact = fact_add(arena, list, fact_map(arena));
                fact_set_string(arena, fact, "name", package->name);
                fact_set_string(arena, fact, "version", package->version);
                fact_set(arena, fact, STR("place"), fact_place(arena, package->place));
        }
        fact_set(arena, packages, STR("updatesKnown"), pending_updates(node));
}

static void add_apparmor(struct node *node, struct fact *mac) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_set(arena, mac, STR("apparmor"), fact_map(arena));
        struct place place = { STR("/sys/module/apparmor/parameters/enabled"), 1, 1 };
        struct str text, line;
        int64_t all = 0, enforcing = 0, complaining = 0;
        bool on = false;

        if (node_read(node, &node->root, place.file, "AppArmor", "", &text) >= 0)
                on = str_starts(text, STR("Y"));
        fact_set_bool(arena, fact, "present", on);
        fact_set(arena, fact, STR("enabled"),
                 fact_setting(arena, fact_bool(arena, on), "live", place));
        if (!on || node_read(node, &node->root, STR("/sys/kernel/security/apparmor/profiles"),
                             "AppArmor", "host.mac.apparmor.profiles", &text) < 0)
                return;
        while (str_split(&text, '\n', &line)) {
                all += line.len > 0;
                enforcing += str_ends(line, STR("(enforce)"));
                complaining += str_ends(line, STR("(complain)"));
        }
        fact_set_int(arena, fact, "profiles", all);
        fact_set_int(arena, fact, "enforcing", enforcing);
        fact_set_int(arena, fact, "complaining", complaining);
}

static void add_selinux(struct node *node, struct fact *mac) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_set(arena, mac, STR("selinux"), fact_map(arena));
        struct place live = { STR("/sys/fs/selinux/enforce"), 1, 1 };
        struct place config = { STR("/etc/selinux/config"), 1, 1 };
        struct variables variables = { 0 };
        const char *mode = "disabled";
        struct str text;

        if (node_read(node, &node->root, live.file, "SELinux", "host.mac.selinux", &text) >= 0)
                mode = str_starts(text, STR("1")) ? "enforcing" : "permissive";
        fact_set_bool(arena, fact, "present", strcmp(mode, "disabled") != 0);
        fact_set(arena, fact, STR("mode"),
                 fact_setting(arena, fact_text(arena, mode), "live", live));
        if (node_read(node, &node->root, config.file, "SELinux", "host.mac.selinux", &text) >= 0)
                unit_variables(arena, config.file, text, &variables);
        fact_set(arena, fact, STR("configured"),
                 fact_setting(arena, fact_text(arena, ""), "default", config));
        fact_set(arena, fact, STR("policy"),
                 fact_setting(arena, fact_text(arena, ""), "default", config));
        for (size_t i = 0; i < variables.count; i++) {
                const struct variable *one = &variables.items[i];
                const char *key = str_eq(one->name, STR("SELINUX"))       ? "configured"
                                  : str_eq(one->name, STR("SELINUXTYPE")) ? "policy"
                                                                          : NULL;

                if (key)
                        fact_set(arena, fact, str_from(key),
                                 fact_setting(arena, fact_string(arena, one->value), "config",
                                              one->place));
        }
}

static void add_mac(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *mac = fact_set(arena, host, STR("mac"), fact_map(arena));
        bool apparmor, selinux;

        fact_set_string(arena, mac, "kind", STR("none"));
        add_selinux(node, mac);
        add_apparmor(node, mac);
        apparmor = fact_value_bool(fact_get(fact_get(mac, "apparmor"), "present"), false);
        selinux = fact_value_bool(fact_get(fact_get(mac, "selinux"), "present"), false);
        if (apparmor || selinux)
                fact_set_string(arena, mac, "kind", selinux ? STR("selinux") : STR("apparmor"));
        fact_set(arena, mac, STR("lsm"),
                 host_line(node, "/sys/kernel/security/lsm", SETTING_LIST, "host.mac.lsm"));
}

static void add_boot(struct node *node, struct fact *host) {
        static const char *const configs[] = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg",
                                               "/boot/efi/EFI/redhat/grub.cfg" };
        struct arena *arena = node->arena;
        struct fact *boot = fact_set(arena, host, STR("boot"), fact_map(arena));
        struct place efi = { STR("/sys/firmware/efi"), 1, 1 };
        struct root_names names = host_files(node, "/sys/firmware/efi/efivars", "");
        struct fact *secure = fact_setting(arena, fact_bool(arena, false), "default", efi);
        struct str text;

        fact_set_string(arena, boot, "loader", STR(""));
        for (size_t i = 0; i < ELEMENTS(configs); i++) {
                struct place place = { str_from(configs[i]), 1, 1 };

                if (!root_exists(&node->root, place.file))
                        continue;
                fact_set_string(arena, boot, "loader", STR("grub"));
                fact_set(arena, boot, STR("file"), node_file(node, place.file, "boot loader"));
                fact_set(arena, boot, STR("password"),
                         node_read(node, &node->root, place.file, "boot loader",
                                   "host.boot.password", &text) < 0
                                 ? fact_unknown(arena, STR("cannot be read"), place)
                                 : fact_setting(
                                           arena,
                                           fact_bool(arena, str_find(text, STR("password_pbkdf2"),
                                                                     0) >= 0),
                                           "config", place));
                break;
        }
        if (root_exists(&node->root, STR("/boot/loader/loader.conf")))
                fact_set_string(arena, boot, "loader", STR("systemd-boot"));
        fact_set(arena, boot, STR("uefi"),
                 fact_setting(arena, fact_bool(arena, root_exists(&node->root, efi.file)), "live",
                              efi));
        for (size_t i = 0; i < names.count; i++) {
                struct buf buf _cleanup_(buf_free) = BUF_INIT;

                if (!str_starts(node_basename(names.items[i]), STR("SecureBoot-")) ||
                    root_read(&node->root, names.items[i], 64, &buf) < 0 || buf.len < 5)
                        continue;
                secure = fact_setting(arena, fact_bool(arena, buf.data[4] == 1), "live",
                                      (struct place){ names.items[i], 1, 1 });
        }
        fact_set(arena, boot, STR("secureBoot"), secure);
}

static void add_servers(struct node *node, struct str path, struct fact *service) {
        struct fact *list = fact_set(node->arena, service, STR("servers"), fact_list(node->arena));
        struct str text, line;

        if (node_read(node, &node->root, path, "time", "", &text) < 0)
                return;
        while (str_split(&text, '\n', &line) && list->count < 50) {
                static const char *const marks[] = { "server ", "pool ", "NTP=" };

                line = str_trim(line);
                for (size_t i = 0; i < ELEMENTS(marks); i++)
                        if (str_starts(line, str_from(marks[i]))) {
                                struct str rest = str_slice(line, strlen(marks[i]), line.len);
                                struct str name = STR("");

                                str_split(&rest, ' ', &name);
                                fact_add_string(node->arena, list, name);
                        }
        }
}

static void add_time(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *time = fact_set(arena, host, STR("time"), fact_map(arena));
        struct fact *list = fact_set(arena, time, STR("services"), fact_list(arena));
        struct place place = { STR("/run/systemd/timesync/synchronized"), 1, 1 };
        bool any = false;

        for (size_t i = 0; i < ELEMENTS(time_services); i++) {
                bool running = runs(node, time_services[i].process);
                struct fact *fact;

                if (!root_exists(&node->root, str_from(time_services[i].config)))
                        continue;
                any = any || running;
                fact = fact_add(arena, list, fact_map(arena));
                fact_set_string(arena, fact, "name", str_from(time_services[i].name));
                fact_set_bool(arena, fact, "running", running);
                fact_set(arena, fact, STR("file"),
                         node_file(node, str_from(time_services[i].config), "time"));
                add_servers(node, str_from(time_services[i].config), fact);
                fact_set(arena, fact, STR("place"),
                         fact_place(arena,
                                    (struct place){ str_from(time_services[i].config), 1, 1 }));
        }
        fact_set_bool(arena, time, "running", any);
        fact_set(arena, time, STR("synchronised"),
                 fact_setting(arena, fact_bool(arena, root_exists(&node->root, place.file)), "live",
                              place));
}

static void add_services(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *list = fact_set(arena, host, STR("services"), fact_list(arena));

        for (size_t i = 0; i < ELEMENTS(suspicious); i++) {
                struct unit unit;
                struct fact *fact;
                struct str name = arena_printf(arena, "%s.service", suspicious[i]);

                if (unit_read(node, name, &unit) < 0)
                        continue;
                fact = fact_add(arena, list, fact_map(arena));
                fact_set_string(arena, fact, "name", str_from(suspicious[i]));
                fact_set_bool(arena, fact, "enabled", unit_is_enabled(node, name));
                fact_set(arena, fact, STR("place"),
                         fact_place(arena, (struct place){ unit.path, 1, 1 }));
        }
}

/* Files that run as root, and that others than root may change. */
static void add_open_files(struct node *node, struct fact *host) {
        static const char *const unit_folders[] = { "/etc/systemd/system",
                                                    "/usr/lib/systemd/system",
                                                    "/lib/systemd/system" };
        static const char *const cron_folders[] = { "/etc/cron.d", "/etc/cron.daily",
                                                    "/etc/cron.hourly", "/etc/cron.weekly",
                                                    "/etc/cron.monthly" };
        struct arena *arena = node->arena;
        struct fact *units = fact_set(arena, host, STR("units"), fact_list(arena)), *cron;

        for (size_t i = 0; i < ELEMENTS(unit_folders); i++) {
                struct root_names names = host_files(node, unit_folders[i], "");

                for (size_t k = 0; k < names.count && units->count < ITEMS_MAX; k++) {
                        struct stat st;

                        if (root_stat(&node->root, names.items[k], true, &st) >= 0 &&
                            S_ISREG(st.st_mode) && (st.st_uid != 0 || (st.st_mode & 022)))
                                fact_add(arena, units, node_file(node, names.items[k], "unit"));
                }
        }
        cron = fact_make(arena, host, "cron");
        cron = fact_set(arena, cron, STR("files"), fact_list(arena));
        if (root_exists(&node->root, STR("/etc/crontab")))
                fact_add(arena, cron, node_file(node, STR("/etc/crontab"), "cron"));
        for (size_t i = 0; i < ELEMENTS(cron_folders); i++)
                if (root_exists(&node->root, str_from(cron_folders[i])))
                        fact_add(arena, cron, node_file(node, str_from(cron_folders[i]), "cron"));
}

void system_collect(struct node *node, struct fact *host) {
        struct fact *core = fact_make(node->arena, host, "core");

        add_packages(node, host);
        add_mac(node, host);
        add_boot(node, host);
        add_time(node, host);
        add_services(node, host);
        add_open_files(node, host);
        fact_set(node->arena, core, STR("pattern"),
                 host_line(node, "/proc/sys/kernel/core_pattern", SETTING_STRING, ""));
}
