/* Blocks of one size lie side by side in a stretch of one reserved area, so that the address alone says how large a block is: neither a
 * header before it nor a look at its neighbour is needed when it comes back. What is freed waits in a list of its size for the thread's
 * next request. The area is given back to nobody; only the part of it that was once used takes memory. */
#include "harness/load/blocks.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    STEP_BYTES = 16,            /* sizes are told apart by it; it is the alignment of all blocks too */
    BLOCK_MAX_BYTES = 8 * 1024, /* larger ones are rare: the C library's */
    SIZES = BLOCK_MAX_BYTES / STEP_BYTES + 1,
    STRETCH_BYTES = 64 * 1024,
    STRETCHES = 16 * 1024 /* of address space 1 GiB; what does not fit is the C library's */
};

struct free_block {
    struct free_block *next;
};

struct size { /* the blocks of one size that a thread has, or that ended threads left */
    struct free_block *first;
    char *fresh, *fresh_end; /* of its last stretch: not used yet */
};

static _Thread_local struct size sizes[SIZES];

static struct {
    pthread_mutex_t lock;
    char *begin;                 /* NULL: none could be had */
    size_t used;                 /* stretches */
    uint16_t size_of[STRETCHES]; /* in steps */
    struct size left[SIZES];
} area = {.lock = PTHREAD_MUTEX_INITIALIZER};

void blocks_start(void)
{
#ifndef __SANITIZE_ADDRESS__ /* it has to see each block come and go */
    void *begin =
        mmap(NULL, (size_t)STRETCHES * STRETCH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    area.begin = begin == MAP_FAILED ? NULL : begin;
#endif
}

static bool is_ours(const void *block)
{
    return area.begin && (uintptr_t)block - (uintptr_t)area.begin < (size_t)STRETCHES * STRETCH_BYTES;
}

static size_t steps_of(const void *block)
{
    return area.size_of[((uintptr_t)block - (uintptr_t)area.begin) / STRETCH_BYTES];
}

static bool has_fresh(const struct size *size, size_t steps)
{
    return (size_t)(size->fresh_end - size->fresh) >= steps * STEP_BYTES;
}

/* What ended threads left, or a stretch of their own; false when the area is full. */
static bool refill(struct size *size, size_t steps)
{
    pthread_mutex_lock(&area.lock);
    *size = area.left[steps];
    area.left[steps] = (struct size){0};
    bool usable = size->first || has_fresh(size, steps);
    if (!usable && area.begin && area.used < STRETCHES) {
        area.size_of[area.used] = (uint16_t)steps;
        size->fresh = area.begin + area.used++ * STRETCH_BYTES;
        size->fresh_end = size->fresh + STRETCH_BYTES;
        usable = true;
    }
    pthread_mutex_unlock(&area.lock);
    return usable;
}

static void *take(size_t steps)
{
    struct size *size = &sizes[steps];
    if (!size->first && !has_fresh(size, steps) && !refill(size, steps)) {
        return NULL;
    }
    struct free_block *block = size->first;
    if (block) {
        size->first = block->next;
        return block;
    }
    void *fresh = size->fresh;
    size->fresh += steps * STEP_BYTES;
    return fresh;
}

void *block_new(size_t bytes)
{
    size_t steps = bytes ? (bytes + STEP_BYTES - 1) / STEP_BYTES : 1;
    void *block = bytes <= BLOCK_MAX_BYTES ? take(steps) : NULL;
    return block ? block : malloc(bytes);
}

void *block_new_zeroed(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        return NULL;
    }
    void *block = block_new(total);
    return block ? memset(block, 0, total) : NULL;
}

void *block_resize(void *block, size_t bytes)
{
    if (block && !is_ours(block)) {
        return realloc(block, bytes);
    }
    size_t had = block ? steps_of(block) * STEP_BYTES : 0;
    if (block && bytes <= had && bytes > had / 2) {
        return block;
    }
    void *moved = block_new(bytes);
    if (moved && block) {
        memcpy(moved, block, had < bytes ? had : bytes);
        block_free(block);
    }
    return moved;
}

char *block_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = block_new(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

void block_free(void *block)
{
    if (!is_ours(block)) {
        free(block);
        return;
    }
    struct size *size = &sizes[steps_of(block)];
    struct free_block *freed = block;
    freed->next = size->first;
    size->first = freed;
}

void blocks_release(void)
{
    pthread_mutex_lock(&area.lock);
    for (size_t steps = 1; steps < SIZES; steps++) {
        struct size *own = &sizes[steps], *left = &area.left[steps];
        struct free_block **last = &left->first;
        while (*last) {
            last = &(*last)->next;
        }
        *last = own->first;
        if (!has_fresh(left, steps)) {
            left->fresh = own->fresh;
            left->fresh_end = own->fresh_end;
        }
        *own = (struct size){0};
    }
    pthread_mutex_unlock(&area.lock);
}
