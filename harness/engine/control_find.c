/* The second terminal's side of the control socket. */
#include "harness/engine/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/vec.h"

enum { ANSWER_TIMEOUT_MS = 20000 }; /* a drill that waits for an agent's answer looks at its socket after that */

struct found {
    VEC(struct control_drill) drills;
};

static void found_clear(struct found *found)
{
    VEC_EACH(drill, &found->drills)
    {
        fd_close(drill->fd);
    }
    VEC_CLEAR(&found->drills);
}

static void close_dir(DIR *dir)
{
    if (dir) {
        (void)closedir(dir);
    }
}
DEFINE_CLEANUP(DIR *, dir, close_dir)

static int exchange(int fd, const char *what, const char *text, json_t **ret_answer, struct err *err)
{
    char message[CONTROL_MESSAGE_MAX];
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    AUTO_JSON json_t *request = json_pack("{s:s, s:s}", "do", what, "text", text);
    AUTO_FREE char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
    if (!line) {
        return err_set(err, ERR_INPUT, "the text is not UTF-8");
    }
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0) {
        return err_errno(err, errno, "the drill has hung up");
    }
    if (poll(&waiting, 1, ANSWER_TIMEOUT_MS) != 1) {
        return err_set(err, ERR_TIMEOUT, "the drill did not answer within %d s", ANSWER_TIMEOUT_MS / 1000);
    }
    ssize_t size = recv(fd, message, sizeof(message), 0);
    if (size <= 0) {
        return err_set(err, ERR_PROTOCOL, "the drill has ended");
    }
    int status = json_parse(message, (size_t)size, ret_answer, err);
    const char *mistake = status == 0 ? json_str(*ret_answer, "error", NULL) : NULL;
    return mistake ? err_set(err, ERR_INPUT, "%s", mistake) : status;
}

/* A socket that refuses belongs to a drill that was killed. */
static int connect_to(int folder_fd, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || !str_format(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder_fd, name)) {
        return -1;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        if (errno == ECONNREFUSED) {
            (void)unlinkat(folder_fd, name, 0);
        }
        return -1;
    }
    return TAKE_FD(fd);
}

static void find_all(const char *folder, struct found *found)
{
    DIR *dir CLEANUP(dir_cleanup) = opendir(folder);
    for (struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir)) {
        AUTO_JSON json_t *answer = NULL;
        struct err ignored = {0};
        AUTO_FD int fd = str_ends_with(item->d_name, ".sock") ? connect_to(dirfd(dir), item->d_name) : -1;
        if (fd < 0 || exchange(fd, "who", "", &answer, &ignored) < 0) {
            continue;
        }
        struct control_drill *drill = VEC_ADD(&found->drills);
        (void)str_copy(drill->id, sizeof(drill->id), json_str(answer, "drill", ""));
        drill->pid = (int)json_int(answer, "pid", 0);
        drill->fd = TAKE_FD(fd);
    }
}

static bool is_meant(const struct control_drill *drill, const char *id)
{
    char pid[16];
    (void)str_format(pid, sizeof(pid), "%d", drill->pid);
    return !id || str_eq(drill->id, id) || str_eq(pid, id);
}

int control_find(const char *folder, const char *id, struct control_drill *ret_drill, struct err *err)
{
    struct found found CLEANUP(found_clear) = {0};
    struct buf all CLEANUP(buf_clear) = {0};
    struct control_drill *meant = NULL;
    size_t count = 0;
    find_all(folder, &found);
    VEC_EACH(drill, &found.drills)
    {
        buf_printf(&all, "%s%s (pid %d)", all.size ? ", " : "", drill->id, drill->pid);
        if (is_meant(drill, id)) {
            meant = drill;
            count++;
        }
    }
    if (found.drills.count == 0) {
        return err_set(err, ERR_INPUT, "no drill of this user is running");
    }
    if (count == 0) {
        return err_set(err, ERR_INPUT, "there is no running drill '%s'; there are: %s", id, buf_str(&all));
    }
    if (count > 1) {
        return err_set(err, ERR_INPUT, "several drills are running, say which one: %s", buf_str(&all));
    }
    *ret_drill = *meant;
    meant->fd = -1;
    return 0;
}

int control_ask(const struct control_drill *drill, const char *what, const char *text, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    if (strlen(text) > CONTROL_TEXT_MAX) {
        return err_set(err, ERR_INPUT, "the text is longer than %d bytes", CONTROL_TEXT_MAX);
    }
    int status = exchange(drill->fd, what, text, &answer, err);
    return status < 0 ? err_prefix(err, "drill %s", drill->id) : 0;
}

int control_await_end(const struct control_drill *drill, int timeout_ms, struct err *err)
{
    struct pollfd waiting = {.fd = drill->fd, .events = POLLIN};
    return poll(&waiting, 1, timeout_ms) == 1
               ? 0
               : err_set(err, ERR_TIMEOUT, "drill %s has not ended after %d s; it still puts back", drill->id, timeout_ms / 1000);
}
