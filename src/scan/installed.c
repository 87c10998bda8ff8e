/*
 * Which policies a cluster has and which of them do something. A policy that the server took may
 * still be one that this program cannot read (a function of a newer version): then it is said, and
 * the others are judged.
 */
#include "base/util.h"
#include "doc/edit.h"
#include "doc/write.h"
#include "scan/private.h"
#include "scan/simulate.h"

/* What is known of a policy or binding besides what the set holds. */
struct installed_object {
        struct str file;
        bool planned, broken;
};

static struct installed_object *remember(struct installed *installed, struct map *map,
                                         struct str name) {
        struct installed_object *object = arena_new(&installed->set.arena, struct installed_object);

        map_put(map, arena_str(&installed->set.arena, name))->value = object;
        return object;
}

/* --- reading --- */

static int add_planned(struct installed *installed, struct str text, struct error *error) {
        struct policy_set *set = &installed->set;
        struct doc_source *source = arena_new(&set->arena, struct doc_source);
        int r;

        source->name = STR("planned");
        source->text = arena_str(&set->arena, text);
        r = policy_set_add_source(set, source, error);
        for (size_t i = 0; i < set->policies.count && r >= 0; i++)
                remember(installed, &installed->policies, set->policies.items[i]->name)->planned =
                        true;
        for (size_t i = 0; i < set->bindings.count && r >= 0; i++)
                remember(installed, &installed->bindings, set->bindings.items[i]->name)->planned =
                        true;
        return r;
}

static void report_broken(struct installed *installed, const struct doc *doc,
                          const struct resource *resource, const struct error *error) {
        struct finding_list *list = &installed->simulation->list;
        struct diagnostic *diagnostic = vec_push(&list->diagnostics);

        diagnostic->file = arena_str(&list->arena, doc->source->name);
        diagnostic->pos = resource->root->start;
        diagnostic->message =
                arena_printf(&list->arena, "%.*s \"%.*s\" cannot be judged: %s",
                             STR_ARG(resource->kind), STR_ARG(resource->name), error->message);
        diagnostic->incomplete = true;
        installed->simulation->coverage.not_judged++;
}

/* What is in a cluster has gone through its mutations; what is created next has not. */
static void report_mutating(struct installed *installed, const struct doc *doc,
                            const struct resource *resource) {
        struct finding_list *list = &installed->simulation->list;
        struct diagnostic *diagnostic = vec_push(&list->diagnostics);

        diagnostic->file = arena_str(&list->arena, doc->source->name);
        diagnostic->pos = resource->root->start;
        diagnostic->message = arena_printf(&list->arena,
                                           "MutatingAdmissionPolicy \"%.*s\" is not simulated: "
                                           "objects are judged as they are",
                                           STR_ARG(resource->name));
}

/* Nothing for one that is planned or was read before: it would be the same object. */
static void add_object(struct installed *installed, const struct doc *doc,
                       const struct resource *resource, struct map *known) {
        struct policy_set *set = &installed->set;
        struct installed_object *object;
        const struct doc *copy;
        struct error error = { 0 };

        if (map_get(known, resource->name))
                return;
        object = remember(installed, known, resource->name);
        copy = doc_copy(&set->arena, doc->source->name, resource->root);
        object->file = copy->source->name;
        if (policy_set_add_object(set, copy, copy->root, &error) >= 0)
                return;
        object->broken = true;
        report_broken(installed, doc, resource, &error);
}

static void add_document(void *userdata, struct arena *arena, const struct doc *doc) {
        struct installed *installed = userdata;
        struct resource_list resources;

        resources_of(arena, doc, STR(""), true, &resources);
        for (size_t i = 0; i < resources.count; i++) {
                const struct resource *resource = &resources.items[i];

                if (!str_eq(resource->group, STR("admissionregistration.k8s.io")))
                        continue;
                if (str_eq(resource->kind, STR("MutatingAdmissionPolicy")))
                        report_mutating(installed, doc, resource);
                if (str_eq(resource->kind, STR("ValidatingAdmissionPolicy")))
                        add_object(installed, doc, resource, &installed->policies);
                else if (str_eq(resource->kind, STR("ValidatingAdmissionPolicyBinding")))
                        add_object(installed, doc, resource, &installed->bindings);
        }
}

/* --- what they are --- */

static struct str action_names(struct arena *arena, const struct policy_binding *binding) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (uint32_t i = 0; i < binding->action_list->list.count; i++)
                buf_printf(&text, "%s%.*s", i > 0 ? ", " : "",
                           STR_ARG(doc_string(&binding->action_list->list.items[i], STR(""))));
        return arena_str(arena, buf_str(&text));
}

static struct simulated_binding *add_binding(struct installed *installed,
                                             const struct policy_binding *binding) {
        struct arena *arena = &installed->set.arena;
        const struct installed_object *object = map_get(&installed->bindings, binding->name);
        struct simulated_binding *made = vec_push(&installed->simulation->bindings);

        made->name = binding->name;
        made->policy = binding->policy_name;
        made->file = object->file;
        made->planned = object->planned;
        made->actions = action_names(arena, binding);
        return made;
}

/* Takes the bindings whose policy is not there out of the set. */
static void drop_orphans(struct installed *installed) {
        struct policy_set *set = &installed->set;
        size_t kept = 0;

        for (size_t i = 0; i < set->bindings.count; i++) {
                struct policy_binding *binding = set->bindings.items[i];
                const struct installed_object *policy =
                        map_get(&installed->policies, binding->policy_name);
                struct simulated_binding *orphan;

                if (policy && !policy->broken) {
                        set->bindings.items[kept++] = binding;
                        continue;
                }
                orphan = add_binding(installed, binding);
                orphan->orphan = !policy;
                orphan->problem = arena_printf(
                        &set->arena, "policy \"%.*s\" %s", STR_ARG(binding->policy_name),
                        policy ? "cannot be judged" : "does not exist: the binding does nothing");
        }
        set->bindings.count = kept;
}

static struct str params_problem(struct installed *installed, const struct policy *policy,
                                 const struct policy_binding *binding) {
        const struct policy_params *params = &installed->set.params;
        struct str name = binding->param_name;

        if (!policy->has_params)
                return STR("");
        if (!binding->has_params)
                return STR("names no params, though the policy takes some: they are null");
        for (size_t i = 0; i < params->items.count; i++)
                if (policy_chooses_param(policy, binding, &params->items.items[i]))
                        return STR("");
        return arena_printf(&installed->set.arena, "no %.*s%s%.*s%s is there: %s",
                            STR_ARG(policy->param_kind), name.len > 0 ? " \"" : " that it selects",
                            STR_ARG(name), name.len > 0 ? "\"" : "",
                            binding->params_required ? "every request that it matches is refused"
                                                     : "the binding does nothing");
}

static bool wants_user(const struct policy *policy) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        if (policy->uses_authorizer)
                return true;
        doc_write_json(&json, policy->spec);
        return str_find(buf_str(&json), STR("userInfo"), 0) >= 0;
}

static void add_policy(struct installed *installed, const struct policy *policy) {
        const struct installed_object *object = map_get(&installed->policies, policy->name);
        struct simulated_policy *made = vec_push(&installed->simulation->policies);

        made->name = policy->name;
        made->file = object->file;
        made->planned = object->planned;
        made->bound = policy->bindings;
        made->fail_open = policy->ignore_failures;
        made->wants_user = wants_user(policy);
        for (const struct policy_binding *b = policy->bindings; b; b = b->next)
                add_binding(installed, b)->problem = params_problem(installed, policy, b);
}

void installed_describe(struct installed *installed) {
        struct policy_set *set = &installed->set;
        size_t bound = 0;

        for (size_t i = 0; i < set->policies.count; i++)
                add_policy(installed, set->policies.items[i]);
        /* In the cluster a policy without a binding does nothing. */
        for (size_t i = 0; i < set->policies.count; i++)
                if (set->policies.items[i]->bindings)
                        set->policies.items[bound++] = set->policies.items[i];
        set->policies.count = bound;
}

int installed_read(struct installed *installed, const struct simulate_options *options,
                   const struct input_list *files, struct error *error) {
        const struct gather gather = { STR("AdmissionPolicy"), add_document, installed };
        int r = policy_set_init(&installed->set, options->kube_minor, error);

        if (r >= 0 && options->planned.len > 0)
                r = add_planned(installed, options->planned, error);
        if (r < 0)
                return r;
        gather_documents(&options->scan, files, &gather, 1);
        drop_orphans(installed);
        return policy_set_finish(&installed->set, error);
}

void installed_free(struct installed *installed) {
        map_free(&installed->policies);
        map_free(&installed->bindings);
        policy_set_free(&installed->set);
}
