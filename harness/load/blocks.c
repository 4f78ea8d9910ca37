/* A list of free blocks for each size that the C library tells apart. They stay its own blocks, so none gets larger. */
#include "harness/load/blocks.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_BYTES = 16,           /* what can be used of glibc's blocks is 16 n + 8 bytes */
    KEPT_MAX_BYTES = 8 * 1024, /* larger ones are rare */
    LISTS = KEPT_MAX_BYTES / STEP_BYTES,
    KEPT_OF_A_SIZE = 64
};

struct free_block {
    struct free_block *next;
};

struct block_list {
    struct free_block *first;
    size_t count;
};

static _Thread_local struct block_list lists[LISTS];

#ifdef __SANITIZE_ADDRESS__ /* it has to see each block come and go */
static struct block_list *list_of(const void *block)
{
    (void)block;
    return NULL;
}

static void *kept(size_t bytes)
{
    (void)bytes;
    return NULL;
}
#else
static struct block_list *list_of(const void *block)
{
    size_t list = malloc_usable_size((void *)(uintptr_t)block) / STEP_BYTES;
    return list < LISTS && lists[list].count < KEPT_OF_A_SIZE ? &lists[list] : NULL;
}

static void *kept(size_t bytes)
{
    size_t number = bytes <= STEP_BYTES + 8 ? 1 : (bytes - 8 + STEP_BYTES - 1) / STEP_BYTES;
    struct block_list *list = number < LISTS ? &lists[number] : NULL;
    if (!list || !list->first) {
        return NULL;
    }
    struct free_block *block = list->first;
    list->first = block->next;
    list->count--;
    return block;
}
#endif

void *block_new(size_t bytes)
{
    void *block = kept(bytes);
    return block ? block : malloc(bytes);
}

void *block_new_zeroed(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        return NULL;
    }
    void *block = kept(total);
    return block ? memset(block, 0, total) : calloc(1, total);
}

void *block_resize(void *block, size_t bytes)
{
    return realloc(block, bytes);
}

char *block_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = block_new(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

void block_free(void *block)
{
    struct block_list *list = block ? list_of(block) : NULL;
    if (!list) {
        free(block);
        return;
    }
    struct free_block *freed = block;
    freed->next = list->first;
    list->first = freed;
    list->count++;
}

void blocks_release(void)
{
    for (size_t i = 0; i < LISTS; i++) {
        while (lists[i].first) {
            struct free_block *block = lists[i].first;
            lists[i].first = block->next;
            free(block);
        }
        lists[i].count = 0;
    }
}
