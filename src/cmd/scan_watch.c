/* redoubt scan --cluster --watch: a line for each finding that appears or is resolved. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/confine.h"
#include "base/util.h"
#include "cmd/scan.h"
#include "inventory/follow.h"
#include "report/json.h"
#include "report/report.h"
#include "scan/live.h"
#include "scan/scan.h"

enum { STEP_MS = 250 };

static volatile sig_atomic_t stop_asked;

struct watch {
        struct command_context *context;
        const struct scan_arguments *arguments;
        const struct cluster_wish *wish;
        struct follow *follow;
        struct live_scan *scan;
        struct arena scratch;
        struct buf line;
        bool json, initial, quiet_start;
        int failed; /* of writing */
};

/* --- output --- */

static void add_time(struct buf *buf) {
        time_t now = time(NULL);
        struct tm utc;

        gmtime_r(&now, &utc);
        buf_printf(buf, "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                   utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static void put_line(struct watch *watch) {
        struct str line = buf_str(&watch->line);

        buf_add_char(&watch->line, '\n');
        line.len++;
        line.ptr = watch->line.data;
        if (fwrite(line.ptr, 1, line.len, stdout) != line.len)
                watch->failed = -errno;
        buf_clear(&watch->line);
}

static void begin_json(struct watch *watch, const char *event) {
        buf_add(&watch->line, STR("{\"time\":\""));
        add_time(&watch->line);
        buf_printf(&watch->line, "\",\"event\":\"%s\"", event);
}

static void add_name(struct buf *buf, const struct resource_ref *ref) {
        buf_add_terminal(buf, ref->kind);
        buf_add_char(buf, ' ');
        if (ref->namespace.len > 0) {
                buf_add_terminal(buf, ref->namespace);
                buf_add_char(buf, '/');
        }
        buf_add_terminal(buf, ref->name);
}

static void add_place(struct buf *buf, const struct finding_location *location) {
        buf_add_terminal(buf, location->file);
        if (location->start.line > 0)
                buf_printf(buf, ":%u:%u", location->start.line, location->start.column);
}

static void write_text(struct watch *watch, const char *event, const struct finding *finding) {
        struct buf *line = &watch->line;

        add_time(line);
        buf_printf(line, " %-8s %-8s ", event, severity_name(finding->rule->severity));
        buf_add_terminal(line, finding->rule->id);
        buf_add(line, STR(": "));
        buf_add_terminal(line, finding->message);
        buf_add(line, STR(" ("));
        add_name(line, &finding->resource);
        if (finding->owner.kind.len > 0) {
                buf_add(line, STR(", made by "));
                add_name(line, &finding->owner);
        }
        if (finding->declared.file.len > 0) {
                buf_add(line, STR(", declared at "));
                add_place(line, &finding->declared);
        }
        buf_add(line, STR(", "));
        add_place(line, &finding->location);
        buf_add_char(line, ')');
}

static void tell_problem(struct watch *watch, const char *event, struct str file,
                         struct str message) {
        if (watch->json) {
                begin_json(watch, event);
                json_string(&watch->line, "file", file);
                json_string(&watch->line, "message", message);
                buf_add_char(&watch->line, '}');
                put_line(watch);
        }
        if (!watch->json || strcmp(event, "problem") == 0)
                command_note("%.*s%s%.*s", STR_ARG(file), file.len ? ": " : "", STR_ARG(message));
}

static const char *event_name(enum live_event event) {
        return event == LIVE_APPEARED   ? "appeared"
               : event == LIVE_RESOLVED ? "resolved"
                                        : "changed";
}

static void write_json(struct watch *watch, const char *event, const struct finding *finding,
                       const struct finding *before) {
        begin_json(watch, event);
        json_bool(&watch->line, "initial", watch->initial);
        json_key(&watch->line, "finding");
        json_finding(&watch->line, finding);
        if (before) {
                json_key(&watch->line, "previous");
                buf_add_char(&watch->line, '{');
                json_string(&watch->line, "message", before->message);
                json_string(&watch->line, "fingerprint", before->fingerprint);
                buf_add_char(&watch->line, '}');
        }
        buf_add_char(&watch->line, '}');
}

static void found(void *userdata, enum live_event event, const struct finding *finding,
                  const struct finding *before) {
        struct watch *watch = userdata;

        if (event == LIVE_PROBLEM) {
                tell_problem(watch, "problem", finding->location.file, finding->message);
                return;
        }
        if (watch->initial && watch->quiet_start)
                return;
        /* A number that grows is no news to a person. */
        if (event == LIVE_CHANGED && !watch->json && watch->context->common.verbose == 0)
                return;
        if (watch->json)
                write_json(watch, event_name(event), finding, before);
        else
                write_text(watch, event_name(event), finding);
        put_line(watch);
}

/* --- the cluster --- */

static void changed(void *userdata, struct store_object *object) {
        struct watch *watch = userdata;

        object->dirty = true;
        if (watch->scan)
                live_scan_changed(watch->scan, object);
}

static void gone(void *userdata, struct store_object *object) {
        struct watch *watch = userdata;

        if (watch->scan)
                live_scan_gone(watch->scan, object);
}

static void lists(void *userdata, struct input_list *ret) {
        const struct watch *watch = userdata;

        follow_lists(watch->follow, ret);
}

static struct str gap_text(struct watch *watch, const struct cluster_resource *resource,
                           struct str reason) {
        const struct input_gap gap = { .group = resource->group,
                                       .version = resource->version,
                                       .kind = resource->kind,
                                       .resource = resource->resource,
                                       .namespaced = resource->namespaced,
                                       .scope = !resource->namespaced ? STR("the cluster")
                                                : watch->wish->namespace
                                                        ? str_from(watch->wish->namespace)
                                                        : STR("any namespace"),
                                       .reason = reason };

        return cluster_gap_message(&watch->scratch, watch->wish, &gap);
}

static void news(void *userdata, enum follow_news news, const struct cluster_resource *resource,
                 struct str text) {
        struct watch *watch = userdata;
        struct str name = arena_printf(&watch->scratch, "%.*s%s%.*s", STR_ARG(resource->resource),
                                       resource->group.len ? "." : "", STR_ARG(resource->group));
        struct str message;

        switch (news) {
        case FOLLOW_GAP:
                tell_problem(watch, "problem", STR(""), gap_text(watch, resource, text));
                return;
        case FOLLOW_CLOSED:
                message = arena_printf(&watch->scratch, "%.*s can be listed now", STR_ARG(name));
                break;
        case FOLLOW_LOST:
                message = arena_printf(&watch->scratch,
                                       "the watch of %.*s broke off, and is tried again: %.*s",
                                       STR_ARG(name), STR_ARG(text));
                break;
        case FOLLOW_FOUND:
                message = arena_printf(&watch->scratch, "the watch of %.*s goes on", STR_ARG(name));
                break;
        default:
                message =
                        arena_printf(&watch->scratch,
                                     "the list of %.*s was read again and compared", STR_ARG(name));
                break;
        }
        if (watch->json || watch->context->common.verbose > 0 || news == FOLLOW_CLOSED)
                tell_problem(watch, "connection", STR(""), message);
        arena_reset(&watch->scratch, 1 << 16);
}

/* --- running --- */

static void stop_now(_unused_ int number) {
        stop_asked = 1;
}

/* The second time ends the process. */
static void listen_to_signals(void) {
        struct sigaction action = { .sa_handler = stop_now, .sa_flags = (int)SA_RESETHAND };

        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
}

/* The folder of FILE: a token that takes the place of an old one is another file, and confinement
 * is about files, not about their names. */
static const char *folder_of(struct arena *arena, struct str file) {
        size_t end = file.len;

        while (end > 0 && file.ptr[end - 1] != '/')
                end--;
        return end == 0 ? "." : arena_printf(arena, "%.*s", (int)end, file.ptr).ptr;
}

/* The network stays open to it, but files and programs do not. Who gets credentials from a program
 * has to be able to start it. */
static int confine_watch(struct command_context *context, const struct kubeconfig *config,
                         const char *const *paths, size_t count) {
        static const char *const resolver[] = { "/etc/resolv.conf",   "/etc/hosts",
                                                "/etc/nsswitch.conf", "/etc/gai.conf",
                                                "/etc/ssl",           "/usr/lib/ssl" };
        const char **all =
                arena_new_array(context->arena, count + ELEMENTS(resolver) + 1, const char *);
        struct confine_rules rules = { .read = all, .connect = true };
        struct confine_result result;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r;

        if (config->exec) {
                if (context->common.verbose > 0)
                        command_note("not confined: an exec plugin gives the credentials");
                return 0;
        }
        for (size_t i = 0; i < count; i++)
                all[rules.read_count++] = paths[i];
        for (size_t i = 0; i < ELEMENTS(resolver); i++)
                all[rules.read_count++] = resolver[i];
        if (config->token_file.len > 0)
                all[rules.read_count++] = folder_of(context->arena, config->token_file);
        r = confine(&rules, &result, context->error);
        if (r >= 0 && context->common.verbose > 0) {
                confine_describe(&text, &result);
                command_note("confined: %s", text.data);
        }
        return r;
}

static int64_t now_ms(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void add_open(struct buf *buf, const struct live_summary *summary) {
        size_t all = 0;

        for (int i = 0; i < SEVERITY_COUNT; i++)
                all += summary->open[i];
        buf_printf(buf, "%zu objects, %zu finding%s", summary->objects, all, all == 1 ? "" : "s");
        for (int i = SEVERITY_CRITICAL; i >= SEVERITY_LOW && all > 0; i--)
                buf_printf(buf, "%s%s %zu", i == SEVERITY_CRITICAL ? " (" : ", ",
                           severity_name((enum severity)i), summary->open[i]);
        if (all > 0)
                buf_add_char(buf, ')');
}

static void tell_summary(struct watch *watch, const char *event, const char *words) {
        struct live_summary summary = live_scan_summary(watch->scan);
        struct follow_counts counts = follow_counts(watch->follow);
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (watch->json) {
                begin_json(watch, event);
                json_number(&watch->line, "objects", summary.objects);
                for (int i = SEVERITY_CRITICAL; i >= SEVERITY_LOW; i--)
                        json_number(&watch->line, severity_name((enum severity)i), summary.open[i]);
                json_number(&watch->line, "appeared", summary.appeared);
                json_number(&watch->line, "resolved", summary.resolved);
                json_number(&watch->line, "changed", summary.changed);
                json_number(&watch->line, "notJudged", summary.not_judged);
                json_bool(&watch->line, "gaps", follow_has_gaps(watch->follow));
                buf_add_char(&watch->line, '}');
                put_line(watch);
        }
        if (watch->context->common.quiet)
                return;
        add_open(&text, &summary);
        command_note("%s: %s%s", words, text.data,
                     follow_has_gaps(watch->follow) ? "; not all could be read" : "");
        if (watch->context->common.verbose > 0)
                command_note("%zu lists read, %zu watches begun, %zu objects told", counts.lists,
                             counts.watches, counts.events);
}

static int status_of(const struct watch *watch) {
        struct live_summary summary = live_scan_summary(watch->scan);

        if (follow_has_gaps(watch->follow) || summary.not_judged > 0)
                return COMMAND_INCOMPLETE;
        for (int i = watch->arguments->fail_on; i < SEVERITY_COUNT; i++)
                if (summary.open[i] > 0)
                        return COMMAND_FINDINGS;
        return COMMAND_CLEAN;
}

/* What came while nobody judged is looked at, too. */
static void first_look(struct watch *watch) {
        for (struct store_object *object = follow_store(watch->follow)->oldest; object;
             object = object->younger)
                live_scan_changed(watch->scan, object);
        watch->initial = true;
        live_scan_settle(watch->scan, now_ms(), true);
        watch->initial = false;
        tell_summary(watch, "synced", "watching");
}

static int go_on(struct watch *watch) {
        while (!stop_asked && watch->failed == 0) {
                if (fflush(stdout) != 0)
                        watch->failed = -errno;
                follow_step(watch->follow, STEP_MS);
                live_scan_settle(watch->scan, now_ms(), false);
        }
        /* What has come is judged to its end. */
        live_scan_settle(watch->scan, now_ms(), true);
        tell_summary(watch, "ended", "ended");
        if (fflush(stdout) != 0)
                watch->failed = -errno;
        return watch->failed < 0
                       ? error_set(watch->context->error, watch->failed,
                                   "cannot write the report: %s", strerror(-watch->failed))
                       : status_of(watch);
}

static int run_watch(struct watch *watch, const struct scan_options *options,
                     const struct kubeconfig *config, struct client *client,
                     const char *const *paths, size_t path_count) {
        const struct follow_handler handler = { changed, gone, news, watch };
        const struct follow_options follow_options = {
                .cluster = cluster_options_of(&watch->arguments->cluster, watch->wish)
        };
        int r = follow_start(client, &follow_options, &handler, &watch->follow,
                             watch->context->error);

        if (r >= 0 && !watch->arguments->no_sandbox)
                r = confine_watch(watch->context, config, paths, path_count);
        if (r < 0)
                return r;
        watch->scan = live_scan_new(options, follow_store(watch->follow), found, lists, watch);
        first_look(watch);
        return go_on(watch);
}

static int choose_format(struct watch *watch) {
        const struct option_strings *outputs = &watch->arguments->outputs;

        if (outputs->count > 1 ||
            (outputs->count == 1 && strcmp(outputs->items[0], "json") != 0 &&
             strcmp(outputs->items[0], "text") != 0 && strcmp(outputs->items[0], "brief") != 0))
                return error_set(watch->context->error, -EINVAL,
                                 "--watch writes text or JSON lines to standard output: -o json");
        watch->json = outputs->count == 1 && strcmp(outputs->items[0], "json") == 0;
        return 0;
}

int scan_watch(struct command_context *context, const struct scan_options *options,
               const struct cluster_wish *wish, const char *const *paths, size_t path_count) {
        const struct scan_arguments *arguments = context->options;
        struct watch watch = { .context = context,
                               .arguments = arguments,
                               .wish = wish,
                               .quiet_start = arguments->new_only };
        struct client *client = NULL;
        struct kubeconfig config;
        int r = choose_format(&watch);

        if (r < 0)
                return r;
        listen_to_signals();
        r = cluster_connect(context, &arguments->cluster, &stop_asked, &config, &client);
        if (r >= 0)
                r = run_watch(&watch, options, &config, client, paths, path_count);
        live_scan_free(watch.scan);
        follow_free(watch.follow);
        client_free(client);
        buf_free(&watch.line);
        arena_free(&watch.scratch);
        return r;
}
