#include "cmd/audit_log.h"

#include <errno.h>

#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"

/* Unreadable lines that are told one by one. */
enum { TOLD_LINES = 10 };

static void tell(struct audit_log *log, const char *message) {
        struct error error = { 0 };

        if (++log->unreadable > TOLD_LINES)
                return;
        error_set(&error, -EINVAL, "%s", message);
        error_set_file(&error, log->file);
        error.line = (uint32_t)MIN(log->line, (size_t)UINT32_MAX);
        command_print_error(&error);
}

/* --- lines --- */

static void take_event(struct audit_log *log, const struct doc_node *root) {
        struct error error = { 0 };

        if (log->event(log->userdata, root, &error) < 0)
                tell(log, error.message);
}

/* A webhook or a collector may have put several events into one line. */
static void take_line(struct audit_log *log, struct str text) {
        struct error error = { 0 };
        struct doc_source source;
        struct doc_reader reader;
        const struct doc_node *items;
        struct doc *doc;
        int r = doc_source_init(&log->arena, log->file, text, &source, &error);

        if (r >= 0) {
                doc_reader_init(&reader, &source, DOC_JSON, NULL);
                r = doc_read(&reader, &log->arena, &doc, &error);
        }
        if (r <= 0) {
                tell(log, r < 0 ? error.message : "holds no JSON");
                return;
        }
        items = doc_get(doc->root, STR("items"));
        if (!items || items->kind != DOC_LIST)
                take_event(log, doc->root);
        else
                for (uint32_t i = 0; i < items->list.count; i++)
                        take_event(log, &items->list.items[i]);
}

static bool is_compressed(struct str line) {
        return str_starts(line, STR("\x1f\x8b")) || str_starts(line, STR("\x28\xb5\x2f\xfd"));
}

static int read_lines(struct audit_log *log, FILE *file) {
        struct buf line _cleanup_(buf_free) = BUF_INIT;
        int r;

        for (log->line = 1; (r = fs_read_line(file, doc_default_limits.file_bytes, &line)) != 0;
             log->line++) {
                if (log->line == 1 && is_compressed(buf_str(&line)))
                        return error_set(log->context->error, -EINVAL,
                                         "is compressed; unpack it: zcat or zstdcat FILE | %s "
                                         "--audit-log - ...",
                                         log->context->name);
                if (r < 0)
                        tell(log, "the line is too long");
                else if (str_trim(buf_str(&line)).len > 0)
                        take_line(log, buf_str(&line));
                arena_reset(&log->arena, 1 << 20);
        }
        return ferror(file) ? error_set(log->context->error, -EIO, "cannot be read") : 0;
}

/* --- files --- */

static int read_file(void *userdata, struct str path, uint64_t size _unused_) {
        struct audit_log *log = userdata;
        bool standard_input = str_eq(path, STR("-"));
        _cleanup_fclose_ FILE *opened = standard_input ? NULL : fopen(path.ptr, "re");
        int r;

        log->file = standard_input ? STR("<stdin>") : path;
        if (!standard_input && !opened)
                r = error_set(log->context->error, -errno, "%s", strerror(errno));
        else
                r = read_lines(log, standard_input ? stdin : opened);
        if (r < 0)
                error_set_file(log->context->error, log->file);
        return r;
}

/* In a folder: audit.log and what it was rotated to. */
static bool is_log(void *userdata _unused_, struct str path, struct str relative _unused_,
                   bool folder) {
        return folder || str_ends(path, STR(".log")) || str_ends(path, STR(".jsonl")) ||
               str_ends(path, STR(".json"));
}

static void cannot_read(void *userdata, struct str path, const char *message) {
        struct audit_log *log = userdata;

        log->file = path;
        log->line = 0;
        tell(log, message);
}

int audit_log_read(struct audit_log *log, const struct option_strings *paths) {
        const struct walk walk = { is_log, read_file, cannot_read, log };
        int r = 0;

        for (size_t i = 0; i < paths->count && r >= 0; i++) {
                if (strcmp(paths->items[i], "-") == 0)
                        r = read_file(log, STR("-"), 0);
                else
                        r = walk_path(log->context->arena, str_from(paths->items[i]), &walk,
                                      log->context->error);
        }
        return r;
}

void audit_log_free(struct audit_log *log) {
        arena_free(&log->arena);
}
