#include "inventory/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <zstd.h>

#include "base/fs.h"
#include "base/util.h"
#include "doc/write.h"
#include "finding/sha256.h"

enum { LEVEL = 3, LINE_LIMIT = 32 << 20, VERSION = 2, OBJECTS_MAX = 10000000 };

#define HIDDEN "UkVEQUNURUQ=" /* the base64 of a word that says so */

/* --- writing --- */

struct snapshot_writer {
        FILE *file;
        ZSTD_CCtx *zstd;
        struct sha256 sha;
        struct buf line;
        struct arena arena;
        int64_t objects;
        int failed;
};

static void compress(struct snapshot_writer *writer, struct str text, ZSTD_EndDirective mode) {
        char out[1 << 14];
        ZSTD_inBuffer input = { text.ptr, text.len, 0 };
        size_t left;

        do {
                ZSTD_outBuffer output = { out, sizeof out, 0 };

                left = ZSTD_compressStream2(writer->zstd, &output, &input, mode);
                if (ZSTD_isError(left))
                        writer->failed = -EIO;
                else if (fwrite(out, 1, output.pos, writer->file) != output.pos)
                        writer->failed = -errno;
        } while (writer->failed == 0 && (mode == ZSTD_e_end ? left > 0 : input.pos < input.size));
}

static void write_line(struct snapshot_writer *writer) {
        buf_add_char(&writer->line, '\n');
        sha256_add(&writer->sha, writer->line.data, writer->line.len);
        if (writer->failed == 0)
                compress(writer, buf_str(&writer->line), ZSTD_e_continue);
        buf_clear(&writer->line);
}

/* What HASH has taken in so far, in hexadecimal. */
static void add_digest(struct buf *buf, struct sha256 hash) {
        unsigned char digest[SHA256_SIZE];

        sha256_end(&hash, digest);
        for (size_t i = 0; i < sizeof digest; i++)
                buf_printf(buf, "%02x", digest[i]);
}

struct snapshot_writer *snapshot_writer_new(FILE *file, struct str server) {
        struct snapshot_writer *writer = xrealloc(NULL, 1, sizeof *writer);

        *writer = (struct snapshot_writer){ .file = file, .zstd = ZSTD_createCCtx() };
        if (!writer->zstd)
                out_of_memory();
        ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
        ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
        sha256_begin(&writer->sha);
        buf_printf(&writer->line, "{\"redoubt\":\"snapshot\",\"version\":%d,\"server\":", VERSION);
        buf_add_json(&writer->line, server);
        buf_add_char(&writer->line, '}');
        write_line(writer);
        return writer;
}

/* MAP with every value hidden. */
static const struct doc_node *hidden_values(struct arena *arena, const struct doc_node *map) {
        struct doc_node *made = doc_new_map(arena, NULL, map->map.count);
        struct doc_node text = { .kind = DOC_STRING };

        doc_set_string(&text, STR(HIDDEN));
        for (uint32_t i = 0; i < map->map.count; i++)
                doc_map_set(made, i, map->map.entries[i].key, &text);
        doc_map_index(arena, made);
        return made;
}

/* A Secret, or the metadata of one. */
static bool is_secret(const struct doc_node *object) {
        const struct doc_node *of = doc_get(object, STR("of"));

        if (of &&
            str_eq(doc_string(doc_get(object, STR("kind")), STR("")), STR("PartialObjectMetadata")))
                object = of;
        return str_eq(doc_string(doc_get(object, STR("kind")), STR("")), STR("Secret")) &&
               str_eq(doc_string(doc_get(object, STR("apiVersion")), STR("")), STR("v1"));
}

static const struct doc_node *redacted(struct arena *arena, const struct doc_node *object) {
        static const char *const fields[] = { "data", "stringData" };
        const struct doc_node *annotations = doc_find(object, "metadata", "annotations");

        if (!is_secret(object))
                return object;
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                const struct doc_node *values = doc_get(object, str_from(fields[i]));

                if (values && values->kind == DOC_MAP)
                        object = doc_map_with(arena, object, str_from(fields[i]),
                                              hidden_values(arena, values), object);
        }
        if (annotations && annotations->kind == DOC_MAP)
                object = doc_map_with(arena, object, STR("metadata"),
                                      doc_map_with(arena, doc_get(object, STR("metadata")),
                                                   STR("annotations"),
                                                   hidden_values(arena, annotations), object),
                                      object);
        return object;
}

void snapshot_writer_add(struct snapshot_writer *writer, struct str path,
                         const struct doc_node *object) {
        buf_add(&writer->line, STR("{\"path\":"));
        buf_add_json(&writer->line, path);
        buf_add(&writer->line, STR(",\"object\":"));
        doc_write_json(&writer->line, redacted(&writer->arena, object));
        buf_add_char(&writer->line, '}');
        write_line(writer);
        arena_reset(&writer->arena, 1 << 20);
        writer->objects++;
}

void snapshot_writer_add_problem(struct snapshot_writer *writer, struct str message,
                                 bool incomplete) {
        buf_add(&writer->line, STR("{\"problem\":"));
        buf_add_json(&writer->line, message);
        buf_printf(&writer->line, ",\"incomplete\":%s}", incomplete ? "true" : "false");
        write_line(writer);
}

/* A list that was read, or (GAP) could not be. */
static void add_list(struct snapshot_writer *writer, const struct input_gap *list, bool gap) {
        const struct {
                const char *name;
                struct str value;
        } fields[] = {
                { "group", list->group }, { "version", list->version },
                { "kind", list->kind },   { "resource", list->resource },
                { "scope", list->scope }, { gap ? "reason" : "resourceVersion", list->reason },
        };

        buf_printf(&writer->line, "{\"%s\":{", gap ? "gap" : "list");
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                buf_printf(&writer->line, "\"%s\":", fields[i].name);
                buf_add_json(&writer->line, fields[i].value);
                buf_add_char(&writer->line, ',');
        }
        buf_printf(&writer->line, "\"namespaced\":%s,\"metadataOnly\":%s}}",
                   list->namespaced ? "true" : "false", list->metadata_only ? "true" : "false");
        write_line(writer);
}

void snapshot_writer_add_lists(struct snapshot_writer *writer, const struct input_list *list) {
        for (size_t i = 0; i < list->lists.count; i++)
                add_list(writer, &list->lists.items[i], false);
        for (size_t i = 0; i < list->gaps.count; i++)
                add_list(writer, &list->gaps.items[i], true);
}

int64_t snapshot_writer_end(struct snapshot_writer *writer) {
        int64_t result;

        buf_printf(&writer->line, "{\"end\":{\"objects\":%" PRId64 ",\"sha256\":\"",
                   writer->objects);
        add_digest(&writer->line, writer->sha);
        buf_add(&writer->line, STR("\"}}\n"));
        if (writer->failed == 0)
                compress(writer, buf_str(&writer->line), ZSTD_e_end);
        if (writer->failed == 0 && fflush(writer->file) != 0)
                writer->failed = -errno;
        result = writer->failed ? writer->failed : writer->objects;
        ZSTD_freeCCtx(writer->zstd);
        buf_free(&writer->line);
        arena_free(&writer->arena);
        free(writer);
        return result;
}

/* --- reading --- */

struct snapshot_reader {
        struct input_list *list;
        struct str path; /* of the file */
        FILE *file;
        ZSTD_DCtx *zstd;
        struct sha256 sha;
        struct buf line;
        struct arena arena; /* of one line */
        int64_t objects;
        size_t lines;
        bool ended;
        struct error *error;
};

static void problem(struct snapshot_reader *reader, bool incomplete, struct str message) {
        struct diagnostic *made = vec_push(&reader->list->problems);

        *made = (struct diagnostic){ .file = reader->path,
                                     .message = arena_str(&reader->list->arena, message),
                                     .incomplete = incomplete };
}

static int broken(struct snapshot_reader *reader, const char *what) {
        problem(reader, true, str_from(what));
        return -EBADMSG;
}

static int read_header(struct snapshot_reader *reader, const struct doc_node *line) {
        const struct doc_node *version = doc_get(line, STR("version"));

        if (!str_eq(doc_string(doc_get(line, STR("redoubt")), STR("")), STR("snapshot")))
                return error_set(reader->error, -EINVAL, "%.*s is no snapshot",
                                 STR_ARG(reader->path));
        if (!version || version->kind != DOC_INT || version->integer < 1 ||
            version->integer > VERSION)
                return error_set(reader->error, -EINVAL,
                                 "%.*s is a snapshot of another version of this program",
                                 STR_ARG(reader->path));
        reader->list->server =
                arena_str(&reader->list->arena, doc_string(doc_get(line, STR("server")), STR("")));
        return 0;
}

/* The last line: what it says has to be what was read. */
static int read_end(struct snapshot_reader *reader, const struct doc_node *end) {
        struct buf digest _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *objects = doc_get(end, STR("objects"));

        add_digest(&digest, reader->sha);
        reader->ended = true;
        if (!objects || objects->kind != DOC_INT || objects->integer != reader->objects ||
            !str_eq(doc_string(doc_get(end, STR("sha256")), STR("")), buf_str(&digest)))
                return broken(reader, "the snapshot was changed after it was written: its hash is "
                                      "another");
        return 0;
}

static int read_object(struct snapshot_reader *reader, const struct doc_node *line) {
        const struct doc_node *object = doc_get(line, STR("object"));
        struct str path = doc_string(doc_get(line, STR("path")), STR(""));
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;

        if (!object || object->kind != DOC_MAP || path.len == 0)
                return broken(reader, "the snapshot has a line that is no object");
        if (++reader->objects > OBJECTS_MAX)
                return broken(reader, "the snapshot has too many objects");
        doc_write_yaml(&yaml, object, 0);
        input_add_text(reader->list, path, buf_str(&yaml));
        return 0;
}

/* Something that was not read when the snapshot was written. */
static int read_problem(struct snapshot_reader *reader, const struct doc_node *line) {
        const struct doc_node *incomplete = doc_get(line, STR("incomplete"));

        problem(reader, !incomplete || incomplete->kind != DOC_BOOL || incomplete->boolean,
                doc_string(doc_get(line, STR("problem")), STR("something was not read")));
        return 0;
}

static bool is_true(const struct doc_node *node) {
        return node && node->kind == DOC_BOOL && node->boolean;
}

static struct str text_at(struct snapshot_reader *reader, const struct doc_node *map,
                          const char *key) {
        return arena_str(&reader->list->arena, doc_string(doc_get(map, str_from(key)), STR("")));
}

static int read_list(struct snapshot_reader *reader, const struct doc_node *list, bool gap) {
        struct input_gap made = {
                .group = text_at(reader, list, "group"),
                .version = text_at(reader, list, "version"),
                .kind = text_at(reader, list, "kind"),
                .resource = text_at(reader, list, "resource"),
                .scope = text_at(reader, list, "scope"),
                .reason = text_at(reader, list, gap ? "reason" : "resourceVersion"),
                .namespaced = is_true(doc_get(list, STR("namespaced"))),
                .metadata_only = is_true(doc_get(list, STR("metadataOnly"))),
        };

        if (made.resource.len == 0)
                return broken(reader, "the snapshot has a list of nothing");
        if (gap)
                *vec_push(&reader->list->gaps) = made;
        else
                *vec_push(&reader->list->lists) = made;
        return 0;
}

static int read_line(struct snapshot_reader *reader) {
        struct doc_source source = { STR(""), buf_str(&reader->line) };
        struct doc_reader json;
        struct doc *doc;
        int r;

        doc_reader_init(&json, &source, DOC_JSON, NULL);
        arena_reset(&reader->arena, 1 << 20);
        r = doc_read(&json, &reader->arena, &doc, NULL);
        if (reader->lines++ == 0)
                return read_header(reader, r > 0 ? doc->root : NULL);
        if (r <= 0 || reader->ended)
                return broken(reader, "the snapshot has a line that is no JSON");
        if (doc_get(doc->root, STR("end")))
                return read_end(reader, doc_get(doc->root, STR("end")));
        if (doc_get(doc->root, STR("list")) || doc_get(doc->root, STR("gap"))) {
                const struct doc_node *gap = doc_get(doc->root, STR("gap"));

                return read_list(reader, gap ? gap : doc_get(doc->root, STR("list")), gap != NULL);
        }
        if (doc_get(doc->root, STR("problem")))
                return read_problem(reader, doc->root);
        return read_object(reader, doc->root);
}

/* Takes in what was decompressed, line by line. */
static int take(struct snapshot_reader *reader, struct str text) {
        int r = 0;

        while (text.len > 0 && r >= 0) {
                const char *end = memchr(text.ptr, '\n', text.len);
                size_t size = end ? (size_t)(end - text.ptr) : text.len;

                buf_add(&reader->line, str_slice(text, 0, size));
                if (reader->line.len > LINE_LIMIT)
                        return broken(reader, "the snapshot has a line that is too long");
                text = str_slice(text, size + (end != NULL), text.len);
                if (!end)
                        break;
                r = read_line(reader);
                buf_add_char(&reader->line, '\n');
                sha256_add(&reader->sha, reader->line.data, reader->line.len);
                buf_clear(&reader->line);
        }
        return r;
}

static int read_stream(struct snapshot_reader *reader) {
        char in[1 << 14], out[1 << 16];
        size_t n;
        int r = 0;

        while (r >= 0 && (n = fread(in, 1, sizeof in, reader->file)) > 0) {
                ZSTD_inBuffer input = { in, n, 0 };

                while (r >= 0 && input.pos < input.size) {
                        ZSTD_outBuffer output = { out, sizeof out, 0 };
                        size_t left = ZSTD_decompressStream(reader->zstd, &output, &input);

                        if (ZSTD_isError(left) && reader->lines == 0)
                                return error_set(reader->error, -EINVAL, "%.*s is no snapshot",
                                                 STR_ARG(reader->path));
                        if (ZSTD_isError(left))
                                return broken(reader, "the snapshot is damaged");
                        r = take(reader, (struct str){ out, output.pos });
                }
        }
        if (r >= 0 && reader->lines == 0)
                return error_set(reader->error, -EINVAL, "%.*s is no snapshot",
                                 STR_ARG(reader->path));
        if (r >= 0 && !reader->ended)
                return broken(reader, "the snapshot ends too early: a part of it is missing");
        return r;
}

int input_add_snapshot(struct input_list *list, const char *path, struct error *error) {
        struct snapshot_reader reader = { .list = list,
                                          .path = arena_str(&list->arena, str_from(path)),
                                          .zstd = ZSTD_createDCtx(),
                                          .error = error };
        int r;

        if (!reader.zstd)
                out_of_memory();
        reader.file = fopen(path, "re");
        sha256_begin(&reader.sha);
        /* 8 MiB of window are enough for what is written here. */
        ZSTD_DCtx_setParameter(reader.zstd, ZSTD_d_windowLogMax, 23);
        r = reader.file ? read_stream(&reader)
                        : error_set(error, -errno, "cannot open %s: %s", path, strerror(errno));
        close_file(&reader.file);
        ZSTD_freeDCtx(reader.zstd);
        buf_free(&reader.line);
        arena_free(&reader.arena);
        return r == -EBADMSG ? 0 : r;
}
