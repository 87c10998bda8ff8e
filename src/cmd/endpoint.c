/* redoubt endpoint: who can reach the API server of a managed cluster at all. */
#include <errno.h>

#include "base/buf.h"
#include "base/confine.h"
#include "base/printable.h"
#include "base/util.h"
#include "cloud/cloud.h"
#include "cmd/objects.h"

enum { ENDPOINT_TEXT, ENDPOINT_JSON };

struct endpoint_arguments {
        int format;
        struct option_strings kubeconfigs;
};

/* What is made of the documents, one after the other. */
struct answer {
        struct command_context *context;
        struct cloud cloud;
        struct buf buf;
        int format;
        size_t clusters;
        bool reachable, unknown;
};

static void take_object(void *userdata, struct str file, const struct resource *resource) {
        struct answer *answer = userdata;

        if (resource->group.len == 0 && str_eq(resource->kind, STR("Config")))
                cloud_add_kubeconfig(&answer->cloud, file, resource->root);
}

static void take_foreign(void *userdata, struct str file, const struct doc_node *root) {
        struct answer *answer = userdata;

        cloud_add(&answer->cloud, file, root);
}

/* --- as text --- */

static struct str text_of(const struct doc_node *node) {
        return doc_string(node, STR(""));
}

static void add_location(struct buf *buf, const struct doc_node *map) {
        const struct doc_node *place = doc_get(map, STR("place"));
        const struct doc_node *line = doc_get(place, STR("line"));
        const struct doc_node *column = doc_get(place, STR("column"));

        if (!line || !column || line->kind != DOC_INT || column->kind != DOC_INT)
                return;
        buf_add(buf, STR("  "));
        buf_add_terminal(buf, text_of(doc_get(place, STR("file"))));
        buf_printf(buf, ":%jd:%jd", (intmax_t)line->integer, (intmax_t)column->integer);
}

static void add_label(struct buf *buf, const char *label) {
        buf_printf(buf, "  %-18s ", label);
}

static void add_fact(struct buf *buf, const char *label, const struct doc_node *fact) {
        const struct doc_node *value = doc_get(fact, STR("value"));

        if (!fact)
                return;
        add_label(buf, label);
        if (!value) {
                buf_add(buf, STR("not known: "));
                buf_add_terminal(buf, text_of(doc_get(fact, STR("why"))));
        } else {
                buf_add(buf, value->kind == DOC_BOOL && value->boolean ? STR("yes") : STR("no"));
        }
        add_location(buf, fact);
        buf_add_char(buf, '\n');
}

static bool is_true(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_BOOL && node->boolean;
}

static void add_entries(struct buf *buf, const struct doc_node *list) {
        for (uint32_t i = 0; list && i < list->list.count; i++) {
                const struct doc_node *entry = &list->list.items[i];

                add_label(buf, i == 0 ? "allow list" : "");
                buf_add_terminal(buf, text_of(doc_get(entry, STR("value"))));
                if (is_true(entry, "everything"))
                        buf_add(buf, STR(" (everything)"));
                else if (is_true(entry, "wide"))
                        buf_add(buf, STR(" (wide)"));
                add_location(buf, entry);
                buf_add_char(buf, '\n');
        }
        if (list && list->list.count == 0) {
                add_label(buf, "allow list");
                buf_add(buf, STR("none\n"));
        }
}

static void add_servers(struct buf *buf, const struct doc_node *list) {
        static const char *const doors[][2] = {
                { "public", "the public endpoint" },
                { "private", "the private endpoint" },
                { "dns", "the DNS endpoint" },
                { "publicAndPrivate", "public from outside, private from within its network" },
        };

        for (uint32_t i = 0; list && i < list->list.count; i++) {
                const struct doc_node *server = &list->list.items[i];
                struct str door = text_of(doc_get(server, STR("door")));

                add_label(buf, "kubeconfig");
                buf_add_terminal(buf, text_of(doc_get(server, STR("server"))));
                for (size_t k = 0; k < ELEMENTS(doors); k++)
                        if (str_eq(door, str_from(doors[k][0])))
                                buf_printf(buf, ": %s", doors[k][1]);
                add_location(buf, server);
                buf_add_char(buf, '\n');
        }
}

static void add_cluster(struct answer *answer, const struct doc_node *root) {
        const struct doc_node *endpoint = doc_get(root, STR("endpoint"));
        const struct doc_node *verdict = doc_get(endpoint, STR("verdict"));
        struct str provider = text_of(doc_get(root, STR("provider")));
        struct buf *buf = &answer->buf;

        if (answer->clusters > 0)
                buf_add_char(buf, '\n');
        buf_add_terminal(buf, text_of(doc_find(root, "metadata", "name")));
        buf_add(buf, STR(" ("));
        for (size_t i = 0; i < provider.len; i++)
                buf_add_char(buf, (char)(provider.ptr[i] & ~0x20));
        if (!str_eq(text_of(doc_get(root, STR("source"))), STR("description"))) {
                buf_add(buf, STR(", "));
                buf_add_terminal(buf, text_of(doc_get(root, STR("source"))));
        }
        buf_add(buf, STR(")\n"));
        add_label(buf, "verdict");
        buf_add(buf, text_of(doc_get(verdict, STR("value"))));
        buf_add(buf, STR(": "));
        buf_add_terminal(buf, text_of(doc_get(verdict, STR("why"))));
        add_location(buf, verdict);
        buf_add_char(buf, '\n');
        add_fact(buf, "public endpoint", doc_get(endpoint, STR("public")));
        add_fact(buf, "private endpoint", doc_get(endpoint, STR("private")));
        add_fact(buf, "DNS endpoint", doc_get(endpoint, STR("dnsEndpoint")));
        add_fact(buf, "public name", doc_get(endpoint, STR("publicFqdn")));
        add_fact(buf, "provider's own", doc_get(endpoint, STR("providerAddresses")));
        add_fact(buf, "command API", doc_get(root, STR("runCommand")));
        if (!is_true(doc_get(endpoint, STR("public")), "value"))
                add_servers(buf, doc_get(endpoint, STR("kubeconfigs")));
        else {
                add_entries(buf, doc_find(endpoint, "allowList", "entries"));
                add_servers(buf, doc_get(endpoint, STR("kubeconfigs")));
        }
}

/* --- the documents --- */

static void take_cluster(void *userdata, struct str json, _unused_ struct str file,
                         _unused_ struct doc_pos pos) {
        struct answer *answer = userdata;
        const struct doc_source source = { .name = STR(""), .text = json };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_limits limits = doc_default_limits;
        struct doc_reader reader;
        struct str verdict;
        struct error error;
        struct doc *doc;

        limits.file_bytes = SIZE_MAX;
        doc_reader_init(&reader, &source, DOC_JSON, &limits);
        if (doc_read(&reader, &arena, &doc, &error) <= 0) {
                command_note("%s", error.message);
                answer->unknown = true;
                return;
        }
        verdict = text_of(doc_find(doc->root, "endpoint", "verdict", "value"));
        answer->unknown |= str_eq(verdict, STR("unknown"));
        answer->reachable |= str_eq(verdict, STR("open")) || str_eq(verdict, STR("wide"));
        if (answer->format == ENDPOINT_JSON) {
                buf_add(&answer->buf, answer->clusters ? STR(",\n  ") : STR("\n  "));
                buf_add(&answer->buf, json);
        } else {
                add_cluster(answer, doc->root);
        }
        answer->clusters++;
}

static bool is_matched(const struct cloud *cloud, const struct cloud_server *server) {
        for (size_t i = 0; i < cloud->clusters.count; i++)
                if (cloud_is_address(cloud->clusters.items[i], server->host))
                        return true;
        return false;
}

/* Kubeconfigs often hold clusters of other providers: worth knowing, no fault. */
static void add_unmatched(struct answer *answer) {
        const char *separator = "";

        for (size_t i = 0; i < answer->cloud.servers.count; i++) {
                const struct cloud_server *server = &answer->cloud.servers.items[i];

                if (is_matched(&answer->cloud, server))
                        continue;
                if (answer->format == ENDPOINT_JSON) {
                        buf_add(&answer->buf, str_from(separator));
                        buf_add_json(&answer->buf, server->url);
                        separator = ",";
                } else {
                        command_note("%.*s: %.*s is no address of the clusters described",
                                     STR_ARG(server->place.file), STR_ARG(server->url));
                }
        }
}

static int write_answer(struct answer *answer) {
        if (answer->format == ENDPOINT_JSON)
                buf_add(&answer->buf, STR("{\"clusters\":["));
        cloud_make(&answer->cloud, take_cluster, answer);
        if (answer->format == ENDPOINT_JSON)
                buf_add(&answer->buf, STR("],\"unmatched\":["));
        add_unmatched(answer);
        if (answer->format == ENDPOINT_JSON)
                buf_add(&answer->buf, STR("]}\n"));
        fwrite(answer->buf.data, 1, answer->buf.len, stdout);
        return answer->unknown     ? COMMAND_INCOMPLETE
               : answer->reachable ? COMMAND_FINDINGS
                                   : COMMAND_CLEAN;
}

static void free_answer(struct answer *answer) {
        cloud_free(&answer->cloud);
        buf_free(&answer->buf);
}

/* The files of the answer, to read and nothing else. */
static int open_files(struct command_context *context, int argc, char **argv,
                      struct input_list *ret) {
        const struct endpoint_arguments *arguments = context->options;
        struct confine_rules rules = { 0 };
        const char **paths = arena_new_array(
                context->arena, (size_t)argc + arguments->kubeconfigs.count, const char *);
        int r = 0;

        ret->file_limit = doc_default_limits.file_bytes;
        for (int i = 0; i < argc; i++)
                paths[rules.read_count++] = argv[i];
        for (size_t i = 0; i < arguments->kubeconfigs.count; i++)
                paths[rules.read_count++] = arguments->kubeconfigs.items[i];
        rules.read = paths;
        for (size_t i = 0; i < rules.read_count && r >= 0; i++)
                r = input_add(ret, paths[i], context->error);
        return r < 0 ? r : confine(&rules, NULL, context->error);
}

static int run(struct command_context *context, int argc, char **argv) {
        const struct endpoint_arguments *arguments = context->options;
        struct input_list inputs _cleanup_(input_free) = { 0 };
        struct answer answer _cleanup_(free_answer) = { .context = context,
                                                        .format = arguments->format };
        int r = open_files(context, argc, argv, &inputs);

        if (r < 0)
                return r;
        cloud_init(&answer.cloud);
        answer.unknown = !objects_read_all(&inputs, take_object, take_foreign, &answer);
        if (answer.cloud.clusters.count == 0 && !answer.unknown)
                return error_set(context->error, -ENOENT,
                                 "no description of a managed cluster was found: docs/endpoint.md "
                                 "has the commands that print one");
        if (answer.cloud.cut)
                command_note("more than %d clusters, rules or servers: not all were looked at",
                             CLOUD_MOST);
        answer.unknown |= answer.cloud.cut;
        return write_answer(&answer);
}

static const struct option_word formats[] = {
        { "text", ENDPOINT_TEXT, "for people" },
        { "json", ENDPOINT_JSON, "for programs" },
        { NULL },
};

static const struct option_spec specs[] = {
        OPTION_SECTION("Output"),
        { 'o', "output", "FORMAT", "how to write the answer", OPTION_CHOICE,
          offsetof(struct endpoint_arguments, format), .words = formats },
        OPTION_SECTION("Input"),
        { 0, "kubeconfig", "FILE", "through which door it goes", OPTION_STRINGS,
          offsetof(struct endpoint_arguments, kubeconfigs), .hint = OPTION_HINT_FILE },
        OPTION_END,
};

static const struct command_positional positionals[] = {
        { "FILE", OPTION_HINT_FILE, .repeated = true },
        { NULL },
};

static const struct command_example examples[] = {
        { "aws eks describe-cluster --name shop | redoubt endpoint -", "a cluster of EKS" },
        { "terraform show -json plan.out | redoubt endpoint -", "clusters that are planned" },
        { "redoubt endpoint aks.json --kubeconfig ~/.kube/config",
          "and through which door you go" },
        { NULL },
};

const struct command command_endpoint = {
        .name = "endpoint",
        .summary = "who can reach the API server of a managed cluster at all",
        .description =
                "Reads what the tool of the provider prints of a cluster (EKS, GKE, AKS, OKE), or "
                "a Terraform plan as JSON, and tells whether its API server can be reached from "
                "everywhere (open), from wide ranges (wide), from the ranges of a list "
                "(restricted), or from its own network only (private), and which field says "
                "so. `redoubt scan` judges the same files by rules.\n\nExit status: 0 every "
                "cluster is restricted or private, 1 one is open or wide, 2 an error, 3 something "
                "could not be read, or is not told by what was given.",
        .options = specs,
        .options_size = sizeof(struct endpoint_arguments),
        .positionals = positionals,
        .examples = examples,
        .run = run,
};
