/* The client of a build without libcurl: it says so. */
#include <errno.h>

#include "client/client.h"

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

size_t client_requests(const struct client *client) {
        (void)client;
        return 0;
}

const char *client_libraries(void) {
        return "none";
}
