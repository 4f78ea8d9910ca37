/* Drills and their reports, for the commands that run some: run and retest. */
#ifndef DRILL_CLI_CMD_RUN_H
#define DRILL_CLI_CMD_RUN_H

#include "harness/cli/announce.h"
#include "harness/cli/prepare.h"
#include "harness/cli/sealing.h"

struct run_options {
    struct terms_options terms;
    char *sign_key, *timestamp_url;
    int64_t repeat, seed, retain;
    struct announce_options announce;
    struct sealing_settings sealing;
    struct repeat *repeats; /* no option: the drills of this cell so far */
    struct sweep *sweep;    /* no option: the cells so far; NULL: there is no sweep */
    size_t cell;            /* no option: which of them runs */
    bool allow_host;
};
extern const struct param run_table[];

/* Run the scenario, or each cell of its sweep, as often as args->options (struct run_options) say; retest_of: NULL, or the earlier drill that this one repeats
 * (lookup_link). Returns the worst exit code; the last line of output says it in words. */
int run_drills(const char *file, const struct cli_args *args, const json_t *retest_of, struct err *err);

#endif
