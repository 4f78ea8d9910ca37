/* What queueing discipline a device has at one place, read from the kernel. */
#ifndef DRILL_FAULTS_NETWORK_QDISC_H
#define DRILL_FAULTS_NETWORK_QDISC_H

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

struct qdisc {
    char kind[16];   /* "netem", "noqueue", "clsact"; "" when there is none */
    uint32_t handle; /* 0: the kernel's own choice */
    uint64_t packets, dropped;
    size_t options_size; /* 0 when they were longer than there is room */
    unsigned char options[1024] __attribute__((aligned(8)));
};

/* Its index in this network namespace, 0 when there is no such interface (any more). An error only when that cannot be known. */
int qdisc_interface(const char *device, unsigned *ret_index, struct err *err) MUST_CHECK;
/* `parent` is TC_H_ROOT or TC_H_CLSACT. */
int qdisc_read(const char *device, uint32_t parent, struct qdisc *ret_qdisc, struct err *err) MUST_CHECK;

enum { QDISC_ATTRIBUTES_MAX = 32 };
/* Attributes of one level by type, borrowed. */
void qdisc_attributes(const void *data, size_t size, const struct rtattr *by_type[static QDISC_ATTRIBUTES_MAX]);
/* Copies at most what is there; what is missing (or NULL) leaves `out` as it was. */
void qdisc_copy(const struct rtattr *attribute, void *out, size_t size);

#endif
