/*
 * pack-policies: the rules of policies/ as one C array of JSON, for the binary. Runs at build time.
 *
 *     pack-policies FOLDER OUTPUT.c DEPFILE
 *
 * JSON, because it is read ten times as fast as YAML, and start-up counts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/util.h"
#include "base/walk.h"
#include "doc/doc.h"
#include "doc/write.h"

struct pack {
        struct arena arena;
        struct str folder;
        struct buf policies, frameworks, practices, dependencies;
        size_t count;
        struct error error;
};

/* The folders are dependencies, too: a rule that is added or removed changes nothing else. */
static bool wanted(void *userdata, struct str path, struct str relative, bool folder) {
        struct pack *pack = userdata;

        (void)relative;
        if (folder)
                buf_printf(&pack->dependencies, " %.*s", STR_ARG(path));
        return folder || (str_ends(path, STR(".yaml")) && !str_ends(path, STR(".test.yaml")));
}

static int read_one(struct pack *pack, struct str path, struct doc_reader *reader,
                    struct doc_source *source) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        int r = fs_read(path.ptr, -1, doc_default_limits.file_bytes, false, &buf, &pack->error);

        if (r >= 0)
                r = doc_source_init(&pack->arena, path, arena_str(&pack->arena, buf_str(&buf)),
                                    source, &pack->error);
        if (r >= 0)
                doc_reader_init(reader, source, DOC_YAML, NULL);
        return r;
}

static void add_policy(struct pack *pack, struct str file, const struct doc *doc) {
        struct str kind = doc_string(doc_get(doc->root, STR("kind")), STR(""));

        if (!str_eq(kind, STR("ValidatingAdmissionPolicy")) &&
            !str_eq(kind, STR("MutatingAdmissionPolicy")) && !str_eq(kind, STR("Check")))
                return;
        buf_add(&pack->policies, pack->count++ ? STR(",\n") : STR("\n"));
        buf_add(&pack->policies, STR("{\"file\":"));
        buf_add_json(&pack->policies, file);
        buf_add(&pack->policies, STR(",\"policy\":"));
        doc_write_json(&pack->policies, doc->root);
        buf_add_char(&pack->policies, '}');
}

/* frameworks.yaml is a list of them, each file of frameworks/ is one. */
static void add_framework(struct pack *pack, const struct doc_node *node) {
        if (node->kind == DOC_LIST) {
                for (uint32_t i = 0; i < node->list.count; i++)
                        add_framework(pack, &node->list.items[i]);
                return;
        }
        buf_add(&pack->frameworks, pack->frameworks.len > 0 ? STR(",\n") : STR("\n"));
        doc_write_json(&pack->frameworks, node);
}

static int add_file(void *userdata, struct str path, uint64_t size) {
        struct pack *pack = userdata;
        struct str file = str_slice(path, pack->folder.len + 1, path.len);
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;
        int r = read_one(pack, path, &reader, &source);

        (void)size;
        buf_printf(&pack->dependencies, " %.*s", STR_ARG(path));
        while (r >= 0 && (r = doc_read(&reader, &pack->arena, &doc, &pack->error)) > 0) {
                if (str_eq(file, STR("frameworks.yaml")) || str_starts(file, STR("frameworks/")))
                        add_framework(pack, doc->root);
                else if (str_eq(file, STR("practices.yaml")))
                        doc_write_json(&pack->practices, doc->root);
                else
                        add_policy(pack, arena_printf(&pack->arena, "policies/%.*s", STR_ARG(file)),
                                   doc);
        }
        if (r < 0)
                error_set_file(&pack->error, path);
        return r;
}

static int write_c(struct pack *pack, const char *output) {
        _cleanup_fclose_ FILE *out = fopen(output, "we");
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        if (!out)
                return -errno;
        buf_add(&json, STR("{\"frameworks\":["));
        buf_add(&json, buf_str(&pack->frameworks));
        buf_add(&json, STR("],\n\"practices\":"));
        buf_add(&json, pack->practices.len ? buf_str(&pack->practices) : STR("[]"));
        buf_add(&json, STR(",\n\"policies\":["));
        buf_add(&json, buf_str(&pack->policies));
        buf_add(&json, STR("]}\n"));
        fprintf(out,
                "#include <stddef.h>\nextern const char policy_catalogue_json[];\n"
                "extern const size_t policy_catalogue_json_size;\n"
                "const size_t policy_catalogue_json_size = %zu;\nconst char "
                "policy_catalogue_json[] = {",
                json.len);
        for (size_t i = 0; i < json.len; i++)
                fprintf(out, "%s%d,", i % 32 ? "" : "\n", json.data[i]);
        fputs("0\n};\n", out);
        return fflush(out) == 0 ? 0 : -errno;
}

static int write_dependencies(struct pack *pack, const char *output, const char *depfile) {
        _cleanup_fclose_ FILE *out = fopen(depfile, "we");

        if (!out)
                return -errno;
        fprintf(out, "%s:%s\n", output, pack->dependencies.len ? pack->dependencies.data : "");
        return fflush(out) == 0 ? 0 : -errno;
}

int main(int argc, char **argv) {
        static struct pack pack;
        struct walk walk = { wanted, add_file, NULL, &pack };
        int r;

        if (argc != 4) {
                fputs("usage: pack-policies FOLDER OUTPUT.c DEPFILE\n", stderr);
                return 2;
        }
        pack.folder = str_from(argv[1]);
        r = walk_path(&pack.arena, pack.folder, &walk, &pack.error);
        if (r >= 0)
                r = write_c(&pack, argv[2]);
        if (r >= 0)
                r = write_dependencies(&pack, argv[2], argv[3]);
        if (r < 0)
                fprintf(stderr, "pack-policies: %s:%u:%u: %s\n", pack.error.file, pack.error.line,
                        pack.error.column,
                        pack.error.message[0] ? pack.error.message : strerror(-r));
        arena_free(&pack.arena);
        return r < 0;
}
