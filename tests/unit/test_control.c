/* The control socket: found, asked, told apart, closed to others, gone with the drill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/engine/control.h"

static char *base, *folder;

static int make_folder(void **state)
{
    char path[] = "/tmp/drill-test-control-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(path));
    base = xstrdup(path);
    folder = xasprintf("%s/a-folder-whose-name-is-longer-than-what-a-socket-address-has-room-for-which-is-about-a-hundred-bytes",
                       path);
    return 0;
}

static int remove_folder(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(fd_remove_tree(base, &err), 0);
    free(base);
    free(folder);
    return 0;
}

/* A drill in a process of its own: it tells each request as a line on `say_fd`, and ends after an abort or a signal. */
static void be_drill(const char *id, int say_fd)
{
    struct control *control = NULL;
    struct control_request request;
    struct err err = {0};
    if (control_open(folder, id, -1, &control, &err) < 0) {
        _exit(1);
    }
    (void)!write(say_fd, "ready\n", 6);
    for (;;) {
        struct pollfd waiting = {.fd = control_fd(control), .events = POLLIN};
        (void)poll(&waiting, 1, -1);
        while (control_next(control, &request)) {
            AUTO_FREE char *line = xasprintf("%d|%s|%s\n", request.kind, request.text, request.by);
            (void)!write(say_fd, line, strlen(line));
            if (request.kind == CONTROL_ABORT) {
                control_close(control);
                _exit(0);
            }
        }
    }
}

struct drill {
    pid_t pid;
    int fd;
};

static char *hear(struct drill *drill)
{
    char line[2000] = "";
    for (size_t i = 0; i < sizeof(line) - 1; i++) {
        assert_int_equal(read(drill->fd, line + i, 1), 1);
        if (line[i] == '\n') {
            line[i] = '\0';
            break;
        }
    }
    return xstrdup(line);
}

static struct drill start(const char *id)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct drill drill = {.pid = fork(), .fd = ends[0]};
    if (drill.pid == 0) {
        be_drill(id, ends[1]);
    }
    (void)close(ends[1]);
    AUTO_FREE char *ready = hear(&drill);
    assert_string_equal(ready, "ready");
    return drill;
}

static void end(struct drill *drill, int signal_number)
{
    if (signal_number) {
        (void)kill(drill->pid, signal_number);
    }
    assert_int_equal(waitpid(drill->pid, NULL, 0), drill->pid);
    (void)close(drill->fd);
}

static int sockets(void)
{
    struct err err = {0};
    struct control_drill found = {.fd = -1};
    (void)!control_find(folder, "no such", &found, &err); /* clears the dead away */
    AUTO_FREE char *command = xasprintf("test -z \"$(ls '%s')\"", folder);
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(pid, &status, 0);
    return status;
}

static void notes_and_aborts_arrive(void **state)
{
    struct err err = {0};
    struct control_drill found = {.fd = -1};
    struct drill drill = start("20260101-000000-one");
    (void)state;
    assert_int_equal(control_find(folder, NULL, &found, &err), 0);
    assert_string_equal(found.id, "20260101-000000-one");
    assert_int_equal(found.pid, drill.pid);
    assert_int_equal(control_ask(&found, "note", "declared\nby the duty manager", &err), 0);
    AUTO_FREE char *note = hear(&drill);
    AUTO_FREE char *expected = xasprintf("%d|declared by the duty manager|", CONTROL_NOTE);
    assert_true(str_starts_with(note, expected));
    AUTO_FREE char *who = xasprintf("(pid %d)", (int)getpid());
    assert_non_null(strstr(note, who));
    assert_int_equal(control_await_end(&found, 0, &err), -ERR_TIMEOUT);
    assert_int_equal(control_ask(&found, "abort", "", &err), 0);
    assert_int_equal(control_await_end(&found, 10000, &err), 0);
    fd_close(found.fd);
    end(&drill, 0);
    assert_int_equal(sockets(), 0);
}

static void several_drills_are_told_apart(void **state)
{
    struct err err = {0};
    struct control_drill found = {.fd = -1};
    struct drill one = start("one"), other = start("other");
    char pid[16];
    (void)state;
    assert_int_equal(control_find(folder, NULL, &found, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "one (pid"));
    assert_non_null(strstr(err.text, "other (pid"));
    assert_int_equal(control_find(folder, "tow", &found, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "no running drill 'tow'"));
    assert_int_equal(control_find(folder, "other", &found, &err), 0);
    assert_int_equal(found.pid, other.pid);
    fd_close(found.fd);
    (void)str_format(pid, sizeof(pid), "%d", (int)one.pid);
    assert_int_equal(control_find(folder, pid, &found, &err), 0);
    assert_string_equal(found.id, "one");
    fd_close(found.fd);
    end(&one, SIGKILL);
    assert_int_equal(control_find(folder, NULL, &found, &err), 0); /* the killed one is not there any more */
    assert_string_equal(found.id, "other");
    fd_close(found.fd);
    end(&other, SIGKILL);
    assert_int_equal(sockets(), 0);
    assert_int_equal(control_find(folder, NULL, &found, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "no drill of this user is running"));
}

static void nonsense_is_answered_and_changes_nothing(void **state)
{
    struct err err = {0};
    struct control_drill found = {.fd = -1};
    struct drill drill = start("one");
    char much[CONTROL_TEXT_MAX + 2];
    (void)state;
    memset(much, 'x', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    assert_int_equal(control_find(folder, NULL, &found, &err), 0);
    assert_int_equal(control_ask(&found, "dance", "", &err), -ERR_INPUT);
    assert_int_equal(control_ask(&found, "note", much, &err), -ERR_INPUT);
    assert_int_equal(control_ask(&found, "note", "\xff\xfe", &err), -ERR_INPUT);
    assert_int_equal(control_ask(&found, "note", "good", &err), 0);
    AUTO_FREE char *line = hear(&drill);
    AUTO_FREE char *expected = xasprintf("%d|good|", CONTROL_NOTE);
    assert_true(str_starts_with(line, expected)); /* the first that the drill was told */
    fd_close(found.fd);
    end(&drill, SIGKILL);
}

static void an_open_folder_is_refused(void **state)
{
    struct err err = {0};
    struct control *control = NULL;
    (void)state;
    assert_int_equal(fd_make_dirs(folder, 0755, &err), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(control_open(folder, "one", -1, &control, &err), -ERR_STATE);
    assert_non_null(strstr(err.text, "0700"));
}

static void an_interrupt_is_told_once(void **state)
{
    struct err err = {0};
    struct control *control = NULL;
    struct control_request request;
    AUTO_FD int interrupt_fd = eventfd(1, EFD_CLOEXEC);
    (void)state;
    assert_int_equal(control_open(folder, "one", interrupt_fd, &control, &err), 0);
    assert_true(control_next(control, &request));
    assert_int_equal(request.kind, CONTROL_INTERRUPT);
    assert_false(control_next(control, &request));
    control_close(control);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(notes_and_aborts_arrive),
        IN_FOLDER(several_drills_are_told_apart),
        IN_FOLDER(nonsense_is_answered_and_changes_nothing),
        IN_FOLDER(an_open_folder_is_refused),
        IN_FOLDER(an_interrupt_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
