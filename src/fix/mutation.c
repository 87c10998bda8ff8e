/*
 * Fixes that are MutatingAdmissionPolicies: applied to the object as the API server sees it, and
 * what they change there is changed in the text.
 *
 * The decoded object has defaults that nobody wrote, but the same keys and the items of lists in
 * the same order as the text. So the way to a value is the same in both.
 */
#include <errno.h>

#include "base/util.h"
#include "doc/write.h"
#include "fix/private.h"
#include "kube/decode.h"
#include "kube/written.h"
#include "policy/mutate.h"

enum { MAX_TEMPLATES = 64, TEMPLATE_DEPTH = 10 };

struct way {
        VEC(struct doc_step) steps;
};

static void add_step(struct arena *arena, struct way *way, struct doc_step step) {
        *vec_push_in(arena, &way->steps) = step;
}

/* What is at the end of WAY below ROOT, or NULL. */
static const struct doc_node *follow(const struct doc_node *root, const struct way *way) {
        for (size_t i = 0; root && i < way->steps.count; i++) {
                const struct doc_step *step = &way->steps.items[i];

                if (step->key.ptr)
                        root = doc_get(root, step->key);
                else
                        root = root->kind == DOC_LIST && step->index < root->list.count
                                       ? &root->list.items[step->index]
                                       : NULL;
        }
        return root;
}

/* Adds the steps from NODE to TARGET somewhere below it. */
static bool find_way(struct arena *arena, const struct doc_node *node,
                     const struct doc_node *target, int depth, struct way *way) {
        uint32_t count = node->kind == DOC_MAP    ? node->map.count
                         : node->kind == DOC_LIST ? node->list.count
                                                  : 0;

        if (node == target)
                return true;
        for (uint32_t i = 0; i < count && depth < TEMPLATE_DEPTH; i++) {
                bool map = node->kind == DOC_MAP;
                const struct doc_node *child =
                        map ? &node->map.entries[i].value : &node->list.items[i];

                add_step(arena, way,
                         map ? (struct doc_step){ .key = node->map.entries[i].key }
                             : (struct doc_step){ .index = i });
                if (find_way(arena, child, target, depth + 1, way))
                        return true;
                way->steps.count--;
        }
        return false;
}

/* Lets the policy change the object of SUBJECT, which is at WAY of the document. */
static int mutate(struct fix *fix, const struct policy_subject *subject, const struct way *way,
                  struct error *error) {
        struct arena *arena = &fix->run->round;
        struct policy_set *all = fix->run->input->options->policies;
        struct policy_set only = { .mutators = { &fix->mutation, 1, 1 },
                                   .structures = all->structures };
        struct doc_changes changes = { 0 };
        struct policy_mutated mutated;
        int r = 0;

        policy_mutate(&only, subject, arena, &mutated);
        if (mutated.denied)
                return error_set(error, -EINVAL, "%.*s", STR_ARG(mutated.message));
        if (mutated.object == subject->object)
                return 0;
        doc_find_changes(arena, way->steps.items, way->steps.count,
                         kube_written(arena, subject->object), kube_written(arena, mutated.object),
                         &changes);
        for (size_t i = 0; i < changes.count && r >= 0; i++) {
                struct fix_edit edit = { .document = fix->document, .change = changes.items[i] };

                *vec_push_in(arena, &fix->edits) = edit;
                r = fix_apply_edit(fix, &edit, error);
        }
        return r;
}

static struct policy_subject template_subject(struct arena *arena,
                                              const struct policy_subject *owner,
                                              const struct doc_node *template) {
        struct policy_subject pod = *owner;

        pod.group = STR("");
        pod.version = STR("v1");
        pod.kind = STR("Pod");
        pod.resource = STR("pods");
        pod.namespaced = true;
        pod.name = STR("");
        pod.object =
                kube_decode_as(arena, kube_pod_from_template(arena, template, owner->namespace),
                               STR("v1"), STR("Pod"));
        return pod;
}

static int mutate_templates(struct fix *fix, const struct policy_subject *owner,
                            const struct resource *resource, const struct way *way,
                            struct error *error) {
        struct arena *arena = &fix->run->round;
        const struct doc_node *templates[MAX_TEMPLATES];
        size_t count = kube_pod_templates(resource->known, owner->object, templates, MAX_TEMPLATES);
        int r = 0;

        for (size_t i = 0; i < count && r >= 0; i++) {
                struct policy_subject pod = template_subject(arena, owner, templates[i]);
                struct way below = { 0 };

                for (size_t k = 0; k < way->steps.count; k++)
                        add_step(arena, &below, way->steps.items[k]);
                if (find_way(arena, owner->object, templates[i], 0, &below))
                        r = mutate(fix, &pod, &below, error);
        }
        return r;
}

int fix_mutate(struct fix *fix, struct error *error) {
        struct arena *arena = &fix->run->round;
        struct fix_document *document = fix->document;
        const struct resource *resource = &document->resources.items[fix->resource];
        struct policy_subject subject = resource_subject(resource);
        const struct doc_node *now;
        struct way way = { 0 };
        int r = policy_prepare(fix->run->input->options->policies, fix->mutation, error);

        if (r < 0)
                return r;
        way.steps.items =
                doc_steps_to(arena, document->doc->root, resource->root, &way.steps.count);
        way.steps.capacity = way.steps.count + 1;
        for (size_t i = 0; i < way.steps.count; i++)
                way.steps.items[i].item = NULL;
        now = document->tree ? follow(document->tree, &way) : NULL;
        if (!now)
                return error_set(error, -ENOENT, "another fix removes the object");
        subject.object = resource->known
                                 ? kube_decode_as(arena, now, resource->api_version, resource->kind)
                                 : now;
        r = mutate(fix, &subject, &way, error);
        if (r >= 0 && fix->mutation->pod_templates)
                r = mutate_templates(fix, &subject, resource, &way, error);
        return r;
}
