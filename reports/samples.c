/* samples.csv: one line a second, by the time at which requests were due, for spreadsheets. */
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"

static void print_latency(struct buf *out, const struct second_bin *bin, double seconds)
{
    if (bin->p50_s > 0 || bin->p99_s > 0) {
        buf_printf(out, ",%.6f", seconds);
    } else {
        buf_puts(out, ","); /* nothing was answered */
    }
}

static void print_bin(struct buf *out, const struct result *result, const struct second_bin *bin)
{
    buf_printf(out, "%.3f,%u,%u,%u,%u", words_since(result, bin->start_ns), bin->ok, bin->failed, bin->timed_out, bin->not_sent);
    for (int i = OUTCOME_PENDING; i < OUTCOME_COUNT; i++) {
        buf_printf(out, ",%u", bin->by_outcome[i]);
    }
    print_latency(out, bin, bin->p50_s);
    print_latency(out, bin, bin->p95_s);
    print_latency(out, bin, bin->p99_s);
    buf_puts(out, "\n");
}

static int write_samples(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    (void)context;
    AUTO_FREE char *path = xasprintf("%s/samples.csv", folder);
    struct buf out CLEANUP(buf_clear) = {0};
    buf_puts(&out, "seconds_since_disruption,ok,failed,timed_out,not_sent");
    for (int i = OUTCOME_PENDING; i < OUTCOME_COUNT; i++) {
        buf_printf(&out, ",outcome_%s", outcome_name((enum request_outcome)i));
    }
    buf_puts(&out, ",p50_seconds,p95_seconds,p99_seconds\n");
    for (size_t i = 0; i < result->bin_count; i++) {
        print_bin(&out, result, &result->bins[i]);
    }
    return fd_write_file_atomic(path, buf_str(&out), out.size, err);
}

const struct report_ops report_samples = {
    .name = "samples", .file_name = "samples.csv", .summary = "requests and latency of every second", .write = write_samples};
