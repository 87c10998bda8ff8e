/*
 * What the files of this module share. Private to src/inventory.
 */
#pragma once

#include "base/ignore.h"
#include "inventory/files.h"

/* files.c: whether the file or folder RELATIVE, below the folder that was named, is looked at. */
bool input_wants(struct input_list *list, const struct ignore *ignore, struct str relative,
                 bool folder);

/* files.c: the patterns of .redoubtignore in FOLDER itself; they are relative to it. RET is
 * untouched where there are none. */
int input_read_ignore(struct input_list *list, struct str folder, struct ignore **ret,
                      struct error *error);
