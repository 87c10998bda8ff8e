#include "doc/yaml_read.h"

#include <assert.h>
#include <yaml.h>

#include "base/map.h"
#include "doc/locate.h"
#include "doc/scalar.h"
#include "doc/tree.h"
#include "doc/yaml_error.h"

/* What an anchor stands for. */
struct anchor {
        struct tree_value value; /* for a scalar: only position and flags */
        struct scalar scalar;
        bool is_scalar;
        bool open; /* its collection has not ended */
};

enum role {
        ROLE_VALUE,     /* a child of the collection around it */
        ROLE_MERGE,     /* the map behind a merge key */
        ROLE_MERGE_LIST /* the list of maps behind a merge key */
};

/* What is known about an open collection besides its tree_frame. */
struct level {
        enum role role;
        bool flow;
        struct anchor *anchor;
};

struct yaml_reader {
        yaml_parser_t parser;
        const struct doc_limits *limits;
        struct arena *arena;
        struct tree tree;
        struct locator locator;
        struct map anchors;
        VEC(struct level) levels;
        bool merge_next; /* a merge key was read, its value is next */
        bool done;
};

static struct level *top_level(struct yaml_reader *reader) {
        return reader->levels.count ? &reader->levels.items[reader->levels.count - 1] : NULL;
}

static bool is_key_next(struct yaml_reader *reader) {
        const struct tree_frame *frame = tree_top(&reader->tree);

        return frame && frame->node.kind == DOC_MAP && !frame->has_key && !reader->merge_next;
}

/* Whether the next value must be a map to merge. */
static bool is_merge_next(struct yaml_reader *reader) {
        const struct level *level = top_level(reader);

        return reader->merge_next || (level && level->role == ROLE_MERGE_LIST);
}

static int refuse_merge(struct doc_pos pos, struct error *error) {
        return error_set_at(error, -EINVAL, pos.line, pos.column,
                            "the value of the merge key << must be a map, or a list of maps");
}

static struct anchor *new_anchor(struct yaml_reader *reader, const yaml_char_t *name) {
        struct anchor *anchor;

        if (!name)
                return NULL;
        anchor = arena_new(reader->arena, struct anchor);
        map_put(&reader->anchors, arena_str(reader->arena, str_from((const char *)name)))->value =
                anchor;
        return anchor;
}

/* The value of a scalar as a part of the source where it stands there unchanged, otherwise copied.
 */
static struct str scalar_text(struct yaml_reader *reader, const yaml_event_t *event) {
        struct str value = { (const char *)event->data.scalar.value, event->data.scalar.length };
        yaml_scalar_style_t style = event->data.scalar.style;
        bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                      style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        size_t end;

        if (value.len == 0)
                return STR("");
        if (quoted || style == YAML_PLAIN_SCALAR_STYLE) {
                end = locator_offset(&reader->locator, &event->end_mark);
                if (end >= value.len + quoted) {
                        const char *start = reader->locator.text.ptr + end - quoted - value.len;

                        if (memcmp(start, value.ptr, value.len) == 0)
                                return (struct str){ start, value.len };
                }
        }
        return arena_str(reader->arena, value);
}

/* Whether a plain scalar has the tag "!", which libyaml hides: it makes a string of anything. */
static bool has_bare_tag(struct yaml_reader *reader, const yaml_event_t *event, struct str value) {
        size_t end = locator_offset(&reader->locator, &event->end_mark), length;

        length = (size_t)(event->end_mark.index - event->start_mark.index);
        if (length <= value.len || end < value.len)
                return false;
        /* Between the start and the value stand properties; only a tag can have a '!'. */
        for (size_t i = end - value.len; i > 0 && length-- > value.len; i--)
                if (reader->locator.text.ptr[i - 1] == '!')
                        return true;
        return false;
}

static int resolve(struct yaml_reader *reader, const yaml_event_t *event, struct doc_pos start,
                   struct scalar *ret, struct error *error) {
        struct str value = scalar_text(reader, event);
        struct str tag = str_from((const char *)event->data.scalar.tag);
        bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        int r;

        if (tag.ptr) {
                r = scalar_resolve_tagged(reader->arena, tag, value, ret, error);
                if (r < 0 && error) {
                        error->line = start.line;
                        error->column = start.column;
                }
                return r;
        }
        if (plain && !has_bare_tag(reader, event, value))
                scalar_resolve(value, ret);
        else
                *ret = (struct scalar){ .kind = SCALAR_STRING, .string = value };
        return 0;
}

static bool is_merge_key(const yaml_event_t *event) {
        const char *tag = (const char *)event->data.scalar.tag;

        return event->data.scalar.length == 2 && memcmp(event->data.scalar.value, "<<", 2) == 0 &&
               (event->data.scalar.plain_implicit ||
                (tag && strcmp(tag, "tag:yaml.org,2002:merge") == 0));
}

/* Refuses what is too long, and the few things that the API server's parser, an older port of
 * libyaml, reads in another way: there "?" ends text within [ ] and { }, and a comma belongs to the
 * tag before it. */
static int check_scalar(struct yaml_reader *reader, const yaml_event_t *event, struct doc_pos start,
                        struct error *error) {
        const struct level *level = top_level(reader);

        if (event->data.scalar.length > reader->limits->scalar_bytes)
                return error_set_at(error, -E2BIG, start.line, start.column,
                                    "a text is longer than %u bytes (limit: scalar_bytes); raise "
                                    "the limit if it is meant to be",
                                    (unsigned)reader->limits->scalar_bytes);
        if (!level || !level->flow || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
                return 0;
        if (event->data.scalar.length == 0 && event->data.scalar.tag)
                return error_set_at(error, -EINVAL, start.line, start.column,
                                    "a tag without a value within [ ] or { }; write the value, if "
                                    "only as \"\"");
        if (memchr(event->data.scalar.value, '?', event->data.scalar.length))
                return error_set_at(error, -EINVAL, start.line, start.column,
                                    "text with a question mark must be in quotes within [ ] or "
                                    "{ }: Kubernetes' parser takes the mark for a key");
        return 0;
}

static void place_error(struct doc_pos pos, struct error *error) {
        if (error) {
                error->line = pos.line;
                error->column = pos.column;
        }
}

static int set_key(struct yaml_reader *reader, const struct scalar *scalar, struct doc_pos start,
                   struct error *error) {
        struct str key;
        int r;

        r = scalar_to_key(reader->arena, scalar, &key, error);
        if (r < 0) {
                place_error(start, error);
                return r;
        }
        tree_set_key(&reader->tree, key, start);
        return 0;
}

static int make_node(const struct scalar *scalar, struct doc_node *node, struct error *error) {
        int r = scalar_to_node(scalar, node, error);

        if (r < 0)
                place_error(node->start, error);
        return r;
}

/* A document that holds nothing but comments: its root is a scalar that is not there. */
static bool is_absent(struct yaml_reader *reader, const yaml_event_t *event) {
        return reader->levels.count == 0 && event->data.scalar.length == 0 &&
               event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.anchor &&
               !event->data.scalar.tag && event->start_mark.index == event->end_mark.index;
}

static int on_scalar(struct yaml_reader *reader, const yaml_event_t *event, struct error *error) {
        struct doc_pos start = locator_pos(&reader->locator, &event->start_mark);
        yaml_scalar_style_t style = event->data.scalar.style;
        struct doc_node node = { .start = start };
        struct anchor *anchor;
        struct scalar scalar;
        int r;

        if (is_absent(reader, event))
                return 0;
        r = check_scalar(reader, event, start, error);
        if (r < 0)
                return r;
        if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
                node.end =
                        locator_block_end(&reader->locator, &event->start_mark, &event->end_mark);
        else
                node.end = locator_pos(&reader->locator, &event->end_mark);
        r = resolve(reader, event, start, &scalar, error);
        if (r < 0)
                return r;
        if (scalar.kind == SCALAR_STRING && style != YAML_PLAIN_SCALAR_STYLE)
                node.flags = DOC_QUOTED;
        anchor = new_anchor(reader, event->data.scalar.anchor);
        if (anchor) {
                anchor->is_scalar = true;
                anchor->scalar = scalar;
                anchor->value = (struct tree_value){ .node = node, .nodes = 1 };
        }
        if (is_key_next(reader)) {
                if (!is_merge_key(event))
                        return set_key(reader, &scalar, start, error);
                reader->merge_next = true;
                return 0;
        }
        if (is_merge_next(reader))
                return refuse_merge(start, error);
        r = make_node(&scalar, &node, error);
        if (r < 0)
                return r;
        return tree_add(&reader->tree, &node, error);
}

/* Ends the value of a merge key that lay at START to END. */
static void end_merge(struct yaml_reader *reader, struct doc_pos end) {
        reader->merge_next = false;
        tree_top(&reader->tree)->last_end = end;
}

static int find_anchor(struct yaml_reader *reader, struct str name, struct doc_pos start,
                       struct anchor **ret, struct error *error) {
        struct str shown = str_slice(name, 0, 100);
        struct anchor *anchor = map_get(&reader->anchors, name);

        if (!anchor)
                return error_set_at(error, -EINVAL, start.line, start.column,
                                    "the alias *%.*s has no anchor &%.*s before it in this "
                                    "document; put text that begins with * in quotes",
                                    STR_ARG(shown), STR_ARG(shown));
        if (anchor->open)
                return error_set_at(error, -EINVAL, start.line, start.column,
                                    "the alias *%.*s lies within its own anchor, so the value "
                                    "would contain itself",
                                    STR_ARG(shown));
        *ret = anchor;
        return 0;
}

static int on_alias(struct yaml_reader *reader, const yaml_event_t *event, struct error *error) {
        struct doc_pos start = locator_pos(&reader->locator, &event->start_mark);
        struct doc_pos end = locator_pos(&reader->locator, &event->end_mark);
        struct str name = str_from((const char *)event->data.alias.anchor);
        struct tree_value value;
        struct anchor *anchor = NULL;
        int r;

        r = find_anchor(reader, name, start, &anchor, error);
        if (r < 0)
                return r;
        assert(anchor);
        if (is_key_next(reader)) {
                if (anchor->is_scalar)
                        return set_key(reader, &anchor->scalar, start, error);
                return error_set_at(error, -EINVAL, start.line, start.column,
                                    "a list or map cannot be the key of a map");
        }
        if (is_merge_next(reader) && (anchor->is_scalar || anchor->value.node.kind != DOC_MAP))
                return refuse_merge(start, error);
        if (reader->merge_next) {
                r = tree_merge(&reader->tree, &anchor->value, true, start, error);
                end_merge(reader, end);
                return r;
        }
        value = anchor->value;
        if (anchor->is_scalar) {
                r = make_node(&anchor->scalar, &value.node, error);
                if (r < 0)
                        return r;
        }
        return tree_add_value(&reader->tree, &value, true, start, end, error);
}

/* A list or map where a key should be. The commonest is the {{ of a template. */
static int refuse_collection_key(struct yaml_reader *reader, const yaml_event_t *event,
                                 struct doc_pos start, struct error *error) {
        struct str text = reader->locator.text;
        size_t at = locator_offset(&reader->locator, &event->start_mark);

        if (at > 0 && at < text.len && text.ptr[at] == '{' && text.ptr[at - 1] == '{')
                return error_set_at(error, -EINVAL, start.line, start.column - 1,
                                    "{{ begins a template, which has to be rendered first; put it "
                                    "in quotes if it is text");
        return error_set_at(error, -EINVAL, start.line, start.column,
                            "a list or map cannot be the key of a map; put text that begins with "
                            "[ or { in quotes");
}

static int on_start(struct yaml_reader *reader, const yaml_event_t *event, enum doc_kind kind,
                    struct error *error) {
        struct doc_pos start = locator_pos(&reader->locator, &event->start_mark);
        bool map = kind == DOC_MAP;
        const yaml_char_t *name =
                map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
        enum role role = ROLE_VALUE;
        struct level *level;
        int r;

        if (is_key_next(reader))
                return refuse_collection_key(reader, event, start, error);
        if (reader->merge_next)
                role = map ? ROLE_MERGE : ROLE_MERGE_LIST;
        else if (is_merge_next(reader) && !map)
                return refuse_merge(start, error);
        r = tree_open(&reader->tree, kind, start, error);
        if (r < 0)
                return r;
        reader->merge_next = false;
        level = vec_push(&reader->levels);
        level->role = role;
        level->flow = map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                          : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        level->anchor = new_anchor(reader, name);
        if (level->anchor)
                level->anchor->open = true;
        return 0;
}

/* Merges the maps of a list. The first has precedence, so it comes last. */
static int merge_list(struct yaml_reader *reader, const struct tree_value *list,
                      struct error *error) {
        for (uint32_t i = list->node.list.count; i-- > 0;) {
                const struct doc_node *map = &list->node.list.items[i];
                struct tree_value value = { *map, map->map.count, list->height - 1 };
                int r;

                r = tree_merge(&reader->tree, &value, map->flags & DOC_ALIASED, map->start, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int on_end(struct yaml_reader *reader, const yaml_event_t *event, struct error *error) {
        struct level level = *top_level(reader);
        struct doc_pos end = { 0 };
        struct tree_value value;
        int r;

        if (level.flow)
                end = locator_pos(&reader->locator, &event->end_mark);
        tree_close(&reader->tree, end, &value);
        reader->levels.count--;
        if (level.anchor) {
                level.anchor->value = value;
                level.anchor->open = false;
        }
        if (level.role == ROLE_VALUE)
                return tree_add_value(&reader->tree, &value, false, value.node.start,
                                      value.node.end, error);
        if (level.role == ROLE_MERGE)
                r = tree_merge(&reader->tree, &value, false, value.node.start, error);
        else
                r = merge_list(reader, &value, error);
        end_merge(reader, value.node.end);
        return r;
}

static int on_event(struct yaml_reader *reader, const yaml_event_t *event, struct error *error) {
        struct doc_pos pos;

        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return on_scalar(reader, event, error);
        case YAML_ALIAS_EVENT:
                return on_alias(reader, event, error);
        case YAML_SEQUENCE_START_EVENT:
                return on_start(reader, event, DOC_LIST, error);
        case YAML_MAPPING_START_EVENT:
                return on_start(reader, event, DOC_MAP, error);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                return on_end(reader, event, error);
        case YAML_DOCUMENT_START_EVENT:
                if (reader->tree.items.count == 0)
                        return 0;
                pos = locator_pos(&reader->locator, &event->start_mark);
                return error_set_at(error, -EINVAL, pos.line, pos.column,
                                    "a second document begins here, but not at the start of a "
                                    "line; Kubernetes would not see it");
        case YAML_STREAM_END_EVENT:
                reader->done = true;
                return 0;
        default:
                return 0;
        }
}

static int read_events(struct yaml_reader *reader, struct error *error) {
        while (!reader->done) {
                yaml_event_t event _cleanup_(yaml_event_delete) = { 0 };
                int r;

                if (!yaml_parser_parse(&reader->parser, &event))
                        return yaml_error_set(&reader->parser, &reader->locator, error);
                r = on_event(reader, &event, error);
                if (r < 0)
                        return r;
        }
        if (reader->tree.items.count > 0)
                tree_finish(&reader->tree);
        return 0;
}

static void reader_free(struct yaml_reader *reader) {
        yaml_parser_delete(&reader->parser);
        tree_free(&reader->tree);
        map_free(&reader->anchors);
        vec_free(&reader->levels);
}

static int refuse_character(struct str text, uint32_t line, const struct text_survey *survey,
                            struct error *error) {
        struct doc_pos pos = text_place(text, (struct doc_pos){ line, 1 }, survey->forbidden_at);

        return error_set_at(error, -EINVAL, pos.line, pos.column,
                            "the character U+%04X is not allowed in YAML; write it as an escape "
                            "in double quotes (\"\\u%04x\")",
                            (unsigned)survey->character, (unsigned)survey->character);
}

int yaml_read(struct str text, uint32_t line, const struct doc_limits *limits, struct arena *arena,
              struct doc *doc, struct error *error) {
        struct yaml_reader reader _cleanup_(reader_free) = { .limits = limits, .arena = arena };
        struct text_survey survey;

        text_survey(text, &survey);
        if (survey.forbidden)
                return refuse_character(text, line, &survey, error);
        locator_init(&reader.locator, text, line, &survey);
        tree_init(&reader.tree, arena, limits, doc);
        if (!yaml_parser_initialize(&reader.parser))
                out_of_memory();
        yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.ptr, text.len);
        return read_events(&reader, error);
}
