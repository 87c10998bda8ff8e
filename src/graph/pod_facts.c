/* Pods and pod templates: what their containers may do and are given. */
#include "base/util.h"
#include "graph/private.h"

/* The token that every pod gets lasts for the API server; others are for somebody else. */
#define API_AUDIENCE "kubernetes"

struct pod_reading {
        struct graph *graph;
        struct str file;
        const struct doc_node *spec;
        struct graph_pod *pod;
        VEC(struct graph_mount) mounts; /* of the container at hand */
        VEC(struct str) secrets;
};

static struct str text(const struct doc_node *node) {
        return doc_string(node, STR(""));
}

static bool is_true(const struct doc_node *node) {
        return node && node->kind == DOC_BOOL && node->boolean;
}

static bool is_false(const struct doc_node *node) {
        return node && node->kind == DOC_BOOL && !node->boolean;
}

static const struct doc_node *list_item(const struct doc_node *list, uint32_t i) {
        return list && list->kind == DOC_LIST && i < list->list.count ? &list->list.items[i] : NULL;
}

static struct graph_place place_of(struct pod_reading *reading, const struct doc_node *node) {
        return graph_place_at(reading->graph, reading->file, node);
}

static void add_mount(struct pod_reading *reading, enum graph_mount_kind kind, struct str value,
                      bool read_only, const struct doc_node *at) {
        if (value.len == 0 && kind != GRAPH_MOUNT_TOKEN)
                return;
        *vec_push(&reading->mounts) =
                (struct graph_mount){ kind, read_only, graph_keep(reading->graph, value),
                                      place_of(reading, at) };
}

static void add_secret(struct pod_reading *reading, struct str name) {
        if (name.len > 0)
                *vec_push(&reading->secrets) = graph_keep(reading->graph, name);
}

/* --- volumes --- */

/* PATH and what is BELOW it without doubled and trailing slashes and without "." and "..". */
static struct str clean_path(struct arena *arena, struct str path, struct str below) {
        struct str rest = arena_printf(arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(below)), part;
        char *clean = arena_alloc(arena, rest.len + 2);
        size_t len = 0;

        while (str_split(&rest, '/', &part)) {
                if (part.len == 0 || str_eq(part, STR(".")))
                        continue;
                if (str_eq(part, STR(".."))) {
                        while (len > 0 && clean[--len] != '/')
                                continue;
                        continue;
                }
                clean[len++] = '/';
                memcpy(clean + len, part.ptr, part.len);
                len += part.len;
        }
        return len > 0 ? (struct str){ clean, len } : STR("/");
}

static void mount_projected(struct pod_reading *reading, const struct doc_node *sources) {
        const struct doc_node *source;

        for (uint32_t i = 0; (source = list_item(sources, i)); i++) {
                const struct doc_node *token = doc_get(source, STR("serviceAccountToken"));
                const struct doc_node *secret = doc_find(source, "secret", "name");
                struct str audience = text(doc_get(token, STR("audience")));

                if (token && token->kind == DOC_MAP &&
                    (audience.len == 0 || str_find(audience, STR(API_AUDIENCE), 0) >= 0))
                        add_mount(reading, GRAPH_MOUNT_TOKEN, STR(""), true, token);
                if (secret)
                        add_mount(reading, GRAPH_MOUNT_SECRET, text(secret), true, secret);
        }
}

static void mount_volume(struct pod_reading *reading, const struct doc_node *volume,
                         const struct doc_node *mount) {
        const struct doc_node *host = doc_find(volume, "hostPath", "path");
        const struct doc_node *claim = doc_find(volume, "persistentVolumeClaim", "claimName");
        const struct doc_node *secret = doc_find(volume, "secret", "secretName");
        bool read_only = is_true(doc_get(mount, STR("readOnly")));

        if (host)
                add_mount(reading, GRAPH_MOUNT_HOST,
                          clean_path(&reading->graph->arena, text(host),
                                     text(doc_get(mount, STR("subPath")))),
                          read_only, host);
        if (claim)
                add_mount(reading, GRAPH_MOUNT_CLAIM, text(claim), read_only, claim);
        if (secret)
                add_mount(reading, GRAPH_MOUNT_SECRET, text(secret), true, secret);
        mount_projected(reading, doc_find(volume, "projected", "sources"));
}

static const struct doc_node *volume_named(const struct pod_reading *reading, struct str name) {
        const struct doc_node *volumes = doc_get(reading->spec, STR("volumes")), *volume;

        for (uint32_t i = 0; (volume = list_item(volumes, i)); i++)
                if (str_eq(text(doc_get(volume, STR("name"))), name))
                        return volume;
        return NULL;
}

static void read_mounts(struct pod_reading *reading, const struct doc_node *container) {
        const char *const lists[] = { "volumeMounts", "volumeDevices" };
        const struct doc_node *mount;

        for (size_t k = 0; k < ELEMENTS(lists); k++) {
                const struct doc_node *mounts = doc_get(container, str_from(lists[k]));

                for (uint32_t i = 0; (mount = list_item(mounts, i)); i++) {
                        const struct doc_node *volume =
                                volume_named(reading, text(doc_get(mount, STR("name"))));

                        if (volume)
                                mount_volume(reading, volume, mount);
                }
        }
}

static void read_environment(struct pod_reading *reading, const struct doc_node *container) {
        const struct doc_node *env = doc_get(container, STR("env")), *item;
        const struct doc_node *from = doc_get(container, STR("envFrom"));

        for (uint32_t i = 0; (item = list_item(env, i)); i++) {
                const struct doc_node *name = doc_find(item, "valueFrom", "secretKeyRef", "name");

                if (name) {
                        add_mount(reading, GRAPH_MOUNT_SECRET, text(name), true, name);
                        add_secret(reading, text(name));
                }
        }
        for (uint32_t i = 0; (item = list_item(from, i)); i++) {
                const struct doc_node *name = doc_find(item, "secretRef", "name");

                if (name) {
                        add_mount(reading, GRAPH_MOUNT_SECRET, text(name), true, name);
                        add_secret(reading, text(name));
                }
        }
}

/* Every secret that a volume or the pull of an image refers to: the kubelet may read it. */
static void read_pod_secrets(struct pod_reading *reading) {
        const struct doc_node *volumes = doc_get(reading->spec, STR("volumes")), *item, *source;
        const struct doc_node *pulls = doc_get(reading->spec, STR("imagePullSecrets"));

        for (uint32_t i = 0; (item = list_item(pulls, i)); i++)
                add_secret(reading, text(doc_get(item, STR("name"))));
        for (uint32_t i = 0; (item = list_item(volumes, i)); i++) {
                const struct doc_node *sources = doc_find(item, "projected", "sources");

                add_secret(reading, text(doc_find(item, "secret", "secretName")));
                for (uint32_t k = 0; (source = list_item(sources, k)); k++)
                        add_secret(reading, text(doc_find(source, "secret", "name")));
        }
}

/* --- containers --- */

static uint8_t capability(struct str name) {
        static const char *const names[] = { "SYS_ADMIN",       "SYS_MODULE", "SYS_PTRACE",
                                             "DAC_READ_SEARCH", "BPF",        "PERFMON" };
        char upper[32];

        if (name.len >= sizeof upper)
                return 0;
        for (size_t i = 0; i < name.len; i++)
                upper[i] = (char)(name.ptr[i] >= 'a' && name.ptr[i] <= 'z' ? name.ptr[i] - 32
                                                                           : name.ptr[i]);
        name = (struct str){ upper, name.len };
        if (str_starts(name, STR("CAP_")))
                name = str_slice(name, 4, name.len);
        if (str_eq(name, STR("ALL")))
                return GRAPH_CAP_EVERY;
        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq(name, str_from(names[i])))
                        return (uint8_t)(1U << i);
        return 0;
}

/* The field of the container's security context, else that of the pod's. */
static const struct doc_node *secured(const struct pod_reading *reading,
                                      const struct doc_node *container, const char *field) {
        const struct doc_node *own = doc_find(container, "securityContext", field);

        return own && own->kind != DOC_NULL ? own
                                            : doc_find(reading->spec, "securityContext", field);
}

/* Whether no process of the container can become root: it starts as another user, and may gain no
 * privileges. */
static bool never_root(const struct pod_reading *reading, const struct doc_node *container) {
        const struct doc_node *user = secured(reading, container, "runAsUser");
        bool other = is_true(secured(reading, container, "runAsNonRoot")) ||
                     (user && user->kind == DOC_INT && user->integer != 0);

        return other &&
               is_false(doc_find(container, "securityContext", "allowPrivilegeEscalation"));
}

static void read_security(struct pod_reading *reading, const struct doc_node *node,
                          struct graph_container *container) {
        const struct doc_node *context = doc_get(node, STR("securityContext"));
        const struct doc_node *privileged = doc_get(context, STR("privileged"));
        const struct doc_node *added = doc_find(context, "capabilities", "add"), *name;
        const struct doc_node *proc = doc_get(context, STR("procMount"));
        const struct doc_node *process = doc_find(context, "windowsOptions", "hostProcess");

        if (!process)
                process =
                        doc_find(reading->spec, "securityContext", "windowsOptions", "hostProcess");
        container->privileged = is_true(privileged);
        container->privileged_place = place_of(reading, privileged);
        for (uint32_t i = 0; (name = list_item(added, i)); i++)
                container->capabilities |= capability(text(name));
        container->capabilities_place = place_of(reading, added);
        container->unmasked = str_eq(text(proc), STR("Unmasked"));
        container->unmasked_place = place_of(reading, proc);
        container->host_process = is_true(process);
        container->never_root = never_root(reading, node);
}

static void read_container(struct pod_reading *reading, const struct doc_node *node, bool init,
                           struct graph_container *ret) {
        struct str again = text(doc_get(node, STR("restartPolicy")));

        ret->name = graph_keep(reading->graph, text(doc_get(node, STR("name"))));
        ret->image = graph_keep(reading->graph, text(doc_get(node, STR("image"))));
        ret->passing = init && !str_eq(again, STR("Always"));
        ret->place = place_of(reading, node);
        read_security(reading, node, ret);
        reading->mounts.count = 0;
        read_mounts(reading, node);
        read_environment(reading, node);
        ret->mount_count = reading->mounts.count;
        if (ret->mount_count > 0)
                ret->mounts = arena_copy(&reading->graph->arena, reading->mounts.items,
                                         ret->mount_count * sizeof *ret->mounts);
}

static uint32_t length(const struct doc_node *list) {
        return list && list->kind == DOC_LIST ? list->list.count : 0;
}

static void read_containers(struct pod_reading *reading) {
        const char *const lists[] = { "containers", "initContainers", "ephemeralContainers" };
        struct graph_pod *pod = reading->pod;
        const struct doc_node *node;
        size_t total = 0;

        for (size_t k = 0; k < ELEMENTS(lists); k++)
                total += length(doc_get(reading->spec, str_from(lists[k])));
        pod->containers = arena_new_array(&reading->graph->arena, total, struct graph_container);
        for (size_t k = 0; k < ELEMENTS(lists); k++) {
                const struct doc_node *list = doc_get(reading->spec, str_from(lists[k]));

                for (uint32_t i = 0; (node = list_item(list, i)); i++)
                        read_container(reading, node, k == 1,
                                       &pod->containers[pod->container_count++]);
        }
}

/* --- pods --- */

static void read_pairs(struct graph *graph, const struct doc_node *map, struct str **ret,
                       size_t *ret_count) {
        if (!map || map->kind != DOC_MAP || map->map.count == 0)
                return;
        *ret = arena_new_array(&graph->arena, map->map.count, struct str);
        for (uint32_t i = 0; i < map->map.count; i++) {
                const struct doc_entry *entry = &map->map.entries[i];

                (*ret)[(*ret_count)++] = graph_keep(
                        graph, arena_printf(&graph->arena, "%.*s=%.*s", STR_ARG(entry->key),
                                            STR_ARG(text(&entry->value))));
        }
}

static int compare_texts(const void *a, const void *b) {
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str selector_text(struct graph *graph, const struct doc_node *selector) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct str *pairs = NULL;
        size_t count = 0;

        read_pairs(graph, selector, &pairs, &count);
        if (count > 1)
                qsort(pairs, count, sizeof *pairs, compare_texts);
        for (size_t i = 0; i < count; i++) {
                /* Every Linux node has it; it tells no pools apart. */
                if (str_eq(pairs[i], STR("kubernetes.io/os=linux")))
                        continue;
                if (buf.len > 0)
                        buf_add_char(&buf, ',');
                buf_add(&buf, pairs[i]);
        }
        return graph_keep(graph, buf_str(&buf));
}

static void read_hosts(struct pod_reading *reading, const struct resource *resource) {
        const struct doc_node *spec = reading->spec;
        struct graph_pod *pod = reading->pod;
        const struct doc_node *users = doc_get(spec, STR("hostUsers"));

        pod->host_pid = is_true(doc_get(spec, STR("hostPID")));
        pod->host_pid_place = place_of(reading, doc_get(spec, STR("hostPID")));
        pod->host_network = is_true(doc_get(spec, STR("hostNetwork")));
        pod->shared_processes = is_true(doc_get(spec, STR("shareProcessNamespace")));
        pod->shared_place = place_of(reading, doc_get(spec, STR("shareProcessNamespace")));
        pod->user_namespace = is_false(users);
        pod->windows =
                str_eq(text(doc_find(spec, "os", "name")), STR("windows")) ||
                str_eq(text(doc_find(spec, "nodeSelector", "kubernetes.io/os")), STR("windows"));
        pod->daemon = pod->template && str_eq(resource->kind, STR("DaemonSet"));
}

static bool has_ended(const struct doc_node *object) {
        struct str phase = text(doc_find(object, "status", "phase"));

        return str_eq(phase, STR("Succeeded")) || str_eq(phase, STR("Failed"));
}

void graph_read_pod(struct graph *graph, struct str file, const struct resource *resource,
                    const struct doc_node *node, bool template) {
        const struct doc_node *spec = doc_get(node, STR("spec"));
        const struct doc_node *automount = doc_get(spec, STR("automountServiceAccountToken"));
        const struct doc_node *annotations = doc_find(node, "metadata", "annotations");
        struct graph_pod *pod = arena_new(&graph->arena, struct graph_pod);
        struct pod_reading reading = { .graph = graph, .file = file, .spec = spec, .pod = pod };
        struct str account = text(doc_get(spec, STR("serviceAccountName")));

        if (!spec || spec->kind != DOC_MAP || (!template && has_ended(node)))
                return;
        pod->namespace = graph_keep(graph, resource->namespace);
        pod->name = graph_keep(graph, resource->name);
        pod->kind = graph_keep(graph, resource->kind);
        pod->template = template;
        pod->place = graph_place_at(graph, file, template ? resource->object : node);
        pod->node = graph_keep(graph, text(doc_get(spec, STR("nodeName"))));
        pod->selector = selector_text(graph, doc_get(spec, STR("nodeSelector")));
        pod->account = graph_keep(graph, account.len ? account : STR("default"));
        pod->automount = is_true(automount)    ? GRAPH_YES
                         : is_false(automount) ? GRAPH_NO
                                               : GRAPH_UNSAID;
        pod->mirror = text(doc_get(annotations, STR("kubernetes.io/config.mirror"))).len > 0;
        pod->live = !template && text(doc_find(node, "metadata", "uid")).len > 0;
        read_pairs(graph, doc_find(node, "metadata", "labels"), &pod->labels, &pod->label_count);
        read_hosts(&reading, resource);
        pod->runtime = graph_keep(graph, text(doc_get(spec, STR("runtimeClassName"))));
        read_pod_secrets(&reading);
        read_containers(&reading);
        pod->secret_count = reading.secrets.count;
        if (pod->secret_count > 0)
                pod->secrets = arena_copy(&graph->arena, reading.secrets.items,
                                          pod->secret_count * sizeof *pod->secrets);
        vec_free(&reading.mounts);
        vec_free(&reading.secrets);
        *vec_push(&graph->facts->pods) = pod;
}
