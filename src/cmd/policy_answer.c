/* The request behind a question, and the answer as JSON. */
#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "cmd/policy.h"
#include "doc/write.h"
#include "kube/decode.h"
#include "policy/mutate.h"
#include "rbac/authorizer.h"

/* --- the request --- */

static struct str field(const struct doc_node *map, const char *name, struct str fallback) {
        struct str value = doc_string(doc_get(map, str_from(name)), STR(""));

        return value.len > 0 ? value : fallback;
}

static int read_operation(struct str text, enum policy_operation *ret) {
        static const struct {
                struct str name;
                enum policy_operation operation;
        } operations[] = {
                { STR_INIT("CREATE"), POLICY_CREATE },
                { STR_INIT("UPDATE"), POLICY_UPDATE },
                { STR_INIT("DELETE"), POLICY_DELETE },
                { STR_INIT("CONNECT"), POLICY_CONNECT },
        };

        for (size_t i = 0; i < ELEMENTS(operations); i++)
                if (str_eq(operations[i].name, text)) {
                        *ret = operations[i].operation;
                        return 0;
                }
        return -EINVAL;
}

/* A JSON text of our own as a tree. */
static const struct doc_node *parse(struct arena *arena, struct str text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;

        *source = (struct doc_source){ STR(""), text };
        doc_reader_init(&reader, source, DOC_JSON, NULL);
        return doc_read(&reader, arena, &doc, NULL) > 0 ? doc->root : NULL;
}

/* The options object that a client sends when it says nothing. */
static const struct doc_node *default_options(struct arena *arena,
                                              enum policy_operation operation) {
        const char *kind = operation == POLICY_UPDATE   ? "UpdateOptions"
                           : operation == POLICY_DELETE ? "DeleteOptions"
                                                        : "CreateOptions";

        if (operation == POLICY_CONNECT)
                return NULL;
        return parse(
                arena,
                arena_printf(arena, "{\"kind\":\"%s\",\"apiVersion\":\"meta.k8s.io/v1\"}", kind));
}

/* Every object of a cluster lives in a Namespace that exists; one that was not given is as the
 * server makes it from nothing but its name. */
static const struct doc_node *bare_namespace(struct arena *arena, struct str name) {
        struct buf json _cleanup_(buf_free) = BUF_INIT;

        buf_add(&json,
                STR("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":"));
        buf_add_json(&json, name);
        buf_add(&json, STR(",\"labels\":{\"kubernetes.io/metadata.name\":"));
        buf_add_json(&json, name);
        buf_add(&json, STR("}},\"spec\":{\"finalizers\":[\"kubernetes\"]},"
                           "\"status\":{\"phase\":\"Active\"}}"));
        return parse(arena, arena_str(arena, buf_str(&json)));
}

static const struct policy_user *read_user(struct arena *arena, const struct doc_node *info) {
        const struct doc_node *groups = doc_get(info, STR("groups"));
        struct policy_user *user = arena_new(arena, struct policy_user);
        struct str *names;

        if (!info || info->kind != DOC_MAP)
                return NULL;
        user->name = field(info, "username", STR(""));
        user->uid = field(info, "uid", STR(""));
        user->extra = doc_get(info, STR("extra"));
        if (groups && groups->kind == DOC_LIST) {
                names = arena_new_array(arena, groups->list.count, struct str);
                for (uint32_t i = 0; i < groups->list.count; i++)
                        names[i] = doc_string(&groups->list.items[i], STR(""));
                user->groups = names;
                user->group_count = groups->list.count;
        }
        return user;
}

/* Group, version, kind and resource: as the object says, or as the request does. */
static int identify(const struct policy_question *q, const struct doc_node *object,
                    struct arena *arena, struct policy_subject *s, const struct kube_kind **ret,
                    struct error *error) {
        const struct doc_node *kind = doc_get(q->request, STR("kind"));
        const struct doc_node *resource = doc_get(q->request, STR("resource"));
        struct kube_group_version gv =
                kube_group_version(doc_string(doc_get(object, STR("apiVersion")), STR("")));

        s->kind = field(kind, "kind", doc_string(doc_get(object, STR("kind")), STR("")));
        s->group = kind ? field(kind, "group", STR("")) : gv.group;
        s->version = field(kind, "version", gv.version);
        if (s->kind.len == 0 || s->version.len == 0)
                return error_set(error, -EINVAL, "the object needs an apiVersion and a kind");
        *ret = kube_kind_find(s->group, s->kind);
        s->resource = field(resource, "resource",
                            *ret ? (*ret)->resource : kube_guess_resource(arena, s->kind));
        if (resource) {
                s->group = field(resource, "group", STR(""));
                s->version = field(resource, "version", s->version);
        }
        return 0;
}

static void place(const struct policy_question *q, const struct doc_node *object,
                  const struct kube_kind *known, struct policy_subject *s) {
        const struct doc_node *metadata = doc_get(object, STR("metadata"));
        struct str namespace = field(metadata, "namespace", STR(""));

        s->name = field(q->request, "name", field(metadata, "name", STR("")));
        s->namespace = field(q->request, "namespace", namespace);
        s->namespaced = known ? known->namespaced : s->namespace.len > 0;
        if (!s->namespaced)
                s->namespace = STR("");
        else if (s->namespace.len == 0)
                s->namespace = STR("default");
}

/* OBJECT as the server would see it. Where it does not say its namespace, it has that of the
 * request. */
static const struct doc_node *decode(struct arena *arena, const struct policy_subject *s,
                                     const struct kube_kind *known, const struct doc_node *object) {
        const struct doc_node *metadata;
        struct doc_node namespace = { .flags = DOC_SYNTHETIC };

        if (!object || object->kind == DOC_NULL || !known)
                return object;
        object = kube_decode(arena, object);
        metadata = doc_get(object, STR("metadata"));
        if (!s->namespaced || doc_string(doc_get(metadata, STR("namespace")), STR("")).len > 0)
                return object;
        doc_set_string(&namespace, s->namespace);
        metadata = doc_map_with(arena, metadata, STR("namespace"), &namespace, object);
        return doc_map_with(arena, object, STR("metadata"), metadata, object);
}

static int read_objects(const struct policy_question *q, struct arena *arena,
                        struct policy_subject *s, struct error *error) {
        struct str operation = field(q->request, "operation", q->operation);
        const struct doc_node *object = q->object, *old = q->old_object;
        const struct kube_kind *known = NULL;
        int r;

        if (object && object->kind == DOC_NULL)
                object = NULL;
        if (old && old->kind == DOC_NULL)
                old = NULL;
        if (operation.len == 0)
                operation = object && old ? STR("UPDATE") : old ? STR("DELETE") : STR("CREATE");
        if (read_operation(operation, &s->operation) < 0)
                return error_set(error, -EINVAL,
                                 "\"%.*s\" is no operation (CREATE, UPDATE, DELETE, CONNECT)",
                                 STR_ARG(operation));
        /* What is deleted is the old object. */
        if (s->operation == POLICY_DELETE) {
                old = old ? old : object;
                object = NULL;
        }
        /* Of a connection, or of a deletion in an audit log, the request alone may be known. */
        if (!object && !old && !doc_get(q->request, STR("kind")))
                return error_set(error, -EINVAL, "there is no object to judge");
        r = identify(q, object ? object : old, arena, s, &known, error);
        if (r < 0)
                return r;
        place(q, object ? object : old, known, s);
        s->object = decode(arena, s, known, object);
        s->old_object = decode(arena, s, known, old);
        return 0;
}

/* USER, who may be NULL, with what RBAC allows. */
static const struct policy_user *authorized(struct arena *arena, const struct policy_user *user,
                                            const struct rbac_index *rbac) {
        struct policy_user *made = arena_new(arena, struct policy_user);
        struct rbac_authorizer *authorizer = arena_new(arena, struct rbac_authorizer);

        if (user)
                *made = *user;
        *authorizer = rbac_authorizer(rbac, made->name, made->groups, made->group_count);
        made->authorizer = &authorizer->base;
        return made;
}

int policy_question_subject(const struct policy_question *question, struct arena *arena,
                            struct policy_subject *ret, struct error *error) {
        const struct doc_node *options = doc_get(question->request, STR("options"));
        const struct doc_node *dry_run = doc_get(question->request, STR("dryRun"));
        struct policy_subject s = { .subresource =
                                            field(question->request, "subResource", STR("")) };
        int r = read_objects(question, arena, &s, error);

        if (r < 0)
                return r;
        s.user = question->user ? question->user
                                : read_user(arena, doc_get(question->request, STR("userInfo")));
        if (question->rbac)
                s.user = authorized(arena, s.user, question->rbac);
        s.options = options ? options : default_options(arena, s.operation);
        s.dry_run = dry_run && dry_run->kind == DOC_BOOL && dry_run->boolean;
        s.namespace_object = question->namespace_object;
        if (s.namespace_object && s.namespace_object->kind != DOC_NULL)
                s.namespace_object = kube_decode(arena, s.namespace_object);
        else
                s.namespace_object =
                        s.namespace.len > 0 ? bare_namespace(arena, s.namespace) : NULL;
        *ret = s;
        return 0;
}

/* --- the answer --- */

static void add_text(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, ",\"%s\":", name);
        buf_add_json(buf, value);
}

static bool is_below(const struct doc_node *node, const struct doc_node *root) {
        while (node && node != root)
                node = node->parent;
        return node;
}

/* The first place in the object, as it was written, that decided. */
static void add_location(struct buf *buf, const struct policy_question *q,
                         const struct policy_violation *violation, struct arena *arena) {
        buf_add(buf, STR(",\"location\":"));
        for (size_t i = 0; i < violation->reason_count; i++) {
                const struct doc_node *node = violation->reasons[i].node;

                if (!is_below(node, q->object) && !is_below(node, q->old_object))
                        continue;
                buf_add(buf, STR("{\"path\":"));
                buf_add_json(buf, doc_path(arena, node));
                if (q->file) {
                        add_text(buf, "file", str_from(q->file));
                        buf_printf(buf, ",\"line\":%u,\"column\":%u", node->start.line,
                                   node->start.column);
                }
                buf_add_char(buf, '}');
                return;
        }
        buf_add(buf, STR("null"));
}

static struct str failed_expression(const struct policy_violation *violation) {
        if (violation->validation == SIZE_MAX)
                return STR("");
        return violation->policy->validations[violation->validation].expression;
}

static void add_violation(struct buf *buf, const struct policy_question *q,
                          const struct policy_violation *violation, struct arena *arena) {
        static const char *const actions[] = { "Deny", "Warn", "Audit" };

        buf_add(buf, STR("{\"policy\":"));
        buf_add_json(buf, violation->policy->name);
        add_text(buf, "binding", violation->binding ? violation->binding->name : STR(""));
        add_text(buf, "expression", failed_expression(violation));
        add_text(buf, "message", violation->message);
        add_text(buf, "reason", violation->reason.len ? violation->reason : STR("Invalid"));
        add_text(buf, "action", str_from(actions[violation->action]));
        buf_printf(buf, ",\"error\":%s", violation->error ? "true" : "false");
        add_location(buf, q, violation, arena);
        buf_add_char(buf, '}');
}

static void add_admission(struct buf *buf, const struct policy_question *q,
                          const struct policy_admission *admission, struct arena *arena) {
        buf_add(buf,
                admission->denied ? STR("{\"verdict\":\"deny\"") : STR("{\"verdict\":\"allow\""));
        if (admission->denied) {
                buf_printf(buf, ",\"status\":{\"code\":%d", admission->code);
                add_text(buf, "reason", admission->reason);
                add_text(buf, "message", admission->message);
                buf_add_char(buf, '}');
        }
        buf_add(buf, STR(",\"violations\":["));
        for (size_t i = 0; i < admission->violations.count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                add_violation(buf, q, &admission->violations.items[i], arena);
        }
        buf_add(buf, STR("],\"warnings\":["));
        for (size_t i = 0; i < admission->warnings.count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                buf_add_json(buf, admission->warnings.items[i]);
        }
        buf_add(buf, STR("],\"auditAnnotations\":{"));
        for (size_t i = 0; i < admission->annotations.count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                buf_add_json(buf, admission->annotations.items[i].key);
                buf_add_char(buf, ':');
                buf_add_json(buf, admission->annotations.items[i].value);
        }
        buf_printf(buf, "},\"cost\":%" PRIu64 "}\n", admission->cost);
}

bool policy_answer(struct buf *buf, const struct policy_set *set,
                   const struct policy_question *question, const struct policy_subject *subject) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct policy_subject admitted = *subject;
        struct policy_admission admission = { 0 };
        struct policy_mutated mutated;

        policy_mutate(set, subject, &arena, &mutated);
        if (mutated.denied) {
                admission.denied = true;
                admission.message = mutated.message;
                admission.reason = mutated.reason;
                admission.code = mutated.code;
        } else {
                admitted.object = mutated.object;
                policy_admit(set, &admitted, &arena, &admission);
        }
        add_admission(buf, question, &admission, &arena);
        return !admission.denied;
}

void policy_answer_invalid(struct buf *buf, const struct error *error) {
        buf_add(buf, STR("{\"verdict\":\"invalid\",\"error\":"));
        buf_add_json(buf, str_from(error->message));
        if (error->file[0] != '\0')
                add_text(buf, "file", str_from(error->file));
        if (error->line > 0)
                buf_printf(buf, ",\"line\":%u,\"column\":%u", error->line, error->column);
        buf_add(buf, STR(",\"violations\":[],\"warnings\":[],\"auditAnnotations\":{}}\n"));
}
