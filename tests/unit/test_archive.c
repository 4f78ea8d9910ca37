/* The archive's layout: numbers, quarters, the chain, finding; and that a process killed anywhere in sealing leaves the old archive
 * or the new one. */
#include "tests/support/small_archive.h"

#include <signal.h>
#include <sys/wait.h>

#include "harness/archive/baginfo.h"
#include "harness/base/vec.h"

static void test_layout(void **state)
{
    (void)state;
    AUTO_FREE char *plan = seal_one(BUNDLE_PLAN, "20260210-101500-region-outage", "region-outage");
    AUTO_FREE char *result = seal_one(BUNDLE_RESULT, "20260210-101500-region-outage", "region-outage");
    AUTO_FREE char *first = seal_one(BUNDLE_REVIEW, "20260210-101500-region-outage", "region-outage");
    AUTO_FREE char *second = seal_one(BUNDLE_REVIEW, "20260210-101500-region-outage", "region-outage");
    assert_true(str_ends_with(plan, "/2026/Q1/0001-region-outage.plan"));
    assert_true(str_ends_with(result, "/2026/Q1/0001-region-outage"));
    assert_true(str_ends_with(first, "/2026/Q1/0001-region-outage.review"));
    assert_true(str_ends_with(second, "/2026/Q1/0001-region-outage.review-2"));
    AUTO_FREE char *oxum = baginfo_value(result, "Payload-Oxum");
    AUTO_FREE char *verdict = baginfo_value(result, "Drill-Verdict");
    AUTO_FREE char *none = baginfo_value(plan, "Drill-Verdict");
    assert_string_equal(oxum, "3.1");
    assert_string_equal(verdict, "pass");
    assert_null(none);
}

static void test_public_commands(void **state)
{
    (void)state;
    seal_drill("20260210-101500-one", "one");
    seal_drill("20260210-101501-two words.x", "two words.x");
    assert_int_equal(shell("sha256sum -c --strict --quiet LEDGER"), 0);
    assert_int_equal(shell("for b in */Q?/*/; do (cd \"$b\" && sha256sum -c --strict --quiet tagmanifest-sha256.txt "
                           "manifest-sha256.txt) || exit 1; done"),
                     0);
    assert_int_equal(shell("for b in */Q?/*/; do (cd \"$b\" && { test ! -e previous-sha256.txt || sha256sum -c --strict --quiet "
                           "previous-sha256.txt; }) || exit 1; done"),
                     0);
    assert_int_equal(shell("test $(ls */Q?/*/previous-sha256.txt | wc -l) = 3"), 0);
    assert_int_equal(shell("test -d 2026/Q1/0002-two-words-x && test -z \"$(ls -A .running | grep -v lock)\""), 0);
    assert_int_equal(shell("test -z \"$(find . -name plan.json -perm /222)\""), 0);
}

static void test_reading(void **state)
{
    (void)state;
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    const struct archive_drill *drill = NULL;
    struct err err = {0};
    seal_drill("20260210-101500-one", "one");
    free(seal_one(BUNDLE_PLAN, "20260210-111500-two", "two"));
    AUTO_FREE char *running = payload("20260210-111500-two");
    assert_int_equal(archive_read(archive, &list, &err), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(archive_find(&list, "1", &drill, &err), 0);
    assert_string_equal(drill->id, "20260210-101500-one");
    assert_string_equal(drill->quarter, "2026/Q1");
    assert_int_equal(archive_find(&list, "0002-two", &drill, &err), 0);
    assert_null(drill->result);
    assert_string_equal(drill->evidence, running);
    assert_int_equal(archive_find(&list, list.items[0].plan, &drill, &err), 0);
    assert_int_equal(drill->number, 1);
    assert_int_equal(archive_find(&list, "0001-ome", &drill, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "did you mean '0001-one'?"));
}

static void test_evidence_of(void **state)
{
    (void)state;
    struct err err = {0};
    seal_drill("20260210-101500-one", "one");
    AUTO_FREE char *bundle = xasprintf("%s/2026/Q1/0001-one", archive);
    AUTO_FREE char *data = xasprintf("%s/data", bundle);
    const char *words[] = {"1", "0001", "0001-one", "20260210-101500-one", bundle, data};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        AUTO_FREE char *folder = NULL;
        bool sealed = false;
        assert_int_equal(archive_evidence(archive, words[i], &folder, &sealed, &err), 0);
        assert_string_equal(folder, data);
        assert_true(sealed);
    }
    AUTO_FREE char *plain = payload("plain"), *folder = NULL;
    bool sealed = true;
    assert_int_equal(archive_evidence(archive, plain, &folder, &sealed, &err), 0);
    assert_string_equal(folder, plain);
    assert_false(sealed);
}

static void test_a_number_is_not_used_again(void **state)
{
    (void)state;
    seal_drill("20260210-101500-one", "one");
    seal_drill("20260210-101501-two", "two");
    assert_int_equal(shell("rm -r 2026/Q1/0002-two*"), 0);
    AUTO_FREE char *next = seal_one(BUNDLE_PLAN, "20260210-101502-three", "three");
    assert_true(str_ends_with(next, "0003-three.plan"));
}

static void test_refusals(void **state)
{
    (void)state;
    struct err err = {0};
    char *path = NULL, *warning = NULL;
    AUTO_FREE char *folder = payload("20260210-101500-one");
    struct bundle_request request = request_of(BUNDLE_RESULT, "20260210-101500-one", "one", folder);
    assert_int_equal(bundle_seal(&request, &path, &warning, &err), -ERR_INPUT); /* it has no plan */
    assert_int_equal(access(folder, F_OK), 0);
    free(seal_one(BUNDLE_PLAN, "20260210-101500-one", "one"));
    free(seal_one(BUNDLE_RESULT, "20260210-101500-one", "one"));
    AUTO_FREE char *again = payload("20260210-101500-one");
    assert_int_equal(bundle_seal(&request, &path, &warning, &err), -ERR_STATE); /* sealed is sealed */
    request.signing.key = "/nowhere/key";
    request.kind = BUNDLE_REVIEW;
    assert_true(bundle_seal(&request, &path, &warning, &err) < 0);
    assert_int_equal(shell("test $(ls -d .running/* | wc -l) = 2"), 0); /* the lock and the payload */
}

static void test_what_is_no_plain_file_is_left_out(void **state)
{
    (void)state;
    struct err err = {0};
    free(seal_one(BUNDLE_PLAN, "20260210-101500-one", "one"));
    AUTO_FREE char *folder = payload("20260210-101500-one"), *path = NULL, *warning = NULL;
    assert_int_equal(shell("cd .running/*one && ln -s /etc/passwd link && mkfifo pipe && touch \"$(printf 'a\\nb')\""), 0);
    struct bundle_request request = request_of(BUNDLE_RESULT, "20260210-101500-one", "one", folder);
    assert_int_equal(bundle_seal(&request, &path, &warning, &err), 0);
    assert_non_null(strstr(warning, "link"));
    assert_int_equal(shell("test \"$(ls 2026/Q1/0001-one/data)\" = plan.json"), 0);
}

struct killing {
    int step, at;
    int pipe; /* the steps' names */
};

static void kill_here(void *context, const char *step)
{
    struct killing *killing = context;
    if (killing->step++ == killing->at) {
        (void)!write(killing->pipe, step, strlen(step));
        (void)raise(SIGKILL);
    }
}

/* Seal in a process that dies before step `at`; false when there is no such step, and it ended by itself. */
static bool killed_at(struct bundle_request request, int at, char step[static 32])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct killing killing = {.at = at, .pipe = ends[1]};
        struct err err = {0};
        char *path = NULL, *warning = NULL;
        request.at_step = kill_here;
        request.context = &killing;
        _exit(bundle_seal(&request, &path, &warning, &err) < 0);
    }
    int status = 0;
    fd_close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ssize_t got = read(ends[0], step, 31);
    step[got > 0 ? got : 0] = '\0';
    fd_close(ends[0]);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* What an auditor's commands say in the very state that a killed process left: every line of LEDGER and every link holds, and a bundle
 * that can be seen is whole. */
static void check_public(void)
{
    assert_int_equal(shell("test ! -e LEDGER || sha256sum -c --strict --quiet LEDGER"), 0);
    assert_int_equal(shell("for b in */Q?/*/; do (cd \"$b\" && sha256sum -c --strict --quiet tagmanifest-sha256.txt "
                           "manifest-sha256.txt && { test ! -e previous-sha256.txt || sha256sum -c --strict --quiet "
                           "previous-sha256.txt; }) || exit 1; done"),
                     0);
}

static void test_killed_at_every_step(void **state)
{
    (void)state;
    int at = 0;
    seal_drill("20260210-101500-before", "before");
    for (bool killed = true; killed; at++) {
        char step[32];
        AUTO_FREE char *id = xasprintf("20260210-1016%02d-killed", at);
        free(seal_one(BUNDLE_PLAN, id, "killed"));
        AUTO_FREE char *folder = payload(id);
        killed = killed_at(request_of(BUNDLE_RESULT, id, "killed", folder), at, step);
        check_public();
        AUTO_FREE char *after = xasprintf("20260210-1017%02d-after", at);
        free(seal_one(BUNDLE_PLAN, after, "after")); /* the next drill finishes it, or takes it back */
        check_public();
        struct archive_list list CLEANUP(archive_list_clear) = {0};
        const struct archive_drill *drill = NULL;
        struct err err = {0};
        assert_int_equal(archive_read(archive, &list, &err), 0);
        assert_int_equal(archive_find(&list, id, &drill, &err), 0);
        bool is_new = drill->result != NULL, payload_left = access(folder, F_OK) == 0;
        if (killed) {
            print_message("killed before '%s': %s\n", step,
                          is_new ? "the new archive" : "the old archive, the evidence still there");
        }
        assert_true(is_new != payload_left);
        if (payload_left) {
            free(seal_one(BUNDLE_RESULT, id, "killed"));
        }
        assert_int_equal(shell("test -z \"$(ls -A .running | grep -v '^lock$')\""), 0);
        assert_int_equal(shell("test $(ls -d */Q?/*/ | wc -l) = $(wc -l <LEDGER)"), 0);
    }
    assert_true(at > 8);
}

static void test_torn_ledger_line(void **state)
{
    (void)state;
    seal_drill("20260210-101500-one", "one");
    assert_int_equal(shell("printf 0123abc >>LEDGER"), 0);
    seal_drill("20260210-101501-two", "two");
    check_public();
    assert_int_equal(shell("test $(wc -l <LEDGER) = 4"), 0);
}

static void test_drills_side_by_side(void **state)
{
    enum { DRILLS = 8 };
    (void)state;
    for (int i = 0; i < DRILLS; i++) {
        if (fork() == 0) {
            AUTO_FREE char *id = xasprintf("20260210-1015%02d-many", i);
            seal_drill(id, "many");
            _exit(0);
        }
    }
    int status = 0;
    while (wait(&status) > 0) {
        assert_int_equal(status, 0);
    }
    check_public();
    assert_int_equal(shell("test $(ls -d */Q?/*-many | wc -l) = 8 && test -d 2026/Q1/0008-many && test $(wc -l <LEDGER) = 16"),
                     0);
}

#define ARCHIVE_TEST(name) cmocka_unit_test_setup_teardown(name, archive_setup, archive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARCHIVE_TEST(test_layout),
        ARCHIVE_TEST(test_public_commands),
        ARCHIVE_TEST(test_reading),
        ARCHIVE_TEST(test_evidence_of),
        ARCHIVE_TEST(test_a_number_is_not_used_again),
        ARCHIVE_TEST(test_refusals),
        ARCHIVE_TEST(test_what_is_no_plain_file_is_left_out),
        ARCHIVE_TEST(test_killed_at_every_step),
        ARCHIVE_TEST(test_torn_ledger_line),
        ARCHIVE_TEST(test_drills_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
