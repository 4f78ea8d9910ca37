/* Refuse: what is selected is answered with a refusal instead of silence: a TCP reset, or an ICMP error. Established connections end with
 * their next segment; new ones fail at once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "faults/network/selection.h"
#include "faults/network/shared.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum refuse_with { WITH_RESET = 0, WITH_ICMP };
static const char *const refuse_withs[] = {"reset", "icmp", NULL};

struct refuse_options {
    struct selection traffic;
    int with;
};

static const struct param refuse_options[] = {
    SELECTION_OPTIONS(struct refuse_options, traffic),
    {.name = "with",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct refuse_options, with),
     .choices = refuse_withs,
     .fallback = "reset",
     .help = "reset ends TCP with a reset, all else with ICMP; icmp says \"administratively prohibited\" to all"},
    {.type = PARAM_END},
};

/* ICMP errors are rationed by the kernel, by peer and in all; those of the types in this mask. Without "destination unreachable" in it each
 * refusal is said. Of IPv6 only the peer's ration exists, and it is not touched. */
static const char ration_path[] = "/proc/sys/net/ipv4/icmp_ratemask";
static const char key[] = "icmp_ratemask";
enum { UNREACHABLE = 1 << 3 };

static int read_ration(long *ret_mask, struct err *err)
{
    AUTO_FREE char *text = NULL;
    int status = fd_read_file(ration_path, 64, &text, NULL, err);
    if (status == 0) {
        *ret_mask = strtol(text, NULL, 10);
    }
    return status;
}

static int write_ration(long mask, struct err *err)
{
    char text[32];
    (void)str_format(text, sizeof(text), "%ld", mask);
    return fd_write_file(ration_path, text, err);
}

static int make_plan(const struct fault_instance *fault, struct filter_plan *plan, struct err *err)
{
    const struct refuse_options *options = fault->options;
    struct nft_rule rule = {.action = options->with == WITH_RESET ? NFT_RESET : NFT_REJECT};
    return selection_plan(fault, &options->traffic, &rule, plan, err);
}

static int refuse_check(const struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    return make_plan(fault, &plan, err);
}

static int refuse_supported(const struct fault_instance *fault, struct err *err)
{
    const struct refuse_options *options = fault->options;
    struct nft_rule rule = {.action = NFT_RESET};
    int status = selection_supported(fault, &options->traffic, &rule, err);
    long mask = 0;
    if (status == 0 && (read_ration(&mask, err) < 0 || write_ration(mask, err) < 0)) {
        char why[256];
        (void)str_copy(why, sizeof(why), err->text);
        return err_set(err, ERR_UNSUPPORTED, "the ration of ICMP errors cannot be lifted here (%s): mount /proc/sys writable",
                       why);
    }
    return status;
}

static void refuse_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct refuse_options *options = fault->options;
    buf_printf(out, "refuse every packet with %s ", options->with == WITH_RESET ? "a TCP reset or ICMP" : "ICMP");
    selection_print(fault, &options->traffic, out);
    buf_puts(out, "; proven by the counters that a probe raises");
}

static int refuse_prepare(struct fault_instance *fault, struct err *err)
{
    long mask = 0;
    if (json_object_get(fault->journal, key)) {
        return filter_prepare(fault, err);
    }
    const json_t *theirs = shared_find(fault, key, NULL);
    int status = theirs ? 0 : read_ration(&mask, err);
    if (status < 0) {
        return status;
    }
    json_object_set_new(fault->journal, key, theirs ? json_deep_copy(theirs) : json_integer(mask));
    return filter_prepare(fault, err);
}

static long ration_before(const struct fault_instance *fault)
{
    return (long)json_int(fault->journal, key, 0);
}

/* Not where it was lifted already, by who is not known here. */
static bool lifts(const struct fault_instance *fault)
{
    return ration_before(fault) & UNREACHABLE;
}

/* Nor is it put back while another fault needs it lifted. */
static bool puts_back(const struct fault_instance *fault)
{
    return lifts(fault) && !shared_find(fault, key, NULL);
}

static int refuse_apply(struct fault_instance *fault, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    if (status == 0 && !json_object_get(fault->journal, key)) {
        status = err_set(err, ERR_STATE, "fault %s is not prepared: its journal has no icmp_ratemask", fault->id);
    }
    fault->holds = status == 0;
    if (status == 0 && lifts(fault)) {
        status = write_ration(ration_before(fault) & ~(long)UNREACHABLE, err);
    }
    return status < 0 ? status : filter_apply(fault, &plan, err);
}

static int refuse_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    struct filter_plan plan;
    int status = make_plan(fault, &plan, err);
    return status < 0 ? status : filter_prove(fault, &plan, proof, err);
}

/* Written without the heap: fd_write_file takes none. */
static int refuse_revert(struct fault_instance *fault, struct err *err)
{
    struct err other;
    int status = filter_revert(fault, err);
    fault->holds = false;
    if (!puts_back(fault)) {
        return status;
    }
    int ration = write_ration(ration_before(fault), status < 0 ? &other : err);
    return status < 0 ? status : ration;
}

static int refuse_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    long mask = 0, before = ration_before(fault);
    bool ours = puts_back(fault);
    int status = ours ? read_ration(&mask, err) : 0;
    if (status == 0 && ours && mask != before) {
        buf_printf(left, "net.ipv4.icmp_ratemask is %ld, was %ld before\n", mask, before);
    }
    return status < 0 ? status : filter_residue(fault, left, err);
}

const struct fault_ops fault_refuse_ops = {
    .name = "refuse",
    .summary = "answer what crosses the border of a region or a host with a refusal: TCP reset or ICMP",
    .targets = FAULT_REGION | FAULT_HOST,
    .options = refuse_options,
    .options_size = sizeof(struct refuse_options),
    .state_size = sizeof(struct filter_state),
    .example = "fault.refuse { host = \"us-east-db\", protocol = \"tcp\", port = 5432 }",
    .mechanisms = "nft owner table with reject; net.ipv4.icmp_ratemask without \"unreachable\"",
    .needs = "CAP_NET_ADMIN in the place, nf_tables with nft_reject, /proc/sys writable",
    .proof = "the rules' counters, which probe packets raise",
    .undo = "the table goes with the agent's socket, whatever ends it; the sysctl is put back from the journal by the agent or "
            "`drill undo`",
    .check = refuse_check,
    .supported = refuse_supported,
    .plan = refuse_plan,
    .prepare = refuse_prepare,
    .apply = refuse_apply,
    .prove = refuse_prove,
    .revert = refuse_revert,
    .residue = refuse_residue,
    .release = filter_release,
};
