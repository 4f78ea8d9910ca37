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

struct columns *columns_new(const struct result *result)
{
    struct columns *columns = xcalloc(1, sizeof(*columns));
    columns->step = (result->bin_count + COLUMNS_MAX - 1) / COLUMNS_MAX;
    for (size_t i = 0; i < result->bin_count; i += columns->step) {
        struct column *column = &columns->items[columns->count++];
        column->first_bin = i;
        column->from_s = words_since(result, result->bins[i].start_ns);
        for (size_t j = i; j < i + columns->step && j < result->bin_count; j++) {
            add_bin(column, &result->bins[j]);
        }
        finish(columns, column);
    }
    if (columns->count > 0) {
        columns->from_s = columns->items[0].from_s;
        columns->to_s = columns->items[columns->count - 1].to_s;
    }
    cover_instants(columns, result);
    if (columns->to_s - columns->from_s < 1) {
        columns->to_s = columns->from_s + 1;
    }
    return columns;
}
