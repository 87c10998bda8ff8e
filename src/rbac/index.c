#include <errno.h>

#include "base/util.h"
#include "doc/write.h"
#include "kube/selector.h"
#include "rbac/private.h"

#define RBAC_GROUP_NAME "rbac.authorization.k8s.io"

/* One object while it is read. The first problem wins; the object is left out then. */
struct reader {
        struct rbac_index *index;
        const struct resource *resource;
        struct rbac_place place;
        struct error error;
        bool broken;
};

static void broken(struct reader *reader, const struct doc_node *node, const char *what) {
        if (reader->broken)
                return;
        reader->broken = true;
        error_set_at(&reader->error, -EINVAL, node->start.line, node->start.column, "%s", what);
}

void rbac_problem(struct rbac_index *index, const struct rbac_place *place, bool incomplete,
                  const char *format, ...) {
        struct diagnostic *problem = vec_push(&index->problems);
        va_list args;

        va_start(args, format);
        *problem = (struct diagnostic){ .file = place->file,
                                        .pos = place->pos,
                                        .message = arena_vprintf(&index->arena, format, args),
                                        .incomplete = incomplete };
        va_end(args);
}

void rbac_index_init(struct rbac_index *index) {
        *index = (struct rbac_index){ 0 };
}

static void free_principals(struct map *map) {
        for (size_t i = 0; i < map->count; i++)
                vec_free(&((struct rbac_principal *)map->entries[i].value)->grants);
        map_free(map);
}

void rbac_index_free(struct rbac_index *index) {
        free_principals(&index->users);
        free_principals(&index->groups);
        map_free(&index->cluster_roles);
        map_free(&index->roles);
        map_free(&index->bindings);
        map_free(&index->namespaces);
        vec_free(&index->all_roles);
        vec_free(&index->all_bindings);
        vec_free(&index->problems);
        arena_free(&index->arena);
}

/* --- fields --- */

static bool absent(const struct doc_node *node) {
        return !node || node->kind == DOC_NULL;
}

static struct str read_string(struct reader *reader, const struct doc_node *map, struct str key) {
        const struct doc_node *node = doc_get(map, key);

        if (absent(node))
                return STR("");
        if (node->kind != DOC_STRING)
                broken(reader, node, "must be a string");
        return arena_str(&reader->index->arena, doc_string(node, STR("")));
}

/* The items of list KEY of MAP; an absent one has none. */
static const struct doc_node *read_list(struct reader *reader, const struct doc_node *map,
                                        struct str key, size_t *ret_count) {
        const struct doc_node *node = doc_get(map, key);

        *ret_count = 0;
        if (absent(node))
                return NULL;
        if (node->kind != DOC_LIST) {
                broken(reader, node, "must be a list");
                return NULL;
        }
        *ret_count = node->list.count;
        return node->list.items;
}

static void read_strings(struct reader *reader, const struct doc_node *map, struct str key,
                         struct rbac_strings *ret) {
        const struct doc_node *items = read_list(reader, map, key, &ret->count);

        ret->items = arena_new_array(&reader->index->arena, ret->count, struct str);
        for (size_t i = 0; i < ret->count; i++) {
                if (items[i].kind == DOC_STRING)
                        ret->items[i] = arena_str(&reader->index->arena, items[i].string);
                else
                        broken(reader, &items[i], "must be a string");
                ret->any |= str_eq(ret->items[i], STR("*"));
        }
}

/* NODE in memory of its own, through JSON: its source is about to go. */
static const struct doc_node *copy(struct rbac_index *index, const struct doc_node *node) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(&index->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        if (absent(node))
                return NULL;
        doc_write_json(&json, node);
        *source = (struct doc_source){ STR(""), arena_str(&index->arena, buf_str(&json)) };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        return doc_read(&reader, &index->arena, &doc, NULL) > 0 ? doc->root : NULL;
}

/* --- roles --- */

static void read_rule(struct reader *reader, const struct doc_node *node, struct rbac_rule *ret) {
        if (node->kind != DOC_MAP) {
                broken(reader, node, "a rule must be a map");
                return;
        }
        ret->pos = node->start;
        read_strings(reader, node, STR("verbs"), &ret->verbs);
        read_strings(reader, node, STR("apiGroups"), &ret->groups);
        read_strings(reader, node, STR("resources"), &ret->resources);
        read_strings(reader, node, STR("resourceNames"), &ret->names);
        read_strings(reader, node, STR("nonResourceURLs"), &ret->urls);
        /* A star in resourceNames is a name like any other. */
        ret->names.any = false;
}

static void read_rules(struct reader *reader, struct rbac_role *role) {
        struct arena *arena = &reader->index->arena;
        const struct doc_node *items =
                read_list(reader, reader->resource->object, STR("rules"), &role->own_count);

        role->own = arena_new_array(arena, role->own_count, struct rbac_rule);
        role->rules = arena_new_array(arena, role->own_count, const struct rbac_rule *);
        role->rule_count = role->own_count;
        for (size_t i = 0; i < role->own_count; i++) {
                read_rule(reader, &items[i], &role->own[i]);
                role->own[i].role = role;
                role->rules[i] = &role->own[i];
        }
}

static void read_selectors(struct reader *reader, struct rbac_role *role) {
        const struct doc_node *object = reader->resource->object;
        const struct doc_node *rule = doc_get(object, STR("aggregationRule"));
        const struct doc_node *items;
        size_t count;

        role->labels = copy(reader->index, doc_find(object, "metadata", "labels"));
        if (absent(rule))
                return;
        if (rule->kind != DOC_MAP) {
                broken(reader, rule, "must be a map");
                return;
        }
        items = read_list(reader, rule, STR("clusterRoleSelectors"), &count);
        for (size_t i = 0; i < count && !reader->broken; i++)
                if (kube_selector_check(&items[i], &reader->error) < 0)
                        reader->broken = true;
        if (!reader->broken)
                role->selectors = copy(reader->index, doc_get(rule, STR("clusterRoleSelectors")));
}

/* A name within a namespace (or KIND): the length in front keeps them apart whatever they hold. */
static struct str key_of(struct rbac_index *index, struct str scope, struct str name) {
        struct buf key _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&key, "%zu:", scope.len);
        buf_add(&key, scope);
        buf_add(&key, name);
        return arena_str(&index->arena, buf_str(&key));
}

static void given_twice(struct rbac_index *index, const struct rbac_place *place,
                        const struct rbac_place *before, const char *kind, struct str name) {
        if (before->file.len > 0)
                rbac_problem(index, place, false,
                             "%s \"%.*s\" is also in %.*s:%u; the last one counts", kind,
                             STR_ARG(name), STR_ARG(before->file), before->pos.line);
}

static void add_role(struct reader *reader, bool cluster) {
        struct rbac_index *index = reader->index;
        struct rbac_role *role = arena_new(&index->arena, struct rbac_role), *before;
        struct map_entry *entry;

        role->cluster = cluster;
        role->namespace = arena_str(&index->arena, reader->resource->namespace);
        role->name = arena_str(&index->arena, reader->resource->name);
        role->place = reader->place;
        read_rules(reader, role);
        if (cluster)
                read_selectors(reader, role);
        if (reader->broken)
                return;
        entry = cluster ? map_put(&index->cluster_roles, role->name)
                        : map_put(&index->roles, key_of(index, role->namespace, role->name));
        before = entry->value;
        if (before) {
                before->replaced = true;
                given_twice(index, &role->place, &before->place, cluster ? "ClusterRole" : "Role",
                            role->name);
        }
        entry->value = role;
        *vec_push(&index->all_roles) = role;
}

/* --- bindings --- */

static struct str service_account_user(struct rbac_index *index, struct str namespace,
                                       struct str name) {
        struct buf user _cleanup_(buf_free) = BUF_INIT;

        if (namespace.len == 0)
                return STR("");
        buf_add(&user, STR("system:serviceaccount:"));
        buf_add(&user, namespace);
        buf_add_char(&user, ':');
        buf_add(&user, name);
        return arena_str(&index->arena, buf_str(&user));
}

static void read_subject(struct reader *reader, const struct rbac_binding *binding,
                         const struct doc_node *node, struct rbac_subject *ret) {
        struct str kind;

        if (node->kind != DOC_MAP) {
                broken(reader, node, "a subject must be a map");
                return;
        }
        kind = read_string(reader, node, STR("kind"));
        ret->pos = node->start;
        ret->name = read_string(reader, node, STR("name"));
        ret->namespace = read_string(reader, node, STR("namespace"));
        ret->kind = RBAC_SUBJECT_OTHER;
        if (str_eq(kind, STR("User")))
                ret->kind = RBAC_USER;
        else if (str_eq(kind, STR("Group")))
                ret->kind = RBAC_GROUP;
        else if (str_eq(kind, STR("ServiceAccount")))
                ret->kind = RBAC_SERVICE_ACCOUNT;
        if (ret->kind != RBAC_SERVICE_ACCOUNT)
                return;
        if (ret->namespace.len == 0)
                ret->namespace = binding->namespace;
        ret->user = service_account_user(reader->index, ret->namespace, ret->name);
}

/* The API server labels what it makes itself, and puts it right when it starts; it is built in,
 * whether it comes with the program or from a live cluster. */
static bool is_standard(const struct resource *resource) {
        const struct doc_node *label = doc_get(doc_find(resource->object, "metadata", "labels"),
                                               STR("kubernetes.io/bootstrapping"));

        return str_eq(doc_string(label, STR("")), STR("rbac-defaults")) &&
               (str_starts(resource->name, STR("system:")) ||
                str_eq(resource->name, STR("cluster-admin")));
}

static void add_binding(struct reader *reader, bool cluster) {
        struct rbac_index *index = reader->index;
        struct rbac_binding *binding = arena_new(&index->arena, struct rbac_binding), *before;
        const struct doc_node *ref = doc_get(reader->resource->object, STR("roleRef"));
        const struct doc_node *items = read_list(reader, reader->resource->object, STR("subjects"),
                                                 &binding->subject_count);
        struct map_entry *entry;

        binding->cluster = cluster;
        binding->namespace = arena_str(&index->arena, reader->resource->namespace);
        binding->name = arena_str(&index->arena, reader->resource->name);
        binding->place = reader->place;
        binding->standard = reader->place.file.len == 0 || is_standard(reader->resource);
        if (ref && ref->kind != DOC_MAP)
                broken(reader, ref, "must be a map");
        binding->role_kind = read_string(reader, ref, STR("kind"));
        binding->role_name = read_string(reader, ref, STR("name"));
        binding->subjects =
                arena_new_array(&index->arena, binding->subject_count, struct rbac_subject);
        for (size_t i = 0; i < binding->subject_count; i++)
                read_subject(reader, binding, &items[i], &binding->subjects[i]);
        if (reader->broken)
                return;
        /* A star is no namespace: it keeps the ClusterRoleBindings apart. */
        entry = map_put(&index->bindings,
                        key_of(index, cluster ? STR("*") : binding->namespace, binding->name));
        before = entry->value;
        if (before) {
                before->replaced = true;
                given_twice(index, &binding->place, &before->place,
                            cluster ? "ClusterRoleBinding" : "RoleBinding", binding->name);
        }
        entry->value = binding;
        binding->order = (uint32_t)index->all_bindings.count;
        *vec_push(&index->all_bindings) = binding;
}

/* --- objects --- */

static struct str file_name(struct rbac_index *index, struct str file) {
        if (!str_eq(index->file, file))
                index->file = arena_str(&index->arena, file);
        return index->file;
}

void rbac_index_add(struct rbac_index *index, struct str file, const struct resource *resource) {
        struct reader reader = { .index = index, .resource = resource };

        if (!str_eq(resource->group, STR(RBAC_GROUP_NAME)))
                return;
        reader.place = (struct rbac_place){ file_name(index, file), resource->root->start };
        if (str_eq(resource->kind, STR("Role")))
                add_role(&reader, false);
        else if (str_eq(resource->kind, STR("ClusterRole")))
                add_role(&reader, true);
        else if (str_eq(resource->kind, STR("RoleBinding")))
                add_binding(&reader, false);
        else if (str_eq(resource->kind, STR("ClusterRoleBinding")))
                add_binding(&reader, true);
        if (!reader.broken)
                return;
        if (reader.error.line > 0)
                reader.place.pos = (struct doc_pos){ reader.error.line, reader.error.column };
        rbac_problem(index, &reader.place, true, "%.*s \"%.*s\" cannot be used: %s",
                     STR_ARG(resource->kind), STR_ARG(resource->name), reader.error.message);
}

void rbac_index_add_defaults(struct rbac_index *index) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR(""), str_from(rbac_defaults_json) };
        struct resource_list resources;
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        if (doc_read(&reader, &arena, &doc, NULL) <= 0)
                return;
        resources_of(&arena, doc, STR(""), false, &resources);
        for (size_t i = 0; i < resources.count; i++)
                rbac_index_add(index, STR(""), &resources.items[i]);
}

/* --- finishing --- */

static void sign_rule(const struct rbac_rule *rule, struct rbac_signature *ret) {
        if (rule->verbs.any)
                ret->verbs = UINT32_MAX;
        for (size_t i = 0; i < rule->verbs.count; i++)
                ret->verbs |= rbac_verb_bit(rule->verbs.items[i]);
        if (rule->urls.count > 0)
                ret->objects |= (uint32_t)1 << RBAC_URL_BIT;
        if (rule->resources.any)
                ret->objects |= UINT32_MAX >> 1;
        for (size_t i = 0; i < rule->resources.count; i++) {
                struct str resource = rule->resources.items[i];

                /* Whoever asks for "pods/exec" as if it were a resource is heard, too. */
                ret->objects |= rbac_resource_bit(resource);
                if (str_find(resource, STR("/"), 0) >= 0)
                        ret->objects |= rbac_subresource_bit(resource);
        }
}

struct rbac_signature rbac_signature_of(const struct rbac_role *role) {
        struct rbac_signature signature = { 0 };

        for (size_t i = 0; i < role->rule_count; i++)
                sign_rule(role->rules[i], &signature);
        return signature;
}

static uint32_t space_of(struct rbac_index *index, const struct rbac_binding *binding) {
        struct map_entry *entry;

        if (binding->cluster)
                return 0;
        entry = map_put(&index->namespaces, binding->namespace);
        if (!entry->value)
                entry->value = (void *)(uintptr_t)index->namespaces.count;
        return (uint32_t)(uintptr_t)entry->value;
}

static void add_grant(struct rbac_index *index, const struct rbac_binding *binding, uint32_t space,
                      const struct rbac_subject *subject) {
        bool account = subject->kind == RBAC_SERVICE_ACCOUNT;
        struct map *map = subject->kind == RBAC_GROUP ? &index->groups : &index->users;
        struct str name = account ? subject->user : subject->name;
        struct rbac_principal *principal;
        struct map_entry *entry;
        struct rbac_grant *grant;

        if (subject->kind == RBAC_SUBJECT_OTHER || (account && name.len == 0))
                return;
        entry = map_put(map, name);
        principal = entry->value;
        if (!principal) {
                principal = arena_new(&index->arena, struct rbac_principal);
                principal->kind = subject->kind;
                principal->name = name;
                entry->value = principal;
        }
        /* A binding may name the same subject twice. */
        if (principal->grants.count > 0 &&
            principal->grants.items[principal->grants.count - 1].binding == binding)
                return;
        grant = vec_push(&principal->grants);
        *grant = (struct rbac_grant){ space,
                                      binding->role ? binding->role->signature
                                                    : (struct rbac_signature){ 0 },
                                      binding, binding->role };
}

static int compare_grants(const void *a, const void *b) {
        const struct rbac_grant *left = a, *right = b;

        if (left->space != right->space)
                return left->space < right->space ? -1 : 1;
        return left->binding->order < right->binding->order ? -1 : 1;
}

static void sort_grants(struct map *map) {
        for (size_t i = 0; i < map->count; i++) {
                struct rbac_principal *principal = map->entries[i].value;

                qsort(principal->grants.items, principal->grants.count,
                      sizeof *principal->grants.items, compare_grants);
        }
}

static const struct rbac_role *role_of(struct rbac_index *index,
                                       const struct rbac_binding *binding) {
        if (str_eq(binding->role_kind, STR("ClusterRole")))
                return map_get(&index->cluster_roles, binding->role_name);
        if (!binding->cluster && str_eq(binding->role_kind, STR("Role")))
                return map_get(&index->roles,
                               key_of(index, binding->namespace, binding->role_name));
        return NULL;
}

void rbac_index_finish(struct rbac_index *index) {
        rbac_aggregate(index);
        for (size_t i = 0; i < index->all_roles.count; i++)
                index->all_roles.items[i]->signature = rbac_signature_of(index->all_roles.items[i]);
        for (size_t i = 0; i < index->all_bindings.count; i++) {
                struct rbac_binding *binding = index->all_bindings.items[i];
                uint32_t space;

                if (binding->replaced)
                        continue;
                binding->role = role_of(index, binding);
                space = space_of(index, binding);
                for (size_t k = 0; k < binding->subject_count; k++)
                        add_grant(index, binding, space, &binding->subjects[k]);
        }
        sort_grants(&index->users);
        sort_grants(&index->groups);
        index->authenticated = map_get(&index->groups, STR("system:authenticated"));
        index->accounts = map_get(&index->groups, STR("system:serviceaccounts"));
}
