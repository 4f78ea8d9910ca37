/* When a flapping link is cut and when it is not. */
#ifndef DRILL_FAULTS_NETWORK_FLAP_H
#define DRILL_FAULTS_NETWORK_FLAP_H

#include <stdint.h>

/* How long stretch `n` lasts: 0 is the first cut, 1 the time between it and the second, and so on. Of each `period_ns` the share `duty` is
 * cut; each stretch is longer or shorter by up to the share `jitter`, thrown from `seed` and `n` alone: equal seeds give equal flaps. */
int64_t flap_stretch_ns(int64_t period_ns, double duty, double jitter, int64_t seed, int64_t n);

#endif
