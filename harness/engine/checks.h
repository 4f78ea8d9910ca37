/* What of a scenario can be refused before it is run dry. Private to harness/engine. */
#ifndef DRILL_ENGINE_CHECKS_H
#define DRILL_ENGINE_CHECKS_H

#include "harness/engine/session.h"

/* Its objectives, alerts, load and rules for stopping, against what the topology has. ERR_INPUT says what does not fit. */
int checks_of_scenario(const struct scenario *scenario, const struct topology *topology, struct err *err) MUST_CHECK;

#endif
