/* The live line on a terminal, plain lines elsewhere. */
#ifndef DRILL_CLI_PROGRESS_H
#define DRILL_CLI_PROGRESS_H

#include <stdbool.h>

#include "harness/engine/engine.h"

enum { SPARK_SECONDS = 30 };

struct progress {
    bool live; /* a terminal: one block, rewritten */
    bool quiet;
    bool colour;
    bool drawn;
    char last_phase[64];
    int spark[SPARK_SECONDS]; /* share of good requests, 0…7; -1 without */
    long long spark_second;
};

void progress_init(struct progress *progress, bool quiet);
engine_progress_f progress_show;              /* context: struct progress */
void progress_end(struct progress *progress); /* takes the live block away */

#endif
