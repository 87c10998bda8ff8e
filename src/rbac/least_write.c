/* The roles of least.c as manifests: everything of the log is written as JSON strings, which are
 * YAML, so that no name can break out. */
#include "rbac/least.h"

#define API_GROUP "rbac.authorization.k8s.io"

static void add_list(struct buf *buf, const struct str *items, size_t count) {
        buf_add_char(buf, '[');
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        buf_add(buf, STR(", "));
                buf_add_json(buf, items[i]);
        }
        buf_add_char(buf, ']');
}

/* --- YAML --- */

static void add_line(struct buf *buf, const char *key, struct str value) {
        buf_printf(buf, "%s: ", key);
        buf_add_json(buf, value);
        buf_add_char(buf, '\n');
}

static void add_items(struct buf *buf, const char *key, const struct str *items, size_t count) {
        if (count == 0)
                return;
        buf_printf(buf, "%s: ", key);
        add_list(buf, items, count);
        buf_add_char(buf, '\n');
}

static void add_head(struct buf *buf, const struct rbac_least_role *role, const char *what) {
        buf_printf(buf, "---\napiVersion: " API_GROUP "/v1\nkind: %s%s\nmetadata:\n",
                   role->namespace.len ? "" : "Cluster", what);
        add_line(buf, "  name", role->name);
        if (role->namespace.len > 0)
                add_line(buf, "  namespace", role->namespace);
}

static void add_rule(struct buf *buf, const struct rbac_least_rule *rule) {
        if (rule->resource_count > 0)
                add_items(buf, "  - apiGroups", &rule->group, 1);
        add_items(buf, "    resources", rule->resources, rule->resource_count);
        add_items(buf, "    resourceNames", rule->names, rule->name_count);
        add_items(buf, "  - nonResourceURLs", rule->urls, rule->url_count);
        add_items(buf, "    verbs", rule->verbs, rule->verb_count);
}

static void add_subject(struct buf *buf, struct str user) {
        struct str namespace, name;

        if (rbac_service_account(user, &namespace, &name)) {
                buf_add(buf, STR("  - kind: ServiceAccount\n"));
                add_line(buf, "    name", name);
                add_line(buf, "    namespace", namespace);
        } else {
                buf_add(buf, STR("  - apiGroup: " API_GROUP "\n    kind: User\n"));
                add_line(buf, "    name", user);
        }
}

static void add_role(struct buf *buf, const struct rbac_least_role *role) {
        add_head(buf, role, "Role");
        buf_add(buf, STR("rules:\n"));
        for (size_t i = 0; i < role->count; i++)
                add_rule(buf, &role->items[i]);
        add_head(buf, role, "RoleBinding");
        buf_printf(buf, "roleRef:\n  apiGroup: " API_GROUP "\n  kind: %sRole\n",
                   role->namespace.len ? "" : "Cluster");
        add_line(buf, "  name", role->name);
        buf_add(buf, STR("subjects:\n"));
        add_subject(buf, role->user);
}

void rbac_least_yaml(struct buf *buf, const struct rbac_least *roles) {
        for (size_t i = 0; i < roles->count; i++)
                add_role(buf, &roles->items[i]);
}

/* --- JSON --- */

static void add_field(struct buf *buf, const char *key, struct str value) {
        buf_printf(buf, "\"%s\":", key);
        buf_add_json(buf, value);
        buf_add_char(buf, ',');
}

static void add_array(struct buf *buf, const char *key, const struct str *items, size_t count) {
        if (count == 0)
                return;
        buf_printf(buf, "\"%s\":", key);
        add_list(buf, items, count);
        buf_add_char(buf, ',');
}

static void add_json_role(struct buf *buf, const struct rbac_least_role *role) {
        buf_add_char(buf, '{');
        add_field(buf, "user", role->user);
        buf_printf(buf, "\"kind\":\"%sRole\",", role->namespace.len ? "" : "Cluster");
        add_field(buf, "namespace", role->namespace);
        add_field(buf, "name", role->name);
        buf_add(buf, STR("\"rules\":["));
        for (size_t i = 0; i < role->count; i++) {
                const struct rbac_least_rule *rule = &role->items[i];

                buf_add(buf, i ? STR(",\n    {") : STR("\n    {"));
                if (rule->resource_count > 0)
                        add_array(buf, "apiGroups", &rule->group, 1);
                add_array(buf, "resources", rule->resources, rule->resource_count);
                add_array(buf, "resourceNames", rule->names, rule->name_count);
                add_array(buf, "nonResourceURLs", rule->urls, rule->url_count);
                buf_add(buf, STR("\"verbs\":"));
                add_list(buf, rule->verbs, rule->verb_count);
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR("]}"));
}

void rbac_least_json(struct buf *buf, const struct rbac_least *roles) {
        buf_add_char(buf, '[');
        for (size_t i = 0; i < roles->count; i++) {
                buf_add(buf, i ? STR(",\n  ") : STR("\n  "));
                add_json_role(buf, &roles->items[i]);
        }
        buf_add_char(buf, ']');
}
