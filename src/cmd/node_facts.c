/* redoubt node facts: what there is to know about a machine, as a document. */
#include <time.h>

#include "base/fs.h"
#include "base/util.h"
#include "cmd/node.h"
#include "doc/write.h"
#include "node/signature.h"

enum { FACTS_MAX = 64 << 20 };

enum { FACTS_JSON, FACTS_YAML };

struct facts_arguments {
        struct node_source source;
        const char *sign;
        int format;
};

int node_facts_read(struct command_context *context, const char *path, const char *key,
                    const struct doc_node **ret) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(context->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;
        int r = fs_read(path, -1, FACTS_MAX, false, &buf, context->error);

        if (r >= 0)
                r = doc_source_init(context->arena, str_from(path),
                                    arena_str(context->arena, buf_str(&buf)), source,
                                    context->error);
        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_AUTO, &doc_default_limits);
        r = doc_read(&reader, context->arena, &doc, context->error);
        if (r < 0)
                return r;
        if (r == 0 || !str_eq(doc_string(doc_get(doc->root, STR("kind")), STR("")), STR(NODE_KIND)))
                return error_set(context->error, -EINVAL, "%s: holds no facts of a node", path);
        *ret = doc->root;
        return key ? node_verify(doc->root, key, context->error) : 0;
}

int node_facts_text(struct command_context *context, const struct node_source *source,
                    struct buf *ret) {
        struct node_options options = { .root = source->root ? source->root : "/",
                                        .name = source->name,
                                        .now = (int64_t)time(NULL),
                                        .probe = source->probe };
        const struct doc_node *facts = NULL;
        int r;

        if (!source->facts)
                return node_collect(&options, ret, context->error);
        r = node_facts_read(context, source->facts, source->key, &facts);
        if (r < 0)
                return r;
        doc_write_json(ret, facts);
        buf_add_char(ret, '\n');
        return 0;
}

static int to_yaml(struct command_context *context, struct str text, struct buf *ret) {
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;
        int r = doc_source_init(context->arena, STR("facts"), text, &source, context->error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, &source, DOC_JSON, &doc_default_limits);
        r = doc_read(&reader, context->arena, &doc, context->error);
        if (r > 0)
                doc_write_yaml(ret, doc->root, 0);
        return r < 0 ? r : 0;
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct facts_arguments *arguments = context->options;
        struct buf text _cleanup_(buf_free) = BUF_INIT, signed_text _cleanup_(buf_free) = BUF_INIT;
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;
        struct str out;
        int r = node_facts_text(context, &arguments->source, &text);

        (void)argc, (void)argv;
        if (r >= 0 && arguments->sign)
                r = node_sign(buf_str(&text), arguments->sign, &signed_text, context->error);
        if (r < 0)
                return r;
        out = arguments->sign ? buf_str(&signed_text) : buf_str(&text);
        if (arguments->format == FACTS_YAML) {
                r = to_yaml(context, out, &yaml);
                if (r < 0)
                        return r;
                out = buf_str(&yaml);
        }
        fwrite(out.ptr, 1, out.len, stdout);
        return COMMAND_CLEAN;
}

static const struct option_word formats[] = {
        { "json", FACTS_JSON, "for programs" },
        { "yaml", FACTS_YAML, "for people" },
        { NULL },
};

static const struct option_spec specs[] = {
        NODE_COLLECT_OPTIONS(struct facts_arguments, source),
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the facts", OPTION_CHOICE,
          offsetof(struct facts_arguments, format), .words = formats },
        { 0, "sign", "KEY",
          "sign them with the private key (PEM), or the secret of an HMAC, in file KEY",
          OPTION_STRING, offsetof(struct facts_arguments, sign), .hint = OPTION_HINT_FILE },
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt node facts -o yaml", "what is known of this machine" },
        { "redoubt node facts --root /host --sign node.key > facts.json",
          "those of the host, from within a container, signed" },
        { NULL },
};

const struct command command_node_facts = {
        .name = "facts",
        .summary = "collect what there is to know about this machine",
        .description =
                "Reads /proc, configuration files, certificates and sockets, and writes one "
                "document of facts: the effective settings of kubelet, control plane, etcd, "
                "container runtime and host, each with who decided it and where. Rules judge that "
                "document, here or elsewhere (`redoubt node --facts`). Nothing is run or changed, "
                "and no secret is in it; what could not be read is listed under `gaps`.\n\nExit "
                "status: 0, or 2 for an error.",
        .options = specs,
        .options_size = sizeof(struct facts_arguments),
        .examples = examples,
        .run = run,
};
