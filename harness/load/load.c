/* The load's outside: a vantage in a thread, and the events that it hands over. */
#include "harness/load/load.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/realtime.h"
#include "harness/base/str.h"
#include "harness/load/blocks.h"
#include "harness/load/vantage.h"

enum { JOIN_MARGIN_S = 10 };

struct load {
    json_t *settings; /* the vantage borrows its texts */
    char *subject;    /* of events */
    int64_t deadline_ns;
    struct vantage *vantage;
    pthread_t thread;
    bool running, stuck; /* stuck: its thread did not end and goes on using all of this */
    int status;          /* the thread's, with error: valid once it is joined */
    struct err error;
    int event_fd; /* a semaphore: one count an event */
    pthread_mutex_t lock;
    json_t *events; /* array, guarded by lock */
};

static void on_changed(void *context, const char *from, const char *to, int64_t t_ns)
{
    struct load *load = context;
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "kind", "observe", "observer", "dns", "subject", load->subject,
                              "from", from, "to", to, "t_ns", (json_int_t)t_ns);
    pthread_mutex_lock(&load->lock);
    json_array_append_new(load->events, event);
    pthread_mutex_unlock(&load->lock);
    fd_wake(load->event_fd);
}

static void *run(void *context)
{
    struct load *load = context;
    load->status = vantage_run(load->vantage, &load->error);
    blocks_release();
    return NULL;
}

static int open_load(struct load *load, const json_t *settings, struct err *err)
{
    struct vantage_settings read;
    struct vantage_watch watch = {.changed = on_changed, .context = load};
    load->settings = json_deep_copy(settings);
    int status = vantage_settings_read(load->settings, &read, err);
    if (status < 0) {
        return status;
    }
    load->deadline_ns = read.deadline_ns;
    load->subject = xasprintf("client %s", read.vantage);
    load->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    if (load->event_fd < 0) {
        return err_errno(err, errno, "cannot make an event descriptor for the load");
    }
    status = vantage_new(&read, &watch, &load->vantage, err);
    if (status < 0) {
        return status;
    }
    int failed = pthread_create(&load->thread, NULL, run, load);
    if (failed) {
        return err_errno(err, failed, "cannot start the thread of the load");
    }
    if (read.realtime) {
        realtime_name(load->thread);
    }
    load->running = true;
    return 0;
}

int load_check(const json_t *settings, struct err *err)
{
    struct vantage_settings read;
    AUTO_JSON json_t *copy = json_deep_copy(settings);
    if (!json_object_get(copy, "ledger")) {
        json_object_set_new(copy, "ledger", json_string("-"));
    }
    int status = vantage_settings_read(copy, &read, err);
    return status < 0 ? status : vantage_check(&read, err);
}

int load_start(const json_t *settings, struct load **ret_load, struct err *err)
{
    AUTO_LOAD struct load *load = xcalloc(1, sizeof(*load));
    load->event_fd = -1;
    load->events = json_array();
    pthread_mutex_init(&load->lock, NULL);
    int status = open_load(load, settings, err);
    if (status < 0) {
        return status;
    }
    *ret_load = TAKE(load);
    return 0;
}

/* The vantage gives up by itself in time; this is for a thread that hangs in a call. */
static int end_thread(struct load *load, bool drop, struct err *err)
{
    struct timespec until;
    if (!load->running) {
        return 0;
    }
    vantage_ask_to_end(load->vantage, drop);
    clock_gettime(CLOCK_REALTIME, &until); /* what pthread_timedjoin_np goes by */
    until.tv_sec += (load->deadline_ns + VANTAGE_GIVE_UP_MS * NS_PER_MS) / NS_PER_S + JOIN_MARGIN_S;
    int failed = pthread_timedjoin_np(load->thread, NULL, &until);
    load->running = false;
    load->stuck = failed != 0;
    return failed ? err_errno(err, failed, "the thread of the load of '%s' does not end", load->subject) : 0;
}

int load_stop(struct load *load, json_t **ret_summary, struct err *err)
{
    int status = end_thread(load, false, err);
    if (status < 0) {
        return status;
    }
    if (load->status < 0) {
        *err = load->error;
        return load->status;
    }
    *ret_summary = vantage_summary(load->vantage);
    return 0;
}

void load_free(struct load *load)
{
    struct err ignored = {0};
    if (!load || load->stuck || end_thread(load, true, &ignored) < 0) {
        return;
    }
    vantage_free(load->vantage);
    fd_close(load->event_fd);
    json_decref(load->events);
    json_decref(load->settings);
    pthread_mutex_destroy(&load->lock);
    free(load->subject);
    free(load);
}

int64_t load_start_ns(const struct load *load)
{
    return vantage_start_ns(load->vantage);
}

int load_event_fd(const struct load *load)
{
    return load->event_fd;
}

json_t *load_take_event(struct load *load)
{
    uint64_t count;
    json_t *event = NULL;
    (void)!read(load->event_fd, &count, sizeof(count));
    pthread_mutex_lock(&load->lock);
    if (json_array_size(load->events) > 0) {
        event = json_incref(json_array_get(load->events, 0));
        json_array_remove(load->events, 0);
    }
    pthread_mutex_unlock(&load->lock);
    return event;
}
