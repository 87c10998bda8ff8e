/* redoubt secrets timeline: which certificate, token or kubeconfig expires when. */
#include <errno.h>
#include <time.h>

#include "base/confine.h"
#include "base/fs.h"
#include "base/util.h"
#include "cmd/cluster.h"
#include "cmd/objects.h"
#include "cmd/secrets.h"
#include "cmd/secrets_timeline.h"
#include "cmd/table.h"
#include "kube/moment.h"

enum { TIMELINE_TEXT, TIMELINE_JSON, TIMELINE_CALENDAR, TIMELINE_METRICS };
enum { WITHIN_DAYS = 30 };

struct timeline_arguments {
        struct option_strings files, pems;
        struct cluster_arguments cluster;
        const char *now;
        int format;
};

static const struct option_word formats[] = {
        { "text", TIMELINE_TEXT, "for people" },
        { "json", TIMELINE_JSON, "for programs" },
        { "ics", TIMELINE_CALENDAR, "a calendar (iCalendar)" },
        { "prometheus", TIMELINE_METRICS, "metrics, for the node exporter's textfile collector" },
        { NULL },
};

/* --- words --- */

struct str timeline_what(struct arena *arena, const struct credential *credential) {
        const char *name = credential_type_name(credential);

        if (credential->type == CREDENTIAL_CERTIFICATE && credential->authority)
                name = "authority";
        if (!credential->readable && credential->type != CREDENTIAL_PASSWORD)
                return arena_printf(arena, "unreadable %s", name);
        if (credential->subject.len == 0 && credential->dns.count > 0)
                return arena_printf(arena, "%s %.*s", name, STR_ARG(credential->dns.items[0]));
        return arena_printf(arena, "%s %.*s", name, STR_ARG(credential->subject));
}

static struct str key_text(struct arena *arena, const struct credential *credential) {
        if (credential->type != CREDENTIAL_CERTIFICATE || !credential->readable)
                return STR("-");
        return arena_printf(arena, "%.*s %d%s", STR_ARG(credential->algorithm), credential->bits,
                            credential->key_differs ? ", of another" : "");
}

static void add_row(struct arena *arena, struct table *table, const struct credentials *credentials,
                    const struct credential *credential) {
        struct buf end _cleanup_(buf_free) = BUF_INIT;
        struct str days = STR("-"), when = STR("never");
        bool chain = credential->type == CREDENTIAL_CERTIFICATE;

        if (credential->has_end) {
                credential_add_time(&end, credential->end);
                when = arena_str(arena, buf_str(&end));
                days = arena_printf(arena, "%lld",
                                    (long long)credential_days(credentials, credential));
        } else if (!credential->readable && chain) {
                when = STR("?");
        }
        table_add(arena, table, days, when, timeline_what(arena, credential),
                  key_text(arena, credential),
                  chain ? str_from(credential_chain_name(credential)) : STR("-"),
                  credential_where(arena, credential),
                  arena_printf(arena, "%.*s:%u", STR_ARG(credential->file), credential->pos.line));
}

static void add_text(struct arena *arena, struct buf *buf, const struct credentials *credentials) {
        struct table table = { .columns = 7 };
        size_t over = 0, soon = 0, never = 0;

        table_add(arena, &table, STR("DAYS"), STR("EXPIRES"), STR("WHAT"), STR("KEY"), STR("CHAIN"),
                  STR("WHERE"), STR("PLACE"));
        for (size_t i = 0; i < credentials->list.count; i++) {
                const struct credential *credential = &credentials->list.items[i];
                int64_t days = credential_days(credentials, credential);

                add_row(arena, &table, credentials, credential);
                over += credential->has_end && days < 0;
                soon += credential->has_end && days >= 0 && days < WITHIN_DAYS;
                never += !credential->has_end;
        }
        if (credentials->list.count > 0)
                table_write(buf, &table);
        buf_printf(buf, "%zu certificates and tokens: %zu expired, %zu within %d days, %zu never\n",
                   credentials->list.count, over, soon, WITHIN_DAYS, never);
}

static void add_json(struct buf *buf, const struct credentials *credentials) {
        buf_add(buf, STR("{\"now\":\""));
        credential_add_time(buf, credentials->now);
        buf_add(buf, STR("\",\"credentials\":["));
        for (size_t i = 0; i < credentials->list.count; i++) {
                buf_add(buf, i > 0 ? STR(",\n") : STR("\n"));
                credential_add_json(buf, credentials, &credentials->list.items[i]);
        }
        buf_add(buf, STR("\n]}\n"));
}

/* --- input --- */

static int read_now(struct command_context *context, const char *text, int64_t *ret) {
        struct tm tm = { 0 };
        struct str utc;

        *ret = (int64_t)time(NULL);
        if (!text)
                return 0;
        if (kube_time_text(context->arena, str_from(text), false, &utc) < 0 || utc.len == 0 ||
            !strptime(utc.ptr, "%Y-%m-%dT%H:%M:%SZ", &tm))
                return error_set(context->error, -EINVAL,
                                 "--now: \"%s\" is no time as 2026-01-31T12:00:00Z", text);
        *ret = (int64_t)timegm(&tm);
        return 0;
}

static int confine_to_files(struct command_context *context,
                            const struct timeline_arguments *arguments) {
        size_t most = arguments->files.count + arguments->pems.count + 1;
        const char **paths = arena_new_array(context->arena, most, const char *);
        struct confine_rules rules = { 0 };

        for (size_t i = 0; i < arguments->files.count; i++)
                paths[rules.read_count++] = arguments->files.items[i];
        for (size_t i = 0; i < arguments->pems.count; i++)
                paths[rules.read_count++] = arguments->pems.items[i];
        if (rules.read_count == 0)
                paths[rules.read_count++] = ".";
        rules.read = paths;
        return confine(&rules, NULL, context->error);
}

static void add(void *userdata, struct str file, const struct resource *resource) {
        credentials_add(userdata, file, resource);
}

static bool read_pems(const struct option_strings *pems, struct credentials *credentials) {
        bool complete = true;

        for (size_t i = 0; i < pems->count; i++) {
                struct buf buf _cleanup_(buf_free) = BUF_INIT;
                struct error error = { 0 };
                int r = fs_read(pems->items[i], -1, CREDENTIAL_VALUE_MAX, false, &buf, &error);

                if (r >= 0)
                        credentials_add_pem(credentials, str_from(pems->items[i]), buf_str(&buf));
                else
                        objects_tell(str_from(pems->items[i]), (struct doc_pos){ 0, 0 },
                                     str_from(error.message));
                complete &= r >= 0;
                if (buf.data)
                        explicit_bzero(buf.data, buf.len);
        }
        return complete;
}

static bool reads(struct str group, struct str resource) {
        return credentials_reads(group, resource);
}

static int read_all(struct command_context *context, const struct timeline_arguments *arguments,
                    struct credentials *credentials, bool *ret_complete) {
        const struct cluster_wish wish = { .reads = reads };
        struct input_list inputs _cleanup_(input_free) = { 0 };
        bool live = cluster_named(&arguments->cluster) || arguments->pems.count > 0;
        int r = 0;

        if (!live || arguments->files.count > 0)
                r = objects_open(context, &arguments->files, &inputs);
        if (r >= 0)
                r = cluster_open(context, &arguments->cluster, &wish, &inputs, NULL);
        if (r >= 0)
                r = confine_to_files(context, arguments);
        if (r < 0)
                return r;
        *ret_complete = objects_read(&inputs, add, credentials);
        *ret_complete &= read_pems(&arguments->pems, credentials);
        return 0;
}

/* What was not looked into is told; Secrets that nobody asked to read make nothing incomplete. */
static bool tell(const struct credentials *credentials) {
        if (credentials->closed > 0)
                command_note("%zu Secrets were not read (--read-secrets)", credentials->closed);
        if (credentials->left_out > 0)
                command_note("more than %d certificates and tokens: %zu are left out",
                             CREDENTIALS_MAX, credentials->left_out);
        if (credentials->too_large > 0)
                command_note("%zu values of more than 1 MiB were not looked into",
                             credentials->too_large);
        return credentials->left_out == 0 && credentials->too_large == 0;
}

static bool ends_soon(const struct credentials *credentials) {
        for (size_t i = 0; i < credentials->list.count; i++)
                if (credentials->list.items[i].has_end &&
                    credential_days(credentials, &credentials->list.items[i]) < WITHIN_DAYS)
                        return true;
        return false;
}

static int run(struct command_context *context, _unused_ int argc, _unused_ char **argv) {
        const struct timeline_arguments *arguments = context->options;
        struct credentials credentials _cleanup_(credentials_free) = { 0 };
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        bool complete = true;
        int64_t now;
        int r = read_now(context, arguments->now, &now);

        if (r < 0)
                return r;
        credentials_init(&credentials, now);
        r = read_all(context, arguments, &credentials, &complete);
        if (r < 0)
                return r;
        credentials_finish(&credentials);
        complete &= tell(&credentials);
        if (arguments->format == TIMELINE_JSON)
                add_json(&text, &credentials);
        else if (arguments->format == TIMELINE_CALENDAR)
                timeline_add_calendar(&text, &credentials);
        else if (arguments->format == TIMELINE_METRICS)
                timeline_add_metrics(&text, &credentials);
        else
                add_text(context->arena, &text, &credentials);
        if (fwrite(text.data, 1, text.len, stdout) != text.len)
                return error_set(context->error, -EIO, "cannot write the timeline");
        if (!complete)
                return COMMAND_INCOMPLETE;
        return ends_soon(&credentials) ? COMMAND_FINDINGS : COMMAND_CLEAN;
}

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE,
          offsetof(struct timeline_arguments, format), .words = formats },
        { 0, "now", "TIME", "count days from this time (2026-01-31T12:00:00Z), not from now",
          OPTION_STRING, offsetof(struct timeline_arguments, now) },
        OPTION_SECTION("Input"),
        { 'f', "file", "PATH",
          "manifests, kubeconfigs, facts of nodes: a file, a folder or - (default: .)",
          OPTION_STRINGS, offsetof(struct timeline_arguments, files), .hint = OPTION_HINT_FILE },
        { 0, "pem", "FILE", "certificates as PEM, with or without their key", OPTION_STRINGS,
          offsetof(struct timeline_arguments, pems), .hint = OPTION_HINT_FILE },
        CLUSTER_OPTIONS(struct timeline_arguments, cluster),
        OPTION_END,
};

static const struct command_example examples[] = {
        { "redoubt secrets timeline -f manifests", "what expires when, of a folder" },
        { "redoubt secrets timeline --cluster --read-secrets -o ics",
          "of a cluster, as a calendar" },
        { "redoubt secrets timeline --pem /etc/kubernetes/pki/ca.crt", "of a file" },
        { NULL },
};

const struct command command_secrets_timeline = {
        .name = "timeline",
        .summary = "which certificate, token or kubeconfig expires when",
        .description =
                "Finds the certificates and tokens in Secrets, ConfigMaps, kubeconfigs, CA bundles "
                "of webhooks, APIServices and CustomResourceDefinitions, and in facts of nodes "
                "(redoubt node facts), and lists them by the time at which they expire, with their "
                "key and with who of the input signed them. Keys and tokens are never shown. Of a "
                "cluster, Secrets are read only with --read-secrets.\n\n"
                "Exit status: 0 nothing expires within 30 days, 1 something does or has, 2 an "
                "error, 3 something could not be read.",
        .options = specs,
        .options_size = sizeof(struct timeline_arguments),
        .examples = examples,
        .run = run,
};
