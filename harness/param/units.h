/* Numbers with units, as people write them: "250ms", "30%", "300/s", "64KiB". A unit is mandatory where there is one. */
#ifndef DRILL_PARAM_UNITS_H
#define DRILL_PARAM_UNITS_H

#include <stdint.h>

#include "harness/base/err.h"

int units_duration(const char *text, int64_t *ret_ns, struct err *err) MUST_CHECK;    /* us ms s m(in) h d; "0" needs no unit */
int units_percent(const char *text, double *ret_share, struct err *err) MUST_CHECK;   /* "30%" gives 0.30 */
int units_rate(const char *text, double *ret_per_second, struct err *err) MUST_CHECK; /* "300/s", "10/min" or a bare number */
int units_bytes(const char *text, int64_t *ret_bytes, struct err *err) MUST_CHECK;    /* B KB KiB MB MiB GB GiB */
int units_bitrate(const char *text, int64_t *ret_bits, struct err *err) MUST_CHECK;   /* bit Kbit Mbit Gbit, a second */
int units_integer(const char *text, int64_t *ret_value, struct err *err) MUST_CHECK;
int units_number(const char *text, double *ret_value, struct err *err) MUST_CHECK;

#endif
