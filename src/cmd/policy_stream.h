/*
 * A stream of questions: each line brings its policies, bindings and params with the objects of a
 * request, and is answered by a line.
 *
 * Policies are compiled once for all lines that bring the same text; those of the last lines are
 * kept. Nothing of a line is trusted: what is wrong with it is its answer, and the next one is
 * answered as if it had not been.
 */
#pragma once

#include "cmd/policy.h"

enum { POLICY_STREAM_CACHE = 64 };

struct policy_stream {
        const struct request_arguments *arguments; /* for `answer` */
        request_answer_fn *answer;
        const struct policy_user *user; /* wins over those of the lines */
        const struct rbac_index *rbac;
        uint16_t kube_minor;

        struct policy_stream_entry *cache[POLICY_STREAM_CACHE];
        size_t next;        /* the entry to give up when a new one is made */
        struct arena arena; /* of one line */
};

/* Adds the answer to LINE, which is a JSON object. */
void policy_stream_answer(struct policy_stream *stream, struct str line, struct buf *answer);

void policy_stream_free(struct policy_stream *stream);
