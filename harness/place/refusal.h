/* Why this machine does not let drill make its namespaces, said so that something can be done about it. */
#ifndef DRILL_PLACE_REFUSAL_H
#define DRILL_PLACE_REFUSAL_H

#include "harness/base/err.h"

/* ERR_UNSUPPORTED: `what` ("make a user namespace") was refused with `errnum`; the reason is looked for in /proc. */
int refusal_explain(struct err *err, int errnum, const char *what);

#endif
