/* ordersd: the small backend of the reference stack. PUT and GET /orders/ID, GET /orders, over PostgreSQL servers of which it
 * finds the writable one by itself. */
#include <arpa/inet.h>
#include <getopt.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/reference/ordersd/http.h"

struct options {
    struct sockaddr_in listen;
    const char *region, *node, *local, *writer;
    char *stores;
    long patience_ms;
};

static int usage(const char *problem)
{
    fprintf(stderr,
            "ordersd: %s\n"
            "usage: ordersd --listen ADDRESS:PORT --region NAME --node NAME --local ADDRESS --stores ADDRESS,ADDRESS… "
            "[--patience MILLISECONDS] [--writer ADDRESS]\n",
            problem);
    return 2;
}

static bool parse_listen(const char *text, struct sockaddr_in *address)
{
    char host[INET_ADDRSTRLEN];
    char *end = NULL;
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof(host)) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    long port = strtol(colon + 1, &end, 10);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return !*end && port > 0 && port < 65536 && inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static int parse(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"listen", required_argument, NULL, 'l'}, {"region", required_argument, NULL, 'r'},
                                          {"node", required_argument, NULL, 'n'},   {"local", required_argument, NULL, 'o'},
                                          {"stores", required_argument, NULL, 's'}, {"patience", required_argument, NULL, 'p'},
                                          {"writer", required_argument, NULL, 'w'}, {0}};
    int letter;
    char *end = NULL;
    bool listening = false;
    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (letter) {
        case 'l':
            listening = parse_listen(optarg, &options->listen);
            break;
        case 'r':
            options->region = optarg;
            break;
        case 'n':
            options->node = optarg;
            break;
        case 'o':
            options->local = optarg;
            break;
        case 's':
            options->stores = optarg;
            break;
        case 'p':
            options->patience_ms = strtol(optarg, &end, 10);
            if (end == optarg || *end || options->patience_ms < 0 || options->patience_ms > 60000) {
                return usage("--patience: expected 0 to 60000 milliseconds");
            }
            break;
        case 'w':
            options->writer = optarg;
            break;
        default:
            return usage("unknown option");
        }
    }
    if (!listening || !options->region || !options->node || !options->local || !options->stores || optind < argc) {
        return usage("--listen with an IPv4 address and a port, --region, --node, --local and --stores are needed");
    }
    return 0;
}

/* Whoever stands behind that address decides who the primary is. */
static int start_writer(const struct options *options, struct backend *backend)
{
    struct in_addr address;
    if (!options->writer || strcmp(options->writer, "any") == 0) {
        return 0;
    }
    if (inet_pton(AF_INET, options->writer, &address) != 1) {
        return usage("--writer: expected an IPv4 address, or any for the newest primary");
    }
    backend->writer = store_new(options->writer);
    return backend->writer ? 0 : usage("a thread could not be started");
}

static int start_stores(const struct options *options, struct backend *backend)
{
    char *list = strdup(options->stores), *rest = list, *host; /* a copy: the arguments stay what ps shows */
    if (!list) {
        return usage("no memory");
    }
    while ((host = strsep(&rest, ","))) {
        struct in_addr address;
        if (backend->store_count == sizeof(backend->stores) / sizeof(backend->stores[0]) ||
            inet_pton(AF_INET, host, &address) != 1) {
            return usage("--stores: expected up to 16 IPv4 addresses");
        }
        struct store *store = store_new(host);
        if (!store) {
            return usage("a thread could not be started");
        }
        backend->stores[backend->store_count++] = store;
        if (strcmp(host, options->local) == 0) {
            backend->local = store;
        }
    }
    free(list);
    return backend->local ? 0 : usage("--local: expected one of the --stores");
}

int main(int argc, char **argv)
{
    struct options options = {0};
    static struct backend backend;
    sigset_t ending;
    int received;
    int status = parse(argc, argv, &options);
    if (status != 0) {
        return status;
    }
    /* Blocked before the first thread is made, so that all inherit it and only sigwait below sees them. */
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    backend.region = options.region;
    backend.node = options.node;
    backend.patience_ns = options.patience_ms * 1000000;
    if ((status = start_stores(&options, &backend)) != 0 || (status = start_writer(&options, &backend)) != 0) {
        return status;
    }
    struct MHD_Daemon *daemon = http_start(&options.listen, &backend);
    if (!daemon) {
        fprintf(stderr, "ordersd: cannot listen on %s:%d\n", inet_ntoa(options.listen.sin_addr), ntohs(options.listen.sin_port));
        return 1;
    }
    sigwait(&ending, &received);
    MHD_stop_daemon(daemon);
    return 0;
}
