/*
 * The tests of rules: `<rule>.test.yaml` beside `<rule>.yaml`.
 *
 *     - name: a privileged init container
 *       object: |
 *         kind: Pod
 *         ...
 *               privileged: true # <- finding
 *
 * A case holds an object (any manifest) and, in comments, the lines on which the rule must find
 * something; without such a comment it must find nothing. `namespace` may hold the Namespace that
 * the object lives in, `message` a text that one of the findings must contain.
 */
#pragma once

#include "scan/scan.h"

struct case_result {
        struct str file, rule, name;
        uint32_t line; /* of the case in FILE */
        bool passed;
        bool not_judged;    /* it asks for something that cannot be answered here */
        struct str problem; /* what is wrong, one or several lines; empty when passed */
};
typedef void case_result_fn(void *userdata, const struct case_result *result);

/* Runs the cases of the test file SOURCE against POLICY, calling REPORT for each. Returns 0, or
 * -EINVAL with its place where the file is not as it should be. */
int cases_run(const struct policy *policy, const struct doc_source *source, case_result_fn *report,
              void *userdata, struct error *error);
