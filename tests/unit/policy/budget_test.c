#include "../test.h"

#include "base/buf.h"
#include "base/util.h"
#include "policy/admit.h"

/* Budgets and what follows when they are used up. Expected answers, and costs, are those of
 * Kubernetes' dispatcher (tests/oracle/cost.py compares more). */

#define OUT                                                                                        \
        "validation failed due to running out of cost budget, no further validation rules will "   \
        "be run"

/* False, for 900,004 units: text of 10,000 characters in which text of 9,000 is looked for. */
#define BURN "object.hay.contains(object.needle)"

struct world {
        struct policy_set set;
        struct arena arena;
        struct error error;
        struct policy_admission admission;
};

static void world_free(struct world *world) {
        policy_set_free(&world->set);
        arena_free(&world->arena);
}

static const struct doc_node *object(struct world *world) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(&world->arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc = NULL;

        buf_add(&buf, STR("hay: "));
        for (size_t i = 0; i < 10000; i++)
                buf_add_char(&buf, 'h');
        buf_add(&buf, STR("\nneedle: "));
        for (size_t i = 0; i < 9000; i++)
                buf_add_char(&buf, 'n');
        *source =
                (struct doc_source){ STR("object.yaml"), arena_str(&world->arena, buf_str(&buf)) };
        doc_reader_init(&reader, source, DOC_YAML, NULL);
        assert_int_equal(doc_read(&reader, &world->arena, &doc, NULL), 1);
        return doc->root;
}

/* One policy: SPEC, and below FIELD ("validations" ...) the item ITEM as many times as COUNT says,
 * where "%d" is its number. */
struct repeated {
        const char *field, *item;
        int count;
};

static void add_repeated(struct buf *buf, const struct repeated *list) {
        if (!list->field)
                return;
        buf_printf(buf, "  %s:\n", list->field);
        for (int i = 0; i < list->count; i++) {
                struct str item = str_from(list->item);
                ptrdiff_t at = str_find(item, STR("%d"), 0);

                buf_add(buf, STR("  - "));
                buf_add(buf, at < 0 ? item : str_slice(item, 0, (size_t)at));
                if (at >= 0) {
                        buf_printf(buf, "%d", i);
                        buf_add(buf, str_slice(item, (size_t)at + 2, item.len));
                }
                buf_add_char(buf, '\n');
        }
}

static const struct policy_admission *admit(struct world *world, const char *spec,
                                            const struct repeated *lists, size_t count) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(&world->arena, struct doc_source);
        struct policy_subject subject = { .version = STR("v1"),
                                          .kind = STR("ConfigMap"),
                                          .resource = STR("configmaps"),
                                          .namespace = STR("shop"),
                                          .name = STR("c"),
                                          .namespaced = true,
                                          .operation = POLICY_CREATE,
                                          .object = object(world) };

        buf_add(&buf, STR("apiVersion: admissionregistration.k8s.io/v1\n"
                          "kind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n"
                          "  matchConstraints: {resourceRules: [{apiGroups: ['*'], "
                          "apiVersions: ['*'], operations: ['*'], resources: ['*/*']}]}\n"));
        buf_add(&buf, str_from(spec));
        for (size_t i = 0; i < count; i++)
                add_repeated(&buf, &lists[i]);
        *source = (struct doc_source){ STR("p.yaml"), arena_str(&world->arena, buf_str(&buf)) };
        assert_int_equal(policy_set_init(&world->set, 0, &world->error), 0);
        if (policy_set_add_source(&world->set, source, &world->error) < 0)
                fail_msg("%s", world->error.message);
        assert_int_equal(policy_set_finish(&world->set, &world->error), 0);
        policy_admit(&world->set, &subject, &world->arena, &world->admission);
        return &world->admission;
}

struct budget_case {
        const char *spec;
        struct repeated lists[3];
        const char *message; /* of the first violation; NULL: none */
        size_t violations;
        uint64_t cost; /* 0: a budget was used up, and how far is not compared */
};

static void run_cases(const struct budget_case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                struct world world _cleanup_(world_free) = { 0 };
                const struct policy_admission *a =
                        admit(&world, cases[i].spec, cases[i].lists, ELEMENTS(cases[i].lists));

                if (a->violations.count != cases[i].violations)
                        print_error("case %zu\n", i);
                assert_int_equal(a->violations.count, cases[i].violations);
                if (cases[i].message) {
                        struct str message = a->violations.items[0].message;

                        assert_string_equal(
                                arena_printf(&world.arena, "%.*s", STR_ARG(message)).ptr,
                                cases[i].message);
                }
                if (cases[i].cost)
                        assert_int_equal(a->cost, cases[i].cost);
        }
}

static void validations_have_ten_million_units_together(void **state _unused_) {
        static const struct budget_case cases[] = {
                { "", { { "validations", "expression: '!" BURN "'", 11 } }, NULL, 0, 11 * 900005 },
                { "", { { "validations", "expression: '!" BURN "'", 12 } }, OUT, 1, 0 },
                /* Nothing that was found counts any more, not even a refusal. */
                { "", { { "validations", "expression: '" BURN "'", 12 } }, OUT, 1, 0 },
                { "  failurePolicy: Ignore\n",
                  { { "validations", "expression: '" BURN "'", 12 } },
                  NULL,
                  0,
                  0 },
        };

        run_cases(cases, ELEMENTS(cases));
}

static void match_conditions_have_a_budget_of_their_own(void **state _unused_) {
        static const struct budget_case cases[] = {
                { "",
                  { { "matchConditions", "{name: c%d, expression: '!" BURN "'}", 2 },
                    { "validations", "expression: '!" BURN "'", 11 } },
                  NULL,
                  0,
                  13 * 900005 },
                /* All are evaluated before it is looked at whether one is false. */
                { "",
                  { { "matchConditions", "{name: c%d, expression: '" BURN "'}", 3 },
                    { "validations", "expression: 'true'", 1 } },
                  OUT,
                  1,
                  0 },
        };

        run_cases(cases, ELEMENTS(cases));
}

static void variables_are_paid_for_once_in_each_part(void **state _unused_) {
        static const struct budget_case cases[] = {
                { "  variables: [{name: v, expression: '" BURN "'}]\n",
                  { { "validations", "expression: '!variables.v'", 20 } },
                  NULL,
                  0,
                  900004 + 20 * 3 },
                { "  variables: [{name: v, expression: '" BURN "'}]\n",
                  { { "validations",
                      "{expression: '!variables.v', messageExpression: string(variables.v)}", 4 },
                    { "auditAnnotations", "{key: k%d, valueExpression: string(variables.v)}", 4 } },
                  NULL,
                  0,
                  3 * (900004 + 4 * 3) },
        };

        run_cases(cases, ELEMENTS(cases));
}

static void messages_have_what_the_validations_left(void **state _unused_) {
        static const struct budget_case cases[] = {
                { "",
                  { { "validations",
                      "{expression: '" BURN "', messageExpression: 'string(" BURN ")'}", 5 } },
                  "false",
                  5,
                  5 * 900004 + 5 * 900005 },
                /* Then all have failed, those that hold as well. */
                { "",
                  { { "validations",
                      "{expression: '!" BURN "', messageExpression: 'string(" BURN ")'}", 6 } },
                  "failed messageExpression: " OUT,
                  6,
                  0 },
        };

        run_cases(cases, ELEMENTS(cases));
}

static void audit_annotations_have_the_whole_budget_again(void **state _unused_) {
        static const struct budget_case cases[] = {
                { "",
                  { { "validations", "expression: '!" BURN "'", 11 },
                    { "auditAnnotations", "{key: k%d, valueExpression: 'string(" BURN ")'}", 11 } },
                  NULL,
                  0,
                  2 * 11 * 900005 },
                { "",
                  { { "validations", "expression: 'false'", 3 },
                    { "auditAnnotations", "{key: k%d, valueExpression: 'string(" BURN ")'}", 12 } },
                  OUT,
                  1,
                  0 },
        };

        run_cases(cases, ELEMENTS(cases));
}

static void an_expression_over_its_own_limit_is_an_error_like_others(void **state _unused_) {
        static const struct budget_case cases[] = {
                { "",
                  { { "validations", "{expression: '" BURN " || " BURN "', message: m}", 1 } },
                  "expression '" BURN " || " BURN
                  "' resulted in error: operation cancelled: actual "
                  "cost limit exceeded",
                  1,
                  1800008 },
        };

        run_cases(cases, ELEMENTS(cases));
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(validations_have_ten_million_units_together),
        cmocka_unit_test(match_conditions_have_a_budget_of_their_own),
        cmocka_unit_test(variables_are_paid_for_once_in_each_part),
        cmocka_unit_test(messages_have_what_the_validations_left),
        cmocka_unit_test(audit_annotations_have_the_whole_budget_again),
        cmocka_unit_test(an_expression_over_its_own_limit_is_an_error_like_others),
};

int main(void) {
        return cmocka_run_group_tests(tests, NULL, NULL);
}
