/*
 * /etc/passwd and /etc/group of the root: names for numbers, and who there is.
 */
#include "node/private.h"

enum { ACCOUNTS_MAX = 20000 };

static int fields(struct str line, struct str *ret, int max) {
        int count = 0;

        while (count < max && str_split(&line, ':', &ret[count]))
                count++;
        return count;
}

static void read_users(struct node *node, struct str text) {
        struct str line, f[7];
        uint32_t number = 0;

        while (str_split(&text, '\n', &line)) {
                struct user user = { .line = ++number };

                if (line.len == 0 || line.ptr[0] == '#' || fields(line, f, 7) < 7 ||
                    !node_int(f[2], &user.uid) || !node_int(f[3], &user.gid))
                        continue;
                user.name = f[0];
                user.gecos = f[4];
                user.home = f[5];
                user.shell = f[6];
                if (node->users.users.count < ACCOUNTS_MAX)
                        *vec_push_in(node->arena, &node->users.users) = user;
        }
}

static void read_groups(struct node *node, struct str text) {
        struct str line, f[4];
        uint32_t number = 0;

        while (str_split(&text, '\n', &line)) {
                struct group group = { .line = ++number };

                if (line.len == 0 || line.ptr[0] == '#' || fields(line, f, 4) < 3 ||
                    !node_int(f[2], &group.gid))
                        continue;
                group.name = f[0];
                group.members = fields(line, f, 4) == 4 ? f[3] : STR("");
                if (node->users.groups.count < ACCOUNTS_MAX)
                        *vec_push_in(node->arena, &node->users.groups) = group;
        }
}

void users_read(struct node *node) {
        struct str text;

        node->users.error =
                node_read(node, &node->root, STR("/etc/passwd"), "users", "host.users", &text);
        if (node->users.error >= 0)
                read_users(node, text);
        node->users.group_error =
                node_read(node, &node->root, STR("/etc/group"), "groups", "host.groups", &text);
        if (node->users.group_error >= 0)
                read_groups(node, text);
}

struct str users_name(const struct users *users, int64_t uid) {
        for (size_t i = 0; i < users->users.count; i++)
                if (users->users.items[i].uid == uid)
                        return users->users.items[i].name;
        return STR("");
}

struct str users_group(const struct users *users, int64_t gid) {
        for (size_t i = 0; i < users->groups.count; i++)
                if (users->groups.items[i].gid == gid)
                        return users->groups.items[i].name;
        return STR("");
}
