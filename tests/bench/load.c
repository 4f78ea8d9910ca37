/* drill's load driver under ci/bench load; prints one JSON object.
 *     bench_load closed PORT SECONDS CONNECTIONS HUNG   as fast as answers come, beside HUNG requests that never are answered
 *     bench_load open PORT RATE SECONDS [NAME=VALUE…]   the driver as a drill runs it; settings of harness/load/load.h
 *     bench_load ledger FOLDER SECONDS                  records alone: what one costs, and the longest stall at 50,000 a second */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/load/http.h"
#include "harness/load/lateness.h"
#include "harness/load/load.h"

enum { EVENTS_MAX = 64, SLOTS_MAX = 40000, LEDGER_RATE = 50000, ON_TIME_MS = 1 };

static char ledger_path[128];

static _Noreturn void give_up(const struct err *err)
{
    fprintf(stderr, "bench_load: %s\n", err->text);
    exit(1);
}

static int64_t cpu_ns(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return cpu.tv_sec * NS_PER_S + cpu.tv_nsec;
}

static int64_t resident_bytes(void)
{
    char *text = NULL;
    struct err err = {0};
    if (fd_read_file("/proc/self/status", 100000, &text, NULL, &err) < 0) {
        give_up(&err);
    }
    int64_t kilobytes = strtoll(strstr(text, "VmRSS:") + strlen("VmRSS:"), NULL, 10);
    free(text);
    return kilobytes * 1024;
}

/* Closed loop: the HTTP client and the ledger of a vantage, without its schedule. */

struct closed {
    struct http *http;
    struct ledger *ledger;
    int epoll_fd;
    uint64_t done, failed, idle;
};

static uint32_t on_address(void *context, enum request_class request_class)
{
    (void)context;
    (void)request_class;
    return htonl(INADDR_LOOPBACK);
}

static void on_done(void *context, const struct http_done *done)
{
    struct closed *closed = context;
    struct ledger_record *record = ledger_writable_at(closed->ledger, done->tag);
    record->sent_ns = done->sent_ns;
    record->first_byte_ns = done->first_byte_ns;
    record->done_ns = done->done_ns;
    record->address = done->address;
    record->http_status = done->http_status;
    record->new_connection = done->new_connection;
    ledger_finish(record, done->outcome);
    closed->failed += done->outcome != OUTCOME_OK;
    closed->done++;
    closed->idle++;
}

static void send_one(struct closed *closed)
{
    uint64_t index;
    struct ledger_record *record = ledger_next(closed->ledger, &index);
    if (!record) {
        fprintf(stderr, "bench_load: the ledger is full\n");
        exit(1);
    }
    int64_t now_ns = clock_now_ns();
    *record = (struct ledger_record){.due_ns = now_ns, .request_class = CLASS_WRITE, .write_number = index + 1};
    ledger_publish(closed->ledger);
    const struct http_order order = {
        .request_class = CLASS_WRITE, .tag = index, .id = index + 1, .deadline_ns = now_ns + 600 * NS_PER_S};
    closed->idle -= http_send(closed->http, &order) ? 1 : 0;
}

static void turn(struct closed *closed, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    http_run(closed->http, clock_now_ns());
    int64_t left_ns = http_next_ns(closed->http) - clock_now_ns();
    int left_ms = left_ns > wait_ms * NS_PER_MS ? wait_ms : left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : 0;
    int count = epoll_wait(closed->epoll_fd, events, EVENTS_MAX, left_ms);
    for (int i = 0; i < count; i++) {
        http_on_event(closed->http, &events[i]);
    }
}

static void open_closed(struct closed *closed, const char *url, uint64_t capacity)
{
    struct err err = {0};
    closed->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    const struct http_settings settings = {
        .epoll_fd = closed->epoll_fd,
        .calls[CLASS_WRITE] = {.method = "POST", .url = url, .body = "{\"id\":\"{{id}}\",\"order\":1}", .status = 200},
        .id_prefix = "id-",
        .slots_max = SLOTS_MAX,
        .address = on_address,
        .done = on_done,
        .context = closed,
    };
    if (http_new(&settings, &closed->http, &err) < 0 || ledger_create(ledger_path, capacity, &closed->ledger, &err) < 0) {
        give_up(&err);
    }
}

/* The hung ones are the server's first, so they are sent and on their way before any other. */
static void hang(struct closed *closed, uint64_t count)
{
    struct epoll_event events[EVENTS_MAX];
    for (uint64_t i = 0; i < count; i++) {
        closed->idle = 1;
        send_one(closed);
        turn(closed, 0);
    }
    for (int quiet = 0; quiet < 20;) {
        int got = epoll_wait(closed->epoll_fd, events, EVENTS_MAX, 10);
        for (int i = 0; i < got; i++) {
            http_on_event(closed->http, &events[i]);
        }
        http_run(closed->http, clock_now_ns());
        quiet = got > 0 ? 0 : quiet + 1;
    }
}

static int run_closed(char **argv)
{
    struct closed closed = {0};
    AUTO_FREE char *url = xasprintf("http://127.0.0.1:%s/orders", argv[0]);
    double seconds = strtod(argv[1], NULL);
    uint64_t connections = strtoull(argv[2], NULL, 10), hung = strtoull(argv[3], NULL, 10);
    open_closed(&closed, url, (uint64_t)(seconds * 150000) + hung + connections + 100000);
    hang(&closed, hung);
    if (closed.done > 0) {
        fprintf(stderr, "bench_load: %llu requests that should hang were answered\n", (unsigned long long)closed.done);
        return 1;
    }
    closed.idle = connections;
    int64_t begun_ns = clock_now_ns(), begun_cpu_ns = cpu_ns(), end_ns = begun_ns + (int64_t)(seconds * NS_PER_S);
    while (clock_now_ns() < end_ns) {
        while (closed.idle > 0) {
            send_one(&closed);
        }
        turn(&closed, 1000);
    }
    printf("{\"requests\": %llu, \"failed\": %llu, \"cpu_ns\": %lld, \"wall_ns\": %lld}\n", (unsigned long long)closed.done,
           (unsigned long long)closed.failed, (long long)(cpu_ns() - begun_cpu_ns), (long long)(clock_now_ns() - begun_ns));
    http_free(closed.http);
    ledger_close(closed.ledger);
    unlink(ledger_path);
    return 0;
}

/* Open loop: what the ledger says of the driver. */

static json_t *open_settings(const char *port, const char *rate, const char *seconds, int argc, char **argv)
{
    AUTO_FREE char *url = xasprintf("http://127.0.0.1:%s/orders", port);
    json_t *settings = json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:s, s:{s:s, s:s, s:s}, s:{s:s}}", "vantage", "bench", "ledger",
                                 ledger_path, "id_prefix", "id-", "rate", strtod(rate, NULL), "max_seconds",
                                 strtod(seconds, NULL), "write_share", 1.0, "connections", "keepalive", "write", "method", "POST",
                                 "url", url, "body", "{\"id\":\"{{id}}\",\"order\":1}", "read", "url", url);
    for (int i = 0; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value) {
            fprintf(stderr, "bench_load: expected NAME=VALUE, found '%s'\n", argv[i]);
            exit(2);
        }
        *value++ = '\0';
        json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);
        json_object_set_new(settings, argv[i], json ? json : json_string(value));
    }
    return settings;
}

static json_t *read_ledger(void)
{
    struct ledger *ledger = NULL;
    struct err err = {0};
    static struct lateness lag, own; /* own: until the driver took it up; a connection that has to be opened is not in it */
    json_int_t outcomes[OUTCOME_COUNT] = {0}, on_time = 0, opened = 0;
    if (ledger_open(ledger_path, &ledger, &err) < 0) {
        give_up(&err);
    }
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        outcomes[record->outcome]++;
        lateness_add(&own, record->late_us * NS_PER_US);
        opened += record->new_connection;
        if (record->sent_ns) {
            lateness_add(&lag, record->sent_ns - record->due_ns);
            on_time += record->sent_ns - record->due_ns <= ON_TIME_MS * NS_PER_MS;
        }
    }
    json_t *result =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "scheduled", (json_int_t)ledger_count(ledger), "on_time", on_time,
                  "opened", opened, "ok", outcomes[OUTCOME_OK], "reset", outcomes[OUTCOME_RESET], "lag_p50_ns",
                  (json_int_t)lateness_quantile_ns(&lag, 0.5), "own_p99_ns", (json_int_t)lateness_quantile_ns(&own, 0.99),
                  "lag_p99_ns", (json_int_t)lateness_quantile_ns(&lag, 0.99));
    ledger_close(ledger);
    return result;
}

static int run_open(int argc, char **argv)
{
    struct err err = {0};
    struct load *load = NULL;
    AUTO_JSON json_t *settings = open_settings(argv[0], argv[1], argv[2], argc - 3, argv + 3);
    json_t *summary = NULL;
    if (load_start(settings, &load, &err) < 0) {
        give_up(&err);
    }
    int64_t before = resident_bytes();
    int64_t end_ns = load_start_ns(load) + (int64_t)(strtod(argv[2], NULL) * NS_PER_S);
    struct timespec until = {.tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    int64_t after = resident_bytes();
    bool drop = json_flag(settings, "drop", false);
    AUTO_JSON json_t *seen = drop ? read_ledger() : NULL; /* what hangs would be waited for */
    if (!drop && load_stop(load, &summary, &err) < 0) {
        give_up(&err);
    }
    load_free(load);
    AUTO_JSON json_t *result = drop ? json_incref(seen) : read_ledger();
    json_object_set_new(result, "resident_growth_bytes", json_integer(after - before));
    json_object_set_new(result, "summary", summary ? summary : json_null());
    json_dumpf(result, stdout, JSON_COMPACT);
    puts("");
    unlink(ledger_path);
    return 0;
}

/* Records alone. */

static void write_record(struct ledger *ledger, int64_t now_ns)
{
    uint64_t index;
    struct ledger_record *record = ledger_next(ledger, &index);
    *record = (struct ledger_record){.due_ns = now_ns, .request_class = CLASS_WRITE, .write_number = index + 1};
    ledger_publish(ledger);
    record = ledger_writable_at(ledger, index);
    record->sent_ns = record->first_byte_ns = record->done_ns = now_ns;
    record->http_status = 200;
    ledger_finish(record, OUTCOME_OK);
}

static struct ledger *new_ledger(uint64_t capacity)
{
    struct ledger *ledger = NULL;
    struct err err = {0};
    if (ledger_create(ledger_path, capacity, &ledger, &err) < 0) {
        give_up(&err);
    }
    return ledger;
}

static int run_ledger(char **argv)
{
    static struct lateness stall;
    uint64_t count = (uint64_t)(strtod(argv[1], NULL) * LEDGER_RATE);
    struct sched_param priority = {.sched_priority = 1};
    (void)str_format(ledger_path, sizeof(ledger_path), "%s/bench-ledger-%d.bin", argv[0], (int)getpid());
    struct ledger *ledger = new_ledger(count);
    int64_t begun_ns = cpu_ns();
    for (uint64_t i = 0; i < count; i++) {
        write_record(ledger, (int64_t)i);
    }
    double cost_ns = (double)(cpu_ns() - begun_ns) / (double)count;
    ledger_close(ledger);
    ledger = new_ledger(count);
    (void)sched_setscheduler(0, SCHED_FIFO, &priority);
    int64_t start_ns = clock_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        int64_t due_ns = start_ns + (int64_t)i * (NS_PER_S / LEDGER_RATE);
        if (i % 50 == 0) { /* a millisecond's worth, then the processor is given up: others have to live too */
            struct timespec until = {.tv_sec = due_ns / NS_PER_S, .tv_nsec = due_ns % NS_PER_S};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        }
        int64_t before_ns = clock_now_ns();
        write_record(ledger, due_ns);
        lateness_add(&stall, clock_now_ns() - before_ns);
    }
    printf("{\"records\": %llu, \"cost_ns\": %.1f, \"stall_p999_ns\": %lld, \"stall_max_ns\": %lld}\n", (unsigned long long)count,
           cost_ns, (long long)lateness_quantile_ns(&stall, 0.999), (long long)stall.max_ns);
    ledger_close(ledger);
    unlink(ledger_path);
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    (void)str_format(ledger_path, sizeof(ledger_path), "/tmp/drill-bench-%d.bin", (int)getpid());
    if (argc == 6 && str_eq(argv[1], "closed")) {
        return run_closed(argv + 2);
    }
    if (argc >= 5 && str_eq(argv[1], "open")) {
        return run_open(argc - 2, argv + 2);
    }
    if (argc == 4 && str_eq(argv[1], "ledger")) {
        return run_ledger(argv + 2);
    }
    fprintf(stderr,
            "usage: bench_load closed PORT SECONDS CONNECTIONS HUNG | open PORT RATE SECONDS [NAME=VALUE…] | ledger FOLDER "
            "SECONDS\n");
    return 2;
}
