/* One line for each fault: what the suites that go over all of them cannot know by themselves. A registered fault without a line fails
 * the suite, which says what to write here. Where a fault has another mechanism by other options, with something of its own in the kernel
 * or in its journal, a further line is a variant of it. */
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
    const char *variant; /* NULL: the fault's own line. What is asked for by name as `fault.variant` */
    const char *options; /* JSON; strong enough that 40 datagrams show it. NULL: {} */
    unsigned hits;
    bool permanent;  /* what it did stays done: still proven after revert */
    bool stopped;    /* it is pointed at a service that does not run */
    bool supervised; /* it starts and stops the service by the ways that the topology declares */
    bool shop;       /* it is pointed at a service that shows a certificate */
    bool engine;     /* it is pointed at a container, and speaks to the engine */
    bool traceless;  /* a snapshot sees nothing of it while it is in force */
    bool idle;       /* it makes no system call */
    bool goes_on;    /* by itself, with two changes soon after it was applied */
    bool resets;     /* connections end with it, as does the victim's own: it is no victim for the next */
};

#define FLAP_SOON "{\"duty\": \"90%\", \"period\": \"400ms\"" /* its next cut is waited for */

static const struct fault_hint fault_hints[] = {
    {"blackhole", .hits = HITS_BORDERS},
    {"blackhole", "reset", "{\"reset\": true}", .hits = HITS_BORDERS, .resets = true},
    {"change", NULL, "{\"set\": \"off\"}", .traceless = true},
    {"container_disconnect", .engine = true, .traceless = true},
    {"container_kill", .engine = true, .traceless = true},
    {"container_pause", .engine = true, .traceless = true},
    {"certificate", NULL, "{\"with\": \"other.pem\"}", .shop = true, .traceless = true},
    {"corrupt", NULL, "{\"share\": \"50%\"}", .hits = HITS_BORDERS},
    {"crash_loop", NULL, "{\"every\": \"100ms\"}", .hits = HITS_VICTIM, .supervised = true, .traceless = true, .goes_on = true},
    {"delay", NULL, "{\"by\": \"30ms\"}", .hits = HITS_BORDERS},
    {"delay", "link", "{\"by\": \"30ms\", \"link\": \"edge\"}", .hits = HITS_USER | HITS_TRANSIT | HITS_CONNECTION},
    {"duplicate", NULL, "{\"share\": \"50%\"}",
     .hits = HITS_BORDERS & ~(HITS_CONNECTION | HITS_PEER_CONNECTION)}, /* TCP minds no copy */
    {"false_alarm"},                                                    /* what is no check passes */
    {"flap", NULL, FLAP_SOON "}", .hits = HITS_BORDERS, .goes_on = true},
    {"flap", "link", FLAP_SOON ", \"how\": \"link\"}", .hits = HITS_BORDERS, .goes_on = true},
    {"hang", .hits = HITS_VICTIM},
    {"image_gone", .engine = true, .traceless = true},
    {"kill", .hits = HITS_VICTIM, .permanent = true, .traceless = true},
    {"link_down", .hits = HITS_BORDERS},
    {"loss", NULL, "{\"probability\": \"50%\"}", .hits = HITS_BORDERS},
    {"loss", "bpf", "{\"probability\": \"50%\", \"mechanism\": \"bpf\"}", .hits = HITS_BORDERS},
    {"lying_health", .hits = HITS_VICTIM},
    {"null", .traceless = true, .idle = true},
    {"partition", .hits = HITS_PEER},
    {"pause", .hits = HITS_VICTIM},
    {"rate", NULL, "{\"limit\": \"1Mbit\"}",
     .hits = HITS_BORDERS & ~(HITS_CONNECTION | HITS_PEER_CONNECTION)}, /* one byte is quick */
    {"refuse", .hits = HITS_BORDERS},
    {"refuse", "icmp", "{\"with\": \"icmp\"}", .hits = HITS_BORDERS},
    {"reorder", NULL, "{\"share\": \"50%\"}", .hits = HITS_BORDERS & ~(HITS_CONNECTION | HITS_PEER_CONNECTION)},
    {"reset", NULL, "{\"to\": \"127.0.0.0/8\"}", .permanent = true, .traceless = true},
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

static inline const char *fault_hint_options(const struct fault_hint *hint)
{
    return hint->options ? hint->options : "{}";
}

/* Of a line that names no fault there is nothing to try. */
static inline const struct fault_ops *fault_hint_ops(const struct fault_hint *hint)
{
    const struct fault_ops *ops = fault_find(hint->fault);
    if (!ops) {
        fail_msg("tests/contract/test_faults_hints.h has a line for '%s', which is no fault", hint->fault);
    }
    return ops;
}

struct fault_hint_name {
    char text[64];
};

/* "loss.bpf" or, for people, "loss (bpf)". */
static inline struct fault_hint_name fault_hint_name(const struct fault_hint *hint, bool for_people)
{
    struct fault_hint_name name = {""};
    (void)str_copy(name.text, sizeof(name.text), hint->fault);
    if (hint->variant) {
        (void)str_format(name.text, sizeof(name.text), "%s%s%s%s", hint->fault, for_people ? " (" : ".", hint->variant,
                         for_people ? ")" : "");
    }
    return name;
}

#endif
