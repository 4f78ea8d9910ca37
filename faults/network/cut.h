/* What the faults that drop selected traffic until they are reverted share: blackhole and partition. Their options are one struct. */
#ifndef DRILL_FAULTS_NETWORK_CUT_H
#define DRILL_FAULTS_NETWORK_CUT_H

#include "faults/network/selection.h"

struct cut_options {
    struct selection traffic;
    bool reset;
};

struct cut_state {
    struct filter_state filter; /* first: filter's functions look for it */
    bool cut;                   /* this process has dropped something that a revert may have to free */
};

extern const struct param cut_table[];

int cut_check(const struct fault_instance *fault, struct err *err) MUST_CHECK;
int cut_supported(const struct fault_instance *fault, struct err *err) MUST_CHECK;
void cut_plan(const struct fault_instance *fault, struct buf *out);
int cut_apply(struct fault_instance *fault, struct err *err) MUST_CHECK;
int cut_prove(struct fault_instance *fault, struct buf *proof, struct err *err) MUST_CHECK;
/* With `reset`, destroy the connections of this place that stood still meanwhile. */
int cut_revert(struct fault_instance *fault, struct err *err) MUST_CHECK;

#endif
