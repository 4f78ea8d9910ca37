/* The order in which layers failed over, against the one that the scenario declares.
 *
 * A layer is an observer, or a group of them, and has failed over with the first event at or after the first disruption in which
 *   role         another database becomes primary
 *   dns, state   the address that is answered is in another region than the one before
 * An observer that asks every so often says up to when: the true instant lies within bound_ns before. A layer is out of order when it failed
 * over before one which is declared before it, by more than that leaves open, or when that one never did. */
#include <string.h>

#include "harness/base/str.h"
#include "harness/measure/measurement.h"

/* "role" is "role us-east-db" too. */
static bool is_of_layer(const char *subject, const char *name)
{
    size_t length = strlen(name);
    return str_starts_with(subject, name) && (subject[length] == '\0' || subject[length] == ' ');
}

static bool fails_over(const struct measurement *measurement, const json_t *event)
{
    const json_t *events = measurement->evidence->events;
    const char *to = json_str(event, "to", ""), *before = measure_seen_before(events, event, measure_is_answer);
    char from_region[64], to_region[64];
    if (measure_is_promotion(events, event)) {
        return true;
    }
    if (!measure_is_answer(to) || !measure_is_answer(before)) {
        return false;
    }
    measure_region_of(measurement, before, from_region);
    measure_region_of(measurement, to, to_region);
    return !str_eq(from_region, to_region);
}

static void date_layer(const struct measurement *measurement, struct layer_result *layer)
{
    size_t index;
    json_t *event;
    json_array_foreach(measurement->evidence->events, index, event)
    {
        const char *subject = json_str(event, "subject", "");
        int64_t t_ns = json_int(event, "t", 0);
        if (t_ns >= measurement->result->origin_ns && is_of_layer(subject, layer->name) && fails_over(measurement, event)) {
            layer->seen_ns = t_ns;
            layer->bound_ns = json_int(event, "bound_ns", 0);
            layer->source = xasprintf("%s: %s to %s", subject, json_str(event, "from", "?"), json_str(event, "to", "?"));
            return;
        }
    }
}

/* The first of those declared before it that this one did not wait for; NULL when it waited for all. */
static const struct layer_result *not_waited_for(const struct result *result, size_t index)
{
    const struct layer_result *layer = &result->layers[index];
    for (size_t i = 0; i < index && layer->seen_ns; i++) {
        const struct layer_result *earlier = &result->layers[i];
        if (!earlier->seen_ns || layer->seen_ns <= earlier->seen_ns - earlier->bound_ns) {
            return earlier;
        }
    }
    return NULL;
}

static void tell_layer(struct measurement *measurement, size_t index)
{
    const struct layer_result *layer = &measurement->result->layers[index], *late = not_waited_for(measurement->result, index);
    double after_s = seconds_of(layer->seen_ns - measurement->result->origin_ns);
    if (!layer->seen_ns) {
        measure_finding(measurement, "The layer '%s' did not fail over.", layer->name);
    } else if (!late) {
        measure_finding(measurement, "The layer '%s' failed over %.2f s after the first disruption (%s).", layer->name, after_s,
                        layer->source);
    } else if (late->seen_ns) {
        measure_finding(measurement, "The layer '%s' failed over %.2f s after the first disruption (%s), %.2f s before '%s'.",
                        layer->name, after_s, layer->source, seconds_of(late->seen_ns - layer->seen_ns), late->name);
    } else {
        measure_finding(measurement, "The layer '%s' failed over %.2f s after the first disruption (%s), '%s' not at all.",
                        layer->name, after_s, layer->source, late->name);
    }
}

static struct figure count_out_of_order(const struct result *result)
{
    struct figure figure = {.measured = true};
    const char *unseen = NULL;
    for (size_t i = 0; i < result->layer_count; i++) {
        figure.value += not_waited_for(result, i) != NULL;
        unseen = result->layers[i].seen_ns ? unseen : result->layers[i].name;
    }
    return figure.value == 0 && unseen ? figure_unknown("the layer '%s' was not seen to fail over", unseen) : figure;
}

void measure_order(struct measurement *measurement)
{
    struct result *result = measurement->result;
    const json_t *order = json_object_get(measurement->evidence->plan, "order");
    size_t index;
    json_t *name;
    result->out_of_order = figure_unknown(json_array_size(order) ? "nothing was broken" : "the scenario declares no order");
    if (!result->disrupted || json_array_size(order) == 0) {
        return;
    }
    result->layers = xcalloc(json_array_size(order), sizeof(*result->layers));
    json_array_foreach(order, index, name)
    {
        struct layer_result *layer = &result->layers[result->layer_count++];
        layer->name = xstrdup(json_is_string(name) ? json_string_value(name) : "");
        date_layer(measurement, layer);
    }
    for (size_t i = 0; i < result->layer_count; i++) {
        tell_layer(measurement, i);
    }
    result->out_of_order = count_out_of_order(result);
}
