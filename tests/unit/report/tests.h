/*
 * The tests of this program, by file; report_test.c runs them all.
 */
#pragma once

void golden_reports(void **state);
void golden_explanations(void **state);

void frame_marks_the_spot(void **state);
void frame_without_line(void **state);

void json_holds_the_report(void **state);
void json_of_nothing(void **state);
void sarif_has_what_is_required(void **state);
void sarif_of_nothing(void **state);
void sarif_writes_uris(void **state);
void sarif_makes_no_links(void **state);
void sarif_tags_are_unique(void **state);
