/* A target's listening sockets: its processes' sockets as /proc shows them, where they listen as the kernel's socket table knows. */
#include "faults/process/listeners.h"

#include <arpa/inet.h>
#include <poll.h>

#include "faults/network/connections.h"
#include "faults/process/sockets.h"

enum { SOCKETS_MAX = 1024 };

/* Found while it can still be looked at in peace. */
int listeners_prepare(struct fault_instance *fault, struct err *err)
{
    struct connection listeners[LISTENERS_MAX];
    uint64_t inodes[SOCKETS_MAX];
    size_t inode_count = 0, count = 0;
    if (json_object_get(fault->journal, "listeners")) {
        return 0;
    }
    int status = sockets_of(json_object_get(fault->journal, "processes"), inodes, SOCKETS_MAX, &inode_count, err);
    if (status == 0) {
        status = connections_listening(inodes, inode_count, listeners, LISTENERS_MAX, &count, err);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count && status == 0; i++) {
        char address[INET6_ADDRSTRLEN] = "";
        (void)inet_ntop(listeners[i].family, listeners[i].id.idiag_src, address, sizeof(address));
        json_array_append_new(list, json_pack("{s:s, s:i}", "address", address, "port", ntohs(listeners[i].id.idiag_sport)));
    }
    json_object_set_new(fault->journal, "listeners", list);
    return status;
}

socklen_t listeners_address(const json_t *listener, struct sockaddr_storage *address)
{
    const char *text = json_str(listener, "address", "");
    uint16_t port = htons((uint16_t)json_int(listener, "port", 0));
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    *address = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = port;
        return sizeof(*four);
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = port;
    (void)inet_pton(AF_INET6, text, &six->sin6_addr);
    return sizeof(*six);
}

bool listeners_ready(int fd, short events, int timeout_ms)
{
    struct pollfd waiting = {.fd = fd, .events = events};
    return poll(&waiting, 1, timeout_ms) == 1;
}
