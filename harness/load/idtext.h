/* A text with {{id}} in it, expanded once; afterwards only the digits are overwritten in place, request after request. */
#ifndef DRILL_LOAD_IDTEXT_H
#define DRILL_LOAD_IDTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDTEXT_DIGITS = 9 };

bool idtext_has_id(const char *text); /* accepts NULL */
/* `text` with each {{id}} replaced by prefix + nine zeros; the caller frees. NULL stays NULL. */
char *idtext_expand(const char *text, const char *prefix);
/* Write `number` over the digits in `expanded`, found by their prefix. */
void idtext_set(char *expanded, const char *prefix, uint64_t number);

#endif
