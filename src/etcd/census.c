#include "etcd/census.h"

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

static void grow(struct census *census) {
        uint64_t size = census->seen_size ? census->seen_size * 2 : SEEN_FIRST;
        uint64_t *table = calloc(size, sizeof *table);

        if (!table)
                out_of_memory();
        for (uint64_t i = 0; i < census->seen_size; i++)
                if (census->seen[i])
                        insert(table, size, census->seen[i]);
        free(census->seen);
        census->seen = table;
        census->seen_size = size;
}

/* Whether KEY comes for the first time. */
static bool is_new(struct census *census, struct str key) {
        if (census->seen_count >= census->seen_size / 4 * 3) {
                if (census->seen_count >= CENSUS_KEYS_MAX) {
                        census->cut = true;
                        return false;
                }
                grow(census);
        }
        if (!insert(census->seen, census->seen_size, hash_of(census->seed, key)))
                return false;
        census->seen_count++;
        return true;
}

/* --- counting --- */

void census_init(struct census *census, struct str prefix) {
        *census = (struct census){ 0 };
        if (getrandom(census->seed, sizeof census->seed, GRND_NONBLOCK) != sizeof census->seed)
                census->seed[0] = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)census;
        if (prefix.len > 0) {
                census->prefixes[0] = prefix;
                return;
        }
        census->prefixes[0] = STR("/registry");
        census->prefixes[1] = STR("/kubernetes.io");
        census->prefixes[2] = STR("/openshift.io");
}

static void resource_free(struct census_resource *resource) {
        for (size_t i = 0; i < resource->providers.count; i++)
                map_free(&resource->providers.items[i].key_ids);
        vec_free(&resource->providers);
        vec_free(&resource->names);
        map_free(&resource->namespaces);
}

void census_free(struct census *census) {
        for (size_t i = 0; i < census->resources.count; i++)
                resource_free(census->resources.entries[i].value);
        map_free(&census->resources);
        free(census->seen);
        arena_free(&census->arena);
        *census = (struct census){ 0 };
}

static struct census_resource *resource_of(struct census *census, struct str path) {
        struct census_resource *resource = census->last;

        if (resource && str_eq(resource->path, path))
                return resource;
        resource = map_get(&census->resources, path);
        if (!resource) {
                if (census->resources.count >= CENSUS_RESOURCES_MAX) {
                        census->cut = true;
                        return NULL;
                }
                resource = arena_new(&census->arena, struct census_resource);
                resource->path = arena_str(&census->arena, path);
                resource->name = stored_resource(&census->arena, resource->path);
                map_put(&census->resources, resource->path)->value = resource;
        }
        census->last = resource;
        return resource;
}

static struct census_provider *provider_of(struct census *census, struct census_resource *resource,
                                           const struct stored_value *value) {
        struct census_provider *provider;

        for (size_t i = resource->providers.count; i-- > 0;) {
                provider = &resource->providers.items[i];
                if (provider->provider == value->provider && str_eq(provider->key, value->key) &&
                    str_eq(provider->version, value->version))
                        return provider;
        }
        if (resource->providers.count >= CENSUS_PROVIDERS_MAX) {
                census->cut = true;
                return NULL;
        }
        provider = vec_push(&resource->providers);
        provider->provider = value->provider;
        provider->key = arena_str(&census->arena, value->key);
        provider->version = arena_str(&census->arena, value->version);
        return provider;
}

static void count_namespace(struct census *census, struct census_resource *resource,
                            const struct stored_key *key, bool plaintext) {
        struct census_namespace *namespace;

        if (key->namespace.len == 0)
                return;
        namespace = map_get(&resource->namespaces, key->namespace);
        if (!namespace) {
                if (census->namespace_count >= CENSUS_NAMESPACES_MAX) {
                        census->cut = true;
                        return;
                }
                census->namespace_count++;
                namespace = arena_new(&census->arena, struct census_namespace);
                namespace->name = arena_str(&census->arena, key->namespace);
                map_put(&resource->namespaces, namespace->name)->value = namespace;
        }
        namespace->values++;
        namespace->plaintext += plaintext;
}

/* A kms plugin has a new key id whenever its key was rotated. */
static void count_key_id(struct census *census, struct census_provider *provider, struct str id) {
        struct map_entry *entry;

        if (id.len == 0)
                return;
        if (!map_get(&provider->key_ids, id)) {
                if (provider->key_ids.count >= KEY_IDS_MAX) {
                        census->cut = true;
                        return;
                }
                id = arena_str(&census->arena, id);
        }
        entry = map_put(&provider->key_ids, id);
        entry->value = (void *)((uintptr_t)entry->value + 1);
}

static void widen(int64_t *oldest, int64_t *newest, int64_t revision) {
        *oldest = *oldest ? MIN(*oldest, revision) : revision;
        *newest = MAX(*newest, revision);
}

static void add_current(struct census *census, struct census_resource *resource,
                        const struct stored_key *key, const struct stored_value *value,
                        int64_t revision) {
        bool plaintext = value->provider == STORED_PLAIN;
        struct census_provider *provider;

        resource->values++;
        count_namespace(census, resource, key, plaintext);
        if (plaintext) {
                resource->plaintext++;
                widen(&resource->oldest_plaintext, &resource->newest_plaintext, revision);
                if (census->want_names && resource->names.count < NAMES_MAX)
                        *vec_push(&resource->names) =
                                arena_printf(&census->arena, "%.*s%s%.*s", STR_ARG(key->namespace),
                                             key->namespace.len ? "/" : "", STR_ARG(key->name));
                return;
        }
        if (value->provider == STORED_UNKNOWN) {
                resource->unknown++;
                return;
        }
        resource->encrypted++;
        provider = provider_of(census, resource, value);
        if (!provider)
                return;
        provider->values++;
        widen(&provider->oldest_value, &provider->newest_value, revision);
        count_key_id(census, provider, value->key_id);
}

static void add_old(struct census *census, struct census_resource *resource,
                    const struct stored_value *value) {
        struct census_provider *provider;

        if (value->provider == STORED_PLAIN) {
                resource->old_plaintext++;
        } else if (value->provider != STORED_UNKNOWN) {
                provider = provider_of(census, resource, value);
                if (provider)
                        provider->old_values++;
        }
}

static void add_other(struct census *census, struct str key) {
        ptrdiff_t slash = str_find(key, STR("/"), 1);

        census->other_keys++;
        if (!census->other_key.ptr)
                census->other_key = arena_str(
                        &census->arena,
                        str_slice(key, 0, MIN(slash > 0 ? (size_t)slash : key.len, (size_t)64)));
}

void census_add(struct census *census, const struct census_record *record) {
        struct census_resource *resource;
        struct stored_value value;
        struct stored_key key;
        bool current = is_new(census, record->key), known = false;

        census->revisions++;
        census->newest = MAX(census->newest, record->revision);
        if (record->deleted)
                return;
        for (size_t i = 0; i < ELEMENTS(census->prefixes) && census->prefixes[i].ptr && !known; i++)
                known = stored_key_read(record->key, census->prefixes[i], &key);
        if (!known) {
                if (current)
                        add_other(census, record->key);
                return;
        }
        census->keys += current;
        resource = resource_of(census, key.path);
        if (!resource)
                return;
        stored_value_read(record->value, &value);
        if (current)
                add_current(census, resource, &key, &value, record->revision);
        else
                add_old(census, resource, &value);
}

/* --- asking --- */

const struct census_resource *census_find(const struct census *census, struct str name) {
        for (size_t i = 0; i < census->resources.count; i++) {
                const struct census_resource *resource = census->resources.entries[i].value;

                if (str_eq(resource->name, name))
                        return resource;
        }
        return NULL;
}

static int by_name(const void *a, const void *b) {
        const struct census_resource *const *x = a, *const *y = b;
        int order = str_cmp((*x)->name, (*y)->name);

        return order ? order : str_cmp((*x)->path, (*y)->path);
}

const struct census_resource **census_sorted(struct arena *arena, const struct census *census) {
        const struct census_resource **list =
                arena_new_array(arena, census->resources.count + 1, const struct census_resource *);

        for (size_t i = 0; i < census->resources.count; i++)
                list[i] = census->resources.entries[i].value;
        qsort(list, census->resources.count, sizeof(struct census_resource *), by_name);
        return list;
}
