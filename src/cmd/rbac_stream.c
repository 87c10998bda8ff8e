/*
 * redoubt rbac can-i --stream: one answer for each line of standard input.
 *
 * Lines are answered as they come: whatever was read is answered before more is waited for, so that
 * a program can hold a conversation. User and groups are taken as they are given, as in
 * a SubjectAccessReview: nothing is added.
 */
#include <errno.h>
#include <unistd.h>

#include "base/util.h"
#include "cmd/rbac.h"

enum { LINE_LIMIT = 1 << 20, READ_SIZE = 1 << 16 };

struct stream {
        const struct rbac_index *index;
        const struct rbac_beside *beside;
        struct arena arena;
        struct buf in, out;
        bool failed;
};

static const struct {
        const char *name;
        size_t offset;
} fields[] = {
        { "user", offsetof(struct rbac_request, user) },
        { "verb", offsetof(struct rbac_request, verb) },
        { "group", offsetof(struct rbac_request, group) },
        { "resource", offsetof(struct rbac_request, resource) },
        { "subresource", offsetof(struct rbac_request, subresource) },
        { "namespace", offsetof(struct rbac_request, namespace) },
        { "name", offsetof(struct rbac_request, name) },
        { "path", offsetof(struct rbac_request, path) },
};

static int read_groups(struct arena *arena, const struct doc_node *node, struct rbac_request *ret,
                       struct error *error) {
        struct str *groups;

        if (!node || node->kind == DOC_NULL)
                return 0;
        if (node->kind != DOC_LIST)
                return error_set(error, -EINVAL, "groups must be a list");
        groups = arena_new_array(arena, node->list.count, struct str);
        for (uint32_t i = 0; i < node->list.count; i++) {
                if (node->list.items[i].kind != DOC_STRING)
                        return error_set(error, -EINVAL, "groups must be a list of strings");
                groups[i] = node->list.items[i].string;
        }
        ret->groups = groups;
        ret->group_count = node->list.count;
        return 0;
}

static int read_question(struct arena *arena, const struct doc_node *node, struct rbac_request *ret,
                         struct error *error) {
        *ret = (struct rbac_request){ 0 };
        if (node->kind != DOC_MAP)
                return error_set(error, -EINVAL, "a question must be a map");
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                const struct doc_node *field = doc_get(node, str_from(fields[i].name));

                if (field && field->kind != DOC_STRING && field->kind != DOC_NULL)
                        return error_set(error, -EINVAL, "%s must be a string", fields[i].name);
                *(struct str *)((char *)ret + fields[i].offset) = doc_string(field, STR(""));
        }
        return read_groups(arena, doc_get(node, STR("groups")), ret, error);
}

static void answer_line(struct stream *stream, struct str line) {
        struct doc_source source = { STR("<stdin>"), line };
        struct rbac_decision decision;
        struct rbac_request request;
        struct doc_reader reader;
        struct error error = { 0 };
        struct doc *doc;
        int r;

        if (str_trim(line).len == 0)
                return;
        arena_reset(&stream->arena, READ_SIZE);
        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        r = doc_read(&reader, &stream->arena, &doc, &error);
        if (r > 0)
                r = read_question(&stream->arena, doc->root, &request, &error);
        if (r < 0) {
                stream->failed = true;
                buf_add(&stream->out, STR("{\"error\":"));
                buf_add_json(&stream->out, str_from(error.message));
        } else {
                rbac_decide(stream->index, &request, &decision);
                if (!decision.allowed && rbac_node_allows(&stream->beside->nodes, &request, NULL))
                        rbac_add_node_decision(&stream->out);
                else
                        rbac_add_decision(&stream->out, &stream->arena, &decision);
                if (!stream->beside->nodes_read && !decision.allowed &&
                    rbac_node_of(&request).len > 0)
                        buf_add(&stream->out, STR(",\"podsRead\":false"));
        }
        buf_add(&stream->out, STR("}\n"));
}

/* Answers the whole lines of what was read and keeps the rest. */
static void answer_lines(struct stream *stream) {
        struct str rest = buf_str(&stream->in);
        ptrdiff_t end;
        size_t kept;

        while ((end = str_find(rest, STR("\n"), 0)) >= 0) {
                answer_line(stream, str_slice(rest, 0, (size_t)end));
                rest = str_slice(rest, (size_t)end + 1, rest.len);
        }
        kept = rest.len;
        if (kept > 0)
                memmove(stream->in.data, rest.ptr, kept);
        stream->in.len = kept;
}

static int flush(struct stream *stream, struct error *error) {
        if (stream->out.len > 0 &&
            (fwrite(stream->out.data, 1, stream->out.len, stdout) == 0 || fflush(stdout) != 0))
                return error_set(error, -EIO, "cannot write the answers: %s", strerror(errno));
        buf_clear(&stream->out);
        return 0;
}

static int converse(struct stream *stream, struct error *error) {
        _cleanup_free_ char *block = xrealloc(NULL, READ_SIZE, 1);
        ssize_t got = 0;
        int r = 0;

        while (r >= 0 && (got = read(STDIN_FILENO, block, READ_SIZE)) > 0) {
                buf_add(&stream->in, (struct str){ block, (size_t)got });
                answer_lines(stream);
                if (stream->in.len > LINE_LIMIT)
                        r = error_set(error, -E2BIG, "a line of standard input is longer than %d",
                                      LINE_LIMIT);
                else
                        r = flush(stream, error);
        }
        if (r < 0)
                return r;
        if (got < 0)
                return error_set(error, -errno, "cannot read standard input: %s", strerror(errno));
        answer_line(stream, buf_str(&stream->in));
        return flush(stream, error);
}

int rbac_stream(struct command_context *context, const struct rbac_index *index,
                const struct rbac_beside *beside) {
        struct stream stream = { .index = index, .beside = beside };
        int r = converse(&stream, context->error);

        buf_free(&stream.in);
        buf_free(&stream.out);
        arena_free(&stream.arena);
        if (r < 0)
                return r;
        return stream.failed ? COMMAND_INCOMPLETE : COMMAND_CLEAN;
}
