/*
 * Documents: YAML or JSON as one tree in which every node knows where it was written.
 *
 * The tree is what the API server would make of the text (sigs.k8s.io/yaml, then JSON): YAML 1.1
 * scalars, merge keys expanded, aliases resolved, map keys turned into strings, the last of two
 * equal keys winning. It lives in an arena together with a copy of nothing: strings point into the
 * source text where they can, so the source must live as long as the tree.
 *
 * An aliased subtree is shared: the copy of its root has its own parent and index, its descendants
 * keep the place where they were written (the anchor). Nodes are immutable once read, and may be
 * read by several threads.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_INT, DOC_DOUBLE, DOC_STRING, DOC_LIST, DOC_MAP };

enum doc_flag {
        DOC_QUOTED = 1 << 0,   /* a string that was written in quotes or as a block scalar */
        DOC_ALIASED = 1 << 1,  /* reached through an alias or a merge key */
        DOC_SYNTHETIC = 1 << 2 /* made by the program (a default, a wrapper); its position is that
                                  of its parent */
};

/* A place in the text: 1-based line and 1-based column in characters (code points), 0 where
 * unknown. */
struct doc_pos {
        uint32_t line, column;
};

struct doc_node {
        uint8_t kind;   /* enum doc_kind */
        uint8_t flags;  /* enum doc_flag */
        uint16_t depth; /* the root has 0 */
        uint32_t index; /* position within the parent: item of a list, entry of a map */
        struct doc_pos start,
                end; /* end is exclusive; for block collections it is the end of the last child */
        const struct doc_node *parent; /* NULL for the root */
        union {
                bool boolean;
                int64_t integer;
                double number;
                struct str string;
                struct {
                        struct doc_node *items;
                        uint32_t count;
                } list;
                struct {
                        struct doc_entry *entries;
                        uint32_t count;
                        uint32_t slot_mask; /* a hash index lies behind the entries when not 0 */
                } map;
        };
};

struct doc_entry {
        struct str key;
        struct doc_pos key_start; /* where the key is written */
        uint32_t hash;            /* str_hash(key) */
        struct doc_node value;
};

/* A source text. */
struct doc_source {
        struct str name; /* the path as a person gave it, or "<stdin>" */
        struct str text; /* UTF-8, BOM removed (see doc_source_init) */
};

/* Something worth telling about the text that does not stop it from being judged. */
struct doc_diagnostic {
        struct doc_diagnostic *next;
        struct doc_pos pos;
        struct doc_pos other; /* the second place (the first of two equal keys), line 0 where there
                                 is none */
        struct str message;
};

/* One document of a source. */
struct doc {
        const struct doc_source *source;
        struct doc_node *root;
        struct doc_diagnostic *diagnostics; /* in order */
        uint32_t index;                     /* 0-based position in the source */
        struct doc_pos start;               /* where its text begins */
        size_t text_start, text_end;        /* its bytes in source->text */
};

/* Bounds on what a hostile text can cost. All adjustable; the defaults are documented in
 * docs/limits.md. */
struct doc_limits {
        size_t file_bytes; /* a larger source is refused; default 64 MiB */
        uint32_t depth;    /* nesting of lists and maps; default 256 */
        size_t nodes;      /* nodes of one document, aliases counted as copies; default 4,000,000 */
        size_t alias_nodes; /* nodes reached through aliases and merge keys in one document; default
                               200,000 */
        uint32_t scalar_bytes; /* one scalar; default 16 MiB */
};
extern const struct doc_limits doc_default_limits;

enum doc_format { DOC_AUTO, DOC_YAML, DOC_JSON };

/* Prepares TEXT for reading: removes a BOM, converts UTF-16/32 into UTF-8 in ARENA, and refuses
 * what is no text. Returns 0 or -EILSEQ with the place of the first invalid byte. */
int doc_source_init(struct arena *arena, struct str name, struct str text, struct doc_source *ret,
                    struct error *error);

/*
 * Iterates over the documents of a source.
 *
 * A YAML stream is cut at its document markers (a line that begins with "---" followed by white
 * space or nothing), as the API machinery does, so that a broken document does not take the others
 * with it. JSON values may follow each other. DOC_AUTO takes JSON when the first character is '{'
 * or '[' and the text reads as JSON, otherwise YAML (which JSON mostly is).
 */
struct doc_reader {
        const struct doc_source *source;
        struct doc_limits limits;
        enum doc_format format;
        size_t offset, end; /* bytes of the source that are left to read */
        uint32_t line;      /* the line at OFFSET */
        uint32_t column;    /* and the column, which is not 1 only between JSON values */
        uint32_t index;     /* of the next document */
};

void doc_reader_init(struct doc_reader *reader, const struct doc_source *source,
                     enum doc_format format, const struct doc_limits *limits);

/* Restricts READER to a part of the source that begins and ends at document boundaries: cuts off at
 * most BYTES (at least one document) into *RET_PART and leaves the rest in READER. Returns false
 * when nothing was left. Both may be read by different threads. Document indexes start at READER's;
 * the number of documents cut off is added to READER's index. */
bool doc_reader_cut(struct doc_reader *reader, size_t bytes, struct doc_reader *ret_part);

/* Reads the next document into ARENA. Returns 1 and *RET, 0 at the end, or a negative errno with
 * ERROR (file, line, column) for a document that cannot be read: -EINVAL syntax, -E2BIG a limit.
 * After an error the next call goes on with the next document. Empty documents (only comments) are
 * skipped. */
int doc_read(struct doc_reader *reader, struct arena *arena, struct doc **ret, struct error *error);

/* --- looking at a tree --- */

/* The value of KEY in map NODE, or NULL (also where NODE is NULL or no map). O(1). */
const struct doc_node *doc_get(const struct doc_node *node, struct str key);
const struct doc_node *doc_get_hashed(const struct doc_node *node, struct str key, uint32_t hash);

/* Follows keys: doc_find(root, "metadata", "labels"). NULL where one is missing. */
#define doc_find(node, ...) doc_find_keys((node), (const char *const[]){ __VA_ARGS__, NULL })
const struct doc_node *doc_find_keys(const struct doc_node *node, const char *const *keys);

/* The string of NODE, or FALLBACK where it is NULL or no string. */
struct str doc_string(const struct doc_node *node, struct str fallback);

/* The name of a kind for messages: "null", "boolean", "integer", "number", "string", "list", "map".
 */
const char *doc_kind_name(enum doc_kind kind);

/* The value that the text gives KEY of a map, where NODE is a copy of that map that does not have
 * it (a decoded object, see kube/decode.h); NULL where there is none, or null. */
const struct doc_node *doc_get_written(const struct doc_node *node, struct str key);

/* Where NODE is, as `spec.containers[0].securityContext["a.b"]`, written into ARENA. The root is
 * "". */
struct str doc_path(struct arena *arena, const struct doc_node *node);

/* The entry of the map that holds NODE, or NULL where its parent is no map. */
const struct doc_entry *doc_entry_of(const struct doc_node *node);

/* --- building --- */

/* Builds a map or list of COUNT children in ARENA that takes its position from NEAR (may be NULL).
 * Children are zeroed; fill them with doc_set_* and finish maps with doc_map_index. A child may be
 * a shallow copy of another node. */
struct doc_node *doc_new_map(struct arena *arena, const struct doc_node *near, size_t count);
struct doc_node *doc_new_list(struct arena *arena, const struct doc_node *near, size_t count);
void doc_map_set(struct doc_node *map, size_t at, struct str key, const struct doc_node *value);
void doc_set_string(struct doc_node *node, struct str value);

/* Computes hashes and the index of a map whose entries are filled. Duplicate keys: the last wins in
 * lookups. */
void doc_map_index(struct arena *arena, struct doc_node *map);

/* A copy of MAP (none where it is NULL or no map) in which KEY is VALUE. Unlike with doc_map_set,
 * what was written keeps its parent, so that paths lead into the text; what was not is at NEAR. */
struct doc_node *doc_map_with(struct arena *arena, const struct doc_node *map, struct str key,
                              const struct doc_node *value, const struct doc_node *near);

/* --- comments and text --- */

struct doc_comment {
        struct doc_pos pos; /* of the '#' */
        struct str text;    /* from '#' to the end of the line, without the newline */
};

/* The comments of a YAML document in order, found in its text between the scalars. Empty for JSON.
 */
size_t doc_comments(struct arena *arena, const struct doc *doc, struct doc_comment **ret);

/* An index of line starts for showing source lines. Lines end with \n, \r\n or \r. */
struct doc_lines {
        struct str text;
        size_t *starts; /* byte offset of each line */
        size_t count;
};
void doc_lines_init(struct arena *arena, struct str text, struct doc_lines *ret);

/* Line number LINE (1-based) without its end; empty where there is none. */
struct str doc_line(const struct doc_lines *lines, uint32_t line);
