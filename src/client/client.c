#include "client/client.h"

#include <errno.h>
#include <time.h>

#include "base/base64.h"
#include "base/fs.h"
#include "base/util.h"
#include "client/plugin.h"
#include "client/private.h"

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
        ARENA_KEEP = 64 << 10,
};
#define ANSWER_MAX ((size_t)256 << 20)

/* --- time --- */

int64_t client_now_ms(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool client_is_stopped(const struct client *client) {
        return client->options.stop && *client->options.stop;
}

/* A signal ends the pause where it says that all is to stop. */
static void pause_ms(const struct client *client, int64_t ms) {
        struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

        while (ms > 0 && !client_is_stopped(client) && nanosleep(&left, &left) < 0 &&
               errno == EINTR)
                ;
}

void client_take_turn(struct client *client) {
        int64_t now = client_now_ms(), step = 1000 / client->options.per_second;

        if (client->next_ms > now)
                pause_ms(client, client->next_ms - now);
        client->next_ms = MAX(client->next_ms, now) + step;
}

/* --- credentials --- */

/* The last token that could be read stays in force. */
static int read_token_file(struct client *client, struct error *error) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct kubeconfig *config = &client->config;
        int r = fs_read(config->token_file.ptr, -1, TOKEN_MAX, true, &buf, error);

        if (r < 0 && config->token.len == 0)
                return r;
        if (r >= 0) {
                arena_reset(&client->credentials, 0);
                config->token = arena_str(&client->credentials, str_trim(buf_str(&buf)));
        }
        client->credential_end = time(NULL) + TOKEN_SECONDS;
        return 0;
}

/* What a plugin gave before stays in force until it gives something else. */
static int run_plugin(struct client *client, struct error *error) {
        struct kubeconfig config = client->config;
        struct arena arena = ARENA_INIT;
        int r = plugin_run(&arena, &config, &client->credential_end, error);

        if (r < 0) {
                arena_free(&arena);
                return r;
        }
        arena_free(&client->credentials);
        client->credentials = arena;
        client->config = config;
        return 0;
}

int client_need_credentials(struct client *client, bool renew, struct error *error) {
        struct kubeconfig *config = &client->config;

        if (!renew && time(NULL) < client->credential_end)
                return 0;
        if (config->token_file.len > 0)
                return read_token_file(client, error);
        if (config->exec)
                return run_plugin(client, error);
        client->credential_end = INT64_MAX;
        return 0;
}

static struct curl_slist *header(struct client *client, struct curl_slist *list, const char *name,
                                 struct str value) {
        struct str line = arena_printf(&client->request, "%s: %.*s", name, STR_ARG(value));

        return curl_slist_append(list, line.ptr);
}

/* A line break in a value would be another header. */
static bool is_line(struct str value) {
        for (size_t i = 0; i < value.len; i++)
                if ((unsigned char)value.ptr[i] < ' ')
                        return false;
        return true;
}

struct curl_slist *client_headers(struct client *client, const char *accept) {
        const struct kubeconfig *config = &client->config;
        struct curl_slist *list =
                header(client, NULL, "Accept", str_from(accept ? accept : "application/json"));

        if (client->host_header.len > 0)
                list = header(client, list, "Host", client->host_header);
        if (config->token.len > 0 && is_line(config->token))
                list = curl_slist_append(list, arena_printf(&client->request,
                                                            "Authorization: Bearer %.*s",
                                                            STR_ARG(config->token))
                                                       .ptr);
        else if (config->name.len > 0)
                list = header(client, list, "Authorization",
                              arena_printf(&client->request, "Basic %.*s",
                                           STR_ARG(base64_encode(
                                                   &client->request,
                                                   arena_printf(&client->request, "%.*s:%.*s",
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

/* A request that is to change something. */
struct client_write {
        const char *method, *type;
        struct str body;
};

struct request {
        const char *path, *accept;
        const struct client_write *write; /* NULL: GET */
};

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

int client_error_code(CURLcode code) {
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
        case CURLE_ABORTED_BY_CALLBACK:
                return -ECANCELED;
        default:
                return -EPROTO;
        }
}

static void set_body(CURL *curl, const struct client_write *write) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, write ? write->method : NULL);
        if (!write) {
                curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
                return;
        }
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, write->body.ptr);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)write->body.len);
}

static int try_once(struct client *client, const struct request *request,
                    struct client_answer *answer, struct error *error) {
        struct attempt attempt = { .answer = answer, .limit = client->options.answer_max };
        struct curl_slist *headers;
        CURL *curl = client->curl;
        CURLcode code;

        arena_reset(&client->request, ARENA_KEEP);
        headers = client_headers(client, request->accept);
        if (request->write)
                headers = header(client, headers, "Content-Type", str_from(request->write->type));
        buf_clear(&answer->body);
        client->curl_error[0] = '\0';
        curl_easy_setopt(
                curl, CURLOPT_URL,
                arena_printf(&client->request, "%.*s%s", STR_ARG(client->base), request->path).ptr);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &attempt);
        set_body(curl, request->write);
        client_set_certificate(client, curl);
        client->requests++;
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
        curl_slist_free_all(headers);
        if (attempt.too_long)
                return error_set(error, -EFBIG, "the answer to %s is larger than %zu bytes",
                                 request->path, attempt.limit);
        if (code != CURLE_OK)
                return error_set(error, client_error_code(code), "cannot reach %.*s: %s",
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

struct str client_status_message(struct arena *arena, struct str body) {
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

static int send_request(struct client *client, const struct request *request,
                        struct client_answer *answer, struct error *error) {
        bool renewed = false;
        int r = 0;

        for (unsigned attempt = 0; attempt < client->options.attempts; attempt++) {
                if (attempt > 0)
                        pause_ms(client, pause_before(client, attempt - 1));
                client_take_turn(client);
                if (client_is_stopped(client))
                        return error_set(error, -ECANCELED, "it was interrupted");
                r = client_need_credentials(client, false, error);
                if (r < 0)
                        return r;
                r = try_once(client, request, answer, error);
                if (r >= 0 && answer->status == 401 && !renewed) {
                        renewed = true;
                        r = client_need_credentials(client, true, error);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (!is_passing(r, answer->status))
                        break;
        }
        arena_reset(&client->message, ARENA_KEEP);
        answer->message = STR("");
        if (r >= 0 && answer->status >= 400)
                answer->message = client_status_message(&client->message, buf_str(&answer->body));
        return r;
}

int client_get(struct client *client, const char *path, const char *accept,
               struct client_answer *answer, struct error *error) {
        return send_request(client, &(struct request){ path, accept, NULL }, answer, error);
}

/* --- changing --- */

void client_add_escaped(struct buf *buf, struct str text) {
        for (size_t i = 0; i < text.len; i++) {
                unsigned char c = (unsigned char)text.ptr[i];

                if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                    (c && strchr("-_.~", c)))
                        buf_add_char(buf, (char)c);
                else
                        buf_printf(buf, "%%%02X", c);
        }
}

int client_apply(struct client *client, const char *path, const struct client_change *change,
                 struct client_answer *answer, struct error *error) {
        const struct client_write write = { "PATCH", "application/apply-patch+yaml", change->body };
        enum client_rights needed = change->dry_run ? CLIENT_DRY_RUN : CLIENT_CHANGE;
        struct buf query _cleanup_(buf_free) = BUF_INIT;

        if (client->options.rights < needed)
                return error_set(error, -EPERM,
                                 "this client may only read: nothing was sent to the server");
        if (!change->manager || !*change->manager)
                return error_set(error, -EINVAL, "who applies has to have a name");
        buf_printf(&query, "%s?fieldValidation=Strict%s%s&fieldManager=", path,
                   change->dry_run ? "&dryRun=All" : "", change->force ? "&force=true" : "");
        client_add_escaped(&query, str_from(change->manager));
        return send_request(client, &(struct request){ query.data, NULL, &write }, answer, error);
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

static int is_still_wanted(void *userdata, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
        (void)a;
        (void)b;
        (void)c;
        (void)d;
        return client_is_stopped(userdata);
}

void client_set_certificate(const struct client *client, CURL *curl) {
        set_blob(curl, CURLOPT_SSLCERT_BLOB, client->config.certificate);
        set_blob(curl, CURLOPT_SSLKEY_BLOB, client->config.key);
}

void client_set_options(const struct client *client, CURL *curl) {
        const struct kubeconfig *config = &client->config;

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
        curl_easy_setopt(curl, CURLOPT_CONNECT_TO, client->connect_to);
        if (config->proxy.len > 0)
                curl_easy_setopt(curl, CURLOPT_PROXY, config->proxy.ptr);
        set_blob(curl, CURLOPT_CAINFO_BLOB, config->authority);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_still_wanted);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
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
        if (config->server_name.len > 0)
                r = use_server_name(client, error);
        client_set_options(client, client->curl);
        curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, client->curl_error);
        curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, receive);
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
        arena_free(&client->credentials);
        arena_free(&client->message);
        arena_free(&client->request);
        free(client);
        return NULL;
}

size_t client_requests(const struct client *client) {
        return client->requests;
}

const char *client_libraries(void) {
        return curl_version();
}
