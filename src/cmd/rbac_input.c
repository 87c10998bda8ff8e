/* redoubt rbac: reading manifests into an index, and the words of a question. */
#include <errno.h>

#include "base/confine.h"
#include "base/util.h"
#include "cmd/objects.h"
#include "cmd/rbac.h"

const struct option_word rbac_formats[] = {
        { "text", RBAC_TEXT, "for people" },
        { "json", RBAC_JSON, "for programs" },
        { NULL },
};

/* --- manifests --- */

/* Remarks that are shown, of those that make nothing incomplete. */
enum { NOTES_MAX = 3 };

struct input {
        struct rbac_index *index;
        struct rbac_beside *beside; /* NULL: nobody asks */
};

static void add_object(void *userdata, struct str file, const struct resource *resource) {
        struct input *input = userdata;

        rbac_index_add(input->index, file, resource);
        if (!input->beside)
                return;
        rbac_nodes_add(&input->beside->nodes, resource);
        rbac_others_add(&input->beside->others, file, resource);
}

static bool read_inputs(const struct input_list *inputs, bool no_defaults,
                        struct rbac_beside *beside, struct rbac_index *ret) {
        struct input input = { .index = ret, .beside = beside };
        size_t notes = 0;
        bool complete;

        rbac_index_init(ret);
        if (!no_defaults)
                rbac_index_add_defaults(ret);
        complete = objects_read(inputs, add_object, &input);
        rbac_index_finish(ret);
        for (size_t i = 0; i < ret->problems.count; i++) {
                const struct diagnostic *problem = &ret->problems.items[i];

                /* A folder with a variant for each stage has everything twice: a few say it. */
                if (problem->incomplete || notes++ < NOTES_MAX)
                        objects_tell(problem->file, problem->pos, problem->message);
                complete &= !problem->incomplete;
        }
        if (notes > NOTES_MAX)
                command_note("%zu more objects are given twice", notes - NOTES_MAX);
        return complete;
}

bool rbac_read_inputs(const struct input_list *inputs, bool no_defaults, struct rbac_index *ret) {
        return read_inputs(inputs, no_defaults, NULL, ret);
}

void rbac_beside_free(struct rbac_beside *beside) {
        rbac_nodes_free(&beside->nodes);
        rbac_others_free(&beside->others);
}

/* What is left to read are files and logs. */
static int confine_to(struct command_context *context, const struct rbac_arguments *arguments) {
        size_t files = arguments->files.count, logs = arguments->logs.count;
        const char **paths = arena_new_array(context->arena, files + logs + 1, const char *);
        struct confine_rules rules = { .read = paths };

        for (size_t i = 0; i < files; i++)
                paths[rules.read_count++] = arguments->files.items[i];
        for (size_t i = 0; i < logs; i++)
                paths[rules.read_count++] = arguments->logs.items[i];
        if (files == 0)
                paths[rules.read_count++] = ".";
        return confine(&rules, NULL, context->error);
}

int rbac_read(struct command_context *context, const struct rbac_arguments *arguments,
              struct rbac_index *index, bool *ret_complete) {
        return rbac_read_all(context, arguments, index, NULL, ret_complete);
}

/* What the authorizers of roles and of nodes decide by. */
static bool reads_with_nodes(struct str group, struct str resource) {
        static const struct str read[][2] = {
                { STR_INIT(""), STR_INIT("pods") },
                { STR_INIT(""), STR_INIT("persistentvolumes") },
                { STR_INIT("storage.k8s.io"), STR_INIT("volumeattachments") },
                { STR_INIT("resource.k8s.io"), STR_INIT("resourceslices") },
        };

        if (str_eq(group, STR("rbac.authorization.k8s.io")))
                return true;
        for (size_t i = 0; i < ELEMENTS(read); i++)
                if (str_eq(group, read[i][0]) && str_eq(resource, read[i][1]))
                        return true;
        return false;
}

int rbac_read_all(struct command_context *context, const struct rbac_arguments *arguments,
                  struct rbac_index *index, struct rbac_beside *beside, bool *ret_complete) {
        bool nodes = beside && beside->nodes_asked;
        const struct cluster_wish wish = { .group = nodes ? NULL : "rbac.authorization.k8s.io",
                                           .reads = nodes ? reads_with_nodes : NULL };
        struct input_list inputs _cleanup_(input_free) = { 0 };
        bool live = cluster_named(&arguments->cluster);
        int r = 0;

        if (!live || arguments->files.count > 0)
                r = objects_open(context, &arguments->files, &inputs);
        if (r >= 0)
                r = cluster_open(context, &arguments->cluster, &wish, &inputs, NULL);
        if (r >= 0)
                r = confine_to(context, arguments);
        if (r < 0)
                return r;
        if (beside)
                beside->nodes_read = nodes || !arguments->cluster.cluster;
        *ret_complete = read_inputs(&inputs, arguments->no_defaults, beside, index);
        return 0;
}

/* --- questions --- */

int rbac_read_resource(struct command_context *context, struct str text, struct rbac_request *ret) {
        const struct kube_kind *kind;
        ptrdiff_t at = str_find(text, STR("/"), 0);

        if (at == 0) {
                ret->path = text;
                return 0;
        }
        if (at > 0) {
                if (ret->subresource.len > 0)
                        return error_set(context->error, -EINVAL,
                                         "the subresource is given twice: in the resource and with "
                                         "--subresource");
                ret->subresource = str_slice(text, (size_t)at + 1, text.len);
                text = str_slice(text, 0, (size_t)at);
        }
        at = str_find(text, STR("."), 0);
        ret->resource = at < 0 ? text : str_slice(text, 0, (size_t)at);
        if (ret->resource.len == 0)
                return error_set(context->error, -EINVAL, "the resource is empty");
        if (at >= 0) {
                ret->group = str_slice(text, (size_t)at + 1, text.len);
                return 0;
        }
        kind = kube_resource_find(text);
        ret->group = kind ? kind->group : STR("");
        return 0;
}

int rbac_read_request(struct command_context *context, const struct rbac_arguments *arguments,
                      int argc, char **argv, struct rbac_request *ret) {
        *ret = (struct rbac_request){
                .verb = str_from(argv[0]),
                .subresource = str_from(arguments->subresource ? arguments->subresource : ""),
                .namespace = str_from(arguments->namespace ? arguments->namespace : ""),
                .name = str_from(argc > 2 ? argv[2] : ""),
        };
        return rbac_read_resource(context, str_from(argv[1]), ret);
}

const struct str *rbac_groups_of(struct arena *arena, const struct option_strings *given,
                                 struct str user, size_t *ret_count) {
        struct str implied[RBAC_IMPLIED_GROUPS], *groups;
        size_t count = given->count, more = 0;

        if (user.len > 0 || count > 0)
                more = rbac_implied_groups(arena, user, implied);
        groups = arena_new_array(arena, count + more + 1, struct str);
        for (size_t i = 0; i < count; i++)
                groups[i] = str_from(given->items[i]);
        /* As with kubectl --as: given groups take the place of a service account's own. */
        for (size_t i = count > 0 ? more - 1 : 0; i < more; i++)
                groups[count++] = implied[i];
        /* The certificate of a kubelet names the group that makes it a node. */
        if (given->count == 0 && str_starts(user, STR("system:node:")))
                groups[count++] = STR("system:nodes");
        *ret_count = count;
        return groups;
}

/* --- words --- */

struct str rbac_binding_name(struct arena *arena, const struct rbac_binding *binding) {
        if (binding->cluster)
                return arena_printf(arena, "ClusterRoleBinding %.*s", STR_ARG(binding->name));
        return arena_printf(arena, "RoleBinding %.*s/%.*s", STR_ARG(binding->namespace),
                            STR_ARG(binding->name));
}

struct str rbac_role_name(struct arena *arena, const struct rbac_binding *binding) {
        return arena_printf(arena, "%.*s %.*s", STR_ARG(binding->role_kind),
                            STR_ARG(binding->role_name));
}

struct str rbac_subject_name(struct arena *arena, enum rbac_subject_kind kind, struct str name) {
        struct str namespace, account;

        if (kind != RBAC_GROUP && rbac_service_account(name, &namespace, &account))
                return arena_printf(arena, "ServiceAccount %.*s/%.*s", STR_ARG(namespace),
                                    STR_ARG(account));
        return arena_printf(arena, "%s %.*s", kind == RBAC_GROUP ? "Group" : "User", STR_ARG(name));
}

struct str rbac_request_text(struct arena *arena, const struct rbac_request *request) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        buf_printf(&text, "%.*s ", STR_ARG(request->verb));
        if (request->resource.len == 0)
                buf_printf(&text, "%.*s", STR_ARG(request->path));
        else
                buf_printf(&text, "%.*s", STR_ARG(request->resource));
        if (request->group.len > 0)
                buf_printf(&text, ".%.*s", STR_ARG(request->group));
        if (request->subresource.len > 0)
                buf_printf(&text, "/%.*s", STR_ARG(request->subresource));
        if (request->name.len > 0)
                buf_printf(&text, " \"%.*s\"", STR_ARG(request->name));
        if (request->namespace.len > 0)
                buf_printf(&text, " in namespace %.*s", STR_ARG(request->namespace));
        else if (request->resource.len > 0)
                buf_add(&text, STR(" cluster-wide"));
        return arena_str(arena, buf_str(&text));
}

struct str rbac_place_text(struct arena *arena, struct str file, struct doc_pos pos) {
        if (file.len == 0)
                return STR("built in");
        return arena_printf(arena, "%.*s:%u", STR_ARG(file), pos.line);
}

void rbac_add_node_decision(struct buf *buf) {
        buf_add(buf, STR("{\"allowed\":true,\"binding\":null,\"role\":null,\"rule\":null,"
                         "\"authorizer\":\"node\""));
}

void rbac_add_decision(struct buf *buf, struct arena *arena, const struct rbac_decision *decision) {
        buf_printf(buf, "{\"allowed\":%s", decision->allowed ? "true" : "false");
        if (!decision->binding) {
                buf_add(buf, STR(",\"binding\":null,\"role\":null,\"rule\":null"));
                return;
        }
        buf_add(buf, STR(",\"binding\":"));
        buf_add_json(buf, rbac_binding_name(arena, decision->binding));
        buf_add(buf, STR(",\"role\":"));
        buf_add_json(buf, rbac_role_name(arena, decision->binding));
        buf_printf(buf, ",\"rule\":%zu", decision->rule);
}
