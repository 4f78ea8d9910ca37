/* Topologies that `drill up` keeps. */
#include "harness/cli/kept.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/proc.h"
#include "harness/base/str.h"
#include "harness/cli/cli.h"

static char *kept_path(const char *name)
{
    AUTO_FREE char *folder = cli_runtime_folder();
    return xasprintf("%s/up/%s.json", folder, name);
}

char *kept_logs(const char *name)
{
    AUTO_FREE char *folder = cli_state_folder(); /* a world sees its own /run */
    return xasprintf("%s/up/%s.logs", folder, name);
}

static json_t *read_kept(const char *name)
{
    AUTO_FREE char *path = kept_path(name);
    struct err err = {0};
    json_t *json = NULL;
    return json_read_file(path, &json, &err) < 0 ? NULL : json;
}

int kept_find(const char *name, struct engine_up *ret_up, bool *ret_is_up, struct err *err)
{
    AUTO_JSON json_t *json = read_kept(name);
    (void)err;
    *ret_is_up = false;
    if (!json) {
        return 0;
    }
    int pid = (int)json_int(json, "world_pid", 0);
    uint64_t ticks = (uint64_t)json_int(json, "world_start_ticks", 0);
    if (pid <= 0 || ticks == 0 || proc_start_ticks(pid) != ticks) {
        kept_remove(name);
        return 0;
    }
    *ret_up = (struct engine_up){.world_pid = pid, .world_start_ticks = ticks};
    *ret_is_up = true;
    return 0;
}

int kept_write(const char *name, int world_pid, uint64_t world_start_ticks, const char *topology_file, struct err *err)
{
    AUTO_FREE char *path = kept_path(name);
    AUTO_JSON json_t *json = json_pack("{s:i, s:I, s:i, s:I, s:s}", "world_pid", world_pid, "world_start_ticks",
                                       (json_int_t)world_start_ticks, "keeper_pid", (int)getpid(), "keeper_start_ticks",
                                       (json_int_t)proc_start_ticks((int)getpid()), "topology", topology_file);
    return json_write_file(path, json, err);
}

int kept_keeper(const char *name)
{
    AUTO_JSON json_t *json = read_kept(name);
    int pid = json ? (int)json_int(json, "keeper_pid", 0) : 0;
    return pid > 0 && proc_start_ticks(pid) == (uint64_t)json_int(json, "keeper_start_ticks", 0) ? pid : 0;
}

void kept_remove(const char *name)
{
    AUTO_FREE char *path = kept_path(name);
    AUTO_FREE char *logs = kept_logs(name);
    struct err ignored = {0};
    (void)unlink(path);
    (void)!fd_remove_tree(logs, &ignored);
}
