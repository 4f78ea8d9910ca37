/* The load of the fake places: requests at fixed times in a real ledger, answered or not as the script says. Private to them. */
#ifndef DRILL_TESTS_SUPPORT_FAKE_LOAD_H
#define DRILL_TESTS_SUPPORT_FAKE_LOAD_H

#include "harness/base/json.h"

struct fake_load;

int fake_load_start(const json_t *settings, struct fake_load **ret_load, struct err *err) MUST_CHECK;
void fake_load_free(struct fake_load *load); /* accepts NULL */
/* Issue and complete what is due by now_ns. */
void fake_load_advance(struct fake_load *load, int64_t now_ns);
/* Nothing more is issued; what is under way ends. */
void fake_load_stop(struct fake_load *load);
/* Requests that are due in [from_ns, until_ns) are never answered. */
void fake_load_break(struct fake_load *load, int64_t from_ns, int64_t until_ns);
/* Each request goes out late_ns after it was due; a share (0 to 1) of them, evenly, does not for want of a port. */
void fake_load_trouble(struct fake_load *load, int64_t late_ns, double not_sent_share);
uint64_t fake_load_issued(const struct fake_load *load);
uint64_t fake_load_not_sent(const struct fake_load *load);            /* of those */
uint64_t fake_load_newest_acknowledged(const struct fake_load *load); /* the number of a write; 0: none */
/* Write the ids of all acknowledged writes but (lost_from, lost_to]; gives how many they are. */
int fake_load_list(const struct fake_load *load, const char *path, uint64_t lost_from, uint64_t lost_to, int64_t *ret_count,
                   struct err *err) MUST_CHECK;

#endif
