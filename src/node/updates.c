/*
 * Pending updates, as far as the lists know that apt fetched last: of the packages that matter, the
 * versions beyond the installed one. Nothing is fetched.
 */
#include <fcntl.h>

#include "base/map.h"
#include "node/host.h"

enum { LISTS_MAX = 64, LINE_MAX_ = 4096, UPDATES_MAX = 500 };

/* dpkg's order: epoch, then parts of digits and others; ~ before the end. */
static int order(char c) {
        if (c == '~')
                return -1;
        if (c == '\0' || (c >= '0' && c <= '9'))
                return 0;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
                return c;
        return c + 256;
}

static char at(struct str text, size_t i) {
        return i < text.len ? text.ptr[i] : '\0';
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static int compare_part(struct str a, struct str b) {
        size_t i = 0, k = 0;

        while (i < a.len || k < b.len) {
                int first = 0;

                while ((i < a.len && !is_digit(a.ptr[i])) || (k < b.len && !is_digit(b.ptr[k]))) {
                        int x = order(at(a, i)), y = order(at(b, k));

                        if (x != y)
                                return x < y ? -1 : 1;
                        i += i < a.len;
                        k += k < b.len;
                }
                while (at(a, i) == '0')
                        i++;
                while (at(b, k) == '0')
                        k++;
                while (is_digit(at(a, i)) && is_digit(at(b, k))) {
                        if (!first)
                                first = a.ptr[i] - b.ptr[k];
                        i++;
                        k++;
                }
                if (is_digit(at(a, i)))
                        return 1;
                if (is_digit(at(b, k)))
                        return -1;
                if (first)
                        return first < 0 ? -1 : 1;
        }
        return 0;
}

static void split_version(struct str text, int64_t *epoch, struct str *upstream,
                          struct str *revision) {
        ptrdiff_t colon = str_find(text, STR(":"), 0);
        size_t dash;

        *epoch = 0;
        if (colon >= 0) {
                node_int(str_slice(text, 0, (size_t)colon), epoch);
                text = str_slice(text, (size_t)colon + 1, text.len);
        }
        dash = text.len;
        while (dash > 0 && text.ptr[dash - 1] != '-')
                dash--;
        *upstream = dash > 0 ? str_slice(text, 0, dash - 1) : text;
        *revision = dash > 0 ? str_slice(text, dash, text.len) : STR("");
}

int debian_compare(struct str a, struct str b) {
        struct str a_upstream, a_revision, b_upstream, b_revision;
        int64_t a_epoch, b_epoch;
        int r;

        split_version(a, &a_epoch, &a_upstream, &a_revision);
        split_version(b, &b_epoch, &b_upstream, &b_revision);
        if (a_epoch != b_epoch)
                return a_epoch < b_epoch ? -1 : 1;
        r = compare_part(a_upstream, b_upstream);
        return r ? r : compare_part(a_revision, b_revision);
}

/* A newer version of a package is told once, the newest. */
static void add(struct node *node, struct fact *list, const struct package *package,
                struct str version, struct str path) {
        struct fact *fact = NULL;

        if (debian_compare(package->version, version) >= 0)
                return;
        for (const struct fact_member *m = list->first; m && !fact; m = m->next)
                if (str_eq(fact_value_text(fact_get(m->value, "name")), package->name))
                        fact = m->value;
        if (fact && debian_compare(fact_value_text(fact_get(fact, "available")), version) >= 0)
                return;
        if (!fact) {
                if (list->count >= UPDATES_MAX)
                        return;
                fact = fact_add(node->arena, list, fact_map(node->arena));
        }
        fact_set_string(node->arena, fact, "name", package->name);
        fact_set_string(node->arena, fact, "installed", package->version);
        fact_set_string(node->arena, fact, "available", arena_str(node->arena, version));
        fact_set_bool(node->arena, fact, "security", str_find(path, STR("security"), 0) >= 0);
        fact_set(node->arena, fact, STR("place"), fact_place(node->arena, package->place));
}

static void read_list(struct node *node, const struct map *packages, struct str path,
                      struct fact *list) {
        int fd = root_open_file(&node->root, path);
        FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
        const struct package *package = NULL;
        char line[LINE_MAX_];

        if (!file) {
                if (fd >= 0)
                        close(fd);
                return;
        }
        while (fgets(line, sizeof line, file)) {
                if (strncmp(line, "Package: ", 9) == 0)
                        package = map_get(packages, str_trim(str_from(line + 9)));
                else if (package && strncmp(line, "Version: ", 9) == 0)
                        add(node, list, package, str_trim(str_from(line + 9)), path);
        }
        fclose(file);
}

/* Lists of tens of megabytes are those of whole distributions: only those of security updates and
 * of other repositories are read. */
struct fact *pending_updates(struct node *node) {
        struct map packages _cleanup_(map_free) = MAP_INIT;
        struct root_names names = host_files(node, "/var/lib/apt/lists", "_Packages");
        struct place place = { STR("/var/lib/apt/lists"), 1, 1 };
        struct fact *list = fact_list(node->arena);
        bool any = false;

        for (size_t i = 0; i < node->packages.count; i++)
                map_put(&packages, node->packages.items[i].name)->value = &node->packages.items[i];
        for (size_t i = 0; i < names.count && i < LISTS_MAX; i++) {
                struct stat st;

                if (root_stat(&node->root, names.items[i], true, &st) < 0 || st.st_size > 16 << 20)
                        continue;
                any = true;
                read_list(node, &packages, names.items[i], list);
        }
        if (!any)
                return fact_unknown(node->arena,
                                    STR("there are no lists of packages to compare "
                                        "with"),
                                    place);
        return fact_setting(node->arena, list, "live", place);
}
