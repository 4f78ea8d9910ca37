/* One line for each fault: what the suites that go over all of them cannot know by themselves. A registered fault without a line fails
 * the suite, which says what to write here. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAULTS_HINTS_H
#define DRILL_TESTS_CONTRACT_TEST_FAULTS_HINTS_H

#include "faults/fault.h"
#include "harness/base/str.h"

/* What the fault must hit with its hint's options, region "east" of the lab as target; all else must stay as it was. */
enum hint_hits {
    HITS_FROM_USER = 1, /* user to host and back: datagrams are lost, late, twice, changed or out of order */
    HITS_TO_USER = 2,
    HITS_FROM_PEER = 4, /* the other region's host to ours and back */
    HITS_TO_PEER = 8,
    HITS_TRANSIT = 16,    /* from the user through the region's router to the other region */
    HITS_CONNECTION = 32, /* an established connection between user and host: late, silent or ended */
    HITS_VICTIM = 64,     /* the service does not answer */
    HITS_PEER_CONNECTION = 128,
    HITS_USER = HITS_FROM_USER | HITS_TO_USER,
    HITS_PEER = HITS_FROM_PEER | HITS_TO_PEER | HITS_PEER_CONNECTION,
    HITS_BORDERS = HITS_USER | HITS_PEER | HITS_TRANSIT | HITS_CONNECTION,
};

struct fault_hint {
    const char *fault;
    const char *options; /* JSON; strong enough that 40 datagrams show it. NULL: {} */
    unsigned hits;
    bool permanent;  /* what it did stays done: still proven after revert */
    bool stopped;    /* it is pointed at a service that does not run */
    bool supervised; /* it starts and stops the service by the ways that the topology declares */
    bool shop;       /* it is pointed at a service that shows a certificate */
    bool engine;     /* it is pointed at a container, and speaks to the engine */
    bool traceless;  /* a snapshot sees nothing of it while it is in force */
    bool idle;       /* it makes no system call */
};

static const struct fault_hint fault_hints[] = {
    {"blackhole", .hits = HITS_BORDERS},
    {"change", "{\"set\": \"off\"}", .traceless = true},
    {"container_disconnect", .engine = true, .traceless = true},
    {"container_kill", .engine = true, .traceless = true},
    {"container_pause", .engine = true, .traceless = true},
    {"certificate", "{\"with\": \"other.pem\"}", .shop = true, .traceless = true},
    {"corrupt", "{\"share\": \"50%\"}", .hits = HITS_BORDERS},
    {"crash_loop", .hits = HITS_VICTIM, .supervised = true, .traceless = true},
    {"delay", "{\"by\": \"30ms\"}", .hits = HITS_BORDERS},
    {"duplicate", "{\"share\": \"50%\"}",
     .hits = HITS_BORDERS & ~(HITS_CONNECTION | HITS_PEER_CONNECTION)}, /* TCP minds no copy */
    {"false_alarm"},                                                    /* what is no check passes */
    {"flap", "{\"duty\": \"90%\"}", .hits = HITS_BORDERS},
    {"hang", .hits = HITS_VICTIM},
    {"image_gone", .engine = true, .traceless = true},
    {"kill", .hits = HITS_VICTIM, .permanent = true, .traceless = true},
    {"link_down", .hits = HITS_BORDERS},
    {"loss", "{\"probability\": \"50%\"}", .hits = HITS_BORDERS},
    {"lying_health", .hits = HITS_VICTIM},
    {"null", .traceless = true, .idle = true},
    {"partition", .hits = HITS_PEER},
    {"pause", .hits = HITS_VICTIM},
    {"rate", "{\"limit\": \"1Mbit\"}", .hits = HITS_BORDERS & ~(HITS_CONNECTION | HITS_PEER_CONNECTION)}, /* one byte is quick */
    {"refuse", .hits = HITS_BORDERS},
    {"reorder", "{\"share\": \"50%\"}", .hits = HITS_BORDERS & ~(HITS_CONNECTION | HITS_PEER_CONNECTION)},
    {"reset", "{\"to\": \"127.0.0.0/8\"}", .permanent = true, .traceless = true},
    {"start_service", .stopped = true, .supervised = true, .traceless = true},
    {"stop_service", .hits = HITS_VICTIM, .supervised = true, .traceless = true},
};

static inline const struct fault_hint *fault_hint(const struct fault_ops *ops)
{
    for (size_t i = 0; i < ARRAY_LEN(fault_hints); i++) {
        if (str_eq(fault_hints[i].fault, ops->name)) {
            return &fault_hints[i];
        }
    }
    fail_msg("fault '%s' has no line in tests/contract/test_faults_hints.h: say there with which options it is seen and what it "
             "hits",
             ops->name);
    return NULL;
}

static inline const char *fault_hint_options(const struct fault_ops *ops)
{
    const char *options = fault_hint(ops)->options;
    return options ? options : "{}";
}

#endif
