/* The list of faults, and instances from and to their JSON description. */
#include "faults/fault.h"

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

#define FAULT(symbol) extern const struct fault_ops fault_##symbol##_ops;
#include "faults/faults.def"
#undef FAULT

#define FAULT(symbol) &fault_##symbol##_ops,
static const struct fault_ops *const faults[] = {
#include "faults/faults.def"
};
#undef FAULT

/* An instance with what its target borrows: the description, and arrays of pointers into it. */
struct box {
    struct fault_instance fault; /* first: instances are handed out as its address */
    json_t *description;
    const char **interfaces, **containers, **services, **get, **set;
    struct fault_peer *peers;
    int *pids;
    struct box *next;
};

static struct box *boxes; /* all there are */

const struct fault_ops *const *fault_list(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(faults);
    return faults;
}

const struct fault_ops *fault_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (str_eq(faults[i]->name, name)) {
            return faults[i];
        }
    }
    return NULL;
}

const struct fault_ops *fault_require(const char *name, struct err *err)
{
    const struct fault_ops *ops = fault_find(name);
    if (!ops) {
        const char *names[ARRAY_LEN(faults)];
        char hint[96];
        for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
            names[i] = faults[i]->name;
        }
        str_did_you_mean(name ? name : "", names, ARRAY_LEN(faults), hint);
        (void)err_set(err, ERR_INPUT, "there is no fault '%s'%s", name ? name : "",
                      *hint ? hint : " (`drill faults` lists them)");
    }
    return ops;
}

static const char **borrow_strings(const json_t *array, size_t *ret_count)
{
    size_t count = json_array_size(array);
    const char **strings = xcalloc(count, sizeof(*strings));
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text) {
            strings[(*ret_count)++] = text;
        }
    }
    return strings;
}

static struct fault_peer *borrow_peers(const json_t *array, size_t *ret_count)
{
    size_t count = json_array_size(array);
    struct fault_peer *peers = xcalloc(count, sizeof(*peers));
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *cidr = json_str(json_array_get(array, i), "cidr", NULL);
        if (cidr) {
            peers[(*ret_count)++] = (struct fault_peer){json_str(json_array_get(array, i), "name", cidr), cidr};
        }
    }
    return peers;
}

static int *copy_pids(const json_t *array, size_t *ret_count)
{
    size_t count = json_array_size(array);
    int *pids = xcalloc(count, sizeof(*pids));
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        json_int_t pid = json_integer_value(json_array_get(array, i));
        if (pid > 1 && pid <= INT32_MAX) { /* 0 and -1 are groups of processes, 1 is the world */
            pids[(*ret_count)++] = (int)pid;
        }
    }
    return pids;
}

static void read_control(struct box *box, const json_t *json)
{
    struct fault_control *control = &box->fault.target.control;
    box->get = borrow_strings(json_object_get(json, "get"), &control->get_count);
    box->set = borrow_strings(json_object_get(json, "set"), &control->set_count);
    control->get = box->get;
    control->set = box->set;
    control->timeout_ns = json_int(json, "timeout_ms", 0) * NS_PER_MS;
}

static void read_target(struct box *box)
{
    const json_t *json = json_object_get(box->description, "target");
    struct fault_target *target = &box->fault.target;
    target->place = json_str(json, "place", "");
    target->kind = json_str(json, "kind", "");
    target->name = json_str(json, "name", "");
    target->cidr = json_str(json, "cidr", "");
    box->peers = borrow_peers(json_object_get(json, "peers"), &target->peer_count);
    box->interfaces = borrow_strings(json_object_get(json, "interfaces"), &target->interface_count);
    box->services = borrow_strings(json_object_get(json, "services"), &target->service_count);
    box->containers = borrow_strings(json_object_get(json, "containers"), &target->container_count);
    box->pids = copy_pids(json_object_get(json, "pids"), &target->pid_count);
    target->peers = box->peers;
    target->interfaces = box->interfaces;
    target->services = box->services;
    target->containers = box->containers;
    target->pids = box->pids;
    read_control(box, json_object_get(json, "control"));
}

static int check_target(const struct fault_instance *fault, struct err *err)
{
    static const struct {
        const char *kind;
        unsigned bit;
    } kinds[] = {{"region", FAULT_REGION}, {"host", FAULT_HOST}, {"service", FAULT_SERVICE}, {"control", FAULT_CONTROL}};
    const struct fault_ops *ops = fault->ops;
    char taken[64] = "";
    bool right = false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (ops->targets & kinds[i].bit) {
            size_t used = strlen(taken);
            (void)str_format(taken + used, sizeof(taken) - used, "%s%s", used ? " or " : "", kinds[i].kind);
            right = right || str_eq(fault->target.kind, kinds[i].kind);
        }
    }
    if (!right) {
        return err_set(err, ERR_INPUT, "fault '%s' hits a %s, found '%s' %s", ops->name, taken, fault->target.kind,
                       fault->target.name);
    }
    if ((ops->targets & FAULT_PEER) && fault->target.peer_count == 0) {
        return err_set(
            err, ERR_INPUT,
            "fault '%s' stands between two sides: it needs `peer`, the other region or host, a list of them, or \"rest\"",
            ops->name);
    }
    return 0;
}

static int read_description(struct box *box, struct err *err)
{
    struct fault_instance *fault = &box->fault;
    const json_t *options = json_object_get(box->description, "options");
    AUTO_NODE struct node *node = json_is_object(options) ? node_from_json(options) : NULL;
    char what[64];
    if (!str_copy(fault->id, sizeof(fault->id), json_str(box->description, "fault_id", "")) || !*fault->id) {
        return err_set(err, ERR_INPUT, "a fault needs a 'fault_id' of 1 to %zu characters", sizeof(fault->id) - 1);
    }
    (void)str_format(what, sizeof(what), "fault '%s'", fault->ops->name);
    read_target(box);
    int status = check_target(fault, err);
    return status < 0 ? status : param_parse(fault->ops->options, node, what, fault->options, err);
}

int fault_instance_new(const json_t *description, struct fault_instance **ret_fault, struct err *err)
{
    const struct fault_ops *ops = fault_require(json_str(description, "fault", NULL), err);
    if (!ops) {
        return -ERR_INPUT;
    }
    struct box *box = xcalloc(1, sizeof(*box));
    box->fault.ops = ops;
    box->fault.options = xcalloc(1, ops->options_size);
    box->fault.state = xcalloc(1, ops->state_size);
    box->description = json_deep_copy(description);
    const json_t *journal = json_object_get(description, "journal");
    box->fault.journal = json_is_object(journal) ? json_deep_copy(journal) : json_object();
    box->fault.holds = json_object_size(box->fault.journal) > 0;
    box->next = boxes;
    boxes = box;
    int status = read_description(box, err);
    if (status < 0) {
        fault_instance_free(&box->fault);
        return status;
    }
    *ret_fault = &box->fault;
    return 0;
}

const struct fault_instance *fault_instance_next(const struct fault_instance *fault)
{
    const struct box *box = fault ? ((const struct box *)fault)->next : boxes;
    return box ? &box->fault : NULL;
}

static void forget(const struct box *box)
{
    struct box **link = &boxes;
    while (*link && *link != box) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = box->next;
    }
}

void fault_instance_free(struct fault_instance *fault)
{
    if (!fault) {
        return;
    }
    struct box *box = (struct box *)fault;
    forget(box);
    if (fault->ops->release) {
        fault->ops->release(fault);
    }
    param_clear(fault->ops->options, fault->options);
    free(fault->options);
    free(fault->state);
    json_decref(fault->journal);
    json_decref(box->description);
    free(box->peers);
    free(box->interfaces);
    free(box->services);
    free(box->containers);
    free(box->get);
    free(box->set);
    free(box->pids);
    free(box);
}

json_t *fault_instance_to_json(const struct fault_instance *fault)
{
    const struct box *box = (const struct box *)fault;
    json_t *target = json_object_get(box->description, "target");
    return json_pack("{s:s, s:s, s:o, s:O?, s:O}", "fault_id", fault->id, "fault", fault->ops->name, "options",
                     param_to_json(fault->ops->options, fault->options), "target", target, "journal", fault->journal);
}
