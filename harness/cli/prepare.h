/* From a scenario's file name and --set values to a checked plan: what run, plan, up and status share. */
#ifndef DRILL_CLI_PREPARE_H
#define DRILL_CLI_PREPARE_H

#include "harness/cli/cli.h"
#include "harness/cli/terms.h"
#include "harness/engine/engine.h"

struct prepared {
    struct script *script; /* NULL when only a topology was asked for */
    struct topology *topology;
    struct terms terms;
    struct engine_plan *plan;
    struct engine_up up; /* of the kept topology */
    bool is_up;
    char *journal; /* folder of journals */
};

/* `file` is a scenario; everything that can be wrong is found here. `terms`: its options, args and retest_of. */
int prepare_scenario(const char *file, struct terms_request *terms, struct engine_options *options, struct prepared *ret,
                     struct err *err) MUST_CHECK;
/* `file` is a topology. */
int prepare_topology(const char *file, const struct cli_args *args, struct prepared *ret, struct err *err) MUST_CHECK;
void prepared_clear(struct prepared *prepared);

#endif
