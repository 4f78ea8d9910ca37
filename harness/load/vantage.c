/* One vantage at work: its schedule, ledger, DNS cache and HTTP client in one event loop. */
#include "harness/load/vantage.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/vec.h"
#include "harness/load/namecache.h"

enum {
    EVENTS_MAX = 32,           /* after so many the schedule is looked at again */
    ISSUE_BATCH = 16,          /* after so many libcurl gets to send them */
    START_DELAY_MS = 20,       /* for the thread to stand before T0 */
    DESCRIPTORS_RESERVED = 256 /* for all else in this process */
};

enum wake { WAKE_TIMER = 1, WAKE_ASKED, WAKE_RESOLVER }; /* epoll_event.data.u64 of what is not HTTP's */

struct vantage {
    struct vantage_settings settings;
    struct vantage_watch watch;
    struct schedule schedule;
    struct ledger *ledger;
    struct resolver *resolver;
    struct namecache *names[CLASS_COUNT]; /* the same one twice when both go to the same name */
    struct http *http;
    int epoll_fd, timer_fd, asked_fd;
    int64_t armed_ns, end_ns;
    VEC(struct http_order) waiting; /* for an address, nearly in order of their deadlines */
    size_t waiting_first;
    uint64_t writes, newest_stored, sent, not_sent, in_flight, in_flight_peak;
    int64_t cpu_ns;
    bool ending, is_realtime;
    atomic_int asked; /* 0, ASKED_END, ASKED_DROP */
    struct lateness lateness;
};

enum asked { ASKED_NOTHING = 0, ASKED_END, ASKED_DROP };

static void finish_record(struct vantage *vantage, const struct http_done *done)
{
    struct ledger_record *record = ledger_writable_at(vantage->ledger, done->tag);
    enum request_outcome outcome = done->outcome;
    if (outcome == OUTCOME_OK && done->done_ns > record->due_ns + vantage->settings.deadline_ns) {
        outcome = OUTCOME_TIMEOUT_BODY;
    }
    record->sent_ns = done->sent_ns;
    record->first_byte_ns = done->first_byte_ns;
    record->done_ns = done->done_ns;
    record->address = done->address;
    record->http_status = done->http_status;
    record->new_connection = done->new_connection;
    if (outcome == OUTCOME_OK && record->write_number > vantage->newest_stored) {
        vantage->newest_stored = record->write_number;
    }
    vantage->sent += done->sent_ns > 0;
    vantage->not_sent += outcome == OUTCOME_NOT_SENT;
    vantage->in_flight--;
    ledger_finish(record, outcome);
}

static void finish_unsent(struct vantage *vantage, uint64_t index, enum request_outcome outcome)
{
    finish_record(vantage, &(struct http_done){.tag = index, .outcome = outcome, .done_ns = clock_now_ns()});
}

static struct http_order order_of(const struct vantage *vantage, uint64_t index)
{
    const struct ledger_record *record = ledger_writable_at(vantage->ledger, index);
    bool is_write = record->request_class == CLASS_WRITE;
    bool odd = (index + 1) * 0x9e3779b97f4a7c15u >> 63; /* every second one, in no step with the pattern of the writes */
    return (struct http_order){
        .request_class = (enum request_class)record->request_class,
        .tag = index,
        .id = is_write ? record->write_number : vantage->newest_stored,
        .deadline_ns = record->due_ns + vantage->settings.deadline_ns,
        .fresh = vantage->settings.connections == CONNECTIONS_NEW || (vantage->settings.connections == CONNECTIONS_MIXED && odd),
    };
}

static void on_done(void *context, const struct http_done *done)
{
    struct vantage *vantage = context;
    struct http_order order;
    if (!done->no_address) {
        finish_record(vantage, done);
        return;
    }
    order = order_of(vantage, done->tag);
    *VEC_ADD(&vantage->waiting) = order;
}

static uint32_t on_address(void *context, enum request_class request_class)
{
    struct vantage *vantage = context;
    return namecache_get(vantage->names[request_class], clock_now_ns());
}

static void send_order(struct vantage *vantage, const struct http_order *order)
{
    if (!http_send(vantage->http, order)) {
        finish_unsent(vantage, order->tag, OUTCOME_NOT_SENT);
    }
}

/* Pooled connections need no address: libcurl is asked first, and on_done brings back what would have needed one. */
static void dispatch(struct vantage *vantage, uint64_t index, int64_t now_ns)
{
    struct http_order order = order_of(vantage, index);
    if (order.fresh) {
        order.address = namecache_get(vantage->names[order.request_class], now_ns);
        if (order.address == 0) {
            *VEC_ADD(&vantage->waiting) = order;
            return;
        }
    }
    send_order(vantage, &order);
}

/* Takes the waiting ones out for which `take` says so; the rest stays in order. */
static void sift_waiting(struct vantage *vantage, bool (*take)(struct vantage *, struct http_order *, void *), void *context)
{
    size_t kept = 0;
    for (size_t i = vantage->waiting_first; i < vantage->waiting.count; i++) {
        struct http_order order = vantage->waiting.items[i];
        if (!take(vantage, &order, context)) {
            vantage->waiting.items[kept++] = order;
        }
    }
    vantage->waiting_first = 0;
    vantage->waiting.count = kept;
}

struct settlement {
    struct namecache *cache;
    bool refused;
    size_t left; /* that still wait for this name */
};

static bool settle_one(struct vantage *vantage, struct http_order *order, void *context)
{
    struct settlement *settlement = context;
    if (vantage->names[order->request_class] != settlement->cache) {
        return false;
    }
    if (settlement->refused) {
        finish_unsent(vantage, order->tag, OUTCOME_DNS);
        return true;
    }
    order->address = namecache_latest(settlement->cache);
    settlement->left += order->address == 0;
    if (order->address) {
        send_order(vantage, order);
    }
    return order->address != 0;
}

static void on_settled(void *context, struct namecache *cache, bool refused)
{
    struct settlement settlement = {.cache = cache, .refused = refused};
    sift_waiting(context, settle_one, &settlement);
    if (settlement.left > 0) {
        namecache_ask(cache); /* as long as someone waits */
    }
}

static void on_changed(void *context, const char *name, const char *from, const char *to, int64_t t_ns)
{
    struct vantage *vantage = context;
    (void)name;
    vantage->watch.changed(vantage->watch.context, from, to, t_ns);
}

/* Without an address until the deadline: the client's name lookup has failed. */
static void expire_waiting(struct vantage *vantage, int64_t now_ns)
{
    while (vantage->waiting_first < vantage->waiting.count &&
           vantage->waiting.items[vantage->waiting_first].deadline_ns <= now_ns) {
        finish_unsent(vantage, vantage->waiting.items[vantage->waiting_first].tag, OUTCOME_DNS);
        vantage->waiting_first++;
    }
    if (vantage->waiting_first == vantage->waiting.count) {
        vantage->waiting_first = vantage->waiting.count = 0;
    }
}

static void issue_one(struct vantage *vantage, int64_t now_ns)
{
    uint64_t index;
    struct ledger_record *record = ledger_next(vantage->ledger, &index);
    if (!record || vantage->schedule.due_ns >= vantage->end_ns) {
        vantage->ending = true;
        return;
    }
    enum request_class request_class = schedule_class(&vantage->schedule);
    vantage->writes += request_class == CLASS_WRITE;
    *record = (struct ledger_record){
        .due_ns = vantage->schedule.due_ns,
        .request_class = (uint8_t)request_class,
        .write_number = request_class == CLASS_WRITE ? vantage->writes : 0,
    };
    ledger_publish(vantage->ledger);
    lateness_add(&vantage->lateness, now_ns - record->due_ns);
    schedule_advance(&vantage->schedule);
    bool room = vantage->in_flight++ < vantage->settings.in_flight_max;
    if (!room) {
        finish_unsent(vantage, index, OUTCOME_NOT_SENT);
        return;
    }
    vantage->in_flight_peak = vantage->in_flight > vantage->in_flight_peak ? vantage->in_flight : vantage->in_flight_peak;
    dispatch(vantage, index, now_ns);
}

static void issue_due(struct vantage *vantage)
{
    int64_t now_ns = clock_now_ns();
    for (int count = 1; !vantage->ending && vantage->schedule.due_ns <= now_ns; count++) {
        issue_one(vantage, now_ns);
        if (count % ISSUE_BATCH == 0) {
            http_run(vantage->http, clock_now_ns());
        }
        now_ns = clock_now_ns();
    }
    http_run(vantage->http, now_ns);
}

static int arm_timer(struct vantage *vantage, struct err *err)
{
    int64_t next_ns = http_next_ns(vantage->http);
    if (!vantage->ending && vantage->schedule.due_ns < next_ns) {
        next_ns = vantage->schedule.due_ns;
    }
    if (vantage->waiting_first < vantage->waiting.count) {
        int64_t deadline_ns = vantage->waiting.items[vantage->waiting_first].deadline_ns;
        next_ns = deadline_ns < next_ns ? deadline_ns : next_ns;
    }
    if (next_ns == vantage->armed_ns) {
        return 0;
    }
    struct itimerspec when = {.it_value = {.tv_sec = next_ns / NS_PER_S, .tv_nsec = next_ns % NS_PER_S}};
    if (timerfd_settime(vantage->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0) {
        return err_errno(err, errno, "cannot set the timer of the load");
    }
    vantage->armed_ns = next_ns;
    return 0;
}

static void handle_event(struct vantage *vantage, const struct epoll_event *event)
{
    uint64_t count;
    if (event->data.u64 & HTTP_EVENT_BIT) {
        http_on_event(vantage->http, event);
    } else if (event->data.u64 == WAKE_RESOLVER) {
        resolver_process(vantage->resolver);
    } else if (event->data.u64 == WAKE_ASKED) {
        (void)!read(vantage->asked_fd, &count, sizeof(count));
    } else {
        vantage->armed_ns = 0; /* it has fired: setting it again also takes the readiness away */
    }
}

static bool goes_on(struct vantage *vantage)
{
    int asked = atomic_load(&vantage->asked);
    vantage->ending = vantage->ending || asked != ASKED_NOTHING;
    return asked != ASKED_DROP && (!vantage->ending || vantage->in_flight > 0);
}

static int loop(struct vantage *vantage, struct err *err)
{
    struct epoll_event events[EVENTS_MAX];
    while (goes_on(vantage)) {
        int status = arm_timer(vantage, err);
        if (status < 0) {
            return status;
        }
        int count = epoll_wait(vantage->epoll_fd, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) {
            return err_errno(err, errno, "cannot wait for events of the load");
        }
        for (int i = 0; i < count; i++) {
            handle_event(vantage, &events[i]);
        }
        expire_waiting(vantage, clock_now_ns());
        issue_due(vantage); /* what was due before the end was asked for still belongs to the schedule */
    }
    return 0;
}

/* Keeps the schedule when other processes want the processor too; most users may not, then it goes without. */
static bool try_realtime(void)
{
    struct sched_param priority = {.sched_priority = 1};
    return pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0;
}

int vantage_run(struct vantage *vantage, struct err *err)
{
    struct timespec cpu;
    vantage->is_realtime = vantage->settings.realtime && try_realtime();
    int status = loop(vantage, err);
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0) {
        vantage->cpu_ns = cpu.tv_sec * NS_PER_S + cpu.tv_nsec;
        ledger_header(vantage->ledger)->cpu_ns = vantage->cpu_ns;
    }
    return status;
}

void vantage_ask_to_end(struct vantage *vantage, bool drop)
{
    uint64_t one = 1;
    atomic_store(&vantage->asked, drop ? ASKED_DROP : ASKED_END);
    (void)!write(vantage->asked_fd, &one, sizeof(one));
}

int64_t vantage_start_ns(const struct vantage *vantage)
{
    return vantage->schedule.start_ns;
}

json_t *vantage_summary(const struct vantage *vantage)
{
    const struct lateness *lateness = &vantage->lateness;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "late_p99_ns", (json_int_t)lateness_quantile_ns(lateness, 0.99),
                     "late_max_ns", (json_int_t)lateness->max_ns, "sent", (json_int_t)vantage->sent, "not_sent",
                     (json_int_t)vantage->not_sent, "in_flight_max", (json_int_t)vantage->in_flight_peak, "cpu_ns",
                     (json_int_t)vantage->cpu_ns, "realtime", vantage->is_realtime);
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
    struct namecache_watch watch = {.changed = on_changed, .settled = on_settled, .context = vantage};
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

/* Connections that wait in the pool take descriptors too, up to as many as are in flight. */
static void limit_in_flight(struct vantage_settings *settings)
{
    struct rlimit limit;
    double rate = fmax(settings->schedule.rate, settings->schedule.ramp_from);
    uint64_t useful = (uint64_t)(rate * (double)settings->deadline_ns / NS_PER_S * 2) + 64;
    uint64_t wanted = settings->in_flight_max ? settings->in_flight_max : useful;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)!setrlimit(RLIMIT_NOFILE, &limit);
        uint64_t possible = limit.rlim_cur > 2 * DESCRIPTORS_RESERVED ? (limit.rlim_cur - DESCRIPTORS_RESERVED) / 2 : 64;
        wanted = wanted < possible ? wanted : possible;
    }
    settings->in_flight_max = wanted;
}

static int open_http(struct vantage *vantage, struct err *err)
{
    struct http_settings settings = {
        .epoll_fd = vantage->epoll_fd,
        .headers = vantage->settings.headers,
        .id_prefix = vantage->settings.id_prefix,
        .tls_verify = vantage->settings.tls_verify,
        .slots_max = vantage->settings.in_flight_max * 2, /* a slot belongs to a class: the mix may change */
        .address = on_address,
        .done = on_done,
        .context = vantage,
    };
    memcpy(settings.calls, vantage->settings.calls, sizeof(settings.calls));
    return http_new(&settings, &vantage->http, err);
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
    header->clock_offset_ns = settings->clock_offset_ns;
    header->clock_bound_ns = settings->clock_bound_ns;
    (void)str_copy(header->vantage, sizeof(header->vantage), settings->vantage);
    (void)str_copy(header->id_prefix, sizeof(header->id_prefix), settings->id_prefix);
    return 0;
}

static void begin_schedule(struct vantage *vantage)
{
    vantage->schedule = vantage->settings.schedule;
    vantage->schedule.start_ns = clock_now_ns() + START_DELAY_MS * NS_PER_MS;
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
