/* redoubt secrets at-rest: the report for people. */
#include "base/util.h"
#include "cmd/secrets.h"
#include "cmd/table.h"

enum { NAMESPACES_SHOWN = 8, NAMES_SHOWN = 50 };

/* "aescbc key2 190, key1 8; kms vault 3": the keys of one provider together. */
static void add_keys(struct buf *buf, const struct census_resource *resource) {
        const struct census_provider *last = NULL;

        for (int kind = STORED_AESCBC; kind <= STORED_KMS; kind++)
                for (size_t i = 0; i < resource->providers.count; i++) {
                        const struct census_provider *provider = &resource->providers.items[i];

                        if ((int)provider->provider != kind || provider->values == 0)
                                continue;
                        if (!last || last->provider != provider->provider ||
                            !str_eq(last->version, provider->version))
                                buf_printf(
                                        buf, "%s%s%s%.*s", last ? "; " : "",
                                        stored_provider_name(provider->provider),
                                        kind == STORED_KMS ? " " : "",
                                        STR_ARG(kind == STORED_KMS ? provider->version : STR("")));
                        else
                                buf_add_char(buf, ',');
                        buf_add_char(buf, ' ');
                        buf_add(buf, provider->key);
                        buf_printf(buf, " %ju", (uintmax_t)provider->values);
                        last = provider;
                }
}

static struct str encrypted_text(struct arena *arena, const struct census_resource *resource) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&text, "%ju encrypted", (uintmax_t)resource->encrypted);
        if (resource->encrypted > 0) {
                buf_add(&text, STR(" ("));
                add_keys(&text, resource);
                buf_add_char(&text, ')');
        }
        return arena_str(arena, buf_str(&text));
}

static struct str plaintext_text(struct arena *arena, const struct verdict_resource *item) {
        const struct census_resource *resource = item->resource;

        if (resource->unknown > 0)
                return arena_printf(arena, "%ju plaintext, %ju in an unknown form",
                                    (uintmax_t)resource->plaintext, (uintmax_t)resource->unknown);
        if (resource->plaintext == 0)
                return STR("0 plaintext");
        if (!item->required)
                return arena_printf(arena, "%ju plaintext", (uintmax_t)resource->plaintext);
        return arena_printf(arena, "%ju PLAINTEXT, the oldest of revision %jd",
                            (uintmax_t)resource->plaintext, (intmax_t)resource->oldest_plaintext);
}

static void add_table(struct buf *buf, const struct secrets_report *report) {
        struct table table = { .columns = 4 };

        for (size_t i = 0; i < report->verdict->count; i++) {
                const struct verdict_resource *item = &report->verdict->resources[i];

                if (!item->required && !report->all)
                        continue;
                table_add(report->arena, &table, item->resource->name,
                          arena_printf(report->arena, "%ju values",
                                       (uintmax_t)item->resource->values),
                          encrypted_text(report->arena, item->resource),
                          plaintext_text(report->arena, item));
        }
        table_write(buf, &table);
        if (table.count == 0)
                buf_add(buf, STR("nothing of what is to be encrypted is there\n"));
}

static int by_plaintext(const void *a, const void *b) {
        const struct census_namespace *const *x = a, *const *y = b;

        if ((*x)->plaintext != (*y)->plaintext)
                return (*x)->plaintext < (*y)->plaintext ? 1 : -1;
        return str_cmp((*x)->name, (*y)->name);
}

/* "plaintext secrets by namespace: shop 12, kube-system 2". */
static void add_namespaces(struct buf *buf, const struct secrets_report *report,
                           const struct census_resource *resource) {
        size_t count = resource->namespaces.count, shown = 0;
        const struct census_namespace **list =
                arena_new_array(report->arena, count + 1, const struct census_namespace *);

        if (resource->plaintext == 0 || count == 0)
                return;
        for (size_t i = 0; i < count; i++)
                list[i] = resource->namespaces.entries[i].value;
        qsort(list, count, sizeof(struct census_namespace *), by_plaintext);
        buf_add(buf, STR("  plaintext "));
        buf_add_terminal(buf, resource->name);
        buf_add(buf, STR(" by namespace:"));
        for (; shown < count && list[shown]->plaintext > 0 && shown < NAMESPACES_SHOWN; shown++) {
                buf_add(buf, shown ? STR(", ") : STR(" "));
                buf_add_terminal(buf, list[shown]->name);
                buf_printf(buf, " %ju", (uintmax_t)list[shown]->plaintext);
        }
        if (shown < count && list[shown]->plaintext > 0)
                buf_add(buf, STR(" ..."));
        buf_add_char(buf, '\n');
        for (size_t i = 0; i < resource->names.count && i < NAMES_SHOWN; i++) {
                buf_add(buf, STR("    "));
                buf_add_terminal(buf, resource->names.items[i]);
                buf_add_char(buf, '\n');
        }
        if (resource->names.count > NAMES_SHOWN)
                buf_printf(buf, "    and %zu more\n", resource->names.count - NAMES_SHOWN);
}

static void add_history(struct buf *buf, const struct secrets_report *report) {
        const struct at_rest *found = report->found;

        for (size_t i = 0; i < report->verdict->count; i++) {
                const struct verdict_resource *item = &report->verdict->resources[i];

                if (!item->required)
                        continue;
                add_namespaces(buf, report, item->resource);
                if (item->resource->old_plaintext == 0)
                        continue;
                buf_printf(buf, "  %ju deleted or old revisions of ",
                           (uintmax_t)item->resource->old_plaintext);
                buf_add_terminal(buf, item->resource->name);
                buf_add(buf, STR(" hold plaintext until compaction and defragmentation\n"));
        }
        if (found->residue.freed_pages + found->residue.slack > 0)
                buf_printf(buf,
                           "  %ju free pages and %ju other unused places hold Secrets in plaintext "
                           "until defragmentation\n",
                           (uintmax_t)found->residue.freed_pages, (uintmax_t)found->residue.slack);
        if (found->residue.wal > 0)
                buf_printf(buf, "  the write-ahead log holds %ju Secrets in plaintext\n",
                           (uintmax_t)found->residue.wal);
        if (found->residue.files > 0)
                buf_printf(buf, "  other files beside the database hold %ju Secrets in plaintext\n",
                           (uintmax_t)found->residue.files);
}

static void add_missing(struct buf *buf, const struct secrets_report *report) {
        const struct at_rest *found = report->found;

        if (!found->history_known)
                buf_add(buf, STR("  old revisions, free pages and the write-ahead log are not seen "
                                 "through an endpoint: read a snapshot or the data directory\n"));
        else if (!found->has_log && found->source != AT_REST_KINE)
                buf_add(buf, STR("  no write-ahead log was there to be read\n"));
}

static void add_actions(struct buf *buf, const struct verdict *verdict) {
        for (size_t i = 0; i < verdict->actions.count; i++) {
                const struct verdict_action *action = &verdict->actions.items[i];

                buf_add(buf, i ? STR("then: ") : STR("do:   "));
                buf_add_terminal(buf, action->what);
                buf_add_char(buf, '\n');
                if (action->command.len > 0) {
                        buf_add(buf, STR("      "));
                        buf_add_terminal(buf, action->command);
                        buf_add_char(buf, '\n');
                }
        }
}

static void add_totals(struct buf *buf, const struct secrets_report *report) {
        const struct at_rest *found = report->found;

        if (!report->verdict->findings && found->problems.count == 0)
                buf_add(buf,
                        found->history_known
                                ? STR("clean: nothing is plaintext that should not be, and one "
                                      "key encrypts all\n")
                                : STR("clean as far as an endpoint shows: one key encrypts all "
                                      "current values\n"));
        buf_printf(buf, "%ju keys at revision %jd", (uintmax_t)found->census.keys,
                   (intmax_t)found->revision);
        if (found->hash_checked)
                buf_add(buf, STR(", the snapshot's hash is right"));
        buf_add_char(buf, '\n');
}

void secrets_add_text(struct buf *buf, const struct secrets_report *report) {
        add_table(buf, report);
        add_history(buf, report);
        add_missing(buf, report);
        add_actions(buf, report->verdict);
        add_totals(buf, report);
}
