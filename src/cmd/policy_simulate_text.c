/* A simulation for people. */
#include "base/util.h"
#include "cmd/policy_simulate.h"

enum { SHOWN_HITS = 5 }; /* of each policy and action, unless all are asked for */

const char *simulation_verb(enum policy_action action) {
        static const char *const verbs[] = { "denied", "warned", "audited" };

        return verbs[action];
}

/* "2 denied, 1 audited", or "nothing". */
static void add_counts(struct buf *buf, const size_t objects[POLICY_ACTION_COUNT]) {
        bool any = false;

        for (int action = 0; action < POLICY_ACTION_COUNT; action++) {
                if (objects[action] == 0)
                        continue;
                buf_printf(buf, "%s%zu %s", any ? ", " : "", objects[action],
                           simulation_verb((enum policy_action)action));
                any = true;
        }
        if (!any)
                buf_add(buf, STR("nothing"));
}

static bool hits(const size_t objects[POLICY_ACTION_COUNT]) {
        return objects[POLICY_DENY] + objects[POLICY_WARN] + objects[POLICY_AUDIT] > 0;
}

/* --- what is enforced --- */

static void add_binding(struct buf *buf, const struct simulated_binding *binding) {
        buf_add(buf, STR("  "));
        buf_add_terminal(buf, binding->policy);
        buf_add(buf, STR(": "));
        buf_add_terminal(buf, binding->actions);
        if (!str_eq(binding->name, binding->policy)) {
                buf_add(buf, STR(" by "));
                buf_add_terminal(buf, binding->name);
        }
        buf_add(buf, STR(" · "));
        add_counts(buf, binding->objects);
        if (binding->planned)
                buf_add(buf, STR(" (planned)"));
        buf_add_char(buf, '\n');
}

static void add_enforced(struct buf *buf, const struct simulation *s) {
        size_t shown = 0, silent = 0;

        for (size_t i = 0; i < s->bindings.count; i++) {
                const struct simulated_binding *binding = &s->bindings.items[i];

                if (binding->orphan)
                        continue;
                if (binding->planned && !hits(binding->objects)) {
                        silent++;
                        continue;
                }
                if (shown++ == 0)
                        buf_add(buf, STR("\nenforced\n"));
                add_binding(buf, binding);
        }
        if (shown + silent == 0)
                buf_add(buf, STR("\nnothing is enforced: there is no policy with a binding\n"));
        if (silent > 0)
                buf_printf(buf, "%s  %zu of the planned ones hit nothing\n",
                           shown == 0 ? "\nenforced\n" : "", silent);
}

static void add_remark(struct buf *buf, bool *any, struct str name, struct str remark) {
        if (!*any)
                buf_add(buf, STR("\nnot what it seems\n"));
        *any = true;
        buf_add(buf, STR("  "));
        buf_add_terminal(buf, name);
        buf_add(buf, STR(": "));
        buf_add_terminal(buf, remark);
        buf_add_char(buf, '\n');
}

static void add_remarks(struct buf *buf, const struct simulation *s) {
        bool any = false;

        for (size_t i = 0; i < s->policies.count; i++) {
                const struct simulated_policy *policy = &s->policies.items[i];

                if (!policy->bound)
                        add_remark(buf, &any, policy->name,
                                   STR("no binding names it: it does nothing"));
                if (policy->bound && policy->fail_open)
                        add_remark(buf, &any, policy->name,
                                   STR("failurePolicy Ignore: where an expression fails, the "
                                       "request is let through"));
                if (policy->bound && policy->wants_user)
                        add_remark(buf, &any, policy->name,
                                   STR("depends on who makes the request (--as, --as-group)"));
        }
        for (size_t i = 0; i < s->bindings.count; i++)
                if (s->bindings.items[i].problem.len > 0)
                        add_remark(buf, &any, s->bindings.items[i].name,
                                   s->bindings.items[i].problem);
}

/* --- what is hit --- */

static void add_reference(struct buf *buf, const struct resource_ref *ref) {
        buf_add_terminal(buf, ref->kind);
        buf_add_char(buf, ' ');
        if (ref->namespace.len > 0) {
                buf_add_terminal(buf, ref->namespace);
                buf_add_char(buf, '/');
        }
        buf_add_terminal(buf, ref->name);
}

static void add_hit(struct buf *buf, const struct simulated_hit *hit) {
        buf_add(buf, STR("    "));
        add_reference(buf, &hit->object);
        if (hit->operations == POLICY_CREATE)
                buf_add(buf, STR(" (if it were created)"));
        if (hit->operations == POLICY_UPDATE)
                buf_add(buf, STR(" (if it were updated)"));
        buf_add(buf, STR(": "));
        buf_add_terminal(buf, hit->message);
        buf_add(buf, STR("  "));
        buf_add_terminal(buf, hit->location.file);
        buf_printf(buf, ":%u:%u\n", hit->location.start.line, hit->location.start.column);
}

static void add_policy_hits(struct buf *buf, const struct simulation *s, size_t policy,
                            enum policy_action action, bool all) {
        size_t count = 0;

        for (size_t i = 0; i < s->hits.count; i++) {
                const struct simulated_hit *hit = &s->hits.items[i];

                if (hit->policy != policy || hit->action != action)
                        continue;
                if (count == 0) {
                        buf_add(buf, STR("  by "));
                        buf_add_terminal(buf, s->policies.items[policy].name);
                        buf_add_char(buf, '\n');
                }
                if (all || count < SHOWN_HITS)
                        add_hit(buf, hit);
                count++;
        }
        if (!all && count > SHOWN_HITS)
                buf_printf(buf, "    and %zu more (--all)\n", count - SHOWN_HITS);
}

static void add_hits(struct buf *buf, const struct simulation *s, bool all) {
        for (int action = 0; action < POLICY_ACTION_COUNT; action++) {
                if (s->objects[action] == 0)
                        continue;
                buf_printf(buf, "\nwould be %s\n", simulation_verb((enum policy_action)action));
                for (size_t i = 0; i < s->policies.count; i++)
                        if (s->policies.items[i].objects[action] > 0)
                                add_policy_hits(buf, s, i, (enum policy_action)action, all);
        }
}

/* --- who would notice --- */

static void add_names(struct buf *buf, const char *what, const struct str *names, size_t count) {
        if (count == 0)
                return;
        buf_printf(buf, "    %s: ", what);
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i > 0 ? STR(", ") : STR(""));
                buf_add_terminal(buf, names[i]);
        }
        buf_add_char(buf, '\n');
}

static void add_namespaces(struct buf *buf, const struct simulation *s) {
        if (s->namespaces.count > 0)
                buf_add(buf, STR("\nwho would notice\n"));
        for (size_t i = 0; i < s->namespaces.count; i++) {
                const struct simulated_namespace *namespace = &s->namespaces.items[i];

                buf_add(buf, STR("  "));
                if (namespace->name.len > 0)
                        buf_add(buf, STR("namespace "));
                buf_add_terminal(buf, namespace->name.len > 0 ? namespace->name
                                                              : STR("outside of namespaces"));
                buf_add(buf, STR(": "));
                add_counts(buf, namespace->objects);
                buf_add_char(buf, '\n');
                add_names(buf, "owners", namespace->owners.items, namespace->owners.count);
                add_names(buf, "last changed by", namespace->managers.items,
                          namespace->managers.count);
        }
}

static void add_problems(struct buf *buf, const struct finding_list *list) {
        if (list->diagnostics.count > 0)
                buf_add(buf, STR("\nin the input\n"));
        for (size_t i = 0; i < list->diagnostics.count; i++) {
                const struct diagnostic *diagnostic = &list->diagnostics.items[i];

                buf_add(buf, STR("  "));
                buf_add_terminal(buf, diagnostic->file);
                if (diagnostic->pos.line > 0)
                        buf_printf(buf, ":%u:%u", diagnostic->pos.line, diagnostic->pos.column);
                buf_add(buf, diagnostic->file.len > 0 ? STR(": ") : STR(""));
                buf_add_terminal(buf, diagnostic->message);
                buf_add_char(buf, '\n');
        }
}

void simulation_add_text(struct buf *buf, const struct simulation *s, struct str title, bool all) {
        buf_add_terminal(buf, title);
        buf_printf(buf, ": %zu object%s · %zu polic%s · %zu binding%s\n", s->coverage.objects,
                   s->coverage.objects == 1 ? "" : "s", s->policies.count,
                   s->policies.count == 1 ? "y" : "ies", s->bindings.count,
                   s->bindings.count == 1 ? "" : "s");
        add_enforced(buf, s);
        add_remarks(buf, s);
        add_hits(buf, s, all);
        add_namespaces(buf, s);
        add_problems(buf, &s->list);
        buf_add(buf, STR("\nof what is there: "));
        add_counts(buf, s->objects);
        if (s->coverage.not_judged > 0)
                buf_printf(buf, "; incomplete: %zu not judged", s->coverage.not_judged);
        buf_add_char(buf, '\n');
}
