/*
 * What the files of `redoubt fix` share.
 */
#pragma once

#include "cmd/command.h"
#include "fix/fix.h"

struct fix_report {
        const struct fix_run *run;
        bool complete; /* everything was judged */
        bool written;  /* the files are being changed, too */
};

/* Numbers of fixes by their state, and of the findings that those offered are for. */
struct fix_counts {
        size_t offered, unsafe, impossible, refused, findings, files;
};
struct fix_counts fix_count(const struct fix_run *run);

/* fix_report.c: appends what is changed, as a patch (returns whether secrets were left out of it),
 * as a list, or for programs. */
bool fix_add_patch(struct buf *buf, const struct fix_report *report);
void fix_add_text(struct buf *buf, const struct fix_report *report);
void fix_add_json(struct buf *buf, const struct fix_report *report);

/* fix_write.c: a process that computes, and has given up writing, tells one that only writes which
 * files become what. */
int fix_send(int fd, const struct fix_run *run);

/* Reads from FD what files become, and writes those that belong to INPUTS, or lie beside one of
 * them. Returns how many were written, or a negative errno. */
int fix_receive(int fd, const struct input_list *inputs, struct error *error);
