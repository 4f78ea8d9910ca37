/* Why this machine does not let drill make its namespaces. Many kernels let a namespace be made and refuse later what one needs
 * it for, so the error number alone says little; what is set in /proc says more. */
#include "harness/place/refusal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

static bool file_says(const char *path, const char *value)
{
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    if (fd_read_file(path, 4096, &text, NULL, &ignored) < 0) {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    return str_eq(text, value);
}

static bool under_seccomp(void)
{
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    return fd_read_file("/proc/self/status", 65536, &text, NULL, &ignored) == 0 && strstr(text, "\nSeccomp:\t2");
}

/* In a chroot nothing is mounted on what shows as "/". */
static bool in_chroot(void)
{
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    if (fd_read_file("/proc/self/mountinfo", 4 * 1024 * 1024, &text, NULL, &ignored) < 0) {
        return false;
    }
    for (const char *line = text; *line;) {
        char point[3] = "";
        if (sscanf(line, "%*s %*s %*s %*s %2s", point) == 1 && str_eq(point, "/")) {
            return false;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return true;
}

static const char *advice(int errnum)
{
    if (errnum == ENOSPC || file_says("/proc/sys/user/max_user_namespaces", "0")) {
        return "the limit of user namespaces is 0 or used up: as root, sysctl user.max_user_namespaces=15000";
    }
    if (in_chroot()) {
        return "drill runs in a chroot, where the kernel gives no user namespaces: run it outside, or enter the folder with "
               "pivot_root (as systemd-nspawn and bwrap do)";
    }
    if (file_says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1")) {
        return "AppArmor keeps user namespaces from programs without a profile (Ubuntu 23.10 and later): install a profile with "
               "'userns,' for drill's binary, or as root sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run drill as "
               "root";
    }
    if (file_says("/proc/sys/kernel/unprivileged_userns_clone", "0")) {
        return "this kernel keeps user namespaces from ordinary users: as root, sysctl kernel.unprivileged_userns_clone=1, or "
               "run "
               "drill as root";
    }
    if (under_seccomp()) {
        return "a seccomp filter is in force, as in a container: allow unshare, setns and mount in its profile (Docker: "
               "--security-opt seccomp=unconfined --security-opt systempaths=unconfined), or run drill outside of it";
    }
    return "some security policy forbids it: see the kernel's log (dmesg, audit), or run drill as root outside of containers";
}

int refusal_explain(struct err *err, int errnum, const char *what)
{
    return err_set(err, ERR_UNSUPPORTED, "cannot %s: %s; %s", what, strerrordesc_np(errnum), advice(errnum));
}
