/* The client of a build without libcurl: it says so. */
#include <errno.h>

#include "client/client.h"
#include "client/watch.h"

int client_new(const struct kubeconfig *config, const struct client_options *options,
               struct client **ret, struct error *error) {
        (void)config;
        (void)options;
        *ret = NULL;
        return error_set(error, -ENOSYS,
                         "this program was built without the API client (libcurl was not there)");
}

struct client *client_free(struct client *client) {
        (void)client;
        return NULL;
}

int client_get(struct client *client, const char *path, const char *accept,
               struct client_answer *answer, struct error *error) {
        (void)client;
        (void)path;
        (void)accept;
        (void)answer;
        return error_set(error, -ENOSYS, "there is no API client");
}

int client_apply(struct client *client, const char *path, const struct client_change *change,
                 struct client_answer *answer, struct error *error) {
        (void)client;
        (void)path;
        (void)change;
        (void)answer;
        return error_set(error, -ENOSYS, "there is no API client");
}

size_t client_requests(const struct client *client) {
        (void)client;
        return 0;
}

const char *client_libraries(void) {
        return "none";
}

void client_add_escaped(struct buf *buf, struct str text) {
        buf_add(buf, text);
}

struct watch_set *watch_set_new(struct client *client, const struct watch_handler *handler) {
        (void)client;
        (void)handler;
        return NULL;
}

int watch_set_start(struct watch_set *set, const char *path, const char *accept, unsigned seconds,
                    void *watch, struct error *error) {
        (void)set;
        (void)path;
        (void)accept;
        (void)seconds;
        (void)watch;
        return error_set(error, -ENOSYS, "there is no API client");
}

void watch_set_poll(struct watch_set *set, int ms) {
        (void)set;
        (void)ms;
}

int watch_set_renew(struct watch_set *set, struct error *error) {
        (void)set;
        return error_set(error, -ENOSYS, "there is no API client");
}

struct watch_set *watch_set_free(struct watch_set *set) {
        (void)set;
        return NULL;
}
