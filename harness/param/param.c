/* The one parser of option tables. */
#include "harness/param/param.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/param/units.h"

enum { TABLE_MAX = 64 };

static void *field_of(const struct param *param, void *out)
{
    return (char *)out + param->offset;
}

static const struct param *find(const struct param *table, const char *name)
{
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        if (str_eq(param->name, name)) {
            return param;
        }
    }
    return NULL;
}

static size_t names_of(const struct param *table, const char *names[static TABLE_MAX])
{
    size_t count = 0;
    for (const struct param *param = table; param->type != PARAM_END && count < TABLE_MAX; param++) {
        names[count++] = param->name;
    }
    return count;
}

static void join(char *out, size_t size, const char *const *words, size_t count)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", words[i]);
    }
}

static size_t choice_count(const struct param *param)
{
    size_t count = 0;
    while (param->choices[count]) {
        count++;
    }
    return count;
}

static int set_choice(const struct param *param, const char *text, int *field, struct err *err)
{
    size_t count = choice_count(param);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(param->choices[i], text)) {
            *field = (int)i;
            return 0;
        }
    }
    char all[256], hint[96];
    join(all, sizeof(all), param->choices, count);
    return err_set(err, ERR_INPUT, "expected one of %s, found '%s'%s", all, text,
                   str_did_you_mean(text, param->choices, count, hint));
}

static int set_bool(const char *text, bool *field, struct err *err)
{
    bool yes = str_eq(text, "true") || str_eq(text, "yes") || str_eq(text, "on");
    if (!yes && !str_eq(text, "false") && !str_eq(text, "no") && !str_eq(text, "off")) {
        return err_set(err, ERR_INPUT, "expected true or false, found '%s'", text);
    }
    *field = yes;
    return 0;
}

static int set_value(const struct param *param, const char *text, void *field, struct err *err)
{
    switch (param->type) {
    case PARAM_STRING:
        free(*(char **)field);
        *(char **)field = xstrdup(text);
        return 0;
    case PARAM_BOOL:
        return set_bool(text, field, err);
    case PARAM_INTEGER:
        return units_integer(text, field, err);
    case PARAM_DURATION:
        return units_duration(text, field, err);
    case PARAM_SHARE:
        return units_percent(text, field, err);
    case PARAM_RATE:
        return units_rate(text, field, err);
    case PARAM_BYTES:
        return units_bytes(text, field, err);
    case PARAM_BITRATE:
        return units_bitrate(text, field, err);
    case PARAM_CHOICE:
        return set_choice(param, text, field, err);
    case PARAM_END:
    case PARAM_TYPE_COUNT:
        break;
    }
    return err_set(err, ERR_STATE, "option '%s' has no type", param->name);
}

/* A limit as a user would write it. */
static const char *limit_text(const struct param *param, int64_t limit, char out[static 40])
{
    char duration[32];
    switch (param->type) {
    case PARAM_DURATION:
        (void)str_format(out, 40, "%s", clock_format_duration(limit, duration));
        break;
    case PARAM_SHARE:
        (void)str_format(out, 40, "%g%%", (double)limit / 1e4);
        break;
    case PARAM_RATE:
        (void)str_format(out, 40, "%lld/s", (long long)limit);
        break;
    case PARAM_BITRATE:
        (void)str_format(out, 40, "%lldbit", (long long)limit);
        break;
    default:
        (void)str_format(out, 40, "%lld", (long long)limit);
    }
    return out;
}

static double value_in_limit_unit(const struct param *param, const void *field)
{
    switch (param->type) {
    case PARAM_INTEGER:
    case PARAM_DURATION:
    case PARAM_BYTES:
    case PARAM_BITRATE:
        return (double)*(const int64_t *)field;
    case PARAM_SHARE:
        return *(const double *)field * 1e6;
    case PARAM_RATE:
        return *(const double *)field;
    default:
        return 0;
    }
}

static int check_limits(const struct param *param, const char *text, const void *field, struct err *err)
{
    char low[40], high[40];
    if (param->min == 0 && param->max == 0) {
        return 0;
    }
    double value = value_in_limit_unit(param, field);
    if (value >= (double)param->min && value <= (double)param->max) {
        return 0;
    }
    return err_set(err, ERR_INPUT, "expected %s to %s, found '%s'", limit_text(param, param->min, low),
                   limit_text(param, param->max, high), text);
}

static int set_checked(const struct param *param, const char *text, void *out, struct err *err)
{
    int status = set_value(param, text, field_of(param, out), err);
    return status < 0 ? status : check_limits(param, text, field_of(param, out), err);
}

static int unknown(const struct param *table, const char *name, const char *what, struct err *err)
{
    const char *names[TABLE_MAX] = {0};
    char hint[96], all[400];
    size_t count = names_of(table, names);
    join(all, sizeof(all), names, count);
    str_did_you_mean(name, names, count, hint);
    return err_set(err, ERR_INPUT, "unknown option '%s' of %s%s%s%s%s", name, what, hint, count && !*hint ? " (it has: " : "",
                   count && !*hint ? all : "", count && !*hint ? ")" : "");
}

int param_set(const struct param *table, const char *name, const char *value, const char *what, void *out, struct err *err)
{
    const struct param *param = find(table, name);
    if (!param) {
        return unknown(table, name, what, err);
    }
    int status = set_checked(param, value, out, err);
    return status < 0 ? err_prefix(err, "option '%s' of %s", name, what) : 0;
}

static int set_fallbacks(const struct param *table, void *out, struct err *err)
{
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        if (param->fallback && set_checked(param, param->fallback, out, err) < 0) {
            return err_prefix(err, "the default of option '%s'", param->name);
        }
    }
    return 0;
}

static int read_child(const struct param *table, const struct node *child, const char *what, void *out, struct err *err)
{
    char where[512];
    const struct param *param = find(table, child->key);
    int status;
    if (!param) {
        status = unknown(table, child->key, what, err);
    } else if (child->kind != NODE_SCALAR) {
        status = err_set(err, ERR_INPUT, "option '%s' of %s: expected one value, found a %s", child->key, what,
                         child->kind == NODE_LIST ? "list" : "map");
    } else {
        status = set_checked(param, child->text, out, err);
        if (status < 0) {
            (void)err_prefix(err, "option '%s' of %s", child->key, what);
        }
    }
    if (status < 0 && *node_where(child, where)) {
        where[strlen(where) - 2] = '\0'; /* err_prefix brings its own ": " */
        return err_prefix(err, "%s", where);
    }
    return status;
}

static void zero_fields(const struct param *table, void *out)
{
    static const size_t sizes[PARAM_TYPE_COUNT] = {
        [PARAM_STRING] = sizeof(char *),    [PARAM_BOOL] = sizeof(bool),       [PARAM_INTEGER] = sizeof(int64_t),
        [PARAM_DURATION] = sizeof(int64_t), [PARAM_SHARE] = sizeof(double),    [PARAM_RATE] = sizeof(double),
        [PARAM_BYTES] = sizeof(int64_t),    [PARAM_BITRATE] = sizeof(int64_t), [PARAM_CHOICE] = sizeof(int),
    };
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        memset(field_of(param, out), 0, sizes[param->type]);
    }
}

static int parse_into(const struct param *table, const struct node *map, const char *what, void *out, struct err *err)
{
    int status = set_fallbacks(table, out, err);
    if (status == 0 && map && map->kind != NODE_MAP && !(map->kind == NODE_LIST && map->count == 0)) {
        return node_err(map, err, "%s: expected options by name", what);
    }
    for (size_t i = 0; status == 0 && map && i < map->count; i++) {
        status = read_child(table, map->children[i], what, out, err);
    }
    for (const struct param *param = table; status == 0 && param->type != PARAM_END; param++) {
        if (param->required && !node_get(map, param->name)) {
            status = node_err(map, err, "%s needs the option '%s': %s", what, param->name, param->help);
        }
    }
    return status;
}

int param_parse(const struct param *table, const struct node *map, const char *what, void *out, struct err *err)
{
    zero_fields(table, out);
    int status = parse_into(table, map, what, out, err);
    if (status < 0) {
        param_clear(table, out);
    }
    return status;
}

void param_clear(const struct param *table, void *out)
{
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        if (param->type == PARAM_STRING) {
            char **field = field_of(param, out);
            free(*field);
            *field = NULL;
        }
    }
}

/* The shortest exact way to write a duration. */
static const char *duration_text(int64_t ns, char out[static 40])
{
    if (ns % NS_PER_S == 0) {
        (void)str_format(out, 40, "%llds", (long long)(ns / NS_PER_S));
    } else if (ns % NS_PER_MS == 0) {
        (void)str_format(out, 40, "%lldms", (long long)(ns / NS_PER_MS));
    } else {
        bool whole = ns % NS_PER_US == 0;
        (void)str_format(out, 40, "%lld%s", (long long)(whole ? ns / NS_PER_US : ns), whole ? "us" : "ns");
    }
    return out;
}

static json_t *value_to_json(const struct param *param, const void *field)
{
    char text[40];
    switch (param->type) {
    case PARAM_STRING:
        return *(char *const *)field ? json_string(*(char *const *)field) : json_null();
    case PARAM_BOOL:
        return json_boolean(*(const bool *)field);
    case PARAM_INTEGER:
    case PARAM_BYTES:
        (void)str_format(text, sizeof(text), "%lld%s", (long long)*(const int64_t *)field, param->type == PARAM_BYTES ? "B" : "");
        return param->type == PARAM_BYTES ? json_string(text) : json_integer(*(const int64_t *)field);
    case PARAM_BITRATE:
        (void)str_format(text, sizeof(text), "%lldbit", (long long)*(const int64_t *)field);
        return json_string(text);
    case PARAM_DURATION:
        return json_string(duration_text(*(const int64_t *)field, text));
    case PARAM_SHARE:
        (void)str_format(text, sizeof(text), "%.12g%%", *(const double *)field * 100);
        return json_string(text);
    case PARAM_RATE:
        (void)str_format(text, sizeof(text), "%.12g/s", *(const double *)field);
        return json_string(text);
    case PARAM_CHOICE:
        return json_string(param->choices[*(const int *)field]);
    case PARAM_END:
    case PARAM_TYPE_COUNT:
        break;
    }
    return json_null();
}

json_t *param_to_json(const struct param *table, const void *values)
{
    json_t *object = json_object();
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        json_t *value = value_to_json(param, (const char *)values + param->offset);
        if (json_is_null(value)) {
            json_decref(value);
        } else {
            json_object_set_new(object, param->name, value);
        }
    }
    return object;
}

static const char *type_hint(const struct param *param)
{
    static const char *const hints[PARAM_TYPE_COUNT] = {
        [PARAM_STRING] = "text",       [PARAM_BOOL] = "true|false",         [PARAM_INTEGER] = "number",
        [PARAM_DURATION] = "duration", [PARAM_SHARE] = "percent",           [PARAM_RATE] = "rate",
        [PARAM_BYTES] = "size",        [PARAM_BITRATE] = "bits per second", [PARAM_CHOICE] = "",
    };
    return param->unit_hint ? param->unit_hint : hints[param->type];
}

static void print_kind(const struct param *param, char out[static 256])
{
    if (param->type == PARAM_CHOICE) {
        join(out, 256, param->choices, choice_count(param));
    } else {
        (void)str_copy(out, 256, type_hint(param));
    }
}

void param_print_help(const struct param *table, struct buf *out)
{
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        char kind[256], low[40], high[40];
        print_kind(param, kind);
        buf_printf(out, "  %-16s %s", param->name, param->help);
        buf_printf(out, " (%s", kind);
        if (param->min != 0 || param->max != 0) {
            buf_printf(out, ", %s to %s", limit_text(param, param->min, low), limit_text(param, param->max, high));
        }
        if (param->required) {
            buf_puts(out, ", required");
        } else if (param->fallback) {
            buf_printf(out, ", default %s", param->fallback);
        }
        buf_puts(out, ")\n");
    }
}

/* A '|' would end the cell. */
static void print_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        buf_printf(out, "%s%c", *text == '|' ? "\\" : "", *text);
    }
}

void param_print_markdown(const struct param *table, struct buf *out)
{
    if (table->type != PARAM_END) {
        buf_puts(out, "| option | value | limits | default | meaning |\n|---|---|---|---|---|\n");
    }
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        char kind[256], low[40], high[40];
        bool limited = param->min != 0 || param->max != 0;
        print_kind(param, kind);
        buf_printf(out, "| `%s` | ", param->name);
        print_cell(kind, out);
        buf_printf(out, " | %s%s%s | %s | ", limited ? limit_text(param, param->min, low) : "", limited ? " to " : "",
                   limited ? limit_text(param, param->max, high) : "",
                   param->required   ? "required"
                   : param->fallback ? param->fallback
                                     : "");
        print_cell(param->help, out);
        buf_puts(out, " |\n");
    }
}

static int check_entry(const struct param *table, const struct param *param, struct err *err)
{
    for (const struct param *other = table; other < param; other++) {
        if (str_eq(other->name, param->name)) {
            return err_set(err, ERR_STATE, "the name '%s' is used twice", param->name);
        }
    }
    if (!param->help || !*param->help) {
        return err_set(err, ERR_STATE, "option '%s' has no help text", param->name);
    }
    if (param->min > param->max) {
        return err_set(err, ERR_STATE, "option '%s': the lower limit is over the upper one", param->name);
    }
    if (param->type == PARAM_CHOICE && (!param->choices || !param->choices[0])) {
        return err_set(err, ERR_STATE, "option '%s' has no choices", param->name);
    }
    return 0;
}

int param_check_table(const struct param *table, const char *what, struct err *err)
{
    char scratch[4096] = {0};
    for (const struct param *param = table; param->type != PARAM_END; param++) {
        if (check_entry(table, param, err) < 0) {
            return err_prefix(err, "%s", what);
        }
        if (param->offset > sizeof(scratch) - sizeof(void *)) {
            return err_set(err, ERR_STATE, "%s: option '%s' has an offset that cannot be right", what, param->name);
        }
        if (param->fallback) {
            int status = set_checked(param, param->fallback, scratch, err);
            param_clear(table, scratch);
            if (status < 0) {
                return err_prefix(err, "%s: the default of '%s'", what, param->name);
            }
        }
    }
    return 0;
}
