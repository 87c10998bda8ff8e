/*
 * Plans and states of Terraform, as `terraform show -json` writes them (its JSON output format 1):
 * planned_values (of a state: values) hold a tree of modules with resources; what a plan does not
 * know yet is missing there, and is true in after_unknown of resource_changes.
 */
#include "base/util.h"
#include "cloud/private.h"

enum { MODULE_DEPTH = 32 };

struct walk {
        struct cloud *cloud;
        struct str file;
        struct map changes; /* address -> after_unknown */
};

bool terraform_is(const struct doc_node *root) {
        return doc_get(root, STR("format_version")) &&
               (doc_find(root, "planned_values", "root_module") ||
                doc_find(root, "values", "root_module"));
}

static const struct {
        const char *type;
        enum cloud_provider provider;
} types[] = {
        { "aws_eks_cluster", PROVIDER_EKS },
        { "google_container_cluster", PROVIDER_GKE },
        { "azurerm_kubernetes_cluster", PROVIDER_AKS },
        { "oci_containerengine_cluster", PROVIDER_OKE },
};

static void take_resource(struct walk *walk, const struct doc_node *resource) {
        struct str type = doc_string(doc_get(resource, STR("type")), STR(""));
        struct str mode = doc_string(doc_get(resource, STR("mode")), STR("managed"));
        struct str address = doc_string(doc_get(resource, STR("address")), STR(""));
        const struct doc_node *values = doc_get(resource, STR("values"));

        if (!values || !str_eq(mode, STR("managed")))
                return;
        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (str_eq(type, str_from(types[i].type)))
                        cloud_add_cluster(walk->cloud, types[i].provider, walk->file, values,
                                          map_get(&walk->changes, address), address);
        if (str_eq(type, STR("oci_core_network_security_group_security_rule"))) {
                walk->cloud->group_rules = true;
                oci_add_rule(walk->cloud, walk->file, values);
        } else if (str_eq(type, STR("oci_core_security_list")) ||
                   str_eq(type, STR("oci_core_default_security_list"))) {
                walk->cloud->security_lists = true;
                oci_add_rules(walk->cloud, walk->file, field_get(values, "ingressSecurityRules"));
        }
}

static void walk_module(struct walk *walk, const struct doc_node *module, int depth) {
        const struct doc_node *resources = doc_get(module, STR("resources"));
        const struct doc_node *children = doc_get(module, STR("child_modules"));

        for (uint32_t i = 0; resources && resources->kind == DOC_LIST && i < resources->list.count;
             i++)
                take_resource(walk, &resources->list.items[i]);
        if (depth == MODULE_DEPTH)
                return;
        for (uint32_t i = 0; children && children->kind == DOC_LIST && i < children->list.count;
             i++)
                walk_module(walk, &children->list.items[i], depth + 1);
}

void terraform_add(struct cloud *cloud, struct str file, const struct doc_node *root) {
        struct walk walk = { .cloud = cloud, .file = file };
        const struct doc_node *changes = doc_get(root, STR("resource_changes"));
        const struct doc_node *module = doc_find(root, "planned_values", "root_module");

        for (uint32_t i = 0; changes && changes->kind == DOC_LIST && i < changes->list.count; i++) {
                const struct doc_node *change = &changes->list.items[i];
                struct str address = doc_string(doc_get(change, STR("address")), STR(""));
                const struct doc_node *unknown = doc_find(change, "change", "after_unknown");

                if (unknown)
                        map_put(&walk.changes, address)->value = (void *)unknown;
        }
        walk_module(&walk, module ? module : doc_find(root, "values", "root_module"), 0);
        map_free(&walk.changes);
}
