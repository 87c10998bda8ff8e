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

void text_survives_hostile_input(void **state);
void machine_formats_survive_hostile_input(void **state);
void output_stays_in_proportion(void **state);

void formats_have_names(void **state);
void clean_is_said_only_when_it_is(void **state);
void colour_only_where_asked_for(void **state);
void text_stays_within_the_width(void **state);
void groups_are_ordered(void **state);
void long_lists_are_cut(void **state);
void tables_are_aligned(void **state);
void write_errors_are_reported(void **state);
void large_reports_take_linear_time(void **state);
