/* What the files of a vantage share. Internal to vantage*.c. */
#ifndef DRILL_LOAD_VANTAGE_INTERNAL_H
#define DRILL_LOAD_VANTAGE_INTERNAL_H

#include "harness/base/vec.h"
#include "harness/load/namecache.h"
#include "harness/load/overload.h"
#include "harness/load/vantage.h"

enum wake { WAKE_TIMER = 1, WAKE_ASKED, WAKE_RESOLVER }; /* epoll_event.data.u64 of what is not HTTP's */

enum asked { ASKED_NOTHING = 0, ASKED_END, ASKED_DROP };

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
    int64_t issued_ns;              /* when a request was last issued */
    int64_t give_up_ns;             /* when what is still in flight is lost; 0: not ending yet */
    VEC(struct http_order) waiting; /* for an address, nearly in order of their deadlines */
    size_t waiting_first;
    uint64_t writes, newest_stored, sent, not_sent[NOT_SENT_COUNT], in_flight, in_flight_peak;
    int warmed; /* requests before T0 that were answered */
    int64_t cpu_ns;
    bool ending, is_realtime, warmed_up;
    atomic_int asked; /* 0, ASKED_END, ASKED_DROP */
    struct lateness lateness;
    struct overload overload;
};

#define WARM_TAG (1ULL << 63) /* of requests that the ledger does not have */

/* Send the request of record `index`, or let it wait for an address. */
void vantage_dispatch(struct vantage *vantage, uint64_t index, int64_t now_ns);
/* End a request that never went out: by the outcome, or for a reason that is the driver's own. */
void vantage_finish_unsent(struct vantage *vantage, uint64_t index, enum request_outcome outcome);
void vantage_finish_not_sent(struct vantage *vantage, uint64_t index, enum not_sent_reason reason);
/* Records what is pending as lost by the driver, and counts it no longer as in flight. */
void vantage_give_up(struct vantage *vantage);
/* Open the connections that are wanted before T0. */
void vantage_warm_up(struct vantage *vantage);
/* End those that have waited for an address until their deadline. */
void vantage_expire_waiting(struct vantage *vantage, int64_t now_ns);
/* Callbacks of the HTTP client and of the DNS cache; context is the vantage. */
void vantage_on_sent(void *context, const struct http_done *begun);
void vantage_on_done(void *context, const struct http_done *done);
uint32_t vantage_on_address(void *context, enum request_class request_class);
void vantage_on_settled(void *context, struct namecache *cache, bool refused);

#endif
