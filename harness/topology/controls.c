/* `controls:` what an operator can turn in a planned change, and how it is read and set. */
#include "harness/topology/reader.h"

#include "harness/base/clock.h"

struct control_fields {
    char *place;
    int64_t timeout_ns;
};
#define FIELD(member) offsetof(struct control_fields, member)
static const struct param control_table[] = {
    {.name = "place",
     .type = PARAM_STRING,
     .offset = FIELD(place),
     .help = "host whose agent runs the commands; default: where `each` is"},
    {.name = "timeout",
     .type = PARAM_DURATION,
     .offset = FIELD(timeout_ns),
     .fallback = "10s",
     .min = 100 * NS_PER_MS,
     .max = 600 * NS_PER_S,
     .help = "within it a value that was set has taken effect"},
    {.type = PARAM_END},
};
#undef FIELD

static int read_commands(const struct node *node, const struct scope *scope, struct topology_control *control, struct err *err)
{
    int status = reader_command(scope, node_get(node, "get"), "get", &control->get, &control->get_count, err);
    if (status == 0) {
        status = reader_command(scope, node_get(node, "set"), "set", &control->set, &control->set_count, err);
    }
    if (status == 0) {
        status = reader_strings(scope, node_get(node, "values"), "values", &control->values, &control->value_count, err);
    }
    if (status == 0 && (control->get_count == 0 || control->set_count == 0)) {
        status =
            node_err(node, err,
                     "control '%s' needs 'get:', a command that prints its value, and 'set:', one that gets the value as its "
                     "last argument",
                     node->key);
    }
    return status;
}

static int read_control(struct reader *reader, const struct node *node, const struct scope *scope, const char *name,
                        struct err *err)
{
    static const char *const nested[] = {"each", "get", "set", "values", NULL};
    struct topology *topology = reader->topology;
    struct control_fields fields;
    AUTO_FREE char *what = xasprintf("control '%s'", node->key);
    if (reader_fields(control_table, nested, node, scope, what, &fields, err) < 0) {
        return -err->code;
    }
    struct topology_control *control = GROW(topology->controls, topology->control_count);
    control->name = xstrdup(name);
    control->place = fields.place ? fields.place : reader_default_place(scope);
    control->timeout_ns = fields.timeout_ns;
    int status = read_commands(node, scope, control, err);
    return status < 0 ? status : reader_check_place(reader, node, control->place, err);
}

int reader_controls(struct reader *reader, struct err *err)
{
    return reader_entries(reader, "controls", read_control, err);
}
