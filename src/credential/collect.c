/* Where credentials lie in objects. */
#include <openssl/x509.h>
#include <time.h>

#include "base/base64.h"
#include "credential/private.h"
#include "kube/moment.h"

void credentials_init(struct credentials *credentials, int64_t now) {
        *credentials = (struct credentials){ .now = now };
}

void credentials_free(struct credentials *credentials) {
        for (size_t i = 0; i < credentials->list.count; i++)
                X509_free(credentials->list.items[i].x509);
        vec_free(&credentials->list);
        arena_free(&credentials->arena);
}

bool has_word(struct str text, const char *word) {
        return str_find(text, str_from(word), 0) >= 0;
}

struct credential *holder_new(const struct holder *holder, enum credential_type type) {
        struct credentials *all = holder->credentials;
        const struct resource *resource = holder->resource;
        struct arena *arena = &all->arena;
        struct credential *credential;

        if (all->list.count >= CREDENTIALS_MAX) {
                all->left_out++;
                return NULL;
        }
        credential = vec_push(&all->list);
        credential->type = (uint8_t)type;
        credential->use = holder->use;
        credential->member = arena_str(arena, holder->member);
        credential->file = arena_str(arena, holder->file);
        credential->pos = holder->node ? holder->node->start : resource->root->start;
        credential->has_key = holder->has_key || type != CREDENTIAL_CERTIFICATE;
        credential->api_version = arena_str(arena, resource->api_version);
        credential->kind = arena_str(arena, resource->kind);
        credential->namespace = arena_str(arena, resource->namespace);
        credential->name = arena_str(arena, resource->name);
        credential->secret_type =
                arena_str(arena, doc_string(doc_get(resource->object, STR("type")), STR("")));
        return credential;
}

/* --- values of Secrets and ConfigMaps --- */

static void add_config(const struct holder *holder, struct str text) {
        const struct doc_limits limits = { .file_bytes = CREDENTIAL_VALUE_MAX,
                                           .depth = 32,
                                           .nodes = 100000,
                                           .alias_nodes = 1000,
                                           .scalar_bytes = CREDENTIAL_VALUE_MAX };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source;
        struct doc_reader reader;
        struct error error;
        struct doc *doc;

        if (doc_source_init(&arena, STR("value"), text, &source, &error) < 0)
                return;
        doc_reader_init(&reader, &source, DOC_AUTO, &limits);
        if (doc_read(&reader, &arena, &doc, &error) > 0 &&
            str_eq(doc_string(doc_get(doc->root, STR("kind")), STR("")), STR("Config")))
                holder_add_kubeconfig(holder, doc->root);
}

static void add_value(struct holder *holder, struct str text) {
        if (text.len > CREDENTIAL_VALUE_MAX) {
                holder->credentials->too_large++;
                return;
        }
        if (has_word(text, "-----BEGIN CERTIFICATE-----"))
                holder_add_certificates(holder, text);
        else if (has_word(text, "Config") && has_word(text, "clusters") && has_word(text, "users"))
                add_config(holder, text);
        else
                holder_add_token(holder, text);
}

static struct str decoded_value(struct arena *arena, const struct doc_node *map,
                                const char *member) {
        struct str bytes;

        if (base64_decode(arena, doc_string(doc_get(map, str_from(member)), STR("")), &bytes) < 0)
                return STR("");
        return bytes;
}

/* A value of a Secret, wherever it is written. */
static struct str secret_value(struct arena *arena, const struct doc_node *object,
                               const char *member) {
        struct str text = doc_string(doc_find(object, "stringData", member), STR(""));

        return text.len > 0 ? arena_str(arena, text)
                            : decoded_value(arena, doc_get(object, STR("data")), member);
}

static void add_tls(struct holder *holder, struct arena *arena) {
        const struct doc_node *object = holder->resource->object;
        struct credentials *all = holder->credentials;
        struct str key = secret_value(arena, object, "tls.key");
        struct str text = secret_value(arena, object, "tls.crt"), digest = STR("");
        size_t first = all->list.count;

        holder->node = doc_find(object, "data", "tls.crt");
        if (!holder->node)
                holder->node = doc_find(object, "stringData", "tls.crt");
        holder->member = STR("tls.crt");
        holder->use = STR("tls");
        holder->has_key = key.len > 0;
        if (key.len <= CREDENTIAL_VALUE_MAX)
                digest = private_key_digest(&all->arena, key);
        wipe(key);
        if (text.len > CREDENTIAL_VALUE_MAX) {
                all->too_large++;
                return;
        }
        /* What is there and is no certificate: servers will not start. */
        if (holder_add_certificates(holder, text) == 0 && str_trim(text).len > 0)
                holder_new(holder, CREDENTIAL_CERTIFICATE);
        if (first < all->list.count && digest.len > 0 && all->list.items[first].readable)
                all->list.items[first].key_differs =
                        !str_eq(all->list.items[first].key_digest, digest);
}

/* "2026-01-31T12:00:00+01:00" */
static bool read_time(struct arena *arena, struct str text, int64_t *ret) {
        struct tm tm = { 0 };
        struct str utc;

        if (kube_time_text(arena, text, false, &utc) < 0 || utc.len == 0 ||
            !strptime(utc.ptr, "%Y-%m-%dT%H:%M:%SZ", &tm))
                return false;
        *ret = (int64_t)timegm(&tm);
        return true;
}

static void add_bootstrap(struct holder *holder, struct arena *arena) {
        const struct doc_node *object = holder->resource->object;
        struct arena *kept = &holder->credentials->arena;
        struct str id = secret_value(arena, object, "token-id");
        struct credential *credential;

        holder->member = STR("token-secret");
        holder->use = STR("bootstrap-token");
        credential = holder_new(holder, CREDENTIAL_TOKEN);
        if (!credential)
                return;
        credential->readable = true;
        credential->subject = arena_printf(kept, "system:bootstrap:%.*s", STR_ARG(id));
        credential->has_end = read_time(arena, str_trim(secret_value(arena, object, "expiration")),
                                        &credential->end);
        credential->has_start = read_time(
                arena, doc_string(doc_find(object, "metadata", "creationTimestamp"), STR("")),
                &credential->start);
}

/* A token whose value is not there, or cannot be read, never ends all the same. */
static void add_account_token(struct holder *holder, struct arena *arena) {
        const struct doc_node *object = holder->resource->object;
        struct str token = secret_value(arena, object, "token");
        struct str account = doc_string(
                doc_find(object, "metadata", "annotations", "kubernetes.io/service-account.name"),
                STR("?"));
        struct credential *credential;

        holder->member = STR("token");
        holder->use = STR("service-account-token");
        holder->node = doc_find(object, "data", "token");
        if (!holder_add_token(holder, token)) {
                credential = holder_new(holder, CREDENTIAL_TOKEN);
                if (credential) {
                        credential->readable = true;
                        credential->subject = arena_printf(
                                &holder->credentials->arena, "system:serviceaccount:%.*s:%.*s",
                                STR_ARG(holder->resource->namespace), STR_ARG(account));
                }
        }
        wipe(token);
}

static void add_values(struct holder *holder, const char *list, bool encoded, struct str except) {
        const struct doc_node *map = doc_get(holder->resource->object, str_from(list));

        for (uint32_t i = 0; map && map->kind == DOC_MAP && i < map->map.count; i++) {
                const struct doc_entry *entry = &map->map.entries[i];
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct str text = doc_string(&entry->value, STR(""));

                if (text.len == 0 || (except.len > 0 && str_eq(entry->key, except)))
                        continue;
                if (encoded && base64_decode(&arena, text, &text) < 0)
                        continue;
                holder->node = &entry->value;
                holder->member = entry->key;
                holder->use = STR("data");
                holder->has_key = has_word(text, "PRIVATE KEY-----");
                add_value(holder, text);
                if (encoded)
                        wipe(text);
        }
}

static void add_secret(struct holder *holder) {
        const struct doc_node *object = holder->resource->object;
        struct str type = doc_string(doc_get(object, STR("type")), STR(""));
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str except = STR("");

        if (holder->resource->metadata_only) {
                holder->credentials->closed++;
                return;
        }
        if (str_eq(type, STR("bootstrap.kubernetes.io/token"))) {
                add_bootstrap(holder, &arena);
                return;
        }
        if (str_eq(type, STR("kubernetes.io/service-account-token"))) {
                add_account_token(holder, &arena);
                except = STR("token");
        } else if (str_eq(type, STR("kubernetes.io/tls"))) {
                add_tls(holder, &arena);
                except = STR("tls.crt");
        }
        holder->has_key = false;
        add_values(holder, "data", true, except);
        add_values(holder, "stringData", false, except);
}

/* --- CA bundles --- */

static void add_bundle(struct holder *holder, const struct doc_node *client) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct doc_node *node = doc_get(client, STR("caBundle"));
        struct str text = doc_string(node, STR("")), bytes = STR("");

        if (text.len == 0)
                return;
        if (text.len > CREDENTIAL_VALUE_MAX) {
                holder->credentials->too_large++;
                return;
        }
        holder->node = node;
        holder->use = STR("ca-bundle");
        holder->member = doc_path(&holder->credentials->arena, node);
        if (base64_decode(&arena, text, &bytes) >= 0 && str_trim(bytes).len == 0)
                return; /* "Cg==": filled in by a controller */
        if (holder_add_certificates(holder, bytes) == 0)
                holder_new(holder, CREDENTIAL_CERTIFICATE);
}

static void add_webhooks(struct holder *holder) {
        const struct doc_node *list = doc_get(holder->resource->object, STR("webhooks"));

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                add_bundle(holder, doc_get(&list->list.items[i], STR("clientConfig")));
}

/* --- kinds --- */

static const struct {
        const char *group, *resource;
} kinds[] = {
        { "", "secrets" },
        { "", "configmaps" },
        { "", "configs" },
        { "admissionregistration.k8s.io", "validatingwebhookconfigurations" },
        { "admissionregistration.k8s.io", "mutatingwebhookconfigurations" },
        { "apiregistration.k8s.io", "apiservices" },
        { "apiextensions.k8s.io", "customresourcedefinitions" },
        { "redoubt.io", "nodefacts" },
};

bool credentials_reads(struct str group, struct str resource) {
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(group, str_from(kinds[i].group)) &&
                    str_eq(resource, str_from(kinds[i].resource)))
                        return true;
        return false;
}

void credentials_add(struct credentials *credentials, struct str file,
                     const struct resource *resource) {
        struct holder holder = { .credentials = credentials, .resource = resource, .file = file };
        const struct doc_node *object = resource->object;

        if (!credentials_reads(resource->group, resource->resource))
                return;
        if (str_eq(resource->kind, STR("Secret")))
                add_secret(&holder);
        else if (str_eq(resource->kind, STR("ConfigMap")))
                add_values(&holder, "data", false, STR(""));
        else if (str_eq(resource->kind, STR("Config")))
                holder_add_kubeconfig(&holder, object);
        else if (str_eq(resource->kind, STR("APIService")))
                add_bundle(&holder, doc_get(object, STR("spec")));
        else if (str_eq(resource->kind, STR("CustomResourceDefinition")))
                add_bundle(&holder,
                           doc_find(object, "spec", "conversion", "webhook", "clientConfig"));
        else if (str_eq(resource->kind, STR("NodeFacts")))
                holder_add_node(&holder, object);
        else
                add_webhooks(&holder);
}

/* A file is no object: it is held by itself. */
void credentials_add_pem(struct credentials *credentials, struct str file, struct str text) {
        const struct doc_node root = { .kind = DOC_MAP, .start = { 1, 1 } };
        const struct resource resource = {
                .kind = STR("File"), .name = file, .root = &root, .object = &root
        };
        struct holder holder = { .credentials = credentials,
                                 .resource = &resource,
                                 .file = file,
                                 .use = STR("file"),
                                 .has_key = has_word(text, "PRIVATE KEY-----") };
        size_t first = credentials->list.count;
        struct str digest;

        if (text.len > CREDENTIAL_VALUE_MAX) {
                credentials->too_large++;
                return;
        }
        digest = private_key_digest(&credentials->arena, text);
        holder_add_certificates(&holder, text);
        if (first < credentials->list.count && digest.len > 0 &&
            credentials->list.items[first].readable)
                credentials->list.items[first].key_differs =
                        !str_eq(credentials->list.items[first].key_digest, digest);
}
