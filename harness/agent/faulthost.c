/* The faults of this place: journal, apply, proof, revert, time to live. */
#include <string.h>

#include "faults/fault.h"
#include "faults/snapshot.h"
#include "harness/agent/interfaces.h"
#include "harness/agent/journal.h"
#include "harness/agent/lent.h"
#include "harness/agent/rpc.h"
#include "harness/base/clock.h"
#include "harness/base/log.h"
#include "harness/base/vec.h"

enum { PROVE_PAUSE_MS = 20 };

struct held {
    struct agent *agent;
    struct fault_instance *fault;
    struct lent *lent;
    bool reverted;
    struct timer *ttl;
    struct timer *proving;
    struct timer *ticking;
    int64_t prove_id, prove_until_ns;
};

struct fault_host {
    VEC(struct held *) items;
};

static struct fault_host *host_of(struct agent *agent)
{
    if (!agent->faults) {
        agent->faults = xcalloc(1, sizeof(*agent->faults));
    }
    return agent->faults;
}

static struct held *find(struct agent *agent, const char *id)
{
    VEC_EACH(held, &host_of(agent)->items)
    {
        if (str_eq((*held)->fault->id, id)) {
            return *held;
        }
    }
    return NULL;
}

/* A fault whose apply failed before it was one has nothing to be taken away: revert may be asked for at any time. */
static void reply_reverted(struct agent *agent, int64_t id, int64_t before_ns, int64_t after_ns)
{
    rpc_reply(agent, id, json_pack("{s:I, s:I}", "before_ns", (json_int_t)before_ns, "after_ns", (json_int_t)after_ns));
}

static int need(struct agent *agent, const json_t *params, struct held **ret_held, struct err *err)
{
    const char *id = json_str(params, "fault_id", "");
    *ret_held = find(agent, id);
    return *ret_held ? 0 : err_set(err, ERR_STATE, "there is no fault '%s' here", id);
}

static int with_instance(const json_t *params, struct fault_instance **ret_fault, struct err *err)
{
    AUTO_JSON json_t *resolved = interfaces_resolved(params);
    return fault_instance_new(resolved, ret_fault, err);
}

int fault_supported(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct fault_instance *fault = NULL;
    int status = with_instance(params, &fault, err);
    if (status == 0) {
        status = fault->ops->supported(fault, err);
    }
    if (status == 0) {
        rpc_reply(agent, id, NULL);
    }
    fault_instance_free(fault);
    return status;
}

static void say_ttl(int64_t ttl_ms, struct buf *out)
{
    char time[32];
    if (ttl_ms > 0) {
        buf_printf(out, ", for %s at most", clock_format_duration(ttl_ms * NS_PER_MS, time));
    }
}

/* An option that narrows leaves something to reach; one that only destroys connections does not. */
static bool isolates(const struct fault_instance *fault, const json_t *options)
{
    size_t harmless = json_object_get(options, "reset") ? 1 : 0;
    return fault->ops->isolates && fault->target.peer_count == 0 && json_object_size(options) == harmless;
}

int fault_plan(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct fault_instance *fault = NULL;
    struct buf text CLEANUP(buf_clear) = {0};
    struct lent *lent CLEANUP(lent_cleanup) = lent_new(params); /* only what is declared is asked of it */
    int status = with_instance(params, &fault, err);
    if (status == 0) {
        fault->services = lent_services(lent);
        status = fault->ops->check ? fault->ops->check(fault, err) : 0;
    }
    if (status == 0) {
        fault->ops->plan(fault, &text);
        say_ttl(json_int(params, "ttl_ms", 0), &text);
        rpc_reply(
            agent, id,
            json_pack("{s:s, s:b}", "text", buf_str(&text), "isolates", isolates(fault, json_object_get(params, "options"))));
    }
    fault_instance_free(fault);
    return status;
}

static void hold(struct agent *agent, struct held *held, struct fault_instance *fault, const json_t *description)
{
    *held = (struct held){.agent = agent, .fault = fault, .lent = lent_new(description)};
    fault->services = lent_services(held->lent);
    *VEC_ADD(&host_of(agent)->items) = held;
}

/* The entry goes only when the fault is out and has left nothing. */
static int revert_held(struct held *held, struct err *err)
{
    struct fault_instance *fault = held->fault;
    struct buf left CLEANUP(buf_clear) = {0};
    loop_cancel(held->agent->loop, TAKE(held->ttl));
    loop_cancel(held->agent->loop, TAKE(held->ticking));
    fault->before_ns = clock_now_ns();
    int status = fault->ops->revert(fault, err);
    fault->after_ns = clock_now_ns();
    if (status < 0) {
        return status;
    }
    held->reverted = true;
    if (held->agent->journal && fault->ops->residue(fault, &left, err) == 0 && left.size == 0) {
        return journal_remove(held->agent->journal, fault, err);
    }
    return 0;
}

static void on_ttl(void *context)
{
    struct held *held = context;
    struct err err = {0};
    held->ttl = NULL;
    int64_t ended_ns = clock_now_ns();
    int status = revert_held(held, &err);
    rpc_event(held->agent, ended_ns, "fault.expired",
              json_pack("{s:s, s:b, s:s}", "fault_id", held->fault->id, "reverted", status == 0, "reason", err.text));
}

static void tick(void *context)
{
    struct held *held = context;
    struct buf told CLEANUP(buf_clear) = {0};
    struct err err = {0};
    int64_t due_ns = 0;
    held->ticking = NULL;
    int status = held->fault->ops->tick(held->fault, &due_ns, &told, &err);
    if (status < 0) {
        buf_printf(&told, "%sdoes not go on: %s", told.size ? "; " : "", err.text);
    }
    if (told.size) {
        rpc_event(held->agent, clock_now_ns(), "fault.changed",
                  json_pack("{s:s, s:s}", "fault_id", held->fault->id, "text", buf_str(&told)));
    }
    if (status == 0 && due_ns) {
        held->ticking = loop_timer(held->agent->loop, due_ns, tick, held);
    }
}

/* What apply has put into the journal is for a revert from it alone. */
static int apply_and_remember(struct held *held, struct err *err)
{
    struct fault_instance *fault = held->fault;
    AUTO_JSON json_t *written = json_deep_copy(fault->journal);
    fault->before_ns = clock_now_ns();
    int status = fault->ops->apply(fault, err);
    fault->after_ns = clock_now_ns();
    if (status == 0 && held->agent->journal && !json_equal(written, fault->journal)) {
        status = journal_write(held->agent->journal, fault, err);
    }
    return status;
}

static int apply_held(struct held *held, struct err *err)
{
    struct fault_instance *fault = held->fault;
    int status = fault->ops->supported(fault, err);
    if (status == 0) {
        status = fault->ops->prepare(fault, err);
    }
    if (status == 0 && held->agent->journal) {
        status = journal_write(held->agent->journal, fault, err);
    }
    if (status < 0) {
        held->reverted = true; /* nothing was changed yet */
        return status;
    }
    status = apply_and_remember(held, err);
    if (status < 0) {
        struct err local = {0};
        if (revert_held(held, &local) < 0) {
            (void)err_prefix(err, "half applied, and the revert failed too (%s)", local.text);
        }
    }
    return status;
}

int fault_apply(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct held *held = find(agent, json_str(params, "fault_id", ""));
    int64_t ttl_ms = json_int(params, "ttl_ms", 0);
    int status = 0;
    if (!held) {
        struct fault_instance *fault = NULL;
        status = with_instance(params, &fault, err);
        if (status < 0) {
            return status;
        }
        held = xcalloc(1, sizeof(*held));
        hold(agent, held, fault, params);
    }
    held->reverted = false;
    status = apply_held(held, err);
    if (status < 0) {
        return status;
    }
    loop_cancel(agent->loop, TAKE(held->ttl));
    if (held->fault->ops->tick && !held->ticking) {
        tick(held);
    }
    if (ttl_ms > 0) {
        held->ttl = loop_timer(agent->loop, clock_now_ns() + ttl_ms * NS_PER_MS, on_ttl, held);
    }
    rpc_reply(agent, id,
              json_pack("{s:I, s:I, s:s}", "before_ns", (json_int_t)held->fault->before_ns, "after_ns",
                        (json_int_t)held->fault->after_ns, "mechanism", held->fault->mechanism));
    return 0;
}

/* The kernel may need a packet to pass, a process to be reaped: tried until it is so or the time is up. */
static void try_prove(void *context)
{
    struct held *held = context;
    struct buf proof CLEANUP(buf_clear) = {0};
    struct err err = {0};
    held->proving = NULL;
    int status = held->fault->ops->prove(held->fault, &proof, &err);
    if (status < 0 && clock_now_ns() < held->prove_until_ns) {
        held->proving = loop_timer(held->agent->loop, clock_now_ns() + PROVE_PAUSE_MS * NS_PER_MS, try_prove, held);
        return;
    }
    rpc_reply(held->agent, held->prove_id,
              json_pack("{s:b, s:s}", "ok", status == 0, "proof", status == 0 ? buf_str(&proof) : err.text));
}

int fault_prove(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct held *held = NULL;
    int status = need(agent, params, &held, err);
    if (status == 0) {
        held->prove_id = id;
        held->prove_until_ns = clock_now_ns() + json_int(params, "timeout_ms", 1000) * NS_PER_MS;
        try_prove(held);
    }
    return status;
}

int fault_revert(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct held *held = find(agent, json_str(params, "fault_id", ""));
    int status = held ? revert_held(held, err) : 0;
    if (status == 0) {
        int64_t now_ns = clock_now_ns();
        reply_reverted(agent, id, held ? held->fault->before_ns : now_ns, held ? held->fault->after_ns : now_ns);
    }
    return status;
}

int fault_residue(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct held *held = find(agent, json_str(params, "fault_id", ""));
    struct buf left CLEANUP(buf_clear) = {0};
    int status = held ? held->fault->ops->residue(held->fault, &left, err) : 0;
    if (status < 0) {
        return status;
    }
    json_t *lines = json_array();
    char *rest = left.data, *line;
    while (rest && (line = strsep(&rest, "\n"))) {
        if (*line) {
            json_array_append_new(lines, json_string(line));
        }
    }
    rpc_reply(agent, id, json_pack("{s:o}", "left", lines));
    return 0;
}

int faults_adopt(struct agent *agent, json_t *adopted, struct err *err)
{
    AUTO_JSON json_t *entries = NULL;
    size_t index;
    json_t *entry;
    if (!agent->journal) {
        return 0;
    }
    int status = journal_read(agent->journal, agent->place, &entries, err);
    json_array_foreach(entries, index, entry)
    {
        struct fault_instance *fault = NULL;
        struct err local = {0};
        if (fault_instance_new(entry, &fault, &local) < 0) {
            continue; /* of another version: it stands in the journal, and drill undo names it */
        }
        struct held *held = xcalloc(1, sizeof(*held));
        hold(agent, held, fault, entry);
        json_array_append_new(adopted, json_string(fault->id));
    }
    return status;
}

void faults_free(struct agent *agent)
{
    if (!agent->faults) {
        return;
    }
    for (size_t i = agent->faults->items.count; i > 0; i--) {
        struct held *held = agent->faults->items.items[i - 1];
        struct err err = {0};
        if (!held->reverted && revert_held(held, &err) < 0) {
            log_error("%s: fault '%s' could not be reverted, its journal entry stands: %s", agent->place, held->fault->id,
                      err.text);
        }
        loop_cancel(agent->loop, held->ttl);
        loop_cancel(agent->loop, held->proving);
        loop_cancel(agent->loop, held->ticking);
        fault_instance_free(held->fault);
        lent_free(held->lent);
        free(held);
    }
    VEC_CLEAR(&agent->faults->items);
    free(TAKE(agent->faults));
}

int snapshot_rpc_take(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    (void)params;
    snapshot_free(TAKE(agent->snapshot));
    int status = snapshot_take(&agent->snapshot, err);
    if (status == 0) {
        rpc_reply(agent, id, NULL);
    }
    return status;
}

int snapshot_rpc_compare(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    (void)params;
    if (!agent->snapshot) {
        return err_set(err, ERR_STATE, "no snapshot was taken here");
    }
    json_t *left = json_array();
    int status = snapshot_compare(agent->snapshot, left, err);
    if (status < 0) {
        json_decref(left);
        return status;
    }
    rpc_reply(agent, id, json_pack("{s:o}", "left", left));
    return 0;
}
