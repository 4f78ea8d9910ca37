/* `traffic:` the requests that are sent to the entrypoint. */
#include "harness/topology/reader.h"

#include <strings.h>

struct request_fields {
    char *method, *url, *body, *contains;
    int64_t status;
};
#define FIELD(member) offsetof(struct request_fields, member)
static const struct param request_table[] = {
    {.name = "method", .type = PARAM_STRING, .offset = FIELD(method), .help = "default GET for reads, PUT for writes"},
    {.name = "url",
     .type = PARAM_STRING,
     .offset = FIELD(url),
     .required = true,
     .help = "whole, or a path below the entrypoint's url"},
    {.name = "body", .type = PARAM_STRING, .offset = FIELD(body), .help = "may hold {{id}} and others, see docs/load.md"},
    {.name = "status", .type = PARAM_INTEGER, .offset = FIELD(status), .min = 100, .max = 599, .help = "default 200, writes 201"},
    {.name = "contains", .type = PARAM_STRING, .offset = FIELD(contains), .help = "the answer's body must hold this"},
    {.type = PARAM_END},
};

static const char *const secrets[] = {"authorization", "proxy-authorization", "cookie", "x-api-key"};

/* A literal would be written into the evidence, which is kept for years and shown around. */
static int check_secret(const struct node *node, const char *value, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        if (strcasecmp(node->key, secrets[i]) == 0 && !strstr(value, "{{env.")) {
            return node_err(
                node, err,
                "header '%s': a secret that stands here would be kept in the evidence; put it into the environment and "
                "write {{env.NAME}}",
                node->key);
        }
    }
    return 0;
}

static int read_headers(const struct scope *scope, const struct node *map, json_t **ret_headers, struct err *err)
{
    if (!map) {
        return 0;
    }
    if (map->kind != NODE_MAP) {
        return node_err(map, err, "headers: expected names with values, as { Authorization: \"Bearer {{env.TOKEN}}\" }");
    }
    *ret_headers = json_object();
    for (size_t i = 0; i < map->count; i++) {
        const struct node *child = map->children[i];
        AUTO_FREE char *text = NULL;
        if (child->kind != NODE_SCALAR) {
            return node_err(child, err, "header '%s': expected one value", child->key);
        }
        int status = expand_node(scope, child, &text, err);
        if (status == 0) {
            status = check_secret(child, text, err);
        }
        if (status < 0) {
            return status;
        }
        json_object_set_new(*ret_headers, child->key, json_string(text));
    }
    return 0;
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
    static const char *const nested[] = {"headers", NULL};
    struct request_fields fields;
    if (reader_fields(request_table, nested, node, scope, write ? "traffic write" : "traffic read", &fields, err) < 0) {
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
    int status = reader_check_url(node, request->url, err);
    return status < 0 ? status : read_headers(scope, node_get(node, "headers"), &request->headers, err);
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
        status = reader_check_url(node, topology->traffic.list_url, err);
    }
    return status;
}

/* Its values go into the evidence, so it must be a header that tells no secret. */
static int read_served_by(const struct scope *scope, const struct node *node, struct topology *topology, struct err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    char *name = NULL;
    if (node->kind != NODE_SCALAR) {
        return node_err(node, err, "served_by: expected the name of a header, as X-Served-By");
    }
    int status = expand_node(scope, node, &name, err);
    if (status < 0) {
        return status;
    }
    topology->traffic.served_by = name;
    bool secret = strcasecmp(name, "set-cookie") == 0;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        secret |= strcasecmp(name, secrets[i]) == 0;
    }
    if (!*name || name[strspn(name, letters)] || secret) {
        return node_err(node, err, "served_by: '%s' %s", name,
                        secret ? "may hold a secret, and what it says goes into the evidence"
                               : "is not the name of a header, as X-Served-By");
    }
    return 0;
}

int reader_traffic(struct reader *reader, struct err *err)
{
    static const char *const members[] = {"write", "read", "list_url", "headers", "served_by", NULL};
    struct topology *topology = reader->topology;
    const struct node *traffic = node_get(reader->root, "traffic");
    int status = reader_entrypoint(reader, err);
    if (status == 0) {
        status = reader_only(traffic, members, "traffic", err);
    }
    struct scope scope = reader_scope(reader);
    scope.keep_holes = true;
    const struct node *write = node_get(traffic, "write"), *read = node_get(traffic, "read"),
                      *list = node_get(traffic, "list_url");
    if (status == 0) {
        status = read_headers(&scope, node_get(traffic, "headers"), &topology->traffic.headers, err);
    }
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
    const struct node *served_by = node_get(traffic, "served_by");
    if (status == 0 && served_by) {
        status = read_served_by(&scope, served_by, topology, err);
    }
    return status == 0 && list ? read_list_url(&scope, list, topology, err) : status;
}
