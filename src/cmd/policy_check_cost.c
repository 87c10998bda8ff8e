/* What the expressions of a policy may cost, as `redoubt policy check` writes it. */
#include <inttypes.h>

#include "base/util.h"
#include "cel/estimate.h"
#include "cmd/policy_check.h"

typedef void cost_writer(struct buf *buf, const char *list, size_t index, const char *field,
                         struct cel_estimate cost);

static void visit(struct buf *buf, cost_writer *write, const char *list, size_t index,
                  const char *field, const struct cel_program *program) {
        if (program)
                write(buf, list, index, field, cel_program_estimate(program));
}

static void visit_all(struct buf *buf, cost_writer *write, const struct policy *policy) {
        for (size_t i = 0; i < policy->variable_count; i++)
                visit(buf, write, "variables", i, "expression", policy->variables[i].program);
        for (size_t i = 0; i < policy->condition_count; i++)
                visit(buf, write, "matchConditions", i, "expression",
                      policy->conditions[i].program);
        for (size_t i = 0; i < policy->validation_count; i++) {
                const struct policy_validation *validation = &policy->validations[i];

                visit(buf, write, "validations", i, "expression", validation->program);
                visit(buf, write, "validations", i, "messageExpression",
                      validation->message_program);
        }
        for (size_t i = 0; i < policy->annotation_count; i++)
                visit(buf, write, "auditAnnotations", i, "valueExpression",
                      policy->annotations[i].program);
}

static void write_text(struct buf *buf, const char *list, size_t index, const char *field,
                       struct cel_estimate cost) {
        buf_printf(buf, "  spec.%s[%zu].%s costs %" PRIu64, list, index, field, cost.min);
        if (cost.max >= CEL_ESTIMATE_UNBOUNDED)
                buf_add(buf, STR(" or more"));
        else if (cost.max > cost.min)
                buf_printf(buf, " to %" PRIu64, cost.max);
        if (cost.min > CEL_COST_PER_CALL)
                buf_printf(buf, " (warning: more than the %d that one expression may cost)",
                           CEL_COST_PER_CALL);
        buf_add_char(buf, '\n');
}

static void write_json(struct buf *buf, const char *list, size_t index, const char *field,
                       struct cel_estimate cost) {
        buf_printf(buf, "%s{\"fieldRef\":\"spec.%s[%zu].%s\",\"min\":%" PRIu64 ",\"max\":",
                   buf->data[buf->len - 1] == '[' ? "" : ",", list, index, field, cost.min);
        if (cost.max >= CEL_ESTIMATE_UNBOUNDED)
                buf_add(buf, STR("null}"));
        else
                buf_printf(buf, "%" PRIu64 "}", cost.max);
}

void check_write_costs_text(struct buf *buf, const struct policy *policy) {
        visit_all(buf, write_text, policy);
}

void check_write_costs_json(struct buf *buf, const struct policy *policy) {
        buf_add(buf, STR(",\"costs\":["));
        visit_all(buf, write_json, policy);
        buf_add_char(buf, ']');
}
