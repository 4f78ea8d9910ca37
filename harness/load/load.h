/* The load of one vantage: an open-loop client that asks at fixed times whatever the system does, and writes every request into a
 * ledger. Runs in a thread of its own, in the network namespace of the thread that called load_start.
 *
 * Settings (an object; those without a default in brackets are required):
 *   vantage          text: the name in the ledger and in events
 *   ledger           path of the ledger file that is created
 *   id_prefix        text before the nine digits of a write's id ["w-"]
 *   rate             requests per second
 *   shape            "constant", "poisson" (seeded) or "ramp" (rate `ramp_from` [0] to `rate` within `ramp_seconds` [10])
 * ["constant"] seed             integer [1]: same seed, same schedule write_share      0…1, spread evenly [0] deadline_ms from
 * when a request is due to its answer; later is a failure [1000] max_seconds      the load ends by itself after this; bounds the
 * ledger [600] connections      "keepalive": pooled connections are used while they work, whatever DNS says meanwhile, as real
 * clients do; new ones go to the newest answer; a failed request closes its connection. "new": one a request. "mixed": each
 * second request opens its own ["keepalive"] in_flight_max    more than this at once are recorded as not sent [0: rate x deadline
 * x 2 + 64, or what descriptors allow] dns_server       "10.9.0.53:53" [the system's] dns_name         name to ask for in place
 * of the host of a URL that is no literal address [the URL's host] clock_offset_ns, clock_bound_ns   go into the ledger's header
 * [0] realtime         try SCHED_FIFO for the thread; going without is no error [false] tls_verify       check certificates of
 * https URLs [true] headers          object of extra header lines [none] write, read      method ["POST" with a body, else
 * "GET"], url, body [none], status [200], contains: text in the body [none]. {{id}} in url, body, contains and headers is the
 * write's id, for reads the id of the newest acknowledged write. `write` is needed when write_share > 0, `read` when it is < 1.
 */
#ifndef DRILL_LOAD_LOAD_H
#define DRILL_LOAD_LOAD_H

#include "harness/base/json.h"

struct load;

/* Checks the settings, creates the ledger and starts. Wrong settings are ERR_INPUT. */
int load_start(const json_t *settings, struct load **ret_load, struct err *err) MUST_CHECK;
/* Issue nothing more, wait until what is in flight has ended or passed its deadline, close the ledger. *ret_summary (new
 * reference): late_p99_ns, late_max_ns (issued after due), sent, not_sent, in_flight_max, cpu_ns, realtime. `load` stays the
 * caller's to free. */
int load_stop(struct load *load, json_t **ret_summary, struct err *err) MUST_CHECK;
/* Accepts NULL. Without load_stop before, what is in flight is dropped and stays pending in the ledger. */
void load_free(struct load *load);
DEFINE_CLEANUP(struct load *, load, load_free)
#define AUTO_LOAD CLEANUP(load_cleanup)

/* T0 of the schedule, CLOCK_MONOTONIC. */
int64_t load_start_ns(const struct load *load);
/* Readable while load_take_event has something; borrowed. */
int load_event_fd(const struct load *load);
/* The oldest event, or NULL: {kind "observe", observer "dns", subject "client VANTAGE", from, to, t_ns}; the caller owns it. from and
 * to are the sorted addresses of an answer, "10.1.0.11,10.1.0.12", or "none"; the first answer comes from "". */
json_t *load_take_event(struct load *load);

#endif
