#pragma once

#include "../test.h"

/* servers_test.c */
void servers_are_found_by_the_file_they_read(void **state);

/* encryption_test.c */
void the_first_provider_of_the_nearest_entry_writes(void **state);
void what_the_server_refuses_is_refused(void **state);
void keys_are_in_no_message(void **state);
void plans_keep_every_step_readable(void **state);
