/* Flap: a cut that comes and goes by period and duty, as a bad contact or a router that restarts again and again. It begins cut; each
 * change is an event. What is cut is either the selected traffic (dropped without a word) or the interfaces themselves (switched off). */
#include "faults/network/flap.h"

#include <math.h>

#include "faults/network/link.h"
#include "faults/network/links.h"
#include "faults/shape.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum flap_how { HOW_CUT = 0, HOW_LINK };
static const char *const flap_hows[] = {"cut", "link", NULL};

struct flap_options {
    struct selection traffic;
    int how;
    int64_t period_ns, times, seed;
    double duty, jitter;
};

struct flap_state {
    struct filter_state filter; /* first: filter's functions look for it */
    bool cut;
    int64_t stretch, until_ns; /* which one it is, and its end; 0: not begun */
};

static const struct param flap_options[] = {
    SELECTION_OPTIONS(struct flap_options, traffic),
    {.name = "how",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct flap_options, how),
     .choices = flap_hows,
     .fallback = "cut",
     .help = "cut drops the selected traffic, link switches the interfaces off"},
    {.name = "period",
     .type = PARAM_DURATION,
     .offset = offsetof(struct flap_options, period_ns),
     .fallback = "2s",
     .min = 100 * NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .help = "from the beginning of one cut to that of the next"},
    {.name = "duty",
     .type = PARAM_SHARE,
     .offset = offsetof(struct flap_options, duty),
     .fallback = "50%",
     .min = 10000,
     .max = 990000,
     .help = "this share of a period is cut"},
    {.name = "jitter",
     .type = PARAM_SHARE,
     .offset = offsetof(struct flap_options, jitter),
     .fallback = "0%",
     .min = 0,
     .max = 900000,
     .help = "each stretch is longer or shorter by up to this share"},
    {.name = "times",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct flap_options, times),
     .fallback = "0",
     .min = 0,
     .max = 100000,
     .help = "so many cuts, then it stays whole; 0 goes on until it is reverted"},
    {.name = "seed",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct flap_options, seed),
     .fallback = "1",
     .min = 0,
     .max = 1000000000,
     .help = "of the jitter: equal seeds give equal flaps"},
    {.type = PARAM_END},
};

static const struct nft_rule drop = {.action = NFT_DROP};

int64_t flap_stretch_ns(int64_t period_ns, double duty, double jitter, int64_t seed, int64_t n)
{
    uint64_t random = shape_seed((uint64_t)seed * 1000003u + (uint64_t)n);
    double length_ns = (double)period_ns * (n % 2 ? 1 - duty : duty);
    return (int64_t)llround(length_ns * (1 + jitter * (2 * shape_draw(&random) - 1)));
}

static bool by_link(const struct fault_instance *fault)
{
    const struct flap_options *options = fault->options;
    return options->how == HOW_LINK;
}

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct flap_options *options = fault->options;
    return selection_plan(fault, &options->traffic, &drop, plan, err);
}

static int flap_check(const struct fault_instance *fault, struct err *err)
{
    const struct flap_options *options = fault->options;
    const char *names[SELECTION_INTERFACES_MAX];
    struct filter_plan plan;
    size_t count = 0;
    if (!by_link(fault)) {
        return make_plan(fault, &plan, err);
    }
    if (options->traffic.direction != SELECTION_BOTH || !selection_is_whole(fault, &options->traffic)) {
        return err_set(
            err, ERR_INPUT,
            "fault 'flap': an interface that is off is off for all: with `how` = \"link\" only `planes` and `link` select");
    }
    return selection_interfaces(fault, &options->traffic, true, names, &count, err);
}

static int flap_supported(const struct fault_instance *fault, struct err *err)
{
    const struct flap_options *options = fault->options;
    int status = flap_check(fault, err);
    if (status < 0) {
        return status;
    }
    return by_link(fault) ? link_supported(err) : selection_supported(fault, &options->traffic, &drop, err);
}

static void flap_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct flap_options *options = fault->options;
    char period[32];
    buf_puts(out, by_link(fault) ? "switch the outer interfaces off and on " : "drop every packet, and let them pass again, ");
    selection_print(fault, &options->traffic, out);
    buf_printf(out, ": cut for %g %% of each %s", options->duty * 100, clock_format_duration(options->period_ns, period));
    if (options->times) {
        buf_printf(out, ", %lld times", (long long)options->times);
    }
    buf_printf(out, "; proven by the %s in the first cut",
               by_link(fault) ? "interfaces' flags" : "drop counters that a probe raises");
}

static int flap_prepare(struct fault_instance *fault, struct err *err)
{
    const struct flap_options *options = fault->options;
    return by_link(fault) ? links_prepare(fault, &options->traffic, err) : filter_prepare(fault, err);
}

static int set_cut(struct fault_instance *fault, bool cut, struct err *err)
{
    struct flap_state *state = fault->state;
    struct filter_plan plan;
    int status = 0;
    if (by_link(fault)) {
        status = cut ? links_apply(fault, err) : links_revert(fault, err);
    } else if (cut) {
        status = make_plan(fault, &plan, err);
        status = status < 0 ? status : filter_apply(fault, &plan, err);
    } else {
        status = filter_revert(fault, err);
    }
    if (status == 0) {
        state->cut = cut;
    }
    return status;
}

static int flap_apply(struct fault_instance *fault, struct err *err)
{
    return set_cut(fault, true, err);
}

static int64_t stretch_ns(const struct fault_instance *fault, int64_t n)
{
    const struct flap_options *options = fault->options;
    return flap_stretch_ns(options->period_ns, options->duty, options->jitter, options->seed, n);
}

/* The stretches follow each other on a time of their own: being woken late shortens one and moves none. */
static int flap_tick(struct fault_instance *fault, int64_t *ret_due_ns, struct buf *told, struct err *err)
{
    const struct flap_options *options = fault->options;
    struct flap_state *state = fault->state;
    int64_t now_ns = clock_now_ns();
    if (state->until_ns == 0) {
        state->until_ns = now_ns + stretch_ns(fault, 0);
        *ret_due_ns = state->until_ns;
        return 0;
    }
    int status = set_cut(fault, !state->cut, err);
    if (status < 0) {
        return status;
    }
    state->stretch++;
    state->until_ns += stretch_ns(fault, state->stretch);
    if (state->until_ns < now_ns) {
        state->until_ns = now_ns + NS_PER_MS;
    }
    buf_printf(told, "cut %lld %s", (long long)(state->stretch / 2 + 1), state->cut ? "begins" : "ends");
    bool over = !state->cut && options->times && state->stretch / 2 + 1 >= options->times;
    *ret_due_ns = over ? 0 : state->until_ns;
    return 0;
}

static int flap_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct flap_state *state = fault->state;
    struct filter_plan plan;
    if (!state->cut) {
        return err_set(err, ERR_STATE, "fault %s is between two cuts, or not in force", fault->id);
    }
    if (by_link(fault)) {
        return links_prove(fault, proof, err);
    }
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_prove(fault, &plan, proof, err);
}

static int flap_revert(struct fault_instance *fault, struct err *err)
{
    struct flap_state *state = fault->state;
    state->stretch = state->until_ns = 0;
    return set_cut(fault, false, err);
}

static int flap_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    return by_link(fault) ? links_residue(fault, left, err) : filter_residue(fault, left, err);
}

const struct fault_ops fault_flap_ops = {
    .name = "flap",
    .summary = "cut a border or a link again and again, by period and duty",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = flap_options,
    .options_size = sizeof(struct flap_options),
    .state_size = sizeof(struct flap_state),
    .example = "fault.flap { region = \"us-east\", planes = \"backbone\", period = \"3s\", duty = \"30%\" }",
    .mechanisms = "nft owner table, or netlink link flags, switched by the agent's clock",
    .needs = "CAP_NET_ADMIN and CAP_NET_RAW in the place, nf_tables",
    .proof =
        "in its first cut: the rules' counters, which probe packets raise, or the interfaces' flags; each change is an event",
    .undo = "as blackhole and link_down: the table goes with the agent's socket; interfaces and what the kernel forgot with them "
            "are put "
            "back from the journal by the agent or `drill undo`",
    .check = flap_check,
    .supported = flap_supported,
    .plan = flap_plan,
    .prepare = flap_prepare,
    .apply = flap_apply,
    .prove = flap_prove,
    .tick = flap_tick,
    .revert = flap_revert,
    .residue = flap_residue,
    .release = filter_release,
};
