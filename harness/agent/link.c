/* Reads what links are asked for, hands it to the emulator or to netem, and says what there is. */
#include "harness/agent/link.h"

#include <math.h>
#include <string.h>

#include "harness/agent/link_netem.h"
#include "harness/agent/link_relay.h"
#include "harness/base/clock.h"
#include "harness/base/vec.h"

struct netem_device {
    char name[IFNAMSIZ];
};

struct links {
    struct link_relay *relay;         /* NULL until an emulated link is asked for */
    VEC(struct netem_device) devices; /* the ones that have our netem */
};

typedef VEC(struct link_spec) link_specs;

static int64_t read_time(const json_t *link, const char *key_ns, const char *key_ms)
{
    if (json_object_get(link, key_ns))
        return json_int(link, key_ns, -1);
    const double ms = json_num(link, key_ms, json_object_get(link, key_ms) ? -1 : 0);
    return ms >= 0 && ms <= 1e6 ? llround(ms * (double)NS_PER_MS) : -1;
}

static int check_shape(const char *name, const struct shape *shape, struct err *err)
{
    const int64_t longest_ns = 60 * NS_PER_S;
    double begins, ends;
    if (shape->delay_ns < 0 || shape->delay_ns > longest_ns)
        return err_set(err, ERR_INPUT, "link '%s': latency must be a number from 0 to 60 s", name);
    if (shape->jitter_ns < 0 || shape->jitter_ns > longest_ns)
        return err_set(err, ERR_INPUT, "link '%s': jitter must be a number from 0 to 60 s", name);
    if (!(shape->loss >= 0 && shape->loss <= 1))
        return err_set(err, ERR_INPUT, "link '%s': loss must be a share from 0 to 1", name);
    if (shape->burst != 0 && shape->loss > 0 && !shape_gilbert(shape, &begins, &ends))
        return err_set(err, ERR_INPUT, "link '%s': a loss of %g cannot come in bursts of %g frames", name, shape->loss,
                       shape->burst);
    if (!(shape->rate_bits >= 0))
        return err_set(err, ERR_INPUT, "link '%s': rate must be a number of bits per second", name);
    return 0;
}

static int check_interface(const char *link, const char *end, const char *interface, struct err *err)
{
    if (!interface[0] || strlen(interface) >= IFNAMSIZ)
        return err_set(err, ERR_INPUT, "link '%s': '%s' must be the name of an interface, found '%s'", link, end, interface);
    return 0;
}

/* `need_b`: the emulator joins two interfaces, netem works on each alone. */
static int read_spec(const json_t *link, bool need_b, struct link_spec *ret_spec, struct err *err)
{
    struct link_spec spec = {.name = json_str(link, "name", ""), .a = json_str(link, "a", ""), .b = json_str(link, "b", "")};
    if (!spec.name[0])
        spec.name = spec.a; /* an end belongs to one link, so it names it */
    int status = check_interface(spec.name, "a", spec.a, err);
    if (status == 0 && (need_b || spec.b[0]))
        status = check_interface(spec.name, "b", spec.b, err);
    if (status < 0)
        return status;
    spec.shape.delay_ns = read_time(link, "latency_ns", "latency_ms");
    spec.shape.jitter_ns = read_time(link, "jitter_ns", "jitter_ms");
    spec.shape.loss = json_num(link, "loss", json_object_get(link, "loss") ? -1 : 0);
    spec.shape.burst = json_num(link, "burst", json_object_get(link, "burst") ? -1 : 0);
    spec.shape.rate_bits = json_num(link, "rate", json_object_get(link, "rate") ? -1 : 0);
    status = check_shape(spec.name, &spec.shape, err);
    if (status == 0)
        *ret_spec = spec;
    return status;
}

static int read_specs(const json_t *params, bool need_b, link_specs *specs, struct err *err)
{
    const json_t *list = json_object_get(params, "links");
    if (list && !json_is_array(list))
        return err_set(err, ERR_INPUT, "link.set: 'links' must be a list of objects");
    size_t i;
    const json_t *link;
    json_array_foreach(list, i, link)
    {
        struct link_spec spec;
        const int status = read_spec(link, need_b, &spec, err);
        if (status < 0)
            return status;
        *VEC_ADD(specs) = spec;
    }
    return 0;
}

/* ---- netem ---- */

static struct netem_device *find_device(struct links *links, const char *name)
{
    VEC_EACH(device, &links->devices)
    {
        if (str_eq(device->name, name))
            return device;
    }
    return NULL;
}

static int put_netem(struct links *links, const char *name, const struct shape *shape, struct err *err)
{
    const bool ours = find_device(links, name);
    const int status = link_netem_put(name, shape, ours, err);
    if (status == 0 && !ours)
        str_copy(VEC_ADD(&links->devices)->name, IFNAMSIZ, name);
    return status;
}

static void remove_netem_from(struct links *links, size_t first)
{
    while (links->devices.count > first) {
        struct err ignored;
        (void)!link_netem_remove(links->devices.items[--links->devices.count].name, &ignored);
    }
}

static int set_netem(struct links *links, const link_specs *specs, struct err *err)
{
    const size_t before = links->devices.count;
    int status = 0;
    for (size_t i = 0; i < specs->count && status == 0; i++) {
        status = put_netem(links, specs->items[i].a, &specs->items[i].shape, err);
        if (status == 0 && specs->items[i].b[0])
            status = put_netem(links, specs->items[i].b, &specs->items[i].shape, err);
    }
    if (status < 0)
        remove_netem_from(links, before);
    return status;
}

/* ---- both ---- */

static json_t *describe(struct links *links, const char *mechanism)
{
    json_t *list = json_array();
    const size_t count = links->relay ? link_relay_count(links->relay) : 0;
    for (size_t i = 0; i < count; i++) {
        struct link_state state;
        link_relay_state(links->relay, i, &state);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", state.name, "latency_ns",
                                              (json_int_t)state.shape.delay_ns, "forwarded", (json_int_t)state.forwarded, "lost",
                                              (json_int_t)state.lost, "dropped", (json_int_t)state.dropped));
    }
    VEC_EACH(device, &links->devices)
    json_array_append_new(list, json_pack("{s:s}", "name", device->name));
    return json_pack("{s:s, s:o}", "mechanism", mechanism, "links", list);
}

static int set_emulated(struct links *links, const link_specs *specs, uint64_t seed, struct err *err)
{
    if (!links->relay) {
        const int status = link_relay_new(seed, &links->relay, err);
        if (status < 0)
            return status;
    }
    return link_relay_set(links->relay, specs->items, specs->count, err);
}

int links_set(struct links **links, const json_t *params, json_t **ret_result, struct err *err)
{
    const char *mechanism = json_str(params, "mechanism", "emulator");
    const bool netem = str_eq(mechanism, "netem");
    if (!netem && !str_eq(mechanism, "emulator"))
        return err_set(err, ERR_INPUT, "link.set: mechanism must be 'emulator' or 'netem', found '%s'", mechanism);
    if (!*links)
        *links = xcalloc(1, sizeof(**links));
    link_specs specs = {0};
    int status = read_specs(params, !netem, &specs, err);
    if (status == 0)
        status =
            netem ? set_netem(*links, &specs, err) : set_emulated(*links, &specs, (uint64_t)json_int(params, "seed", 1), err);
    if (status == 0)
        *ret_result = describe(*links, mechanism);
    VEC_CLEAR(&specs);
    return status;
}

void links_free(struct links *links)
{
    if (!links)
        return;
    link_relay_free(links->relay);
    remove_netem_from(links, 0);
    VEC_CLEAR(&links->devices);
    free(links);
}
