/*
 * The facts of a file.
 */
#include "node/private.h"

static const char *type_name(mode_t mode) {
        switch (mode & S_IFMT) {
        case S_IFREG:
                return "file";
        case S_IFDIR:
                return "directory";
        case S_IFSOCK:
                return "socket";
        case S_IFIFO:
                return "fifo";
        case S_IFCHR:
        case S_IFBLK:
                return "device";
        default:
                return "other";
        }
}

static struct str access_text(struct arena *arena, mode_t mode) {
        char text[10];

        for (int i = 0; i < 9; i++)
                text[i] = mode & (0400u >> i) ? "rwx"[i % 3] : '-';
        return arena_str(arena, (struct str){ text, 9 });
}

/* Whether somebody besides root and UID could rename what lies in the folder ST. */
static bool is_open(const struct stat *st, uid_t uid) {
        bool sticky = st->st_mode & S_ISVTX;

        return (st->st_uid != 0 && st->st_uid != uid) || ((st->st_mode & S_IWOTH) && !sticky) ||
               ((st->st_mode & S_IWGRP) && st->st_gid != 0 && !sticky);
}

static struct str open_parent(const struct root *root, struct str path, uid_t uid) {
        struct stat st;

        while (path.len > 1) {
                path = node_dirname(path);
                if (path.len == 0)
                        break;
                if (root_stat(root, path, true, &st) == 0 && is_open(&st, uid))
                        return path;
        }
        return STR("");
}

static void fill(struct node *node, const struct root *root, struct str path, const struct stat *st,
                 struct fact *fact) {
        struct arena *arena = node->arena;
        struct str resolved = STR("");

        fact_set_bool(arena, fact, "exists", true);
        fact_set_string(arena, fact, "type", str_from(type_name(st->st_mode)));
        if (root_resolve(root, path, arena, &resolved) < 0 || str_eq(resolved, path))
                resolved = STR("");
        fact_set_string(arena, fact, "resolved", resolved);
        fact_set_int(arena, fact, "mode", st->st_mode & 07777);
        fact_set_string(arena, fact, "modeText",
                        arena_printf(arena, "%04o", (unsigned)st->st_mode & 07777));
        fact_set_string(arena, fact, "access", access_text(arena, st->st_mode));
        fact_set_int(arena, fact, "uid", st->st_uid);
        fact_set_int(arena, fact, "gid", st->st_gid);
        fact_set_string(arena, fact, "owner", users_name(&node->users, st->st_uid));
        fact_set_string(arena, fact, "group", users_group(&node->users, st->st_gid));
        fact_set_int(arena, fact, "links", (int64_t)st->st_nlink);
        fact_set_int(arena, fact, "size", S_ISDIR(st->st_mode) ? 0 : st->st_size);
        fact_set_string(arena, fact, "openParent",
                        open_parent(root, resolved.len > 0 ? resolved : path, st->st_uid));
}

struct fact *node_file_in(struct node *node, const struct root *root, struct str path,
                          const char *purpose) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena);
        struct stat st;
        int r = root_stat(root, path, true, &st);

        path = arena_str(arena, path);
        fact_set_string(arena, fact, "path", path);
        if (r >= 0) {
                fill(node, root, path, &st, fact);
        } else if (r == -ENOENT || r == -ENOTDIR) {
                fact_set_bool(arena, fact, "exists", false);
        } else {
                struct str why = node_error_text(node, r);

                fact_set_bool(arena, fact, "unknown", true);
                fact_set_string(arena, fact, "why",
                                arena_printf(arena, "%.*s: %.*s", STR_ARG(path), STR_ARG(why)));
                node_gap(node, "file", path, why, "");
        }
        fact_set_string(arena, fact, "purpose", str_from(purpose));
        fact_set(arena, fact, STR("place"), fact_place(arena, (struct place){ path, 1, 1 }));
        return fact;
}

struct fact *node_file(struct node *node, struct str path, const char *purpose) {
        return node_file_in(node, &node->root, path, purpose);
}
