/* Strings and allocation. */
#include "harness/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(void) __attribute__((noreturn));
static void out_of_memory(void)
{
    static const char text[] = "drill: out of memory; faults are reverted by their agents\n";
    (void)!fwrite(text, 1, sizeof(text) - 1, stderr);
    abort();
}

void *xcalloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        out_of_memory();
    }
    return memory;
}

void *xrealloc(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count ? count : 1, size ? size : 1);
    if (!memory) {
        out_of_memory();
    }
    return memory;
}

char *xstrdup(const char *text)
{
    if (!text) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    return memcpy(xcalloc(1, size), text, size);
}

char *xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int size = vasprintf(&text, fmt, args);
    va_end(args);
    if (size < 0) {
        out_of_memory();
    }
    return text;
}

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *text, const char *suffix)
{
    size_t text_size = strlen(text), suffix_size = strlen(suffix);
    return text_size >= suffix_size && strcmp(text + text_size - suffix_size, suffix) == 0;
}

bool str_copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    bool fits = length < size;
    if (!fits) {
        length = size - 1;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return fits;
}

bool str_format(char *to, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(to, size, fmt, args);
    va_end(args);
    return length >= 0 && (size_t)length < size;
}

enum { DISTANCE_MAX = 64 }; /* longer words are not worth guessing */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Optimal string alignment distance: three rows of the dynamic programme are enough for neighbour swaps. */
size_t str_distance(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    size_t rows[3][DISTANCE_MAX + 1];
    if (a_size > DISTANCE_MAX || b_size > DISTANCE_MAX) {
        return DISTANCE_MAX;
    }
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_size; j++) {
        last[j] = j;
        before[j] = 0;
    }
    for (size_t i = 1; i <= a_size; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j]) {
                now[j] = before[j - 2] + 1;
            }
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_size];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t limit = strlen(word) / 3 < 2 ? 2 : strlen(word) / 3;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(word, candidates[i]);
        if (distance <= limit && distance < strlen(candidates[i])) {
            nearest = candidates[i];
            limit = distance ? distance - 1 : 0;
        }
    }
    return nearest;
}

const char *str_did_you_mean(const char *word, const char *const *candidates, size_t count, char out[static 96])
{
    const char *nearest = str_nearest(word, candidates, count);
    out[0] = '\0';
    if (nearest) {
        (void)str_format(out, 96, ", did you mean '%s'?", nearest);
    }
    return out;
}
