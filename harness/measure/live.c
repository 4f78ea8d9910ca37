/* Ledgers that grow while they are read. Each call looks at what was due since the disruption, which is cheap at a drill's rates.
 */
#include "harness/measure/live.h"

#include "harness/base/clock.h"
#include "harness/base/cleanup.h"
#include "harness/measure/series.h"

/* A recovery needs requests from before the disruption only to date it, which nobody asks for here. */
static bool class_recovered(struct ledger *ledger, enum request_class request_class, const struct outage_settings *settings,
                            int64_t disruption_ns, int64_t now_ns)
{
    struct series series CLEANUP(series_clear) = {0};
    struct outage outage;
    int64_t until_ns = now_ns - settings->deadline_ns;
    series_build(ledger, request_class, settings, disruption_ns, until_ns, now_ns, &series);
    if (!series.expected) {
        return true;
    }
    outage_find(series.requests, series.count, settings, disruption_ns, series.known_until_ns, &outage);
    bool held = series.known_until_ns - disruption_ns >= settings->hold_ns;
    return outage.state == OUTAGE_RECOVERED || (outage.state == OUTAGE_NONE && held);
}

bool live_recovered(struct ledger *const *ledgers, size_t count, const struct outage_settings *settings, int64_t disruption_ns,
                    int64_t now_ns)
{
    if (now_ns - settings->deadline_ns - disruption_ns < settings->hold_ns) {
        return false; /* nothing can have held yet: no need to look */
    }
    for (size_t i = 0; i < count; i++) {
        for (enum request_class request_class = CLASS_READ; request_class < CLASS_COUNT; request_class++) {
            if (!class_recovered(ledgers[i], request_class, settings, disruption_ns, now_ns)) {
                return false;
            }
        }
    }
    return count > 0;
}

struct live_second live_last_second(struct ledger *const *ledgers, size_t count, const struct outage_settings *settings,
                                    int64_t now_ns)
{
    struct live_second second = {0};
    int64_t until_ns = now_ns - settings->deadline_ns;
    for (size_t i = 0; i < count; i++) {
        int64_t offset_ns = ledger_header(ledgers[i])->clock_offset_ns;
        for (uint64_t left = ledger_count(ledgers[i]); left > 0; left--) {
            const struct ledger_record *record = ledger_at(ledgers[i], left - 1);
            int64_t due_ns = record->due_ns + offset_ns;
            if (due_ns < until_ns - NS_PER_S) {
                break;
            }
            if (due_ns < until_ns && request_outcome(record) != OUTCOME_NOT_SENT) {
                bool good = request_is_good(record, settings);
                second.ok += good;
                second.failed += !good;
            }
        }
    }
    return second;
}
