/* One HTTP POST of a JSON text, for telling somebody. It has nothing to do with load: blocking, one request, time-limited. */
#ifndef DRILL_POST_POST_H
#define DRILL_POST_POST_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

/* Post once; http and https only, no redirects, certificates are checked. ret_status is the HTTP status, whatever it is. An error is
 * that no answer came within timeout_ns. The URL may hold a secret, so errors do not repeat it. */
int post_json(const char *url, const char *text, int64_t timeout_ns, long *ret_status, struct err *err) MUST_CHECK;

/* Post until it is accepted (2xx), at most `tries` times, within budget_ns in all. What will not get better (4xx but 408 and 429) is not
 * tried again. ret_status as above, 0 without an answer. */
int post_json_retry(const char *url, const char *text, int tries, int64_t budget_ns, long *ret_status,
                    struct err *err) MUST_CHECK;

#endif
