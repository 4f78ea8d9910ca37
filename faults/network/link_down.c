/* Link down: the target's outer interfaces are switched off, as if a cable were pulled at this end. Routes that the kernel forgets with
 * them are remembered in the journal and put back. */
#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "faults/network/link.h"
#include "faults/network/link_memory.h"
#include "faults/network/selection.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

struct link_down_options {
    struct selection traffic; /* planes and link of it */
};

static const struct param link_down_options[] = {
    SELECTION_OPTIONS_LINK(struct link_down_options, traffic),
    {.type = PARAM_END},
};

/* The same selection and the same complaints as the faults made of rules. */
static int interfaces_of(const struct fault_instance *fault, const char *names[static SELECTION_INTERFACES_MAX],
                         size_t *ret_count, struct err *err)
{
    const struct link_down_options *options = fault->options;
    return selection_interfaces(fault, &options->traffic, true, names, ret_count, err);
}

static int link_down_supported(const struct fault_instance *fault, struct err *err)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    int status = interfaces_of(fault, names, &count, err);
    return status < 0 ? status : link_supported(err);
}

static void link_down_plan(const struct fault_instance *fault, struct buf *out)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    struct err ignored; /* supported says it */
    buf_printf(out, "switch off the outer interfaces of %s:", fault->target.name);
    if (interfaces_of(fault, names, &count, &ignored) == 0) {
        for (size_t i = 0; i < count; i++) {
            buf_printf(out, " %s", names[i]);
        }
    }
    buf_puts(out, "; proven by the interfaces' flags");
}

static int remember(const char *name, json_t *links, struct err *err)
{
    AUTO_JSON json_t *lost = json_array();
    struct link_info info;
    int status = link_get(name, &info, err);
    if (status == 0) {
        status = link_memory_take(name, lost, err);
    }
    if (status == 0) {
        json_object_set_new(links, name, json_pack("{s:b, s:O}", "up", info.up, "lost", lost));
    }
    return status;
}

static int link_down_prepare(struct fault_instance *fault, struct err *err)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    if (json_object_get(fault->journal, "links")) {
        return 0; /* prepared before: by now the routes may be gone */
    }
    AUTO_JSON json_t *links = json_object();
    int status = interfaces_of(fault, names, &count, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = remember(names[i], links, err);
    }
    if (status == 0) {
        json_object_set(fault->journal, "links", links);
    }
    return status;
}

static int link_down_apply(struct fault_instance *fault, struct err *err)
{
    const char *name;
    json_t *link, *links = json_object_get(fault->journal, "links");
    if (!links) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no interfaces", fault->id);
    }
    json_object_foreach(links, name, link)
    {
        int status = link_set_up(name, false, err);
        if (status < 0) {
            return status;
        }
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "netlink link flags");
    return 0;
}

/* Not over netlink: the flags as programs see them. */
static int read_flags(const char *name, short *ret_flags, struct err *err)
{
    struct ifreq request = {0};
    AUTO_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)str_copy(request.ifr_name, sizeof(request.ifr_name), name);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
        return err_errno(err, errno, "interface '%s': cannot read its flags", name);
    }
    *ret_flags = request.ifr_flags;
    return 0;
}

static int link_down_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const char *name, *comma = "";
    json_t *link, *links = json_object_get(fault->journal, "links");
    if (json_object_size(links) == 0) {
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    }
    buf_puts(proof, "interface flags:");
    json_object_foreach(links, name, link)
    {
        short flags = 0;
        int status = read_flags(name, &flags, err);
        if (status < 0) {
            return status;
        }
        if (flags & (IFF_UP | IFF_RUNNING)) {
            return err_set(err, ERR_STATE, "fault %s: interface '%s' should be down, its flags are 0x%x (up)", fault->id, name,
                           (unsigned)flags);
        }
        buf_printf(proof, "%s %s is down (0x%x)", comma, name, (unsigned)flags);
        comma = ",";
    }
    return 0;
}

static int revert_link(const char *name, const json_t *link, struct err *err)
{
    if (!json_flag(link, "up", true)) {
        return 0;
    }
    int status = link_set_up(name, true, err);
    return status < 0 ? status : link_memory_restore(json_object_get(link, "lost"), err);
}

static int link_down_revert(struct fault_instance *fault, struct err *err)
{
    const char *name;
    json_t *link;
    int first = 0;
    json_object_foreach(json_object_get(fault->journal, "links"), name, link)
    {
        struct err other;
        int status = revert_link(name, link, first ? &other : err);
        first = first ? first : status; /* go on with the others, tell of the first */
    }
    return first;
}

static int link_down_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *name;
    json_t *link;
    json_object_foreach(json_object_get(fault->journal, "links"), name, link)
    {
        struct link_info info;
        int status = link_get(name, &info, err);
        if (status == 0 && info.up != json_flag(link, "up", true)) {
            buf_printf(left, "interface %s is %s, was %s before\n", name, info.up ? "up" : "down", info.up ? "down" : "up");
        }
        if (status == 0) {
            status = link_memory_missing(name, json_object_get(link, "lost"), left, err);
        }
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

const struct fault_ops fault_link_down_ops = {
    .name = "link_down",
    .summary = "switch off the outer interfaces of a region or a host",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = link_down_options,
    .options_size = sizeof(struct link_down_options),
    .supported = link_down_supported,
    .plan = link_down_plan,
    .prepare = link_down_prepare,
    .apply = link_down_apply,
    .prove = link_down_prove,
    .revert = link_down_revert,
    .residue = link_down_residue,
};
