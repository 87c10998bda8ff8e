/*
 * Lists as sets: cel-go's ext/sets.go. Elements are compared in pairs, since numbers of different
 * types are equal; the budget bounds that.
 */
#include "cel/lib/lib.h"

static bool has(struct cel_context *context, const struct cel_value *list, size_t size,
                const struct cel_value *item) {
        for (size_t i = 0; i < size; i++) {
                struct cel_value other = cel_list_at(list, i);

                if (!cel_charge(context, 1))
                        return false;
                if (cel_equal_charged(context, item, &other))
                        return true;
        }
        return false;
}

/* Whether each element of SUBLIST is in LIST. */
static bool covers(struct cel_context *context, const struct cel_value *list,
                   const struct cel_value *sublist) {
        size_t size = cel_list_size(list), count = cel_list_size(sublist);

        for (size_t i = 0; i < count; i++) {
                struct cel_value item = cel_list_at(sublist, i);

                if (!has(context, list, size, &item))
                        return false;
        }
        return true;
}

static struct cel_value answer(struct cel_context *context, bool result) {
        return context->exhausted ? cel_give_up(context) : cel_bool(result);
}

static struct cel_value contains(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        return answer(context, covers(context, &args[0], &args[1]));
}

static struct cel_value equivalent(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        return answer(context,
                      covers(context, &args[0], &args[1]) && covers(context, &args[1], &args[0]));
}

static struct cel_value intersects(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        size_t left = cel_list_size(&args[0]), right = cel_list_size(&args[1]);
        bool found = false;

        for (size_t i = 0; i < left && !found; i++) {
                struct cel_value item = cel_list_at(&args[0], i);

                found = has(context, &args[1], right, &item);
        }
        return answer(context, found);
}

static const struct cel_function_row rows[] = {
        { .signature = "sets.contains(list(T), list(T)) bool", .call = contains, .since = 29 },
        { .signature = "sets.equivalent(list(T), list(T)) bool", .call = equivalent, .since = 29 },
        { .signature = "sets.intersects(list(T), list(T)) bool", .call = intersects, .since = 29 },
};

CEL_LIBRARY(cel_library_sets, "sets", rows);
