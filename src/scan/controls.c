/*
 * What a scan says about each item of a framework, from what its rules found and looked at.
 */
#include "base/util.h"
#include "scan/tally.h"

enum { EVIDENCE_MAX = 50 };

struct conclusion {
        const struct policy_set *set;
        struct tally *tally;
        struct finding_list *list;
        struct arena *arena;
        uint16_t minor;
};

/* What the rules of one item saw. */
struct sight {
        VEC(const struct policy *) rules;
        size_t matched, applied, found;
        const struct tally_rule *unknown; /* NULL: everything could be judged */
        VEC(struct control_evidence) evidence;
        size_t more;
};

static void add_evidence(struct sight *sight, const struct control_evidence *evidence) {
        if (sight->evidence.count < EVIDENCE_MAX)
                *vec_push(&sight->evidence) = *evidence;
        else
                sight->more++;
}

static void add_findings(struct conclusion *c, struct sight *sight, const struct policy *policy) {
        for (size_t i = 0; i < c->list->findings.count; i++) {
                const struct finding *finding = &c->list->findings.items[i];

                if (finding->rule != &policy->info)
                        continue;
                sight->found++;
                add_evidence(sight, &(struct control_evidence){ .what = policy->info.id,
                                                                .value = finding->message,
                                                                .location = finding->location });
        }
}

/* A rule without evidence of its own tells how many objects it judged. */
static void add_looked_at(struct conclusion *c, struct sight *sight, const struct policy *policy,
                          size_t found) {
        const struct tally_rule *rule = &c->tally->rules[policy->number];
        size_t applied = rule->applied;

        for (size_t i = 0; i < rule->evidence_count; i++)
                add_evidence(sight, &rule->evidence[i]);
        sight->more += rule->more;
        if (rule->evidence_count > 0 || applied == 0 || found > 0)
                return;
        add_evidence(sight, &(struct control_evidence){
                                    .what = policy->info.id,
                                    .value = arena_printf(c->arena, "nothing found in %zu object%s",
                                                          applied, applied == 1 ? "" : "s") });
}

static void look(struct conclusion *c, struct sight *sight) {
        for (size_t i = 0; i < sight->rules.count; i++) {
                const struct policy *policy = sight->rules.items[i];
                const struct tally_rule *rule = &c->tally->rules[policy->number];

                sight->matched += rule->matched;
                sight->applied += rule->applied;
                if (rule->unknown > 0 && !sight->unknown)
                        sight->unknown = rule;
                add_findings(c, sight, policy);
        }
        for (size_t i = 0; i < sight->rules.count; i++)
                add_looked_at(c, sight, sight->rules.items[i], sight->found);
}

/* Adds the resources that POLICY is about to BUF, for people. */
static void add_resource(struct buf *buf, const struct policy *policy) {
        const struct policy_match *match = &policy->match;
        struct str resource = match->rule_count > 0 && match->rules[0].resource_count > 0
                                      ? match->rules[0].resources[0]
                                      : STR("objects");

        if (buf->len == 0 || str_find(buf_str(buf), resource, 0) < 0)
                buf_printf(buf, "%s%.*s", buf->len > 0 ? ", " : "", STR_ARG(resource));
}

/* Why nothing was judged: what the rules of ITEM look at, those among them that were left out by
 * the verb or its options. */
static struct str nothing_judged(struct conclusion *c, const struct policy_framework *framework,
                                 const struct policy_item *item) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < c->set->by_id.count; i++) {
                const struct policy *policy = c->set->by_id.entries[i].value;

                if (policy_answers(policy, framework, item))
                        add_resource(&buf, policy);
        }
        if (buf.len == 0)
                return STR("no rule judges it");
        return arena_printf(c->arena, "the input has none of: %.*s", STR_ARG(buf_str(&buf)));
}

static void conclude(struct conclusion *c, const struct policy_framework *framework,
                     const struct policy_item *item, const struct sight *sight,
                     struct control *control) {
        if (sight->found > 0) {
                control->status = CONTROL_FAIL;
        } else if (item->manual.len > 0) {
                control->status = CONTROL_MANUAL;
                control->reason = item->manual;
        } else if (sight->unknown) {
                control->status = CONTROL_NOT_JUDGED;
                control->reason = arena_str(c->arena, sight->unknown->why);
        } else if (sight->applied > 0) {
                control->status = CONTROL_PASS;
        } else if (sight->matched > 0) {
                control->status = CONTROL_NOT_APPLICABLE;
                control->reason = STR("what it is about is not there");
        } else {
                control->status = CONTROL_NOT_JUDGED;
                control->reason = nothing_judged(c, framework, item);
        }
}

static void copy_sight(struct conclusion *c, const struct sight *sight, struct control *control) {
        control->more = sight->more;
        control->evidence_count = sight->evidence.count;
        control->evidence =
                arena_new_array(c->arena, sight->evidence.count, struct control_evidence);
        if (sight->evidence.count > 0)
                memcpy(control->evidence, sight->evidence.items,
                       sight->evidence.count * sizeof *control->evidence);
        control->rules = arena_new_array(c->arena, sight->rules.count, struct str);
        for (size_t i = 0; i < sight->rules.count; i++)
                control->rules[control->rule_count++] = sight->rules.items[i]->info.id;
}

static void conclude_item(struct conclusion *c, const struct policy_framework *framework,
                          const struct policy_item *item, struct control *control) {
        struct sight sight = { 0 };

        for (size_t i = 0; i < c->set->policies.count; i++)
                if (policy_answers(c->set->policies.items[i], framework, item))
                        *vec_push(&sight.rules) = c->set->policies.items[i];
        look(c, &sight);
        *control = (struct control){ .id = item->id,
                                     .title = item->title,
                                     .section = item->section,
                                     .section_title = item->section_title };
        conclude(c, framework, item, &sight, control);
        copy_sight(c, &sight, control);
        vec_free(&sight.rules);
        vec_free(&sight.evidence);
}

static size_t count_items(const struct policy_set *set, const struct policy_framework *framework) {
        size_t count = framework->item_count;

        for (size_t i = 0; i < framework->include_count; i++) {
                const struct policy_framework *included =
                        policy_framework_find(set, framework->includes[i]);

                count += included ? included->item_count : 0;
        }
        return count;
}

static void add_items(struct conclusion *c, const struct policy_framework *framework,
                      struct control_report *report) {
        for (size_t i = 0; framework && i < framework->item_count; i++)
                conclude_item(c, framework, &framework->items[i],
                              &report->controls[report->count++]);
}

static void conclude_framework(struct conclusion *c, const struct policy_framework *framework,
                               struct control_report *report) {
        report->id = framework->id;
        report->title = framework->title;
        report->controls =
                arena_new_array(c->arena, count_items(c->set, framework), struct control);
        for (size_t i = 0; i < framework->include_count; i++)
                add_items(c, policy_framework_find(c->set, framework->includes[i]), report);
        add_items(c, framework, report);
}

struct control_report *controls_conclude(const struct policy_set *set, struct tally *tally,
                                         struct finding_list *list, const struct str *frameworks,
                                         size_t count, size_t *ret_count) {
        struct conclusion c = { .set = set, .tally = tally, .list = list, .arena = &list->arena };
        struct control_report *reports =
                arena_new_array(&list->arena, count, struct control_report);

        *ret_count = 0;
        arena_adopt(&list->arena, &tally->arena);
        for (size_t i = 0; i < count; i++) {
                const struct policy_framework *framework;
                struct str id;

                if (policy_framework_parse(set, frameworks[i], &id, &c.minor, NULL) < 0)
                        continue;
                framework = policy_framework_find(set, id);
                if (framework)
                        conclude_framework(&c, framework, &reports[(*ret_count)++]);
        }
        return reports;
}
