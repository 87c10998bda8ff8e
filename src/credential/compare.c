/* Comparing credentials: who signed which, and in how many places one lies. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "credential/private.h"

enum { CANDIDATES_MAX = 16, VERIFY_MAX = 100000 };

/* Authorities of the same name. */
struct authority {
        const struct credential *items[CANDIDATES_MAX];
        size_t count;
};

static void collect_authorities(struct credentials *credentials, struct map *names) {
        struct map seen = MAP_INIT;

        for (size_t i = 0; i < credentials->list.count; i++) {
                const struct credential *credential = &credentials->list.items[i];
                struct map_entry *entry;
                struct authority *authority;

                if (!credential->x509 || !credential->authority)
                        continue;
                entry = map_put(&seen, credential->fingerprint);
                if (entry->value)
                        continue;
                entry->value = credentials;
                entry = map_put(names, credential->subject);
                if (!entry->value)
                        entry->value = arena_new(&credentials->arena, struct authority);
                authority = entry->value;
                if (authority->count < CANDIDATES_MAX)
                        authority->items[authority->count++] = credential;
        }
        map_free(&seen);
}

static bool signed_by(X509 *x, X509 *issuer, size_t *left) {
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        bool result;

        if (*left == 0 || !key ||
            X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)) != 0)
                return false;
        --*left;
        result = X509_verify(x, key) == 1;
        ERR_clear_error();
        return result;
}

static uint8_t chain_of(const struct credentials *credentials, const struct map *names,
                        const struct credential *credential, size_t *left) {
        const struct authority *authority = map_get(names, credential->issuer);
        X509 *x = credential->x509;
        uint8_t chain = authority ? CHAIN_BROKEN : CHAIN_UNKNOWN;

        if (credential->self_signed && signed_by(x, x, left))
                return CHAIN_ROOT;
        for (size_t i = 0; authority && i < authority->count; i++) {
                const struct credential *issuer = authority->items[i];

                if (!signed_by(x, issuer->x509, left))
                        continue;
                if (!issuer->has_end || issuer->end >= credentials->now)
                        return CHAIN_VERIFIED;
                chain = CHAIN_EXPIRED;
        }
        return *left == 0 ? CHAIN_UNKNOWN : chain;
}

static void count_copies(struct credentials *credentials) {
        struct map prints = MAP_INIT, keys = MAP_INIT, seen = MAP_INIT;

        for (size_t i = 0; i < credentials->list.count; i++) {
                const struct credential *c = &credentials->list.items[i];
                struct map_entry *entry;
                struct str object;

                if (c->fingerprint.len == 0)
                        continue;
                entry = map_put(&prints, c->fingerprint);
                entry->value = (char *)entry->value + 1;
                if (!c->has_key || c->key_differs || c->key_digest.len == 0)
                        continue;
                object = arena_printf(&credentials->arena, "%.*s %.*s %.*s/%.*s %.*s",
                                      STR_ARG(c->key_digest), STR_ARG(c->kind),
                                      STR_ARG(c->namespace), STR_ARG(c->name),
                                      STR_ARG(c->name.len > 0 ? STR("") : c->file));
                entry = map_put(&seen, object);
                if (entry->value)
                        continue;
                entry->value = credentials;
                entry = map_put(&keys, c->key_digest);
                entry->value = (char *)entry->value + 1;
        }
        for (size_t i = 0; i < credentials->list.count; i++) {
                struct credential *c = &credentials->list.items[i];

                if (c->fingerprint.len == 0)
                        continue;
                c->copies = (uint32_t)(uintptr_t)map_get(&prints, c->fingerprint);
                if (c->has_key && !c->key_differs)
                        c->key_copies = (uint32_t)(uintptr_t)map_get(&keys, c->key_digest);
        }
        map_free(&prints);
        map_free(&keys);
        map_free(&seen);
}

/* The list is still in the order of the input: what is of one bundle stands together. */
static bool same_bundle(const struct credential *a, const struct credential *b) {
        return str_eq(a->use, STR("ca-bundle")) && str_eq(b->use, a->use) &&
               a->pos.line == b->pos.line && a->pos.column == b->pos.column &&
               str_eq(a->file, b->file) && str_eq(a->member, b->member) &&
               str_eq(a->name, b->name) && str_eq(a->kind, b->kind);
}

static void find_alternatives(struct credentials *credentials) {
        struct credential *items = credentials->list.items;
        int64_t month = credentials->now + 30 * 86400;

        for (size_t first = 0, end; first < credentials->list.count; first = end) {
                bool valid = false;

                for (end = first; end < credentials->list.count &&
                                  (end == first || same_bundle(&items[first], &items[end]));
                     end++)
                        valid |= items[end].has_end && items[end].end >= month &&
                                 items[end].start <= credentials->now;
                for (size_t i = first; i < end; i++)
                        items[i].alternative = valid && (!items[i].has_end || items[i].end < month);
        }
}

static int by_end(const void *a, const void *b) {
        const struct credential *x = a, *y = b;
        int r;

        if (x->has_end != y->has_end)
                return x->has_end ? -1 : 1;
        if (x->has_end && x->end != y->end)
                return x->end < y->end ? -1 : 1;
        r = str_cmp(x->namespace, y->namespace);
        if (r == 0)
                r = str_cmp(x->kind, y->kind);
        if (r == 0)
                r = str_cmp(x->name, y->name);
        if (r == 0)
                r = str_cmp(x->file, y->file);
        if (r == 0)
                r = str_cmp(x->member, y->member);
        return r ? r : str_cmp(x->fingerprint, y->fingerprint);
}

void credentials_finish(struct credentials *credentials) {
        struct map names = MAP_INIT;
        size_t left = VERIFY_MAX;

        collect_authorities(credentials, &names);
        for (size_t i = 0; i < credentials->list.count; i++) {
                struct credential *credential = &credentials->list.items[i];

                if (credential->x509)
                        credential->chain = chain_of(credentials, &names, credential, &left);
        }
        map_free(&names);
        count_copies(credentials);
        find_alternatives(credentials);
        if (credentials->list.count > 0)
                qsort(credentials->list.items, credentials->list.count,
                      sizeof *credentials->list.items, by_end);
}
