/* Seconds into columns. */
#include "reports/columns.h"

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/words.h"

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static void add_bin(struct column *column, const struct second_bin *bin)
{
    column->ok += bin->ok;
    column->failed += bin->failed;
    column->timed_out += bin->timed_out;
    column->not_sent += bin->not_sent;
    column->p50_s = larger(column->p50_s, bin->p50_s);
    column->p95_s = larger(column->p95_s, bin->p95_s);
    column->p99_s = larger(column->p99_s, bin->p99_s);
    column->bin_count++;
}

static void finish(struct columns *columns, struct column *column)
{
    double seconds = (double)column->bin_count;
    column->ok /= seconds;
    column->failed /= seconds;
    column->timed_out /= seconds;
    column->not_sent /= seconds;
    column->to_s = column->from_s + seconds;
    columns->rate_max = larger(columns->rate_max, column->ok + column->failed + column->timed_out + column->not_sent);
    columns->latency_max_s = larger(columns->latency_max_s, column->p99_s);
}

static void cover(struct columns *columns, const struct result *result, int64_t t_ns)
{
    if (t_ns) {
        double t_s = words_since(result, t_ns);
        columns->from_s = t_s < columns->from_s ? t_s : columns->from_s;
        columns->to_s = larger(columns->to_s, t_s);
    }
}

static void cover_instants(struct columns *columns, const struct result *result)
{
    for (size_t i = 0; i < result->observation_count; i++) {
        cover(columns, result, result->observations[i].disruption_ns);
        cover(columns, result, result->observations[i].watched_until_ns);
    }
    for (size_t i = 0; i < result->fault_count; i++) {
        cover(columns, result, result->faults[i].requested_ns);
        cover(columns, result, result->faults[i].removed_ns);
    }
}

static bool is_quiet(const struct second_bin *bin)
{
    return bin->failed + bin->timed_out + bin->not_sent == 0;
}

/* Widen [*from, *to) so that the bin of that instant is in it; 0 is no instant. */
static void include_instant(const struct result *result, int64_t t_ns, size_t *from, size_t *to)
{
    int64_t second = (t_ns - result->bins[0].start_ns) / NS_PER_S;
    if (t_ns && second >= 0 && second < (int64_t)result->bin_count) {
        *from = (size_t)second < *from ? (size_t)second : *from;
        *to = (size_t)second + 1 > *to ? (size_t)second + 1 : *to;
    }
}

/* The bins in which something happened: failures, disruptions, recoveries with their hold. */
static void find_story(const struct result *result, size_t *from, size_t *to)
{
    *from = result->bin_count;
    *to = 0;
    for (size_t i = 0; i < result->bin_count; i++) {
        if (!is_quiet(&result->bins[i])) {
            include_instant(result, result->bins[i].start_ns, from, to);
        }
    }
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct observation *observation = &result->observations[i];
        include_instant(result, observation->disruption_ns, from, to);
        include_instant(result, observation->recovery_ns ? observation->recovery_ns + result->method.hold_ns : 0, from, to);
    }
    for (size_t i = 0; i < result->fault_count; i++) {
        include_instant(result, result->faults[i].requested_ns, from, to);
        include_instant(result, result->faults[i].removed_ns, from, to);
    }
}

/* The story with a third of its length on both sides, when that leaves out at least half of the drill. */
static void choose_bins(struct columns *columns, const struct result *result)
{
    enum { MARGIN_LEAST = 10 };
    size_t from, to;
    columns->bin_count = result->bin_count;
    find_story(result, &from, &to);
    if (from >= to) {
        return;
    }
    size_t margin = (to - from) / 3 > MARGIN_LEAST ? (to - from) / 3 : MARGIN_LEAST;
    from = from > margin ? from - margin : 0;
    to = to + margin < result->bin_count ? to + margin : result->bin_count;
    if ((to - from) * 2 < result->bin_count) {
        columns->first_bin = from;
        columns->bin_count = to - from;
    }
}

struct columns *columns_new(const struct result *result)
{
    struct columns *columns = xcalloc(1, sizeof(*columns));
    choose_bins(columns, result);
    size_t end = columns->first_bin + columns->bin_count;
    columns->step = (columns->bin_count + COLUMNS_MAX - 1) / COLUMNS_MAX;
    for (size_t i = columns->first_bin; i < end; i += columns->step) {
        struct column *column = &columns->items[columns->count++];
        column->first_bin = i;
        column->from_s = words_since(result, result->bins[i].start_ns);
        for (size_t j = i; j < i + columns->step && j < end; j++) {
            add_bin(column, &result->bins[j]);
        }
        finish(columns, column);
    }
    if (columns->count > 0) {
        columns->from_s = columns->items[0].from_s;
        columns->to_s = columns->items[columns->count - 1].to_s;
    }
    if (columns->bin_count == result->bin_count) {
        cover_instants(columns, result);
    }
    if (columns->to_s - columns->from_s < 1) {
        columns->to_s = columns->from_s + 1;
    }
    return columns;
}
