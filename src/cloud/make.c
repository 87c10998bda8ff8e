/* The documents that rules judge: facts, and what follows from them together. */
#include "base/buf.h"
#include "base/util.h"
#include "cloud/private.h"

/* A cluster with what was joined to it. */
struct maker {
        struct cloud *cloud;
        const struct cloud_cluster *cluster;
        struct buf *buf;
        VEC(struct cloud_entry) entries;
        bool everything, wide;
        struct cloud_place everything_place;
        struct cloud_fact limited;
};

static void add_place(struct buf *buf, const char *key, struct cloud_place place) {
        buf_printf(buf, "\"%s\":{\"file\":", key);
        buf_add_json(buf, place.file);
        buf_printf(buf, ",\"line\":%u,\"column\":%u}", place.pos.line, place.pos.column);
}

/* Adds FACT as a member with a comma before it; nothing where there is none. */
static void add_fact(struct buf *buf, const char *key, const struct cloud_fact *fact) {
        if (fact->state == CLOUD_NONE)
                return;
        buf_printf(buf, ",\"%s\":{", key);
        if (fact->state == CLOUD_BOOL) {
                buf_printf(buf, "\"value\":%s", fact->boolean ? "true" : "false");
        } else if (fact->state == CLOUD_TEXT) {
                buf_add(buf, STR("\"value\":"));
                buf_add_json(buf, fact->text);
        } else {
                buf_add(buf, STR("\"unknown\":true,\"why\":"));
                buf_add_json(buf, fact->text);
        }
        buf_add_char(buf, ',');
        add_place(buf, "place", fact->place);
        buf_add_char(buf, '}');
}

/* --- the allow list --- */

static const char *missing_rules(const struct maker *maker) {
        bool groups = maker->cluster->has_groups && !maker->cloud->group_rules;

        if (groups && !maker->cloud->security_lists)
                return "the rules of its network security groups and the security lists of its "
                       "subnet were not given";
        if (groups)
                return "the rules of its network security groups were not given";
        return maker->cloud->security_lists ? NULL
                                            : "the security lists of its subnet were not given";
}

/* Sources of an OKE cluster come from rules. They only ever add up: what a rule that was not given
 * may add cannot make the list shorter. */
static void join_rules(struct maker *maker) {
        const struct cloud *cloud = maker->cloud;
        const struct cloud_cluster *cluster = maker->cluster;
        const char *why;

        for (size_t i = 0; i < cluster->allow.entries.count; i++)
                *vec_push(&maker->entries) = cluster->allow.entries.items[i];
        maker->limited = cluster->allow.limited;
        if (!cluster->wants_rules)
                return;
        for (size_t i = 0; i < cloud->rules.count; i++)
                *vec_push(&maker->entries) = cloud->rules.items[i];
        why = missing_rules(maker);
        maker->limited = (struct cloud_fact){ .state = why ? CLOUD_UNKNOWN : CLOUD_BOOL,
                                              .boolean = true,
                                              .text = str_from(why),
                                              .place = cluster->public.place };
}

static void sum_up(struct maker *maker) {
        struct ip_prefix *ranges = xrealloc(NULL, maker->entries.count + 1, sizeof *ranges);
        size_t count = 0, widest = SIZE_MAX;
        struct cloud_entry *entries = maker->entries.items;

        for (size_t i = 0; i < maker->entries.count; i++) {
                if (!entries[i].is_range)
                        continue;
                ranges[count++] = entries[i].range;
                maker->wide |= range_is_wide(&entries[i].range);
                if (widest == SIZE_MAX || entries[i].range.length < entries[widest].range.length)
                        widest = i;
        }
        maker->everything = ranges_are_everything(ranges, count);
        maker->everything_place = maker->limited.place;
        if (maker->everything)
                maker->everything_place = entries[widest].place;
        if (maker->limited.state == CLOUD_BOOL && !maker->limited.boolean)
                maker->everything = true;
        free(ranges);
}

static void add_entry(struct buf *buf, struct cloud_entry *entry) {
        bool all = entry->is_range && ranges_are_everything(&entry->range, 1);

        buf_add(buf, STR("{\"value\":"));
        buf_add_json(buf, entry->text);
        buf_printf(buf, ",\"range\":%s,\"everything\":%s,\"wide\":%s,",
                   entry->is_range ? "true" : "false", all ? "true" : "false",
                   entry->is_range && range_is_wide(&entry->range) ? "true" : "false");
        add_place(buf, "place", entry->place);
        buf_add_char(buf, '}');
}

static void add_allow_list(struct maker *maker) {
        struct cloud_fact everything = maker->limited;
        struct buf *buf = maker->buf;

        if (maker->everything || maker->limited.state == CLOUD_BOOL)
                everything = (struct cloud_fact){ .state = CLOUD_BOOL,
                                                  .boolean = maker->everything,
                                                  .place = maker->everything_place };
        buf_printf(buf, ",\"allowList\":{\"known\":%s",
                   maker->limited.state == CLOUD_BOOL ? "true" : "false");
        add_fact(buf, "everything", &everything);
        buf_add(buf, STR(",\"entries\":["));
        for (size_t i = 0; i < maker->entries.count; i++) {
                if (i > 0)
                        buf_add_char(buf, ',');
                add_entry(buf, &maker->entries.items[i]);
        }
        buf_add(buf, STR("]}"));
}

/* --- kubeconfigs --- */

static bool same_host(struct str a, struct str b) {
        if (a.len != b.len)
                return false;
        for (size_t i = 0; i < a.len; i++) {
                char x = a.ptr[i], y = b.ptr[i];

                x = x >= 'A' && x <= 'Z' ? (char)(x | 0x20) : x;
                y = y >= 'A' && y <= 'Z' ? (char)(y | 0x20) : y;
                if (x != y)
                        return false;
        }
        return true;
}

bool cloud_is_address(const struct cloud_cluster *cluster, struct str host) {
        for (size_t i = 0; i < cluster->addresses.count; i++)
                if (same_host(cluster->addresses.items[i].host, host))
                        return true;
        return false;
}

static const char *door_name(const struct cloud_cluster *cluster, enum cloud_door door) {
        if (door == CLOUD_DOOR_EITHER) {
                bool public = cluster->public.boolean, private = cluster->private.boolean;

                return public && private ? "publicAndPrivate" : public ? "public" : "private";
        }
        return door == CLOUD_DOOR_PUBLIC ? "public" : door == CLOUD_DOOR_DNS ? "dns" : "private";
}

static void add_kubeconfigs(struct maker *maker) {
        const struct cloud_cluster *cluster = maker->cluster;
        struct buf *buf = maker->buf;
        bool first = true;

        buf_add(buf, STR(",\"kubeconfigs\":["));
        for (size_t i = 0; i < maker->cloud->servers.count; i++) {
                const struct cloud_server *server = &maker->cloud->servers.items[i];

                for (size_t k = 0; k < cluster->addresses.count; k++) {
                        const struct cloud_address *address = &cluster->addresses.items[k];

                        if (!same_host(server->host, address->host))
                                continue;
                        buf_printf(buf, "%s{\"server\":", first ? "" : ",");
                        buf_add_json(buf, server->url);
                        buf_printf(buf, ",\"door\":\"%s\",", door_name(cluster, address->door));
                        add_place(buf, "place", server->place);
                        buf_add_char(buf, '}');
                        first = false;
                        break;
                }
        }
        buf_add_char(buf, ']');
}

/* --- the verdict --- */

static void add_verdict_text(struct buf *buf, const char *value, const char *why,
                             struct cloud_place place) {
        buf_printf(buf, ",\"verdict\":{\"value\":\"%s\",\"why\":", value);
        buf_add_json(buf, str_from(why));
        buf_add_char(buf, ',');
        add_place(buf, "place", place);
        buf_add_char(buf, '}');
}

/* The widest of the doors decides. */
static void add_verdict(struct maker *maker) {
        const struct cloud_cluster *cluster = maker->cluster;
        bool public = cluster->public.state == CLOUD_BOOL && cluster->public.boolean;

        if (public && maker->everything)
                add_verdict_text(maker->buf, "open",
                                 "the public endpoint takes connections from everywhere",
                                 maker->everything_place);
        else if (cluster->dns.state == CLOUD_BOOL && cluster->dns.boolean)
                add_verdict_text(maker->buf, "open",
                                 "the DNS endpoint takes traffic from everywhere, and no list of "
                                 "addresses holds for it",
                                 cluster->dns.place);
        else if (cluster->public.state == CLOUD_UNKNOWN)
                add_verdict_text(maker->buf, "unknown",
                                 "it is not known whether there is a public endpoint",
                                 cluster->public.place);
        else if (public && maker->limited.state != CLOUD_BOOL)
                add_verdict_text(maker->buf, "unknown", maker->limited.text.ptr,
                                 maker->limited.place);
        else if (cluster->dns.state == CLOUD_UNKNOWN)
                add_verdict_text(maker->buf, "unknown",
                                 "it is not known whether the DNS endpoint takes traffic",
                                 cluster->dns.place);
        else if (public && cluster->provider_addresses.boolean)
                add_verdict_text(maker->buf, "wide",
                                 "any machine of the provider with a public address may connect, "
                                 "whoever rents it",
                                 cluster->provider_addresses.place);
        else if (public && maker->wide)
                add_verdict_text(maker->buf, "wide",
                                 "the public endpoint takes connections from wide ranges",
                                 maker->limited.place);
        else if (public)
                add_verdict_text(maker->buf, "restricted",
                                 "the public endpoint takes connections from the ranges of its "
                                 "list only",
                                 maker->limited.place);
        else
                add_verdict_text(maker->buf, "private", "there is no public endpoint",
                                 cluster->public.place);
}

static void add_endpoint(struct maker *maker) {
        const struct cloud_cluster *cluster = maker->cluster;

        buf_add(maker->buf, STR(",\"endpoint\":{"));
        add_place(maker->buf, "place", cluster->public.place);
        add_fact(maker->buf, "public", &cluster->public);
        add_fact(maker->buf, "private", &cluster->private);
        add_fact(maker->buf, "dnsEndpoint", &cluster->dns);
        add_fact(maker->buf, "publicFqdn", &cluster->public_fqdn);
        add_fact(maker->buf, "providerAddresses", &cluster->provider_addresses);
        add_allow_list(maker);
        add_kubeconfigs(maker);
        add_verdict(maker);
        buf_add_char(maker->buf, '}');
}

static void make_one(struct cloud *cloud, const struct cloud_cluster *cluster, struct buf *buf) {
        struct maker maker = { .cloud = cloud, .cluster = cluster, .buf = buf };

        join_rules(&maker);
        sum_up(&maker);
        buf_add(buf, STR("{\"apiVersion\":\"redoubt.io/v1\",\"kind\":\"ManagedCluster\","
                         "\"metadata\":{\"name\":"));
        buf_add_json(buf, cluster->name);
        buf_add(buf, STR("},"));
        add_place(buf, "place", cluster->place);
        buf_printf(buf, ",\"provider\":\"%s\",\"source\":", cluster->provider);
        buf_add_json(buf, cluster->source);
        add_fact(buf, "region", &cluster->region);
        add_fact(buf, "version", &cluster->version);
        add_endpoint(&maker);
        add_fact(buf, "privateNodes", &cluster->private_nodes);
        add_fact(buf, "secretsKey", &cluster->key);
        add_fact(buf, "auditLog", &cluster->audit_log);
        add_fact(buf, "monitoring", &cluster->monitoring);
        add_fact(buf, "localAccounts", &cluster->local_accounts);
        add_fact(buf, "directory", &cluster->directory);
        add_fact(buf, "directoryRights", &cluster->directory_rights);
        add_fact(buf, "runCommand", &cluster->run_command);
        add_fact(buf, "legacyRights", &cluster->legacy_rights);
        add_fact(buf, "clientCertificate", &cluster->client_certificate);
        add_fact(buf, "releaseChannel", &cluster->channel);
        add_fact(buf, "alpha", &cluster->alpha);
        buf_add_char(buf, '}');
        vec_free(&maker.entries);
}

void cloud_make(struct cloud *cloud, cloud_emit_fn *emit, void *userdata) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < cloud->clusters.count; i++) {
                const struct cloud_cluster *cluster = cloud->clusters.items[i];

                buf_clear(&buf);
                make_one(cloud, cluster, &buf);
                emit(userdata, buf_str(&buf), cluster->place.file, cluster->place.pos);
        }
}
