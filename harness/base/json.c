/* jansson with the error contract. */
#include "harness/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { JSON_FILE_MAX_BYTES = 256 * 1024 * 1024 };

const char *json_str(const json_t *object, const char *key, const char *fallback)
{
    const json_t *member = json_object_get(object, key);
    return json_is_string(member) ? json_string_value(member) : fallback;
}

int64_t json_int(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *member = json_object_get(object, key);
    if (json_is_real(member)) {
        return (int64_t)json_real_value(member);
    }
    return json_is_integer(member) ? json_integer_value(member) : fallback;
}

double json_num(const json_t *object, const char *key, double fallback)
{
    const json_t *member = json_object_get(object, key);
    return json_is_number(member) ? json_number_value(member) : fallback;
}

bool json_flag(const json_t *object, const char *key, bool fallback)
{
    const json_t *member = json_object_get(object, key);
    return json_is_boolean(member) ? json_is_true(member) : fallback;
}

static const json_t *item_where(const json_t *array, const char *name, const char *value)
{
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)array, index, item)
    {
        if (str_eq(json_str(item, name, NULL), value)) {
            return item;
        }
    }
    return NULL;
}

static const json_t *step_into(const json_t *json, char *step)
{
    char *equals = strchr(step, '=');
    if (json_is_object(json)) {
        return json_object_get(json, step);
    }
    if (equals) {
        *equals = '\0';
        return item_where(json, step, equals + 1);
    }
    return step[0] && step[strspn(step, "0123456789")] == '\0' ? json_array_get(json, strtoul(step, NULL, 10)) : NULL;
}

const json_t *json_at(const json_t *json, const char *path)
{
    char copy[200];
    char *rest = copy, *step;
    if (!str_copy(copy, sizeof(copy), path)) {
        return NULL;
    }
    while (json && (step = strsep(&rest, "."))) {
        json = step_into(json, step);
    }
    return json;
}

int json_parse(const char *text, size_t size, json_t **ret_json, struct err *err)
{
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!json) {
        return err_set(err, ERR_INPUT, "line %d, column %d: not JSON: %s", error.line, error.column, error.text);
    }
    *ret_json = json;
    return 0;
}

int json_read_file(const char *path, json_t **ret_json, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int status = fd_read_file(path, JSON_FILE_MAX_BYTES, &text, &size, err);
    if (status < 0) {
        return status;
    }
    status = json_parse(text, size, ret_json, err);
    return status < 0 ? err_prefix(err, "%s", path) : 0;
}

char *json_print(const json_t *json)
{
    AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    return text ? xasprintf("%s\n", text) : NULL;
}

int json_write_file(const char *path, const json_t *json, struct err *err)
{
    AUTO_FREE char *text = json_print(json);
    if (!text) {
        return err_set(err, ERR_SYSTEM, "cannot write '%s': the JSON value cannot be printed", path);
    }
    return fd_write_file_atomic(path, text, strlen(text), err);
}
