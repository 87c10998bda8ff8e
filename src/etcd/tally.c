#include "etcd/tally.h"

#include <sys/random.h>
#include <time.h>

#include "base/util.h"

enum { SEEN_FIRST = 1 << 12, NAMES_MAX = 100000, KEY_IDS_MAX = 64 };

/* --- the hash of keys --- */

static uint64_t rotate(uint64_t x, int by) {
        return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4]) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
}

/* SipHash-1-3; never 0. */
static uint64_t hash_of(const uint64_t seed[2], struct str s) {
        uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                          seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u };
        uint64_t last = (uint64_t)s.len << 56, word;
        size_t at = 0;

        for (; s.len - at >= 8; at += 8) {
                memcpy(&word, s.ptr + at, 8);
                v[3] ^= word;
                sip_round(v);
                v[0] ^= word;
        }
        for (size_t i = 0; at + i < s.len; i++)
                last |= (uint64_t)(unsigned char)s.ptr[at + i] << 8 * i;
        v[3] ^= last;
        sip_round(v);
        v[0] ^= last;
        v[2] ^= 0xff;
        for (int i = 0; i < 3; i++)
                sip_round(v);
        word = v[0] ^ v[1] ^ v[2] ^ v[3];
        return word ? word : 1;
}

static bool insert(uint64_t *table, uint64_t size, uint64_t hash) {
        uint64_t at = hash & (size - 1);

        for (; table[at]; at = (at + 1) & (size - 1))
                if (table[at] == hash)
                        return false;
        table[at] = hash;
        return true;
}

static void grow(struct tally *tally) {
        uint64_t size = tally->seen_size ? tally->seen_size * 2 : SEEN_FIRST;
        uint64_t *table = calloc(size, sizeof *table);

        if (!table)
                out_of_memory();
        for (uint64_t i = 0; i < tally->seen_size; i++)
                if (tally->seen[i])
                        insert(table, size, tally->seen[i]);
        free(tally->seen);
        tally->seen = table;
        tally->seen_size = size;
}

/* Whether KEY comes for the first time. */
static bool is_new(struct tally *tally, struct str key) {
        if (tally->seen_count >= tally->seen_size / 4 * 3) {
                if (tally->seen_count >= TALLY_KEYS_MAX) {
                        tally->cut = true;
                        return false;
                }
                grow(tally);
        }
        if (!insert(tally->seen, tally->seen_size, hash_of(tally->seed, key)))
                return false;
        tally->seen_count++;
        return true;
}

/* --- counting --- */

void tally_init(struct tally *tally, struct str prefix) {
        *tally = (struct tally){ 0 };
        if (getrandom(tally->seed, sizeof tally->seed, GRND_NONBLOCK) != sizeof tally->seed)
                tally->seed[0] = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)tally;
        if (prefix.len > 0) {
                tally->prefixes[0] = prefix;
                return;
        }
        tally->prefixes[0] = STR("/registry");
        tally->prefixes[1] = STR("/kubernetes.io");
        tally->prefixes[2] = STR("/openshift.io");
}

static void resource_free(struct tally_resource *resource) {
        for (size_t i = 0; i < resource->providers.count; i++)
                map_free(&resource->providers.items[i].key_ids);
        vec_free(&resource->providers);
        vec_free(&resource->names);
        map_free(&resource->namespaces);
}

void tally_free(struct tally *tally) {
        for (size_t i = 0; i < tally->resources.count; i++)
                resource_free(tally->resources.entries[i].value);
        map_free(&tally->resources);
        free(tally->seen);
        arena_free(&tally->arena);
        *tally = (struct tally){ 0 };
}

static struct tally_resource *resource_of(struct tally *tally, struct str path) {
        struct tally_resource *resource = tally->last;

        if (resource && str_eq(resource->path, path))
                return resource;
        resource = map_get(&tally->resources, path);
        if (!resource) {
                if (tally->resources.count >= TALLY_RESOURCES_MAX) {
                        tally->cut = true;
                        return NULL;
                }
                resource = arena_new(&tally->arena, struct tally_resource);
                resource->path = arena_str(&tally->arena, path);
                resource->name = stored_resource(&tally->arena, resource->path);
                map_put(&tally->resources, resource->path)->value = resource;
        }
        tally->last = resource;
        return resource;
}

static struct tally_provider *provider_of(struct tally *tally, struct tally_resource *resource,
                                          const struct stored_value *value) {
        struct tally_provider *provider;

        for (size_t i = resource->providers.count; i-- > 0;) {
                provider = &resource->providers.items[i];
                if (provider->provider == value->provider && str_eq(provider->key, value->key) &&
                    str_eq(provider->version, value->version))
                        return provider;
        }
        if (resource->providers.count >= TALLY_PROVIDERS_MAX) {
                tally->cut = true;
                return NULL;
        }
        provider = vec_push(&resource->providers);
        provider->provider = value->provider;
        provider->key = arena_str(&tally->arena, value->key);
        provider->version = arena_str(&tally->arena, value->version);
        return provider;
}

static void count_namespace(struct tally *tally, struct tally_resource *resource,
                            const struct stored_key *key, bool plaintext) {
        struct tally_namespace *namespace;

        if (key->namespace.len == 0)
                return;
        namespace = map_get(&resource->namespaces, key->namespace);
        if (!namespace) {
                if (tally->namespace_count >= TALLY_NAMESPACES_MAX) {
                        tally->cut = true;
                        return;
                }
                tally->namespace_count++;
                namespace = arena_new(&tally->arena, struct tally_namespace);
                namespace->name = arena_str(&tally->arena, key->namespace);
                map_put(&resource->namespaces, namespace->name)->value = namespace;
        }
        namespace->values++;
        namespace->plaintext += plaintext;
}

/* A kms plugin has a new key id whenever its key was rotated. */
static void count_key_id(struct tally *tally, struct tally_provider *provider, struct str id) {
        struct map_entry *entry;

        if (id.len == 0)
                return;
        if (!map_get(&provider->key_ids, id)) {
                if (provider->key_ids.count >= KEY_IDS_MAX) {
                        tally->cut = true;
                        return;
                }
                id = arena_str(&tally->arena, id);
        }
        entry = map_put(&provider->key_ids, id);
        entry->value = (void *)((uintptr_t)entry->value + 1);
}

static void widen(int64_t *oldest, int64_t *newest, int64_t revision) {
        *oldest = *oldest ? MIN(*oldest, revision) : revision;
        *newest = MAX(*newest, revision);
}

static void add_current(struct tally *tally, struct tally_resource *resource,
                        const struct stored_key *key, const struct stored_value *value,
                        int64_t revision) {
        bool plaintext = value->provider == STORED_PLAIN;
        struct tally_provider *provider;

        resource->values++;
        count_namespace(tally, resource, key, plaintext);
        if (plaintext) {
                resource->plaintext++;
                widen(&resource->oldest_plaintext, &resource->newest_plaintext, revision);
                if (tally->want_names && resource->names.count < NAMES_MAX)
                        *vec_push(&resource->names) =
                                arena_printf(&tally->arena, "%.*s%s%.*s", STR_ARG(key->namespace),
                                             key->namespace.len ? "/" : "", STR_ARG(key->name));
                return;
        }
        if (value->provider == STORED_UNKNOWN) {
                resource->unknown++;
                return;
        }
        resource->encrypted++;
        provider = provider_of(tally, resource, value);
        if (!provider)
                return;
        provider->values++;
        widen(&provider->oldest_value, &provider->newest_value, revision);
        count_key_id(tally, provider, value->key_id);
}

static void add_old(struct tally *tally, struct tally_resource *resource,
                    const struct stored_value *value) {
        struct tally_provider *provider;

        if (value->provider == STORED_PLAIN) {
                resource->old_plaintext++;
        } else if (value->provider != STORED_UNKNOWN) {
                provider = provider_of(tally, resource, value);
                if (provider)
                        provider->old_values++;
        }
}

static void add_other(struct tally *tally, struct str key) {
        ptrdiff_t slash = str_find(key, STR("/"), 1);

        tally->other_keys++;
        if (!tally->other_key.ptr)
                tally->other_key = arena_str(
                        &tally->arena,
                        str_slice(key, 0, MIN(slash > 0 ? (size_t)slash : key.len, (size_t)64)));
}

void tally_add(struct tally *tally, const struct tally_record *record) {
        struct tally_resource *resource;
        struct stored_value value;
        struct stored_key key;
        bool current = is_new(tally, record->key), known = false;

        tally->revisions++;
        tally->newest = MAX(tally->newest, record->revision);
        if (record->deleted)
                return;
        for (size_t i = 0; i < ELEMENTS(tally->prefixes) && tally->prefixes[i].ptr && !known; i++)
                known = stored_key_read(record->key, tally->prefixes[i], &key);
        if (!known) {
                if (current)
                        add_other(tally, record->key);
                return;
        }
        tally->keys += current;
        resource = resource_of(tally, key.path);
        if (!resource)
                return;
        stored_value_read(record->value, &value);
        if (current)
                add_current(tally, resource, &key, &value, record->revision);
        else
                add_old(tally, resource, &value);
}

/* --- asking --- */

const struct tally_resource *tally_find(const struct tally *tally, struct str name) {
        for (size_t i = 0; i < tally->resources.count; i++) {
                const struct tally_resource *resource = tally->resources.entries[i].value;

                if (str_eq(resource->name, name))
                        return resource;
        }
        return NULL;
}

static int by_name(const void *a, const void *b) {
        const struct tally_resource *const *x = a, *const *y = b;
        int order = str_cmp((*x)->name, (*y)->name);

        return order ? order : str_cmp((*x)->path, (*y)->path);
}

const struct tally_resource **tally_sorted(struct arena *arena, const struct tally *tally) {
        const struct tally_resource **list =
                arena_new_array(arena, tally->resources.count + 1, const struct tally_resource *);

        for (size_t i = 0; i < tally->resources.count; i++)
                list[i] = tally->resources.entries[i].value;
        qsort(list, tally->resources.count, sizeof(struct tally_resource *), by_name);
        return list;
}
