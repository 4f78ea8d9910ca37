/* Log lines for people, on standard error. Library code does not log: only the engine, the agent's main loop and the cli. */
#ifndef DRILL_BASE_LOG_H
#define DRILL_BASE_LOG_H

#include "harness/base/err.h"

enum log_level { LOG_NONE = 0, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };

void log_set_level(enum log_level level);
void log_set_name(const char *name); /* prefix of each line, copied; "drill" at start */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
