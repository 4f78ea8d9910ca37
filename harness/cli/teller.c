#include "harness/cli/teller.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/post/post.h"

enum { TRIES = 3, BUDGET_S = 15, LAST_WAIT_MS = 15000, MESSAGE_MAX = 16 * 1024 };

struct teller {
    int fd; /* to the process that posts */
    pid_t pid;
    char *scenario, *title, *drill_id;
    json_t *names; /* of faults by their ids, "blackhole us-east" */
    bool dropped;
};

/* Each message is one post, until the other end is closed. Gives how many could not be posted. */
static int post_all(int fd, const char *url)
{
    AUTO_FREE char *text = xcalloc(1, MESSAGE_MAX);
    ssize_t size;
    int failed = 0;
    while ((size = recv(fd, text, MESSAGE_MAX - 1, 0)) > 0 || (size < 0 && errno == EINTR)) {
        struct err err = {0};
        long answer = 0;
        text[size > 0 ? size : 0] = '\0';
        int status = size > 0 ? post_json_retry(url, text, TRIES, BUDGET_S * NS_PER_S, &answer, &err) : 0;
        failed += size > 0 && (status < 0 || answer < 200 || answer > 299);
    }
    return failed;
}

/* Ctrl-C is for the drill: what it then does is to be told. */
static int be_the_teller(int fd, const char *url)
{
    (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return post_all(fd, url) > 0;
}

int teller_open(const char *url, const char *scenario, const char *title, struct teller **ret_teller, struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return err_errno(err, errno, "cannot make a socket pair");
    }
    (void)fflush(NULL); /* else the child would write it once more */
    pid_t pid = fork();
    if (pid == 0) {
        fd_close(ends[1]);
        _exit(be_the_teller(ends[0], url));
    }
    fd_close(ends[0]);
    if (pid < 0) {
        fd_close(ends[1]);
        return err_errno(err, errno, "cannot start the process that tells the webhook");
    }
    struct teller *teller = xcalloc(1, sizeof(*teller));
    *teller = (struct teller){.fd = ends[1],
                              .pid = pid,
                              .scenario = xstrdup(scenario),
                              .title = xstrdup(title),
                              .drill_id = xstrdup(""),
                              .names = json_object()};
    *ret_teller = teller;
    return 0;
}

static void post(struct teller *teller, const char *event, const char *fault_id, const char *words)
{
    char utc[32];
    AUTO_FREE char *text = xasprintf("DRILL, NOT A REAL INCIDENT: %s: %s", teller->scenario, words);
    AUTO_JSON json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s}", "event", event, "drill_id", teller->drill_id, "scenario", teller->scenario,
                  "at", clock_format_utc(clock_utc_now_ns(), utc), "fault_id", fault_id, "text", text);
    AUTO_FREE char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    size_t size = line ? strlen(line) : 0;
    /* rather lose a message than wait for room */
    bool sent = size > 0 && size < MESSAGE_MAX && send(teller->fd, line, size, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
    teller->dropped |= !sent;
}

static const char *name_of(const struct teller *teller, const json_t *fields)
{
    const char *id = json_str(fields, "fault_id", "?");
    return json_str(teller->names, id, id);
}

/* Begins, then a fault's life, then people. */
static void tell_fault(struct teller *teller, const char *kind, const json_t *fields)
{
    const char *id = json_str(fields, "fault_id", "?");
    if (str_eq(kind, "fault.requested")) {
        AUTO_FREE char *name = xasprintf("%s %s", json_str(fields, "fault", "?"), json_str(fields, "target", "?"));
        AUTO_FREE char *words = xasprintf("now: %s", json_str(fields, "plan", name));
        json_object_set_new(teller->names, id, json_string(name));
        post(teller, "drill.fault", id, words);
    } else if (str_eq(kind, "fault.reverted")) {
        AUTO_FREE char *words = xasprintf("taken away: %s", name_of(teller, fields));
        post(teller, "drill.reverted", id, words);
    }
}

void teller_tell(void *context, const char *kind, const json_t *fields)
{
    struct teller *teller = context;
    if (str_eq(kind, "drill.start")) {
        AUTO_FREE char *words = xasprintf("begins: %s", teller->title);
        free(teller->drill_id);
        teller->drill_id = xstrdup(json_str(fields, "drill_id", ""));
        post(teller, "drill.starting", NULL, words);
    } else if (str_eq(kind, "note.wanted")) {
        AUTO_FREE char *words = xasprintf("waits for somebody: drill note \"%s\"", json_str(fields, "says", ""));
        post(teller, "drill.waiting", NULL, words);
    } else if (str_eq(kind, "abort")) {
        AUTO_FREE char *words = xasprintf("stops: %s", json_str(fields, "reason", ""));
        post(teller, "drill.stopping", NULL, words);
    } else {
        tell_fault(teller, kind, fields);
    }
}

/* What is still to be told has a last while; a webhook that hangs does not keep the drill's end. True when all was posted. */
static bool await_child(pid_t pid)
{
    int status = 0;
    AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0 || poll(&end, 1, LAST_WAIT_MS) != 1) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0;
}

void teller_close(struct teller *teller)
{
    if (!teller) {
        return;
    }
    fd_close(teller->fd);
    if (!await_child(teller->pid) || teller->dropped) {
        fprintf(stderr, "drill: warning: not all that happened could be told to the webhook\n");
    }
    json_decref(teller->names);
    free(teller->scenario);
    free(teller->title);
    free(teller->drill_id);
    free(teller);
}
