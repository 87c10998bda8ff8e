#include "inventory/files.h"

#include <errno.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/ignore.h"
#include "base/util.h"
#include "base/walk.h"
#include "doc/doc.h"
#include "inventory/private.h"

struct adder {
        struct input_list *list;
        struct ignore *ignore;
        struct str start;
        bool folder; /* START is a folder: what is reported was found below it */
};

static struct str base_name(struct str path) {
        for (size_t i = path.len; i > 0; i--)
                if (path.ptr[i - 1] == '/')
                        return str_slice(path, i, path.len);
        return path;
}

static bool is_manifest_name(struct str name) {
        return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) ||
               str_ends(name, STR(".json"));
}

/* chart/templates/x.yaml, also in subfolders of templates: is there chart/Chart.yaml? */
static bool in_chart(struct str path) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        ptrdiff_t at = 0;

        while ((at = str_find(path, STR("templates/"), (size_t)at)) >= 0) {
                if (at == 0 || path.ptr[at - 1] == '/') {
                        struct str chart = arena_printf(&arena, "%.*sChart.yaml",
                                                        STR_ARG(str_slice(path, 0, (size_t)at)));

                        if (access(chart.ptr, F_OK) == 0)
                                return true;
                }
                at++;
        }
        return false;
}

bool input_wants(struct input_list *list, const struct ignore *ignore, struct str relative,
                 bool folder) {
        struct str name = base_name(relative);

        if (str_starts(name, STR(".")))
                return false;
        if (!folder && !is_manifest_name(name))
                return false;
        if (ignore && ignore_check(ignore, relative, folder) == IGNORE_LEFT_OUT) {
                list->ignored++;
                return false;
        }
        return true;
}

static bool wants(void *userdata, struct str path, struct str relative, bool folder) {
        struct adder *adder = userdata;

        (void)path;
        return input_wants(adder->list, adder->ignore, relative, folder);
}

/* PATH, which was found below START, without it. */
static struct str below(struct str start, struct str path) {
        size_t at = str_starts(path, start) ? start.len : 0;

        while (at > 0 && at < path.len && path.ptr[at] == '/')
                at++;
        return str_slice(path, at, path.len);
}

static int add_file(void *userdata, struct str path, uint64_t size) {
        struct adder *adder = userdata;
        struct input_file *file = vec_push(&adder->list->files);

        *file = (struct input_file){ .path = path,
                                     .relative =
                                             adder->folder ? below(adder->start, path) : STR(""),
                                     .size = size,
                                     .named = !adder->folder,
                                     .in_chart = in_chart(path) };
        return 0;
}

static void add_problem(void *userdata, struct str path, const char *message) {
        struct adder *adder = userdata;
        struct diagnostic *problem = vec_push(&adder->list->problems);

        *problem = (struct diagnostic){ .file = path,
                                        .message = arena_printf(&adder->list->arena, "%s", message),
                                        .incomplete = true };
}

static int add_stdin(struct input_list *list, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct input_file *file;
        int r = fs_read("-", STDIN_FILENO, list->file_limit, true, &buf, error);

        if (r < 0)
                return r;
        file = vec_push(&list->files);
        *file = (struct input_file){ .path = STR("<stdin>"),
                                     .size = buf.len,
                                     .named = true,
                                     .text = arena_str(&list->arena, buf_str(&buf)) };
        return 0;
}

int input_read_ignore(struct input_list *list, struct str folder, struct ignore **ret,
                      struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str name = arena_printf(&list->arena, "%.*s/.redoubtignore", STR_ARG(folder));
        int r;

        if (access(name.ptr, F_OK) < 0)
                return 0;
        r = fs_read(name.ptr, -1, IGNORE_TEXT_MAX, false, &buf, error);
        if (r < 0) {
                error_set_file(error, name);
                return r;
        }
        r = ignore_new(&list->arena, arena_str(&list->arena, buf_str(&buf)), ret, error);
        if (r < 0)
                error_set_file(error, name);
        return r;
}

int input_add(struct input_list *list, const char *path, struct error *error) {
        struct adder adder = { .list = list, .start = arena_str(&list->arena, str_from(path)) };
        struct walk walk = { wants, add_file, add_problem, &adder };
        int r;

        if (str_eq(adder.start, STR("-")))
                return add_stdin(list, error);
        r = fs_is_folder(path);
        adder.folder = r > 0;
        if (adder.folder) {
                r = input_read_ignore(list, adder.start, &adder.ignore, error);
                if (r < 0)
                        return r;
        }
        r = walk_path(&list->arena, adder.start, &walk, error);
        if (r < 0)
                error_set_file(error, adder.start);
        return r;
}

void input_add_text(struct input_list *list, struct str path, struct str text) {
        struct input_file *file = vec_push(&list->files);

        *file = (struct input_file){ .path = arena_str(&list->arena, path),
                                     .size = text.len,
                                     .named = true,
                                     .text = arena_str(&list->arena, text) };
        file->relative = file->path;
}

void input_free(struct input_list *list) {
        vec_free(&list->files);
        vec_free(&list->problems);
        vec_free(&list->lists);
        vec_free(&list->gaps);
        arena_free(&list->arena);
}
