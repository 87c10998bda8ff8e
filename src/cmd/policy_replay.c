/* redoubt policy replay: what policies would have done to the requests of an audit log. */
#include <errno.h>

#include "audit/replay.h"
#include "base/confine.h"
#include "base/map.h"
#include "cmd/audit_log.h"
#include "cmd/objects.h"
#include "cmd/policy.h"
#include "cmd/policy_replay.h"
#include "cmd/rbac.h"

struct replay_arguments {
        struct option_strings logs, policies, bindings, params, namespaces, rbac;
        struct rule_arguments rules; /* of the catalogue: only those that are asked for */
        int format;
        int64_t examples;
};

enum { FORMAT_TEXT, FORMAT_JSON };

static const struct option_word formats[] = {
        { "text", FORMAT_TEXT, "for people" },
        { "json", FORMAT_JSON, "for programs" },
        { NULL },
};

struct run {
        struct command_context *context;
        struct policy_set set;
        struct map namespaces; /* name -> struct doc_node */
        struct rbac_index rbac;
        bool has_rbac;
        struct replay replay;
        struct audit_log log;
        struct arena scratch;
};

static void run_free(struct run *run) {
        policy_set_free(&run->set);
        map_free(&run->namespaces);
        rbac_index_free(&run->rbac);
        replay_free(&run->replay);
        audit_log_free(&run->log);
        arena_free(&run->scratch);
}

/* --- what it is judged by --- */

/* The rules of the catalogue that were asked for, as `policy export` writes them. */
static int add_catalogue(struct run *run, const struct rule_arguments *rules) {
        static const char *deny[] = { "Deny" };
        const struct export_arguments export = { .rules = *rules, .actions = { deny, 1, 0 } };
        struct policy_set catalogue _cleanup_(policy_set_free) = { 0 };
        struct arena *arena = run->context->arena;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(arena, struct doc_source);
        size_t left_out;
        int r;

        if (rules->only.count + rules->frameworks.count == 0)
                return 0;
        r = policy_export_rules(run->context, &export, &catalogue, &text, &left_out);
        if (r < 0)
                return r;
        *source = (struct doc_source){ STR("catalogue"), arena_str(arena, buf_str(&text)) };
        return policy_set_add_source(&run->set, source, run->context->error);
}

static void add_namespace(struct run *run, const struct doc_node *object) {
        const struct doc_node *items = doc_get(object, STR("items"));

        if (items && items->kind == DOC_LIST)
                for (uint32_t i = 0; i < items->list.count; i++)
                        add_namespace(run, &items->list.items[i]);
        else if (str_eq(doc_string(doc_get(object, STR("kind")), STR("")), STR("Namespace")))
                map_put(&run->namespaces, doc_string(doc_find(object, "metadata", "name"), STR("")))
                        ->value = (void *)(uintptr_t)object;
}

static int read_namespaces(struct run *run, const struct option_strings *files) {
        struct doc_source *source;
        struct doc_reader reader;
        struct doc *doc;
        int r = 0;

        for (size_t i = 0; i < files->count && r >= 0; i++) {
                r = policy_input_source(run->context, files->items[i], &source);
                if (r < 0)
                        return r;
                doc_reader_init(&reader, source, DOC_AUTO, NULL);
                while ((r = doc_read(&reader, run->context->arena, &doc, run->context->error)) > 0)
                        add_namespace(run, doc->root);
                if (r < 0)
                        error_set_file(run->context->error, source->name);
        }
        return r;
}

static int read_inputs(struct run *run, const struct replay_arguments *arguments) {
        uint16_t minor;
        int r = language_minor(&arguments->rules.language, &minor, run->context->error);

        if (r >= 0)
                r = policy_set_init(&run->set, minor, run->context->error);
        if (r >= 0)
                r = policy_input_add(run->context, &run->set, &arguments->policies);
        if (r >= 0)
                r = policy_input_add(run->context, &run->set, &arguments->bindings);
        if (r >= 0)
                r = policy_input_add(run->context, &run->set, &arguments->params);
        if (r >= 0)
                r = add_catalogue(run, &arguments->rules);
        if (r >= 0)
                r = policy_set_finish(&run->set, run->context->error);
        if (r >= 0)
                r = read_namespaces(run, &arguments->namespaces);
        if (r >= 0 && run->set.policies.count == 0)
                r = error_set(run->context->error, -ENOENT, "there is no policy to judge by");
        return r;
}

/* --- an event of the log --- */

static struct doc_node string_node(struct str value) {
        return (struct doc_node){ .kind = DOC_STRING, .string = value };
}

/* {"group","version","kind"} or {"group","version","resource"} */
static const struct doc_node *group_version(struct arena *arena, const struct audit_event *event,
                                            struct str key, struct str value) {
        struct doc_node *map = doc_new_map(arena, NULL, 3);

        doc_map_set(map, 0, STR("group"), &(struct doc_node[]){ string_node(event->group) }[0]);
        doc_map_set(map, 1, STR("version"), &(struct doc_node[]){ string_node(event->version) }[0]);
        doc_map_set(map, 2, key, &(struct doc_node[]){ string_node(value) }[0]);
        doc_map_index(arena, map);
        return map;
}

/* The kind of an object that is not in the log, by its resource. */
static struct str guess_kind(const struct audit_event *event) {
        const struct kube_kind *kind = kube_resource_find(event->resource);

        return kind && str_eq(kind->group, event->group) ? kind->kind : event->resource;
}

static struct str operation_name(enum policy_operation operation) {
        return operation == POLICY_CREATE   ? STR("CREATE")
               : operation == POLICY_UPDATE ? STR("UPDATE")
               : operation == POLICY_DELETE ? STR("DELETE")
                                            : STR("CONNECT");
}

/* What the log says of an AdmissionRequest. */
static const struct doc_node *admission_request(struct arena *arena,
                                                const struct audit_event *event,
                                                const struct audit_request *request) {
        bool has_object = request->object || request->old_object;
        const struct doc_node texts[] = { string_node(operation_name(request->operation)),
                                          string_node(event->name), string_node(event->namespace),
                                          string_node(event->subresource) };
        const struct doc_node dry_run = { .kind = DOC_BOOL, .boolean = request->dry_run };
        const struct doc_node null = { .kind = DOC_NULL };
        struct doc_node *map = doc_new_map(arena, NULL, has_object ? 7 : 8);

        doc_map_set(map, 0, STR("operation"), &texts[0]);
        doc_map_set(map, 1, STR("name"), &texts[1]);
        doc_map_set(map, 2, STR("namespace"), &texts[2]);
        doc_map_set(map, 3, STR("subResource"), &texts[3]);
        doc_map_set(map, 4, STR("dryRun"), &dry_run);
        doc_map_set(map, 5, STR("userInfo"), event->user ? event->user : &null);
        doc_map_set(map, 6, STR("resource"),
                    group_version(arena, event, STR("resource"), event->resource));
        if (!has_object)
                doc_map_set(map, 7, STR("kind"),
                            group_version(arena, event, STR("kind"), guess_kind(event)));
        doc_map_index(arena, map);
        return map;
}

static int judge(struct run *run, const struct audit_event *event,
                 const struct audit_request *request, struct error *error) {
        const struct doc_node *namespace = map_get(&run->namespaces, event->namespace);
        const struct policy_question question = {
                .object = request->object,
                .old_object = request->old_object,
                .namespace_object = namespace,
                .request = admission_request(&run->log.arena, event, request),
                .rbac = run->has_rbac ? &run->rbac : NULL,
        };
        struct replay_request judged = {
                .event = event, .request = request, .file = run->log.file, .line = run->log.line
        };
        int r = policy_question_subject(&question, &run->log.arena, &judged.subject, error);

        if (r < 0)
                return r;
        judged.namespace_unknown = judged.subject.namespaced && !namespace;
        run->replay.admissions++;
        replay_judge(&run->replay, &judged, &run->scratch);
        arena_reset(&run->scratch, 1 << 20);
        return 0;
}

static int take_event(void *userdata, const struct doc_node *root, struct error *error) {
        struct run *run = userdata;
        struct audit_request request;
        struct audit_event event;
        int r = audit_event_read(root, &event, error);

        if (r < 0)
                return r;
        run->replay.events++;
        switch (audit_request_read(&event, &request)) {
        case AUDIT_STAGE:
                run->replay.stages++;
                break;
        case AUDIT_READ:
                run->replay.reads++;
                break;
        case AUDIT_REFUSED:
                run->replay.refused++;
                break;
        case AUDIT_ADMISSION:
                return judge(run, &event, &request, error);
        }
        return 0;
}

/* --- the verb --- */

static int confine_replay(struct command_context *context) {
        const struct replay_arguments *a = context->options;
        const struct option_strings *const lists[] = { &a->logs,   &a->policies,   &a->bindings,
                                                       &a->params, &a->namespaces, &a->rbac };
        struct confine_rules rules = { 0 };
        const char **paths;
        size_t most = 0;

        for (size_t i = 0; i < ELEMENTS(lists); i++)
                most += lists[i]->count;
        paths = arena_new_array(context->arena, most, const char *);
        for (size_t i = 0; i < ELEMENTS(lists); i++)
                for (size_t k = 0; k < lists[i]->count; k++)
                        paths[rules.read_count++] = lists[i]->items[k];
        rules.read = paths;
        return confine(&rules, NULL, context->error);
}

static int report(const struct replay_arguments *arguments, struct replay *replay) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (arguments->format == FORMAT_JSON)
                policy_replay_json(&text, replay);
        else
                policy_replay_text(&text, replay);
        fwrite(text.data, 1, text.len, stdout);
        if (replay_is_incomplete(replay))
                return COMMAND_INCOMPLETE;
        return replay->denied > 0 ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static int run_verb(struct command_context *context, int argc _unused_, char **argv _unused_) {
        const struct replay_arguments *arguments = context->options;
        struct input_list roles _cleanup_(input_free) = { 0 };
        struct run run _cleanup_(run_free) = { .context = context,
                                               .has_rbac = arguments->rbac.count > 0 };
        bool complete = true;
        int r = 0;

        if (arguments->logs.count == 0)
                return command_usage_error(context, "--audit-log PATH is needed");
        if (arguments->policies.count + arguments->rules.only.count +
                    arguments->rules.frameworks.count ==
            0)
                return command_usage_error(context, "--policy, --rule or --framework is needed");
        if (run.has_rbac)
                r = objects_open(context, &arguments->rbac, &roles);
        if (r >= 0)
                r = confine_replay(context);
        if (r >= 0 && run.has_rbac)
                complete = rbac_read_inputs(&roles, false, &run.rbac);
        if (r >= 0)
                r = read_inputs(&run, arguments);
        if (r < 0)
                return r;
        replay_init(&run.replay, &run.set, (size_t)arguments->examples);
        run.log = (struct audit_log){ .context = context, .event = take_event, .userdata = &run };
        r = audit_log_read(&run.log, &arguments->logs);
        run.replay.unreadable = run.log.unreadable;
        if (r < 0)
                return r;
        r = report(arguments, &run.replay);
        return complete ? r : COMMAND_INCOMPLETE;
}

#define AT(field) offsetof(struct replay_arguments, field)

static const struct option_spec specs[] = {
        OPTION_SECTION("Log"),
        AUDIT_LOG_OPTION(AT(logs)),
        { 0, "namespaces", "FILE",
          "the Namespaces, for namespaceSelector and namespaceObject (kubectl get ns -o yaml)",
          OPTION_STRINGS, AT(namespaces), .hint = OPTION_HINT_FILE },
        { 0, "rbac", "PATH", "the Roles and bindings by which `authorizer` answers", OPTION_STRINGS,
          AT(rbac), .hint = OPTION_HINT_FILE },
        OPTION_SECTION("Policies"),
        { 0, "policy", "PATH", "ValidatingAdmissionPolicies, and what else stands with them",
          OPTION_STRINGS, AT(policies), .hint = OPTION_HINT_FILE },
        { 0, "binding", "FILE", "their bindings; a policy without one is judged everywhere",
          OPTION_STRINGS, AT(bindings), .hint = OPTION_HINT_FILE },
        { 0, "params", "FILE", "objects that bindings may choose as params", OPTION_STRINGS,
          AT(params), .hint = OPTION_HINT_FILE },
        { 0, "rule", "ID",
          "rules of the catalogue, by id or practice, as policy export writes them", OPTION_STRINGS,
          AT(rules.only), .comma = true, .hint = OPTION_HINT_WORDS,
          .hint_words = "!policy list --ids" },
        { 0, "framework", "ID", "the rules of a framework, the same", OPTION_STRINGS,
          AT(rules.frameworks), .comma = true, .hint = OPTION_HINT_WORDS,
          .hint_words = "pss-baseline pss-restricted top10 six cis-k8s-1.12 nsa-1.2" },
        LANGUAGE_OPTIONS(struct replay_arguments, rules.language),
        OPTION_SECTION("Report"),
        { 'o', "output", "FORMAT", "text or json", OPTION_CHOICE, AT(format), .words = formats },
        { 0, "examples", "N", "requests shown of each policy; 5 by default", OPTION_INTEGER,
          AT(examples), .min = 0, .max = REPLAY_MAX_EXAMPLES },
        OPTION_END,
};

static const struct replay_arguments defaults = { .examples = 5 };

static const struct command_example examples[] = {
        { "redoubt policy replay --audit-log audit.log --policy replicas.yaml",
          "what it would have denied" },
        { "zcat audit-*.log.gz | redoubt policy replay --audit-log - --framework pss-baseline",
          "the same for rules of the catalogue and packed logs" },
        { NULL },
};

const struct command command_policy_replay = {
        .name = "replay",
        .summary = "what policies would have done to the requests of an audit log",
        .description =
                "Judges the requests of an API server's audit log by ValidatingAdmissionPolicies "
                "and "
                "their bindings, and says for each policy how many it would have denied, warned of "
                "or audited, whose they were and in which namespaces, with examples.\n\n"
                "Only what the log knows can be judged: events of level Metadata have no object, a "
                "patch shows what became of it only at level RequestResponse, and the object as it "
                "was is never there. Requests that a policy cannot be judged on are counted by "
                "what "
                "it needed, and make the replay incomplete. Requests that the server refused are "
                "left out.\n\n"
                "Exit status: 0 nothing would have been denied, 1 something would, 2 an error, 3 "
                "something could not be judged.",
        .options = specs,
        .defaults = &defaults,
        .options_size = sizeof(struct replay_arguments),
        .examples = examples,
        .run = run_verb,
};
