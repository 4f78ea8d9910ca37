/* Asking git about a file. */
#include "harness/cli/provenance.h"

#include <string.h>

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/digest.h"
#include "harness/base/str.h"

enum { COMMIT_DIGITS = 40, GIT_TIMEOUT_S = 10 };

/* The first line that git answers for the file, "" when it has nothing to say; NULL on failure. The caller frees it. */
static char *ask_git(const char *file, const char *const *question, size_t count)
{
    struct buf out CLEANUP(buf_clear) = {0};
    struct err ignored = {0};
    AUTO_FREE char *folder = xstrdup(file);
    char *slash = strrchr(folder, '/');
    const char *argv[12] = {"git", "-C", slash ? folder : "."};
    if (slash) {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    memcpy(argv + 3, question, count * sizeof(*question));
    argv[3 + count] = "--";
    argv[4 + count] = slash ? strrchr(file, '/') + 1 : file;
    if (child_run(argv, NULL, GIT_TIMEOUT_S * NS_PER_S, &out, &ignored) != 0) {
        return NULL;
    }
    return xasprintf("%.*s", (int)strcspn(buf_str(&out), "\n"), buf_str(&out));
}

json_t *provenance_of(const char *file, const char *text, size_t size)
{
    static const char *const log[] = {"log", "-1", "--format=%H"}, *const status[] = {"status", "--porcelain"};
    AUTO_FREE char *commit = ask_git(file, log, ARRAY_LEN(log));
    AUTO_FREE char *changes = commit && strlen(commit) == COMMIT_DIGITS ? ask_git(file, status, ARRAY_LEN(status)) : NULL;
    char sha256[DIGEST_TEXT];
    digest_of_bytes(text, size, sha256);
    return json_pack("{s:s, s:s, s:s?, s:s}", "file", file, "sha256", sha256, "git_commit", changes ? commit : NULL, "git_state",
                     !changes   ? "not in git"
                     : *changes ? "changed since"
                                : "committed");
}
