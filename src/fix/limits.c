/*
 * Fixes of namespaces without a quota or limits: a ResourceQuota, or a LimitRange, behind the
 * Namespace in its file. Its numbers are a beginning: room for twice the workloads that are there,
 * with the defaults that the other fix gives containers.
 */
#include "base/buf.h"
#include "base/util.h"
#include "fix/private.h"

/* Pods that a workload may have, and the least that is given. */
enum { PODS_PER_WORKLOAD = 10, PODS_LEAST = 20 };

/* Workloads of NAMESPACE in the input are not counted again: what the finding says of them is in
 * its message, "namespace "shop" has 3 workloads ...". */
static unsigned workloads_in(struct str message) {
        ptrdiff_t at = str_find(message, STR(" has "), 0);
        unsigned count = 0;

        for (size_t i = at < 0 ? message.len : (size_t)at + 5;
             i < message.len && message.ptr[i] >= '0' && message.ptr[i] <= '9' && count < 10000;
             i++)
                count = count * 10 + (unsigned)(message.ptr[i] - '0');
        return count;
}

/* An object called "default" of the namespace; its name as JSON, which is YAML, too. */
static const struct doc_node *object_of(struct fix *fix, const char *kind, struct str namespace,
                                        const char *spec) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&buf, "{apiVersion: v1, kind: %s, metadata: {name: default, namespace: ", kind);
        buf_add_json(&buf, namespace);
        buf_printf(&buf, "}, spec: %s}", spec);
        return fix_value(fix, arena_str(fix_arena(fix), buf_str(&buf)).ptr);
}

/* The Namespace that the finding lies in. */
static bool find_namespace(const struct finding *finding, struct fix *fix,
                           struct fix_target *target) {
        if (!fix_find(fix, &finding->location, target))
                return false;
        if (str_eq(target->resource.kind, STR("Namespace")))
                return true;
        fix_refuse(fix, "its namespace is not in the input");
        return false;
}

static void propose_quota(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        unsigned pods =
                MAX(2 * workloads_in(finding->message) * PODS_PER_WORKLOAD, (unsigned)PODS_LEAST);
        struct fix_target target;
        struct str text;

        if (!find_namespace(finding, fix, &target))
                return;
        text = arena_printf(fix_arena(fix),
                            "{hard: {pods: \"%u\", requests.cpu: \"%u\", requests.memory: %uGi, "
                            "limits.memory: %uGi}}",
                            pods, pods / 5, pods / 4, pods / 2);
        fix_create(fix, finding->location.file,
                   object_of(fix, "ResourceQuota", target.resource.name, text.ptr));
        fix_describe(fix, "add a ResourceQuota for %u pods to namespace %.*s", pods,
                     STR_ARG(target.resource.name));
}

static void propose_limits(_unused_ void *self, const struct finding *finding, struct fix *fix) {
        struct fix_target target;

        if (!find_namespace(finding, fix, &target))
                return;
        fix_create(fix, finding->location.file,
                   object_of(fix, "LimitRange", target.resource.name,
                             "{limits: [{type: Container, default: {memory: 512Mi}, "
                             "defaultRequest: {cpu: 100m, memory: 128Mi}}]}"));
        fix_describe(fix, "add a LimitRange with a memory limit to namespace %.*s",
                     STR_ARG(target.resource.name));
}

static const char *const quota_rules[] = { "segregation/namespace-without-quota", NULL };
static const char *const limit_rules[] = { "segregation/namespace-without-limits", NULL };

const struct fix_provider fix_quota = {
        .rules = quota_rules,
        .unsafe = "pods beyond the quota, and pods without requests where no LimitRange gives them "
                  "some, are refused",
        .propose = propose_quota,
};

const struct fix_provider fix_limit_range = {
        .rules = limit_rules,
        .unsafe = "containers that need more memory than the default limit are killed",
        .propose = propose_limits,
};
