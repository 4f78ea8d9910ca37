/* Several drills of one invocation (--repeat): every run is shown, the worst decides, and what the runs say together stands below. */
#ifndef DRILL_REPORTS_REPEAT_H
#define DRILL_REPORTS_REPEAT_H

#include "harness/base/buf.h"
#include "harness/base/err.h"
#include "harness/measure/result.h"

struct repeat; /* the runs so far */

struct repeat *repeat_new(void);
void repeat_free(struct repeat *repeat); /* accepts NULL */
DEFINE_CLEANUP(struct repeat *, repeat, repeat_free)
/* Keeps what is shown of a run: how it ended, and its folder. */
void repeat_add(struct repeat *repeat, const struct result *result, int exit_code, const char *exit_words, const char *folder);
size_t repeat_count(const struct repeat *repeat);
/* A table of the runs, then min, median and max of the recovery time and the recovery point, p95 from 20 runs on, and the share of drills
 * that would pass, at least, with 95 % confidence. */
void repeat_console(const struct repeat *repeat, struct buf *out);
/* {measured, seconds (null: not measured), resolution_seconds, at_least} or {measured, seconds, why}; new reference. */
json_t *repeat_figure_json(const struct figure *figure);
/* The same for machines: FOLDER.repeat.json beside the folder of the first run. *ret_path is the caller's to free. */
int repeat_write(const struct repeat *repeat, int exit_code, char **ret_path, struct err *err) MUST_CHECK;

#endif
