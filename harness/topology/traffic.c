/* `entrypoint:` the way in as a client sees it, and `traffic:` the requests that are sent there. */
#include "harness/topology/reader.h"

struct entrypoint_fields {
    char *url, *dns_server, *dns_name;
};
#define FIELD(member) offsetof(struct entrypoint_fields, member)
static const struct param entrypoint_table[] = {
    {.name = "url", .type = PARAM_STRING, .offset = FIELD(url), .required = true, .help = "http://NAME:PORT of the API"},
    {.name = "dns_server",
     .type = PARAM_STRING,
     .offset = FIELD(dns_server),
     .help = "asked for the name; default: this machine's"},
    {.name = "dns_name", .type = PARAM_STRING, .offset = FIELD(dns_name), .help = "default: the name in the url"},
    {.type = PARAM_END},
};

struct request_fields {
    char *method, *url, *body, *contains;
    int64_t status;
};
#undef FIELD
#define FIELD(member) offsetof(struct request_fields, member)
static const struct param request_table[] = {
    {.name = "method", .type = PARAM_STRING, .offset = FIELD(method), .help = "default GET for reads, PUT for writes"},
    {.name = "url",
     .type = PARAM_STRING,
     .offset = FIELD(url),
     .required = true,
     .help = "whole, or a path below the entrypoint's url"},
    {.name = "body", .type = PARAM_STRING, .offset = FIELD(body), .help = "may hold {{id}}"},
    {.name = "status", .type = PARAM_INTEGER, .offset = FIELD(status), .min = 100, .max = 599, .help = "default 200, writes 201"},
    {.name = "contains", .type = PARAM_STRING, .offset = FIELD(contains), .help = "the answer's body must hold this"},
    {.type = PARAM_END},
};

/* "http://api.example.com:8080/x" to "api.example.com" */
static char *host_of_url(const char *url)
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    return xasprintf("%.*s", (int)strcspn(start, ":/?#"), start);
}

static int check_url(const struct node *node, const char *url, struct err *err)
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

static int read_entrypoint(struct reader *reader, const struct node *node, struct err *err)
{
    static const char *const nested[] = {"vantages", NULL};
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
    topology->entrypoint.dns_server = fields.dns_server;
    topology->entrypoint.dns_name = fields.dns_name ? fields.dns_name : fields.dns_server ? host_of_url(fields.url) : NULL;
    size_t size = strlen(fields.url);
    if (size > 8 && fields.url[size - 1] == '/') {
        fields.url[size - 1] = '\0';
    }
    int status = check_url(node, topology->entrypoint.url, err);
    return status < 0 ? status : read_vantages(reader, node, err);
}

static char *whole_url(const struct topology *topology, char *url)
{
    if (*url != '/') {
        return url;
    }
    char *whole = xasprintf("%s%s", topology->entrypoint.url, url);
    free(url);
    return whole;
}

static int read_request(const struct scope *scope, const struct node *node, bool write, struct topology_request *request,
                        struct err *err)
{
    struct request_fields fields;
    if (reader_fields(request_table, NULL, node, scope, write ? "traffic write" : "traffic read", &fields, err) < 0) {
        return -err->code;
    }
    request->method = fields.method ? fields.method : xstrdup(write ? "PUT" : "GET");
    request->url = whole_url(scope->topology, fields.url);
    request->body = fields.body;
    request->contains = fields.contains;
    request->status = fields.status ? (int)fields.status : write ? 201 : 200;
    bool has_id = strstr(request->url, "{{id}}") || (request->body && strstr(request->body, "{{id}}"));
    if (write && !has_id) {
        return node_err(node, err, "traffic write: each write needs its own id: put {{id}} into the url or the body");
    }
    return check_url(node, request->url, err);
}

static int read_list_url(const struct scope *scope, const struct node *node, struct topology *topology, struct err *err)
{
    char *url = NULL;
    if (node->kind != NODE_SCALAR) {
        return node_err(node, err, "list_url: expected a url");
    }
    int status = expand_node(scope, node, &url, err);
    if (status == 0) {
        topology->traffic.list_url = whole_url(topology, url);
        status = check_url(node, topology->traffic.list_url, err);
    }
    return status;
}

int reader_traffic(struct reader *reader, struct err *err)
{
    static const char *const members[] = {"write", "read", "list_url", NULL};
    struct topology *topology = reader->topology;
    const struct node *traffic = node_get(reader->root, "traffic");
    int status = read_entrypoint(reader, node_get(reader->root, "entrypoint"), err);
    if (status == 0) {
        status = reader_only(traffic, members, "traffic", err);
    }
    struct scope scope = reader_scope(reader);
    scope.keep_id = true;
    const struct node *write = node_get(traffic, "write"), *read = node_get(traffic, "read"),
                      *list = node_get(traffic, "list_url");
    if (status == 0 && write) {
        status = read_request(&scope, write, true, &topology->traffic.write, err);
    }
    if (status == 0 && read) {
        status = read_request(&scope, read, false, &topology->traffic.read, err);
    } else if (status == 0) { /* without a word: the entrypoint itself */
        topology->traffic.read.method = xstrdup("GET");
        topology->traffic.read.url = xasprintf("%s/", topology->entrypoint.url);
        topology->traffic.read.status = 200;
    }
    return status == 0 && list ? read_list_url(&scope, list, topology, err) : status;
}
