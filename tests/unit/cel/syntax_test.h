/*
 * The groups of tests of program unit-cel-syntax. Each returns the number of failures.
 */
#pragma once

int parser_tests(void);
int checker_tests(void);
int syntax_data_tests(void);
