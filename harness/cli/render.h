/* Evidence measured and rendered: what a drill's end, `drill report` and `drill verify` share, so that they cannot differ. */
#ifndef DRILL_CLI_RENDER_H
#define DRILL_CLI_RENDER_H

#include "harness/evidence/evidence.h"
#include "harness/measure/result.h"
#include "reports/report.h"

struct rendered {
    struct evidence *evidence;
    struct result *result;
    struct report_context context;
};

/* Measure the evidence in `folder`; nothing is written. */
int render_measure(const char *folder, struct rendered *ret, struct err *err) MUST_CHECK;
/* Write every report into `out`, which may be the same folder. */
int render_write(const struct rendered *rendered, const char *out, struct err *err) MUST_CHECK;
void rendered_clear(struct rendered *rendered);

#endif
