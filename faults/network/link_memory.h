/* What the kernel throws away when an interface goes down, remembered in a journal and put back: routes, permanent neighbours and IPv6
 * addresses. */
#ifndef DRILL_FAULTS_NETWORK_LINK_MEMORY_H
#define DRILL_FAULTS_NETWORK_LINK_MEMORY_H

#include "harness/base/buf.h"
#include "harness/base/json.h"

/* Append to the array `journal` one object for each thing that hangs on the interface: {"type", "what", "message"}; the message is the
 * kernel's own, in hexadecimal. */
int link_memory_take(const char *interface, json_t *journal, struct err *err) MUST_CHECK;
/* Put back what is missing. What stands already is left alone; so the order of routes that need each other does not matter. */
int link_memory_restore(const json_t *journal, struct err *err) MUST_CHECK;
/* One line in `left` for each thing of the journal that is not there. */
int link_memory_missing(const char *interface, const json_t *journal, struct buf *left, struct err *err) MUST_CHECK;

#endif
