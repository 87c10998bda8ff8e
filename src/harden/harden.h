/*
 * Hardening: changes of a machine that make findings about it go away.
 *
 *     rule + facts ──► steps ──► plan: files as they are and as they would be ──► applied, undone
 *
 * What a rule's finding takes is told by the rule itself, in the annotation redoubt.io/node-fix:
 * one step a line,
 *
 *     kubelet FIELD VALUE        a field of the kubelet's configuration file (or drop-in) in force
 *     flag COMPONENT NAME VALUE  a flag in the manifest of a static pod
 *     flag+ COMPONENT NAME WORD  WORD is in the list of the flag
 *     flag- COMPONENT NAME WORD  WORD is not in the list of the flag
 *     sysctl NAME VALUE          a kernel setting, in a file of its own in /etc/sysctl.d
 *     sshd OPTION VALUE          an option of the SSH server
 *     mode BITS                  the files of the finding get no permission beyond BITS
 *     owner                      the files of the finding belong to root
 *
 * Files change as little as can be: comments and layout stay (doc/rewrite.h). What cannot be
 * changed so - a flag in a service file, a layout that is not known - is left to people, with the
 * remedy of the rule. A plan changes nothing. Applying it keeps a copy of every file and a manifest
 * of what was done, from which it can be undone; services are never restarted, the commands for
 * that are told.
 *
 * Everything happens below a root. No link is followed in the last part of a path, and none leads
 * out of the root (openat2(2), RESOLVE_IN_ROOT).
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"
#include "doc/doc.h"

/* Where copies and manifests are kept, below the root. */
#define HARDEN_FOLDER "/var/lib/redoubt/node-fix"

/* A file that would change. */
struct harden_file {
        struct str path;
        bool exists;              /* before */
        struct str before, after; /* contents; read only where a step changes them */
        bool has_text;            /* BEFORE and AFTER are there */
        mode_t mode, new_mode;
        uid_t uid, new_uid;
        gid_t gid, new_gid;
        VEC(struct str) rules; /* for which it changes */
};

/* What is left to people. */
struct harden_manual {
        struct str rule, why, remedy;
};

struct harden_plan {
        struct arena arena;
        int root; /* descriptor of the root */
        const struct doc_node *facts;
        VEC(struct harden_file) files;
        VEC(struct harden_manual) manuals;
        VEC(struct str) commands; /* that make what changed take effect */
        size_t rules;             /* that the plan is for */
};

/* A plan for the machine below ROOT, whose FACTS (docs/node-facts.md) must live as long. */
int harden_plan_init(struct harden_plan *plan, const char *root, const struct doc_node *facts,
                     struct error *error);
void harden_plan_free(struct harden_plan *plan);

/* Adds what makes the findings of RULE go away: STEPS as above (empty: nothing is known), about the
 * COUNT files PATHS. REMEDY is for people. */
void harden_plan_add(struct harden_plan *plan, struct str rule, struct str steps,
                     const struct str *paths, size_t count, struct str remedy);

/* The plan for people: for each file why it changes, and a unified diff or the commands that would
 * do the same; then what is left to people, and the commands to run afterwards. */
void harden_plan_write(struct buf *buf, const struct harden_plan *plan);
void harden_plan_write_json(struct buf *buf, const struct harden_plan *plan);

/* Applies the plan. A file that is no longer as the plan saw it is an error, before anything is
 * changed. RET_ID, in the plan's arena, names what was done; empty where there was nothing to do.
 */
int harden_apply(struct harden_plan *plan, struct str *ret_id, struct error *error);

/* Undoes what was applied below ROOT as ID (NULL: the last that was not undone), and tells what was
 * restored in BUF. A file that was changed since is left alone and told: -EBUSY. -ENOENT where
 * there is nothing to undo. */
int harden_undo(const char *root, const char *id, struct buf *buf, struct error *error);
