/* redoubt fix: changes manifests so that findings are gone. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "base/confine.h"
#include "base/fs.h"
#include "base/pool.h"
#include "base/util.h"
#include "cmd/audit_log.h"
#include "cmd/fix.h"
#include "cmd/rbac.h"
#include "cmd/rules.h"

enum { FORMAT_DIFF, FORMAT_TEXT, FORMAT_JSON };

struct fix_arguments {
        struct rule_arguments rules;
        struct option_strings practices, crds, flows;
        struct rbac_arguments rbac; /* its logs */
        int format;
        bool write, unsafe, diff, no_sandbox;
        const char *namespace;
        int64_t threads;
};

static const struct option_word formats[] = {
        { "diff", FORMAT_DIFF, "a patch, as diff -u makes it" },
        { "text", FORMAT_TEXT, "a line for each fix, and for those that are not offered" },
        { "json", FORMAT_JSON, "for programs" },
        { NULL },
};

/* --- computing --- */

struct work {
        struct command_context *context;
        struct policy_set set;
        struct input_list inputs, crds;
        int pipe; /* to the process that writes; -1: nothing is written */
};

static void print_problems(const struct finding_list *list, bool *ret_complete) {
        *ret_complete = true;
        for (size_t i = 0; i < list->diagnostics.count; i++) {
                const struct diagnostic *diagnostic = &list->diagnostics.items[i];
                struct error error = { 0 };

                if (!diagnostic->incomplete)
                        continue;
                *ret_complete = false;
                error_set_at(&error, -1, diagnostic->pos.line, diagnostic->pos.column, "%.*s",
                             STR_ARG(diagnostic->message));
                error_set_file(&error, diagnostic->file);
                command_print_error(&error);
        }
}

static void print_report(const struct fix_arguments *arguments, const struct fix_report *report) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (arguments->format == FORMAT_JSON)
                fix_add_json(&buf, report);
        else if (arguments->format == FORMAT_TEXT)
                fix_add_text(&buf, report);
        else if (!report->written && fix_add_patch(&buf, report))
                command_note("what Secrets hold is left out, so this is no patch; use --write");
        if (buf.len > 0)
                fwrite(buf.data, 1, buf.len, stdout);
}

static void say(const struct fix_arguments *arguments, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Where a list was printed, the numbers are part of it. */
static void say(const struct fix_arguments *arguments, const char *format, ...) {
        struct buf line _cleanup_(buf_free) = BUF_INIT;
        va_list args;

        va_start(args, format);
        buf_vprintf(&line, format, args);
        va_end(args);
        if (arguments->format == FORMAT_TEXT)
                printf("%s\n", line.data);
        else
                command_note("%s", line.data);
}

static void print_summary(const struct fix_arguments *arguments, const struct fix_report *report) {
        struct fix_counts counts = fix_count(report->run);

        if (counts.offered == 0)
                say(arguments, "nothing to change");
        else
                say(arguments, "%zu findings are gone after %zu fixes in %zu files%s",
                    counts.findings, counts.offered, counts.files,
                    report->written ? "" : "; write them with --write");
        if (counts.unsafe > 0)
                say(arguments, "%zu more fixes may break a workload: --unsafe", counts.unsafe);
        if (counts.impossible + counts.refused > 0)
                say(arguments, "%zu fixes are not offered%s", counts.impossible + counts.refused,
                    arguments->format == FORMAT_TEXT ? "" : "; why: -o text");
        if (fix_without(report->run) > 0)
                say(arguments, "for %zu findings there is no fix; what to do: redoubt scan",
                    fix_without(report->run));
}

/* The logs of connections, as they are. */
static int read_flows(struct command_context *context, struct fix_texts *ret) {
        const struct fix_arguments *arguments = context->options;
        struct str *items = arena_new_array(context->arena, arguments->flows.count + 1, struct str);
        int r = 0;

        for (size_t i = 0; i < arguments->flows.count && r >= 0; i++) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;

                r = fs_read(arguments->flows.items[i], -1, doc_default_limits.file_bytes * 16,
                            false, &text, context->error);
                if (r >= 0)
                        items[i] = arena_str(context->arena, buf_str(&text));
        }
        *ret = (struct fix_texts){ items, arguments->flows.count };
        return r;
}

static int read_usage(struct command_context *context, struct rbac_log *log) {
        const struct fix_arguments *arguments = context->options;
        int r;

        if (arguments->rbac.logs.count == 0)
                return 0;
        r = rbac_read_logs(context, &arguments->rbac, false, log);
        if (r >= 0 && !rbac_log_is_complete(log))
                command_note("not all of the audit log could be read: rights may look unused");
        return r;
}

/* Returns an exit status, or a negative errno. */
static int compute(struct work *work) {
        struct command_context *context = work->context;
        const struct fix_arguments *arguments = context->options;
        struct finding_list list _cleanup_(finding_list_free) = { 0 };
        struct rbac_log log _cleanup_(rbac_log_free) = { 0 };
        struct report_coverage coverage = { 0 };
        struct fix_report report = { .written = work->pipe >= 0 };
        struct scan_options options = {
                .policies = &work->set,
                .crds = arguments->crds.count > 0 ? &work->crds : NULL,
                .limits = doc_default_limits,
                .threads = arguments->threads > 0 ? (unsigned)arguments->threads
                                                  : (unsigned)pool_default_threads(),
                .namespace = str_from(arguments->namespace ? arguments->namespace : ""),
                .max_findings = 1000000,
        };
        struct fix_texts flows = { 0 };
        struct fix_input input = {
                .options = &options, .files = &work->inputs, .findings = &list, .flows = &flows
        };
        struct fix_run *run;
        int r = read_usage(context, &log);

        if (r >= 0)
                r = read_flows(context, &flows);
        if (r < 0)
                return r;
        if (arguments->rbac.logs.count > 0)
                input.usage = &log.usage;
        scan_files(&options, &work->inputs, &list, &coverage);
        print_problems(&list, &report.complete);
        report.run = run = fix_run_new(&input, arguments->unsafe);
        print_report(arguments, &report);
        if (!context->common.quiet && arguments->format != FORMAT_JSON)
                print_summary(arguments, &report);
        r = report.written ? fix_send(work->pipe, run) : 0;
        if (r < 0)
                r = error_set(context->error, r, "the fixes could not be handed over: %s",
                              strerror(-r));
        else if (!report.complete)
                r = COMMAND_INCOMPLETE;
        else
                r = !report.written && fix_count(run).offered > 0 ? COMMAND_FINDINGS
                                                                  : COMMAND_CLEAN;
        fix_run_free(run);
        return r;
}

/* --- confining --- */

static int confine_fix(struct command_context *context, int argc, char **argv) {
        const struct fix_arguments *arguments = context->options;
        size_t most = (size_t)argc + arguments->crds.count + arguments->rbac.logs.count +
                      arguments->flows.count;
        const char **paths = arena_new_array(context->arena, most, const char *);
        struct confine_rules rules = { .read = paths };

        if (arguments->no_sandbox)
                return 0;
        for (int i = 0; i < argc; i++)
                paths[rules.read_count++] = argv[i];
        for (size_t i = 0; i < arguments->crds.count; i++)
                paths[rules.read_count++] = arguments->crds.items[i];
        for (size_t i = 0; i < arguments->rbac.logs.count; i++)
                paths[rules.read_count++] = arguments->rbac.logs.items[i];
        for (size_t i = 0; i < arguments->flows.count; i++)
                paths[rules.read_count++] = arguments->flows.items[i];
        return confine(&rules, NULL, context->error);
}

/* The child computes and cannot write; returns its exit status. */
static _noreturn_ void compute_in_child(struct work *work, int argc, char **argv) {
        struct command_context *context = work->context;
        int r = confine_fix(context, argc, argv);

        if (r >= 0)
                r = compute(work);
        if (r < 0)
                command_print_error(context->error);
        if (fflush(stdout) != 0)
                r = -EIO;
        _exit(r < 0 ? COMMAND_FAILED : r);
}

static int write_fixes(struct work *work, int argc, char **argv) {
        struct command_context *context = work->context;
        _cleanup_close_ int from = -1, to = -1;
        int ends[2], status, r;
        pid_t child;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_set(context->error, -errno, "no pipe: %s", strerror(errno));
        from = ends[0];
        to = ends[1];
        fflush(stdout);
        child = fork();
        if (child < 0)
                return error_set(context->error, -errno, "no process: %s", strerror(errno));
        if (child == 0) {
                work->pipe = TAKE_FD(to);
                compute_in_child(work, argc, argv);
        }
        close_fd(&to);
        to = -1;
        r = fix_receive(from, &work->inputs, context->error);
        close_fd(&from);
        from = -1;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        if (r < 0)
                return r;
        return WIFEXITED(status) ? WEXITSTATUS(status)
                                 : error_set(context->error, -EIO,
                                             "the process that computes the fixes ended");
}

/* --- the verb --- */

static int add_all(struct command_context *context, struct input_list *list,
                   const char *const *paths, size_t count) {
        int r = 0;

        for (size_t i = 0; i < count && r >= 0; i++)
                r = input_add(list, paths[i], context->error);
        return r;
}

/* --practice is --rule under the name that people look for. */
static void take_practices(struct command_context *context) {
        struct fix_arguments *arguments = context->options;

        for (size_t i = 0; i < arguments->practices.count; i++)
                *vec_push_in(context->arena, &arguments->rules.only) =
                        arguments->practices.items[i];
}

static int run_work(struct work *work, int argc, char **argv) {
        struct command_context *context = work->context;
        const struct fix_arguments *arguments = context->options;
        int r = rules_load(&arguments->rules, context, &work->set);

        if (r >= 0)
                r = add_all(context, &work->inputs, (const char *const *)argv, (size_t)argc);
        if (r >= 0)
                r = add_all(context, &work->crds, arguments->crds.items, arguments->crds.count);
        if (r < 0)
                return r;
        if (arguments->write)
                return write_fixes(work, argc, argv);
        r = confine_fix(context, argc, argv);
        return r < 0 ? r : compute(work);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct fix_arguments *arguments = context->options;
        size_t limit = doc_default_limits.file_bytes;
        struct work work = { .context = context,
                             .inputs = { .file_limit = limit },
                             .crds = { .file_limit = limit },
                             .pipe = -1 };
        int r;

        for (int i = 0; i < argc && arguments->write; i++)
                if (strcmp(argv[i], "-") == 0)
                        return command_usage_error(context,
                                                   "--write needs files, not standard input");
        if (arguments->diff && arguments->format != FORMAT_DIFF)
                return command_usage_error(context, "--diff and -o name different formats");
        take_practices(context);
        r = run_work(&work, argc, argv);
        policy_set_free(&work.set);
        input_free(&work.inputs);
        input_free(&work.crds);
        return r;
}

#define AT(field) offsetof(struct fix_arguments, field)

static const struct option_spec specs[] = {
        OPTION_SECTION("What is done"),
        { 'w', "write", NULL, "change the files; without, only what would change is shown",
          OPTION_FLAG, AT(write) },
        { 0, "unsafe", NULL, "fixes that may stop a workload from working, too", OPTION_FLAG,
          AT(unsafe) },
        { 'o', "output", "FORMAT", "how to show it", OPTION_CHOICE, AT(format), .words = formats },
        { 0, "diff", NULL, "the same as -o diff, which is what is done without", OPTION_FLAG,
          AT(diff) },
        AUDIT_LOG_OPTION(AT(rbac.logs)),
        { 0, "flows", "FILE",
          "a log of connections, for network policies: see redoubt net generate", OPTION_STRINGS,
          AT(flows), .hint = OPTION_HINT_FILE },
        RULE_OPTIONS(struct fix_arguments, rules),
        { 0, "practice", "NAME", "only the rules of a practice: pods, rbac, network, ...",
          OPTION_STRINGS, AT(practices), .comma = true },
        OPTION_SECTION("Input"),
        { 0, "crds", "PATH",
          "a file or folder with CustomResourceDefinitions, beside those of the input",
          OPTION_STRINGS, AT(crds), .hint = OPTION_HINT_FILE },
        { 'n', "namespace", "NAME", "the namespace of objects that name none", OPTION_STRING,
          AT(namespace) },
        { 'j', "threads", "N", "worker threads; all processors by default", OPTION_INTEGER,
          AT(threads), .min = 1, .max = 256 },
        { 0, "no-sandbox", NULL, "do not confine the process (for debuggers)", OPTION_FLAG,
          AT(no_sandbox), .hidden = true },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "PATH", OPTION_HINT_FILE, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "redoubt fix examples/shop", "what would change, as a patch" },
        { "redoubt fix -o text --unsafe examples/shop",
          "every fix on a line, and what may break with it" },
        { "redoubt fix --rule pods/privileged --write deploy", "change the files for one rule" },
        { NULL },
};

const struct command command_fix = {
        .name = "fix",
        .summary = "change manifests so that findings are gone",
        .description =
                "Scans PATH (files, folders, or - for standard input) as redoubt scan does, and "
                "makes for each finding that has one the change that takes it away. Without "
                "--write nothing is changed: what would be is printed as a patch, for git apply "
                "-p0 "
                "or patch -p0.\n\nOnly what has to change does: comments, order and layout stay. "
                "Each fix is checked in memory before it is offered: its finding must be gone, "
                "and no new one of the same or a higher severity may appear. A fix that may stop "
                "a workload from working is left out unless --unsafe is given.\n\nFiles are "
                "written one by one beside the old one and put in its place, with its mode; a "
                "file that has changed since it was read is left alone.\n\nExit status: 0 nothing "
                "is left to change (or all was written), 1 there is something to change, 2 an "
                "error, 3 something could not be judged.",
        .options = specs,
        .options_size = sizeof(struct fix_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
