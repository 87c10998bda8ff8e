/* Rules of OCI's network security groups and security lists: who may reach the API server. */
#include "base/util.h"
#include "cloud/private.h"

/* The API server of OKE listens on it, in every cluster. */
enum { OKE_PORT = 6443 };

/* Whether RULE, with its TCP options missing or with a range of ports, is about OKE_PORT. */
static bool is_about_port(const struct doc_node *rule) {
        const struct doc_node *options = field_map(field_get(rule, "tcpOptions"));
        const struct doc_node *range = field_map(field_get(options, "destinationPortRange"));
        const struct doc_node *min, *max;

        /* Terraform has the range of a security list in the options themselves. */
        if (!range && field_get(options, "min"))
                range = options;
        min = field_get(range, "min");
        max = field_get(range, "max");
        if (!min || !max || min->kind != DOC_INT || max->kind != DOC_INT)
                return true;
        return min->integer <= OKE_PORT && max->integer >= OKE_PORT;
}

void oci_add_rule(struct cloud *cloud, struct str file, const struct doc_node *rule) {
        struct str direction = field_text(rule, "direction");
        struct str protocol = field_text(rule, "protocol");
        struct str type = field_text(rule, "sourceType");
        const struct doc_node *source = field_get(rule, "source");
        struct cloud_entry *entry;

        /* Rules of a security list have no direction: there is a list for each. */
        if ((direction.len > 0 && !str_eq(direction, STR("INGRESS"))) ||
            (!str_eq(protocol, STR("6")) && !str_eq(protocol, STR("all"))) ||
            !is_about_port(rule) || !source || source->kind != DOC_STRING)
                return;
        if (!cloud_has_room(cloud, cloud->rules.count))
                return;
        entry = vec_push_in(&cloud->arena, &cloud->rules);
        entry->text = arena_str(&cloud->arena, source->string);
        entry->place = (struct cloud_place){ file, source->start };
        entry->is_range = (type.len == 0 || str_eq(type, STR("CIDR_BLOCK"))) &&
                          range_parse(entry->text, &entry->range) >= 0;
}

void oci_add_rules(struct cloud *cloud, struct str file, const struct doc_node *rules) {
        for (uint32_t i = 0; rules && rules->kind == DOC_LIST && i < rules->list.count; i++)
                oci_add_rule(cloud, file, &rules->list.items[i]);
}
