/* What the parts of a sweep's report share. Internal to this room. */
#ifndef DRILL_REPORTS_SWEEP_PARTS_H
#define DRILL_REPORTS_SWEEP_PARTS_H

#include "harness/base/vec.h"
#include "reports/sweep.h"
#include "reports/xml.h"

struct sweep_drill {
    char *bundle, *words;
    char *failed_over; /* the false failovers by the fault that was in: "loss 3%: 1, loss 5%: 2"; "" without any */
    struct figure rto, detect, false_failovers;
    enum verdict verdict;
    int exit_code;
};
struct sweep_cell {
    VEC(struct sweep_drill) drills;
};
struct sweep {
    const struct grid *grid;
    char *scenario, *title;
    struct sweep_cell *cells;
    size_t count;
};

enum sweep_state {
    SWEEP_NOT_RUN = 0,
    SWEEP_UNCERTAIN, /* a drill of it passed no judgement: its words are all that is said */
    SWEEP_FAIL,
    SWEEP_PASS,
};
enum sweep_state sweep_state(const struct sweep_cell *cell);
/* The drill that a cell shows: the first that was uncertain, else the one with the longest recovery; NULL when none was run. */
const struct sweep_drill *sweep_shown(const struct sweep_cell *cell);
/* The cell's worst recovery; not measured unless its state is pass or fail. */
struct figure sweep_rto(const struct sweep_cell *cell);
/* Of all drills of the cell together; not measured when one of them did not. */
struct figure sweep_false_failovers(const struct sweep_cell *cell);
bool sweep_complete(const struct sweep *sweep);
/* "FAIL (rto)", "not run" */
const char *sweep_words(const struct sweep_cell *cell);

/* sweep_map.c: the heat map as an <svg>. */
void sweep_map(struct xml *xml, const struct sweep *sweep);
/* sweep_html.c: FOLDER/NAME. */
int sweep_page(const struct sweep *sweep, int exit_code, const char *exit_words, const char *folder, const char *name,
               struct err *err) MUST_CHECK;

#endif
