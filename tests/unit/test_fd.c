/* Files, folders and JSON files: whole or not at all, and removed without leaving the folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/base/fd.h"
#include "harness/base/json.h"
#include "harness/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test-fd-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct err err;
    (void)state;
    return fd_remove_tree(folder, &err);
}

static char *at(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static void file_is_replaced_whole(void **state)
{
    struct err err = {0};
    AUTO_FREE char *path = at("a"), *temporary = at("a.tmp"), *text = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(fd_write_file_atomic(path, "one", 3, &err), 0);
    assert_int_equal(fd_write_file_atomic(path, "two\0!", 5, &err), 0);
    assert_int_equal(fd_read_file(path, 100, &text, &size, &err), 0);
    assert_int_equal(size, 5);
    assert_memory_equal(text, "two\0!", 6);
    assert_int_not_equal(access(temporary, F_OK), 0);
}

static void reading_has_a_limit(void **state)
{
    struct err err = {0};
    AUTO_FREE char *path = at("limit"), *text = NULL;
    (void)state;
    assert_int_equal(fd_write_file_atomic(path, "12345", 5, &err), 0);
    assert_int_equal(fd_read_file(path, 4, &text, NULL, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, path));
    assert_null(text);
    assert_int_equal(fd_read_file(path, 5, &text, NULL, &err), 0);
    assert_string_equal(text, "12345");
}

static void failures_name_the_file(void **state)
{
    struct err err = {0};
    char *text = NULL;
    (void)state;
    assert_int_equal(fd_read_file("/does/not/exist", 10, &text, NULL, &err), -ERR_SYSTEM);
    assert_int_equal(err.saved_errno, ENOENT);
    assert_non_null(strstr(err.text, "/does/not/exist"));
    assert_int_equal(fd_write_file_atomic("/does/not/exist", "", 0, &err), -ERR_SYSTEM);
    assert_int_equal(fd_write_file("/does/not/exist", "", &err), -ERR_SYSTEM);
    assert_int_equal(fd_copy_file("/does/not/exist", folder, &err), -ERR_SYSTEM);
    assert_int_equal(fd_read_file(folder, 10, &text, NULL, &err), -ERR_SYSTEM);
    assert_int_equal(err.saved_errno, EISDIR);
    assert_null(text);
}

/* A disk that is full or a reader that is gone: an error, and a folder without half a file. */
static void failing_write_leaves_nothing(void **state)
{
    struct err err = {0};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    int ends[2];
    (void)state;
    assert_int_equal(sigaction(SIGPIPE, &ignore, &old), 0);
    AUTO_FD int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(fd_write_all(full, "x", 1, &err), -ERR_SYSTEM);
    assert_int_equal(err.saved_errno, ENOSPC);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fd_close(ends[0]);
    assert_int_equal(fd_write_all(ends[1], "x", 1, &err), -ERR_SYSTEM);
    assert_int_equal(err.saved_errno, EPIPE);
    fd_close(ends[1]);
    assert_int_equal(sigaction(SIGPIPE, &old, NULL), 0);
}

static void closing_keeps_errno(void **state)
{
    (void)state;
    errno = EINTR;
    fd_close(-1);
    fd_close(1 << 20); /* EBADF inside */
    assert_int_equal(errno, EINTR);
    int fd = dup(0), taken = TAKE_FD(fd);
    assert_int_equal(fd, -1);
    assert_true(fcntl(taken, F_GETFD) >= 0);
    fd_close(taken);
    assert_true(fcntl(taken, F_GETFD) < 0);
}

static void folders_are_made_with_their_parents(void **state)
{
    struct err err = {0};
    struct stat info;
    AUTO_FREE char *path = at("x/y/z"), *below_file = at("file/below"), *file = at("file");
    (void)state;
    assert_int_equal(fd_make_dirs(path, 0750, &err), 0);
    assert_int_equal(fd_make_dirs(path, 0750, &err), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(fd_write_file_atomic(file, "", 0, &err), 0);
    assert_int_equal(fd_make_dirs(below_file, 0750, &err), -ERR_SYSTEM);
}

/* What a symbolic link points to is not touched, neither below the folder nor as the folder itself. */
static void removing_does_not_follow_links(void **state)
{
    struct err err = {0};
    AUTO_FREE char *tree = at("tree"), *inner = at("tree/a/b"), *file = at("tree/a/f"), *outside = at("outside");
    AUTO_FREE char *kept = at("outside/kept"), *link = at("tree/a/link"), *top = at("top");
    (void)state;
    assert_int_equal(fd_make_dirs(inner, 0755, &err), 0);
    assert_int_equal(fd_make_dirs(outside, 0755, &err), 0);
    assert_int_equal(fd_write_file_atomic(file, "", 0, &err), 0);
    assert_int_equal(fd_write_file_atomic(kept, "", 0, &err), 0);
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(symlink(outside, top), 0);
    assert_int_equal(fd_remove_tree(tree, &err), 0);
    assert_int_not_equal(access(tree, F_OK), 0);
    assert_int_equal(fd_remove_tree(top, &err), 0);
    assert_int_not_equal(access(top, F_OK), 0);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(fd_remove_tree(tree, &err), 0); /* gone already */
    assert_int_equal(fd_remove_tree(kept, &err), 0); /* a file */
}

static void json_file_goes_round(void **state)
{
    struct err err = {0};
    AUTO_FREE char *path = at("v.json"), *text = NULL;
    AUTO_JSON json_t *json = json_pack("{s:i, s:s, s:b, s:f}", "b", 2, "a", "x", "c", 1, "d", 0.25), *back = NULL;
    (void)state;
    assert_int_equal(json_write_file(path, json, &err), 0);
    assert_int_equal(fd_read_file(path, 1000, &text, NULL, &err), 0);
    assert_string_equal(text, "{\n  \"a\": \"x\",\n  \"b\": 2,\n  \"c\": true,\n  \"d\": 0.25\n}\n");
    assert_int_equal(json_read_file(path, &back, &err), 0);
    assert_true(json_equal(json, back));
}

static void json_members_have_defaults(void **state)
{
    AUTO_JSON json_t *json = json_pack("{s:i, s:s, s:b, s:f}", "i", 2, "s", "x", "b", 1, "f", 2.5);
    (void)state;
    assert_int_equal(json_int(json, "i", 7), 2);
    assert_int_equal(json_int(json, "f", 7), 2);
    assert_int_equal(json_int(json, "s", 7), 7);
    assert_int_equal(json_int(json, "none", 7), 7);
    assert_string_equal(json_str(json, "s", "y"), "x");
    assert_string_equal(json_str(json, "i", "y"), "y");
    assert_true(json_num(json, "i", 0) == 2 && json_num(json, "f", 0) == 2.5 && json_num(json, "s", 9) == 9);
    assert_true(json_flag(json, "b", false));
    assert_true(json_flag(json, "i", true));
    assert_int_equal(json_int(NULL, "i", 7), 7);
}

static void bad_json_is_placed(void **state)
{
    struct err err = {0};
    AUTO_FREE char *path = at("bad.json");
    json_t *json = NULL;
    static const char text[] = "{\n  \"a\": 1,\n  \"a\": 2\n}";
    (void)state;
    assert_int_equal(json_parse(text, sizeof(text) - 1, &json, &err), -ERR_INPUT);
    assert_true(str_starts_with(err.text, "line 3, column "));
    assert_int_equal(fd_write_file_atomic(path, "{", 1, &err), 0);
    assert_int_equal(json_read_file(path, &json, &err), -ERR_INPUT);
    assert_true(str_starts_with(err.text, path));
    assert_null(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_replaced_whole),
        cmocka_unit_test(reading_has_a_limit),
        cmocka_unit_test(failures_name_the_file),
        cmocka_unit_test(failing_write_leaves_nothing),
        cmocka_unit_test(closing_keeps_errno),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(removing_does_not_follow_links),
        cmocka_unit_test(json_file_goes_round),
        cmocka_unit_test(json_members_have_defaults),
        cmocka_unit_test(bad_json_is_placed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
