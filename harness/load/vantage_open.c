/* Making and freeing a vantage. */
#include "harness/load/vantage_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"

enum {
    START_DELAY_MS = 20,       /* for the thread to stand before T0 */
    WARM_DELAY_MS = 200,       /* and for connections that are to stand then too */
    DESCRIPTORS_RESERVED = 256 /* for all else in this process */
};

static void on_changed(void *context, const char *name, const char *from, const char *to, int64_t t_ns)
{
    struct vantage *vantage = context;
    (void)name;
    vantage->watch.changed(vantage->watch.context, from, to, t_ns);
}

static int watch_descriptor(struct vantage *vantage, int fd, enum wake wake, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = wake};
    if (fd < 0 || epoll_ctl(vantage->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        return err_errno(err, errno, "cannot make the event loop of the load");
    }
    return 0;
}

static int open_loop(struct vantage *vantage, struct err *err)
{
    vantage->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    vantage->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    vantage->asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int status = watch_descriptor(vantage, vantage->timer_fd, WAKE_TIMER, err);
    if (status == 0) {
        status = watch_descriptor(vantage, vantage->asked_fd, WAKE_ASKED, err);
    }
    if (status == 0) {
        status = resolver_new(vantage->settings.dns_server, RESOLVER_TIMEOUT_MS, &vantage->resolver, err);
    }
    return status < 0 ? status : watch_descriptor(vantage, resolver_fd(vantage->resolver), WAKE_RESOLVER, err);
}

static bool is_literal(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0';
}

static int open_names(struct vantage *vantage, struct err *err)
{
    struct namecache_watch watch = {.changed = on_changed, .settled = vantage_on_settled, .context = vantage};
    AUTO_FREE char *first = NULL;
    for (int i = CLASS_READ; i < CLASS_COUNT; i++) {
        AUTO_FREE char *host = NULL;
        const char *url = vantage->settings.calls[i].url;
        int status = url ? http_url_host(url, &host, err) : 0;
        if (status < 0) {
            return err_prefix(err, "load: %s", class_name((enum request_class)i));
        }
        if (host && vantage->settings.dns_name && !is_literal(host)) {
            free(host);
            host = xstrdup(vantage->settings.dns_name);
        }
        if (host && first && str_eq(host, first)) {
            vantage->names[i] = vantage->names[CLASS_READ];
        } else if (host) {
            vantage->names[i] = namecache_new(vantage->resolver, host, vantage->settings.seed, &watch);
            first = first ? first : TAKE(host);
        }
    }
    return 0;
}

/* A connection is in flight or waits in the pool; descriptors bound both together, and a request that finds none left is recorded as
 * not sent. */
static void limit_in_flight(struct vantage_settings *settings)
{
    struct rlimit limit;
    double rate = schedule_highest_rate(&settings->schedule);
    uint64_t useful = (uint64_t)(rate * (double)settings->deadline_ns / NS_PER_S * 2) + 64;
    uint64_t wanted = settings->in_flight_max ? settings->in_flight_max : useful;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)!setrlimit(RLIMIT_NOFILE, &limit);
        uint64_t possible = limit.rlim_cur > 2 * DESCRIPTORS_RESERVED ? limit.rlim_cur - DESCRIPTORS_RESERVED : 64;
        wanted = wanted < possible ? wanted : possible;
    }
    settings->in_flight_max = wanted;
}

/* In a process with threads the kernel waits for an RCU grace period, 5 to 15 ms, each time that a growing descriptor number needs a
 * larger table; in an outage that would be just when requests pile up. So the table grows now, once. */
static void widen_descriptor_table(const struct vantage *vantage)
{
    struct rlimit limit;
    uint64_t highest = vantage->settings.in_flight_max * 2 + DESCRIPTORS_RESERVED;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && highest > limit.rlim_cur) {
        highest = limit.rlim_cur;
    }
    fd_close(fcntl(vantage->epoll_fd, F_DUPFD_CLOEXEC, (int)highest - 1));
}

static struct http_settings http_settings_of(const struct vantage_settings *settings)
{
    struct http_settings http = {
        .headers = settings->headers,
        .id_prefix = settings->id_prefix,
        .vantage = settings->vantage,
        .served_by = settings->served_by,
        .sessions = settings->sessions,
        .has_sources = settings->sources.base != 0,
        .seed = settings->seed,
        .version = settings->http,
        .ca = settings->ca,
        .tls_verify = settings->tls_verify,
        .slots_max = settings->in_flight_max * 2 + (size_t)settings->warm, /* a slot belongs to a class: the mix may change */
    };
    memcpy(http.calls, settings->calls, sizeof(http.calls));
    return http;
}

int vantage_check(const struct vantage_settings *settings, struct err *err)
{
    struct http *http CLEANUP(http_cleanup) = NULL;
    struct http_settings wanted = http_settings_of(settings);
    int status = http_new(&wanted, &http, err);
    return status < 0 ? err_prefix(err, "load") : 0;
}

static int open_http(struct vantage *vantage, struct err *err)
{
    struct http_settings settings = http_settings_of(&vantage->settings);
    settings.epoll_fd = vantage->epoll_fd;
    settings.address = vantage_on_address;
    settings.sent = vantage_on_sent;
    settings.done = vantage_on_done;
    settings.context = vantage;
    int status = http_new(&settings, &vantage->http, err);
    return status < 0 ? err_prefix(err, "load") : 0;
}

static int open_ledger(struct vantage *vantage, struct err *err)
{
    const struct vantage_settings *settings = &vantage->settings;
    uint64_t capacity = schedule_capacity(&settings->schedule, settings->max_s);
    int status = ledger_create(settings->ledger, capacity, &vantage->ledger, err);
    if (status < 0) {
        return status;
    }
    struct ledger_header *header = ledger_header(vantage->ledger);
    header->deadline_ns = settings->deadline_ns;
    header->rate = settings->schedule.rate;
    header->write_share = settings->schedule.write_share;
    header->sessions = settings->sessions;
    header->clock_offset_ns = settings->clock_offset_ns;
    header->clock_bound_ns = settings->clock_bound_ns;
    (void)str_copy(header->vantage, sizeof(header->vantage), settings->vantage);
    (void)str_copy(header->id_prefix, sizeof(header->id_prefix), settings->id_prefix);
    return 0;
}

static void begin_schedule(struct vantage *vantage)
{
    vantage->schedule = vantage->settings.schedule;
    int64_t delay_ms = START_DELAY_MS + (vantage->settings.warm ? WARM_DELAY_MS : 0);
    vantage->schedule.start_ns = clock_now_ns() + delay_ms * NS_PER_MS;
    vantage->end_ns = vantage->schedule.start_ns + (int64_t)(vantage->settings.max_s * NS_PER_S);
    schedule_begin(&vantage->schedule, vantage->settings.seed);
    ledger_header(vantage->ledger)->start_ns = vantage->schedule.start_ns;
}

int vantage_new(const struct vantage_settings *settings, const struct vantage_watch *watch, struct vantage **ret_vantage,
                struct err *err)
{
    struct vantage *vantage CLEANUP(vantage_cleanup) = xcalloc(1, sizeof(*vantage));
    vantage->epoll_fd = vantage->timer_fd = vantage->asked_fd = -1;
    vantage->settings = *settings;
    vantage->watch = *watch;
    limit_in_flight(&vantage->settings);
    int status = open_loop(vantage, err);
    if (status == 0) {
        status = open_names(vantage, err);
    }
    if (status == 0) {
        status = open_http(vantage, err);
    }
    if (status == 0) {
        status = open_ledger(vantage, err);
    }
    if (status < 0) {
        return status;
    }
    widen_descriptor_table(vantage);
    begin_schedule(vantage);
    *ret_vantage = TAKE(vantage);
    return 0;
}

void vantage_free(struct vantage *vantage)
{
    if (!vantage) {
        return;
    }
    http_free(vantage->http);
    resolver_free(vantage->resolver);
    if (vantage->names[CLASS_WRITE] != vantage->names[CLASS_READ]) {
        namecache_free(vantage->names[CLASS_WRITE]);
    }
    namecache_free(vantage->names[CLASS_READ]);
    ledger_close(vantage->ledger);
    fd_close(vantage->asked_fd);
    fd_close(vantage->timer_fd);
    fd_close(vantage->epoll_fd);
    VEC_CLEAR(&vantage->waiting);
    free(vantage);
}
