/* drill history and drill due on a terminal. */
#include <math.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/programme/when.h"
#include "reports/programme.h"
#include "reports/words.h"

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define RESET "\033[0m"

enum { NAME_WIDTH_MAX = 40, CELL_WIDTH = 9, DAY_S = 86400 };

static int name_width(const struct standings *standings)
{
    size_t width = strlen("scenario");
    VEC_EACH(standing, standings)
    {
        width = strlen(standing->scenario) > width ? strlen(standing->scenario) : width;
    }
    return width > NAME_WIDTH_MAX ? NAME_WIDTH_MAX : (int)width;
}

static void print_grid(const struct standings *standings, int64_t now_utc_ns, struct buf *out)
{
    struct quarters quarters = quarters_of(standings, now_utc_ns);
    int width = name_width(standings);
    char name[16];
    buf_printf(out, "%-*s", width, "");
    for (int i = 0; i < quarters.count; i++) {
        buf_printf(out, "  %*s", CELL_WIDTH - 2, when_quarter_name(quarters.first + i, name));
    }
    VEC_EACH(standing, standings)
    {
        buf_printf(out, "\n%-*.*s", width, width, standing->scenario);
        for (int i = 0; i < quarters.count; i++) {
            struct buf letters CLEANUP(buf_clear) = {0};
            quarter_letters(standing, quarters.first + i, &letters);
            const char *text = letters.size ? buf_str(&letters) : ".";
            size_t size = strlen(text), most = CELL_WIDTH - 2;
            buf_printf(out, "  %*s", CELL_WIDTH - 2, text + (size > most ? size - most : 0)); /* the newest ones */
        }
    }
    buf_puts(out, "\nP pass, F fail, I inconclusive, A aborted, - no result, . none\n");
}

typedef void words_f(const struct standing *standing, struct buf *out);

static void print_line(const char *label, const struct standing *standing, words_f *words, struct buf *out)
{
    buf_printf(out, "  %-10s ", label);
    words(standing, out);
    buf_puts(out, "\n");
}

static void print_due(const struct standing *standing, int64_t now_utc_ns, bool colour, struct buf *out)
{
    bool bad = standing->overdue || standing->stale;
    buf_puts(out, colour && bad ? standing->overdue ? RED : YELLOW : "");
    standing_due_words(standing, now_utc_ns, out);
    buf_puts(out, colour && bad ? RESET : "");
}

static void print_scenario(const struct standing *standing, int64_t now_utc_ns, bool colour, struct buf *out)
{
    buf_printf(out, "\n%s%s%s\n  %-10s ", standing->scenario, standing->last && *standing->last->title ? ": " : "",
               standing->last ? standing->last->title : "", "when");
    standing_last_words(standing, now_utc_ns, out);
    buf_puts(out, "; ");
    print_due(standing, now_utc_ns, colour, out);
    buf_puts(out, "\n");
    print_line("rto", standing, standing_rto_words, out);
    print_line("pass rate", standing, standing_rate_words, out);
    print_line("to do", standing, standing_open_words, out);
}

static void print_drills(const struct standing *standing, struct buf *out)
{
    for (size_t i = 0; i < standing->count; i++) {
        const struct past_drill *past = standing->drills[i];
        char utc[32];
        (void)clock_format_utc(past->started_utc_ns, utc);
        buf_printf(out, "  %04lld  %.10s %.5s  %-12s  rto ", (long long)past->number, utc, utc + 11,
                   past_outcome_name(past->outcome));
        words_figure(&past->rto, "s", out);
        if (!isnan(past->rto_target_s)) {
            buf_printf(out, ", target %g s", past->rto_target_s);
        }
        buf_printf(out, "%s%s%s%s%s\n", *past->exit_words ? "  " : "", past->exit_words, past->retest_of ? "  retest of " : "",
                   past->retest_of ? past->retest_of : "", past->review_count ? "  reviewed" : "");
    }
}

void programme_history(const struct standings *standings, const char *scenario, int64_t now_utc_ns, bool colour, struct buf *out)
{
    if (standings->count == 0) {
        buf_puts(out, "no drill yet\n");
        return;
    }
    if (!scenario) {
        print_grid(standings, now_utc_ns, out);
    }
    VEC_EACH(standing, standings)
    {
        if (!scenario || str_eq(scenario, standing->scenario)) {
            print_scenario(standing, now_utc_ns, colour, out);
            if (scenario) {
                print_drills(standing, out);
            }
        }
    }
}

static void print_age(const struct standing *standing, int64_t now_utc_ns, struct buf *out)
{
    char day[16], age[32];
    if (!standing->last_pass) {
        buf_printf(out, "  %-10s  %6s", "never", "");
        return;
    }
    (void)str_format(age, sizeof(age), "%lld d",
                     (long long)((now_utc_ns - standing->last_pass->started_utc_ns) / (DAY_S * NS_PER_S)));
    buf_printf(out, "  %-10s  %6s", when_day(standing->last_pass->started_utc_ns, day), age);
}

void programme_due(const struct standings *standings, bool stale_too, int64_t now_utc_ns, bool colour, struct buf *late,
                   struct buf *out)
{
    int width = name_width(standings);
    buf_printf(out, "%-*s  %-10s  %6s  %6s\n", width, "scenario", "last pass", "age", "limit");
    VEC_EACH(standing, standings)
    {
        const struct past_drill *last = standing->last;
        char limit[32], day[16];
        (void)str_format(limit, sizeof(limit), "%lld d", (long long)(standing->limit_ns / (DAY_S * NS_PER_S)));
        buf_printf(out, "%-*.*s", width, width, standing->scenario);
        print_age(standing, now_utc_ns, out);
        buf_printf(out, "  %6s  ", limit);
        print_due(standing, now_utc_ns, colour, out);
        if (last && last != standing->last_pass) {
            buf_printf(out, "; last attempt %s: %s", when_day(last->started_utc_ns, day), last->exit_words);
        }
        buf_puts(out, "\n");
        if (standing->overdue || (stale_too && standing->stale)) {
            buf_printf(late, "%s%s", late->size ? ", " : "", standing->scenario);
        }
    }
}
