/* What a command finds around itself: folders, signals, exit codes. */
#include "harness/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/str.h"

static char *env_folder(const char *name, const char *below)
{
    const char *value = secure_getenv(name);
    return value && value[0] == '/' ? xasprintf("%s%s", value, below) : NULL;
}

char *cli_state_folder(void)
{
    char *folder = env_folder("DRILL_STATE_DIR", "");
    if (!folder && getuid() == 0) {
        return xstrdup("/var/lib/drill");
    }
    if (!folder) {
        folder = env_folder("XDG_STATE_HOME", "/drill");
    }
    if (!folder) {
        folder = env_folder("HOME", "/.local/state/drill");
    }
    return folder ? folder : xasprintf("/tmp/drill-%u", (unsigned)getuid());
}

char *cli_runtime_folder(void)
{
    char *folder = env_folder("DRILL_STATE_DIR", "/run");
    if (!folder && getuid() == 0) {
        return xstrdup("/run/drill");
    }
    if (!folder) {
        folder = env_folder("XDG_RUNTIME_DIR", "/drill");
    }
    return folder ? folder : xasprintf("/tmp/drill-%u", (unsigned)getuid());
}

char *cli_tools_folder(void)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash) {
        *slash = '\0';
    }
    return xasprintf("%s", path);
}

int cli_interrupt_fd(struct err *err)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
        return err_errno(err, errno, "cannot hold signals back");
    }
    int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : err_errno(err, errno, "cannot make a signal descriptor");
}

int cli_exit_code(const struct err *err)
{
    switch (err->code) {
    case ERR_INPUT:
    case ERR_UNSUPPORTED:
    case ERR_STATE:
        return EXIT_USAGE;
    case ERR_INTERRUPTED:
        return EXIT_ABORTED;
    default:
        return EXIT_INCONCLUSIVE;
    }
}

const char *cli_exit_words(int code)
{
    static const char *const words[] = {
        [EXIT_PASS] = "PASS",
        [EXIT_FAIL] = "FAIL",
        [EXIT_USAGE] = "usage or input error, nothing was injected",
        [EXIT_INCONCLUSIVE] = "INCONCLUSIVE",
        [EXIT_ABORTED] = "ABORTED, faults removed",
        [EXIT_CLEANUP] = "CLEANUP FAILED, something may still be injected",
        [EXIT_ARCHIVE] = "archive problem",
        [EXIT_OVERDUE] = "OVERDUE",
    };
    return code >= 0 && (size_t)code < ARRAY_LEN(words) ? words[code] : "unknown";
}
