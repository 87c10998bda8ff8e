/*
 * What all collectors need: texts, documents and the facts of files.
 */
#include <math.h>

#include "finding/sha256.h"
#include "node/private.h"

struct str node_error_text(struct node *node, int r) {
        switch (r) {
        case -EFBIG:
                return STR("too large");
        case -ENXIO:
                return STR("no regular file");
        case -E2BIG:
                return STR("too many entries");
        default:
                return arena_str(node->arena, str_from(strerror(-r)));
        }
}

void node_gap(struct node *node, const char *what, struct str path, struct str error,
              const char *facts) {
        struct arena *arena = node->arena;
        struct fact *gap, *list;
        struct str rest = str_from(facts), part;

        if (node->gaps->count >= NODE_FILES_MAX)
                return;
        for (const struct fact_member *m = node->gaps->first; m; m = m->next)
                if (str_eq(fact_value_text(fact_get(m->value, "what")), str_from(what)) &&
                    str_eq(fact_value_text(fact_get(m->value, "path")), path))
                        return;
        gap = fact_add(arena, node->gaps, fact_map(arena));
        fact_set_string(arena, gap, "what", str_from(what));
        fact_set_string(arena, gap, "path", arena_str(arena, path));
        fact_set_string(arena, gap, "error", error);
        list = fact_set(arena, gap, STR("facts"), fact_list(arena));
        while (str_split(&rest, ' ', &part))
                if (part.len > 0)
                        fact_add_string(arena, list, part);
}

int node_read(struct node *node, const struct root *root, struct str path, const char *what,
              const char *facts, struct str *ret) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        int r = root_read(root, path, ROOT_FILE_MAX, &buf);

        if (r < 0) {
                if (r != -ENOENT && r != -ENOTDIR && r != -ESRCH)
                        node_gap(node, what, path, node_error_text(node, r), facts);
                return r;
        }
        *ret = arena_str(node->arena, buf_str(&buf));
        return 0;
}

static int parse(struct node *node, struct str text, struct yaml *yaml) {
        struct doc_source *source = arena_new(node->arena, struct doc_source);
        struct doc_limits limits = doc_default_limits;
        struct doc_reader reader;
        struct error error = { 0 };
        struct doc *doc;
        int r = doc_source_init(node->arena, yaml->path, text, source, &error);

        limits.depth = 100;
        limits.nodes = 200000;
        limits.alias_nodes = 20000;
        if (r >= 0) {
                doc_reader_init(&reader, source, DOC_AUTO, &limits);
                while ((r = doc_read(&reader, node->arena, &doc, &error)) > 0)
                        *vec_push_in(node->arena, yaml) = doc->root;
        }
        if (r < 0)
                yaml->why = arena_printf(node->arena, "%.*s:%u:%u: %s", STR_ARG(yaml->path),
                                         error.line, error.column, error.message);
        return r;
}

int node_yaml(struct node *node, const struct root *root, struct str path, const char *what,
              const char *facts, struct yaml *ret) {
        struct str text;
        int r;

        *ret = (struct yaml){ .path = arena_str(node->arena, path) };
        r = node_read(node, root, path, what, facts, &text);
        if (r < 0) {
                ret->why = arena_printf(node->arena, "%.*s: %.*s", STR_ARG(path),
                                        STR_ARG(node_error_text(node, r)));
                return r;
        }
        r = parse(node, text, ret);
        if (r < 0)
                node_gap(node, what, path, ret->why, facts);
        return r;
}

struct place node_place(struct str path, const struct doc_node *node) {
        return (struct place){ path, node ? node->start.line : 1, node ? node->start.column : 1 };
}

struct str node_dirname(struct str path) {
        while (path.len > 0 && path.ptr[path.len - 1] != '/')
                path.len--;
        while (path.len > 1 && path.ptr[path.len - 1] == '/')
                path.len--;
        return path;
}

struct str node_basename(struct str path) {
        size_t at = path.len;

        while (at > 0 && path.ptr[at - 1] != '/')
                at--;
        return str_slice(path, at, path.len);
}

struct str node_join(struct node *node, struct str a, struct str b) {
        bool has = a.len > 0 && a.ptr[a.len - 1] == '/';

        return arena_printf(node->arena, "%.*s%s%.*s", STR_ARG(a), has ? "" : "/", STR_ARG(b));
}

struct str node_path(struct node *node, struct str folder, struct str path) {
        if (path.len == 0 || path.ptr[0] == '/')
                return path;
        return node_join(node, folder, path);
}

bool node_version(struct str text, int *ret_major, int *ret_minor) {
        int64_t major, minor;
        struct str part;

        if (str_starts(text, STR("v")))
                text = str_slice(text, 1, text.len);
        if (!str_split(&text, '.', &part) || !node_int(part, &major))
                return false;
        part = text;
        part.len = 0;
        while (part.len < text.len && text.ptr[part.len] >= '0' && text.ptr[part.len] <= '9')
                part.len++;
        if (!node_int(part, &minor) || major > 1000 || minor > 100000)
                return false;
        *ret_major = (int)major;
        *ret_minor = (int)minor;
        return true;
}

struct str node_fingerprint(struct node *node, struct str text) {
        unsigned char hash[SHA256_SIZE];
        char hex[17];
        struct sha256 sha;

        sha256_begin(&sha);
        sha256_add(&sha, text.ptr, text.len);
        sha256_end(&sha, hash);
        for (int i = 0; i < 8; i++)
                snprintf(hex + 2 * i, 3, "%02x", hash[i]);
        return arena_printf(node->arena, "sha256:%s", hex);
}

/* As strconv.ParseBool. */
bool node_bool(struct str text, bool *ret) {
        static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
        static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

        for (size_t i = 0; i < ELEMENTS(yes); i++) {
                if (str_eq(text, str_from(yes[i])) || str_eq(text, str_from(no[i]))) {
                        *ret = str_eq(text, str_from(yes[i]));
                        return true;
                }
        }
        return false;
}

bool node_int(struct str text, int64_t *ret) {
        bool negative = text.len > 0 && text.ptr[0] == '-';
        int64_t value = 0;

        if (text.len == (size_t)negative || text.len > 19)
                return false;
        for (size_t i = negative; i < text.len; i++) {
                if (text.ptr[i] < '0' || text.ptr[i] > '9' ||
                    __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, text.ptr[i] - '0', &value))
                        return false;
        }
        *ret = negative ? -value : value;
        return true;
}

static bool duration_unit(struct str *text, double *ret) {
        static const struct {
                struct str name;
                double seconds;
        } units[] = {
                { STR_INIT("ns"), 1e-9 }, { STR_INIT("us"), 1e-6 }, { STR_INIT("\xc2\xb5s"), 1e-6 },
                { STR_INIT("ms"), 1e-3 }, { STR_INIT("s"), 1 },     { STR_INIT("m"), 60 },
                { STR_INIT("h"), 3600 }
        };

        for (size_t i = 0; i < ELEMENTS(units); i++) {
                if (!str_starts(*text, units[i].name))
                        continue;
                *text = str_slice(*text, units[i].name.len, text->len);
                *ret = units[i].seconds;
                return true;
        }
        return false;
}

bool node_duration(struct str text, double *ret) {
        double total = 0, unit;
        bool negative = false;

        if (str_eq(text, STR("0"))) {
                *ret = 0;
                return true;
        }
        if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
                negative = text.ptr[0] == '-';
                text = str_slice(text, 1, text.len);
        }
        if (text.len == 0 || text.len > 64)
                return false;
        while (text.len > 0) {
                double value = 0, scale = 1;
                size_t i = 0;
                bool point = false, digits = false;

                for (; i < text.len && ((text.ptr[i] >= '0' && text.ptr[i] <= '9') ||
                                        (text.ptr[i] == '.' && !point));
                     i++) {
                        if (text.ptr[i] == '.') {
                                point = true;
                                continue;
                        }
                        digits = true;
                        value = value * 10 + (text.ptr[i] - '0');
                        scale *= point ? 10 : 1;
                }
                text = str_slice(text, i, text.len);
                if (!digits || !duration_unit(&text, &unit))
                        return false;
                total += value / scale * unit;
        }
        *ret = negative ? -total : total;
        return true;
}
