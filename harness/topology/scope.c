/* Variables of templates: what a name means for a region, a host or a service instance. */
#include "harness/topology/expand.h"

#include <string.h>

#include "harness/param/hole.h"

struct subject subject_of_region(const struct topology_region *region)
{
    return (struct subject){.region = region};
}

struct subject subject_of_host(const struct topology_host *host)
{
    return (struct subject){.region = host->region, .host = host};
}

struct subject subject_of_service(const struct topology_service *service)
{
    return (struct subject){.region = service->host->region, .host = service->host, .service = service};
}

const char *subject_name(const struct subject *subject)
{
    if (subject->service) {
        return subject->service->name;
    }
    return subject->host ? subject->host->name : subject->region ? subject->region->name : "the topology";
}

static int add_text(struct buf *out, const char *text)
{
    buf_puts(out, text ? text : "");
    return 1;
}

static int add_number(struct buf *out, long number)
{
    buf_printf(out, "%ld", number);
    return 1;
}

/* These give 1 when the name is one of theirs and the subject has it. */
static int region_variable(const struct scope *scope, const struct topology_region *region, const char *name, struct buf *out)
{
    if (!region) {
        return 0;
    }
    if (str_eq(name, "primary")) {
        return add_text(out, str_eq(region->name, scope->topology->primary_region) ? "true" : "false");
    }
    return str_eq(name, "name")     ? add_text(out, region->name)
           : str_eq(name, "id")     ? add_text(out, region->id)
           : str_eq(name, "index")  ? add_number(out, region->index)
           : str_eq(name, "router") ? add_text(out, region->router)
           : str_eq(name, "cidr")   ? add_text(out, region->cidr)
                                    : 0;
}

static int host_variable(const struct scope *scope, const struct topology_host *host, const char *name, struct buf *out)
{
    if (!host) {
        return 0;
    }
    return str_eq(name, "name")      ? add_text(out, host->name)
           : str_eq(name, "short")   ? add_text(out, host->short_name)
           : str_eq(name, "address") ? add_text(out, host->address)
           : str_eq(name, "index")   ? add_number(out, host - scope->topology->hosts + 1)
                                     : 0;
}

static int subject_variable(const struct scope *scope, const struct subject *subject, const char *name, struct buf *out)
{
    if (str_starts_with(name, "region.")) {
        return region_variable(scope, subject->region, name + 7, out);
    }
    if (str_starts_with(name, "host.")) {
        return host_variable(scope, subject->host, name + 5, out);
    }
    if (str_eq(name, "instance") || str_eq(name, "port")) {
        const struct topology_service *service = subject->service;
        return !service ? 0 : *name == 'i' ? add_text(out, service->name) : add_number(out, service->port);
    }
    if (str_eq(name, "name")) {
        return add_text(out, subject_name(subject));
    }
    return subject->host ? host_variable(scope, subject->host, name, out) : region_variable(scope, subject->region, name, out);
}

static int setting_variable(const struct scope *scope, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scope->topology->setting_count; i++) {
        if (str_eq(scope->topology->settings[i].name, name)) {
            return add_text(out, scope->topology->settings[i].value);
        }
    }
    return 0;
}

static int general_variable(const struct scope *scope, const char *name, struct buf *out)
{
    if (str_starts_with(name, "set.")) {
        return setting_variable(scope, name + 4, out);
    }
    if (scope->keep_holes && hole_of(name, strlen(name)) != HOLE_NONE) {
        buf_printf(out, "{{%s}}", name);
        return 1;
    }
    const struct {
        const char *name, *value;
    } known[] = {{"state", scope->state},
                 {"tools", scope->tools},
                 {"dir", scope->dir},
                 {"primary_region", scope->topology->primary_region},
                 {"entrypoint.url", scope->topology->entrypoint.url}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].value && str_eq(known[i].name, name)) {
            return add_text(out, known[i].value);
        }
    }
    return 0;
}

static int unknown_variable(const struct scope *scope, const char *name, struct err *err)
{
    static const char *const names[] = {
        "host.name",        "host.short",     "host.address", "host.index",
        "region.name",      "region.id",      "region.index", "region.cidr",
        "region.router",    "region.primary", "address",      "port",
        "instance",         "state",          "dir",          "tools",
        "primary_region",   "entrypoint.url", "id",           "seq",
        "random",           "vantage",        "env.NAME",     "item.host.name",
        "item.host.short",  "item.address",   "item.port",    "item.name",
        "item.region.name", "item.id",        "item.index",   "item.instance",
    };
    const struct topology *topology = scope->topology;
    if (str_starts_with(name, "set.")) {
        const char *settings[64];
        char hint[96];
        size_t count = 0;
        for (; count < topology->setting_count && count < ARRAY_LEN(settings); count++) {
            settings[count] = topology->settings[count].name;
        }
        return err_set(err, ERR_INPUT, "there is no setting '%s'%s", name + 4, str_did_you_mean(name + 4, settings, count, hint));
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(names[i], name)) {
            return err_set(err, ERR_INPUT, "'{{%s}}' has no meaning here (this is for %s)", name, subject_name(&scope->this));
        }
    }
    char hint[96];
    return err_set(err, ERR_INPUT, "unknown variable '{{%s}}'%s", name, str_did_you_mean(name, names, ARRAY_LEN(names), hint));
}

int scope_lookup(const struct scope *scope, const char *name, struct buf *out, struct err *err)
{
    int found;
    if (str_starts_with(name, "item.")) {
        found = scope->in_loop ? subject_variable(scope, &scope->item, name + 5, out) : 0;
    } else {
        found = general_variable(scope, name, out);
        if (!found && (scope->this.region || scope->this.host)) {
            found = subject_variable(scope, &scope->this, name, out);
        }
    }
    return found ? 0 : unknown_variable(scope, name, err);
}
