#include "etcd/rotation_check.h"

#include "base/util.h"

struct checking {
        struct arena *arena;
        const struct rotation *plan;
        const struct rotation_evidence *evidence;
        struct rotation_result *result;
};

/* Missing wins over unknown. */
static void add_reason(struct checking *checking, enum rotation_state state, struct str reason) {
        struct rotation_result *result = checking->result;
        struct str *reasons =
                arena_new_array(checking->arena, result->reason_count + 1, struct str);

        for (size_t i = 0; i < result->reason_count; i++)
                reasons[i] = result->reasons[i];
        reasons[result->reason_count++] = reason;
        result->reasons = reasons;
        if (result->state != ROTATION_MISSING)
                result->state = state;
}

#define SAY(checking, state, ...)                                                                  \
        add_reason((checking), (state), arena_printf((checking)->arena, __VA_ARGS__))

/* --- configuration files --- */

/* The name of the step whose configuration SERVER has, or NULL. */
static const char *state_of(const struct rotation *plan, const struct rotation_server *server) {
        for (size_t i = 0; i < plan->count; i++)
                if (plan->steps[i].kind == ROTATION_CONFIG &&
                    rotation_same(&plan->steps[i].config, &server->config))
                        return plan->steps[i].name;
        return NULL;
}

static void check_files(struct checking *checking, const struct rotation_step *step) {
        const struct rotation_evidence *evidence = checking->evidence;

        if (evidence->server_count == 0)
                SAY(checking, ROTATION_UNKNOWN,
                    "no configuration file was given: --config FILE for each API server");
        for (size_t i = 0; i < evidence->server_count; i++) {
                const struct rotation_server *server = &evidence->servers[i];
                const char *has = state_of(checking->plan, server);

                if (rotation_same(&step->config, &server->config))
                        continue;
                if (has)
                        SAY(checking, ROTATION_MISSING, "%s is that of step %s, not of %s",
                            server->path, has, step->name);
                else
                        SAY(checking, ROTATION_MISSING, "%s is not %.*s of the plan", server->path,
                            STR_ARG(step->file));
        }
}

/* --- restarts --- */

/* CURRENT: the file that a server has now is the one it should have read. */
static void check_start(struct checking *checking, const struct rotation_server *server,
                        bool current) {
        const struct server_state *state = &server->state;
        int64_t now = checking->evidence->now_ms;

        if (!server->found) {
                SAY(checking, ROTATION_UNKNOWN,
                    "no API server that reads %s runs here, or its process may not be looked at: "
                    "run this as root on the machine of the API server",
                    server->path);
        } else if (state->reloads) {
                if (current && now - server->file_ms < SERVER_RELOAD_SECONDS * 1000)
                        SAY(checking, ROTATION_MISSING,
                            "the API server of %s reads it again by itself: wait %d seconds",
                            server->path, SERVER_RELOAD_SECONDS);
        } else if (current && state->started_ms < server->file_ms) {
                SAY(checking, ROTATION_MISSING,
                    "the API server of %s (process %d) was started before the file was written",
                    server->path, state->pid);
        } else if (state->started_ms < checking->evidence->made_ms) {
                SAY(checking, ROTATION_MISSING,
                    "the API server of %s (process %d) was not restarted since the plan was made",
                    server->path, state->pid);
        }
}

static void check_restarts(struct checking *checking, bool current) {
        const struct rotation_evidence *evidence = checking->evidence;

        for (size_t i = 0; i < evidence->server_count; i++)
                check_start(checking, &evidence->servers[i], current);
}

/* --- data --- */

static bool is_covered(const struct rotation *plan, struct str resource) {
        /* As a configuration of one entry, so that wildcards mean what they do there. */
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct encryption_provider identity = { .provider = STORED_PLAIN };
        struct encryption_entry entry = { .resources = plan->resources,
                                          .resource_count = plan->resource_count,
                                          .providers = &identity,
                                          .provider_count = 1 };
        struct encryption config = { .entries = &entry, .count = 1 };

        return encryption_of(&arena, &config, resource).count > 0;
}

static bool is_new_key(const struct rotation *plan, const struct census_provider *provider) {
        return provider->provider == plan->provider && str_eq(provider->key, plan->key) &&
               str_eq(provider->version, plan->version);
}

static void check_current(struct checking *checking, const struct census_resource *resource) {
        if (resource->plaintext + resource->unknown > 0)
                SAY(checking, ROTATION_MISSING, "%ju values of %.*s are not encrypted",
                    (uintmax_t)(resource->plaintext + resource->unknown), STR_ARG(resource->name));
        for (size_t i = 0; i < resource->providers.count; i++) {
                const struct census_provider *provider = &resource->providers.items[i];

                if (provider->values > 0 && !is_new_key(checking->plan, provider))
                        SAY(checking, ROTATION_MISSING,
                            "%ju values of %.*s are encrypted with %s %.*s",
                            (uintmax_t)provider->values, STR_ARG(resource->name),
                            stored_provider_name(provider->provider), STR_ARG(provider->key));
        }
}

static void check_history(struct checking *checking, const struct census_resource *resource) {
        if (resource->old_plaintext > 0)
                SAY(checking, ROTATION_MISSING, "%ju old revisions of %.*s are plaintext",
                    (uintmax_t)resource->old_plaintext, STR_ARG(resource->name));
        for (size_t i = 0; i < resource->providers.count; i++) {
                const struct census_provider *provider = &resource->providers.items[i];

                if (provider->old_values > 0 && !is_new_key(checking->plan, provider))
                        SAY(checking, ROTATION_MISSING,
                            "%ju old revisions of %.*s are encrypted with %s %.*s",
                            (uintmax_t)provider->old_values, STR_ARG(resource->name),
                            stored_provider_name(provider->provider), STR_ARG(provider->key));
        }
}

static void check_data(struct checking *checking, bool history) {
        const struct at_rest *data = checking->evidence->data;

        if (!data || data->problems.count > 0) {
                SAY(checking, ROTATION_UNKNOWN, "%s",
                    data ? "the data could not be read"
                         : "no data was given: PATH, or --endpoint URL");
                return;
        }
        if (history && !data->history_known) {
                SAY(checking, ROTATION_UNKNOWN,
                    "an endpoint does not show old revisions: give a snapshot or the data "
                    "directory");
                return;
        }
        for (size_t i = 0; i < data->census.resources.count; i++) {
                const struct census_resource *resource = data->census.resources.entries[i].value;

                if (!is_covered(checking->plan, resource->name))
                        continue;
                check_current(checking, resource);
                if (history)
                        check_history(checking, resource);
        }
}

/* The write-ahead log goes by itself, so it is no part of this. */
static void check_free(struct checking *checking) {
        const struct at_rest *data = checking->evidence->data;

        if (data && data->residue_known && data->residue.freed_pages + data->residue.slack > 0)
                SAY(checking, ROTATION_MISSING,
                    "%ju free pages and %ju other unused places still hold Secrets in plaintext",
                    (uintmax_t)data->residue.freed_pages, (uintmax_t)data->residue.slack);
}

/* --- steps --- */

/* What has to hold when step AT is done, whatever came before it. */
static void check_step(struct checking *checking, size_t at) {
        switch (checking->plan->steps[at].kind) {
        case ROTATION_CONFIG:
                check_files(checking, &checking->plan->steps[at]);
                break;
        case ROTATION_RESTART:
                check_restarts(checking, true);
                break;
        case ROTATION_REWRITE:
        case ROTATION_VERIFY:
                check_data(checking, false);
                break;
        case ROTATION_COMPACT:
                check_data(checking, true);
                break;
        case ROTATION_DEFRAGMENT:
                check_data(checking, true);
                check_free(checking);
                break;
        }
}

/* What the steps before AT must have left behind: the last configuration, a restart with it, or,
 * where the configuration has changed since, some restart; the data. */
static void check_before(struct checking *checking, size_t at) {
        const struct rotation_step *steps = checking->plan->steps;
        size_t config = SIZE_MAX, restart = SIZE_MAX, rewrite = SIZE_MAX;

        for (size_t i = 0; i < at; i++) {
                if (steps[i].kind == ROTATION_CONFIG)
                        config = i;
                else if (steps[i].kind == ROTATION_RESTART)
                        restart = i;
                else if (steps[i].kind == ROTATION_REWRITE)
                        rewrite = i;
        }
        if (config != SIZE_MAX && steps[at].kind != ROTATION_CONFIG)
                check_files(checking, &steps[config]);
        if (restart != SIZE_MAX && steps[at].kind != ROTATION_RESTART)
                check_restarts(checking, steps[at].kind != ROTATION_CONFIG);
        if (rewrite != SIZE_MAX &&
            (steps[at].kind == ROTATION_CONFIG || steps[at].kind == ROTATION_RESTART))
                check_data(checking, false);
}

void rotation_check(struct arena *arena, const struct rotation *plan, size_t at,
                    const struct rotation_evidence *evidence, struct rotation_result *ret) {
        struct checking checking = {
                .arena = arena, .plan = plan, .evidence = evidence, .result = ret
        };

        *ret = (struct rotation_result){ .state = ROTATION_DONE };
        check_before(&checking, at);
        check_step(&checking, at);
}
