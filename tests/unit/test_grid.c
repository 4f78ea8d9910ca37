/* Names with several values, and their combinations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "harness/base/str.h"
#include "harness/param/grid.h"

static void test_every_combination_once(void **state)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    struct err err = {0};
    static const char *const wanted[] = {"a=1 b=x", "a=1 b=y", "a=1 b=z", "a=2 b=x", "a=2 b=y", "a=2 b=z"};
    (void)state;
    assert_int_equal(grid_cells(&grid), 1);
    assert_int_equal(grid_set(&grid, "a", "1,2", &err), 0);
    assert_int_equal(grid_set(&grid, "b", "x,y,z", &err), 0);
    assert_int_equal(grid_cells(&grid), 6);
    for (size_t i = 0; i < 6; i++) {
        struct buf text CLEANUP(buf_clear) = {0};
        grid_say(&grid, i, &text);
        assert_string_equal(buf_str(&text), wanted[i]);
    }
}

static void test_a_name_is_replaced_or_dropped(void **state)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    struct grid copy CLEANUP(grid_clear) = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(grid_set(&grid, "a", "1,2", &err), 0);
    assert_int_equal(grid_set(&grid, "b", "1,2", &err), 0);
    assert_int_equal(grid_set(&grid, "a", "7", &err), 0);
    grid_copy(&grid, &copy);
    grid_drop(&grid, "a");
    grid_drop(&grid, "nothing");
    assert_int_equal(grid.axis_count, 1);
    assert_string_equal(grid_value(&grid, 1, 0), "2");
    assert_string_equal(grid_value(&copy, 1, 0), "7");
    assert_int_equal(grid_cells(&copy), 2);
}

static void check_refused(const char *name, const char *values, const char *reason)
{
    struct grid grid CLEANUP(grid_clear) = {0};
    struct err err = {0};
    (void)!grid_set(&grid, "a", "1,2,3,4,5,6,7,8", &err);
    if (grid_set(&grid, name, values, &err) == 0 || !strstr(err.text, reason)) {
        fail_msg("%s=%s: expected '%s', found '%s'", name, values, reason, err.text);
    }
}

static void test_what_cannot_be_swept(void **state)
{
    (void)state;
    check_refused("b", "", "expected NAME=A,B,C");
    check_refused("b", "1,,2", "expected NAME=A,B,C");
    check_refused("b", "1,2,", "expected NAME=A,B,C");
    check_refused("b", "1,2,1", "has the value '1' twice");
    check_refused("b", "1,2,3,4,5,6,7,8,9", "makes it 72 drills, at most 64");
    struct grid grid CLEANUP(grid_clear) = {0};
    struct err err = {0};
    for (const char *name = "a\0b\0c\0d\0"; *name; name += 2) {
        assert_int_equal(grid_set(&grid, name, "1", &err), 0);
    }
    assert_true(grid_set(&grid, "e", "1", &err) < 0);
    assert_non_null(strstr(err.text, "one name too many"));
}

/* As Lua gives it: without an order, but with positions. */
static void test_the_order_is_the_files(void **state)
{
    AUTO_NODE struct node *map = node_new(NODE_MAP);
    static const char *const names[] = {"late", "early", "middle"};
    static const int lines[] = {9, 2, 5};
    struct grid grid CLEANUP(grid_clear) = {0};
    struct err err = {0};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct node *list = node_new(NODE_LIST);
        node_add(list, node_scalar("1"));
        list->line = lines[i];
        node_put(map, names[i], list);
    }
    assert_int_equal(grid_read(map, &grid, &err), 0);
    assert_string_equal(grid.axes[0].name, "early");
    assert_string_equal(grid.axes[1].name, "middle");
    assert_string_equal(grid.axes[2].name, "late");
}

static void test_a_scenario_says_it_wrong(void **state)
{
    AUTO_NODE struct node *map = node_new(NODE_MAP);
    AUTO_NODE struct node *scalar = node_scalar("5");
    struct grid grid CLEANUP(grid_clear) = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(grid_read(NULL, &grid, &err), 0);
    assert_true(grid_read(scalar, &grid, &err) < 0);
    node_put(map, "ttl", node_scalar("5"));
    assert_true(grid_read(map, &grid, &err) < 0);
    assert_non_null(strstr(err.text, "expected a list of values for 'ttl'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_combination_once),   cmocka_unit_test(test_a_name_is_replaced_or_dropped),
        cmocka_unit_test(test_what_cannot_be_swept),     cmocka_unit_test(test_the_order_is_the_files),
        cmocka_unit_test(test_a_scenario_says_it_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
