#include "scan/tally.h"

#include "base/util.h"
#include "doc/write.h"

enum { EVIDENCE_MAX = 24, VALUE_MAX = 400, WHY_MAX = 400 };

void tally_init(struct tally *tally, const struct policy_set *set) {
        *tally = (struct tally){ .lock = PTHREAD_MUTEX_INITIALIZER };
        for (size_t i = 0; i < set->policies.count; i++)
                tally->count = MAX(tally->count, set->policies.items[i]->number + 1);
        tally->rules = xrealloc(NULL, MAX(tally->count, (size_t)1), sizeof *tally->rules);
        memset(tally->rules, 0, tally->count * sizeof *tally->rules);
}

void tally_free(struct tally *tally) {
        for (size_t i = 0; i < tally->count; i++)
                free(tally->rules[i].evidence);
        free(tally->rules);
        arena_free(&tally->arena);
}

/* --- evidence --- */

static struct str keep(struct tally *tally, struct str text) {
        return arena_str(&tally->arena, str_slice(text, 0, VALUE_MAX));
}

static struct str field(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

static bool is_true(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_BOOL && node->boolean;
}

/* A value as people write it: a string bare, everything else as JSON. */
static struct str value_text(struct tally *tally, const struct doc_node *node) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (node->kind == DOC_STRING)
                return keep(tally, node->string);
        doc_write_json(&buf, node);
        return keep(tally, buf_str(&buf));
}

static struct finding_location location_of(struct tally *tally, const struct doc_node *map) {
        const struct doc_node *place = doc_get(map, STR("place"));
        const struct doc_node *line = doc_get(place, STR("line"));
        const struct doc_node *column = doc_get(place, STR("column"));
        struct finding_location location = { .file = keep(tally, field(place, "file")) };

        if (line && line->kind == DOC_INT && column && column->kind == DOC_INT)
                location.start =
                        (struct doc_pos){ (uint32_t)line->integer, (uint32_t)column->integer };
        return location;
}

/* Of a file what its protection is made of. */
static struct str file_text(struct tally *tally, const struct doc_node *map) {
        const struct doc_node *exists = doc_get(map, STR("exists"));

        if (exists && exists->kind == DOC_BOOL && !exists->boolean)
                return STR("does not exist");
        return arena_printf(&tally->arena, "%.*s %.*s:%.*s", STR_ARG(field(map, "modeText")),
                            STR_ARG(field(map, "owner")), STR_ARG(field(map, "group")));
}

/* A map without a value: its plain members but for those that say where it is. */
static struct str members_text(struct tally *tally, const struct doc_node *map) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (uint32_t i = 0; i < map->map.count && buf.len < VALUE_MAX; i++) {
                const struct doc_entry *entry = &map->map.entries[i];

                if (entry->value.kind == DOC_MAP)
                        continue;
                buf_printf(&buf, "%s%.*s ", buf.len > 0 ? ", " : "", STR_ARG(entry->key));
                buf_add(&buf, value_text(tally, &entry->value));
        }
        return keep(tally, buf_str(&buf));
}

static void fill_from_map(struct tally *tally, const struct doc_node *map,
                          struct control_evidence *evidence) {
        const struct doc_node *value = doc_get(map, STR("value"));
        struct str path = field(map, "path");

        evidence->what = keep(tally, doc_path(&tally->arena, map));
        evidence->source = keep(tally, field(map, "source"));
        evidence->location = location_of(tally, map);
        if (is_true(map, "unknown"))
                evidence->value = arena_printf(&tally->arena, "not known: %.*s",
                                               STR_ARG(str_slice(field(map, "why"), 0, WHY_MAX)));
        else if (value)
                evidence->value = value_text(tally, value);
        else if (path.len > 0 && doc_get(map, STR("exists")))
                evidence->value = file_text(tally, map);
        else
                evidence->value = members_text(tally, map);
        if (path.len > 0 && !value)
                evidence->what = keep(tally, path);
}

static bool is_same(const struct control_evidence *a, const struct control_evidence *b) {
        return str_eq(a->what, b->what) && str_eq(a->value, b->value) &&
               str_eq(a->location.file, b->location.file) &&
               a->location.start.line == b->location.start.line;
}

static void add_evidence(struct tally_rule *rule, const struct control_evidence *evidence) {
        for (size_t i = 0; i < rule->evidence_count; i++)
                if (is_same(&rule->evidence[i], evidence))
                        return;
        if (rule->evidence_count >= EVIDENCE_MAX) {
                rule->more++;
                return;
        }
        if (rule->evidence_count == rule->capacity) {
                rule->capacity = MAX(rule->capacity * 2, (size_t)4);
                rule->evidence = xrealloc(rule->evidence, rule->capacity, sizeof *rule->evidence);
        }
        rule->evidence[rule->evidence_count++] = *evidence;
}

static void add_one(struct tally *tally, struct tally_rule *rule, const struct policy *policy,
                    const struct cel_value *value) {
        struct control_evidence evidence = { .what = policy->info.id };

        if (value->kind == CEL_MAP && value->representation == CEL_DOC)
                fill_from_map(tally, value->doc, &evidence);
        else if (value->kind == CEL_STRING)
                evidence.value = keep(tally, value->string);
        else if (value->node)
                evidence.value = value_text(tally, value->node);
        else
                return;
        add_evidence(rule, &evidence);
}

static void add_values(struct tally *tally, struct tally_rule *rule, const struct policy *policy,
                       const struct cel_value *value) {
        if (value->kind != CEL_LIST) {
                add_one(tally, rule, policy, value);
                return;
        }
        for (size_t i = 0; i < cel_list_size(value); i++) {
                struct cel_value item = cel_list_at(value, i);

                add_one(tally, rule, policy, &item);
        }
}

void tally_add(struct tally *tally, const struct policy *policy, const struct policy_watch *watch,
               const struct str *failure) {
        struct tally_rule *rule = &tally->rules[policy->number];

        atomic_fetch_add_explicit(&rule->matched, 1, memory_order_relaxed);
        if (watch->applied)
                atomic_fetch_add_explicit(&rule->applied, 1, memory_order_relaxed);
        if (watch->evidence.kind == CEL_UNSET && !failure)
                return;
        pthread_mutex_lock(&tally->lock);
        if (failure && rule->unknown++ == 0)
                rule->why = arena_str(&tally->arena, str_slice(*failure, 0, WHY_MAX));
        add_values(tally, rule, policy, &watch->evidence);
        pthread_mutex_unlock(&tally->lock);
}
