/* Memory for libcurl: blocks that one request gave back serve the next one of the same thread. A request takes and frees some thirty
 * blocks; the C library looks at a block and its neighbour for each of them. */
#ifndef DRILL_LOAD_BLOCKS_H
#define DRILL_LOAD_BLOCKS_H

#include <stddef.h>

/* Once, before the first block: reserves the address space. Without it, or where none can be had, all blocks are the C library's. */
void blocks_start(void);

/* As malloc, calloc, realloc, strdup and free; for curl_global_init_mem. A block may be freed by another thread than its owner's. */
void *block_new(size_t bytes);
void *block_new_zeroed(size_t count, size_t bytes);
void *block_resize(void *block, size_t bytes);
char *block_copy_text(const char *text);
void block_free(void *block); /* accepts NULL */

/* Leaves what this thread keeps to the others: before it ends. */
void blocks_release(void);

#endif
