/*
 * Growing arrays.
 *
 *     VEC(struct finding) findings = { 0 };
 *     *vec_push(&findings) = finding;
 *     for (size_t i = 0; i < findings.count; i++) use(&findings.items[i]);
 *     vec_free(&findings);
 *
 * The items live on the heap and move when the array grows. Growth doubles and is overflow-checked.
 * `vec_push_in` takes its memory from an arena instead; do not mix the two on one array.
 */
#pragma once

#include "base/arena.h"
#include "base/util.h"

#define VEC(type)                                                                                  \
        struct {                                                                                   \
                type *items;                                                                       \
                size_t count;                                                                      \
                size_t capacity;                                                                   \
        }

/* Makes room for one more element and returns a pointer to it (zeroed). */
#define vec_push(vec)                                                                              \
        ({                                                                                         \
                __typeof__(vec) vec_ = (vec);                                                      \
                vec_->items = vec_grow(vec_->items, vec_->count, &vec_->capacity,                  \
                                       sizeof(*vec_->items), NULL);                                \
                &vec_->items[vec_->count++];                                                       \
        })
#define vec_push_in(arena, vec)                                                                    \
        ({                                                                                         \
                __typeof__(vec) vec_ = (vec);                                                      \
                vec_->items = vec_grow(vec_->items, vec_->count, &vec_->capacity,                  \
                                       sizeof(*vec_->items), (arena));                             \
                &vec_->items[vec_->count++];                                                       \
        })
#define vec_free(vec)                                                                              \
        do {                                                                                       \
                free((vec)->items);                                                                \
                (vec)->items = NULL;                                                               \
                (vec)->count = 0;                                                                  \
                (vec)->capacity = 0;                                                               \
        } while (0)

/* Returns ITEMS with room for COUNT + 1, the new element zeroed. */
void *vec_grow(void *items, size_t count, size_t *capacity, size_t size, struct arena *arena);
