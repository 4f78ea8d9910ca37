/* Reading back the list of stored writes, in a thread with an event loop of its own. */
#include "harness/load/readback.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/load/blocks.h"
#include "harness/load/http.h"
#include "harness/load/idlist.h"
#include "harness/load/namecache.h"

enum {
    EVENTS_MAX = 8,
    ATTEMPTS_IN_TIME = 3,    /* one attempt may take this part of the time: DNS may point elsewhere meanwhile */
    ATTEMPT_LEAST_MS = 1000, /* …but this long at least */
    PAUSE_MS = 200           /* after a failed attempt */
};

enum wake { WAKE_CANCEL = 1, WAKE_RESOLVER };

struct readback {
    json_t *settings;
    const char *url, *file, *prefix; /* of settings */
    int64_t until_ns;
    int done_fd, cancel_fd, epoll_fd;
    pthread_t thread;
    bool running, cancelled;
    int status; /* the thread's, with error; read after the join */
    struct err error;
    struct resolver *resolver;
    struct namecache *name;
    struct http *http; /* of the attempt under way */
    struct idlist list;
    struct http_done answer;
    uint32_t address; /* to use */
    bool answered, no_address, complete;
    int attempts;
    struct buf reason;
};

static void on_changed(void *context, const char *name, const char *from, const char *to, int64_t t_ns)
{
    (void)context;
    (void)name;
    (void)from;
    (void)to;
    (void)t_ns;
}

static void on_settled(void *context, struct namecache *cache, bool refused)
{
    struct readback *readback = context;
    readback->address = namecache_latest(cache);
    readback->no_address = refused;
    if (!refused && readback->address == 0 && !readback->answered) {
        namecache_ask(cache);
    }
}

static bool on_body(void *context, const char *data, size_t size)
{
    struct readback *readback = context;
    return idlist_add(&readback->list, data, size);
}

static void on_done(void *context, const struct http_done *done)
{
    struct readback *readback = context;
    readback->answer = *done;
    readback->answered = true;
}

static uint32_t on_address(void *context, enum request_class request_class)
{
    const struct readback *readback = context;
    (void)request_class;
    return readback->address;
}

static int wait_ms(const struct readback *readback, int64_t until_ns)
{
    int64_t next_ns = http_next_ns(readback->http);
    int64_t left_ns = (next_ns < until_ns ? next_ns : until_ns) - clock_now_ns();
    return left_ns > 0 ? (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static void handle_event(struct readback *readback, const struct epoll_event *event)
{
    if (event->data.u64 & HTTP_EVENT_BIT) {
        http_on_event(readback->http, event);
    } else if (event->data.u64 == WAKE_RESOLVER) {
        resolver_process(readback->resolver);
    } else {
        readback->cancelled = true;
    }
}

/* One request, from asking for its address to its end. */
static void fetch(struct readback *readback, int64_t until_ns)
{
    struct http_order order = {.request_class = CLASS_READ, .deadline_ns = until_ns, .fresh = true};
    struct epoll_event events[EVENTS_MAX];
    bool sent = false;
    readback->answered = readback->no_address = false;
    readback->answer = (struct http_done){.outcome = OUTCOME_DNS};
    readback->address = namecache_get(readback->name, clock_now_ns());
    while (!readback->answered && !readback->no_address && !readback->cancelled) {
        if (!sent && readback->address) {
            order.address = readback->address;
            sent = http_send(readback->http, &order);
        }
        http_run(readback->http, clock_now_ns());
        if (readback->answered || (!sent && clock_now_ns() >= until_ns)) {
            return;
        }
        int count = epoll_wait(readback->epoll_fd, events, EVENTS_MAX, wait_ms(readback, until_ns));
        for (int i = 0; i < count; i++) {
            handle_event(readback, &events[i]);
        }
    }
}

static void judge(struct readback *readback)
{
    char address[16];
    const struct http_done *answer = &readback->answer;
    buf_reset(&readback->reason);
    if (answer->outcome == OUTCOME_OK) {
        readback->complete = idlist_end(&readback->list, &readback->reason);
    } else if (readback->cancelled) {
        buf_puts(&readback->reason, "stopped before it was complete");
    } else if (answer->outcome == OUTCOME_STATUS) {
        buf_printf(&readback->reason, "%s answered HTTP %u from %s, expected 200", readback->url, answer->http_status,
                   resolver_format(answer->address, address));
    } else if (answer->outcome == OUTCOME_BODY) {
        (void)idlist_end(&readback->list, &readback->reason);
    } else {
        buf_printf(&readback->reason, "%s failed: %s%s%s", readback->url, outcome_name(answer->outcome),
                   answer->address ? " at " : "", resolver_format(answer->address, address));
    }
}

static int attempt(struct readback *readback, int64_t until_ns, struct err *err)
{
    struct http_settings settings = {
        .epoll_fd = readback->epoll_fd,
        .calls[CLASS_READ] = {.method = "GET", .url = readback->url, .status = 200},
        .headers = json_object_get(readback->settings, "headers"),
        .vantage = json_str(readback->settings, "vantage", NULL),
        .ca = json_str(readback->settings, "ca", NULL),
        .tls_verify = json_flag(readback->settings, "tls_verify", true),
        .slots_max = 1,
        .address = on_address,
        .sink = on_body,
        .done = on_done,
        .context = readback,
    };
    FILE *file = fopen(readback->file, "we");
    if (!file) {
        return err_errno(err, errno, "cannot create '%s' for the ids", readback->file);
    }
    idlist_begin(&readback->list, readback->prefix, file);
    int status = http_new(&settings, &readback->http, err);
    if (status == 0) {
        readback->attempts++;
        fetch(readback, until_ns);
        judge(readback);
        http_free(TAKE(readback->http));
    }
    idlist_clear(&readback->list);
    if (fclose(file) != 0 || readback->list.not_written) {
        return status < 0 ? status : err_errno(err, errno, "cannot write the ids to '%s'", readback->file);
    }
    return status;
}

static int64_t attempt_until_ns(const struct readback *readback, int64_t attempt_ns)
{
    int64_t until_ns = clock_now_ns() + attempt_ns;
    return until_ns < readback->until_ns ? until_ns : readback->until_ns;
}

static int attempts(struct readback *readback, struct err *err)
{
    int64_t left_ns = readback->until_ns - clock_now_ns();
    int64_t part_ns = left_ns / ATTEMPTS_IN_TIME;
    int64_t attempt_ns = part_ns > ATTEMPT_LEAST_MS * NS_PER_MS ? part_ns : ATTEMPT_LEAST_MS * NS_PER_MS;
    struct pollfd cancel = {.fd = readback->cancel_fd, .events = POLLIN};
    do {
        int status = attempt(readback, attempt_until_ns(readback, attempt_ns), err);
        if (status < 0 || readback->complete) {
            return status;
        }
        readback->cancelled = readback->cancelled || poll(&cancel, 1, PAUSE_MS) > 0;
    } while (!readback->cancelled && clock_now_ns() < readback->until_ns);
    return 0;
}

static void *run(void *context)
{
    struct readback *readback = context;
    readback->status = attempts(readback, &readback->error);
    blocks_release();
    fd_wake(readback->done_fd);
    return NULL;
}

static int open_loop(struct readback *readback, struct err *err)
{
    struct epoll_event cancel = {.events = EPOLLIN, .data.u64 = WAKE_CANCEL};
    struct epoll_event resolver = {.events = EPOLLIN, .data.u64 = WAKE_RESOLVER};
    readback->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    readback->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    readback->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (readback->done_fd < 0 || readback->cancel_fd < 0 || readback->epoll_fd < 0 ||
        epoll_ctl(readback->epoll_fd, EPOLL_CTL_ADD, readback->cancel_fd, &cancel) < 0) {
        return err_errno(err, errno, "cannot make the event loop of a read-back");
    }
    int status = resolver_new(json_str(readback->settings, "dns_server", NULL), RESOLVER_TIMEOUT_MS, &readback->resolver, err);
    if (status == 0 && epoll_ctl(readback->epoll_fd, EPOLL_CTL_ADD, resolver_fd(readback->resolver), &resolver) < 0) {
        return err_errno(err, errno, "cannot make the event loop of a read-back");
    }
    return status;
}

static int open_readback(struct readback *readback, struct err *err)
{
    struct namecache_watch watch = {.changed = on_changed, .settled = on_settled, .context = readback};
    AUTO_FREE char *host = NULL;
    readback->url = json_str(readback->settings, "url", "");
    readback->file = json_str(readback->settings, "file", "");
    readback->prefix = json_str(readback->settings, "prefix", "");
    readback->until_ns = clock_now_ns() + json_int(readback->settings, "timeout_ms", 15000) * NS_PER_MS;
    int status = http_url_host(readback->url, &host, err);
    if (status == 0) {
        status = open_loop(readback, err);
    }
    if (status < 0) {
        return err_prefix(err, "read-back");
    }
    readback->name = namecache_new(readback->resolver, host, 1, &watch);
    int failed = pthread_create(&readback->thread, NULL, run, readback);
    if (failed) {
        return err_errno(err, failed, "cannot start the thread of a read-back");
    }
    readback->running = true;
    return 0;
}

int readback_start(const json_t *settings, struct readback **ret_readback, struct err *err)
{
    AUTO_READBACK struct readback *readback = xcalloc(1, sizeof(*readback));
    readback->done_fd = readback->cancel_fd = readback->epoll_fd = -1;
    readback->settings = json_deep_copy(settings);
    int status = open_readback(readback, err);
    if (status < 0) {
        return status;
    }
    *ret_readback = TAKE(readback);
    return 0;
}

int readback_fd(const struct readback *readback)
{
    return readback->done_fd;
}

static void join(struct readback *readback)
{
    if (readback->running) {
        pthread_join(readback->thread, NULL);
        readback->running = false;
    }
}

int readback_finish(struct readback *readback, json_t **ret_result, struct err *err)
{
    char via[16];
    join(readback);
    if (readback->status < 0) {
        *err = readback->error;
        return readback->status;
    }
    *ret_result =
        json_pack("{s:b, s:s, s:I, s:I, s:s, s:i}", "complete", readback->complete, "reason", buf_str(&readback->reason), "count",
                  (json_int_t)readback->list.kept, "listed", (json_int_t)readback->list.listed, "via",
                  resolver_format(readback->answer.address, via), "attempts", readback->attempts);
    return 0;
}

void readback_free(struct readback *readback)
{
    if (!readback) {
        return;
    }
    if (readback->running) {
        fd_wake(readback->cancel_fd);
        join(readback);
    }
    resolver_free(readback->resolver);
    namecache_free(readback->name);
    fd_close(readback->done_fd);
    fd_close(readback->cancel_fd);
    fd_close(readback->epoll_fd);
    buf_clear(&readback->reason);
    json_decref(readback->settings);
    free(readback);
}
