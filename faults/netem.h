/* The kernel's own netem as a device's root qdisc: it shapes what leaves through the device. Every setting is given and read back in our
 * units; a change is a removal and an addition, because netem keeps the old value of what a change leaves out. */
#ifndef DRILL_FAULTS_NETEM_H
#define DRILL_FAULTS_NETEM_H

#include "faults/shape.h"
#include "harness/base/err.h"

enum netem_owner { NETEM_OF_LINK = 0xd0000000, NETEM_OF_FAULT = 0xd0010000 }; /* the qdisc's handle tells whose it is */
enum { NETEM_LIMIT_PACKETS = 100000 /* the kernel's 1000 drop above 20,000 packets/s at 50 ms */ };

struct netem_found {    /* a device's root qdisc */
    char kind[16];      /* "netem", "noqueue", … */
    uint32_t handle;    /* 0: the kernel's own choice */
    struct shape shape; /* of a netem: as set; queue_ns and the distribution cannot be read back */
    uint32_t limit_packets;
    uint64_t packets, dropped; /* that passed it, that it dropped (losses by intent among them) */
};

/* 0, or ERR_UNSUPPORTED with what is missing. Nothing is changed, not even for a moment. */
int netem_supported(struct err *err) MUST_CHECK;
/* 0 when netem can do what the shape says, else ERR_UNSUPPORTED with what it cannot, or ERR_INPUT with what is out of its range. */
int netem_can(const struct shape *shape, struct err *err) MUST_CHECK;
/* ERR_UNSUPPORTED without sch_netem or permission, ERR_STATE when the device has a root qdisc of somebody else. The seed is taken where
 * the kernel can (6.6). Nothing was changed when it fails. */
int netem_put(const char *device, enum netem_owner owner, const struct shape *shape, uint64_t seed, struct err *err) MUST_CHECK;
/* Take ours off; a device that is gone, has none or has another's is fine. Needs no memory. */
int netem_remove(const char *device, enum netem_owner owner, struct err *err) MUST_CHECK;
int netem_read(const char *device, struct netem_found *ret_found, struct err *err) MUST_CHECK;

#endif
