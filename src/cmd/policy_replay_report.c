/* The report of redoubt policy replay. */
#include "base/util.h"
#include "cmd/policy_replay.h"

static const char *const actions[] = {
        [POLICY_DENY] = "deny", [POLICY_WARN] = "warn", [POLICY_AUDIT] = "audit"
};

static int compare_names(const void *a, const void *b) {
        const struct replay_name *x = a, *y = b;

        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        return str_cmp(x->name, y->name);
}

/* Most often first. */
static void sort_names(struct replay_names *names) {
        if (names->items.count > 1)
                qsort(names->items.items, names->items.count, sizeof *names->items.items,
                      compare_names);
}

/* --- text --- */

/* Names of a list that the text shows; JSON has them all. */
enum { SHOWN_NAMES = 5 };

static const char *plural(size_t count) {
        return count == 1 ? "" : "s";
}

static void add_names(struct buf *buf, const char *label, const struct replay_names *names) {
        size_t count = names->items.count, left = names->others;

        if (count == 0)
                return;
        buf_printf(buf, "  %s ", label);
        for (size_t i = 0; i < count; i++) {
                const struct replay_name *name = &names->items.items[i];

                if (i >= SHOWN_NAMES) {
                        left += name->count;
                        continue;
                }
                buf_add(buf, i > 0 ? STR(", ") : STR(""));
                buf_add_terminal(buf, name->name.len > 0 ? name->name : STR("nobody"));
                buf_printf(buf, " (%zu)", name->count);
        }
        if (left > 0)
                buf_printf(buf, " and others (%zu)", left);
        buf_add_char(buf, '\n');
}

static void add_example(struct buf *buf, const struct replay_example *e) {
        buf_add(buf, STR("    "));
        buf_add_terminal(buf, e->file);
        buf_printf(buf, ":%zu: ", e->line);
        buf_add_terminal(buf, e->time);
        buf_add_char(buf, ' ');
        buf_add_terminal(buf, e->user.len > 0 ? e->user : STR("nobody"));
        buf_add_char(buf, ' ');
        buf_add_terminal(buf, e->verb);
        buf_add_char(buf, ' ');
        buf_add_terminal(buf, e->resource);
        buf_add_char(buf, ' ');
        if (e->namespace.len > 0) {
                buf_add_terminal(buf, e->namespace);
                buf_add_char(buf, '/');
        }
        buf_add_terminal(buf, e->name);
        buf_printf(buf, "\n      %s: ", actions[e->action]);
        buf_add_terminal(buf, e->message);
        buf_add_char(buf, '\n');
}

static void add_outcome(struct buf *buf, const struct replay_tally *tally) {
        size_t objections = tally->denied + tally->warned + tally->audited;

        buf_printf(buf, ": %zu request%s judged", tally->requests, plural(tally->requests));
        if (tally->denied > 0)
                buf_printf(buf, ", %zu denied", tally->denied);
        if (tally->warned > 0)
                buf_printf(buf, ", %zu warned of", tally->warned);
        if (tally->audited > 0)
                buf_printf(buf, ", %zu audited", tally->audited);
        if (tally->requests > 0 && objections == 0)
                buf_add(buf, STR(", all admitted"));
        buf_add_char(buf, '\n');
}

static void add_tally(struct buf *buf, const struct replay_tally *tally) {
        buf_add_terminal(buf, tally->policy->name);
        add_outcome(buf, tally);
        for (size_t gap = 0; gap < REPLAY_GAP_COUNT; gap++)
                if (tally->gaps[gap] > 0)
                        buf_printf(buf, "  %zu not judged: needs %s\n", tally->gaps[gap],
                                   replay_gap_text((enum replay_gap)gap));
        if (tally->first.len > 0) {
                buf_add(buf, STR("  from "));
                buf_add_terminal(buf, tally->first);
                buf_add(buf, STR(" to "));
                buf_add_terminal(buf, tally->last);
                buf_add_char(buf, '\n');
        }
        add_names(buf, "by", &tally->users);
        add_names(buf, "in", &tally->namespaces);
        for (size_t i = 0; i < tally->examples.count; i++)
                add_example(buf, &tally->examples.items[i]);
}

static bool says_something(const struct replay_tally *tally) {
        bool gaps = false;

        for (size_t gap = 0; gap < REPLAY_GAP_COUNT; gap++)
                gaps = gaps || tally->gaps[gap] > 0;
        return gaps || tally->denied + tally->warned + tally->audited > 0;
}

static void add_totals(struct buf *buf, const struct replay *replay, size_t silent) {
        if (silent > 0)
                buf_printf(buf, "%zu polic%s would have changed nothing\n", silent,
                           silent == 1 ? "y" : "ies");
        buf_printf(buf,
                   "%zu request%s that admission was asked about: %zu would be denied, %zu warned "
                   "of, %zu audited\n",
                   replay->admissions, plural(replay->admissions), replay->denied, replay->warned,
                   replay->audited);
        buf_printf(
                buf,
                "%zu event%s in the log, of them %zu reads, %zu refused by the server, %zu other "
                "stages of a request",
                replay->events, plural(replay->events), replay->reads, replay->refused,
                replay->stages);
        if (replay->unreadable > 0)
                buf_printf(buf, "; %zu more could not be read", replay->unreadable);
        buf_add_char(buf, '\n');
        if (replay->unknown_namespaces > 0)
                buf_printf(buf,
                           "%zu judgement%s looked at a Namespace that --namespaces does not give: "
                           "it was taken to have only its name\n",
                           replay->unknown_namespaces, plural(replay->unknown_namespaces));
}

void policy_replay_text(struct buf *buf, struct replay *replay) {
        size_t silent = 0;

        for (size_t i = 0; i < replay->tally_count; i++) {
                struct replay_tally *tally = &replay->tallies[i];

                if (!says_something(tally)) {
                        silent++;
                        continue;
                }
                sort_names(&tally->users);
                sort_names(&tally->namespaces);
                add_tally(buf, tally);
        }
        add_totals(buf, replay, silent);
}

/* --- JSON --- */

static void json_text(struct buf *buf, const char *name, struct str value) {
        buf_printf(buf, "%s\"%s\":", buf->data[buf->len - 1] == '{' ? "" : ",", name);
        buf_add_json(buf, value);
}

static void json_count(struct buf *buf, const char *name, size_t value) {
        buf_printf(buf, "%s\"%s\":%zu", buf->data[buf->len - 1] == '{' ? "" : ",", name, value);
}

static void json_names(struct buf *buf, const char *label, struct replay_names *names) {
        sort_names(names);
        buf_printf(buf, ",\"%s\":[", label);
        for (size_t i = 0; i < names->items.count; i++) {
                buf_add(buf, i > 0 ? STR(",{") : STR("{"));
                json_text(buf, "name", names->items.items[i].name);
                json_count(buf, "count", names->items.items[i].count);
                buf_add_char(buf, '}');
        }
        buf_add_char(buf, ']');
        if (names->others > 0)
                buf_printf(buf, ",\"other%c%s\":%zu", label[0] - 'a' + 'A', label + 1,
                           names->others);
}

static void json_example(struct buf *buf, const struct replay_example *e) {
        buf_add_char(buf, '{');
        json_text(buf, "file", e->file);
        json_count(buf, "line", e->line);
        json_text(buf, "auditID", e->id);
        json_text(buf, "time", e->time);
        json_text(buf, "user", e->user);
        json_text(buf, "verb", e->verb);
        json_text(buf, "resource", e->resource);
        json_text(buf, "namespace", e->namespace);
        json_text(buf, "name", e->name);
        json_text(buf, "action", str_from(actions[e->action]));
        json_text(buf, "message", e->message);
        buf_add_char(buf, '}');
}

static void json_tally(struct buf *buf, struct replay_tally *tally) {
        static const char *const gaps[REPLAY_GAP_COUNT] = {
                [REPLAY_LEVEL] = "level",
                [REPLAY_OBJECT] = "object",
                [REPLAY_OLD_OBJECT] = "oldObject",
                [REPLAY_AUTHORIZER] = "authorizer",
        };

        buf_add_char(buf, '{');
        json_text(buf, "policy", tally->policy->name);
        json_count(buf, "judged", tally->requests);
        json_count(buf, "denied", tally->denied);
        json_count(buf, "warned", tally->warned);
        json_count(buf, "audited", tally->audited);
        buf_add(buf, STR(",\"notJudged\":{"));
        for (size_t gap = 0; gap < REPLAY_GAP_COUNT; gap++)
                json_count(buf, gaps[gap], tally->gaps[gap]);
        buf_add_char(buf, '}');
        json_text(buf, "first", tally->first);
        json_text(buf, "last", tally->last);
        json_names(buf, "users", &tally->users);
        json_names(buf, "namespaces", &tally->namespaces);
        buf_add(buf, STR(",\"examples\":["));
        for (size_t i = 0; i < tally->examples.count; i++) {
                buf_add(buf, i > 0 ? STR(",") : STR(""));
                json_example(buf, &tally->examples.items[i]);
        }
        buf_add(buf, STR("]}"));
}

void policy_replay_json(struct buf *buf, struct replay *replay) {
        buf_add(buf, STR("{\"requests\":{"));
        json_count(buf, "admission", replay->admissions);
        json_count(buf, "denied", replay->denied);
        json_count(buf, "warned", replay->warned);
        json_count(buf, "audited", replay->audited);
        buf_add(buf, STR("},\"events\":{"));
        json_count(buf, "read", replay->events);
        json_count(buf, "reads", replay->reads);
        json_count(buf, "refused", replay->refused);
        json_count(buf, "otherStages", replay->stages);
        json_count(buf, "unreadable", replay->unreadable);
        buf_printf(buf, "},\"unknownNamespaces\":%zu,\"policies\":[", replay->unknown_namespaces);
        for (size_t i = 0; i < replay->tally_count; i++) {
                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                json_tally(buf, &replay->tallies[i]);
        }
        buf_add(buf, STR("]}\n"));
}
