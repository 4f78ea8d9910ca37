/* The topology: regions, hosts, services and how they are joined. Read from YAML, checked, then immutable.
 *
 * Names. A place is a network namespace (or this machine). Each host is a place named after it: "us-east-gw1" in a region, "dns" outside.
 * Each region has a router place named after the region ("us-east") with the interfaces "lan" (its hosts), "edge" (to the place
 * "internet") and "backbone" (to the place "backbone"). A service instance is "SERVICE@HOST": "haproxy@us-east-gw1". */
#ifndef DRILL_TOPOLOGY_TOPOLOGY_H
#define DRILL_TOPOLOGY_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/json.h"
#include "harness/param/node.h"

/* Where services of RUNTIME_NETNS keep what they write, inside the world; RUNTIME_LOCAL has no use for it. */
#define TOPOLOGY_WORLD_STATE "/run/drill/state"

enum topology_runtime { RUNTIME_NONE = 0, RUNTIME_NETNS, RUNTIME_LOCAL, RUNTIME_DOCKER, RUNTIME_COUNT };

struct topology_setting { /* what --set may change: {{set.NAME}} in the file and its templates */
    char *name, *value, *help;
    char **choices;
    size_t choice_count; /* empty: anything */
};

struct topology_region {
    char *name, *id;                              /* "us-east", "use1" */
    int index;                                    /* from 1, in file order */
    char *cidr;                                   /* "10.1.0.0/24" */
    char *router;                                 /* its router's address in the lan: "10.1.0.1" */
    int64_t edge_latency_ns, backbone_latency_ns; /* one way, put on after start-up */
};

struct topology_host {
    char *name;                           /* place name, unique: "us-east-gw1" */
    char *short_name;                     /* "gw1" */
    const struct topology_region *region; /* NULL: outside of all regions, on the internet */
    char *address;                        /* "10.1.0.11"; RUNTIME_LOCAL: may be 127.0.0.1 */
    char *container;                      /* RUNTIME_DOCKER, in a region: its name in the engine; else NULL */
};

enum health_type { HEALTH_NONE = 0, HEALTH_HTTP, HEALTH_TCP, HEALTH_DNS, HEALTH_EXEC, HEALTH_FILE, HEALTH_TYPE_COUNT };
struct topology_health { /* expanded; asked from inside the host's place */
    enum health_type type;
    int port;
    char *path;
    int status;
    char *contains; /* http: body must contain */
    char *name;     /* dns: name to ask for */
    char **argv;
    size_t argc; /* exec: exit status 0 is healthy; file: argv[0] must exist */
};

struct topology_file {
    char *path, *template_path, *content;
    int mode;
}; /* content: expanded text that is written to path before start */

struct topology_service { /* one instance on one host, everything expanded */
    char *name;           /* "haproxy@us-east-gw1" */
    char *service;        /* "haproxy" */
    char *role;           /* gateway backend store dns dcs monitor load_balancer */
    const struct topology_host *host;
    int port; /* main port; 0 none */
    char **argv;
    size_t argc;
    char **needs; /* the programs that it needs where the command is a script and does not say */
    size_t need_count;
    char **env;
    size_t env_count; /* "NAME=value" */
    char **dirs;
    size_t dir_count; /* made before start, owned by the service's user */
    struct topology_file *files;
    size_t file_count;
    bool unprivileged; /* run under another uid than (mapped) root: PostgreSQL insists */
    char **after;
    size_t after_count;           /* instance names that must be ready before this one starts */
    struct topology_health ready; /* starts others, ends start-up */
    int64_t start_timeout_ns;
    char *pid_file;  /* RUNTIME_LOCAL: where to find the pid; NULL: drill starts it */
    int stop_signal; /* SIGTERM unless said */
    struct {
        char *image; /* NULL: the container is somebody else's, or there is none */
        int restart; /* index into topology_restarts */
        char **health, **volumes;
        size_t health_count, volume_count; /* the command that is its health check, none when 0; "FROM:TO[:ro]" */
        int64_t health_interval_ns;
    } container;          /* RUNTIME_DOCKER: what drill makes of it */
    char **start, **stop; /* RUNTIME_LOCAL: commands of what drill does not start itself */
    size_t start_count, stop_count;
    char *certificate;   /* PEM file (absolute) that it shows to its clients; NULL: none is known */
    char **reload;       /* command that makes it read its files anew; */
    size_t reload_count; /* none: the signal does */
    int reload_signal;   /* SIGHUP unless said */
};

extern const char *const topology_restarts[]; /* NULL-terminated, as Docker names them */

/* An observer: what it asks, from inside its place, and how often. Reports transitions of the answer. */
enum observer_type { OBSERVER_NONE = 0, OBSERVER_DNS, OBSERVER_HTTP, OBSERVER_EXEC, OBSERVER_TYPE_COUNT };
struct topology_observer {
    char *name;     /* "role us-east-db" */
    char *group;    /* "role": what is said once for many */
    char *kind;     /* the event's observer: "dns", "health", "role", "alert" ("firing"), "security" ("holds …",
                      * "gap …", else it is unanswered), "store" (what a store says of its own role); "state" takes no part in the phases,
                      * "same" is asked by d:drift alone */
    bool on_demand; /* asked only while a scenario waits for a change of it */
    enum observer_type type;
    char *place;
    int64_t interval_ns, timeout_ns;
    char *server, *query; /* dns */
    char *url;            /* http: the answer is the status, or with `field` the text that JSON member has */
    char *field;          /* http: path into the JSON body (json_at), "role"; NULL: "up" for the expected status else "down" */
    char *otherwise;      /* http: the answer when the path leads nowhere; NULL: "unknown" */
    char **argv;
    size_t argc; /* exec: the answer is the first line printed */
};

struct topology_request {
    char *method, *url, *body;
    int status;
    char *contains;
    json_t *headers; /* object of texts; NULL: none of its own */
};                   /* url: http://NAME:PORT/…; {{…}} of param/hole.h are kept for the load client, in all texts */

struct topology_client { /* what differs for one vantage from the scenario's load */
    char *vantage;
    int connections, http; /* indexes into client_connections_or_same and client_http_or_same */
    char *addresses;       /* a prefix that is its own too, one address for each session; NULL: none */
    int64_t weight;        /* its part of the rate */
};

struct topology_steady { /* one check that must hold before a drill: exec or http in a place */
    char *name;
    struct topology_health check;
    char *place;
};

struct topology_store { /* one of the stores that hold the same writes: it can be asked for what it has itself */
    char *name, *place; /* place: the host that asks */
    char *list_url;     /* GET, one id a line, last line "# N" */
};

/* Something that an operator can turn, and how: read by a command that prints its value, set by one that gets the value as its last
 * argument. For planned changes (fault.change): routing on and off, a drain, where the primary is. */
struct topology_control {
    char *name; /* "routing us-east" */
    char *place;
    char **get, **set;
    size_t get_count, set_count;
    char **values; /* what it may be set to; none: anything */
    size_t value_count;
    int64_t timeout_ns;
};

struct topology {
    char *file, *name, *description;
    char *setup; /* the step of ci/setup that installs its programs; empty: the default one */
    enum topology_runtime runtime;
    bool allow_host; /* RUNTIME_LOCAL: the file itself allows faults on this machine */
    char *engine;    /* RUNTIME_DOCKER: the path of the engine's socket, where the agents are */
    bool own_engine; /* a service of the topology is that engine, and drill makes the containers in it */
    char **protect;
    size_t protect_count;
    char **redact; /* names of headers, parameters and settings whose values never get into evidence */
    size_t redact_count;
    struct topology_setting *settings;
    size_t setting_count;
    struct topology_region *regions;
    size_t region_count;
    struct topology_host *hosts;
    size_t host_count;
    struct topology_service *services;
    size_t service_count;
    struct topology_observer *observers;
    size_t observer_count;
    struct topology_steady *steady;
    size_t steady_count;
    struct topology_control *controls;
    size_t control_count;
    struct {
        bool said;
        int64_t regions; /* how many may be out at once while users are served */
        char *why;       /* what it follows from; may be empty */
    } tolerates;
    struct topology_store *stores;
    size_t store_count;
    char *primary_region; /* where the store's primary is at start; NULL without a store */
    struct {
        char *url, *dns_server, *dns_name;
        char *ca;        /* file of certificates to trust; NULL: the system's */
        bool tls_verify; /* check certificates at all */
        char **vantages;
        size_t vantage_count;
        struct topology_client *clients;
        size_t client_count; /* those that differ */
    } entrypoint;            /* vantages: host names */
    struct {
        struct topology_request write, read;
        char *list_url;
        char *served_by; /* the answers' header that names who answered; NULL: none does */
        json_t *headers; /* of all requests, the list's too; NULL: none */
    } traffic;           /* list_url: GET, one id a line, last line "# N" */
    struct {
        const struct topology_host *host; /* NULL: nowhere */
        int port;
    } metrics;           /* where drill tells a monitor what it does */
    struct node *source; /* the YAML as read, with all that it extends */
    char **bases;        /* the files that it extends, nearest first; NULL-terminated */
};

/* Read and check `file`. `state` is the folder that services may write (absolute), `tools` the folder of our own binaries (as
 * ordersd). `settings` is a map of --set values meant for the topology or NULL. Every mistake is ERR_INPUT with file:line:column. */
int topology_load(const char *file, const char *state, const char *tools, const struct node *settings,
                  struct topology **ret_topology, struct err *err) MUST_CHECK;
void topology_free(struct topology *topology); /* accepts NULL */
DEFINE_CLEANUP(struct topology *, topology, topology_free)
/* The names of the settings that the file declares (for --set before the rest is expanded); caller frees with free() each and the array. */
int topology_setting_names(const char *file, char ***ret_names, size_t *ret_count, struct err *err) MUST_CHECK;

const struct topology_region *topology_region_find(const struct topology *topology, const char *name);
const struct topology_host *topology_host_find(const struct topology *topology, const char *name);
const struct topology_observer *topology_observer_find(const struct topology *topology, const char *name);
const struct topology_control *topology_control_find(const struct topology *topology, const char *name);
const struct topology_service *topology_service_find(const struct topology *topology, const char *name);
/* What differs for a vantage, or NULL. */
const struct topology_client *topology_client_find(const struct topology *topology, const char *vantage);
/* Which region an address belongs to, or NULL. */
const struct topology_region *topology_region_of_address(const struct topology *topology, const char *address);

/* What a fault's target option selects. Selector text: "region=us-east", "host=us-east-gw1", "service=haproxy@us-east-gw1",
 * "service=haproxy,region=us-east", "role=gateway", "control=routing us-east". Unknown names are ERR_INPUT with the nearest right one. */
struct topology_target {
    char place[64]; /* the agent that must do it: a router for a region, the host for hosts and services */
    char kind[16];  /* "region", "host", "service", "control" */
    char region[64], host[64], service[128]; /* service: instance name; empty when not said */
    char cidr[32];                           /* what is selected: the region's or "ADDRESS/32" */
    const struct topology_control *control;  /* borrowed; NULL: none */
};
/* All matches, caller frees the array with free(). At least one, or ERR_INPUT. */
int topology_select(const struct topology *topology, const char *selector, struct topology_target **ret_targets,
                    size_t *ret_count, struct err *err) MUST_CHECK;

#endif
