#include "scan/simulate.h"

#include "base/util.h"
#include "scan/private.h"

enum { ARENA_KEEP = 4 << 20 };

struct simulator {
        struct worker worker; /* first, so that the pointer converts */
        const struct simulate_options *options;
        struct simulation *simulation;
        struct installed installed;
        struct namespaces namespaces;
        struct authorizer authorizer;
        struct owners owners;
        struct map namespace_at; /* name -> index + 1 in the simulation */
        struct map mentioned;    /* owners and managers of a namespace, to tell each once */
        struct map unknown;      /* Namespaces that were missed */
        size_t first;            /* hit of the object at hand */
};

/* --- hits --- */

static size_t policy_index(const struct simulation *simulation, struct str name) {
        size_t i = 0;

        while (!str_eq(simulation->policies.items[i].name, name))
                i++;
        return i;
}

static size_t binding_index(const struct simulation *simulation, struct str name) {
        size_t i = 0;

        while (!str_eq(simulation->bindings.items[i].name, name))
                i++;
        return i;
}

/* Who wrote last, but for the parts of the cluster that only keep the status. */
static struct str last_manager(const struct doc_node *object) {
        const struct doc_node *list = doc_find(object, "metadata", "managedFields");
        struct str manager = STR(""), latest = STR("");

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *entry = &list->list.items[i];
                struct str time = doc_string(doc_get(entry, STR("time")), STR(""));

                if (doc_string(doc_get(entry, STR("subresource")), STR("")).len > 0 ||
                    str_cmp(time, latest) < 0)
                        continue;
                latest = time;
                manager = doc_string(doc_get(entry, STR("manager")), STR(""));
        }
        return manager;
}

static struct resource_ref kept_owner(struct simulator *s, const struct resource *resource) {
        struct arena *arena = &s->worker.list.arena;
        struct resource_ref owner = owners_top(&s->owners, &s->worker.scratch, resource);

        return (struct resource_ref){ arena_str(arena, owner.api_version),
                                      arena_str(arena, owner.kind),
                                      arena_str(arena, owner.namespace),
                                      arena_str(arena, owner.name) };
}

static struct simulated_hit *same_hit(struct simulator *s, const struct policy_violation *violation,
                                      size_t policy, size_t binding) {
        for (size_t i = s->first; i < s->simulation->hits.count; i++) {
                struct simulated_hit *hit = &s->simulation->hits.items[i];

                if (hit->policy == policy && hit->binding == binding &&
                    hit->action == violation->action && str_eq(hit->message, violation->message))
                        return hit;
        }
        return NULL;
}

static void add_hit(struct simulator *s, const struct policy_violation *violation,
                    enum policy_operation operation) {
        size_t policy = policy_index(s->simulation, violation->policy->name);
        size_t binding = binding_index(s->simulation, violation->binding->name);
        struct simulated_hit *hit = same_hit(s, violation, policy, binding);
        const struct resource *resource = s->worker.resource;
        const struct finding *finding;
        size_t before = s->worker.list.findings.count;

        if (hit) {
                hit->operations |= operation;
                return;
        }
        worker_found(&s->worker, violation);
        if (s->worker.list.findings.count == before)
                return; /* beyond the limit of findings */
        finding = &s->worker.list.findings.items[before];
        hit = vec_push(&s->simulation->hits);
        *hit = (struct simulated_hit){ .policy = policy,
                                       .binding = binding,
                                       .action = violation->action,
                                       .error = violation->error,
                                       .operations = operation,
                                       .message = finding->message,
                                       .object = finding->resource,
                                       .owner = kept_owner(s, resource),
                                       .manager = arena_str(&s->worker.list.arena,
                                                            last_manager(resource->root)),
                                       .location = finding->location };
}

/* --- counting: each object once --- */

static struct simulated_namespace *namespace_of(struct simulator *s, struct str name) {
        struct map_entry *entry = map_put(&s->namespace_at, name);

        if (!entry->value) {
                vec_push(&s->simulation->namespaces)->name = name;
                entry->value = (void *)(uintptr_t)s->simulation->namespaces.count;
        }
        return &s->simulation->namespaces.items[(uintptr_t)entry->value - 1];
}

/* Whether WHAT is told of this namespace for the first time. */
static bool is_first(struct simulator *s, struct str namespace, const char *kind, struct str what) {
        struct arena *arena = &s->worker.list.arena;
        struct map_entry *entry =
                map_put(&s->mentioned, arena_printf(arena, "%.*s/%s/%.*s", STR_ARG(namespace), kind,
                                                    STR_ARG(what)));
        bool first = !entry->value;

        entry->value = s;
        return first;
}

static void tell_namespace(struct simulator *s, const struct simulated_hit *hit) {
        struct simulated_namespace *namespace = namespace_of(s, hit->object.namespace);
        struct arena *arena = &s->worker.list.arena;
        struct str owner = arena_printf(arena, "%.*s/%.*s", STR_ARG(hit->owner.kind),
                                        STR_ARG(hit->owner.name));

        if (is_first(s, namespace->name, "owner", owner))
                *vec_push_in(arena, &namespace->owners) = owner;
        if (hit->manager.len > 0 && is_first(s, namespace->name, "manager", hit->manager))
                *vec_push_in(arena, &namespace->managers) = hit->manager;
}

static void count_object(struct simulator *s) {
        struct simulation *simulation = s->simulation;

        for (size_t i = s->first; i < simulation->hits.count; i++) {
                const struct simulated_hit *hit = &simulation->hits.items[i];
                bool action = true, policy = true, binding = true;

                for (size_t k = s->first; k < i; k++) {
                        const struct simulated_hit *other = &simulation->hits.items[k];

                        if (other->action != hit->action)
                                continue;
                        action = false;
                        policy &= other->policy != hit->policy;
                        binding &= other->binding != hit->binding;
                }
                simulation->objects[hit->action] += action;
                simulation->policies.items[hit->policy].objects[hit->action] += policy;
                simulation->bindings.items[hit->binding].objects[hit->action] += binding;
                namespace_of(s, hit->object.namespace)->objects[hit->action] += action;
                tell_namespace(s, hit);
        }
}

/* --- judging --- */

/* A policy that looks at namespaces cannot be judged for sure without them. */
static void miss_namespace(struct simulator *s, const struct policy_subject *subject) {
        struct worker *worker = &s->worker;

        if (subject->namespace.len == 0 || subject->namespace_object ||
            !namespaces_are_needed(&s->installed.set) || map_get(&s->unknown, subject->namespace))
                return;
        map_put(&s->unknown, arena_str(&worker->list.arena, subject->namespace))->value = s;
        worker->coverage.not_judged++;
        worker_problem(worker, STR(""), (struct doc_pos){ 0, 0 }, (struct doc_pos){ 0, 0 },
                       arena_printf(&worker->scratch,
                                    "Namespace \"%.*s\" is not in the input, and some policies "
                                    "look at it",
                                    STR_ARG(subject->namespace)),
                       true);
}

static void judge_request(struct simulator *s, struct policy_subject *subject) {
        struct policy_admission admission;

        arena_reset(&s->worker.scratch, ARENA_KEEP);
        policy_admit(&s->installed.set, subject, &s->worker.scratch, &admission);
        for (size_t i = 0; i < admission.violations.count; i++)
                add_hit(s, &admission.violations.items[i], subject->operation);
}

static void judge_resource(struct worker *worker, const struct resource *resource) {
        struct simulator *s = (struct simulator *)worker;
        struct policy_subject subject = resource_subject(resource);

        worker_start_resource(worker, resource, &subject);
        s->first = s->simulation->hits.count;
        miss_namespace(s, &subject);
        judge_request(s, &subject);
        subject.operation = POLICY_UPDATE;
        subject.old_object = subject.object;
        judge_request(s, &subject);
        count_object(s);
}

static void judge_files(struct simulator *s, const struct input_list *files) {
        s->worker.options = &s->options->scan;
        s->worker.namespaces = &s->namespaces;
        s->worker.user = &s->authorizer.user;
        s->worker.judge = judge_resource;
        for (size_t i = 0; i < files->files.count; i++)
                worker_read(&s->worker, &files->files.items[i]);
        worker_join(&s->worker, &s->simulation->list, &s->simulation->coverage);
        list_add_problems(&s->simulation->list, files, &s->simulation->coverage);
}

static void finish(struct simulator *s) {
        struct simulation *simulation = s->simulation;

        authorizer_add_problems(&s->authorizer, &simulation->list, &simulation->coverage);
        finding_list_sort(&simulation->list);
        arena_adopt(&simulation->list.arena, &s->installed.set.arena);
        map_free(&s->namespace_at);
        map_free(&s->mentioned);
        map_free(&s->unknown);
        owners_free(&s->owners);
        authorizer_free(&s->authorizer);
        namespaces_free(&s->namespaces);
}

int simulate(const struct simulate_options *options, const struct input_list *files,
             struct simulation *ret, struct error *error) {
        struct simulator s = { .options = options,
                               .simulation = ret,
                               .installed = { .simulation = ret } };
        struct scan_options scan = options->scan;
        int r = installed_read(&s.installed, options, files, error);

        if (r >= 0) {
                scan.policies = &s.installed.set;
                namespaces_read(&s.namespaces, &scan, files);
                installed_describe(&s.installed);
                authorizer_init(&s.authorizer, &scan, files);
                owners_read(&s.owners, &scan, files);
                judge_files(&s, files);
                finish(&s);
        }
        installed_free(&s.installed);
        return r;
}

void simulation_free(struct simulation *simulation) {
        finding_list_free(&simulation->list);
        vec_free(&simulation->policies);
        vec_free(&simulation->bindings);
        vec_free(&simulation->hits);
        vec_free(&simulation->namespaces);
}
