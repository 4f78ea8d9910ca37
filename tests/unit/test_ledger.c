/* The ledger's file: what a writer stores, a reader sees, also while it grows and after the writer was killed. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fake_evidence.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    (void)str_copy(path, sizeof(path), "/tmp/drill-ledger-XXXXXX");
    int fd = mkstemp(path);
    fd_close(fd);
    return fd < 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void add(struct ledger *ledger, int64_t due_ns, enum request_outcome outcome)
{
    uint64_t index = UINT64_MAX;
    struct ledger_record *record = ledger_next(ledger, &index);
    assert_non_null(record);
    assert_int_equal(index, ledger_count(ledger));
    record->due_ns = due_ns;
    record->request_class = CLASS_WRITE;
    record->write_number = index + 1;
    ledger_publish(ledger);
    if (outcome != OUTCOME_PENDING) {
        record->done_ns = due_ns + 7;
        ledger_finish(record, outcome);
    }
}

static void test_reader_follows_writer(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO_LEDGER struct ledger *writer = NULL;
    AUTO_LEDGER struct ledger *reader = NULL;
    assert_int_equal(ledger_create(path, 3, &writer, &err), 0);
    assert_int_equal(ledger_open(path, &reader, &err), 0);
    assert_int_equal(ledger_count(reader), 0);
    assert_null(ledger_at(reader, 0));
    add(writer, 100, OUTCOME_OK);
    add(writer, 200, OUTCOME_PENDING);
    assert_int_equal(ledger_count(reader), 2);
    assert_int_equal(ledger_at(reader, 0)->outcome, OUTCOME_OK);
    assert_int_equal(ledger_at(reader, 1)->outcome, OUTCOME_PENDING);
    assert_int_equal(ledger_at(reader, 1)->due_ns, 200);
    ledger_finish(ledger_writable_at(writer, 1), OUTCOME_RESET);
    assert_int_equal(ledger_at(reader, 1)->outcome, OUTCOME_RESET);
    assert_null(ledger_writable_at(reader, 0));
    assert_null(ledger_writable_at(writer, 3));
}

static void test_servers_have_names(void **state)
{
    (void)state;
    struct err err = {0};
    char name[LEDGER_SERVER_BYTES];
    AUTO_LEDGER struct ledger *writer = NULL;
    assert_int_equal(ledger_create(path, 1, &writer, &err), 0);
    assert_int_equal(ledger_server(writer, ""), 0);
    for (int i = 0; i < 2 * LEDGER_SERVERS_MAX; i++) {
        AUTO_FREE char *wanted = xasprintf("app%d", i);
        uint16_t server = ledger_server(writer, wanted);
        ledger_server_name(ledger_header(writer), server, name);
        assert_string_equal(name, i < LEDGER_SERVERS_MAX - 1 ? wanted : "others");
        assert_int_equal(ledger_server(writer, wanted), server);
    }
    ledger_server_name(ledger_header(writer), 0, name);
    assert_string_equal(name, "");
    ledger_server_name(ledger_header(writer), LEDGER_SERVERS_MAX + 1, name);
    assert_string_equal(name, "");
}

static void test_full(void **state)
{
    (void)state;
    struct err err = {0};
    uint64_t index = 0;
    AUTO_LEDGER struct ledger *writer = NULL;
    assert_int_equal(ledger_create(path, 2, &writer, &err), 0);
    add(writer, 1, OUTCOME_OK);
    add(writer, 2, OUTCOME_OK);
    assert_null(ledger_next(writer, &index));
    assert_int_equal(ledger_count(writer), 2);
}

static void test_killed_writer_leaves_what_was_in_flight(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO_LEDGER struct ledger *reader = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        struct ledger *writer = NULL;
        if (ledger_create(path, 100, &writer, &err) == 0) {
            for (int i = 0; i < 10; i++) {
                add(writer, i, i < 9 ? OUTCOME_OK : OUTCOME_PENDING);
            }
        }
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(ledger_open(path, &reader, &err), 0);
    assert_int_equal(ledger_count(reader), 10);
    assert_int_equal(ledger_at(reader, 8)->outcome, OUTCOME_OK);
    assert_int_equal(ledger_at(reader, 9)->outcome, OUTCOME_PENDING);
}

static void test_cut_file_gives_whole_records_only(void **state)
{
    (void)state;
    struct err err = {0};
    struct ledger *writer = NULL;
    AUTO_LEDGER struct ledger *reader = NULL;
    assert_int_equal(ledger_create(path, 4, &writer, &err), 0);
    for (int i = 0; i < 4; i++) {
        add(writer, i, OUTCOME_OK);
    }
    ledger_close(writer);
    assert_int_equal(truncate(path, 4096 + 64 * 2 + 32), 0);
    assert_int_equal(ledger_open(path, &reader, &err), 0);
    assert_int_equal(ledger_count(reader), 2);
}

static void test_refuses_what_is_no_ledger(void **state)
{
    (void)state;
    struct err err = {0};
    struct ledger *ledger = NULL;
    assert_int_equal(ledger_open(path, &ledger, &err), -ERR_INPUT);
    assert_int_equal(truncate(path, 8192), 0);
    assert_int_equal(ledger_open(path, &ledger, &err), -ERR_INPUT);
    assert_non_null(strstr(err.text, "not a ledger"));
    assert_int_equal(ledger_open("/nonexistent/ledger.bin", &ledger, &err), -ERR_SYSTEM);
    assert_int_equal(ledger_create(path, 0, &ledger, &err), -ERR_INPUT);
    assert_int_equal(ledger_create(path, UINT64_MAX / 8, &ledger, &err), -ERR_INPUT);
    assert_null(ledger);
}

static void test_names(void **state)
{
    (void)state;
    struct ledger_header header = {.id_prefix = "w7f3a91-"};
    char id[96];
    ledger_write_id(&header, 42, id);
    assert_string_equal(id, "w7f3a91-000000042");
    assert_string_equal(outcome_name(OUTCOME_TIMEOUT_FIRST_BYTE), "timeout-first-byte");
    assert_string_equal(outcome_name(OUTCOME_OTHER), "other");
    assert_string_equal(class_name(CLASS_WRITE), "write");
    assert_string_equal(outcome_name(OUTCOME_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reader_follows_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_servers_have_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_writer_leaves_what_was_in_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_file_gives_whole_records_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_what_is_no_ledger, setup, teardown),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
