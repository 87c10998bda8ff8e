#include "rbac/subject.h"

#include "base/util.h"

bool rbac_is_bound(const struct rbac_principal *principal) {
        for (size_t i = 0; i < principal->grants.count; i++)
                if (!principal->grants.items[i].binding->standard)
                        return true;
        return false;
}

static void add_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, value);
        buf_add_char(buf, ',');
}

static void add_strings(struct buf *buf, const char *name, const struct rbac_strings *strings) {
        buf_printf(buf, "\"%s\":[", name);
        for (size_t i = 0; i < strings->count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                buf_add_json(buf, strings->items[i]);
        }
        buf_add(buf, STR("],"));
}

static void add_place(struct buf *buf, const char *name, struct str file, struct doc_pos pos) {
        buf_printf(buf, "\"%s\":{", name);
        add_field(buf, "file", file);
        buf_printf(buf, "\"line\":%u,\"column\":%u}", pos.line, pos.column);
}

static void add_binding_name(struct buf *buf, const struct rbac_binding *binding) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (binding->cluster)
                buf_printf(&text, "ClusterRoleBinding %.*s", STR_ARG(binding->name));
        else
                buf_printf(&text, "RoleBinding %.*s/%.*s", STR_ARG(binding->namespace),
                           STR_ARG(binding->name));
        add_field(buf, "binding", buf_str(&text));
        buf_clear(&text);
        buf_printf(&text, "%.*s %.*s", STR_ARG(binding->role_kind), STR_ARG(binding->role_name));
        add_field(buf, "role", buf_str(&text));
}

static void add_grant(struct buf *buf, const struct rbac_binding *binding,
                      const struct rbac_rule *rule, struct str group) {
        buf_add_char(buf, '{');
        add_field(buf, "namespace", binding->cluster ? STR("") : binding->namespace);
        add_field(buf, "group", group);
        buf_printf(buf, "\"standard\":%s,", binding->standard ? "true" : "false");
        add_binding_name(buf, binding);
        add_strings(buf, "verbs", &rule->verbs);
        add_strings(buf, "apiGroups", &rule->groups);
        add_strings(buf, "resources", &rule->resources);
        add_strings(buf, "resourceNames", &rule->names);
        add_strings(buf, "nonResourceURLs", &rule->urls);
        add_place(buf, "place", rule->role->place.file, rule->pos);
        buf_add_char(buf, ',');
        add_place(buf, "bindingPlace", binding->place.file, binding->place.pos);
        buf_add(buf, STR("},"));
}

static void add_grants(struct buf *buf, const struct rbac_principal *principal, struct str group) {
        for (size_t i = 0; principal && i < principal->grants.count; i++) {
                const struct rbac_binding *binding = principal->grants.items[i].binding;

                for (size_t k = 0; binding->role && k < binding->role->rule_count; k++)
                        add_grant(buf, binding, binding->role->rules[k], group);
        }
}

static void add_identity(struct buf *buf, const struct rbac_principal *principal) {
        struct buf title _cleanup_(buf_free) = BUF_INIT;
        struct str namespace = STR(""), name = principal->name;
        bool group = principal->kind == RBAC_GROUP;
        bool account = !group && rbac_service_account(principal->name, &namespace, &name);
        const char *kind = group ? "Group" : account ? "ServiceAccount" : "User";

        buf_add(buf, STR("\"metadata\":{"));
        if (account)
                add_field(buf, "namespace", namespace);
        buf_add(buf, STR("\"name\":"));
        buf_add_json(buf, name);
        buf_add(buf, STR("},\"subject\":{"));
        add_field(buf, "kind", str_from(kind));
        add_field(buf, group ? "group" : "user", principal->name);
        buf_printf(&title, "%s \"%.*s%s%.*s\"", kind, STR_ARG(namespace), account ? "/" : "",
                   STR_ARG(name));
        buf_add(buf, STR("\"title\":"));
        buf_add_json(buf, buf_str(&title));
        buf_add(buf, STR("},"));
}

void rbac_add_subject(struct buf *buf, const struct rbac_index *index,
                      const struct rbac_principal *principal) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str groups[RBAC_IMPLIED_GROUPS];
        size_t count = 0;

        buf_add(buf, STR("{\"apiVersion\":\"" RBAC_SUBJECT_API_VERSION "\",\"kind\":\"Subject\","));
        add_identity(buf, principal);
        buf_add(buf, STR("\"grants\":["));
        add_grants(buf, principal, STR(""));
        if (principal->kind != RBAC_GROUP)
                count = rbac_implied_groups(&arena, principal->name, groups);
        for (size_t i = 0; i < count; i++)
                add_grants(buf, map_get(&index->groups, groups[i]), groups[i]);
        if (buf->data[buf->len - 1] == ',')
                buf->len--;
        buf_add(buf, STR("]}"));
}
