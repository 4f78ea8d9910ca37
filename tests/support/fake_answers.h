/* What the agents of the fake places say to each method. Private to them. */
#ifndef DRILL_TESTS_SUPPORT_FAKE_ANSWERS_H
#define DRILL_TESTS_SUPPORT_FAKE_ANSWERS_H

#include "harness/place/place.h"
#include "tests/support/fake_places.h"

enum { FAKE_START_MS = 300 };

struct place {
    struct places *places;
    char name[64];
    bool alive, has_snapshot;
};

typedef int fake_method_f(struct place *place, const json_t *params, json_t **ret_result, struct err *err);
fake_method_f *fake_method(const char *name); /* NULL when there is none */
struct fake_held *fake_find_held(const json_t *params);
/* Take out the first fault that has outlived its time; NULL: there is none. */
const struct fake_held *fake_expire(void);
void fake_hold(struct place *place, const json_t *params, bool in_force);
int64_t fake_in_force_ns(void);  /* since when the first fault is; 0: not yet */
void fake_answers_advance(void); /* the load, to the present */
void fake_answers_end(void);     /* the load is gone */

#endif
