/* A health check, in short: {http: /healthz}, {tcp: 5432}, {dns: api.example.com}, {exec: [...]}, {file: path}. */
#include "harness/topology/reader.h"

struct health_fields {
    char *http, *dns, *contains;
    int64_t port, status;
};

static const struct param health_table[] = {
    {.name = "http", .type = PARAM_STRING, .offset = offsetof(struct health_fields, http), .help = "path to GET"},
    {.name = "dns", .type = PARAM_STRING, .offset = offsetof(struct health_fields, dns), .help = "name to ask for"},
    {.name = "port",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct health_fields, port),
     .max = 65535,
     .help = "default: the service's port"},
    {.name = "status",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct health_fields, status),
     .fallback = "200",
     .min = 100,
     .max = 599,
     .help = "http: expected status"},
    {.name = "contains",
     .type = PARAM_STRING,
     .offset = offsetof(struct health_fields, contains),
     .help = "http: the body must hold this; dns: the answer must"},
    {.type = PARAM_END},
};

static int read_lists(const struct scope *scope, const struct node *map, struct topology_health *health, struct err *err)
{
    const struct node *exec = node_get(map, "exec"), *file = node_get(map, "file");
    if (exec && reader_command(scope, exec, "exec", &health->argv, &health->argc, err) < 0) {
        return -err->code;
    }
    if (file && reader_strings(scope, file, "file", &health->argv, &health->argc, err) < 0) {
        return -err->code;
    }
    if ((exec || file) && health->argc == 0) {
        return node_err(map, err, "the list is empty");
    }
    return 0;
}

static int read_tcp(const struct scope *scope, const struct node *map, struct health_fields *fields, struct err *err)
{
    static const struct param table[] = {
        {.name = "port",
         .type = PARAM_INTEGER,
         .offset = offsetof(struct health_fields, port),
         .min = 1,
         .max = 65535,
         .help = "port"},
        {.type = PARAM_END},
    };
    const struct node *tcp = node_get(map, "tcp");
    AUTO_FREE char *text = NULL;
    if (!tcp) {
        return 0;
    }
    if (tcp->kind != NODE_SCALAR) {
        return node_err(tcp, err, "tcp: expected a port");
    }
    int status = expand_node(scope, tcp, &text, err);
    if (status == 0 && param_set(table, "port", text, "tcp", fields, err) < 0) {
        status = reader_at(tcp, err);
    }
    return status;
}

static enum health_type type_of(const struct node *map, size_t *ret_kinds)
{
    static const char *const kinds[HEALTH_TYPE_COUNT] = {NULL, "http", "tcp", "dns", "exec", "file"};
    enum health_type type = HEALTH_NONE;
    *ret_kinds = 0;
    for (size_t i = 1; i < ARRAY_LEN(kinds); i++) {
        if (node_get(map, kinds[i])) {
            type = (enum health_type)i;
            (*ret_kinds)++;
        }
    }
    return type;
}

static int check_health(const struct node *map, const char *what, const struct topology_health *health, size_t kinds,
                        struct err *err)
{
    if (kinds != 1) {
        return node_err(map, err, "%s: expected one of http, tcp, dns, exec and file, found %zu of them", what, kinds);
    }
    if ((health->type == HEALTH_HTTP || health->type == HEALTH_TCP) && health->port == 0) {
        return node_err(map, err, "%s: which port? Say 'port:'", what);
    }
    if (health->type == HEALTH_HTTP && health->path[0] != '/') {
        return node_err(map, err, "%s: http: expected a path as '/healthz', found '%s'", what, health->path);
    }
    return 0;
}

int reader_health(const struct scope *scope, const struct node *map, const char *what, int default_port,
                  struct topology_health *health, struct err *err)
{
    static const char *const nested[] = {"tcp", "exec", "file", "name", "place", "each", NULL};
    struct health_fields fields;
    size_t kinds;
    if (reader_fields(health_table, nested, map, scope, what, &fields, err) < 0) {
        return -err->code;
    }
    health->type = type_of(map, &kinds);
    int status = read_tcp(scope, map, &fields, err);
    health->port = fields.port ? (int)fields.port : default_port;
    health->status = (int)fields.status;
    health->path = fields.http;
    health->name = fields.dns;
    health->contains = fields.contains;
    if (status == 0 && read_lists(scope, map, health, err) < 0) {
        status = err_prefix(err, "%s", what);
    }
    return status < 0 ? status : check_health(map, what, health, kinds, err);
}
