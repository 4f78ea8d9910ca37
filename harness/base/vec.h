/* Growing arrays without a type of their own: a pointer, a count and a capacity in the owner's struct.
 *     struct { struct item *items; size_t count, capacity; } list = {0};
 *     *VEC_ADD(&list) = item;                                             */
#ifndef DRILL_BASE_VEC_H
#define DRILL_BASE_VEC_H

#include "harness/base/str.h"

#define VEC(type)                                                                                                                \
    struct {                                                                                                                     \
        type *items;                                                                                                             \
        size_t count, capacity;                                                                                                  \
    }

/* Makes room for one more, zeroed, and gives its address. */
#define VEC_ADD(vec)                                                                                                             \
    ({                                                                                                                           \
        __auto_type vec_ = (vec);                                                                                                \
        if (vec_->count == vec_->capacity) {                                                                                     \
            vec_->capacity = vec_->capacity ? vec_->capacity * 2 : 8;                                                            \
            vec_->items = xrealloc(vec_->items, vec_->capacity, sizeof(*vec_->items));                                           \
        }                                                                                                                        \
        memset(&vec_->items[vec_->count], 0, sizeof(*vec_->items));                                                              \
        &vec_->items[vec_->count++];                                                                                             \
    })

#define VEC_CLEAR(vec)                                                                                                           \
    do {                                                                                                                         \
        free((vec)->items);                                                                                                      \
        (vec)->items = NULL;                                                                                                     \
        (vec)->count = 0;                                                                                                        \
        (vec)->capacity = 0;                                                                                                     \
    } while (0)

#define VEC_EACH(item, vec) for (__typeof__(&*(vec)->items) item = (vec)->items; item < (vec)->items + (vec)->count; item++)

#include <string.h>

#endif
