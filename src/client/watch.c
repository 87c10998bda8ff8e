#include "client/watch.h"

#include <errno.h>

#include "base/util.h"
#include "base/vec.h"
#include "client/event.h"
#include "client/private.h"

enum {
        LINE_MAX_BYTES =
                64 << 20,       /* etcd's values have 1.5 MiB by default; JSON is a little more */
        REFUSAL_MAX = 64 << 10, /* of the body that comes with an error */
        GRACE_SECONDS = 30,     /* beyond what the server was asked for */
        ALIVE_IDLE_SECONDS = 30,
        ALIVE_STEP_SECONDS = 15,
};

struct stream {
        struct watch_set *set;
        void *watch;
        CURL *curl;
        struct curl_slist *headers;
        struct line_cutter cutter;
        struct buf refusal; /* the body of an answer that is no stream */
        int failed;         /* while it was read */
        int64_t started_ms;
        char error[CURL_ERROR_SIZE];
};

struct watch_set {
        struct client *client;
        const struct watch_handler *handler;
        CURLM *multi;
        VEC(struct stream *) streams;
};

/* --- one stream --- */

static int hand_on(void *userdata, struct str line) {
        struct stream *stream = userdata;
        const struct watch_handler *handler = stream->set->handler;

        return handler->line(handler->userdata, stream->watch, line);
}

/* An empty line ends the headers. */
static size_t receive_header(char *data, size_t size, size_t count, void *userdata) {
        struct stream *stream = userdata;
        const struct watch_handler *handler = stream->set->handler;
        long status = 0;

        curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);
        if (status == 200 && str_trim((struct str){ data, size * count }).len == 0)
                handler->opened(handler->userdata, stream->watch);
        return size * count;
}

static size_t receive(char *data, size_t size, size_t count, void *userdata) {
        struct stream *stream = userdata;
        struct str text = { data, size * count };
        long status = 0;

        curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);
        if (status == 200)
                stream->failed = line_cutter_add(&stream->cutter, text, hand_on, stream);
        else if (stream->refusal.len + text.len <= REFUSAL_MAX)
                buf_add(&stream->refusal, text);
        return stream->failed < 0 ? 0 : text.len;
}

static struct stream *stream_free(struct stream *stream) {
        curl_multi_remove_handle(stream->set->multi, stream->curl);
        curl_easy_cleanup(stream->curl);
        curl_slist_free_all(stream->headers);
        line_cutter_free(&stream->cutter);
        buf_free(&stream->refusal);
        free(stream);
        return NULL;
}

static void set_options(struct stream *stream, struct client *client, const char *path,
                        unsigned seconds) {
        CURL *curl = stream->curl;

        client_set_options(client, curl);
        client_set_certificate(client, curl);
        curl_easy_setopt(curl, CURLOPT_URL,
                         arena_printf(&client->request, "%.*s%s", STR_ARG(client->base), path).ptr);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, stream->headers);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds + GRACE_SECONDS);
        /* Waiting for a connection to share makes sense only where there will be one: curl would
         * wait for the end of the first stream to learn that HTTP/1 has none. */
        if (str_starts(client->config.server, STR("https://")))
                curl_easy_setopt(curl, CURLOPT_PIPEWAIT, 1L);
        curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, (long)ALIVE_IDLE_SECONDS);
        curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, (long)ALIVE_STEP_SECONDS);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, stream->error);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, stream);
        curl_easy_setopt(curl, CURLOPT_PRIVATE, stream);
}

/* --- the set --- */

struct watch_set *watch_set_new(struct client *client, const struct watch_handler *handler) {
        struct watch_set *set = xrealloc(NULL, 1, sizeof *set);

        *set = (struct watch_set){ .client = client,
                                   .handler = handler,
                                   .multi = curl_multi_init() };
        if (!set->multi)
                out_of_memory();
        return set;
}

struct watch_set *watch_set_free(struct watch_set *set) {
        if (!set)
                return NULL;
        for (size_t i = 0; i < set->streams.count; i++)
                stream_free(set->streams.items[i]);
        vec_free(&set->streams);
        curl_multi_cleanup(set->multi);
        free(set);
        return NULL;
}

int watch_set_start(struct watch_set *set, const char *path, const char *accept, unsigned seconds,
                    void *watch, struct error *error) {
        struct client *client = set->client;
        struct stream *stream;
        int r;

        client_take_turn(client);
        r = client_need_credentials(client, false, error);
        if (r < 0)
                return r;
        stream = xrealloc(NULL, 1, sizeof *stream);
        *stream = (struct stream){ .set = set,
                                   .watch = watch,
                                   .curl = curl_easy_init(),
                                   .cutter = { .limit = LINE_MAX_BYTES },
                                   .started_ms = client_now_ms() };
        if (!stream->curl)
                out_of_memory();
        arena_reset(&client->request, 0);
        stream->headers = client_headers(client, accept);
        set_options(stream, client, path, seconds);
        client->requests++;
        *vec_push(&set->streams) = stream;
        curl_multi_add_handle(set->multi, stream->curl);
        return 0;
}

int watch_set_renew(struct watch_set *set, struct error *error) {
        return client_need_credentials(set->client, true, error);
}

static void forget(struct watch_set *set, const struct stream *stream) {
        for (size_t i = 0; i < set->streams.count; i++)
                if (set->streams.items[i] == stream) {
                        set->streams.items[i] = set->streams.items[--set->streams.count];
                        return;
                }
}

static void end_stream(struct watch_set *set, CURL *curl, CURLcode code) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct watch_end end = { .code = client_error_code(code) };
        const char *message = curl_easy_strerror(code);
        struct stream *stream = NULL;
        curl_off_t seconds = 0;
        void *watch;

        curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&stream);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &end.status);
        curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
        end.retry_after = seconds;
        end.lasted_ms = client_now_ms() - stream->started_ms;
        if (stream->failed < 0) {
                end.code = stream->failed;
                message = stream->failed == -E2BIG ? "the server sent a line that is too long"
                                                   : "the server sent something that is no event";
        } else if (code != CURLE_OK && *stream->error)
                message = stream->error;
        end.message = code != CURLE_OK ? arena_str(&arena, str_from(message))
                                       : client_status_message(&arena, buf_str(&stream->refusal));
        watch = stream->watch;
        forget(set, stream);
        stream_free(stream);
        set->handler->ended(set->handler->userdata, watch, &end);
}

void watch_set_poll(struct watch_set *set, int ms) {
        int running, left;
        CURLMsg *message;

        curl_multi_perform(set->multi, &running);
        if ((size_t)running == set->streams.count) {
                curl_multi_poll(set->multi, NULL, 0, ms, NULL);
                curl_multi_perform(set->multi, &running);
        }
        while ((message = curl_multi_info_read(set->multi, &left)))
                if (message->msg == CURLMSG_DONE)
                        end_stream(set, message->easy_handle, message->data.result);
}
