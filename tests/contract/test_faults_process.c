/* What the faults at processes do: which processes, which signals, what still answers, how often one dies again. */
#include "tests/contract/test_faults_victim.h"

#include <time.h>

static struct fault_instance *fault_with(const char *name, const char *options, struct victim *victim)
{
    struct fault_instance *fault = NULL;
    must(victim_try_fault(fault_find(name), json_loads(options, 0, NULL), victim, &fault, err));
    return fault;
}

static bool lives(pid_t pid)
{
    struct proc_info info;
    return proc_read(pid, &info) && info.state != 'Z';
}

static void one_process_of_a_service(void **state)
{
    (void)state;
    struct victim victim = victim_start(VICTIM_PORT);
    struct fault_instance *fault = fault_with("kill", "{\"processes\": \"child\"}", &victim);
    lab_inject(fault);
    assert_false(lives(victim.child));
    assert_true(lives(victim.parent) && victim_answers(&victim, true));
    lab_revert(fault);
    victim_end(victim);
    victim = victim_start(VICTIM_PORT);
    fault = fault_with("kill", "{\"processes\": \"main\", \"signal\": \"SEGV\"}", &victim);
    lab_inject(fault);
    assert_false(lives(victim.parent));
    lab_revert(fault);
    victim_end(victim);
}

/* A signal that need not end anybody is proven by having been taken: one that is ignored was not. */
static void signals_that_end_nobody(void **state)
{
    (void)state;
    struct victim victim = victim_start(VICTIM_PORT);
    struct fault_instance *fault = fault_with("kill", "{\"signal\": \"WINCH\"}", &victim); /* its default is to be thrown away */
    lab_inject(fault);
    assert_true(lives(victim.parent) && lives(victim.child));
    lab_revert(fault);
    victim_end(victim);
    const struct sigaction deafness = {.sa_handler = SIG_IGN};
    struct sigaction before;
    assert_return_code(sigaction(SIGHUP, &deafness, &before), errno);
    pid_t deaf = fork();
    if (deaf == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        victim_sleep();
    }
    assert_return_code(sigaction(SIGHUP, &before, NULL), errno);
    struct victim ignoring = {.parent = deaf};
    fault = fault_with("kill", "{\"signal\": \"HUP\"}", &ignoring);
    must(fault->ops->prepare(fault, err));
    must(fault->ops->apply(fault, err));
    assert_false(lab_proven(fault, 0));
    fault_instance_free(fault);
    (void)kill(deaf, SIGKILL);
    (void)waitpid(deaf, NULL, 0);
}

static void a_hung_service_accepts(void **state)
{
    (void)state;
    struct victim victim = victim_start(VICTIM_PORT);
    struct fault_instance *fault = fault_with("hang", "{}", &victim);
    lab_inject(fault);
    struct sockaddr_in address = lab_address_of("127.0.0.1", VICTIM_PORT);
    AUTO_FD int fd = lab_socket(LAB_REGION, SOCK_STREAM, "127.0.0.1", 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof(address)), errno);
    assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    assert_false(lab_readable(fd, 2 * LAB_QUIET_MS)); /* neither an answer nor an end */
    lab_revert(fault);
    assert_true(lab_readable(fd, LAB_PATIENCE_MS)); /* late, but it comes */
    victim_end(victim);
}

/* Stopped is not hung: who listens on nothing cannot be shown to accept. */
static void what_does_not_listen_cannot_hang(void **state)
{
    (void)state;
    struct victim victim = victim_start(VICTIM_PORT), silent = {.parent = victim.child};
    struct fault_instance *fault = fault_with("hang", "{}", &silent);
    must(fault->ops->prepare(fault, err));
    must(fault->ops->apply(fault, err));
    assert_false(lab_proven(fault, 100));
    lab_revert(fault);
    victim_end(victim);
}

/* An agent's clock, as fast as the fault asks for it. */
static int run_until_over(struct fault_instance *fault, int *ret_deaths)
{
    int64_t due_ns = 0, end_ns = clock_now_ns() + LAB_PATIENCE_MS * NS_PER_MS;
    int backs = 0;
    *ret_deaths = 1; /* apply's own */
    do {
        struct buf told CLEANUP(buf_clear) = {0};
        struct timespec pause = {.tv_nsec = due_ns > clock_now_ns() ? (due_ns - clock_now_ns()) % NS_PER_S : 0};
        (void)nanosleep(&pause, NULL);
        must(fault->ops->tick(fault, &due_ns, &told, err));
        *ret_deaths += strstr(buf_str(&told), "killed") != NULL;
        backs += strstr(buf_str(&told), "is back") != NULL;
    } while (due_ns && clock_now_ns() < end_ns);
    assert_int_equal(due_ns, 0);
    return backs;
}

static void a_crash_loop_is_counted_and_ends(void **state)
{
    (void)state;
    int deaths = 0;
    struct victim victim = victim_start(VICTIM_PORT);
    pid_t first = victim.parent;
    struct fault_instance *fault = fault_with("crash_loop", "{\"every\": \"100ms\", \"times\": \"3\"}", &victim);
    lab_inject(fault);
    assert_false(victim_answers(&victim, false));
    assert_int_equal(run_until_over(fault, &deaths), 3);
    assert_int_equal(deaths, 3);
    assert_int_not_equal(victim.parent, first);
    assert_true(victim_answers(&victim, true)); /* after the last death it may live */
    lab_revert(fault);
    victim_end(victim);
}

static void a_crash_loop_leaves_returns_to_a_supervisor(void **state)
{
    (void)state;
    struct victim victim = victim_start(VICTIM_PORT);
    struct fault_instance *fault = fault_with("crash_loop", "{\"restart\": \"false\"}", &victim);
    struct buf told CLEANUP(buf_clear) = {0};
    int64_t due_ns = 0;
    lab_inject(fault);
    must(fault->ops->tick(fault, &due_ns, &told, err));
    assert_true(due_ns > 0 && told.size == 0); /* waits for it to come back */
    assert_false(victim_answers(&victim, false));
    lab_revert(fault);
    assert_false(victim_answers(&victim, false)); /* who brings it back is somebody else */
    victim_end(victim);
}

static void a_start_of_what_runs_is_none(void **state)
{
    (void)state;
    struct victim victim = victim_start(VICTIM_PORT), again = victim;
    struct fault_instance *fault = NULL;
    AUTO_JSON json_t *description = json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:[s]}}", "fault_id", "f1", "fault", "start_service",
                                              "target", "place", "east", "kind", "service", "name", "east", "services", "victim");
    must(fault_instance_new(description, &fault, err));
    victim_lend(fault, &again);
    must(fault->ops->prepare(fault, err));
    must(fault->ops->apply(fault, err));
    assert_false(lab_proven(fault, 0));
    lab_revert(fault);
    assert_true(victim_answers(&victim, true)); /* what it did not start it does not stop */
    victim_end(victim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_of_a_service),         cmocka_unit_test(signals_that_end_nobody),
        cmocka_unit_test(a_hung_service_accepts),           cmocka_unit_test(what_does_not_listen_cannot_hang),
        cmocka_unit_test(a_crash_loop_is_counted_and_ends), cmocka_unit_test(a_crash_loop_leaves_returns_to_a_supervisor),
        cmocka_unit_test(a_start_of_what_runs_is_none),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
