/* Strings: allocation that cannot fail, formatting, comparing. */
#ifndef DRILL_BASE_STR_H
#define DRILL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

/* Allocation helpers stop the program with a message when memory is gone: undoing a fault never allocates through them. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t count, size_t size);
char *xstrdup(const char *text); /* NULL stays NULL */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts_with(const char *text, const char *prefix);
bool str_ends_with(const char *text, const char *suffix);
/* Copy with truncation, always NUL-terminated; returns false when it did not fit. */
bool str_copy(char *to, size_t size, const char *from);
/* snprintf that always terminates; returns false when it did not fit. */
bool str_format(char *to, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Number of single-character insertions, deletions, substitutions and neighbour swaps from a to b. */
size_t str_distance(const char *a, const char *b);
/* The candidate nearest to word, or NULL when none is near enough to be meant (distance over a third of its length, at least 2).
 */
const char *str_nearest(const char *word, const char *const *candidates, size_t count);
/* The same, said: writes ", did you mean 'x'?" or "" into out. */
const char *str_did_you_mean(const char *word, const char *const *candidates, size_t count, char out[static 96]);

#endif
