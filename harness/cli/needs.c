/* What has to be installed before a topology can be started. */
#include "harness/cli/needs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/str.h"
#include "harness/base/vec.h"

struct program_list {
    const char **items; /* borrowed from the topology */
    size_t count, capacity;
};

/* Where the agents look for a service's program (harness/agent/spawn.c). */
static const char *const program_folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

static bool is_here(const char *program)
{
    if (strchr(program, '/')) {
        return access(program, X_OK) == 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(program_folders); i++) {
        char path[300];
        if (str_format(path, sizeof(path), "%s/%s", program_folders[i], program) && access(path, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

static const char *name_of(const char *program)
{
    const char *slash = strrchr(program, '/');
    return slash ? slash + 1 : program;
}

/* Each once, by its name. */
static void add(struct program_list *list, const char *program)
{
    VEC_EACH(item, list)
    {
        if (str_eq(name_of(*item), name_of(program))) {
            return;
        }
    }
    *VEC_ADD(list) = program;
}

/* Those that a service is said to need, else the one that it runs. */
static void collect(const struct topology *topology, struct program_list *list)
{
    for (size_t i = 0; i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        for (size_t j = 0; j < service->need_count; j++) {
            add(list, service->needs[j]);
        }
        if (service->need_count == 0 && service->argc) {
            add(list, service->argv[0]);
        }
    }
}

static void print_way_out(const struct topology *topology, struct buf *out)
{
    buf_printf(out, "; 'ci/setup%s%s' installs what is missing", *topology->setup ? " " : "", topology->setup);
}

void needs_print(const struct topology *topology, struct buf *out)
{
    struct program_list list = {0};
    const char *between = "";
    bool missing = false;
    collect(topology, &list);
    VEC_EACH(program, &list)
    {
        bool here = is_here(*program);
        buf_printf(out, "%s%s%s", between, name_of(*program), here ? "" : " (MISSING)");
        missing |= !here;
        between = ", ";
    }
    if (list.count == 0) {
        buf_puts(out, "nothing of its own: the system runs already");
    }
    if (missing) {
        print_way_out(topology, out);
    }
    VEC_CLEAR(&list);
}

bool needs_print_missing(const struct topology *topology, struct buf *out)
{
    struct program_list list = {0};
    const char *between = "";
    collect(topology, &list);
    VEC_EACH(program, &list)
    {
        if (!is_here(*program)) {
            buf_printf(out, "%s%s", between, name_of(*program));
            between = ", ";
        }
    }
    VEC_CLEAR(&list);
    if (*between) {
        print_way_out(topology, out);
    }
    return *between;
}
