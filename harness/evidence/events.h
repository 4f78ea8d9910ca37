/* events.jsonl: one line an event, appended in order. Times in the line are controller CLOCK_MONOTONIC nanoseconds ("t"), with
 * the bound of the clock comparison when the event came from another place ("bound"), and UTC beside it.
 *
 * Vocabulary ("kind" and what it carries; ci/lint compares it with what the code writes and what reports have words for). Readers
 * ignore kinds and members that they do not know. Events of agents have `place` besides; fault_id may there be one part's, "f1.2".
 *   drill.start        drill_id scenario title seed version
 *   load.start         vantage ledger(file name)
 *   load.stop          vantage late_p99_ns late_max_ns overloaded_ms sent not_sent not_sent_reasons(object) in_flight_max in_flight_limit
 *                      memory_limit_bytes cpu_ns realtime(bool) http2 warmed
 *   steady.ok          for_ns
 *   steady.failed      reason
 *   fault.requested    fault_id fault target options(object) plan(text) hits(list of kind, name) = a disruption, cause "inject FAULT TARGET"
 *   fault.applied      fault_id before_ns after_ns bound_ns(of the injector's clock, within the two) mechanism
 *   fault.proven       fault_id ok(bool) proof(text)
 *   fault.changed      fault_id text                                          = what goes on by itself: a flap, another kill
 *   fault.expired      fault_id reverted(bool) reason                         its time to live was over; fault.reverting has the same time
 *   fault.reverting    fault_id                                               = a disruption, cause "revert FAULT TARGET"
 *   fault.reverted     fault_id before_ns after_ns bound_ns
 *   fault.reset        fault_id text                                          connections that stood still, destroyed after the revert
 *   fault.residue      fault_id clean(bool) left(list of texts)
 *   step.wait          for_ns
 *   await.begin        within_ns hold_ns
 *   await.end          recovered(bool)
 *   change.begin       subject within_ns
 *   change.end         seen(bool)
 *   observe            observer(dns|health|role|store|alert|state) subject from to bound_ns(how much earlier it may have been)
 *   readback           number begun_ns cause(recovery|failback) after_fault_id complete(bool) reason file count via
 *   store.read         number label store begun_ns complete(bool) reason file count     the writes that one store has itself
 *   service.started    service place pid ready_ms(not when it is started again)
 *   service.exited     service status
 *   agent.lost         place reason
 *   agent.restarted    place
 *   note               text by(who, from a second terminal; else not there)
 *   note.wanted        says within_ns
 *   note.end           seen(bool) says by(who said it) waited_ns
 *   drift              differences(list of texts) files processes commands answers(how many were compared)
 *   abort              reason by(who, or which rule)
 *   residue            clean(bool) left(list of texts)
 *   drill.end          conclusion(completed|aborted|timed_out|error) reason */
#ifndef DRILL_EVIDENCE_EVENTS_H
#define DRILL_EVIDENCE_EVENTS_H

#include "harness/base/json.h"
#include "harness/evidence/redact.h"

struct events; /* an open events.jsonl, for writing */

int events_open(const char *path, struct events **ret_events, struct err *err) MUST_CHECK;
void events_close(struct events *events); /* accepts NULL */
DEFINE_CLEANUP(struct events *, events, events_close)
/* From now on every event passes through the redactor before it is written; it is borrowed. */
void events_redact(struct events *events, struct redactor *redactor);
/* Append one event at controller time t_ns; takes `fields` (an object or NULL). Written with one write(2). */
int events_add(struct events *events, int64_t t_ns, const char *kind, json_t *fields, struct err *err) MUST_CHECK;
/* All events of a file as a JSON array, in time order; a last line that was cut off by a crash is left out. */
int events_read(const char *path, json_t **ret_array, struct err *err) MUST_CHECK;

#endif
