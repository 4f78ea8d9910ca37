/* The order in which layers failed over, as JSON. */
#ifndef DRILL_REPORTS_ORDER_H
#define DRILL_REPORTS_ORDER_H

#include <jansson.h>

#include "harness/measure/result.h"

/* {"out_of_order", "layers": [{"layer", "at", "bound_seconds", "source"}]}; null for what was not measured or not seen. The caller owns it. */
json_t *order_describe(const struct result *result);

#endif
