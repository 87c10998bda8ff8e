/*
 * The analysis of workloads: each with the ServiceAccount that it runs as, whether the token of
 * that is in its pods, and what it may do (rbac/subject.h). Findings are placed at the workload;
 * binding and rule are the other places. As it knows the accounts, it also tells of bindings to
 * what is not there, and of roles that nobody has (rbac/uses.h).
 */
#include "base/util.h"
#include "kube/kinds.h"
#include "rbac/subject.h"
#include "rbac/uses.h"
#include "scan/private.h"

/* Grants that are written at most, of all workloads together: accounts with thousands of rules
 * that thousands of workloads share would be a product of both. */
enum { GRANTS_MAX = 300 * 1000 };

struct account {
        bool known;     /* it is in the input */
        int automount;  /* 0, 1; -1: it says nothing */
        unsigned users; /* workloads */
        struct rbac_place place;
};

struct workload {
        struct rbac_workload base;
        int automount; /* of the pod; -1: it says nothing */
        bool projected;
        struct account *account;
};

struct workloads {
        struct arena arena;
        struct rbac_index index;
        struct map accounts;   /* "namespace/name" -> struct account */
        struct map namespaces; /* with an account in the input */
        VEC(struct workload) items;
        struct str file; /* the last name that was copied */
        VEC(struct diagnostic) problems;
        bool workloads, bindings; /* some rule is about these */
};

static const char rbac_group[] = "rbac.authorization.k8s.io";

static bool reads(struct str group, struct str resource) {
        const struct kube_kind *kind = kube_resource_find(resource);

        if (str_eq(group, str_from(rbac_group)) ||
            (group.len == 0 &&
             (str_eq(resource, STR("pods")) || str_eq(resource, STR("serviceaccounts")))))
                return true;
        return kind && kind->pod_template && str_eq(kind->group, group);
}

static bool is_asked(const struct policy_set *set, struct str resource) {
        struct policy_subject subject = { .group = STR(POLICY_OWN_GROUP),
                                          .version = STR("v1"),
                                          .resource = resource,
                                          .operation = POLICY_CREATE };

        for (size_t i = 0; i < set->policies.count; i++)
                if (policy_may_match(set->policies.items[i], &subject))
                        return true;
        return false;
}

static void *start(const struct scan_options *options) {
        struct workloads *self = xrealloc(NULL, 1, sizeof *self);

        *self = (struct workloads){
                .workloads = is_asked(options->policies, STR("workloadidentities")),
                .bindings = is_asked(options->policies, STR("bindinguses")) ||
                            is_asked(options->policies, STR("roleuses")),
        };
        rbac_index_init(&self->index);
        rbac_index_add_defaults(&self->index);
        return self;
}

static struct rbac_place place_of(struct workloads *self, struct str file,
                                  const struct doc_node *node) {
        if (!str_eq(self->file, file))
                self->file = arena_str(&self->arena, file);
        return (struct rbac_place){ self->file, node->start };
}

static struct account *account_of(struct workloads *self, struct str namespace, struct str name) {
        struct str key = arena_printf(&self->arena, "%.*s/%.*s", STR_ARG(namespace), STR_ARG(name));
        struct map_entry *entry = map_put(&self->accounts, key);
        struct account *account = entry->value;

        if (!account) {
                account = entry->value = arena_new(&self->arena, struct account);
                account->automount = -1;
        }
        return account;
}

/* 0, 1, or -1 where NODE says nothing. */
static int automount_of(const struct doc_node *node) {
        const struct doc_node *automount = doc_get(node, STR("automountServiceAccountToken"));

        return automount && automount->kind == DOC_BOOL ? automount->boolean : -1;
}

/* A folder with a variant for each stage has an account twice: one that hands out its token does.
 */
static void add_account(struct workloads *self, struct str file, const struct resource *resource) {
        struct account *account = account_of(self, resource->namespace, resource->name);
        const struct doc_node *name = doc_find(resource->root, "metadata", "name");
        int automount = automount_of(resource->object);

        if (!account->known || automount != 0)
                account->automount = automount;
        account->known = true;
        account->place = place_of(self, file, name ? name : resource->root);
        map_put(&self->namespaces, arena_str(&self->arena, resource->namespace))->value = self;
}

/* A token for the API server itself: one for another audience is of no use there. */
static bool projects_token(const struct doc_node *spec) {
        const struct doc_node *volumes = doc_get(spec, STR("volumes"));

        for (uint32_t i = 0; volumes && volumes->kind == DOC_LIST && i < volumes->list.count; i++) {
                const struct doc_node *sources =
                        doc_find(&volumes->list.items[i], "projected", "sources");

                for (uint32_t k = 0;
                     sources && sources->kind == DOC_LIST && k < sources->list.count; k++) {
                        const struct doc_node *token =
                                doc_get(&sources->list.items[k], STR("serviceAccountToken"));

                        if (token && doc_string(doc_get(token, STR("audience")), STR("")).len == 0)
                                return true;
                }
        }
        return false;
}

/* The nearest thing to SPEC in the text that has a place. */
static const struct doc_node *place_in(const struct resource *resource,
                                       const struct doc_node *spec) {
        static const char *const keys[] = { "serviceAccountName", "serviceAccount",
                                            "automountServiceAccountToken" };
        const struct doc_node *node;

        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                node = doc_get(spec, str_from(keys[i]));
                if (node && !(node->flags & DOC_SYNTHETIC))
                        return node;
        }
        node = doc_find(resource->root, "metadata", "name");
        return node ? node : resource->root;
}

static void add_workload(struct workloads *self, struct str file, const struct resource *resource,
                         const struct doc_node *spec) {
        struct str name = doc_string(doc_get(spec, STR("serviceAccountName")), STR(""));
        struct workload *workload;

        if (name.len == 0)
                name = doc_string(doc_get(spec, STR("serviceAccount")), STR(""));
        if (name.len == 0)
                name = STR("default");
        workload = vec_push(&self->items);
        workload->base = (struct rbac_workload){
                .api_version = arena_str(&self->arena, resource->api_version),
                .kind = arena_str(&self->arena, resource->kind),
                .namespace = arena_str(&self->arena, resource->namespace),
                .name = arena_str(&self->arena, resource->name),
                .account = arena_str(&self->arena, name),
                .place = place_of(self, file, place_in(resource, spec)),
        };
        workload->automount = automount_of(spec);
        workload->projected = projects_token(spec);
        workload->account = account_of(self, resource->namespace, name);
        workload->account->users++;
}

static void add(void *userdata, struct str file, const struct resource *resource) {
        struct workloads *self = userdata;
        const struct doc_node *template, *spec;

        if (str_eq(resource->group, str_from(rbac_group))) {
                rbac_index_add(&self->index, file, resource);
        } else if (resource->known && str_eq(resource->kind, STR("ServiceAccount"))) {
                add_account(self, file, resource);
        } else if (resource->known && str_eq(resource->kind, STR("Pod"))) {
                spec = doc_get(resource->object, STR("spec"));
                if (spec)
                        add_workload(self, file, resource, spec);
        } else if (kube_pod_templates(resource->known, resource->object, &template, 1) > 0) {
                spec = doc_get(template, STR("spec"));
                if (spec)
                        add_workload(self, file, resource, spec);
        }
}

/* What is only known after the last object. Without a namespace, that of the account is guessed. */
static void complete(struct workloads *self, struct workload *workload) {
        const struct account *account = workload->account;
        struct rbac_workload *base = &workload->base;

        base->account_exists = account->known || str_eq(base->account, STR("default"));
        base->accounts_known = map_get(&self->namespaces, base->namespace) != NULL;
        base->account_place = account->place;
        base->sharing = account->users;
        base->mounted = workload->projected ||
                        (workload->automount >= 0 ? workload->automount : account->automount != 0);
        base->said = workload->projected && workload->automount != 1 ? "volume"
                     : workload->automount >= 0                      ? "pod"
                     : account->automount >= 0                       ? "account"
                                                                     : "default";
}

static bool account_exists(void *userdata, struct str namespace, struct str name) {
        struct workloads *self = userdata;

        return str_eq(name, STR("default")) || account_of(self, namespace, name)->known;
}

static bool accounts_known(void *userdata, struct str namespace) {
        struct workloads *self = userdata;

        return map_get(&self->namespaces, namespace) != NULL;
}

/* Bindings to what is not there, and roles that nobody has. */
static void emit_uses(struct workloads *self, analysis_emit_fn *emit, void *emit_data) {
        const struct rbac_accounts accounts = { account_exists, accounts_known, self };
        struct rbac_uses uses _cleanup_(rbac_uses_free) = { 0 };
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        rbac_uses_init(&uses, &self->index);
        for (size_t i = 0; i < self->index.all_bindings.count; i++) {
                const struct rbac_binding *binding = self->index.all_bindings.items[i];

                buf_clear(&json);
                if (rbac_add_binding_use(&json, &uses, binding, &accounts))
                        emit(emit_data, buf_str(&json), binding->place.file, binding->place.pos);
        }
        for (size_t i = 0; i < self->index.all_roles.count; i++) {
                const struct rbac_role *role = self->index.all_roles.items[i];

                buf_clear(&json);
                if (rbac_add_role_use(&json, &uses, role))
                        emit(emit_data, buf_str(&json), role->place.file, role->place.pos);
        }
}

static void finish(void *userdata, analysis_emit_fn *emit, void *emit_data) {
        struct workloads *self = userdata;
        size_t grants = 0;

        rbac_index_finish(&self->index);
        if (self->bindings)
                emit_uses(self, emit, emit_data);
        for (size_t i = 0; self->workloads && i < self->items.count; i++) {
                struct workload *workload = &self->items.items[i];
                struct buf json _cleanup_(buf_free) = BUF_INIT;

                complete(self, workload);
                if (grants > GRANTS_MAX) {
                        *vec_push(&self->problems) = (struct diagnostic){
                                .file = workload->base.place.file,
                                .pos = workload->base.place.pos,
                                .message = STR("what this workload may do was not judged: there "
                                               "are too many grants"),
                                .incomplete = true,
                        };
                        continue;
                }
                grants += rbac_add_workload(&json, &self->index, &workload->base);
                emit(emit_data, buf_str(&json), workload->base.place.file,
                     workload->base.place.pos);
        }
}

/* What is wrong with roles and bindings is told by the analysis of subjects, too, and then once. */
static const struct diagnostic *problems(void *userdata, size_t *ret_count) {
        struct workloads *self = userdata;

        for (size_t i = 0; i < self->index.problems.count; i++)
                *vec_push(&self->problems) = self->index.problems.items[i];
        self->index.problems.count = 0;
        *ret_count = self->problems.count;
        return self->problems.items;
}

static void *stop(void *userdata) {
        struct workloads *self = userdata;

        rbac_index_free(&self->index);
        map_free(&self->accounts);
        map_free(&self->namespaces);
        vec_free(&self->items);
        vec_free(&self->problems);
        arena_free(&self->arena);
        free(self);
        return NULL;
}

static const char *const made[] = { "workloadidentities", "bindinguses", "roleuses", NULL };

const struct analysis workloads_analysis = {
        .resources = made,
        .word = "",
        .reads = reads,
        .start = start,
        .add = add,
        .finish = finish,
        .problems = problems,
        .stop = stop,
};
