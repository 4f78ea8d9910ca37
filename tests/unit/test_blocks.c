/* The memory that libcurl is given: blocks come back, hold what they must, and may change threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "harness/load/blocks.h"

enum { BLOCKS = 500, BYTES_MAX = 20000 };

static void filled(void **state)
{
    (void)state;
    for (size_t turn = 0; turn < 3; turn++) { /* the second and third turn get what the one before gave back */
        unsigned char *blocks[BLOCKS];
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t bytes = 1 + i * BYTES_MAX / BLOCKS;
            blocks[i] = i % 2 ? block_new(bytes) : block_new_zeroed(1, bytes);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            for (size_t at = 0; i % 2 == 0 && at < bytes; at++) {
                assert_int_equal(blocks[i][at], 0);
            }
            memset(blocks[i], (int)(i & 0xff), bytes);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t bytes = 1 + i * BYTES_MAX / BLOCKS;
            assert_int_equal(blocks[i][0], i & 0xff); /* nobody else has it */
            assert_int_equal(blocks[i][bytes - 1], i & 0xff);
            block_free(blocks[i]);
        }
    }
    block_free(NULL);
    blocks_release();
}

static void texts_and_sizes(void **state)
{
    (void)state;
    char *text = block_copy_text("orders");
    assert_string_equal(text, "orders");
    text = block_resize(text, 4000);
    assert_string_equal(text, "orders");
    block_free(text);
    assert_null(block_new_zeroed(SIZE_MAX / 2, 4));
    blocks_release();
}

/* More than one stretch of a size, and no block twice. */
static void many_of_a_size(void **state)
{
    (void)state;
    static size_t *blocks[10 * BLOCKS];
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < 10 * BLOCKS; i++) {
            blocks[i] = block_new(100);
            *blocks[i] = i;
        }
        for (size_t i = 0; i < 10 * BLOCKS; i++) {
            assert_int_equal(*blocks[i], i);
            block_free(blocks[i]);
        }
    }
    blocks_release();
}

static void *frees_for_another(void *block)
{
    block_free(block);
    void *own = block_new(300);
    memset(own, 7, 300);
    block_free(own);
    blocks_release();
    return NULL;
}

static void other_thread(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, frees_for_another, block_new(300)), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static int start(void **state)
{
    (void)state;
    blocks_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(filled), cmocka_unit_test(texts_and_sizes),
                                       cmocka_unit_test(many_of_a_size), cmocka_unit_test(other_thread)};
    return cmocka_run_group_tests(tests, start, NULL);
}
