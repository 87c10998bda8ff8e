/*
 * The analysis of credentials: every certificate and token that lies in an object or kubeconfig is
 * judged as a document of its own (credential/credential.h), at the place of the value. What the
 * facts of a node tell of certificates is compared with, but has rules of its own.
 */
#include <time.h>

#include "base/util.h"
#include "credential/credential.h"
#include "scan/private.h"

struct self {
        struct credentials credentials;
        struct diagnostic problem;
        char text[160];
};

static void *start(_unused_ const struct scan_options *options) {
        struct self *self = xrealloc(NULL, 1, sizeof *self);

        memset(self, 0, sizeof *self);
        credentials_init(&self->credentials, (int64_t)time(NULL));
        return self;
}

static void add(void *userdata, struct str file, const struct resource *resource) {
        struct self *self = userdata;

        credentials_add(&self->credentials, file, resource);
}

static void finish(void *userdata, analysis_emit_fn *emit, void *emit_userdata) {
        struct self *self = userdata;

        credentials_finish(&self->credentials);
        for (size_t i = 0; i < self->credentials.list.count; i++) {
                const struct credential *credential = &self->credentials.list.items[i];
                struct buf json _cleanup_(buf_free) = BUF_INIT;

                if (str_eq(credential->use, STR("node")))
                        continue;
                credential_add_json(&json, &self->credentials, credential);
                emit(emit_userdata, buf_str(&json), credential->file, credential->pos);
        }
}

static const struct diagnostic *problems(void *userdata, size_t *ret_count) {
        struct self *self = userdata;

        *ret_count = self->credentials.left_out > 0;
        snprintf(self->text, sizeof self->text,
                 "more than %d certificates and tokens: %zu are not judged", CREDENTIALS_MAX,
                 self->credentials.left_out);
        self->problem = (struct diagnostic){ .message = str_from(self->text), .incomplete = true };
        return &self->problem;
}

static void *stop(void *userdata) {
        struct self *self = userdata;

        credentials_free(&self->credentials);
        free(self);
        return NULL;
}

static const char *const made[] = { "credentials", NULL };

const struct analysis credentials_analysis = {
        .resources = made,
        .word = "",
        .reads = credentials_reads,
        .start = start,
        .add = add,
        .finish = finish,
        .problems = problems,
        .stop = stop,
};
