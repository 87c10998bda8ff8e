/*
 * Kubeconfig files of components: whom they speak to and with what kind of credentials, never with
 * which.
 */
#include "base/base64.h"
#include "node/private.h"

static const struct doc_node *find_named(const struct doc_node *root, const char *list,
                                         struct str name, const char *member) {
        const struct doc_node *items = doc_get(root, str_from(list));

        for (uint32_t i = 0; items && items->kind == DOC_LIST && i < items->list.count; i++) {
                const struct doc_node *item = &items->list.items[i];

                if (str_eq(doc_string(doc_get(item, STR("name")), STR("")), name))
                        return doc_get(item, str_from(member));
        }
        return NULL;
}

static bool has(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR("")).len > 0;
}

static bool is_true(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_BOOL && node->boolean;
}

static void add_certificates(struct node *node, const struct root *root, struct str path,
                             const struct doc_node *user, struct fact *fact) {
        struct fact *list =
                fact_set(node->arena, fact, STR("certificates"), fact_list(node->arena));
        const struct doc_node *data = doc_get(user, STR("client-certificate-data"));
        struct str name = doc_string(doc_get(user, STR("client-certificate")), STR("")), pem;

        if (name.len > 0)
                certificates_read(node, root, node_path(node, node_dirname(path), name),
                                  "client-certificate", list);
        if (data && base64_decode(node->arena, doc_string(data, STR("")), &pem) >= 0) {
                struct place place = node_place(path, data);
                size_t first = list->count;

                certificates_parse(node, pem, place, "client-certificate", list);
                for (const struct fact_member *m = list->first; m; m = m->next)
                        if (first > 0)
                                first--;
                        else /* within the text there are no lines of the file */
                                fact_set(node->arena, m->value, STR("place"),
                                         fact_place(node->arena, place));
        }
}

struct fact *kubeconfig_fact(struct node *node, const struct root *root, struct str path,
                             const char *name) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena);
        const struct doc_node *config, *context, *cluster, *user, *current;
        struct yaml yaml;
        struct str text;

        fact_set_string(arena, fact, "name", str_from(name));
        fact_set(arena, fact, STR("file"), node_file_in(node, root, path, "kubeconfig"));
        if (node_yaml(node, root, path, "kubeconfig", "pki.kubeconfigs", &yaml) < 0 ||
            yaml.count == 0)
                return fact;
        config = yaml.items[0];
        current = doc_get(config, STR("current-context"));
        context = find_named(config, "contexts", doc_string(current, STR("")), "context");
        cluster = find_named(config, "clusters",
                             doc_string(doc_get(context, STR("cluster")), STR("")), "cluster");
        user = find_named(config, "users", doc_string(doc_get(context, STR("user")), STR("")),
                          "user");
        fact_set_string(arena, fact, "server",
                        doc_string(doc_get(cluster, STR("server")), STR("")));
        fact_set_bool(arena, fact, "clusterCA",
                      has(cluster, "certificate-authority") ||
                              has(cluster, "certificate-authority-data"));
        fact_set_bool(arena, fact, "insecureSkipTLSVerify",
                      is_true(cluster, "insecure-skip-tls-verify"));
        fact_set_string(arena, fact, "user", doc_string(doc_get(context, STR("user")), STR("")));
        fact_set_bool(arena, fact, "token", has(user, "token") || has(user, "tokenFile"));
        fact_set_bool(arena, fact, "password", has(user, "password"));
        fact_set_bool(arena, fact, "exec", doc_get(user, STR("exec")) != NULL);
        text = doc_string(doc_get(user, STR("client-certificate")), STR(""));
        fact_set_string(arena, fact, "clientCertificate",
                        node_path(node, node_dirname(path), text));
        text = doc_string(doc_get(user, STR("client-key")), STR(""));
        fact_set_string(arena, fact, "clientKey", node_path(node, node_dirname(path), text));
        fact_set_bool(arena, fact, "embeddedKey", has(user, "client-key-data"));
        add_certificates(node, root, path, user, fact);
        fact_set(arena, fact, STR("place"), fact_place(arena, node_place(path, config)));
        return fact;
}
