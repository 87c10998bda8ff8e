/* redoubt secrets at-rest: the report as JSON, and as a document for rules. */
#include "base/util.h"
#include "cmd/secrets.h"

static void add_string(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_number(struct buf *buf, const char *name, uint64_t value) {
        buf_printf(buf, "\"%s\":%ju", name, (uintmax_t)value);
}

/* With a comma in front. What is not known is null; rules are better off without it. */
static void add_count(struct buf *buf, const struct secrets_report *report, const char *name,
                      uint64_t value, bool known) {
        if (known)
                buf_printf(buf, ",\"%s\":%ju", name, (uintmax_t)value);
        else if (!report->facts)
                buf_printf(buf, ",\"%s\":null", name);
}

static const char *use_word(enum encryption_use use) {
        return use == ENCRYPTION_WRITES ? "writes" : use == ENCRYPTION_READS ? "reads" : "missing";
}

static void add_provider(struct buf *buf, const struct secrets_report *report,
                         const struct verdict_resource *item,
                         const struct census_provider *provider) {
        buf_add_char(buf, '{');
        add_string(buf, "provider", str_from(stored_provider_name(provider->provider)));
        buf_add_char(buf, ',');
        add_string(buf, "version", provider->version);
        buf_add_char(buf, ',');
        add_string(buf, "key", provider->key);
        buf_add_char(buf, ',');
        add_number(buf, "values", provider->values);
        add_count(buf, report, "oldRevisions", provider->old_values, report->found->history_known);
        buf_printf(buf, ",\"oldestRevision\":%jd,\"newestRevision\":%jd",
                   (intmax_t)provider->oldest_value, (intmax_t)provider->newest_value);
        if (provider->key_ids.count > 0)
                buf_printf(buf, ",\"keyIDs\":%zu", provider->key_ids.count);
        if (report->config)
                buf_printf(buf, ",\"config\":\"%s\"",
                           use_word(encryption_use(&item->list, provider->provider,
                                                   provider->version, provider->key)));
        buf_add_char(buf, '}');
}

/* Keys that only old revisions have are told apart: they are no longer needed. */
static void add_providers(struct buf *buf, const struct secrets_report *report,
                          const struct verdict_resource *item, bool current) {
        bool begun = false;

        buf_printf(buf, "\"%s\":[", current ? "providers" : "oldProviders");
        for (size_t i = 0; i < item->resource->providers.count; i++) {
                const struct census_provider *provider = &item->resource->providers.items[i];

                if ((provider->values > 0) != current)
                        continue;
                buf_add(buf, begun ? STR(",") : STR(""));
                add_provider(buf, report, item, provider);
                begun = true;
        }
        buf_add_char(buf, ']');
}

static int by_name(const void *a, const void *b) {
        const struct census_namespace *const *x = a, *const *y = b;

        return str_cmp((*x)->name, (*y)->name);
}

static void add_namespaces(struct buf *buf, const struct secrets_report *report,
                           const struct census_resource *resource) {
        size_t count = resource->namespaces.count;
        const struct census_namespace **list =
                arena_new_array(report->arena, count + 1, const struct census_namespace *);

        for (size_t i = 0; i < count; i++)
                list[i] = resource->namespaces.entries[i].value;
        qsort(list, count, sizeof(struct census_namespace *), by_name);
        buf_add(buf, STR("\"namespaces\":["));
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i ? STR(",{") : STR("{"));
                add_string(buf, "namespace", list[i]->name);
                buf_printf(buf, ",\"values\":%ju,\"plaintext\":%ju}", (uintmax_t)list[i]->values,
                           (uintmax_t)list[i]->plaintext);
        }
        buf_add_char(buf, ']');
}

static void add_names(struct buf *buf, const struct census_resource *resource) {
        buf_add(buf, STR(",\"plaintextNames\":["));
        for (size_t i = 0; i < resource->names.count; i++) {
                buf_add(buf, i ? STR(",") : STR(""));
                buf_add_json(buf, resource->names.items[i]);
        }
        buf_add_char(buf, ']');
}

static void add_resource(struct buf *buf, const struct secrets_report *report,
                         const struct verdict_resource *item) {
        const struct census_resource *resource = item->resource;

        buf_add_char(buf, '{');
        add_string(buf, "resource", resource->name);
        buf_add_char(buf, ',');
        add_number(buf, "values", resource->values);
        buf_add_char(buf, ',');
        add_number(buf, "plaintext", resource->plaintext);
        buf_add_char(buf, ',');
        add_number(buf, "encrypted", resource->encrypted);
        add_count(buf, report, "plaintextOldRevisions", resource->old_plaintext,
                  report->found->history_known);
        buf_add_char(buf, ',');
        add_providers(buf, report, item, true);
        buf_add_char(buf, ',');
        add_providers(buf, report, item, false);
        buf_printf(buf,
                   ",\"unknown\":%ju,\"required\":%s,\"notByWriter\":%ju,\"unreadable\":%ju,"
                   "\"oldestPlaintextRevision\":%jd,",
                   (uintmax_t)resource->unknown, item->required ? "true" : "false",
                   (uintmax_t)item->not_written, (uintmax_t)item->unreadable,
                   (intmax_t)resource->oldest_plaintext);
        add_namespaces(buf, report, resource);
        if (report->found->options.names)
                add_names(buf, resource);
        buf_add_char(buf, '}');
}

static void add_strings(struct buf *buf, const char *name, const struct str *items, size_t count) {
        buf_printf(buf, "\"%s\":[", name);
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i ? STR(",") : STR(""));
                buf_add_json(buf, items[i]);
        }
        buf_add_char(buf, ']');
}

static void add_actions(struct buf *buf, const struct verdict *verdict) {
        buf_add(buf, STR("\"actions\":["));
        for (size_t i = 0; i < verdict->actions.count; i++) {
                const struct verdict_action *action = &verdict->actions.items[i];

                buf_add(buf, i ? STR(",\n    {") : STR("\n    {"));
                add_string(buf, "id", str_from(action->id));
                buf_add_char(buf, ',');
                add_string(buf, "what", action->what);
                buf_add_char(buf, ',');
                add_string(buf, "command", action->command);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
}

static void add_unused(struct buf *buf, const struct verdict *verdict) {
        buf_add(buf, STR("\"unusedKeys\":["));
        for (size_t i = 0; i < verdict->unused.count; i++) {
                const struct verdict_unused *unused = &verdict->unused.items[i];

                buf_add(buf, i ? STR(",{") : STR("{"));
                add_string(buf, "resources", unused->resources);
                buf_add_char(buf, ',');
                add_string(buf, "provider", str_from(stored_provider_name(unused->provider)));
                buf_add_char(buf, ',');
                add_string(buf, "key", unused->key);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
}

static const char *source_word(const struct at_rest *found) {
        static const char *const words[] = { "database", "snapshot", "kine", "live" };

        return words[found->source];
}

static void add_residue(struct buf *buf, const struct secrets_report *report) {
        const struct at_rest *found = report->found;
        bool known = found->residue_known;

        buf_printf(buf, "\"residue\":{\"walRead\":%s", found->has_log ? "true" : "false");
        add_count(buf, report, "freedPages", found->residue.freed_pages, known);
        add_count(buf, report, "wal", found->residue.wal, known);
        add_count(buf, report, "slack", found->residue.slack, known);
        add_count(buf, report, "files", found->residue.files, known);
        buf_add_char(buf, '}');
}

static void add_body(struct buf *buf, const struct secrets_report *report) {
        const struct at_rest *found = report->found;

        buf_add(buf, STR("\"resources\":["));
        for (size_t i = 0; i < report->verdict->count; i++) {
                buf_add(buf, i ? STR(",\n    ") : STR("\n    "));
                add_resource(buf, report, &report->verdict->resources[i]);
        }
        buf_add(buf, STR("],\n  "));
        add_residue(buf, report);
        buf_printf(buf,
                   ",\n  \"source\":\"%s\",\"revision\":%jd,\"compactedRevision\":%jd,"
                   "\"hashChecked\":%s,\"configured\":%s,\n  ",
                   source_word(found), (intmax_t)found->revision, (intmax_t)found->compacted,
                   found->hash_checked ? "true" : "false", report->config ? "true" : "false");
        add_unused(buf, report->verdict);
}

void secrets_add_json(struct buf *buf, const struct secrets_report *report) {
        const struct at_rest *found = report->found;

        buf_add(buf, STR("{"));
        add_body(buf, report);
        buf_add(buf, STR(",\n  "));
        add_actions(buf, report->verdict);
        buf_add(buf, STR(",\n  "));
        add_strings(buf, "problems", found->problems.items, found->problems.count);
        buf_add_char(buf, ',');
        add_strings(buf, "notes", found->notes.items, found->notes.count);
        buf_printf(buf, ",\"complete\":%s}\n", found->problems.count ? "false" : "true");
}

void secrets_add_facts(struct buf *buf, const struct secrets_report *report) {
        const struct at_rest *found = report->found;
        struct secrets_report facts = *report;

        buf_add(buf, STR("{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"EtcdStore\",\n"
                         "  \"metadata\":{"));
        add_string(buf, "name", found->main.path);
        buf_add(buf, STR("},\n  "));
        facts.facts = true;
        add_body(buf, &facts);
        buf_printf(buf, ",\n  \"complete\":%s}\n", found->problems.count ? "false" : "true");
}
