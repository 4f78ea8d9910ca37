/* False failovers, for machines and by the fault that was in. */
#include "reports/failovers.h"

#include "harness/base/str.h"
#include "reports/words.h"

json_t *failovers_json(const struct result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; i < result->false_failover_count; i++) {
        const struct false_failover *failover = &result->false_failover_list[i];
        json_array_append_new(list, json_pack("{s:f, s:s, s:s, s:s}", "seconds", words_since(result, failover->t_ns), "from",
                                              failover->from, "to", failover->to, "during", failover->during));
    }
    const struct figure *count = &result->false_failovers;
    return json_pack("{s:o, s:o}", "false", count->measured ? json_integer((json_int_t)count->value) : json_null(), "list", list);
}

void failovers_by_fault(const struct result *result, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < result->false_failover_count; i++) {
        const char *during = result->false_failover_list[i].during;
        size_t before = 0, count = 0;
        for (size_t j = 0; j < result->false_failover_count; j++) {
            bool same = str_eq(result->false_failover_list[j].during, during);
            before += same && j < i;
            count += same;
        }
        if (before == 0) { /* a fault is named once */
            buf_printf(out, "%s%s: %zu", any ? ", " : "", *during ? during : "no fault", count);
            any = true;
        }
    }
}
