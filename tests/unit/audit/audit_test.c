#include "../test.h"

#include <errno.h>

#include "audit/replay.h"
#include "base/buf.h"

static const struct doc_node *parse(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        *source = (struct doc_source){ STR("audit.log"), str_from(text) };
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        assert_int_equal(doc_read(&reader, arena, &doc, NULL), 1);
        return doc->root;
}

#define EVENT "{kind: Event, apiVersion: audit.k8s.io/v1, "

/* An event with FIELDS besides those that every event has. */
static struct audit_event event_of(struct arena *arena, const char *fields) {
        struct str text = arena_printf(arena, EVENT "stage: ResponseComplete, %s}", fields);
        struct error error = { 0 };
        struct audit_event event;

        assert_int_equal(audit_event_read(parse(arena, text.ptr), &event, &error), 0);
        return event;
}

static void what_is_no_event_is_refused(void **state _unused_) {
        static const char *const texts[] = {
                "[]",
                "{a: b}",
                "{kind: Event, apiVersion: v1, level: Request, stage: Panic, verb: create}",
                "{kind: Policy, apiVersion: audit.k8s.io/v1}",
                EVENT "level: All, stage: Panic, verb: create}",
                EVENT "level: Request, verb: create}",
                EVENT "level: Request, stage: 1, verb: create}",
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct error error = { 0 };
                struct audit_event event;

                assert_int_equal(audit_event_read(parse(&arena, texts[i]), &event, &error),
                                 -EINVAL);
                assert_true(error.message[0] != '\0');
        }
}

static void an_impersonated_user_makes_the_request(void **state _unused_) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct audit_event event = event_of(&arena, "level: Metadata, verb: get, user: {username: "
                                                    "root}, impersonatedUser: {username: alice}");

        assert_true(str_eq(audit_event_user(&event), STR("alice")));
}

#define ON(resource) ", objectRef: {resource: " resource ", namespace: shop, name: a}"
#define SUB(resource, name) ", objectRef: {resource: " resource ", subresource: " name "}"
#define CODE(n) ", responseStatus: {code: " #n "}"
#define POD(name) "{kind: Pod, apiVersion: v1, metadata: {name: " name "}}"
#define SENT ", requestObject: " POD("sent")
#define KEPT ", responseObject: " POD("kept")
#define STATUS ", responseObject: {kind: Status, apiVersion: v1}"
#define EVICTION ", requestObject: {kind: Eviction, apiVersion: policy/v1, metadata: {name: sent}}"

/* k8s.io/apiserver/pkg/endpoints/handlers: what each verb asks admission; pkg/audit/request.go:
 * what each level records. */
static void requests_are_what_admission_was_asked(void **state _unused_) {
        static const struct {
                const char *fields;
                enum audit_concern concern;
                enum policy_operation operation;
                const char *object, *old; /* names; NULL: none */
                bool object_unknown, old_unknown, dry_run;
        } cases[] = {
                { "level: Request, verb: create" ON("pods") CODE(201) SENT, AUDIT_ADMISSION,
                  POLICY_CREATE, "sent" },
                /* What the server answered is nearer to what admission saw. */
                { "level: RequestResponse, verb: create" ON("pods") CODE(201) SENT KEPT,
                  AUDIT_ADMISSION, POLICY_CREATE, "kept" },
                { "level: RequestResponse, verb: create" SUB("pods", "eviction") EVICTION STATUS,
                  AUDIT_ADMISSION, POLICY_CREATE, "sent" },
                { "level: Metadata, verb: create" ON("pods"), AUDIT_ADMISSION, POLICY_CREATE, NULL,
                  NULL, true },
                { "level: Request, verb: update" ON("pods") CODE(200) SENT, AUDIT_ADMISSION,
                  POLICY_UPDATE, "sent", NULL, false, true },
                /* Of a patch the request has the patch. */
                { "level: Request, verb: patch, requestObject: {metadata: {}}" ON("pods"),
                  AUDIT_ADMISSION, POLICY_UPDATE, NULL, NULL, true, true },
                { "level: RequestResponse, verb: patch, requestObject: {}" ON("pods") KEPT,
                  AUDIT_ADMISSION, POLICY_UPDATE, "kept", NULL, false, true },
                /* Server-side apply of what was not there. */
                { "level: RequestResponse, verb: patch" ON("pods") CODE(201) KEPT, AUDIT_ADMISSION,
                  POLICY_CREATE, "kept" },
                { "level: RequestResponse, verb: delete" ON("pods") KEPT, AUDIT_ADMISSION,
                  POLICY_DELETE, NULL, "kept" },
                { "level: RequestResponse, verb: delete, requestObject: {kind: DeleteOptions, "
                  "dryRun: [All]}" ON("pods") STATUS,
                  AUDIT_ADMISSION, POLICY_DELETE, NULL, NULL, false, true, true },
                { "level: RequestResponse, verb: deletecollection, responseObject: {kind: "
                  "PodList}" ON("pods"),
                  AUDIT_ADMISSION, POLICY_DELETE, NULL, NULL, false, true },
                { "level: Metadata, verb: get" SUB("pods", "exec"), AUDIT_ADMISSION, POLICY_CONNECT,
                  NULL, NULL, true },
                { "level: Metadata, verb: update" SUB("services", "proxy"), AUDIT_ADMISSION,
                  POLICY_CONNECT, NULL, NULL, true },
                { "level: Metadata, requestURI: '/x?a=b&dryRun=All', verb: create" ON("pods"),
                  AUDIT_ADMISSION, POLICY_CREATE, NULL, NULL, true, false, true },
                { "level: Metadata, verb: get" SUB("pods", "log"), AUDIT_READ },
                { "level: Metadata, verb: list" ON("pods"), AUDIT_READ },
                { "level: Metadata, verb: post, requestURI: /readyz", AUDIT_READ },
                { "level: Request, verb: create" ON("pods") CODE(409), AUDIT_REFUSED },
                { "level: Request, verb: create, stage: Panic" ON("pods"), AUDIT_REFUSED },
                { "level: Request, verb: create, stage: RequestReceived" ON("pods"), AUDIT_STAGE },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct arena arena _cleanup_(arena_free) = ARENA_INIT;
                struct audit_event event = event_of(&arena, cases[i].fields);
                struct audit_request request = { 0 };

                assert_int_equal(audit_request_read(&event, &request), cases[i].concern);
                if (cases[i].concern != AUDIT_ADMISSION)
                        continue;
                assert_int_equal(request.operation, cases[i].operation);
                assert_true(
                        str_eq(doc_string(doc_find(request.object, "metadata", "name"), STR("")),
                               str_from(cases[i].object)));
                assert_true(str_eq(
                        doc_string(doc_find(request.old_object, "metadata", "name"), STR("")),
                        str_from(cases[i].old)));
                assert_int_equal(request.object_unknown, cases[i].object_unknown);
                assert_int_equal(request.old_unknown, cases[i].old_unknown);
                assert_int_equal(request.dry_run, cases[i].dry_run);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_no_event_is_refused),
                cmocka_unit_test(an_impersonated_user_makes_the_request),
                cmocka_unit_test(requests_are_what_admission_was_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
