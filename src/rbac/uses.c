#include "rbac/uses.h"

#include "base/util.h"

static const char api_version[] = "rbac.authorization.k8s.io/v1";

/* A key for maps: the address of ROLE as text. */
static struct str key_of(const struct rbac_role *role, const struct rbac_role **self) {
        *self = role;
        return (struct str){ (const char *)self, sizeof *self };
}

static bool is_own(struct str file) {
        return file.len > 0;
}

static void put(struct rbac_uses *uses, struct map *map, const struct rbac_role *role,
                size_t count) {
        const struct rbac_role **self = arena_new(&uses->arena, const struct rbac_role *);
        struct map_entry *entry = map_put(map, key_of(role, self));

        entry->value = (void *)((uintptr_t)entry->value + count);
}

void rbac_uses_init(struct rbac_uses *uses, const struct rbac_index *index) {
        *uses = (struct rbac_uses){ 0 };
        for (size_t i = 0; i < index->all_bindings.count; i++) {
                const struct rbac_binding *binding = index->all_bindings.items[i];

                if (binding->replaced)
                        continue;
                uses->bindings += is_own(binding->place.file);
                if (binding->role)
                        put(uses, &uses->bound, binding->role, 1);
        }
        for (size_t i = 0; i < index->all_roles.count; i++) {
                const struct rbac_role *role = index->all_roles.items[i];

                for (size_t k = 0; k < role->rule_count; k++)
                        if (role->rules[k]->role != role)
                                put(uses, &uses->aggregated, role->rules[k]->role, 1);
                if (is_own(role->place.file))
                        map_put(&uses->spaces, role->cluster ? STR("") : role->namespace)->value =
                                uses;
        }
}

void rbac_uses_free(struct rbac_uses *uses) {
        map_free(&uses->bound);
        map_free(&uses->aggregated);
        map_free(&uses->spaces);
        arena_free(&uses->arena);
}

/* --- writing --- */

static void add_text(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, value);
        buf_add_char(buf, ',');
}

static void add_flag(struct buf *buf, const char *name, bool value) {
        buf_printf(buf, "\"%s\":%s,", name, value ? "true" : "false");
}

/* The last member of its map. */
static void add_place(struct buf *buf, struct str file, struct doc_pos pos) {
        buf_add(buf, STR("\"place\":{"));
        add_text(buf, "file", file);
        buf_printf(buf, "\"line\":%u,\"column\":%u}}", pos.line, pos.column);
}

static void add_title(struct buf *buf, const char *kind, struct str namespace, struct str name) {
        struct buf title _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&title, "%s \"%.*s%s%.*s\"", kind, STR_ARG(namespace), namespace.len ? "/" : "",
                   STR_ARG(name));
        add_text(buf, "title", buf_str(&title));
}

static void add_about(struct buf *buf, const char *own_kind, const char *kind, struct str namespace,
                      struct str name) {
        buf_printf(buf, "{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"%s\",\"metadata\":{",
                   own_kind);
        if (namespace.len > 0)
                add_text(buf, "namespace", namespace);
        buf_add(buf, STR("\"name\":"));
        buf_add_json(buf, name);
        buf_printf(buf, "},\"about\":{\"apiVersion\":\"%s\",\"kind\":\"%s\",", api_version, kind);
        add_text(buf, "namespace", namespace);
        buf_add(buf, STR("\"name\":"));
        buf_add_json(buf, name);
        buf_add(buf, STR("},"));
}

static void add_subject(struct buf *buf, const struct rbac_binding *binding,
                        const struct rbac_subject *subject, const struct rbac_accounts *accounts) {
        buf_add_char(buf, '{');
        add_title(buf, "ServiceAccount", subject->namespace, subject->name);
        add_flag(buf, "exists",
                 accounts->exists(accounts->userdata, subject->namespace, subject->name));
        add_flag(buf, "known", accounts->known(accounts->userdata, subject->namespace));
        add_place(buf, binding->place.file, subject->pos);
        buf_add_char(buf, ',');
}

/* Roles that begin with "system:" are those of Kubernetes' own components, not all of which are
 * built in here. */
static bool role_exists(const struct rbac_binding *binding) {
        return binding->role || str_starts(binding->role_name, STR("system:"));
}

bool rbac_add_binding_use(struct buf *buf, const struct rbac_uses *uses,
                          const struct rbac_binding *binding,
                          const struct rbac_accounts *accounts) {
        const char *kind = binding->cluster ? "ClusterRoleBinding" : "RoleBinding";
        bool cluster_role = str_eq(binding->role_kind, STR("ClusterRole"));
        struct buf role _cleanup_(buf_free) = BUF_INIT;

        if (!is_own(binding->place.file) || binding->replaced)
                return false;
        add_about(buf, "BindingUse", kind, binding->namespace, binding->name);
        buf_add(buf, STR("\"binding\":{"));
        add_title(buf, kind, binding->namespace, binding->name);
        buf_printf(&role, "%.*s %.*s", STR_ARG(binding->role_kind), STR_ARG(binding->role_name));
        add_text(buf, "role", buf_str(&role));
        add_place(buf, binding->place.file, binding->place.pos);
        buf_add(buf, STR(",\"role\":{"));
        add_flag(buf, "exists", role_exists(binding));
        add_flag(buf, "known",
                 map_get(&uses->spaces, cluster_role ? STR("") : binding->namespace) != NULL);
        add_place(buf, binding->place.file, binding->place.pos);
        buf_add(buf, STR(",\"subjects\":["));
        for (size_t i = 0; i < binding->subject_count; i++)
                if (binding->subjects[i].kind == RBAC_SERVICE_ACCOUNT &&
                    binding->subjects[i].namespace.len > 0)
                        add_subject(buf, binding, &binding->subjects[i], accounts);
        if (buf->data[buf->len - 1] == ',')
                buf->len--;
        buf_add(buf, STR("]}"));
        return true;
}

static size_t count_of(const struct map *map, const struct rbac_role *role) {
        const struct rbac_role *self;

        return (size_t)(uintptr_t)map_get(map, key_of(role, &self));
}

bool rbac_add_role_use(struct buf *buf, const struct rbac_uses *uses,
                       const struct rbac_role *role) {
        const char *kind = role->cluster ? "ClusterRole" : "Role";
        struct str namespace = role->cluster ? STR("") : role->namespace;

        if (!is_own(role->place.file) || role->replaced || str_starts(role->name, STR("system:")))
                return false;
        add_about(buf, "RoleUse", kind, namespace, role->name);
        buf_add(buf, STR("\"role\":{"));
        add_title(buf, kind, namespace, role->name);
        buf_printf(buf, "\"bindings\":%zu,", count_of(&uses->bound, role));
        add_flag(buf, "aggregated", count_of(&uses->aggregated, role) > 0);
        add_flag(buf, "known", uses->bindings > 0);
        add_place(buf, role->place.file, role->place.pos);
        buf_add_char(buf, '}');
        return true;
}
