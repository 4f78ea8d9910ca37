/* Ledgers that grow while they are read. Each call looks at what was due since the disruption, which is cheap at a drill's rates.
 */
#include "harness/measure/live.h"

#include "harness/base/clock.h"

static bool class_recovered(struct ledger *ledger, enum request_class request_class, const struct outage_settings *settings,
                            int64_t disruption_ns, int64_t until_ns)
{
    const struct ledger_header *header = ledger_header(ledger);
    const struct series series = {.records = ledger_records(ledger),
                                  .count = ledger_count(ledger),
                                  .offset_ns = header->clock_offset_ns,
                                  .request_class = request_class,
                                  .settings = settings};
    struct outage outage;
    if (!series_is_expected(header, request_class) && series_next(&series, series_from(&series, disruption_ns)) == series.count) {
        return true;
    }
    outage_find(&series, disruption_ns, until_ns, &outage);
    bool held = until_ns - disruption_ns >= settings->hold_ns;
    return outage.state == OUTAGE_RECOVERED || (outage.state == OUTAGE_NONE && held);
}

bool live_recovered(struct ledger *const *ledgers, size_t count, const struct outage_settings *settings, int64_t disruption_ns,
                    int64_t now_ns)
{
    int64_t until_ns = now_ns - settings->deadline_ns; /* what is due before has ended, or failed */
    if (until_ns - disruption_ns < settings->hold_ns) {
        return false; /* nothing can have held yet: no need to look */
    }
    for (size_t i = 0; i < count; i++) {
        for (enum request_class request_class = CLASS_READ; request_class < CLASS_COUNT; request_class++) {
            if (!class_recovered(ledgers[i], request_class, settings, disruption_ns, until_ns)) {
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
