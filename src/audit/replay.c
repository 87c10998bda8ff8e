#include "audit/replay.h"

#include "base/util.h"
#include "policy/admit.h"

/* What is kept of a text of the log. */
enum { NAME_KEEP = 253, MESSAGE_KEEP = 2000 };

const char *replay_gap_text(enum replay_gap gap) {
        static const char *const texts[REPLAY_GAP_COUNT] = {
                [REPLAY_LEVEL] = "the object, which events of level Metadata do not have",
                [REPLAY_OBJECT] = "the object, which only RequestResponse tells of a patch",
                [REPLAY_OLD_OBJECT] = "the old object, which audit events do not have",
                [REPLAY_AUTHORIZER] = "the authorizer: --rbac PATH",
        };

        return texts[gap];
}

void replay_init(struct replay *replay, const struct policy_set *set, size_t max_examples) {
        *replay = (struct replay){ .tally_count = set->policies.count,
                                   .max_examples = MIN(max_examples, (size_t)REPLAY_MAX_EXAMPLES) };
        replay->tallies = arena_new_array(&replay->arena, set->policies.count, struct replay_tally);
        for (size_t i = 0; i < set->policies.count; i++)
                replay->tallies[i].policy = set->policies.items[i];
}

void replay_free(struct replay *replay) {
        arena_free(&replay->arena);
}

/* --- what is not known --- */

static enum replay_gap object_gap(const struct audit_event *event) {
        return event->level < AUDIT_REQUEST ? REPLAY_LEVEL : REPLAY_OBJECT;
}

/* Whether POLICY, which may be about REQUEST, needs more than is known; fills RET with what. */
static bool find_gap(const struct policy *policy, const struct replay_request *request,
                     enum replay_gap *ret) {
        const struct audit_request *known = request->request;
        const struct policy_user *user = request->subject.user;
        bool selected = policy_looks_at_labels(policy);

        if (known->object_unknown && (policy->uses_object || selected)) {
                *ret = object_gap(request->event);
                return true;
        }
        /* The labels of the new object may settle that the policy is about it. */
        if (known->old_unknown &&
            (policy->uses_old_object || (selected && !policy_matches(policy, &request->subject)))) {
                *ret = request->event->level < AUDIT_REQUEST ? REPLAY_LEVEL : REPLAY_OLD_OBJECT;
                return true;
        }
        *ret = REPLAY_AUTHORIZER;
        return policy->uses_authorizer && (!user || !user->authorizer);
}

/* Whether POLICY is about REQUEST, or would be with labels that are not known. */
static bool may_be_about(const struct policy *policy, const struct replay_request *request) {
        struct policy_subject subject = request->subject;

        subject.labels_unknown = request->request->object_unknown || request->request->old_unknown;
        return policy_matches(policy, &subject);
}

/* --- tallies --- */

static struct str keep(struct arena *arena, struct str text, size_t most) {
        return arena_str(arena, str_slice(text, 0, MIN(text.len, most)));
}

static void count_name(struct arena *arena, struct replay_names *names, struct str name) {
        name = str_slice(name, 0, MIN(name.len, (size_t)NAME_KEEP));
        for (size_t i = 0; i < names->items.count; i++)
                if (str_eq(names->items.items[i].name, name)) {
                        names->items.items[i].count++;
                        return;
                }
        if (names->items.count == REPLAY_MAX_NAMES) {
                names->others++;
                return;
        }
        *vec_push_in(arena, &names->items) = (struct replay_name){ arena_str(arena, name), 1 };
}

static void add_example(struct replay *replay, struct replay_tally *tally,
                        const struct replay_request *request,
                        const struct policy_violation *violation) {
        const struct audit_event *event = request->event;
        struct arena *arena = &replay->arena;
        struct replay_example *example;

        if (tally->examples.count >= replay->max_examples)
                return;
        example = vec_push_in(arena, &tally->examples);
        *example = (struct replay_example){
                .file = request->file,
                .line = request->line,
                .id = keep(arena, event->id, NAME_KEEP),
                .time = keep(arena, event->time, NAME_KEEP),
                .user = keep(arena, audit_event_user(event), NAME_KEEP),
                .verb = keep(arena, event->verb, NAME_KEEP),
                .resource = keep(arena, event->resource, NAME_KEEP),
                .namespace = keep(arena, request->subject.namespace, NAME_KEEP),
                .name = keep(arena, request->subject.name, NAME_KEEP),
                .message = keep(arena, violation->message, MESSAGE_KEEP),
                .action = violation->action,
        };
        if (event->subresource.len > 0)
                example->resource =
                        keep(arena,
                             arena_printf(arena, "%.*s/%.*s", STR_ARG(example->resource),
                                          STR_ARG(event->subresource)),
                             NAME_KEEP);
}

/* Times are written alike (RFC 3339, microseconds, UTC), so that their texts compare as they do. */
static void note_time(struct arena *arena, struct replay_tally *tally, struct str time) {
        if (time.len == 0 || time.len > NAME_KEEP)
                return;
        if (tally->first.len == 0 || str_cmp(time, tally->first) < 0)
                tally->first = arena_str(arena, time);
        if (tally->last.len == 0 || str_cmp(time, tally->last) > 0)
                tally->last = arena_str(arena, time);
}

static void take(struct replay *replay, struct replay_tally *tally,
                 const struct replay_request *request, const struct policy_admission *admission,
                 bool *seen) {
        const struct policy_violation *violations = admission->violations.items;
        bool has[] = { [POLICY_DENY] = false, [POLICY_WARN] = false, [POLICY_AUDIT] = false };

        tally->requests++;
        if (admission->violations.count == 0)
                return;
        for (size_t i = 0; i < admission->violations.count; i++)
                has[violations[i].action] = seen[violations[i].action] = true;
        tally->denied += has[POLICY_DENY];
        tally->warned += has[POLICY_WARN];
        tally->audited += has[POLICY_AUDIT];
        count_name(&replay->arena, &tally->users, audit_event_user(request->event));
        if (request->subject.namespace.len > 0)
                count_name(&replay->arena, &tally->namespaces, request->subject.namespace);
        note_time(&replay->arena, tally, request->event->time);
        add_example(replay, tally, request, &violations[0]);
}

void replay_judge(struct replay *replay, const struct replay_request *request,
                  struct arena *scratch) {
        bool seen[] = { [POLICY_DENY] = false, [POLICY_WARN] = false, [POLICY_AUDIT] = false };

        if (policy_is_exempt(request->subject.group, request->subject.resource))
                return;
        for (size_t i = 0; i < replay->tally_count; i++) {
                struct replay_tally *tally = &replay->tallies[i];
                struct policy_admission admission;
                enum replay_gap gap;

                if (!may_be_about(tally->policy, request))
                        continue;
                if (find_gap(tally->policy, request, &gap)) {
                        tally->gaps[gap]++;
                        continue;
                }
                if (!policy_matches(tally->policy, &request->subject))
                        continue;
                policy_admit_one(tally->policy, &request->subject, scratch, &admission);
                take(replay, tally, request, &admission, seen);
                replay->unknown_namespaces +=
                        request->namespace_unknown && policy_looks_at_namespace(tally->policy);
        }
        replay->denied += seen[POLICY_DENY];
        replay->warned += seen[POLICY_WARN];
        replay->audited += seen[POLICY_AUDIT];
}

bool replay_is_incomplete(const struct replay *replay) {
        bool incomplete = replay->unreadable > 0;

        for (size_t i = 0; i < replay->tally_count; i++)
                for (size_t gap = 0; gap < REPLAY_GAP_COUNT; gap++)
                        incomplete = incomplete || replay->tallies[i].gaps[gap] > 0;
        return incomplete;
}
