/* redoubt net isolated: where nothing is denied by default, per direction. */
#include "base/util.h"
#include "cmd/net.h"
#include "cmd/table.h"

enum { NAMES_MAX = 6 };

/* The endpoints of one namespace. */
struct span {
        const struct net_index *index;
        uint32_t first, end;
};

static bool counts(const struct net_index *index, uint32_t endpoint) {
        return !index->classes[index->endpoints[endpoint].class].host;
}

/* Whether NetworkPolicies isolate the endpoint, or policies of a tier limit it. */
static bool is_limited(const struct net_index *index, uint32_t endpoint,
                       enum net_direction direction) {
        return index->views[index->classes[index->endpoints[endpoint].class].view[direction]]
                .limited;
}

static bool isolates_all(const struct net_policy *policy, enum net_direction direction) {
        return policy->rules[direction].applies && policy->pods.count == 0;
}

static const struct net_policy *default_deny(const struct net_namespace *namespace,
                                             enum net_direction direction) {
        for (size_t i = 0; i < namespace->policies.count; i++)
                if (isolates_all(namespace->policies.items[i], direction))
                        return namespace->policies.items[i];
        return NULL;
}

static struct str names_of(struct arena *arena, const struct span *span,
                           enum net_direction direction) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        uint32_t told = 0, left = 0;

        for (uint32_t i = span->first; i < span->end; i++) {
                if (!counts(span->index, i) ||
                    net_isolated(span->index, span->index->endpoints[i].class, direction) ||
                    is_limited(span->index, i, direction))
                        continue;
                if (told == NAMES_MAX) {
                        left++;
                        continue;
                }
                buf_printf(&text, "%s%.*s", told++ ? ", " : "",
                           STR_ARG(net_shown(arena, span->index->endpoints[i].name)));
        }
        if (left > 0)
                buf_printf(&text, " and %u more", left);
        return arena_str(arena, buf_str(&text));
}

struct tally {
        uint32_t all, isolated, limited;
};

static struct tally tally_of(const struct span *span, enum net_direction direction) {
        struct tally tally = { 0 };

        for (uint32_t i = span->first; i < span->end; i++) {
                if (!counts(span->index, i))
                        continue;
                tally.all++;
                if (net_isolated(span->index, span->index->endpoints[i].class, direction))
                        tally.isolated++;
                else
                        tally.limited += is_limited(span->index, i, direction);
        }
        return tally;
}

static struct str state_text(struct arena *arena, const struct span *span,
                             const struct net_namespace *namespace, enum net_direction direction) {
        const struct net_policy *policy = default_deny(namespace, direction);
        struct tally tally = tally_of(span, direction);

        if (policy)
                return arena_printf(
                        arena, "default: %.*s (%.*s)", STR_ARG(net_shown(arena, policy->name)),
                        STR_ARG(net_place_text(arena, policy->place.file, policy->place.pos)));
        if (tally.all > 0 && tally.isolated == tally.all)
                return STR("every workload, but nothing by default");
        if (tally.isolated == 0 && tally.limited == 0)
                return STR("NOT isolated");
        if (tally.isolated + tally.limited == tally.all)
                return STR("limited by policies of the cluster");
        return arena_printf(arena, "NOT isolated: %.*s", STR_ARG(names_of(arena, span, direction)));
}

static void add_json(struct buf *out, const struct span *span, struct str name,
                     const struct net_namespace *namespace, bool first) {
        buf_add(out, first ? STR("\n{\"namespace\":") : STR(",\n{\"namespace\":"));
        buf_add_json(out, name);
        for (int d = 0; d < NET_DIRECTIONS; d++) {
                const struct net_policy *policy = default_deny(namespace, (enum net_direction)d);
                bool told = false;

                buf_printf(out, ",\"%s\":{\"default\":", d == NET_INGRESS ? "ingress" : "egress");
                if (policy)
                        buf_add_json(out, policy->name);
                else
                        buf_add(out, STR("null"));
                buf_add(out, STR(",\"open\":["));
                for (uint32_t i = span->first; i < span->end; i++) {
                        if (!counts(span->index, i) ||
                            net_isolated(span->index, span->index->endpoints[i].class,
                                         (enum net_direction)d) ||
                            is_limited(span->index, i, (enum net_direction)d))
                                continue;
                        buf_add(out, told ? STR(",") : STR(""));
                        net_add_endpoint(out, &span->index->endpoints[i]);
                        told = true;
                }
                buf_add(out, STR("]}"));
        }
        buf_add_char(out, '}');
}

/* The endpoints of NAMESPACE, which are sorted by it. */
static struct span span_of(const struct net_index *index, struct str namespace) {
        struct span span = { .index = index };
        uint32_t i = 0;

        while (i < index->endpoint_count && str_cmp(index->endpoints[i].namespace, namespace) < 0)
                i++;
        span.first = i;
        while (i < index->endpoint_count && str_eq(index->endpoints[i].namespace, namespace))
                i++;
        span.end = i;
        return span;
}

static int compare(const void *a, const void *b) {
        return str_cmp((*(const struct net_namespace *const *)a)->name,
                       (*(const struct net_namespace *const *)b)->name);
}

static bool is_open(const struct span *span, const struct net_namespace *namespace) {
        bool open = false;

        for (int d = 0; d < NET_DIRECTIONS; d++)
                open |= !default_deny(namespace, (enum net_direction)d) &&
                        (tally_of(span, (enum net_direction)d).isolated +
                                 tally_of(span, (enum net_direction)d).limited <
                         tally_of(span, (enum net_direction)d).all);
        return open;
}

static bool report(struct command_context *context, const struct net_index *index,
                   struct buf *out) {
        const struct net_arguments *arguments = context->options;
        size_t count = index->all_namespaces.count;
        struct net_namespace **sorted =
                arena_copy(context->arena, index->all_namespaces.items, count * sizeof *sorted);
        struct table table = { .columns = 4 };
        bool open = false, first = true;

        if (count > 1)
                qsort(sorted, count, sizeof *sorted, compare);
        table_add(context->arena, &table, STR("NAMESPACE"), STR("WORKLOADS"), STR("INGRESS"),
                  STR("EGRESS"));
        for (size_t i = 0; i < count; i++) {
                struct span span = span_of(index, sorted[i]->name);
                uint32_t all = tally_of(&span, NET_INGRESS).all;

                if (all == 0 || (arguments->namespace &&
                                 !str_eq(sorted[i]->name, str_from(arguments->namespace))))
                        continue;
                open |= is_open(&span, sorted[i]);
                if (arguments->format == NET_JSON) {
                        add_json(out, &span, sorted[i]->name, sorted[i], first);
                        first = false;
                        continue;
                }
                table_add(context->arena, &table, net_shown(context->arena, sorted[i]->name),
                          arena_printf(context->arena, "%u", all),
                          state_text(context->arena, &span, sorted[i], NET_INGRESS),
                          state_text(context->arena, &span, sorted[i], NET_EGRESS));
        }
        if (arguments->format != NET_JSON)
                table_write(out, &table);
        return open;
}

static int run(struct command_context *context, _unused_ int argc, _unused_ char **argv) {
        const struct net_arguments *arguments = context->options;
        struct net_index index _cleanup_(net_index_free) = { 0 };
        struct buf out _cleanup_(buf_free) = BUF_INIT;
        bool complete = true, open, json = arguments->format == NET_JSON;
        int r = net_read(context, arguments, &index, &complete);

        if (r < 0)
                return r;
        buf_add(&out, json ? STR("[") : STR(""));
        open = report(context, &index, &out);
        buf_add(&out, json ? STR("\n]\n") : STR(""));
        fwrite(out.data, 1, out.len, stdout);
        if (!complete)
                return COMMAND_INCOMPLETE;
        return open ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        NET_OUTPUT_OPTION(net_formats),
        { 'n', "namespace", "NS", "only this namespace", OPTION_STRING,
          offsetof(struct net_arguments, namespace) },
        NET_INPUT_OPTIONS,
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt net isolated -f examples/shop", "which namespaces deny by default" },
        { NULL },
};

const struct command command_net_isolated = {
        .name = "isolated",
        .summary = "which namespaces and workloads nothing limits, per direction",
        .description =
                "Says of each namespace with workloads whether a NetworkPolicy isolates all its "
                "pods by default, for ingress and for egress, and which workloads no policy limits "
                "at all. Pods of the host network do not count: no policy holds for them.\n\nExit "
                "status: 0 everything is isolated, 1 something is not, 2 an error, 3 something "
                "could not be read.",
        .options = specs,
        .options_size = sizeof(struct net_arguments),
        .examples = examples,
        .run = run,
};
