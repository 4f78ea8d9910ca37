/* Measured traffic through the lab of test_faults_lab.h: numbered datagrams at a pace, and what an independent receiver in its own
 * namespace saw of them. Arrival times are the kernel's own stamps on the receiving socket. */
#ifndef DRILL_TESTS_CONTRACT_TEST_TRAFFIC_H
#define DRILL_TESTS_CONTRACT_TEST_TRAFFIC_H

#include "tests/contract/test_faults_lab.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

enum { TRAFFIC_PORT = 7790, TRAFFIC_HEADERS = 14 + 20 + 8 /* bytes on the wire beside a datagram's own */ };

struct traffic_plan {
    int from;
    const char *from_address;
    int to;
    const char *to_address;
    int count;
    int per_second;
    int bytes;                       /* of a datagram, at least sizeof(struct traffic_packet) */
    int flows;                       /* source ports that take turns; 0 is 1 */
    const _Atomic int64_t *watch_ns; /* NULL, or a moment that somebody sets while traffic flows */
};

struct traffic_packet {
    uint32_t number, flow;
    int64_t sent_ns;
    uint32_t check; /* of the three */
    uint8_t filling[];
};

struct traffic_seen {
    int received, copies, damaged, overtaken; /* received: different ones; overtaken: within its flow */
    int lost_runs;                            /* losses without a gap count as one run */
    int64_t first_ns, last_ns;                /* arrivals */
    int64_t last_sent_ns;                     /* when the latest one that arrived was sent */
    int64_t after_ns;                         /* arrival of the first one that was sent after plan->watch_ns */
    double p01_ms, p25_ms, p50_ms, p75_ms, p99_ms, max_ms, mean_ms, deviation_ms; /* one way */
};

struct traffic {
    const struct traffic_plan *plan;
    struct traffic_seen *seen;
    int fd;
    atomic_bool stop;
    uint8_t *got;
    double *late_ms;
    uint32_t last[64];
};

static inline int64_t traffic_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* as the kernel's stamps */
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline uint32_t traffic_check(const struct traffic_packet *packet)
{
    uint32_t check = 2166136261u;
    for (size_t i = 0; i < offsetof(struct traffic_packet, check); i++) {
        check = (check ^ ((const uint8_t *)packet)[i]) * 16777619u;
    }
    return check;
}

static inline bool traffic_intact(const struct traffic_packet *packet, size_t size)
{
    if (packet->check != traffic_check(packet)) {
        return false;
    }
    for (size_t i = sizeof(*packet); i < size; i++) {
        if (((const uint8_t *)packet)[i] != (uint8_t)i) {
            return false;
        }
    }
    return true;
}

static inline void traffic_take(struct traffic *traffic, const struct traffic_packet *packet, size_t size, int64_t now_ns)
{
    struct traffic_seen *seen = traffic->seen;
    if (!traffic_intact(packet, size)) {
        seen->damaged++;
        return;
    }
    if (packet->number >= (uint32_t)traffic->plan->count || traffic->got[packet->number]++) {
        seen->copies++;
        return;
    }
    uint32_t *last = &traffic->last[packet->flow % ARRAY_LEN(traffic->last)];
    seen->overtaken += packet->number < *last;
    *last = packet->number > *last ? packet->number : *last;
    seen->first_ns = seen->first_ns ? seen->first_ns : now_ns;
    seen->last_ns = now_ns;
    seen->last_sent_ns = packet->sent_ns > seen->last_sent_ns ? packet->sent_ns : seen->last_sent_ns;
    int64_t watch_ns = traffic->plan->watch_ns ? atomic_load(traffic->plan->watch_ns) : 0;
    if (watch_ns && packet->sent_ns > watch_ns && (!seen->after_ns || now_ns < seen->after_ns)) {
        seen->after_ns = now_ns;
    }
    traffic->late_ms[seen->received++] = (double)(now_ns - packet->sent_ns) / (double)NS_PER_MS;
}

static inline int64_t traffic_stamp_ns(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
            return stamp.tv_sec * NS_PER_S + stamp.tv_nsec;
        }
    }
    return traffic_now_ns();
}

static inline void *traffic_receive(void *argument)
{
    struct traffic *traffic = argument;
    union {
        struct traffic_packet packet;
        uint8_t bytes[65536];
    } *buffer = malloc(sizeof(*buffer));
    while (!atomic_load(&traffic->stop)) {
        char control[128] __attribute__((aligned(8)));
        struct iovec part = {buffer, sizeof(*buffer)};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        ssize_t size = recvmsg(traffic->fd, &message, 0); /* with a timeout */
        if (size >= (ssize_t)sizeof(struct traffic_packet)) {
            traffic_take(traffic, &buffer->packet, (size_t)size, traffic_stamp_ns(&message));
        }
    }
    free(buffer);
    return NULL;
}

static inline void traffic_send(const struct traffic_plan *plan)
{
    int flows = plan->flows ? plan->flows : 1, sockets[64];
    struct sockaddr_in to = lab_address_of(plan->to_address, TRAFFIC_PORT);
    struct traffic_packet *packet = calloc(1, (size_t)plan->bytes);
    int64_t began_ns = clock_now_ns();
    for (int i = sizeof(*packet); i < plan->bytes; i++) {
        ((uint8_t *)packet)[i] = (uint8_t)i;
    }
    for (int i = 0; i < flows; i++) {
        sockets[i] = lab_socket(plan->from, SOCK_DGRAM, plan->from_address, 0);
    }
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    for (int i = 0; i < plan->count; i++) {
        int64_t at_ns = began_ns + i * NS_PER_S / plan->per_second;
        if (at_ns - clock_now_ns() > 20 * NS_PER_US) {
            struct timespec at = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};
            (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        }
        packet->number = (uint32_t)i;
        packet->flow = (uint32_t)(i % flows);
        packet->sent_ns = traffic_now_ns();
        packet->check = traffic_check(packet);
        (void)!sendto(sockets[i % flows], packet, (size_t)plan->bytes, 0, (struct sockaddr *)&to, sizeof(to));
    }
    for (int i = 0; i < flows; i++) {
        fd_close(sockets[i]);
    }
    free(packet);
}

static inline int traffic_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline void traffic_summarise(struct traffic *traffic)
{
    struct traffic_seen *seen = traffic->seen;
    size_t count = (size_t)seen->received;
    double sum = 0, squares = 0;
    for (int i = 0; i < traffic->plan->count; i++) {
        seen->lost_runs += !traffic->got[i] && (i == 0 || traffic->got[i - 1]);
    }
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sum += traffic->late_ms[i];
        squares += traffic->late_ms[i] * traffic->late_ms[i];
    }
    qsort(traffic->late_ms, count, sizeof(double), traffic_compare);
    seen->mean_ms = sum / (double)count;
    seen->deviation_ms = sqrt(squares / (double)count - seen->mean_ms * seen->mean_ms);
    seen->p01_ms = traffic->late_ms[count / 100];
    seen->p25_ms = traffic->late_ms[count / 4];
    seen->p50_ms = traffic->late_ms[count / 2];
    seen->p75_ms = traffic->late_ms[count * 3 / 4];
    seen->p99_ms = traffic->late_ms[count * 99 / 100];
    seen->max_ms = traffic->late_ms[count - 1];
}

/* Send all, wait until nothing more comes for `quiet_ms`, and tell. */
static inline struct traffic_seen traffic_run(const struct traffic_plan *plan, int quiet_ms)
{
    struct traffic_seen seen = {0};
    struct traffic traffic = {.plan = plan, .seen = &seen};
    struct timeval timeout = {.tv_usec = 20000};
    int one = 1, bytes = 64 * 1024 * 1024;
    pthread_t thread;
    traffic.fd = lab_socket(plan->to, SOCK_DGRAM, plan->to_address, TRAFFIC_PORT);
    (void)setsockopt(traffic.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    (void)setsockopt(traffic.fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
    assert_return_code(setsockopt(traffic.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), errno);
    traffic.got = calloc((size_t)plan->count, 1);
    traffic.late_ms = calloc((size_t)plan->count, sizeof(double));
    assert_int_equal(pthread_create(&thread, NULL, traffic_receive, &traffic), 0);
    traffic_send(plan);
    int before = -1;
    while (before != *(volatile int *)&seen.received) {
        before = *(volatile int *)&seen.received;
        (void)poll(NULL, 0, quiet_ms);
    }
    atomic_store(&traffic.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    traffic_summarise(&traffic);
    fd_close(traffic.fd);
    free(traffic.got);
    free(traffic.late_ms);
    return seen;
}

/* From the host out to the user, and the other way: what leaves the region and what comes in. */
static inline struct traffic_plan traffic_out(int count, int per_second)
{
    return (struct traffic_plan){LAB_HOST, "10.1.0.11", LAB_USER, "10.255.1.1", count, per_second, 200, 0, NULL};
}

static inline struct traffic_plan traffic_in(int count, int per_second)
{
    return (struct traffic_plan){LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", count, per_second, 200, 0, NULL};
}

#endif
