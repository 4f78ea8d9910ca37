/* Loading: the parts in the order in which they may speak of each other. */
#include "harness/topology/reader.h"

#include "harness/container/container.h"
#include "harness/topology/extends.h"

struct head_fields {
    char *name, *description, *primary_region, *setup;
    int runtime;
    bool allow_host;
    char *engine;
};

static const char *const runtimes[] = {"none", "netns", "local", "docker", NULL};
#define FIELD(member) offsetof(struct head_fields, member)
static const struct param head_table[] = {
    {.name = "name", .type = PARAM_STRING, .offset = FIELD(name), .required = true, .help = "of the topology"},
    {.name = "description", .type = PARAM_STRING, .offset = FIELD(description), .fallback = "", .help = "one line"},
    {.name = "setup", .type = PARAM_STRING, .offset = FIELD(setup), .fallback = "", .help = "step of ci/setup for its programs"},
    {.name = "runtime",
     .type = PARAM_CHOICE,
     .offset = FIELD(runtime),
     .choices = runtimes,
     .fallback = "netns",
     .help = "netns: drill runs it; local: it runs on this machine; docker: in containers"},
    {.name = "allow_host",
     .type = PARAM_BOOL,
     .offset = FIELD(allow_host),
     .fallback = "false",
     .help = "local: faults on this machine are allowed"},
    {.name = "engine",
     .type = PARAM_STRING,
     .offset = FIELD(engine),
     .help = "docker: the engine's socket; default: as the docker command finds it"},
    {.name = "primary_region",
     .type = PARAM_STRING,
     .offset = FIELD(primary_region),
     .help = "where the store's primary is at start; default: the first region with a store"},
    {.type = PARAM_END},
};

static void reader_clear(struct reader *reader)
{
    topology_free(reader->topology);
}

/* Who says `image:` anywhere wants containers made, and that is done in an engine of the topology's own only. */
static bool says_image(const struct node *services)
{
    for (size_t i = 0; services && services->kind == NODE_MAP && i < services->count; i++) {
        if (services->children[i]->kind == NODE_MAP && node_get(services->children[i], "image")) {
            return true;
        }
    }
    return false;
}

static void find_engine(struct reader *reader, const char *wanted)
{
    struct topology *topology = reader->topology;
    topology->own_engine = says_image(node_get(reader->root, "services"));
    topology->engine = topology->own_engine && !wanted ? xstrdup("/run/drill/engine.sock") : container_socket(wanted);
}

static int read_head(struct reader *reader, struct err *err)
{
    static const char *const nested[] = {"settings", "regions",   "hosts",   "region_hosts", "services", "observers",
                                         "steady",   "protect",   "traffic", "entrypoint",   "extends",  "redact",
                                         "controls", "tolerates", "metrics", "stores",       NULL};
    struct topology *topology = reader->topology;
    struct head_fields fields;
    if (reader_fields(head_table, nested, reader->root, NULL, "the topology", &fields, err) < 0) {
        return -err->code;
    }
    topology->name = fields.name;
    topology->description = fields.description;
    topology->setup = fields.setup;
    topology->primary_region = fields.primary_region;
    topology->runtime = (enum topology_runtime)fields.runtime;
    topology->allow_host = fields.allow_host;
    if (topology->runtime == RUNTIME_NONE) {
        return node_err(node_get(reader->root, "runtime"), err, "runtime: expected netns, local or docker");
    }
    AUTO_FREE char *engine = fields.engine;
    if (topology->runtime == RUNTIME_DOCKER) {
        find_engine(reader, engine);
    } else if (engine) {
        return node_err(node_get(reader->root, "engine"), err,
                        "engine: only a topology of containers ('runtime: docker') has one");
    }
    return names_check_spelling(reader->root, "name", topology->name, err);
}

/* Must be known before services are expanded; whether there is a store at all is only known after. */
static int read_primary(struct reader *reader, struct err *err)
{
    struct topology *topology = reader->topology;
    if (!topology->primary_region) {
        topology->primary_region = xstrdup(topology->regions[0].name);
    }
    if (topology_region_find(topology, topology->primary_region)) {
        return 0;
    }
    (void)names_no_region(topology, topology->primary_region, err);
    return reader_at(node_get(reader->root, "primary_region"), err);
}

static void drop_primary_without_store(struct topology *topology)
{
    for (size_t i = 0; i < topology->service_count; i++) {
        if (str_eq(topology->services[i].role, "store")) {
            return;
        }
    }
    free(TAKE(topology->primary_region));
}

/* What the topology promises: as many regions as this may be out, and users are served. */
static int read_tolerates(struct reader *reader, struct err *err)
{
    struct tolerates_fields {
        int64_t regions;
        char *why;
    } fields;
    static const struct param table[] = {
        {.name = "regions",
         .type = PARAM_INTEGER,
         .offset = offsetof(struct tolerates_fields, regions),
         .required = true,
         .max = 200,
         .help = "how many may be out at once"},
        {.name = "why",
         .type = PARAM_STRING,
         .offset = offsetof(struct tolerates_fields, why),
         .fallback = "",
         .help = "what it follows from"},
        {.type = PARAM_END},
    };
    const struct node *node = node_get(reader->root, "tolerates");
    struct topology *topology = reader->topology;
    struct scope scope = reader_scope(reader);
    int status = node ? reader_fields(table, NULL, node, &scope, "tolerates", &fields, err) : 0;
    if (!node || status < 0) {
        return status;
    }
    topology->tolerates.said = true;
    topology->tolerates.regions = fields.regions;
    topology->tolerates.why = fields.why;
    return (size_t)fields.regions < topology->region_count
               ? 0
               : node_err(node, err, "tolerates: there are %zu regions; with %lld of them out nothing is left",
                          topology->region_count, (long long)fields.regions);
}

static int read_protect(struct reader *reader, struct err *err)
{
    struct scope scope = reader_scope(reader);
    return reader_strings(&scope, node_get(reader->root, "protect"), "protect", &reader->topology->protect,
                          &reader->topology->protect_count, err);
}

struct metrics_fields {
    char *on;
    int64_t port;
};
static const struct param metrics_table[] = {
    {.name = "on",
     .type = PARAM_STRING,
     .offset = offsetof(struct metrics_fields, on),
     .required = true,
     .help = "host on which the drill tells what it does, at /metrics"},
    {.name = "port",
     .type = PARAM_INTEGER,
     .offset = offsetof(struct metrics_fields, port),
     .min = 1,
     .max = 65535,
     .fallback = "9700",
     .help = "of it"},
    {.type = PARAM_END},
};

static int read_metrics(struct reader *reader, struct err *err)
{
    const struct node *node = node_get(reader->root, "metrics");
    struct topology *topology = reader->topology;
    struct scope scope = reader_scope(reader);
    struct metrics_fields fields = {0};
    if (!node) {
        return 0;
    }
    if (reader_fields(metrics_table, NULL, node, &scope, "metrics", &fields, err) < 0) {
        return -err->code;
    }
    AUTO_FREE char *name = fields.on;
    topology->metrics.host = topology_host_find(topology, name);
    topology->metrics.port = (int)fields.port;
    if (!topology->metrics.host) {
        (void)names_no_host(topology, name, err);
        return reader_at(node_get(node, "on"), err);
    }
    return 0;
}

static int read_redact(struct reader *reader, struct err *err)
{
    struct scope scope = reader_scope(reader);
    return reader_strings(&scope, node_get(reader->root, "redact"), "redact", &reader->topology->redact,
                          &reader->topology->redact_count, err);
}

static int read_parts(struct reader *reader, const struct node *settings, struct err *err)
{
    int status = read_head(reader, err);
    if (status == 0) {
        status = reader_settings(reader, settings, err);
    }
    if (status == 0) {
        status = reader_regions(reader, err);
    }
    if (status == 0) {
        status = read_primary(reader, err);
    }
    if (status == 0) {
        status = reader_services(reader, err);
    }
    if (status == 0) {
        status = reader_traffic(reader, err);
    }
    if (status == 0) {
        status = reader_observers(reader, err);
    }
    if (status == 0) {
        status = read_metrics(reader, err);
    }
    if (status == 0) {
        status = read_tolerates(reader, err);
    }
    if (status == 0) {
        status = reader_controls(reader, err);
    }
    if (status == 0) {
        status = read_protect(reader, err);
    }
    if (status == 0) {
        status = read_redact(reader, err);
    }
    return status < 0 ? status : reader_checks(reader, err);
}

int topology_load(const char *file, const char *state, const char *tools, const struct node *settings,
                  struct topology **ret_topology, struct err *err)
{
    struct reader reader CLEANUP(reader_clear) = {.state = state, .tools = tools};
    reader.topology = xcalloc(1, sizeof(*reader.topology));
    reader.topology->file = xstrdup(file);
    int status = extends_read(file, &reader.topology->source, &reader.topology->bases, err);
    if (status == 0) {
        reader.root = reader.topology->source;
        status = read_parts(&reader, settings, err);
    }
    if (status == 0) {
        drop_primary_without_store(reader.topology);
        *ret_topology = TAKE(reader.topology);
    }
    return status;
}
