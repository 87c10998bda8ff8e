/*
 * A report made by hand for the tests of the writers.
 */
#pragma once

#include "report/report.h"

struct fixture {
        struct finding_list list;
        struct report report;
};

enum fixture_rule { RULE_DENY, RULE_LIMITS, RULE_PRIVILEGED, RULE_TAG, RULE_COUNT };
extern const struct rule_info fixture_rules[RULE_COUNT];

/* An empty report over some objects, everything judged. */
void fixture_init(struct fixture *fixture);
void fixture_free(struct fixture *fixture);

/* Adds a finding without source. TEXT arguments are copied. */
struct finding *fixture_add(struct fixture *fixture, const struct rule_info *rule, const char *file,
                            struct doc_pos start, struct doc_pos end, const char *kind,
                            const char *name, const char *message);

/* Gives FINDING the lines of TEXT, the first of which is number FIRST. */
void fixture_frame(struct fixture *fixture, struct finding *finding, uint32_t first,
                   const char *text);

void fixture_diagnose(struct fixture *fixture, const char *file, struct doc_pos pos,
                      struct doc_pos other, const char *message, bool incomplete);

/* The report that the golden files show. */
void fixture_shop(struct fixture *fixture);

/* What the writer of FORMAT makes of it; free() it. */
char *fixture_write(const struct fixture *fixture, enum report_format format,
                    const struct report_style *style, size_t *ret_size);
