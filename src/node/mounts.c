/*
 * Mounts, as the kernel tells of those that the first process sees; in an image, what fstab says.
 */
#include "node/host.h"

/* Paths whose mount options matter; whether each is a mount of its own is a fact. */
static const char *const wanted[] = { "/",
                                      "/tmp",
                                      "/var",
                                      "/var/tmp",
                                      "/var/log",
                                      "/var/log/audit",
                                      "/home",
                                      "/dev/shm",
                                      "/boot",
                                      "/etc",
                                      "/var/lib/etcd",
                                      "/var/lib/kubelet",
                                      "/usr",
                                      "/proc",
                                      "/sys/fs/cgroup",
                                      "/opt",
                                      "/var/lib/containerd",
                                      "/run" };

struct mount {
        struct str path, type, source, options, super;
        struct place place;
};
struct mounts {
        struct mount *items;
        size_t count, capacity;
};

enum { MOUNTS_MAX = 20000 };

static struct str next_word(struct str *line) {
        struct str word = STR("");

        while (line->len > 0 && (line->ptr[0] == ' ' || line->ptr[0] == '\t'))
                *line = str_slice(*line, 1, line->len);
        while (word.len < line->len && line->ptr[word.len] != ' ' && line->ptr[word.len] != '\t')
                word.len++;
        word.ptr = line->ptr;
        *line = str_slice(*line, word.len, line->len);
        return word;
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
static void read_mountinfo(struct node *node, struct str path, struct str text,
                           struct mounts *ret) {
        struct str line;
        uint32_t number = 0;

        while (str_split(&text, '\n', &line) && ret->count < MOUNTS_MAX) {
                struct mount mount = { .place = { path, ++number, 1 } };

                for (int i = 0; i < 4; i++)
                        next_word(&line);
                mount.path = next_word(&line);
                mount.options = next_word(&line);
                while (line.len > 0 && !str_eq(next_word(&line), STR("-")))
                        ;
                mount.type = next_word(&line);
                mount.source = next_word(&line);
                mount.super = next_word(&line);
                if (mount.type.len > 0)
                        *vec_push_in(node->arena, ret) = mount;
        }
}

static void read_fstab(struct node *node, struct str path, struct str text, struct mounts *ret) {
        struct str line;
        uint32_t number = 0;

        while (str_split(&text, '\n', &line) && ret->count < MOUNTS_MAX) {
                struct mount mount = { .place = { path, ++number, 1 } };

                mount.source = next_word(&line);
                if (mount.source.len == 0 || mount.source.ptr[0] == '#')
                        continue;
                mount.path = next_word(&line);
                mount.type = next_word(&line);
                mount.options = next_word(&line);
                if (mount.options.len > 0)
                        *vec_push_in(node->arena, ret) = mount;
        }
}

static bool has_option(struct str options, const char *option) {
        struct str part;

        while (str_split(&options, ',', &part))
                if (str_eq(part, str_from(option)))
                        return true;
        return false;
}

static struct fact *mount_fact(struct node *node, const char *path, const struct mount *mount) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena), *options;
        struct str rest = mount->options, part;

        fact_set_string(arena, fact, "path", str_from(path));
        fact_set_string(arena, fact, "type", mount->type);
        fact_set_string(arena, fact, "source", mount->source);
        options = fact_set(arena, fact, STR("options"), fact_list(arena));
        while (str_split(&rest, ',', &part) && options->count < 50)
                fact_add_string(arena, options, part);
        fact_set_bool(arena, fact, "nodev", has_option(mount->options, "nodev"));
        fact_set_bool(arena, fact, "nosuid", has_option(mount->options, "nosuid"));
        fact_set_bool(arena, fact, "noexec", has_option(mount->options, "noexec"));
        fact_set_bool(arena, fact, "readOnly", has_option(mount->options, "ro"));
        fact_set_string(arena, fact, "hidepid", STR(""));
        if (str_find(mount->super, STR("hidepid="), 0) >= 0)
                fact_set_string(arena, fact, "hidepid", STR("set"));
        fact_set_bool(arena, fact, "separate", str_eq(mount->path, str_from(path)));
        fact_set(arena, fact, STR("place"), fact_place(arena, mount->place));
        return fact;
}

static bool contains(struct str mount, struct str path) {
        if (str_eq(mount, STR("/")))
                return true;
        return str_starts(path, mount) && (path.len == mount.len || path.ptr[mount.len] == '/');
}

void mounts_collect(struct node *node, struct fact *host) {
        static const char *const paths[] = { "/proc/1/mountinfo", "/proc/self/mountinfo" };
        struct mounts mounts = { 0 };
        struct fact *list;
        struct str text;
        int r = -ENOENT;

        for (size_t i = 0; i < ELEMENTS(paths) && r < 0; i++) {
                r = node_read(node, &node->root, str_from(paths[i]), "mounts", "", &text);
                if (r >= 0)
                        read_mountinfo(node, str_from(paths[i]), text, &mounts);
        }
        if (r < 0) {
                r = node_read(node, &node->root, STR("/etc/fstab"), "mounts", "host.mounts", &text);
                if (r >= 0)
                        read_fstab(node, STR("/etc/fstab"), text, &mounts);
        }
        if (r < 0) {
                node_gap(node, "mounts", STR("/proc/1/mountinfo"), node_error_text(node, r),
                         "host.mounts");
                return;
        }
        list = fact_set(node->arena, host, STR("mounts"), fact_list(node->arena));
        for (size_t i = 0; i < ELEMENTS(wanted); i++) {
                const struct mount *best = NULL;

                for (size_t k = 0; k < mounts.count; k++)
                        if (contains(mounts.items[k].path, str_from(wanted[i])) &&
                            (!best || mounts.items[k].path.len >= best->path.len))
                                best = &mounts.items[k];
                if (best && root_exists(&node->root, str_from(wanted[i])))
                        fact_add(node->arena, list, mount_fact(node, wanted[i], best));
        }
}
