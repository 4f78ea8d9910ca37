/* What an agent serves for a monitor to scrape. */
#include "test_agent_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    return ntohs(at.sin_port);
}

/* The whole answer; the caller frees it. */
static char *get(int port, const char *path)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    AUTO_FREE char *request = xasprintf("GET %s HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n\r\n", path);
    struct buf answer CLEANUP(buf_clear) = {0};
    struct err err = {0};
    char part[1024];
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(fd_write_all(fd, request, strlen(request), &err), 0);
    for (ssize_t got; (got = read(fd, part, sizeof(part))) > 0;) {
        buf_add(&answer, part, (size_t)got);
    }
    return xstrdup(buf_str(&answer));
}

static void refused(struct agent_process *agent, json_t *params, const char *why)
{
    AUTO_JSON json_t *error = agent_refuses(agent, "metrics.serve", params);
    assert_non_null(strstr(json_str(error, "message", ""), why));
}

static json_t *serve(const char *address, int port, const char *text)
{
    return json_pack("{s:s, s:i, s:s}", "address", address, "port", port, "text", text);
}

static void test_the_newest_text_is_served(void **state)
{
    struct agent_process agent = agent_begin();
    int port = free_port();
    (void)state;
    agent_do(&agent, "metrics.serve", serve("127.0.0.1", port, "drill_info 1\n"));
    AUTO_FREE char *first = get(port, "/metrics");
    assert_non_null(strstr(first, "200 OK"));
    assert_non_null(strstr(first, "\r\n\r\ndrill_info 1\n"));
    agent_do(&agent, "metrics.serve", serve("127.0.0.1", port, "drill_fault_active{fault=\"delay\"} 1\n"));
    AUTO_FREE char *second = get(port, "/metrics");
    assert_non_null(strstr(second, "\r\n\r\ndrill_fault_active{fault=\"delay\"} 1\n"));
    AUTO_FREE char *other = get(port, "/");
    assert_non_null(strstr(other, "404 Not Found"));
    assert_int_equal(agent_end(&agent), 0);
}

static void test_what_cannot_be_served(void **state)
{
    struct agent_process agent = agent_begin();
    struct agent_process second = agent_begin();
    int port = free_port();
    (void)state;
    agent_do(&agent, "metrics.serve", serve("127.0.0.1", port, ""));
    refused(&second, serve("127.0.0.1", port, ""), "cannot listen on 127.0.0.1");
    refused(&second, serve("monitor", port, ""), "expected an IPv4 address and a port");
    assert_int_equal(agent_end(&second), 0);
    assert_int_equal(agent_end(&agent), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_text_is_served),
        cmocka_unit_test(test_what_cannot_be_served),
    };
    return cmocka_run_group_tests_name("agent metrics", tests, NULL, NULL);
}
