/* Real-time priority that a user namespace denies is given from outside, to threads that keep time and to no other. */
#include "harness/base/realtime.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/base/cleanup.h"
#include "harness/base/fd.h"

struct talk {
    int to_child[2], to_parent[2];
    bool named;
};

static void *keep_time(void *context)
{
    const struct talk *talk = context;
    char byte = 0;
    if (talk->named) {
        realtime_name(pthread_self());
    }
    realtime_take();
    byte = realtime_is_on() ? 'y' : 'n';
    (void)!write(talk->to_parent[1], &byte, 1);
    (void)!read(talk->to_child[0], &byte, 1); /* meanwhile it is given, or not */
    byte = realtime_is_on() ? 'y' : 'n';
    (void)!write(talk->to_parent[1], &byte, 1);
    return NULL;
}

static _Noreturn void be_child(struct talk *talk)
{
    pthread_t thread;
    if (unshare(CLONE_NEWUSER) < 0 || pthread_create(&thread, NULL, keep_time, talk) != 0) {
        _exit(1);
    }
    (void)pthread_join(thread, NULL);
    _exit(realtime_is_on() ? 2 : 0); /* its other thread got nothing */
}

static bool may_give(void)
{
    const struct sched_param priority = {.sched_priority = 1}, none = {0};
    bool may = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    return may && sched_setscheduler(0, SCHED_OTHER, &none) == 0;
}

static void given(bool named, char expected)
{
    struct talk talk = {.named = named};
    char before = 0, after = 0, byte = 0;
    int ended = 0;
    assert_int_equal(pipe(talk.to_child), 0);
    assert_int_equal(pipe(talk.to_parent), 0);
    pid_t child = fork();
    if (child == 0) {
        be_child(&talk);
    }
    assert_int_equal(read(talk.to_parent[0], &before, 1), 1);
    realtime_give(child);
    assert_int_equal(write(talk.to_child[1], &byte, 1), 1);
    assert_int_equal(read(talk.to_parent[0], &after, 1), 1);
    assert_int_equal(before, 'n');
    assert_int_equal(after, expected);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(WEXITSTATUS(ended), 0);
    for (int i = 0; i < 2; i++) {
        (void)close(talk.to_child[i]);
        (void)close(talk.to_parent[i]);
    }
}

static void test_given_from_outside(void **state)
{
    (void)state;
    given(true, 'y');
}

static void test_only_to_those_that_keep_time(void **state)
{
    (void)state;
    given(false, 'n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_given_from_outside),
                                       cmocka_unit_test(test_only_to_those_that_keep_time)};
    if (!may_give()) {
        puts("SKIPPED: real-time priority may not be given here");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
