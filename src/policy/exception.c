#include "policy/exception.h"

#include <ctype.h>
#include <errno.h>

#include "base/util.h"
#include "policy/admit.h"
#include "policy/fields.h"
#include "policy/private.h"

/* The exceptions of one policy. */
struct policy_exception_list {
        struct policy_exception_list *next;
        const struct policy_exception *exception;
};

static const char *const file_fields[] = { "apiVersion", "kind", "metadata", "exceptions", NULL };
static const char *const fields[] = { "rules", "namespaces", "workloads", "reason", "until", NULL };

/* --- conditions --- */

static void add_list(struct buf *buf, const struct str *names, size_t count) {
        for (size_t i = 0; i < count; i++)
                buf_printf(buf, "%s'%.*s'", i > 0 ? ", " : "", STR_ARG(names[i]));
}

/* Whether something in `ownerReferences` is the workload, or what stands between it and its pods.
 */
static void add_owner(struct buf *buf, struct str kind, struct str name) {
        buf_printf(buf,
                   "dyn(object).metadata.?ownerReferences.orValue([]).exists(o, "
                   "o.kind == '%.*s' && o.name == '%.*s'",
                   STR_ARG(kind), STR_ARG(name));
        if (str_eq(kind, STR("Deployment")))
                buf_add(buf, STR(" || o.kind == 'ReplicaSet' && o.name.startsWith('"));
        else if (str_eq(kind, STR("CronJob")))
                buf_add(buf, STR(" || o.kind == 'Job' && o.name.startsWith('"));
        else {
                buf_add_char(buf, ')');
                return;
        }
        buf_printf(buf, "%.*s-') && !o.name.substring(%zu).contains('-'))", STR_ARG(name),
                   name.len + 1);
}

static void add_workload(struct buf *buf, struct str workload, bool cluster) {
        struct str name = workload, kind;

        str_split(&name, '/', &kind);
        buf_printf(buf,
                   "request.kind.kind == '%.*s' && request.?name.orValue('') == '%.*s' || "
                   "object != null && ",
                   STR_ARG(kind), STR_ARG(name));
        if (cluster)
                buf_add(buf,
                        STR("('system:serviceaccounts:kube-system' in "
                            "request.userInfo.?groups.orValue([]) || "
                            "request.userInfo.?username.orValue('') == "
                            "'system:kube-controller-manager' || "
                            "oldObject != null && dyn(object).?spec == dyn(oldObject).?spec) && "));
        add_owner(buf, kind, name);
}

/* What is true for the objects that EXCEPTION is about. CLUSTER: where owners may be lied about. */
static void add_condition(struct buf *buf, const struct policy_exception *exception, bool cluster) {
        if (exception->namespace_count > 0) {
                buf_add(buf, STR("request.?namespace.orValue('') in ["));
                add_list(buf, exception->namespaces, exception->namespace_count);
                buf_add_char(buf, ']');
        }
        if (exception->workload_count == 0)
                return;
        buf_add(buf, exception->namespace_count > 0 ? STR(" && (") : STR("("));
        for (size_t i = 0; i < exception->workload_count; i++) {
                buf_add(buf, i > 0 ? STR(" || ") : STR(""));
                add_workload(buf, exception->workloads[i], cluster);
        }
        buf_add_char(buf, ')');
}

struct str policy_exception_condition(const struct policy *policy, struct arena *arena) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (const struct policy_exception_list *at = policy->exceptions; at; at = at->next) {
                buf_add(&text, text.len == 0 ? STR("!(") : STR(" || "));
                add_condition(&text, at->exception, true);
        }
        if (text.len > 0)
                buf_add_char(&text, ')');
        return arena_str(arena, buf_str(&text));
}

/* EXCEPTION as a policy with that one condition: what decides in the cluster decides here. */
static int compile(struct policy_exceptions *exceptions, struct policy_exception *exception,
                   struct error *error) {
        struct policy_set *set = &exceptions->set;
        struct doc_source *source = arena_new(&set->arena, struct doc_source);
        struct buf condition _cleanup_(buf_free) = BUF_INIT, text _cleanup_(buf_free) = BUF_INIT;
        int r;

        buf_add(&condition, STR("!("));
        add_condition(&condition, exception, false);
        buf_add_char(&condition, ')');
        buf_printf(
                &text,
                "{\"apiVersion\":\"admissionregistration.k8s.io/v1\","
                "\"kind\":\"ValidatingAdmissionPolicy\",\"metadata\":{\"name\":\"exception-%zu\"},"
                "\"spec\":{\"matchConstraints\":{\"resourceRules\":[{\"apiGroups\":[\"*\"],"
                "\"apiVersions\":[\"*\"],\"operations\":[\"*\"],\"resources\":[\"*\",\"*/*\"]}]},"
                "\"validations\":[{\"expression\":\"true\"}],"
                "\"matchConditions\":[{\"name\":\"exception\",\"expression\":",
                set->policies.count);
        buf_add_json(&text, buf_str(&condition));
        buf_add(&text, STR("}]}}"));
        *source = (struct doc_source){ STR("exceptions"), arena_str(&set->arena, buf_str(&text)) };
        r = policy_set_add_source(set, source, error);
        if (r >= 0)
                exception->scanned = set->policies.items[set->policies.count - 1];
        return r;
}

/* --- reading --- */

/* Names go into expressions: nothing but what Kubernetes allows in them may. */
static bool is_plain(struct str text) {
        for (size_t i = 0; i < text.len; i++)
                if (!isalnum((unsigned char)text.ptr[i]) && !memchr("-._:", text.ptr[i], 4))
                        return false;
        return text.len > 0;
}

static int check_names(const struct doc_node *node, const struct policy_exception *exception,
                       struct error *error) {
        for (size_t i = 0; i < exception->namespace_count; i++)
                if (!is_plain(exception->namespaces[i]))
                        return bad(node, error, "\"%.*s\" is no namespace",
                                   STR_ARG(exception->namespaces[i]));
        for (size_t i = 0; i < exception->workload_count; i++) {
                struct str name = exception->workloads[i], kind;

                str_split(&name, '/', &kind);
                if (!is_plain(kind) || !is_plain(name))
                        return bad(node, error, "\"%.*s\" is no workload: DaemonSet/agent, say",
                                   STR_ARG(exception->workloads[i]));
        }
        return 0;
}

static bool is_day(struct str text) {
        static const char pattern[] = "dddd-dd-dd";

        for (size_t i = 0; i < text.len && i < sizeof pattern - 1; i++)
                if (pattern[i] == 'd' ? !isdigit((unsigned char)text.ptr[i]) : text.ptr[i] != '-')
                        return false;
        return text.len == sizeof pattern - 1;
}

static int check(const struct doc_node *node, const struct policy_exception *exception,
                 struct error *error) {
        if (exception->rule_count == 0)
                return bad(node, error, "an exception needs rules: ids or practices");
        if (exception->namespace_count + exception->workload_count == 0)
                return bad(node, error,
                           "an exception needs namespaces or workloads; to leave out a rule "
                           "everywhere, say --skip-rule");
        if (exception->reason.len == 0)
                return bad(node, error, "an exception needs a reason");
        if (exception->until.len > 0 && !is_day(exception->until))
                return bad(node, error, "until is a day such as \"2027-06-30\", in quotes");
        return check_names(node, exception, error);
}

static int read_exception(struct arena *arena, const struct doc_node *node,
                          struct policy_exception *exception, struct error *error) {
        int r = policy_check_fields(node, "an exception", fields, error);

        if (r >= 0)
                r = policy_read_strings(arena, node, "rules", &exception->rules,
                                        &exception->rule_count, error);
        if (r >= 0)
                r = policy_read_strings(arena, node, "namespaces", &exception->namespaces,
                                        &exception->namespace_count, error);
        if (r >= 0)
                r = policy_read_strings(arena, node, "workloads", &exception->workloads,
                                        &exception->workload_count, error);
        if (r >= 0)
                r = policy_read_string(node, "reason", &exception->reason, error);
        if (r >= 0)
                r = policy_read_string(node, "until", &exception->until, error);
        return r < 0 ? r : check(node, exception, error);
}

/* --- attaching --- */

static int attach(struct policy_set *set, const struct doc_node *node,
                  const struct policy_exception *exception, struct error *error) {
        for (size_t i = 0; i < exception->rule_count; i++) {
                bool known = false;

                for (size_t k = 0; k < set->policies.count; k++) {
                        struct policy *policy = set->policies.items[k];
                        struct policy_exception_list *made;

                        if (!str_eq(policy->info.id, exception->rules[i]) &&
                            !str_eq(policy->info.practice, exception->rules[i]))
                                continue;
                        known = true;
                        made = arena_new(&set->arena, struct policy_exception_list);
                        *made = (struct policy_exception_list){ policy->exceptions, exception };
                        policy->exceptions = made;
                }
                if (!known) {
                        struct str near;

                        policy_find(set, exception->rules[i], &near);
                        return bad(node, error, "unknown rule \"%.*s\"%s%.*s%s",
                                   STR_ARG(exception->rules[i]),
                                   near.len ? ", did you mean \"" : "", STR_ARG(near),
                                   near.len ? "\"?" : "");
                }
        }
        return 0;
}

static int add_exception(struct policy_set *set, const struct doc_node *node, struct str today,
                         size_t *expired, struct error *error) {
        struct policy_exception *exception = arena_new(&set->arena, struct policy_exception);
        int r = read_exception(&set->arena, node, exception, error);

        if (r < 0)
                return r;
        if (exception->until.len > 0 && str_cmp(exception->until, today) < 0) {
                (*expired)++;
                return 0;
        }
        r = compile(set->exceptions, exception, error);
        return r < 0 ? r : attach(set, node, exception, error);
}

static int read_document(struct policy_set *set, const struct doc *doc, struct str today,
                         size_t *expired, struct error *error) {
        const struct doc_node *list;
        int r = policy_check_fields(doc->root, "a file of exceptions", file_fields, error);

        if (r >= 0 &&
            !str_eq(doc_string(doc_get(doc->root, STR("kind")), STR("")), STR("Exceptions")))
                r = bad(doc->root, error, "is no file of exceptions (kind: Exceptions)");
        if (r >= 0)
                r = policy_read_list(doc->root, "exceptions", &list, error);
        for (uint32_t i = 0; r >= 0 && i < list->list.count; i++)
                r = add_exception(set, &list->list.items[i], today, expired, error);
        return r;
}

int policy_except(struct policy_set *set, const struct doc_source *source, struct str today,
                  size_t *ret_expired, struct error *error) {
        struct doc_reader reader;
        struct doc *doc;
        int r = 0;

        if (!set->exceptions) {
                set->exceptions = arena_new(&set->arena, struct policy_exceptions);
                r = policy_set_init(&set->exceptions->set, 0, error);
        }
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        while (r >= 0 && (r = doc_read(&reader, &set->arena, &doc, error)) > 0)
                r = read_document(set, doc, today, ret_expired, error);
        if (r < 0)
                error_set_file(error, source->name);
        return r;
}

/* --- asking --- */

bool policy_is_excepted(const struct policy *policy, const struct policy_subject *subject,
                        struct arena *scratch) {
        for (const struct policy_exception_list *at = policy->exceptions; at; at = at->next) {
                struct policy_trial trial;

                policy_try(at->exception->scanned, subject, scratch, &trial);
                if (!trial.applied && !trial.error)
                        return true;
        }
        return false;
}

void policy_exceptions_free(struct policy_exceptions *exceptions) {
        if (!exceptions)
                return;
        policy_set_free(&exceptions->set);
}
