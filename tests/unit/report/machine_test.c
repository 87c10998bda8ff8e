/*
 * JSON and SARIF, read back with an independent reader.
 */
#include "tests.h"

#include "../test.h"
#include "fixture.h"
#include "json_tree.h"
#include "report/sarif.h"

static const struct json *written(struct arena *arena, const struct fixture *fixture,
                                  enum report_format format) {
        const struct report_style style = { 0 };
        size_t size;
        char *text = fixture_write(fixture, format, &style, &size);
        const struct json *json = json_read(arena, arena_str(arena, (struct str){ text, size }));

        free(text);
        assert_non_null(json);
        return json;
}

void json_holds_the_report(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct json *json;

        fixture_shop(&fixture);
        json = written(&arena, &fixture, REPORT_JSON);
        assert_str(json_text(json, "schemaVersion"), "1");
        assert_int_equal(json_count(json, "findings"), 11);
        assert_str(json_text(json, "findings.0.rule"), "pods/privileged");
        assert_str(json_text(json, "findings.0.severity"), "critical");
        assert_str(json_text(json, "findings.0.practice"), "pods");
        assert_str(json_text(json, "findings.0.frameworks.1"), "pss-baseline:privileged");
        assert_str(json_text(json, "findings.0.message"), "container \"cart\" is privileged");
        assert_str(json_text(json, "findings.0.resource.kind"), "Deployment");
        assert_str(json_text(json, "findings.0.location.file"), "examples/shop/cart.yaml");
        assert_str(json_text(json, "findings.0.location.line"), "27");
        assert_str(json_text(json, "findings.0.location.endColumn"), "29");
        assert_str(json_text(json, "findings.9.location.line"), "0");
        assert_null(json_at(json, "findings.9.location.endLine"));
        assert_str(json_text(json, "findings.10.related.0.path"), "spec.paused");
        assert_int_equal(json_text(json, "findings.0.fingerprint").len, 32);
        assert_str(json_text(json, "diagnostics.0.otherLine"), "12");
        assert_str(json_text(json, "diagnostics.1.incomplete"), "true");
        assert_str(json_text(json, "coverage.notJudged"), "1");
        assert_str(json_text(json, "coverage.complete"), "false");
        assert_str(json_text(json, "summary.critical"), "8");
        assert_str(json_text(json, "summary.total"), "11");
}

void json_of_nothing(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct json *json;

        fixture_init(&fixture);
        json = written(&arena, &fixture, REPORT_JSON);
        assert_int_equal(json_count(json, "findings"), 0);
        assert_int_equal(json_count(json, "diagnostics"), 0);
        assert_str(json_text(json, "coverage.complete"), "true");
        assert_str(json_text(json, "summary.total"), "0");
}

/* SARIF 2.1.0 sections 3.13 (sarifLog), 3.14 (run), 3.19 (toolComponent), 3.27 (result), 3.49
 * (reportingDescriptor), and what code scanning services demand beyond. */
static void check_rules(const struct json *driver) {
        static const char *const levels[] = { "error", "warning", "note" };
        const struct json *rule = json_at(driver, "rules")->first;

        for (; rule; rule = rule->next) {
                struct str level = json_text(rule, "defaultConfiguration.level");
                bool known = false;

                assert_true(json_text(rule, "id").len > 0);
                assert_true(json_text(rule, "name").len > 0);
                assert_true(json_text(rule, "shortDescription.text").len > 0);
                assert_true(json_text(rule, "fullDescription.text").len > 0);
                assert_true(json_text(rule, "help.text").len > 0);
                assert_true(json_text(rule, "help.markdown").len > 0);
                assert_str(json_text(rule, "properties.tags.0"), "security");
                assert_str(json_text(rule, "properties.precision"), "high");
                assert_int_equal(json_text(rule, "properties.security-severity").len, 3);
                for (size_t i = 0; i < ELEMENTS(levels); i++)
                        known |= str_eq(level, str_from(levels[i]));
                assert_true(known);
        }
}

void sarif_has_what_is_required(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct json *json, *run, *rules;

        fixture_shop(&fixture);
        json = written(&arena, &fixture, REPORT_SARIF);
        assert_str(json_text(json, "version"), "2.1.0");
        assert_true(json_text(json, "$schema").len > 0);
        assert_int_equal(json_count(json, "runs"), 1);
        run = json_at(json, "runs.0");
        assert_str(json_text(run, "tool.driver.name"), "Redoubt");
        assert_str(json_text(run, "tool.driver.version"), "0.1.0");
        assert_str(json_text(run, "columnKind"), "unicodeCodePoints");
        assert_str(json_text(run, "invocations.0.executionSuccessful"), "false");
        assert_int_equal(json_count(run, "invocations.0.toolExecutionNotifications"), 2);
        assert_int_equal(json_count(run, "results"), 11);
        rules = json_at(run, "tool.driver.rules");
        assert_int_equal(rules->count, RULE_COUNT);
        check_rules(json_at(run, "tool.driver"));
        for (const struct json *result = json_at(run, "results")->first; result;
             result = result->next) {
                const struct json *rule = json_at(rules, json_text(result, "ruleIndex").ptr);

                assert_non_null(rule);
                assert_true(str_eq(json_text(rule, "id"), json_text(result, "ruleId")));
                assert_true(json_text(result, "message.text").len > 0);
                assert_true(
                        json_text(result, "locations.0.physicalLocation.artifactLocation.uri").len >
                        0);
                assert_int_equal(json_text(result, "partialFingerprints.redoubt/v1").len, 32);
        }
        run = json_at(run, "results.0.locations.0.physicalLocation.region");
        assert_str(json_text(run, "startLine"), "27");
        assert_str(json_text(run, "startColumn"), "25");
        assert_str(json_text(run, "endLine"), "27");
        assert_str(json_text(run, "endColumn"), "29");
}

void sarif_of_nothing(void **state _unused_) {
        struct fixture fixture _cleanup_(fixture_free) = { 0 };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        const struct json *run;

        fixture_init(&fixture);
        fixture.report.rules = NULL;
        fixture.report.rule_count = 0;
        run = json_at(written(&arena, &fixture, REPORT_SARIF), "runs.0");
        assert_int_equal(json_count(run, "results"), 0);
        assert_int_equal(json_count(run, "tool.driver.rules"), 0);
        assert_str(json_text(run, "invocations.0.executionSuccessful"), "true");
}

void sarif_writes_uris(void **state _unused_) {
        static const struct {
                const char *file, *uri;
        } cases[] = {
                { "a/b.yaml", "a/b.yaml" },
                { "./a/b.yaml", "a/b.yaml" },
                { ".//a.yaml", "a.yaml" },
                { "../a.yaml", "../a.yaml" },
                { ".hidden", ".hidden" },
                { "/etc/k8s/a.yaml", "file:///etc/k8s/a.yaml" },
                { "a b#c?d%e.yaml", "a%20b%23c%3Fd%25e.yaml" },
                { "javascript:alert(1)", "javascript%3Aalert%281%29" },
                { "<stdin>", "%3Cstdin%3E" },
                { "b\xc3\xbc"
                  "cher.yaml",
                  "b%C3%BCcher.yaml" },
                { "\xff\n\"", "%FF%0A%22" },
        };
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                buf_clear(&buf);
                sarif_add_uri(&buf, str_from(cases[i].file));
                assert_string_equal(buf.data, cases[i].uri);
        }
}

void sarif_makes_no_links(void **state _unused_) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        sarif_add_message(&buf, STR("containers[0] is [plain]"));
        assert_string_equal(buf.data, "\"containers[0] is [plain]\"");
        buf_clear(&buf);
        sarif_add_message(&buf, STR("[press](https://evil.example) \\"));
        assert_string_equal(buf.data, "\"\\\\[press\\\\](https://evil.example) \\\\\\\\\"");
}

void sarif_tags_are_unique(void **state _unused_) {
        struct str controls[40];
        struct rule_info rule = { .id = STR("a"),
                                  .controls = controls,
                                  .practice = STR("security"),
                                  .control_count = ELEMENTS(controls) };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        const struct json *tags;

        for (size_t i = 0; i < ELEMENTS(controls); i++)
                controls[i] = arena_printf(&arena, "f:%zu", i / 2);
        sarif_add_rule(&buf, &rule);
        tags = json_at(json_read(&arena, buf_str(&buf)), "properties.tags");
        assert_int_equal(tags->count, 20); /* security, kubernetes and 18 of the 20 controls */
        for (const struct json *a = tags->first; a; a = a->next)
                for (const struct json *b = a->next; b; b = b->next)
                        assert_false(str_eq(a->text, b->text));
}
