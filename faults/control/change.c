/* Change: a control that the topology declares is set to another value, as an operator would in a planned change, and back again. The
 * control's own commands do it: `set` gets the value as its last argument and may be asked for a value that it has already, `get` prints
 * the value on its first line. It is one of the faults whose revert allocates: it runs a program. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "faults/fault.h"
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { ARGUMENTS_MAX = 64, VALUE_BYTES = 128, PAUSE_MS = 50 };

struct change_options {
    char *value;
};

static const struct param change_options[] = {
    {.name = "set",
     .type = PARAM_STRING,
     .offset = offsetof(struct change_options, value),
     .required = true,
     .help = "the value that the control gets"},
    {.type = PARAM_END},
};

/* What a program says at its end is why it ended. */
static const char *last_line(struct buf *out)
{
    while (out->size && strchr("\r\n \t", out->data[out->size - 1])) {
        out->data[--out->size] = '\0';
    }
    const char *break_before = out->size ? strrchr(out->data, '\n') : NULL;
    return break_before ? break_before + 1 : buf_str(out);
}

/* A program that the kernel ends with this agent: half of a change that goes on alone could not be undone. An agent that has ended before
 * setpriv asks for that is seen by its child's having another parent. */
static int run(const struct fault_instance *fault, const char *const *command, size_t count, const char *value, int64_t until_ns,
               struct buf *out, struct err *err)
{
    char agent[16];
    const char *argv[ARGUMENTS_MAX] = {"setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", "[ $PPID = $0 ] && exec \"$@\"",
                                       agent};
    size_t used = 8;
    (void)str_format(agent, sizeof(agent), "%d", (int)getpid());
    if (count == 0 || used + count + 2 > ARGUMENTS_MAX) {
        return err_set(err, ERR_INPUT, "fault %s: control '%s' needs commands of 1 to %zu words, found %zu", fault->id,
                       fault->target.name, ARGUMENTS_MAX - used - 2, count);
    }
    for (size_t i = 0; i < count; i++) {
        argv[used++] = command[i];
    }
    argv[used] = value;
    int64_t left_ns = until_ns - clock_now_ns();
    int status = child_run(argv, NULL, left_ns > NS_PER_MS ? left_ns : NS_PER_MS, out, err);
    if (status > 0) {
        return err_set(err, ERR_SYSTEM, "fault %s: '%s' of control '%s' ended with %d: %.200s", fault->id, command[0],
                       fault->target.name, status, last_line(out));
    }
    return status;
}

static int64_t deadline_ns(const struct fault_instance *fault)
{
    return clock_now_ns() + fault->target.control.timeout_ns;
}

static int get(const struct fault_instance *fault, int64_t until_ns, char value[static VALUE_BYTES], struct err *err)
{
    const struct fault_control *control = &fault->target.control;
    struct buf out CLEANUP(buf_clear) = {0};
    int status = run(fault, control->get, control->get_count, NULL, until_ns, &out, err);
    if (status < 0) {
        return status;
    }
    (void)str_format(value, VALUE_BYTES, "%.*s", (int)strcspn(buf_str(&out), "\r\n"), buf_str(&out));
    return *value ? 0
                  : err_set(err, ERR_SYSTEM, "fault %s: '%s' of control '%s' printed no value", fault->id, control->get[0],
                            fault->target.name);
}

static int set(const struct fault_instance *fault, const char *value, int64_t until_ns, struct err *err)
{
    const struct fault_control *control = &fault->target.control;
    struct buf out CLEANUP(buf_clear) = {0};
    return run(fault, control->set, control->set_count, value, until_ns, &out, err);
}

static int change_check(const struct fault_instance *fault, struct err *err)
{
    const struct change_options *options = fault->options;
    return *options->value && strlen(options->value) < VALUE_BYTES && !strpbrk(options->value, "\r\n")
               ? 0
               : err_set(err, ERR_INPUT, "option 'set' of fault 'change': expected one line of 1 to %d characters",
                         VALUE_BYTES - 1);
}

static int change_supported(const struct fault_instance *fault, struct err *err)
{
    char value[VALUE_BYTES];
    struct err found = {0};
    int status = change_check(fault, err);
    if (status == 0 && get(fault, deadline_ns(fault), value, &found) < 0) {
        status = err_set(err, ERR_UNSUPPORTED, "control '%s' cannot be read: %.400s", fault->target.name, found.text);
    }
    return status;
}

static void change_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct change_options *options = fault->options;
    buf_printf(out, "set control '%s' to '%s'; proven by its 'get' command; revert sets it to what it was before",
               fault->target.name, options->value);
}

static int change_prepare(struct fault_instance *fault, struct err *err)
{
    const struct change_options *options = fault->options;
    char value[VALUE_BYTES];
    if (json_object_get(fault->journal, "before")) {
        return 0;
    }
    int status = get(fault, deadline_ns(fault), value, err);
    if (status < 0) {
        return status;
    }
    if (str_eq(value, options->value)) {
        return err_set(err, ERR_STATE, "fault %s: control '%s' is '%s' already: there is nothing to change", fault->id,
                       fault->target.name, value);
    }
    json_object_set_new(fault->journal, "before", json_string(value));
    return 0;
}

static int change_apply(struct fault_instance *fault, struct err *err)
{
    const struct change_options *options = fault->options;
    if (!json_object_get(fault->journal, "before")) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal does not know what the control was", fault->id);
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "the control's set command");
    return set(fault, options->value, deadline_ns(fault), err);
}

static int change_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const struct change_options *options = fault->options;
    const char *before = json_str(fault->journal, "before", NULL);
    char value[VALUE_BYTES];
    if (!before) {
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    }
    int status = get(fault, deadline_ns(fault), value, err);
    if (status == 0 && !str_eq(value, options->value)) {
        status = err_set(err, ERR_STATE, "fault %s: control '%s' says '%s', expected '%s'", fault->id, fault->target.name, value,
                         options->value);
    }
    if (status == 0) {
        buf_printf(proof, "control '%s' says '%s', it said '%s' before", fault->target.name, value, before);
    }
    return status;
}

/* Always set, whatever it says now, and again while it says something else: a change that was asked for may be still on its way, by a
 * program that a killed command had started. Nothing tells when it has taken effect. */
static int change_revert(struct fault_instance *fault, struct err *err)
{
    const char *before = json_str(fault->journal, "before", NULL);
    char value[VALUE_BYTES] = "";
    int64_t until_ns = deadline_ns(fault);
    int status = before ? set(fault, before, until_ns, err) : 0;
    for (int pause_ms = PAUSE_MS; before && status == 0; pause_ms *= 2) {
        status = get(fault, until_ns, value, err);
        int64_t left_ms = (until_ns - clock_now_ns()) / NS_PER_MS;
        if (status < 0 || str_eq(value, before) || left_ms <= 0) {
            break;
        }
        (void)poll(NULL, 0, left_ms < pause_ms ? (int)left_ms : pause_ms);
        status = set(fault, before, until_ns, err);
    }
    return status;
}

static int change_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *before = json_str(fault->journal, "before", NULL);
    char value[VALUE_BYTES];
    int status = before ? get(fault, deadline_ns(fault), value, err) : 0;
    if (before && status == 0 && !str_eq(value, before)) {
        buf_printf(left, "control '%s' says '%s', it said '%s' before\n", fault->target.name, value, before);
    }
    return status;
}

const struct fault_ops fault_change_ops = {
    .name = "change",
    .summary = "set a control of the topology to another value, as in a planned change, and back on revert",
    .targets = FAULT_CONTROL,
    .options = change_options,
    .options_size = sizeof(struct change_options),
    .example = "fault.change { control = \"routing us-east\", set = \"off\" }",
    .mechanisms = "the `set` command of the topology's `controls:`, with the value as its last argument",
    .needs = "the right to run the control's commands; setpriv of util-linux",
    .proof = "the control's `get` command prints the value",
    .undo = "set to what `get` printed before, from the journal: by the agent, or by `drill undo`",
    .check = change_check,
    .supported = change_supported,
    .plan = change_plan,
    .prepare = change_prepare,
    .apply = change_apply,
    .prove = change_prove,
    .revert = change_revert,
    .residue = change_residue,
};
