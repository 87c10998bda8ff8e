/* What no verb does: a server-side apply by the client. probe-apply read|dry-run|change PATH BODY
 * [force|dry] prints the error, or the HTTP status and the answer. For tests/cli/client.py. */
#include <stdio.h>

#include "base/util.h"
#include "client/client.h"

static enum client_rights rights_of(const char *word) {
        return strcmp(word, "change") == 0    ? CLIENT_CHANGE
               : strcmp(word, "dry-run") == 0 ? CLIENT_DRY_RUN
                                              : CLIENT_READ;
}

int main(int argc, char **argv) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct kubeconfig_choice choice = { 0 };
        struct client_answer answer = { 0 };
        struct client_options options = { .attempts = 1 };
        struct client_change change = { .manager = "redoubt probe" };
        struct client *client = NULL;
        struct kubeconfig config;
        struct error error = { 0 };
        int r;

        if (argc < 4)
                return 2;
        options.rights = rights_of(argv[1]);
        change.body = str_from(argv[3]);
        change.force = argc > 4 && strcmp(argv[4], "force") == 0;
        change.dry_run = argc > 4 && strcmp(argv[4], "dry") == 0;
        r = kubeconfig_load(&arena, &choice, &config, &error);
        if (r >= 0)
                r = client_new(&config, &options, &client, &error);
        if (r >= 0)
                r = client_apply(client, argv[2], &change, &answer, &error);
        if (r < 0)
                printf("error: %s\n", error.message);
        else
                printf("%ld %.*s\n", answer.status, STR_ARG(buf_str(&answer.body)));
        buf_free(&answer.body);
        client_free(client);
        return r < 0;
}
