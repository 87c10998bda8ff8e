/*
 * What the files of the client share. Private to src/client.
 */
#pragma once

#include <curl/curl.h>

#include "client/client.h"

struct client {
        struct arena arena;       /* lives as long as the client */
        struct arena credentials; /* those in force; replaced as a whole */
        struct arena message;     /* of the last answer */
        struct arena request;     /* reset for each */
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

/* Milliseconds of the monotonic clock. */
int64_t client_now_ms(void);

/* Whether the user of the client wants it to end. */
bool client_is_stopped(const struct client *client);

/* Keeps the rate: waits until another request may begin. */
void client_take_turn(struct client *client);

/* Gets credentials that are not there yet or have ended; all of them anew where RENEW says so. */
int client_need_credentials(struct client *client, bool renew, struct error *error);

/* The headers of a request: who we are, and what is accepted (NULL: JSON). Its text is in
 * client->request. */
struct curl_slist *client_headers(struct client *client, const char *accept);

/* What is the same for every request of CLIENT, on the handle CURL. */
void client_set_options(const struct client *client, CURL *curl);

/* The client certificate, which may be a new one for each request. */
void client_set_certificate(const struct client *client, CURL *curl);

/* What CODE is as a negative errno. */
int client_error_code(CURLcode code);

/* The message of the Status object BODY, shortened, in ARENA; empty where it is none. */
struct str client_status_message(struct arena *arena, struct str body);
