/* Random loss by a classic BPF program in a tc filter: no bpf(2), no nf_tables, no netem; what is needed is in every kernel with cls_bpf,
 * and an ordinary user's namespaces may have it. It is not owned by the process: a fault's journal names the interfaces. */
#ifndef DRILL_FAULTS_NETWORK_CBPF_H
#define DRILL_FAULTS_NETWORK_CBPF_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"

struct cbpf_count {
    bool present;
    uint64_t seen, dropped; /* packets of the filtered directions together */
};

/* Tries it on lo, where it matches nothing, and takes it off. ERR_UNSUPPORTED with what is missing. */
int cbpf_supported(struct err *err) MUST_CHECK;
/* Make the device's clsact qdisc with a filter for each direction asked for, that drops this share of its IP packets. ERR_STATE when the
 * device has one already, whosesoever. Nothing is left when it fails. */
int cbpf_put(const char *device, bool in, bool out, double share, struct err *err) MUST_CHECK;
/* Take it off; a device that is gone or has none is fine. */
int cbpf_remove(const char *device, struct err *err) MUST_CHECK;
int cbpf_read(const char *device, struct cbpf_count *ret_count, struct err *err) MUST_CHECK;

#endif
