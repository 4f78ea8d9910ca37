/* The agent while it serves: what its modules share, and how they answer. Private to harness/agent. */
#ifndef DRILL_AGENT_RPC_H
#define DRILL_AGENT_RPC_H

#include "harness/agent/link.h"
#include "harness/agent/loop.h"
#include "harness/base/buf.h"
#include "harness/base/json.h"

struct services;
struct observers;
struct fault_host;
struct traffic;
struct snapshot;
struct exposition;

struct agent {
    struct loop *loop;
    int in_fd, out_fd;
    struct buf in, out;
    char place[64];
    char *journal;              /* folder; NULL: none is kept */
    int64_t heartbeat_limit_ns; /* 0: no heartbeats are expected */
    int64_t heartbeat_ns;       /* the last one */
    bool ending;
    struct services *services;
    struct observers *observers;
    struct fault_host *faults;
    struct traffic *traffic;
    struct links *links;
    struct snapshot *snapshot;
    struct exposition *exposition;
};

/* A handler answers with rpc_reply or rpc_fail, now or later with the id that it keeps. An error returned is answered for it. */
typedef int rpc_handler_f(struct agent *agent, int64_t id, const json_t *params, struct err *err);

void rpc_reply(struct agent *agent, int64_t id, json_t *result /* taken, NULL: {} */);
void rpc_fail(struct agent *agent, int64_t id, const struct err *err);
/* An event of `t_ns`; takes fields. */
void rpc_event(struct agent *agent, int64_t t_ns, const char *kind, json_t *fields);
/* One line that came in. */
void rpc_take_line(struct agent *agent, const char *line, size_t size);

/* The handlers, by module. */
rpc_handler_f service_start, service_stop, service_pids, service_inspect, check_once;
rpc_handler_f fault_supported, fault_plan, fault_apply, fault_prove, fault_revert, fault_residue;
rpc_handler_f snapshot_rpc_take, snapshot_rpc_compare, traffic_load_check, traffic_load_start, traffic_load_stop,
    traffic_readback;
rpc_handler_f observe_start, observe_stop, exposition_serve;

void services_free(struct agent *agent);
void observers_free(struct agent *agent);
void exposition_free(struct agent *agent);
void traffic_free(struct agent *agent);
/* Revert all faults in reverse order, keeping journal entries of those that could not be. */
void faults_free(struct agent *agent);
/* Entries that a killed predecessor left for this place become faults of this agent; adds their ids to `adopted`. */
int faults_adopt(struct agent *agent, json_t *adopted, struct err *err) MUST_CHECK;

#endif
