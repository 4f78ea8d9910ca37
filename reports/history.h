/* The drills of one scenario over time, this one last: what each came to, and the picture of it. */
#ifndef DRILL_REPORTS_HISTORY_H
#define DRILL_REPORTS_HISTORY_H

#include "harness/measure/result.h"
#include "reports/report.h"
#include "reports/xml.h"

struct history_point {
    const char *drill_id, *date, *changed; /* borrowed; changed NULL: comparable with the one before */
    enum verdict verdict;
    double rto_s;    /* NAN: not measured */
    double target_s; /* NAN: none */
    bool censored;   /* more than rto_s */
    bool known;      /* it was measured in some way */
};

struct history {
    struct history_point *points;
    size_t count; /* at least 1: this drill */
    size_t passed, failed;
    /* Of the measured ones; censored ones sort above all others. NAN or false without. */
    double least_s, median_s, most_s, p95_s; /* p95 from 20 on */
    bool median_censored, most_censored, p95_censored;
    char started[32]; /* the date of this drill */
};

struct history *history_new(const struct result *result, const struct report_context *context); /* never NULL */
void history_free(struct history *history);                                                     /* accepts NULL */
DEFINE_CLEANUP(struct history *, history, history_free)

/* The least share of drills that pass, at 95 % confidence, one-sided, when all `count` did: 0.05^(1/count). */
double history_pass_bound(size_t count);
void history_draw(struct xml *xml, const struct history *history);

#endif
