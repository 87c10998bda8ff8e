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

/* Who the grants are written for. */
struct writer {
        struct buf *buf;
        const struct rbac_place *about; /* where findings are placed; NULL: at the rule */
        size_t count;
};

static void add_grant(struct writer *writer, const struct rbac_binding *binding,
                      const struct rbac_rule *rule, struct str group) {
        struct buf *buf = writer->buf;
        const struct rbac_place *about = writer->about;

        buf_add_char(buf, '{');
        add_field(buf, "namespace", binding->cluster ? STR("") : binding->namespace);
        add_field(buf, about ? "through" : "group", group);
        buf_printf(buf, "\"standard\":%s,", binding->standard ? "true" : "false");
        add_binding_name(buf, binding);
        add_strings(buf, "verbs", &rule->verbs);
        add_strings(buf, "apiGroups", &rule->groups);
        add_strings(buf, "resources", &rule->resources);
        add_strings(buf, "resourceNames", &rule->names);
        add_strings(buf, "nonResourceURLs", &rule->urls);
        if (about) {
                add_place(buf, "place", about->file, about->pos);
                buf_add_char(buf, ',');
                add_place(buf, "bindingPlace", binding->place.file, binding->place.pos);
                buf_add_char(buf, ',');
                add_place(buf, "rulePlace", rule->role->place.file, rule->pos);
        } else {
                add_place(buf, "place", rule->role->place.file, rule->pos);
                buf_add_char(buf, ',');
                add_place(buf, "bindingPlace", binding->place.file, binding->place.pos);
        }
        buf_add(buf, STR("},"));
        writer->count++;
}

static void add_grants(struct writer *writer, const struct rbac_principal *principal,
                       struct str group) {
        for (size_t i = 0; principal && i < principal->grants.count; i++) {
                const struct rbac_binding *binding = principal->grants.items[i].binding;

                for (size_t k = 0; binding->role && k < binding->role->rule_count; k++)
                        add_grant(writer, binding, binding->role->rules[k], group);
        }
}

/* The member "grants": those of PRINCIPAL, which may be NULL, and those of the groups of USER. */
static void add_all_grants(struct writer *writer, const struct rbac_index *index,
                           const struct rbac_principal *principal, struct str user) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str groups[RBAC_IMPLIED_GROUPS];
        size_t count = user.len > 0 ? rbac_implied_groups(&arena, user, groups) : 0;

        buf_add(writer->buf, STR("\"grants\":["));
        add_grants(writer, principal, STR(""));
        for (size_t i = 0; i < count; i++)
                add_grants(writer, map_get(&index->groups, groups[i]), groups[i]);
        if (writer->buf->data[writer->buf->len - 1] == ',')
                writer->buf->len--;
        buf_add_char(writer->buf, ']');
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
        struct writer writer = { .buf = buf };

        buf_add(buf, STR("{\"apiVersion\":\"" RBAC_SUBJECT_API_VERSION "\",\"kind\":\"Subject\","));
        add_identity(buf, principal);
        add_all_grants(&writer, index, principal,
                       principal->kind == RBAC_GROUP ? STR("") : principal->name);
        buf_add_char(buf, '}');
}

/* --- workloads --- */

static void add_title(struct buf *buf, struct str kind, struct str namespace, struct str name) {
        struct buf title _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&title, "%.*s \"%.*s%s%.*s\"", STR_ARG(kind), STR_ARG(namespace),
                   namespace.len ? "/" : "", STR_ARG(name));
        add_field(buf, "title", buf_str(&title));
}

static void add_account(struct buf *buf, const struct rbac_workload *workload) {
        struct buf user _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&user, "system:serviceaccount:%.*s:%.*s", STR_ARG(workload->namespace),
                   STR_ARG(workload->account));
        buf_add(buf, STR("\"account\":{"));
        add_field(buf, "name", workload->account);
        add_field(buf, "namespace", workload->namespace);
        add_field(buf, "user", buf_str(&user));
        add_title(buf, STR("ServiceAccount"), workload->namespace, workload->account);
        buf_printf(buf, "\"exists\":%s,\"known\":%s,\"workloads\":%u,",
                   workload->account_exists ? "true" : "false",
                   workload->accounts_known ? "true" : "false", workload->sharing);
        add_place(buf, "place", workload->place.file, workload->place.pos);
        if (workload->account_place.file.len > 0) {
                buf_add_char(buf, ',');
                add_place(buf, "accountPlace", workload->account_place.file,
                          workload->account_place.pos);
        }
        buf_add(buf, STR("},"));
}

size_t rbac_add_workload(struct buf *buf, const struct rbac_index *index,
                         const struct rbac_workload *workload) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str user = arena_printf(&arena, "system:serviceaccount:%.*s:%.*s",
                                       STR_ARG(workload->namespace), STR_ARG(workload->account));
        struct writer writer = { .buf = buf, .about = &workload->place };

        buf_add(buf, STR("{\"apiVersion\":\"" RBAC_SUBJECT_API_VERSION
                         "\",\"kind\":\"WorkloadIdentity\",\"metadata\":{"));
        add_field(buf, "namespace", workload->namespace);
        buf_add(buf, STR("\"name\":"));
        buf_add_json(buf, workload->name);
        buf_add(buf, STR("},\"about\":{"));
        add_field(buf, "apiVersion", workload->api_version);
        add_field(buf, "kind", workload->kind);
        add_field(buf, "namespace", workload->namespace);
        buf_add(buf, STR("\"name\":"));
        buf_add_json(buf, workload->name);
        buf_add(buf, STR("},\"workload\":{"));
        add_title(buf, workload->kind, workload->namespace, workload->name);
        add_place(buf, "place", workload->place.file, workload->place.pos);
        buf_add(buf, STR("},"));
        add_account(buf, workload);
        buf_printf(buf, "\"token\":{\"mounted\":%s,\"said\":\"%s\",",
                   workload->mounted ? "true" : "false", workload->said);
        add_place(buf, "place", workload->place.file, workload->place.pos);
        buf_add(buf, STR("},"));
        add_all_grants(&writer, index, map_get(&index->users, user), user);
        buf_add_char(buf, '}');
        return writer.count;
}
