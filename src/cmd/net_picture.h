/*
 * Pictures of who reaches whom.
 *
 * Workloads stand in boxes, one for each namespace. Workloads of a namespace that reach, and are
 * reached by, the same on the same ports are one row; and what leads from all of a namespace to one
 * row, or to all of another namespace, is one line. So a picture stays readable with hundreds of
 * workloads. SVG and HTML are complete in themselves: no script, font or style comes from
 * elsewhere.
 */
#pragma once

#include "cmd/net.h"
#include "net/matrix.h"

/* Writes the matrix on standard output; FORMAT is NET_DOT, NET_SVG or NET_HTML. Returns 0, or
 * -E2BIG with the error of CONTEXT where there are too many workloads. */
int net_write_picture(struct command_context *context, struct net_index *index,
                      const struct net_matrix_options *options, int format);
