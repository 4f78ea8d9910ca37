/* Relations between the parts that no single part shows: addresses and ports twice, an order that nothing can start in. */
#include "harness/topology/reader.h"

static int check_hosts(const struct reader *reader, struct err *err)
{
    const struct topology *topology = reader->topology;
    const struct node *at = node_get(reader->root, "regions");
    for (size_t i = 0; i < topology->host_count; i++) {
        const struct topology_host *host = &topology->hosts[i];
        if (topology_region_find(topology, host->name)) {
            return node_err(at, err, "'%s' is the name of a host and of a region", host->name);
        }
        for (size_t j = 0; j < i; j++) {
            const struct topology_host *other = &topology->hosts[j];
            if (str_eq(host->name, other->name)) {
                return node_err(at, err, "there are two hosts '%s'", host->name);
            }
            if (topology->runtime == RUNTIME_NETNS && str_eq(host->address, other->address)) {
                return node_err(at, err, "hosts '%s' and '%s' have the same address %s", other->name, host->name, host->address);
            }
        }
    }
    return 0;
}

/* In a managed topology the addresses follow the links that are laid. */
static int check_addresses(const struct reader *reader, struct err *err)
{
    const struct topology *topology = reader->topology;
    static const char *const taken[] = {"internet", "backbone", "links"};
    for (size_t i = 0; topology->runtime == RUNTIME_NETNS && i < topology->host_count; i++) {
        const struct topology_host *host = &topology->hosts[i];
        const struct node *at = node_get(reader->root, host->region ? "regions" : "hosts");
        const char *last = strrchr(host->address, '.') + 1;
        bool inside = host->region ? topology_region_of_address(topology, host->address) == host->region
                                   : str_starts_with(host->address, "10.9.0.");
        if (!inside || str_eq(last, "0") || str_eq(last, "1") || str_eq(last, "255")) {
            return node_err(at, err, "host '%s': expected an address in %s from .2 to .254, found %s", host->name,
                            host->region ? host->region->cidr : "10.9.0.0/24", host->address);
        }
        for (size_t j = 0; j < ARRAY_LEN(taken); j++) {
            if (str_eq(host->name, taken[j])) {
                return node_err(at, err, "host '%s': this name is taken: it is a place of every topology", host->name);
            }
        }
    }
    return 0;
}

static int check_regions(const struct reader *reader, struct err *err)
{
    const struct topology *topology = reader->topology;
    for (size_t i = 0; i < topology->region_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(topology->regions[i].id, topology->regions[j].id)) {
                return node_err(node_get(reader->root, "regions"), err, "regions '%s' and '%s' have the same id '%s'",
                                topology->regions[j].name, topology->regions[i].name, topology->regions[i].id);
            }
        }
        if (topology->runtime == RUNTIME_NETNS && topology->regions[i].index == 9) {
            return node_err(node_get(reader->root, "regions"), err, "nine regions or more: 10.9.0.0/24 is the internet");
        }
    }
    return 0;
}

static int check_ports(const struct reader *reader, struct err *err)
{
    const struct topology *topology = reader->topology;
    for (size_t i = 0; i < topology->service_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct topology_service *a = &topology->services[j], *b = &topology->services[i];
            if (a->host == b->host && a->port == b->port && a->port != 0) {
                return node_err(node_get(node_get(reader->root, "services"), b->service), err,
                                "services '%s' and '%s' have the same port %d", a->name, b->name, b->port);
            }
        }
    }
    return 0;
}

/* Take away what can start, again and again: what stays waits for itself. */
static int check_order(const struct reader *reader, struct err *err)
{
    const struct topology *topology = reader->topology;
    AUTO_FREE bool *started = xcalloc(topology->service_count, sizeof(*started));
    size_t left = topology->service_count;
    for (bool moved = true; moved && left > 0;) {
        moved = false;
        for (size_t i = 0; i < topology->service_count; i++) {
            const struct topology_service *service = &topology->services[i];
            bool can = !started[i];
            for (size_t j = 0; can && j < service->after_count; j++) {
                can = started[topology_service_find(topology, service->after[j]) - topology->services];
            }
            if (can) {
                started[i] = moved = true;
                left--;
            }
        }
    }
    for (size_t i = 0; left > 0 && i < topology->service_count; i++) {
        if (!started[i]) {
            return node_err(node_get(node_get(reader->root, "services"), topology->services[i].service), err,
                            "service '%s' can never start: what its 'after:' names waits for it in turn",
                            topology->services[i].name);
        }
    }
    return 0;
}

int reader_checks(const struct reader *reader, struct err *err)
{
    int status = check_regions(reader, err);
    if (status == 0) {
        status = check_hosts(reader, err);
    }
    if (status == 0) {
        status = check_addresses(reader, err);
    }
    if (status == 0) {
        status = check_ports(reader, err);
    }
    return status < 0 ? status : check_order(reader, err);
}
