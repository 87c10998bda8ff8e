/*
 * Methods of lists: those of Kubernetes (apiserver pkg/cel/library/lists.go) and, from 1.34, of
 * cel-go's ext/lists.go version 3.
 *
 * sortBy() is a macro: `l.sortBy(e, key)` is l.@sortByAssociatedKeys(l.map(e, key)) with l
 * evaluated once.
 */
#include "cel/eval.h"
#include "cel/lib/lib.h"

/* --- Kubernetes --- */

/* Whether values of this kind have an order at all (cel-go's traits.Comparer). */
static bool is_comparable(const struct cel_value *value) {
        switch (value->kind) {
        case CEL_BOOL:
        case CEL_INT:
        case CEL_UINT:
        case CEL_DOUBLE:
        case CEL_STRING:
        case CEL_BYTES:
        case CEL_TIMESTAMP:
        case CEL_DURATION:
                return true;
        default:
                return false;
        }
}

/* Two neighbours that do not compare (a string and a number, NaN) are no disorder. */
static struct cel_value is_sorted(struct cel_context *context, const struct cel_value *args,
                                  _unused_ size_t count) {
        size_t size = cel_list_size(&args[0]);
        struct cel_value last = { 0 };

        if (!cel_charge(context, size))
                return cel_give_up(context);
        for (size_t i = 0; i < size; i++) {
                struct cel_value item = cel_list_at(&args[0], i);
                int order;

                if (!is_comparable(&item))
                        return cel_plain_no_overload();
                if (i > 0 && cel_compare(&last, &item, &order) && order > 0)
                        return cel_bool(false);
                last = item;
        }
        return cel_bool(true);
}

/* The first of the items that no other one beats. SIGN is 1 for the largest. */
static struct cel_value extreme(struct cel_context *context, const struct cel_value *list, int sign,
                                const char *name) {
        size_t size = cel_list_size(list);
        struct cel_value best = { 0 };

        if (!cel_charge(context, size))
                return cel_give_up(context);
        if (size == 0)
                return cel_error(context->scratch, "%s called on empty list", name);
        for (size_t i = 0; i < size; i++) {
                struct cel_value item = cel_list_at(list, i);
                int order;

                if (!is_comparable(&item))
                        return cel_plain_no_overload();
                if (i == 0 || (cel_compare(&item, &best, &order) && order * sign > 0))
                        best = item;
        }
        return best;
}

static struct cel_value max_of(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        return extreme(context, &args[0], 1, "max");
}

static struct cel_value min_of(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        return extreme(context, &args[0], -1, "min");
}

/* SUM is the zero of the type. */
static struct cel_value sum_of(struct cel_context *context, const struct cel_value *list,
                               struct cel_value sum) {
        size_t size = cel_list_size(list);

        if (!cel_charge(context, size))
                return cel_give_up(context);
        for (size_t i = 0; i < size; i++) {
                struct cel_value item = cel_list_at(list, i), left = sum;

                cel_operate_into(context, CEL_OP_ADD, &left, &item, &sum);
                if (cel_is_error(&sum))
                        break;
        }
        return sum;
}

static struct cel_value sum_int(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        return sum_of(context, &args[0], cel_int(0));
}

static struct cel_value sum_uint(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        return sum_of(context, &args[0], cel_uint(0));
}

static struct cel_value sum_double(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        return sum_of(context, &args[0], cel_double(0));
}

static struct cel_value sum_duration(struct cel_context *context, const struct cel_value *args,
                                     _unused_ size_t count) {
        return sum_of(context, &args[0], cel_duration(0));
}

static struct cel_value index_of(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        size_t size = cel_list_size(&args[0]);

        for (size_t i = 0; i < size; i++) {
                struct cel_value item = cel_list_at(&args[0], i);

                if (!cel_charge(context, 1))
                        return cel_give_up(context);
                if (cel_equal_charged(context, &item, &args[1]))
                        return cel_int((int64_t)i);
        }
        return context->exhausted ? cel_give_up(context) : cel_int(-1);
}

static struct cel_value last_index_of(struct cel_context *context, const struct cel_value *args,
                                      _unused_ size_t count) {
        for (size_t i = cel_list_size(&args[0]); i-- > 0;) {
                struct cel_value item = cel_list_at(&args[0], i);

                if (!cel_charge(context, 1))
                        return cel_give_up(context);
                if (cel_equal_charged(context, &item, &args[1]))
                        return cel_int((int64_t)i);
        }
        return context->exhausted ? cel_give_up(context) : cel_int(-1);
}

/* --- cel-go --- */

/* Room for COUNT items, or NULL when the budget does not allow that. */
static struct cel_value *new_items(struct cel_context *context, size_t count) {
        if (!cel_charge(context, count))
                return NULL;
        return arena_new_array(context->scratch, count, struct cel_value);
}

static struct cel_value slice(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        long long from = args[1].integer, to = args[2].integer;
        size_t size = cel_list_size(&args[0]);
        struct cel_value *items;

        if (from < 0 || to < 0)
                return cel_error(context->scratch,
                                 "cannot slice(%lld, %lld), negative indexes not supported", from,
                                 to);
        if (from > to)
                return cel_error(context->scratch,
                                 "cannot slice(%lld, %lld), start index must be less than or equal "
                                 "to end index",
                                 from, to);
        if ((unsigned long long)to > size)
                return cel_error(context->scratch, "cannot slice(%lld, %lld), list is length %zu",
                                 from, to, size);
        items = new_items(context, (size_t)(to - from));
        if (!items)
                return cel_give_up(context);
        for (long long i = from; i < to; i++)
                items[i - from] = cel_list_at(&args[0], (size_t)i);
        return cel_list_value(context->scratch, items, (size_t)(to - from));
}

static struct cel_value range(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        size_t size = args[0].integer > 0 ? (size_t)args[0].integer : 0;
        struct cel_value *items = new_items(context, size);

        if (!items)
                return cel_give_up(context);
        for (size_t i = 0; i < size; i++)
                items[i] = cel_int((int64_t)i);
        return cel_list_value(context->scratch, items, size);
}

static struct cel_value reverse(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        size_t size = cel_list_size(&args[0]);
        struct cel_value *items = new_items(context, size);

        if (!items)
                return cel_give_up(context);
        for (size_t i = 0; i < size; i++)
                items[i] = cel_list_at(&args[0], size - 1 - i);
        return cel_list_value(context->scratch, items, size);
}

/* Equality goes across types of numbers and into lists, so every pair is compared; the budget
 * bounds that. */
static struct cel_value distinct(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        size_t size = cel_list_size(&args[0]), kept = 0;
        struct cel_value *items = new_items(context, size);

        if (!items)
                return cel_give_up(context);
        for (size_t i = 0; i < size; i++) {
                struct cel_value item = cel_list_at(&args[0], i);
                bool seen = false;

                if (!cel_charge(context, kept))
                        return cel_give_up(context);
                for (size_t j = 0; j < kept && !seen; j++)
                        seen = cel_equal_charged(context, &item, &items[j]);
                if (!seen)
                        items[kept++] = item;
        }
        if (context->exhausted)
                return cel_give_up(context);
        return cel_list_value(context->scratch, items, kept);
}

/* A list that is being flattened, and how far. */
struct level {
        struct cel_value list;
        size_t next;
};

static struct cel_value flatten(struct cel_context *context, const struct cel_value *args,
                                size_t count) {
        int64_t depth = count > 1 ? args[1].integer : 1;
        VEC(struct level) levels = { 0 };
        VEC(struct cel_value) items = { 0 };

        if (args[0].kind != CEL_LIST || (count > 1 && args[1].kind != CEL_INT)) {
                struct str list = cel_type_runtime_name(cel_value_type(&args[0])), level = STR("");

                if (count > 1)
                        level = cel_type_runtime_name(cel_value_type(&args[1]));
                return cel_error(context->scratch, "no such overload: %.*s.flatten(%.*s)",
                                 STR_ARG(list), STR_ARG(level));
        }
        if (depth < 0)
                return cel_error(context->scratch, "level must be non-negative");
        *vec_push_in(context->scratch, &levels) = (struct level){ .list = args[0] };
        while (levels.count > 0) {
                struct level *level = &levels.items[levels.count - 1];
                struct cel_value item;

                if (level->next == cel_list_size(&level->list)) {
                        levels.count--;
                        continue;
                }
                if (!cel_charge(context, 1))
                        return cel_give_up(context);
                item = cel_list_at(&level->list, level->next++);
                if (item.kind == CEL_LIST && (int64_t)levels.count <= depth)
                        *vec_push_in(context->scratch, &levels) = (struct level){ .list = item };
                else
                        *vec_push_in(context->scratch, &items) = item;
        }
        return cel_list_value(context->scratch, items.items, items.count);
}

/* --- sorting --- */

struct sort_item {
        struct cel_value key;
        size_t index;
};

static bool sort_less(const struct sort_item *a, const struct sort_item *b) {
        int order;

        return cel_compare(&a->key, &b->key, &order) && order < 0;
}

/* Go sorts up to twelve elements by insertion, so that this is what it does even where keys have no
 * order (NaN). */
static void sort_insert(struct sort_item *items, size_t count) {
        for (size_t i = 1; i < count; i++)
                for (size_t j = i; j > 0 && sort_less(&items[j], &items[j - 1]); j--) {
                        struct sort_item item = items[j];

                        items[j] = items[j - 1];
                        items[j - 1] = item;
                }
}

/* Beyond that Go's order of equal keys is an accident of its algorithm; ours keeps them as they
 * were. */
static void sort_merge(struct sort_item *items, struct sort_item *spare, size_t count) {
        enum { RUN = 12 };

        for (size_t start = 0; start < count; start += RUN)
                sort_insert(items + start, MIN((size_t)RUN, count - start));
        for (size_t width = RUN; width < count; width *= 2) {
                for (size_t start = 0; start < count; start += 2 * width) {
                        size_t middle = MIN(start + width, count);
                        size_t end = MIN(start + 2 * width, count);
                        size_t left = start, right = middle;

                        for (size_t i = start; i < end; i++) {
                                bool second =
                                        left == middle ||
                                        (right < end && sort_less(&items[right], &items[left]));

                                spare[i] = items[second ? right++ : left++];
                        }
                }
                memcpy(items, spare, count * sizeof(*items));
        }
}

static struct cel_value sort_by_keys(struct cel_context *context, const struct cel_value *list,
                                     const struct cel_value *keys) {
        size_t size = cel_list_size(list);
        struct sort_item *sorted;
        struct cel_value *items;

        if (size != cel_list_size(keys))
                return cel_error(context->scratch,
                                 "@sortByAssociatedKeys() expected a list of the same size as the "
                                 "associated keys list, but got %zu and %zu elements respectively",
                                 size, cel_list_size(keys));
        items = new_items(context, size);
        if (!items || !cel_charge(context, size * 16))
                return cel_give_up(context);
        sorted = arena_new_array(context->scratch, size * 2, struct sort_item);
        for (size_t i = 0; i < size; i++) {
                sorted[i] = (struct sort_item){ cel_list_at(keys, i), i };
                if (i == 0 && !is_comparable(&sorted[0].key))
                        return cel_error(context->scratch, "list elements must be comparable");
                if (sorted[i].key.kind != sorted[0].key.kind)
                        return cel_error(context->scratch, "list elements must have the same type");
        }
        if (size > 1)
                sort_merge(sorted, sorted + size, size);
        for (size_t i = 0; i < size; i++)
                items[i] = cel_list_at(list, sorted[i].index);
        return cel_list_value(context->scratch, items, size);
}

static struct cel_value sort(struct cel_context *context, const struct cel_value *args,
                             _unused_ size_t count) {
        if (args[0].kind != CEL_LIST)
                return cel_error(context->scratch, "no such overload: sort");
        return sort_by_keys(context, &args[0], &args[0]);
}

static struct cel_value sort_by(struct cel_context *context, const struct cel_value *args,
                                _unused_ size_t count) {
        if (args[0].kind != CEL_LIST || args[1].kind != CEL_LIST)
                return cel_error(context->scratch, "no such overload: @sortByAssociatedKeys");
        return sort_by_keys(context, &args[0], &args[1]);
}

/* One row for each type that has an order, in upstream's sequence: the first that fits decides
 * where types are known only at run time. */
#define FOR_COMPARABLE(row)                                                                        \
        row("int"), row("uint"), row("double"), row("bool"), row("duration"), row("timestamp"),    \
                row("string"), row("bytes")
#define ROW_IS_SORTED(type)                                                                        \
        { .signature = "list(" type ").isSorted() bool", .call = is_sorted }
#define ROW_MAX(type)                                                                              \
        { .signature = "list(" type ").max() " type, .call = max_of }
#define ROW_MIN(type)                                                                              \
        { .signature = "list(" type ").min() " type, .call = min_of }
#define ROW_SORT(type)                                                                             \
        {                                                                                          \
                .signature = "list(" type ").sort() list(" type ")", .call = sort, .since = 34,    \
                .unguarded = true                                                                  \
        }
#define ROW_SORT_BY(type)                                                                          \
        {                                                                                          \
                .signature = "list(T).@sortByAssociatedKeys(list(" type ")) list(T)",              \
                .call = sort_by, .since = 34, .unguarded = true                                    \
        }

static const struct cel_function_row rows[] = {
        FOR_COMPARABLE(ROW_IS_SORTED),
        FOR_COMPARABLE(ROW_MAX),
        FOR_COMPARABLE(ROW_MIN),
        { .signature = "list(int).sum() int", .call = sum_int },
        { .signature = "list(uint).sum() uint", .call = sum_uint },
        { .signature = "list(double).sum() double", .call = sum_double },
        { .signature = "list(duration).sum() duration", .call = sum_duration },
        { .signature = "list(A).indexOf(A) int", .call = index_of },
        { .signature = "list(A).lastIndexOf(A) int", .call = last_index_of },
        { .signature = "list(T).slice(int, int) list(T)", .call = slice, .since = 34 },
        { .signature = "list(list(T)).flatten() list(T)",
          .call = flatten,
          .since = 34,
          .unguarded = true },
        { .signature = "list(dyn).flatten(int) list(dyn)",
          .call = flatten,
          .since = 34,
          .unguarded = true },
        FOR_COMPARABLE(ROW_SORT),
        FOR_COMPARABLE(ROW_SORT_BY),
        { .signature = "lists.range(int) list(int)", .call = range, .since = 34 },
        { .signature = "list(T).reverse() list(T)", .call = reverse, .since = 34 },
        { .signature = "list(T).distinct() list(T)", .call = distinct, .since = 34 },
};

CEL_LIBRARY(cel_library_lists, "lists", rows);
