#include "fixture.h"

#include "../test.h"

static struct str deny_controls[] = { STR_INIT("nsa-1.2:network-policies"), STR_INIT("top10:4") };
static struct str privileged_controls[] = { STR_INIT("cis-k8s-1.12:5.2.2"),
                                            STR_INIT("pss-baseline:privileged") };
static struct str tag_controls[] = { STR_INIT("cis-eks-1.8:5.1.1"), STR_INIT("cis-gke-1.9:5.1.1"),
                                     STR_INIT("cis-k8s-1.12:5.5.1"), STR_INIT("cis-k8s-1.12:5.5.2"),
                                     STR_INIT("top10:5") };

const struct rule_info fixture_rules[RULE_COUNT] = {
        [RULE_DENY] = {
                .id = STR_INIT("network/no-default-deny"),
                .title = STR_INIT("Every namespace denies traffic by default"),
                .why = STR_INIT("a pod that is taken over can reach every other pod"),
                .remedy = STR_INIT("add a policy that selects every pod and allows nothing:\n"
                                   "kind: NetworkPolicy\n"
                                   "spec:\n"
                                   "  podSelector: {}\n"
                                   "  policyTypes: [Ingress, Egress]\n"),
                .practice = STR_INIT("network"),
                .severity = SEVERITY_HIGH,
                .controls = deny_controls,
                .control_count = 2,
                .source = STR_INIT("policies/network/no-default-deny.yaml"),
        },
        [RULE_LIMITS] = {
                .id = STR_INIT("limits"),
                .severity = SEVERITY_LOW,
        },
        [RULE_PRIVILEGED] = {
                .id = STR_INIT("pods/privileged"),
                .title = STR_INIT("Containers do not run privileged"),
                .why = STR_INIT("code execution in this container is root on the node (ATT&CK "
                                "T1611): it can load modules, mount disks and read the secrets of "
                                "every other pod there"),
                .remedy = STR_INIT("remove the line; add only the capabilities it needs"),
                .practice = STR_INIT("pods"),
                .severity = SEVERITY_CRITICAL,
                .controls = privileged_controls,
                .control_count = 2,
                .source = STR_INIT("policies/pods/privileged.yaml"),
        },
        [RULE_TAG] = {
                .id = STR_INIT("images/tag"),
                .title = STR_INIT("Images are named by a fixed tag or digest"),
                .why = STR_INIT("what runs tomorrow is not what was scanned today"),
                .remedy = STR_INIT("image: registry.example/shop/web@sha256:..."),
                .practice = STR_INIT("images"),
                .severity = SEVERITY_MEDIUM,
                .controls = tag_controls,
                .control_count = 5,
                .source = STR_INIT("policies/images/tag.yaml"),
        },
};

static const struct rule_info *const rule_table[] = {
        &fixture_rules[RULE_TAG],
        &fixture_rules[RULE_LIMITS],
        &fixture_rules[RULE_DENY],
        &fixture_rules[RULE_PRIVILEGED],
};

void fixture_init(struct fixture *fixture) {
        *fixture = (struct fixture){
                .report = {
                        .coverage = { .files = 9, .documents = 41, .objects = 41, .rules = 74 },
                        .rules = rule_table,
                        .rule_count = ELEMENTS(rule_table),
                        .title = STR("examples/shop"),
                        .version = "0.1.0",
                        .seconds = 0.0123,
                },
        };
        fixture->report.list = &fixture->list;
}

void fixture_free(struct fixture *fixture) {
        finding_list_free(&fixture->list);
}

static struct str copied(struct fixture *fixture, const char *text) {
        return arena_str(&fixture->list.arena, str_from(text));
}

struct finding *fixture_add(struct fixture *fixture, const struct rule_info *rule, const char *file,
                            struct doc_pos start, struct doc_pos end, const char *kind,
                            const char *name, const char *message) {
        struct finding *finding = vec_push(&fixture->list.findings);

        finding->rule = rule;
        finding->message = copied(fixture, message);
        finding->resource = (struct resource_ref){
                .api_version = STR("apps/v1"),
                .kind = copied(fixture, kind),
                .namespace = STR("shop"),
                .name = copied(fixture, name),
        };
        finding->location = (struct finding_location){
                .file = copied(fixture, file),
                .start = start,
                .end = end,
                .path = STR("spec.template.spec.containers[0]"),
        };
        finding->fingerprint =
                finding_fingerprint(&fixture->list.arena, finding, finding->location.path);
        return finding;
}

void fixture_frame(struct fixture *fixture, struct finding *finding, uint32_t first,
                   const char *text) {
        struct str rest = copied(fixture, text), line;
        size_t capacity = 0;

        finding->frame = (struct finding_frame){ .first_line = first };
        while (str_split(&rest, '\n', &line)) {
                finding->frame.lines = vec_grow(finding->frame.lines, finding->frame.count,
                                                &capacity, sizeof line, &fixture->list.arena);
                finding->frame.lines[finding->frame.count++] = line;
        }
}

void fixture_diagnose(struct fixture *fixture, const char *file, struct doc_pos pos,
                      struct doc_pos other, const char *message, bool incomplete) {
        *vec_push(&fixture->list.diagnostics) = (struct diagnostic){
                .file = copied(fixture, file),
                .pos = pos,
                .other = other,
                .message = copied(fixture, message),
                .incomplete = incomplete,
        };
}

static void add_privileged(struct fixture *fixture) {
        const struct rule_info *rule = &fixture_rules[RULE_PRIVILEGED];
        struct finding *finding;
        char name[16];

        finding = fixture_add(fixture, rule, "examples/shop/cart.yaml", (struct doc_pos){ 27, 25 },
                              (struct doc_pos){ 27, 29 }, "Deployment", "cart",
                              "container \"cart\" is privileged");
        fixture_frame(fixture, finding, 25,
                      "        - name: cart\n"
                      "          securityContext:\n"
                      "            privileged: true");
        for (unsigned i = 1; i <= 7; i++) {
                snprintf(name, sizeof name, "db-%u", i);
                fixture_add(fixture, rule, "examples/shop/db.yaml",
                            (struct doc_pos){ 12 + 40 * i, 25 },
                            (struct doc_pos){ 12 + 40 * i, 29 }, "StatefulSet", name,
                            i % 2 ? "container \"cart\" is privileged"
                                  : "container \"db\" is privileged");
        }
}

static void add_rest(struct fixture *fixture) {
        struct finding_location *related = arena_new(&fixture->list.arena, struct finding_location);
        struct finding *finding;

        finding = fixture_add(fixture, &fixture_rules[RULE_DENY], "examples/shop/namespace.yaml",
                              (struct doc_pos){ 4, 9 }, (struct doc_pos){ 4, 13 }, "Namespace",
                              "shop",
                              "nothing limits who may connect to the pods of namespace \"shop\"");
        finding->resource.namespace = STR("");
        finding->resource.api_version = STR("v1");
        fixture_frame(fixture, finding, 2, "kind: Namespace\nmetadata:\n  name: shop\n\n---");

        finding = fixture_add(fixture, &fixture_rules[RULE_TAG], "examples/shop/web.yaml",
                              (struct doc_pos){ 101, 18 }, (struct doc_pos){ 101, 49 },
                              "Deployment", "web",
                              "image \"registry.example/shop/web:latest\" of container \"web\" may "
                              "be another one tomorrow");
        fixture_frame(fixture, finding, 99,
                      "      containers:\n"
                      "        - name: web\n"
                      "          image: registry.example/shop/web:latest  # TODO pin it as soon as "
                      "the build server signs what it pushes, and not one day later than that");
        related->file = STR("examples/shop/web.yaml");
        related->start = (struct doc_pos){ 44, 3 };
        related->end = (struct doc_pos){ 44, 9 };
        related->path = STR("spec.paused");
        finding->related = related;
        finding->related_count = 1;

        fixture_add(fixture, &fixture_rules[RULE_LIMITS], "examples/shop/web.yaml",
                    (struct doc_pos){ 0, 0 }, (struct doc_pos){ 0, 0 }, "Deployment", "web",
                    "no limits");
}

void fixture_shop(struct fixture *fixture) {
        fixture_init(fixture);
        add_privileged(fixture);
        add_rest(fixture);
        fixture_diagnose(fixture, "examples/shop/db.yaml", (struct doc_pos){ 17, 5 },
                         (struct doc_pos){ 12, 5 },
                         "the key \"image\" is given twice; the last one counts", false);
        fixture_diagnose(fixture, "examples/shop/templates/ingress.yaml", (struct doc_pos){ 1, 1 },
                         (struct doc_pos){ 0, 0 }, "this is a Helm template, not a manifest", true);
        fixture->report.coverage.not_judged = 1;
        fixture->report.coverage.templates = 1;
        fixture->report.coverage.excepted = 2;
        fixture->report.coverage.skipped = 3;
        finding_list_sort(&fixture->list);
}

char *fixture_write(const struct fixture *fixture, enum report_format format,
                    const struct report_style *style, size_t *ret_size) {
        FILE *file _cleanup_fclose_ = NULL;
        char *text = NULL;

        file = open_memstream(&text, ret_size);
        assert_non_null(file);
        assert_int_equal(report_write(format, &fixture->report, style, file), 0);
        close_file(&file);
        return text;
}
