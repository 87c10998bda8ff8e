/*
 * From a violation to a finding: where it is, what it says, and what a person sees of the source.
 * Everything is copied into the arena of the worker's list, because document and source are gone
 * when the report is written.
 */
#include "base/util.h"
#include "policy/exception.h"
#include "scan/private.h"
#include "scan/redact.h"

enum {
        FRAME_BEFORE = 2,      /* lines shown above the spot */
        FRAME_LINE_MAX = 2048, /* a longer line is no source that a person reads: no frame */
        PATH_DEPTH = 300,
};

static struct str keep(struct worker *worker, struct str s) {
        return arena_str(&worker->list.arena, s);
}

static struct str file_name(struct worker *worker) {
        if (!worker->file.ptr)
                worker->file = keep(worker, worker->doc->source->name);
        return worker->file;
}

static bool is_facts(const struct resource *resource) {
        return str_eq(resource->group, STR(POLICY_OWN_GROUP)) &&
               str_eq(resource->kind, STR("NodeFacts"));
}

static struct resource_ref reference(struct worker *worker) {
        const struct resource *resource = worker->resource;

        if (worker->is_derived || is_facts(resource))
                return derived_reference(&worker->list.arena, resource);
        if (!worker->has_reference) {
                worker->reference = (struct resource_ref){ keep(worker, resource->api_version),
                                                           keep(worker, resource->kind),
                                                           keep(worker, resource->namespace),
                                                           keep(worker, resource->name) };
                worker->has_reference = true;
        }
        return worker->reference;
}

static bool is_root(const struct resource *resource, const struct doc_node *node) {
        return node == resource->root || node == resource->object;
}

/* The path of NODE below the resource: an item of a List is its own root. */
static struct str path_of(struct worker *worker, const struct doc_node *node) {
        struct str path = doc_path(&worker->scratch, node);
        struct str root = doc_path(&worker->scratch, worker->resource->root);

        if (root.len > 0 && str_starts(path, root))
                path = str_slice(path, root.len, path.len);
        if (str_starts(path, STR(".")))
                path = str_slice(path, 1, path.len);
        return path;
}

/* The path with list items called by their name, for the fingerprint: containers[cart].image. */
static struct str stable_path(struct worker *worker, const struct doc_node *node) {
        const struct doc_node *nodes[PATH_DEPTH];
        struct buf path _cleanup_(buf_free) = BUF_INIT;
        size_t count = 0;

        for (; node && !is_root(worker->resource, node) && count < PATH_DEPTH; node = node->parent)
                nodes[count++] = node;
        while (count-- > 0) {
                const struct doc_node *parent = nodes[count]->parent;
                const struct doc_entry *entry = doc_entry_of(nodes[count]);
                struct str name = doc_string(doc_get(nodes[count], STR("name")), STR(""));

                if (entry)
                        buf_printf(&path, "/%.*s", STR_ARG(entry->key));
                else if (parent && parent->kind == DOC_LIST && name.len > 0)
                        buf_printf(&path, "/name=%.*s", STR_ARG(name));
                else
                        buf_printf(&path, "/%u", nodes[count]->index);
        }
        return arena_str(&worker->scratch, buf_str(&path));
}

static struct finding_location location(struct worker *worker, const struct doc_node *node) {
        return (struct finding_location){ .file = file_name(worker),
                                          .start = node->start,
                                          .end = node->end,
                                          .path = keep(worker, path_of(worker, node)) };
}

static const struct doc_lines *document_lines(struct worker *worker) {
        const struct doc *doc = worker->doc;

        if (!worker->has_lines)
                doc_lines_init(&worker->documents,
                               str_slice(doc->source->text, doc->text_start, doc->text_end),
                               &worker->lines);
        worker->has_lines = true;
        return &worker->lines;
}

/* Places that say what an object is; a rule about secrets that points there points at no secret. */
static bool names_only(struct str path) {
        return str_eq(path, STR("type")) || str_eq(path, STR("kind")) ||
               str_starts(path, STR("metadata"));
}

/* A source line as it may be shown. What a rule about secrets points at is one. */
static struct str shown_line(struct worker *worker, const struct finding *finding, uint32_t number,
                             struct str line) {
        const struct finding_location *spot = &finding->location;
        struct arena *arena = &worker->scratch;
        bool about_secrets =
                str_eq(finding->rule->practice, STR("secrets")) && !names_only(spot->path);

        line = str_slice(line, 0, FRAME_LINE_MAX);
        if (redact_is_secret_data(worker->resource->root, number))
                return redact_line(arena, line, true);
        if (number != spot->start.line)
                return redact_line(arena, line, false);
        if (about_secrets && spot->end.line == number && spot->end.column > spot->start.column)
                return redact_span(arena, line, spot->start.column, spot->end.column);
        return about_secrets ? redact_line(arena, line, true) : line;
}

/* The line of the spot and a few before it, within the document. */
static void fill_frame(struct worker *worker, struct finding *finding) {
        uint32_t document = worker->doc->start.line, line = finding->location.start.line;
        const struct doc_lines *lines = document_lines(worker);
        uint32_t first;

        if (line < document || doc_line(lines, line - document + 1).len > FRAME_LINE_MAX)
                return;
        first = MAX(line > FRAME_BEFORE ? line - FRAME_BEFORE : 1, document);
        finding->frame.lines = arena_new_array(&worker->list.arena, line - first + 1, struct str);
        finding->frame.first_line = first;
        for (uint32_t at = first; at <= line; at++)
                finding->frame.lines[finding->frame.count++] =
                        keep(worker,
                             shown_line(worker, finding, at, doc_line(lines, at - document + 1)));
}

/* Where nothing in the object decided (a rule that is always false), its name stands for it. */
static const struct doc_node *whole_object(const struct resource *resource) {
        const struct doc_node *name = doc_find(resource->root, "metadata", "name");

        return name ? name : resource->root;
}

/* Nodes that lie outside of the resource (the Namespace, the request) say nothing about its text.
 */
static bool is_within(const struct resource *resource, const struct doc_node *node) {
        for (int depth = 0; node && depth < PATH_DEPTH; node = node->parent, depth++)
                if (is_root(resource, node))
                        return true;
        return false;
}

/* What the text has where NODE is. */
static const struct doc_node *held(const struct doc_node *node) {
        const struct doc_node *parent = node->parent;

        return parent->kind == DOC_MAP ? &parent->map.entries[node->index].value
                                       : &parent->list.items[node->index];
}

/* The nearest thing around a default that was written: nobody finds the path of a default. */
static const struct doc_node *written(const struct doc_node *node) {
        while ((node->flags & DOC_SYNTHETIC) && node->parent && (held(node)->flags & DOC_SYNTHETIC))
                node = node->parent;
        return node;
}

static bool is_among(const struct doc_node *const *nodes, size_t count,
                     const struct doc_node *node) {
        for (size_t i = 0; i < count; i++)
                if (nodes[i] == node || (node->parent && nodes[i]->parent == node->parent &&
                                         nodes[i]->index == node->index))
                        return true;
        return false;
}

static size_t usable_reasons(struct worker *worker, const struct policy_violation *violation,
                             const struct doc_node **ret) {
        size_t count = 0;

        for (size_t i = 0; i < violation->reason_count; i++) {
                const struct doc_node *node = written(violation->reasons[i].node);

                if (is_within(worker->resource, node) && !is_among(ret, count, node))
                        ret[count++] = node;
        }
        if (count == 0)
                ret[count++] = whole_object(worker->resource);
        return count;
}

/* The key of NODE instead of its value. */
static void move_to_key(struct finding_location *location, const struct doc_node *node) {
        const struct doc_entry *entry = doc_entry_of(node);

        if (!entry)
                return;
        location->start = location->end = entry->key_start;
        location->end.column += (uint32_t)entry->key.len;
}

static void place_in_document(struct worker *worker, struct finding *finding,
                              const struct worker_spot *spot) {
        finding->location = location(worker, spot->nodes[0]);
        if (spot->at_key)
                move_to_key(&finding->location, spot->nodes[0]);
        finding->related_count = spot->count - 1;
        if (spot->count > 1)
                finding->related = arena_new_array(&worker->list.arena, spot->count - 1,
                                                   struct finding_location);
        for (size_t i = 1; i < spot->count; i++)
                finding->related[i - 1] = location(worker, spot->nodes[i]);
        declared_place(worker, spot->nodes[0], &finding->declared);
        finding->fingerprint = finding_fingerprint(&worker->list.arena, finding,
                                                   stable_path(worker, spot->nodes[0]));
        if (worker->options->frames)
                fill_frame(worker, finding);
}

static bool is_place(const struct finding_location *a, const struct finding_location *b) {
        return str_eq(a->file, b->file) && a->start.line == b->start.line &&
               a->start.column == b->start.column;
}

/* The places that NODES of a document of an analysis stand for; false where they say none. */
static bool place_elsewhere(struct worker *worker, struct finding *finding,
                            const struct worker_spot *spot) {
        struct arena *arena = &worker->list.arena;
        struct finding_location *places =
                arena_new_array(arena, DERIVED_PLACES * spot->count + 1, struct finding_location);
        size_t found = 0;

        for (size_t i = 0; i < spot->count; i++) {
                size_t first = found, more = derived_places(arena, spot->nodes[i], &places[found]);

                for (size_t k = first; k < first + more; k++) {
                        bool known = false;

                        for (size_t m = 0; m < found && !known; m++)
                                known = is_place(&places[m], &places[k]);
                        if (!known)
                                places[found++] = places[k];
                }
        }
        if (found == 0 && !worker->is_derived)
                return false;
        finding->location = places[0];
        finding->related = places + 1;
        finding->related_count = found > 0 ? found - 1 : 0;
        finding->fingerprint = finding_fingerprint(arena, finding, worker->resource->kind);
        /* Only what was made here is believed to come from the files that it names. */
        if (worker->options->frames && worker->is_derived)
                derived_frame(worker, finding);
        return true;
}

void worker_add_finding(struct worker *worker, const struct rule_info *rule, struct str message,
                        const struct worker_spot *spot) {
        struct finding *finding;

        if (worker->list.findings.count >= worker->options->max_findings) {
                worker->dropped++;
                return;
        }
        finding = vec_push(&worker->list.findings);
        finding->rule = rule;
        finding->message = keep(worker, message);
        finding->resource = reference(worker);
        if (!str_eq(worker->resource->group, STR(POLICY_OWN_GROUP)) ||
            !place_elsewhere(worker, finding, spot))
                place_in_document(worker, finding, spot);
}

/* --- what facts do not tell --- */

static bool is_unknown(const struct doc_node *node) {
        const struct doc_node *unknown = doc_get(node, STR("unknown"));

        return unknown && unknown->kind == DOC_BOOL && unknown->boolean;
}

/* The part of the facts that VIOLATION failed for want of, or NULL. */
static const struct doc_node *missing_fact(const struct policy_violation *violation) {
        for (size_t i = 0; i < violation->reason_count; i++)
                for (const struct doc_node *node = violation->reasons[i].node; node;
                     node = node->parent)
                        if (is_unknown(node))
                                return node;
        return NULL;
}

struct str found_unknown(struct arena *arena, const struct policy_violation *violation) {
        const struct doc_node *fact = missing_fact(violation);
        struct str why = doc_string(doc_get(fact, STR("why")), STR(""));

        if (!fact)
                return violation->message;
        return arena_printf(arena, "%.*s is not known%s%.*s", STR_ARG(doc_path(arena, fact)),
                            why.len > 0 ? ": " : "", STR_ARG(why));
}

/* Facts say of themselves what could not be found out (docs/node-facts.md): rules that need it
 * fail, and that is no finding but a gap. */
static void found_gap(struct worker *worker, const struct policy_violation *violation) {
        struct finding_location places[DERIVED_PLACES];
        const struct doc_node *fact = missing_fact(violation);
        struct finding_location place = { .file = worker->doc->source->name };
        struct str why = found_unknown(&worker->scratch, violation);

        if (fact && derived_places(&worker->list.arena, fact, places) > 0)
                place = places[0];
        worker->coverage.not_judged++;
        worker_problem(worker, place.file, place.start, (struct doc_pos){ 0, 0 },
                       arena_printf(&worker->scratch, "rule %.*s was not judged: %.*s",
                                    STR_ARG(violation->policy->info.id), STR_ARG(why)),
                       true);
}

void worker_found(void *userdata, const struct policy_violation *violation) {
        struct worker *worker = userdata;
        const struct doc_node *nodes[CEL_EXPLAIN_MAX + 1];
        size_t count;

        if (worker->subject &&
            policy_is_excepted(violation->policy, worker->subject, &worker->scratch)) {
                worker->coverage.excepted++;
                return;
        }
        if (violation->error &&
            (is_facts(worker->resource) || (worker->is_derived && missing_fact(violation)))) {
                found_gap(worker, violation);
                return;
        }
        count = usable_reasons(worker, violation, nodes);
        worker_add_finding(worker, &violation->policy->info, violation->message,
                           &(struct worker_spot){ nodes, count, false });
}

void worker_problem(struct worker *worker, struct str file, struct doc_pos pos,
                    struct doc_pos other, struct str message, bool incomplete) {
        *vec_push(&worker->list.diagnostics) =
                (struct diagnostic){ .file = keep(worker, file),
                                     .pos = pos,
                                     .other = other,
                                     .message = keep(worker, message),
                                     .incomplete = incomplete };
}
