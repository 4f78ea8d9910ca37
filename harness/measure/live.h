/* The outage function on ledgers that are still being written: what the engine waits for, and the progress line. A request is
 * looked at once its deadline is past, so that an answer that is still on its way is not taken for a failure. */
#ifndef DRILL_MEASURE_LIVE_H
#define DRILL_MEASURE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/evidence/ledger.h"
#include "harness/measure/outage.h"

/* True when every vantage and class has recovered from what began at disruption_ns, or never failed, and has been good for
 * settings->hold_ns since. False without ledgers. now_ns is controller time. */
bool live_recovered(struct ledger *const *ledgers, size_t count, const struct outage_settings *settings, int64_t disruption_ns,
                    int64_t now_ns);

struct live_second {
    uint64_t ok, failed; /* good and not good requests, all vantages and classes */
};
/* The newest second of due times whose deadlines are past. */
struct live_second live_last_second(struct ledger *const *ledgers, size_t count, const struct outage_settings *settings,
                                    int64_t now_ns);

#endif
