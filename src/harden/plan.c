#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/diff.h"
#include "base/util.h"
#include "harden/private.h"
#include "report/json.h"

int harden_plan_init(struct harden_plan *plan, const char *root, const struct doc_node *facts,
                     struct error *error) {
        *plan = (struct harden_plan){ .facts = facts };
        plan->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (plan->root < 0)
                return error_set(error, -errno, "cannot open %s: %s", root, strerror(errno));
        return 0;
}

void harden_plan_free(struct harden_plan *plan) {
        for (size_t i = 0; i < plan->files.count; i++)
                vec_free(&plan->files.items[i].rules);
        vec_free(&plan->files);
        vec_free(&plan->manuals);
        vec_free(&plan->commands);
        if (plan->root > 0)
                close(plan->root);
        arena_free(&plan->arena);
}

/* --- files --- */

static struct harden_file *find_file(struct harden_plan *plan, struct str path) {
        for (size_t i = 0; i < plan->files.count; i++)
                if (str_eq(plan->files.items[i].path, path))
                        return &plan->files.items[i];
        return NULL;
}

int plan_file(struct harden_plan *plan, struct str path, bool may_be_new,
              struct harden_file **ret) {
        struct harden_file *file = find_file(plan, path);
        struct stat status = { .st_mode = S_IFREG | 0644 };
        int r;

        if (file) {
                *ret = file;
                return 0;
        }
        r = tree_stat(plan->root, path, &status);
        if (r < 0 && !(r == -ENOENT && may_be_new))
                return r;
        if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISSOCK(status.st_mode))
                return -ENOTSUP;
        file = vec_push(&plan->files);
        *file = (struct harden_file){ .path = arena_str(&plan->arena, path),
                                      .exists = r >= 0,
                                      .mode = status.st_mode & 07777,
                                      .uid = status.st_uid,
                                      .gid = status.st_gid };
        file->new_mode = file->mode;
        file->new_uid = file->uid;
        file->new_gid = file->gid;
        *ret = file;
        return 0;
}

int plan_text(struct harden_plan *plan, struct str path, bool may_be_new,
              struct harden_file **ret) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct harden_file *file;
        struct stat status;
        int r = plan_file(plan, path, may_be_new, &file);

        if (r >= 0 && file->exists && !file->has_text)
                r = tree_read(plan->root, path, &buf, &status);
        if (r < 0)
                return r;
        if (!file->has_text) {
                file->before = file->after = arena_str(&plan->arena, buf_str(&buf));
                file->has_text = true;
        }
        *ret = file;
        return 0;
}

void plan_command(struct harden_plan *plan, struct str command) {
        for (size_t i = 0; i < plan->commands.count; i++)
                if (str_eq(plan->commands.items[i], command))
                        return;
        *vec_push(&plan->commands) = arena_str(&plan->arena, command);
}

static void add_manual(struct harden_plan *plan, struct str rule, struct str why,
                       struct str remedy) {
        *vec_push(&plan->manuals) =
                (struct harden_manual){ arena_str(&plan->arena, rule), arena_str(&plan->arena, why),
                                        arena_str(&plan->arena, remedy) };
}

void harden_plan_add(struct harden_plan *plan, struct str rule, struct str steps,
                     const struct str *paths, size_t count, struct str remedy) {
        struct error error = { 0 };
        struct str step;
        bool any = false;
        int r = 0;

        plan->rules++;
        while (r >= 0 && str_split(&steps, '\n', &step)) {
                step = str_trim(step);
                if (step.len == 0)
                        continue;
                any = true;
                r = step_add(plan, arena_str(&plan->arena, rule), step, paths, count, &error);
        }
        if (r < 0)
                add_manual(plan, rule, str_from(error.message[0] ? error.message : strerror(-r)),
                           remedy);
        else if (!any)
                add_manual(plan, rule, STR(""), remedy);
}

/* --- writing --- */

static bool changes(const struct harden_file *file) {
        return !file->exists || !str_eq(file->before, file->after) ||
               file->mode != file->new_mode || file->uid != file->new_uid ||
               file->gid != file->new_gid;
}

static void write_file(struct buf *buf, const struct harden_file *file) {
        buf_add(buf, STR("# "));
        buf_add_terminal(buf, file->path);
        buf_add(buf, STR(": "));
        for (size_t i = 0; i < file->rules.count; i++)
                buf_printf(buf, "%s%.*s", i > 0 ? ", " : "", STR_ARG(file->rules.items[i]));
        buf_add_char(buf, '\n');
        if (file->uid != file->new_uid || file->gid != file->new_gid) {
                buf_printf(buf, "chown %u:%u ", file->new_uid, file->new_gid);
                buf_add_terminal(buf, file->path);
                buf_printf(buf, "    # is %u:%u\n", file->uid, file->gid);
        }
        if (file->exists && file->mode != file->new_mode) {
                buf_printf(buf, "chmod %04o ", file->new_mode);
                buf_add_terminal(buf, file->path);
                buf_printf(buf, "    # is %04o\n", file->mode);
        }
        if (file->has_text) {
                struct buf diff _cleanup_(buf_free) = BUF_INIT;
                struct str rest, line;

                diff_unified(&diff, file->exists ? file->path : STR("/dev/null"), file->before,
                             file->path, file->after);
                rest = buf_str(&diff);
                while (rest.len > 0 && str_split(&rest, '\n', &line)) {
                        buf_add_terminal(buf, line);
                        buf_add_char(buf, '\n');
                }
        }
        buf_add_char(buf, '\n');
}

static void write_manual(struct buf *buf, const struct harden_manual *manual) {
        struct str rest = manual->remedy, line;

        buf_add(buf, STR("# by hand, "));
        buf_add_terminal(buf, manual->rule);
        if (manual->why.len > 0) {
                buf_add(buf, STR(" ("));
                buf_add_terminal(buf, manual->why);
                buf_add_char(buf, ')');
        }
        buf_add(buf, STR(":\n"));
        while (rest.len > 0 && str_split(&rest, '\n', &line)) {
                buf_add(buf, line.len > 0 ? STR("#     ") : STR("#"));
                buf_add_terminal(buf, line);
                buf_add_char(buf, '\n');
        }
        buf_add_char(buf, '\n');
}

void harden_plan_write(struct buf *buf, const struct harden_plan *plan) {
        size_t files = 0;

        for (size_t i = 0; i < plan->files.count; i++)
                if (changes(&plan->files.items[i])) {
                        write_file(buf, &plan->files.items[i]);
                        files++;
                }
        for (size_t i = 0; i < plan->manuals.count; i++)
                write_manual(buf, &plan->manuals.items[i]);
        if (plan->commands.count > 0 && files > 0) {
                buf_add(buf, STR("# afterwards, to take effect:\n"));
                for (size_t i = 0; i < plan->commands.count; i++)
                        buf_printf(buf, "%.*s\n", STR_ARG(plan->commands.items[i]));
        }
}

static void add_strings(struct buf *buf, const char *key, const struct str *items, size_t count) {
        json_key(buf, key);
        buf_add_char(buf, '[');
        for (size_t i = 0; i < count; i++) {
                json_item(buf);
                buf_add_json(buf, items[i]);
        }
        buf_add_char(buf, ']');
}

static void add_owner(struct buf *buf, const char *key, uid_t uid, gid_t gid, mode_t mode) {
        char text[64];

        snprintf(text, sizeof text, "%04o %u:%u", mode, uid, gid);
        json_string(buf, key, str_from(text));
}

static void add_file_json(struct buf *buf, const struct harden_file *file) {
        struct buf diff _cleanup_(buf_free) = BUF_INIT;

        if (file->has_text)
                diff_unified(&diff, file->exists ? file->path : STR("/dev/null"), file->before,
                             file->path, file->after);
        json_item(buf);
        buf_add_char(buf, '{');
        json_string(buf, "path", file->path);
        json_bool(buf, "exists", file->exists);
        add_strings(buf, "rules", file->rules.items, file->rules.count);
        add_owner(buf, "is", file->uid, file->gid, file->mode);
        add_owner(buf, "becomes", file->new_uid, file->new_gid, file->new_mode);
        json_string(buf, "diff", buf_str(&diff));
        buf_add_char(buf, '}');
}

void harden_plan_write_json(struct buf *buf, const struct harden_plan *plan) {
        buf_add(buf, STR("{\"files\":["));
        for (size_t i = 0; i < plan->files.count; i++)
                if (changes(&plan->files.items[i]))
                        add_file_json(buf, &plan->files.items[i]);
        buf_add(buf, STR("],\"manual\":["));
        for (size_t i = 0; i < plan->manuals.count; i++) {
                json_item(buf);
                buf_add_char(buf, '{');
                json_string(buf, "rule", plan->manuals.items[i].rule);
                json_string(buf, "why", plan->manuals.items[i].why);
                json_string(buf, "remedy", plan->manuals.items[i].remedy);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
        add_strings(buf, "commands", plan->commands.items, plan->commands.count);
        buf_add(buf, STR("}\n"));
}
