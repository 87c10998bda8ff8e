/*
 * What the programs of this folder share: reading manifests once, and time.
 */
#pragma once

#include "inventory/resource.h"

/* Calls EACH with every object below PATH, read and decoded in ARENA, where it stays. Of files of
 * rules' tests the objects of the cases. */
typedef void bench_resource_fn(void *userdata, const struct resource *resource);
int bench_read(struct arena *arena, const char *path, bench_resource_fn *each, void *userdata,
               struct error *error);

/* Seconds of processor time that the process has used: what others do on the machine meanwhile does
 * not count. */
double bench_time(void);
