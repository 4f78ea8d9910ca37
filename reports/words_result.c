/* The result in sentences: the verdict's, the loss', the clean-up's and the faults'. */
#include "reports/words.h"

#include <math.h>
#include <string.h>

#include "harness/base/str.h"

static void say_recovery(const struct result *result, struct buf *out)
{
    const struct observation *worst = result_worst(result);
    const char *cause = worst && worst->cause ? worst->cause : "the disruption";
    double limit_s = words_limit(result, "rto");
    if (!result->disrupted) {
        buf_puts(out, "No fault was injected, so recovery was not tested");
        return;
    }
    if (!result->rto.measured) {
        buf_printf(out, "The recovery time was not measured%s%s", *result->rto.why ? ": " : "", result->rto.why);
        return;
    }
    if (result->rto.at_least) {
        buf_printf(out, "After “%s” users were still not served when observation ended, more than ", cause);
    } else if (result->rto.value == 0) {
        buf_puts(out, "The faults caused no outage that users could see");
        return;
    } else {
        buf_printf(out, "After “%s” users were served again in ", cause);
    }
    words_value(result->rto.value, result->rto.resolution, limit_s, "s", out);
    buf_puts(out, result->rto.at_least ? " later" : "");
    if (isfinite(limit_s)) {
        buf_puts(out, "; the limit is ");
        words_value(limit_s, 0, NAN, "s", out);
    }
}

static void say_loss(const struct result *result, struct buf *out)
{
    const struct loss *loss = &result->loss;
    if (!loss->measured) {
        buf_printf(out, ". Loss of writes was not measured%s%s.", *loss->why ? ": " : "", loss->why);
    } else if (loss->lost == 0) {
        buf_printf(out, ". None of %llu acknowledged writes was lost.", (unsigned long long)loss->acknowledged);
    } else {
        buf_printf(out, ". %llu of %llu acknowledged writes %s lost.", (unsigned long long)loss->lost,
                   (unsigned long long)loss->acknowledged, loss->lost == 1 ? "was" : "were");
    }
}

static void say_conclusion(const struct result *result, struct buf *out)
{
    static const char *const words[CONCLUSION_COUNT] = {
        [CONCLUSION_ABORTED] = "The drill was aborted",
        [CONCLUSION_TIMED_OUT] = "The drill ran out of time",
        [CONCLUSION_ERROR] = "The drill failed to run as planned",
    };
    if (words[result->conclusion]) {
        bool why = result->conclusion_reason && *result->conclusion_reason;
        buf_printf(out, "%s%s%s. ", words[result->conclusion], why ? ": " : "", why ? result->conclusion_reason : "");
    } else if (result->verdict == VERDICT_INCONCLUSIVE) {
        const char *open = result->exit_words ? strchr(result->exit_words, '(') : NULL; /* "INCONCLUSIVE (fault f1 not proven)" */
        int size = open ? (int)strcspn(open + 1, ")") : 0;
        buf_printf(out, "The drill could not be judged%s%.*s. ", size ? ": " : "", size, open ? open + 1 : "");
    }
}

bool words_trouble(const struct result *result)
{
    bool explained = result->exit_code == 0;
    for (size_t i = 0; i < result->objective_count; i++) {
        explained |= result->objectives[i].judgement != JUDGEMENT_MET;
    }
    return !explained || result->conclusion != CONCLUSION_COMPLETED || (result->residue_checked && !result->clean);
}

void words_sentence(const struct result *result, struct buf *out)
{
    if (result->residue_checked && !result->clean) {
        buf_puts(out, "SOMETHING WAS LEFT BEHIND and may still be injected. ");
    }
    say_conclusion(result, out);
    say_recovery(result, out);
    say_loss(result, out);
}

/* Without a worst observation, the phases of the first cause that has some. */
static const char *phases_cause(const struct result *result)
{
    const struct observation *worst = result_worst(result);
    return worst ? worst->cause : result->phase_count ? result->phases[0].cause : NULL;
}

void words_phases(const struct result *result, struct buf *out)
{
    const char *cause = phases_cause(result);
    const char *separator = "";
    for (size_t i = 0; i < result->phase_count; i++) {
        const struct phase *phase = &result->phases[i];
        if (phase->cause && cause && !str_eq(phase->cause, cause)) {
            continue;
        }
        buf_printf(out, "%s%s ", separator, phase->name);
        words_value((double)(phase->end_ns - phase->start_ns) / 1e9, 0.01, NAN, "s", out);
        separator = " | ";
    }
}

void words_loss(const struct result *result, struct buf *out)
{
    const struct loss *loss = &result->loss;
    if (!loss->measured) {
        buf_printf(out, "not measured%s%s", *loss->why ? ": " : "", loss->why);
        return;
    }
    buf_printf(out, "%llu of %llu acknowledged writes lost", (unsigned long long)loss->lost,
               (unsigned long long)loss->acknowledged);
    if (loss->lost > 0) {
        buf_printf(out, " (%llu acknowledged during the outage)", (unsigned long long)loss->lost_during_outage);
    }
    buf_printf(out, ", %llu duplicated", (unsigned long long)loss->duplicated);
    if (loss->unknown_present + loss->unknown_absent > 0) {
        buf_printf(out, "; of %llu unanswered writes %llu took effect",
                   (unsigned long long)(loss->unknown_present + loss->unknown_absent), (unsigned long long)loss->unknown_present);
    }
}

void words_cleanup(const struct result *result, struct buf *out)
{
    size_t index;
    const json_t *left;
    if (!result->residue_checked) {
        buf_puts(out, "not checked");
        return;
    }
    if (result->clean) {
        buf_puts(out, "nothing left behind");
        return;
    }
    buf_puts(out, "LEFT BEHIND: ");
    json_array_foreach(result->residue_left, index, left)
    {
        buf_printf(out, "%s%s", index ? "; " : "", json_is_string(left) ? json_string_value(left) : "?");
    }
    if (json_array_size(result->residue_left) == 0) {
        buf_puts(out, "something (it was not named)");
    }
}

void words_fault(const struct fault_result *fault, struct buf *out)
{
    buf_printf(out, "%s %s", fault->fault ? fault->fault : "fault", fault->target ? fault->target : "");
}

void words_fault_state(const struct result *result, const struct fault_result *fault, struct buf *out)
{
    if (!fault->applied) {
        buf_puts(out, "never in force");
        return;
    }
    buf_printf(out, "in force from %.3f s", words_since(result, fault->applied_after_ns));
    if (fault->removed_ns) {
        buf_printf(out, " to %.3f s", words_since(result, fault->removed_ns));
    }
    buf_puts(out, fault->proven ? ", proven" : ", NOT PROVEN");
    buf_puts(out, !fault->removed ? ", NOT REMOVED" : "");
    buf_puts(out, fault->removed && fault->residue && !fault->clean ? ", LEFT TRACES" : "");
}

void words_alert(const struct alert_result *alert, struct buf *out)
{
    buf_puts(out, alert->must_fire ? "fire" : alert->may_fire ? "fire or not" : "stay quiet");
    if (alert->may_fire && alert->after) {
        buf_printf(out, " after %s", alert->after);
    }
}

void words_covered(const struct covered_part *parts, size_t count, enum covered covered, struct buf *out)
{
    size_t before = out->size;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].covered == covered) {
            buf_printf(out, "%s%s", out->size > before ? ", " : "", parts[i].name);
        }
    }
}
