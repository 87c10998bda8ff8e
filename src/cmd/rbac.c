/* redoubt rbac: who can do what. Here: the verb itself and `can-i`. */
#include <errno.h>

#include "base/util.h"
#include "cmd/rbac.h"

/* --- can-i --- */

static struct str who(struct arena *arena, const struct rbac_request *request) {
        if (request->user.len > 0)
                return rbac_subject_name(arena, RBAC_USER, request->user);
        return rbac_subject_name(arena, RBAC_GROUP, request->groups[0]);
}

static void add_yes(struct buf *buf, struct arena *arena, const struct rbac_decision *decision) {
        const struct rbac_binding *binding = decision->binding;
        const struct rbac_rule *rule;

        if (!binding) {
                buf_add(buf, STR("yes: the group system:masters may do everything\n"));
                return;
        }
        rule = decision->role->rules[decision->rule];
        buf_add(buf, STR("yes: "));
        buf_add_terminal(buf, rbac_binding_name(arena, binding));
        buf_add(buf, STR(" -> "));
        buf_add_terminal(buf, rbac_role_name(arena, binding));
        buf_add(buf, STR("\n     binding: "));
        buf_add_terminal(buf, rbac_place_text(arena, binding->place.file, binding->place.pos));
        buf_add(buf, STR("\n     rule:    "));
        buf_add_terminal(buf, rbac_place_text(arena, rule->role->place.file, rule->pos));
        buf_add_char(buf, '\n');
}

/* The bindings of the one who asks whose role is not in the input: they might allow it. */
static void add_dormant(struct buf *buf, struct arena *arena, const struct rbac_binding *binding) {
        buf_add(buf, STR("     unknown: "));
        buf_add_terminal(buf, rbac_binding_name(arena, binding));
        buf_add(buf, STR(" names "));
        buf_add_terminal(buf, rbac_role_name(arena, binding));
        buf_add(buf, STR(", which is not in the input   "));
        buf_add_terminal(buf, rbac_place_text(arena, binding->place.file, binding->place.pos));
        buf_add_char(buf, '\n');
}

static void add_no(struct buf *buf, struct arena *arena, const struct rbac_index *index,
                   const struct rbac_request *request) {
        const struct rbac_binding **bindings;
        size_t count;

        buf_add(buf, STR("no: nothing that is bound to "));
        buf_add_terminal(buf, who(arena, request));
        buf_add(buf, STR(" allows: "));
        buf_add_terminal(buf, rbac_request_text(arena, request));
        buf_add_char(buf, '\n');
        bindings = rbac_dormant(index, request, arena, &count);
        for (size_t i = 0; i < count; i++)
                add_dormant(buf, arena, bindings[i]);
}

/* The last version in which the API server let a WebSocket into a pod for `get` alone
 * (AuthorizePodWebsocketUpgradeCreatePermission, 1.35). */
enum { LAST_BY_GET = 34 };

/* Whether REQUEST is for a way into a pod that `get` opened before 1.35. */
static bool was_by_get(const struct rbac_request *request) {
        static const struct str ways[] = { STR_INIT("exec"), STR_INIT("attach"),
                                           STR_INIT("portforward") };

        for (size_t i = 0; i < ELEMENTS(ways); i++)
                if (str_eq(request->verb, STR("create")) && request->group.len == 0 &&
                    str_eq(request->resource, STR("pods")) && str_eq(request->subresource, ways[i]))
                        return true;
        return false;
}

/* Decides REQUEST as version MINOR (0: the newest) does; RET_GET: with `get`, which is enough, or
 * would have been before 1.35. */
static void decide(const struct rbac_index *index, const struct rbac_request *request,
                   uint16_t minor, struct rbac_decision *ret, bool *ret_get) {
        struct rbac_request get = *request;
        struct rbac_decision old;

        *ret_get = false;
        rbac_decide(index, request, ret);
        if (ret->allowed || !was_by_get(request))
                return;
        get.verb = STR("get");
        rbac_decide(index, &get, &old);
        *ret_get = old.allowed;
        if (old.allowed && minor > 0 && minor <= LAST_BY_GET)
                *ret = old;
}

void rbac_add_others(struct buf *buf, struct arena *arena, const struct rbac_others *others) {
        for (size_t i = 0; i < others->items.count; i++) {
                const struct rbac_other *other = &others->items.items[i];

                buf_add(buf, STR("     beside RBAC, the API server asks "));
                buf_add_terminal(buf, other->mode);
                buf_add(buf, str_eq(other->mode, STR("AlwaysAllow"))
                                     ? STR(", which allows everything   ")
                                     : STR(", which may allow it   "));
                buf_add_terminal(buf, rbac_place_text(arena, other->place.file, other->place.pos));
                buf_add_char(buf, '\n');
        }
        if (others->items.count == 0)
                buf_add(buf, STR("     this is RBAC's answer; webhooks and other authorizers may "
                                 "still allow it\n"));
}

void rbac_add_others_json(struct buf *buf, const struct rbac_others *others) {
        if (others->items.count == 0)
                return;
        buf_add(buf, STR(",\"authorizers\":["));
        for (size_t i = 0; i < others->items.count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                buf_add_json(buf, others->items.items[i].mode);
        }
        buf_add_char(buf, ']');
}

/* What the node authorizer allows, in words or for programs. */
static int answer_node(const struct rbac_arguments *arguments, const char *why) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (arguments->format == RBAC_JSON) {
                rbac_add_node_decision(&text);
                buf_add(&text, STR("}\n"));
        } else {
                buf_printf(&text, "yes: the node authorizer: %s\n",
                           why[0] ? why : "every node may");
        }
        fwrite(text.data, 1, text.len, stdout);
        return COMMAND_CLEAN;
}

static int answer(struct command_context *context, const struct rbac_index *index,
                  const struct rbac_beside *beside, const struct rbac_request *request,
                  bool complete) {
        const struct rbac_arguments *arguments = context->options;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct rbac_decision decision;
        bool by_get;
        const char *why;
        uint16_t minor;
        int r = language_minor(&arguments->language, &minor, context->error);

        if (r < 0)
                return r;
        decide(index, request, minor, &decision, &by_get);
        if (!decision.allowed && rbac_node_allows(&beside->nodes, request, &why))
                return answer_node(arguments, why);
        if (arguments->format == RBAC_JSON) {
                rbac_add_decision(&text, context->arena, &decision);
                if (!decision.allowed)
                        rbac_add_others_json(&text, &beside->others);
                buf_add(&text, STR("}\n"));
        } else if (decision.allowed) {
                add_yes(&text, context->arena, &decision);
                if (by_get)
                        buf_add(&text, STR("     with get, over a WebSocket: create is asked for "
                                           "since Kubernetes 1.35\n"));
        } else {
                add_no(&text, context->arena, index, request);
                if (by_get)
                        buf_add(&text, STR("     get is allowed, which is enough before "
                                           "Kubernetes 1.35 (--kube-version)\n"));
                rbac_add_others(&text, context->arena, &beside->others);
        }
        fwrite(text.data, 1, text.len, stdout);
        /* Rights only add up: what could not be read cannot take a yes back. */
        if (decision.allowed)
                return COMMAND_CLEAN;
        return complete ? COMMAND_FINDINGS : COMMAND_INCOMPLETE;
}

static int can_i(struct command_context *context, int argc, char **argv) {
        const struct rbac_arguments *arguments = context->options;
        struct rbac_index index _cleanup_(rbac_index_free) = { 0 };
        struct rbac_beside beside _cleanup_(rbac_beside_free) = { 0 };
        struct rbac_request request;
        bool complete = true;
        int r = 0;

        if (arguments->stream ? argc != 0 : argc < 2 || argc > 3)
                return command_usage_error(context, arguments->stream
                                                            ? "--stream takes its questions from "
                                                              "standard input"
                                                            : "give VERB RESOURCE [NAME]");
        if (!arguments->stream) {
                if (!arguments->as && arguments->groups.count == 0)
                        return command_usage_error(context,
                                                   "say who: --as USER or --as-group GROUP");
                r = rbac_read_request(context, arguments, argc, argv, &request);
                request.user = str_from(arguments->as ? arguments->as : "");
                request.groups = rbac_groups_of(context->arena, &arguments->groups, request.user,
                                                &request.group_count);
                beside.nodes_asked = rbac_node_of(&request).len > 0;
        }
        if (r >= 0)
                r = rbac_read_all(context, arguments, &index, &beside, &complete);
        if (r < 0)
                return r;
        if (!arguments->stream)
                return answer(context, &index, &beside, &request, complete);
        r = rbac_stream(context, &index, &beside);
        return r == COMMAND_CLEAN && !complete ? COMMAND_INCOMPLETE : r;
}

#define AT(field) offsetof(struct rbac_arguments, field)

static const struct option_spec can_i_specs[] = {
        OPTION_SECTION("Question"),
        { 0, "as", "USER", "who asks: a user, or system:serviceaccount:NAMESPACE:NAME",
          OPTION_STRING, AT(as) },
        { 0, "as-group", "GROUP", "a group of the one who asks", OPTION_STRINGS, AT(groups) },
        { 'n', "namespace", "NS", "in this namespace (default: cluster-wide)", OPTION_STRING,
          AT(namespace) },
        { 0, "subresource", "NAME", "of this subresource, as in pods/exec", OPTION_STRING,
          AT(subresource) },
        { 0, "stream", NULL, "answer a line of JSON for each line of JSON on standard input",
          OPTION_FLAG, AT(stream) },
        { 0, "kube-version", "1.N",
          "the cluster's version: before 1.35 get is enough for exec, attach and portforward",
          OPTION_STRING, AT(language.kube_version) },
        RBAC_OUTPUT_OPTIONS,
        RBAC_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_positional can_i_positionals[] = {
        { "VERB", .optional = true },
        { "RESOURCE", .optional = true },
        { "NAME", .optional = true },
        { NULL },
};

static const struct command_example can_i_examples[] = {
        { "redoubt rbac can-i get secrets -n shop --as-group support -f examples/shop",
          "may the group read the secrets of a namespace" },
        { "redoubt rbac can-i create pods/exec -n shop --as jane -f examples/shop",
          "a subresource" },
        { "redoubt rbac can-i get /metrics --as jane -f examples/shop", "a URL" },
        { NULL },
};

static const struct command command_rbac_can_i = {
        .name = "can-i",
        .summary = "may this user do that",
        .usage = "[OPTION...] VERB RESOURCE [NAME]",
        .description =
                "Answers as the API server's RBAC authorizer would, from the Roles, ClusterRoles "
                "and bindings of the manifests, and says which binding and which rule decide. "
                "RESOURCE is the plural name, with the API group behind a dot where it is not one "
                "of Kubernetes itself (widgets.example.com) and with the subresource behind "
                "a slash (pods/exec); a URL begins with a slash.\n\nWith --stream, questions are "
                "lines of JSON with the fields user, groups, verb, group, resource, subresource, "
                "name, namespace and path; nothing is added to the groups.\n\nExit status: 0 yes, "
                "1 no, 2 an error, 3 no as far as is known, but something could not be read.",
        .options = can_i_specs,
        .options_size = sizeof(struct rbac_arguments),
        .positionals = can_i_positionals,
        .examples = can_i_examples,
        .run = can_i,
};

static const struct command *const verbs[] = {
        &command_rbac_can_i,   &command_rbac_who_can,
        &command_rbac_subject, &command_rbac_matrix,
        &command_rbac_risks,   &command_rbac_review,
        &command_rbac_diff,    &command_rbac_unused,
        &command_rbac_least,   NULL,
};

const struct command command_rbac = {
        .name = "rbac",
        .summary = "who can do what, and through which binding",
        .description =
                "Answers questions about Roles, ClusterRoles and their bindings as Kubernetes' own "
                "RBAC authorizer decides them, from manifests alone. What other authorizers of "
                "a cluster allow (the node authorizer, webhooks) comes on top.",
        .verbs = verbs,
};
