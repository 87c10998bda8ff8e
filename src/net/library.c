/* CEL functions over NetworkWorkload documents (net/facts.h). */
#include "base/util.h"
#include "cel/value.h"
#include "net/facts.h"

/* The list or map KEY of the document WORKLOAD, or an error where it is none. */
static struct cel_value part_of(struct cel_context *context, const struct cel_value *workload,
                                struct str key, const struct doc_node **ret) {
        const struct doc_node *node = NULL;

        if (workload->kind == CEL_MAP && workload->representation == CEL_DOC)
                node = doc_get(workload->doc, key);
        if (!node)
                return cel_no_such_overload(context, STR("net"), workload, 1);
        *ret = node;
        return cel_bool(true);
}

static bool have(const struct doc_node *ports, struct str protocol, int64_t port) {
        for (uint32_t i = 0; ports && ports->kind == DOC_LIST && i < ports->list.count; i++) {
                const struct doc_node *it = &ports->list.items[i];
                const struct doc_node *from = doc_get(it, STR("from")),
                                      *to = doc_get(it, STR("to"));

                if (str_eq(doc_string(doc_get(it, STR("protocol")), STR("")), protocol) && from &&
                    to && from->kind == DOC_INT && to->kind == DOC_INT && from->integer <= port &&
                    port <= to->integer)
                        return true;
        }
        return false;
}

static bool holds(const struct doc_node *cidrs, const struct ip *ip) {
        for (uint32_t i = 0; cidrs && cidrs->kind == DOC_LIST && i < cidrs->list.count; i++) {
                struct str length = doc_string(&cidrs->list.items[i], STR("")), part;
                struct ip_prefix block = { 0 };

                str_split(&length, '/', &part);
                if (ip_parse(part, &block.ip, NULL, NULL) >= 0 && length.ptr &&
                    ip_prefix_length_parse(length, &block.ip, &block.length) >= 0 &&
                    ip_prefix_contains(&block, ip))
                        return true;
        }
        return false;
}

/* Whether the list KEY of the workload has the address and port of ARGS. */
static struct cel_value outside(struct cel_context *context, const struct cel_value *args,
                                struct str key) {
        const struct doc_node *list = NULL;
        struct cel_value value = part_of(context, &args[0], key, &list);
        struct ip ip;

        if (value.kind == CEL_ERROR)
                return value;
        if (ip_parse(args[1].string, &ip, NULL, NULL) < 0)
                return cel_error(context->scratch, "net: \"%.*s\" is no IP address",
                                 STR_ARG(args[1].string));
        for (uint32_t i = 0;
             list->kind == DOC_LIST && i < list->list.count && cel_charge(context, 1); i++)
                if (holds(doc_get(&list->list.items[i], STR("cidrs")), &ip) &&
                    have(doc_get(&list->list.items[i], STR("ports")), args[2].string,
                         args[3].integer))
                        return cel_bool(true);
        return cel_bool(false);
}

static struct cel_value reaches(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return outside(context, args, STR("to"));
}

static struct cel_value reached_from(struct cel_context *context, const struct cel_value *args,
                                     _unused_ size_t count) {
        return outside(context, args, STR("from"));
}

static struct cel_value isolated(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        const struct doc_node *map = NULL;
        struct cel_value value = part_of(context, &args[0], STR("isolated"), &map);
        const struct doc_node *answer;

        if (value.kind == CEL_ERROR)
                return value;
        answer = doc_get(map,
                         str_eq(args[1].string, STR("Ingress")) ? STR("ingress") : STR("egress"));
        if (!str_eq(args[1].string, STR("Ingress")) && !str_eq(args[1].string, STR("Egress")))
                return cel_error(context->scratch,
                                 "net.isolated: a direction is Ingress or Egress");
        return cel_bool(answer && answer->kind == DOC_BOOL && answer->boolean);
}

static struct cel_value open_to_all(struct cel_context *context, const struct cel_value *args,
                                    _unused_ size_t count) {
        const struct doc_node *ports = NULL;
        struct cel_value value = part_of(context, &args[0], STR("openToAll"), &ports);

        if (value.kind == CEL_ERROR)
                return value;
        return cel_bool(have(ports, args[1].string, args[2].integer));
}

static struct cel_value exposed(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        struct cel_list *list = arena_new(context->scratch, struct cel_list);
        const struct doc_node *all = NULL;
        struct cel_value value = part_of(context, &args[0], STR("exposures"), &all), *items;

        if (value.kind == CEL_ERROR)
                return value;
        if (all->kind != DOC_LIST)
                return cel_no_such_overload(context, STR("net"), &args[0], 1);
        items = arena_new_array(context->scratch, all->list.count, struct cel_value);
        for (uint32_t i = 0; i < all->list.count && cel_charge(context, 1); i++) {
                const struct doc_node *blocked = doc_get(&all->list.items[i], STR("blocked"));

                if (!(blocked && blocked->kind == DOC_BOOL && blocked->boolean))
                        items[list->count++] = cel_from_doc(&all->list.items[i]);
        }
        list->items = items;
        return (struct cel_value){ .kind = CEL_LIST, .node = all, .list = list };
}

static const struct cel_function_row rows[] = {
        { .signature = "net.isolated(dyn, string) bool", .call = isolated },
        { .signature = "net.reaches(dyn, string, string, int) bool", .call = reaches },
        { .signature = "net.reachedFrom(dyn, string, string, int) bool", .call = reached_from },
        { .signature = "net.openToAll(dyn, string, int) bool", .call = open_to_all },
        { .signature = "net.exposed(dyn) list(dyn)", .call = exposed },
};

const struct cel_library net_library = { .name = "net", .rows = rows, .count = ELEMENTS(rows) };
