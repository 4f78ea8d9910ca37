/* bag-info.txt. */
#include "harness/archive/baginfo.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { BAG_INFO_MAX_BYTES = 1024 * 1024 };

void baginfo_add(struct buf *out, const char *label, const char *value)
{
    if (!value) {
        return;
    }
    buf_printf(out, "%s: ", label);
    for (const char *at = value; *at; at++) {
        buf_add(out, iscntrl((unsigned char)*at) ? " " : at, 1);
    }
    buf_puts(out, "\n");
}

char *baginfo_value(const char *bundle, const char *label)
{
    AUTO_FREE char *path = xasprintf("%s/bag-info.txt", bundle);
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    size_t length = strlen(label);
    if (fd_read_file(path, BAG_INFO_MAX_BYTES, &text, NULL, &ignored) < 0) {
        return NULL;
    }
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (strncasecmp(line, label, length) == 0 && line[length] == ':') {
            return xstrdup(line + length + 1 + strspn(line + length + 1, " \t"));
        }
    }
    return NULL;
}
