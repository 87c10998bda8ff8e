/* Recognising descriptions, and taking the clusters out of them. */
#include "base/util.h"
#include "cloud/private.h"

void cloud_init(struct cloud *cloud) {
        *cloud = (struct cloud){ 0 };
}

void cloud_free(struct cloud *cloud) {
        arena_free(&cloud->arena);
}

static const struct {
        const char *name;
        void (*read)(struct cloud_reader *reader);
} providers[PROVIDER_COUNT] = {
        [PROVIDER_EKS] = { "eks", provider_read_eks },
        [PROVIDER_GKE] = { "gke", provider_read_gke },
        [PROVIDER_AKS] = { "aks", provider_read_aks },
        [PROVIDER_OKE] = { "oke", provider_read_oke },
};

void cloud_add_cluster(struct cloud *cloud, enum cloud_provider provider, struct str file,
                       const struct doc_node *root, const struct doc_node *unknown,
                       struct str source) {
        struct cloud_cluster *cluster;
        struct cloud_reader reader = { cloud, NULL, file, root, unknown };

        if (!cloud_has_room(cloud, cloud->clusters.count))
                return;
        cluster = reader.cluster = arena_new(&cloud->arena, struct cloud_cluster);
        cluster->provider = providers[provider].name;
        cluster->source = arena_str(&cloud->arena, source);
        cluster->name = arena_str(&cloud->arena, field_text(root, "name"));
        if (cluster->name.len == 0)
                cluster->name = cluster->source;
        cluster->place = field_place(&reader, root);
        providers[provider].read(&reader);
        *vec_push_in(&cloud->arena, &cloud->clusters) = cluster;
}

/* --- what it is --- */

/* What a tool printed of one thing. */
enum thing { THING_NONE, THING_CLUSTER, THING_GROUP_RULES, THING_SECURITY_LIST };

struct described {
        enum thing thing;
        enum cloud_provider provider;
        const struct doc_node *root;
};

static bool has_map(const struct doc_node *root, const char *key) {
        const struct doc_node *node = doc_get(root, str_from(key));

        return node && node->kind == DOC_MAP;
}

static bool is_gke(const struct doc_node *root) {
        struct str link = doc_string(doc_get(root, STR("selfLink")), STR(""));

        return str_find(link, STR("container.googleapis.com/"), 0) >= 0 &&
               str_find(link, STR("/clusters/"), 0) >= 0 &&
               str_find(link, STR("/nodePools/"), 0) < 0;
}

static bool is_aks(const struct doc_node *root) {
        struct str type = doc_string(doc_get(root, STR("type")), STR(""));
        static const char name[] = "microsoft.containerservice/managedclusters";

        if (type.len != sizeof name - 1)
                return false;
        for (size_t i = 0; i < type.len; i++)
                if ((type.ptr[i] | 0x20) != (name[i] | 0x20))
                        return false;
        return true;
}

static bool is_rule(const struct doc_node *node) {
        return doc_get(node, STR("direction")) && doc_get(node, STR("protocol")) &&
               (doc_get(node, STR("source-type")) || doc_get(node, STR("sourceType")) ||
                doc_get(node, STR("destination-type")) || doc_get(node, STR("destinationType")));
}

static struct described describe(const struct doc_node *root) {
        struct described found = { .root = root };
        const struct doc_node *cluster = doc_get(root, STR("cluster"));
        struct str id = doc_string(doc_get(root, STR("id")), STR(""));

        found.thing = THING_CLUSTER;
        if (has_map(cluster, "resourcesVpcConfig")) {
                found.root = cluster;
                found.provider = PROVIDER_EKS;
        } else if (has_map(root, "resourcesVpcConfig")) {
                found.provider = PROVIDER_EKS;
        } else if (is_gke(root)) {
                found.provider = PROVIDER_GKE;
        } else if (is_aks(root)) {
                found.provider = PROVIDER_AKS;
        } else if (str_starts(id, STR("ocid1.cluster."))) {
                found.provider = PROVIDER_OKE;
        } else if (str_starts(id, STR("ocid1.securitylist."))) {
                found.thing = THING_SECURITY_LIST;
        } else if (is_rule(root)) {
                found.thing = THING_GROUP_RULES;
        } else {
                found.thing = THING_NONE;
        }
        return found;
}

static bool add_one(struct cloud *cloud, struct str file, const struct doc_node *root) {
        struct described found = describe(root);

        if (!cloud)
                return found.thing != THING_NONE;
        if (found.thing == THING_CLUSTER) {
                cloud_add_cluster(cloud, found.provider, file, found.root, NULL,
                                  STR("description"));
        } else if (found.thing == THING_SECURITY_LIST) {
                cloud->security_lists = true;
                oci_add_rules(cloud, file, field_get(root, "ingressSecurityRules"));
        } else if (found.thing == THING_GROUP_RULES) {
                cloud->group_rules = true;
                oci_add_rule(cloud, file, root);
        }
        return found.thing != THING_NONE;
}

/* Each of a list: `az aks list`, `gcloud container clusters list`, `oci network nsg rules list`. */
static bool add_all(struct cloud *cloud, struct str file, const struct doc_node *list) {
        bool any = false;

        for (uint32_t i = 0; i < list->list.count && (cloud || !any); i++)
                any |= add_one(cloud, file, &list->list.items[i]);
        return any;
}

/* CLOUD may be NULL: only looks. */
static bool add(struct cloud *cloud, struct str file, const struct doc_node *root) {
        const struct doc_node *data = doc_get(root, STR("data")); /* OCI's tool wraps answers */

        if (root->kind == DOC_LIST)
                return add_all(cloud, file, root);
        if (root->kind != DOC_MAP)
                return false;
        if (terraform_is(root)) {
                if (cloud)
                        terraform_add(cloud, file, root);
                return true;
        }
        if (data && data->kind == DOC_LIST)
                return add_all(cloud, file, data);
        return add_one(cloud, file, data && data->kind == DOC_MAP ? data : root);
}

bool cloud_is_description(const struct doc_node *root) {
        return add(NULL, STR(""), root);
}

bool cloud_add(struct cloud *cloud, struct str file, const struct doc_node *root) {
        return add(cloud, arena_str(&cloud->arena, file), root);
}

void cloud_add_kubeconfig(struct cloud *cloud, struct str file, const struct doc_node *root) {
        const struct doc_node *list = doc_get(root, STR("clusters"));
        struct str name = arena_str(&cloud->arena, file);

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *node = doc_find(&list->list.items[i], "cluster", "server");
                struct cloud_server *server;

                if (!node || node->kind != DOC_STRING)
                        continue;
                if (!cloud_has_room(cloud, cloud->servers.count))
                        return;
                server = vec_push_in(&cloud->arena, &cloud->servers);
                server->url = arena_str(&cloud->arena, node->string);
                server->host = field_host(server->url);
                server->place = (struct cloud_place){ name, node->start };
        }
}
