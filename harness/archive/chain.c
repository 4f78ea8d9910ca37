/* LEDGER and previous-sha256.txt. */
#include "harness/archive/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"

static char *ledger_path(const char *archive)
{
    return xasprintf("%s/LEDGER", archive);
}

int chain_read(const char *archive, struct manifest *ret_lines, struct err *err)
{
    AUTO_FREE char *path = ledger_path(archive);
    AUTO_FREE char *text = NULL;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        *ret_lines = (struct manifest){0};
        return 0;
    }
    int status = fd_read_file(path, BUF_MAX_BYTES, &text, NULL, err);
    if (status < 0) {
        return status;
    }
    char *end = strrchr(text, '\n');
    text[end ? end - text + 1 : 0] = '\0';
    return manifest_parse(text, path, ret_lines, err);
}

static int drop_torn_line(int fd, const char *path, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int status = fd_read_file(path, BUF_MAX_BYTES, &text, &size, err);
    if (status < 0 || size == 0 || text[size - 1] == '\n') {
        return status;
    }
    const char *end = memrchr(text, '\n', size);
    return ftruncate(fd, end ? end - text + 1 : 0) < 0 ? err_errno(err, errno, "cannot repair '%s'", path) : 0;
}

int chain_append(const char *archive, const char *line, struct err *err)
{
    AUTO_FREE char *path = ledger_path(archive);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open '%s'", path);
    }
    int status = drop_torn_line(fd, path, err);
    if (status == 0) {
        status = fd_write_all(fd, line, strlen(line), err);
    }
    if (status == 0 && fsync(fd) < 0) {
        status = err_errno(err, errno, "cannot write '%s' to disk", path);
    }
    return status < 0 ? status : tree_sync_folder(archive, err);
}

/* Bundles are all three folders below the archive, so the way is always up three and down. */
void chain_print_previous(const struct manifest_line *last, struct buf *out)
{
    buf_printf(out, "%s  ../../../%s\n", last->digest, last->path);
}

char *chain_bundle_of(const struct manifest_line *line)
{
    static const char tail[] = "/" CHAIN_TAGMANIFEST;
    size_t length = strlen(line->path);
    return str_ends_with(line->path, tail) ? xasprintf("%.*s", (int)(length - strlen(tail)), line->path) : xstrdup(line->path);
}
