/* What each store itself had, and when two were primary at once, in report.json. */
#ifndef DRILL_REPORTS_STORES_H
#define DRILL_REPORTS_STORES_H

#include "harness/measure/result.h"

json_t *stores_json(const struct result *result); /* new reference */

#endif
