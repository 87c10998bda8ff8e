/*
 * Who may do what on the host: users and their passwords (only whether there is one), groups, sudo.
 */
#include "node/host.h"

enum { RULES_MAX = 1000, FILES_MAX = 100 };

static const char *const password_files[] = { "/etc/passwd",  "/etc/passwd-",  "/etc/shadow",
                                              "/etc/shadow-", "/etc/group",    "/etc/group-",
                                              "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers" };

/* Shells that let nobody in. */
static bool is_login(struct str shell) {
        struct str name = node_basename(shell);

        return !str_eq(name, STR("nologin")) && !str_eq(name, STR("false")) &&
               !str_eq(name, STR("sync")) && !str_eq(name, STR("halt")) &&
               !str_eq(name, STR("shutdown"));
}

static const char *password_state(struct str hash) {
        if (hash.len == 0)
                return "none";
        return hash.ptr[0] == '!' || hash.ptr[0] == '*' ? "locked" : "set";
}

/* The hash is looked at for its first character and forgotten. */
static struct fact *password_fact(struct node *node, struct str name, struct str shadow, int r) {
        struct place place = { STR("/etc/shadow"), 0, 1 };
        struct str line, user, hash;

        if (r < 0)
                return fact_unknown(node->arena,
                                    arena_printf(node->arena, "/etc/shadow: %.*s",
                                                 STR_ARG(node_error_text(node, r))),
                                    place);
        while (str_split(&shadow, '\n', &line)) {
                place.line++;
                if (!str_split(&line, ':', &user) || !str_eq(user, name) ||
                    !str_split(&line, ':', &hash))
                        continue;
                return fact_setting(node->arena, fact_text(node->arena, password_state(hash)),
                                    "config", place);
        }
        return fact_setting(node->arena, fact_text(node->arena, "locked"), "default", place);
}

static void add_users(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct buf shadow _cleanup_(buf_free) = BUF_INIT;
        struct fact *list;
        int r = root_read(&node->root, STR("/etc/shadow"), ROOT_FILE_MAX, &shadow);

        if (r < 0 && r != -ENOENT)
                node_gap(node, "passwords", STR("/etc/shadow"), node_error_text(node, r),
                         "host.users");
        if (node->users.error < 0)
                return;
        list = fact_set(arena, host, STR("users"), fact_list(arena));
        for (size_t i = 0; i < node->users.users.count && list->count < 5000; i++) {
                const struct user *user = &node->users.users.items[i];
                struct fact *fact = fact_add(arena, list, fact_map(arena));

                fact_set_string(arena, fact, "name", user->name);
                fact_set_int(arena, fact, "uid", user->uid);
                fact_set_int(arena, fact, "gid", user->gid);
                fact_set_string(arena, fact, "shell", user->shell);
                fact_set_string(arena, fact, "home", user->home);
                fact_set_bool(arena, fact, "login", is_login(user->shell));
                fact_set(arena, fact, STR("password"),
                         password_fact(node, user->name, buf_str(&shadow), r));
                fact_set(arena, fact, STR("place"),
                         fact_place(arena, (struct place){ STR("/etc/passwd"), user->line, 1 }));
        }
        if (shadow.data)
                explicit_bzero(shadow.data, shadow.capacity);
}

static void add_groups(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *list;

        if (node->users.group_error < 0)
                return;
        list = fact_set(arena, host, STR("groups"), fact_list(arena));
        for (size_t i = 0; i < node->users.groups.count && list->count < 5000; i++) {
                const struct group *group = &node->users.groups.items[i];
                struct fact *fact = fact_add(arena, list, fact_map(arena)), *members;
                struct str rest = group->members, part;

                fact_set_string(arena, fact, "name", group->name);
                fact_set_int(arena, fact, "gid", group->gid);
                members = fact_set(arena, fact, STR("members"), fact_list(arena));
                while (rest.len > 0 && str_split(&rest, ',', &part))
                        fact_add_string(arena, members, part);
                fact_set(arena, fact, STR("place"),
                         fact_place(arena, (struct place){ STR("/etc/group"), group->line, 1 }));
        }
}

struct sudo {
        struct node *node;
        struct fact *files, *rules, *defaults;
        bool unreadable;
};

/* "%admin ALL=(ALL:ALL) NOPASSWD: ALL" */
static void add_rule(struct sudo *sudo, struct str line, struct place place) {
        struct arena *arena = sudo->node->arena;
        struct fact *fact, *list;
        struct str who = STR(""), hosts, rest, runas = STR("root"), part;
        ptrdiff_t equals = str_find(line, STR("="), 0), close;
        bool free = false, all = false;

        while (who.len < line.len && line.ptr[who.len] != ' ' && line.ptr[who.len] != '\t')
                who.len++;
        who.ptr = line.ptr;
        if (equals < 0 || (size_t)equals < who.len || sudo->rules->count >= RULES_MAX)
                return;
        hosts = str_trim(str_slice(line, who.len, (size_t)equals));
        rest = str_trim(str_slice(line, (size_t)equals + 1, line.len));
        close = str_find(rest, STR(")"), 0);
        if (str_starts(rest, STR("(")) && close > 0) {
                runas = str_slice(rest, 1, (size_t)close);
                rest = str_trim(str_slice(rest, (size_t)close + 1, rest.len));
        }
        fact = fact_add(arena, sudo->rules, fact_map(arena));
        fact_set_string(arena, fact, "who", who);
        fact_set_string(arena, fact, "hosts", hosts);
        fact_set_string(arena, fact, "runAs", runas);
        list = fact_set(arena, fact, STR("commands"), fact_list(arena));
        while (str_split(&rest, ',', &part) && list->count < 200) {
                ptrdiff_t colon;

                part = str_trim(part);
                /* tags: NOPASSWD: SETENV: ... */
                while ((colon = str_find(part, STR(":"), 0)) > 0 &&
                       !memchr(part.ptr, '/', (size_t)colon)) {
                        struct str tag = str_trim(str_slice(part, 0, (size_t)colon));

                        free = free || str_eq(tag, STR("NOPASSWD"));
                        part = str_trim(str_slice(part, (size_t)colon + 1, part.len));
                }
                all = all || str_eq(part, STR("ALL"));
                fact_add_string(arena, list, part);
        }
        fact_set_bool(arena, fact, "noPassword", free);
        fact_set_bool(arena, fact, "all", all);
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
}

static void read_sudoers(struct sudo *sudo, struct str path, int depth);

static void read_line(struct sudo *sudo, struct str line, struct place place, int depth) {
        static const char *const includes[] = { "@includedir ", "#includedir ", "@include ",
                                                "#include " };
        struct arena *arena = sudo->node->arena;

        for (size_t i = 0; i < ELEMENTS(includes); i++) {
                struct str name;

                if (!str_starts(line, str_from(includes[i])))
                        continue;
                name = str_trim(str_slice(line, strlen(includes[i]), line.len));
                if (i < 2) {
                        struct root_names names = { 0 };
                        int r = root_list(&sudo->node->root, name, arena, &names);

                        if (r < 0 && r != -ENOENT) {
                                node_gap(sudo->node, "sudo", name, node_error_text(sudo->node, r),
                                         "host.sudo.rules");
                                sudo->unreadable = true;
                        }
                        for (size_t k = 0; k < names.count && k < FILES_MAX; k++)
                                if (!memchr(names.items[k].ptr, '.', names.items[k].len) &&
                                    !str_ends(names.items[k], STR("~")))
                                        read_sudoers(sudo,
                                                     node_join(sudo->node, name, names.items[k]),
                                                     depth + 1);
                } else {
                        read_sudoers(sudo, node_path(sudo->node, STR("/etc"), name), depth + 1);
                }
                return;
        }
        if (line.len == 0 || line.ptr[0] == '#')
                return;
        if (str_starts(line, STR("Defaults"))) {
                struct fact *fact = fact_add(arena, sudo->defaults, fact_map(arena));

                fact_set_string(arena, fact, "text",
                                str_trim(str_slice(line, strlen("Defaults"), line.len)));
                fact_set(arena, fact, STR("place"), fact_place(arena, place));
        } else if (!str_find(line, STR("_Alias"), 0) || str_find(line, STR("_Alias "), 0) < 0) {
                add_rule(sudo, line, place);
        }
}

static void read_sudoers(struct sudo *sudo, struct str path, int depth) {
        struct node *node = sudo->node;
        struct place place = { arena_str(node->arena, path), 0, 1 };
        struct str text, line;
        int r;

        if (depth > 5 || sudo->files->count >= FILES_MAX)
                return;
        r = node_read(node, &node->root, path, "sudo", "host.sudo.rules", &text);
        if (r == -ENOENT || r == -ENOTDIR)
                return;
        fact_add(node->arena, sudo->files, node_file(node, place.file, "sudo"));
        if (r < 0) {
                sudo->unreadable = true;
                return;
        }
        while (str_split(&text, '\n', &line)) {
                place.line++;
                read_line(sudo, str_trim(line), place, depth);
        }
}

void accounts_collect(struct node *node, struct fact *host) {
        struct arena *arena = node->arena;
        struct fact *files, *fact;
        struct sudo sudo = { .node = node,
                             .files = fact_list(arena),
                             .rules = fact_list(arena),
                             .defaults = fact_list(arena) };

        add_users(node, host);
        add_groups(node, host);
        files = fact_set(arena, host, STR("passwordFiles"), fact_list(arena));
        for (size_t i = 0; i < ELEMENTS(password_files); i++)
                if (root_exists(&node->root, str_from(password_files[i])))
                        fact_add(arena, files,
                                 node_file(node, str_from(password_files[i]), "passwords"));
        read_sudoers(&sudo, STR("/etc/sudoers"), 0);
        fact = fact_set(arena, host, STR("sudo"), fact_map(arena));
        fact_set_bool(arena, fact, "present",
                      sudo.files->count > 0 || root_exists(&node->root, STR("/usr/bin/sudo")));
        fact_set(arena, fact, STR("files"), sudo.files);
        if (sudo.unreadable)
                return; /* the lists are missing: not known */
        fact_set(arena, fact, STR("rules"), sudo.rules);
        fact_set(arena, fact, STR("defaults"), sudo.defaults);
}
