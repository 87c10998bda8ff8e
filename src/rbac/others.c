#include "rbac/others.h"

#include "base/util.h"

static const char flag[] = "authorization-mode";

static bool is_known(struct str mode) {
        return mode.len == 0 || str_eq(mode, STR("RBAC")) || str_eq(mode, STR("Node")) ||
               str_eq(mode, STR("AlwaysDeny"));
}

static void add_mode(struct rbac_others *others, struct str file, struct str mode,
                     const struct doc_node *at) {
        if (is_known(mode))
                return;
        for (size_t i = 0; i < others->items.count; i++)
                if (str_eq(others->items.items[i].mode, mode))
                        return;
        *vec_push(&others->items) =
                (struct rbac_other){ arena_str(&others->arena, mode),
                                     { arena_str(&others->arena, file), at->start } };
}

/* "Node,RBAC" */
static void add_modes(struct rbac_others *others, struct str file, struct str modes,
                      const struct doc_node *at) {
        struct str mode;

        while (modes.len > 0 && str_split(&modes, ',', &mode))
                add_mode(others, file, str_trim(mode), at);
}

/* "--authorization-mode=Node,RBAC", or the two as words that follow each other. */
static void add_words(struct rbac_others *others, struct str file, const struct doc_node *list) {
        bool next = false;

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *node = &list->list.items[i];
                struct str word = doc_string(node, STR(""));
                size_t dashes = str_starts(word, STR("--"))  ? 2
                                : str_starts(word, STR("-")) ? 1
                                                             : 0;
                struct str rest = str_slice(word, dashes, word.len);

                if (next)
                        add_modes(others, file, word, node);
                next = false;
                if (dashes == 0 || !str_starts(rest, str_from(flag)))
                        continue;
                rest = str_slice(rest, sizeof flag - 1, rest.len);
                next = rest.len == 0;
                if (str_starts(rest, STR("=")))
                        add_modes(others, file, str_slice(rest, 1, rest.len), node);
        }
}

static void add_pod(struct rbac_others *others, struct str file, const struct doc_node *object) {
        const struct doc_node *containers = doc_find(object, "spec", "containers");

        for (uint32_t i = 0;
             containers && containers->kind == DOC_LIST && i < containers->list.count; i++) {
                add_words(others, file, doc_get(&containers->list.items[i], STR("command")));
                add_words(others, file, doc_get(&containers->list.items[i], STR("args")));
        }
}

/* A map in v1beta3, a list of names and values since v1beta4. */
static void add_kubeadm(struct rbac_others *others, struct str file,
                        const struct doc_node *object) {
        const struct doc_node *arguments = doc_find(object, "apiServer", "extraArgs");
        const struct doc_node *value = doc_get(arguments, str_from(flag));

        if (value)
                add_modes(others, file, doc_string(value, STR("")), value);
        for (uint32_t i = 0; arguments && arguments->kind == DOC_LIST && i < arguments->list.count;
             i++) {
                const struct doc_node *item = &arguments->list.items[i];

                value = doc_get(item, STR("value"));
                if (value &&
                    str_eq(doc_string(doc_get(item, STR("name")), STR("")), str_from(flag)))
                        add_modes(others, file, doc_string(value, STR("")), value);
        }
}

static void add_configuration(struct rbac_others *others, struct str file,
                              const struct doc_node *object) {
        const struct doc_node *list = doc_get(object, STR("authorizers"));

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *type = doc_get(&list->list.items[i], STR("type"));

                if (type)
                        add_mode(others, file, doc_string(type, STR("")), type);
        }
}

void rbac_others_add(struct rbac_others *others, struct str file, const struct resource *resource) {
        const struct doc_node *object = resource->object;

        if (resource->group.len == 0 && str_eq(resource->kind, STR("Pod")))
                add_pod(others, file, object);
        else if (str_eq(resource->group, STR("kubeadm.k8s.io")) &&
                 str_eq(resource->kind, STR("ClusterConfiguration")))
                add_kubeadm(others, file, object);
        else if (str_eq(resource->group, STR("apiserver.config.k8s.io")) &&
                 str_eq(resource->kind, STR("AuthorizationConfiguration")))
                add_configuration(others, file, object);
        else if (str_eq(resource->group, STR("abac.authorization.kubernetes.io")))
                add_mode(others, file, STR("ABAC"), resource->root);
}

void rbac_others_free(struct rbac_others *others) {
        vec_free(&others->items);
        arena_free(&others->arena);
}
