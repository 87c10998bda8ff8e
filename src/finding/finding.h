/*
 * Findings: a rule's verdict on a resource.
 *
 * A finding is self-contained: everything a report shows of it was copied into the arena of its
 * list when it was made, including the source lines around its place, because the document is gone
 * by the time the report is written. Text from the input is stored as it was; whoever writes it
 * escapes it for the place it goes to.
 */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "doc/doc.h"

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL, SEVERITY_COUNT };

/* "low" ...; never NULL. */
const char *severity_name(enum severity severity);
int severity_parse(struct str text, enum severity *ret);

/* What a rule says about itself, for people and for reports. Owned by the policy set; lives as long
 * as the process. */
struct rule_info {
        struct str id;     /* "pods/privileged"; a user's own policy without our labels: its name */
        struct str title;  /* one line */
        struct str why;    /* the attack that it stops */
        struct str remedy; /* what to write instead, several lines */
        struct str practice; /* id of PRACTICES; "other" for policies without the label */
        enum severity severity;
        struct str *controls; /* "pss-baseline:privileged", sorted */
        size_t control_count;
        struct str source; /* file of the rule, for errors and `policy show` */
        bool has_fix;      /* `redoubt fix` may have one for what it finds */
};

struct resource_ref {
        struct str api_version, kind, namespace, name; /* namespace and name may be empty */
};

struct finding_location {
        struct str file;
        struct doc_pos start; /* of the deciding node */
        struct doc_pos end;   /* exclusive; line 0 where unknown */
        struct str path; /* field path within the object: spec.template.spec.containers[0].image */
};

/* Source lines around a location, without their line ends, cut at a sane length. */
struct finding_frame {
        uint32_t first_line;
        struct str *lines;
        size_t count;
};

struct finding {
        const struct rule_info *rule;
        struct str message;
        struct resource_ref resource;
        struct resource_ref owner; /* at the top of what made a live object; kind empty: nothing */
        struct finding_location location;
        struct finding_location declared; /* of a live object: where the manifests say so; file
                                             empty: they do not */
        struct finding_location *related; /* other places that decided it, in document order */
        size_t related_count;
        struct finding_frame frame;
        struct str fingerprint; /* 32 hex digits; survives moves of lines and of the file's other
                                   content */
};

/* Something that could not be read or judged, or that is wrong with the text itself. */
struct diagnostic {
        struct str file;
        struct doc_pos pos, other; /* line 0 where unknown */
        struct str message;
        bool incomplete; /* something was not judged because of it */
};

struct finding_list {
        struct arena arena;
        VEC(struct finding) findings;
        VEC(struct diagnostic) diagnostics;
};

void finding_list_free(struct finding_list *list);

/* Orders findings by file, line, column, rule, path and diagnostics by file, line, so that output
 * depends on neither threads nor directory order. */
void finding_list_sort(struct finding_list *list);

/* The fingerprint of a finding: rule, resource identity, field path with list indexes replaced by
 * the item's name where it has one (so that reordering containers does not change it), and the
 * message. Writes 32 hex digits into ARENA. */
struct str finding_fingerprint(struct arena *arena, const struct finding *finding,
                               struct str stable_path);
