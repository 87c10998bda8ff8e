#include "etcd/gateway.h"

#include <curl/curl.h>
#include <errno.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/util.h"
#include "doc/doc.h"

enum {
        PAGE = 500,
        SECONDS = 60,
        CONNECT_SECONDS = 15,
        TRIES = 3,
        PAGES_MAX = 1000000,
        MESSAGE_MAX = 300,
};
#define ANSWER_MAX ((size_t)48 << 20)

struct gateway {
        struct at_rest *found;
        CURL *curl;
        struct curl_slist *headers;
        struct str url;
        int64_t limit;      /* keys asked for at once */
        int64_t revision;   /* that is read; 0: the newest */
        struct arena arena; /* of one answer */
        struct buf body, answer;
        bool too_long;
        char curl_error[CURL_ERROR_SIZE];
};

static void gateway_free(struct gateway *gateway) {
        curl_easy_cleanup(gateway->curl);
        curl_slist_free_all(gateway->headers);
        buf_free(&gateway->body);
        /* Values were in it. */
        if (gateway->answer.data)
                explicit_bzero(gateway->answer.data, gateway->answer.len);
        buf_free(&gateway->answer);
        arena_free(&gateway->arena);
}

/* --- one request --- */

static size_t receive(char *data, size_t size, size_t count, void *userdata) {
        struct gateway *gateway = userdata;

        if (gateway->answer.len + size * count > ANSWER_MAX) {
                gateway->too_long = true;
                return 0;
        }
        buf_add(&gateway->answer, (struct str){ data, size * count });
        return size * count;
}

static int code_of(CURLcode code) {
        switch (code) {
        case CURLE_OPERATION_TIMEDOUT:
                return -ETIMEDOUT;
        case CURLE_COULDNT_RESOLVE_HOST:
                return -EHOSTUNREACH;
        case CURLE_COULDNT_CONNECT:
                return -ECONNREFUSED;
        default:
                return -EPROTO;
        }
}

/* What etcd says is wrong: {"error", "code", "message"}. */
static int refused(struct gateway *gateway, const struct doc_node *root, long status,
                   struct error *error) {
        struct str message = doc_string(doc_get(root, STR("message")),
                                        doc_string(doc_get(root, STR("error")), STR("")));
        bool compacted = str_find(message, STR("has been compacted"), 0) >= 0;

        return error_set(error, compacted ? -ESTALE : -EPROTO, "etcd at %.*s answers %ld%s%.*s",
                         STR_ARG(gateway->url), status, message.len ? ": " : "",
                         STR_ARG(str_slice(message, 0, MESSAGE_MAX)));
}

static int parse(struct gateway *gateway, const struct doc_node **ret) {
        struct doc_source *source = arena_new(&gateway->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        *source = (struct doc_source){ STR("answer"), buf_str(&gateway->answer) };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        if (doc_read(&reader, &gateway->arena, &doc, NULL) <= 0 || doc->root->kind != DOC_MAP)
                return -EPROTO;
        *ret = doc->root;
        return 0;
}

/* Sends the body. -E2BIG for an answer that is too long, -ESTALE for a compacted revision. */
static int ask(struct gateway *gateway, const struct doc_node **ret, struct error *error) {
        CURLcode code;
        long status = 0;
        int r;

        arena_reset(&gateway->arena, 1 << 20);
        buf_clear(&gateway->answer);
        gateway->too_long = false;
        gateway->curl_error[0] = '\0';
        curl_easy_setopt(gateway->curl, CURLOPT_POSTFIELDS, gateway->body.data);
        curl_easy_setopt(gateway->curl, CURLOPT_POSTFIELDSIZE, (long)gateway->body.len);
        code = curl_easy_perform(gateway->curl);
        if (gateway->too_long)
                return error_set(error, -E2BIG, "an answer of etcd is larger than %zu bytes",
                                 ANSWER_MAX);
        if (code != CURLE_OK)
                return error_set(
                        error, code_of(code), "cannot reach %.*s: %s", STR_ARG(gateway->url),
                        gateway->curl_error[0] ? gateway->curl_error : curl_easy_strerror(code));
        curl_easy_getinfo(gateway->curl, CURLINFO_RESPONSE_CODE, &status);
        *ret = NULL;
        r = parse(gateway, ret);
        if (status != 200)
                return refused(gateway, *ret, status, error);
        if (r < 0)
                return error_set(error, r, "%.*s does not answer as etcd's JSON gateway does",
                                 STR_ARG(gateway->url));
        return 0;
}

/* --- ranges --- */

static void add_bytes(struct gateway *gateway, const char *name, struct str bytes) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        struct str text = base64_encode(&scratch, bytes);

        buf_printf(&gateway->body, "\"%s\":\"%.*s\",", name, STR_ARG(text));
}

static void set_body(struct gateway *gateway, struct str from, struct str to, bool count_only) {
        buf_clear(&gateway->body);
        buf_add_char(&gateway->body, '{');
        add_bytes(gateway, "key", from);
        add_bytes(gateway, "range_end", to);
        if (gateway->revision > 0)
                buf_printf(&gateway->body, "\"revision\":\"%jd\",", (intmax_t)gateway->revision);
        if (count_only)
                buf_add(&gateway->body, STR("\"count_only\":true}"));
        else
                buf_printf(&gateway->body, "\"limit\":\"%jd\"}", (intmax_t)gateway->limit);
}

/* 64-bit numbers are strings in the gateway's JSON; a 0 is left out. */
static int64_t number_of(const struct doc_node *node) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;

        if (node && node->kind == DOC_INT)
                return node->integer;
        return strtoll(arena_str(&scratch, doc_string(node, STR("0"))).ptr, NULL, 10);
}

static bool bytes_of(struct gateway *gateway, const struct doc_node *node, struct str *ret) {
        *ret = STR("");
        return !node || base64_decode(&gateway->arena, doc_string(node, STR("")), ret) == 0;
}

/* Takes the pairs of an answer in; LAST becomes the last key. Returns how many there were. */
static int take_pairs(struct gateway *gateway, const struct doc_node *pairs, struct buf *last,
                      struct error *error) {
        for (size_t i = 0; pairs && pairs->kind == DOC_LIST && i < pairs->list.count; i++) {
                const struct doc_node *pair = &pairs->list.items[i];
                struct census_record record = { .revision = number_of(
                                                        doc_get(pair, STR("mod_revision"))) };

                if (!bytes_of(gateway, doc_get(pair, STR("key")), &record.key) ||
                    !bytes_of(gateway, doc_get(pair, STR("value")), &record.value) ||
                    record.key.len == 0)
                        return error_set(error, -EPROTO,
                                         "%.*s does not answer as etcd's JSON gateway does",
                                         STR_ARG(gateway->url));
                census_add(&gateway->found->census, &record);
                buf_clear(last);
                buf_add(last, record.key);
        }
        return pairs && pairs->kind == DOC_LIST ? (int)pairs->list.count : 0;
}

static bool is_true(const struct doc_node *node) {
        return node && node->kind == DOC_BOOL && node->boolean;
}

static int64_t header_revision(const struct doc_node *root) {
        return number_of(doc_find(root, "header", "revision"));
}

/* All keys that begin with PREFIX and a slash: up to the character behind the slash. */
static int read_prefix(struct gateway *gateway, struct str prefix, struct error *error) {
        struct buf from _cleanup_(buf_free) = BUF_INIT, to _cleanup_(buf_free) = BUF_INIT;
        const struct doc_node *root;
        int r = 0;

        buf_printf(&from, "%.*s/", STR_ARG(prefix));
        buf_printf(&to, "%.*s0", STR_ARG(prefix));
        for (int i = 0; i < PAGES_MAX; i++) {
                set_body(gateway, buf_str(&from), buf_str(&to), false);
                r = ask(gateway, &root, error);
                if (r == -E2BIG && gateway->limit > 1) {
                        gateway->limit /= 4;
                        gateway->limit += gateway->limit == 0;
                        continue;
                }
                if (r >= 0)
                        r = take_pairs(gateway, doc_get(root, STR("kvs")), &from, error);
                if (r < 0)
                        return r;
                if (gateway->revision == 0)
                        gateway->revision = header_revision(root);
                if (!is_true(doc_get(root, STR("more"))))
                        return 0;
                if (r == 0)
                        return error_set(error, -EPROTO, "etcd promises more and gives nothing");
                /* The next key after the last one. */
                buf_add_char(&from, '\0');
        }
        return error_set(error, -E2BIG, "etcd has too many keys");
}

/* Keys outside of the prefixes, for the case that nothing is inside. */
static int count_others(struct gateway *gateway, struct error *error) {
        struct census *census = &gateway->found->census;
        const struct doc_node *root;
        int64_t count;
        int r;

        set_body(gateway, (struct str){ "\0", 1 }, (struct str){ "\0", 1 }, true);
        r = ask(gateway, &root, error);
        if (r < 0)
                return r;
        count = number_of(doc_get(root, STR("count")));
        census->other_keys = count > (int64_t)census->keys ? (uint64_t)count - census->keys : 0;
        census->other_key = STR("(not shown)");
        return 0;
}

static int read_all(struct gateway *gateway, struct error *error) {
        struct at_rest *found = gateway->found;
        int r = -ESTALE;

        for (int i = 0; i < TRIES && r == -ESTALE; i++) {
                census_free(&found->census);
                census_init(&found->census, found->options.prefix);
                found->census.want_names = found->options.names;
                gateway->revision = 0;
                r = 0;
                for (size_t k = 0; r >= 0 && k < ELEMENTS(found->census.prefixes) &&
                                   found->census.prefixes[k].ptr;
                     k++)
                        r = read_prefix(gateway, found->census.prefixes[k], error);
                if (r >= 0 && found->census.keys == 0)
                        r = count_others(gateway, error);
        }
        found->revision = gateway->revision;
        return r;
}

/* --- making one --- */

static void set_options(struct gateway *gateway, const struct gateway_options *options) {
        CURL *curl = gateway->curl;

        curl_easy_setopt(curl, CURLOPT_URL, gateway->url.ptr);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, gateway->headers);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, gateway->curl_error);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, gateway);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SECONDS);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "redoubt/" REDOUBT_VERSION);
        if (options->authority)
                curl_easy_setopt(curl, CURLOPT_CAINFO, options->authority);
        if (options->certificate)
                curl_easy_setopt(curl, CURLOPT_SSLCERT, options->certificate);
        if (options->key)
                curl_easy_setopt(curl, CURLOPT_SSLKEY, options->key);
}

int gateway_read(struct at_rest *found, const struct gateway_options *options,
                 struct error *error) {
        struct gateway gateway _cleanup_(
                gateway_free) = { .found = found, .limit = options->page ? options->page : PAGE };
        struct str endpoint = str_from(options->endpoint);

        if (!str_starts(endpoint, STR("https://")) && !str_starts(endpoint, STR("http://")))
                return error_set(error, -EINVAL, "the endpoint \"%s\" is no http or https URL",
                                 options->endpoint);
        while (str_ends(endpoint, STR("/")))
                endpoint.len--;
        gateway.url = arena_printf(&found->arena, "%.*s/v3/kv/range", STR_ARG(endpoint));
        gateway.curl = curl_easy_init();
        if (!gateway.curl)
                out_of_memory();
        gateway.headers = curl_slist_append(NULL, "Content-Type: application/json");
        set_options(&gateway, options);
        found->source = AT_REST_LIVE;
        found->main.path = arena_str(&found->arena, endpoint);
        return read_all(&gateway, error);
}
