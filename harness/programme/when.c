/* Reading and writing calendar days. */
#include "harness/programme/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

static int refuse(const char *text, struct err *err)
{
    return err_set(err, ERR_INPUT, "expected a day or an instant with its offset, as 2026-01-10 or 2026-01-10T09:30Z, found '%s'",
                   text);
}

/* "Z", "+01:00", "-0530": seconds east of UTC. */
static bool read_offset(const char *text, int *ret_s)
{
    int hours = 0, minutes = 0, used = 0;
    if (str_eq(text, "Z")) {
        *ret_s = 0;
        return true;
    }
    if ((*text != '+' && *text != '-') ||
        (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 &&
         sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &used) != 2) ||
        text[1 + used] || hours > 14 || minutes > 59) {
        return false;
    }
    *ret_s = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* Behind the minutes: seconds and a fraction, or neither. */
static const char *read_seconds(const char *text, int *ret_s)
{
    int used = 0;
    if (*text != ':' || sscanf(text, ":%2d%n", ret_s, &used) != 1) {
        return text;
    }
    text += used;
    if (*text == '.') {
        text += 1 + strspn(text + 1, "0123456789");
    }
    return text;
}

int when_parse(const char *text, bool end_of_day, int64_t *ret_utc_ns, struct err *err)
{
    struct tm parts = {0};
    int used = 0, offset_s = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &used) != 3 || used != 10) {
        return refuse(text, err);
    }
    const char *rest = text + used;
    bool day_only = *rest == '\0';
    if (!day_only) {
        if ((*rest != 'T' && *rest != ' ') || sscanf(rest + 1, "%2d:%2d%n", &parts.tm_hour, &parts.tm_min, &used) != 2 ||
            used != 5 || !read_offset(read_seconds(rest + 6, &parts.tm_sec), &offset_s)) {
            return refuse(text, err);
        }
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    struct tm normal = parts;
    time_t seconds = timegm(&normal);
    if (normal.tm_mday != parts.tm_mday || normal.tm_mon != parts.tm_mon || normal.tm_hour != parts.tm_hour ||
        normal.tm_min != parts.tm_min || normal.tm_sec != parts.tm_sec) {
        return refuse(text, err); /* 31 February, 25:00 */
    }
    *ret_utc_ns = (seconds - offset_s + (day_only && end_of_day ? 86399 : 0)) * NS_PER_S;
    return 0;
}

int64_t when_or(const char *text, bool end_of_day, int64_t fallback_ns)
{
    struct err ignored = {0};
    int64_t utc_ns = 0;
    return text && when_parse(text, end_of_day, &utc_ns, &ignored) == 0 ? utc_ns : fallback_ns;
}

static struct tm parts_of(int64_t utc_ns)
{
    time_t seconds = (time_t)(utc_ns / NS_PER_S);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    return parts;
}

const char *when_day(int64_t utc_ns, char out[static 16])
{
    struct tm parts = parts_of(utc_ns);
    (void)strftime(out, 16, "%Y-%m-%d", &parts);
    return out;
}

int when_quarter(int64_t utc_ns)
{
    struct tm parts = parts_of(utc_ns);
    return (parts.tm_year + 1900) * 4 + parts.tm_mon / 3;
}

const char *when_quarter_name(int quarter, char out[static 16])
{
    (void)str_format(out, 16, "%d-Q%d", quarter / 4, quarter % 4 + 1);
    return out;
}
