/* A model to copy when adding a fault; not registered. It "marks" a service by writing a file beside it, and shows what each hook owes.
 *
 * The order of calls: supported, plan (nothing may change yet) … prepare, [journal to disk], apply, prove (again and again until it
 * holds or its time is up), revert, residue. After a crash: a new instance from the journal, then only revert and residue. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "faults/fault.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

/* What a user may say. One table fills it from Lua, YAML and the command line and writes the help; every entry needs a help text. */
struct skeleton_options {
    char *text; /* strings are owned by the instance and freed with it */
};

static const struct param skeleton_options[] = {
    {.name = "text",
     .type = PARAM_STRING,
     .offset = offsetof(struct skeleton_options, text),
     .fallback = "drilled",
     .help = "what is written into the mark"},
    {.type = PARAM_END},
};

/* What is held while the fault is in force: sockets, descriptors. Zeroed at the start and after a crash, so nothing that revert needs
 * may be here alone. */
struct skeleton_state {
    int fd_plus_one; /* 0: none, so that a zeroed state is an empty one */
};

/* Try it, do not look at versions. Leave nothing. ERR_UNSUPPORTED says what is missing and what to do; ERR_INPUT that the options or the
 * target cannot be right. */
static int skeleton_supported(const struct fault_instance *fault, struct err *err)
{
    (void)fault;
    return access("/tmp", W_OK) == 0 ? 0 : err_set(err, ERR_UNSUPPORTED, "/tmp cannot be written: mount a tmpfs there");
}

/* One line without a newline: what will happen, and what will prove it. */
static void skeleton_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "mark %s with a file; proven by reading it", fault->target.name);
}

/* Look, and put into the journal all that revert will need. Prepared twice (the second time perhaps while in force) it must not forget
 * what was there at first. */
static int skeleton_prepare(struct fault_instance *fault, struct err *err)
{
    char path[128];
    if (json_object_get(fault->journal, "path")) {
        return 0;
    }
    if (!str_format(path, sizeof(path), "/tmp/drill-mark-%s", fault->id)) {
        return err_set(err, ERR_INPUT, "fault %s: its id is too long for a path", fault->id);
    }
    json_object_set_new(fault->journal, "path", json_string(path));
    return 0;
}

/* Make it true; applied twice it is one fault. Name the mechanism that was taken. */
static int skeleton_apply(struct fault_instance *fault, struct err *err)
{
    const struct skeleton_options *options = fault->options;
    const char *path = json_str(fault->journal, "path", NULL);
    if (!path) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no path", fault->id);
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "file");
    return fd_write_file_atomic(path, options->text, strlen(options->text), err);
}

/* Evidence from elsewhere than apply's own answer: a counter, a probe, a table of the kernel's. One short try; who asks asks again. */
static int skeleton_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    AUTO_FREE char *text = NULL;
    const char *path = json_str(fault->journal, "path", NULL);
    if (!path) {
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    }
    int status = fd_read_file(path, 4096, &text, NULL, err);
    if (status == 0) {
        buf_printf(proof, "'%s' says '%s'", path, text);
    }
    return status;
}

/* From the journal alone, twice, before apply, after half of it. What is gone already is fine. Nothing through the x* helpers: when
 * memory is gone they stop the program, and this is the last thing that should be stopped. */
static int skeleton_revert(struct fault_instance *fault, struct err *err)
{
    const char *path = json_str(fault->journal, "path", NULL);
    if (path && unlink(path) < 0 && errno != ENOENT) {
        return err_errno(err, errno, "fault %s: cannot remove its mark '%s'", fault->id, path);
    }
    return 0;
}

/* A line (with newline) for each trace that is still there. An error only when it could not be looked at. */
static int skeleton_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    const char *path = json_str(fault->journal, "path", NULL);
    (void)err;
    if (path && access(path, F_OK) == 0) {
        buf_printf(left, "the mark '%s' is still there\n", path);
    }
    return 0;
}

/* Close what state holds and change nothing by hand. Leave it out when state holds nothing. */
static void skeleton_release(struct fault_instance *fault)
{
    struct skeleton_state *state = fault->state;
    fd_close(state->fd_plus_one - 1);
    state->fd_plus_one = 0;
}

extern const struct fault_ops fault_skeleton_ops; /* a registered fault is declared by faults.def */
const struct fault_ops fault_skeleton_ops = {
    .name = "skeleton",
    .summary = "mark a service with a file (a model, not registered)",
    .targets = FAULT_SERVICE,
    .options = skeleton_options,
    .options_size = sizeof(struct skeleton_options),
    .state_size = sizeof(struct skeleton_state),
    .kernel_owned = false, /* true only where nothing can be left once this process is gone */
    .example = "fault.skeleton { service = \"haproxy@us-east-gw1\" }",
    .mechanisms = "file",
    .needs = "/tmp writable",
    .proof = "the file, read again",
    .undo = "the file is removed by the agent, or by `drill undo` from the journal",
    .supported = skeleton_supported,
    .plan = skeleton_plan,
    .prepare = skeleton_prepare,
    .apply = skeleton_apply,
    .prove = skeleton_prove,
    .revert = skeleton_revert,
    .residue = skeleton_residue,
    .release = skeleton_release,
};
