/*
 * Fuzzes loading a policy: whatever the text, it is refused with a place within it, or it judges a
 * pod without harm.
 */
#include <assert.h>
#include <stdint.h>

#include "base/util.h"
#include "inventory/resource.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char pod[] = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": "
                          "\"p\", \"namespace\": \"n\"}, \"spec\": "
                          "{\"containers\": [{\"name\": \"c\", \"image\": \"i:1\", "
                          "\"securityContext\": {\"privileged\": true}}]}}";

static void ignore_violation(void *userdata, const struct policy_violation *violation) {
        (void)userdata;
        assert(violation->message.len > 0 || violation->validation == SIZE_MAX);
}

static void judge_pod(struct policy_set *set) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT,
                           scratch _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR("pod"), { pod, sizeof pod - 1 } };
        struct policy_subject subject;
        struct resource_list resources;
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        if (doc_read(&reader, &arena, &doc, NULL) <= 0)
                return;
        resources_of(&arena, doc, STR(""), false, &resources);
        assert(resources.count == 1);
        subject = resource_subject(&resources.items[0]);
        for (size_t i = 0; i < set->policies.count; i++)
                if (!set->policies.items[i]->has_params &&
                    policy_matches(set->policies.items[i], &subject))
                        policy_judge(set->policies.items[i], &subject, &scratch, ignore_violation,
                                     NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct error error = { 0 };
        struct doc_source source;
        int r = policy_set_init(&set, 0, &error);

        assert(r >= 0);
        r = doc_source_init(&set.arena, STR("rules.yaml"), (struct str){ (const char *)data, size },
                            &source, &error);
        if (r >= 0)
                r = policy_set_add_source(&set, &source, &error);
        if (r >= 0)
                r = policy_set_finish(&set, &error);
        assert(r >= 0 || error.message[0]);
        if (r >= 0)
                judge_pod(&set);
        return 0;
}
