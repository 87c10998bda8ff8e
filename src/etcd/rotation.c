#include "etcd/rotation.h"

#include <errno.h>

#include "base/buf.h"
#include "base/util.h"

/* --- configurations --- */

static void add_yaml_string(struct buf *buf, struct str text) {
        buf_add_json(buf, text);
}

static void add_secret(struct buf *buf, const struct encryption_key *key, bool secrets) {
        if (secrets || str_eq(key->secret, STR(ROTATION_PLACEHOLDER)))
                add_yaml_string(buf, key->secret);
        else
                buf_add(buf, STR("\"\"  # not shown"));
}

static void add_provider(struct buf *buf, const struct encryption_provider *provider,
                         bool secrets) {
        if (provider->provider == STORED_PLAIN) {
                buf_add(buf, STR("      - identity: {}\n"));
                return;
        }
        buf_printf(buf, "      - %s:\n", stored_provider_name(provider->provider));
        if (provider->provider == STORED_KMS) {
                buf_printf(buf, "          apiVersion: %.*s\n          name: ",
                           STR_ARG(provider->version));
                add_yaml_string(buf, provider->keys->name);
                buf_add(buf, STR("\n          endpoint: "));
                add_yaml_string(buf, provider->keys->secret);
                buf_add_char(buf, '\n');
                return;
        }
        buf_add(buf, STR("          keys:\n"));
        for (size_t i = 0; i < provider->key_count; i++) {
                buf_add(buf, STR("            - name: "));
                add_yaml_string(buf, provider->keys[i].name);
                buf_add(buf, STR("\n              secret: "));
                add_secret(buf, &provider->keys[i], secrets);
                buf_add_char(buf, '\n');
        }
}

void rotation_add_config(struct buf *buf, const struct encryption *config, bool secrets) {
        buf_add(buf, STR("apiVersion: apiserver.config.k8s.io/v1\n"
                         "kind: EncryptionConfiguration\nresources:\n"));
        for (size_t i = 0; i < config->count; i++) {
                const struct encryption_entry *entry = &config->entries[i];

                buf_add(buf, STR("  - resources:\n"));
                for (size_t k = 0; k < entry->resource_count; k++) {
                        buf_add(buf, STR("      - "));
                        add_yaml_string(buf, entry->resources[k]);
                        buf_add_char(buf, '\n');
                }
                buf_add(buf, STR("    providers:\n"));
                for (size_t k = 0; k < entry->provider_count; k++)
                        add_provider(buf, &entry->providers[k], secrets);
        }
}

static bool same_provider(const struct encryption_provider *a,
                          const struct encryption_provider *b) {
        if (a->provider != b->provider || !str_eq(a->version, b->version) ||
            a->key_count != b->key_count)
                return false;
        for (size_t i = 0; i < a->key_count; i++)
                if (!str_eq(a->keys[i].name, b->keys[i].name) ||
                    (!str_eq(a->keys[i].secret, b->keys[i].secret) &&
                     !str_eq(a->keys[i].secret, STR(ROTATION_PLACEHOLDER)) &&
                     !str_eq(b->keys[i].secret, STR(ROTATION_PLACEHOLDER))))
                        return false;
        return true;
}

bool rotation_same(const struct encryption *a, const struct encryption *b) {
        if (a->count != b->count)
                return false;
        for (size_t i = 0; i < a->count; i++) {
                const struct encryption_entry *x = &a->entries[i], *y = &b->entries[i];

                if (x->resource_count != y->resource_count ||
                    x->provider_count != y->provider_count)
                        return false;
                for (size_t k = 0; k < x->resource_count; k++)
                        if (!str_eq(x->resources[k], y->resources[k]))
                                return false;
                for (size_t k = 0; k < x->provider_count; k++)
                        if (!same_provider(&x->providers[k], &y->providers[k]))
                                return false;
        }
        return true;
}

/* --- making a plan --- */

struct planning {
        struct arena *arena;
        const struct rotation_options *options;
        struct rotation *plan;
        struct encryption config; /* as it is, with an entry for the resource */
        size_t entry;
        struct encryption_provider fresh; /* the new key alone */
};

/* Finds the entry whose providers the resource gets; makes one where there is none. */
static int find_entry(struct planning *planning, struct error *error) {
        const struct encryption *config = planning->options->config;
        struct arena *arena = planning->arena;
        struct str resource = planning->options->resource;
        size_t count = config ? config->count : 0, found = count, providers = 0;
        struct encryption_list list = { 0 };

        planning->config.entries = arena_new_array(arena, count + 1, struct encryption_entry);
        for (size_t i = 0; i < count; i++)
                planning->config.entries[i] = config->entries[i];
        if (config)
                list = encryption_of(arena, config, resource);
        for (size_t i = count; list.count > 0 && i-- > 0;)
                if (config->entries[i].providers[0].node == list.items[0].node)
                        found = i;
        planning->entry = found;
        planning->config.count = MAX(count, found + 1);
        if (found < count) {
                providers = config->entries[found].provider_count;
                if (providers < list.count)
                        return error_set(error, -EINVAL,
                                         "several entries name \"%.*s\": make one of them first",
                                         STR_ARG(resource));
                return 0;
        }
        planning->config.entries[found] = (struct encryption_entry){
                .resources = arena_new(arena, struct str),
                .resource_count = 1,
                .providers = arena_new(arena, struct encryption_provider),
                .provider_count = 1,
        };
        planning->config.entries[found].resources[0] = resource;
        planning->config.entries[found].providers[0].provider = STORED_PLAIN;
        return 0;
}

static bool has_name(const struct encryption_entry *entry, enum stored_provider provider,
                     struct str name) {
        for (size_t i = 0; i < entry->provider_count; i++)
                for (size_t k = 0; k < entry->providers[i].key_count; k++)
                        if (entry->providers[i].provider == provider &&
                            str_eq(entry->providers[i].keys[k].name, name))
                                return true;
        return false;
}

static int choose_key(struct planning *planning, struct error *error) {
        const struct rotation_options *options = planning->options;
        const struct encryption_entry *entry = &planning->config.entries[planning->entry];
        struct encryption_provider *fresh = &planning->fresh;
        struct str name = options->key_name;
        enum stored_provider writer = entry->providers[0].provider;

        fresh->provider = options->provider;
        if (options->provider == STORED_PLAIN)
                fresh->provider = writer == STORED_AESGCM ? STORED_AESGCM : STORED_SECRETBOX;
        for (int i = 1; name.len == 0 && i < 10000; i++) {
                struct str candidate = arena_printf(planning->arena, "key%d", i);

                if (!has_name(entry, fresh->provider, candidate))
                        name = candidate;
        }
        if (has_name(entry, fresh->provider, name))
                return error_set(
                        error, -EINVAL,
                        "there is a key \"%.*s\" of %s already: a new key needs a new name",
                        STR_ARG(name), stored_provider_name(fresh->provider));
        if (memchr(name.ptr, ':', name.len))
                return error_set(error, -EINVAL, "the name of a key must have no colon");
        fresh->version = fresh->provider == STORED_KMS ? STR("v2") : STR("v1");
        fresh->key_count = 1;
        fresh->keys = arena_new(planning->arena, struct encryption_key);
        fresh->keys->name = name;
        fresh->keys->secret =
                options->key_secret.len ? options->key_secret : STR(ROTATION_PLACEHOLDER);
        if (fresh->provider != STORED_KMS)
                return 0;
        fresh->keys->secret = options->kms_endpoint;
        if (options->key_name.len == 0 || !str_starts(options->kms_endpoint, STR("unix://")))
                return error_set(error, -EINVAL,
                                 "kms needs a name and the unix:// URL of its plugin");
        return 0;
}

/* LIST with its first provider's keys behind the new one, or in front of it. */
static void join_keys(struct planning *planning, struct encryption_provider *first, bool front) {
        const struct encryption_key *fresh = planning->fresh.keys;
        struct encryption_key *keys =
                arena_new_array(planning->arena, first->key_count + 1, struct encryption_key);

        keys[front ? 0 : 1] = *fresh;
        keys[front ? 1 : 0] = first->keys[0];
        for (size_t i = 1; i < first->key_count; i++)
                keys[i + 1] = first->keys[i];
        first->keys = keys;
        first->key_count++;
}

/* The configuration with the new key second (FRONT: first) for the entry. Keys of one provider
 * stay together. */
static struct encryption with_key(struct planning *planning, bool front) {
        struct arena *arena = planning->arena;
        struct encryption config = planning->config;
        struct encryption_entry *entry;
        const struct encryption_entry *old = &planning->config.entries[planning->entry];
        bool together = planning->fresh.provider != STORED_KMS &&
                        old->providers[0].provider == planning->fresh.provider;
        size_t at = 0;

        config.entries = arena_new_array(arena, config.count, struct encryption_entry);
        for (size_t i = 0; i < config.count; i++)
                config.entries[i] = planning->config.entries[i];
        entry = &config.entries[planning->entry];
        entry->providers =
                arena_new_array(arena, old->provider_count + 1, struct encryption_provider);
        if (!together && front)
                entry->providers[at++] = planning->fresh;
        for (size_t i = 0; i < old->provider_count; i++) {
                entry->providers[at] = old->providers[i];
                if (i == 0 && together)
                        join_keys(planning, &entry->providers[at], front);
                at++;
                if (i == 0 && !together && !front)
                        entry->providers[at++] = planning->fresh;
        }
        entry->provider_count = at;
        return config;
}

static struct encryption only_key(struct planning *planning) {
        struct encryption config = with_key(planning, true);
        struct encryption_entry *entry = &config.entries[planning->entry];

        entry->providers = arena_new(planning->arena, struct encryption_provider);
        entry->providers[0] = planning->fresh;
        entry->provider_count = 1;
        return config;
}

/* --- steps --- */

static struct rotation_step *add_step(struct planning *planning, const char *name,
                                      enum rotation_kind kind, struct str what) {
        struct rotation_step *step = &planning->plan->steps[planning->plan->count++];

        *step = (struct rotation_step){ .name = name, .kind = kind, .what = what };
        return step;
}

static void add_command(struct planning *planning, struct rotation_step *step, struct str command) {
        struct str *commands =
                arena_new_array(planning->arena, step->command_count + 1, struct str);

        for (size_t i = 0; i < step->command_count; i++)
                commands[i] = step->commands[i];
        commands[step->command_count++] = command;
        step->commands = commands;
}

static void add_config(struct planning *planning, const char *name, struct encryption config,
                       const char *what) {
        struct rotation_step *step = add_step(planning, name, ROTATION_CONFIG, str_from(what));

        step->config = config;
        if (!planning->options->config)
                add_command(planning, step,
                            STR("kube-apiserver --encryption-provider-config=FILE: add the flag, "
                                "and mount the file into the pod"));
        step->file = arena_printf(planning->arena, "%zu-%s.yaml", planning->plan->count, name);
}

static void add_restart(struct planning *planning, const char *name) {
        const struct rotation_options *options = planning->options;
        struct rotation_step *step =
                add_step(planning, name, ROTATION_RESTART,
                         options->server_count > 1
                                 ? STR("restart the API servers one after the other, each when the "
                                       "one before is ready")
                                 : STR("restart the API server"));

        for (size_t i = 0; i < options->server_count; i++)
                add_command(planning, step,
                            arena_printf(planning->arena,
                                         "on %.*s: crictl rm -f $(crictl ps -q --name "
                                         "kube-apiserver); kubectl get --raw /readyz",
                                         STR_ARG(options->servers[i])));
        if (options->server_count == 0)
                add_command(planning, step,
                            STR("crictl rm -f $(crictl ps -q --name kube-apiserver); kubectl get "
                                "--raw /readyz"));
}

static void add_rewrite(struct planning *planning) {
        const struct encryption_entry *entry = &planning->config.entries[planning->entry];
        struct rotation_step *step =
                add_step(planning, "rewrite", ROTATION_REWRITE,
                         STR("write every object again, so that the new key encrypts it"));

        for (size_t i = 0; i < entry->resource_count; i++) {
                struct str name = entry->resources[i];
                bool all = memchr(name.ptr, '*', name.len) != NULL;

                if (all)
                        add_command(planning, step,
                                    STR("for r in $(kubectl api-resources --verbs=list,update -o "
                                        "name); do kubectl get $r -A -o json | kubectl replace -f "
                                        "-; done"));
                else
                        add_command(planning, step,
                                    arena_printf(planning->arena,
                                                 "kubectl get %.*s -A -o json | kubectl replace -f "
                                                 "-",
                                                 STR_ARG(name)));
        }
}

static void add_steps(struct planning *planning) {
        struct rotation_step *step;

        if (planning->options->server_count > 1) {
                add_config(planning, "add-key", with_key(planning, false),
                           "put this in place on every API server: the new key can read, the old "
                           "one still writes");
                add_restart(planning, "restart-add");
        }
        add_config(planning, "promote-key", with_key(planning, true),
                   "put this in place on every API server: the new key writes, the old one still "
                   "reads");
        add_restart(planning, "restart-promote");
        add_rewrite(planning);
        step = add_step(planning, "verify", ROTATION_VERIFY,
                        STR("make sure that the new key encrypts everything, and nothing else is "
                            "needed"));
        add_command(planning, step,
                    STR("redoubt secrets verify --plan PLAN --step verify "
                        "--config FILE /var/lib/etcd"));
        add_config(
                planning, "remove-old", only_key(planning),
                "put this in place on every API server: the new key alone. Keep the old key with "
                "the backups that need it");
        add_restart(planning, "restart-remove");
        step = add_step(planning, "compact", ROTATION_COMPACT,
                        STR("make etcd forget old revisions"));
        add_command(planning, step,
                    STR("etcdctl compact $(etcdctl endpoint status -w json | jq "
                        "'.[0].Status.header.revision')"));
        step = add_step(planning, "defragment", ROTATION_DEFRAGMENT,
                        STR("make etcd give up free pages, on one member after the other"));
        add_command(planning, step, STR("etcdctl defrag --endpoints=MEMBER"));
}

int rotation_plan(struct arena *arena, const struct rotation_options *options, struct rotation *ret,
                  struct error *error) {
        struct rotation plan = { 0 };
        struct planning planning = { .arena = arena, .options = options, .plan = &plan };
        const struct encryption_entry *entry;
        int r = find_entry(&planning, error);

        if (r >= 0)
                r = choose_key(&planning, error);
        if (r < 0)
                return r;
        entry = &planning.config.entries[planning.entry];
        plan.resources = entry->resources;
        plan.resource_count = entry->resource_count;
        plan.provider = planning.fresh.provider;
        plan.version = planning.fresh.version;
        plan.key = planning.fresh.keys->name;
        plan.introduces = entry->providers[0].provider == STORED_PLAIN;
        add_steps(&planning);
        *ret = plan;
        return 0;
}
