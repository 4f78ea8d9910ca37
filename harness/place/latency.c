/* The links that have a latency: which they are, and how it is put on them. */
#include "harness/base/clock.h"
#include "harness/place/netbuild.h"
#include "harness/place/place.h"
#include "harness/place/world.h"

enum { SET_TIMEOUT_S = 5 };

static void add_link(json_t *links, const struct netbuild_link *link, int64_t latency_ns, bool emulated)
{
    json_t *one =
        json_pack("{s:o, s:s, s:s, s:s, s:s, s:I, s:s}", "name", json_sprintf("%s %s", link->place, link->interface), "place",
                  link->place, "interface", link->interface, "far_place", link->far_place, "far_interface", link->far_interface,
                  "latency_ns", (json_int_t)latency_ns, "mechanism", emulated ? "emulator" : "netem");
    if (emulated) {
        json_object_set_new(one, "a", json_string(link->a));
        json_object_set_new(one, "b", json_string(link->b));
    }
    json_array_append_new(links, one);
}

json_t *world_links(const struct world *world, const struct topology *topology)
{
    json_t *links = json_array();
    for (size_t i = 0; i < topology->region_count; i++) {
        for (enum netbuild_plane plane = PLANE_EDGE; plane < PLANE_COUNT; plane++) {
            const struct topology_region *region = &topology->regions[i];
            int64_t latency_ns = netbuild_latency(region, plane);
            struct netbuild_link link;
            if (latency_ns > 0) {
                netbuild_name_link(region, plane, &link);
                add_link(links, &link, latency_ns, world_is_emulated(world));
            }
        }
    }
    return links;
}

static int set(struct places *places, const char *name, const char *mechanism, json_t *links, struct err *err)
{
    AUTO_JSON json_t *owned = links;
    struct place *place = places_find(places, name);
    if (!place) {
        return err_set(err, ERR_STATE, "link latency needs an agent in '%s', and there is none", name);
    }
    int status = place_call(place, "link.set", json_pack("{s:s, s:O}", "mechanism", mechanism, "links", owned),
                            SET_TIMEOUT_S * NS_PER_S, NULL, err);
    if (status < 0) {
        return err_prefix(err, "cannot put latency on the links of '%s'", name);
    }
    place_hurry(place);
    return 0;
}

/* All in one request, as the links are all in one place. */
static int set_emulated(struct places *places, const json_t *links, bool on, struct err *err)
{
    json_t *list = json_array();
    size_t index;
    json_t *link;
    json_array_foreach(links, index, link)
    {
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "name", json_str(link, "name", ""), "a",
                                              json_str(link, "a", ""), "b", json_str(link, "b", ""), "latency_ns",
                                              (json_int_t)(on ? json_int(link, "latency_ns", 0) : 0)));
    }
    return set(places, "links", "emulator", list, err);
}

/* Each end in its own place: netem delays what leaves a device. */
static int set_netem(struct places *places, const json_t *link, bool on, struct err *err)
{
    static const char *const ends[][2] = {{"place", "interface"}, {"far_place", "far_interface"}};
    int status = 0;
    for (size_t i = 0; status == 0 && i < ARRAY_LEN(ends); i++) {
        json_t *list = json_pack("[{s:s, s:s, s:I}]", "name", json_str(link, "name", ""), "a", json_str(link, ends[i][1], ""),
                                 "latency_ns", (json_int_t)(on ? json_int(link, "latency_ns", 0) : 0));
        status = set(places, json_str(link, ends[i][0], ""), "netem", list, err);
    }
    return status;
}

int world_set_latency(struct world *world, const struct topology *topology, struct places *places, bool on, struct err *err)
{
    AUTO_JSON json_t *links = world_links(world, topology);
    size_t index;
    json_t *link;
    int status = 0;
    if (json_array_size(links) == 0) {
        return 0;
    }
    if (world_is_emulated(world)) {
        return set_emulated(places, links, on, err);
    }
    json_array_foreach(links, index, link)
    {
        if (status == 0) {
            status = set_netem(places, link, on, err);
        }
    }
    return status;
}
