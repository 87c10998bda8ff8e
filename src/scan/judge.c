#include "base/util.h"
#include "cloud/cloud.h"
#include "inventory/cluster.h"
#include "kube/decode.h"
#include "scan/private.h"
#include "scan/tally.h"

/* Keeps what an arena holds between documents small: one huge document must not cost its memory for
 * ever. */
enum { ARENA_KEEP = 4 << 20, MAX_TEMPLATES = 64 };

static bool plan_fits(const struct plan *plan, const struct policy_subject *subject,
                      bool template) {
        return plan->template == template && plan->operation == subject->operation &&
               plan->namespaced == subject->namespaced &&
               str_eq(plan->resource, subject->resource) && str_eq(plan->group, subject->group) &&
               str_eq(plan->version, subject->version);
}

/* Policies of the catalogue are compiled here, when the first object of their kind is met. */
static bool prepare(struct worker *worker, struct policy *policy) {
        struct error error;

        if (policy_prepare(worker->options->policies, policy, &error) >= 0)
                return true;
        worker->coverage.not_judged++;
        worker_problem(worker, policy->info.source, (struct doc_pos){ error.line, error.column },
                       (struct doc_pos){ 0, 0 }, str_from(error.message), true);
        return false;
}

static struct plan *make_plan(struct worker *worker, const struct policy_subject *subject,
                              bool template) {
        struct policy_set *set = worker->options->policies;
        struct plan *plan = arena_new(&worker->lasting, struct plan);

        plan->group = arena_str(&worker->lasting, subject->group);
        plan->version = arena_str(&worker->lasting, subject->version);
        plan->resource = arena_str(&worker->lasting, subject->resource);
        plan->operation = subject->operation;
        plan->namespaced = subject->namespaced;
        plan->template = template;
        plan->policies =
                arena_new_array(&worker->lasting, set->policies.count, const struct policy *);
        for (size_t i = 0; i < set->policies.count; i++) {
                struct policy *policy = set->policies.items[i];

                if ((!template || policy->pod_templates) &&
                    (!policy->has_params || policy->bindings) &&
                    policy_may_match(policy, subject) && prepare(worker, policy))
                        plan->policies[plan->count++] = policy;
        }
        plan->next = worker->plans;
        worker->plans = plan;
        return plan;
}

static const struct plan *find_plan(struct worker *worker, const struct policy_subject *subject,
                                    bool template) {
        for (struct plan *plan = worker->plans; plan; plan = plan->next)
                if (plan_fits(plan, subject, template))
                        return plan;
        return make_plan(worker, subject, template);
}

/* What a Namespace enforces that is not in the input is not known. */
static bool knows_namespace(struct worker *worker, const struct policy_subject *subject) {
        struct str message;

        if (subject->namespace_object)
                return true;
        message = arena_printf(&worker->documents,
                               "what Namespace \"%.*s\" enforces is not known: it is not among the "
                               "files",
                               STR_ARG(subject->namespace));
        worker->coverage.not_judged++;
        worker_problem(worker, worker->doc->source->name, worker->resource->root->start,
                       (struct doc_pos){ 0, 0 }, message, true);
        return false;
}

/* A judgement whose outcome is told to the tally as well. */
struct watched {
        struct worker *worker;
        struct str failure; /* why the first expression that failed did */
        bool failed;
};

static void watched_found(void *userdata, const struct policy_violation *violation) {
        struct watched *watched = userdata;

        if (violation->error && !watched->failed) {
                watched->failure = found_unknown(&watched->worker->scratch, violation);
                watched->failed = true;
        }
        worker_found(watched->worker, violation);
}

static void judge_by(struct worker *worker, const struct policy *policy,
                     const struct policy_subject *subject) {
        struct watched watched = { .worker = worker };
        struct policy_watch watch;

        arena_reset(&worker->scratch, ARENA_KEEP);
        if (!worker->options->tally) {
                policy_judge(policy, subject, &worker->scratch, worker_found, worker);
                return;
        }
        policy_judge_watched(policy, subject, &worker->scratch, watched_found, &watched, &watch);
        tally_add(worker->options->tally, policy, &watch, watched.failed ? &watched.failure : NULL);
}

static void judge_subject(struct worker *worker, const struct policy_subject *subject,
                          bool template) {
        const struct plan *plan = find_plan(worker, subject, template);
        const struct policy_set *set = worker->options->policies;

        if (set->pod_security && plan->count > 0 && !knows_namespace(worker, subject))
                return;
        for (size_t i = 0; i < plan->count; i++) {
                if ((worker->resource->metadata_only && !plan->policies[i]->metadata_only) ||
                    !policy_matches(plan->policies[i], subject) ||
                    (set->pod_security &&
                     !policy_is_enforced(set, plan->policies[i], subject->namespace_object)))
                        continue;
                judge_by(worker, plan->policies[i], subject);
        }
}

static const struct doc_node *template_pod(struct worker *worker, const struct resource *resource,
                                           const struct doc_node *template) {
        const struct doc_node *pod =
                kube_pod_from_template(&worker->documents, template, resource->namespace);

        return worker->options->as_submitted
                       ? pod
                       : kube_decode_as(&worker->documents, pod, STR("v1"), STR("Pod"));
}

/* The templates of RESOURCE as pods; with OLD, each beside the template that was in its place. */
static void judge_templates(struct worker *worker, const struct resource *resource,
                            const struct resource *old, const struct policy_subject *owner) {
        const struct doc_node *templates[MAX_TEMPLATES], *olds[MAX_TEMPLATES];
        size_t count =
                kube_pod_templates(resource->known, resource->object, templates, MAX_TEMPLATES);
        size_t old_count =
                old ? kube_pod_templates(old->known, old->object, olds, MAX_TEMPLATES) : 0;

        for (size_t i = 0; i < count; i++) {
                struct policy_subject pod = *owner;

                pod.group = STR("");
                pod.version = STR("v1");
                pod.kind = STR("Pod");
                pod.resource = STR("pods");
                pod.namespaced = true;
                pod.name = STR("");
                pod.object = template_pod(worker, resource, templates[i]);
                pod.old_object = i < old_count ? template_pod(worker, old, olds[i]) : NULL;
                pod.operation = pod.old_object ? POLICY_UPDATE : POLICY_CREATE;
                judge_subject(worker, &pod, true);
        }
}

void worker_start_resource(struct worker *worker, const struct resource *resource,
                           struct policy_subject *subject) {
        worker->resource = resource;
        worker->subject = subject;
        worker->has_reference = false;
        worker->coverage.objects++;
        if (subject->namespace.len > 0)
                subject->namespace_object =
                        map_get(&worker->namespaces->by_name, subject->namespace);
        subject->user = worker->user;
}

/* The objects of a cluster have gone through its mutations; those of files have not. */
static void report_mutating(struct worker *worker, const struct resource *resource) {
        const struct doc_pos nowhere = { 0, 0 };

        if (!worker->input || str_starts(worker->input->path, STR(CLUSTER_PATH)) ||
            !str_eq(resource->group, STR("admissionregistration.k8s.io")) ||
            !str_eq(resource->kind, STR("MutatingAdmissionPolicy")))
                return;
        worker_problem(worker, worker->input->path, resource->root->start, nowhere,
                       arena_printf(&worker->documents,
                                    "MutatingAdmissionPolicy \"%.*s\" is not applied: objects are "
                                    "judged as they are; see policy apply",
                                    STR_ARG(resource->name)),
                       false);
}

static void judge_resource(struct worker *worker, const struct resource *resource) {
        struct policy_subject subject = resource_subject(resource);
        struct str relative = worker->input ? worker->input->relative : STR("");
        const struct old_object *old =
                worker->old ? old_find(worker->old, &worker->documents, resource, relative) : NULL;

        worker_start_resource(worker, resource, &subject);
        worker_judge_structure(worker, resource);
        worker_judge_declared(worker, resource);
        report_mutating(worker, resource);
        if (old) {
                subject.operation = POLICY_UPDATE;
                subject.old_object = old->resource.object;
                worker->coverage.updated++;
        } else if (worker->old)
                worker->coverage.created++;
        judge_subject(worker, &subject, false);
        judge_templates(worker, resource, old ? &old->resource : NULL, &subject);
}

void worker_judge_deleted(void *userdata, const struct old_object *object) {
        struct worker *worker = userdata;
        struct policy_subject subject = resource_subject(&object->resource);

        worker->doc = object->doc;
        worker->has_lines = false;
        worker->file = (struct str){ 0 };
        worker_start_resource(worker, &object->resource, &subject);
        subject.operation = POLICY_DELETE;
        subject.old_object = subject.object;
        subject.object = NULL;
        worker->coverage.deleted++;
        judge_subject(worker, &subject, false);
        arena_reset(&worker->documents, ARENA_KEEP);
}

void worker_judge_derived(struct worker *worker, const struct doc *doc) {
        struct resource_list resources;

        worker->doc = doc;
        worker->is_derived = true;
        resources_of(&worker->documents, doc, STR(""), true, &resources);
        for (size_t i = 0; i < resources.count; i++) {
                struct policy_subject subject = resource_subject(&resources.items[i]);

                worker->resource = &resources.items[i];
                worker->subject = &subject;
                worker->has_reference = false;
                judge_subject(worker, &subject, false);
        }
        worker->is_derived = false;
        arena_reset(&worker->documents, ARENA_KEEP);
}

static bool is_live(const struct worker *worker) {
        return worker->input && str_starts(worker->input->path, STR(CLUSTER_PATH));
}

static void note_lineage(struct worker *worker, const struct resource *resource) {
        if (!worker->no_lineage && is_live(worker))
                lineage_add(&worker->lineage, resource);
}

/* Of which only the metadata is known: it is judged by the rules that need no more, and says who
 * owns it. */
static void judge_partial(struct worker *worker, const struct resource *resource) {
        struct policy_subject subject = resource_subject(resource);

        note_lineage(worker, resource);
        if (worker->judge)
                return;
        worker_start_resource(worker, resource, &subject);
        worker_judge_declared(worker, resource);
        judge_subject(worker, &subject, false);
}

static void judge_one(struct worker *worker, const struct resource *resource) {
        note_lineage(worker, resource);
        if (worker->judge)
                worker->judge(worker, resource);
        else
                judge_resource(worker, resource);
}

void worker_judge_document(struct worker *worker, const struct doc *doc) {
        const struct doc_pos nowhere = { 0, 0 };
        struct resource_list resources;

        worker->doc = doc;
        worker->has_lines = false;
        worker->coverage.documents++;
        resources_of(&worker->documents, doc, worker->options->namespace,
                     worker->options->as_submitted, &resources);
        if (resources.problem) {
                struct doc_pos pos = { resources.problem->line, resources.problem->column };

                worker_problem(worker, doc->source->name, pos, nowhere,
                               str_from(resources.problem->message), true);
                worker->coverage.not_judged++;
        } else if (resources.foreign) {
                /* What is judged of it is made of all the input together (clouds.c). */
                if (cloud_is_description(doc->root))
                        worker->coverage.objects++;
                else
                        worker->coverage.skipped++;
        }
        for (size_t i = 0; i < resources.count; i++)
                judge_one(worker, &resources.items[i]);
        if (resources.partial)
                judge_partial(worker, resources.partial);
        worker_judge_keys(worker, doc, &resources);
        arena_reset(&worker->documents, ARENA_KEEP);
}
