#include "base/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/util.h"
#include "base/vec.h"

/* The folders from the start down to the current one: how a cycle of links is noticed. */
struct level {
        const struct level *above;
        dev_t device;
        ino_t inode;
        unsigned depth;
};

struct walker {
        struct arena *arena;
        const struct walk *walk;
        size_t start_length; /* of the path of the start and the slash after it */
};

struct names {
        struct str *items;
        size_t count, capacity;
};

static void names_free(struct names *names) {
        free(names->items);
}

static int compare_names(const void *a, const void *b) {
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void report_problem(struct walker *w, struct str path, const char *message) {
        if (w->walk->problem)
                w->walk->problem(w->walk->userdata, path, message);
}

static int read_names(struct walker *w, struct str path, struct names *ret) {
        DIR *dir = opendir(path.ptr);
        struct dirent *entry;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir))) {
                struct str name = str_from(entry->d_name);

                if (!str_eq(name, STR(".")) && !str_eq(name, STR("..")))
                        *vec_push(ret) = arena_str(w->arena, name);
        }
        closedir(dir);
        if (ret->count > 1)
                qsort(ret->items, ret->count, sizeof *ret->items, compare_names);
        return 0;
}

static int visit_folder(struct walker *w, struct str path, const struct level *level);

static bool is_cycle(const struct level *level, const struct stat *st) {
        for (; level; level = level->above)
                if (level->device == st->st_dev && level->inode == st->st_ino)
                        return true;
        return false;
}

static int visit_entry(struct walker *w, struct str path, const struct level *level) {
        struct str relative = str_slice(path, w->start_length, path.len);
        const struct walk *walk = w->walk;
        struct level below;
        struct stat st;

        if (stat(path.ptr, &st) < 0) {
                if (!walk->wants || walk->wants(walk->userdata, path, relative, false))
                        report_problem(w, path,
                                       errno == ELOOP ? "is a symbolic link that leads to itself"
                                                      : strerror(errno));
                return 0;
        }
        if (walk->wants && !walk->wants(walk->userdata, path, relative, S_ISDIR(st.st_mode)))
                return 0;
        if (!S_ISDIR(st.st_mode))
                return walk->file(walk->userdata, path, (uint64_t)st.st_size);
        if (is_cycle(level, &st))
                return 0; /* its files are visited under their other name */
        if (level->depth >= WALK_MAX_DEPTH) {
                report_problem(w, path, "is nested too deeply");
                return 0;
        }
        below = (struct level){ level, st.st_dev, st.st_ino, level->depth + 1 };
        return visit_folder(w, path, &below);
}

static int visit_folder(struct walker *w, struct str path, const struct level *level) {
        struct names names _cleanup_(names_free) = { 0 };
        const char *slash = path.len > 0 && path.ptr[path.len - 1] == '/' ? "" : "/";
        int r = read_names(w, path, &names);

        if (r < 0) {
                report_problem(w, path, strerror(-r));
                return 0;
        }
        for (size_t i = 0; i < names.count; i++) {
                struct str child = arena_printf(w->arena, "%.*s%s%.*s", STR_ARG(path), slash,
                                                STR_ARG(names.items[i]));

                r = visit_entry(w, child, level);
                if (r < 0)
                        return r;
        }
        return 0;
}

int walk_path(struct arena *arena, struct str start, const struct walk *walk, struct error *error) {
        struct walker w = { arena, walk, start.len };
        struct level top = { 0 };
        struct stat st;

        start = arena_str(arena, start);
        if (stat(start.ptr, &st) < 0)
                return error_set(error, -errno, "%s",
                                 errno == ELOOP ? "is a symbolic link that leads to itself"
                                                : strerror(errno));
        if (!S_ISDIR(st.st_mode))
                return walk->file(walk->userdata, start, (uint64_t)st.st_size);
        if (start.len > 0 && start.ptr[start.len - 1] != '/')
                w.start_length++;
        top = (struct level){ NULL, st.st_dev, st.st_ino, 0 };
        return visit_folder(&w, start, &top);
}
