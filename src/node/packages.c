/*
 * Installed packages, from the databases of dpkg, apk and rpm, and known defects of container
 * runtimes.
 */
#include "node/packages.h"

#include "node/rpm.h"
#include "node/runtime.h"

enum { STATUS_MAX = 64 << 20 };

void packages_add(struct node *node, struct str name, struct str version, struct str path,
                  uint32_t line) {
        struct package *package;

        if (name.len == 0 || version.len == 0 || node->packages.count >= PACKAGES_MAX)
                return;
        package = vec_push_in(node->arena, &node->packages);
        package->name = arena_str(node->arena, name);
        package->version = arena_str(node->arena, version);
        package->place = (struct place){ path, line, 1 };
}

static void read_dpkg(struct node *node, struct str path, struct str text) {
        struct str line, name = STR(""), version = STR("");
        uint32_t number = 0, at = 0;
        bool installed = false;

        for (;;) {
                bool more = str_split(&text, '\n', &line);

                number++;
                if (!more || line.len == 0) {
                        if (installed)
                                packages_add(node, name, version, path, at);
                        name = version = STR("");
                        installed = false;
                        if (!more)
                                return;
                } else if (str_starts(line, STR("Package: "))) {
                        name = str_slice(line, strlen("Package: "), line.len);
                } else if (str_starts(line, STR("Version: "))) {
                        version = str_slice(line, strlen("Version: "), line.len);
                        at = number;
                } else if (str_starts(line, STR("Status: "))) {
                        installed = str_ends(line, STR(" installed"));
                }
        }
}

static void read_apk(struct node *node, struct str path, struct str text) {
        struct str line, name = STR("");
        uint32_t number = 0;

        while (str_split(&text, '\n', &line)) {
                number++;
                if (str_starts(line, STR("P:")))
                        name = str_slice(line, 2, line.len);
                else if (str_starts(line, STR("V:")))
                        packages_add(node, name, str_slice(line, 2, line.len), path, number);
        }
}

/* Fedora, RHEL and their like have an SQLite file; what was before them, and SUSE, files of their
 * own, which nothing here reads. */
static void read_rpm(struct node *node, struct str path) {
        int r;

        node->package_manager = "rpm";
        node->package_database = path;
        if (!str_ends(path, STR(".sqlite"))) {
                node_gap(node, "packages", path,
                         STR("databases of rpm are read where they are SQLite files only"),
                         "host.packages runtime.engines");
                return;
        }
        r = rpm_read(node, path);
        if (r < 0)
                node_gap(node, "packages", path,
                         r == -EUCLEAN ? STR("the database is damaged, or parts of it are")
                                       : node_error_text(node, r),
                         "host.packages runtime.engines");
}

void packages_read(struct node *node) {
        static const struct {
                const char *manager, *path;
                void (*read)(struct node *node, struct str path, struct str text);
        } databases[] = { { "dpkg", "/var/lib/dpkg/status", read_dpkg },
                          { "apk", "/lib/apk/db/installed", read_apk } };
        static const char *const rpm[] = { "/var/lib/rpm/rpmdb.sqlite",
                                           "/usr/lib/sysimage/rpm/rpmdb.sqlite",
                                           "/var/lib/rpm/Packages", "/var/lib/rpm/Packages.db",
                                           "/usr/lib/sysimage/rpm/Packages.db" };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        node->package_manager = "";
        for (size_t i = 0; i < ELEMENTS(databases); i++) {
                struct str path = str_from(databases[i].path);
                int r = root_read(&node->root, path, STATUS_MAX, &buf);

                if (r == -ENOENT || r == -ENOTDIR)
                        continue;
                node->package_manager = databases[i].manager;
                node->package_database = path;
                if (r < 0)
                        node_gap(node, "packages", path, node_error_text(node, r),
                                 "host.packages runtime.engines");
                else
                        databases[i].read(node, path, buf_str(&buf));
        }
        for (size_t i = 0; i < ELEMENTS(rpm); i++)
                if (root_exists(&node->root, str_from(rpm[i]))) {
                        read_rpm(node, str_from(rpm[i]));
                        return;
                }
}

const struct package *packages_find(const struct node *node, const char *name) {
        for (size_t i = 0; i < node->packages.count; i++)
                if (str_eq(node->packages.items[i].name, str_from(name)))
                        return &node->packages.items[i];
        return NULL;
}

/* Distributions mark their own builds; those of the projects have none of these. */
static bool is_patched(struct str version) {
        static const char *const marks[] = { "+deb", "ubuntu", "+ds",   "~deb", ".el",
                                             ".fc",  ".amzn",  "build", "-r" };

        for (size_t i = 0; i < ELEMENTS(marks); i++)
                if (str_find(version, str_from(marks[i]), 0) >= 0)
                        return true;
        return false;
}

/* Releases of rpm have no mark in common: only packages that their projects make are none. */
static bool is_of_distribution(const struct node *node, const struct package *package) {
        if (str_eq(package->name, STR("containerd.io")) || str_eq(package->name, STR("docker-ce")))
                return false;
        return is_patched(package->version) ||
               (strcmp(node->package_manager, "rpm") == 0 && !str_eq(package->name, STR("cri-o")));
}

struct fact *packages_version(struct node *node, const char *const *names, bool *ret_patched) {
        struct arena *arena = node->arena;

        for (; *names; names++) {
                const struct package *package = packages_find(node, *names);
                struct str version;
                struct fact *fact;
                ptrdiff_t cut;

                if (!package)
                        continue;
                /* epoch, revision and what the packager repacked are no part of it */
                version = package->version;
                cut = str_find(version, STR(":"), 0);
                version = str_slice(version, (size_t)(cut + 1), version.len);
                for (size_t i = 0; i < version.len; i++)
                        if (strchr("-+", version.ptr[i]) ||
                            (version.ptr[i] == '~' &&
                             !str_starts(str_slice(version, i, version.len), STR("~rc")))) {
                                version.len = i;
                                break;
                        }
                *ret_patched = is_of_distribution(node, package);
                fact = fact_setting(arena, fact_string(arena, version), "config", package->place);
                fact_set_string(arena, fact, "package",
                                arena_printf(arena, "%.*s %.*s", STR_ARG(package->name),
                                             STR_ARG(package->version)));
                return fact;
        }
        return NULL;
}

static int number(struct str *text) {
        int value = 0;

        while (text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9') {
                if (value < 100000000)
                        value = value * 10 + (text->ptr[0] - '0');
                *text = str_slice(*text, 1, text->len);
        }
        return value;
}

int version_compare(struct str a, struct str b) {
        while (a.len > 0 || b.len > 0) {
                int x = number(&a), y = number(&b);

                if (x != y)
                        return x < y ? -1 : 1;
                if (a.len > 0 && a.ptr[0] == '.')
                        a = str_slice(a, 1, a.len);
                else if (a.len > 0)
                        break;
                if (b.len > 0 && b.ptr[0] == '.')
                        b = str_slice(b, 1, b.len);
                else if (b.len > 0)
                        break;
        }
        if (a.len == 0 || b.len == 0) /* 1.0.0-rc1 is before 1.0.0 */
                return (a.len == 0) - (b.len == 0);
        /* dpkg and rpm write 1.0.0~rc1 */
        if (strchr("-~", a.ptr[0]) && strchr("-~", b.ptr[0])) {
                a = str_slice(a, 1, a.len);
                b = str_slice(b, 1, b.len);
        }
        while (a.len > 0 && b.len > 0 && a.ptr[0] == b.ptr[0] &&
               !(a.ptr[0] >= '0' && a.ptr[0] <= '9')) {
                a = str_slice(a, 1, a.len);
                b = str_slice(b, 1, b.len);
        }
        if (a.len > 0 && b.len > 0 && a.ptr[0] >= '0' && a.ptr[0] <= '9' && b.ptr[0] >= '0' &&
            b.ptr[0] <= '9') {
                int x = number(&a), y = number(&b);

                return x < y ? -1 : x > y;
        }
        return str_cmp(a, b);
}

struct advisory {
        const char *component, *id, *from, *fixed, *severity, *title, *source;
};

static const struct advisory advisories[] = {
#define ADVISORY(component, id, from, fixed, severity, title, source)                              \
        { component, id, from, fixed, severity, title, source },
#include "node/advisories.inc"
#undef ADVISORY
};

struct fact *advisories_of(struct node *node, const char *component, const struct fact *version,
                           bool patched) {
        struct arena *arena = node->arena;
        struct str is = fact_value_text(version);
        struct fact *list = fact_list(arena);

        if (str_starts(is, STR("v")))
                is = str_slice(is, 1, is.len);
        for (size_t i = 0; i < ELEMENTS(advisories) && is.len > 0; i++) {
                const struct advisory *one = &advisories[i];
                struct fact *fact;

                if (strcmp(one->component, component) != 0 ||
                    version_compare(is, str_from(one->from)) < 0 ||
                    version_compare(is, str_from(one->fixed)) >= 0)
                        continue;
                fact = fact_add(arena, list, fact_map(arena));
                fact_set_string(arena, fact, "id", str_from(one->id));
                fact_set_string(arena, fact, "component", str_from(component));
                fact_set_string(arena, fact, "version", is);
                fact_set_string(arena, fact, "fixed", str_from(one->fixed));
                fact_set_string(arena, fact, "severity", str_from(one->severity));
                fact_set_string(arena, fact, "title", str_from(one->title));
                fact_set_string(arena, fact, "source", str_from(one->source));
                fact_set_bool(arena, fact, "certain", !patched);
                fact_set(arena, fact, STR("place"), fact_get(version, "place"));
        }
        return list;
}
