/*
 * Findings in documents that analyses make (scan/analysis.h): they have no text of their own, but
 * say themselves what they come from.
 */
#include "base/fs.h"
#include "base/util.h"
#include "scan/private.h"
#include "scan/redact.h"

static const struct doc_node *placed(const struct doc_node *node) {
        while (node && !(node->kind == DOC_MAP && doc_get(node, STR("place"))))
                node = node->parent;
        return node;
}

static struct finding_location place_of(struct arena *arena, const struct doc_node *place) {
        const struct doc_node *line = doc_get(place, STR("line"));
        const struct doc_node *column = doc_get(place, STR("column"));
        struct finding_location location = {
                .file = arena_str(arena, doc_string(doc_get(place, STR("file")), STR("")))
        };

        if (line && line->kind == DOC_INT && column && column->kind == DOC_INT)
                location.start =
                        (struct doc_pos){ (uint32_t)line->integer, (uint32_t)column->integer };
        return location;
}

size_t derived_places(struct arena *arena, const struct doc_node *node,
                      struct finding_location ret[static DERIVED_PLACES]) {
        const struct doc_node *map = placed(node);
        size_t count = 0;

        if (!map)
                return 0;
        ret[count] = place_of(arena, doc_get(map, STR("place")));
        /* What is built in has no line to point at. */
        if (ret[count].file.len > 0)
                count++;
        for (uint32_t i = 0; i < map->map.count && count < DERIVED_PLACES; i++) {
                const struct doc_entry *entry = &map->map.entries[i];

                if (!str_ends(entry->key, STR("Place")))
                        continue;
                ret[count] = place_of(arena, &entry->value);
                if (ret[count].file.len > 0)
                        count++;
        }
        return count;
}

/* The text of FILE, which is read again: it was forgotten after it was judged. Of the last file
 * that was asked for, because findings come role by role. */
static struct str text_again(struct worker *worker, struct str file) {
        if (!str_eq(worker->again.file, file)) {
                buf_clear(&worker->again.text);
                worker->again.file = file;
                if (fs_read(file.ptr, -1, worker->options->limits.file_bytes, false,
                            &worker->again.text, NULL) < 0)
                        buf_clear(&worker->again.text);
        }
        return buf_str(&worker->again.text);
}

/* Lines before the spot that belong to the same document. */
enum { FRAME_BEFORE = 2, FRAME_LINE_MAX = 2048 };

void derived_frame(struct worker *worker, struct finding *finding) {
        struct arena *arena = &worker->list.arena;
        struct str text = text_again(worker, finding->location.file), line;
        struct str last[FRAME_BEFORE + 1];
        uint32_t spot = finding->location.start.line, number = 0;
        size_t count = 0;

        while (number < spot && str_split(&text, '\n', &line)) {
                number++;
                if (str_starts(line, STR("---")))
                        count = 0;
                if (spot - number > FRAME_BEFORE)
                        continue;
                if (line.len > FRAME_LINE_MAX)
                        return;
                last[count++] = line;
        }
        if (number != spot || count == 0)
                return;
        finding->frame.lines = arena_new_array(arena, count, struct str);
        finding->frame.first_line = spot - (uint32_t)count + 1;
        for (size_t i = 0; i < count; i++)
                finding->frame.lines[finding->frame.count++] =
                        arena_str(arena, redact_line(&worker->scratch, last[i], false));
}

struct resource_ref derived_reference(struct arena *arena, const struct resource *resource) {
        const struct doc_node *about = doc_get(resource->root, STR("about"));
        struct str api_version = STR(POLICY_OWN_GROUP "/v1");

        if (about)
                return (struct resource_ref){
                        arena_str(arena,
                                  doc_string(doc_get(about, STR("apiVersion")), api_version)),
                        arena_str(arena, doc_string(doc_get(about, STR("kind")), resource->kind)),
                        arena_str(arena, doc_string(doc_get(about, STR("namespace")), STR(""))),
                        arena_str(arena, doc_string(doc_get(about, STR("name")), STR("")))
                };
        return (struct resource_ref){
                api_version,
                arena_str(arena,
                          doc_string(doc_find(resource->root, "subject", "kind"), resource->kind)),
                arena_str(arena, resource->namespace), arena_str(arena, resource->name)
        };
}
