#include "etcd/encryption.h"

#include <errno.h>

#include "base/base64.h"
#include "base/fs.h"
#include "base/util.h"
#include "etcd/rotation.h"

enum { FILE_MAX = 1 << 20, ENTRIES_MAX = 10000 };

static int fail(const struct encryption *encryption, const struct doc_node *node,
                struct error *error, const char *format, ...) __attribute__((format(printf, 4, 5)));

static int fail(const struct encryption *encryption, const struct doc_node *node,
                struct error *error, const char *format, ...) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        va_list args;

        va_start(args, format);
        buf_vprintf(&text, format, args);
        va_end(args);
        error_set_at(error, -EINVAL, node ? node->start.line : 0, node ? node->start.column : 0,
                     "%s", text.data);
        error_set_file(error, encryption->path);
        return -EINVAL;
}

/* --- providers --- */

/* Sizes of keys that the providers take, as bits. */
#define SIZES_AES (1ull << 16 | 1ull << 24 | 1ull << 32)
#define SIZES_SECRETBOX (1ull << 32)

static int read_key(struct encryption *encryption, const struct doc_node *node, uint64_t sizes,
                    struct encryption_key *ret, struct error *error) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        struct str bytes;
        int r = 0;

        ret->node = node;
        ret->name = doc_string(doc_get(node, STR("name")), STR(""));
        ret->secret = doc_string(doc_get(node, STR("secret")), STR(""));
        if (ret->name.len == 0)
                return fail(encryption, node, error, "a key has no name");
        if (encryption->is_plan && str_eq(ret->secret, STR(ROTATION_PLACEHOLDER)))
                return 0;
        if (base64_decode(&scratch, ret->secret, &bytes) < 0)
                r = fail(encryption, node, error, "the secret of key \"%.*s\" is no base64",
                         STR_ARG(ret->name));
        else if (bytes.len > 32 || !(sizes >> bytes.len & 1))
                r = fail(encryption, node, error,
                         "the secret of key \"%.*s\" has %zu bytes, not %s", STR_ARG(ret->name),
                         bytes.len, sizes == SIZES_AES ? "16, 24 or 32" : "32");
        if (bytes.len > 0 && r == 0)
                explicit_bzero((void *)(uintptr_t)bytes.ptr, bytes.len);
        return r;
}

static int read_keys(struct arena *arena, struct encryption *encryption,
                     const struct doc_node *node, uint64_t sizes, struct encryption_provider *ret,
                     struct error *error) {
        const struct doc_node *keys = doc_get(node, STR("keys"));
        int r = 0;

        ret->version = STR("v1");
        if (!keys || keys->kind != DOC_LIST || keys->list.count == 0)
                return fail(encryption, node, error, "a provider has no keys");
        ret->key_count = keys->list.count;
        ret->keys = arena_new_array(arena, ret->key_count, struct encryption_key);
        for (size_t i = 0; i < ret->key_count && r >= 0; i++) {
                r = read_key(encryption, &keys->list.items[i], sizes, &ret->keys[i], error);
                for (size_t k = 0; k < i && r >= 0; k++)
                        if (str_eq(ret->keys[k].name, ret->keys[i].name))
                                r = fail(encryption, &keys->list.items[i], error,
                                         "two keys of a provider have the name \"%.*s\"",
                                         STR_ARG(ret->keys[i].name));
        }
        return r;
}

static int read_kms(struct arena *arena, struct encryption *encryption, const struct doc_node *node,
                    struct encryption_provider *ret, struct error *error) {
        ret->version = doc_string(doc_get(node, STR("apiVersion")), STR("v1"));
        ret->key_count = 1;
        ret->keys = arena_new(arena, struct encryption_key);
        ret->keys->node = node;
        ret->keys->name = doc_string(doc_get(node, STR("name")), STR(""));
        ret->keys->secret = doc_string(doc_get(node, STR("endpoint")), STR(""));
        if (ret->keys->name.len == 0)
                return fail(encryption, node, error, "a kms provider has no name");
        if (memchr(ret->keys->name.ptr, ':', ret->keys->name.len))
                return fail(encryption, node, error, "the name of a kms provider has a colon");
        if (!str_eq(ret->version, STR("v1")) && !str_eq(ret->version, STR("v2")))
                return fail(encryption, node, error, "kms has versions v1 and v2, and no \"%.*s\"",
                            STR_ARG(ret->version));
        if (!str_starts(ret->keys->secret, STR("unix://")))
                return fail(encryption, node, error,
                            "the endpoint of kms \"%.*s\" is no unix:// URL",
                            STR_ARG(ret->keys->name));
        return 0;
}

static int read_provider(struct arena *arena, struct encryption *encryption,
                         const struct doc_node *node, struct encryption_provider *ret,
                         struct error *error) {
        static const struct {
                struct str name;
                enum stored_provider provider;
        } names[] = {
                { STR_INIT("aescbc"), STORED_AESCBC },       { STR_INIT("aesgcm"), STORED_AESGCM },
                { STR_INIT("secretbox"), STORED_SECRETBOX }, { STR_INIT("kms"), STORED_KMS },
                { STR_INIT("identity"), STORED_PLAIN },
        };
        const struct doc_node *value = NULL;
        size_t found = 0;

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (doc_get(node, names[i].name)) {
                        value = doc_get(node, names[i].name);
                        ret->provider = names[i].provider;
                        found++;
                }
        ret->node = node;
        if (found != 1)
                return fail(encryption, node, error,
                            "an item of providers names %s of aescbc, aesgcm, secretbox, kms and "
                            "identity",
                            found ? "more than one" : "none");
        switch (ret->provider) {
        case STORED_PLAIN:
                return 0;
        case STORED_KMS:
                return read_kms(arena, encryption, value, ret, error);
        case STORED_SECRETBOX:
                return read_keys(arena, encryption, value, SIZES_SECRETBOX, ret, error);
        default:
                return read_keys(arena, encryption, value, SIZES_AES, ret, error);
        }
}

/* --- entries --- */

/* The group of "deployments.apps", "*." or "*.*": what is behind the first dot. */
static struct str group_of(struct str resource) {
        ptrdiff_t dot = str_find(resource, STR("."), 0);

        return dot < 0 ? STR("") : str_slice(resource, (size_t)dot + 1, resource.len);
}

static struct str plain_of(struct str resource) {
        ptrdiff_t dot = str_find(resource, STR("."), 0);

        return dot < 0 ? resource : str_slice(resource, 0, (size_t)dot);
}

static bool same(struct str a, struct str b) {
        return str_eq(plain_of(a), plain_of(b)) && str_eq(group_of(a), group_of(b));
}

/* Whether PATTERN is the wildcard of RESOURCE's group, or of everything. */
static bool is_group_of(struct str pattern, struct str resource) {
        return str_eq(plain_of(pattern), STR("*")) && str_eq(group_of(pattern), group_of(resource));
}

static bool is_everything(struct str pattern) {
        return str_eq(pattern, STR("*.*"));
}

/* What an earlier name makes of a later one. */
static int check_resource(struct encryption *encryption, size_t entry, struct str resource,
                          const struct doc_node *node, struct error *error) {
        if (str_eq(resource, STR("*")))
                return fail(encryption, node, error,
                            "\"*\" is no resource: \"*.\" is the core group, \"*.*\" everything");
        for (size_t e = 0; e < entry; e++)
                for (size_t i = 0; i < encryption->entries[e].resource_count; i++) {
                        struct str earlier = encryption->entries[e].resources[i];

                        if (is_group_of(earlier, resource) || is_everything(earlier))
                                return fail(encryption, node, error,
                                            "\"%.*s\" is masked by \"%.*s\" of an earlier entry: "
                                            "the API server refuses that",
                                            STR_ARG(resource), STR_ARG(earlier));
                }
        return 0;
}

static int read_entry(struct arena *arena, struct encryption *encryption, size_t at,
                      const struct doc_node *node, struct error *error) {
        const struct doc_node *resources = doc_get(node, STR("resources")),
                              *providers = doc_get(node, STR("providers"));
        struct encryption_entry *ret = &encryption->entries[at];
        int r = 0;

        ret->node = node;
        if (!resources || resources->kind != DOC_LIST || resources->list.count == 0)
                return fail(encryption, node, error, "an entry has no resources");
        if (!providers || providers->kind != DOC_LIST || providers->list.count == 0)
                return fail(encryption, node, error, "an entry has no providers");
        ret->resources = arena_new_array(arena, resources->list.count, struct str);
        ret->providers = arena_new_array(arena, providers->list.count, struct encryption_provider);
        for (size_t i = 0; i < resources->list.count && r >= 0; i++) {
                const struct doc_node *item = &resources->list.items[i];

                ret->resources[i] = doc_string(item, STR(""));
                r = check_resource(encryption, at, ret->resources[i], item, error);
        }
        for (size_t i = 0; i < providers->list.count && r >= 0; i++)
                r = read_provider(arena, encryption, &providers->list.items[i], &ret->providers[i],
                                  error);
        ret->resource_count = resources->list.count;
        ret->provider_count = providers->list.count;
        return r;
}

static int read_root(struct arena *arena, struct encryption *encryption, struct error *error) {
        const struct doc_node *root = encryption->root, *entries = doc_get(root, STR("resources"));
        int r = 0;

        if (!str_starts(doc_string(doc_get(root, STR("apiVersion")), STR("")),
                        STR("apiserver.config.k8s.io/")) ||
            !str_eq(doc_string(doc_get(root, STR("kind")), STR("")),
                    STR("EncryptionConfiguration")))
                return fail(encryption, root, error,
                            "is no EncryptionConfiguration of apiserver.config.k8s.io");
        if (!entries || entries->kind != DOC_LIST || entries->list.count == 0 ||
            entries->list.count > ENTRIES_MAX)
                return fail(encryption, root, error,
                            "the EncryptionConfiguration has no resources");
        encryption->entries = arena_new_array(arena, entries->list.count, struct encryption_entry);
        for (size_t i = 0; i < entries->list.count && r >= 0; i++) {
                r = read_entry(arena, encryption, i, &entries->list.items[i], error);
                encryption->count = i + 1;
        }
        return r;
}

static int read_text(struct arena *arena, struct str path, struct str text, bool is_plan,
                     struct encryption *ret, struct error *error) {
        struct encryption encryption = { .path = arena_str(arena, path), .is_plan = is_plan };
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct error inner = { 0 };
        struct doc_reader reader;
        struct doc *doc;
        int r = doc_source_init(arena, encryption.path, text, source, error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_AUTO, NULL);
        r = doc_read(&reader, arena, &doc, &inner);
        if (r < 0) {
                /* The reader's words may repeat a piece of the text, which may be a key. */
                error_set_at(
                        error, -EINVAL, inner.line, inner.column,
                        "cannot be read as YAML (what is wrong is not shown: it may be a key)");
                error_set_file(error, encryption.path);
                return -EINVAL;
        }
        if (r == 0)
                return fail(&encryption, NULL, error, "is empty");
        encryption.root = doc->root;
        r = read_root(arena, &encryption, error);
        if (r >= 0)
                *ret = encryption;
        return r;
}

int encryption_read(struct arena *arena, struct str path, struct str text, struct encryption *ret,
                    struct error *error) {
        return read_text(arena, path, text, false, ret, error);
}

static int read_file(struct arena *arena, const char *path, bool is_plan, struct encryption *ret,
                     struct error *error) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r = fs_read(path, -1, FILE_MAX, true, &text, error);

        if (r < 0) {
                error_set_file(error, str_from(path));
                return r;
        }
        return read_text(arena, str_from(path), arena_str(arena, buf_str(&text)), is_plan, ret,
                         error);
}

int encryption_read_file(struct arena *arena, const char *path, struct encryption *ret,
                         struct error *error) {
        return read_file(arena, path, false, ret, error);
}

int encryption_read_plan_file(struct arena *arena, const char *path, struct encryption *ret,
                              struct error *error) {
        return read_file(arena, path, true, ret, error);
}

/* --- asking --- */

enum rank { EXACT, GROUP, EVERYTHING, RANKS };

static bool matches(struct str pattern, struct str resource, enum rank rank) {
        switch (rank) {
        case EXACT:
                return same(pattern, resource);
        case GROUP:
                return is_group_of(pattern, resource);
        default:
                return is_everything(pattern);
        }
}

static bool entry_has(const struct encryption_entry *entry, struct str resource, enum rank rank) {
        for (size_t i = 0; i < entry->resource_count; i++)
                if (matches(entry->resources[i], resource, rank))
                        return true;
        return false;
}

struct encryption_list encryption_of(struct arena *arena, const struct encryption *encryption,
                                     struct str resource) {
        struct encryption_list list = { 0 };

        for (int rank = EXACT; rank < RANKS && list.count == 0; rank++) {
                VEC(struct encryption_provider) found = { 0 };

                for (size_t i = 0; i < encryption->count; i++) {
                        const struct encryption_entry *entry = &encryption->entries[i];

                        if (!entry_has(entry, resource, (enum rank)rank))
                                continue;
                        for (size_t k = 0; k < entry->provider_count; k++)
                                *vec_push_in(arena, &found) = entry->providers[k];
                }
                list = (struct encryption_list){ found.items, found.count };
        }
        return list;
}

bool encryption_writes(const struct encryption_list *list) {
        return list->count > 0 && list->items[0].provider != STORED_PLAIN;
}

enum encryption_use encryption_use(const struct encryption_list *list,
                                   enum stored_provider provider, struct str version,
                                   struct str key) {
        if (provider == STORED_PLAIN && list->count == 0)
                return ENCRYPTION_WRITES;
        for (size_t i = 0; i < list->count; i++) {
                const struct encryption_provider *item = &list->items[i];

                if (item->provider != provider)
                        continue;
                if (provider == STORED_PLAIN)
                        return i == 0 ? ENCRYPTION_WRITES : ENCRYPTION_READS;
                for (size_t k = 0; k < item->key_count; k++)
                        if (str_eq(item->keys[k].name, key) && str_eq(item->version, version))
                                return i == 0 && k == 0 ? ENCRYPTION_WRITES : ENCRYPTION_READS;
        }
        return ENCRYPTION_MISSING;
}
