/* Certificate: another leaf in place of the one that a service shows to its clients, as when a renewal was forgotten or went wrong. The
 * service is told to reload, so all is as it would be on that day: connections that stand may live on, new ones meet the other leaf. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/fault.h"
#include "faults/gateway/leaf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { PEM_MAX_BYTES = 256 * 1024, HANDSHAKE_MS = 1000, MOMENT_MS = 2000, INTERVAL_MS = 20 };

struct certificate_options {
    char *with, *name;
};

static const struct param certificate_options[] = {
    {.name = "with",
     .type = PARAM_STRING,
     .offset = offsetof(struct certificate_options, with),
     .required = true,
     .help = "PEM file that takes the certificate's place, with its key as that has; a relative path begins beside it"},
    {.name = "name",
     .type = PARAM_STRING,
     .offset = offsetof(struct certificate_options, name),
     .help = "server name that the proof asks for, where a service has several certificates"},
    {.type = PARAM_END},
};

/* One service, from the journal: borrowed. */
struct swap {
    const char *service, *address, *path, *kept, *with, *before, *after;
    int port;
};

static struct swap swap_at(const struct fault_instance *fault, size_t index)
{
    const json_t *json = json_array_get(json_object_get(fault->journal, "swaps"), index);
    return (struct swap){.service = json_str(json, "service", ""),
                         .address = json_str(json, "address", ""),
                         .path = json_str(json, "path", ""),
                         .kept = json_str(json, "kept", ""),
                         .with = json_str(json, "with", ""),
                         .before = json_str(json, "before", ""),
                         .after = json_str(json, "after", ""),
                         .port = (int)json_int(json, "port", 0)};
}

static size_t swap_count(const struct fault_instance *fault)
{
    return json_array_size(json_object_get(fault->journal, "swaps"));
}

static int ask(const struct fault_instance *fault, const struct swap *swap, struct leaf *leaf, struct err *err)
{
    const struct certificate_options *options = fault->options;
    return leaf_served(swap->address, swap->port, options->name, HANDSHAKE_MS, leaf, err);
}

static int certificate_check(const struct fault_instance *fault, struct err *err)
{
    const struct certificate_options *options = fault->options;
    for (size_t i = 0; fault->services && i < fault->target.service_count; i++) {
        const char *service = fault->target.services[i];
        if (!json_str(fault->services->facts(fault->services->context, service), "certificate", NULL)) {
            return err_set(err, ERR_INPUT,
                           "service '%s' shows no certificate that is known: say 'certificate: PATH' in the topology", service);
        }
    }
    return *options->with ? 0 : err_set(err, ERR_INPUT, "with: expected the path of a PEM file, found nothing");
}

static int certificate_supported(const struct fault_instance *fault, struct err *err)
{
    return certificate_check(fault, err);
}

static void certificate_plan(const struct fault_instance *fault, struct buf *out)
{
    const struct certificate_options *options = fault->options;
    buf_printf(out, "put '%s' in place of the certificate of %s and reload it; proven by a TLS handshake that reads the leaf",
               options->with, fault->target.name);
}

/* "expired.pem" is beside the certificate. */
static char *path_of(const char *certificate, const char *with)
{
    const char *slash = strrchr(certificate, '/');
    return *with == '/' || !slash ? xstrdup(with) : xasprintf("%.*s/%s", (int)(slash - certificate), certificate, with);
}

static int prepare_one(const struct fault_instance *fault, const char *service, json_t *swaps, struct err *err)
{
    const struct certificate_options *options = fault->options;
    const json_t *facts = fault->services->facts(fault->services->context, service);
    const char *path = json_str(facts, "certificate", ""), *address = json_str(facts, "address", "");
    int port = (int)json_int(facts, "port", 0);
    struct leaf before, after;
    AUTO_FREE char *with = path_of(path, options->with);
    AUTO_FREE char *kept = xasprintf("%s.before-drill", path);
    if (access(kept, F_OK) == 0) {
        return err_set(err, ERR_STATE, "'%s' is there: another fault has swapped this certificate", kept);
    }
    if (leaf_of_file(path, &before, err) < 0 || leaf_of_file(with, &after, err) < 0) {
        return err_prefix(err, "service '%s'", service);
    }
    if (str_eq(before.sha256, after.sha256)) {
        return err_set(err, ERR_INPUT, "service '%s': '%s' is the certificate that it shows already", service, with);
    }
    json_array_append_new(swaps, json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "service", service, "address", address,
                                           "port", port, "path", path, "kept", kept, "with", with, "before", before.sha256,
                                           "after", after.sha256));
    return 0;
}

static int certificate_prepare(struct fault_instance *fault, struct err *err)
{
    if (json_object_get(fault->journal, "swaps")) {
        return 0;
    }
    if (!fault->services || !fault->services->facts || !fault->services->reload) {
        return err_set(err, ERR_STATE, "fault %s: there is nobody here who reloads services", fault->id);
    }
    int status = certificate_check(fault, err); /* a running agent may be asked without a plan */
    AUTO_JSON json_t *swaps = json_array();
    for (size_t i = 0; status == 0 && i < fault->target.service_count; i++) {
        status = prepare_one(fault, fault->target.services[i], swaps, err);
    }
    if (status == 0) {
        json_object_set(fault->journal, "swaps", swaps);
    }
    return status;
}

static char *new_name(const struct swap *swap)
{
    return xasprintf("%s.by-drill", swap->path);
}

/* Only its owner may read it from the first byte on: there is a key in it. */
static int write_new(const char *path, const struct stat *like, const void *data, size_t size, struct err *err)
{
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0 || fchown(fd, like->st_uid, like->st_gid) < 0) {
        return err_errno(err, errno, "cannot write '%s' as its owner would", path);
    }
    int status = fd_write_all(fd, data, size, err);
    return status < 0 || fchmod(fd, like->st_mode & 07777) == 0 ? status : err_errno(err, errno, "cannot write '%s'", path);
}

/* A hard link keeps owner, mode and what a symbolic link means; the other file comes by a rename: there is always one to read. */
static int swap_in(const struct swap *swap, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct stat info;
    int status = fd_read_file(swap->with, PEM_MAX_BYTES, &text, &size, err);
    if (status < 0) {
        return status;
    }
    if (stat(swap->path, &info) < 0 || (link(swap->path, swap->kept) < 0 && errno != EEXIST)) {
        return err_errno(err, errno, "cannot keep '%s' as '%s'", swap->path, swap->kept);
    }
    AUTO_FREE char *fresh = new_name(swap);
    status = write_new(fresh, &info, text, size, err);
    explicit_bzero(text, size);
    if (status == 0 && rename(fresh, swap->path) < 0) {
        status = err_errno(err, errno, "cannot rename '%s' to '%s'", fresh, swap->path);
    }
    return status;
}

static int certificate_apply(struct fault_instance *fault, struct err *err)
{
    int status = 0;
    if (!json_object_get(fault->journal, "swaps")) {
        return err_set(err, ERR_STATE, "fault %s is not prepared: its journal names no certificates", fault->id);
    }
    for (size_t i = 0; status == 0 && i < swap_count(fault); i++) {
        struct swap swap = swap_at(fault, i);
        status = swap_in(&swap, err);
        if (status == 0) {
            status = fault->services->reload(fault->services->context, swap.service, err);
        }
    }
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "another PEM file, reload");
    return status;
}

static int certificate_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    if (swap_count(fault) == 0) {
        return err_set(err, ERR_STATE, "fault %s is not in force: it was never prepared", fault->id);
    }
    for (size_t i = 0; i < swap_count(fault); i++) {
        struct swap swap = swap_at(fault, i);
        struct leaf leaf;
        if (ask(fault, &swap, &leaf, err) < 0) {
            return err_prefix(err, "%s", swap.service);
        }
        if (!str_eq(leaf.sha256, swap.after)) {
            return err_set(err, ERR_STATE, "%s still shows %s", swap.service, leaf.about);
        }
        buf_printf(proof, "%s%s shows %s, sha256 %.16s…", proof->size ? "; " : "", swap.service, leaf.about, leaf.sha256);
    }
    return 0;
}

/* Until what runs shows what it did before, or the moment is over: a service needs some time to reload or to answer, and nothing tells when
 * it has. The last error when there was no answer at all. */
static int await_back(const struct fault_instance *fault, const struct swap *swap, int moment_ms, bool *ret_back, struct err *err)
{
    int64_t deadline_ns = clock_now_ns() + moment_ms * NS_PER_MS;
    int status = 0;
    for (*ret_back = false; !*ret_back;) {
        struct leaf leaf;
        int pid = 0;
        status = fault->services->pid(fault->services->context, swap->service, &pid, err);
        if (status < 0 || pid == 0) { /* one that does not run will show it when it is started */
            *ret_back = status == 0;
            return status;
        }
        status = ask(fault, swap, &leaf, err);
        *ret_back = status == 0 && str_eq(leaf.sha256, swap->before);
        if (*ret_back || clock_now_ns() >= deadline_ns) {
            break;
        }
        (void)poll(NULL, 0, INTERVAL_MS);
    }
    return status;
}

static int remove_name(const char *path, struct err *err)
{
    return unlink(path) == 0 || errno == ENOENT ? 0 : err_errno(err, errno, "cannot remove '%s'", path);
}

/* While both names are one file yet, a rename does nothing and takes neither away. */
static int put_back(const struct swap *swap, struct err *err)
{
    AUTO_FREE char *fresh = new_name(swap);
    int status = remove_name(fresh, err);
    if (status < 0) {
        return status;
    }
    if (rename(swap->kept, swap->path) < 0) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot put '%s' back", swap->path);
    }
    return remove_name(swap->kept, err);
}

/* What does not come back is residue. */
static int revert_one(const struct fault_instance *fault, const struct swap *swap, struct err *err)
{
    bool back = false;
    struct err ignored = {0};
    int status = put_back(swap, err);
    if (status < 0) {
        return status;
    }
    if (!fault->services || (await_back(fault, swap, 0, &back, &ignored) == 0 && back)) {
        return 0;
    }
    status = fault->services->reload(fault->services->context, swap->service, err);
    if (status == 0) {
        (void)await_back(fault, swap, MOMENT_MS, &back, &ignored);
    }
    return status;
}

static int certificate_revert(struct fault_instance *fault, struct err *err)
{
    int first = 0;
    for (size_t i = 0; i < swap_count(fault); i++) {
        struct err local = {0};
        struct swap swap = swap_at(fault, i);
        int status = revert_one(fault, &swap, &local);
        if (status < 0 && first == 0) {
            first = status;
            *err = local;
        }
    }
    return first;
}

static int certificate_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < swap_count(fault); i++) {
        struct swap swap = swap_at(fault, i);
        bool back = true;
        if (access(swap.kept, F_OK) == 0) {
            buf_printf(left, "'%s' is not '%s' again\n", swap.kept, swap.path);
            continue;
        }
        if (fault->services) {
            status = await_back(fault, &swap, MOMENT_MS, &back, err);
        }
        if (status == 0 && !back) {
            buf_printf(left, "%s does not show the certificate that it did before\n", swap.service);
        }
    }
    return status;
}

const struct fault_ops fault_certificate_ops = {
    .name = "certificate",
    .summary = "have a service show another certificate: expired, of another name, not yet valid",
    .targets = FAULT_SERVICE,
    .options = certificate_options,
    .options_size = sizeof(struct certificate_options),
    .example = "fault.certificate { service = \"haproxy\", region = \"us-east\", with = \"expired.pem\" }",
    .mechanisms = "the file that the topology's `certificate:` names swapped for another, `reload:` or `reload_signal:`",
    .needs = "the right to write beside that file and to reload the service",
    .proof = "a TLS handshake that reads the leaf which is shown",
    .undo = "the file renamed back and the service reloaded by the agent, or by `drill undo` from the journal",
    .check = certificate_check,
    .supported = certificate_supported,
    .plan = certificate_plan,
    .prepare = certificate_prepare,
    .apply = certificate_apply,
    .prove = certificate_prove,
    .revert = certificate_revert,
    .residue = certificate_residue,
};
