/* Services that faults stop and start: what runs, and what could not be found out, which is not "nothing". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/agent/lent.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

static char *work;

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", work, name);
}

static void write_pid(const char *path, int pid)
{
    AUTO_FREE char *text = xasprintf("%d\n", pid);
    struct err err = {0};
    assert_int_equal(fd_write_file_atomic(path, text, strlen(text), &err), 0);
}

static void test_what_a_pid_file_says(void **state)
{
    AUTO_FREE char *path = path_of("pid");
    struct err err = {0};
    int pid = -1;
    (void)state;
    assert_int_equal(lent_pid("shop", NULL, &pid, &err), 0);
    assert_int_equal(pid, 0);
    assert_int_equal(lent_pid("shop", path, &pid, &err), 0); /* no such file: it does not run */
    assert_int_equal(pid, 0);
    write_pid(path, getpid());
    assert_int_equal(lent_pid("shop", path, &pid, &err), 0);
    assert_int_equal(pid, getpid());
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    write_pid(path, child);
    assert_int_equal(lent_pid("shop", path, &pid, &err), 0);
    assert_int_equal(pid, 0);
}

static void test_what_could_not_be_read(void **state)
{
    AUTO_FREE char *path = path_of("folder");
    struct err err = {0};
    int pid = -1;
    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(lent_pid("shop", path, &pid, &err) < 0);
    assert_int_equal(pid, 0);
    assert_int_equal(rmdir(path), 0);
}

/* An engine that does not answer says nothing about its containers. */
static void test_an_engine_that_does_not_answer(void **state)
{
    AUTO_JSON json_t *description = json_pack("{s:{s:s, s:{s:{s:s}}}}", "target", "engine", "/nowhere/docker.sock", "handles",
                                              "shop", "container", "shop-web-1");
    struct lent *lent CLEANUP(lent_cleanup) = lent_new(description);
    const struct fault_services *services = lent_services(lent);
    struct err err = {0};
    int pid = -1;
    (void)state;
    assert_true(services->pid(services->context, "shop", &pid, &err) < 0);
    assert_non_null(strstr(err.text, "/nowhere/docker.sock"));
    assert_int_equal(pid, 0);
}

static int make_folder(void **state)
{
    (void)state;
    work = xstrdup("/tmp/drill-test-lent-XXXXXX");
    return mkdtemp(work) ? 0 : -1;
}

static int remove_folder(void **state)
{
    AUTO_FREE char *path = path_of("pid");
    (void)state;
    (void)unlink(path);
    int status = rmdir(work);
    free(work);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_a_pid_file_says), cmocka_unit_test(test_what_could_not_be_read),
                                       cmocka_unit_test(test_an_engine_that_does_not_answer)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
