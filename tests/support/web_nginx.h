/* nginx in front of nothing, for tests that need TLS or HTTP/2 from a server of another make: its own certificate, one port for each
 * way of speaking. */
#ifndef DRILL_TESTS_WEB_NGINX_H
#define DRILL_TESTS_WEB_NGINX_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/str.h"
#include "tests/support/load_server.h"

struct web_nginx {
    char folder[64], ca[96]; /* ca: file with the certificate to trust */
    int tls_port, h2c_port;  /* HTTP/1.1 and 2 over TLS; 2 without */
    pid_t pid;
};

static inline bool web_nginx_is_there(void)
{
    return access("/usr/sbin/nginx", X_OK) == 0 && access("/usr/bin/openssl", X_OK) == 0;
}

/* Runs a program to its end, quietly. */
static inline int web_nginx_run(const char *const *argv)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return status;
}

/* Self-signed, for the address. */
static inline void web_nginx_certificate(const struct web_nginx *web, const char *address)
{
    AUTO_FREE char *key = xasprintf("%s/key.pem", web->folder), *names = xasprintf("subjectAltName=IP:%s", address);
    const char *const argv[] = {
        "openssl", "req",   "-x509", "-nodes",         "-newkey", "ec",  "-pkeyopt", "ec_paramgen_curve:P-256",
        "-days",   "2",     "-subj", "/CN=drill test", "-addext", names, "-keyout",  key,
        "-out",    web->ca, NULL};
    if (web_nginx_run(argv) != 0) {
        fprintf(stderr, "openssl could not make a certificate (ci/setup test)\n");
        exit(1);
    }
}

static inline int web_nginx_free_port(const char *address)
{
    int port = 0;
    close(server_listen(address, SOCK_STREAM, &port));
    return port;
}

static inline void web_nginx_configure(const struct web_nginx *web, const char *address)
{
    AUTO_FREE char *path = xasprintf("%s/nginx.conf", web->folder);
    FILE *file = fopen(path, "we");
    fprintf(
        file,
        "daemon off; master_process off; pid %s/pid; error_log %s/error.log;\n"
        "events { worker_connections 512; }\n"
        "http { access_log off; client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/f;\n"
        "  uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n"
        "  ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem;\n"
        "  server { listen %s:%d ssl http2; listen %s:%d http2; location / { return 200 \"fine $server_protocol\\n\"; } } }\n",
        web->folder, web->folder, web->folder, web->folder, web->folder, web->folder, web->folder, web->folder, web->folder,
        address, web->tls_port, address, web->h2c_port);
    fclose(file);
}

static inline bool web_nginx_answers(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr(address)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return answers;
}

static inline void web_nginx_start(struct web_nginx *web, const char *address)
{
    snprintf(web->folder, sizeof(web->folder), "/tmp/drill-test-web-XXXXXX");
    if (!mkdtemp(web->folder)) {
        perror("mkdtemp");
        exit(1);
    }
    snprintf(web->ca, sizeof(web->ca), "%s/cert.pem", web->folder);
    web->tls_port = web_nginx_free_port(address);
    web->h2c_port = web_nginx_free_port(address);
    web_nginx_certificate(web, address);
    web_nginx_configure(web, address);
    AUTO_FREE char *conf = xasprintf("%s/nginx.conf", web->folder);
    web->pid = fork();
    if (web->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!freopen("/dev/null", "w", stderr);
        execl("/usr/sbin/nginx", "nginx", "-c", conf, "-p", web->folder, NULL);
        _exit(127);
    }
    while (!web_nginx_answers(address, web->h2c_port)) {
        if (waitpid(web->pid, NULL, WNOHANG) != 0) {
            fprintf(stderr, "nginx did not start, see %s\n", web->folder);
            exit(1);
        }
        sched_yield();
    }
}

static inline void web_nginx_stop(struct web_nginx *web)
{
    static const char *const files[] = {"key.pem", "cert.pem", "nginx.conf", "error.log", "pid"};
    static const char *const folders[] = {"body", "proxy", "f", "u", "s", ""};
    kill(web->pid, SIGKILL);
    waitpid(web->pid, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(files) + ARRAY_LEN(folders); i++) {
        bool is_file = i < ARRAY_LEN(files);
        AUTO_FREE char *path = xasprintf("%s/%s", web->folder, is_file ? files[i] : folders[i - ARRAY_LEN(files)]);
        (void)(is_file ? unlink(path) : rmdir(path));
    }
}

#endif
