/* The verdict over all objectives, and the exit code with its words.
 *
 * FAIL: at least one objective missed. INCONCLUSIVE: none missed, but something stands against believing that all are met. */
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/measure/measurement.h"

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_INCONCLUSIVE = 3, EXIT_ABORTED = 4, EXIT_CLEANUP = 5 };

/* Metrics that were missed, "rto, lost"; the same one is named once. */
static void list_missed(const struct result *result, struct buf *out)
{
    for (size_t i = 0; i < result->objective_count; i++) {
        bool named = false;
        for (size_t j = 0; j < i; j++) {
            named |= result->objectives[j].judgement == JUDGEMENT_MISSED &&
                     str_eq(result->objectives[j].metric, result->objectives[i].metric);
        }
        if (result->objectives[i].judgement == JUDGEMENT_MISSED && !named) {
            buf_printf(out, "%s%s", out->size ? ", " : "", result->objectives[i].metric);
        }
    }
}

static void add_doubt(struct buf *out, const char *text)
{
    buf_printf(out, "%s%s", out->size ? ", " : "", text);
}

static void list_unknown(const struct result *result, struct buf *out)
{
    for (size_t i = 0; i < result->objective_count; i++) {
        const struct objective_result *objective = &result->objectives[i];
        bool reads_back =
            str_eq(objective->metric, "lost") || str_eq(objective->metric, "rpo") || str_eq(objective->metric, "duplicated");
        char text[64];
        if (objective->judgement != JUDGEMENT_UNKNOWN) {
            continue;
        }
        (void)str_format(text, sizeof(text),
                         objective->measured.measured && !objective->measured.at_least ? "%s within the clocks' bound"
                                                                                       : "%s not measured",
                         objective->metric);
        const char *doubt = reads_back && str_starts_with(result->loss.why, "read-back") ? "read-back incomplete" : text;
        if (!strstr(buf_str(out), doubt)) {
            add_doubt(out, doubt);
        }
    }
}

/* What stands against a verdict that rests on measured objectives alone. */
static void list_doubts(const struct measurement *measurement, struct buf *out)
{
    const struct result *result = measurement->result;
    char text[96];
    if (result->conclusion == CONCLUSION_ERROR) {
        add_doubt(out, measurement->ended ? "error" : "killed");
    } else if (result->conclusion == CONCLUSION_TIMED_OUT) {
        add_doubt(out, "timed out");
    }
    if (measurement->steady_failed || measurement->baseline_failed) {
        add_doubt(out, "not healthy before the drill");
    }
    for (size_t i = 0; i < result->fault_count; i++) {
        if (result->faults[i].requested_ns && !result->faults[i].proven) {
            (void)str_format(text, sizeof(text), "fault %s not proven", result->faults[i].fault_id);
            add_doubt(out, text);
        }
    }
    if (measurement->driver_late) {
        add_doubt(out, "the driver was late");
    }
    if (measurement->driver_unsent) {
        add_doubt(out, "too many requests not sent");
    }
    if (result->objective_count == 0) {
        add_doubt(out, "no objective");
    }
    list_unknown(result, out);
}

static bool is_dirty(const struct result *result)
{
    if (result->residue_checked) {
        return !result->clean;
    }
    for (size_t i = 0; i < result->fault_count; i++) {
        if (result->faults[i].residue && !result->faults[i].clean) {
            return true;
        }
    }
    return false;
}

static void set_exit(struct result *result, int code, const char *word, const char *reason)
{
    result->exit_code = code;
    result->exit_words = *reason ? xasprintf("%s (%s)", word, reason) : xstrdup(word);
}

void measure_verdict(struct measurement *measurement)
{
    struct result *result = measurement->result;
    struct buf missed CLEANUP(buf_clear) = {0};
    struct buf doubts CLEANUP(buf_clear) = {0};
    list_missed(result, &missed);
    list_doubts(measurement, &doubts);
    bool completed = result->conclusion == CONCLUSION_COMPLETED;
    result->verdict = missed.size ? VERDICT_FAIL : doubts.size || !completed ? VERDICT_INCONCLUSIVE : VERDICT_PASS;
    if (is_dirty(result)) {
        set_exit(result, EXIT_CLEANUP, "CLEANUP FAILED", "something may still be injected");
    } else if (result->conclusion == CONCLUSION_ABORTED) {
        set_exit(result, EXIT_ABORTED, "ABORTED", *result->conclusion_reason ? result->conclusion_reason : "interrupted");
    } else if (result->verdict == VERDICT_FAIL) {
        set_exit(result, EXIT_FAIL, "FAIL", buf_str(&missed));
    } else if (result->verdict == VERDICT_INCONCLUSIVE) {
        set_exit(result, EXIT_INCONCLUSIVE, "INCONCLUSIVE", buf_str(&doubts));
    } else {
        set_exit(result, EXIT_PASS, "PASS", "");
    }
}
