/* Log lines on standard error, one write each so that lines of several processes do not mix. */
#include "harness/base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/str.h"

static enum log_level log_limit = LOG_WARN;
static char log_name[64] = "drill";

void log_set_level(enum log_level level)
{
    log_limit = level;
}

void log_set_name(const char *name)
{
    (void)str_copy(log_name, sizeof(log_name), name);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char *const words[] = {"", "error: ", "warning: ", "", "debug: "};
    char line[2048];
    if (level > log_limit) {
        return;
    }
    int size = snprintf(line, sizeof(line), "%s: %s", log_name, words[level]);
    va_list args;
    va_start(args, fmt);
    int text = vsnprintf(line + size, sizeof(line) - (size_t)size - 1, fmt, args);
    va_end(args);
    size_t total = (size_t)size + (size_t)(text > 0 ? text : 0);
    if (total > sizeof(line) - 2) {
        total = sizeof(line) - 2;
    }
    line[total] = '\n';
    (void)!write(STDERR_FILENO, line, total + 1);
}
