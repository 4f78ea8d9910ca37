/* Time: signed 64-bit nanoseconds of CLOCK_MONOTONIC everywhere; wall clock only to print. One switchable source, so that
 * tests run minutes in microseconds. */
#ifndef DRILL_BASE_CLOCK_H
#define DRILL_BASE_CLOCK_H

#include <stdint.h>
#include <stddef.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define NS_PER_US 1000LL

int64_t clock_now_ns(void);             /* CLOCK_MONOTONIC, or the fake */
int64_t clock_utc_now_ns(void);         /* CLOCK_REALTIME since 1970, or the fake plus a fixed day */
void clock_fake_set_ns(int64_t now_ns); /* switches to the fake clock; tests only */
void clock_fake_advance_ns(int64_t by_ns);
void clock_use_real(void);

/* "2026-11-23T12:00:00.123Z"; out must hold 32 bytes. */
const char *clock_format_utc(int64_t utc_ns, char out[static 32]);
/* "1.234 s", "12.3 ms", "4 us": three to four digits, for people; out must hold 32 bytes. */
const char *clock_format_duration(int64_t ns, char out[static 32]);

#endif
