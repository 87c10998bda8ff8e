#include "scan/declared.h"

#include <errno.h>

#include "base/fs.h"
#include "base/util.h"
#include "inventory/cluster.h"
#include "kube/convert.h"
#include "kube/drift.h"
#include "kube/selector.h"
#include "scan/private.h"

struct declared_object {
        struct str path; /* that it has in the cluster */
        const struct doc *doc;
        struct resource resource;
        bool live; /* it was met there */
};

struct declared {
        struct arena arena;
        struct map by_path;
        const struct doc_node *selector;
        const struct scan_options *options;
        struct map scaled; /* "namespace/kind/name" of what an autoscaler scales */
};

/* --- reading --- */

static void add_problem(struct input_list *list, struct str file, const struct error *error) {
        *vec_push(&list->problems) =
                (struct diagnostic){ .file = arena_str(&list->arena, file),
                                     .pos = { error->line, error->column },
                                     .message = arena_str(&list->arena, str_from(error->message)),
                                     .incomplete = true };
}

/* Objects with a generated name cannot be found again. */
static void add_object(struct declared *declared, const struct doc *doc,
                       const struct resource *resource) {
        struct str namespace = resource->namespaced ? resource->namespace : STR("");
        struct declared_object *object;

        if (doc_string(doc_find(resource->root, "metadata", "name"), STR("")).len == 0)
                return;
        object = arena_new(&declared->arena, struct declared_object);
        object->doc = doc;
        object->resource = *resource;
        object->path = cluster_path_of(&declared->arena, resource->group, resource->resource,
                                       namespace, resource->name);
        map_put(&declared->by_path, object->path)->value = object;
}

static void add_document(struct declared *declared, const struct doc *doc,
                         struct input_list *list) {
        const struct str namespace = declared->options->namespace;
        struct resource_list resources;

        resources_of(&declared->arena, doc, namespace.len > 0 ? namespace : STR("default"), false,
                     &resources);
        if (resources.problem)
                add_problem(list, doc->source->name, resources.problem);
        for (size_t i = 0; i < resources.count; i++)
                add_object(declared, doc, &resources.items[i]);
}

static void add_file(struct declared *declared, const struct input_file *file,
                     struct input_list *list) {
        struct doc_source *source = arena_new(&declared->arena, struct doc_source);
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_reader reader;
        struct error error;
        struct doc *doc;
        int r = 0;

        if (!file->text.ptr)
                r = fs_read(file->path.ptr, -1, declared->options->limits.file_bytes, false, &buf,
                            &error);
        if (r >= 0)
                r = doc_source_init(
                        &declared->arena, arena_str(&declared->arena, file->path),
                        arena_str(&declared->arena, file->text.ptr ? file->text : buf_str(&buf)),
                        source, &error);
        if (r < 0) {
                add_problem(list, file->path, &error);
                return;
        }
        doc_reader_init(&reader, source, DOC_AUTO, &declared->options->limits);
        while ((r = doc_read(&reader, &declared->arena, &doc, &error)) != 0)
                if (r > 0)
                        add_document(declared, doc, list);
                else
                        add_problem(list, file->path, &error);
}

int declared_read(const struct scan_options *options, struct input_list *manifests,
                  const char *undeclared, struct declared **ret, struct error *error) {
        struct declared *declared = xrealloc(NULL, 1, sizeof *declared);
        int r = 0;

        *declared = (struct declared){ .options = options };
        if (undeclared)
                r = kube_selector_parse(&declared->arena,
                                        arena_str(&declared->arena, str_from(undeclared)),
                                        &declared->selector, error);
        if (r < 0) {
                declared_free(declared);
                return r;
        }
        for (size_t i = 0; i < manifests->files.count; i++)
                add_file(declared, &manifests->files.items[i], manifests);
        for (size_t i = 0; i < declared->by_path.count; i++)
                declared_note_scaled(
                        declared,
                        &((struct declared_object *)declared->by_path.entries[i].value)->resource);
        *ret = declared;
        return 0;
}

struct declared *declared_free(struct declared *declared) {
        if (!declared)
                return NULL;
        map_free(&declared->by_path);
        map_free(&declared->scaled);
        arena_free(&declared->arena);
        free(declared);
        return NULL;
}

size_t declared_count(const struct declared *declared, struct str group, struct str resource) {
        size_t count = 0;

        for (size_t i = 0; declared && i < declared->by_path.count; i++) {
                const struct declared_object *object = declared->by_path.entries[i].value;

                count += str_eq(object->resource.group, group) &&
                         str_eq(object->resource.resource, resource);
        }
        return count;
}

bool declared_is_complete(const struct declared *declared) {
        return declared && declared->selector;
}

/* --- autoscalers --- */

static struct str scaled_key(struct arena *arena, struct str namespace, struct str kind,
                             struct str name) {
        return arena_printf(arena, "%.*s/%.*s/%.*s", STR_ARG(namespace), STR_ARG(kind),
                            STR_ARG(name));
}

void declared_note_scaled(struct declared *declared, const struct resource *resource) {
        const struct doc_node *target = doc_find(resource->root, "spec", "scaleTargetRef");
        struct str kind = doc_string(doc_get(target, STR("kind")), STR("Deployment"));

        if (!str_eq(resource->kind, STR("HorizontalPodAutoscaler")) &&
            !str_eq(resource->kind, STR("ScaledObject")))
                return;
        map_put(&declared->scaled, scaled_key(&declared->arena, resource->namespace, kind,
                                              doc_string(doc_get(target, STR("name")), STR(""))))
                ->value = declared;
}

static void gather_scaler(void *userdata, struct arena *arena, const struct doc *doc) {
        struct resource_list resources;

        resources_of(arena, doc, STR(""), true, &resources);
        for (size_t i = 0; i < resources.count; i++)
                declared_note_scaled(userdata, &resources.items[i]);
}

void declared_find_scaled(struct declared *declared, const struct input_list *files) {
        const struct gather gather = { STR("scaleTargetRef"), gather_scaler, declared };

        gather_documents(declared->options, files, &gather, 1);
}

/* --- places --- */

/* The child of DECLARED that is what NODE is in its parent. */
static const struct doc_node *same_child(const struct doc_node *declared,
                                         const struct doc_node *node) {
        const struct doc_entry *entry = doc_entry_of(node);
        struct str name;

        if (entry)
                return doc_get(declared, entry->key);
        if (!declared || declared->kind != DOC_LIST)
                return NULL;
        name = doc_string(doc_get(node, STR("name")), STR(""));
        for (uint32_t i = 0; name.len > 0 && i < declared->list.count; i++)
                if (str_eq(doc_string(doc_get(&declared->list.items[i], STR("name")), STR("")),
                           name))
                        return &declared->list.items[i];
        return name.len == 0 && node->index < declared->list.count
                       ? &declared->list.items[node->index]
                       : NULL;
}

enum { PLACE_DEPTH = 300 };

static const struct doc_node *same_place(const struct declared_object *object,
                                         const struct resource *live, const struct doc_node *node) {
        const struct doc_node *way[PLACE_DEPTH], *at = object->resource.root, *next;
        size_t count = 0;

        for (; node && node != live->root && node != live->object && count < PLACE_DEPTH;
             node = node->parent)
                way[count++] = node;
        while (count > 0 && (next = same_child(at, way[count - 1]))) {
                at = next;
                count--;
        }
        if (at == object->resource.root)
                next = doc_find(at, "metadata", "name");
        else
                next = at;
        return next ? next : at;
}

static void place(struct worker *worker, const struct declared_object *object,
                  const struct doc_node *node, struct finding_location *ret) {
        struct arena *arena = &worker->list.arena;

        *ret = (struct finding_location){ .file = arena_str(arena, object->doc->source->name),
                                          .start = node->start,
                                          .end = node->end,
                                          .path = arena_str(arena,
                                                            doc_path(&worker->scratch, node)) };
}

static struct declared_object *object_at(const struct declared *declared, struct str path) {
        return declared ? map_get(&declared->by_path, path) : NULL;
}

void declared_place(struct worker *worker, const struct doc_node *node,
                    struct finding_location *ret) {
        const struct declared_object *object;

        if (!worker->options->declared || !worker->input || worker->is_derived)
                return;
        object = object_at(worker->options->declared, worker->input->path);
        if (object)
                place(worker, object, same_place(object, worker->resource, node), ret);
}

void declared_place_owner(const struct declared *declared, struct arena *arena,
                          struct finding *finding) {
        const struct resource_ref *owner = &finding->owner;
        struct str group = kube_group_version(owner->api_version).group;
        const struct kube_kind *kind = kube_kind_find(group, owner->kind);
        const struct declared_object *object;
        const struct doc_node *name;

        if (!declared || owner->kind.len == 0 || finding->declared.file.len > 0)
                return;
        object = object_at(declared, cluster_path_of(arena, group,
                                                     kind ? kind->resource
                                                          : kube_guess_resource(arena, owner->kind),
                                                     owner->namespace, owner->name));
        if (!object)
                return;
        name = doc_find(object->resource.root, "metadata", "name");
        name = name ? name : object->resource.root;
        finding->declared = (struct finding_location){
                .file = arena_str(arena, object->doc->source->name),
                .start = name->start,
                .end = name->end,
                .path = STR("metadata.name"),
        };
}

/* --- judging --- */

struct judging {
        struct worker *worker;
        const struct declared_object *object;
        const struct policy *rule;
};

static struct finding *add_finding(struct worker *worker, const struct policy *rule,
                                   struct str message, const struct doc_node *node) {
        size_t before = worker->list.findings.count;

        worker_add_finding(worker, &rule->info, message, &(struct worker_spot){ &node, 1, false });
        return worker->list.findings.count > before ? &worker->list.findings.items[before] : NULL;
}

static void drifted(void *userdata, const struct kube_drift *drift) {
        struct judging *judging = userdata;
        struct worker *worker = judging->worker;
        const struct doc_node *live = drift->live;
        struct finding *finding = add_finding(worker, judging->rule, drift->what, live);

        if (finding && drift->declared)
                place(worker, judging->object, drift->declared, &finding->declared);
}

/* The declared object in the version that the live one is read in. */
static const struct doc_node *in_version(struct worker *worker,
                                         const struct declared_object *object,
                                         const struct resource *live) {
        const struct resource *resource = &object->resource;

        if (str_eq(resource->version, live->version))
                return resource->object;
        return kube_convert(&worker->documents, resource->object, resource->kind, resource->version,
                            live->version);
}

static void compare(struct worker *worker, const struct declared *declared,
                    const struct declared_object *object, const struct resource *live) {
        const struct policy *rule = worker->structures->rules[POLICY_CHECK_DRIFT];
        struct judging judging = { worker, object, rule };
        struct kube_drift_sides sides = {
                .structure =
                        structure_find(&worker->structures->custom, live->api_version, live->kind),
                .kind = live->kind,
                .declared = in_version(worker, object, live),
                .live = live->object,
                .scaled = map_get(&declared->scaled, scaled_key(&worker->documents, live->namespace,
                                                                live->kind, live->name)),
                .metadata_only = live->metadata_only,
        };

        if (!rule)
                return;
        if (sides.declared)
                kube_drift_compare(&worker->documents, &sides, drifted, &judging);
        else
                worker_problem(
                        worker, worker->input->path, live->root->start, (struct doc_pos){ 0, 0 },
                        arena_printf(&worker->documents,
                                     "it is declared in version %.*s and read in %.*s: the "
                                     "two are not compared",
                                     STR_ARG(object->resource.version), STR_ARG(live->version)),
                        false);
}

/* What the cluster makes of itself, and what controllers make, nobody declares. */
static bool is_made_by_cluster(const struct resource *live) {
        static const char *const kinds[] = { "Event",
                                             "Endpoints",
                                             "EndpointSlice",
                                             "Lease",
                                             "Node",
                                             "PodMetrics",
                                             "ControllerRevision",
                                             "CSINode",
                                             "FlowSchema",
                                             "PriorityLevelConfiguration" };
        const struct doc_node *metadata = doc_get(live->root, STR("metadata"));
        const struct doc_node *owners = doc_get(metadata, STR("ownerReferences"));

        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (str_eq(live->kind, str_from(kinds[i])))
                        return true;
        if (owners && owners->kind == DOC_LIST && owners->list.count > 0)
                return true;
        return doc_get(doc_get(metadata, STR("labels")), STR("kubernetes.io/bootstrapping")) ||
               (str_eq(live->kind, STR("ServiceAccount")) && str_eq(live->name, STR("default"))) ||
               (str_eq(live->kind, STR("ConfigMap")) &&
                str_eq(live->name, STR("kube-root-ca.crt")));
}

static void judge_undeclared(struct worker *worker, const struct declared *declared,
                             const struct resource *live) {
        const struct policy *rule = worker->structures->rules[POLICY_CHECK_UNDECLARED];
        const struct doc_node *name = doc_find(live->root, "metadata", "name");

        if (!rule || !declared->selector || !name || is_made_by_cluster(live) ||
            !kube_selector_matches(declared->selector, doc_find(live->root, "metadata", "labels")))
                return;
        add_finding(worker, rule,
                    arena_printf(&worker->documents, "%.*s is live, and no manifest declares it",
                                 STR_ARG(live->kind)),
                    name);
}

void worker_judge_declared(struct worker *worker, const struct resource *live) {
        const struct declared *declared = worker->options->declared;
        struct declared_object *object;

        if (!declared || !worker->input || !str_starts(worker->input->path, STR(CLUSTER_PATH)))
                return;
        object = object_at(declared, worker->input->path);
        if (!object) {
                judge_undeclared(worker, declared, live);
                return;
        }
        __atomic_store_n(&object->live, true, __ATOMIC_RELAXED);
        compare(worker, declared, object, live);
}

/* --- what is not there --- */

/* Whether the list that OBJECT would be in was read. */
static bool was_looked_for(const struct input_list *files, const struct declared_object *object) {
        const struct resource *resource = &object->resource;

        for (size_t i = 0; i < files->lists.count; i++) {
                const struct input_gap *list = &files->lists.items[i];

                if (str_eq(list->group, resource->group) &&
                    str_eq(list->resource, resource->resource) &&
                    (!resource->namespaced || str_eq(list->scope, STR("any namespace")) ||
                     str_eq(list->scope, resource->namespace)))
                        return true;
        }
        return false;
}

void declared_begin(struct declared *declared) {
        for (size_t i = 0; declared && i < declared->by_path.count; i++)
                ((struct declared_object *)declared->by_path.entries[i].value)->live = false;
}

bool declared_mark_live(struct declared *declared, struct str path) {
        struct declared_object *object = object_at(declared, path);

        if (object)
                object->live = true;
        return object;
}

static void add_missing(struct worker *worker, const struct policy *rule,
                        const struct declared_object *object) {
        const struct doc_node *name = doc_find(object->resource.root, "metadata", "name");
        struct finding *finding;

        worker->doc = object->doc;
        worker->has_lines = worker->has_reference = false;
        worker->file = (struct str){ 0 };
        worker->resource = &object->resource;
        worker->input = NULL;
        arena_reset(&worker->scratch, 1 << 20);
        finding = add_finding(worker, rule,
                              arena_printf(&worker->documents,
                                           "%.*s is declared, and not in the cluster",
                                           STR_ARG(object->resource.kind)),
                              name ? name : object->resource.root);
        if (finding)
                finding->declared = finding->location;
}

void declared_find_missing(struct worker *worker, const struct input_list *files) {
        const struct declared *declared = worker->options->declared;
        const struct policy *rule =
                declared ? worker->structures->rules[POLICY_CHECK_MISSING_LIVE] : NULL;

        for (size_t i = 0; rule && i < declared->by_path.count; i++) {
                const struct declared_object *object = declared->by_path.entries[i].value;

                if (!object->live && was_looked_for(files, object))
                        add_missing(worker, rule, object);
        }
}
