/* A webhook is told what happens while it happens, and whatever it answers the drill's verdict is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/cli/teller.h"
#include "tests/support/fake_drill.h"

#define AUTO_DRILL CLEANUP(fake_drill_clear)

static const char steps[] = "local f <close> = d:inject(fault.kill { service = 'proxy@us-east-gw' })\n"
                            "d:await_note { says = 'go back', within = '3s' }\n"
                            "f:revert()\n"
                            "d:await_recovery()\n";

static struct {
    struct MHD_Daemon *daemon;
    unsigned status;   /* that it answers */
    struct buf bodies; /* a line each; written in the daemon's thread, read when that has ended */
} hook;

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **own)
{
    (void)context;
    (void)url;
    (void)method;
    (void)version;
    if (!*own) {
        *own = &hook;
        return MHD_YES;
    }
    if (*size > 0) {
        buf_printf(&hook.bodies, "%.*s\n", (int)*size, data);
        *size = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, hook.status, response);
    MHD_destroy_response(response);
    return result;
}

/* Drill with a webhook that answers `status`. */
static void drill_told(unsigned status, struct fake_drill *drill)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct err err = {0};
    struct teller *teller = NULL;
    buf_clear(&hook.bodies);
    hook.status = status;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u/hook", ntohs(address.sin_port));
    assert_int_equal(teller_open(url, "fake", "Fake", &teller, &err), 0); /* it forks, so before there is a thread */
    hook.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
                                   MHD_OPTION_END);
    assert_non_null(hook.daemon);
    fake_system.told = teller_tell;
    fake_system.told_context = teller;
    fake_drill_run(steps, drill);
    teller_close(teller);
    MHD_stop_daemon(hook.daemon);
}

/* The events of the messages, one a line. */
static char *told(void)
{
    struct buf events = {0};
    char *rest = hook.bodies.data, *line;
    while ((line = strsep(&rest, "\n")) && *line) {
        AUTO_JSON json_t *json = NULL;
        struct err err = {0};
        assert_int_equal(json_parse(line, strlen(line), &json, &err), 0);
        buf_printf(&events, "%s: %s\n", json_str(json, "event", "?"), json_str(json, "text", "?"));
    }
    return buf_take(&events);
}

static void each_stage_is_told(void **state)
{
    struct fake_drill drill AUTO_DRILL = {0};
    (void)state;
    drill_told(200, &drill);
    AUTO_FREE char *events = told();
    assert_string_equal(events, "drill.starting: DRILL, NOT A REAL INCIDENT: fake: begins: Fake\n"
                                "drill.fault: DRILL, NOT A REAL INCIDENT: fake: now: break proxy@us-east-gw\n"
                                "drill.waiting: DRILL, NOT A REAL INCIDENT: fake: waits for somebody: drill note \"go back\"\n"
                                "drill.reverted: DRILL, NOT A REAL INCIDENT: fake: taken away: kill proxy@us-east-gw\n");
    assert_int_equal(drill.result->exit_code, 0);
}

static void who_stopped_it_is_told(void **state)
{
    struct fake_drill whole AUTO_DRILL = {0}, drill AUTO_DRILL = {0};
    (void)state;
    fake_drill_run(steps, &whole);
    int in_the_middle = fake_system.calls_at_compare - 12;
    fake_system_reset();
    fake_system.interrupt_after_call = in_the_middle;
    drill_told(200, &drill);
    AUTO_FREE char *events = told();
    if (!strstr(events, "drill.stopping: DRILL, NOT A REAL INCIDENT: fake: stops: interrupted")) {
        fail_msg("found %s", events);
    }
    assert_int_equal(drill.result->exit_code, 4);
}

/* One that refuses, and one that is not there. */
static void the_hook_changes_nothing(void **state)
{
    struct fake_drill refused AUTO_DRILL = {0}, alone AUTO_DRILL = {0};
    struct err err = {0};
    struct teller *teller = NULL;
    (void)state;
    drill_told(404, &refused);
    assert_int_equal(refused.result->exit_code, 0);
    fake_system_reset();
    assert_int_equal(teller_open("http://127.0.0.1:1/", "fake", "Fake", &teller, &err), 0);
    fake_system.told = teller_tell;
    fake_system.told_context = teller;
    fake_drill_run(steps, &alone);
    teller_close(teller);
    assert_int_equal(alone.result->exit_code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_stage_is_told, fake_drill_reset),
        cmocka_unit_test_setup(who_stopped_it_is_told, fake_drill_reset),
        cmocka_unit_test_setup(the_hook_changes_nothing, fake_drill_reset),
    };
    int failed = cmocka_run_group_tests(tests, fake_drill_setup, fake_drill_teardown);
    buf_clear(&hook.bodies);
    return failed;
}
