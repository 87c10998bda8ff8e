#include "graph/hitting.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Rows are sets, columns are things; both are left out as the problem shrinks. */
struct solver {
        const struct hitting_problem *problem;
        struct arena arena;
        bool *row_out, *column_out;
        uint32_t *column_first, *column_rows; /* the rows of a column */
        uint64_t effort;
        bool exact;
};

/* --- shrinking --- */

static size_t live_items(const struct solver *solver, size_t row, uint32_t *ret_last) {
        const struct hitting_set *set = &solver->problem->sets[row];
        size_t count = 0;

        for (size_t i = 0; i < set->count; i++)
                if (!solver->column_out[set->items[i]]) {
                        *ret_last = set->items[i];
                        count++;
                }
        return count;
}

static void index_columns(struct solver *solver) {
        const struct hitting_problem *problem = solver->problem;
        size_t total = 0;
        uint32_t *fill;

        solver->column_first = arena_new_array(&solver->arena, problem->things + 2, uint32_t);
        fill = arena_new_array(&solver->arena, problem->things + 2, uint32_t);
        for (size_t i = 0; i < problem->set_count; i++) {
                total += problem->sets[i].count;
                for (size_t k = 0; k < problem->sets[i].count; k++)
                        solver->column_first[problem->sets[i].items[k] + 1]++;
        }
        for (size_t i = 0; i < problem->things; i++)
                solver->column_first[i + 1] += solver->column_first[i];
        memcpy(fill, solver->column_first, (problem->things + 1) * sizeof *fill);
        solver->column_rows = arena_new_array(&solver->arena, total + 1, uint32_t);
        for (size_t i = 0; i < problem->set_count; i++)
                for (size_t k = 0; k < problem->sets[i].count; k++)
                        solver->column_rows[fill[problem->sets[i].items[k]]++] = (uint32_t)i;
}

static void choose(struct solver *solver, uint32_t column, bool *chosen) {
        chosen[column] = true;
        solver->column_out[column] = true;
        for (uint32_t i = solver->column_first[column]; i < solver->column_first[column + 1]; i++)
                solver->row_out[solver->column_rows[i]] = true;
}

static bool choose_forced(struct solver *solver, bool *chosen) {
        bool any = false;

        for (size_t i = 0; i < solver->problem->set_count; i++) {
                uint32_t last = 0;

                if (solver->row_out[i] || live_items(solver, i, &last) != 1)
                        continue;
                choose(solver, last, chosen);
                any = true;
        }
        return any;
}

/* Whether every live row of A is one of B. */
static bool covers(const struct solver *solver, uint32_t b, uint32_t a) {
        uint32_t k = solver->column_first[b];

        for (uint32_t i = solver->column_first[a]; i < solver->column_first[a + 1]; i++) {
                uint32_t row = solver->column_rows[i];

                if (solver->row_out[row])
                        continue;
                while (k < solver->column_first[b + 1] && solver->column_rows[k] < row)
                        k++;
                if (k == solver->column_first[b + 1] || solver->column_rows[k] != row)
                        return false;
        }
        return true;
}

static uint32_t live_row_of(const struct solver *solver, uint32_t column) {
        for (uint32_t i = solver->column_first[column]; i < solver->column_first[column + 1]; i++)
                if (!solver->row_out[solver->column_rows[i]])
                        return solver->column_rows[i];
        return UINT32_MAX;
}

/* Drops a column where another one of the same row hits all of its rows for no more. */
static bool drop_columns(struct solver *solver) {
        const struct hitting_problem *problem = solver->problem;
        bool any = false;

        for (uint32_t a = 0; a < problem->things; a++) {
                uint32_t row;

                if (solver->column_out[a])
                        continue;
                row = live_row_of(solver, a);
                if (row == UINT32_MAX) {
                        solver->column_out[a] = true;
                        continue;
                }
                for (size_t i = 0; i < problem->sets[row].count; i++) {
                        uint32_t b = problem->sets[row].items[i];
                        bool better = problem->weights[b] < problem->weights[a] ||
                                      (problem->weights[b] == problem->weights[a] &&
                                       (b < a || !covers(solver, a, b)));

                        if (a == b || solver->column_out[b] || !better || !covers(solver, b, a))
                                continue;
                        solver->column_out[a] = true;
                        any = true;
                        break;
                }
        }
        return any;
}

/* --- one part --- */

/* A part: rows that share columns with each other only. */
struct part {
        struct solver *solver;
        uint32_t *rows;
        size_t row_count;
        uint32_t *hits;   /* of each row: how many chosen columns are in it */
        bool *taken;      /* of each column of the problem */
        uint32_t *banned; /* by which depth of the search, from 1; 0: not */
        bool *best;
        uint64_t best_weight;
        uint32_t *marks, mark; /* of each column: for the bound */
};

enum { DEPTH_MAX = 400 };

static bool is_hit(const struct part *part, uint32_t row) {
        return part->hits[row] > 0;
}

/* The least that is still to be paid: rows that have no column in common cost one each. */
static uint64_t bound(struct part *part) {
        const struct hitting_problem *problem = part->solver->problem;
        uint64_t total = 0;

        part->mark++;
        for (size_t i = 0; i < part->row_count; i++) {
                const struct hitting_set *set = &problem->sets[part->rows[i]];
                uint32_t least = UINT32_MAX;
                bool apart = !is_hit(part, part->rows[i]);

                for (size_t k = 0; apart && k < set->count; k++) {
                        uint32_t column = set->items[k];

                        if (part->solver->column_out[column] || part->banned[column])
                                continue;
                        apart = part->marks[column] != part->mark;
                        least = MIN(least, problem->weights[column]);
                }
                if (!apart)
                        continue;
                if (least == UINT32_MAX)
                        return UINT64_MAX;
                total += least;
                for (size_t k = 0; k < set->count; k++)
                        part->marks[set->items[k]] = part->mark;
        }
        return total;
}

/* The row that is not hit and has the fewest columns; UINT32_MAX: all are hit. */
static uint32_t narrowest(const struct part *part) {
        uint32_t best = UINT32_MAX;
        size_t least = SIZE_MAX;

        for (size_t i = 0; i < part->row_count; i++) {
                const struct hitting_set *set = &part->solver->problem->sets[part->rows[i]];
                size_t count = 0;

                if (is_hit(part, part->rows[i]))
                        continue;
                for (size_t k = 0; k < set->count; k++)
                        count += !part->solver->column_out[set->items[k]] &&
                                 !part->banned[set->items[k]];
                if (count < least) {
                        least = count;
                        best = part->rows[i];
                }
        }
        return best;
}

static void take(struct part *part, uint32_t column, int by) {
        const struct solver *solver = part->solver;

        part->taken[column] = by > 0;
        for (uint32_t i = solver->column_first[column]; i < solver->column_first[column + 1]; i++)
                part->hits[solver->column_rows[i]] += (uint32_t)by;
}

static void search(struct part *part, uint64_t weight, unsigned depth) {
        struct solver *solver = part->solver;
        const struct hitting_problem *problem = solver->problem;
        uint32_t row = narrowest(part);
        const struct hitting_set *set;
        uint64_t least;

        if (row == UINT32_MAX) {
                if (weight < part->best_weight) {
                        part->best_weight = weight;
                        memcpy(part->best, part->taken, problem->things * sizeof *part->best);
                }
                return;
        }
        if (solver->effort < part->row_count || depth == DEPTH_MAX) {
                solver->exact = false;
                return;
        }
        solver->effort -= part->row_count;
        least = bound(part);
        if (least == UINT64_MAX || weight + least >= part->best_weight)
                return;
        set = &problem->sets[row];
        for (size_t i = 0; i < set->count; i++) {
                uint32_t column = set->items[i];

                if (solver->column_out[column] || part->banned[column])
                        continue;
                take(part, column, 1);
                search(part, weight + problem->weights[column], depth + 1);
                take(part, column, -1);
                /* What comes now does without it. */
                part->banned[column] = depth + 1;
        }
        for (size_t i = 0; i < set->count; i++)
                if (part->banned[set->items[i]] == depth + 1)
                        part->banned[set->items[i]] = 0;
}

/* The column that hits most rows for its weight, again and again: a set to begin with. */
static void greedy(struct part *part) {
        const struct solver *solver = part->solver;
        const struct hitting_problem *problem = solver->problem;
        uint32_t row;

        part->best_weight = 0;
        while ((row = narrowest(part)) != UINT32_MAX) {
                const struct hitting_set *set = &problem->sets[row];
                uint32_t best = UINT32_MAX;
                uint64_t most = 0;

                for (size_t i = 0; i < set->count; i++) {
                        uint32_t column = set->items[i];
                        uint64_t rows = 0;

                        if (solver->column_out[column])
                                continue;
                        for (uint32_t k = solver->column_first[column];
                             k < solver->column_first[column + 1]; k++)
                                rows += !solver->row_out[solver->column_rows[k]] &&
                                        !is_hit(part, solver->column_rows[k]);
                        rows = rows * 1000000 / problem->weights[column];
                        if (best == UINT32_MAX || rows > most) {
                                best = column;
                                most = rows;
                        }
                }
                take(part, best, 1);
                part->best_weight += problem->weights[best];
        }
        memcpy(part->best, part->taken, problem->things * sizeof *part->best);
        for (uint32_t i = 0; i < problem->things; i++)
                if (part->taken[i])
                        take(part, i, -1);
}

/* Collects the rows that hang together with ROW. */
static void collect(struct part *part, bool *seen, uint32_t row) {
        const struct solver *solver = part->solver;

        part->row_count = 0;
        part->rows[part->row_count++] = row;
        seen[row] = true;
        for (size_t i = 0; i < part->row_count; i++) {
                const struct hitting_set *set = &solver->problem->sets[part->rows[i]];

                for (size_t k = 0; k < set->count; k++) {
                        uint32_t column = set->items[k];

                        for (uint32_t r = solver->column_first[column];
                             !solver->column_out[column] && r < solver->column_first[column + 1];
                             r++) {
                                uint32_t other = solver->column_rows[r];

                                if (solver->row_out[other] || seen[other])
                                        continue;
                                seen[other] = true;
                                part->rows[part->row_count++] = other;
                        }
                }
        }
}

static void solve_parts(struct solver *solver, bool *chosen) {
        const struct hitting_problem *problem = solver->problem;
        bool *seen = arena_new_array(&solver->arena, problem->set_count + 1, bool);
        struct part part = { .solver = solver };

        part.rows = arena_new_array(&solver->arena, problem->set_count + 1, uint32_t);
        part.hits = arena_new_array(&solver->arena, problem->set_count + 1, uint32_t);
        part.taken = arena_new_array(&solver->arena, problem->things + 1, bool);
        part.banned = arena_new_array(&solver->arena, problem->things + 1, uint32_t);
        part.best = arena_new_array(&solver->arena, problem->things + 1, bool);
        part.marks = arena_new_array(&solver->arena, problem->things + 1, uint32_t);
        for (size_t i = 0; i < problem->set_count; i++) {
                if (solver->row_out[i] || seen[i])
                        continue;
                collect(&part, seen, (uint32_t)i);
                greedy(&part);
                search(&part, 0, 0);
                for (size_t k = 0; k < problem->things; k++)
                        chosen[k] |= part.best[k];
        }
}

bool hitting_solve(const struct hitting_problem *problem, bool *chosen) {
        struct solver solver = { .problem = problem, .effort = problem->effort, .exact = true };

        solver.row_out = arena_new_array(&solver.arena, problem->set_count + 1, bool);
        solver.column_out = arena_new_array(&solver.arena, problem->things + 1, bool);
        memset(chosen, 0, problem->things * sizeof *chosen);
        index_columns(&solver);
        do {
                while (choose_forced(&solver, chosen))
                        continue;
        } while (drop_columns(&solver));
        solve_parts(&solver, chosen);
        arena_free(&solver.arena);
        return solver.exact;
}
