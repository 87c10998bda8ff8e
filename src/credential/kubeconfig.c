/* Kubeconfigs: client certificates, tokens and authorities that are embedded in them. */
#include "base/base64.h"
#include "credential/private.h"

enum { ENTRIES_MAX = 1000 };

static struct str decoded(struct arena *arena, const struct doc_node *node) {
        struct str text = doc_string(node, STR("")), bytes;

        if (text.len == 0 || text.len > CREDENTIAL_VALUE_MAX ||
            base64_decode(arena, text, &bytes) < 0)
                return STR("");
        return bytes;
}

/* What is shown of a value within a value: "config: users[0].token". */
static struct holder within(const struct holder *holder, const struct doc_node *node,
                            const char *use) {
        struct holder inner = *holder;
        struct arena *arena = &holder->credentials->arena;
        struct str path = doc_path(arena, node);

        inner.use = str_from(use);
        inner.member = path;
        if (holder->member.len > 0)
                inner.member =
                        arena_printf(arena, "%.*s: %.*s", STR_ARG(holder->member), STR_ARG(path));
        else
                inner.node = node;
        return inner;
}

static void check_key(const struct holder *holder, size_t first, struct str digest) {
        struct credentials *all = holder->credentials;

        if (first < all->list.count && digest.len > 0 && all->list.items[first].readable)
                all->list.items[first].key_differs =
                        !str_eq(all->list.items[first].key_digest, digest);
}

static void add_user(const struct holder *holder, struct str name, const struct doc_node *user) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct arena *kept = &holder->credentials->arena;
        const struct doc_node *certificate = doc_get(user, STR("client-certificate-data"));
        const struct doc_node *token = doc_get(user, STR("token"));
        const struct doc_node *password = doc_get(user, STR("password"));
        struct str key = decoded(&arena, doc_get(user, STR("client-key-data")));
        size_t first = holder->credentials->list.count;
        struct credential *credential;

        if (certificate) {
                struct holder inner = within(holder, certificate, "kubeconfig-client");

                inner.has_key = key.len > 0;
                holder_add_certificates(&inner, decoded(&arena, certificate));
                check_key(holder, first, private_key_digest(kept, key));
        }
        wipe(key);
        if (doc_string(token, STR("")).len > 0) {
                struct holder inner = within(holder, token, "kubeconfig-token");

                if (!holder_add_token(&inner, token->string)) {
                        credential = holder_new(&inner, CREDENTIAL_PASSWORD);
                        if (credential)
                                credential->subject = arena_str(kept, name);
                }
        }
        if (doc_string(password, STR("")).len > 0) {
                struct holder inner = within(holder, password, "kubeconfig-password");

                credential = holder_new(&inner, CREDENTIAL_PASSWORD);
                if (credential)
                        credential->subject = arena_str(
                                kept, doc_string(doc_get(user, STR("username")), STR("")));
        }
}

void holder_add_kubeconfig(const struct holder *holder, const struct doc_node *config) {
        const struct doc_node *users = doc_get(config, STR("users"));
        const struct doc_node *clusters = doc_get(config, STR("clusters"));

        for (uint32_t i = 0;
             users && users->kind == DOC_LIST && i < users->list.count && i < ENTRIES_MAX; i++) {
                const struct doc_node *item = &users->list.items[i];

                add_user(holder, doc_string(doc_get(item, STR("name")), STR("")),
                         doc_get(item, STR("user")));
        }
        for (uint32_t i = 0;
             clusters && clusters->kind == DOC_LIST && i < clusters->list.count && i < ENTRIES_MAX;
             i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                const struct doc_node *bundle =
                        doc_find(&clusters->list.items[i], "cluster", "certificate-authority-data");

                if (bundle) {
                        struct holder inner = within(holder, bundle, "kubeconfig-authority");

                        holder_add_certificates(&inner, decoded(&arena, bundle));
                }
        }
}
