/* redoubt rbac least: the smallest roles that would have allowed what was used. */
#include "base/confine.h"
#include "base/util.h"
#include "cmd/audit_log.h"
#include "cmd/rbac.h"
#include "rbac/least.h"

struct least_arguments {
        struct rbac_arguments rbac; /* first: the rows of the input name its fields */
        struct option_strings users;
        bool system, failed;
        int64_t names, merge;
        int format;
};

enum { FORMAT_YAML, FORMAT_JSON, FORMAT_DIFF };

static const struct option_word formats[] = {
        { "yaml", FORMAT_YAML, "manifests for kubectl apply" },
        { "json", FORMAT_JSON, "for programs" },
        { "diff", FORMAT_DIFF, "what they gain and lose against what they have" },
        { NULL },
};

/* --- who --- */

/* Those of Kubernetes itself: nodes, the components, and the service accounts of controllers. */
static bool is_system(struct str user) {
        struct str namespace, name;

        if (rbac_service_account(user, &namespace, &name))
                return str_eq(namespace, STR("kube-system"));
        return str_starts(user, STR("system:"));
}

static bool wants(void *userdata, struct str user) {
        const struct least_arguments *arguments = userdata;

        for (size_t i = 0; i < arguments->users.count; i++)
                if (str_eq(user, str_from(arguments->users.items[i])))
                        return true;
        return arguments->users.count == 0 && (arguments->system || !is_system(user));
}

/* --- roles --- */

static void find_roles(struct command_context *context, const struct rbac_usage *usage,
                       struct rbac_least *ret) {
        struct least_arguments *arguments = context->options;
        struct rbac_index given _cleanup_(rbac_index_free) = { 0 };
        struct rbac_least_options options = { .given = &given,
                                              .names = (size_t)arguments->names,
                                              .merge = (size_t)arguments->merge,
                                              .wants = wants,
                                              .userdata = arguments };

        rbac_index_init(&given);
        if (!arguments->rbac.no_defaults)
                rbac_index_add_defaults(&given);
        rbac_index_finish(&given);
        rbac_least(context->arena, usage, &options, ret);
}

static void write_yaml(struct buf *buf, const struct rbac_log *log,
                       const struct rbac_least *roles) {
        buf_add(buf, STR("# The smallest roles that would have allowed what was used.\n"));
        rbac_add_log(buf, log, "# ");
        buf_add(buf, STR("# What was not done in that time is not allowed by them, and rights that "
                         "no log shows (bind, escalate,\n# approve, sign, use) are not among "
                         "them.\n"));
        rbac_least_yaml(buf, roles);
}

static void write_json(struct buf *buf, const struct rbac_log *log,
                       const struct rbac_least *roles) {
        buf_add(buf, STR("{\"log\":"));
        rbac_add_log_json(buf, log);
        buf_add(buf, STR(",\n \"roles\":"));
        rbac_least_json(buf, roles);
        buf_printf(buf, ",\n \"complete\":%s}\n", rbac_log_is_complete(log) ? "true" : "false");
}

/* --- against what they have --- */

/* Only what those have whom the roles are for. */
static void keep_subjects(struct rbac_changes *changes, const struct rbac_index *roles) {
        size_t kept = 0;

        for (size_t i = 0; i < changes->count; i++) {
                const struct rbac_change *change = &changes->items[i];

                if (change->principal->kind != RBAC_GROUP &&
                    map_get(&roles->users, change->principal->name) && !change->binding->standard)
                        changes->items[kept++] = *change;
        }
        changes->count = kept;
}

/* Whether USER, as a member of the groups that the log names, HAS all of CHANGE on OBJECT. */
static bool has_through_groups(struct arena *arena, const struct rbac_index *have,
                               const struct rbac_user *user, const struct rbac_change *change,
                               const struct rbac_object *object) {
        const struct rbac_binding *binding = change->binding;
        struct str *groups = arena_new_array(arena, user->groups.count, struct str);

        for (size_t i = 0; i < user->groups.count; i++)
                groups[i] = user->groups.entries[i].key;
        for (size_t i = 0; i < change->verb_count; i++) {
                struct rbac_request request = rbac_object_request(
                        object, change->verbs[i], binding->cluster ? STR("") : binding->namespace);
                struct rbac_decision decision;

                request.user = user->name;
                request.groups = groups;
                request.group_count = user->groups.count;
                rbac_decide(have, &request, &decision);
                if (!decision.allowed)
                        return false;
        }
        return true;
}

/* rbac_changes knows only the groups that authentication adds; the log knows more. */
static void drop_group_rights(struct arena *arena, const struct rbac_index *have,
                              const struct rbac_usage *usage, struct rbac_changes *gained) {
        size_t kept = 0;

        for (size_t i = 0; i < gained->count; i++) {
                struct rbac_change change = gained->items[i];
                const struct rbac_user *user = map_get(&usage->users, change.principal->name);
                size_t objects = 0;

                for (size_t k = 0; k < change.object_count; k++) {
                        struct arena_mark mark = arena_mark(arena);

                        if (!user ||
                            !has_through_groups(arena, have, user, &change, &change.objects[k]))
                                change.objects[objects++] = change.objects[k];
                        arena_rewind(arena, mark);
                }
                change.object_count = objects;
                if (objects > 0)
                        gained->items[kept++] = change;
        }
        gained->count = kept;
}

static int write_diff(struct command_context *context, struct buf *buf,
                      const struct rbac_index *have, const struct rbac_usage *usage,
                      const struct rbac_least *roles, bool complete) {
        const struct least_arguments *arguments = context->options;
        struct rbac_difference difference = { .arena = context->arena, .complete = complete };
        struct input_list input _cleanup_(input_free) = { 0 };
        struct rbac_index least _cleanup_(rbac_index_free) = { 0 };
        struct buf yaml _cleanup_(buf_free) = BUF_INIT;

        rbac_least_yaml(&yaml, roles);
        input_add_text(&input, STR("least"), buf_str(&yaml));
        if (!rbac_read_inputs(&input, arguments->rbac.no_defaults, &least))
                difference.complete = false;
        rbac_changes(context->arena, &least, have, &difference.gained);
        rbac_changes(context->arena, have, &least, &difference.lost);
        keep_subjects(&difference.gained, &least);
        keep_subjects(&difference.lost, &least);
        drop_group_rights(context->arena, have, usage, &difference.gained);
        if (difference.gained.cut || difference.lost.cut) {
                command_note("some roles grant too many rights to compare one by one");
                difference.complete = false;
        }
        rbac_add_difference(buf, &difference, RBAC_TEXT);
        if (!difference.complete)
                return COMMAND_INCOMPLETE;
        return difference.gained.count + difference.lost.count > 0 ? COMMAND_FINDINGS
                                                                   : COMMAND_CLEAN;
}

/* --- running --- */

static int confine_logs(struct command_context *context, const struct option_strings *logs) {
        return confine(&(struct confine_rules){ logs->items, logs->count }, NULL, context->error);
}

static int run(struct command_context *context, int argc _unused_, char **argv _unused_) {
        const struct least_arguments *arguments = context->options;
        struct rbac_index have _cleanup_(rbac_index_free) = { 0 };
        struct rbac_log log _cleanup_(rbac_log_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct rbac_least roles;
        bool complete = true;
        int r;

        if (arguments->rbac.logs.count == 0)
                return command_usage_error(context, "--audit-log PATH is needed");
        if (arguments->format == FORMAT_DIFF)
                r = rbac_read(context, &arguments->rbac, &have, &complete);
        else
                r = confine_logs(context, &arguments->rbac.logs);
        if (r >= 0)
                r = rbac_read_logs(context, &arguments->rbac, arguments->failed, &log);
        if (r < 0)
                return r;
        find_roles(context, &log.usage, &roles);
        complete &= rbac_log_is_complete(&log);
        r = complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
        if (arguments->format == FORMAT_DIFF)
                r = write_diff(context, &text, &have, &log.usage, &roles, complete);
        else if (arguments->format == FORMAT_JSON)
                write_json(&text, &log, &roles);
        else
                write_yaml(&text, &log, &roles);
        fwrite(text.data, 1, text.len, stdout);
        return r;
}

#define AT(field) offsetof(struct least_arguments, field)

static const struct option_spec specs[] = {
        OPTION_SECTION("Log"),
        AUDIT_LOG_OPTION(AT(rbac.logs)),
        { 0, "as", "USER",
          "only this user, or system:serviceaccount:NAMESPACE:NAME; may be repeated",
          OPTION_STRINGS, AT(users), .alias = "subject" },
        { 0, "system", NULL,
          "also the users of Kubernetes itself: system:..., and service accounts in kube-system",
          OPTION_FLAG, AT(system) },
        { 0, "failed", NULL,
          "also requests that were allowed and failed after that: not found, conflicts ...",
          OPTION_FLAG, AT(failed) },
        OPTION_SECTION("Roles"),
        { 0, "names", "N",
          "a right used on more than N names is one on all of them; with 0 there are no names",
          OPTION_INTEGER, AT(names), .min = 0, .max = RBAC_USAGE_MAX },
        { 0, "merge", "N",
          "a right used in N namespaces or more is one in all of them (default: never)",
          OPTION_INTEGER, AT(merge), .min = 2, .max = RBAC_USAGE_MAX },
        { 'o', "output", "FORMAT",
          "how to write the roles; a diff is against what -f or the cluster has", OPTION_CHOICE,
          AT(format), .words = formats },
        RBAC_INPUT_OPTIONS,
        OPTION_END,
};

static const struct least_arguments defaults = { .names = 32 };

static const struct command_example examples[] = {
        { "redoubt rbac least --audit-log examples/policies/audit.log",
          "roles for everyone in the log" },
        { "redoubt rbac least --audit-log examples/policies/audit.log --as alice", "for one user" },
        { "redoubt rbac least --audit-log audit.log -o diff --cluster",
          "what they would lose and gain" },
        { NULL },
};

const struct command command_rbac_least = {
        .name = "least",
        .summary = "the smallest roles that would have allowed what was used",
        .description =
                "Reads an API server's audit log and writes Roles, ClusterRoles and their bindings "
                "that allow exactly what each user and service account did with success: a Role "
                "for each namespace, a ClusterRole for what is in none or was done in all of them "
                "at once. With -o diff, the manifests, cluster or snapshot say what they have "
                "now.\n\nLevel Metadata is enough. What every user may do anyway (discovery) is "
                "left out, and so are the users of Kubernetes itself. Objects are named where the "
                "request always named them: never for create, list, watch and deletecollection. "
                "A log shows what was done in its time: rare work, and rights that are asked about "
                "behind a request (bind, escalate, approve, sign, use), may be missing.\n\n"
                "Exit status: 0; with -o diff 1 differences; 2 an error, 3 something could not be "
                "read.",
        .options = specs,
        .defaults = &defaults,
        .options_size = sizeof(struct least_arguments),
        .examples = examples,
        .run = run,
};
