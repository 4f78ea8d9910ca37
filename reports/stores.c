/* What each store itself had, and when two were primary at once, in report.json. */
#include "reports/stores.h"

#include "harness/base/str.h"
#include "reports/words.h"

static json_t *real_or_null(bool known, double value)
{
    return known ? json_real(value) : json_null();
}

static json_t *names_of(const struct stores_result *stores, uint32_t mask)
{
    json_t *names = json_array();
    for (size_t i = 0; i < stores->count; i++) {
        if (mask & 1U << i) {
            json_array_append_new(names, json_string(stores->names[i]));
        }
    }
    return names;
}

static json_t *describe_contents(const struct stores_result *stores, const struct store_comparison *comparison)
{
    json_t *array = json_array();
    for (size_t i = 0; i < stores->count; i++) {
        const struct store_content *content = &comparison->contents[i];
        json_array_append_new(
            array, json_pack("{s:s, s:b, s:s?, s:I, s:I, s:I, s:I}", "name", stores->names[i], "complete", content->complete,
                             "reason", content->reason, "has", (json_int_t)content->has, "missing", (json_int_t)content->missing,
                             "only_here", (json_int_t)content->only_here, "unacknowledged", (json_int_t)content->unacknowledged));
    }
    return array;
}

static json_t *describe_comparisons(const struct result *result)
{
    const struct stores_result *stores = &result->stores;
    json_t *array = json_array();
    for (size_t i = 0; i < stores->comparison_count; i++) {
        const struct store_comparison *comparison = &stores->comparisons[i];
        json_array_append_new(array,
                              json_pack("{s:s, s:f, s:I, s:I, s:o, s:o}", "label", comparison->label, "at",
                                        words_since(result, comparison->t_ns), "asked", (json_int_t)comparison->asked,
                                        "divergent", (json_int_t)comparison->divergent, "forked",
                                        names_of(stores, comparison->forked), "stores", describe_contents(stores, comparison)));
    }
    return array;
}

static json_t *describe_writes(const struct stores_result *stores)
{
    json_t *array = json_array();
    for (size_t i = 0; i < stores->write_count; i++) {
        json_t *on = json_array();
        for (size_t j = 0; j < stores->comparison_count; j++) {
            json_array_append_new(on, names_of(stores, stores->writes[i].on[j]));
        }
        json_array_append_new(array, json_pack("{s:s, s:o}", "id", stores->writes[i].id, "on", on));
    }
    return array;
}

static json_t *describe_primaries(const struct result *result)
{
    const struct stores_result *stores = &result->stores;
    const struct figure *figure = &stores->two_primaries;
    json_t *spans = json_array();
    for (size_t i = 0; i < stores->span_count; i++) {
        const struct primaries_span *span = &stores->spans[i];
        json_array_append_new(spans, json_pack("{s:f, s:f, s:o}", "begin", words_since(result, span->begin_ns), "end",
                                               words_since(result, span->end_ns), "stores", names_of(stores, span->mask)));
    }
    return json_pack("{s:o, s:o, s:s?, s:o}", "seconds", real_or_null(figure->measured, figure->value), "resolution_seconds",
                     real_or_null(figure->measured, figure->resolution), "why", figure->measured ? NULL : figure->why, "spans",
                     spans);
}

json_t *stores_json(const struct result *result)
{
    const struct stores_result *stores = &result->stores;
    const struct figure *divergent = &stores->divergent;
    bool known = divergent->measured && !divergent->at_least;
    return json_pack("{s:o, s:o, s:o, s:s?, s:o, s:o, s:o}", "names", names_of(stores, UINT32_MAX), "divergent",
                     known ? json_integer((json_int_t)stores->write_count) : json_null(), "more_than",
                     divergent->at_least ? json_integer((json_int_t)stores->write_count) : json_null(), "why",
                     divergent->measured ? NULL : divergent->why, "comparisons", describe_comparisons(result), "divergent_writes",
                     describe_writes(stores), "two_primaries", describe_primaries(result));
}
