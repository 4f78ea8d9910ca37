/* Reports: formatters of one `struct result`. Each is one file that ends in one `const struct report_ops`, registered by one line
 * in reports.def. They decide nothing and measure nothing; the same input gives the same bytes. */
#ifndef DRILL_REPORTS_REPORT_H
#define DRILL_REPORTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/measure/result.h"

/* What GitLab and Jenkins' junit-10.xsd both accept; what the older Ant schema accepts too; with file= for GitLab. */
enum junit_dialect { JUNIT_CI = 0, JUNIT_ANT, JUNIT_GITLAB, JUNIT_COUNT };

/* What a report shows beside the drill itself. Everything may be missing. It lies in the drill's folder, so that rendering again
 * gives the same bytes: programme.json, history.json, verify.json and redactions.json, written there before the reports are.
 *
 * programme (object; a text, or a list of what is said, unless stated):
 *   exercise_type environment business_service criticality programme_slot trigger announced
 *   hypothesis impact_tolerance mtpd bia_ref risk_ref plan_ref plan_version blast_radius rollback change_ticket
 *   abort_criteria[] scope[] not_tested[] third_parties[] recommendations[] (texts)
 *   assumptions[] (texts or {text, reason})             approvals[] {name, role, time, ticket}
 *   operator lead reviewer independence                 participants[] observers[] (texts or {name, role, team, site, present})
 *   communications[] {phase (before|during|after), time, channel, audience, reference}
 *   security[] {text, result (pass|fail), detail}       deviations[] (texts)
 *   findings[] {id, severity, text, owner, due, ticket} sign_offs[] {role, name, time}
 *   evidence[] {framework, clause, field, present (bool), where ("#plan": a section's id)}
 *   any other member is shown by its name
 * history (array, oldest first, without this drill):
 *   {drill_id, date, verdict (pass|fail|inconclusive), rto_seconds (number or null), censored (bool: more than rto_seconds),
 *    target_seconds (number or null)}, optional: changed (text: what is not comparable from here on),
 *    objectives {TEXT or METRIC: {measured (number), unit, result}}
 * verify (object): bundle, signer, commands[], limits[] (texts); without it the report says how to check it by hand
 * redactions (object): redacted[] {file, rule, count}, added[] (texts); see docs/archive.md */
struct report_context {
    json_t *programme, *history, *verify, *redactions; /* owned when loaded; NULL when there is none */
    enum junit_dialect junit;
    const char *attachments; /* borrowed: the way to the drill's folder in junit.xml; NULL: junit.xml lies in it */
    const char *source;      /* borrowed: the folder of the evidence; NULL: the one that is written to */
};

/* Read the four files of a drill's folder, as far as they are there. One that cannot be read is an error. */
int report_context_load(const char *folder, struct report_context *context, struct err *err) MUST_CHECK;
void report_context_clear(struct report_context *context);

struct report_ops {
    const char *name;      /* "json" */
    const char *file_name; /* "report.json": what it writes into the folder */
    const char *summary;   /* one line */
    /* Write folder/file_name, whole or not at all. Works for a drill that measured nothing; context is never NULL. */
    int (*write)(const struct result *result, const struct report_context *context, const char *folder, struct err *err);
};

/* All formats, report.json first. Static. */
const struct report_ops *const *report_list(size_t *ret_count);
const struct report_ops *report_find(const char *name); /* NULL when there is none */
/* Write every format; context NULL: nothing but the result. Goes on after a failure, so that one broken format does not cost the
 * others; gives the first error. */
int reports_write_all(const struct result *result, const struct report_context *context, const char *folder,
                      struct err *err) MUST_CHECK;
/* TAP version 14, an objective a test point. */
void report_tap(const struct result *result, struct buf *out);
/* At most ten workflow commands for GitHub Actions, worst first. `file` is the scenario's path in the repository (NULL: not known),
 * `source` its text, in which the objectives' lines are looked up (NULL: none). */
void report_annotations(const struct result *result, const char *file, const char *source, struct buf *out);
/* The gate's output: a line for each objective, where the time went, loss and cleanup; `quiet` is one line. Where the report is
 * and the exit line are the caller's to print. */
void report_console(const struct result *result, bool colour, bool quiet, struct buf *out);

#endif
