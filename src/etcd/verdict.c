#include "etcd/verdict.h"

#include "base/buf.h"

#include "base/util.h"

/* --- one resource --- */

static bool is_written(const struct verdict_resource *item, const struct census_provider *provider,
                       bool configured) {
        if (configured)
                return encryption_use(&item->list, provider->provider, provider->version,
                                      provider->key) == ENCRYPTION_WRITES;
        return provider == item->writer;
}

/* Without a configuration the writer is who wrote last. */
static const struct census_provider *newest(const struct census_resource *resource) {
        const struct census_provider *found = NULL;

        for (size_t i = 0; i < resource->providers.count; i++) {
                const struct census_provider *provider = &resource->providers.items[i];

                if (provider->values > 0 &&
                    (!found || provider->newest_value > found->newest_value))
                        found = provider;
        }
        return found;
}

static void judge(struct arena *arena, const struct encryption *config,
                  const struct census_resource *resource, struct verdict_resource *ret) {
        *ret = (struct verdict_resource){ .resource = resource, .writer = newest(resource) };
        if (config) {
                ret->list = encryption_of(arena, config, resource->name);
                ret->plaintext_unreadable = encryption_use(&ret->list, STORED_PLAIN, STR(""),
                                                           STR("")) == ENCRYPTION_MISSING;
        }
        ret->required = str_eq(resource->name, STR("secrets")) ||
                        (config ? encryption_writes(&ret->list) : resource->encrypted > 0);
        for (size_t i = 0; i < resource->providers.count; i++) {
                const struct census_provider *provider = &resource->providers.items[i];

                if (!is_written(ret, provider, config))
                        ret->not_written += provider->values;
                if (config && encryption_use(&ret->list, provider->provider, provider->version,
                                             provider->key) == ENCRYPTION_MISSING)
                        ret->unreadable += provider->values;
        }
        if (config && ret->plaintext_unreadable)
                ret->unreadable += resource->plaintext;
}

static void add_up(struct verdict *verdict, const struct verdict_resource *item) {
        verdict->unreadable += item->unreadable;
        if (!item->required)
                return;
        verdict->plaintext += item->resource->plaintext;
        verdict->old_plaintext += item->resource->old_plaintext;
        verdict->not_written += item->not_written;
}

/* --- keys that nothing needs --- */

static bool is_needed(const struct verdict *verdict, const struct encryption_provider *provider,
                      struct str key) {
        for (size_t i = 0; i < verdict->count; i++) {
                const struct verdict_resource *item = &verdict->resources[i];

                for (size_t k = 0; k < item->resource->providers.count; k++) {
                        const struct census_provider *used = &item->resource->providers.items[k];

                        if (used->values > 0 && used->provider == provider->provider &&
                            str_eq(used->key, key) && str_eq(used->version, provider->version))
                                return true;
                }
        }
        return false;
}

static struct str join(struct arena *arena, const struct encryption_entry *entry) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < entry->resource_count; i++)
                buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(entry->resources[i]));
        return arena_str(arena, buf_str(&text));
}

/* The key that writes is needed whether or not something was written. */
static void find_unused(struct arena *arena, struct verdict *verdict,
                        const struct encryption_entry *entry) {
        for (size_t i = 0; i < entry->provider_count; i++) {
                const struct encryption_provider *provider = &entry->providers[i];

                for (size_t k = 0; k < provider->key_count; k++)
                        if ((i > 0 || k > 0) &&
                            !is_needed(verdict, provider, provider->keys[k].name))
                                *vec_push_in(arena, &verdict->unused) =
                                        (struct verdict_unused){ join(arena, entry),
                                                                 provider->provider,
                                                                 provider->keys[k].name };
        }
}

/* --- what to do --- */

static void add_action(struct arena *arena, struct verdict *verdict, const char *id,
                       struct str what, struct str command) {
        *vec_push_in(arena, &verdict->actions) = (struct verdict_action){ id, what, command };
}

static void act_unreadable(struct arena *arena, struct verdict *verdict,
                           const struct verdict_resource *item) {
        const struct census_resource *resource = item->resource;

        for (size_t i = 0; i < resource->providers.count; i++) {
                const struct census_provider *provider = &resource->providers.items[i];

                if (provider->values == 0 ||
                    encryption_use(&item->list, provider->provider, provider->version,
                                   provider->key) != ENCRYPTION_MISSING)
                        continue;
                add_action(
                        arena, verdict, "restore-key",
                        arena_printf(arena,
                                     "put %s %s \"%.*s\" back into the configuration: %ju values "
                                     "of %.*s cannot be read without it",
                                     stored_provider_name(provider->provider),
                                     provider->provider == STORED_KMS ? "provider" : "key",
                                     STR_ARG(provider->key), (uintmax_t)provider->values,
                                     STR_ARG(resource->name)),
                        STR(""));
        }
        if (item->plaintext_unreadable && resource->plaintext > 0)
                add_action(
                        arena, verdict, "restore-key",
                        arena_printf(arena,
                                     "put identity back as the last provider of %.*s: %ju values "
                                     "are plaintext and cannot be read without it",
                                     STR_ARG(resource->name), (uintmax_t)resource->plaintext),
                        STR(""));
}

static void act_rewrite(struct arena *arena, struct verdict *verdict, bool configured,
                        const struct verdict_resource *item) {
        const struct census_resource *resource = item->resource;
        bool writes = configured ? encryption_writes(&item->list) : resource->encrypted > 0;
        const char *name = resource->name.ptr;
        int length = (int)resource->name.len;

        if (!writes) {
                if (resource->plaintext > 0)
                        add_action(arena, verdict, "introduce",
                                   arena_printf(arena,
                                                "%.*s are not encrypted: a plan shows how to begin "
                                                "without downtime",
                                                length, name),
                                   STR("redoubt secrets rotate-plan"));
                return;
        }
        if (resource->plaintext + item->not_written == 0)
                return;
        add_action(arena, verdict, "rewrite",
                   arena_printf(arena, "rewrite %.*s, so that the key that writes now encrypts all",
                                length, name),
                   arena_printf(arena, "kubectl get %.*s %s-o json | kubectl replace -f -", length,
                                name, resource->namespaces.count ? "-A " : ""));
}

static void act_history(struct arena *arena, struct verdict *verdict, const struct at_rest *found) {
        bool kine = found->source == AT_REST_KINE;

        if (verdict->old_plaintext > 0 && !kine)
                add_action(arena, verdict, "compact",
                           STR("compact, so that old revisions in plaintext go"),
                           arena_printf(arena, "etcdctl compact %jd", (intmax_t)found->revision));
        if (verdict->old_plaintext > 0 && kine)
                add_action(arena, verdict, "compact",
                           STR("wait until kine has compacted (every five minutes), so that old "
                               "revisions in plaintext go"),
                           STR(""));
        if (verdict->old_plaintext + found->residue.freed_pages + found->residue.slack > 0)
                add_action(arena, verdict, "defragment",
                           STR("defragment each member, so that free pages in plaintext go"),
                           kine ? STR("sqlite3 state.db VACUUM     (with k3s stopped)")
                                : STR("etcdctl defrag --endpoints=MEMBER"));
        if (found->residue.wal > 0)
                add_action(
                        arena, verdict, "log",
                        kine ? STR("write the WAL back and empty it, so that plaintext in it goes")
                             : STR("the write-ahead log has plaintext: etcd takes a segment away "
                                   "some snapshots later; where that must be now, replace the "
                                   "member"),
                        kine ? STR("sqlite3 state.db 'PRAGMA wal_checkpoint(TRUNCATE)'") : STR(""));
        if (found->residue.files > 0)
                add_action(
                        arena, verdict, "log",
                        STR("other files beside the database have plaintext: remove what is left "
                            "over"),
                        STR(""));
}

static void act(struct arena *arena, struct verdict *verdict, const struct at_rest *found,
                bool configured) {
        for (size_t i = 0; i < verdict->count; i++)
                if (configured && verdict->resources[i].unreadable > 0)
                        act_unreadable(arena, verdict, &verdict->resources[i]);
        for (size_t i = 0; i < verdict->count; i++)
                if (verdict->resources[i].required)
                        act_rewrite(arena, verdict, configured, &verdict->resources[i]);
        act_history(arena, verdict, found);
        for (size_t i = 0; i < verdict->unused.count; i++) {
                const struct verdict_unused *unused = &verdict->unused.items[i];

                add_action(arena, verdict, "remove-key",
                           arena_printf(arena,
                                        "no current value needs %s key \"%.*s\" of %.*s: remove it "
                                        "when no backup needs it either",
                                        stored_provider_name(unused->provider),
                                        STR_ARG(unused->key), STR_ARG(unused->resources)),
                           STR(""));
        }
}

void verdict_make(struct arena *arena, const struct at_rest *found, const struct encryption *config,
                  struct verdict *ret) {
        const struct census_resource **sorted = census_sorted(arena, &found->census);

        *ret = (struct verdict){ .count = found->census.resources.count };
        ret->resources = arena_new_array(arena, ret->count, struct verdict_resource);
        for (size_t i = 0; i < ret->count; i++) {
                judge(arena, config, sorted[i], &ret->resources[i]);
                add_up(ret, &ret->resources[i]);
        }
        for (size_t i = 0; config && i < config->count; i++)
                find_unused(arena, ret, &config->entries[i]);
        ret->residue = found->residue.freed_pages + found->residue.slack + found->residue.wal +
                       found->residue.files;
        ret->findings = ret->plaintext + ret->old_plaintext + ret->unreadable + ret->not_written +
                                ret->residue >
                        0;
        act(arena, ret, found, config != NULL);
}
