/* What is said of a scenario's standing, on the terminal and on the index page. */
#include "reports/programme.h"

#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/vec.h"
#include "harness/programme/when.h"
#include "reports/words.h"

static const int64_t day_ns = 86400 * NS_PER_S;

struct quarters quarters_of(const struct standings *standings, int64_t now_utc_ns)
{
    enum { AT_LEAST = 4, AT_MOST = 8 };
    int last = when_quarter(now_utc_ns), first = last - AT_LEAST + 1;
    VEC_EACH(standing, standings)
    {
        for (size_t i = 0; i < standing->count; i++) {
            int quarter = when_quarter(standing->drills[i]->started_utc_ns);
            first = quarter < first ? quarter : first;
        }
    }
    first = last - first >= AT_MOST ? last - AT_MOST + 1 : first;
    return (struct quarters){first, last - first + 1};
}

void quarter_letters(const struct standing *standing, int quarter, struct buf *out)
{
    static const char letters[PAST_OUTCOME_COUNT + 1] = " PFIA-";
    for (size_t i = 0; i < standing->count; i++) {
        if (when_quarter(standing->drills[i]->started_utc_ns) == quarter) {
            buf_add(out, &letters[standing->drills[i]->outcome], 1);
        }
    }
}

static void say_drill(const char *label, const struct past_drill *past, struct buf *out)
{
    char day[16];
    if (past) {
        buf_printf(out, "%s %s %04lld %s", label, when_day(past->started_utc_ns, day), (long long)past->number,
                   *past->exit_words ? past->exit_words : past_outcome_name(past->outcome));
    } else {
        buf_printf(out, "%s never", label);
    }
}

void standing_last_words(const struct standing *standing, int64_t now_utc_ns, struct buf *out)
{
    char day[16];
    say_drill("last run", standing->last, out);
    if (!standing->last_pass) {
        buf_puts(out, "; last pass never");
        return;
    }
    long long age = (now_utc_ns - standing->last_pass->started_utc_ns) / day_ns;
    buf_printf(out, "; last pass %s %04lld, %lld day%s ago", when_day(standing->last_pass->started_utc_ns, day),
               (long long)standing->last_pass->number, age, age == 1 ? "" : "s");
}

void standing_due_words(const struct standing *standing, int64_t now_utc_ns, struct buf *out)
{
    char day[16];
    if (!standing->last_pass) {
        buf_puts(out, "OVERDUE: never passed");
    } else if (standing->overdue) {
        long long late = (now_utc_ns - standing->due_utc_ns) / day_ns;
        buf_printf(out, "OVERDUE since %s (%lld day%s)", when_day(standing->due_utc_ns, day), late, late == 1 ? "" : "s");
    } else {
        buf_printf(out, "due by %s", when_day(standing->due_utc_ns, day));
    }
    if (standing->stale) {
        buf_printf(out, "; STALE: the %s changed since the last pass", standing->stale);
    }
}

void standing_rto_words(const struct standing *standing, struct buf *out)
{
    const struct repeats *rto = &standing->rto;
    if (rto->count == 0) {
        buf_puts(out, "no recovery time was measured");
    } else {
        standing_trend(standing, out);
        buf_printf(out, "; n %zu: min ", rto->count);
        words_figure(&rto->min, "s", out);
        buf_puts(out, ", median ");
        words_figure(&rto->median, "s", out);
        buf_puts(out, ", max ");
        words_figure(&rto->max, "s", out);
        if (rto->p95.measured) {
            buf_puts(out, ", p95 ");
            words_figure(&rto->p95, "s", out);
            buf_printf(out, " of %zu runs", rto->count);
        }
    }
    if (standing->unlike > 0) {
        buf_printf(out, "; %zu earlier with another scenario, environment or target left out", standing->unlike);
    }
}

void standing_rate_words(const struct standing *standing, struct buf *out)
{
    size_t passed = standing->outcomes[PAST_PASS], judged = passed + standing->outcomes[PAST_FAIL];
    if (judged == 0) {
        buf_puts(out, "none was judged");
        return;
    }
    buf_printf(out, "%zu of %zu judged drills passed: at least %.0f%% do (95%% confidence)", passed, judged,
               floor(100 * standing->pass_bound));
}

static void say_count(size_t count, const char *one, const char *many, struct buf *out)
{
    if (count > 0) {
        buf_printf(out, "%s%zu %s", out->size ? ", " : "", count, count == 1 ? one : many);
    }
}

void standing_open_words(const struct standing *standing, struct buf *out)
{
    struct buf said CLEANUP(buf_clear) = {0};
    say_count(standing->open_actions, "action open", "actions open", &said);
    say_count(standing->overdue_actions, "of them overdue", "of them overdue", &said);
    say_count(standing->missing_reviews, "review missing", "reviews missing", &said);
    say_count(standing->outcomes[PAST_UNREPORTED], "plan without a result", "plans without a result", &said);
    buf_puts(out, said.size ? buf_str(&said) : "nothing");
}
