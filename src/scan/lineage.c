/*
 * Where live objects come from: pods are made by a ReplicaSet, that by a Deployment, that maybe by
 * something that no rule has ever heard of. A finding about a pod tells who is at the top, because
 * that is where it has to be mended; and where the pod only repeats what is wrong with the template
 * that it was made from, it is no finding of its own. What a pod has on top of that (a sidecar that
 * was injected, or all of it, where somebody only claims that it was made by that ReplicaSet) is.
 *
 * An object claims its owner itself, in ownerReferences; the uid has to be that of the owner. Who
 * names an owner that is not there is told apart from who has none, and circles end.
 */
#include "base/util.h"
#include "kube/kinds.h"
#include "scan/private.h"

enum { OWNER_DEPTH = 16 };

struct lineage_entry {
        struct str uid;
        struct resource_ref owner; /* kind empty: none */
        struct str owner_uid;
};

static struct str key_of(struct arena *arena, struct resource_ref ref) {
        return arena_printf(arena, "%.*s/%.*s/%.*s/%.*s",
                            STR_ARG(kube_group_version(ref.api_version).group), STR_ARG(ref.kind),
                            STR_ARG(ref.namespace), STR_ARG(ref.name));
}

static const struct doc_node *controller_of(const struct doc_node *metadata) {
        const struct doc_node *list = doc_get(metadata, STR("ownerReferences"));

        for (uint32_t i = 0; list && list->kind == DOC_LIST && i < list->list.count; i++) {
                const struct doc_node *flag = doc_get(&list->list.items[i], STR("controller"));

                if (flag && flag->kind == DOC_BOOL && flag->boolean)
                        return &list->list.items[i];
        }
        return NULL;
}

static struct str text(struct arena *arena, const struct doc_node *map, const char *key) {
        return arena_str(arena, doc_string(doc_get(map, str_from(key)), STR("")));
}

void lineage_add(struct lineage *lineage, const struct resource *resource) {
        const struct doc_node *metadata = doc_get(resource->root, STR("metadata"));
        const struct doc_node *owner = controller_of(metadata);
        struct lineage_entry *entry = arena_new(&lineage->arena, struct lineage_entry);
        const struct resource_ref ref = { resource->api_version, resource->kind,
                                          resource->namespace, resource->name };

        entry->uid = text(&lineage->arena, metadata, "uid");
        if (owner) {
                entry->owner = (struct resource_ref){ text(&lineage->arena, owner, "apiVersion"),
                                                      text(&lineage->arena, owner, "kind"),
                                                      arena_str(&lineage->arena, ref.namespace),
                                                      text(&lineage->arena, owner, "name") };
                entry->owner_uid = text(&lineage->arena, owner, "uid");
        }
        map_put(&lineage->by_key, key_of(&lineage->arena, ref))->value = entry;
}

void lineage_join(struct lineage *lineage, struct lineage *from) {
        for (size_t i = 0; i < from->by_key.count; i++)
                map_put(&lineage->by_key, from->by_key.entries[i].key)->value =
                        from->by_key.entries[i].value;
        arena_adopt(&lineage->arena, &from->arena);
        map_free(&from->by_key);
}

void lineage_free(struct lineage *lineage) {
        map_free(&lineage->by_key);
        arena_free(&lineage->arena);
}

/* The owner that ENTRY names, where it is there; REF becomes what it is called. It may be an object
 * without a namespace. Without a uid in the text (a test, a hand-written dump) the name has to do.
 */
static const struct lineage_entry *owner_of(const struct lineage *lineage, struct arena *scratch,
                                            const struct lineage_entry *entry,
                                            struct resource_ref *ref) {
        *ref = entry->owner;
        for (int i = 0; i < 2; i++) {
                const struct lineage_entry *owner =
                        map_get(&lineage->by_key, key_of(scratch, *ref));

                if (owner && (owner->uid.len == 0 || entry->owner_uid.len == 0 ||
                              str_eq(owner->uid, entry->owner_uid)))
                        return owner;
                if (i == 0)
                        ref->namespace = STR("");
        }
        *ref = entry->owner;
        return NULL;
}

/* --- folding --- */

struct str path_in_pod(struct str path) {
        static const char *const templates[] = { "spec.template.",
                                                 "spec.jobTemplate.spec.template." };

        for (size_t i = 0; i < ELEMENTS(templates); i++)
                if (str_starts(path, str_from(templates[i])))
                        return str_slice(path, strlen(templates[i]), path.len);
        return path;
}

static struct str fold_key(struct arena *arena, struct resource_ref ref,
                           const struct finding *finding, bool by_path) {
        struct str what = by_path ? path_in_pod(finding->location.path) : finding->message;

        return arena_printf(arena, "%.*s\n%.*s\n%c%.*s", STR_ARG(key_of(arena, ref)),
                            STR_ARG(finding->rule->id), by_path ? 'p' : 'm', STR_ARG(what));
}

/* What was found in anything that may have made something else. */
static void remember(struct map *known, struct arena *arena, const struct finding *finding) {
        const struct kube_kind *kind = kube_kind_find(
                kube_group_version(finding->resource.api_version).group, finding->resource.kind);

        if (!kind || !kind->pod_template || str_eq(finding->resource.kind, STR("Pod")))
                return;
        for (int i = 0; i < 2; i++)
                map_put(known, fold_key(arena, finding->resource, finding, i))->value = known;
}

/* Tells FINDING its owner. Returns whether one of those on the way has the same finding. */
static bool trace(const struct lineage *lineage, const struct map *known, struct arena *scratch,
                  struct finding *finding) {
        const struct lineage_entry *entry =
                map_get(&lineage->by_key, key_of(scratch, finding->resource));
        struct resource_ref ref;

        for (int depth = 0; entry && entry->owner.kind.len > 0 && depth < OWNER_DEPTH; depth++) {
                entry = owner_of(lineage, scratch, entry, &ref);
                /* Of an owner that is not there the name is all there is. */
                if (!entry && depth > 0 && finding->owner.kind.len > 0)
                        break;
                if (str_eq(key_of(scratch, ref), key_of(scratch, finding->resource)))
                        break;
                finding->owner = ref;
                if (entry && (map_get(known, fold_key(scratch, ref, finding, false)) ||
                              map_get(known, fold_key(scratch, ref, finding, true))))
                        return true;
        }
        return false;
}

static void keep_reference(struct arena *arena, struct resource_ref *ref) {
        if (ref->kind.len == 0)
                return;
        *ref = (struct resource_ref){ arena_str(arena, ref->api_version),
                                      arena_str(arena, ref->kind), arena_str(arena, ref->namespace),
                                      arena_str(arena, ref->name) };
}

size_t lineage_apply(const struct lineage *lineage, const struct declared *declared,
                     struct finding_list *list) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        struct map known = { 0 };
        size_t kept = 0, folded;

        if (lineage->by_key.count == 0)
                return 0;
        for (size_t i = 0; i < list->findings.count; i++)
                remember(&known, &arena, &list->findings.items[i]);
        for (size_t i = 0; i < list->findings.count; i++) {
                struct finding *finding = &list->findings.items[i];

                arena_reset(&scratch, 1 << 16);
                if (trace(lineage, &known, &scratch, finding))
                        continue;
                keep_reference(&list->arena, &finding->owner);
                declared_place_owner(declared, &list->arena, finding);
                list->findings.items[kept++] = *finding;
        }
        folded = list->findings.count - kept;
        list->findings.count = kept;
        map_free(&known);
        return folded;
}
