/* redoubt node: judges a machine that runs Kubernetes by its facts. */
#include "cmd/node.h"

#include "base/fs.h"
#include "base/util.h"
#include "node/drift.h"

struct node_arguments {
        struct scan_arguments scan; /* first: scan_command takes the options as these */
        struct node_source source;
        const char *approved;
};

#define AT(field) offsetof(struct node_arguments, scan.field)

enum { FAIL_NEVER = SEVERITY_COUNT };

static const struct option_word severities[] = {
        { "low", SEVERITY_LOW, "any finding" },
        { "medium", SEVERITY_MEDIUM, "medium, high or critical" },
        { "high", SEVERITY_HIGH, "high or critical" },
        { "critical", SEVERITY_CRITICAL, "critical" },
        { "never", FAIL_NEVER, "findings do not matter" },
        { NULL },
};

static const struct option_spec specs[] = {
        NODE_COLLECT_OPTIONS(struct node_arguments, source),
        { 0, "facts", "FILE", "judge facts that were collected before, instead of this machine",
          OPTION_STRING, offsetof(struct node_arguments, source.facts), .hint = OPTION_HINT_FILE },
        { 0, "approved", "FILE", "facts that were approved: every change since is a finding",
          OPTION_STRING, offsetof(struct node_arguments, approved), .hint = OPTION_HINT_FILE },
        { 0, "verify", "KEY",
          "the facts of --facts and --approved must be signed: the public key, or the secret, in "
          "file KEY",
          OPTION_STRING, offsetof(struct node_arguments, source.key), .hint = OPTION_HINT_FILE },
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
        RULE_OPTIONS(struct node_arguments, scan.rules),
        OPTION_END,
};

/* What could not be read, for the report: each of the gaps that some fact is unknown for. */
static void read_gaps(struct command_context *context, const struct doc_node *facts,
                      struct scan_given *given) {
        const struct doc_node *gaps = doc_get(facts, STR("gaps"));
        size_t count = gaps && gaps->kind == DOC_LIST ? gaps->list.count : 0;
        struct diagnostic *problems = arena_new_array(context->arena, count, struct diagnostic);

        for (size_t i = 0; i < count; i++) {
                const struct doc_node *gap = &gaps->list.items[i];
                const struct doc_node *list = doc_get(gap, STR("facts"));

                problems[i] = (struct diagnostic){
                        .file = doc_string(doc_get(gap, STR("path")), STR("")),
                        .message = arena_printf(
                                context->arena, "%.*s: %.*s",
                                STR_ARG(doc_string(doc_get(gap, STR("what")), STR(""))),
                                STR_ARG(doc_string(doc_get(gap, STR("error")), STR("")))),
                        .incomplete = list && list->kind == DOC_LIST && list->list.count > 0
                };
        }
        given->problems = problems;
        given->problem_count = count;
}

int node_facts_parse(struct command_context *context, struct str text,
                     const struct doc_node **ret) {
        struct doc_source *source = arena_new(context->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;
        int r = doc_source_init(context->arena, STR("facts"), text, source, context->error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_JSON, &doc_default_limits);
        r = doc_read(&reader, context->arena, &doc, context->error);
        if (r <= 0)
                return r < 0 ? r : error_set(context->error, -EINVAL, "there are no facts");
        *ret = doc->root;
        return 0;
}

static int run(struct command_context *context, int argc, char **argv) {
        struct node_arguments *arguments = context->options;
        struct buf text _cleanup_(buf_free) = BUF_INIT, with_drift _cleanup_(buf_free) = BUF_INIT;
        struct scan_given given = { 0 };
        const struct doc_node *approved = NULL, *facts = NULL;
        int r = node_facts_text(context, &arguments->source, &text);

        if (r >= 0 && arguments->approved) {
                r = node_facts_read(context, arguments->approved, arguments->source.key, &approved);
                if (r >= 0)
                        r = drift_add(buf_str(&text), approved, &with_drift, context->error);
        }
        if (r < 0)
                return r;
        given.text = arguments->approved ? buf_str(&with_drift) : buf_str(&text);
        r = node_facts_parse(context, given.text, &facts);
        if (r < 0)
                return r;
        given.title =
                arena_printf(context->arena, "node %.*s",
                             STR_ARG(doc_string(doc_find(facts, "metadata", "name"), STR(""))));
        read_gaps(context, facts, &given);
        arguments->scan.given = &given;
        return scan_command(context, argc, argv, NODE_RESOURCE);
}

static const struct command *const verbs[] = { &command_node_facts, &command_node_diff,
                                               &command_node_fix, NULL };

static const struct command_example examples[] = {
        { "redoubt node", "judge this machine" },
        { "redoubt node --root /mnt/image", "judge a mounted image" },
        { "redoubt node --facts facts.json --approved approved.json",
          "judge facts that were collected elsewhere, and what changed" },
        { NULL },
};

static const struct node_arguments defaults = { .scan = { .max_aliases = -1 } };

const struct command command_node = {
        .name = "node",
        .summary = "judge a machine that runs Kubernetes",
        .usage = "[OPTION...]",
        .description =
                "Collects the facts of a machine (`redoubt node facts`) and judges them by the "
                "rules about nodes: kubelet, control plane, etcd, container runtime and host. "
                "Nothing is run or changed, and without --probe nothing is asked over the network. "
                "What could not be read is reported, and the rules that need it are not "
                "judged.\n\nExit status: 0 clean, 1 findings at or above --fail-on, 2 an error, 3 "
                "something was not judged.",
        .options = specs,
        .defaults = &defaults,
        .options_size = sizeof(struct node_arguments),
        .examples = examples,
        .verbs = verbs,
        .run = run,
};
