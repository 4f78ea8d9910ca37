/* Memory for libcurl: blocks that one request gave back serve the next one of the same thread. A request takes and frees some thirty
 * blocks, a few of them too large for the C library's own per-thread lists. */
#ifndef DRILL_LOAD_BLOCKS_H
#define DRILL_LOAD_BLOCKS_H

#include <stddef.h>

/* As malloc, calloc, realloc, strdup and free; for curl_global_init_mem. A block may be freed by another thread than its owner's. */
void *block_new(size_t bytes);
void *block_new_zeroed(size_t count, size_t bytes);
void *block_resize(void *block, size_t bytes);
char *block_copy_text(const char *text);
void block_free(void *block); /* accepts NULL */

/* Gives what this thread keeps back to the C library: before it ends. */
void blocks_release(void);

#endif
