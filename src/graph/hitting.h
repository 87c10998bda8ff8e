/*
 * Hitting sets: the cheapest set of things that has at least one of each of a number of sets.
 *
 * The problem is hard in general; real ones are not. What has to be chosen is chosen, sets that
 * hold others and things that others are always better than are dropped, and what is left falls
 * into parts that have nothing in common. Each part is searched by branch and bound. When the
 * effort runs out the best that was found so far is taken, and that is told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct hitting_set {
        uint32_t *items;
        size_t count;
};

struct hitting_problem {
        const struct hitting_set *sets; /* none empty; items are below `things` */
        size_t set_count;
        const uint32_t *weights; /* of each thing, above 0 */
        size_t things;
        uint64_t effort; /* sets that the search may look at, all nodes of it together */
};

/* Fills CHOSEN (of problem->things) with a cheapest hitting set. Returns whether it is known to be
 * one; false: the effort ran out, and there may be a cheaper one. */
bool hitting_solve(const struct hitting_problem *problem, bool *chosen);
