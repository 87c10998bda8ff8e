/*
 * Replaying an audit log: what policies would have done to the requests in it.
 *
 * Each policy is judged on each request that it is about, with its bindings and params, as the API
 * server would have done, and the outcome is tallied for each policy. Where a policy looks at
 * something that the log does not know, the request is not judged by it, and counted by what was
 * missing. Memory is bounded whatever the log holds: so many names and so many examples are kept
 * for each policy, everything else is only counted.
 */
#pragma once

#include "audit/event.h"

/* What a policy needed that the log does not know. */
enum replay_gap {
        REPLAY_LEVEL,      /* the object: the event has level Metadata */
        REPLAY_OBJECT,     /* the object: of a patch or a connection only the answer would tell */
        REPLAY_OLD_OBJECT, /* the object as it was */
        REPLAY_AUTHORIZER, /* what the authorizer would have said */
        REPLAY_GAP_COUNT
};

/* "the object (the event has level Metadata)" ... */
const char *replay_gap_text(enum replay_gap gap);

enum { REPLAY_MAX_NAMES = 200, REPLAY_MAX_EXAMPLES = 100000 };

/* How often something was named. */
struct replay_name {
        struct str name;
        size_t count;
};
struct replay_names {
        VEC(struct replay_name) items; /* at most REPLAY_MAX_NAMES, in order of appearance */
        size_t others;                 /* named after that */
};

/* A request that a policy objects to. */
struct replay_example {
        struct str file;
        size_t line;
        struct str id, time, user, verb, resource, namespace, name, message;
        enum policy_action action;
};

/* The outcome of one policy. Users and namespaces are those of requests that it objects to. */
struct replay_tally {
        const struct policy *policy;
        size_t requests; /* judged */
        size_t denied, warned, audited;
        size_t gaps[REPLAY_GAP_COUNT]; /* not judged */
        struct str first, last;        /* of the requests it objects to; empty: none */
        struct replay_names users, namespaces;
        VEC(struct replay_example) examples;
};

struct replay {
        struct arena arena;
        struct replay_tally *tallies; /* in the order of the set */
        size_t tally_count;
        size_t max_examples; /* of each policy */
        size_t events, stages, reads, refused, admissions, unreadable;
        size_t denied, warned, audited; /* requests that some policy objects to */
        size_t unknown_namespaces;      /* judgements that looked at a Namespace nobody gave */
};

/* Begins a replay by the policies of SET, all of them prepared, which must outlive it. */
void replay_init(struct replay *replay, const struct policy_set *set, size_t max_examples);
void replay_free(struct replay *replay);

/* A request of the log. */
struct replay_request {
        const struct audit_event *event;
        const struct audit_request *request;
        struct policy_subject subject; /* the same, as policies see it */
        bool namespace_unknown;        /* the subject's Namespace has only its name */
        struct str file;               /* must outlive the replay */
        size_t line;
};

/* Judges REQUEST by every policy that is about it. SCRATCH is reset by the caller. */
void replay_judge(struct replay *replay, const struct replay_request *request,
                  struct arena *scratch);

/* Whether something could not be judged, or not be read. */
bool replay_is_incomplete(const struct replay *replay);
