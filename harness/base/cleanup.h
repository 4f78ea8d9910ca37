/* Cleanup attributes: every acquired resource is declared with one, initialised to its empty value. */
#ifndef DRILL_BASE_CLEANUP_H
#define DRILL_BASE_CLEANUP_H

#include <stdlib.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Defines `name##_cleanup(type *)` that calls fn(value). fn must accept the empty value. */
#define DEFINE_CLEANUP(type, name, fn)                                                                                           \
    static inline __attribute__((unused)) void name##_cleanup(type *value)                                                       \
    {                                                                                                                            \
        fn(*value);                                                                                                              \
    }

static inline __attribute__((unused)) void free_cleanup(void *pointer)
{
    free(*(void **)pointer);
}
#define AUTO_FREE CLEANUP(free_cleanup)

/* Hand a pointer over: gives the value and leaves NULL behind. */
#define TAKE(pointer)                                                                                                            \
    ({                                                                                                                           \
        __auto_type take_value_ = (pointer);                                                                                     \
        (pointer) = NULL;                                                                                                        \
        take_value_;                                                                                                             \
    })

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
