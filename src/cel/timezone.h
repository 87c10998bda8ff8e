/*
 * Time zones, carried in the program.
 *
 * Kubernetes resolves the names of CEL's time functions in the IANA database of the machine it runs
 * on. Redoubt may run where there is none (an empty root, a sandbox), so tools/embed-tz packs the
 * database of the machine it is built on into the tables below; their encoding is described there.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>

#include "base/str.h"

/* The zone called NAME (case matters) at SECONDS since 1970: seconds east of UTC. Returns 0, or
 * -ENOENT for a name the database does not have. */
int cel_zone_offset(struct str name, int64_t seconds, int32_t *ret_offset);

/* Generated; sorted by name. */
struct cel_zone_entry {
        uint32_t name, data; /* where they begin in the tables below */
};
extern const size_t cel_zone_count, cel_zone_bytes;
extern const struct cel_zone_entry cel_zone_entries[];
extern const char cel_zone_names[];
extern const uint8_t cel_zone_data[];
