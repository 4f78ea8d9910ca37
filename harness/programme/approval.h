/* Whether a drill may begin: the rules for an environment of production, or wherever require_approval says so. */
#ifndef DRILL_PROGRAMME_APPROVAL_H
#define DRILL_PROGRAMME_APPROVAL_H

#include "harness/programme/programme.h"

/* ERR_INPUT names every rule that is broken, each with its place in the file:
 *   somebody approved, with a time that is not in the future; nobody of them is the operator, who must be named;
 *   the change ticket is there, and it and the approvals' own match ticket_pattern (without one: letters, then digits, "CHG-1234");
 *   now lies between not_before and not_after, as far as they are given, and in no freeze. */
int approval_check(const struct programme *programme, int64_t now_utc_ns, struct err *err) MUST_CHECK;

#endif
