/* The fake fault: touches nothing and fails where it is told to, for tests of what stands around faults. */
#include "faults/fault.h"

#include "harness/base/str.h"

enum { FAIL_NONE = 0, FAIL_SUPPORTED, FAIL_PREPARE, FAIL_APPLY, FAIL_PROVE, FAIL_REVERT, FAIL_RESIDUE };
static const char *const hooks[] = {"none", "supported", "prepare", "apply", "prove", "revert", "residue", NULL};

struct null_options {
    int fail;
};

struct null_state {
    bool applied;
};

static const struct param null_options[] = {
    {.name = "fail",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct null_options, fail),
     .choices = hooks,
     .fallback = "none",
     .help = "the hook that fails; residue: leave a trace"},
    {.type = PARAM_END},
};

static bool fails(const struct fault_instance *fault, int hook)
{
    const struct null_options *options = fault->options;
    return options->fail == hook;
}

static int fail(int hook, struct err *err)
{
    return err_set(err, ERR_STATE, "the fake fault was told to fail in %s", hooks[hook]);
}

static int null_supported(const struct fault_instance *fault, struct err *err)
{
    return fails(fault, FAIL_SUPPORTED)
               ? err_set(err, ERR_UNSUPPORTED, "the fake fault was told that it is not supported: choose another `fail`")
               : 0;
}

static void null_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "touch nothing of %s; its own word is the proof", fault->target.name);
}

static int null_prepare(struct fault_instance *fault, struct err *err)
{
    if (fails(fault, FAIL_PREPARE)) {
        return fail(FAIL_PREPARE, err);
    }
    json_object_set_new(fault->journal, "remembered", json_true());
    return 0;
}

static int null_apply(struct fault_instance *fault, struct err *err)
{
    struct null_state *state = fault->state;
    if (fails(fault, FAIL_APPLY)) {
        return fail(FAIL_APPLY, err);
    }
    state->applied = true;
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "none");
    return 0;
}

static int null_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const struct null_state *state = fault->state;
    if (fails(fault, FAIL_PROVE)) {
        return fail(FAIL_PROVE, err);
    }
    if (!state->applied) {
        return err_set(err, ERR_STATE, "the fake fault %s is not in force", fault->id);
    }
    buf_printf(proof, "the fake fault %s is in force", fault->id);
    return 0;
}

static int null_revert(struct fault_instance *fault, struct err *err)
{
    struct null_state *state = fault->state;
    if (fails(fault, FAIL_REVERT)) {
        return fail(FAIL_REVERT, err);
    }
    state->applied = false;
    return 0;
}

static int null_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const struct null_state *state = fault->state;
    (void)err;
    if (state->applied || fails(fault, FAIL_RESIDUE)) {
        buf_printf(left, "the fake fault %s is still there\n", fault->id);
    }
    return 0;
}

const struct fault_ops fault_null_ops = {
    .name = "null",
    .summary = "touch nothing, fail on demand (for tests and for trying scenarios)",
    .targets = FAULT_REGION | FAULT_HOST | FAULT_SERVICE,
    .options = null_options,
    .options_size = sizeof(struct null_options),
    .state_size = sizeof(struct null_state),
    .kernel_owned = true,
    .example = "fault.null { region = \"us-east\" }",
    .mechanisms = "none",
    .needs = "nothing",
    .proof = "its own word: it is the fake that tests are made with",
    .undo = "there is nothing to undo",
    .supported = null_supported,
    .plan = null_plan,
    .prepare = null_prepare,
    .apply = null_apply,
    .prove = null_prove,
    .revert = null_revert,
    .residue = null_residue,
};
