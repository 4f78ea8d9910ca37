/* The load of one vantage: an open-loop client that asks at fixed times whatever the system does, and writes every request into a
 * ledger. Runs in a thread of its own, in the network namespace of the thread that called load_start.
 *
 * Settings, an object; docs/architecture.md has the same as a table:
 *   vantage           text: the name in the ledger and in events
 *   ledger            path of the ledger file that is created
 *   id_prefix         text before the nine digits of a write's id ["w-"]
 *   rate              requests per second
 *   shape             "constant", "poisson" (seeded), "ramp" or "step": `from` [0] to `rate` within `over_seconds` [10], evenly or in
 *                     `steps` [1] equal steps ["constant"]
 *   seed              integer [1]: same seed, same schedule, same {{random}}
 *   write_share       0…1, spread evenly [0]
 *   deadline_ms       from when a request is due to its answer; later is a failure [1000]
 *   max_seconds       the load ends by itself after this; bounds the ledger [600]
 *   connections       "keepalive": pooled connections are used while they work, whatever DNS says meanwhile, as real clients do; new
 *                     ones go to the newest answer; a failed request closes its connection. "new": one a request. "mixed": every second
 *                     request opens its own ["keepalive"]
 *   http              "1.1" or "2" ["1.1"]
 *   warm              connections that are opened before T0, by reads that the ledger does not have [0]
 *   in_flight_max     more than this at once are recorded as not sent [0: rate x deadline x 2 + 64, or what descriptors allow]
 *   sessions          independent users that the requests are spread over by chance, 0 to 60000; {{session}} is a user's number, and each
 *                     keeps the cookies that it is given [0: none]
 *   addresses         a prefix of 8 to 24 bits: each session comes from an address of its own in it, over connections of its own, the first
 *                     ones all of different networks of 24 bits. The place must own them [all from the place's address]
 *   served_by         the answer's header that names who answered: goes into the ledger [not looked for]
 *   dns_server        "10.9.0.53:53" [the system's]
 *   dns_name          name to ask for in place of the host of a URL that is no literal address [the URL's host]
 *   clock_offset_ns, clock_bound_ns   go into the ledger's header [0]
 *   realtime          try SCHED_FIFO for the thread; going without is no error [false]
 *   ca                file of certificates to trust [the system's]
 *   tls_verify        check certificates of https URLs [true]
 *   headers           object of header lines for all requests [none]
 *   write, read       method ["POST" with a body, else "GET"], url, body [none], headers [none], status [200], contains: text in the
 *                     answer's body [none]. Holes as in param/hole.h are filled in url, body, contains and headers. `write` is needed
 *                     when write_share > 0, `read` when it is < 1.
 */
#ifndef DRILL_LOAD_LOAD_H
#define DRILL_LOAD_LOAD_H

#include "harness/base/json.h"

struct load;

/* Checks settings as load_start does, but touches nothing: `ledger` may be missing. */
int load_check(const json_t *settings, struct err *err) MUST_CHECK;
/* Checks the settings, creates the ledger and starts. Wrong settings are ERR_INPUT. */
int load_start(const json_t *settings, struct load **ret_load, struct err *err) MUST_CHECK;
/* Issue nothing more, wait until what is in flight has ended or passed its deadline, close the ledger. Whatever happens it comes back
 * within the deadline and a few seconds: a request without an outcome by then is recorded as not sent, "the driver lost track of it". *ret_summary (new reference):
 * late_p99_ns, late_max_ns (issued after due), overloaded_ms (how long the driver could not keep up), sent, not_sent and why
 * (not_sent_reasons), in_flight_max, in_flight_limit and what it bounds memory to (memory_limit_bytes), cpu_ns, realtime, http2 (answers
 * over it), warmed (requests before T0). `load` stays the caller's to free. */
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
