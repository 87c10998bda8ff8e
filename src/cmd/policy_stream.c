/* A stream of questions: the policies of a line, found or compiled, and its answer. */
#include "cmd/policy_stream.h"

#include <errno.h>

#include "base/util.h"
#include "doc/write.h"

/* Policies are compiled once for all lines that bring the same text. */
struct policy_stream_entry {
        struct str key; /* in the arena of the set */
        uint32_t hash;
        struct policy_set set;
        struct doc_source source;
};

static void entry_free(struct policy_stream_entry *entry) {
        if (!entry)
                return;
        policy_set_free(&entry->set);
        free(entry);
}

static void add_json_field(struct buf *buf, const struct doc_node *line, const char *field) {
        const struct doc_node *node = doc_get(line, str_from(field));

        buf_add_char(buf, buf->len ? ',' : '[');
        if (node)
                doc_write_json(buf, node);
        else
                buf_add(buf, STR("null"));
}

/* Adds NODE: an object, a list of them, or text that holds some. */
static int add_part(struct policy_stream_entry *entry, const struct doc *doc,
                    const struct doc_node *node, struct error *error) {
        struct doc_source *source;
        int r = 0;

        if (node->kind == DOC_LIST)
                for (uint32_t i = 0; i < node->list.count && r >= 0; i++)
                        r = policy_set_add_object(&entry->set, doc, &node->list.items[i], error);
        else if (node->kind == DOC_MAP)
                r = policy_set_add_object(&entry->set, doc, node, error);
        else if (node->kind == DOC_STRING) {
                source = arena_new(&entry->set.arena, struct doc_source);
                *source = (struct doc_source){ STR(""), node->string };
                r = policy_set_add_source(&entry->set, source, error);
        }
        return r;
}

static int compile(struct policy_stream_entry *entry, struct str key, uint16_t minor,
                   struct error *error) {
        struct arena *arena = &entry->set.arena;
        struct doc_reader reader;
        struct doc *doc;
        int r = policy_set_init(&entry->set, minor, error);

        entry->key = arena_str(arena, key);
        entry->source = (struct doc_source){ STR(""), entry->key };
        if (r < 0)
                return r;
        doc_reader_init(&reader, &entry->source, DOC_JSON, NULL);
        r = doc_read(&reader, arena, &doc, error);
        for (uint32_t i = 0; r >= 0 && i < doc->root->list.count; i++)
                r = add_part(entry, doc, &doc->root->list.items[i], error);
        if (r >= 0)
                r = policy_set_finish(&entry->set, error);
        if (r >= 0 && entry->set.policies.count + entry->set.mutators.count == 0)
                r = error_set(error, -EINVAL, "there is no policy to judge by");
        return r;
}

static int find_policies(struct policy_stream *stream, const struct doc_node *line,
                         const struct policy_set **ret, struct error *error) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;
        struct policy_stream_entry *made;
        uint32_t hash;
        int r;

        add_json_field(&key, line, "policy");
        add_json_field(&key, line, "binding");
        add_json_field(&key, line, "params");
        buf_add_char(&key, ']');
        hash = str_hash(buf_str(&key));
        for (size_t i = 0; i < POLICY_STREAM_CACHE; i++)
                if (stream->cache[i] && stream->cache[i]->hash == hash &&
                    str_eq(stream->cache[i]->key, buf_str(&key))) {
                        *ret = &stream->cache[i]->set;
                        return 0;
                }
        made = xrealloc(NULL, 1, sizeof *made);
        *made = (struct policy_stream_entry){ .hash = hash };
        r = compile(made, buf_str(&key), stream->kube_minor, error);
        if (r < 0) {
                entry_free(made);
                return r;
        }
        entry_free(stream->cache[stream->next]);
        stream->cache[stream->next] = made;
        stream->next = (stream->next + 1) % POLICY_STREAM_CACHE;
        *ret = &made->set;
        return 0;
}

static int answer_line(struct policy_stream *stream, struct str text, struct buf *answer,
                       struct error *error) {
        struct arena *arena = &stream->arena;
        struct doc_source source = { STR(""), text };
        struct policy_question question = { .user = stream->user, .rbac = stream->rbac };
        const struct policy_set *set;
        struct policy_subject subject;
        struct doc_reader reader;
        struct doc *doc;
        int r;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        r = doc_read(&reader, arena, &doc, error);
        if (r == 0 || (r > 0 && doc->root->kind != DOC_MAP))
                r = error_set(error, -EINVAL, "a question is a JSON object");
        if (r < 0)
                return r;
        question.object = doc_get(doc->root, STR("object"));
        question.old_object = doc_get(doc->root, STR("oldObject"));
        question.namespace_object = doc_get(doc->root, STR("namespaceObject"));
        question.request = doc_get(doc->root, STR("request"));
        r = find_policies(stream, doc->root, &set, error);
        if (r >= 0)
                r = policy_question_subject(&question, arena, &subject, error);
        if (r >= 0)
                stream->answer(stream->arguments, answer, set, &question, &subject);
        return r;
}

void policy_stream_answer(struct policy_stream *stream, struct str line, struct buf *answer) {
        struct error error = { 0 };

        if (answer_line(stream, line, answer, &error) < 0)
                policy_answer_invalid(answer, &error);
        arena_reset(&stream->arena, 1 << 20);
}

void policy_stream_free(struct policy_stream *stream) {
        for (size_t i = 0; i < POLICY_STREAM_CACHE; i++)
                entry_free(stream->cache[i]);
        arena_free(&stream->arena);
}
