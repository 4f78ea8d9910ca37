/* Lines of JSON over pipes: in pieces of any size, whole again and in order; queued when nobody reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/place/wire.h"

enum { LINES = 400 };

struct fixture {
    struct wire wire;
    int other_in, other_out; /* the other side's */
    struct err err;
};

static int open_wire(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(from, O_CLOEXEC | O_NONBLOCK) < 0) {
        return -1;
    }
    fixture->wire.to_fd = to[1];
    fixture->wire.from_fd = from[0];
    fixture->other_in = to[0];
    fixture->other_out = from[1];
    *state = fixture;
    return 0;
}

static int close_wire(void **state)
{
    struct fixture *fixture = *state;
    wire_clear(&fixture->wire);
    fd_close(fixture->other_in);
    fd_close(fixture->other_out);
    free(fixture);
    return 0;
}

/* Line number i, of a length that depends on it. */
static void add_line(struct buf *out, int i)
{
    buf_printf(out, "{\"n\":%d,\"t\":\"", i);
    for (int k = 0; k < i * 37 % 211; k++) {
        buf_add(out, "x", 1);
    }
    buf_puts(out, "\"}\n");
}

static int take_all(struct fixture *fixture, int next)
{
    for (;;) {
        AUTO_JSON json_t *message = NULL;
        int status = wire_next(&fixture->wire, &message, &fixture->err);
        assert_true(status >= 0);
        if (status == 0) {
            return next;
        }
        assert_int_equal(json_int(message, "n", -1), next);
        assert_int_equal(strlen(json_str(message, "t", "")), next * 37 % 211);
        next++;
    }
}

static void pieces_become_lines(void **state)
{
    struct fixture *fixture = *state;
    struct buf all CLEANUP(buf_clear) = {0};
    for (int i = 0; i < LINES; i++) {
        add_line(&all, i);
    }
    unsigned seed = 1;
    int next = 0;
    for (size_t at = 0; at < all.size;) {
        seed = seed * 1103515245U + 12345U;
        size_t size = 1 + (seed >> 16) % 700;
        size = size < all.size - at ? size : all.size - at;
        assert_int_equal(write(fixture->other_out, all.data + at, size), size);
        at += size;
        assert_int_equal(wire_fill(&fixture->wire, &fixture->err), 0);
        next = take_all(fixture, next);
    }
    assert_int_equal(next, LINES);
}

static void what_is_not_read_is_queued(void **state)
{
    struct fixture *fixture = *state;
    AUTO_JSON json_t *message = json_pack("{s:s}", "t", "0123456789012345678901234567890123456789");
    AUTO_FREE char *line = json_dumps(message, JSON_COMPACT);
    const size_t count = 5000, size = strlen(line) + 1;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(wire_queue(&fixture->wire, message, &fixture->err), 0);
        assert_int_equal(wire_flush(&fixture->wire, &fixture->err), 0);
    }
    assert_true(wire_has_output(&fixture->wire));
    size_t total = 0;
    char part[1000];
    for (ssize_t got; total < count * size; total += (size_t)got) {
        got = read(fixture->other_in, part, sizeof(part));
        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++) {
            size_t at = (total + (size_t)i) % size;
            assert_int_equal(part[i], at == size - 1 ? '\n' : line[at]);
        }
        assert_int_equal(wire_flush(&fixture->wire, &fixture->err), 0);
    }
    assert_false(wire_has_output(&fixture->wire));
}

static void both_ends_show(void **state)
{
    struct fixture *fixture = *state;
    AUTO_JSON json_t *message = json_object();
    fd_close(TAKE_FD(fixture->other_out));
    assert_int_equal(wire_fill(&fixture->wire, &fixture->err), -ERR_PROTOCOL);
    fd_close(TAKE_FD(fixture->other_in));
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    assert_int_equal(wire_queue(&fixture->wire, message, &fixture->err), 0);
    assert_int_equal(wire_flush(&fixture->wire, &fixture->err), -ERR_PROTOCOL);
}

static void a_queue_has_an_end(void **state)
{
    struct fixture *fixture = *state;
    AUTO_FREE char *text = xcalloc(15 * 1024 * 1024 + 1, 1);
    memset(text, 'q', 15 * 1024 * 1024);
    AUTO_JSON json_t *message = json_pack("{s:s}", "t", text);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(wire_queue(&fixture->wire, message, &fixture->err), 0);
    }
    assert_int_equal(wire_queue(&fixture->wire, message, &fixture->err), -ERR_PROTOCOL);
    assert_int_equal(wire_queue(&fixture->wire, NULL, &fixture->err), -ERR_INPUT);
}

int main(void)
{
#define WITH_WIRE(test) cmocka_unit_test_setup_teardown(test, open_wire, close_wire)
    const struct CMUnitTest tests[] = {
        WITH_WIRE(pieces_become_lines),
        WITH_WIRE(what_is_not_read_is_queued),
        WITH_WIRE(both_ends_show),
        WITH_WIRE(a_queue_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
