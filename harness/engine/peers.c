/* The far side of a fault: regions, hosts, services, lists of them, or "rest", as prefixes. */
#include "harness/engine/session.h"

#include "harness/base/vec.h"

enum { NAMES_MAX = 256 };

static void add(json_t *peers, const char *name, const char *cidr)
{
    for (size_t i = 0; i < json_array_size(peers); i++) {
        if (str_eq(json_str(json_array_get(peers, i), "cidr", ""), cidr)) {
            return; /* a host that runs two of the services that were named */
        }
    }
    json_array_append_new(peers, json_pack("{s:s, s:s}", "name", name, "cidr", cidr));
}

static void add_host(json_t *peers, const struct topology_host *host)
{
    char cidr[64];
    (void)str_format(cidr, sizeof(cidr), "%s/32", host->address);
    add(peers, host->name, cidr);
}

/* A running system's regions have no network of their own that is known: they are their hosts. */
static void add_region(const struct topology *topology, json_t *peers, const struct topology_region *region)
{
    if (topology->runtime == RUNTIME_NETNS) {
        add(peers, region->name, region->cidr);
        return;
    }
    for (size_t i = 0; i < topology->host_count; i++) {
        if (topology->hosts[i].region == region) {
            add_host(peers, &topology->hosts[i]);
        }
    }
}

static bool is_target(const struct topology_target *targets, size_t count, const char *region, const char *host)
{
    for (size_t i = 0; i < count; i++) {
        if (host ? str_eq(targets[i].host, host) : str_eq(targets[i].region, region)) {
            return true;
        }
    }
    return false;
}

/* The other regions when regions are hit, the other hosts when hosts or services are. */
static void add_rest(const struct topology *topology, const struct topology_target *targets, size_t count, json_t *peers)
{
    bool regions = count && str_eq(targets[0].kind, "region");
    for (size_t i = 0; regions && i < topology->region_count; i++) {
        if (!is_target(targets, count, topology->regions[i].name, NULL)) {
            add_region(topology, peers, &topology->regions[i]);
        }
    }
    for (size_t i = 0; !regions && i < topology->host_count; i++) {
        if (!is_target(targets, count, NULL, topology->hosts[i].name)) {
            add_host(peers, &topology->hosts[i]);
        }
    }
}

static int no_peer(const struct topology *topology, const struct node *peer, struct err *err)
{
    const char *names[NAMES_MAX] = {"rest"};
    size_t count = 1;
    char hint[96];
    for (size_t i = 0; i < topology->region_count && count < NAMES_MAX; i++) {
        names[count++] = topology->regions[i].name;
    }
    for (size_t i = 0; i < topology->host_count && count < NAMES_MAX; i++) {
        names[count++] = topology->hosts[i].name;
    }
    for (size_t i = 0; i < topology->service_count && count < NAMES_MAX; i++) {
        names[count++] = topology->services[i].name;
    }
    const char *text = peer->text ? peer->text : "";
    return node_err(peer, err, "peer: there is no region, host or service '%s' in topology '%s'%s", text, topology->name,
                    str_did_you_mean(text, names, count, hint));
}

static int add_named(const struct topology *topology, const struct node *peer, json_t *peers, struct err *err)
{
    size_t before = json_array_size(peers);
    const struct topology_region *region = topology_region_find(topology, peer->text);
    const struct topology_host *host = topology_host_find(topology, peer->text);
    if (region) {
        add_region(topology, peers, region);
    } else if (host) {
        add_host(peers, host);
    }
    for (size_t i = 0; !region && !host && i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        if (str_eq(service->service, peer->text) || str_eq(service->name, peer->text)) {
            add_host(peers, service->host);
        }
    }
    return json_array_size(peers) > before || region || host ? 0 : no_peer(topology, peer, err);
}

static int add_peer(const struct topology *topology, const struct node *peer, const struct topology_target *targets, size_t count,
                    json_t *peers, struct err *err)
{
    if (peer->kind != NODE_SCALAR) {
        return node_err(peer, err, "peer: expected a region, a host, a service, a list of them or \"rest\"");
    }
    if (str_eq(peer->text, "rest")) {
        add_rest(topology, targets, count, peers);
        return json_array_size(peers) ? 0 : node_err(peer, err, "peer: nobody is left to be the rest");
    }
    return add_named(topology, peer, peers, err);
}

int peers_resolve(const struct topology *topology, const struct node *peer, const struct topology_target *targets, size_t count,
                  json_t *peers, struct err *err)
{
    if (!peer || peer->kind != NODE_LIST) {
        return peer ? add_peer(topology, peer, targets, count, peers, err) : 0;
    }
    int status = peer->count ? 0 : node_err(peer, err, "peer: the list is empty");
    for (size_t i = 0; i < peer->count && status == 0; i++) {
        status = add_peer(topology, peer->children[i], targets, count, peers, err);
    }
    return status;
}
