/* Layers as declared, each with the instant at which it was seen to fail over. */
#include "reports/order.h"

#include "harness/base/clock.h"
#include "reports/words.h"

static json_t *seconds(double value)
{
    json_t *number = json_real(value);
    return number ? number : json_null();
}

json_t *order_describe(const struct result *result)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < result->layer_count; i++) {
        const struct layer_result *layer = &result->layers[i];
        json_t *item = json_object();
        json_object_set_new(item, "layer", json_string(layer->name));
        json_object_set_new(item, "at", layer->seen_ns ? seconds(words_since(result, layer->seen_ns)) : json_null());
        json_object_set_new(item, "bound_seconds", layer->seen_ns ? seconds((double)layer->bound_ns / NS_PER_S) : json_null());
        json_object_set_new(item, "source", layer->source ? json_string(layer->source) : json_null());
        json_array_append_new(layers, item);
    }
    json_t *count = result->out_of_order.measured ? json_integer((json_int_t)result->out_of_order.value) : json_null();
    return json_pack("{s:o, s:o}", "out_of_order", count, "layers", layers);
}
