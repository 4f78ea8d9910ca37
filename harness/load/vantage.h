/* One vantage at work: its schedule, ledger, DNS cache and HTTP client in one event loop. load.c gives it a thread. */
#ifndef DRILL_LOAD_VANTAGE_H
#define DRILL_LOAD_VANTAGE_H

#include <stdatomic.h>

#include "harness/load/http.h"
#include "harness/load/lateness.h"
#include "harness/load/schedule.h"
#include "harness/load/source.h"

enum connection_policy { CONNECTIONS_NONE = 0, CONNECTIONS_KEEPALIVE, CONNECTIONS_NEW, CONNECTIONS_MIXED, CONNECTIONS_COUNT };

struct vantage_settings { /* texts borrowed from the settings object */
    const char *vantage, *ledger, *id_prefix, *dns_server, *dns_name;
    struct schedule schedule; /* not begun */
    uint64_t seed;
    double max_s;
    int64_t deadline_ns, clock_offset_ns, clock_bound_ns;
    enum connection_policy connections;
    enum http_version http;
    const char *ca;
    const char *served_by; /* NULL: not looked for */
    uint32_t sessions;
    struct source_range sources; /* where sessions come from */
    uint64_t in_flight_max;      /* 0: to be computed */
    int warm;
    bool realtime, tls_verify;
    struct http_call calls[CLASS_COUNT];
    const json_t *headers;
};

struct vantage;

/* After the last request's deadline the loop waits no longer than this for any answer. */
enum { VANTAGE_GIVE_UP_MS = 2000 };

struct vantage_watch {
    /* From the vantage's thread: a DNS answer has changed. */
    void (*changed)(void *context, const char *from, const char *to, int64_t t_ns);
    void *context;
};

/* Read and check a settings object (load.h). */
int vantage_settings_read(const json_t *json, struct vantage_settings *settings, struct err *err) MUST_CHECK;

/* Whether its URLs, texts, variables and files are usable. */
int vantage_check(const struct vantage_settings *settings, struct err *err) MUST_CHECK;

int vantage_new(const struct vantage_settings *settings, const struct vantage_watch *watch, struct vantage **ret_vantage,
                struct err *err) MUST_CHECK;
void vantage_free(struct vantage *vantage); /* accepts NULL */
DEFINE_CLEANUP(struct vantage *, vantage, vantage_free)
/* The loop: until asked to end and nothing is in flight, at the latest VANTAGE_GIVE_UP_MS past the last deadline; or asked to drop all. A failure is the machine's (epoll, timer). */
int vantage_run(struct vantage *vantage, struct err *err) MUST_CHECK;
/* From any thread. `drop`: do not wait for what is in flight. */
void vantage_ask_to_end(struct vantage *vantage, bool drop);
int64_t vantage_start_ns(const struct vantage *vantage);
json_t *vantage_summary(const struct vantage *vantage); /* after the loop; new reference */

#endif
