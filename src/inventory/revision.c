/*
 * What a folder held in a revision of git.
 *
 * Three questions to git: which commit, which files below the folder, and what is in them (one
 * `cat-file --batch` for all). None of them looks at the working tree or starts a hook, a filter or
 * a transport, so nothing that a hostile repository is configured for is run.
 */
#include <errno.h>

#include "base/fs.h"
#include "base/options.h"
#include "base/process.h"
#include "base/util.h"
#include "inventory/private.h"

enum {
        LIST_MAX = 256 << 20, /* bytes that git may list */
        ARGUMENTS_MAX = 24,
};

/* A file of the revision. */
struct blob {
        struct str id, relative;
        size_t size;
};

struct revision {
        struct input_list *list;
        struct ignore *ignore;
        struct str path;   /* as given */
        const char *name;  /* of the revision */
        struct str folder; /* where git runs */
        struct str file;   /* the only one that is wanted; empty: every manifest of the folder */
        struct str commit;
        VEC(struct blob) blobs;
};

static int run_git(const struct revision *revision, const char *const *command, struct str input,
                   size_t limit, struct buf *output, struct error *error) {
        static const char *const first[] = { "git",
                                             "--no-pager",
                                             "--literal-pathspecs",
                                             "--no-optional-locks",
                                             "-c",
                                             "core.fsmonitor=false",
                                             "-c",
                                             "protocol.allow=never",
                                             "-C" };
        const char *argv[ARGUMENTS_MAX];
        struct process process = { .argv = argv, .input = input, .limit = limit };
        size_t count = 0;

        for (size_t i = 0; i < ELEMENTS(first); i++)
                argv[count++] = first[i];
        argv[count++] = revision->folder.ptr;
        while (*command && count + 1 < ARGUMENTS_MAX)
                argv[count++] = *command++;
        argv[count] = NULL;
        return process_run(&process, output, error);
}

static int find_commit(struct revision *revision, struct error *error) {
        struct arena *arena = &revision->list->arena;
        struct buf output _cleanup_(buf_free) = BUF_INIT;
        struct str wanted = arena_printf(arena, "%s^{commit}", revision->name);
        const char *const command[] = { "rev-parse", "--verify", "--end-of-options", wanted.ptr,
                                        NULL };
        struct error why = { 0 };
        int r = run_git(revision, command, STR(""), LIST_MAX, &output, &why);

        if (r < 0)
                return error_set(error, r, "cannot look into revision \"%s\": %s", revision->name,
                                 why.message);
        if (r > 0)
                return error_set(error, -ENOENT,
                                 "\"%s\" is neither a file or folder nor a git revision of %.*s "
                                 "(%s)",
                                 revision->name, STR_ARG(revision->folder), why.message);
        revision->commit = arena_str(arena, str_trim(buf_str(&output)));
        return 0;
}

/* Whether every folder on the way to RELATIVE, and the file itself, would be looked at. */
static bool is_wanted(const struct revision *revision, struct str relative) {
        ptrdiff_t slash = -1;

        if (revision->file.len > 0)
                return true;
        while ((slash = str_find(relative, STR("/"), (size_t)slash + 1)) >= 0)
                if (!input_wants(revision->list, revision->ignore,
                                 str_slice(relative, 0, (size_t)slash), true))
                        return false;
        return input_wants(revision->list, revision->ignore, relative, false);
}

static void too_large(struct revision *revision, struct str relative) {
        struct diagnostic *problem = vec_push(&revision->list->problems);
        struct arena *arena = &revision->list->arena;

        problem->file = arena_printf(arena, "%s:%.*s", revision->name, STR_ARG(relative));
        problem->message =
                arena_printf(arena, "is larger than %zu bytes", revision->list->file_limit);
        problem->incomplete = true;
}

/* "100644 blob ID    SIZE\tPATH": ordinary files only; what a link leads to is not followed. */
static void add_entry(struct revision *revision, struct str line) {
        struct arena *arena = &revision->list->arena;
        struct str mode, type, id, path = line, about;
        struct blob blob;
        int64_t size;

        if (!str_split(&path, '\t', &about) || !str_split(&about, ' ', &mode) ||
            !str_split(&about, ' ', &type) || !str_split(&about, ' ', &id) ||
            option_parse_integer(str_trim(about), &size) < 0 || size < 0)
                return;
        if (!str_starts(mode, STR("100")) || !is_wanted(revision, path))
                return;
        blob = (struct blob){ arena_str(arena, id), arena_str(arena, path), (size_t)size };
        if (blob.size > revision->list->file_limit)
                too_large(revision, blob.relative);
        else
                *vec_push_in(arena, &revision->blobs) = blob;
}

static int list_blobs(struct revision *revision, struct error *error) {
        struct buf output _cleanup_(buf_free) = BUF_INIT;
        const char *const command[] = { "ls-tree",
                                        "-r",
                                        "-z",
                                        "-l",
                                        revision->commit.ptr,
                                        "--",
                                        revision->file.len > 0 ? revision->file.ptr : NULL,
                                        NULL };
        int r = run_git(revision, command, STR(""), LIST_MAX, &output, error);
        struct str rest = buf_str(&output), line;

        while (r == 0 && str_split(&rest, '\0', &line))
                add_entry(revision, line);
        return r > 0 ? -EIO : r;
}

static void add_file(struct revision *revision, const struct blob *blob, struct str text) {
        struct arena *arena = &revision->list->arena;
        struct input_file *file = vec_push(&revision->list->files);
        bool named = revision->file.len > 0;
        struct str slash = str_ends(revision->path, STR("/")) ? STR("") : STR("/");

        *file = (struct input_file){ .relative = named ? STR("") : blob->relative,
                                     .size = text.len,
                                     .named = named,
                                     .text = arena_str(arena, text) };
        file->path = named ? arena_printf(arena, "%s:%.*s", revision->name, STR_ARG(revision->path))
                           : arena_printf(arena, "%s:%.*s%.*s%.*s", revision->name,
                                          STR_ARG(revision->path), STR_ARG(slash),
                                          STR_ARG(blob->relative));
}

/* "ID blob SIZE\n", the text and "\n" for each, in the order of the question. */
static int take_texts(struct revision *revision, struct str answer, struct error *error) {
        for (size_t i = 0; i < revision->blobs.count; i++) {
                const struct blob *blob = &revision->blobs.items[i];
                struct str header;

                if (!str_split(&answer, '\n', &header) || !str_starts(header, blob->id) ||
                    str_find(header, STR(" blob "), 0) < 0 || answer.len < blob->size + 1)
                        return error_set(error, -EIO, "git does not have %s:%.*s", revision->name,
                                         STR_ARG(blob->relative));
                add_file(revision, blob, str_slice(answer, 0, blob->size));
                answer = str_slice(answer, blob->size + 1, answer.len);
        }
        return 0;
}

static int read_blobs(struct revision *revision, struct error *error) {
        static const char *const command[] = { "cat-file", "--batch", NULL };
        struct buf question _cleanup_(buf_free) = BUF_INIT, answer _cleanup_(buf_free) = BUF_INIT;
        size_t limit = 0;
        int r;

        for (size_t i = 0; i < revision->blobs.count; i++) {
                buf_printf(&question, "%.*s\n", STR_ARG(revision->blobs.items[i].id));
                limit += revision->blobs.items[i].size + 128;
        }
        if (question.len == 0)
                return 0;
        r = run_git(revision, command, buf_str(&question), limit, &answer, error);
        if (r != 0)
                return r > 0 ? -EIO : r;
        return take_texts(revision, buf_str(&answer), error);
}

/* Where git is to run for PATH, and for which file. */
static int find_folder(struct revision *revision, const char *path, struct error *error) {
        struct arena *arena = &revision->list->arena;
        int r = fs_is_folder(path);
        size_t at;

        if (r < 0)
                return error_set(error, r, "%s", strerror(-r));
        revision->folder = revision->path;
        if (r > 0)
                return input_read_ignore(revision->list, revision->path, &revision->ignore, error);
        for (at = revision->path.len; at > 0 && revision->path.ptr[at - 1] != '/'; at--)
                ;
        revision->folder = at > 0 ? arena_str(arena, str_slice(revision->path, 0, at)) : STR(".");
        revision->file = arena_str(arena, str_slice(revision->path, at, revision->path.len));
        return 0;
}

int input_add_revision(struct input_list *list, const char *path, const char *revision,
                       struct error *error) {
        struct revision at = { .list = list,
                               .path = arena_str(&list->arena, str_from(path)),
                               .name = revision };
        int r;

        if (strcmp(path, "-") == 0)
                return error_set(error, -EINVAL,
                                 "standard input has no revision \"%s\"; name a file or a folder",
                                 revision);
        r = find_folder(&at, path, error);
        if (r >= 0)
                r = find_commit(&at, error);
        if (r >= 0)
                r = list_blobs(&at, error);
        if (r >= 0)
                r = read_blobs(&at, error);
        return r;
}
