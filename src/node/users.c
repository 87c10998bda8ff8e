/*
 * /etc/passwd and /etc/group of the root: names for numbers, and who there is.
 */
#include "node/private.h"

enum { ACCOUNTS_MAX = 20000, PASSWD_MAX = 4 << 20 };

static int fields(struct str line, struct str *ret, int max) {
        int count = 0;

        while (count < max && str_split(&line, ':', &ret[count]))
                count++;
        return count;
}

/* The account in LINE, whose text it refers to. */
static bool parse_user(struct str line, struct user *ret) {
        struct str f[7];

        if (line.len == 0 || line.ptr[0] == '#' || fields(line, f, 7) < 7 ||
            !node_int(f[2], &ret->uid) || !node_int(f[3], &ret->gid))
                return false;
        ret->name = f[0];
        ret->gecos = f[4];
        ret->home = f[5];
        ret->shell = f[6];
        return true;
}

static void read_users(struct node *node, struct str text) {
        struct str line;
        uint32_t number = 0;

        while (str_split(&text, '\n', &line)) {
                struct user user = { .line = ++number };

                if (parse_user(line, &user) && node->users.users.count < ACCOUNTS_MAX)
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

int users_name_in(struct node *node, const struct root *root, int64_t uid, struct str *ret,
                  uint32_t *ret_line) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        int r = root_read(root, STR("/etc/passwd"), PASSWD_MAX, &buf);
        struct str text = buf_str(&buf), line;

        *ret_line = 0;
        if (r < 0)
                return r;
        while (*ret_line < ACCOUNTS_MAX && str_split(&text, '\n', &line)) {
                struct user user = { 0 };

                ++*ret_line;
                if (parse_user(line, &user) && user.uid == uid) {
                        *ret = arena_str(node->arena, user.name);
                        return 0;
                }
        }
        return -ENOENT;
}

struct str users_group(const struct users *users, int64_t gid) {
        for (size_t i = 0; i < users->groups.count; i++)
                if (users->groups.items[i].gid == gid)
                        return users->groups.items[i].name;
        return STR("");
}
