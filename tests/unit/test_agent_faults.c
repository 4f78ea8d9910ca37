/* Faults in a real agent: the journal stands while a fault does, and the dead-man's switch takes it out. */
#include "test_agent_process.h"

#include <dirent.h>

#include "harness/agent/journal.h"

static json_t *null_fault(const char *id, const char *fails)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s, s:[], s:[], s:[]}}", "fault_id", id, "fault", "null", "options",
                     "fail", fails, "target", "place", "here", "kind", "host", "name", "here", "cidr", "127.0.0.1/32",
                     "interfaces", "pids", "services");
}

static json_t *living(json_t *fault, int ttl_ms)
{
    json_object_set_new(fault, "ttl_ms", json_integer(ttl_ms));
    return fault;
}

static json_t *by_id(const char *id)
{
    return json_pack("{s:s}", "fault_id", id);
}

static int count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        count += str_ends_with(entry->d_name, ".json");
    }
    if (dir) {
        (void)closedir(dir);
    }
    return count;
}

static struct agent_process begin_with_journal(const char *journal)
{
    struct agent_process agent = agent_begin();
    json_decref(agent_hello(&agent, journal, 0));
    return agent;
}

static void test_apply_prove_revert(void **state)
{
    char *journal = test_folder();
    struct agent_process agent = begin_with_journal(journal);
    (void)state;
    int64_t before_ns = clock_now_ns();
    AUTO_JSON json_t *applied = agent_ask(&agent, "fault.apply", living(null_fault("f1", "none"), 60000));
    assert_true(json_int(applied, "before_ns", 0) >= before_ns);
    assert_true(json_int(applied, "after_ns", 0) >= json_int(applied, "before_ns", 0));
    assert_true(json_int(applied, "after_ns", 0) <= clock_now_ns());
    assert_string_equal(json_str(applied, "mechanism", ""), "none");
    assert_int_equal(count_entries(journal), 1);
    AUTO_JSON json_t *proof = agent_ask(&agent, "fault.prove", by_id("f1"));
    assert_true(json_flag(proof, "ok", false));
    AUTO_JSON json_t *reverted = agent_ask(&agent, "fault.revert", by_id("f1"));
    assert_true(json_int(reverted, "before_ns", 0) >= json_int(applied, "after_ns", 0));
    assert_int_equal(count_entries(journal), 0);
    AUTO_JSON json_t *residue = agent_ask(&agent, "fault.residue", by_id("f1"));
    assert_int_equal(json_array_size(json_object_get(residue, "left")), 0);
    agent_do(&agent, "fault.revert", by_id("f1")); /* twice is once */
    assert_int_equal(agent_end(&agent), 0);
    test_folder_remove(journal);
}

static void test_failures_leave_no_entry(void **state)
{
    static const char *const hooks[] = {"supported", "prepare", "apply"};
    char *journal = test_folder();
    struct agent_process agent = begin_with_journal(journal);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
        AUTO_JSON json_t *error = agent_refuses(&agent, "fault.apply", null_fault(hooks[i], hooks[i]));
        assert_non_null(strstr(json_str(error, "message", ""), "fake fault"));
        assert_int_equal(count_entries(journal), 0);
    }
    AUTO_JSON json_t *unknown = agent_refuses(&agent, "fault.plan", json_pack("{s:s, s:s}", "fault_id", "f9", "fault", "nul"));
    assert_string_equal(json_str(json_object_get(unknown, "data"), "code", ""), err_code_name(ERR_INPUT));
    assert_int_equal(agent_end(&agent), 0);
    test_folder_remove(journal);
}

static void test_unproven_is_an_answer_after_the_time(void **state)
{
    struct agent_process agent = begin_with_journal(NULL);
    (void)state;
    agent_do(&agent, "fault.apply", null_fault("f1", "prove"));
    int64_t begun_ns = clock_now_ns();
    agent_tell(&agent, 70, "fault.prove", json_pack("{s:s, s:i}", "fault_id", "f1", "timeout_ms", 200));
    agent_tell(&agent, 71, "ping", NULL);
    json_decref(agent_reply(&agent, 71)); /* comes first: proving does not hold the loop up */
    assert_true(clock_now_ns() - begun_ns < 150 * NS_PER_MS);
    AUTO_JSON json_t *reply = agent_reply(&agent, 70);
    assert_false(json_flag(json_object_get(reply, "result"), "ok", true));
    assert_true(clock_now_ns() - begun_ns >= 200 * NS_PER_MS);
    assert_int_equal(agent_end(&agent), 0);
}

static void test_an_entry_stays_while_something_is_left(void **state)
{
    char *journal = test_folder();
    struct agent_process agent = begin_with_journal(journal);
    (void)state;
    agent_do(&agent, "fault.apply", null_fault("f1", "residue"));
    agent_do(&agent, "fault.revert", by_id("f1"));
    assert_int_equal(count_entries(journal), 1);
    AUTO_JSON json_t *residue = agent_ask(&agent, "fault.residue", by_id("f1"));
    assert_int_equal(json_array_size(json_object_get(residue, "left")), 1);
    (void)agent_end(&agent);
    test_folder_remove(journal);
}

static void test_time_to_live(void **state)
{
    char *journal = test_folder();
    struct agent_process agent = begin_with_journal(journal);
    (void)state;
    AUTO_JSON json_t *applied = agent_ask(&agent, "fault.apply", living(null_fault("f1", "none"), 100));
    AUTO_JSON json_t *event = agent_event(&agent, "fault.expired", NULL);
    assert_string_equal(json_str(event, "fault_id", ""), "f1");
    assert_true(json_int(event, "t_ns", 0) - json_int(applied, "after_ns", 0) >= 99 * NS_PER_MS);
    assert_int_equal(count_entries(journal), 0);
    assert_int_equal(agent_end(&agent), 0);
    test_folder_remove(journal);
}

/* Each way in which a controller goes away, and each takes two faults out. */
static void reverts_when(void (*leave)(struct agent_process *agent), int heartbeat_ms)
{
    char *journal = test_folder();
    struct agent_process agent = agent_begin();
    json_decref(agent_hello(&agent, journal, heartbeat_ms));
    agent_do(&agent, "fault.apply", null_fault("f1", "none"));
    agent_do(&agent, "fault.apply", null_fault("f2", "none"));
    assert_int_equal(count_entries(journal), 2);
    leave(&agent);
    assert_int_equal(agent_reap(&agent), 0);
    assert_int_equal(count_entries(journal), 0);
    test_folder_remove(journal);
}

static void terminate(struct agent_process *agent)
{
    assert_int_equal(kill(agent->pid, SIGTERM), 0);
}

static void say_exit(struct agent_process *agent)
{
    agent_do(agent, "exit", NULL);
}

static void fall_silent(struct agent_process *agent)
{
    for (int i = 0; i < 5; i++) { /* while it beats, it lives */
        agent_tell(agent, 0, "heartbeat", NULL);
        agent_do(agent, "ping", NULL);
    }
    assert_int_equal(waitpid(agent->pid, NULL, WNOHANG), 0);
}

static void test_dead_mans_switch(void **state)
{
    (void)state;
    reverts_when(agent_hang_up, 0);
    reverts_when(terminate, 0);
    reverts_when(say_exit, 0);
    reverts_when(fall_silent, 100);
}

static void kill_agent(struct agent_process *agent)
{
    assert_int_equal(kill(agent->pid, SIGKILL), 0);
    assert_true(WIFSIGNALED(agent_reap(agent)));
}

static void test_a_killed_agent_is_succeeded(void **state)
{
    char *journal = test_folder();
    struct agent_process first = begin_with_journal(journal);
    (void)state;
    agent_do(&first, "fault.apply", null_fault("f1", "none"));
    kill_agent(&first);
    assert_int_equal(count_entries(journal), 1);
    struct agent_process second = agent_begin();
    AUTO_JSON json_t *hello = agent_hello(&second, journal, 0);
    const json_t *adopted = json_object_get(hello, "adopted");
    assert_int_equal(json_array_size(adopted), 1);
    assert_string_equal(json_string_value(json_array_get(adopted, 0)), "f1");
    assert_int_equal(json_int(hello, "pid", 0), second.pid);
    agent_do(&second, "fault.revert", by_id("f1"));
    assert_int_equal(count_entries(journal), 0);
    assert_int_equal(agent_end(&second), 0);
    test_folder_remove(journal);
}

static void test_undo(void **state)
{
    struct err err = {0};
    struct buf standing CLEANUP(buf_clear) = {0}, report CLEANUP(buf_clear) = {0};
    char *journal = test_folder();
    struct agent_process agent = begin_with_journal(journal);
    (void)state;
    agent_do(&agent, "fault.apply", null_fault("f1", "none"));
    assert_int_equal(journal_standing(journal, &standing, &err), 0);
    assert_int_equal(standing.size, 0); /* the agent lives: the fault is a running drill's */
    kill_agent(&agent);
    assert_int_equal(journal_standing(journal, &standing, &err), 0);
    assert_non_null(strstr(buf_str(&standing), "null"));
    assert_int_equal(journal_undo(journal, &report, &err), 0);
    assert_non_null(strstr(buf_str(&report), "reverted"));
    assert_int_equal(count_entries(journal), 0);
    buf_reset(&standing);
    assert_int_equal(journal_standing(journal, &standing, &err), 0);
    assert_int_equal(standing.size, 0);
    test_folder_remove(journal);
}

/* Killed while it wrote: what has not its right name yet was never applied, and nobody has to read it. */
static void test_half_written_entries_go(void **state)
{
    static const char *const contents[] = {"", "{\"fault_id\": \"f1\"", "{\"fault_id\": \"f1\", \"pid\": 1, \"start_ticks\": 1}"};
    struct err err = {0};
    char *journal = test_folder();
    AUTO_FREE char *path = xasprintf("%s/f1.here.4026531840.json.tmp", journal);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        struct buf text CLEANUP(buf_clear) = {0};
        assert_int_equal(fd_write_file_atomic(path, contents[i], strlen(contents[i]), &err), 0);
        assert_int_equal(journal_standing(journal, &text, &err), 0);
        assert_int_equal(text.size, 0);
        assert_int_equal(access(path, F_OK), -1);
    }
    test_folder_remove(journal);
}

static void test_no_journal_is_no_standing(void **state)
{
    struct err err = {0};
    struct buf standing CLEANUP(buf_clear) = {0};
    (void)state;
    assert_int_equal(journal_standing("/tmp/drill-test-agent-there-is-none", &standing, &err), 0);
    assert_int_equal(standing.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply_prove_revert),
        cmocka_unit_test(test_failures_leave_no_entry),
        cmocka_unit_test(test_unproven_is_an_answer_after_the_time),
        cmocka_unit_test(test_an_entry_stays_while_something_is_left),
        cmocka_unit_test(test_time_to_live),
        cmocka_unit_test(test_dead_mans_switch),
        cmocka_unit_test(test_a_killed_agent_is_succeeded),
        cmocka_unit_test(test_undo),
        cmocka_unit_test(test_half_written_entries_go),
        cmocka_unit_test(test_no_journal_is_no_standing),
    };
    return cmocka_run_group_tests_name("agent faults", tests, NULL, NULL);
}
