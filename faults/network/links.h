/* Interfaces of a fault's target switched off and on: what link_down and flap have in common. What the kernel forgets with an interface is
 * remembered in the journal and put back. */
#ifndef DRILL_FAULTS_NETWORK_LINKS_H
#define DRILL_FAULTS_NETWORK_LINKS_H

#include "faults/network/selection.h"

int links_prepare(struct fault_instance *fault, const struct selection *traffic, struct err *err) MUST_CHECK;
int links_apply(struct fault_instance *fault, struct err *err) MUST_CHECK; /* off */
/* By the flags as programs see them. */
int links_prove(const struct fault_instance *fault, struct buf *proof, struct err *err) MUST_CHECK;
int links_revert(struct fault_instance *fault, struct err *err) MUST_CHECK; /* as they were */
int links_residue(const struct fault_instance *fault, struct buf *left, struct err *err) MUST_CHECK;

#endif
