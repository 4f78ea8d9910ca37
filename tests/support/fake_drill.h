/* A whole drill in virtual time: a scenario's steps go through the plan, the engine and the fake places, and what they wrote is
 * measured. For cmocka tests: what cannot fail is asserted here. */
#ifndef DRILL_TESTS_SUPPORT_FAKE_DRILL_H
#define DRILL_TESTS_SUPPORT_FAKE_DRILL_H

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/measure/result.h"
#include "tests/support/fake_places.h"

struct fake_drill {
    int status; /* of engine_run */
    struct err err;
    struct result *result;
    json_t *events;
    double seconds; /* of virtual time */
};

int fake_drill_setup(void **state);    /* group: a temporary folder with a topology of two regions; fake_system is reset */
int fake_drill_teardown(void **state); /* group: removes it */
int fake_drill_reset(void **state);    /* each test: a system that is healthy */
/* Write the scenario with these steps (Lua) and give its path, for who runs it by other means. Hold 5 s, 50 requests a second,
 * objectives: rto <= 20s, lost <= 0, rpo <= 0s, and what fake_system.declares. */
const char *fake_drill_write(const char *steps);
/* Write it, take the steps and measure. */
void fake_drill_run(const char *steps, struct fake_drill *ret_drill);
void fake_drill_clear(struct fake_drill *drill);
size_t fake_drill_count(const struct fake_drill *drill, const char *kind); /* of events */
/* The index-th event of that kind; the test fails when there is none. */
const json_t *fake_drill_event(const struct fake_drill *drill, const char *kind, size_t index);

#endif
