/*
 * sshd: its effective configuration. Of each keyword the first value counts, Include is replaced by
 * the files it names, and what stands below Match holds only for some connections.
 */
#include "node/host.h"

enum { LINES_MAX = 20000, INCLUDE_DEPTH = 8, INCLUDES_MAX = 200, KEYS_MAX = 200 };

static const struct {
        const char *keyword, *name;
        enum setting_type type;
        const char *fallback;
} table[] = {
        { "permitrootlogin", "permitRootLogin", SETTING_STRING, "prohibit-password" },
        { "passwordauthentication", "passwordAuthentication", SETTING_STRING, "yes" },
        { "permitemptypasswords", "permitEmptyPasswords", SETTING_STRING, "no" },
        { "kbdinteractiveauthentication", "kbdInteractiveAuthentication", SETTING_STRING, "yes" },
        { "pubkeyauthentication", "pubkeyAuthentication", SETTING_STRING, "yes" },
        { "authenticationmethods", "authenticationMethods", SETTING_STRING, "any" },
        { "maxauthtries", "maxAuthTries", SETTING_INT, "6" },
        { "loglevel", "logLevel", SETTING_STRING, "INFO" },
        { "x11forwarding", "x11Forwarding", SETTING_STRING, "no" },
        { "allowtcpforwarding", "allowTcpForwarding", SETTING_STRING, "yes" },
        { "allowagentforwarding", "allowAgentForwarding", SETTING_STRING, "yes" },
        { "allowstreamlocalforwarding", "allowStreamLocalForwarding", SETTING_STRING, "yes" },
        { "gatewayports", "gatewayPorts", SETTING_STRING, "no" },
        { "permittunnel", "permitTunnel", SETTING_STRING, "no" },
        { "disableforwarding", "disableForwarding", SETTING_STRING, "no" },
        { "hostbasedauthentication", "hostbasedAuthentication", SETTING_STRING, "no" },
        { "ignorerhosts", "ignoreRhosts", SETTING_STRING, "yes" },
        { "permituserenvironment", "permitUserEnvironment", SETTING_STRING, "no" },
        { "ciphers", "ciphers", SETTING_LIST, "" },
        { "macs", "macs", SETTING_LIST, "" },
        { "kexalgorithms", "kexAlgorithms", SETTING_LIST, "" },
        { "clientaliveinterval", "clientAliveInterval", SETTING_INT, "0" },
        { "clientalivecountmax", "clientAliveCountMax", SETTING_INT, "3" },
        { "logingracetime", "loginGraceTime", SETTING_INT, "120" },
        { "banner", "banner", SETTING_STRING, "none" },
        { "usepam", "usePAM", SETTING_STRING, "no" },
        { "maxstartups", "maxStartups", SETTING_STRING, "10:30:100" },
        { "maxsessions", "maxSessions", SETTING_INT, "10" },
        { "strictmodes", "strictModes", SETTING_STRING, "yes" },
        { "tcpkeepalive", "tcpKeepAlive", SETTING_STRING, "yes" },
        { "compression", "compression", SETTING_STRING, "yes" },
        { "printlastlog", "printLastLog", SETTING_STRING, "yes" },
        { "authorizedkeysfile", "authorizedKeysFile", SETTING_STRING,
          ".ssh/authorized_keys .ssh/authorized_keys2" },
};

/* Keywords of which every line counts. */
static const struct {
        const char *keyword, *name;
        const char *fallback;
} lists[] = {
        { "port", "port", "22" },           { "listenaddress", "listenAddress", "" },
        { "allowusers", "allowUsers", "" }, { "allowgroups", "allowGroups", "" },
        { "denyusers", "denyUsers", "" },   { "denygroups", "denyGroups", "" },
};

static struct str lower(struct arena *arena, struct str text) {
        struct str copy = arena_str(arena, text);
        char *c = (char *)copy.ptr;

        for (size_t i = 0; i < copy.len; i++)
                if (c[i] >= 'A' && c[i] <= 'Z')
                        c[i] = (char)(c[i] + 32);
        return copy;
}

void sshd_parse(struct arena *arena, struct str path, struct str text, struct str *match,
                struct sshd_config *ret) {
        struct str line;
        uint32_t number = 0;

        while (ret->count < LINES_MAX && str_split(&text, '\n', &line)) {
                size_t length = 0;
                struct str keyword, value;

                number++;
                line = str_trim(line);
                if (line.len == 0 || line.ptr[0] == '#')
                        continue;
                while (length < line.len && !strchr(" \t=", line.ptr[length]))
                        length++;
                keyword = lower(arena, str_slice(line, 0, length));
                value = str_trim(str_slice(line, length, line.len));
                if (str_starts(value, STR("=")))
                        value = str_trim(str_slice(value, 1, value.len));
                if (value.len > 1 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
                        value = str_slice(value, 1, value.len - 1);
                if (str_eq(keyword, STR("match")))
                        *match = str_eq(lower(arena, value), STR("all")) ? STR("") : value;
                *vec_push_in(arena, ret) =
                        (struct sshd_line){ keyword, value, *match, { path, number, 1 } };
        }
}

struct reading {
        struct node *node;
        struct sshd_config config;
        struct fact *files;
        struct str unknown;
};

static void read_file(struct reading *reading, struct str path, struct str *match, int depth);

static void read_include(struct reading *reading, struct str pattern, struct str *match,
                         int depth) {
        struct node *node = reading->node;
        struct str part;

        while (reading->files->count < INCLUDES_MAX && str_split(&pattern, ' ', &part)) {
                struct str path = node_path(node, STR("/etc/ssh"), part);
                struct str name = node_basename(path);
                ptrdiff_t star = str_find(name, STR("*"), 0);
                struct root_names names = { 0 };
                struct str inner;

                if (part.len == 0)
                        continue;
                if (star < 0) {
                        inner = *match;
                        read_file(reading, path, &inner, depth + 1);
                        continue;
                }
                if (root_list(&node->root, node_dirname(path), node->arena, &names) < 0)
                        continue;
                for (size_t i = 0; i < names.count && i < 200; i++)
                        if (str_starts(names.items[i], str_slice(name, 0, (size_t)star)) &&
                            str_ends(names.items[i], str_slice(name, (size_t)star + 1, name.len))) {
                                /* a Match in an included file ends with it */
                                inner = *match;
                                read_file(reading,
                                          node_join(node, node_dirname(path), names.items[i]),
                                          &inner, depth + 1);
                        }
        }
}

static void read_file(struct reading *reading, struct str path, struct str *match, int depth) {
        struct node *node = reading->node;
        struct sshd_config lines = { 0 };
        struct str text;
        int r;

        if (depth > INCLUDE_DEPTH || reading->config.count >= LINES_MAX ||
            reading->files->count >= INCLUDES_MAX) {
                reading->unknown = STR("files of sshd include each other without end");
                node_gap(node, "configuration of sshd", path, reading->unknown,
                         "host.sshd.settings");
                return;
        }
        path = arena_str(node->arena, path);
        r = node_read(node, &node->root, path, "configuration of sshd", "host.sshd.settings",
                      &text);
        if (r == -ENOENT || r == -ENOTDIR)
                return;
        fact_add(node->arena, reading->files, node_file(node, path, "sshd"));
        if (r < 0) {
                reading->unknown = arena_printf(node->arena, "%.*s: %.*s", STR_ARG(path),
                                                STR_ARG(node_error_text(node, r)));
                return;
        }
        sshd_parse(node->arena, path, text, match, &lines);
        for (size_t i = 0; i < lines.count && reading->config.count < LINES_MAX; i++) {
                *match = lines.items[i].match;
                if (str_eq(lines.items[i].keyword, STR("include")))
                        read_include(reading, lines.items[i].value, match, depth);
                else
                        *vec_push_in(node->arena, &reading->config) = lines.items[i];
        }
}

/* "2m" and the like for times. */
static struct fact *line_value(struct node *node, enum setting_type type, struct str text) {
        double time;

        if (type == SETTING_INT && !setting_value(node->arena, type, text) &&
            node_duration(text, &time))
                return fact_int(node->arena, (int64_t)time);
        return setting_value(node->arena, type, text);
}

static struct fact *first_of(struct node *node, const struct reading *reading, size_t row,
                             struct str match) {
        for (size_t i = 0; i < reading->config.count; i++) {
                const struct sshd_line *line = &reading->config.items[i];
                struct fact *value;
                struct str keyword = line->keyword;

                if (str_eq(keyword, STR("challengeresponseauthentication")))
                        keyword = STR("kbdinteractiveauthentication");
                if (!str_eq(keyword, str_from(table[row].keyword)) || !str_eq(line->match, match))
                        continue;
                value = line_value(node, table[row].type, line->value);
                return value ? fact_setting(node->arena, value, "config", line->place)
                             : fact_unknown(node->arena, STR("the value cannot be read"),
                                            line->place);
        }
        return NULL;
}

static void add_settings(struct node *node, const struct reading *reading, struct fact *sshd) {
        struct arena *arena = node->arena;
        struct fact *settings = fact_set(arena, sshd, STR("settings"), fact_map(arena));
        struct place place = { STR("/etc/ssh/sshd_config"), 1, 1 };

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                struct fact *fact = first_of(node, reading, i, STR(""));

                if (!fact)
                        fact = reading->unknown.len > 0
                                       ? fact_unknown(arena, reading->unknown, place)
                                       : fact_setting(arena,
                                                      setting_value(arena, table[i].type,
                                                                    str_from(table[i].fallback)),
                                                      "default", place);
                fact_set(arena, settings, str_from(table[i].name), fact);
        }
        for (size_t i = 0; i < ELEMENTS(lists); i++) {
                struct fact *list = fact_list(arena), *fact;
                struct place where = place;

                for (size_t k = 0; k < reading->config.count; k++) {
                        const struct sshd_line *line = &reading->config.items[k];
                        struct str rest = line->value, part;

                        if (!str_eq(line->keyword, str_from(lists[i].keyword)) ||
                            line->match.len > 0)
                                continue;
                        where = list->count == 0 ? line->place : where;
                        while (str_split(&rest, ' ', &part))
                                if (part.len > 0)
                                        fact_add_string(arena, list, part);
                }
                fact = fact_setting(arena, list, list->count > 0 ? "config" : "default", where);
                if (list->count == 0 && *lists[i].fallback)
                        fact_add_string(arena, list, str_from(lists[i].fallback));
                if (list->count == 0 && reading->unknown.len > 0)
                        fact = fact_unknown(arena, reading->unknown, place);
                fact_set(arena, settings, str_from(lists[i].name), fact);
        }
}

static void add_matches(struct node *node, const struct reading *reading, struct fact *sshd) {
        struct arena *arena = node->arena;
        struct fact *list = fact_set(arena, sshd, STR("matches"), fact_list(arena));

        for (size_t i = 0; i < reading->config.count && list->count < KEYS_MAX; i++) {
                const struct sshd_line *line = &reading->config.items[i];
                struct fact *fact, *settings;

                if (!str_eq(line->keyword, STR("match")) || line->match.len == 0)
                        continue;
                fact = fact_add(arena, list, fact_map(arena));
                fact_set_string(arena, fact, "criteria", line->match);
                settings = fact_set(arena, fact, STR("settings"), fact_map(arena));
                for (size_t k = 0; k < ELEMENTS(table); k++)
                        fact_set(arena, settings, str_from(table[k].name),
                                 first_of(node, reading, k, line->match));
                fact_set(arena, fact, STR("place"), fact_place(arena, line->place));
        }
}

static void add_keys(struct node *node, struct fact *sshd) {
        struct arena *arena = node->arena;
        struct fact *keys = fact_set(arena, sshd, STR("hostKeys"), fact_list(arena));
        struct fact *authorized = fact_set(arena, sshd, STR("authorizedKeys"), fact_list(arena));
        struct root_names names = host_files(node, "/etc/ssh", "_key");

        for (size_t i = 0; i < names.count && i < 50; i++)
                fact_add(arena, keys, node_file(node, names.items[i], "host key"));
        for (size_t i = 0; i < node->users.users.count && authorized->count < KEYS_MAX; i++) {
                const struct user *user = &node->users.users.items[i];
                struct str path =
                        arena_printf(arena, "%.*s/.ssh/authorized_keys", STR_ARG(user->home));
                struct str text, line;
                struct fact *fact;
                int64_t count = 0;

                if (user->home.len < 2 || node_read(node, &node->root, path, "authorized keys",
                                                    "host.sshd.authorizedKeys", &text) < 0)
                        continue;
                while (str_split(&text, '\n', &line)) {
                        line = str_trim(line);
                        count += line.len > 0 && line.ptr[0] != '#';
                }
                fact = fact_add(arena, authorized, fact_map(arena));
                fact_set_string(arena, fact, "user", user->name);
                fact_set_int(arena, fact, "keys", count);
                fact_set(arena, fact, STR("file"), node_file(node, path, "authorized keys"));
                fact_set(arena, fact, STR("place"),
                         fact_place(arena, (struct place){ path, 1, 1 }));
        }
}

void sshd_collect(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *sshd = fact_set(arena, host, STR("sshd"), fact_map(arena));
        struct reading reading = { .node = node, .files = fact_list(arena) };
        struct str match = STR("");
        bool running = false;

        for (size_t i = 0; i < node->processes.count; i++)
                running = running || (str_eq(node->processes.items[i].name, STR("sshd")) &&
                                      !node->processes.items[i].is_pod);
        read_file(&reading, STR("/etc/ssh/sshd_config"), &match, 0);
        fact_set_bool(arena, sshd, "present",
                      running || root_exists(&node->root, STR("/usr/sbin/sshd")));
        fact_set_bool(arena, sshd, "running", running);
        if (!fact_value_bool(fact_get(sshd, "present"), false))
                return;
        fact_set(arena, sshd, STR("file"), node_file(node, STR("/etc/ssh/sshd_config"), "sshd"));
        fact_set(arena, sshd, STR("files"), reading.files);
        add_settings(node, &reading, sshd);
        add_matches(node, &reading, sshd);
        add_keys(node, sshd);
}
