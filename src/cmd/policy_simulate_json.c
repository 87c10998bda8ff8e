/* A simulation as JSON. */
#include "base/util.h"
#include "cmd/policy_simulate.h"

static void add_text(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, ",\"%s\":", name);
        buf_add_json(buf, value);
}

static void add_flag(struct buf *buf, const char *name, bool value) {
        buf_printf(buf, ",\"%s\":%s", name, value ? "true" : "false");
}

static void add_counts(struct buf *buf, const size_t objects[POLICY_ACTION_COUNT]) {
        for (int action = 0; action < POLICY_ACTION_COUNT; action++)
                buf_printf(buf, ",\"%s\":%zu", simulation_verb((enum policy_action)action),
                           objects[action]);
}

static void add_policy(struct buf *buf, const struct simulated_policy *policy) {
        buf_add(buf, STR("{\"name\":"));
        buf_add_json(buf, policy->name);
        add_text(buf, "file", policy->file);
        add_flag(buf, "planned", policy->planned);
        add_flag(buf, "bound", policy->bound);
        add_text(buf, "failurePolicy", policy->fail_open ? STR("Ignore") : STR("Fail"));
        add_flag(buf, "dependsOnUser", policy->wants_user);
        add_counts(buf, policy->objects);
        buf_add_char(buf, '}');
}

static void add_binding(struct buf *buf, const struct simulated_binding *binding) {
        struct str rest = binding->actions, action;
        bool first = true;

        buf_add(buf, STR("{\"name\":"));
        buf_add_json(buf, binding->name);
        add_text(buf, "policy", binding->policy);
        add_text(buf, "file", binding->file);
        add_flag(buf, "planned", binding->planned);
        add_flag(buf, "orphan", binding->orphan);
        buf_add(buf, STR(",\"actions\":["));
        for (; str_split(&rest, ',', &action); first = false) {
                buf_add(buf, first ? STR("") : STR(","));
                buf_add_json(buf, str_trim(action));
        }
        buf_add_char(buf, ']');
        add_text(buf, "problem", binding->problem);
        add_counts(buf, binding->objects);
        buf_add_char(buf, '}');
}

static void add_reference(struct buf *buf, const char *name, const struct resource_ref *ref) {
        buf_printf(buf, ",\"%s\":{\"apiVersion\":", name);
        buf_add_json(buf, ref->api_version);
        add_text(buf, "kind", ref->kind);
        add_text(buf, "namespace", ref->namespace);
        add_text(buf, "name", ref->name);
        buf_add_char(buf, '}');
}

static void add_hit(struct buf *buf, const struct simulation *simulation,
                    const struct simulated_hit *hit) {
        static const char *const actions[] = { "Deny", "Warn", "Audit" };

        buf_add(buf, STR("{\"policy\":"));
        buf_add_json(buf, simulation->policies.items[hit->policy].name);
        add_text(buf, "binding", simulation->bindings.items[hit->binding].name);
        add_text(buf, "action", str_from(actions[hit->action]));
        add_text(buf, "message", hit->message);
        add_flag(buf, "error", hit->error);
        buf_printf(buf, ",\"operations\":[%s%s%s]",
                   hit->operations & POLICY_CREATE ? "\"CREATE\"" : "",
                   hit->operations == (POLICY_CREATE | POLICY_UPDATE) ? "," : "",
                   hit->operations & POLICY_UPDATE ? "\"UPDATE\"" : "");
        add_reference(buf, "object", &hit->object);
        add_reference(buf, "owner", &hit->owner);
        add_text(buf, "manager", hit->manager);
        buf_add(buf, STR(",\"location\":{\"file\":"));
        buf_add_json(buf, hit->location.file);
        buf_printf(buf, ",\"line\":%u,\"column\":%u", hit->location.start.line,
                   hit->location.start.column);
        add_text(buf, "path", hit->location.path);
        buf_add(buf, STR("}}"));
}

static void add_names(struct buf *buf, const char *name, const struct str *names, size_t count) {
        buf_printf(buf, ",\"%s\":[", name);
        for (size_t i = 0; i < count; i++) {
                buf_add(buf, i > 0 ? STR(",") : STR(""));
                buf_add_json(buf, names[i]);
        }
        buf_add_char(buf, ']');
}

static void add_namespace(struct buf *buf, const struct simulated_namespace *namespace) {
        buf_add(buf, STR("{\"name\":"));
        buf_add_json(buf, namespace->name);
        add_counts(buf, namespace->objects);
        add_names(buf, "owners", namespace->owners.items, namespace->owners.count);
        add_names(buf, "managers", namespace->managers.items, namespace->managers.count);
        buf_add_char(buf, '}');
}

static void add_diagnostic(struct buf *buf, const struct diagnostic *diagnostic) {
        buf_add(buf, STR("{\"file\":"));
        buf_add_json(buf, diagnostic->file);
        buf_printf(buf, ",\"line\":%u,\"column\":%u", diagnostic->pos.line, diagnostic->pos.column);
        add_text(buf, "message", diagnostic->message);
        add_flag(buf, "incomplete", diagnostic->incomplete);
        buf_add_char(buf, '}');
}

#define ADD_LIST(buf, name, list, ...)                                                             \
        do {                                                                                       \
                buf_printf(buf, ",\n\"%s\":[", name);                                              \
                for (size_t i_ = 0; i_ < (list)->count; i_++) {                                    \
                        buf_add(buf, i_ > 0 ? STR(",\n ") : STR("\n "));                           \
                        __VA_ARGS__;                                                               \
                }                                                                                  \
                buf_add_char(buf, ']');                                                            \
        } while (0)

void simulation_add_json(struct buf *buf, const struct simulation *s) {
        buf_printf(buf, "{\"summary\":{\"objects\":%zu", s->coverage.objects);
        add_counts(buf, s->objects);
        buf_printf(buf, ",\"notJudged\":%zu}", s->coverage.not_judged);
        ADD_LIST(buf, "policies", &s->policies, add_policy(buf, &s->policies.items[i_]));
        ADD_LIST(buf, "bindings", &s->bindings, add_binding(buf, &s->bindings.items[i_]));
        ADD_LIST(buf, "namespaces", &s->namespaces, add_namespace(buf, &s->namespaces.items[i_]));
        ADD_LIST(buf, "hits", &s->hits, add_hit(buf, s, &s->hits.items[i_]));
        ADD_LIST(buf, "diagnostics", &s->list.diagnostics,
                 add_diagnostic(buf, &s->list.diagnostics.items[i_]));
        buf_add(buf, STR("}\n"));
}
