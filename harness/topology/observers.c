/* `observers:` what is watched during a drill, `steady:` what must hold before one, `stores:` what each store itself has. All may be said
 * once for many (`each:`). */
#include "harness/topology/reader.h"

#include "harness/base/clock.h"

struct observer_fields {
    char *kind, *place, *dns, *server, *http, *field, *otherwise;
    int64_t every_ns, timeout_ns;
    bool on_demand;
};
#define FIELD(member) offsetof(struct observer_fields, member)
static const struct param observer_table[] = {
    {.name = "kind",
     .type = PARAM_STRING,
     .offset = FIELD(kind),
     .required = true,
     .help = "dns, health, role, store, alert, security, state, or same: must answer alike everywhere (d:drift)"},
    {.name = "place", .type = PARAM_STRING, .offset = FIELD(place), .help = "host that asks; default: the one that `each` is at"},
    {.name = "dns", .type = PARAM_STRING, .offset = FIELD(dns), .help = "name to ask for"},
    {.name = "server", .type = PARAM_STRING, .offset = FIELD(server), .help = "dns: asked; default: the entrypoint's"},
    {.name = "http", .type = PARAM_STRING, .offset = FIELD(http), .help = "url to GET"},
    {.name = "field",
     .type = PARAM_STRING,
     .offset = FIELD(field),
     .help = "http: path into the JSON answer, as role or 0.status.state; default: up or down"},
    {.name = "otherwise",
     .type = PARAM_STRING,
     .offset = FIELD(otherwise),
     .help = "http: what to say when that path leads nowhere; default: unknown"},
    {.name = "every",
     .type = PARAM_DURATION,
     .offset = FIELD(every_ns),
     .fallback = "200ms",
     .min = 10 * NS_PER_MS,
     .max = 60 * NS_PER_S,
     .help = "interval"},
    {.name = "timeout",
     .type = PARAM_DURATION,
     .offset = FIELD(timeout_ns),
     .fallback = "1s",
     .min = 10 * NS_PER_MS,
     .max = 60 * NS_PER_S,
     .help = "of one question"},
    {.name = "on_demand",
     .type = PARAM_BOOL,
     .offset = FIELD(on_demand),
     .help = "asked only while a scenario waits for it (d:await_change)"},
    {.type = PARAM_END},
};

int reader_check_place(const struct reader *reader, const struct node *node, const char *place, struct err *err)
{
    if (!place) {
        return node_err(node, err, "'%s' needs 'place:', the host that asks", node->key);
    }
    if (topology_host_find(reader->topology, place)) {
        return 0;
    }
    (void)names_no_host(reader->topology, place, err);
    return reader_at(node, err);
}

char *reader_default_place(const struct scope *scope)
{
    return scope->this.host ? xstrdup(scope->this.host->name) : NULL;
}

static int check_kind(const struct node *node, const char *kind, struct err *err)
{
    static const char *const kinds[] = {"dns", "health", "role", "store", "alert", "security", "state", "same"};
    char hint[96];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(kinds[i], kind)) {
            return 0;
        }
    }
    return node_err(node, err,
                    "observer '%s': kind: expected dns, health, role, store, alert, security, state or same, found '%s'%s",
                    node->key, kind, str_did_you_mean(kind, kinds, ARRAY_LEN(kinds), hint));
}

static int check_observer(const struct reader *reader, const struct node *node, struct topology_observer *observer,
                          struct err *err)
{
    int ways = (observer->query != NULL) + (observer->url != NULL) + (observer->argc > 0);
    observer->type = observer->query ? OBSERVER_DNS : observer->url ? OBSERVER_HTTP : OBSERVER_EXEC;
    if (ways != 1) {
        return node_err(node, err, "observer '%s': expected one of dns, http and exec, found %d of them", node->key, ways);
    }
    if (observer->query && !observer->server && reader->topology->entrypoint.dns_server) {
        observer->server = xstrdup(reader->topology->entrypoint.dns_server);
    }
    if (observer->query && !observer->server) {
        return node_err(node, err, "observer '%s': which server is asked? Say 'server:'", node->key);
    }
    int status = check_kind(node, observer->kind, err);
    if (status == 0 && str_eq(observer->kind, "same") && observer->type != OBSERVER_EXEC) {
        status =
            node_err(node, err, "observer '%s': of the kind same: expected 'exec:', whose first line is compared", node->key);
    }
    return status < 0 ? status : reader_check_place(reader, node, observer->place, err);
}

static int read_observer(struct reader *reader, const struct node *node, const struct scope *scope, const char *name,
                         struct err *err)
{
    static const char *const nested[] = {"each", "exec", NULL};
    struct topology *topology = reader->topology;
    struct observer_fields fields;
    AUTO_FREE char *what = xasprintf("observer '%s'", node->key);
    if (reader_fields(observer_table, nested, node, scope, what, &fields, err) < 0) {
        return -err->code;
    }
    struct topology_observer *observer = GROW(topology->observers, topology->observer_count);
    observer->name = xstrdup(name);
    observer->kind = fields.kind;
    observer->place = fields.place ? fields.place : reader_default_place(scope);
    observer->query = fields.dns;
    observer->server = fields.server;
    observer->url = fields.http;
    observer->field = fields.field;
    observer->otherwise = fields.otherwise;
    observer->interval_ns = fields.every_ns;
    observer->timeout_ns = fields.timeout_ns;
    observer->on_demand = fields.on_demand || str_eq(fields.kind, "same");
    observer->group = xstrdup(node->key);
    int status = reader_command(scope, node_get(node, "exec"), "exec", &observer->argv, &observer->argc, err);
    return status < 0 ? status : check_observer(reader, node, observer, err);
}

static int read_steady(struct reader *reader, const struct node *node, const struct scope *scope, const char *name,
                       struct err *err)
{
    struct topology *topology = reader->topology;
    struct topology_steady *steady = GROW(topology->steady, topology->steady_count);
    AUTO_FREE char *what = xasprintf("steady '%s'", node->key);
    const struct node *place = node_get(node, "place");
    steady->name = xstrdup(name);
    int port = scope->this.service ? scope->this.service->port : 0;
    int status = reader_health(scope, node, what, port, &steady->check, err);
    if (status == 0 && place && place->kind == NODE_SCALAR) {
        status = expand_node(scope, place, &steady->place, err);
    } else if (status == 0) {
        steady->place = reader_default_place(scope);
    }
    return status < 0 ? status : reader_check_place(reader, node, steady->place, err);
}

struct store_fields {
    char *place, *list_url;
};
static const struct param store_table[] = {
    {.name = "place",
     .type = PARAM_STRING,
     .offset = offsetof(struct store_fields, place),
     .help = "host that asks; default: the one that `each` is at"},
    {.name = "list_url",
     .type = PARAM_STRING,
     .offset = offsetof(struct store_fields, list_url),
     .required = true,
     .help = "GET: all ids that this store itself has, one a line, last line '# N'"},
    {.type = PARAM_END},
};

/* Named after its host where `each` says so: a store is where it is. */
static int read_store(struct reader *reader, const struct node *node, const struct scope *scope, const char *name,
                      struct err *err)
{
    static const char *const nested[] = {"each", NULL};
    struct topology *topology = reader->topology;
    struct store_fields fields;
    AUTO_FREE char *what = xasprintf("store '%s'", node->key);
    if (reader_fields(store_table, nested, node, scope, what, &fields, err) < 0) {
        return -err->code;
    }
    struct topology_store *store = GROW(topology->stores, topology->store_count);
    store->name = xstrdup(scope->this.host ? scope->this.host->name : name);
    store->place = fields.place ? fields.place : reader_default_place(scope);
    store->list_url = fields.list_url;
    int status = reader_check_url(node, store->list_url, err);
    return status < 0 ? status : reader_check_place(reader, node, store->place, err);
}

static int read_each(struct reader *reader, const struct node *node, const struct node *each, reader_entry_f *read,
                     struct err *err)
{
    struct scope scope = reader_scope(reader);
    AUTO_FREE struct subject *subjects = NULL;
    AUTO_FREE char *text = NULL;
    size_t count = 0;
    if (each->kind != NODE_SCALAR) {
        return node_err(each, err, "each: expected a text as 'role=gateway'");
    }
    if (expand_node(&scope, each, &text, err) < 0) {
        return -err->code;
    }
    if (match_subjects(&scope, text, &subjects, &count, err) < 0) {
        return reader_at(each, err);
    }
    for (size_t i = 0; i < count; i++) {
        struct scope inner = reader_scope_of(reader, subjects[i]);
        const char *of = subjects[i].host ? subjects[i].host->name : subjects[i].region->name;
        AUTO_FREE char *name = xasprintf("%s %s", node->key, of);
        int status = read(reader, node, &inner, name, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int reader_entries(struct reader *reader, const char *key, reader_entry_f *read, struct err *err)
{
    const struct node *map = node_get(reader->root, key);
    struct scope scope = reader_scope(reader);
    int status = 0;
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "%s: expected names with values", key);
    }
    for (size_t i = 0; status == 0 && map && i < map->count; i++) {
        const struct node *node = map->children[i];
        const struct node *each = node_get(node, "each");
        status = each ? read_each(reader, node, each, read, err) : read(reader, node, &scope, node->key, err);
    }
    return status;
}

int reader_observers(struct reader *reader, struct err *err)
{
    int status = reader_entries(reader, "observers", read_observer, err);
    if (status == 0) {
        status = reader_entries(reader, "steady", read_steady, err);
    }
    return status < 0 ? status : reader_entries(reader, "stores", read_store, err);
}
