/* A list of ids as it streams in. */
#include "harness/load/idlist.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"

enum { LINE_MAX_BYTES = 512 };

void idlist_begin(struct idlist *list, const char *prefix, FILE *file)
{
    *list = (struct idlist){.prefix = prefix, .file = file, .promised = -1};
}

static void take_end(struct idlist *list, const char *line)
{
    char *end;
    const char *digits = line + 1 + strspn(line + 1, " ");
    long long number = strtoll(digits, &end, 10);
    if (!isdigit((unsigned char)digits[0]) || *end != '\0') {
        list->broken = true;
        return;
    }
    list->promised = number;
}

static void take_line(struct idlist *list)
{
    const char *line = buf_str(&list->line);
    if (list->promised >= 0 || strpbrk(line, " \t\r<") == line) {
        list->broken = true;
    } else if (line[0] == '#') {
        take_end(list, line);
    } else if (line[0]) {
        list->listed++;
        if (str_starts_with(line, list->prefix)) {
            list->kept++;
            list->not_written = list->not_written || fprintf(list->file, "%s\n", line) < 0;
        }
    }
    buf_reset(&list->line);
}

bool idlist_add(struct idlist *list, const char *data, size_t size)
{
    while (size > 0 && !list->broken) {
        const char *newline = memchr(data, '\n', size);
        size_t part = newline ? (size_t)(newline - data) : size;
        buf_add(&list->line, data, part);
        list->broken = list->line.size > LINE_MAX_BYTES;
        if (newline && !list->broken) {
            take_line(list);
            part++;
        }
        data += part;
        size -= part;
    }
    return !list->broken && !list->not_written;
}

bool idlist_end(struct idlist *list, struct buf *reason)
{
    if (list->line.size > 0 && !list->broken) {
        take_line(list);
    }
    if (list->broken) {
        buf_puts(reason, "the list has a line that is no id, expected one id a line and '# N' as the last");
    } else if (list->promised < 0) {
        buf_printf(reason, "the list ends after %llu ids without its last line '# N'", (unsigned long long)list->listed);
    } else if ((uint64_t)list->promised != list->listed) {
        buf_printf(reason, "the list says that it has %lld ids, %llu were listed", (long long)list->promised,
                   (unsigned long long)list->listed);
    } else {
        return true;
    }
    return false;
}

void idlist_clear(struct idlist *list)
{
    buf_clear(&list->line);
}
