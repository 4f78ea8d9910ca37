/* The program's clock, real or fake. */
#include "harness/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct {
    bool active;
    int64_t now_ns;
} fake;

enum { FAKE_UTC_S = 1767225600 }; /* 2026-01-01T00:00:00Z: where the fake wall clock starts */

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return fake.active ? fake.now_ns : read_clock(CLOCK_MONOTONIC);
}

int64_t clock_utc_now_ns(void)
{
    return fake.active ? FAKE_UTC_S * NS_PER_S + fake.now_ns : read_clock(CLOCK_REALTIME);
}

void clock_fake_set_ns(int64_t now_ns)
{
    fake.active = true;
    fake.now_ns = now_ns;
}

void clock_fake_advance_ns(int64_t by_ns)
{
    fake.now_ns += by_ns;
}

void clock_use_real(void)
{
    fake.active = false;
}

const char *clock_format_utc(int64_t utc_ns, char out[static 32])
{
    time_t seconds = (time_t)(utc_ns / NS_PER_S);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t size = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + size, 32 - size, ".%03dZ", (int)(utc_ns % NS_PER_S / NS_PER_MS));
    return out;
}

const char *clock_format_duration(int64_t ns, char out[static 32])
{
    int64_t size = llabs(ns);
    if (size >= 100 * NS_PER_S) {
        snprintf(out, 32, "%.1f s", (double)ns / NS_PER_S);
    } else if (size >= NS_PER_S || size == 0) {
        snprintf(out, 32, "%.*f s", size == 0 ? 0 : 2, (double)ns / NS_PER_S);
    } else if (size >= NS_PER_MS) {
        snprintf(out, 32, "%.*f ms", size >= 100 * NS_PER_MS ? 0 : 1, (double)ns / NS_PER_MS);
    } else {
        snprintf(out, 32, "%.*f µs", 0, (double)ns / NS_PER_US);
    }
    return out;
}
