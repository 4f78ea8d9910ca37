/* Finding an earlier drill by what a user calls it. */
#ifndef DRILL_CLI_LOOKUP_H
#define DRILL_CLI_LOOKUP_H

#include "harness/programme/history.h"

/* By number, name, id or path, as archive_find; ERR_INPUT with the nearest name. The drill is the history's. */
int lookup_drill(const char *archive, const struct history *history, const char *word, const struct past_drill **ret_drill,
                 struct err *err) MUST_CHECK;
/* {drill_id, name, outcome, missed[], tagmanifest_sha256 (null when it is not sealed)}: how a retest names it. New reference. */
json_t *lookup_link(const struct past_drill *drill);

#endif
