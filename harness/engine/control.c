/* The drill's side of its control socket. */
#include "harness/engine/control.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { CLIENTS_MAX = 16 };

struct control {
    int folder_fd, listen_fd, epoll_fd, interrupt_fd;
    int clients[CLIENTS_MAX]; /* -1: free */
    size_t next_client;       /* the oldest makes room */
    char id[128], name[32];
};

static int watch(struct control *control, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Through the folder's descriptor: a socket's path has room for 107 bytes, a folder's may be longer. */
static int listen_in(struct control *control, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)str_format(control->name, sizeof(control->name), "%d.sock", (int)getpid());
    (void)str_format(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", control->folder_fd, control->name);
    (void)unlinkat(control->folder_fd, control->name, 0); /* of a killed drill that had our number */
    control->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->listen_fd < 0 || bind(control->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchmodat(control->folder_fd, control->name, 0600, 0) < 0 || listen(control->listen_fd, CLIENTS_MAX) < 0) {
        return err_errno(err, errno, "cannot listen on the control socket '%s'", control->name);
    }
    return 0;
}

/* A folder that others may enter or own is no place for it. */
static int open_folder(struct control *control, const char *folder, struct err *err)
{
    struct stat info;
    int status = fd_make_dirs(folder, 0700, err);
    if (status < 0) {
        return status;
    }
    control->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (control->folder_fd < 0 || fstat(control->folder_fd, &info) < 0) {
        return err_errno(err, errno, "cannot open the folder '%s'", folder);
    }
    if (info.st_uid != geteuid() || (info.st_mode & 077)) {
        return err_set(err, ERR_STATE, "the folder '%s' must be this user's and closed to others (mode 0700)", folder);
    }
    return 0;
}

int control_open(const char *folder, const char *drill_id, int interrupt_fd, struct control **ret_control, struct err *err)
{
    struct control *control = xcalloc(1, sizeof(*control));
    *control = (struct control){.folder_fd = -1, .listen_fd = -1, .interrupt_fd = interrupt_fd};
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        control->clients[i] = -1;
    }
    (void)str_copy(control->id, sizeof(control->id), drill_id);
    control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int status = open_folder(control, folder, err);
    if (status == 0) {
        status = listen_in(control, err);
    }
    if (status == 0 && (watch(control, control->listen_fd) < 0 || (interrupt_fd >= 0 && watch(control, interrupt_fd) < 0))) {
        status = err_errno(err, errno, "cannot watch the control socket");
    }
    if (status < 0) {
        control_close(control);
        return status;
    }
    *ret_control = control;
    return 0;
}

int control_fd(const struct control *control)
{
    return control->epoll_fd;
}

static void drop_client(struct control *control, int fd)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (control->clients[i] == fd) {
            fd_close(TAKE_FD(control->clients[i]));
        }
    }
}

/* Whose process is at the other end; false when it is not ours or root's. */
static bool identify(int fd, char *out, size_t size)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || (peer.uid != geteuid() && peer.uid != 0)) {
        return false;
    }
    char space[1024];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(peer.uid, &entry, space, sizeof(space), &found) == 0 && found) {
        (void)str_format(out, size, "%s (pid %d)", found->pw_name, (int)peer.pid);
    } else {
        (void)str_format(out, size, "uid %u (pid %d)", (unsigned)peer.uid, (int)peer.pid);
    }
    return true;
}

static void take_client(struct control *control)
{
    char who[96];
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    if (!identify(fd, who, sizeof(who)) || watch(control, fd) < 0) {
        fd_close(fd);
        return;
    }
    int *slot = &control->clients[control->next_client++ % CLIENTS_MAX];
    fd_close(*slot);
    *slot = fd;
}

static void answer(const struct control *control, int fd, const char *mistake)
{
    AUTO_JSON json_t *json =
        mistake ? json_pack("{s:s}", "error", mistake) : json_pack("{s:s, s:i}", "drill", control->id, "pid", (int)getpid());
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static enum control_kind kind_of(const char *what)
{
    return str_eq(what, "abort") ? CONTROL_ABORT : str_eq(what, "note") ? CONTROL_NOTE : CONTROL_NONE;
}

static void one_line(char *text)
{
    for (; *text; text++) {
        *text = (unsigned char)*text < ' ' ? ' ' : *text;
    }
}

/* One message is one request. True when it is something for the drill. */
static bool take_message(struct control *control, int fd, struct control_request *request)
{
    char message[CONTROL_MESSAGE_MAX];
    AUTO_JSON json_t *json = NULL;
    struct err err = {0};
    ssize_t size = recv(fd, message, sizeof(message), MSG_DONTWAIT);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) {
            drop_client(control, fd);
        }
        return false;
    }
    if (json_parse(message, (size_t)size, &json, &err) < 0) {
        answer(control, fd, err.text);
        return false;
    }
    const char *what = json_str(json, "do", "");
    *request = (struct control_request){.kind = kind_of(what)};
    if (!request->kind && !str_eq(what, "who")) {
        answer(control, fd, "expected 'do' to be 'who', 'abort' or 'note'");
    } else if (!str_copy(request->text, sizeof(request->text), json_str(json, "text", ""))) {
        answer(control, fd, "the text is too long");
        return false;
    } else {
        answer(control, fd, NULL);
    }
    one_line(request->text);
    return identify(fd, request->by, sizeof(request->by)) && request->kind;
}

bool control_next(struct control *control, struct control_request *ret_request)
{
    struct epoll_event event;
    while (epoll_wait(control->epoll_fd, &event, 1, 0) == 1) {
        int fd = event.data.fd;
        if (fd == control->interrupt_fd) {
            (void)epoll_ctl(control->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
            *ret_request = (struct control_request){.kind = CONTROL_INTERRUPT};
            return true;
        }
        if (fd == control->listen_fd) {
            take_client(control);
        } else if (take_message(control, fd, ret_request)) {
            return true;
        }
    }
    return false;
}

void control_close(struct control *control)
{
    if (!control) {
        return;
    }
    if (control->listen_fd >= 0) {
        (void)unlinkat(control->folder_fd, control->name, 0);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        fd_close(control->clients[i]);
    }
    fd_close(control->listen_fd);
    fd_close(control->folder_fd);
    fd_close(control->epoll_fd);
    free(control);
}
