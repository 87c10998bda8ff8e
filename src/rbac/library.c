/*
 * CEL functions over Subject documents (rbac/subject.h): the rules in a document are asked as the
 * index asks them.
 */
#include "base/util.h"
#include "cel/value.h"
#include "rbac/subject.h"

/* A question about the grants of a subject. */
struct question {
        struct rbac_request request;
        bool anywhere; /* in whatever namespace a grant holds */
        bool own;      /* not through groups or standard bindings */
};

static struct rbac_strings strings_of(struct arena *arena, const struct doc_node *grant,
                                      struct str key) {
        const struct doc_node *list = doc_get(grant, key);
        struct rbac_strings strings = { 0 };

        if (!list || list->kind != DOC_LIST)
                return strings;
        strings.items = arena_new_array(arena, list->list.count, struct str);
        for (uint32_t i = 0; i < list->list.count; i++) {
                struct str item = doc_string(&list->list.items[i], STR(""));

                strings.items[strings.count++] = item;
                strings.any |= str_eq(item, STR("*"));
        }
        return strings;
}

/* Given to the subject itself, by somebody. */
static bool is_own(const struct doc_node *grant) {
        const struct doc_node *standard = doc_get(grant, STR("standard"));

        return doc_string(doc_get(grant, STR("group")), STR("")).len == 0 &&
               !(standard && standard->kind == DOC_BOOL && standard->boolean);
}

static bool allows(struct arena *scratch, const struct doc_node *grant,
                   const struct question *question) {
        struct str namespace = doc_string(doc_get(grant, STR("namespace")), STR(""));
        struct rbac_rule rule = {
                .verbs = strings_of(scratch, grant, STR("verbs")),
                .groups = strings_of(scratch, grant, STR("apiGroups")),
                .resources = strings_of(scratch, grant, STR("resources")),
                .names = strings_of(scratch, grant, STR("resourceNames")),
                .urls = strings_of(scratch, grant, STR("nonResourceURLs")),
        };

        if (question->own && !is_own(grant))
                return false;
        if (namespace.len > 0 &&
            (question->request.resource.len == 0 ||
             (!question->anywhere && !str_eq(namespace, question->request.namespace))))
                return false;
        rule.names.any = false;
        return rbac_rule_allows(&rule, &question->request);
}

/* The grants of SUBJECT, or an error where it is no Subject. */
static struct cel_value grants_of(struct cel_context *context, const struct cel_value *subject,
                                  const struct doc_node **ret) {
        const struct doc_node *node = NULL;

        if (subject->kind == CEL_MAP && subject->representation == CEL_DOC)
                node = doc_get(subject->doc, STR("grants"));
        if (!node || node->kind != DOC_LIST)
                return cel_no_such_overload(context, STR("rbac"), subject, 1);
        *ret = node;
        return cel_bool(true);
}

static struct rbac_request request_of(const struct cel_value *args, size_t count) {
        struct str resource = args[3].string, plain;
        struct rbac_request request = { .verb = args[1].string, .group = args[2].string };

        str_split(&resource, '/', &plain);
        request.resource = plain;
        request.subresource = resource;
        if (count > 4)
                request.namespace = args[4].string;
        if (count > 5)
                request.name = args[5].string;
        return request;
}

static struct cel_value select_grants(struct cel_context *context, const struct cel_value *subject,
                                      const struct question *question) {
        struct cel_list *list = arena_new(context->scratch, struct cel_list);
        const struct doc_node *grants = NULL;
        struct cel_value value = grants_of(context, subject, &grants), *items;

        if (value.kind == CEL_ERROR)
                return value;
        items = arena_new_array(context->scratch, grants->list.count, struct cel_value);
        for (uint32_t i = 0; i < grants->list.count && cel_charge(context, 1); i++)
                if (allows(context->scratch, &grants->list.items[i], question))
                        items[list->count++] = cel_from_doc(&grants->list.items[i]);
        list->items = items;
        return (struct cel_value){ .kind = CEL_LIST, .node = grants, .list = list };
}

static struct cel_value grants(struct cel_context *context, const struct cel_value *args,
                               size_t count) {
        return select_grants(context, &args[0],
                             &(struct question){ .request = request_of(args, count),
                                                 .anywhere = true,
                                                 .own = true });
}

static struct cel_value url_grants(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        struct rbac_request request = { .verb = args[1].string, .path = args[2].string };

        return select_grants(context, &args[0],
                             &(struct question){ .request = request, .own = true });
}

static struct cel_value can(struct cel_context *context, const struct cel_value *args,
                            size_t count) {
        struct question question = { .request = request_of(args, count) };
        const struct doc_node *all = NULL;
        struct cel_value value = grants_of(context, &args[0], &all);

        if (value.kind == CEL_ERROR)
                return value;
        for (uint32_t i = 0; i < all->list.count && cel_charge(context, 1); i++)
                if (allows(context->scratch, &all->list.items[i], &question))
                        return cel_bool(true);
        return cel_bool(false);
}

static const struct cel_function_row rows[] = {
        { .signature = "rbac.grants(dyn, string, string, string) list(dyn)", .call = grants },
        { .signature = "rbac.urlGrants(dyn, string, string) list(dyn)", .call = url_grants },
        { .signature = "rbac.can(dyn, string, string, string) bool", .call = can },
        { .signature = "rbac.can(dyn, string, string, string, string) bool", .call = can },
        { .signature = "rbac.can(dyn, string, string, string, string, string) bool", .call = can },
};

const struct cel_library rbac_library = { .name = "rbac", .rows = rows, .count = ELEMENTS(rows) };
