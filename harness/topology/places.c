/* `regions:`, `hosts:` and `region_hosts:`: where things stand and how they are addressed. */
#include "harness/topology/reader.h"

#include "harness/base/clock.h"
#include "harness/container/container.h"

#include <arpa/inet.h>

static const struct param region_table[] = {
    {.name = "id", .type = PARAM_STRING, .offset = offsetof(struct topology_region, id), .help = "short name; default: the name"},
    {.name = "cidr",
     .type = PARAM_STRING,
     .offset = offsetof(struct topology_region, cidr),
     .help = "its network; default 10.I.0.0/24"},
    {.name = "edge_latency",
     .type = PARAM_DURATION,
     .offset = offsetof(struct topology_region, edge_latency_ns),
     .fallback = "0",
     .max = 10 * NS_PER_S,
     .help = "one way, to the internet"},
    {.name = "backbone_latency",
     .type = PARAM_DURATION,
     .offset = offsetof(struct topology_region, backbone_latency_ns),
     .fallback = "0",
     .max = 10 * NS_PER_S,
     .help = "one way, to the backbone"},
    {.type = PARAM_END},
};

static int check_address(const struct node *node, const char *address, struct err *err)
{
    struct in_addr parsed;
    return inet_pton(AF_INET, address, &parsed) == 1
               ? 0
               : node_err(node, err, "host '%s': expected an IPv4 address, found '%s'", node->key, address);
}

/* A managed region's network is 10.I.0.0/24: links and routers are laid out by the index. */
static int finish_region(const struct reader *reader, const struct node *node, struct topology_region *region, struct err *err)
{
    bool managed = reader->topology->runtime == RUNTIME_NETNS || reader->topology->own_engine;
    AUTO_FREE char *usual = xasprintf("10.%d.0.0/24", region->index);
    if (!region->id) {
        region->id = xstrdup(region->name);
    }
    if (managed && region->cidr && !str_eq(region->cidr, usual)) {
        return node_err(node, err, "region '%s': region number %d of a managed topology is %s; leave cidr out", region->name,
                        region->index, usual);
    }
    if (managed) {
        free(region->cidr);
        region->cidr = TAKE(usual);
        region->router = xasprintf("10.%d.0.1", region->index);
    }
    return names_check_spelling(node, "region", region->name, err);
}

static int read_region(struct reader *reader, const struct node *node, struct err *err)
{
    static const char *const nested[] = {"hosts", NULL};
    struct topology *topology = reader->topology;
    struct scope scope = reader_scope(reader);
    struct topology_region *region = GROW(topology->regions, topology->region_count);
    AUTO_FREE char *what = xasprintf("region '%s'", node->key);
    region->name = xstrdup(node->key);
    region->index = (int)topology->region_count;
    const struct node *map = node->kind == NODE_SCALAR && !*node->text ? NULL : node;
    int status = reader_fields(region_table, nested, map, &scope, what, region, err);
    return status < 0 ? status : finish_region(reader, node, region, err);
}

/* A container that runs already has the address that its engine gave it. */
static int look_up(const struct reader *reader, const struct node *node, struct topology_host *host, struct err *err)
{
    struct container_state state = {0};
    if (container_look(reader->topology->engine, host->container, &state, err) < 0) {
        err->code = ERR_INPUT;
        return reader_at(node, err);
    }
    if (!state.running || !*state.address) {
        return node_err(node, err, "host '%s': container '%s' %s: a topology of running containers needs %s", node->key,
                        host->container, state.running ? "has no network of its own" : "does not run",
                        state.running ? "one in a bridge network" : "all of them");
    }
    host->address = xstrdup(state.address);
    return 0;
}

/* In a managed region the address is the last octet; elsewhere it is a whole one. */
static int read_host(struct reader *reader, const struct topology_region *region, const struct node *node, struct err *err)
{
    struct topology *topology = reader->topology;
    struct scope scope = reader_scope(reader);
    AUTO_FREE char *text = NULL;
    if (node->kind != NODE_SCALAR) {
        return node_err(node, err, "host '%s': expected its address", node->key);
    }
    if (expand_node(&scope, node, &text, err) < 0) {
        return -err->code;
    }
    struct topology_host *host = GROW(topology->hosts, topology->host_count);
    host->region = region;
    host->short_name = xstrdup(node->key);
    host->name = region ? xasprintf("%s-%s", region->name, node->key) : xstrdup(node->key);
    if (region && topology->runtime == RUNTIME_DOCKER) {
        host->container = topology->own_engine ? xstrdup(host->name) : TAKE(text);
    }
    if (host->container && !topology->own_engine) {
        return look_up(reader, node, host, err);
    }
    if (region && (topology->runtime == RUNTIME_NETNS || topology->own_engine) && !strchr(text, '.')) {
        host->address = xasprintf("10.%d.0.%s", region->index, text);
    } else {
        host->address = TAKE(text);
    }
    int status = names_check_spelling(node, "host", node->key, err);
    return status < 0 ? status : check_address(node, host->address, err);
}

static int read_hosts(struct reader *reader, const struct topology_region *region, const struct node *map, const char *what,
                      struct err *err)
{
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "%s: expected NAME: ADDRESS", what);
    }
    for (size_t i = 0; map && i < map->count; i++) {
        int status = read_host(reader, region, map->children[i], err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* A running system needs no place for its client: it stands on this machine. */
static void add_local_client(struct topology *topology)
{
    struct topology_host *host = GROW(topology->hosts, topology->host_count);
    host->name = xstrdup("client");
    host->short_name = xstrdup("client");
    host->address = xstrdup("127.0.0.1");
}

/* Regions first and all of them: hosts point into their array. */
static int read_all_hosts(struct reader *reader, const struct node *regions, struct err *err)
{
    struct topology *topology = reader->topology;
    const struct node *everywhere = node_get(reader->root, "region_hosts");
    for (size_t i = 0; i < topology->region_count; i++) {
        const struct topology_region *region = &topology->regions[i];
        int status = read_hosts(reader, region, everywhere, "region_hosts", err);
        if (status == 0) {
            status = read_hosts(reader, region, node_get(regions->children[i], "hosts"), "hosts", err);
        }
        if (status < 0) {
            return status;
        }
    }
    int status = read_hosts(reader, NULL, node_get(reader->root, "hosts"), "hosts", err);
    if (status == 0 && topology->runtime != RUNTIME_NETNS && !topology_host_find(topology, "client")) {
        add_local_client(topology);
    }
    return status;
}

int reader_regions(struct reader *reader, struct err *err)
{
    const struct node *regions = node_get(reader->root, "regions");
    if (!regions || regions->kind != NODE_MAP || regions->count == 0) {
        return node_err(regions ? regions : reader->root, err, "a topology needs 'regions:' with at least one region");
    }
    if (regions->count > 200) {
        return node_err(regions, err, "%zu regions: 200 are the limit", regions->count);
    }
    for (size_t i = 0; i < regions->count; i++) {
        int status = read_region(reader, regions->children[i], err);
        if (status < 0) {
            return status;
        }
    }
    return read_all_hosts(reader, regions, err);
}
