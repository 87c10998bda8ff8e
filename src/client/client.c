#include "client/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <time.h>

#include "base/base64.h"
#include "base/fs.h"
#include "base/util.h"
#include "client/plugin.h"

enum {
        PER_SECOND = 50,
        ATTEMPTS = 5,
        SECONDS = 60,
        CONNECT_SECONDS = 15,
        FIRST_PAUSE_MS = 100,
        LONGEST_PAUSE_MS = 30 * 1000,
        TOKEN_SECONDS = 60, /* a token file is read again after that, as client-go does */
        TOKEN_MAX = 1 << 20,
        MESSAGE_MAX = 400,
};
#define ANSWER_MAX ((size_t)256 << 20)

struct client {
        struct arena arena;       /* lives as long as the client: credentials */
        struct kubeconfig config; /* a copy, whose credentials change */
        struct client_options options;
        CURL *curl;
        struct str host_header; /* empty: curl's own */
        struct str base;        /* what comes before the path */
        struct curl_slist *connect_to;
        int64_t credential_end; /* of the token or certificate, in seconds since 1970 */
        int64_t next_ms;        /* no request before that */
        size_t requests;
        char curl_error[CURL_ERROR_SIZE];
};

/* --- time --- */

static int64_t now_ms(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_ms(int64_t ms) {
        struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

        while (ms > 0 && nanosleep(&left, &left) < 0 && errno == EINTR)
                ;
}

/* Keeps the rate: a request may begin every so often. */
static void take_turn(struct client *client) {
        int64_t now = now_ms(), step = 1000 / client->options.per_second;

        if (client->next_ms > now)
                pause_ms(client->next_ms - now);
        client->next_ms = MAX(client->next_ms, now) + step;
}

/* --- credentials --- */

static int read_token_file(struct client *client, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct kubeconfig *config = &client->config;
        int r = fs_read(config->token_file.ptr, -1, TOKEN_MAX, true, &buf, error);

        /* The last one that could be read stays in force. */
        if (r < 0 && config->token.len == 0)
                return r;
        if (r >= 0)
                config->token = arena_str(&client->arena, str_trim(buf_str(&buf)));
        client->credential_end = time(NULL) + TOKEN_SECONDS;
        return 0;
}

/* Gets credentials that are not there yet or have ended; all of them anew where RENEW says so. */
static int need_credentials(struct client *client, bool renew, struct error *error) {
        struct kubeconfig *config = &client->config;

        if (!renew && time(NULL) < client->credential_end)
                return 0;
        if (config->token_file.len > 0)
                return read_token_file(client, error);
        if (config->exec)
                return plugin_run(&client->arena, config, &client->credential_end, error);
        client->credential_end = INT64_MAX;
        return 0;
}

static struct curl_slist *header(struct client *client, struct curl_slist *list, const char *name,
                                 struct str value) {
        struct str line = arena_printf(&client->arena, "%s: %.*s", name, STR_ARG(value));

        return curl_slist_append(list, line.ptr);
}

/* A line break in a value would be another header. */
static bool is_line(struct str value) {
        for (size_t i = 0; i < value.len; i++)
                if ((unsigned char)value.ptr[i] < ' ')
                        return false;
        return true;
}

static struct curl_slist *headers_of(struct client *client, const char *accept) {
        const struct kubeconfig *config = &client->config;
        struct curl_slist *list =
                header(client, NULL, "Accept", str_from(accept ? accept : "application/json"));

        if (client->host_header.len > 0)
                list = header(client, list, "Host", client->host_header);
        if (config->token.len > 0 && is_line(config->token))
                list = curl_slist_append(list,
                                         arena_printf(&client->arena, "Authorization: Bearer %.*s",
                                                      STR_ARG(config->token))
                                                 .ptr);
        else if (config->name.len > 0)
                list = header(client, list, "Authorization",
                              arena_printf(&client->arena, "Basic %.*s",
                                           STR_ARG(base64_encode(
                                                   &client->arena,
                                                   arena_printf(&client->arena, "%.*s:%.*s",
                                                                STR_ARG(config->name),
                                                                STR_ARG(config->password))))));
        if (config->as.len > 0)
                list = header(client, list, "Impersonate-User", config->as);
        if (config->as_uid.len > 0)
                list = header(client, list, "Impersonate-Uid", config->as_uid);
        for (size_t i = 0; i < config->as_group_count; i++)
                list = header(client, list, "Impersonate-Group", config->as_groups[i]);
        return list;
}

/* --- one attempt --- */

struct attempt {
        struct client_answer *answer;
        size_t limit;
        bool too_long;
};

static size_t receive(char *data, size_t size, size_t count, void *userdata) {
        struct attempt *attempt = userdata;
        struct buf *body = &attempt->answer->body;

        if (body->len + size * count > attempt->limit) {
                attempt->too_long = true;
                return 0;
        }
        buf_add(body, (struct str){ data, size * count });
        return size * count;
}

static void set_blob(CURL *curl, CURLoption option, struct str pem) {
        struct curl_blob blob = { .data = (void *)(uintptr_t)pem.ptr,
                                  .len = pem.len,
                                  .flags = CURL_BLOB_COPY };

        if (pem.len > 0)
                curl_easy_setopt(curl, option, &blob);
}

static int code_of(CURLcode code) {
        switch (code) {
        case CURLE_OK:
                return 0;
        case CURLE_OPERATION_TIMEDOUT:
                return -ETIMEDOUT;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return -EHOSTUNREACH;
        case CURLE_COULDNT_CONNECT:
                return -ECONNREFUSED;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CACERT_BADFILE:
                return -EKEYREJECTED;
        case CURLE_OUT_OF_MEMORY:
                return -ENOMEM;
        default:
                return -EPROTO;
        }
}

static int try_once(struct client *client, const char *path, const char *accept,
                    struct client_answer *answer, struct error *error) {
        struct attempt attempt = { .answer = answer, .limit = client->options.answer_max };
        struct arena_mark mark = arena_mark(&client->arena);
        struct curl_slist *headers = headers_of(client, accept);
        CURL *curl = client->curl;
        CURLcode code;

        buf_clear(&answer->body);
        client->curl_error[0] = '\0';
        curl_easy_setopt(curl, CURLOPT_URL,
                         arena_printf(&client->arena, "%.*s%s", STR_ARG(client->base), path).ptr);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &attempt);
        set_blob(curl, CURLOPT_SSLCERT_BLOB, client->config.certificate);
        set_blob(curl, CURLOPT_SSLKEY_BLOB, client->config.key);
        client->requests++;
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
        curl_slist_free_all(headers);
        arena_rewind(&client->arena, mark);
        if (attempt.too_long)
                return error_set(error, -EFBIG, "the answer to %s is larger than %zu bytes", path,
                                 attempt.limit);
        if (code != CURLE_OK)
                return error_set(error, code_of(code), "cannot reach %.*s: %s",
                                 STR_ARG(client->config.server),
                                 *client->curl_error ? client->curl_error
                                                     : curl_easy_strerror(code));
        return 0;
}

/* --- trying again --- */

static bool is_passing(int r, long status) {
        if (r < 0)
                return r == -ETIMEDOUT || r == -ECONNREFUSED || r == -EPROTO;
        return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* How long to wait before attempt number NEXT: as the server says, else longer each time. */
static int64_t pause_before(struct client *client, unsigned next) {
        curl_off_t seconds = 0;
        int64_t ms = (int64_t)FIRST_PAUSE_MS << MIN(next, 10u);

        curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &seconds);
        if (seconds > 0)
                ms = (int64_t)MIN(seconds, (curl_off_t)LONGEST_PAUSE_MS) * 1000;
        return MIN(ms, (int64_t)LONGEST_PAUSE_MS);
}

/* What a Status object says, shortened: the server's words may be long. */
static struct str status_message(struct arena *arena, struct str body) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR(""), body };
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        if (body.len > TOKEN_MAX || doc_read(&reader, &scratch, &doc, NULL) <= 0 ||
            !str_eq(doc_string(doc_get(doc->root, STR("kind")), STR("")), STR("Status")))
                return STR("");
        return arena_str(arena, str_slice(doc_string(doc_get(doc->root, STR("message")), STR("")),
                                          0, MESSAGE_MAX));
}

int client_get(struct client *client, const char *path, const char *accept,
               struct client_answer *answer, struct error *error) {
        bool renewed = false;
        int r = 0;

        for (unsigned attempt = 0; attempt < client->options.attempts; attempt++) {
                if (attempt > 0)
                        pause_ms(pause_before(client, attempt - 1));
                take_turn(client);
                r = need_credentials(client, false, error);
                if (r < 0)
                        return r;
                r = try_once(client, path, accept, answer, error);
                if (r >= 0 && answer->status == 401 && !renewed) {
                        renewed = true;
                        r = need_credentials(client, true, error);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (!is_passing(r, answer->status))
                        break;
        }
        answer->message = STR("");
        if (r >= 0 && answer->status >= 400)
                answer->message = status_message(&client->arena, buf_str(&answer->body));
        return r;
}

/* --- making one --- */

/* tls-server-name: the name stands in the URL, and the connection goes where the server is. */
static int use_server_name(struct client *client, struct error *error) {
        struct str server = client->config.server, rest = server, scheme, host;
        ptrdiff_t at = str_find(server, STR("://"), 0);

        if (at < 0)
                return error_set(error, -EINVAL, "the server is no URL");
        scheme = str_slice(server, 0, (size_t)at);
        rest = str_slice(server, (size_t)at + 3, server.len);
        at = str_find(rest, STR("/"), 0);
        host = at < 0 ? rest : str_slice(rest, 0, (size_t)at);
        rest = str_slice(rest, host.len, rest.len);
        client->host_header = arena_str(&client->arena, host);
        client->base = arena_printf(&client->arena, "%.*s://%.*s%.*s", STR_ARG(scheme),
                                    STR_ARG(client->config.server_name), STR_ARG(rest));
        client->connect_to = curl_slist_append(
                NULL,
                arena_printf(&client->arena, "%.*s:443:%.*s%s", STR_ARG(client->config.server_name),
                             STR_ARG(host),
                             str_ends(host, STR("]")) || str_find(host, STR(":"), 0) < 0 ? ":443"
                                                                                         : "")
                        .ptr);
        curl_easy_setopt(client->curl, CURLOPT_CONNECT_TO, client->connect_to);
        return 0;
}

static void impersonate(struct client *client) {
        const struct client_options *options = &client->options;
        struct kubeconfig *config = &client->config;

        if (!options->as)
                return;
        config->as = str_from(options->as);
        config->as_uid = STR("");
        config->as_group_count = options->as_group_count;
        config->as_groups = arena_new_array(&client->arena, options->as_group_count, struct str);
        for (size_t i = 0; i < options->as_group_count; i++)
                config->as_groups[i] = str_from(options->as_groups[i]);
}

static int check(const struct kubeconfig *config, struct error *error) {
        if (!str_starts(config->server, STR("https://")) &&
            !str_starts(config->server, STR("http://")))
                return error_set(error, -EINVAL, "the server \"%.*s\" is no http or https URL",
                                 STR_ARG(config->server));
        if (config->insecure && config->authority.len > 0)
                return error_set(error, -EINVAL,
                                 "insecure-skip-tls-verify and a certificate authority exclude "
                                 "each other");
        return 0;
}

static void set_options(struct client *client) {
        const struct kubeconfig *config = &client->config;
        CURL *curl = client->curl;

        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)client->options.seconds);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "redoubt/" REDOUBT_VERSION);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
        if (config->proxy.len > 0)
                curl_easy_setopt(curl, CURLOPT_PROXY, config->proxy.ptr);
        set_blob(curl, CURLOPT_CAINFO_BLOB, config->authority);
}

int client_new(const struct kubeconfig *config, const struct client_options *options,
               struct client **ret, struct error *error) {
        struct client *client;
        int r = check(config, error);

        if (r < 0)
                return r;
        client = xrealloc(NULL, 1, sizeof *client);
        *client = (struct client){ .config = *config, .options = *options };
        client->options.per_second = options->per_second ? options->per_second : PER_SECOND;
        client->options.attempts = options->attempts ? options->attempts : ATTEMPTS;
        client->options.seconds = options->seconds ? options->seconds : SECONDS;
        client->options.answer_max = options->answer_max ? options->answer_max : ANSWER_MAX;
        client->base = config->server;
        client->curl = curl_easy_init();
        if (!client->curl)
                out_of_memory();
        impersonate(client);
        set_options(client);
        if (config->server_name.len > 0)
                r = use_server_name(client, error);
        if (r < 0)
                client = client_free(client);
        *ret = client;
        return r;
}

struct client *client_free(struct client *client) {
        if (!client)
                return NULL;
        curl_easy_cleanup(client->curl);
        curl_slist_free_all(client->connect_to);
        arena_free(&client->arena);
        free(client);
        return NULL;
}

size_t client_requests(const struct client *client) {
        return client->requests;
}

const char *client_libraries(void) {
        return curl_version();
}
