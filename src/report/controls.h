/*
 * Controls: what a report says of each item of the frameworks that were asked for.
 *
 * The status of an item comes from the rules that judge it:
 *
 *     fail            one of them found something
 *     notJudged       one of them could not be judged, or the input has nothing that they look at
 *     pass            at least one of them was judged, and none found anything
 *     notApplicable   they looked, and what the item is about is not there
 *     manual          no program can tell; the reason is the framework's file's
 *
 * Evidence is what decided: the findings, the settings and files that the rules looked at, with the
 * place where each is written, also where all is well.
 */
#pragma once

#include "finding/finding.h"
#include "report/out.h"
#include "report/report.h"

enum control_status {
        CONTROL_PASS,
        CONTROL_FAIL,
        CONTROL_MANUAL,
        CONTROL_NOT_APPLICABLE,
        CONTROL_NOT_JUDGED,
        CONTROL_STATUS_COUNT
};

/* "pass", "notApplicable" ... */
const char *control_status_name(enum control_status status);

struct control_evidence {
        struct str what;   /* "kubelet.config.readOnlyPort", "/etc/kubernetes/admin.conf", a rule */
        struct str value;  /* "0", "0600 root:root", what a finding says */
        struct str source; /* who decided: "flag", "config", "default"; may be empty */
        struct finding_location location; /* only file and start; the file may be empty */
};

struct control {
        struct str id, title, section, section_title;
        enum control_status status;
        struct str reason; /* why it is manual, not judged or not applicable */
        struct control_evidence *evidence;
        size_t evidence_count;
        size_t more;       /* evidence that was left out */
        struct str *rules; /* the ids of the rules that judge it */
        size_t rule_count;
};

struct control_report {
        struct str id, title; /* of the framework */
        struct control *controls;
        size_t count;
};

/* "controls":[...] of REPORT, one item a line. */
void controls_write_json(struct out *out, const struct report *report);

/* A table of each framework by section, with counts. */
void controls_write_text(struct out *out, const struct report *report,
                         const struct report_style *style);
