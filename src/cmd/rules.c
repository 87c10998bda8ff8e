#include "cmd/rules.h"

#include <errno.h>
#include <time.h>

#include "base/util.h"
#include "cmd/policy.h"
#include "fix/fix.h"
#include "graph/surface.h"
#include "kube/version.h"
#include "net/facts.h"
#include "policy/exception.h"
#include "rbac/subject.h"

static int load_added(const struct rule_arguments *arguments, struct command_context *context,
                      struct policy_set *set) {
        int r = 0;

        for (size_t i = 0; i < arguments->add.count && r >= 0; i++)
                r = policy_set_add_path(set, arguments->add.items[i], context->error);
        return r;
}

static int choose(const struct rule_arguments *arguments, struct command_context *context,
                  struct policy_set *set) {
        int r = 0;

        if (arguments->pod_security)
                policy_set_keep_pod_security(set);
        else if (arguments->frameworks.count > 0)
                r = policy_set_keep_frameworks(set,
                                               option_strs(context->arena, &arguments->frameworks),
                                               arguments->frameworks.count, context->error);
        else
                policy_set_keep_current(set, option_strs(context->arena, &arguments->only),
                                        arguments->only.count);
        if (r >= 0 && arguments->only.count > 0)
                r = policy_set_keep(set, option_strs(context->arena, &arguments->only),
                                    arguments->only.count, true, context->error);
        if (r >= 0 && arguments->skip.count > 0)
                r = policy_set_keep(set, option_strs(context->arena, &arguments->skip),
                                    arguments->skip.count, false, context->error);
        if (r >= 0 && set->policies.count == 0)
                r = error_set(context->error, -ENOENT, "no rule is left to judge by%s",
                              set->mutators.count > 0
                                      ? ": mutating policies judge nothing; see policy apply"
                                      : "");
        if (r >= 0 && set->mutators.count > 0)
                command_note(
                        "%zu mutating policies among the rules judge nothing; see policy apply",
                        set->mutators.count);
        return r;
}

int rules_init(struct policy_set *ret, uint16_t kube_minor, struct error *error) {
        int r = policy_set_init(ret, kube_minor, error);

        if (r >= 0)
                policy_set_add_library(ret, &rbac_library);
        if (r >= 0)
                policy_set_add_library(ret, &net_library);
        if (r >= 0)
                policy_set_add_library(ret, &graph_library);
        return r;
}

/* "2026-11-22": exceptions end with a day, wherever that is. */
static struct str today(struct arena *arena) {
        time_t now = time(NULL);
        struct tm day;

        gmtime_r(&now, &day);
        return arena_printf(arena, "%04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1,
                            day.tm_mday);
}

static int load_exceptions(const struct rule_arguments *arguments, struct command_context *context,
                           struct policy_set *set) {
        struct doc_source *source;
        size_t expired = 0;
        int r = 0;

        for (size_t i = 0; i < arguments->exceptions.count && r >= 0; i++) {
                r = policy_input_source(context, arguments->exceptions.items[i], &source);
                if (r >= 0)
                        r = policy_except(set, source, today(context->arena), &expired,
                                          context->error);
        }
        if (expired > 0)
                command_note("%zu exceptions have expired and no longer count", expired);
        return r;
}

int rules_load(const struct rule_arguments *arguments, struct command_context *context,
               struct policy_set *ret) {
        uint16_t minor;
        int r = language_minor(&arguments->language, &minor, context->error);

        if (r < 0)
                return r;
        if (arguments->no_catalogue && arguments->add.count == 0)
                return error_set(context->error, -EINVAL,
                                 "--no-catalogue needs rules of your own: --rules PATH");
        r = rules_init(ret, minor, context->error);
        if (r >= 0 && !arguments->no_catalogue)
                r = policy_set_add_catalogue(ret, context->error);
        if (r >= 0)
                r = load_added(arguments, context, ret);
        if (r >= 0)
                r = policy_set_finish(ret, context->error);
        if (r >= 0)
                fix_mark_rules(ret);
        if (r >= 0)
                r = load_exceptions(arguments, context, ret);
        return r < 0 ? r : choose(arguments, context, ret);
}

const struct rule_info *const *rules_table(struct arena *arena, const struct policy_set *set,
                                           size_t *ret_count) {
        const struct rule_info **rules =
                arena_new_array(arena, set->policies.count, const struct rule_info *);

        for (size_t i = 0; i < set->policies.count; i++)
                rules[i] = &set->policies.items[i]->info;
        *ret_count = set->policies.count;
        return rules;
}
