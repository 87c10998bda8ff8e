/* What each provider's description says, and by which names. */
#include "base/util.h"
#include "cloud/private.h"

static bool has_item(const struct doc_node *list, const char *word) {
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                if (str_eq(doc_string(&list->list.items[i], STR("")), str_from(word)))
                        return true;
        return false;
}

/* A list that is missing or empty lets everybody in. */
static void read_allow_list(struct cloud_reader *reader, const char *paths) {
        struct cloud_cluster *cluster = reader->cluster;

        field_add_entries(reader, paths, NULL);
        if (!field_find(reader->root, paths, NULL) && field_is_pending(reader, paths))
                cluster->allow.limited = field_unknown(
                        reader, paths,
                        "the plan does not say which ranges; without any, the provider lets "
                        "everybody in");
        else
                cluster->allow.limited =
                        field_says(reader, paths, cluster->allow.entries.count > 0);
}

/* --- EKS --- */

static struct cloud_fact eks_audit_log(const struct cloud_reader *reader) {
        const struct doc_node *list = field_find(reader->root, "logging.clusterLogging", NULL);
        const char *types = "enabledClusterLogTypes";

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *set = &list->list.items[i];
                const struct doc_node *enabled = field_get(set, "enabled");
                struct cloud_fact fact;

                if (!has_item(field_get(set, "types"), "audit") || !enabled ||
                    enabled->kind != DOC_BOOL)
                        continue;
                fact = field_says(reader, "logging.clusterLogging", enabled->boolean);
                fact.place = field_place(reader, enabled);
                return fact;
        }
        if (field_is_pending(reader, types))
                return field_unknown(reader, types, "it is known only after the plan was applied");
        if (field_find(reader->root, types, NULL))
                return field_says(reader, types,
                                  has_item(field_find(reader->root, types, NULL), "audit"));
        return field_says(reader, "logging.clusterLogging", false);
}

/* "arn:aws:eks:eu-central-1:111122223333:cluster/shop" */
static struct cloud_fact eks_region(const struct cloud_reader *reader) {
        struct cloud_fact fact = field_string(reader, "arn", FIELD_ABSENT);
        struct str rest = fact.text, part = { 0 };

        if (fact.state != CLOUD_TEXT)
                return field_string(reader, "region", FIELD_ABSENT);
        for (int i = 0; i < 4 && str_split(&rest, ':', &part); i++)
                ;
        fact.text = part;
        return fact;
}

void provider_read_eks(struct cloud_reader *reader) {
        struct cloud_cluster *cluster = reader->cluster;

        cluster->region = eks_region(reader);
        cluster->version = field_string(reader, "version", FIELD_ABSENT);
        cluster->public = field_bool(
                reader, "resourcesVpcConfig.endpointPublicAccess|vpcConfig.endpointPublicAccess",
                FIELD_TRUE);
        cluster->private = field_bool(
                reader, "resourcesVpcConfig.endpointPrivateAccess|vpcConfig.endpointPrivateAccess",
                FIELD_FALSE);
        read_allow_list(reader, "resourcesVpcConfig.publicAccessCidrs|vpcConfig.publicAccessCidrs");
        cluster->key = field_string(reader, "encryptionConfig.provider.keyArn", FIELD_FALSE);
        cluster->audit_log = eks_audit_log(reader);
        field_add_address(reader, "endpoint", CLOUD_DOOR_EITHER);
}

/* --- GKE --- */

#define GKE_IP "controlPlaneEndpointsConfig.ipEndpointsConfig"
#define GKE_DNS "controlPlaneEndpointsConfig.dnsEndpointConfig"

/* The new form says whether addresses are used at all, and whether a public one is; the old form
 * whether there is no public one. Answers leave out what is false. Terraform's block of the new
 * form says nothing of the public one. */
static void gke_read_doors(struct cloud_reader *reader) {
        struct cloud_cluster *cluster = reader->cluster;
        const char *old = "privateClusterConfig.enablePrivateEndpoint";
        bool is_description = str_eq(cluster->source, STR("description"));
        bool has_new = field_is_block(field_find(reader->root, GKE_IP, NULL));
        bool off = has_new &&
                   !field_bool(reader, GKE_IP ".enabled", is_description ? FIELD_FALSE : FIELD_TRUE)
                            .boolean;

        if (off)
                cluster->public = field_says(reader, GKE_IP ".enabled", false);
        else if (has_new && is_description)
                cluster->public = field_bool(reader, GKE_IP ".enablePublicEndpoint", FIELD_FALSE);
        else
                cluster->public = field_negated(reader, old, FIELD_FALSE);
        if (has_new)
                cluster->private = field_says(reader, GKE_IP ".enabled", !off);
        else
                cluster->private = field_bool(reader,
                                              "privateClusterConfig.enablePrivateNodes|"
                                              "privateClusterConfig.enablePrivateEndpoint",
                                              FIELD_FALSE);
        cluster->dns = field_bool(reader, GKE_DNS ".allowExternalTraffic", FIELD_FALSE);
}

static void gke_read_allow_list(struct cloud_reader *reader) {
        const char *config = GKE_IP ".authorizedNetworksConfig|masterAuthorizedNetworksConfig";
        const char *enabled =
                GKE_IP ".authorizedNetworksConfig.enabled|masterAuthorizedNetworksConfig.enabled";
        struct cloud_cluster *cluster = reader->cluster;
        bool is_description = str_eq(cluster->source, STR("description"));

        field_add_entries(reader,
                          GKE_IP ".authorizedNetworksConfig.cidrBlocks|"
                                 "masterAuthorizedNetworksConfig.cidrBlocks",
                          "cidrBlock");
        if (is_description)
                cluster->allow.limited = field_bool(reader, enabled, FIELD_FALSE);
        else
                cluster->allow.limited = field_says(
                        reader, config, field_is_block(field_find(reader->root, config, NULL)));
        cluster->provider_addresses =
                field_bool(reader,
                           GKE_IP ".authorizedNetworksConfig.gcpPublicCidrsAccessEnabled|"
                                  "masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled",
                           FIELD_FALSE);
        /* Unless it is refused, the whole of Google Cloud may connect; Terraform leaves the choice
         * to the provider. */
        if (!is_description && !cluster->provider_addresses.boolean)
                cluster->provider_addresses = (struct cloud_fact){ 0 };
}

static struct cloud_fact gke_private_nodes(const struct cloud_reader *reader) {
        const struct doc_node *pools = field_get(reader->root, "nodePools");
        struct cloud_fact fact = field_bool(reader,
                                            "networkConfig.defaultEnablePrivateNodes|"
                                            "privateClusterConfig.enablePrivateNodes",
                                            FIELD_FALSE);
        bool all = pools && pools->kind == DOC_LIST && pools->list.count > 0;

        for (uint32_t i = 0; pools && pools->kind == DOC_LIST && i < pools->list.count; i++) {
                const struct doc_node *node =
                        field_find(&pools->list.items[i], "networkConfig.enablePrivateNodes", NULL);

                all &= node && node->kind == DOC_BOOL && node->boolean;
                if (node && node->kind == DOC_BOOL && !node->boolean) {
                        fact = field_says(reader, "nodePools", false);
                        fact.place = field_place(reader, node);
                        return fact;
                }
        }
        return all ? field_says(reader, "nodePools", true) : fact;
}

static struct cloud_fact gke_key(const struct cloud_reader *reader) {
        struct cloud_fact fact = field_string(reader, "databaseEncryption.state", FIELD_FALSE);
        bool off = fact.text.len == 0 || str_eq(fact.text, STR("DECRYPTED"));

        if (fact.state == CLOUD_TEXT)
                fact.text =
                        off ? STR("")
                            : field_string(reader, "databaseEncryption.keyName", FIELD_FALSE).text;
        return fact;
}

/* Both have a service, and it is not "none". */
static struct cloud_fact gke_monitoring(const struct cloud_reader *reader) {
        struct cloud_fact log = field_string(reader, "loggingService", FIELD_ABSENT);
        struct cloud_fact monitor = field_string(reader, "monitoringService", FIELD_ABSENT);

        if (log.state == CLOUD_TEXT && str_eq(log.text, STR("none")))
                return field_says(reader, "loggingService", false);
        if (monitor.state == CLOUD_TEXT && str_eq(monitor.text, STR("none")))
                return field_says(reader, "monitoringService", false);
        if (log.state == CLOUD_TEXT && monitor.state == CLOUD_TEXT)
                return field_says(reader, "loggingService", true);
        return (struct cloud_fact){ 0 };
}

void provider_read_gke(struct cloud_reader *reader) {
        struct cloud_cluster *cluster = reader->cluster;

        cluster->region = field_string(reader, "location", FIELD_ABSENT);
        cluster->version = field_string(
                reader, "currentMasterVersion|masterVersion|minMasterVersion", FIELD_ABSENT);
        gke_read_doors(reader);
        gke_read_allow_list(reader);
        cluster->private_nodes = gke_private_nodes(reader);
        cluster->key = gke_key(reader);
        cluster->monitoring = gke_monitoring(reader);
        cluster->legacy_rights =
                field_bool(reader, "legacyAbac.enabled|enableLegacyAbac", FIELD_FALSE);
        cluster->client_certificate = field_bool(
                reader, "masterAuth.clientCertificateConfig.issueClientCertificate", FIELD_FALSE);
        cluster->channel = field_string(reader, "releaseChannel.channel", FIELD_FALSE);
        cluster->alpha = field_bool(reader, "enableKubernetesAlpha", FIELD_FALSE);
        if (cluster->channel.state == CLOUD_TEXT &&
            str_eq(cluster->channel.text, STR("UNSPECIFIED")))
                cluster->channel.text = STR("");
        field_add_address(reader, GKE_IP ".publicEndpoint|privateClusterConfig.publicEndpoint",
                          CLOUD_DOOR_PUBLIC);
        field_add_address(reader, GKE_IP ".privateEndpoint|privateClusterConfig.privateEndpoint",
                          CLOUD_DOOR_PRIVATE);
        field_add_address(reader, GKE_DNS ".endpoint", CLOUD_DOOR_DNS);
        field_add_address(reader, "endpoint",
                          cluster->public.boolean ? CLOUD_DOOR_PUBLIC : CLOUD_DOOR_PRIVATE);
}

/* --- AKS --- */

#define AKS_PRIVATE "apiServerAccessProfile.enablePrivateCluster|privateClusterEnabled"

/* Nodes have public addresses only where a pool says so. */
static struct cloud_fact aks_private_nodes(const struct cloud_reader *reader) {
        const struct doc_node *pools =
                field_find(reader->root, "agentPoolProfiles|defaultNodePool", NULL);

        for (uint32_t i = 0; pools && pools->kind == DOC_LIST && i < pools->list.count; i++) {
                const struct doc_node *node = field_find(
                        &pools->list.items[i], "enableNodePublicIp|nodePublicIpEnabled", NULL);

                if (node && node->kind == DOC_BOOL && node->boolean) {
                        struct cloud_fact fact = field_says(reader, "agentPoolProfiles", false);

                        fact.place = field_place(reader, node);
                        return fact;
                }
        }
        if (!pools)
                return (struct cloud_fact){ 0 };
        return field_says(reader, "agentPoolProfiles|defaultNodePool", true);
}

static struct cloud_fact aks_key(const struct cloud_reader *reader) {
        const char *kms = "securityProfile.azureKeyVaultKms.enabled";
        struct cloud_fact enabled = field_bool(reader, kms, FIELD_TRUE);

        if (enabled.state == CLOUD_BOOL && !enabled.boolean) {
                enabled.state = CLOUD_TEXT;
                return enabled;
        }
        return field_string(reader,
                            "securityProfile.azureKeyVaultKms.keyId|"
                            "keyManagementService.keyVaultKeyId",
                            FIELD_FALSE);
}

void provider_read_aks(struct cloud_reader *reader) {
        const char *directory = "aadProfile|azureActiveDirectoryRoleBasedAccessControl";
        struct cloud_cluster *cluster = reader->cluster;
        const struct doc_node *properties = field_get(reader->root, "properties");

        cluster->region = field_string(reader, "location", FIELD_ABSENT);
        /* The API nests what the tool shows flat. */
        if (properties && properties->kind == DOC_MAP)
                reader->root = properties;
        cluster->version =
                field_string(reader, "currentKubernetesVersion|kubernetesVersion", FIELD_ABSENT);
        cluster->public = field_negated(reader, AKS_PRIVATE, FIELD_FALSE);
        cluster->private = field_bool(reader, AKS_PRIVATE, FIELD_FALSE);
        read_allow_list(reader,
                        "apiServerAccessProfile.authorizedIpRanges|apiServerAuthorizedIpRanges");
        if (cluster->private.boolean)
                cluster->public_fqdn =
                        field_bool(reader,
                                   "apiServerAccessProfile.enablePrivateClusterPublicFqdn|"
                                   "privateClusterPublicFqdnEnabled",
                                   FIELD_FALSE);
        cluster->private_nodes = aks_private_nodes(reader);
        cluster->key = aks_key(reader);
        cluster->local_accounts =
                field_negated(reader, "disableLocalAccounts|localAccountDisabled", FIELD_FALSE);
        if (field_find(reader->root, "runCommandEnabled", NULL))
                cluster->run_command = field_bool(reader, "runCommandEnabled", FIELD_TRUE);
        else
                cluster->run_command = field_negated(
                        reader, "apiServerAccessProfile.disableRunCommand", FIELD_FALSE);
        cluster->directory = field_says(reader, directory,
                                        field_is_block(field_find(reader->root, directory, NULL)));
        cluster->directory_rights =
                field_bool(reader,
                           "aadProfile.enableAzureRbac|"
                           "azureActiveDirectoryRoleBasedAccessControl.azureRbacEnabled",
                           FIELD_FALSE);
        field_add_address(reader, "fqdn",
                          cluster->private.boolean ? CLOUD_DOOR_PRIVATE : CLOUD_DOOR_PUBLIC);
        field_add_address(reader, "privateFqdn", CLOUD_DOOR_PRIVATE);
}

/* --- OKE --- */

void provider_read_oke(struct cloud_reader *reader) {
        struct cloud_cluster *cluster = reader->cluster;
        const struct doc_node *groups = field_find(reader->root, "endpointConfig.nsgIds", NULL);
        bool is_native = field_is_block(field_find(reader->root, "endpointConfig", NULL));

        cluster->version = field_string(reader, "kubernetesVersion", FIELD_ABSENT);
        cluster->key = field_string(reader, "kmsKeyId", FIELD_FALSE);
        if (is_native) {
                cluster->public =
                        field_bool(reader, "endpointConfig.isPublicIpEnabled", FIELD_FALSE);
                cluster->private = field_says(reader, "endpointConfig", true);
                cluster->wants_rules = true;
                cluster->has_groups = groups && groups->kind == DOC_LIST && groups->list.count > 0;
        } else {
                /* Clusters from before endpoints lay in networks of the customer: the provider's
                 * public address, before which nobody can put a list. */
                cluster->public = field_says(reader, "endpointConfig", true);
                cluster->private = field_says(reader, "endpointConfig", false);
                cluster->allow.limited = field_says(reader, "endpointConfig", false);
        }
        field_add_address(reader, "endpoints.publicEndpoint", CLOUD_DOOR_PUBLIC);
        field_add_address(reader, "endpoints.privateEndpoint", CLOUD_DOOR_PRIVATE);
        field_add_address(reader, "endpoints.vcnHostnameEndpoint", CLOUD_DOOR_PRIVATE);
        field_add_address(reader, "endpoints.kubernetes", CLOUD_DOOR_EITHER);
}
