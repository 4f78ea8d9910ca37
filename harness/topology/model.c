/* The loaded topology: freeing it and finding its parts. */
#include "harness/topology/topology.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

static void free_strings(char **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i]);
    }
    free(items);
}

static void free_health(struct topology_health *health)
{
    free(health->path);
    free(health->contains);
    free(health->name);
    free_strings(health->argv, health->argc);
}

static void free_request(struct topology_request *request)
{
    free(request->method);
    free(request->url);
    free(request->body);
    free(request->contains);
    json_decref(request->headers);
}

static void free_service(struct topology_service *service)
{
    free(service->name);
    free(service->service);
    free(service->role);
    free(service->pid_file);
    free_strings(service->argv, service->argc);
    free_strings(service->needs, service->need_count);
    free(service->container.image);
    free_strings(service->container.health, service->container.health_count);
    free_strings(service->container.volumes, service->container.volume_count);
    free_strings(service->start, service->start_count);
    free_strings(service->stop, service->stop_count);
    free(service->certificate);
    free_strings(service->reload, service->reload_count);
    free_strings(service->env, service->env_count);
    free_strings(service->dirs, service->dir_count);
    free_strings(service->after, service->after_count);
    free_health(&service->ready);
    for (size_t i = 0; i < service->file_count; i++) {
        free(service->files[i].path);
        free(service->files[i].template_path);
        free(service->files[i].content);
    }
    free(service->files);
}

static void free_observer(struct topology_observer *observer)
{
    free(observer->name);
    free(observer->group);
    free(observer->kind);
    free(observer->place);
    free(observer->server);
    free(observer->query);
    free(observer->url);
    free(observer->field);
    free(observer->otherwise);
    free_strings(observer->argv, observer->argc);
}

static void free_control(struct topology_control *control)
{
    free(control->name);
    free(control->place);
    free_strings(control->get, control->get_count);
    free_strings(control->set, control->set_count);
    free_strings(control->values, control->value_count);
}

static void free_places(struct topology *topology)
{
    for (size_t i = 0; i < topology->setting_count; i++) {
        free(topology->settings[i].name);
        free(topology->settings[i].value);
        free(topology->settings[i].help);
        free_strings(topology->settings[i].choices, topology->settings[i].choice_count);
    }
    for (size_t i = 0; i < topology->region_count; i++) {
        free(topology->regions[i].name);
        free(topology->regions[i].id);
        free(topology->regions[i].cidr);
        free(topology->regions[i].router);
    }
    for (size_t i = 0; i < topology->host_count; i++) {
        free(topology->hosts[i].name);
        free(topology->hosts[i].short_name);
        free(topology->hosts[i].address);
        free(topology->hosts[i].container);
    }
    free(topology->settings);
    free(topology->regions);
    free(topology->hosts);
}

void topology_free(struct topology *topology)
{
    if (!topology) {
        return;
    }
    for (size_t i = 0; i < topology->service_count; i++) {
        free_service(&topology->services[i]);
    }
    for (size_t i = 0; i < topology->observer_count; i++) {
        free_observer(&topology->observers[i]);
    }
    for (size_t i = 0; i < topology->steady_count; i++) {
        free(topology->steady[i].name);
        free(topology->steady[i].place);
        free_health(&topology->steady[i].check);
    }
    for (size_t i = 0; i < topology->control_count; i++) {
        free_control(&topology->controls[i]);
    }
    free(topology->controls);
    for (size_t i = 0; i < topology->store_count; i++) {
        free(topology->stores[i].name);
        free(topology->stores[i].place);
        free(topology->stores[i].list_url);
    }
    free(topology->stores);
    free(topology->services);
    free(topology->observers);
    free(topology->steady);
    free_places(topology);
    free_strings(topology->protect, topology->protect_count);
    free_strings(topology->redact, topology->redact_count);
    free_strings(topology->entrypoint.vantages, topology->entrypoint.vantage_count);
    free(topology->entrypoint.url);
    free(topology->entrypoint.dns_server);
    free(topology->entrypoint.dns_name);
    free(topology->entrypoint.ca);
    for (size_t i = 0; i < topology->entrypoint.client_count; i++) {
        free(topology->entrypoint.clients[i].vantage);
        free(topology->entrypoint.clients[i].addresses);
    }
    free(topology->entrypoint.clients);
    free_request(&topology->traffic.write);
    free_request(&topology->traffic.read);
    free(topology->traffic.list_url);
    free(topology->traffic.served_by);
    json_decref(topology->traffic.headers);
    free(topology->tolerates.why);
    free(topology->primary_region);
    free(topology->engine);
    free(topology->file);
    free(topology->name);
    free(topology->description);
    free(topology->setup);
    for (char **base = topology->bases; base && *base; base++) {
        free(*base);
    }
    free(topology->bases);
    node_free(topology->source);
    free(topology);
}

const struct topology_client *topology_client_find(const struct topology *topology, const char *vantage)
{
    for (size_t i = 0; i < topology->entrypoint.client_count; i++) {
        if (str_eq(topology->entrypoint.clients[i].vantage, vantage)) {
            return &topology->entrypoint.clients[i];
        }
    }
    return NULL;
}

const struct topology_region *topology_region_find(const struct topology *topology, const char *name)
{
    for (size_t i = 0; name && i < topology->region_count; i++) {
        if (str_eq(topology->regions[i].name, name)) {
            return &topology->regions[i];
        }
    }
    return NULL;
}

const struct topology_host *topology_host_find(const struct topology *topology, const char *name)
{
    for (size_t i = 0; name && i < topology->host_count; i++) {
        if (str_eq(topology->hosts[i].name, name)) {
            return &topology->hosts[i];
        }
    }
    return NULL;
}

const struct topology_observer *topology_observer_find(const struct topology *topology, const char *name)
{
    for (size_t i = 0; name && i < topology->observer_count; i++) {
        if (str_eq(topology->observers[i].name, name)) {
            return &topology->observers[i];
        }
    }
    return NULL;
}

const struct topology_control *topology_control_find(const struct topology *topology, const char *name)
{
    for (size_t i = 0; name && i < topology->control_count; i++) {
        if (str_eq(topology->controls[i].name, name)) {
            return &topology->controls[i];
        }
    }
    return NULL;
}

const struct topology_service *topology_service_find(const struct topology *topology, const char *name)
{
    for (size_t i = 0; name && i < topology->service_count; i++) {
        if (str_eq(topology->services[i].name, name)) {
            return &topology->services[i];
        }
    }
    return NULL;
}

/* Whether address lies in "a.b.c.d/bits". */
static bool cidr_holds(const char *cidr, const char *address)
{
    struct in_addr network, host;
    char text[INET_ADDRSTRLEN];
    const char *slash = cidr ? strchr(cidr, '/') : NULL;
    if (!slash || (size_t)(slash - cidr) >= sizeof(text)) {
        return false;
    }
    memcpy(text, cidr, (size_t)(slash - cidr));
    text[slash - cidr] = '\0';
    long bits = strtol(slash + 1, NULL, 10);
    if (inet_pton(AF_INET, text, &network) != 1 || inet_pton(AF_INET, address, &host) != 1 || bits < 0 || bits > 32) {
        return false;
    }
    uint32_t mask = bits ? htonl(~(uint32_t)0 << (32 - bits)) : 0;
    return (network.s_addr & mask) == (host.s_addr & mask);
}

const struct topology_region *topology_region_of_address(const struct topology *topology, const char *address)
{
    for (size_t i = 0; address && i < topology->region_count; i++) {
        if (cidr_holds(topology->regions[i].cidr, address)) {
            return &topology->regions[i];
        }
    }
    for (size_t i = 0; address && i < topology->host_count; i++) {
        if (topology->hosts[i].region && str_eq(topology->hosts[i].address, address)) {
            return topology->hosts[i].region;
        }
    }
    return NULL;
}
