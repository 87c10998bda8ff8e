#include "etcd/value.h"

#include "base/util.h"
#include "etcd/protobuf.h"
#include "kube/kinds.h"

#define ENCRYPTED STR("k8s:enc:")

/* A name longer than that is none that the API server wrote. */
enum { NAME_MAX_BYTES = 1024 };

static const struct {
        struct str name;
        struct str versions[2];
} providers[] = {
        [STORED_AESCBC] = { STR_INIT("aescbc"), { STR_INIT("v1") } },
        [STORED_AESGCM] = { STR_INIT("aesgcm"), { STR_INIT("v1") } },
        [STORED_SECRETBOX] = { STR_INIT("secretbox"), { STR_INIT("v1") } },
        [STORED_KMS] = { STR_INIT("kms"), { STR_INIT("v1"), STR_INIT("v2") } },
};

/* The text before the next colon, which must come soon. */
static bool next_part(struct str *rest, struct str *ret) {
        size_t limit = MIN(rest->len, (size_t)NAME_MAX_BYTES);
        const char *colon = limit ? memchr(rest->ptr, ':', limit) : NULL;

        if (!colon)
                return false;
        *ret = (struct str){ rest->ptr, (size_t)(colon - rest->ptr) };
        *rest = str_slice(*rest, ret->len + 1, rest->len);
        return true;
}

/* The keyID of an EncryptedObject (k8s.io/apiserver, envelope/kmsv2/v2): field 2. */
static struct str key_id_of(struct str object) {
        struct proto proto = proto_over(object);
        struct proto_field field;

        while (proto_next(&proto, &field) > 0)
                if (field.number == 2 && field.type == PROTO_BYTES)
                        return field.bytes.len <= NAME_MAX_BYTES ? field.bytes : STR("");
        return STR("");
}

void stored_value_read(struct str value, struct stored_value *ret) {
        struct str rest, provider, version, key;

        *ret = (struct stored_value){ .provider = STORED_PLAIN };
        if (!str_starts(value, ENCRYPTED))
                return;
        ret->provider = STORED_UNKNOWN;
        rest = str_slice(value, ENCRYPTED.len, value.len);
        if (!next_part(&rest, &provider) || !next_part(&rest, &version) || !next_part(&rest, &key))
                return;
        for (size_t i = STORED_AESCBC; i < ELEMENTS(providers); i++) {
                if (!str_eq(provider, providers[i].name) ||
                    !(str_eq(version, providers[i].versions[0]) ||
                      (providers[i].versions[1].ptr && str_eq(version, providers[i].versions[1]))))
                        continue;
                ret->provider = (enum stored_provider)i;
                ret->version = version;
                ret->key = key;
                if (i == STORED_KMS && str_eq(version, STR("v2")))
                        ret->key_id = key_id_of(rest);
        }
}

const char *stored_provider_name(enum stored_provider provider) {
        if (provider == STORED_PLAIN)
                return "identity";
        return provider == STORED_UNKNOWN ? "unknown" : providers[provider].name.ptr;
}

/* --- keys --- */

static const struct {
        struct str path, resource;
} renamed[] = {
        { STR_INIT("services/specs"), STR_INIT("services") },
        { STR_INIT("services/endpoints"), STR_INIT("endpoints") },
        { STR_INIT("minions"), STR_INIT("nodes") },
        { STR_INIT("controllers"), STR_INIT("replicationcontrollers") },
        { STR_INIT("ingress"), STR_INIT("ingresses.networking.k8s.io") },
        { STR_INIT("events"), STR_INIT("events") },
        /* Kinds that are served only when they are asked for. */
        { STR_INIT("devicetaintrules"), STR_INIT("devicetaintrules.resource.k8s.io") },
        { STR_INIT("leasecandidates"), STR_INIT("leasecandidates.coordination.k8s.io") },
        { STR_INIT("podcertificaterequests"),
          STR_INIT("podcertificaterequests.certificates.k8s.io") },
        { STR_INIT("podgroups"), STR_INIT("podgroups.scheduling.k8s.io") },
        { STR_INIT("resourcepoolstatusrequests"),
          STR_INIT("resourcepoolstatusrequests.resource.k8s.io") },
        { STR_INIT("storageversionmigrations"),
          STR_INIT("storageversionmigrations.storagemigration.k8s.io") },
        { STR_INIT("storageversions"), STR_INIT("storageversions.internal.apiserver.k8s.io") },
        { STR_INIT("workloads"), STR_INIT("workloads.scheduling.k8s.io") },
        /* OpenShift's own, below /openshift.io (openshift/origin, etcd storage paths). */
        { STR_INIT("oauth/accesstokens"), STR_INIT("oauthaccesstokens.oauth.openshift.io") },
        { STR_INIT("oauth/authorizetokens"), STR_INIT("oauthauthorizetokens.oauth.openshift.io") },
        { STR_INIT("oauth/clients"), STR_INIT("oauthclients.oauth.openshift.io") },
        { STR_INIT("oauth/clientauthorizations"),
          STR_INIT("oauthclientauthorizations.oauth.openshift.io") },
        { STR_INIT("routes"), STR_INIT("routes.route.openshift.io") },
        { STR_INIT("users"), STR_INIT("users.user.openshift.io") },
        { STR_INIT("groups"), STR_INIT("groups.user.openshift.io") },
        { STR_INIT("useridentities"), STR_INIT("identities.user.openshift.io") },
        { STR_INIT("builds"), STR_INIT("builds.build.openshift.io") },
        { STR_INIT("buildconfigs"), STR_INIT("buildconfigs.build.openshift.io") },
        { STR_INIT("deploymentconfigs"), STR_INIT("deploymentconfigs.apps.openshift.io") },
        { STR_INIT("images"), STR_INIT("images.image.openshift.io") },
        { STR_INIT("imagestreams"), STR_INIT("imagestreams.image.openshift.io") },
        { STR_INIT("templates"), STR_INIT("templates.template.openshift.io") },
        { STR_INIT("templateinstances"), STR_INIT("templateinstances.template.openshift.io") },
};

/* A name of a group has a dot, that of a resource has none. */
static bool has_second_part(struct str first) {
        return memchr(first.ptr, '.', first.len) || str_eq(first, STR("services")) ||
               str_eq(first, STR("oauth"));
}

bool stored_key_read(struct str key, struct str prefix, struct stored_key *ret) {
        struct str rest, first, second, third;
        const char *start;

        if (!str_starts(key, prefix) || key.len <= prefix.len + 1 || key.ptr[prefix.len] != '/')
                return false;
        rest = str_slice(key, prefix.len + 1, key.len);
        start = rest.ptr;
        if (!str_split(&rest, '/', &first) || first.len == 0)
                return false;
        if (has_second_part(first) && (!str_split(&rest, '/', &second) || second.len == 0))
                return false;
        if (!rest.ptr)
                return false;
        *ret = (struct stored_key){ .path = { start, (size_t)(rest.ptr - start) - 1 } };
        str_split(&rest, '/', &third);
        if (rest.ptr)
                ret->namespace = third;
        ret->name = rest.ptr ? rest : third;
        return true;
}

struct str stored_resource(struct arena *arena, struct str path) {
        const struct kube_kind *kind;
        ptrdiff_t slash;

        for (size_t i = 0; i < ELEMENTS(renamed); i++)
                if (str_eq(path, renamed[i].path))
                        return renamed[i].resource;
        slash = str_find(path, STR("/"), 0);
        if (slash > 0)
                return arena_printf(arena, "%.*s.%.*s",
                                    STR_ARG(str_slice(path, (size_t)slash + 1, path.len)),
                                    STR_ARG(str_slice(path, 0, (size_t)slash)));
        kind = kube_resource_find(path);
        if (kind && kind->group.len > 0)
                return arena_printf(arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(kind->group));
        return arena_str(arena, path);
}
