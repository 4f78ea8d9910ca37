/* Kill: a service's processes, or one of them, or all of a host, get a signal. Reverting brings nobody back: whoever started the service
 * starts it again. So a killed service leaves no residue of the fault. */
#include <signal.h>
#include <string.h>

#include "faults/process/family.h"
#include "faults/process/proc.h"
#include "harness/base/str.h"

/* SIGSTOP and its kin are left out: those are the fault `pause`. */
static const char *const signal_names[] = {"KILL", "TERM", "INT", "QUIT", "ABRT", "SEGV", "BUS",  "FPE",   "ILL",  "TRAP",
                                           "SYS",  "XCPU", "HUP", "USR1", "USR2", "ALRM", "PIPE", "WINCH", "CONT", NULL};
static const struct {
    int number;
    bool ends; /* it is proven by the end of the processes; the others by having been taken */
} signals[] = {{SIGKILL, true},  {SIGTERM, true},  {SIGINT, true},    {SIGQUIT, true},  {SIGABRT, true},
               {SIGSEGV, true},  {SIGBUS, true},   {SIGFPE, true},    {SIGILL, true},   {SIGTRAP, true},
               {SIGSYS, true},   {SIGXCPU, true},  {SIGHUP, false},   {SIGUSR1, false}, {SIGUSR2, false},
               {SIGALRM, false}, {SIGPIPE, false}, {SIGWINCH, false}, {SIGCONT, false}};

struct kill_options {
    int signal, processes;
};

static const struct param kill_options[] = {
    {.name = "signal",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct kill_options, signal),
     .choices = signal_names,
     .fallback = "KILL",
     .help = "KILL ends at once, TERM lets the service end in its own way, HUP to CONT need not end it"},
    {.name = "processes",
     .type = PARAM_CHOICE,
     .offset = offsetof(struct kill_options, processes),
     .choices = family_parts,
     .fallback = "all",
     .help = "all of the service, its main process alone, or one child of that"},
    {.type = PARAM_END},
};

static int kill_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    return proc_supported(err);
}

static void kill_plan(const struct fault_instance *fault, struct buf *out)
{
    static const char *const whom[] = {"all processes", "the main process", "one child"};
    const struct kill_options *options = fault->options;
    bool ends = signals[options->signal].ends;
    buf_printf(out, "%s %s of %s %s SIG%s; proven by the process table%s", ends ? "end" : "send", whom[options->processes],
               fault->target.name, ends ? "with" : "a", signal_names[options->signal],
               ends ? "; revert does not start it again" : ", where the signal does not wait any more");
}

static int kill_prepare(struct fault_instance *fault, struct err *err)
{
    const struct kill_options *options = fault->options;
    return family_prepare(fault, (enum family_part)options->processes, "killed", err);
}

static int kill_apply(struct fault_instance *fault, struct err *err)
{
    const struct kill_options *options = fault->options;
    int status = family_signal(fault, (enum family_part)options->processes, signals[options->signal].number, err);
    if (status == 0) {
        json_object_set_new(fault->journal, "sent", json_true());
    }
    return status;
}

/* Taken: the process is gone, or the signal is neither ignored nor waiting. */
static int prove_taken(const struct fault_instance *fault, int signal_number, struct buf *proof, struct err *err)
{
    const json_t *processes = json_object_get(fault->journal, "processes");
    uint64_t bit = 1ull << (signal_number - 1);
    size_t taken = 0;
    if (!json_flag(fault->journal, "sent", false)) {
        return err_set(err, ERR_STATE, "fault %s is not in force: its signal was not sent", fault->id);
    }
    for (size_t i = 0; i < json_array_size(processes); i++) {
        int pid = (int)json_int(json_array_get(processes, i), "pid", 0);
        struct proc_signals state;
        if (proc_read_signals(pid, &state) && ((state.pending | state.ignored) & bit)) {
            return err_set(err, ERR_STATE, "fault %s: process %d %s SIG%s", fault->id, pid,
                           state.ignored & bit ? "ignores" : "has not taken", sigabbrev_np(signal_number));
        }
        taken++;
    }
    buf_printf(proof, "process table: SIG%s was taken by %zu processes of %s", sigabbrev_np(signal_number), taken,
               fault->target.name);
    return 0;
}

static int kill_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    const struct kill_options *options = fault->options;
    return signals[options->signal].ends ? family_prove_gone(fault, proof, err)
                                         : prove_taken(fault, signals[options->signal].number, proof, err);
}

static int kill_revert(struct fault_instance *fault, struct err *err)
{
    (void)fault;
    (void)err;
    return 0;
}

static int kill_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    (void)fault;
    (void)left;
    (void)err;
    return 0;
}

const struct fault_ops fault_kill_ops = {
    .name = "kill",
    .summary = "send a signal to a service's processes, or to all of a host",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = kill_options,
    .options_size = sizeof(struct kill_options),
    .kernel_owned = true,
    .example = "fault.kill { service = \"haproxy@us-east-gw1\", signal = \"TERM\" }",
    .mechanisms = "pidfd",
    .needs = "the right to signal the service's processes, pidfds (Linux 5.3)",
    .proof = "the process table: the processes are gone; for signals that need not end them: the signal does not wait any more",
    .undo = "not at all: who supervises the service starts it again; in a topology that drill manages, drill does on revert",
    .supported = kill_supported,
    .plan = kill_plan,
    .prepare = kill_prepare,
    .apply = kill_apply,
    .prove = kill_prove,
    .revert = kill_revert,
    .residue = kill_residue,
};
