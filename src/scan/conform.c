/*
 * Findings about how an object is written: fields that its kind does not have, values of another
 * type, what is missing, keys that are there twice, versions that nobody serves. These are what the
 * API server objects to before any policy sees the object - or, asked nicely, drops in silence.
 */
#include "kube/conform.h"

#include "base/util.h"
#include "scan/private.h"

enum { ARENA_KEEP = 1 << 20, VALUES_SHOWN = 8 };

static void found(struct worker *worker, enum policy_check check, struct str message,
                  const struct doc_node *node, bool at_key) {
        worker_add_finding(worker, &worker->structures->rules[check]->info, message,
                           &(struct worker_spot){ &node, 1, at_key });
}

/* What people call NODE: the end of its path, or the kind of the object. */
static struct str name_of(struct worker *worker, const struct doc_node *node) {
        const struct doc_entry *entry;

        if (node == worker->resource->root || !node->parent)
                return worker->resource->kind;
        entry = doc_entry_of(node);
        if (entry)
                return entry->key;
        return arena_printf(&worker->scratch, "%.*s[%u]", STR_ARG(name_of(worker, node->parent)),
                            node->index);
}

/* --- messages --- */

static struct str say_unknown_field(struct worker *worker, const struct conform_deviation *d) {
        struct conform_hint hint = conform_hint(&worker->scratch, d);
        struct str where = name_of(worker, d->level->node);
        const char *lead = hint.kind == CONFORM_SPELLING ? "; did you mean \""
                           : hint.kind == CONFORM_PLACE  ? "; it belongs to \""
                                                         : "";

        return arena_printf(&worker->scratch, "%.*s has no field \"%.*s\"%s%.*s%s", STR_ARG(where),
                            STR_ARG(d->field), lead, STR_ARG(hint.text),
                            hint.kind == CONFORM_SPELLING ? "\"?"
                            : hint.kind == CONFORM_PLACE  ? "\""
                                                          : "");
}

static const char *article_name(const struct doc_node *node) {
        static const char *const names[] = {
                [DOC_NULL] = "null",       [DOC_BOOL] = "a boolean",  [DOC_INT] = "an integer",
                [DOC_DOUBLE] = "a number", [DOC_STRING] = "a string", [DOC_LIST] = "a list",
                [DOC_MAP] = "a map",
        };

        return names[node->kind];
}

/* What to do about a scalar of another type. */
static const char *quoting_advice(const struct conform_deviation *d) {
        bool is_scalar = d->node->kind == DOC_BOOL || d->node->kind == DOC_INT ||
                         d->node->kind == DOC_DOUBLE;

        if (d->expected->kind == STRUCTURE_STRING && is_scalar)
                return "; put it in quotes";
        if (d->node->kind == DOC_STRING && (d->node->flags & DOC_QUOTED) &&
            (d->expected->kind == STRUCTURE_INTEGER || d->expected->kind == STRUCTURE_BOOLEAN))
                return "; write it without quotes";
        return "";
}

/* Numbers that do not fit are of the right type to people, and too large. */
static struct str say_wrong_type(struct worker *worker, const struct conform_deviation *d) {
        struct str name = name_of(worker, d->node);
        bool too_large = d->expected->kind == STRUCTURE_INTEGER &&
                         (d->node->kind == DOC_INT || d->node->kind == DOC_DOUBLE);

        if (too_large)
                return arena_printf(
                        &worker->scratch, "%.*s must be a whole number of %s", STR_ARG(name),
                        str_eq(d->expected->format, STR("int32")) ? "32 bits" : "64 bits");
        return arena_printf(&worker->scratch, "%.*s must be %s, not %s%s", STR_ARG(name),
                            conform_type_name(d->expected), article_name(d->node),
                            quoting_advice(d));
}

static struct str say_missing_field(struct worker *worker, const struct conform_deviation *d) {
        return arena_printf(&worker->scratch, "%.*s lacks the required field \"%.*s\"",
                            STR_ARG(name_of(worker, d->node)), STR_ARG(d->field));
}

static struct str say_unknown_value(struct worker *worker, const struct conform_deviation *d) {
        struct str near = conform_near_value(d->expected, d->node->string);
        struct buf values _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < d->expected->enum_count && i < VALUES_SHOWN; i++)
                buf_printf(&values, "%s%.*s", i ? ", " : "", STR_ARG(d->expected->enums[i]));
        if (d->expected->enum_count > VALUES_SHOWN)
                buf_add(&values, STR(", ..."));
        return arena_printf(&worker->scratch, "%.*s must be one of %s%s%.*s%s",
                            STR_ARG(name_of(worker, d->node)), values.data,
                            near.len ? "; did you mean \"" : "", STR_ARG(near),
                            near.len ? "\"?" : "");
}

/* --- structure --- */

static const struct {
        enum policy_check check;
        struct str (*say)(struct worker *worker, const struct conform_deviation *deviation);
        bool at_key;
} answers[] = {
        [CONFORM_UNKNOWN_FIELD] = { POLICY_CHECK_UNKNOWN_FIELD, say_unknown_field, true },
        [CONFORM_WRONG_TYPE] = { POLICY_CHECK_WRONG_TYPE, say_wrong_type, false },
        [CONFORM_MISSING_FIELD] = { POLICY_CHECK_MISSING_FIELD, say_missing_field, true },
        [CONFORM_UNKNOWN_VALUE] = { POLICY_CHECK_UNKNOWN_VALUE, say_unknown_value, false },
};

/* What a kustomization builds from need not be complete. */
static bool is_part(const struct worker *worker) {
        return map_get(&worker->structures->parts, worker->doc->source->name);
}

static void deviates(void *userdata, const struct conform_deviation *deviation) {
        struct worker *worker = userdata;
        enum policy_check check = answers[deviation->problem].check;

        if (!worker->structures->rules[check] ||
            (check == POLICY_CHECK_MISSING_FIELD && is_part(worker)))
                return;
        arena_reset(&worker->scratch, ARENA_KEEP);
        found(worker, check, answers[deviation->problem].say(worker, deviation), deviation->node,
              answers[deviation->problem].at_key);
}

/* --- versions and kinds --- */

/* Whether a rule about versions that were removed, or will be, is about RESOURCE. */
static bool is_judged_otherwise(const struct worker *worker, const struct resource *resource) {
        const struct policy_set *set = worker->options->policies;
        struct policy_subject subject = resource_subject(resource);

        for (size_t i = 0; i < set->policies.count; i++)
                if (str_eq(set->policies.items[i]->info.practice, STR("upgrades")) &&
                    set->policies.items[i]->match.exact &&
                    policy_may_match(set->policies.items[i], &subject))
                        return true;
        return false;
}

/* What is known of the group of RESOURCE. */
struct group_facts {
        bool known;
        struct str near;    /* the kind that is closest in spelling */
        struct str version; /* that serves the kind itself */
        size_t distance;
};

static void learn(struct group_facts *facts, const struct resource *resource,
                  const struct structure_gvk *gvk) {
        size_t distance;

        if (!str_eq(gvk->group, resource->group))
                return;
        facts->known = true;
        if (!gvk->served)
                return;
        if (str_eq(gvk->kind, resource->kind))
                facts->version = gvk->version;
        distance = str_distance(gvk->kind, resource->kind);
        if (distance > 0 && distance < facts->distance) {
                facts->distance = distance;
                facts->near = gvk->kind;
        }
}

static struct group_facts learn_group(struct worker *worker, const struct resource *resource) {
        const struct map *custom = &worker->structures->custom.gvks;
        struct group_facts facts = { .distance = 4 };
        size_t count;
        const struct structure_gvk *gvks = structure_builtins(&count);

        for (size_t i = 0; i < count; i++)
                learn(&facts, resource, &gvks[i]);
        for (size_t i = 0; i < custom->count; i++)
                learn(&facts, resource, custom->entries[i].value);
        return facts;
}

/* A configuration file (a kubeconfig, say) is no object: it has no metadata. */
static void judge_kind(struct worker *worker, const struct resource *resource) {
        struct group_facts facts;
        const struct doc_node *kind = doc_get(resource->root, STR("kind"));
        struct str api_version = resource->api_version;

        if (!worker->structures->rules[POLICY_CHECK_UNKNOWN_KIND])
                return;
        facts = learn_group(worker, resource);
        if (!facts.known || !doc_get(resource->root, STR("metadata")) ||
            is_judged_otherwise(worker, resource))
                return;
        found(worker, POLICY_CHECK_UNKNOWN_KIND,
              facts.version.len
                      ? arena_printf(&worker->scratch,
                                     "there is no version \"%.*s\" of %.*s; write %.*s%s%.*s",
                                     STR_ARG(resource->version), STR_ARG(resource->kind),
                                     STR_ARG(resource->group), resource->group.len ? "/" : "",
                                     STR_ARG(facts.version))
                      : arena_printf(&worker->scratch, "%.*s has no kind \"%.*s\"%s%.*s%s",
                                     STR_ARG(api_version), STR_ARG(resource->kind),
                                     facts.near.len ? "; did you mean \"" : "", STR_ARG(facts.near),
                                     facts.near.len ? "\"?" : ""),
              kind ? kind : resource->root, false);
}

/* Of the built-in ones, every definition has a name. */
static bool is_custom(const struct structure_gvk *gvk) {
        return gvk->structure->name.len == 0;
}

static const char *why_unserved(const struct structure_gvk *gvk) {
        if (is_custom(gvk))
                return "is not served, says its CustomResourceDefinition";
        return gvk->resource.len > 0
                       ? "is not served unless the API server is told to (--runtime-config)"
                       : "is not served any more";
}

static void judge_unserved(struct worker *worker, const struct resource *resource,
                           const struct structure_gvk *gvk) {
        const struct doc_node *version = doc_get(resource->root, STR("apiVersion"));

        if (!worker->structures->rules[POLICY_CHECK_UNSERVED_VERSION] ||
            is_judged_otherwise(worker, resource))
                return;
        found(worker, POLICY_CHECK_UNSERVED_VERSION,
              arena_printf(&worker->scratch, "%.*s of %.*s %s", STR_ARG(resource->kind),
                           STR_ARG(resource->api_version), why_unserved(gvk)),
              version ? version : resource->root, false);
}

void worker_judge_structure(struct worker *worker, const struct resource *resource) {
        const struct structure_gvk *gvk;

        if (!worker->structures->any)
                return;
        gvk = structure_gvk_find(&worker->structures->custom, resource->api_version,
                                 resource->kind);
        arena_reset(&worker->scratch, ARENA_KEEP);
        if (!gvk)
                judge_kind(worker, resource);
        else if (!gvk->served)
                judge_unserved(worker, resource, gvk);
        else
                conform_check(gvk->structure, resource->root, deviates, worker);
}

/* --- keys --- */

/* The value of the key at POS below NODE, or NULL. */
static const struct doc_node *find_key(const struct doc_node *node, struct doc_pos pos) {
        const struct doc_node *below = NULL;

        if (node->kind == DOC_LIST)
                for (uint32_t i = 0; !below && i < node->list.count; i++)
                        below = find_key(&node->list.items[i], pos);
        if (node->kind == DOC_MAP)
                for (uint32_t i = 0; !below && i < node->map.count; i++) {
                        const struct doc_entry *entry = &node->map.entries[i];

                        if (entry->key_start.line == pos.line &&
                            entry->key_start.column == pos.column)
                                return &entry->value;
                        below = find_key(&entry->value, pos);
                }
        return below;
}

static bool judge_key(struct worker *worker, const struct doc_diagnostic *diagnostic,
                      const struct resource_list *resources) {
        for (size_t i = 0; i < resources->count; i++) {
                const struct doc_node *node = find_key(resources->items[i].root, diagnostic->pos);

                if (!node)
                        continue;
                worker->resource = &resources->items[i];
                worker->has_reference = false;
                arena_reset(&worker->scratch, ARENA_KEEP);
                found(worker, POLICY_CHECK_DUPLICATE_KEY, diagnostic->message, node, true);
                return true;
        }
        return false;
}

void worker_judge_keys(struct worker *worker, const struct doc *doc,
                       const struct resource_list *resources) {
        for (const struct doc_diagnostic *d = doc->diagnostics; d; d = d->next)
                if (worker->judge || !worker->structures->rules[POLICY_CHECK_DUPLICATE_KEY] ||
                    !judge_key(worker, d, resources))
                        worker_problem(worker, doc->source->name, d->pos, d->other, d->message,
                                       false);
}
