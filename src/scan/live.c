#include "scan/live.h"

#include <time.h>

#include "base/util.h"
#include "inventory/cluster.h"
#include "scan/changes.h"
#include "scan/private.h"

enum {
        ARENA_KEEP = 1 << 20,
        OWNER_DEPTH = 16,
        REFOLD_MS = 1000,              /* between two looks at what owners have */
        ANALYSE_MS = 2000,             /* between two runs of the analyses, at least, */
        ANALYSE_SHARE = 10,            /* and so many times what the last one took, */
        ANALYSE_LATEST_MS = 20 * 1000, /* but no longer than that */
        REBUILD_MS = 2000,             /* between changes of what everything is judged by */
        PATH_PARTS = 2,
};

/* A finding about an object. Its text is behind it, in the same block of memory. */
struct live_finding {
        const struct rule_info *rule;
        struct str message, path, fingerprint;
        struct doc_pos start, end;
        struct str declared_file;
        struct doc_pos declared;
        bool told;  /* not hidden behind an owner's */
        bool taken; /* something else is said of its place now */
};

/* What is known of an object: the data of the store. */
struct judged {
        struct resource_ref resource;
        bool incomplete;
        size_t count;
        struct live_finding items[];
};

struct live_scan {
        struct scan_options options;
        struct store *store;
        live_event_fn *event;
        live_lists_fn *lists;
        void *userdata;
        struct worker worker;
        struct namespaces namespaces;
        struct structures structures;
        struct authorizer authorizer;
        struct finding_list derived; /* of the analyses */
        struct live_summary summary;
        struct finding_list missing; /* what is declared and not there */
        struct arena names;
        struct map param_lists; /* "resource.group" -> whether policies take such objects */
        size_t given_params;    /* that are no objects of the cluster */
        uint64_t params_hash;   /* of those that bindings choose */
        bool wants_params, some_dirty;
        bool params_due, namespaces_due, rebuild_due, analyse_due, refold_due, missing_due;
        int64_t params_ms, refolded_ms, analysed_ms, analysing_ms, rebuilt_ms, missed_ms;
};

/* --- telling --- */

static void count_event(struct live_scan *live, const struct rule_info *rule,
                        enum live_event event) {
        struct live_summary *summary = &live->summary;

        summary->appeared += event == LIVE_APPEARED;
        summary->resolved += event == LIVE_RESOLVED;
        summary->changed += event == LIVE_CHANGED;
        summary->open[rule->severity] += event == LIVE_APPEARED;
        summary->open[rule->severity] -= event == LIVE_RESOLVED;
}

static struct finding finding_of(const struct live_scan *live, const struct store_object *object,
                                 const struct judged *judged, const struct live_finding *item) {
        struct finding finding = {
                .rule = item->rule,
                .message = item->message,
                .resource = judged->resource,
                .fingerprint = item->fingerprint,
                .location = { object->path, item->start, item->end, item->path },
                .declared = { item->declared_file, item->declared },
        };

        live_owner(live->store, object, &finding.owner);
        return finding;
}

static void tell(struct live_scan *live, const struct store_object *object,
                 const struct judged *judged, const struct live_finding *item,
                 enum live_event event) {
        const struct finding finding = finding_of(live, object, judged, item);

        count_event(live, item->rule, event);
        live->event(live->userdata, event, &finding, NULL);
}

static void tell_problems(struct live_scan *live, const struct finding_list *list) {
        for (size_t i = 0; i < list->diagnostics.count; i++) {
                const struct diagnostic *problem = &list->diagnostics.items[i];
                const struct finding finding = { .message = problem->message,
                                                 .location = { problem->file, problem->pos } };

                if (!problem->incomplete)
                        continue;
                live->summary.problems++;
                live->event(live->userdata, LIVE_PROBLEM, &finding, NULL);
        }
}

/* --- findings of an object --- */

static size_t text_size(const struct finding *finding) {
        return finding->message.len + finding->location.path.len + finding->fingerprint.len +
               finding->declared.file.len;
}

static struct str take_text(char **to, struct str text) {
        struct str taken = { *to, text.len };

        if (text.len > 0)
                memcpy(*to, text.ptr, text.len);
        *to += text.len;
        return taken;
}

/* The findings of LIST in one block. */
static struct judged *judged_new(const struct finding_list *list, bool incomplete) {
        const struct resource_ref none = { 0 };
        const struct resource_ref *ref =
                list->findings.count > 0 ? &list->findings.items[0].resource : &none;
        size_t size = sizeof(struct judged) + list->findings.count * sizeof(struct live_finding) +
                      ref->api_version.len + ref->kind.len + ref->namespace.len + ref->name.len;
        struct judged *judged;
        char *to;

        for (size_t i = 0; i < list->findings.count; i++)
                size += text_size(&list->findings.items[i]);
        judged = xrealloc(NULL, 1, size);
        to = (char *)&judged->items[list->findings.count];
        judged->incomplete = incomplete;
        judged->count = list->findings.count;
        judged->resource =
                (struct resource_ref){ take_text(&to, ref->api_version), take_text(&to, ref->kind),
                                       take_text(&to, ref->namespace), take_text(&to, ref->name) };
        for (size_t i = 0; i < list->findings.count; i++) {
                const struct finding *finding = &list->findings.items[i];

                judged->items[i] = (struct live_finding){
                        .rule = finding->rule,
                        .message = take_text(&to, finding->message),
                        .path = take_text(&to, finding->location.path),
                        .fingerprint = take_text(&to, finding->fingerprint),
                        .start = finding->location.start,
                        .end = finding->location.end,
                        .declared_file = take_text(&to, finding->declared.file),
                        .declared = finding->declared.start,
                };
        }
        return judged;
}

static struct live_finding *find_finding(struct judged *judged, struct str fingerprint) {
        for (size_t i = 0; judged && i < judged->count; i++)
                if (str_eq(judged->items[i].fingerprint, fingerprint))
                        return &judged->items[i];
        return NULL;
}

/* --- owners --- */

static struct store_object *owner_of(const struct store *store, const struct store_object *object) {
        struct store_object *owner =
                object->owner_path.len > 0 ? store_find(store, object->owner_path) : NULL;

        return owner && str_eq(owner->uid, object->owner_uid) ? owner : NULL;
}

/* A namespaced object's owner lives beside it, or in no namespace. */
static struct str namespace_of(const struct store_object *object, struct str fallback) {
        struct str path = str_slice(object->path, strlen(CLUSTER_PATH), object->path.len), part;
        size_t parts = 0;

        for (size_t i = 0; i < path.len; i++)
                parts += path.ptr[i] == '/';
        if (parts < PATH_PARTS)
                return STR("");
        return str_split(&path, '/', &part) ? part : fallback;
}

void live_owner(const struct store *store, const struct store_object *object,
                struct resource_ref *ret) {
        for (int depth = 0; object && object->owner_kind.len > 0 && depth < OWNER_DEPTH; depth++) {
                const struct store_object *owner = owner_of(store, object);
                struct str namespace =
                        owner ? namespace_of(owner, STR("")) : namespace_of(object, STR(""));

                *ret = (struct resource_ref){ object->owner_version, object->owner_kind, namespace,
                                              object->owner_name };
                object = owner;
        }
}

static bool owner_has(const struct judged *judged, const struct live_finding *item) {
        for (size_t i = 0; judged && i < judged->count; i++)
                if (judged->items[i].rule == item->rule &&
                    (str_eq(judged->items[i].message, item->message) ||
                     str_eq(path_in_pod(judged->items[i].path), path_in_pod(item->path))))
                        return true;
        return false;
}

static bool is_repeated(const struct live_scan *live, const struct store_object *object,
                        const struct live_finding *item) {
        const struct store_object *owner = owner_of(live->store, object);

        for (int depth = 0; owner && owner != object && depth < OWNER_DEPTH; depth++) {
                if (owner_has(owner->data, item))
                        return true;
                owner = owner_of(live->store, owner);
        }
        return false;
}

/* Tells what is not hidden any more, and what is now. */
static void refold(struct live_scan *live, struct store_object *object) {
        struct judged *judged = object->data;

        for (size_t i = 0; judged && i < judged->count; i++) {
                struct live_finding *item = &judged->items[i];
                bool told = object->owner_path.len == 0 || !is_repeated(live, object, item);

                if (told != item->told)
                        tell(live, object, judged, item, told ? LIVE_APPEARED : LIVE_RESOLVED);
                item->told = told;
        }
}

/* --- judging --- */

/* What OLD said of the place of ITEM, and MADE does not say any more. */
static struct live_finding *find_before(struct judged *old, struct judged *made,
                                        const struct live_finding *item) {
        for (size_t i = 0; old && i < old->count; i++) {
                struct live_finding *before = &old->items[i];

                if (before->rule == item->rule && str_eq(before->path, item->path) &&
                    !before->taken && !find_finding(made, before->fingerprint))
                        return before;
        }
        return NULL;
}

static void take_change(struct live_scan *live, const struct store_object *object,
                        struct judged *made, struct live_finding *item) {
        struct judged *old = object->data;
        struct live_finding *before = find_before(old, made, item);

        if (!before)
                return;
        before->taken = true;
        item->told = before->told;
        if (item->told) {
                const struct finding was = finding_of(live, object, old, before);
                const struct finding is = finding_of(live, object, made, item);

                count_event(live, item->rule, LIVE_CHANGED);
                live->event(live->userdata, LIVE_CHANGED, &is, &was);
        }
}

static void take_place_of(struct live_scan *live, struct store_object *object,
                          struct judged *made) {
        struct judged *old = object->data;

        for (size_t i = 0; i < made->count; i++) {
                struct live_finding *item = &made->items[i];
                const struct live_finding *known = find_finding(old, item->fingerprint);

                if (known)
                        item->told = known->told;
                else
                        take_change(live, object, made, item);
        }
        for (size_t i = 0; old && i < old->count; i++)
                if (old->items[i].told && !old->items[i].taken &&
                    !find_finding(made, old->items[i].fingerprint))
                        tell(live, object, old, &old->items[i], LIVE_RESOLVED);
        live->summary.not_judged += made->incomplete;
        live->summary.not_judged -= old && old->incomplete;
        object->data = made;
        free(old);
}

static void forget_list(struct finding_list *list) {
        list->findings.count = 0;
        list->diagnostics.count = 0;
        arena_reset(&list->arena, ARENA_KEEP);
}

static void judge(struct live_scan *live, struct store_object *object) {
        struct worker *worker = &live->worker;
        const struct input_file file = { .path = object->path,
                                         .text = object->text,
                                         .size = object->text.len };
        size_t before = worker->coverage.not_judged;

        object->dirty = false;
        worker->dropped = 0;
        worker_read(worker, &file);
        tell_problems(live, &worker->list);
        take_place_of(live, object,
                      judged_new(&worker->list, worker->coverage.not_judged > before));
        forget_list(&worker->list);
        worker->file = (struct str){ 0 };
        worker->input = NULL;
}

static void judge_dirty(struct live_scan *live) {
        struct store *store = live->store;

        if (!live->some_dirty)
                return;
        /* All are judged before any is compared with its owner. */
        for (struct store_object *object = store->oldest; object; object = object->younger)
                if (object->dirty)
                        judge(live, object);
        live->some_dirty = false;
}

/* --- what concerns more than one object --- */

/* The order of a scan: the lists as they are read (what was asked for by name comes last), each in
 * the order of the server, which is that of the bytes of its keys. */
static int compare_places(const void *a, const void *b) {
        const struct store_object *one = *(const struct store_object *const *)a;
        const struct store_object *other = *(const struct store_object *const *)b;

        if (one->list != other->list)
                return one->list < other->list ? -1 : 1;
        return str_cmp(one->path, other->path);
}

/* In the order of a scan, whatever came first: messages name the first of many. */
static void list_of(const struct live_scan *live, struct input_list *ret,
                    bool (*wanted)(const struct live_scan *live, struct str group,
                                   struct str resource)) {
        VEC(const struct store_object *) objects = { 0 };

        for (struct store_object *object = live->store->oldest; object; object = object->younger) {
                struct str group, resource;

                cluster_resource_of(object->path, &group, &resource);
                if (wanted(live, group, resource))
                        *vec_push(&objects) = object;
        }
        if (objects.count > 0)
                qsort(objects.items, objects.count, sizeof *objects.items, compare_places);
        for (size_t i = 0; i < objects.count; i++)
                *vec_push(&ret->files) = (struct input_file){ .path = objects.items[i]->path,
                                                              .text = objects.items[i]->text,
                                                              .size = objects.items[i]->text.len };
        vec_free(&objects);
}

static bool is_namespace(_unused_ const struct live_scan *live, struct str group,
                         struct str resource) {
        return group.len == 0 && str_eq(resource, STR("namespaces"));
}

static bool is_definition(_unused_ const struct live_scan *live, struct str group,
                          struct str resource) {
        return str_eq(group, STR("apiextensions.k8s.io")) &&
               str_eq(resource, STR("customresourcedefinitions"));
}

static bool is_right(_unused_ const struct live_scan *live, struct str group,
                     _unused_ struct str resource) {
        return str_eq(group, STR("rbac.authorization.k8s.io"));
}

static bool is_analysed(const struct live_scan *live, struct str group, struct str resource) {
        return analysis_reads(live->options.policies, group, resource);
}

/* The lists of the cluster know which kind a resource is of, paths do not. */
static void learn_param_lists(struct live_scan *live) {
        static const bool answers[] = { false, true };
        struct input_list lists = { 0 };

        map_free(&live->param_lists);
        arena_free(&live->names);
        live->lists(live->userdata, &lists);
        for (size_t i = 0; i < lists.lists.count; i++) {
                const struct input_gap *list = &lists.lists.items[i];
                bool wanted =
                        policy_set_wants_param(live->options.policies, list->group, list->kind);
                struct str name = arena_printf(&live->names, "%.*s.%.*s", STR_ARG(list->resource),
                                               STR_ARG(list->group));

                map_put(&live->param_lists, name)->value = (void *)(uintptr_t)&answers[wanted];
        }
        input_free(&lists);
}

static bool is_param(const struct live_scan *live, struct str group, struct str resource) {
        struct buf name _cleanup_(buf_free) = BUF_INIT;
        const bool *answer;

        if (!live->wants_params)
                return false;
        buf_printf(&name, "%.*s.%.*s", STR_ARG(resource), STR_ARG(group));
        answer = map_get(&live->param_lists, buf_str(&name));
        return answer && *answer;
}

static bool is_shared(const struct live_scan *live, struct str group, struct str resource) {
        return is_namespace(live, group, resource) || is_param(live, group, resource);
}

static bool is_chosen(const struct policy_set *set, const struct policy_param *param) {
        for (size_t i = 0; i < set->policies.count; i++) {
                const struct policy *policy = set->policies.items[i];

                for (const struct policy_binding *b = policy->bindings; b; b = b->next)
                        if (b->has_params && policy_chooses_param(policy, b, param))
                                return true;
        }
        return false;
}

/* Other objects of such a kind (every ConfigMap may be one) change all the time. */
static uint64_t hash_params(const struct live_scan *live) {
        static const char *const parts[] = { "name", "namespace", "uid", "resourceVersion" };
        const struct policy_set *set = live->options.policies;
        uint64_t hash = 0;

        for (size_t i = live->given_params; i < set->params.items.count; i++) {
                const struct policy_param *param = &set->params.items.items[i];
                const struct doc_node *metadata = doc_get(param->object, STR("metadata"));

                if (!is_chosen(set, param))
                        continue;
                for (size_t k = 0; k < ELEMENTS(parts); k++)
                        hash = hash * 1099511628211U +
                               str_hash(doc_string(doc_get(metadata, str_from(parts[k])), STR("")));
        }
        return hash;
}

/* Whether the params are others now. */
static bool rebuild_namespaces(struct live_scan *live) {
        struct input_list files = { 0 };
        uint64_t before = live->params_hash;

        if (live->wants_params)
                learn_param_lists(live);
        list_of(live, &files, is_shared);
        policy_set_drop_params(live->options.policies, live->given_params);
        namespaces_free(&live->namespaces);
        live->namespaces = (struct namespaces){ 0 };
        namespaces_read(&live->namespaces, &live->options, &files);
        live->params_hash = hash_params(live);
        input_free(&files);
        return live->params_hash != before;
}

static void rebuild(struct live_scan *live) {
        struct input_list definitions = { 0 }, rights = { 0 };
        struct gather gather;

        list_of(live, &definitions, is_definition);
        list_of(live, &rights, is_right);
        structures_free(&live->structures);
        live->structures = (struct structures){ 0 };
        structures_init(&live->structures, live->options.policies);
        if (structures_gather(&live->structures, &gather)) {
                if (live->options.crds)
                        gather_documents(&live->options, live->options.crds, &gather, 1);
                gather_documents(&live->options, &definitions, &gather, 1);
        }
        authorizer_free(&live->authorizer);
        authorizer_init(&live->authorizer, &live->options, &rights);
        input_free(&definitions);
        input_free(&rights);
}

static void make_dirty(struct live_scan *live) {
        for (struct store_object *object = live->store->oldest; object; object = object->younger)
                object->dirty = true;
        live->some_dirty = true;
}

/* MADE takes the place of what is KNOWN. */
static void take_list(struct live_scan *live, struct finding_list *known,
                      struct finding_list *made) {
        struct change_list changes = { 0 };

        changes_find(known, made, &changes);
        for (size_t i = 0; i < changes.items.count; i++) {
                const struct change *change = &changes.items.items[i];
                enum live_event event = !change->after    ? LIVE_RESOLVED
                                        : !change->before ? LIVE_APPEARED
                                                          : LIVE_CHANGED;
                const struct finding *finding = change->after ? change->after : change->before;

                count_event(live, finding->rule, event);
                live->event(live->userdata, event, finding,
                            event == LIVE_CHANGED ? change->before : NULL);
        }
        vec_free(&changes.items);
        finding_list_free(known);
        *known = *made;
}

/* The same finding twice (two roles that grant the same) is one. */
static void drop_doubles(struct finding_list *list) {
        struct map known = { 0 };
        size_t kept = 0;

        for (size_t i = 0; i < list->findings.count; i++) {
                struct map_entry *entry = map_put(&known, list->findings.items[i].fingerprint);

                if (!entry->value)
                        list->findings.items[kept++] = list->findings.items[i];
                entry->value = list;
        }
        list->findings.count = kept;
        map_free(&known);
}

static void analyse(struct live_scan *live) {
        struct worker worker = { .options = &live->options,
                                 .namespaces = &live->namespaces,
                                 .structures = &live->structures,
                                 .user = &live->authorizer.user };
        struct report_coverage coverage = { 0 };
        struct finding_list made = { 0 };
        struct input_list files = { 0 };

        list_of(live, &files, is_analysed);
        analyses_run(&worker, &files);
        worker_join(&worker, &made, &coverage);
        drop_doubles(&made);
        take_list(live, &live->derived, &made);
        input_free(&files);
}

/* --- what is declared --- */

static bool is_autoscaler(_unused_ const struct live_scan *live, struct str group,
                          struct str resource) {
        return str_eq(group, STR("autoscaling")) || str_eq(resource, STR("scaledobjects"));
}

static void find_scaled(struct live_scan *live) {
        struct input_list files = { 0 };

        list_of(live, &files, is_autoscaler);
        declared_find_scaled(live->options.declared, &files);
        input_free(&files);
}

static void find_missing(struct live_scan *live) {
        struct worker worker = { .options = &live->options, .structures = &live->structures };
        struct report_coverage coverage = { 0 };
        struct finding_list made = { 0 };
        struct input_list lists = { 0 };

        declared_begin(live->options.declared);
        for (struct store_object *object = live->store->oldest; object; object = object->younger)
                declared_mark_live(live->options.declared, object->path);
        live->lists(live->userdata, &lists);
        declared_find_missing(&worker, &lists);
        worker_join(&worker, &made, &coverage);
        take_list(live, &live->missing, &made);
        input_free(&lists);
}

/* --- changes --- */

/* Workloads, and what is read of owners that are none. */
static bool is_owner_kind(struct str group, struct str resource) {
        return !(group.len == 0 && str_eq(resource, STR("pods")));
}

static void note(struct live_scan *live, const struct store_object *object) {
        struct str group, resource;

        cluster_resource_of(object->path, &group, &resource);
        live->namespaces_due |= is_namespace(live, group, resource);
        live->params_due |= live->wants_params;
        live->rebuild_due |= is_definition(live, group, resource) ||
                             (live->authorizer.asked && is_right(live, group, resource));
        live->analyse_due |= is_analysed(live, group, resource);
        live->refold_due |= is_owner_kind(group, resource);
        live->missing_due = live->options.declared != NULL;
        /* What it scales is compared without replicas. */
        live->rebuild_due |= live->options.declared && is_autoscaler(live, group, resource);
}

void live_scan_changed(struct live_scan *live, struct store_object *object) {
        object->dirty = true;
        live->some_dirty = true;
        note(live, object);
}

void live_scan_gone(struct live_scan *live, struct store_object *object) {
        struct judged *judged = object->data;

        for (size_t i = 0; judged && i < judged->count; i++)
                if (judged->items[i].told)
                        tell(live, object, judged, &judged->items[i], LIVE_RESOLVED);
        live->summary.not_judged -= judged && judged->incomplete;
        free(judged);
        object->data = NULL;
        note(live, object);
}

/* Whether what was done at LAST may be done again at NOW. */
static bool is_time(int64_t now_ms, int64_t last_ms, int64_t pause_ms) {
        return last_ms == 0 || now_ms - last_ms >= pause_ms;
}

static int64_t clock_ms(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void settle_shared(struct live_scan *live, int64_t now_ms, bool all) {
        if (live->rebuild_due && (all || is_time(now_ms, live->rebuilt_ms, REBUILD_MS))) {
                live->rebuild_due = false;
                live->rebuilt_ms = now_ms;
                rebuild(live);
                if (live->options.declared)
                        find_scaled(live);
                make_dirty(live);
        }
        if (live->namespaces_due ||
            (live->params_due && (all || is_time(now_ms, live->params_ms, REBUILD_MS)))) {
                /* Which objects it is about is not worth looking for: Namespaces rarely change. */
                bool needed = live->namespaces_due && namespaces_are_needed(live->options.policies);

                live->namespaces_due = live->params_due = false;
                live->params_ms = now_ms;
                if (rebuild_namespaces(live) || needed)
                        make_dirty(live);
        }
}

static void settle_owned(struct live_scan *live, int64_t now_ms, bool all, bool judged) {
        bool due = live->refold_due && (all || is_time(now_ms, live->refolded_ms, REFOLD_MS));

        if (!due && !judged)
                return;
        if (due) {
                live->refold_due = false;
                live->refolded_ms = now_ms;
        }
        for (struct store_object *object = live->store->oldest; object; object = object->younger)
                refold(live, object);
}

void live_scan_settle(struct live_scan *live, int64_t now_ms, bool all) {
        int64_t started, pause;
        bool judged;

        settle_shared(live, now_ms, all);
        judged = live->some_dirty;
        judge_dirty(live);
        settle_owned(live, now_ms, all, judged);
        if (live->missing_due && (all || is_time(now_ms, live->missed_ms, REBUILD_MS))) {
                live->missing_due = false;
                live->missed_ms = now_ms;
                find_missing(live);
        }
        pause = MAX((int64_t)ANALYSE_MS, live->analysing_ms * ANALYSE_SHARE);
        pause = MIN(pause, (int64_t)ANALYSE_LATEST_MS);
        if (!live->analyse_due || (!all && !is_time(now_ms, live->analysed_ms, pause)))
                return;
        live->analyse_due = false;
        started = clock_ms();
        analyse(live);
        live->analysing_ms = clock_ms() - started;
        live->analysed_ms = clock_ms();
}

/* --- the whole --- */

struct live_scan *live_scan_new(const struct scan_options *options, struct store *store,
                                live_event_fn *event, live_lists_fn *lists, void *userdata) {
        struct live_scan *live = xrealloc(NULL, 1, sizeof *live);
        struct input_list none = { 0 };

        *live = (struct live_scan){ .options = *options,
                                    .store = store,
                                    .event = event,
                                    .lists = lists,
                                    .userdata = userdata };
        live->options.old = NULL;
        live->options.frames = false;
        live->options.progress = NULL;
        structures_init(&live->structures, options->policies);
        authorizer_init(&live->authorizer, &live->options, &none);
        live->worker = (struct worker){ .options = &live->options,
                                        .namespaces = &live->namespaces,
                                        .structures = &live->structures,
                                        .user = &live->authorizer.user,
                                        .no_lineage = true };
        live->rebuild_due = live->namespaces_due = true;
        live->wants_params = namespaces_wants_params(options->policies);
        live->given_params = options->policies->params.items.count;
        return live;
}

struct live_summary live_scan_summary(const struct live_scan *live) {
        struct live_summary summary = live->summary;

        summary.objects = live->store->count;
        return summary;
}

struct live_scan *live_scan_free(struct live_scan *live) {
        struct report_coverage coverage = { 0 };
        struct finding_list list = { 0 };

        if (!live)
                return NULL;
        for (struct store_object *object = live->store->oldest; object; object = object->younger) {
                free(object->data);
                object->data = NULL;
        }
        worker_join(&live->worker, &list, &coverage);
        finding_list_free(&list);
        finding_list_free(&live->derived);
        finding_list_free(&live->missing);
        authorizer_free(&live->authorizer);
        policy_set_drop_params(live->options.policies, live->given_params);
        namespaces_free(&live->namespaces);
        structures_free(&live->structures);
        map_free(&live->param_lists);
        arena_free(&live->names);
        free(live);
        return NULL;
}
