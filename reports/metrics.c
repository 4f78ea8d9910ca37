/* metrics.prom: the headline figures for Prometheus' textfile collector and GitLab's metrics report; so without timestamps.
 * What was not measured is left out. */
#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/xml.h"

/* {name="value"} with the escapes of the format. */
static void print_label(struct buf *out, const char *name, const char *value)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    xml_clean_text(value ? value : "", &clean);
    buf_printf(out, "%s=\"", name);
    for (const char *byte = buf_str(&clean); *byte; byte++) {
        const char *escaped = *byte == '\\' ? "\\\\" : *byte == '"' ? "\\\"" : *byte == '\n' ? "\\n" : NULL;
        buf_add(out, escaped ? escaped : byte, escaped ? 2 : 1);
    }
    buf_puts(out, "\"");
}

static void describe(struct buf *out, const char *name, const char *unit, const char *help)
{
    buf_printf(out, "# TYPE %s gauge\n", name);
    if (unit) {
        buf_printf(out, "# UNIT %s %s\n", name, unit);
    }
    buf_printf(out, "# HELP %s %s\n", name, help);
}

static void sample(struct buf *out, const struct result *result, const char *name, const char *label, const char *value,
                   double number)
{
    buf_printf(out, "%s{", name);
    print_label(out, "scenario", result->scenario);
    if (label) {
        buf_puts(out, ",");
        print_label(out, label, value);
    }
    buf_printf(out, "} %.10g\n", number);
}

static void gauge(struct buf *out, const struct result *result, const char *name, const char *unit, const char *help,
                  double number)
{
    describe(out, name, unit, help);
    sample(out, result, name, NULL, NULL, number);
}

static void print_verdict(struct buf *out, const struct result *result)
{
    static const struct {
        enum verdict verdict;
        const char *name;
    } verdicts[] = {{VERDICT_PASS, "pass"}, {VERDICT_FAIL, "fail"}, {VERDICT_INCONCLUSIVE, "inconclusive"}};
    enum verdict verdict = result->verdict == VERDICT_NONE ? VERDICT_INCONCLUSIVE : result->verdict;
    describe(out, "drill_verdict", NULL, "1 for the verdict of the last drill of this scenario.");
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        sample(out, result, "drill_verdict", "verdict", verdicts[i].name, verdicts[i].verdict == verdict);
    }
    gauge(out, result, "drill_exit_code", NULL, "Exit code of the last drill.", result->exit_code);
}

static void print_target(struct buf *out, const struct result *result, const char *metric, const char *name, const char *help)
{
    for (size_t i = 0; i < result->objective_count; i++) {
        if (str_eq(result->objectives[i].metric, metric)) {
            gauge(out, result, name, "seconds", help, result->objectives[i].limit);
            return;
        }
    }
}

static void print_recovery(struct buf *out, const struct result *result)
{
    const struct figure *rto = &result->rto, *rpa = &result->loss.rpa;
    if (rto->measured) {
        gauge(out, result, "drill_recovered", NULL, "1 when service was back while drill watched.", !rto->at_least);
    }
    if (rto->measured && !rto->at_least) {
        gauge(out, result, "drill_rto_seconds", "seconds", "Recovery time achieved, worst observation.", rto->value);
        gauge(out, result, "drill_rto_resolution_seconds", "seconds", "Resolution of drill_rto_seconds.", rto->resolution);
    }
    print_target(out, result, "rto", "drill_rto_target_seconds", "Recovery time objective.");
    if (result->loss.measured && rpa->measured) {
        gauge(out, result, "drill_rpo_seconds", "seconds", "Recovery point achieved.", rpa->value);
    }
    print_target(out, result, "rpo", "drill_rpo_target_seconds", "Recovery point objective.");
    if (result->loss.measured) {
        gauge(out, result, "drill_writes_acknowledged", NULL, "Writes that the system had acknowledged.",
              (double)result->loss.acknowledged);
        gauge(out, result, "drill_writes_lost", NULL, "Acknowledged writes that could not be read back.",
              (double)result->loss.lost);
    }
}

static void print_requests(struct buf *out, const struct result *result)
{
    describe(out, "drill_requests", NULL, "Requests of the last drill by result.");
    sample(out, result, "drill_requests", "result", "ok", (double)result->requests.ok);
    sample(out, result, "drill_requests", "result", "failed", (double)result->requests.failed);
    sample(out, result, "drill_requests", "result", "timed_out", (double)result->requests.timed_out);
    sample(out, result, "drill_requests", "result", "not_sent", (double)result->requests.not_sent);
}

static void print_times(struct buf *out, const struct result *result)
{
    double ended_s = floor((double)result->ended_utc_ns / NS_PER_S);
    gauge(out, result, "drill_last_run_timestamp_seconds", "seconds", "When the last drill ended, in seconds since 1970.",
          ended_s);
    if (result->verdict == VERDICT_PASS) {
        gauge(out, result, "drill_last_pass_timestamp_seconds", "seconds", "When the last drill that passed ended.", ended_s);
    }
}

static void print_info(struct buf *out, const struct result *result)
{
    const char *version = json_str(result->environment, "tool", "unknown");
    const char *digest = json_str(result->environment, "scenario_sha256", NULL);
    describe(out, "drill_info", NULL, "What ran.");
    buf_puts(out, "drill_info{");
    print_label(out, "scenario", result->scenario);
    buf_puts(out, ",");
    print_label(out, "version", str_starts_with(version, "drill ") ? version + strlen("drill ") : version);
    if (digest) {
        buf_puts(out, ",");
        print_label(out, "scenario_sha256", digest);
    }
    buf_puts(out, "} 1\n# EOF\n");
}

static int write_metrics(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    (void)context;
    AUTO_FREE char *path = xasprintf("%s/metrics.prom", folder);
    struct buf out CLEANUP(buf_clear) = {0};
    print_verdict(&out, result);
    print_recovery(&out, result);
    print_requests(&out, result);
    print_times(&out, result);
    print_info(&out, result);
    return fd_write_file_atomic(path, buf_str(&out), out.size, err);
}

const struct report_ops report_metrics = {.name = "metrics",
                                          .file_name = "metrics.prom",
                                          .summary = "headline figures for Prometheus and GitLab",
                                          .write = write_metrics};
