/*
 * Source frames: the lines around a place, with a mark under the spot.
 *
 *      25│         - name: cart
 *      26│           securityContext:
 *      27│             privileged: true
 *        │                         ^^^^
 *
 * Columns count characters, the terminal counts cells: tabs, wide characters, combining marks and
 * escaped control characters all take another number of cells than one. Lines that do not fit are
 * all cut alike, around the spot, so that their indentation stays comparable.
 */
#pragma once

#include "report/report.h"

/* The cells left of the bar: room for the largest line number. At least 2. */
size_t frame_gutter(const struct finding *finding);

/* Writes the link line and, where the finding has source lines, the frame. */
void frame_add(struct buf *buf, const struct report_style *style, const struct finding *finding);
