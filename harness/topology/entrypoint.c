/* `entrypoint:` the way in as clients see it, and where they stand. */
#include "harness/topology/reader.h"

#include <stdlib.h>

#include "harness/topology/extends.h"
#include "harness/param/client.h"

struct entrypoint_fields {
    char *url, *dns_server, *dns_name, *ca;
    bool tls_verify;
};
#define FIELD(member) offsetof(struct entrypoint_fields, member)
static const struct param entrypoint_table[] = {
    {.name = "url", .type = PARAM_STRING, .offset = FIELD(url), .required = true, .help = "http://NAME:PORT of the API"},
    {.name = "dns_server",
     .type = PARAM_STRING,
     .offset = FIELD(dns_server),
     .help = "asked for the name; default: this machine's"},
    {.name = "dns_name", .type = PARAM_STRING, .offset = FIELD(dns_name), .help = "default: the name in the url"},
    {.name = "ca", .type = PARAM_STRING, .offset = FIELD(ca), .help = "file of certificates to trust in place of the system's"},
    {.name = "tls_verify",
     .type = PARAM_BOOL,
     .offset = FIELD(tls_verify),
     .fallback = "true",
     .help = "check the certificates of https"},
    {.type = PARAM_END},
};
#undef FIELD
#define FIELD(member) offsetof(struct topology_client, member)
static const struct param client_table[] = {
    {.name = "connections",
     .type = PARAM_CHOICE,
     .offset = FIELD(connections),
     .fallback = "same",
     .choices = client_connections_or_same,
     .help = "same: as the scenario says"},
    {.name = "http",
     .type = PARAM_CHOICE,
     .offset = FIELD(http),
     .fallback = "same",
     .choices = client_http_or_same,
     .help = "version; same: as the scenario says"},
    {.name = "weight",
     .type = PARAM_INTEGER,
     .offset = FIELD(weight),
     .min = 1,
     .max = 1000,
     .fallback = "1",
     .help = "its part of the rate, the others' being 1"},
    {.name = "addresses",
     .type = PARAM_STRING,
     .offset = FIELD(addresses),
     .help = "a prefix, as 198.18.0.0/16: each session of the load comes from an address of its own"},
    {.type = PARAM_END},
};

/* "http://api.example.com:8080/x" to "api.example.com" */
static char *host_of_url(const char *url)
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    return xasprintf("%.*s", (int)strcspn(start, ":/?#"), start);
}

int reader_check_url(const struct node *node, const char *url, struct err *err)
{
    bool good = (str_starts_with(url, "http://") && url[7]) || (str_starts_with(url, "https://") && url[8]);
    return good ? 0 : node_err(node, err, "url: expected http://NAME:PORT, found '%s'", url);
}

static int read_vantages(struct reader *reader, const struct node *node, struct err *err)
{
    struct topology *topology = reader->topology;
    struct scope scope = reader_scope(reader);
    int status = reader_strings(&scope, node_get(node, "vantages"), "vantages", &topology->entrypoint.vantages,
                                &topology->entrypoint.vantage_count, err);
    if (status == 0 && topology->entrypoint.vantage_count == 0 && topology_host_find(topology, "client")) {
        *GROW(topology->entrypoint.vantages, topology->entrypoint.vantage_count) = xstrdup("client");
    }
    if (status == 0 && topology->entrypoint.vantage_count == 0) {
        return node_err(node, err, "entrypoint: say 'vantages:', the hosts that clients stand on, or have a host 'client'");
    }
    for (size_t i = 0; status == 0 && i < topology->entrypoint.vantage_count; i++) {
        if (!topology_host_find(topology, topology->entrypoint.vantages[i])) {
            (void)names_no_host(topology, topology->entrypoint.vantages[i], err);
            status = reader_at(node_get(node, "vantages"), err);
        }
    }
    return status;
}

static bool is_vantage(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->entrypoint.vantage_count; i++) {
        if (str_eq(topology->entrypoint.vantages[i], name)) {
            return true;
        }
    }
    return false;
}

/* Routes to them exist only where drill makes the network, and go from the internet's side. */
static int check_addresses(const struct topology *topology, const struct topology_client *client, const struct node *node,
                           struct err *err)
{
    const struct topology_host *host = topology_host_find(topology, client->vantage);
    if (!client->addresses || (topology->runtime == RUNTIME_NETNS && host && !host->region)) {
        return 0;
    }
    return node_err(node_get(node, "addresses"), err,
                    "addresses: only for a host outside of all regions, in a topology of runtime netns");
}

static int read_clients(struct reader *reader, const struct node *map, struct err *err)
{
    struct topology *topology = reader->topology;
    struct scope scope = reader_scope(reader);
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "clients: expected vantages with what differs there, as client-eu: { connections: new }");
    }
    for (size_t i = 0; map && i < map->count; i++) {
        const struct node *child = map->children[i];
        struct topology_client client = {0};
        char hint[96];
        if (!is_vantage(topology, child->key)) {
            return node_err(child, err, "clients: '%s' is no vantage%s", child->key,
                            str_did_you_mean(child->key, (const char *const *)topology->entrypoint.vantages,
                                             topology->entrypoint.vantage_count, hint));
        }
        int status = reader_fields(client_table, NULL, child, &scope, "a client", &client, err);
        if (status < 0) {
            return status;
        }
        client.vantage = xstrdup(child->key);
        status = check_addresses(topology, &client, child, err);
        *GROW(topology->entrypoint.clients, topology->entrypoint.client_count) = client;
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* A file is named from where the file that says so is. */
static char *path_from(const struct node *map, const char *key, char *path)
{
    const struct node *node = node_get(map, key);
    if (!path || *path == '/') {
        return path;
    }
    AUTO_FREE char *joined = extends_beside(node && node->file ? node->file : "", path);
    char *whole = realpath(joined, NULL);
    free(path);
    return whole ? whole : TAKE(joined);
}

int reader_entrypoint(struct reader *reader, struct err *err)
{
    static const char *const nested[] = {"vantages", "clients", NULL};
    const struct node *node = node_get(reader->root, "entrypoint");
    struct topology *topology = reader->topology;
    struct scope scope = reader_scope(reader);
    struct entrypoint_fields fields;
    if (!node) {
        return node_err(reader->root, err, "a topology needs 'entrypoint:' with the url of the API");
    }
    if (reader_fields(entrypoint_table, nested, node, &scope, "entrypoint", &fields, err) < 0) {
        return -err->code;
    }
    topology->entrypoint.url = fields.url;
    topology->entrypoint.ca = path_from(node, "ca", fields.ca);
    topology->entrypoint.tls_verify = fields.tls_verify;
    topology->entrypoint.dns_server = fields.dns_server;
    topology->entrypoint.dns_name = fields.dns_name ? fields.dns_name : fields.dns_server ? host_of_url(fields.url) : NULL;
    size_t size = strlen(fields.url);
    if (size > 8 && fields.url[size - 1] == '/') {
        fields.url[size - 1] = '\0';
    }
    int status = reader_check_url(node, topology->entrypoint.url, err);
    if (status == 0) {
        status = read_vantages(reader, node, err);
    }
    return status < 0 ? status : read_clients(reader, node_get(node, "clients"), err);
}
