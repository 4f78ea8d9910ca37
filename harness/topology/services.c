/* `services:` what runs where. Two passes: first all instances with their hosts and ports, so that the texts of one may speak of
 * all others; then the texts. */
#include "harness/topology/reader.h"

#include <signal.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/topology/extends.h"

enum { TEMPLATE_MAX_BYTES = 256 * 1024 };

struct service_fields {
    char *role, *pid_file, *stop_signal, *reload_signal, *certificate;
    int64_t port, start_timeout_ns;
    bool unprivileged;
    char *image;
    int restart;
    int64_t health_interval_ns;
};

const char *const topology_restarts[] = {"no", "always", "unless-stopped", "on-failure", NULL};

#define FIELD(member) offsetof(struct service_fields, member)
static const struct param service_table[] = {
    {.name = "role",
     .type = PARAM_STRING,
     .offset = FIELD(role),
     .required = true,
     .help = "gateway, backend, store, dns, dcs, …"},
    {.name = "port", .type = PARAM_INTEGER, .offset = FIELD(port), .fallback = "0", .max = 65535, .help = "main port"},
    {.name = "unprivileged", .type = PARAM_BOOL, .offset = FIELD(unprivileged), .fallback = "false", .help = "never as root"},
    {.name = "start_timeout",
     .type = PARAM_DURATION,
     .offset = FIELD(start_timeout_ns),
     .fallback = "30s",
     .min = NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .help = "until it must be ready"},
    {.name = "pid_file", .type = PARAM_STRING, .offset = FIELD(pid_file), .help = "of a service that runs already"},
    {.name = "stop_signal",
     .type = PARAM_STRING,
     .offset = FIELD(stop_signal),
     .fallback = "SIGTERM",
     .help = "how it is stopped"},
    {.name = "reload_signal",
     .type = PARAM_STRING,
     .offset = FIELD(reload_signal),
     .fallback = "SIGHUP",
     .help = "how it is told to read its files anew"},
    {.name = "certificate", .type = PARAM_STRING, .offset = FIELD(certificate), .help = "PEM file that it shows to clients"},
    {.name = "image", .type = PARAM_STRING, .offset = FIELD(image), .help = "docker: a container of this image is made for it"},
    {.name = "restart",
     .type = PARAM_CHOICE,
     .offset = FIELD(restart),
     .choices = topology_restarts,
     .fallback = "no",
     .help = "docker: the container's restart policy"},
    {.name = "health_interval",
     .type = PARAM_DURATION,
     .offset = FIELD(health_interval_ns),
     .fallback = "1s",
     .min = NS_PER_MS,
     .max = 3600 * NS_PER_S,
     .help = "docker: between two health checks, and how long one may take"},
    {.type = PARAM_END},
};
static const char *const service_nested[] = {"health", "volumes", "on",   "command", "needs", "start", "stop",
                                             "reload", "env",     "dirs", "files",   "after", "ready", NULL};

static int signal_number(const char *key, const char *name, int *ret_signal, struct err *err)
{
    static const char *const names[] = {"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2"};
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGKILL, SIGUSR1, SIGUSR2};
    char hint[96];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(names[i], name)) {
            *ret_signal = numbers[i];
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "%s: there is no signal '%s'%s", key, name,
                   str_did_you_mean(name, names, ARRAY_LEN(names), hint));
}

/* `on:` takes whole names and short names; a short name means that host in each region. */
static int add_instances(struct reader *reader, const struct node *node, const char *on, struct err *err)
{
    struct topology *topology = reader->topology;
    size_t before = topology->service_count;
    for (size_t i = 0; i < topology->host_count; i++) {
        const struct topology_host *host = &topology->hosts[i];
        if (!str_eq(host->name, on) && !str_eq(host->short_name, on)) {
            continue;
        }
        AUTO_FREE char *name = xasprintf("%s@%s", node->key, host->name);
        if (topology_service_find(topology, name)) {
            return node_err(node, err, "service '%s' is put on host '%s' twice", node->key, host->name);
        }
        struct topology_service *service = GROW(topology->services, topology->service_count);
        service->name = TAKE(name);
        service->service = xstrdup(node->key);
        service->host = host;
    }
    if (topology->service_count == before) {
        (void)names_no_host(topology, on, err);
        return reader_at(node_get(node, "on"), err);
    }
    return 0;
}

static int place_service(struct reader *reader, const struct node *node, struct err *err)
{
    struct scope scope = reader_scope(reader);
    char **hosts = NULL;
    size_t count = 0;
    int status = names_check_spelling(node, "service", node->key, err);
    if (status == 0 && !node_get(node, "on")) {
        status = node_err(node, err, "service '%s' needs 'on:', the hosts that it runs on", node->key);
    }
    if (status == 0) {
        status = reader_strings(&scope, node_get(node, "on"), "on", &hosts, &count, err);
    }
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = add_instances(reader, node, hosts[i], err);
    }
    for (size_t i = 0; i < count; i++) {
        free(hosts[i]);
    }
    free(hosts);
    return status;
}

/* Relative paths are in the instance's own folder. */
static char *absolute(const char *dir, const char *path)
{
    return *path == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
}

static char *service_dir(const struct reader *reader, const struct topology_service *service)
{
    return xasprintf("%s/%s-%s", reader->state, service->service, service->host->name);
}

static int read_fields(const struct scope *scope, const struct node *node, struct topology_service *service, struct err *err)
{
    struct service_fields fields;
    AUTO_FREE char *what = xasprintf("service '%s'", node->key);
    if (reader_fields(service_table, service_nested, node, scope, what, &fields, err) < 0) {
        return -err->code;
    }
    AUTO_FREE char *stop_signal = fields.stop_signal;
    AUTO_FREE char *reload_signal = fields.reload_signal;
    AUTO_FREE char *certificate = fields.certificate;
    service->role = fields.role;
    service->port = (int)fields.port;
    service->unprivileged = fields.unprivileged;
    service->start_timeout_ns = fields.start_timeout_ns;
    service->pid_file = fields.pid_file;
    service->container.image = fields.image;
    service->container.restart = fields.restart;
    service->container.health_interval_ns = fields.health_interval_ns;
    int status = names_check_role(service->role, err);
    if (status == 0) {
        status = signal_number("stop_signal", stop_signal, &service->stop_signal, err);
    }
    if (status == 0) {
        status = signal_number("reload_signal", reload_signal, &service->reload_signal, err);
    }
    service->certificate = certificate ? absolute(scope->dir, certificate) : NULL;
    return status < 0 ? reader_at(node, err) : 0;
}

static int read_dirs(const struct scope *scope, const struct node *node, struct topology_service *service, struct err *err)
{
    int status = reader_strings(scope, node, "dirs", &service->dirs, &service->dir_count, err);
    for (size_t i = 0; status == 0 && i < service->dir_count; i++) {
        char *path = absolute(scope->dir, service->dirs[i]);
        free(service->dirs[i]);
        service->dirs[i] = path;
    }
    return status;
}

static int read_template(const struct scope *scope, const struct node *node, const char *name, struct topology_file *file,
                         struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size;
    file->template_path = extends_beside(node->file, name);
    if (fd_read_file(file->template_path, TEMPLATE_MAX_BYTES, &text, &size, err) < 0) {
        err->code = ERR_INPUT;
        return reader_at(node, err);
    }
    return expand_text(scope, text, file->template_path, &file->content, err);
}

/* PATH: TEMPLATE, or PATH: {template: …, mode: 755} or {content: …}. */
static int read_file(const struct scope *scope, const struct node *node, struct topology_service *service, struct err *err)
{
    static const char *const members[] = {"template", "content", "mode", NULL};
    struct topology_file *file = GROW(service->files, service->file_count);
    const char *template = node->kind == NODE_SCALAR ? node->text : node_text(node, "template");
    const struct node *content = node_get(node, "content");
    const char *mode = node_text(node, "mode");
    AUTO_FREE char *path = NULL;
    file->mode = mode ? (int)strtol(mode, NULL, 8) : 0644;
    if ((node->kind != NODE_SCALAR && reader_only(node, members, "a file", err) < 0) ||
        expand_text(scope, node->key, "files", &path, err) < 0) {
        return -err->code;
    }
    file->path = absolute(scope->dir, path);
    if (mode && (strspn(mode, "01234567") != strlen(mode) || file->mode > 0777)) {
        return node_err(node, err, "file '%s': mode: expected octal digits as 755, found '%s'", node->key, mode);
    }
    if (!template == !content || (content && content->kind != NODE_SCALAR)) {
        return node_err(node, err, "file '%s': expected a template's path, or 'content:'", node->key);
    }
    return template ? read_template(scope, node, template, file, err) : expand_node(scope, content, &file->content, err);
}

static int read_files(const struct scope *scope, const struct node *map, struct topology_service *service, struct err *err)
{
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "files: expected PATH: TEMPLATE");
    }
    for (size_t i = 0; map && i < map->count; i++) {
        int status = read_file(scope, map->children[i], service, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int read_env(const struct scope *scope, const struct node *map, struct topology_service *service, struct err *err)
{
    if (map && map->kind != NODE_MAP) {
        return node_err(map, err, "env: expected NAME: VALUE");
    }
    for (size_t i = 0; map && i < map->count; i++) {
        AUTO_FREE char *value = NULL;
        const struct node *child = map->children[i];
        if (child->kind != NODE_SCALAR) {
            return node_err(child, err, "env '%s': expected one value", child->key);
        }
        if (expand_node(scope, child, &value, err) < 0) {
            return -err->code;
        }
        *GROW(service->env, service->env_count) = xasprintf("%s=%s", child->key, value);
    }
    return 0;
}

/* "etcd", "etcd@us-east-db" or "orders,region=this", each of them all matching instances but this one. */
static int add_after(const struct scope *scope, const char *text, struct topology_service *service, struct err *err)
{
    AUTO_FREE struct subject *subjects = NULL;
    size_t count = 0;
    if (strchr(text, '@')) {
        if (names_check_service(scope->topology, text, err) < 0) {
            return -err->code;
        }
        *GROW(service->after, service->after_count) = xstrdup(text);
        return 0;
    }
    AUTO_FREE char *selector = xasprintf("service=%s", text);
    int status = match_subjects(scope, selector, &subjects, &count, err);
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (subjects[i].service != service) {
            *GROW(service->after, service->after_count) = xstrdup(subjects[i].service->name);
        }
    }
    return status;
}

static int read_after(const struct scope *scope, const struct node *node, struct topology_service *service, struct err *err)
{
    char **texts = NULL;
    size_t count = 0;
    int status = reader_strings(scope, node, "after", &texts, &count, err);
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (add_after(scope, texts[i], service, err) < 0) {
            status = reader_at(node, err);
        }
    }
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
    return status;
}

static int read_ready(const struct scope *scope, const struct node *node, struct topology_service *service, struct err *err)
{
    const struct node *ready = node_get(node, "ready");
    AUTO_FREE char *what = xasprintf("service '%s': ready", node->key);
    if (!ready) { /* a service with a port is ready when that can be connected to */
        service->ready.type = service->port ? HEALTH_TCP : HEALTH_NONE;
        service->ready.port = service->port;
        return 0;
    }
    return reader_health(scope, ready, what, service->port, &service->ready, err);
}

static int check_handle(const struct reader *reader, const struct node *node, const struct topology_service *service,
                        struct err *err)
{
    if (service->argc == 0 && !service->pid_file && (!service->host->container || reader->topology->own_engine)) {
        return node_err(node, err, "service '%s' needs a 'command:'%s", node->key,
                        reader->topology->runtime == RUNTIME_LOCAL ? " or the 'pid_file:' of what runs already" : "");
    }
    if (!service->container.image != !(reader->topology->own_engine && service->host->container)) {
        return node_err(node, err, "service '%s': %s", node->key,
                        service->container.image ? "'image:' is for the hosts of the regions of a topology with 'runtime: docker'"
                                                 : "its host is a container that drill makes: it needs an 'image:'");
    }
    if (service->pid_file && reader->topology->runtime == RUNTIME_NETNS) {
        return node_err(node_get(node, "pid_file"), err, "pid_file is for what runs already ('runtime: local')");
    }
    return 0;
}

/* How what runs already is started and stopped, and how any service is told to read its files anew: for the faults that do that. */
static int read_handles(const struct scope *scope, const struct node *node, struct topology_service *service, struct err *err)
{
    const struct node *start = node_get(node, "start"), *stop = node_get(node, "stop");
    if ((start || stop) && node_get(node, "command")) {
        return node_err(start ? start : stop, err,
                        "'start' and 'stop' are for what drill does not start itself; 'command' says how it does");
    }
    int status = reader_command(scope, start, "start", &service->start, &service->start_count, err);
    if (status == 0) {
        status = reader_command(scope, stop, "stop", &service->stop, &service->stop_count, err);
    }
    return status < 0 ? status
                      : reader_command(scope, node_get(node, "reload"), "reload", &service->reload, &service->reload_count, err);
}

static int read_container(const struct scope *scope, const struct node *node, struct topology_service *service, struct err *err)
{
    int status = reader_command(scope, node_get(node, "health"), "health", &service->container.health,
                                &service->container.health_count, err);
    return status < 0 ? status
                      : reader_strings(scope, node_get(node, "volumes"), "volumes", &service->container.volumes,
                                       &service->container.volume_count, err);
}

static int read_texts(const struct reader *reader, const struct node *node, struct topology_service *service, struct err *err)
{
    struct scope scope = reader_scope_of(reader, subject_of_service(service));
    AUTO_FREE char *dir = service_dir(reader, service);
    scope.dir = dir;
    if (service->argc == 0 && node_get(node, "command")) {
        *GROW(service->dirs, service->dir_count) = xstrdup(dir);
    }
    int status = reader_command(&scope, node_get(node, "command"), "command", &service->argv, &service->argc, err);
    if (status == 0) {
        status = reader_strings(&scope, node_get(node, "needs"), "needs", &service->needs, &service->need_count, err);
    }
    if (status == 0) {
        status = read_handles(&scope, node, service, err);
    }
    if (status == 0) {
        status = read_container(&scope, node, service, err);
    }
    if (status == 0) {
        status = read_dirs(&scope, node_get(node, "dirs"), service, err);
    }
    if (status == 0) {
        status = read_files(&scope, node_get(node, "files"), service, err);
    }
    if (status == 0) {
        status = read_env(&scope, node_get(node, "env"), service, err);
    }
    if (status == 0) {
        status = read_after(&scope, node_get(node, "after"), service, err);
    }
    if (status == 0) {
        status = read_ready(&scope, node, service, err);
    }
    return status < 0 ? status : check_handle(reader, node, service, err);
}

int reader_services(struct reader *reader, struct err *err)
{
    struct topology *topology = reader->topology;
    const struct node *map = node_get(reader->root, "services");
    if (!map || map->kind != NODE_MAP || map->count == 0) {
        return node_err(map ? map : reader->root, err, "a topology needs 'services:' with at least one service");
    }
    int status = 0;
    for (size_t i = 0; status == 0 && i < map->count; i++) {
        status = place_service(reader, map->children[i], err);
    }
    for (size_t i = 0; status == 0 && i < topology->service_count; i++) {
        struct topology_service *service = &topology->services[i];
        struct scope scope = reader_scope_of(reader, subject_of_service(service));
        AUTO_FREE char *dir = service_dir(reader, service);
        scope.dir = dir;
        status = read_fields(&scope, node_get(map, service->service), service, err);
    }
    for (size_t i = 0; status == 0 && i < topology->service_count; i++) {
        status = read_texts(reader, node_get(map, topology->services[i].service), &topology->services[i], err);
    }
    return status;
}
