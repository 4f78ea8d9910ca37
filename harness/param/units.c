/* Numbers with units. */
#include "harness/param/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

struct unit {
    const char *name;
    double factor;
};

/* Splits "12.5ms" into number and unit; false when there is no finite number in front. */
static bool split_number(const char *text, double *ret_value, const char **ret_unit)
{
    char *end = NULL;
    const char *digits = text ? text + strspn(text, " +-") : "";
    if (!*digits || strpbrk(digits, "nNiI") == digits || (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))) {
        return false; /* strtod would take "nan", "inf" and "0x10" */
    }
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || errno == ERANGE || !isfinite(value)) {
        return false;
    }
    while (*end == ' ') {
        end++;
    }
    *ret_value = value;
    *ret_unit = end;
    return true;
}

static const struct unit *find_unit(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(units[i].name, name)) {
            return &units[i];
        }
    }
    return NULL;
}

int units_duration(const char *text, int64_t *ret_ns, struct err *err)
{
    static const struct unit units[] = {
        {"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9},
    };
    double value;
    const char *name;
    if (!split_number(text, &value, &name)) {
        return err_set(err, ERR_INPUT, "expected a duration such as \"250ms\" or \"20s\", found '%s'", text ? text : "");
    }
    if (*name == '\0' && value != 0) {
        return err_set(err, ERR_INPUT, "expected a duration with its unit, found '%s': write \"%ss\" for seconds or \"%sms\"",
                       text, text, text);
    }
    const struct unit *unit = *name ? find_unit(units, sizeof(units) / sizeof(units[0]), name) : &units[0];
    if (!unit) {
        return err_set(err, ERR_INPUT, "'%s' is not a unit of time in '%s': use us, ms, s, m, h or d", name, text);
    }
    double ns = value * unit->factor;
    if (fabs(ns) > 9e18) {
        return err_set(err, ERR_INPUT, "the duration '%s' is out of range", text);
    }
    *ret_ns = llround(ns);
    return 0;
}

int units_percent(const char *text, double *ret_share, struct err *err)
{
    double value;
    const char *name;
    if (!split_number(text, &value, &name) || !str_eq(name, "%")) {
        return err_set(err, ERR_INPUT, "expected a percentage such as \"30%%\", found '%s'", text ? text : "");
    }
    *ret_share = value / 100;
    return 0;
}

int units_rate(const char *text, double *ret_per_second, struct err *err)
{
    static const struct unit units[] = {{"", 1}, {"/s", 1}, {"/min", 1.0 / 60}, {"/h", 1.0 / 3600}};
    double value;
    const char *name;
    const struct unit *unit = NULL;
    if (split_number(text, &value, &name)) {
        unit = find_unit(units, sizeof(units) / sizeof(units[0]), name);
    }
    if (!unit || value < 0) {
        return err_set(err, ERR_INPUT, "expected a rate such as \"300/s\", found '%s'", text ? text : "");
    }
    *ret_per_second = value * unit->factor;
    return 0;
}

int units_bytes(const char *text, int64_t *ret_bytes, struct err *err)
{
    static const struct unit units[] = {
        {"B", 1}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824},
    };
    double value;
    const char *name;
    const struct unit *unit = NULL;
    if (split_number(text, &value, &name)) {
        unit = *name || value != 0 ? find_unit(units, sizeof(units) / sizeof(units[0]), name) : &units[0];
    }
    if (!unit || value < 0 || value * unit->factor > 9e18) {
        return err_set(err, ERR_INPUT, "expected a size such as \"64KiB\", found '%s'", text ? text : "");
    }
    *ret_bytes = llround(value * unit->factor);
    return 0;
}

int units_bitrate(const char *text, int64_t *ret_bits, struct err *err)
{
    static const struct unit units[] = {{"bit", 1}, {"Kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}};
    double value;
    const char *name;
    const struct unit *unit = NULL;
    if (split_number(text, &value, &name)) {
        unit = find_unit(units, sizeof(units) / sizeof(units[0]), name);
    }
    if (!unit || value < 0 || value * unit->factor > 9e18) {
        return err_set(err, ERR_INPUT, "expected bits per second such as \"10Mbit\", found '%s'", text ? text : "");
    }
    *ret_bits = llround(value * unit->factor);
    return 0;
}

int units_integer(const char *text, int64_t *ret_value, struct err *err)
{
    char *end = NULL;
    errno = 0;
    long long value = text ? strtoll(text, &end, 10) : 0;
    if (!text || end == text || *end != '\0' || errno == ERANGE) {
        return err_set(err, ERR_INPUT, "expected a whole number, found '%s'", text ? text : "");
    }
    *ret_value = value;
    return 0;
}

int units_number(const char *text, double *ret_value, struct err *err)
{
    const char *rest;
    double value;
    if (!split_number(text, &value, &rest) || *rest) {
        return err_set(err, ERR_INPUT, "expected a number, found '%s'", text ? text : "");
    }
    *ret_value = value;
    return 0;
}
