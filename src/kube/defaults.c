#include "kube/defaults.h"

#include "base/util.h"
#include "kube/image.h"

/* --- the fields of a struct --- */

static const struct doc_node *get(const struct decode_fields *f, struct str name) {
        int at = schema_field_index(f->type, name);

        return at < 0 ? NULL : f->values[at];
}

static struct str text(const struct decode_fields *f, struct str name) {
        return doc_string(get(f, name), STR(""));
}

static bool is_text(const struct decode_fields *f, struct str name, struct str value) {
        return str_eq(text(f, name), value);
}

/* Sets a field to what was not written there; NULL removes it. */
static void set(struct decode_fields *f, struct str name, const struct doc_node *value) {
        int at = schema_field_index(f->type, name);

        if (at < 0)
                return;
        f->values[at] = value;
        f->entries[at] = NULL;
}

static void set_text(struct decode_fields *f, struct str name, struct str value) {
        struct doc_node *node = doc_new_map(f->arena, f->near, 0);

        doc_set_string(node, value);
        set(f, name, node);
}

static void set_integer(struct decode_fields *f, struct str name, int64_t value) {
        struct doc_node *node = doc_new_map(f->arena, f->near, 0);

        node->kind = DOC_INT;
        node->integer = value;
        set(f, name, node);
}

static void set_true(struct decode_fields *f, struct str name) {
        struct doc_node *node = doc_new_map(f->arena, f->near, 0);

        node->kind = DOC_BOOL;
        node->boolean = true;
        set(f, name, node);
}

static void set_empty_map(struct decode_fields *f, struct str name) {
        set(f, name, doc_new_map(f->arena, f->near, 0));
}

static bool is_empty(const struct doc_node *node) {
        if (!node)
                return true;
        switch ((enum doc_kind)node->kind) {
        case DOC_NULL:
                return true;
        case DOC_LIST:
                return node->list.count == 0;
        case DOC_MAP:
                return node->map.count == 0;
        case DOC_STRING:
                return node->string.len == 0;
        case DOC_INT:
                return node->integer == 0;
        default:
                return false;
        }
}

static bool is_true(const struct doc_node *node) {
        return node && node->kind == DOC_BOOL && node->boolean;
}

static bool is_map(const struct doc_node *node) {
        return node && node->kind == DOC_MAP;
}

/* --- maps --- */

/* The entries of BASE, which may be NULL, and those of MORE whose keys BASE does not have. What was
 * written keeps its place. */
static struct doc_node *joined(struct arena *arena, const struct doc_node *base,
                               const struct doc_node *more, const struct doc_node *near) {
        uint32_t count = is_map(base) ? base->map.count : 0;
        struct doc_node *map = doc_new_map(arena, base ? base : near,
                                           (size_t)count + (is_map(more) ? more->map.count : 0));
        struct doc_entry *entries = map->map.entries;

        if (base) {
                map->parent = base->parent;
                map->index = base->index;
                map->depth = base->depth;
                map->flags = base->flags;
        }
        for (uint32_t i = 0; i < count; i++)
                entries[i] = base->map.entries[i];
        for (uint32_t i = 0; is_map(more) && i < more->map.count; i++) {
                const struct doc_node *there = doc_get(base, more->map.entries[i].key);

                if (!there || there->kind == DOC_NULL)
                        entries[count++] = more->map.entries[i];
        }
        map->map.count = count;
        doc_map_index(arena, map);
        return map;
}

/* --- pods --- */

static void container(struct decode_fields *f) {
        if (is_empty(get(f, STR("imagePullPolicy"))))
                set_text(f, STR("imagePullPolicy"),
                         image_is_latest(text(f, STR("image"))) ? STR("Always")
                                                                : STR("IfNotPresent"));
}

static void image_volume(struct decode_fields *f) {
        if (is_empty(get(f, STR("pullPolicy"))))
                set_text(f, STR("pullPolicy"),
                         image_is_latest(text(f, STR("reference"))) ? STR("Always")
                                                                    : STR("IfNotPresent"));
}

/* A volume without a source is an empty folder. */
static void volume(struct decode_fields *f) {
        for (int i = 0; i < f->type->count; i++)
                if (f->values[i] && !str_eq(schema_fields_of(f->type)[i].name, STR("name")))
                        return;
        set_empty_map(f, STR("emptyDir"));
}

/* serviceAccount is the old name of serviceAccountName; both are always the same. */
static void pod_spec(struct decode_fields *f) {
        const struct doc_node *name = get(f, STR("serviceAccountName"));
        const struct doc_node *old = get(f, STR("serviceAccount"));

        if (is_empty(name))
                set(f, STR("serviceAccountName"), old);
        else if (!old || doc_string(old, STR("")).len == 0 || !str_eq(old->string, name->string))
                set(f, STR("serviceAccount"), name);
}

/* Those of LIMITS that a pod as a whole can have. */
static const struct doc_node *pod_level(struct arena *arena, const struct doc_node *limits) {
        struct doc_node *kept = doc_new_map(arena, limits, limits->map.count);
        uint32_t count = 0;

        for (uint32_t i = 0; i < limits->map.count; i++) {
                struct str key = limits->map.entries[i].key;

                if (str_eq(key, STR("cpu")) || str_eq(key, STR("memory")) ||
                    str_starts(key, STR("hugepages-")))
                        kept->map.entries[count++] = limits->map.entries[i];
        }
        kept->map.count = count;
        doc_map_index(arena, kept);
        return kept;
}

/* Of pod-level requests only what follows from the pod's own limits; where containers have
 * resources of their own, their sums would come first. */
static void pod_requests(struct decode_fields *f) {
        static const struct str containers[] = { STR_INIT("containers"),
                                                 STR_INIT("initContainers") };
        const struct doc_node *resources = get(f, STR("resources")), *list;
        const struct doc_node *limits = doc_get(resources, STR("limits"));
        const struct doc_node *requests = doc_get(resources, STR("requests"));

        if (is_empty(limits) || !is_map(limits) || (requests && !is_map(requests)))
                return;
        for (size_t i = 0; i < ELEMENTS(containers); i++) {
                list = get(f, containers[i]);
                for (uint32_t j = 0; list && list->kind == DOC_LIST && j < list->list.count; j++)
                        if (!is_empty(doc_get(&list->list.items[j], STR("resources"))))
                                return;
        }
        requests = joined(f->arena, requests, pod_level(f->arena, limits), resources);
        if (is_empty(requests))
                return;
        f->values[schema_field_index(f->type, STR("resources"))] =
                doc_map_with(f->arena, resources, STR("requests"), requests, resources);
}

static void own_pod_spec(struct decode_fields *f) {
        const struct doc_node *seconds = get(f, STR("terminationGracePeriodSeconds"));

        pod_spec(f);
        pod_requests(f);
        if (seconds && seconds->kind == DOC_INT && seconds->integer < 0)
                set_integer(f, STR("terminationGracePeriodSeconds"), 1);
        *f->host_network = is_true(get(f, STR("hostNetwork")));
}

/* What is limited and not requested is requested in full. */
static void own_resources(struct decode_fields *f) {
        const struct doc_node *limits = get(f, STR("limits")), *requests = get(f, STR("requests"));
        const struct doc_node *all;

        if (!is_map(limits) || (requests && !is_map(requests)))
                return;
        all = joined(f->arena, requests, limits, f->near);
        if (!requests)
                set(f, STR("requests"), all);
        else if (all->map.count > requests->map.count)
                f->values[schema_field_index(f->type, STR("requests"))] = all;
}

static void own_port(struct decode_fields *f) {
        if (*f->host_network && is_empty(get(f, STR("hostPort"))))
                set(f, STR("hostPort"), get(f, STR("containerPort")));
}

/* --- services --- */

static bool is_reached_from_outside(const struct decode_fields *f) {
        return is_text(f, STR("type"), STR("LoadBalancer")) ||
               is_text(f, STR("type"), STR("NodePort")) ||
               (is_text(f, STR("type"), STR("ClusterIP")) && !is_empty(get(f, STR("externalIPs"))));
}

static void session_affinity(struct decode_fields *f) {
        const struct doc_node *config = get(f, STR("sessionAffinityConfig"));
        const struct doc_node *timeout = doc_find(config, "clientIP", "timeoutSeconds");
        struct doc_node *seconds, *client;

        if (is_text(f, STR("sessionAffinity"), STR("None")))
                set(f, STR("sessionAffinityConfig"), NULL);
        if (!is_text(f, STR("sessionAffinity"), STR("ClientIP")) ||
            (timeout && timeout->kind != DOC_NULL))
                return;
        seconds = doc_new_map(f->arena, f->near, 0);
        seconds->kind = DOC_INT;
        seconds->integer = 10800;
        client = doc_map_with(f->arena, NULL, STR("timeoutSeconds"), seconds, f->near);
        set(f, STR("sessionAffinityConfig"),
            doc_map_with(f->arena, NULL, STR("clientIP"), client, f->near));
}

static void service_spec(struct decode_fields *f) {
        bool balancer = is_text(f, STR("type"), STR("LoadBalancer"));

        session_affinity(f);
        if (is_reached_from_outside(f) && is_empty(get(f, STR("externalTrafficPolicy"))))
                set_text(f, STR("externalTrafficPolicy"), STR("Cluster"));
        if (!get(f, STR("internalTrafficPolicy")) &&
            (balancer || is_text(f, STR("type"), STR("NodePort")) ||
             is_text(f, STR("type"), STR("ClusterIP"))))
                set_text(f, STR("internalTrafficPolicy"), STR("Cluster"));
        if (balancer && !get(f, STR("allocateLoadBalancerNodePorts")))
                set_true(f, STR("allocateLoadBalancerNodePorts"));
}

static void service_port(struct decode_fields *f) {
        if (is_empty(get(f, STR("targetPort"))))
                set(f, STR("targetPort"), get(f, STR("port")));
}

/* --- secrets --- */

static struct str base64(struct arena *arena, struct str bytes) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char *made = arena_alloc(arena, bytes.len / 3 * 4 + 5);
        size_t len = 0;

        for (size_t i = 0; i < bytes.len; i += 3) {
                uint32_t group = 0;

                for (size_t j = 0; j < 3; j++)
                        group = group << 8 | (i + j < bytes.len ? (uint8_t)bytes.ptr[i + j] : 0U);
                made[len++] = digits[group >> 18];
                made[len++] = digits[group >> 12 & 63];
                made[len++] = i + 1 < bytes.len ? digits[group >> 6 & 63] : '=';
                made[len++] = i + 2 < bytes.len ? digits[group & 63] : '=';
        }
        return (struct str){ made, len };
}

/* stringData is written into data and never seen again. */
static void secret(struct decode_fields *f) {
        const struct doc_node *given = get(f, STR("stringData")), *data = get(f, STR("data"));
        struct doc_node *encoded;
        int at = schema_field_index(f->type, STR("data"));

        if (!is_map(given) || f->for_rules)
                return;
        encoded = joined(f->arena, given, data, f->near);
        for (uint32_t i = 0; i < given->map.count; i++) {
                struct doc_node *value = &encoded->map.entries[i].value;

                if (value->kind == DOC_STRING || value->kind == DOC_NULL)
                        doc_set_string(value, base64(f->arena, doc_string(value, STR(""))));
        }
        set(f, STR("stringData"), NULL);
        if (encoded->map.count == 0)
                return;
        f->values[at] = encoded;
        /* The new map is at the place of stringData, so that paths into it exist in the text. */
        f->entries[at] = doc_entry_of(given);
}

/* --- other kinds --- */

static void name_label(struct decode_fields *f) {
        int at = schema_field_index(f->type, STR("metadata"));
        const struct doc_node *metadata = f->values[at], *name = doc_get(metadata, STR("name"));
        const struct doc_node *labels = doc_get(metadata, STR("labels"));
        struct doc_node *value, *changed;

        if (doc_string(name, STR("")).len == 0 ||
            (labels && !is_map(labels) && labels->kind != DOC_NULL))
                return;
        value = doc_new_map(f->arena, metadata, 0);
        doc_set_string(value, name->string);
        changed = doc_map_with(f->arena, is_map(labels) ? labels : NULL,
                               STR("kubernetes.io/metadata.name"), value, metadata);
        f->values[at] = doc_map_with(f->arena, metadata, STR("labels"), changed, metadata);
}

/* An object without labels gets those of its pod template. */
static void template_labels(struct decode_fields *f) {
        int at = schema_field_index(f->type, STR("metadata"));
        const struct doc_node *labels =
                doc_find(get(f, STR("spec")), "template", "metadata", "labels");

        if (!is_map(labels) || !is_empty(doc_get(f->values[at], STR("labels"))))
                return;
        f->values[at] = doc_map_with(f->arena, f->values[at], STR("labels"), labels, f->near);
}

static void replication_controller(struct decode_fields *f) {
        int at = schema_field_index(f->type, STR("spec"));
        const struct doc_node *spec = f->values[at];
        const struct doc_node *labels = doc_find(spec, "template", "metadata", "labels");

        template_labels(f);
        if (is_map(labels) && is_empty(doc_get(spec, STR("selector"))))
                f->values[at] = doc_map_with(f->arena, spec, STR("selector"), labels, f->near);
}

static void limit_range_item(struct decode_fields *f) {
        const struct doc_node *limits, *requests;

        if (!is_text(f, STR("type"), STR("Container")))
                return;
        limits = joined(f->arena, get(f, STR("default")), get(f, STR("max")), f->near);
        requests = joined(f->arena, get(f, STR("defaultRequest")), limits, f->near);
        requests = joined(f->arena, requests, get(f, STR("min")), f->near);
        set(f, STR("default"), limits);
        set(f, STR("defaultRequest"), requests);
}

static void node_status(struct decode_fields *f) {
        if (!get(f, STR("allocatable")))
                set(f, STR("allocatable"), get(f, STR("capacity")));
}

static void rolling_update(struct decode_fields *f) {
        if (is_text(f, STR("type"), STR("RollingUpdate")) && !get(f, STR("rollingUpdate")))
                set_empty_map(f, STR("rollingUpdate"));
}

/* That of a StatefulSet is only filled where the type was not given. */
static void partitioned_update(struct decode_fields *f) {
        if (!f->entries[schema_field_index(f->type, STR("type"))])
                rolling_update(f);
}

static void job_spec(struct decode_fields *f) {
        if (!get(f, STR("parallelism"))) {
                if (!get(f, STR("completions")))
                        set_integer(f, STR("completions"), 1);
                set_integer(f, STR("parallelism"), 1);
        }
        if (!get(f, STR("backoffLimit")))
                set_integer(f, STR("backoffLimit"),
                            get(f, STR("backoffLimitPerIndex")) ? INT32_MAX : 6);
        if (!get(f, STR("podReplacementPolicy")))
                set_text(f, STR("podReplacementPolicy"),
                         get(f, STR("podFailurePolicy")) ? STR("Failed")
                                                         : STR("TerminatingOrFailed"));
}

static void network_policy_spec(struct decode_fields *f) {
        bool egress = !is_empty(get(f, STR("egress")));
        struct doc_node *types;

        if (!is_empty(get(f, STR("policyTypes"))))
                return;
        types = doc_new_list(f->arena, f->near, egress ? 2 : 1);
        doc_set_string(&types->list.items[0], STR("Ingress"));
        if (egress)
                doc_set_string(&types->list.items[1], STR("Egress"));
        set(f, STR("policyTypes"), types);
}

static void subject(struct decode_fields *f) {
        if (is_empty(get(f, STR("apiGroup"))) &&
            (is_text(f, STR("kind"), STR("User")) || is_text(f, STR("kind"), STR("Group"))))
                set_text(f, STR("apiGroup"), STR("rbac.authorization.k8s.io"));
}

/* The old field for one address and the new one for several agree; the old one wins. WRAP is the
 * field of the items that holds the address, or empty where they are plain. */
static void one_and_many(struct decode_fields *f, struct str one, struct str many,
                         struct str wrap) {
        const struct doc_node *single = get(f, one), *list = get(f, many), *first;
        struct doc_node *made;

        if (list && list->kind == DOC_LIST && list->list.count > 0) {
                first = &list->list.items[0];
                first = wrap.len ? doc_get(first, wrap) : first;
                if (is_empty(single)) {
                        set(f, one, first);
                        return;
                }
                if (str_eq(doc_string(first, STR("")), doc_string(single, STR(""))))
                        return;
        }
        if (is_empty(single))
                return;
        made = doc_new_list(f->arena, f->near, 1);
        made->list.items[0] =
                wrap.len ? *doc_map_with(f->arena, NULL, wrap, single, f->near) : *single;
        set(f, many, made);
}

static void pod_status(struct decode_fields *f) {
        one_and_many(f, STR("podIP"), STR("podIPs"), STR("ip"));
}

static void node_spec(struct decode_fields *f) {
        one_and_many(f, STR("podCIDR"), STR("podCIDRs"), STR(""));
}

/* A counter of former times that every DaemonSet carries. */
static void daemon_set(struct decode_fields *f) {
        static const struct str key = STR_INIT("deprecated.daemonset.template.generation");
        int at = schema_field_index(f->type, STR("metadata"));
        const struct doc_node *metadata = f->values[at];
        const struct doc_node *annotations = doc_get(metadata, STR("annotations"));
        struct doc_node *zero;

        if ((metadata && !is_map(metadata)) || !is_empty(doc_get(annotations, key)))
                return;
        zero = doc_new_map(f->arena, metadata ? metadata : f->near, 0);
        doc_set_string(zero, STR("0"));
        annotations = doc_map_with(f->arena, is_map(annotations) ? annotations : NULL, key, zero,
                                   metadata ? metadata : f->near);
        f->values[at] = doc_map_with(f->arena, metadata, STR("annotations"), annotations, f->near);
}

static void claim_template(struct decode_fields *f) {
        set_text(f, STR("apiVersion"), STR("v1"));
        set_text(f, STR("kind"), STR("PersistentVolumeClaim"));
}

/* Without metrics a HorizontalPodAutoscaler looks at the CPU. What v1 cannot say is in an
 * annotation; with one, that is found out when it is read (kube/autoscaler.h). */
static void autoscaler_spec(struct decode_fields *f) {
        const struct doc_node *annotations = doc_find(f->near->parent, "metadata", "annotations");

        if (!get(f, STR("targetCPUUtilizationPercentage")) &&
            !doc_get(annotations, STR("autoscaling.alpha.kubernetes.io/metrics")))
                set_integer(f, STR("targetCPUUtilizationPercentage"), 80);
}

void defaults_apply(struct decode_fields *fields) {
        static void (*const hooks[])(struct decode_fields *) = {
                [HOOK_CONTAINER] = container,
                [HOOK_IMAGE_VOLUME] = image_volume,
                [HOOK_VOLUME] = volume,
                [HOOK_SERVICE_SPEC] = service_spec,
                [HOOK_SERVICE_PORT] = service_port,
                [HOOK_POD_SPEC] = pod_spec,
                [HOOK_OWN_POD_SPEC] = own_pod_spec,
                [HOOK_OWN_RESOURCES] = own_resources,
                [HOOK_OWN_PORT] = own_port,
                [HOOK_SECRET] = secret,
                [HOOK_NAMESPACE] = name_label,
                [HOOK_LIMIT_RANGE_ITEM] = limit_range_item,
                [HOOK_NODE_STATUS] = node_status,
                [HOOK_REPLICATION_CONTROLLER] = replication_controller,
                [HOOK_ROLLING_UPDATE] = rolling_update,
                [HOOK_PARTITIONED_UPDATE] = partitioned_update,
                [HOOK_JOB] = template_labels,
                [HOOK_JOB_SPEC] = job_spec,
                [HOOK_NETWORK_POLICY_SPEC] = network_policy_spec,
                [HOOK_SUBJECT] = subject,
                [HOOK_POD_STATUS] = pod_status,
                [HOOK_NODE_SPEC] = node_spec,
                [HOOK_DAEMON_SET] = daemon_set,
                [HOOK_CLAIM_TEMPLATE] = claim_template,
                [HOOK_AUTOSCALER_SPEC] = autoscaler_spec,
        };

        if (hooks[fields->type->hook])
                hooks[fields->type->hook](fields);
}
