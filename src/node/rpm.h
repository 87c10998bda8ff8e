/*
 * Headers of packages, as the database of rpm keeps them.
 *
 * A header is an index of N entries (tag, type, offset, count; each a big-endian word), after the
 * words N and the size of the data, and then the data that the offsets point into (rpm,
 * docs/manual/format_header.md; without the magic number that it has in packages). Only strings and
 * the epoch are read. A header may be hostile: nothing is read beyond it.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum {
        RPM_ENTRIES_MAX = 65535,   /* as rpm: HEADER_TAGS_MAX */
        RPM_HEADER_MAX = 32 << 20, /* bytes; larger ones are not read */
};

/* What a header says; NAME, VERSION and RELEASE lie in it. */
struct rpm_header {
        struct str name, version, release;
        uint32_t epoch;
        bool has_epoch;
};

/* Reads HEADER. 0, or -EUCLEAN where it is damaged or lacks a name, version or release. */
int rpm_header_read(struct str header, struct rpm_header *ret);

/* "EPOCH:VERSION-RELEASE", without the epoch where there is none, in ARENA. */
struct str rpm_version(struct arena *arena, const struct rpm_header *header);
