/* What a service really is: its files on disk, its process, the program that it runs. The controller compares. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/agent/lent.h"
#include "harness/agent/rpc.h"
#include "harness/base/clock.h"
#include "harness/base/digest.h"
#include "harness/base/fd.h"
#include "harness/base/proc.h"
#include "harness/base/str.h"

enum { COMMAND_MAX_BYTES = 64 * 1024 };

/* UTC, from clock ticks since boot. */
static int64_t started_utc_ns(int pid)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    int64_t now_ns = boot.tv_sec * NS_PER_S + boot.tv_nsec;
    int64_t since_boot_ns = (int64_t)proc_start_ticks(pid) * (NS_PER_S / sysconf(_SC_CLK_TCK));
    return clock_utc_now_ns() - (now_ns - since_boot_ns);
}

static json_t *command_of(int pid)
{
    json_t *argv = json_array();
    struct err ignored = {0};
    AUTO_FREE char *path = xasprintf("/proc/%d/cmdline", pid);
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    if (fd_read_file(path, COMMAND_MAX_BYTES, &text, &size, &ignored) == 0) {
        for (const char *word = text; word < text + size; word += strlen(word) + 1) {
            json_t *one = json_string(word);
            json_array_append_new(argv, one ? one : json_string("?"));
        }
    }
    return argv;
}

static void add_process(json_t *result, int pid)
{
    char sha256[DIGEST_TEXT], program[4096];
    AUTO_FREE char *exe = xasprintf("/proc/%d/exe", pid);
    ssize_t size = readlink(exe, program, sizeof(program) - 1);
    program[size > 0 ? size : 0] = '\0';
    json_object_set_new(result, "command", command_of(pid));
    json_object_set_new(result, "started_utc_ns", json_integer((json_int_t)started_utc_ns(pid)));
    json_object_set_new(result, "program", json_string(program));
    json_object_set_new(result, "program_sha256", json_string(digest_file(exe, sha256)));
}

static json_t *file_of(const char *path)
{
    char sha256[DIGEST_TEXT];
    struct stat info = {0};
    bool there = stat(path, &info) == 0;
    return json_pack("{s:s, s:b, s:s, s:I}", "path", path, "there", there, "sha256", there ? digest_file(path, sha256) : "",
                     "changed_utc_ns", (json_int_t)(info.st_mtim.tv_sec * NS_PER_S + info.st_mtim.tv_nsec));
}

/* Parameters: name, pid_file, files[] (paths). A process that is not there has pid 0. */
int service_inspect(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    size_t index;
    json_t *path, *files = json_array();
    int pid = 0, status = lent_pid(json_str(params, "name", ""), json_str(params, "pid_file", NULL), &pid, err);
    if (status < 0) {
        json_decref(files);
        return status;
    }
    json_array_foreach(json_object_get(params, "files"), index, path)
    {
        json_array_append_new(files, file_of(json_is_string(path) ? json_string_value(path) : ""));
    }
    json_t *result = json_pack("{s:i, s:o}", "pid", pid, "files", files);
    if (pid > 0) {
        add_process(result, pid);
    }
    rpc_reply(agent, id, result);
    return 0;
}
