/* The drills of an archive as its programme sees them: what each came to, and what its reviews left to do. */
#ifndef DRILL_PROGRAMME_HISTORY_H
#define DRILL_PROGRAMME_HISTORY_H

#include "harness/base/json.h"
#include "harness/measure/result.h"

/* PAST_UNREPORTED: its plan was sealed and no result ever was, or it still runs. */
enum past_outcome { PAST_NONE = 0, PAST_PASS, PAST_FAIL, PAST_INCONCLUSIVE, PAST_ABORTED, PAST_UNREPORTED, PAST_OUTCOME_COUNT };
const char *past_outcome_name(enum past_outcome outcome); /* "PASS", "NO RESULT" */

struct past_drill {
    int64_t number;
    char *name;     /* "0007-region-outage" */
    char *scenario; /* "region-outage" */
    char *id;       /* "20260210-101500-region-outage" */
    char *title;    /* "" when it is not known */
    char *folder;   /* evidence and reports; NULL when there are none */
    int64_t started_utc_ns;
    enum past_outcome outcome;
    char *exit_words;                                              /* "FAIL (rto)"; "" without */
    struct figure rto;                                             /* seconds */
    double rto_target_s;                                           /* NAN without */
    char *scenario_sha256, *scenario_file, *environment, *service; /* "" when not known */
    char *retest_of;                                               /* name of the drill that it repeats; NULL */
    json_t *report;                                                /* report.json; NULL without */
    json_t *plan;                                                  /* plan.json; NULL without */
    json_t *review;                                                /* review.json of the newest review; NULL without */
    size_t review_count;
};

struct history { /* by number */
    struct past_drill *items;
    size_t count, capacity;
};

/* Read every drill of which there is a bundle. An archive that does not exist is empty; a report that cannot be read is an error. */
int history_read(const char *archive, struct history *ret_history, struct err *err) MUST_CHECK;
void history_clear(struct history *history);
/* The newest drill of the scenario that passed; NULL when none did. */
const struct past_drill *history_last_pass(const struct history *history, const char *scenario);
/* As the report's history.json wants it (reports/report.h): the scenario's reported drills, oldest first, without the one of that
 * id. New reference. */
json_t *history_for_report(const struct history *history, const char *scenario, const char *without_id);

#endif
