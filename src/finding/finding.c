#include "finding/finding.h"

#include <errno.h>

static const char *const severity_names[SEVERITY_COUNT] = {
        [SEVERITY_LOW] = "low",
        [SEVERITY_MEDIUM] = "medium",
        [SEVERITY_HIGH] = "high",
        [SEVERITY_CRITICAL] = "critical",
};

const char *severity_name(enum severity severity) {
        return (unsigned)severity < SEVERITY_COUNT ? severity_names[severity] : "unknown";
}

int severity_parse(struct str text, enum severity *ret) {
        for (size_t i = 0; i < SEVERITY_COUNT; i++)
                if (str_eq(text, str_from(severity_names[i]))) {
                        *ret = (enum severity)i;
                        return 0;
                }
        return -EINVAL;
}

void finding_list_free(struct finding_list *list) {
        if (!list)
                return;
        vec_free(&list->findings);
        vec_free(&list->diagnostics);
        arena_free(&list->arena);
}

static int compare_pos(struct doc_pos a, struct doc_pos b) {
        if (a.line != b.line)
                return a.line < b.line ? -1 : 1;
        return (a.column > b.column) - (a.column < b.column);
}

static int compare_resource(const struct resource_ref *a, const struct resource_ref *b) {
        int r = str_cmp(a->namespace, b->namespace);

        if (r == 0)
                r = str_cmp(a->name, b->name);
        if (r == 0)
                r = str_cmp(a->kind, b->kind);
        if (r == 0)
                r = str_cmp(a->api_version, b->api_version);
        return r;
}

/* The documented order first; the rest makes it total, so that the order in which threads added
 * their findings can never show. */
static int compare_findings(const void *left, const void *right) {
        const struct finding *a = left, *b = right;
        int r = str_cmp(a->location.file, b->location.file);

        if (r == 0)
                r = compare_pos(a->location.start, b->location.start);
        if (r == 0)
                r = str_cmp(a->rule->id, b->rule->id);
        if (r == 0)
                r = str_cmp(a->location.path, b->location.path);
        if (r == 0)
                r = str_cmp(a->message, b->message);
        if (r == 0)
                r = compare_resource(&a->resource, &b->resource);
        if (r == 0)
                r = str_cmp(a->rule->source, b->rule->source);
        if (r == 0)
                r = str_cmp(a->fingerprint, b->fingerprint);
        if (r == 0)
                r = compare_pos(a->location.end, b->location.end);
        return r;
}

static int compare_diagnostics(const void *left, const void *right) {
        const struct diagnostic *a = left, *b = right;
        int r = str_cmp(a->file, b->file);

        if (r == 0)
                r = compare_pos(a->pos, b->pos);
        if (r == 0)
                r = str_cmp(a->message, b->message);
        if (r == 0)
                r = compare_pos(a->other, b->other);
        if (r == 0)
                r = a->incomplete - b->incomplete;
        return r;
}

void finding_list_sort(struct finding_list *list) {
        if (list->findings.count > 1)
                qsort(list->findings.items, list->findings.count, sizeof *list->findings.items,
                      compare_findings);
        if (list->diagnostics.count > 1)
                qsort(list->diagnostics.items, list->diagnostics.count,
                      sizeof *list->diagnostics.items, compare_diagnostics);
}
