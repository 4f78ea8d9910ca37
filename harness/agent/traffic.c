/* The agent's side of load and read-back: their threads are their own, the loop only carries events and results. */
#include <sys/epoll.h>

#include "harness/agent/rpc.h"
#include "harness/base/str.h"
#include "harness/load/load.h"
#include "harness/load/readback.h"

struct traffic {
    struct load *load;
    struct watch *load_watch;
    struct readback *readback;
    struct watch *readback_watch;
    int64_t readback_id;
};

static struct traffic *traffic_of(struct agent *agent)
{
    if (!agent->traffic) {
        agent->traffic = xcalloc(1, sizeof(*agent->traffic));
    }
    return agent->traffic;
}

static void pass_events(struct agent *agent)
{
    for (json_t *event = load_take_event(agent->traffic->load); event; event = load_take_event(agent->traffic->load)) {
        rpc_event(agent, json_int(event, "t_ns", 0), "observe", event);
    }
}

static void on_load_event(void *context, uint32_t events)
{
    (void)events;
    pass_events(context);
}

int traffic_load_check(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    int status = load_check(json_object_get(params, "load"), err);
    if (status == 0) {
        rpc_reply(agent, id, json_object());
    }
    return status;
}

int traffic_load_start(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct traffic *traffic = traffic_of(agent);
    if (traffic->load) {
        return err_set(err, ERR_STATE, "this place has load on it already");
    }
    int status = load_start(json_object_get(params, "load"), &traffic->load, err);
    if (status < 0) {
        return status;
    }
    traffic->load_watch = loop_watch(agent->loop, load_event_fd(traffic->load), EPOLLIN, on_load_event, agent);
    rpc_reply(agent, id, json_pack("{s:I}", "start_ns", (json_int_t)load_start_ns(traffic->load)));
    return 0;
}

int traffic_load_stop(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct traffic *traffic = traffic_of(agent);
    json_t *summary = NULL;
    (void)params;
    if (!traffic->load) {
        return err_set(err, ERR_STATE, "this place has no load on it");
    }
    int status = load_stop(traffic->load, &summary, err);
    pass_events(agent);
    loop_unwatch(agent->loop, TAKE(traffic->load_watch));
    load_free(TAKE(traffic->load));
    if (status == 0) {
        rpc_reply(agent, id, summary);
    }
    return status;
}

static void on_readback(void *context, uint32_t events)
{
    struct agent *agent = context;
    struct traffic *traffic = agent->traffic;
    json_t *result = NULL;
    struct err err = {0};
    (void)events;
    if (readback_finish(traffic->readback, &result, &err) < 0) {
        rpc_fail(agent, traffic->readback_id, &err);
    } else {
        rpc_reply(agent, traffic->readback_id, result);
    }
    loop_unwatch(agent->loop, TAKE(traffic->readback_watch));
    readback_free(TAKE(traffic->readback));
}

int traffic_readback(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    struct traffic *traffic = traffic_of(agent);
    if (traffic->readback) {
        return err_set(err, ERR_STATE, "a read-back is under way already");
    }
    int status = readback_start(params, &traffic->readback, err);
    if (status == 0) {
        traffic->readback_id = id;
        traffic->readback_watch = loop_watch(agent->loop, readback_fd(traffic->readback), EPOLLIN, on_readback, agent);
    }
    return status;
}

void traffic_free(struct agent *agent)
{
    if (agent->traffic) {
        loop_unwatch(agent->loop, agent->traffic->load_watch);
        loop_unwatch(agent->loop, agent->traffic->readback_watch);
        load_free(agent->traffic->load);
        readback_free(agent->traffic->readback);
        free(TAKE(agent->traffic));
    }
}
