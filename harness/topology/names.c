/* Names of the topology's parts, and what to say about one that does not exist. */
#include "harness/topology/names.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/vec.h"

const char *const topology_roles[] = {"gateway", "backend", "store", "dns", "dcs", "monitor", "load_balancer", "engine", NULL};

struct name_list {
    const char **items;
    size_t count, capacity;
};

static void name_list_clear(struct name_list *list)
{
    VEC_CLEAR(list);
}

static int missing(const struct topology *topology, const char *what, const char *name, const struct name_list *list,
                   struct err *err)
{
    char hint[96], all[300] = "";
    str_did_you_mean(name ? name : "", list->items, list->count, hint);
    for (size_t i = 0, used = 0; !*hint && i < list->count && used + 50 < sizeof(all); i++) {
        (void)str_format(all + used, sizeof(all) - used, "%s%s", i ? ", " : " (there are: ", list->items[i]);
        used = strlen(all);
    }
    return err_set(err, ERR_INPUT, "there is no %s '%s' in topology '%s'%s%s%s", what, name ? name : "",
                   topology->name ? topology->name : topology->file, hint, all, *all ? ")" : "");
}

int names_no_region(const struct topology *topology, const char *name, struct err *err)
{
    struct name_list list CLEANUP(name_list_clear) = {0};
    for (size_t i = 0; i < topology->region_count; i++) {
        *VEC_ADD(&list) = topology->regions[i].name;
    }
    return missing(topology, "region", name, &list, err);
}

int names_no_host(const struct topology *topology, const char *name, struct err *err)
{
    struct name_list list CLEANUP(name_list_clear) = {0};
    for (size_t i = 0; i < topology->host_count; i++) {
        *VEC_ADD(&list) = topology->hosts[i].name;
    }
    return missing(topology, "host", name, &list, err);
}

int names_no_observer(const struct topology *topology, const char *name, struct err *err)
{
    struct name_list list CLEANUP(name_list_clear) = {0};
    for (size_t i = 0; i < topology->observer_count; i++) {
        *VEC_ADD(&list) = topology->observers[i].name;
    }
    return missing(topology, "observer", name, &list, err);
}

/* Those of a group come one after the other. */
int names_no_observers(const struct topology *topology, const char *name, struct err *err)
{
    struct name_list list CLEANUP(name_list_clear) = {0};
    for (size_t i = 0; i < topology->observer_count; i++) {
        if (i == 0 || !str_eq(topology->observers[i].group, topology->observers[i - 1].group)) {
            *VEC_ADD(&list) = topology->observers[i].group;
        }
    }
    return missing(topology, "observer", name, &list, err);
}

int names_no_control(const struct topology *topology, const char *name, struct err *err)
{
    struct name_list list CLEANUP(name_list_clear) = {0};
    for (size_t i = 0; i < topology->control_count; i++) {
        *VEC_ADD(&list) = topology->controls[i].name;
    }
    return missing(topology, "control", name, &list, err);
}

int names_check_service(const struct topology *topology, const char *name, struct err *err)
{
    struct name_list list CLEANUP(name_list_clear) = {0};
    bool instance = name && strchr(name, '@');
    for (size_t i = 0; i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        const char *candidate = instance ? service->name : service->service;
        if (str_eq(candidate, name)) {
            return 0;
        }
        if (list.count == 0 || !str_eq(list.items[list.count - 1], candidate)) {
            *VEC_ADD(&list) = candidate;
        }
    }
    return missing(topology, "service", name, &list, err);
}

int names_check_role(const char *name, struct err *err)
{
    char hint[96];
    size_t count = 0;
    for (; topology_roles[count]; count++) {
        if (str_eq(topology_roles[count], name)) {
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "there is no role '%s'%s", name, str_did_you_mean(name, topology_roles, count, hint));
}

int names_check_spelling(const struct node *node, const char *what, const char *name, struct err *err)
{
    bool good = *name && *name != '-' && *name != '.' && strlen(name) <= 40;
    for (const char *at = name; good && *at; at++) {
        good = isalnum((unsigned char)*at) || strchr("-_.", *at);
    }
    return good ? 0
                : node_err(node, err,
                           "%s '%s': expected 1 to 40 letters, digits, '-', '_' or '.', starting with a letter or digit", what,
                           name);
}
