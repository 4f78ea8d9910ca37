/* The programme for people: where each scenario stands, on a terminal and as the archive's index page. Formatters of struct standings;
 * they decide nothing. */
#ifndef DRILL_REPORTS_PROGRAMME_H
#define DRILL_REPORTS_PROGRAMME_H

#include "harness/programme/standing.h"

/* Quarters as columns: from the oldest drill to `now`, at least four and the newest eight at most. */
struct quarters {
    int first, count;
};
struct quarters quarters_of(const struct standings *standings, int64_t now_utc_ns);
/* "FPP": a letter for each drill of the scenario in that quarter, in order: P F I A and - for one without a result. */
void quarter_letters(const struct standing *standing, int quarter, struct buf *out);

/* `drill history`: the grid, then each scenario; with `scenario` every drill of that one. */
void programme_history(const struct standings *standings, const char *scenario, int64_t now_utc_ns, bool colour, struct buf *out);
/* `drill due`: a line for each scenario. `late` receives the names of those that are overdue, "a, b". */
void programme_due(const struct standings *standings, bool stale_too, int64_t now_utc_ns, bool colour, struct buf *late,
                   struct buf *out);
/* `drill compare`: objectives, phases and what is different in the plans. */
void programme_compare(const struct past_drill *a, const struct past_drill *b, struct buf *out);

/* Sentences that console and page share. */
void standing_last_words(const struct standing *standing, int64_t now_utc_ns, struct buf *out);
void standing_due_words(const struct standing *standing, int64_t now_utc_ns, struct buf *out);
void standing_rto_words(const struct standing *standing, struct buf *out);
void standing_rate_words(const struct standing *standing, struct buf *out);
void standing_open_words(const struct standing *standing, struct buf *out);

/* Write ARCHIVE/index.html and ARCHIVE/index.json, each whole or not at all. Links are relative to the archive. */
int index_write(const struct standings *standings, const char *archive, int64_t now_utc_ns, struct err *err) MUST_CHECK;

#endif
