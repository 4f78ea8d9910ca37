/* Failovers that nobody needed, as reports tell of them. */
#ifndef DRILL_REPORTS_FAILOVERS_H
#define DRILL_REPORTS_FAILOVERS_H

#include "harness/base/buf.h"
#include "harness/base/json.h"
#include "harness/measure/result.h"

/* How many there were (null: not measured) and each of them; new reference. */
json_t *failovers_json(const struct result *result);
/* "loss 3%: 1, loss 5%: 2": the faults that were in, in the order in which they came; nothing without any. Appended to out. */
void failovers_by_fault(const struct result *result, struct buf *out);

#endif
