/*
 * The tests of fixes: a case of a rule (scan/cases.h) may say in `fixed` what its object becomes,
 * comments and all, without the marks of findings.
 */
#pragma once

#include "scan/cases.h"

/* Runs the cases of SOURCE that have `fixed` against the fix of POLICY, which is one of SET's. A
 * rule with a fix and no such case fails. As cases_run otherwise. */
int fix_cases_run(struct policy_set *set, const struct policy *policy,
                  const struct doc_source *source, case_result_fn *report, void *userdata,
                  struct error *error);
