/*
 * The host: what all of its collectors need, and what is small.
 */
#include "node/host.h"

struct fact *host_line(struct node *node, const char *path, enum setting_type type,
                       const char *facts) {
        struct place place = { str_from(path), 1, 1 };
        struct str text, line = STR("");
        struct fact *value;
        int r = node_read(node, &node->root, place.file, "setting of the host", facts, &text);

        if (r == -ENOENT || r == -ENOTDIR)
                return NULL;
        if (r < 0)
                return fact_unknown(node->arena,
                                    arena_printf(node->arena, "%s: %.*s", path,
                                                 STR_ARG(node_error_text(node, r))),
                                    place);
        str_split(&text, '\n', &line);
        value = setting_value(node->arena, type, str_trim(line));
        return value ? fact_setting(node->arena, value, "live", place)
                     : fact_unknown(node->arena, STR("the value cannot be read"), place);
}

struct root_names host_files(struct node *node, const char *folder, const char *suffix) {
        struct root_names names = { 0 }, fitting = { 0 };

        if (root_list(&node->root, str_from(folder), node->arena, &names) < 0)
                return fitting;
        for (size_t i = 0; i < names.count; i++)
                if (str_ends(names.items[i], str_from(suffix)))
                        *vec_push_in(node->arena, &fitting) =
                                node_join(node, str_from(folder), names.items[i]);
        return fitting;
}

static struct str unquoted(struct str text) {
        if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\''))
                return str_slice(text, 1, text.len - 1);
        return text;
}

static void add_os(struct node *node, struct fact *host) {
        static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };
        static const char *const keys[][2] = { { "ID", "id" },
                                               { "VERSION_ID", "version" },
                                               { "PRETTY_NAME", "name" },
                                               { "ID_LIKE", "like" } };
        struct fact *os = fact_set(node->arena, host, STR("os"), fact_map(node->arena));
        struct variables variables = { 0 };
        struct str text;

        for (size_t i = 0; i < ELEMENTS(paths) && variables.count == 0; i++)
                if (node_read(node, &node->root, str_from(paths[i]), "operating system", "host.os",
                              &text) >= 0)
                        unit_variables(node->arena, str_from(paths[i]), text, &variables);
        for (size_t k = 0; k < ELEMENTS(keys); k++) {
                fact_set_string(node->arena, os, keys[k][1], STR(""));
                for (size_t i = 0; i < variables.count; i++)
                        if (str_eq(variables.items[i].name, str_from(keys[k][0])))
                                fact_set_string(node->arena, os, keys[k][1],
                                                unquoted(variables.items[i].value));
        }
        fact_set(node->arena, os, STR("place"),
                 fact_place(node->arena, (struct place){ STR("/etc/os-release"), 1, 1 }));
}

static void add_swap(struct node *node, struct fact *host) {
        struct place place = { STR("/proc/swaps"), 1, 1 };
        struct str text, line;
        int lines = 0;

        if (node_read(node, &node->root, place.file, "swap", "host.swap", &text) < 0) {
                fact_set(node->arena, host, STR("swap"),
                         fact_unknown(node->arena, STR("/proc/swaps cannot be read"), place));
                return;
        }
        while (str_split(&text, '\n', &line))
                lines += line.len > 0;
        fact_set(node->arena, host, STR("swap"),
                 fact_setting(node->arena, fact_bool(node->arena, lines > 1), "live", place));
}

void host_collect(struct node *node) {
        struct fact *host = fact_set(node->arena, node->facts, STR("host"), fact_map(node->arena));
        struct fact *name = host_line(node, "/proc/sys/kernel/hostname", SETTING_STRING, "");

        fact_set(node->arena, host, STR("hostname"),
                 name ? name : host_line(node, "/etc/hostname", SETTING_STRING, ""));
        add_os(node, host);
        kernel_collect(node, host);
        mounts_collect(node, host);
        sshd_collect(node, host);
        listening_collect(node, host);
        accounts_collect(node, host);
        auditd_collect(node, host);
        system_collect(node, host);
        add_swap(node, host);
}
