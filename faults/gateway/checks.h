/* What the faults that tell health checks something else than the truth have in common: connections to the target's ports are redirected
 * to a stand-in in the agent by an nft owner table, which goes with the agent. */
#ifndef DRILL_FAULTS_GATEWAY_CHECKS_H
#define DRILL_FAULTS_GATEWAY_CHECKS_H

#include "faults/gateway/standin.h"
#include "faults/network/filter.h"

struct checks_options { /* the first member of each user's options */
    char *path;
    int64_t port, status;
};

#define CHECKS_OPTIONS                                                                                                           \
    {.name = "path",                                                                                                             \
     .type = PARAM_STRING,                                                                                                       \
     .offset = offsetof(struct checks_options, path),                                                                            \
     .fallback = "/healthz",                                                                                                     \
     .unit_hint = "path",                                                                                                        \
     .help = "what health checks ask for, without a query"},                                                                     \
    {                                                                                                                            \
        .name = "port", .type = PARAM_INTEGER, .offset = offsetof(struct checks_options, port), .min = 0, .max = 65535,          \
        .fallback = "0", .help = "the gateway's port; 0 is each that it listens on"                                              \
    }

struct checks_state {
    struct filter_state filter; /* first: filter's functions look for it */
    struct standin *standin;
};

int checks_check(const struct fault_instance *fault, struct err *err) MUST_CHECK;
int checks_supported(const struct fault_instance *fault, struct err *err) MUST_CHECK;
int checks_prepare(struct fault_instance *fault, struct err *err) MUST_CHECK;
/* `request` says what the stand-in does; id, path and mark are filled in here. */
int checks_apply(struct fault_instance *fault, const struct standin_request *request, struct err *err) MUST_CHECK;
/* Connections to the target's ports that are there already are destroyed: they know nothing of redirections. */
int checks_cut(struct fault_instance *fault, struct err *err) MUST_CHECK;
int checks_revert(struct fault_instance *fault, struct err *err) MUST_CHECK;
void checks_release(struct fault_instance *fault);

struct checks_answer {
    bool answered, closed; /* an HTTP answer came; or the end, or a reset. Neither: silence */
    bool ours;             /* the stand-in of this fault gave it */
    int status;            /* HTTP */
};
/* Each of the target's redirected ports. */
size_t checks_count(const struct fault_instance *fault);
int checks_port(const struct fault_instance *fault, size_t index);
/* Ask a port for `path` as anybody would, or (`past`) past the stand-in. ERR_STATE when it does not even accept. */
int checks_ask(const struct fault_instance *fault, size_t index, const char *path, bool past, struct checks_answer *ret_answer,
               struct err *err) MUST_CHECK;
/* Proves one of the redirected ports, adding to `proof`. */
typedef int checks_prove_f(const struct fault_instance *fault, size_t index, struct buf *proof, struct err *err);
/* All of them; ERR_STATE too where there are none yet. */
int checks_prove_each(const struct fault_instance *fault, checks_prove_f *prove, struct buf *proof, struct err *err) MUST_CHECK;
/* The check at a port gets `status` from the stand-in: ERR_STATE with what came instead. */
int checks_prove(const struct fault_instance *fault, size_t index, int status, struct err *err) MUST_CHECK;

#endif
