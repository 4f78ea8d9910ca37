/* Interfaces by getifaddrs(3). */
#include "harness/agent/interfaces.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/str.h"

static bool has_name(const json_t *names, const char *name)
{
    size_t index;
    json_t *item;
    json_array_foreach(names, index, item)
    {
        if (str_eq(json_string_value(item), name)) {
            return true;
        }
    }
    return false;
}

/* The address of a prefix as it is written, "10.1.0.11/32". */
static struct in_addr address_of(const char *cidr)
{
    struct in_addr address = {0};
    AUTO_FREE char *text = xasprintf("%.*s", (int)strcspn(cidr, "/"), cidr);
    return inet_pton(AF_INET, text, &address) == 1 ? address : (struct in_addr){0};
}

json_t *interfaces_outer(const char *cidr)
{
    const struct in_addr wanted = address_of(cidr);
    json_t *names = json_array();
    struct ifaddrs *all = NULL;
    bool here = false;
    if (wanted.s_addr == 0 || getifaddrs(&all) < 0) {
        return names;
    }
    for (const struct ifaddrs *item = all; item; item = item->ifa_next) {
        if (!item->ifa_addr || item->ifa_addr->sa_family != AF_INET || (item->ifa_flags & IFF_LOOPBACK)) {
            continue;
        }
        here |= ((const struct sockaddr_in *)(const void *)item->ifa_addr)->sin_addr.s_addr == wanted.s_addr;
        if (!has_name(names, item->ifa_name)) {
            json_array_append_new(names, json_string(item->ifa_name));
        }
    }
    freeifaddrs(all);
    if (!here) {
        json_array_clear(names);
    }
    return names;
}

json_t *interfaces_resolved(const json_t *description)
{
    json_t *own = json_deep_copy(description);
    json_t *target = json_object_get(own, "target");
    if (json_array_size(json_object_get(target, "containers")) > 0) {
        AUTO_JSON json_t *names = interfaces_outer(json_str(target, "cidr", ""));
        if (json_array_size(names) > 0) {
            json_object_set(target, "interfaces", names);
        }
    }
    return own;
}
