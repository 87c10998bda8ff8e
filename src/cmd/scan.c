/* redoubt scan: judges the manifests in files and folders. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/util.h"
#include "cmd/command.h"
#include "cmd/rbac.h"
#include "cmd/rules.h"
#include "cmd/scan.h"
#include "scan/declared.h"
#include "scan/scan.h"
#include "scan/tally.h"

enum { FAIL_NEVER = SEVERITY_COUNT };

static const struct option_word severities[] = {
        { "low", SEVERITY_LOW, "any finding" },
        { "medium", SEVERITY_MEDIUM, "medium, high or critical" },
        { "high", SEVERITY_HIGH, "high or critical" },
        { "critical", SEVERITY_CRITICAL, "critical" },
        { "never", FAIL_NEVER, "findings do not matter" },
        { NULL },
};

#define AT(field) offsetof(struct scan_arguments, field)

const struct option_spec scan_specs[] = {
        OPTION_SECTION("Report"),
        { 'o', "output", "FORMAT[=FILE]",
          "text, brief, table, wide, json or sarif, to standard output or to FILE; may be given "
          "several times",
          OPTION_STRINGS, AT(outputs), .hint = OPTION_HINT_WORDS,
          .hint_words = "text brief table wide json sarif" },
        { 0, "brief", NULL, "one line for each finding, the same as -o brief", OPTION_FLAG,
          AT(brief) },
        { 0, "all", NULL, "list every place of a repeated finding", OPTION_FLAG, AT(all) },
        { 0, "fail-on", "SEVERITY", "exit with 1 for findings of this severity or worse",
          OPTION_CHOICE, AT(fail_on), .words = severities },
        RULE_OPTIONS(struct scan_arguments, rules),
        OPTION_SECTION("Input"),
        { 0, "old", "OLD",
          "the version before: a file, a folder or a git revision (git:NAME where a file has that "
          "name); what is in both is judged as an UPDATE, what is only there as a DELETE",
          OPTION_STRINGS, AT(old), .hint = OPTION_HINT_FILE },
        { 0, "new-only", NULL, "only findings that the version of --old does not have", OPTION_FLAG,
          AT(new_only) },
        { 0, "crds", "PATH",
          "a file or folder with CustomResourceDefinitions, beside those of the input",
          OPTION_STRINGS, AT(crds), .hint = OPTION_HINT_FILE },
        { 'n', "namespace", "NAME", "the namespace of objects that name none", OPTION_STRING,
          AT(namespace) },
        { 0, "as", "USER",
          "the user who makes the requests, for rules that ask the authorizer (answered from the "
          "Roles and bindings of the input)",
          OPTION_STRING, AT(as) },
        { 0, "as-group", "GROUP", "a group of that user", OPTION_STRINGS, AT(groups) },
        { 0, "pod-security", NULL,
          "only what the Pod Security labels of each pod's Namespace enforce, as the cluster would",
          OPTION_FLAG, AT(rules.pod_security) },
        { 0, "as-submitted", NULL, "judge the text as it is, not what the API server decodes",
          OPTION_FLAG, AT(as_submitted) },
        { 'j', "threads", "N", "worker threads; all processors by default", OPTION_INTEGER,
          AT(threads), .min = 1, .max = 256 },
        CLUSTER_OPTIONS(struct scan_arguments, cluster),
        { 0, "manifests", "PATH",
          "a file or folder with what is declared of the cluster: findings tell the line that they "
          "come from, and where the cluster differs (drift) there are findings, too",
          OPTION_STRINGS, AT(manifests), .hint = OPTION_HINT_FILE },
        { 0, "undeclared", "SELECTOR",
          "live objects with these labels (app=shop) have to be among the manifests", OPTION_STRING,
          AT(undeclared) },
        { 0, "watch", NULL,
          "go on as the cluster changes: a line for each finding that appears or is resolved (with "
          "--new-only, only those that were not there at the beginning)",
          OPTION_FLAG, AT(watch) },
        OPTION_SECTION("Limits"),
        { 0, "max-file-size", "SIZE", "refuse larger files; 64M by default", OPTION_SIZE,
          AT(max_file), .min = 1, .max = INT64_C(2) << 30 },
        { 0, "max-depth", "N", "nesting of lists and maps; 256 by default", OPTION_INTEGER,
          AT(max_depth), .min = 1, .max = 1000 },
        { 0, "max-nodes", "N", "values in one document; 4000000 by default", OPTION_INTEGER,
          AT(max_nodes), .min = 1, .max = INT32_MAX },
        { 0, "max-alias-nodes", "N",
          "values reached through aliases in one document; 200000 by default", OPTION_INTEGER,
          AT(max_aliases), .min = 0, .max = INT32_MAX },
        { 0, "max-findings", "N", "findings that are kept; 1000000 by default", OPTION_INTEGER,
          AT(max_findings), .min = 1, .max = INT32_MAX },
        { 0, "no-sandbox", NULL, "do not confine the process (for debuggers)", OPTION_FLAG,
          AT(no_sandbox), .hidden = true },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .optional = true, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt scan examples/shop", "judge every manifest of a folder" },
        { "helm template CHART | redoubt scan -", "judge what a chart renders" },
        { "redoubt scan --framework pss-restricted examples/shop",
          "only the Pod Security Standards" },
        { "redoubt scan --old main --new-only examples/shop", "only what a branch makes worse" },
        { "redoubt scan -o text -o sarif=findings.sarif examples/shop",
          "a report to read and one to upload" },
        { NULL },
};

/* --- outputs --- */

struct output {
        enum report_format format;
        FILE *file; /* NULL: standard output */
        const char *name;
};

struct outputs {
        struct output *items;
        size_t count;
};

static void close_outputs(struct outputs *outputs) {
        for (size_t i = 0; i < outputs->count; i++)
                close_file(&outputs->items[i].file);
}

static int open_output(struct command_context *context, const char *text, struct output *ret) {
        struct str rest = str_from(text), format;

        str_split(&rest, '=', &format);
        if (report_format_parse(format, &ret->format) < 0)
                return error_set(context->error, -EINVAL,
                                 "unknown format \"%.*s\"; there are text, brief, table, wide, "
                                 "json and sarif",
                                 STR_ARG(format));
        if (!rest.ptr || str_eq(rest, STR("-")))
                return 0;
        ret->name = rest.ptr;
        ret->file = fopen(ret->name, "we");
        if (!ret->file)
                return error_set(context->error, -errno, "cannot write %s: %s", ret->name,
                                 strerror(errno));
        return 0;
}

/* Opens every output before the process gives up the right to. */
static int open_outputs(struct command_context *context, const struct scan_arguments *arguments,
                        struct outputs *ret) {
        size_t count = arguments->outputs.count, to_stdout = 0;
        int r;

        ret->items = arena_new_array(context->arena, MAX(count, (size_t)1), struct output);
        if (count == 0)
                ret->items[ret->count++].format = arguments->brief ? REPORT_BRIEF : REPORT_TEXT;
        for (size_t i = 0; i < count; i++) {
                r = open_output(context, arguments->outputs.items[i], &ret->items[ret->count++]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ret->count; i++)
                to_stdout += !ret->items[i].file;
        if (to_stdout > 1)
                return error_set(context->error, -EINVAL,
                                 "only one report can go to standard output; give the others a "
                                 "file: -o sarif=FILE");
        return 0;
}

static int write_outputs(struct command_context *context, const struct outputs *outputs,
                         const struct report *report, bool all) {
        for (size_t i = 0; i < outputs->count; i++) {
                struct output *output = &outputs->items[i];
                FILE *out = output->file ? output->file : stdout;
                bool terminal = !output->file && isatty(STDOUT_FILENO);
                struct report_style style = {
                        .colour = !output->file && command_colour(context, STDOUT_FILENO),
                        .unicode = command_unicode(),
                        .width = terminal ? command_width(STDOUT_FILENO, 100) : 0,
                        .all = all
                };
                int r;

                /* The wrapped text is for people, wherever it goes. */
                if (output->format == REPORT_TEXT && style.width == 0)
                        style.width = 100;
                r = report_write(output->format, report, &style, out);
                if (r >= 0 && fflush(out) != 0)
                        r = -errno;
                if (r < 0)
                        return error_set(context->error, r, "cannot write %s: %s",
                                         output->name ? output->name : "the report", strerror(-r));
        }
        return 0;
}

static bool shows_frames(const struct outputs *outputs) {
        for (size_t i = 0; i < outputs->count; i++)
                if (outputs->items[i].format == REPORT_TEXT ||
                    outputs->items[i].format == REPORT_SARIF)
                        return true;
        return false;
}

/* --- running --- */

static struct doc_limits limits_of(const struct scan_arguments *arguments) {
        struct doc_limits limits = doc_default_limits;

        if (arguments->max_file > 0)
                limits.file_bytes = arguments->max_file;
        if (arguments->max_depth > 0)
                limits.depth = (uint32_t)arguments->max_depth;
        if (arguments->max_nodes > 0)
                limits.nodes = (size_t)arguments->max_nodes;
        if (arguments->max_aliases >= 0)
                limits.alias_nodes = (size_t)arguments->max_aliases;
        return limits;
}

static int add_inputs(struct command_context *context, struct input_list *inputs, int argc,
                      char **argv) {
        for (int i = 0; i < argc; i++) {
                int r = input_add(inputs, argv[i], context->error);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* The version before: what is a file or a folder is read, anything else is asked of git. */
static int add_old(struct command_context *context, struct input_list *old, int argc, char **argv) {
        const struct scan_arguments *arguments = context->options;
        int r = 0;

        for (size_t i = 0; i < arguments->old.count && r >= 0; i++) {
                const char *name = arguments->old.items[i];
                bool git = str_starts(str_from(name), STR("git:"));

                if (!git && (strcmp(name, "-") == 0 || access(name, F_OK) == 0)) {
                        r = input_add(old, name, context->error);
                        continue;
                }
                for (int k = 0; k < argc && r >= 0; k++)
                        r = input_add_revision(old, argv[k], git ? name + 4 : name, context->error);
        }
        return r;
}

static int add_crds(struct command_context *context, struct input_list *crds) {
        const struct scan_arguments *arguments = context->options;
        int r = 0;

        for (size_t i = 0; i < arguments->crds.count && r >= 0; i++)
                r = input_add(crds, arguments->crds.items[i], context->error);
        return r;
}

/* From here on the process can read what it was given and write what it has open, and nothing else.
 */
static int confine_scan(struct command_context *context, int argc, char **argv) {
        const struct scan_arguments *arguments = context->options;
        size_t most = (size_t)argc + arguments->old.count + arguments->crds.count;
        const char **paths = arena_new_array(context->arena, most, const char *);
        struct confine_rules rules = { .read = paths };
        struct confine_result result;
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        int r;

        for (int i = 0; i < argc; i++)
                paths[rules.read_count++] = argv[i];
        for (size_t i = 0; i < arguments->old.count; i++)
                paths[rules.read_count++] = arguments->old.items[i];
        for (size_t i = 0; i < arguments->crds.count; i++)
                paths[rules.read_count++] = arguments->crds.items[i];
        r = confine(&rules, &result, context->error);
        if (r < 0)
                return r;
        if (context->common.verbose > 0) {
                confine_describe(&text, &result);
                command_note("confined: %s", text.data);
        }
        return 0;
}

struct progress_view {
        struct progress progress;
        size_t total;
};

static void show_progress(void *userdata, size_t files, uint64_t bytes, struct str file) {
        struct progress_view *view = userdata;
        struct progress_state state = {
                .done = files, .total = view->total, .bytes = bytes, .current = file
        };

        progress_update(&view->progress, &state);
}

static double now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct str joined(struct arena *arena, int argc, char **argv) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (int i = 0; i < argc && i < 4; i++)
                buf_printf(&buf, "%s%s", i ? " " : "", argv[i]);
        if (argc > 4)
                buf_add(&buf, STR(" ..."));
        return arena_str(arena, buf_str(&buf));
}

static int exit_status(const struct report *report, int fail_on) {
        if (report_incomplete(report))
                return COMMAND_INCOMPLETE;
        for (size_t i = 0; i < report->list->findings.count; i++)
                if ((int)report->list->findings.items[i].rule->severity >= fail_on)
                        return COMMAND_FINDINGS;
        return COMMAND_CLEAN;
}

static void scan_and_time(struct command_context *context, const struct scan_options *base,
                          const struct input_list *inputs, struct report *report) {
        const struct scan_arguments *arguments = context->options;
        struct scan_options options = *base;
        struct progress_view view = { .total = inputs->files.count };
        double started = now();

        progress_start(&view.progress, STDERR_FILENO, "judging", !context->common.quiet);
        options.progress = show_progress;
        options.userdata = &view;
        scan_files(&options, inputs, report->list, &report->coverage);
        if (arguments->new_only)
                scan_keep_new(&options, report->list, &report->coverage);
        progress_end(&view.progress);
        report->seconds = now() - started;
}

static struct scan_options options_of(struct command_context *context, struct policy_set *set,
                                      const struct input_list *old, const struct input_list *crds) {
        const struct scan_arguments *arguments = context->options;
        struct scan_options options = {
                .policies = set,
                .old = arguments->old.count > 0 ? old : NULL,
                .crds = arguments->crds.count > 0 ? crds : NULL,
                .limits = limits_of(arguments),
                .threads = arguments->threads > 0 ? (unsigned)arguments->threads
                                                  : (unsigned)pool_default_threads(),
                .namespace = str_from(arguments->namespace ? arguments->namespace : ""),
                .user = str_from(arguments->as ? arguments->as : ""),
                .as_submitted = arguments->as_submitted,
                .max_findings =
                        arguments->max_findings > 0 ? (size_t)arguments->max_findings : 1000000,
        };

        options.groups = rbac_groups_of(context->arena, &arguments->groups, options.user,
                                        &options.group_count);
        return options;
}

/* What is declared of the cluster. */
static int read_manifests(struct command_context *context, struct scan_options *options,
                          struct input_list *manifests) {
        const struct scan_arguments *arguments = context->options;
        int r = 0;

        for (size_t i = 0; i < arguments->manifests.count && r >= 0; i++)
                r = input_add(manifests, arguments->manifests.items[i], context->error);
        if (r < 0 || arguments->manifests.count == 0)
                return r;
        return declared_read(options, manifests, arguments->undeclared, &options->declared,
                             context->error);
}

/* Files that are read while it goes on. */
static int watch_cluster(struct command_context *context, const struct scan_options *options,
                         const struct cluster_wish *wish, const struct input_list *manifests) {
        const struct scan_arguments *arguments = context->options;

        if (manifests->problems.count > 0)
                return error_set(context->error, -EINVAL, "%.*s: %.*s",
                                 STR_ARG(manifests->problems.items[0].file),
                                 STR_ARG(manifests->problems.items[0].message));
        return scan_watch(context, options, wish, arguments->crds.items, arguments->crds.count);
}

static int check_usage(const struct command_context *context, int argc) {
        const struct scan_arguments *arguments = context->options;
        const struct cluster_arguments *cluster = &arguments->cluster;

        if (arguments->new_only && arguments->old.count == 0 && !arguments->watch)
                return command_usage_error(context, "--new-only needs --old OLD or --watch");
        if (argc == 0 && !arguments->given && !cluster_named(cluster))
                return command_usage_error(context, "give a PATH, --cluster or --from");
        if (arguments->manifests.count > 0 && !cluster_named(cluster))
                return command_usage_error(context, "--manifests needs --cluster or --from");
        if (arguments->undeclared && arguments->manifests.count == 0)
                return command_usage_error(context, "--undeclared needs --manifests PATH");
        if (arguments->watch && (!cluster->cluster || cluster->snapshots.count > 0 || argc > 0 ||
                                 arguments->old.count > 0))
                return command_usage_error(context, "--watch looks at a live cluster and nothing "
                                                    "else: --cluster --watch");
        return 0;
}

int scan_command(struct command_context *context, int argc, char **argv, const char *about) {
        const struct scan_arguments *arguments = context->options;
        struct policy_set set _cleanup_(policy_set_free) = { 0 };
        struct finding_list list _cleanup_(finding_list_free) = { 0 };
        struct outputs outputs _cleanup_(close_outputs) = { 0 };
        struct doc_limits limits = limits_of(arguments);
        struct input_list inputs _cleanup_(input_free) = { .file_limit = limits.file_bytes };
        struct input_list old _cleanup_(input_free) = { .file_limit = limits.file_bytes };
        struct input_list crds _cleanup_(input_free) = { .file_limit = limits.file_bytes };
        struct report report = { .list = &list,
                                 .title = joined(context->arena, argc, argv),
                                 .version = REDOUBT_VERSION };
        struct input_list manifests _cleanup_(input_free) = { .file_limit = limits.file_bytes };
        struct cluster_wish wish = { .namespace = arguments->namespace, .set = &set };
        struct scan_options options = options_of(context, &set, &old, &crds);
        struct tally tally _cleanup_(tally_free) = { 0 };
        int r;

        r = check_usage(context, argc);
        if (r != 0)
                return r;
        if (!arguments->watch)
                r = open_outputs(context, arguments, &outputs);
        if (r >= 0)
                r = rules_load(&arguments->rules, context, &set);
        if (r >= 0 && about)
                policy_set_keep_about(&set, STR(POLICY_OWN_GROUP), str_from(about));
        if (r >= 0)
                r = add_inputs(context, &inputs, argc, argv);
        if (r >= 0 && arguments->given) {
                report.title = arguments->given->title;
                input_add_text(&inputs, arguments->given->title, arguments->given->text);
                for (size_t i = 0; i < arguments->given->problem_count; i++)
                        *vec_push(&inputs.problems) = arguments->given->problems[i];
        }
        if (r >= 0)
                r = add_old(context, &old, argc, argv);
        if (r >= 0)
                r = add_crds(context, &crds);
        if (r >= 0)
                r = read_manifests(context, &options, &manifests);
        wish.declared = options.declared;
        if (r >= 0 && !arguments->watch)
                r = cluster_open(context, &arguments->cluster, &wish, &inputs, NULL);
        if (r >= 0 && !arguments->watch && !arguments->no_sandbox)
                r = confine_scan(context, argc, argv);
        options.frames = shows_frames(&outputs);
        if (r >= 0 && arguments->watch)
                r = watch_cluster(context, &options, &wish, &manifests);
        if (r < 0 || arguments->watch) {
                declared_free(options.declared);
                return r;
        }
        /* What is wrong with the manifests is wrong with the scan. */
        for (size_t i = 0; i < manifests.problems.count; i++)
                *vec_push(&inputs.problems) = manifests.problems.items[i];
        if (arguments->rules.frameworks.count > 0) {
                tally_init(&tally, &set);
                options.tally = &tally;
        }
        scan_and_time(context, &options, &inputs, &report);
        report.rules = rules_table(context->arena, &set, &report.rule_count);
        if (options.tally)
                report.frameworks = controls_conclude(
                        &set, &tally, &list,
                        option_strs(context->arena, &arguments->rules.frameworks),
                        arguments->rules.frameworks.count, &report.framework_count);
        r = write_outputs(context, &outputs, &report, arguments->all);
        declared_free(options.declared);
        return r < 0 ? r : exit_status(&report, arguments->fail_on);
}

static int run(struct command_context *context, int argc, char **argv) {
        return scan_command(context, argc, argv, NULL);
}

const struct scan_arguments scan_defaults = { .max_aliases = -1 };

const struct command command_scan = {
        .name = "scan",
        .summary = "judge Kubernetes manifests",
        .description =
                "Reads Kubernetes manifests (YAML or JSON; files, folders, or - for standard "
                "input), judges every object by "
                "the catalogue of rules, and says for each finding what is wrong, where, why it "
                "matters and what to "
                "do.\n\nFolders are searched for .yaml, .yml and .json files; hidden folders and "
                "what .redoubtignore names "
                "are left out. What cannot be read or judged is reported and makes the scan "
                "incomplete.\n\nExit status: 0 "
                "clean, 1 findings at or above --fail-on, 2 an error, 3 something was not judged.",
        .options = scan_specs,
        .defaults = &scan_defaults,
        .options_size = sizeof scan_defaults,
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
