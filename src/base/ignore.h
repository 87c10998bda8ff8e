/*
 * Files to leave out: `.redoubtignore`, with the patterns of .gitignore.
 *
 * The rules are those of gitignore(5), as `git check-ignore` applies them; the tests compare both
 * on generated patterns and paths. In short: one pattern a line, `#` comments, `!` takes back, a
 * slash at the end means folders only, a slash elsewhere ties the pattern to the folder of the
 * file, otherwise it is compared with the last part of the path; `*`, `?` and `[a-z]` do not match
 * a slash, `**` between slashes does; the last pattern that matches decides.
 *
 * As in git, a file in a folder that is left out cannot be taken back. Who walks a tree from the
 * top and does not enter folders that `ignore_check` leaves out gets this for nothing; others use
 * `ignore_check_path`.
 *
 * Patterns may be hostile: a match costs at most the length of the pattern times that of the path,
 * whatever the stars, and there are limits.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum {
        IGNORE_TEXT_MAX = 256 << 10, /* bytes of a file */
        IGNORE_PATTERN_MAX = 1024,   /* bytes of a pattern */
};

struct ignore;

enum ignore_verdict {
        IGNORE_UNDECIDED, /* no pattern matches: a file of a parent folder may decide */
        IGNORE_LEFT_OUT,
        IGNORE_TAKEN_BACK
};

/* Reads the patterns of TEXT into ARENA. Returns 0, or -E2BIG with the line where a limit is
 * passed. A pattern that git takes for broken (an open bracket) matches nothing, as there. */
int ignore_new(struct arena *arena, struct str text, struct ignore **ret, struct error *error);

/* What the patterns say of PATH, relative to the folder of the file, its parts joined by single
 * slashes, without "./" at the beginning or a slash at the end. Its parents are not looked at. */
enum ignore_verdict ignore_check(const struct ignore *ignore, struct str path, bool is_folder);

/* The same, with every parent folder tried first: one that is left out decides. */
enum ignore_verdict ignore_check_path(const struct ignore *ignore, struct str path, bool is_folder);
