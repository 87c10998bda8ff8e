/*
 * Fuzzes audit events: whatever the line, it is refused with a reason, or it is a request of which
 * is said what is not known, and rights that a rule can grant without granting more.
 */
#include <assert.h>
#include <stdint.h>

#include "audit/access.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const struct audit_request *request) {
        bool stores = request->operation == POLICY_CREATE || request->operation == POLICY_UPDATE;

        assert(!request->object || !request->object_unknown);
        assert(!request->old_object || !request->old_unknown);
        assert(!stores || request->object || request->object_unknown);
        assert(request->operation != POLICY_DELETE || !request->object);
        assert(request->operation != POLICY_UPDATE || request->old_unknown);
}

static void check_access(const struct audit_event *event, struct arena *arena) {
        struct rbac_usage usage _cleanup_(rbac_usage_free) = { 0 };
        struct error error = { 0 };

        if (audit_access(event, &usage, arena, &error) < 0) {
                assert(error.message[0] && usage.uses.count == 0);
                return;
        }
        assert(usage.uses.count > 0);
        for (size_t i = 0; i < usage.uses.count; i++) {
                const struct rbac_use *use = usage.uses.entries[i].value;
                struct rbac_request request = use->request;

                request.user = use->user->name;
                assert(rbac_is_plain(&request));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct error error = { 0 };
        struct audit_request request;
        struct audit_event event;
        struct doc_source source;
        struct doc_reader reader;
        struct doc *doc;

        if (doc_source_init(&arena, STR("audit.log"), (struct str){ (const char *)data, size },
                            &source, &error) < 0)
                return 0;
        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        if (doc_read(&reader, &arena, &doc, &error) <= 0)
                return 0;
        if (audit_event_read(doc->root, &event, &error) < 0) {
                assert(error.message[0]);
                return 0;
        }
        check_access(&event, &arena);
        if (audit_request_read(&event, &request) == AUDIT_ADMISSION)
                check_request(&request);
        return 0;
}
