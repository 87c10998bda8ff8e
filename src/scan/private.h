/*
 * What the files of this module share. Private to src/scan.
 */
#pragma once

#include "inventory/resource.h"
#include "kube/structure.h"
#include "rbac/authorizer.h"
#include "rbac/rbac.h"
#include "scan/analysis.h"
#include "scan/scan.h"

/* A file in memory, shared by the items that are parts of it. */
struct loaded {
        struct buf buf;
        struct arena arena;
        struct doc_source source;
        struct doc_reader reader; /* what is left of it */
        size_t users;             /* items; counted by the thread that submits */
};

struct worker;

/* Which policies are about a kind: worked out once for each kind that a worker meets. */
struct plan {
        struct plan *next;
        struct str group, version, resource;
        enum policy_operation operation;
        bool namespaced, template;
        const struct policy **policies;
        size_t count;
};

/* gather.c: each of the gatherers is given every document of files that may hold its word. The
 * document is gone when the next one is read. */
struct gather {
        struct str word;
        void (*document)(void *userdata, struct arena *arena, const struct doc *doc);
        void *userdata;
};
enum { GATHER_MAX = 4 };
void gather_documents(const struct scan_options *options, const struct input_list *files,
                      const struct gather *gathers, size_t count);
void gather_file(const struct scan_options *options, const struct input_file *file,
                 const struct gather *gathers, size_t count);
void gather_source(const struct scan_options *options, const struct doc_source *source,
                   const struct gather *gathers, size_t count);

/* The Namespace objects of the input, for namespaceSelector and namespaceObject. Read-only while
 * workers run. */
struct namespaces {
        struct arena arena;
        struct map by_name;          /* name -> struct doc_node */
        struct policy_set *policies; /* takes objects as params, too */
};

/* Fills *RET with what looks for them; false: no rule needs them. */
bool namespaces_gather(struct namespaces *namespaces, const struct scan_options *options,
                       struct gather *ret);
void namespaces_read(struct namespaces *namespaces, const struct scan_options *options,
                     const struct input_list *files);
void namespaces_free(struct namespaces *namespaces);

/* Whether some policy of SET that is bound takes params. */
bool namespaces_wants_params(const struct policy_set *set);

/* Whether some policy of SET looks at Namespaces. */
bool namespaces_are_needed(const struct policy_set *set);

/* structures.c: what is known of the kinds in the input, and the rules that judge by it. Read-only
 * while workers run. */
struct structures {
        const struct policy *rules[POLICY_CHECK_COUNT]; /* by enum policy_check; NULL: not asked */
        bool any;                                       /* one of them is asked */
        struct arena arena;
        struct structure_set custom;
        size_t given;     /* how many of them are not of the input (--crds) */
        struct map parts; /* paths of the files that a kustomization builds from */
};
void structures_init(struct structures *structures, const struct policy_set *set);

/* Fills *RET with what looks for CustomResourceDefinitions; false: no rule needs them. */
bool structures_gather(struct structures *structures, struct gather *ret);

/* Finds which of FILES kustomizations build from. */
void structures_find_parts(struct structures *structures, const struct scan_options *options,
                           const struct input_list *files);
void structures_free(struct structures *structures);

/* authorizer.c: who makes the requests that are judged, and what RBAC says. Read-only while workers
 * run. */
struct authorizer {
        struct rbac_authorizer base;
        const struct scan_options *options;
        struct rbac_index index;
        struct policy_user user;
        bool asked; /* some policy asks the authorizer */
};
void authorizer_init(struct authorizer *authorizer, const struct scan_options *options,
                     const struct input_list *files);
void authorizer_add_problems(const struct authorizer *authorizer, struct finding_list *list,
                             struct report_coverage *coverage);
void authorizer_free(struct authorizer *authorizer);

/* old.c: the objects of the old version, by what they are. Read-only while workers run, but for the
 * marks of those that the new version has, too. */
struct old_object {
        struct old_object *next; /* of the same identity, in the order of reading */
        struct str relative;     /* of its file */
        const struct doc *doc;
        struct resource resource;
};
struct old_objects {
        const struct scan_options *options;
        struct arena arena;
        struct map by_identity; /* group, kind, namespace and name -> struct old_identity */
        VEC(struct loaded *) files;
};
/* Reads OPTIONS->old; what cannot be read is a diagnostic. */
void old_read(struct old_objects *old, const struct scan_options *options,
              struct finding_list *list, struct report_coverage *coverage);
void old_free(struct old_objects *old);

/* What RESOURCE, from the file RELATIVE, was before, or NULL; of several objects with its identity
 * that of the same file, else the first. Marks them as still there. */
const struct old_object *old_find(const struct old_objects *old, struct arena *scratch,
                                  const struct resource *resource, struct str relative);

/* Calls EACH for every object that is not marked. */
typedef void old_object_fn(void *userdata, const struct old_object *object);
void old_each_deleted(const struct old_objects *old, old_object_fn *each, void *userdata);

/* owners.c: which object controls which, in the input. */
struct owners {
        struct arena arena;
        struct map by_object; /* namespace, kind and name -> struct owner */
};
void owners_read(struct owners *owners, const struct scan_options *options,
                 const struct input_list *files);
void owners_free(struct owners *owners);

/* The object at the top of those that control RESOURCE; RESOURCE where none does. Its text is that
 * of RESOURCE and OWNERS. */
struct resource_ref owners_top(const struct owners *owners, struct arena *scratch,
                               const struct resource *resource);

/* lineage.c: which live objects were made by which. */
struct lineage {
        struct arena arena;
        struct map by_key; /* group, kind, namespace and name -> struct lineage_entry */
};
void lineage_add(struct lineage *lineage, const struct resource *resource);

/* Moves what FROM knows to LINEAGE. */
void lineage_join(struct lineage *lineage, struct lineage *from);

/* Tells the findings of LIST what is at the top of the owners of their objects, and takes those out
 * that repeat what is found in an owner. Returns how many. */
size_t lineage_apply(const struct lineage *lineage, const struct declared *declared,
                     struct finding_list *list);
void lineage_free(struct lineage *lineage);

/* Where in a pod PATH is: a path in a pod, or in something with a template of pods. */
struct str path_in_pod(struct str path);

/* live.c: what is at the top of the owners of OBJECT; RET is untouched where nothing is. */
struct store_object;
struct store;
void live_owner(const struct store *store, const struct store_object *object,
                struct resource_ref *ret);

/* declared.c: what manifests say of live objects. Finds what autoscalers of FILES scale; */
void declared_find_scaled(struct declared *declared, const struct input_list *files);
void declared_note_scaled(struct declared *declared, const struct resource *resource);
/* compares a live resource with what is declared of it; */
void worker_judge_declared(struct worker *worker, const struct resource *live);
/* begins to look which of the declared objects are live; notes that the one at PATH is; */
void declared_begin(struct declared *declared);
bool declared_mark_live(struct declared *declared, struct str path);
/* makes findings of those that are not, where the lists of FILES would have had them; */
void declared_find_missing(struct worker *worker, const struct input_list *files);
/* the place in the manifests that NODE of the worker's resource comes from; */
void declared_place(struct worker *worker, const struct doc_node *node,
                    struct finding_location *ret);
/* that of FINDING's owner. */
void declared_place_owner(const struct declared *declared, struct arena *arena,
                          struct finding *finding);

/* installed.c: the policies and bindings of a cluster, with those that are about to be applied. */
struct simulation;
struct simulate_options;
struct installed {
        struct policy_set set;         /* the policies that can be judged */
        struct map policies, bindings; /* name -> struct installed_object */
        struct simulation *simulation; /* learns what cannot be read, and the orphans */
};
int installed_read(struct installed *installed, const struct simulate_options *options,
                   const struct input_list *files, struct error *error);

/* Tells the simulation of policies and bindings, params being known, and leaves those policies in
 * the set that do something. */
void installed_describe(struct installed *installed);
void installed_free(struct installed *installed);

/* Judges the documents of one source on this thread. */
void scan_source(const struct scan_options *options, const struct doc_source *source,
                 const struct namespaces *namespaces, struct finding_list *list,
                 struct report_coverage *coverage);

/* subjects.c: who can do what. */
extern const struct analysis subjects_analysis;
/* surfaces.c: where an attacker gets. */
extern const struct analysis surfaces_analysis;
extern const struct analysis credentials_analysis;

/* clouds.c */
extern const struct analysis clouds_analysis;

/* workloads.c: what the ServiceAccounts of workloads can do. */
extern const struct analysis workloads_analysis;

/* networks.c: what can reach what. */
extern const struct analysis networks_analysis;

/* analysis.c: runs the analyses that are wanted over FILES, and judges what they make. */
void analyses_run(struct worker *worker, const struct input_list *files);

/* derived.c: the places that NODE of such a document stands for, in ARENA. Returns how many there
 * are; */
enum { DERIVED_PLACES = 4 };
size_t derived_places(struct arena *arena, const struct doc_node *node,
                      struct finding_location ret[static DERIVED_PLACES]);
/* the source lines around the place of FINDING; */
void derived_frame(struct worker *worker, struct finding *finding);
/* what the document RESOURCE is about. */
struct resource_ref derived_reference(struct arena *arena, const struct resource *resource);

/* Adds the folders and links of FILES that could not be read to LIST. */
void list_add_problems(struct finding_list *list, const struct input_list *files,
                       struct report_coverage *coverage);

/* What a worker owns. */
struct worker {
        const struct scan_options *options;
        const struct namespaces *namespaces;
        const struct structures *structures;
        const struct policy_user *user; /* NULL in tests of rules */
        const struct old_objects *old;  /* NULL: every object is being created */
        /* What is done with a resource; NULL: it is judged as a scan does. */
        void (*judge)(struct worker *worker, const struct resource *resource);
        struct arena documents; /* reset for each document */
        struct arena scratch;   /* reset for each judgement */
        struct arena lasting;   /* plans */
        struct plan *plans;
        struct lineage lineage; /* of live objects */
        bool no_lineage;        /* which somebody else knows */
        struct finding_list list;
        struct report_coverage coverage;
        size_t dropped; /* findings beyond the limit */

        /* of the document at hand */
        const struct input_file *input; /* NULL in tests of rules */
        const struct doc *doc;
        const struct resource *resource;
        const struct policy_subject *subject; /* the request that RESOURCE is part of */
        struct doc_lines lines; /* of the document's text; made for the first finding */
        bool has_lines;
        struct resource_ref reference; /* of the resource, in the arena of the list; made for its
                                          first finding */
        bool has_reference;
        bool is_derived; /* made by an analysis, not a manifest */
        struct {
                struct str file;
                struct buf text;
        } again;         /* the file that was read last to show its lines */
        struct str file; /* name of the source, in the arena of the list */
};

/* load.c: reads FILE into a source that is ready to be judged. Returns whether it is; else it was
 * reported why. */
bool worker_load(struct worker *worker, const struct input_file *file, struct loaded *ret);
void loaded_clear(struct loaded *loaded);

/* scan.c: reads FILE and judges all that is in it. */
void worker_read(struct worker *worker, const struct input_file *file);

/* scan.c: moves what WORKER found to LIST and COVERAGE, and frees the rest. */
void worker_join(struct worker *worker, struct finding_list *list,
                 struct report_coverage *coverage);

/* judge.c: makes RESOURCE the one at hand, and completes SUBJECT: its Namespace and the user. */
void worker_start_resource(struct worker *worker, const struct resource *resource,
                           struct policy_subject *subject);

/* judge.c: judges every resource of DOC. */
void worker_judge_document(struct worker *worker, const struct doc *doc);
/* The same for one that an analysis made: it counts neither as document nor as object. */
void worker_judge_derived(struct worker *worker, const struct doc *doc);

/* judge.c: an old_object_fn; judges the removal of OBJECT. */
void worker_judge_deleted(void *worker, const struct old_object *object);

/* conform.c: judges how RESOURCE is written: by the structure of its kind. */
void worker_judge_structure(struct worker *worker, const struct resource *resource);

/* conform.c: makes a finding of each duplicate key of DOC that lies in one of its RESOURCES; where
 * that is no rule, or elsewhere, a diagnostic. */
void worker_judge_keys(struct worker *worker, const struct doc *doc,
                       const struct resource_list *resources);

/* found.c: makes a finding of RULE about WORKER's resource, decided by the COUNT NODES (the first
 * is its place). AT_KEY: what is wrong is the key, not the value. */
struct worker_spot {
        const struct doc_node *const *nodes;
        size_t count;
        bool at_key;
};
void worker_add_finding(struct worker *worker, const struct rule_info *rule, struct str message,
                        const struct worker_spot *spot);

/* found.c: why VIOLATION, an expression that failed, could not be judged: the fact that is not
 * known (in ARENA), else its message. */
struct str found_unknown(struct arena *arena, const struct policy_violation *violation);

/* found.c: a policy_violation_fn; makes a finding of a violation by WORKER's resource. */
void worker_found(void *worker, const struct policy_violation *violation);

/* Adds a diagnostic about the file at hand. */
void worker_problem(struct worker *worker, struct str file, struct doc_pos pos,
                    struct doc_pos other, struct str message, bool incomplete);
