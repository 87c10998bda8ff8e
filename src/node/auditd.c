/*
 * The audit daemon of the host: its configuration, and what its rules watch.
 */
#include "node/host.h"

enum { RULES_MAX = 2000 };

static const struct {
        const char *key, *name, *fallback;
} table[] = {
        { "log_file", "logFile", "/var/log/audit/audit.log" },
        { "max_log_file", "maxLogFile", "8" },
        { "max_log_file_action", "maxLogFileAction", "ROTATE" },
        { "num_logs", "numLogs", "5" },
        { "space_left_action", "spaceLeftAction", "SYSLOG" },
        { "admin_space_left_action", "adminSpaceLeftAction", "SUSPEND" },
        { "action_mail_acct", "actionMailAcct", "root" },
        { "disk_full_action", "diskFullAction", "SUSPEND" },
        { "disk_error_action", "diskErrorAction", "SUSPEND" },
        { "write_logs", "writeLogs", "yes" },
};

static void add_settings(struct node *node, struct fact *auditd) {
        struct arena *arena = node->arena;
        struct fact *settings = fact_set(arena, auditd, STR("settings"), fact_map(arena));
        struct place place = { STR("/etc/audit/auditd.conf"), 1, 1 };
        struct variables variables = { 0 };
        struct str text;
        int r = node_read(node, &node->root, place.file, "configuration of auditd",
                          "host.auditd.settings", &text);

        if (r >= 0)
                unit_variables(arena, place.file, text, &variables);
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct fact *fact = NULL;

                for (size_t k = 0; k < variables.count; k++)
                        if (str_eq(variables.items[k].name, str_from(table[i].key)))
                                fact = fact_setting(arena,
                                                    fact_string(arena, variables.items[k].value),
                                                    "config", variables.items[k].place);
                if (!fact && r < 0 && r != -ENOENT)
                        fact = fact_unknown(arena, node_error_text(node, r), place);
                if (!fact)
                        fact = fact_setting(arena, fact_text(arena, table[i].fallback), "default",
                                            place);
                fact_set(arena, settings, str_from(table[i].name), fact);
        }
}

/* "-w PATH -p wa -k key", or a filter with path= or dir= */
static struct str watched_path(struct str line) {
        static const char *const marks[] = { "-w ", "path=", "dir=" };

        for (size_t i = 0; i < ELEMENTS(marks); i++) {
                ptrdiff_t at = str_find(line, str_from(marks[i]), 0);
                struct str path;
                size_t length = 0;

                if (at < 0)
                        continue;
                path = str_trim(str_slice(line, (size_t)at + strlen(marks[i]), line.len));
                while (length < path.len && path.ptr[length] != ' ')
                        length++;
                return str_slice(path, 0, length);
        }
        return STR("");
}

static void read_rules(struct node *node, struct str path, struct fact *rules, struct fact *watched,
                       struct fact **immutable) {
        struct place place = { path, 0, 1 };
        struct str text, line;

        if (node_read(node, &node->root, path, "rules of auditd", "host.auditd.rules", &text) < 0)
                return;
        while (str_split(&text, '\n', &line) && rules->count < RULES_MAX) {
                struct str target;
                struct fact *fact;

                place.line++;
                line = str_trim(line);
                if (line.len == 0 || line.ptr[0] == '#')
                        continue;
                if (str_starts(line, STR("-e ")))
                        *immutable = fact_setting(
                                node->arena,
                                fact_bool(node->arena,
                                          str_eq(str_trim(str_slice(line, 3, line.len)), STR("2"))),
                                "config", place);
                if (!str_starts(line, STR("-w")) && !str_starts(line, STR("-a")))
                        continue;
                target = watched_path(line);
                fact = fact_add(node->arena, rules, fact_map(node->arena));
                fact_set_string(node->arena, fact, "text", line);
                fact_set_string(node->arena, fact, "path", target);
                fact_set(node->arena, fact, STR("place"), fact_place(node->arena, place));
                if (target.len > 0)
                        fact_add_string(node->arena, watched, target);
        }
}

void auditd_collect(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *auditd = fact_set(arena, host, STR("auditd"), fact_map(arena)), *rules;
        struct place place = { STR("/etc/audit/audit.rules"), 1, 1 };
        struct fact *immutable = fact_setting(arena, fact_bool(arena, false), "default", place);
        struct fact *watched = fact_list(arena);
        struct root_names names = host_files(node, "/etc/audit/rules.d", ".rules");
        bool running = false, known;
        bool present = root_exists(&node->root, STR("/etc/audit/auditd.conf")) ||
                       root_exists(&node->root, STR("/usr/sbin/auditd")) ||
                       root_exists(&node->root, STR("/sbin/auditd"));

        for (size_t i = 0; i < node->processes.count; i++)
                running = running || str_eq(node->processes.items[i].name, STR("auditd"));
        known = unit_is_enabled(node, STR("auditd.service"));
        fact_set_bool(arena, auditd, "present", present || running);
        fact_set_bool(arena, auditd, "running", running);
        if (!present && !running)
                return;
        fact_set(arena, auditd, STR("enabled"),
                 fact_setting(arena, fact_bool(arena, known), "config",
                              (struct place){ STR("/etc/systemd/system"), 1, 1 }));
        fact_set(arena, auditd, STR("file"),
                 node_file(node, STR("/etc/audit/auditd.conf"), "auditd"));
        add_settings(node, auditd);
        rules = fact_list(arena);
        for (size_t i = 0; i < names.count && i < 200; i++)
                read_rules(node, names.items[i], rules, watched, &immutable);
        if (names.count == 0)
                read_rules(node, place.file, rules, watched, &immutable);
        fact_set(arena, auditd, STR("rules"), rules);
        fact_set(arena, auditd, STR("watched"), watched);
        fact_set(arena, auditd, STR("immutable"), immutable);
}
