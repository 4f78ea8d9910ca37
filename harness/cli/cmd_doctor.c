/* drill doctor: what this machine can do, and what to install or allow for the rest. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/str.h"
#include "harness/cli/cli.h"
#include "harness/place/world.h"

static const struct param no_options[] = {{0}};

struct program {
    const char *what, *path, *package;
};

static const struct program programs[] = {
    {"gateway", "/usr/sbin/haproxy", "haproxy"},
    {"gateway", "/usr/sbin/nginx", "nginx-light libnginx-mod-http-lua"},
    {"store", "/usr/lib/postgresql/15/bin/postgres", "postgresql-15"},
    {"store", "/usr/bin/redis-server", "redis-server redis-sentinel"},
    {"failover manager", "/usr/bin/patroni", "patroni python3-etcd"},
    {"failover manager", "/usr/bin/etcd", "etcd-server"},
    {"DNS", "/usr/sbin/gdnsd", "gdnsd"},
};

static int run(const struct cli_args *args, struct err *err)
{
    bool all = true;
    struct err why = {0};
    (void)args;
    (void)err;
    if (world_supported(&why) == 0) {
        puts("  ok       namespaces: a topology of drill's own can be built");
    } else {
        printf("  MISSING  namespaces: %s\n", why.text);
        all = false;
    }
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        bool there = access(programs[i].path, X_OK) == 0;
        printf("  %-8s %s: %s%s%s\n", there ? "ok" : "MISSING", programs[i].what, programs[i].path, there ? "" : ", from ",
               there ? "" : programs[i].package);
        all &= there;
    }
    AUTO_FREE char *tools = cli_tools_folder();
    AUTO_FREE char *backend = xasprintf("%s/ordersd", tools);
    bool there = access(backend, X_OK) == 0;
    printf("  %-8s backend of the reference topology: %s\n", there ? "ok" : "MISSING", backend);
    if (!all || !there) {
        puts("'ci/setup' installs what is missing");
    }
    return all && there ? EXIT_PASS : EXIT_FAIL;
}

const struct command cmd_doctor = {.name = "doctor",
                                   .arguments = "",
                                   .summary = "what this machine can do, and what to install or allow for the rest",
                                   .details = "Tries what a drill needs by doing it: namespaces, the programs of the reference "
                                              "topologies. Exit 1 when something is missing.",
                                   .options = no_options,
                                   .run = run};
