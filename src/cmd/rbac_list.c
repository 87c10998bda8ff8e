/* redoubt rbac who-can and subject: the same index, read from the two other sides. */
#include <errno.h>

#include "base/util.h"
#include "cmd/rbac.h"
#include "cmd/table.h"

#define AT(field) offsetof(struct rbac_arguments, field)

/* --- who-can --- */

/* Someone who can, or who could make it so. */
struct holder {
        enum rbac_subject_kind kind;
        struct str name; /* user name or group */
        const struct rbac_binding *binding;
        struct doc_pos pos;
        struct str how;  /* "escalate on clusterroles"; empty: can do it now */
        const char *why; /* of a node: what the object has to do with it; NULL: no node */
};

struct holders {
        struct holder *items;
        size_t count, capacity;
};

static bool in_force(const struct rbac_binding *binding, const struct rbac_request *request) {
        if (binding->replaced)
                return false;
        return binding->cluster ||
               (request->namespace.len > 0 && str_eq(binding->namespace, request->namespace));
}

static void find_holders(struct arena *arena, const struct rbac_index *index,
                         const struct rbac_request *request, struct holders *ret) {
        for (size_t i = 0; i < index->all_bindings.count; i++) {
                const struct rbac_binding *binding = index->all_bindings.items[i];

                if (!in_force(binding, request) || !rbac_binding_allows(binding, request, NULL))
                        continue;
                for (size_t k = 0; k < binding->subject_count; k++) {
                        const struct rbac_subject *subject = &binding->subjects[k];
                        bool account = subject->kind == RBAC_SERVICE_ACCOUNT;
                        struct holder *holder;

                        if (subject->kind == RBAC_SUBJECT_OTHER ||
                            (account && subject->user.len == 0))
                                continue;
                        holder = vec_push_in(arena, ret);
                        *holder = (struct holder){ .kind = subject->kind,
                                                   .name = account ? subject->user : subject->name,
                                                   .binding = binding,
                                                   .pos = subject->pos };
                }
        }
}

/* Adds the nodes that the node authorizer allows it. Returns how the list may still be short: NULL,
 * or what is to be said. */
static const char *find_nodes(struct arena *arena, const struct rbac_beside *beside,
                              const struct rbac_request *request, struct holders *ret) {
        struct str groups[] = { STR("system:nodes") };
        struct rbac_request asked = *request;
        enum rbac_node_reach reach = rbac_node_reach(request);

        if (reach == RBAC_NODES_NONE)
                return NULL;
        if (reach == RBAC_NODES_ALL) {
                *vec_push_in(arena, ret) = (struct holder){ .kind = RBAC_USER,
                                                            .name = STR("system:node:*"),
                                                            .why = "every node may" };
                return NULL;
        }
        if (request->name.len == 0)
                return "not included: kubelets (system:node:NAME) may do it with what the node "
                       "authorizer leads to them; ask with a NAME";
        asked.groups = groups;
        asked.group_count = ELEMENTS(groups);
        for (size_t i = 0; i < beside->nodes.nodes.count; i++) {
                const char *why;

                asked.user = arena_printf(arena, "system:node:%.*s",
                                          STR_ARG(beside->nodes.nodes.entries[i].key));
                if (rbac_node_allows(&beside->nodes, &asked, &why))
                        *vec_push_in(arena, ret) =
                                (struct holder){ .kind = RBAC_USER,
                                                 .name = asked.user,
                                                 .why = why[0] ? why : "it is its own" };
        }
        return beside->nodes_read && beside->nodes.nodes.count > 0
                       ? NULL
                       : "not included: kubelets (system:node:NAME), which the node authorizer may "
                         "allow it: no pods are read";
}

/* A question about PRINCIPAL, with the groups that authentication gives it. */
static bool may(const struct rbac_index *index, const struct rbac_request *who, const char *verb,
                const char *group, const char *resource, struct str namespace, struct str name) {
        struct rbac_request request = *who;
        struct rbac_decision decision;

        request.verb = str_from(verb);
        request.group = str_from(group);
        request.resource = str_from(resource);
        request.namespace = namespace;
        request.name = name;
        request.any_name = name.len == 0;
        rbac_decide(index, &request, &decision);
        return decision.allowed;
}

#define RBAC "rbac.authorization.k8s.io"

static bool may_write(const struct rbac_index *index, const struct rbac_request *who,
                      const char *resource, struct str namespace) {
        return may(index, who, "update", RBAC, resource, namespace, STR("")) ||
               may(index, who, "patch", RBAC, resource, namespace, STR(""));
}

/* With `bind`, a role that allows REQUEST may be bound by someone who may not do it. */
static bool may_bind(const struct rbac_index *index, const struct rbac_request *who,
                     const struct rbac_request *request, const struct rbac_role *const *roles,
                     size_t role_count, const char *bindings, struct str namespace) {
        if (!may(index, who, "create", RBAC, bindings, namespace, STR("")))
                return false;
        for (size_t i = 0; i < role_count; i++) {
                if (!roles[i]->cluster &&
                    (namespace.len == 0 || !str_eq(roles[i]->namespace, request->namespace)))
                        continue;
                if (may(index, who, "bind", RBAC, roles[i]->cluster ? "clusterroles" : "roles",
                        namespace, roles[i]->name))
                        return true;
        }
        return false;
}

/* Whether WHO may act as one of HOLDERS, or as system:masters. */
static bool may_impersonate(const struct rbac_index *index, const struct rbac_request *who,
                            const struct holders *holders) {
        struct str namespace, name;

        if (may(index, who, "impersonate", "", "groups", STR(""), STR("system:masters")) &&
            may(index, who, "impersonate", "", "users", STR(""), STR("")))
                return true;
        for (size_t i = 0; i < holders->count; i++) {
                const struct holder *holder = &holders->items[i];
                bool found;

                if (holder->kind == RBAC_GROUP)
                        found = may(index, who, "impersonate", "", "groups", STR(""),
                                    holder->name) &&
                                may(index, who, "impersonate", "", "users", STR(""), STR(""));
                else if (rbac_service_account(holder->name, &namespace, &name))
                        found = may(index, who, "impersonate", "", "serviceaccounts", namespace,
                                    name);
                else
                        found = may(index, who, "impersonate", "", "users", STR(""), holder->name);
                if (found)
                        return true;
        }
        return false;
}

struct indirect {
        const struct rbac_index *index;
        const struct rbac_request *request;
        const struct rbac_role **roles; /* those that allow it */
        size_t role_count;
        const struct holders *direct;
};

/* How WHO could give itself the right that it does not have; NULL: it could not. */
static const char *way_to_it(const struct indirect *indirect, const struct rbac_request *who) {
        const struct rbac_index *index = indirect->index;
        struct str namespace = indirect->request->namespace, everywhere = STR("");

        if (may_bind(index, who, indirect->request, indirect->roles, indirect->role_count,
                     "clusterrolebindings", everywhere))
                return "bind, cluster-wide";
        if (namespace.len > 0 && may_bind(index, who, indirect->request, indirect->roles,
                                          indirect->role_count, "rolebindings", namespace))
                return "bind";
        if (may(index, who, "escalate", RBAC, "clusterroles", everywhere, STR("")) &&
            may_write(index, who, "clusterroles", everywhere))
                return "escalate on clusterroles";
        if (namespace.len > 0 && may(index, who, "escalate", RBAC, "roles", namespace, STR("")) &&
            may_write(index, who, "roles", namespace))
                return "escalate on roles";
        if (may_impersonate(index, who, indirect->direct))
                return "impersonate";
        return NULL;
}

static void find_indirect_in(struct arena *arena, const struct indirect *indirect,
                             const struct map *principals, struct holders *ret) {
        for (size_t i = 0; i < principals->count; i++) {
                const struct rbac_principal *principal = principals->entries[i].value;
                struct rbac_request who = { 0 }, request = *indirect->request;
                struct str groups[RBAC_IMPLIED_GROUPS];
                struct rbac_decision decision;
                const char *way;

                if (principal->kind == RBAC_GROUP) {
                        groups[0] = principal->name;
                        who.group_count = 1;
                } else {
                        who.user = principal->name;
                        who.group_count = rbac_implied_groups(arena, who.user, groups);
                }
                who.groups = groups;
                request.user = who.user;
                request.groups = who.groups;
                request.group_count = who.group_count;
                rbac_decide(indirect->index, &request, &decision);
                way = decision.allowed ? NULL : way_to_it(indirect, &who);
                if (way)
                        *vec_push_in(arena, ret) = (struct holder){ .kind = principal->kind,
                                                                    .name = principal->name,
                                                                    .how = str_from(way) };
        }
}

static void find_indirect(struct arena *arena, const struct rbac_index *index,
                          const struct rbac_request *request, const struct holders *direct,
                          struct holders *ret) {
        struct indirect indirect = { .index = index, .request = request, .direct = direct };

        indirect.roles = arena_new_array(arena, index->all_roles.count, const struct rbac_role *);
        for (size_t i = 0; i < index->all_roles.count; i++) {
                const struct rbac_role *role = index->all_roles.items[i];
                struct rbac_binding binding = { .role = role };

                if (!role->replaced && rbac_binding_allows(&binding, request, NULL))
                        indirect.roles[indirect.role_count++] = role;
        }
        find_indirect_in(arena, &indirect, &index->users, ret);
        find_indirect_in(arena, &indirect, &index->groups, ret);
}

static void who_text(struct buf *buf, struct arena *arena, const struct holders *direct,
                     const struct holders *indirect) {
        struct table table = { .columns = 3 };

        table_add(arena, &table, STR("SUBJECT"), STR("THROUGH"), STR("WHERE"));
        table_add(arena, &table, STR("Group system:masters"), STR("may do everything"),
                  STR("built in"));
        for (size_t i = 0; i < direct->count; i++) {
                const struct holder *holder = &direct->items[i];
                const struct rbac_binding *binding = holder->binding;

                if (holder->why) {
                        table_add(arena, &table,
                                  rbac_subject_name(arena, holder->kind, holder->name),
                                  arena_printf(arena, "the node authorizer: %s", holder->why),
                                  STR("built in"));
                        continue;
                }
                if (binding->place.file.len == 0 && str_eq(holder->name, STR("system:masters")))
                        continue;
                table_add(arena, &table, rbac_subject_name(arena, holder->kind, holder->name),
                          arena_printf(arena, "%.*s -> %.*s",
                                       STR_ARG(rbac_binding_name(arena, binding)),
                                       STR_ARG(rbac_role_name(arena, binding))),
                          rbac_place_text(arena, binding->place.file, holder->pos));
        }
        table_write(buf, &table);
        if (indirect->count > 0)
                buf_printf(buf, "and %zu more who could grant it to themselves:\n",
                           indirect->count);
        for (size_t i = 0; i < indirect->count; i++) {
                buf_add(buf, STR("  "));
                buf_add_terminal(buf, rbac_subject_name(arena, indirect->items[i].kind,
                                                        indirect->items[i].name));
                buf_printf(buf, " (%.*s)\n", STR_ARG(indirect->items[i].how));
        }
}

static void add_json_field(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "\"%s\":", name);
        buf_add_json(buf, value);
}

static void holder_json(struct buf *buf, struct arena *arena, const struct holder *holder) {
        buf_add_char(buf, '{');
        add_json_field(buf, "subject", rbac_subject_name(arena, holder->kind, holder->name));
        buf_add_char(buf, ',');
        if (holder->why) {
                add_json_field(buf, "authorizer", STR("node"));
                buf_add_char(buf, ',');
                add_json_field(buf, "why", str_from(holder->why));
        } else if (!holder->binding) {
                add_json_field(buf, "how", holder->how);
        } else {
                add_json_field(buf, "binding", rbac_binding_name(arena, holder->binding));
                buf_add_char(buf, ',');
                add_json_field(buf, "role", rbac_role_name(arena, holder->binding));
                buf_add_char(buf, ',');
                add_json_field(buf, "file", holder->binding->place.file);
                buf_printf(buf, ",\"line\":%u",
                           holder->binding->place.file.len ? holder->pos.line : 0);
        }
        buf_add_char(buf, '}');
}

static void holders_json(struct buf *buf, struct arena *arena, const struct holders *holders) {
        buf_add_char(buf, '[');
        for (size_t i = 0; i < holders->count; i++) {
                buf_add(buf, i ? STR(",\n  ") : STR("\n  "));
                holder_json(buf, arena, &holders->items[i]);
        }
        buf_add_char(buf, ']');
}

static void who_json(struct buf *buf, struct arena *arena, const struct holders *direct,
                     const struct holders *indirect) {
        buf_add(buf, STR("{\"can\":"));
        holders_json(buf, arena, direct);
        buf_add(buf, STR(",\n \"couldGrantItself\":"));
        holders_json(buf, arena, indirect);
}

static int who_can(struct command_context *context, int argc, char **argv) {
        const struct rbac_arguments *arguments = context->options;
        struct rbac_index index _cleanup_(rbac_index_free) = { 0 };
        struct rbac_beside beside _cleanup_(rbac_beside_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        struct holders direct = { 0 }, indirect = { 0 };
        struct rbac_request request;
        const char *missing;
        bool complete;
        int r;

        if (argc > 3)
                return command_usage_error(context, "give VERB RESOURCE [NAME]");
        r = rbac_read_request(context, arguments, argc, argv, &request);
        if (r >= 0)
                r = rbac_read_all(context, arguments, &index, &beside, &complete);
        if (r < 0)
                return r;
        find_holders(context->arena, &index, &request, &direct);
        find_indirect(context->arena, &index, &request, &direct, &indirect);
        missing = find_nodes(context->arena, &beside, &request, &direct);
        if (arguments->format == RBAC_JSON) {
                who_json(&text, context->arena, &direct, &indirect);
                buf_printf(&text, ",\n \"notIncluded\":[%s]", missing ? "\"node\"" : "");
                rbac_add_others_json(&text, &beside.others);
                buf_add(&text, STR("}\n"));
        } else {
                who_text(&text, context->arena, &direct, &indirect);
                if (missing)
                        buf_printf(&text, "     %s\n", missing);
                rbac_add_others(&text, context->arena, &beside.others);
        }
        fwrite(text.data, 1, text.len, stdout);
        return complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static const struct option_spec who_can_specs[] = {
        OPTION_SECTION("Question"),
        { 'n', "namespace", "NS", "in this namespace (default: cluster-wide)", OPTION_STRING,
          AT(namespace) },
        { 0, "subresource", "NAME", "of this subresource, as in pods/exec", OPTION_STRING,
          AT(subresource) },
        RBAC_OUTPUT_OPTIONS,
        RBAC_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_positional who_can_positionals[] = {
        { "VERB" },
        { "RESOURCE" },
        { "NAME", .optional = true },
        { NULL },
};

static const struct command_example who_can_examples[] = {
        { "redoubt rbac who-can get secrets -n shop -f examples/shop",
          "who reads the secrets of a namespace" },
        { "redoubt rbac who-can delete nodes -f examples/shop", "cluster-wide" },
        { NULL },
};

const struct command command_rbac_who_can = {
        .name = "who-can",
        .summary = "everyone who can do something",
        .description =
                "Lists the subjects that a binding allows to do it, and those that could give "
                "themselves the right: with `bind` on a role that allows it, with `escalate`, or "
                "by impersonating one who can.\n\nExit status: 0, 2 an error, 3 something could "
                "not be read.",
        .options = who_can_specs,
        .options_size = sizeof(struct rbac_arguments),
        .positionals = who_can_positionals,
        .examples = who_can_examples,
        .run = who_can,
};

/* --- subject --- */

static void add_words(struct buf *buf, const struct rbac_strings *strings, const char *between) {
        for (size_t i = 0; i < strings->count; i++) {
                if (i > 0)
                        buf_printf(buf, "%s", between);
                if (strings->items[i].len == 0)
                        buf_add(buf, STR("core"));
                else
                        buf_add(buf, strings->items[i]);
        }
}

static bool only_core(const struct rbac_strings *groups) {
        return groups->count == 1 && groups->items[0].len == 0;
}

/* "deployments, daemonsets (apps) named cart". */
struct str rbac_rule_objects(struct arena *arena, const struct rbac_rule *rule) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        add_words(&text, &rule->resources, ", ");
        if (rule->resources.count > 0 && !only_core(&rule->groups)) {
                buf_add(&text, STR(" ("));
                if (rule->groups.any)
                        buf_add(&text, STR("any group"));
                else
                        add_words(&text, &rule->groups, ", ");
                buf_add_char(&text, ')');
        }
        if (rule->names.count > 0) {
                buf_add(&text, STR(" named "));
                add_words(&text, &rule->names, ", ");
        }
        if (rule->urls.count > 0) {
                buf_add(&text, text.len > 0 ? STR("; URLs ") : STR("URLs "));
                add_words(&text, &rule->urls, " ");
        }
        return arena_str(arena, buf_str(&text));
}

struct str rbac_rule_verbs(struct arena *arena, const struct rbac_rule *rule) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        add_words(&text, &rule->verbs, " ");
        return arena_str(arena, buf_str(&text));
}

struct str rbac_scope_text(struct arena *arena, const struct rbac_binding *binding) {
        if (binding->cluster)
                return STR("everywhere");
        return arena_printf(arena, "in namespace %.*s", STR_ARG(binding->namespace));
}

static void grant_text(struct buf *buf, struct arena *arena, const struct rbac_principal *principal,
                       const struct rbac_binding *binding) {
        struct table table = { .columns = 3 };

        buf_add_terminal(buf, rbac_binding_name(arena, binding));
        buf_add(buf, STR(" -> "));
        buf_add_terminal(buf, rbac_role_name(arena, binding));
        buf_add(buf, STR(", "));
        buf_add_terminal(buf, rbac_scope_text(arena, binding));
        if (principal->kind == RBAC_GROUP) {
                buf_add(buf, STR(", as Group "));
                buf_add_terminal(buf, principal->name);
        }
        buf_add(buf, STR("   "));
        buf_add_terminal(buf, rbac_place_text(arena, binding->place.file, binding->place.pos));
        buf_add_char(buf, '\n');
        if (!binding->role)
                buf_add(buf, STR("  grants nothing: there is no such role in the input\n"));
        for (size_t i = 0; binding->role && i < binding->role->rule_count; i++) {
                const struct rbac_rule *rule = binding->role->rules[i];
                struct str verbs = rbac_rule_verbs(arena, rule);

                table_add(arena, &table, arena_printf(arena, "  %.*s", STR_ARG(verbs)),
                          rbac_rule_objects(arena, rule),
                          rbac_place_text(arena, rule->role->place.file, rule->pos));
        }
        table_write(buf, &table);
}

static void strings_json(struct buf *buf, const char *name, const struct rbac_strings *strings) {
        buf_printf(buf, "\"%s\":[", name);
        for (size_t i = 0; i < strings->count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                buf_add_json(buf, strings->items[i]);
        }
        buf_add_char(buf, ']');
}

void rbac_add_rule(struct buf *buf, const struct rbac_rule *rule) {
        buf_add_char(buf, '{');
        strings_json(buf, "verbs", &rule->verbs);
        buf_add_char(buf, ',');
        strings_json(buf, "apiGroups", &rule->groups);
        buf_add_char(buf, ',');
        strings_json(buf, "resources", &rule->resources);
        buf_add_char(buf, ',');
        strings_json(buf, "resourceNames", &rule->names);
        buf_add_char(buf, ',');
        strings_json(buf, "nonResourceURLs", &rule->urls);
        buf_add_char(buf, ',');
        add_json_field(buf, "file", rule->role->place.file);
        buf_printf(buf, ",\"line\":%u}", rule->role->place.file.len ? rule->pos.line : 0);
}

static void grant_json(struct buf *buf, struct arena *arena, const struct rbac_principal *principal,
                       const struct rbac_binding *binding) {
        buf_add_char(buf, '{');
        add_json_field(buf, "as", rbac_subject_name(arena, principal->kind, principal->name));
        buf_add_char(buf, ',');
        add_json_field(buf, "binding", rbac_binding_name(arena, binding));
        buf_add_char(buf, ',');
        add_json_field(buf, "role", rbac_role_name(arena, binding));
        buf_add_char(buf, ',');
        add_json_field(buf, "namespace", binding->cluster ? STR("") : binding->namespace);
        buf_add_char(buf, ',');
        add_json_field(buf, "file", binding->place.file);
        buf_printf(buf, ",\"line\":%u,\"dormant\":%s,\"rules\":[",
                   binding->place.file.len ? binding->place.pos.line : 0,
                   binding->role ? "false" : "true");
        for (size_t i = 0; binding->role && i < binding->role->rule_count; i++) {
                buf_add(buf, i ? STR(",\n   ") : STR("\n   "));
                rbac_add_rule(buf, binding->role->rules[i]);
        }
        buf_add(buf, STR("]}"));
}

struct listing {
        struct buf text;
        struct arena *arena;
        const struct rbac_arguments *arguments;
        size_t count;
};

static void list_grants(struct listing *listing, const struct rbac_principal *principal) {
        struct str namespace =
                str_from(listing->arguments->namespace ? listing->arguments->namespace : "");

        for (size_t i = 0; principal && i < principal->grants.count; i++) {
                const struct rbac_binding *binding = principal->grants.items[i].binding;

                if (namespace.len > 0 && !binding->cluster &&
                    !str_eq(binding->namespace, namespace))
                        continue;
                if (listing->arguments->format == RBAC_JSON) {
                        buf_add(&listing->text, listing->count ? STR(",\n ") : STR("[\n "));
                        grant_json(&listing->text, listing->arena, principal, binding);
                } else {
                        grant_text(&listing->text, listing->arena, principal, binding);
                }
                listing->count++;
        }
}

/* What the node authorizer gives NODE by its pods: a list for each kind of object. */
static void list_node(struct listing *listing, const struct rbac_beside *beside, struct str node) {
        bool json = listing->arguments->format == RBAC_JSON;
        struct buf *buf = &listing->text;
        struct rbac_node_right *rights;
        size_t count = rbac_node_rights(&beside->nodes, node, listing->arena, &rights);

        if (json) {
                buf_add(buf, listing->count++ ? STR(",\n {") : STR("[\n {"));
                add_json_field(
                        buf, "as",
                        arena_printf(listing->arena, "User system:node:%.*s", STR_ARG(node)));
                buf_printf(buf, ",\"authorizer\":\"node\",\"podsRead\":%s,\"objects\":[",
                           beside->nodes_read ? "true" : "false");
        } else {
                buf_add(buf, STR("the node authorizer, too: what every kubelet may do, and what "
                                 "its pods refer to"));
                buf_add(buf,
                        beside->nodes_read ? STR("\n") : STR("; not included: no pods are read\n"));
                listing->count++;
        }
        for (size_t i = 0; i < count; i++) {
                struct str name =
                        arena_printf(listing->arena, "%s %.*s%s%.*s", rights[i].type,
                                     STR_ARG(rights[i].namespace),
                                     rights[i].namespace.len ? "/" : "", STR_ARG(rights[i].name));

                buf_add(buf, !json ? STR("  ") : i ? STR(",") : STR(""));
                if (json)
                        buf_add_json(buf, name);
                else
                        buf_add_terminal(buf, name);
                buf_add(buf, json ? STR("") : STR("\n"));
        }
        buf_add(buf, json ? STR("]}") : STR(""));
}

/* "jane", "User jane", "Group support", "ServiceAccount ci/deployer". */
static int read_subject(struct command_context *context, int argc, char **argv, bool *ret_group,
                        struct str *ret_name) {
        struct str name = str_from(argv[argc - 1]), namespace;

        *ret_group = argc == 2 && strcasecmp(argv[0], "group") == 0;
        *ret_name = name;
        if (argc == 1 || *ret_group || (argc == 2 && strcasecmp(argv[0], "user") == 0))
                return 0;
        if (argc > 2 || strcasecmp(argv[0], "serviceaccount") != 0)
                return error_set(context->error, -EINVAL,
                                 "a subject is a user name, or User, Group or ServiceAccount and "
                                 "its name");
        if (!str_split(&name, '/', &namespace) || name.len == 0)
                return error_set(context->error, -EINVAL,
                                 "a ServiceAccount is named NAMESPACE/NAME");
        *ret_name = arena_printf(context->arena, "system:serviceaccount:%.*s:%.*s",
                                 STR_ARG(namespace), STR_ARG(name));
        return 0;
}

static void list_subject(struct listing *listing, const struct rbac_index *index,
                         const struct rbac_beside *beside, bool group, struct str name) {
        const struct str node = STR("system:node:");
        struct str groups[RBAC_IMPLIED_GROUPS];
        size_t count = 0;

        if (group) {
                groups[count++] = name;
        } else {
                list_grants(listing, map_get(&index->users, name));
                count = rbac_implied_groups(listing->arena, name, groups);
        }
        for (size_t i = 0; i < count; i++)
                list_grants(listing, map_get(&index->groups, groups[i]));
        if (!group && name.len > node.len && str_starts(name, node))
                list_node(listing, beside, str_slice(name, node.len, name.len));
        if (listing->arguments->format == RBAC_JSON) {
                buf_add(&listing->text, listing->count ? STR("\n]\n") : STR("[]\n"));
        } else if (group && str_eq(name, STR("system:masters"))) {
                buf_add(&listing->text, STR("may do everything: RBAC is not asked\n"));
        } else if (listing->count == 0) {
                buf_add_terminal(
                        &listing->text,
                        rbac_subject_name(listing->arena, group ? RBAC_GROUP : RBAC_USER, name));
                buf_add(&listing->text, STR(": no binding names it\n"));
        }
        if (listing->arguments->format != RBAC_JSON && group && str_eq(name, STR("system:nodes")))
                buf_add(&listing->text, STR("not included: what the node authorizer allows its "
                                            "members; ask for User system:node:NAME\n"));
        if (listing->arguments->format != RBAC_JSON)
                rbac_add_others(&listing->text, listing->arena, &beside->others);
}

static int subject(struct command_context *context, int argc, char **argv) {
        const struct rbac_arguments *arguments = context->options;
        struct rbac_index index _cleanup_(rbac_index_free) = { 0 };
        struct rbac_beside beside _cleanup_(rbac_beside_free) = { 0 };
        struct listing listing = { .arena = context->arena, .arguments = arguments };
        struct str name;
        bool group, complete;
        int r;

        r = read_subject(context, argc, argv, &group, &name);
        if (r >= 0)
                beside.nodes_asked = !group && str_starts(name, STR("system:node:"));
        if (r >= 0)
                r = rbac_read_all(context, arguments, &index, &beside, &complete);
        if (r < 0)
                return r;
        list_subject(&listing, &index, &beside, group, name);
        fwrite(listing.text.data, 1, listing.text.len, stdout);
        buf_free(&listing.text);
        return complete ? COMMAND_CLEAN : COMMAND_INCOMPLETE;
}

static const struct option_spec subject_specs[] = {
        OPTION_SECTION("Question"),
        { 'n', "namespace", "NS", "only what holds in this namespace", OPTION_STRING,
          AT(namespace) },
        RBAC_OUTPUT_OPTIONS,
        RBAC_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_positional subject_positionals[] = {
        { "SUBJECT", .repeated = true },
        { NULL },
};

static const struct command_example subject_examples[] = {
        { "redoubt rbac subject ServiceAccount ci/deployer -f examples/shop",
          "everything that a service account may do" },
        { "redoubt rbac subject Group support -f examples/shop", "or a group" },
        { NULL },
};

const struct command command_rbac_subject = {
        .name = "subject",
        .summary = "everything that someone can do",
        .usage = "[OPTION...] [KIND] NAME",
        .description =
                "Lists the rules that are granted to a user, group or service account, and the "
                "bindings through which; for users and service accounts also those of the groups "
                "that authentication adds (system:authenticated, system:serviceaccounts ...). KIND "
                "is User (which may be left out), Group or ServiceAccount; a service account is "
                "named NAMESPACE/NAME.\n\nExit status: 0, 2 an error, 3 something could not be "
                "read.",
        .options = subject_specs,
        .options_size = sizeof(struct rbac_arguments),
        .positionals = subject_positionals,
        .examples = subject_examples,
        .run = subject,
};
