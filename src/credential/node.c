/* Certificates that the facts of a node tell of (src/node/certificate.c). */
#include <time.h>

#include "credential/private.h"

enum { CERTIFICATES_MAX = 2000 };

static bool read_time(struct str text, int64_t *ret) {
        char copy[32];
        struct tm tm = { 0 };

        snprintf(copy, sizeof copy, "%.*s", STR_ARG(text));
        if (!strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm))
                return false;
        *ret = (int64_t)timegm(&tm);
        return true;
}

static struct str string_of(const struct holder *holder, const struct doc_node *map,
                            const char *key) {
        return arena_str(&holder->credentials->arena,
                         doc_string(doc_get(map, str_from(key)), STR("")));
}

static void add_strings(struct arena *arena, struct credential_names *names,
                        const struct doc_node *list) {
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count && i < 1000;
             i++)
                *vec_push_in(arena, names) =
                        arena_str(arena, doc_string(&list->list.items[i], STR("")));
}

static bool is_true(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_BOOL && node->boolean;
}

static struct str name_of(const struct holder *holder, const struct doc_node *name,
                          struct credential_names *organizations) {
        struct credential_names found = { 0 };
        struct arena *arena = &holder->credentials->arena;
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        add_strings(arena, &found, doc_get(name, STR("organizations")));
        for (size_t i = 0; i < found.count; i++)
                buf_printf(&text, "O=%.*s, ", STR_ARG(found.items[i]));
        buf_printf(&text, "CN=%.*s",
                   STR_ARG(doc_string(doc_get(name, STR("commonName")), STR(""))));
        if (organizations)
                *organizations = found;
        return arena_str(arena, buf_str(&text));
}

static void add_certificate(const struct holder *holder, const struct doc_node *fact) {
        struct arena *arena = &holder->credentials->arena;
        struct credential *credential = holder_new(holder, CREDENTIAL_CERTIFICATE);
        const struct doc_node *subject = doc_get(fact, STR("subject"));
        const struct doc_node *bits = doc_get(fact, STR("keyBits"));

        if (!credential)
                return;
        credential->readable = true;
        credential->member = string_of(holder, fact, "path");
        credential->subject = name_of(holder, subject, &credential->organizations);
        credential->issuer = name_of(holder, doc_get(fact, STR("issuer")), NULL);
        credential->common_name = string_of(holder, subject, "commonName");
        credential->has_start = read_time(string_of(holder, fact, "notBefore"), &credential->start);
        credential->has_end = read_time(string_of(holder, fact, "notAfter"), &credential->end);
        credential->algorithm = string_of(holder, fact, "keyAlgorithm");
        credential->signature = string_of(holder, fact, "signature");
        credential->bits = bits && bits->kind == DOC_INT ? (int)bits->integer : 0;
        credential->authority = is_true(fact, "authority");
        credential->self_signed = is_true(fact, "selfSigned");
        add_strings(arena, &credential->dns, doc_get(fact, STR("dns")));
        add_strings(arena, &credential->ips, doc_get(fact, STR("ips")));
        add_strings(arena, &credential->usages, doc_get(fact, STR("usages")));
        credential->fingerprint = string_of(holder, fact, "fingerprint");
        if (str_starts(credential->fingerprint, STR("sha256:")))
                credential->fingerprint =
                        str_slice(credential->fingerprint, 7, credential->fingerprint.len);
}

/* The same file is told where it is found and where it is used; once is enough. */
static bool is_known(const struct holder *holder, size_t first, const struct doc_node *fact) {
        const struct credentials *all = holder->credentials;
        struct str path = doc_string(doc_get(fact, STR("path")), STR(""));
        struct str print = doc_string(doc_get(fact, STR("fingerprint")), STR(""));

        for (size_t i = first; i < all->list.count; i++)
                if (str_eq(all->list.items[i].member, path) &&
                    str_ends(print, all->list.items[i].fingerprint))
                        return true;
        return false;
}

void holder_add_node(const struct holder *holder, const struct doc_node *facts) {
        static const char *const parts[] = { "pki", "apiServer", "etcd", "kubelet" };
        struct holder inner = *holder;
        size_t first = holder->credentials->list.count;

        inner.use = STR("node");
        for (size_t p = 0; p < ELEMENTS(parts); p++) {
                const struct doc_node *list = doc_find(facts, parts[p], "certificates");

                for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count &&
                                     holder->credentials->list.count - first < CERTIFICATES_MAX;
                     i++) {
                        inner.node = &list->list.items[i];
                        if (!is_known(holder, first, inner.node))
                                add_certificate(&inner, inner.node);
                }
        }
}
