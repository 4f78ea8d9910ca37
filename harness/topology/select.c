/* Selectors: what a fault's target means in this topology. */
#include "harness/topology/names.h"

#include <string.h>

#include "harness/base/vec.h"

struct selection {
    char region[64], host[64], service[128], role[32];
};

struct target_vec {
    struct topology_target *items;
    size_t count, capacity;
};

static int set_part(const char *part, struct selection *selection, struct err *err)
{
    static const char *const names[] = {"region", "host", "service", "role"};
    struct {
        char *to;
        size_t size;
    } const fields[] = {{selection->region, sizeof(selection->region)},
                        {selection->host, sizeof(selection->host)},
                        {selection->service, sizeof(selection->service)},
                        {selection->role, sizeof(selection->role)}};
    char key[32] = "", hint[96];
    const char *equals = strchr(part, '=');
    if (!equals || !equals[1]) {
        return err_set(err, ERR_INPUT, "target '%s': expected region=NAME, host=NAME, service=NAME or role=NAME", part);
    }
    (void)str_format(key, sizeof(key), "%.*s", (int)(equals - part), part);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_eq(names[i], key)) {
            continue;
        }
        if (*fields[i].to) {
            return err_set(err, ERR_INPUT, "target: '%s=' is said twice", key);
        }
        return str_copy(fields[i].to, fields[i].size, equals + 1)
                   ? 0
                   : err_set(err, ERR_INPUT, "target: '%s' is too long for a name", equals + 1);
    }
    return err_set(err, ERR_INPUT, "target: unknown word '%s'%s", key, str_did_you_mean(key, names, ARRAY_LEN(names), hint));
}

static int parse_selection(const char *text, struct selection *selection, struct err *err)
{
    AUTO_FREE char *words = xstrdup(text);
    char *rest = words, *word;
    bool any = false;
    while ((word = strsep(&rest, ", "))) {
        if (*word && set_part(word, selection, err) < 0) {
            return -err->code;
        }
        any |= *word != '\0';
    }
    return any ? 0 : err_set(err, ERR_INPUT, "a target is needed: region=NAME, host=NAME, service=NAME or role=NAME");
}

static int check_names(const struct topology *topology, const struct selection *selection, struct err *err)
{
    if (*selection->region && !topology_region_find(topology, selection->region)) {
        return names_no_region(topology, selection->region, err);
    }
    if (*selection->host && !topology_host_find(topology, selection->host)) {
        return names_no_host(topology, selection->host, err);
    }
    if (*selection->service && names_check_service(topology, selection->service, err) < 0) {
        return -err->code;
    }
    return *selection->role ? names_check_role(selection->role, err) : 0;
}

static void add_target(const struct topology_host *host, const struct topology_service *service, struct target_vec *list)
{
    struct topology_target *target = VEC_ADD(list);
    (void)str_copy(target->place, sizeof(target->place), host->name);
    (void)str_copy(target->kind, sizeof(target->kind), service ? "service" : "host");
    (void)str_copy(target->region, sizeof(target->region), host->region ? host->region->name : "");
    (void)str_copy(target->host, sizeof(target->host), host->name);
    (void)str_copy(target->service, sizeof(target->service), service ? service->name : "");
    (void)str_format(target->cidr, sizeof(target->cidr), "%s/32", host->address);
}

static bool host_fits(const struct selection *selection, const struct topology_host *host)
{
    return (!*selection->host || str_eq(selection->host, host->name)) &&
           (!*selection->region || (host->region && str_eq(selection->region, host->region->name)));
}

static void add_services(const struct topology *topology, const struct selection *selection, struct target_vec *list)
{
    for (size_t i = 0; i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        bool named =
            !*selection->service || str_eq(selection->service, service->service) || str_eq(selection->service, service->name);
        bool role = !*selection->role || str_eq(selection->role, service->role);
        if (named && role && host_fits(selection, service->host)) {
            add_target(service->host, service, list);
        }
    }
}

static void add_hosts(const struct topology *topology, const struct selection *selection, struct target_vec *list)
{
    for (size_t i = 0; i < topology->host_count; i++) {
        if (host_fits(selection, &topology->hosts[i])) {
            add_target(&topology->hosts[i], NULL, list);
        }
    }
}

/* A managed region is cut at its router. A running system has none that is ours, so its region is its hosts. */
static void add_region(const struct topology *topology, const struct selection *selection, struct target_vec *list)
{
    const struct topology_region *region = topology_region_find(topology, selection->region);
    if (topology->runtime != RUNTIME_NETNS) {
        add_hosts(topology, selection, list);
        return;
    }
    struct topology_target *target = VEC_ADD(list);
    (void)str_copy(target->place, sizeof(target->place), region->name);
    (void)str_copy(target->kind, sizeof(target->kind), "region");
    (void)str_copy(target->region, sizeof(target->region), region->name);
    (void)str_copy(target->cidr, sizeof(target->cidr), region->cidr);
}

static int select_control(const struct topology *topology, const char *name, struct topology_target **ret_targets,
                          size_t *ret_count, struct err *err)
{
    const struct topology_control *control = topology_control_find(topology, name);
    if (!control) {
        return names_no_control(topology, name, err);
    }
    struct topology_target *target = xcalloc(1, sizeof(*target));
    target->control = control;
    (void)str_copy(target->place, sizeof(target->place), control->place);
    (void)str_copy(target->kind, sizeof(target->kind), "control");
    *ret_targets = target;
    *ret_count = 1;
    return 0;
}

int topology_select(const struct topology *topology, const char *selector, struct topology_target **ret_targets,
                    size_t *ret_count, struct err *err)
{
    struct selection selection = {0};
    struct target_vec list = {0};
    if (str_starts_with(selector, "control=")) { /* stands alone, and its name may have blanks */
        return select_control(topology, selector + strlen("control="), ret_targets, ret_count, err);
    }
    int status = parse_selection(selector, &selection, err);
    if (status == 0) {
        status = check_names(topology, &selection, err);
    }
    if (status < 0) {
        return status;
    }
    if (*selection.service || *selection.role) {
        add_services(topology, &selection, &list);
    } else if (*selection.host) {
        add_hosts(topology, &selection, &list);
    } else {
        add_region(topology, &selection, &list);
    }
    if (list.count == 0) {
        free(list.items);
        return err_set(err, ERR_INPUT, "nothing in topology '%s' is '%s'", topology->name, selector);
    }
    *ret_targets = list.items;
    *ret_count = list.count;
    return 0;
}
