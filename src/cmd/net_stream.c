/*
 * redoubt net why --stream: many questions about many sets of objects, for programs and tests.
 *
 * A line of standard input is {"objects": [...], "questions": ["SRC DST PROTOCOL PORT", ...]}; the
 * line that answers it is {"answers": ["..."], "problems": [...]}. An answer has three characters:
 * egress of SRC, ingress of DST, and both, "." for allowed and "X" for not. With "why": true the
 * rules are asked one by one; else the answer is that of the matrix. Both are the same.
 */
#include <errno.h>
#include <unistd.h>

#include "base/util.h"
#include "cmd/net.h"

enum { LINE_LIMIT = 64 << 20, READ_SIZE = 1 << 16 };

struct stream {
        struct command_context *context;
        struct arena arena;
        struct buf in, out;
        bool failed;
};

struct ask {
        struct net_party source, destination;
        enum net_protocol protocol;
        uint16_t port;
};

static int read_question(struct stream *stream, const struct net_index *index, struct str text,
                         struct ask *ret) {
        struct str words[4] = { { 0 } }, rest = text;
        struct command_context context = *stream->context;
        int r;

        context.arena = &stream->arena;
        for (size_t i = 0; i < ELEMENTS(words); i++)
                str_split(&rest, ' ', &words[i]);
        r = net_read_party(&context, index, words[0], &ret->source);
        if (r >= 0)
                r = net_read_party(&context, index, words[1], &ret->destination);
        if (r < 0)
                return r;
        if (!net_protocol_parse(words[2], &ret->protocol) ||
            !net_read_port(words[3], &(enum net_protocol){ 0 }, &ret->port) ||
            ret->source.count != 1 || ret->destination.count != 1)
                return error_set(context.error, -EINVAL, "a question is SRC DST PROTOCOL PORT");
        return 0;
}

static bool side_has(const struct net_index *index, uint32_t peer, enum net_direction direction,
                     uint32_t other, const struct ask *ask) {
        uint32_t set = NET_ALL_PORTS;

        if (peer < index->class_count)
                set = net_side(index, peer, direction, other);
        return net_ports_have(&index->ports.sets.items[set], ask->protocol, ask->port);
}

static void answer(struct stream *stream, const struct net_index *index, const struct ask *ask,
                   bool why) {
        uint32_t source = ask->source.peers[0], destination = ask->destination.peers[0];
        struct net_decision decision = { 0 };

        if (why) {
                net_decide(index, source, destination, ask->protocol, ask->port, &decision);
        } else {
                decision.egress.allowed = side_has(index, source, NET_EGRESS, destination, ask);
                decision.ingress.allowed = side_has(index, destination, NET_INGRESS, source, ask);
                decision.allowed =
                        net_reaches_port(index, source, destination, ask->protocol, ask->port);
        }
        buf_printf(&stream->out, "\"%c%c%c\"", decision.egress.allowed ? '.' : 'X',
                   decision.ingress.allowed ? '.' : 'X', decision.allowed ? '.' : 'X');
}

static void add_problems(struct stream *stream, const struct net_index *index) {
        bool first = true;

        buf_add(&stream->out, STR("],\"problems\":["));
        for (size_t i = 0; i < index->problems.count; i++) {
                if (!index->problems.items[i].incomplete)
                        continue;
                buf_add(&stream->out, first ? STR("") : STR(","));
                buf_add_json(&stream->out, index->problems.items[i].message);
                first = false;
        }
        buf_add(&stream->out, STR("]"));
}

static int answer_set(struct stream *stream, const struct doc *doc, struct net_index *index,
                      struct error *error) {
        const struct doc_node *objects = doc_get(doc->root, STR("objects"));
        const struct doc_node *questions = doc_get(doc->root, STR("questions"));
        const struct doc_node *why = doc_get(doc->root, STR("why"));
        int r = 0;

        if (!objects || objects->kind != DOC_LIST || !questions || questions->kind != DOC_LIST)
                return error_set(error, -EINVAL, "objects and questions must be lists");
        for (uint32_t i = 0; i < objects->list.count; i++) {
                struct resource_list resources;
                struct doc object = *doc;

                object.root = &objects->list.items[i];
                resources_of(&stream->arena, &object, STR("default"), false, &resources);
                for (size_t k = 0; k < resources.count; k++)
                        net_index_add(index, STR("<stdin>"), &resources.items[k]);
        }
        r = net_index_finish(index, error);
        buf_add(&stream->out, STR("{\"answers\":["));
        for (uint32_t i = 0; i < questions->list.count && r >= 0; i++) {
                struct ask ask;

                r = read_question(stream, index, doc_string(&questions->list.items[i], STR("")),
                                  &ask);
                if (r < 0)
                        break;
                buf_add(&stream->out, i ? STR(",") : STR(""));
                answer(stream, index, &ask, why && why->kind == DOC_BOOL && why->boolean);
        }
        add_problems(stream, index);
        return r;
}

static void answer_line(struct stream *stream, struct str line) {
        struct doc_source source = { STR("<stdin>"), line };
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct error *error = stream->context->error;
        struct doc_limits limits = doc_default_limits;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        if (str_trim(line).len == 0)
                return;
        net_index_init(&index);
        arena_reset(&stream->arena, READ_SIZE);
        limits.file_bytes = LINE_LIMIT;
        doc_reader_init(&reader, &source, DOC_JSON, &limits);
        r = doc_read(&reader, &stream->arena, &doc, error);
        if (r > 0)
                r = answer_set(stream, doc, &index, error);
        if (r < 0) {
                stream->failed = true;
                buf_add(&stream->out,
                        stream->out.len > 0 && stream->out.data[stream->out.len - 1] == ']'
                                ? STR(",\"error\":")
                                : STR("{\"error\":"));
                buf_add_json(&stream->out, str_from(error->message));
        }
        buf_add(&stream->out, STR("}\n"));
}

/* Answers the whole lines of what was read and keeps the rest. */
static void answer_lines(struct stream *stream, struct str *rest) {
        ptrdiff_t end;

        while ((end = str_find(*rest, STR("\n"), 0)) >= 0) {
                answer_line(stream, str_slice(*rest, 0, (size_t)end));
                *rest = str_slice(*rest, (size_t)end + 1, rest->len);
        }
}

static int flush(struct stream *stream) {
        if (stream->out.len > 0 &&
            (fwrite(stream->out.data, 1, stream->out.len, stdout) == 0 || fflush(stdout) != 0))
                return error_set(stream->context->error, -EIO, "cannot write the answers: %s",
                                 strerror(errno));
        buf_clear(&stream->out);
        return 0;
}

static int converse(struct stream *stream) {
        _cleanup_free_ char *block = xrealloc(NULL, READ_SIZE, 1);
        ssize_t got = 0;
        int r = 0;

        while (r >= 0 && (got = read(STDIN_FILENO, block, READ_SIZE)) > 0) {
                struct str rest;

                buf_add(&stream->in, (struct str){ block, (size_t)got });
                if (!memchr(block, '\n', (size_t)got)) {
                        if (stream->in.len > LINE_LIMIT)
                                r = error_set(stream->context->error, -E2BIG,
                                              "a line of standard input is too long");
                        continue;
                }
                rest = buf_str(&stream->in);
                answer_lines(stream, &rest);
                if (rest.len > 0)
                        memmove(stream->in.data, rest.ptr, rest.len);
                stream->in.len = rest.len;
                r = flush(stream);
        }
        if (r < 0)
                return r;
        if (got < 0)
                return error_set(stream->context->error, -errno, "cannot read standard input: %s",
                                 strerror(errno));
        answer_line(stream, buf_str(&stream->in));
        return flush(stream);
}

int net_stream(struct command_context *context) {
        struct stream stream = { .context = context };
        int r = converse(&stream);

        buf_free(&stream.in);
        buf_free(&stream.out);
        arena_free(&stream.arena);
        if (r < 0)
                return r;
        return stream.failed ? COMMAND_INCOMPLETE : COMMAND_CLEAN;
}
