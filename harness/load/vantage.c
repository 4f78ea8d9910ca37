/* One vantage at work: the event loop that keeps the schedule. */
#include "harness/load/vantage_internal.h"

#include <errno.h>
#include <pthread.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/realtime.h"

enum {
    EVENTS_MAX = 32,          /* after so many the schedule is looked at again */
    ISSUE_BATCH = 16,         /* after so many libcurl gets to send them */
    QUANTUM_US = 100,         /* no closer than this: sleeping and waking cost twice as much as a request */
    REQUEST_BYTES = 16 * 1024 /* of memory that a request in flight takes; measured, docs/benchmarks.md */
};

static uint32_t late_us(int64_t late_ns)
{
    int64_t us = late_ns / NS_PER_US;
    return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
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
        .late_us = late_us(now_ns - vantage->schedule.due_ns),
        .session = schedule_session(vantage->settings.seed, index, vantage->settings.sessions),
    };
    ledger_publish(vantage->ledger);
    lateness_add(&vantage->lateness, now_ns - record->due_ns);
    overload_add(&vantage->overload, now_ns, now_ns - record->due_ns);
    schedule_advance(&vantage->schedule);
    bool room = vantage->in_flight++ < vantage->settings.in_flight_max;
    if (!room) {
        vantage_finish_not_sent(vantage, index, NOT_SENT_IN_FLIGHT);
        return;
    }
    vantage->in_flight_peak = vantage->in_flight > vantage->in_flight_peak ? vantage->in_flight : vantage->in_flight_peak;
    vantage_dispatch(vantage, index, now_ns);
}

/* Only above 10,000 a second is anything due before. */
static int64_t soonest_issue_ns(const struct vantage *vantage)
{
    return vantage->issued_ns + QUANTUM_US * NS_PER_US;
}

static int arm_timer(struct vantage *vantage, struct err *err)
{
    int64_t next_ns = http_next_ns(vantage->http);
    if (!vantage->ending) {
        int64_t soonest_ns = soonest_issue_ns(vantage);
        int64_t issue_ns = vantage->schedule.due_ns > soonest_ns ? vantage->schedule.due_ns : soonest_ns;
        next_ns = issue_ns < next_ns ? issue_ns : next_ns;
    }
    if (vantage->waiting_first < vantage->waiting.count) {
        int64_t deadline_ns = vantage->waiting.items[vantage->waiting_first].deadline_ns;
        next_ns = deadline_ns < next_ns ? deadline_ns : next_ns;
    }
    if (vantage->give_up_ns && vantage->give_up_ns < next_ns) {
        next_ns = vantage->give_up_ns;
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

/* A backlog after a stall of our own: answers that wait are taken in between, so that their connections carry what is due, where
 * new ones would be opened else. */
static void take_answers(struct vantage *vantage)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(vantage->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        handle_event(vantage, &events[i]);
    }
}

static void issue_due(struct vantage *vantage)
{
    int64_t now_ns = clock_now_ns();
    for (int count = 1; !vantage->ending && vantage->schedule.due_ns <= now_ns; count++) {
        issue_one(vantage, now_ns);
        vantage->issued_ns = now_ns;
        if (count % ISSUE_BATCH == 0) {
            http_run(vantage->http, clock_now_ns());
            take_answers(vantage);
        }
        now_ns = clock_now_ns();
    }
    http_run(vantage->http, now_ns);
}

/* Each request ends at its deadline. Should one ever get lost, the load ends all the same, and the ledger says whose fault it was. */
static bool waits_for_answers(struct vantage *vantage)
{
    int64_t now_ns = clock_now_ns();
    if (vantage->give_up_ns == 0) {
        vantage->give_up_ns = now_ns + vantage->settings.deadline_ns + VANTAGE_GIVE_UP_MS * NS_PER_MS;
    }
    if (vantage->in_flight > 0 && now_ns >= vantage->give_up_ns) {
        http_run(vantage->http, now_ns); /* this process may have stood still since the deadlines were looked at */
        vantage_expire_waiting(vantage, now_ns);
        vantage_give_up(vantage);
    }
    return vantage->in_flight > 0;
}

/* What was due before the end was asked for belongs to the schedule, also when the loop was held up meanwhile. */
static bool goes_on(struct vantage *vantage)
{
    int asked = atomic_load(&vantage->asked);
    if (asked == ASKED_END && !vantage->ending) {
        issue_due(vantage);
    }
    vantage->ending = vantage->ending || asked != ASKED_NOTHING;
    return asked != ASKED_DROP && (!vantage->ending || waits_for_answers(vantage));
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
        int64_t now_ns = clock_now_ns();
        vantage_expire_waiting(vantage, now_ns);
        if (now_ns >= soonest_issue_ns(vantage)) {
            issue_due(vantage);
        } else {
            http_run(vantage->http, now_ns);
        }
    }
    return 0;
}

int vantage_run(struct vantage *vantage, struct err *err)
{
    struct timespec cpu;
    if (vantage->settings.realtime) {
        realtime_take(); /* keeps the schedule when other processes want the processor too */
    }
    vantage_warm_up(vantage);
    http_run(vantage->http, clock_now_ns());
    int status = loop(vantage, err);
    vantage->is_realtime = realtime_is_on(); /* perhaps only since another process gave it */
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0) {
        vantage->cpu_ns = cpu.tv_sec * NS_PER_S + cpu.tv_nsec;
        ledger_header(vantage->ledger)->cpu_ns = vantage->cpu_ns;
    }
    return status;
}

void vantage_ask_to_end(struct vantage *vantage, bool drop)
{
    atomic_store(&vantage->asked, drop ? ASKED_DROP : ASKED_END);
    fd_wake(vantage->asked_fd);
}

int64_t vantage_start_ns(const struct vantage *vantage)
{
    return vantage->schedule.start_ns;
}

static json_t *reasons(const struct vantage *vantage)
{
    json_t *object = json_object();
    for (int i = NOT_SENT_IN_FLIGHT; i < NOT_SENT_COUNT; i++) {
        if (vantage->not_sent[i]) {
            json_object_set_new(object, not_sent_text((enum not_sent_reason)i), json_integer((json_int_t)vantage->not_sent[i]));
        }
    }
    return object;
}

json_t *vantage_summary(const struct vantage *vantage)
{
    const struct lateness *lateness = &vantage->lateness;
    uint64_t limit = vantage->settings.in_flight_max, not_sent = 0;
    for (int i = 0; i < NOT_SENT_COUNT; i++) {
        not_sent += vantage->not_sent[i];
    }
    json_t *summary =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "late_p99_ns",
                  (json_int_t)lateness_quantile_ns(lateness, 0.99), "late_max_ns", (json_int_t)lateness->max_ns, "overloaded_ms",
                  (json_int_t)(overload_total_ns(&vantage->overload) / NS_PER_MS), "sent", (json_int_t)vantage->sent, "not_sent",
                  (json_int_t)not_sent, "in_flight_max", (json_int_t)vantage->in_flight_peak, "in_flight_limit",
                  (json_int_t)limit, "memory_limit_bytes", (json_int_t)limit * REQUEST_BYTES, "cpu_ns",
                  (json_int_t)vantage->cpu_ns, "realtime", vantage->is_realtime);
    json_object_set_new(summary, "not_sent_reasons", reasons(vantage));
    json_object_set_new(summary, "http2", json_integer((json_int_t)http_answers_over_2(vantage->http)));
    json_object_set_new(summary, "warmed", json_integer(vantage->warmed));
    return summary;
}
