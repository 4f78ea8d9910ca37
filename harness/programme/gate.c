/* Scenario and budget become one list of objectives. */
#include "harness/programme/gate.h"

#include <math.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/programme/figure_of.h"

/* One objective that will be judged; `text` is absolute. */
struct entry {
    const struct objective *objective;
    char *text;
    bool dropped; /* another one replaced it */
};

struct merging {
    const struct gate_input *input;
    struct gate *gate;
    VEC(struct objective *) owned;
    VEC(struct entry) entries;
};

static void merging_clear(struct merging *merging)
{
    VEC_EACH(entry, &merging->entries)
    {
        free(entry->text);
    }
    VEC_EACH(objective, &merging->owned)
    {
        objective_free(*objective);
    }
    VEC_CLEAR(&merging->entries);
    VEC_CLEAR(&merging->owned);
}

static void note(struct merging *merging, const struct budget_line *line, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void note(struct merging *merging, const struct budget_line *line, const char *fmt, ...)
{
    struct buf text CLEANUP(buf_clear) = {0};
    va_list args;
    buf_printf(&text, "budget \"%s\" (%s:%d:%d) ", line->objective->text, merging->input->budget->file, line->line, line->column);
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    json_array_append_new(merging->gate->notes, json_string(buf_str(&text)));
}

static int take_scenario(struct merging *merging, struct err *err)
{
    for (size_t i = 0; i < merging->input->objective_count; i++) {
        struct objective *objective = NULL;
        const char *text = merging->input->objectives[i];
        if (objective_parse(text, &objective, err) < 0) {
            return err_prefix(err, "objective \"%s\"", text);
        }
        *VEC_ADD(&merging->owned) = objective;
        *VEC_ADD(&merging->entries) = (struct entry){.objective = objective, .text = xstrdup(text)};
    }
    return 0;
}

/* "rto <= 25.4s": the relative line with the number that it comes to. Counts are whole: a share of a write is no write. Seconds and
 * percents are rounded up to three digits, so that the last PASS itself is never outside. */
static char *absolute_text(const struct objective *objective, double value)
{
    char part[128];
    const char *unit = objective->unit;
    objective_part_text(objective, part, sizeof(part));
    double exact = objective->factor * value;
    double limit = !*unit ? floor(exact + 1e-9) : ceil(exact * 1e3 - 1e-6) / 1e3;
    return xasprintf("%s%s%s %s %.9g%s%s", objective->metric, objective->of ? " of " : "", objective->of ? objective->of : "",
                     objective->strict ? "<" : "<=", limit, unit, part);
}

/* The line's text with an absolute limit, or NULL when it is relative to something that is not there. */
static char *resolve(struct merging *merging, const struct budget_line *line)
{
    const json_t *last_pass = merging->input->last_pass;
    double value = 0;
    if (!line->objective->relative) {
        return xstrdup(line->objective->text);
    }
    if (!last_pass) {
        note(merging, line, "is not judged: no drill of this scenario has passed in '%s'", merging->input->archive);
        return NULL;
    }
    if (!figure_of_report(last_pass, line->objective, &value)) {
        note(merging, line, "is not judged: the last PASS, %s, did not measure it",
             json_str(json_object_get(last_pass, "drill"), "id", "?"));
        return NULL;
    }
    return absolute_text(line->objective, value);
}

static struct entry *find_same(struct merging *merging, const struct objective *objective)
{
    for (size_t i = 0; i < merging->input->objective_count; i++) {
        if (objective_is_same_figure(merging->entries.items[i].objective, objective)) {
            return &merging->entries.items[i];
        }
    }
    return NULL;
}

/* What the line does beside the scenario's own objective on the same figure. */
static const char *weigh(struct merging *merging, const struct budget_line *line, struct entry *same)
{
    int order = same ? objective_compare(line->objective, same->objective) : 0;
    if (!same) {
        return "added";
    }
    if (order == 0) {
        return "same";
    }
    if (order < 0) {
        same->dropped = true;
        return "stricter";
    }
    if (!merging->input->allow_looser) {
        note(merging, line, "is looser than the scenario's \"%s\", which stands (--allow-looser lets it replace it)", same->text);
        return "looser, left out";
    }
    note(merging, line, "is looser than the scenario's \"%s\" and replaces it, as --allow-looser says", same->text);
    same->dropped = true;
    merging->gate->loosened = true;
    return "looser, allowed";
}

static void record(struct merging *merging, const struct budget_line *line, bool warn, const char *effect, const char *judged,
                   const char *replaces)
{
    json_array_append_new(merging->gate->lines,
                          json_pack("{s:s, s:i, s:i, s:b, s:s, s:s?, s:s?}", "written", line->objective->text, "line", line->line,
                                    "column", line->column, "warn", warn, "effect", effect, "judged", judged, "replaces",
                                    replaces));
}

static void take_line(struct merging *merging, const struct budget_line *line)
{
    AUTO_FREE char *text = resolve(merging, line);
    struct entry *same = line->objective->relative ? NULL : find_same(merging, line->objective);
    const char *effect = !text ? "not judged" : weigh(merging, line, same);
    bool judged = text && !str_eq(effect, "same") && !str_eq(effect, "looser, left out");
    record(merging, line, false, effect, judged ? text : NULL, same && same->dropped ? same->text : NULL);
    if (judged) {
        *VEC_ADD(&merging->entries) = (struct entry){.objective = line->objective, .text = TAKE(text)};
    }
}

static void take_warning(struct merging *merging, const struct budget_line *line)
{
    AUTO_FREE char *text = resolve(merging, line);
    record(merging, line, true, text ? "warn" : "not judged", text, NULL);
    if (text) {
        json_array_append_new(merging->gate->warnings, json_string(text));
    }
}

int gate_make(const struct gate_input *input, struct gate *ret_gate, struct err *err)
{
    struct gate gate = {json_array(), json_array(), json_array(), json_array(), false};
    struct merging merging CLEANUP(merging_clear) = {.input = input, .gate = &gate};
    int status = take_scenario(&merging, err);
    for (size_t i = 0; status == 0 && input->own && i < input->own->objective_count; i++) {
        take_line(&merging, &input->own->objectives[i]);
    }
    for (size_t i = 0; status == 0 && input->own && i < input->own->warning_count; i++) {
        take_warning(&merging, &input->own->warnings[i]);
    }
    if (status < 0) {
        gate_clear(&gate);
        return status;
    }
    VEC_EACH(entry, &merging.entries)
    {
        if (!entry->dropped) {
            json_array_append_new(gate.objectives, json_string(entry->text));
        }
    }
    *ret_gate = gate;
    return 0;
}

void gate_clear(struct gate *gate)
{
    json_decref(gate->objectives);
    json_decref(gate->warnings);
    json_decref(gate->lines);
    json_decref(gate->notes);
    *gate = (struct gate){0};
}
