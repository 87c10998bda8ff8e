/* Reading Namespaces, Nodes, pods, and the workloads that make pods. */
#include "base/util.h"
#include "net/private.h"

enum {
        TEMPLATES_MAX = 16,   /* of one object */
        OWNERS_MAX = 8,       /* from a pod up to its workload */
        HOSTS_MAX = 256,      /* words of one pod */
        HOST_LENGTH_MAX = 256 /* of one of them */
};

/* Who controls an object that controls pods. */
struct net_owner {
        struct str kind, name;
};

struct net_namespace *net_namespace_of(struct net_index *index, struct str name) {
        struct net_namespace *namespace = map_get(&index->namespaces, name);

        if (namespace)
                return namespace;
        namespace = arena_new(&index->arena, struct net_namespace);
        namespace->name = arena_str(&index->arena, name);
        namespace->number = (uint32_t)index->all_namespaces.count;
        map_put(&index->namespaces, namespace->name)->value = namespace;
        *vec_push(&index->all_namespaces) = namespace;
        return namespace;
}

static const struct doc_node *metadata(const struct doc_node *object, struct str key) {
        return doc_get(doc_get(object, STR("metadata")), key);
}

void net_add_namespace(struct net_reader *reader) {
        struct net_namespace *namespace = net_namespace_of(reader->index, reader->resource->name);

        namespace->declared = true;
        namespace->place = reader->place;
        net_read_labels(reader->index, metadata(reader->resource->object, STR("labels")),
                        &namespace->labels);
}

/* --- addresses --- */

static void keep_address(struct net_pod *pod, const struct doc_node *node) {
        struct ip ip;

        if (ip_parse(doc_string(node, STR("")), &ip, NULL, NULL) < 0)
                return;
        if (!pod->addresses[ip.v6].known)
                pod->addresses[ip.v6] = (struct net_address){ true, ip };
}

static void read_addresses(const struct doc_node *object, struct net_pod *pod) {
        const struct doc_node *status = doc_get(object, STR("status"));
        const struct doc_node *list =
                doc_get(status, pod->host_network ? STR("hostIPs") : STR("podIPs"));

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                keep_address(pod, doc_get(&list->list.items[i], STR("ip")));
        keep_address(pod, doc_get(status, STR("podIP")));
        if (pod->host_network)
                keep_address(pod, doc_get(status, STR("hostIP")));
}

static void read_pod_ranges(struct net_reader *reader, const struct doc_node *spec) {
        const struct doc_node *list = doc_get(spec, STR("podCIDRs"));
        struct ip_prefix prefix;

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                if (net_read_prefix(doc_string(&list->list.items[i], STR("")), &prefix))
                        net_index_add_pod_range(reader->index, &prefix);
        if (!list && net_read_prefix(doc_string(doc_get(spec, STR("podCIDR")), STR("")), &prefix))
                net_index_add_pod_range(reader->index, &prefix);
}

/* --- containers --- */

static void read_port(struct net_index *index, const struct doc_node *node, struct net_pod *pod) {
        const struct doc_node *number = doc_get(node, STR("containerPort"));
        const struct doc_node *host = doc_get(node, STR("hostPort"));
        struct net_named_port port = { 0 };

        if (!number || number->kind != DOC_INT || number->integer < 1 || number->integer > 65535)
                return;
        net_protocol_parse(doc_string(doc_get(node, STR("protocol")), STR("TCP")), &port.protocol);
        port.name = net_word(index, doc_string(doc_get(node, STR("name")), STR("")));
        port.port = (uint16_t)number->integer;
        if (host && host->kind == DOC_INT && host->integer > 0 && host->integer <= 65535)
                port.host_port = (uint16_t)host->integer;
        pod->ports[pod->port_count++] = port;
}

static void keep_host(struct net_index *index, struct str text, struct str *hosts,
                      uint32_t *count) {
        if (text.len == 0 || text.len > HOST_LENGTH_MAX || *count >= HOSTS_MAX ||
            str_find(text, STR(" "), 0) >= 0)
                return;
        hosts[(*count)++] = arena_str(&index->arena, text);
}

/* Values that may name another workload: of the environment, and arguments. */
static void read_hosts(struct net_index *index, const struct doc_node *container, struct str *hosts,
                       uint32_t *count) {
        static const char *const lists[] = { "command", "args" };
        const struct doc_node *env = doc_get(container, STR("env"));

        for (uint32_t i = 0; env && env->kind == DOC_LIST && i < env->list.count; i++)
                keep_host(index, doc_string(doc_get(&env->list.items[i], STR("value")), STR("")),
                          hosts, count);
        for (size_t k = 0; k < ELEMENTS(lists); k++) {
                const struct doc_node *list = doc_get(container, str_from(lists[k]));

                for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                        keep_host(index, doc_string(&list->list.items[i], STR("")), hosts, count);
        }
}

/* Whether a container goes on to run beside those of the pod. */
static bool is_sidecar(const struct doc_node *container) {
        return str_eq(doc_string(doc_get(container, STR("restartPolicy")), STR("")), STR("Always"));
}

struct container_list {
        const struct doc_node *items;
        uint32_t count;
        bool init;
};

static uint32_t count_ports(const struct container_list *list) {
        uint32_t count = 0;

        for (uint32_t i = 0; i < list->count; i++) {
                const struct doc_node *ports = doc_get(&list->items[i], STR("ports"));

                count += ports && ports->kind == DOC_LIST ? ports->list.count : 0;
        }
        return count;
}

static void read_container(struct net_index *index, const struct doc_node *container,
                           struct net_pod *pod) {
        const struct doc_node *ports = doc_get(container, STR("ports"));
        struct str image = doc_string(doc_get(container, STR("image")), STR(""));

        for (uint32_t i = 0; ports && ports->kind == DOC_LIST && i < ports->list.count; i++)
                read_port(index, &ports->list.items[i], pod);
        if (image.len > 0)
                pod->images[pod->image_count++] = net_kept(index, image);
}

static void read_containers(struct net_index *index, const struct doc_node *spec,
                            struct net_pod *pod) {
        const struct doc_node *lists[] = { doc_get(spec, STR("containers")),
                                           doc_get(spec, STR("initContainers")) };
        struct container_list all[ELEMENTS(lists)] = { 0 };
        struct str hosts[HOSTS_MAX];
        uint32_t ports = 0, containers = 0;

        for (size_t k = 0; k < ELEMENTS(lists); k++) {
                if (!lists[k] || lists[k]->kind != DOC_LIST)
                        continue;
                all[k] = (struct container_list){ lists[k]->list.items, lists[k]->list.count,
                                                  k == 1 };
                ports += count_ports(&all[k]);
                containers += all[k].count;
        }
        pod->ports = arena_new_array(&index->arena, ports, struct net_named_port);
        pod->images = arena_new_array(&index->arena, containers, struct str);
        for (size_t k = 0; k < ELEMENTS(all); k++)
                for (uint32_t i = 0; i < all[k].count; i++) {
                        read_hosts(index, &all[k].items[i], hosts, &pod->host_count);
                        if (!all[k].init || is_sidecar(&all[k].items[i]))
                                read_container(index, &all[k].items[i], pod);
                }
        pod->hosts = arena_copy(&index->arena, hosts, pod->host_count * sizeof *hosts);
}

/* --- pods --- */

static bool is_true(const struct doc_node *node) {
        return node && node->kind == DOC_BOOL && node->boolean;
}

static bool is_false(const struct doc_node *node) {
        return node && node->kind == DOC_BOOL && !node->boolean;
}

static struct net_pod *new_pod(struct net_reader *reader, const struct doc_node *object) {
        struct net_index *index = reader->index;
        struct net_pod *pod = arena_new(&index->arena, struct net_pod);
        const struct doc_node *spec = doc_get(object, STR("spec"));
        struct str account = doc_string(doc_get(spec, STR("serviceAccountName")), STR("default"));

        pod->namespace = net_namespace_of(index, reader->resource->namespace);
        pod->place = reader->place;
        pod->host_network = is_true(doc_get(spec, STR("hostNetwork")));
        pod->automount = !is_false(doc_get(spec, STR("automountServiceAccountToken")));
        pod->node = net_kept(index, doc_string(doc_get(spec, STR("nodeName")), STR("")));
        pod->account = net_kept(index, account);
        net_read_labels(index, metadata(object, STR("labels")), &pod->labels);
        read_containers(index, spec, pod);
        return pod;
}

/* The reference of OBJECT to what controls it; false: nothing does. */
static bool controller_of(struct net_index *index, const struct doc_node *object,
                          struct net_owner *ret) {
        const struct doc_node *owners = metadata(object, STR("ownerReferences"));

        for (uint32_t i = 0; owners && owners->kind == DOC_LIST && i < owners->list.count; i++) {
                const struct doc_node *owner = &owners->list.items[i];

                if (!is_true(doc_get(owner, STR("controller"))))
                        continue;
                ret->kind =
                        arena_str(&index->arena, doc_string(doc_get(owner, STR("kind")), STR("")));
                ret->name =
                        arena_str(&index->arena, doc_string(doc_get(owner, STR("name")), STR("")));
                return true;
        }
        return false;
}

static bool has_ended(const struct doc_node *object) {
        struct str phase = doc_string(doc_find(object, "status", "phase"), STR(""));

        return str_eq(phase, STR("Succeeded")) || str_eq(phase, STR("Failed"));
}

void net_add_pod(struct net_reader *reader) {
        struct net_index *index = reader->index;
        const struct doc_node *object = reader->resource->object;
        struct net_pod *pod = new_pod(reader, object), *before;
        struct net_owner owner;
        struct map_entry *entry;

        pod->name = arena_str(&index->arena, reader->resource->name);
        pod->kind = STR("Pod");
        pod->owner = pod->name;
        pod->ended = has_ended(object);
        read_addresses(object, pod);
        /* A static pod is controlled by its node: it is a workload of its own. */
        if (controller_of(index, object, &owner) && !str_eq(owner.kind, STR("Node"))) {
                pod->kind = owner.kind;
                pod->owner = owner.name;
        }
        entry = map_put(&index->pods, net_key(&index->arena, pod->namespace->name, pod->name));
        before = entry->value;
        if (before) {
                before->ended = true;
                net_problem(index, &pod->place, false,
                            "Pod \"%.*s\" is given twice: also %.*s:%u; this one counts",
                            STR_ARG(pod->name), STR_ARG(before->place.file),
                            before->place.pos.line);
        }
        entry->value = pod;
        *vec_push(&index->all_pods) = pod;
}

void net_add_node(struct net_reader *reader) {
        struct net_index *index = reader->index;
        struct net_pod *pod = arena_new(&index->arena, struct net_pod);
        const struct doc_node *object = reader->resource->object;
        const struct doc_node *list = doc_find(object, "status", "addresses");

        pod->name = pod->owner = pod->node_name = arena_str(&index->arena, reader->resource->name);
        pod->node = net_kept(index, pod->name);
        pod->kind = STR("Node");
        pod->place = reader->place;
        pod->host_network = true;
        net_read_labels(index, metadata(object, STR("labels")), &pod->labels);
        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++)
                keep_address(pod, doc_get(&list->list.items[i], STR("address")));
        read_pod_ranges(reader, doc_get(object, STR("spec")));
        *vec_push(&index->all_pods) = pod;
}

/* --- workloads --- */

void net_add_owner(struct net_reader *reader) {
        struct net_index *index = reader->index;
        struct net_owner owner;

        if (!controller_of(index, reader->resource->object, &owner))
                return;
        map_put(&index->owners, net_key3(&index->arena, reader->resource->kind,
                                         reader->resource->namespace, reader->resource->name))
                ->value = arena_copy(&index->arena, &owner, sizeof owner);
}

void net_add_templates(struct net_reader *reader) {
        const struct resource *resource = reader->resource;
        const struct doc_node *templates[TEMPLATES_MAX];
        const struct doc_node *replicas = doc_find(resource->object, "spec", "replicas");
        size_t count;

        net_add_owner(reader);
        /* Those of earlier revisions are kept without pods. */
        if (str_eq(resource->kind, STR("ReplicaSet")) && replicas && replicas->kind == DOC_INT &&
            replicas->integer == 0)
                return;
        count = kube_pod_templates(resource->known, resource->object, templates, TEMPLATES_MAX);
        if (count == 0 && resource->namespace.len > 0 && !kube_group_is_builtin(resource->group))
                net_namespace_of(reader->index, resource->namespace)->opaque = true;
        for (size_t i = 0; i < count; i++) {
                struct net_pod *pod = new_pod(reader, templates[i]);

                pod->template = true;
                pod->name = STR("");
                pod->kind = arena_str(&reader->index->arena, resource->kind);
                pod->owner = arena_str(&reader->index->arena, resource->name);
                *vec_push(&reader->index->all_pods) = pod;
        }
}

/* A ReplicaSet that is not in the input: a Deployment calls it by its own name and the hash that
 * its pods have as label. */
static bool deployment_of(struct net_index *index, struct net_pod *pod) {
        const uint32_t *value = net_label_find(
                &pod->labels,
                (uint32_t)(uintptr_t)map_get(&index->words, STR("pod-template-hash")));
        struct str hash = value ? index->word_text.items[*value] : STR("");

        if (!str_eq(pod->kind, STR("ReplicaSet")) || hash.len == 0 ||
            pod->owner.len <= hash.len + 1 || !str_ends(pod->owner, hash) ||
            pod->owner.ptr[pod->owner.len - hash.len - 1] != '-')
                return false;
        pod->kind = STR("Deployment");
        pod->owner = str_slice(pod->owner, 0, pod->owner.len - hash.len - 1);
        return true;
}

static void climb(struct net_index *index, struct net_pod *pod, struct arena *scratch) {
        for (int i = 0; i < OWNERS_MAX; i++) {
                const struct net_owner *owner =
                        map_get(&index->owners,
                                net_key3(scratch, pod->kind, pod->namespace->name, pod->owner));

                if (!owner) {
                        deployment_of(index, pod);
                        return;
                }
                pod->kind = owner->kind;
                pod->owner = owner->name;
        }
}

static struct str workload_key(struct arena *arena, const struct net_pod *pod) {
        return net_key3(arena, pod->kind, pod->namespace ? pod->namespace->name : STR(""),
                        pod->owner);
}

/* Of a workload with pods these count; of one without the template that is nearest to the top. */
static bool is_needless(const struct net_pod *pod, const struct net_pod *chosen) {
        if (!pod->template)
                return false;
        return !chosen->template || chosen->place.file.ptr != pod->place.file.ptr ||
               chosen->place.pos.line != pod->place.pos.line;
}

void net_own_pods(struct net_index *index) {
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        struct map chosen _cleanup_(map_free) = MAP_INIT;
        size_t kept = 0;

        for (size_t i = 0; i < index->all_pods.count; i++) {
                struct net_pod *pod = index->all_pods.items[i], *other;
                bool top = pod->template;
                struct map_entry *entry;

                if (pod->namespace) {
                        struct str kind = pod->kind;

                        climb(index, pod, &scratch);
                        top = top && str_eq(kind, pod->kind);
                }
                if (pod->ended)
                        continue;
                entry = map_put(&chosen, workload_key(&scratch, pod));
                other = entry->value;
                if (!other || (other->template && (!pod->template || top)))
                        entry->value = pod;
        }
        for (size_t i = 0; i < index->all_pods.count; i++) {
                struct net_pod *pod = index->all_pods.items[i];

                if (!pod->ended && !is_needless(pod, map_get(&chosen, workload_key(&scratch, pod))))
                        index->all_pods.items[kept++] = pod;
        }
        index->all_pods.count = kept;
}
