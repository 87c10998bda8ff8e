/*
 * What the files of this module share. Private to src/harden.
 */
#pragma once

#include <sys/stat.h>

#include "harden/harden.h"

enum { HARDEN_FILE_MAX = 8 << 20, HARDEN_NAME_MAX = 255 };

/* --- tree.c: files below the root --- */

/* The folder that holds PATH, opened, and the last part of PATH in NAME. Returns a descriptor or a
 * negative errno. MAKE: folders that are missing are made, for root alone. */
int tree_open_parent(int root, struct str path, bool make, char name[static HARDEN_NAME_MAX + 1]);

/* What PATH is, links not followed. */
int tree_stat(int root, struct str path, struct stat *ret);

/* The contents of the regular file PATH, into BUF. */
int tree_read(int root, struct str path, struct buf *buf, struct stat *ret);

/* Puts TEXT in the place of PATH, in one step, with MODE and owner. */
int tree_write(int root, struct str path, struct str text, mode_t mode, uid_t uid, gid_t gid);

/* Gives PATH another mode and owner. */
int tree_change(int root, struct str path, mode_t mode, uid_t uid, gid_t gid);
int tree_remove(int root, struct str path);

/* --- edit.c: changes of texts; the result is in ARENA --- */

/* Sets FIELD ("authentication.anonymous.enabled") of a YAML or JSON document to VALUE, written as
 * YAML. */
int edit_set_field(struct arena *arena, struct str name, struct str text, struct str field,
                   struct str value, struct str *ret, struct error *error);

enum edit_flag { EDIT_FLAG_SET, EDIT_FLAG_ADD, EDIT_FLAG_DROP };

/* Changes flag NAME of the program PROGRAM in the manifest of a static pod: to VALUE, or so that
 * VALUE is or is not in its list. */
int edit_flag(struct arena *arena, struct str name_of_file, struct str text, struct str program,
              enum edit_flag what, struct str name, struct str value, struct str *ret,
              struct error *error);

/* Sets OPTION of sshd_config to VALUE: the lines of the global section that set it, else one more
 * at the beginning, where the first one counts. */
struct str edit_sshd(struct arena *arena, struct str text, struct str option, struct str value);

/* Sets NAME = VALUE in a file of sysctl.d: its line, else one more at the end. */
struct str edit_sysctl(struct arena *arena, struct str text, struct str name, struct str value);

/* --- plan.c --- */

/* The file PATH of the plan, added where it is new. -ENOTSUP for a link and what is no regular file
 * or folder. */
int plan_file(struct harden_plan *plan, struct str path, bool may_be_new, struct harden_file **ret);

/* The same, with its contents read. */
int plan_text(struct harden_plan *plan, struct str path, bool may_be_new, struct harden_file **ret);
void plan_command(struct harden_plan *plan, struct str command);

/* steps.c: one line of an annotation; -ENOTSUP, with why, where people must do it. */
int step_add(struct harden_plan *plan, struct str rule, struct str step, const struct str *paths,
             size_t count, struct error *error);
