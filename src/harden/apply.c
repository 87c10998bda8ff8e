/*
 * Applying a plan, and undoing it.
 *
 * What is done is written down first: a folder of HARDEN_FOLDER gets a copy of every file that
 * changes and manifest.json, and only then are files changed, each in one step. So whenever it
 * ends, what was done can be undone. Undoing restores contents, mode and owner of every file that
 * is still as it was left, and marks the manifest as undone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "finding/sha256.h"
#include "harden/private.h"
#include "report/json.h"

enum { ID_MAX = 32, ENTRIES_MAX = 10000, ATTEMPTS_MAX = 100 };

static struct str hash_of(struct arena *arena, struct str text) {
        unsigned char bytes[SHA256_SIZE];
        struct sha256 hash;
        char hex[2 * SHA256_SIZE + 1];

        sha256_begin(&hash);
        sha256_add(&hash, text.ptr, text.len);
        sha256_end(&hash, bytes);
        for (size_t i = 0; i < SHA256_SIZE; i++)
                snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
        return arena_str(arena, str_from(hex));
}

static bool text_changes(const struct harden_file *file) {
        return file->has_text && !(file->exists && str_eq(file->before, file->after));
}

static bool changes(const struct harden_file *file) {
        return text_changes(file) ||
               (file->exists && (file->mode != file->new_mode || file->uid != file->new_uid ||
                                 file->gid != file->new_gid));
}

static int failed(struct error *error, int r, const char *what, struct str path) {
        return error_set(error, r, "cannot %s %.*s: %s", what, STR_ARG(path), strerror(-r));
}

/* --- before --- */

/* Whether FILE is as the plan saw it. */
static int check_file(struct harden_plan *plan, const struct harden_file *file,
                      struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct stat status;
        int r = tree_stat(plan->root, file->path, &status);

        if (!file->exists && r == -ENOENT)
                return 0;
        if (r >= 0 && file->exists && file->has_text)
                r = tree_read(plan->root, file->path, &buf, &status);
        if (r < 0)
                return failed(error, r, "read", file->path);
        if (!file->exists || (status.st_mode & 07777) != file->mode || status.st_uid != file->uid ||
            status.st_gid != file->gid || (file->has_text && !str_eq(buf_str(&buf), file->before)))
                return error_set(error, -EBUSY, "%.*s has changed since the plan was made",
                                 STR_ARG(file->path));
        return 0;
}

/* --- the manifest --- */

static void add_owner(struct buf *buf, const char *key, mode_t mode, uid_t uid, gid_t gid) {
        json_key(buf, key);
        buf_printf(buf, "{\"mode\":%u,\"uid\":%u,\"gid\":%u}", mode, uid, gid);
}

static void add_entry(struct harden_plan *plan, struct buf *buf, const struct harden_file *file,
                      size_t number) {
        char copy[32] = "";

        if (file->exists && text_changes(file))
                snprintf(copy, sizeof copy, "%zu", number);
        json_item(buf);
        buf_add(buf, STR("\n  {"));
        json_string(buf, "path", file->path);
        json_bool(buf, "existed", file->exists);
        json_string(buf, "copy", str_from(copy));
        json_string(buf, "after",
                    text_changes(file) ? hash_of(&plan->arena, file->after) : STR(""));
        add_owner(buf, "was", file->mode, file->uid, file->gid);
        add_owner(buf, "is", file->new_mode, file->new_uid, file->new_gid);
        json_key(buf, "rules");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < file->rules.count; i++) {
                json_item(buf);
                buf_add_json(buf, file->rules.items[i]);
        }
        buf_add(buf, STR("]}"));
}

static struct str manifest_of(struct harden_plan *plan, struct str id) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        buf_add(&buf, STR("{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"NodeFix\""));
        json_string(&buf, "id", id);
        json_bool(&buf, "undone", false);
        json_key(&buf, "files");
        buf_add_char(&buf, '[');
        for (size_t i = 0; i < plan->files.count; i++)
                if (changes(&plan->files.items[i]))
                        add_entry(plan, &buf, &plan->files.items[i], i);
        buf_add(&buf, STR("\n]}\n"));
        return arena_str(&plan->arena, buf_str(&buf));
}

static struct str in_folder(struct arena *arena, struct str id, struct str name) {
        return arena_printf(arena, HARDEN_FOLDER "/%.*s/%.*s", STR_ARG(id), STR_ARG(name));
}

/* A name that sorts by time, and that nothing has yet. */
static int new_id(struct harden_plan *plan, struct str *ret, struct error *error) {
        time_t now = time(NULL);
        struct tm tm;
        struct stat status;

        gmtime_r(&now, &tm);
        for (int i = 0; i < ATTEMPTS_MAX; i++) {
                *ret = arena_printf(&plan->arena, "%04d%02d%02dT%02d%02d%02dZ-%02d",
                                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                                    tm.tm_min, tm.tm_sec, i);
                if (tree_stat(plan->root, in_folder(&plan->arena, *ret, STR("manifest.json")),
                              &status) < 0)
                        return 0;
        }
        return error_set(error, -EEXIST, "there is no name left in " HARDEN_FOLDER);
}

static int keep_copies(struct harden_plan *plan, struct str id, struct error *error) {
        for (size_t i = 0; i < plan->files.count; i++) {
                const struct harden_file *file = &plan->files.items[i];
                struct str copy;
                char name[32];
                int r;

                if (!file->exists || !text_changes(file))
                        continue;
                snprintf(name, sizeof name, "%zu", i);
                copy = in_folder(&plan->arena, id, str_from(name));
                r = tree_write(plan->root, copy, file->before, 0600, geteuid(), getegid());
                if (r < 0)
                        return failed(error, r, "write", copy);
        }
        return 0;
}

/* --- changing --- */

static int change_file(struct harden_plan *plan, const struct harden_file *file,
                       struct error *error) {
        int r = 0;

        if (text_changes(file))
                r = tree_write(plan->root, file->path, file->after,
                               file->exists ? file->new_mode : 0644, file->new_uid, file->new_gid);
        else
                r = tree_change(plan->root, file->path, file->new_mode, file->new_uid,
                                file->new_gid);
        return r < 0 ? failed(error, r, "change", file->path) : 0;
}

int harden_apply(struct harden_plan *plan, struct str *ret_id, struct error *error) {
        struct str manifest, path;
        size_t count = 0;
        int r = 0;

        *ret_id = STR("");
        for (size_t i = 0; i < plan->files.count && r >= 0; i++)
                if (changes(&plan->files.items[i])) {
                        r = check_file(plan, &plan->files.items[i], error);
                        count++;
                }
        if (r < 0 || count == 0)
                return r;
        r = new_id(plan, ret_id, error);
        if (r >= 0)
                r = keep_copies(plan, *ret_id, error);
        if (r < 0)
                return r;
        manifest = manifest_of(plan, *ret_id);
        path = in_folder(&plan->arena, *ret_id, STR("manifest.json"));
        r = tree_write(plan->root, path, manifest, 0600, geteuid(), getegid());
        if (r < 0)
                return failed(error, r, "write", path);
        for (size_t i = 0; i < plan->files.count && r >= 0; i++)
                if (changes(&plan->files.items[i]))
                        r = change_file(plan, &plan->files.items[i], error);
        return r;
}

/* --- undoing --- */

struct undo {
        struct arena arena;
        int root;
        struct str id;
        struct buf *told;
        size_t left_alone;
};

/* Whether NAME could be one of ours: no way out of the folder. */
static bool is_id(struct str name) {
        for (size_t i = 0; i < name.len; i++)
                if (!strchr("0123456789TZ-", name.ptr[i]))
                        return false;
        return name.len > 0 && name.len <= ID_MAX;
}

static unsigned number_of(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_INT && node->integer >= 0 && node->integer <= UINT32_MAX
                       ? (unsigned)node->integer
                       : 0;
}

static struct str field(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

static bool is_true(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_BOOL && node->boolean;
}

static void tell(struct undo *undo, const char *what, struct str path) {
        buf_printf(undo->told, "%s ", what);
        buf_add_terminal(undo->told, path);
        buf_add_char(undo->told, '\n');
}

/* Whether ENTRY's file is still as it was left. */
static bool is_as_left(struct undo *undo, const struct doc_node *entry) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *is = doc_get(entry, STR("is"));
        struct str after = field(entry, "after"), path = field(entry, "path");
        struct stat status;
        int r = after.len > 0 ? tree_read(undo->root, path, &buf, &status)
                              : tree_stat(undo->root, path, &status);

        if (r < 0 || (after.len > 0 && !str_eq(hash_of(&undo->arena, buf_str(&buf)), after)))
                return false;
        return !is_true(entry, "existed") || (status.st_mode & 07777) == number_of(is, "mode");
}

static int restore(struct undo *undo, const struct doc_node *entry, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *was = doc_get(entry, STR("was"));
        struct str path = field(entry, "path"), copy = field(entry, "copy"), from;
        mode_t mode = number_of(was, "mode") & 07777;
        struct stat status;
        int r;

        if (!is_true(entry, "existed")) {
                r = tree_remove(undo->root, path);
                return r < 0 ? failed(error, r, "remove", path) : 0;
        }
        if (copy.len == 0) {
                r = tree_change(undo->root, path, mode, number_of(was, "uid"),
                                number_of(was, "gid"));
                return r < 0 ? failed(error, r, "change", path) : 0;
        }
        if (!is_id(copy))
                return error_set(error, -EINVAL, "the manifest names no copy of %.*s",
                                 STR_ARG(path));
        from = in_folder(&undo->arena, undo->id, copy);
        r = tree_read(undo->root, from, &buf, &status);
        if (r < 0)
                return failed(error, r, "read", from);
        r = tree_write(undo->root, path, buf_str(&buf), mode, number_of(was, "uid"),
                       number_of(was, "gid"));
        return r < 0 ? failed(error, r, "write", path) : 0;
}

static int undo_entry(struct undo *undo, const struct doc_node *entry, struct error *error) {
        struct str path = field(entry, "path");
        int r;

        if (!is_as_left(undo, entry)) {
                tell(undo, "left alone, changed since:", path);
                undo->left_alone++;
                return 0;
        }
        r = restore(undo, entry, error);
        if (r >= 0)
                tell(undo, is_true(entry, "existed") ? "restored" : "removed", path);
        return r;
}

static int read_manifest(struct undo *undo, struct str id, struct buf *buf, struct doc **ret,
                         struct error *error) {
        struct doc_source *source = arena_new(&undo->arena, struct doc_source);
        struct str path = in_folder(&undo->arena, id, STR("manifest.json"));
        struct doc_reader reader;
        struct stat status;
        int r;

        buf_clear(buf);
        r = tree_read(undo->root, path, buf, &status);
        if (r < 0)
                return failed(error, r, "read", path);
        r = doc_source_init(&undo->arena, path, arena_str(&undo->arena, buf_str(buf)), source,
                            error);
        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_JSON, &doc_default_limits);
        r = doc_read(&reader, &undo->arena, ret, error);
        return r == 0 ? error_set(error, -EINVAL, "%.*s is empty", STR_ARG(path)) : r;
}

/* The manifest is written anew with one word changed; everything else stays. */
static int mark_undone(struct undo *undo, struct str text, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str path = in_folder(&undo->arena, undo->id, STR("manifest.json"));
        ptrdiff_t at = str_find(text, STR("\"undone\":false"), 0);
        int r;

        if (at < 0)
                return 0;
        buf_add(&buf, str_slice(text, 0, (size_t)at));
        buf_add(&buf, STR("\"undone\":true"));
        buf_add(&buf, str_slice(text, (size_t)at + strlen("\"undone\":false"), text.len));
        r = tree_write(undo->root, path, buf_str(&buf), 0600, geteuid(), getegid());
        return r < 0 ? failed(error, r, "write", path) : 0;
}

static int open_records(struct undo *undo) {
        char name[HARDEN_NAME_MAX + 1];
        int parent = tree_open_parent(undo->root, STR(HARDEN_FOLDER), false, name), fd;

        if (parent < 0)
                return parent;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                fd = -errno;
        close(parent);
        return fd;
}

/* The last of what was applied and not undone. */
static int find_last(struct undo *undo, struct error *error) {
        int fd = open_records(undo);
        DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        size_t count = 0;

        if (!folder && fd >= 0)
                close(fd);
        for (struct dirent *entry; folder && count < ENTRIES_MAX && (entry = readdir(folder));
             count++) {
                struct str name = str_from(entry->d_name);
                struct doc *doc;

                if (is_id(name) && str_cmp(name, undo->id) > 0 &&
                    read_manifest(undo, name, &buf, &doc, NULL) > 0 &&
                    !is_true(doc->root, "undone"))
                        undo->id = arena_str(&undo->arena, name);
        }
        if (folder)
                closedir(folder);
        return undo->id.len > 0
                       ? 0
                       : error_set(error, -ENOENT, "nothing was applied that could be undone");
}

static int undo_all(struct undo *undo, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *files;
        struct doc *doc;
        int r = read_manifest(undo, undo->id, &buf, &doc, error);

        if (r < 0)
                return r;
        if (is_true(doc->root, "undone"))
                return error_set(error, -ENOENT, "%.*s was undone already", STR_ARG(undo->id));
        files = doc_get(doc->root, STR("files"));
        r = 0;
        for (uint32_t i = 0; files && files->kind == DOC_LIST && i < files->list.count && r >= 0;
             i++)
                r = undo_entry(undo, &files->list.items[i], error);
        if (r >= 0 && undo->left_alone > 0)
                return error_set(error, -EBUSY, "%zu file%s changed since and left alone",
                                 undo->left_alone, undo->left_alone == 1 ? " was" : "s were");
        return r < 0 ? r : mark_undone(undo, buf_str(&buf), error);
}

int harden_undo(const char *root, const char *id, struct buf *buf, struct error *error) {
        struct undo undo = { .told = buf, .id = str_from(id ? id : "") };
        int r = 0;

        if (id && !is_id(undo.id))
                return error_set(error, -EINVAL, "\"%s\" names nothing that was applied", id);
        undo.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (undo.root < 0)
                return error_set(error, -errno, "cannot open %s: %s", root, strerror(errno));
        if (!id)
                r = find_last(&undo, error);
        if (r >= 0)
                r = undo_all(&undo, error);
        close(undo.root);
        arena_free(&undo.arena);
        return r;
}
