/* Figures, objectives and the verdict in words. */
#include "reports/words.h"

#include <math.h>
#include <string.h>
#include <stdio.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { DECIMALS_MAX = 6 };

double words_since(const struct result *result, int64_t t_ns)
{
    return (double)(t_ns - result->origin_ns) / NS_PER_S;
}

const char *words_verdict(enum verdict verdict)
{
    return verdict == VERDICT_PASS ? "PASS" : verdict == VERDICT_FAIL ? "FAIL" : "INCONCLUSIVE";
}

const char *words_judgement(enum judgement judgement)
{
    return judgement == JUDGEMENT_MET ? "PASS" : judgement == JUDGEMENT_MISSED ? "FAIL" : "UNKNOWN";
}

const char *words_outcome(enum request_outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_PENDING] = "never answered",
        [OUTCOME_OK] = "answered as agreed",
        [OUTCOME_REFUSED] = "connection refused or no route",
        [OUTCOME_RESET] = "connection broke",
        [OUTCOME_TIMEOUT_CONNECT] = "timed out while connecting",
        [OUTCOME_TIMEOUT_TLS] = "timed out in the TLS handshake",
        [OUTCOME_TIMEOUT_FIRST_BYTE] = "timed out waiting for the answer",
        [OUTCOME_TIMEOUT_BODY] = "timed out within the answer",
        [OUTCOME_DNS] = "name not resolved",
        [OUTCOME_STATUS] = "wrong HTTP status",
        [OUTCOME_BODY] = "wrong body",
        [OUTCOME_NOT_SENT] = "not sent (the driver's own limit)",
        [OUTCOME_OTHER] = "other",
    };
    return outcome < OUTCOME_COUNT && names[outcome] ? names[outcome] : "unknown";
}

const struct observation *result_worst(const struct result *result)
{
    return result->rto_observation < result->observation_count ? &result->observations[result->rto_observation] : NULL;
}

static bool is_count(const char *unit)
{
    return !unit || !*unit;
}

static int decimals_for(double value, double resolution)
{
    if (resolution > 0) {
        int digits = (int)ceil(-log10(resolution));
        return digits < 0 ? 0 : digits > 3 ? 3 : digits;
    }
    return fabs(value) >= 100 ? 1 : fabs(value) >= 10 || value == 0 ? 2 : 3;
}

static void print_number(double value, int decimals, const char *unit, struct buf *out)
{
    char text[64];
    (void)str_format(text, sizeof(text), "%.*f", decimals, value);
    char *dot = strchr(text, '.');
    size_t size = strlen(text);
    while (dot && size > 1 && (text[size - 1] == '0' || text[size - 1] == '.')) {
        bool whole = text[size - 1] == '.';
        text[--size] = '\0';
        if (whole) {
            break;
        }
    }
    buf_printf(out, "%s%s%s", str_eq(text, "-0") ? "0" : text, is_count(unit) || str_eq(unit, "%") ? "" : " ", unit ? unit : "");
}

static bool prints_alike(double a, double b, int decimals)
{
    char first[64], second[64];
    (void)str_format(first, sizeof(first), "%.*f", decimals, a);
    (void)str_format(second, sizeof(second), "%.*f", decimals, b);
    return str_eq(first, second);
}

void words_value(double value, double resolution, double apart_from, const char *unit, struct buf *out)
{
    int decimals = is_count(unit) && value == floor(value) ? 0 : decimals_for(value, resolution);
    while (decimals < DECIMALS_MAX && isfinite(apart_from) && value != apart_from && prints_alike(value, apart_from, decimals)) {
        decimals++;
    }
    print_number(value, decimals, unit, out);
}

void words_figure_near(const struct figure *figure, double limit, const char *unit, struct buf *out)
{
    if (!figure->measured) {
        buf_printf(out, "not measured%s%s", *figure->why ? ": " : "", figure->why);
        return;
    }
    if (figure->at_least) {
        buf_puts(out, "more than ");
    }
    words_value(figure->value, figure->resolution, limit, unit, out);
    if (!figure->at_least && figure->resolution > 0) {
        buf_puts(out, " ± ");
        words_value(figure->resolution, figure->resolution, NAN, unit, out);
    }
}

void words_figure(const struct figure *figure, const char *unit, struct buf *out)
{
    words_figure_near(figure, NAN, unit, out);
}

double words_limit(const struct result *result, const char *metric)
{
    for (size_t i = 0; i < result->objective_count; i++) {
        if (str_eq(result->objectives[i].metric, metric)) {
            return result->objectives[i].limit;
        }
    }
    return NAN;
}

void words_achieved(const struct objective_result *objective, struct buf *out)
{
    words_figure_near(&objective->measured, objective->limit, objective->unit, out);
}

void words_margin(const struct objective_result *objective, struct buf *out)
{
    const struct figure *measured = &objective->measured;
    if (!measured->measured) {
        return;
    }
    bool upward = objective->comparison && objective->comparison[0] == '>';
    double margin = upward ? measured->value - objective->limit : objective->limit - measured->value;
    if (measured->at_least && margin >= 0) {
        return;
    }
    if (margin == 0) {
        buf_puts(out, objective->limit == 0 ? "" : "at the limit"); /* "0 lost" needs no comment */
        return;
    }
    buf_puts(out, margin > 0 ? "" : measured->at_least ? "over by more than " : upward ? "below by " : "over by ");
    words_value(fabs(margin), measured->resolution, 0, objective->unit, out);
    if (margin > 0) {
        bool inside = margin < measured->resolution;
        buf_puts(out, inside ? " to spare, less than the resolution" : " to spare");
    }
}

void words_instant(const struct result *result, int64_t t_ns, struct buf *out)
{
    if (t_ns == 0) {
        buf_puts(out, "-");
        return;
    }
    buf_printf(out, "%.3f s", words_since(result, t_ns));
}

void words_share(uint64_t part, uint64_t whole, struct buf *out)
{
    if (whole == 0) {
        buf_puts(out, "-");
        return;
    }
    double percent = 100.0 * (double)part / (double)whole;
    buf_printf(out, "%.*f%%", percent > 0 && percent < 1 ? 3 : 1, percent);
}
