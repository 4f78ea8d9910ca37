/* A fault's interfaces switched off: the journal's "links" say what was there, for each {"up", "lost"}. Several faults may hold one down
 * (shared.h). */
#include "faults/network/links.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "faults/network/link.h"
#include "faults/network/link_memory.h"
#include "faults/network/shared.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

static const char key[] = "links";

static json_t *links_of(const struct fault_instance *fault)
{
    return json_object_get(fault->journal, key);
}

static int remember(const struct fault_instance *fault, const char *name, json_t *links, struct err *err)
{
    AUTO_JSON json_t *lost = json_array();
    const json_t *theirs = shared_find(fault, key, name);
    struct link_info info;
    if (theirs) { /* what was lost with it is not there to be seen any more */
        json_object_set_new(links, name, json_deep_copy(theirs));
        return 0;
    }
    int status = link_get(name, &info, err);
    if (status == 0) {
        status = link_memory_take(name, lost, err);
    }
    if (status == 0) {
        json_object_set_new(links, name, json_pack("{s:b, s:O}", "up", info.up, "lost", lost));
    }
    return status;
}

int links_prepare(struct fault_instance *fault, const struct selection *traffic, struct err *err)
{
    const char *names[SELECTION_INTERFACES_MAX];
    size_t count = 0;
    if (links_of(fault)) {
        return 0; /* prepared before: by now the routes may be gone */
    }
    AUTO_JSON json_t *links = json_object();
    int status = selection_interfaces(fault, traffic, true, names, &count, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = remember(fault, names[i], links, err);
    }
    if (status == 0) {
        json_object_set(fault->journal, key, links);
    }
    return status;
}

int links_apply(struct fault_instance *fault, struct err *err)
{
    const char *name;
    json_t *link, *links = links_of(fault);
    if (!links) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no interfaces", fault->id);
    }
    fault->holds = true;
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

int links_prove(const struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const char *name, *comma = "";
    json_t *link, *links = links_of(fault);
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

static bool is_ours(const struct fault_instance *fault, const char *name, const json_t *link)
{
    return json_flag(link, "up", true) && !shared_find(fault, key, name);
}

static int put_up(const char *name, const json_t *link, struct err *err)
{
    (void)link;
    return link_set_up(name, true, err);
}

static int put_back(const char *name, const json_t *link, struct err *err)
{
    (void)name;
    return link_memory_restore(json_object_get(link, "lost"), err);
}

/* First all are up: a route may leave through several. */
int links_revert(struct fault_instance *fault, struct err *err)
{
    static int (*const steps[])(const char *name, const json_t *link, struct err *err) = {put_up, put_back};
    const char *name;
    json_t *link;
    int first = 0;
    fault->holds = false;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        json_object_foreach(links_of(fault), name, link)
        {
            struct err other;
            int status = is_ours(fault, name, link) ? steps[i](name, link, first ? &other : err) : 0;
            first = first ? first : status; /* go on with the others, tell of the first */
        }
    }
    return first;
}

/* One that was down and is up now was put up by somebody else. */
static int add_residue(const char *name, const json_t *link, struct buf *left, struct err *err)
{
    struct link_info info;
    int status = link_get(name, &info, err);
    if (status < 0) {
        return status;
    }
    if (json_flag(link, "up", true) && !info.up) {
        buf_printf(left, "interface %s is down, was up before\n", name);
    }
    return link_memory_missing(name, json_object_get(link, "lost"), left, err);
}

int links_residue(const struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *name;
    json_t *link;
    json_object_foreach(links_of(fault), name, link)
    {
        int status = shared_find(fault, key, name) ? 0 : add_residue(name, link, left, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}
