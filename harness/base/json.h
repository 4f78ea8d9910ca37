/* jansson with the error contract and cleanup. Getters give a default when the member is missing or of another type. */
#ifndef DRILL_BASE_JSON_H
#define DRILL_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

DEFINE_CLEANUP(json_t *, json, json_decref)
#define AUTO_JSON CLEANUP(json_cleanup)

const char *json_str(const json_t *object, const char *key, const char *fallback);
int64_t json_int(const json_t *object, const char *key, int64_t fallback);
double json_num(const json_t *object, const char *key, double fallback);
bool json_flag(const json_t *object, const char *key, bool fallback);
/* What a path leads to, or NULL; borrowed. Its steps are divided by dots: the name of a member, the number of an item from 0, or
 * NAME=VALUE for the first item whose member NAME is that text: "data.groups.0.rules.name=RegionDown.state". */
const json_t *json_at(const json_t *json, const char *path);
/* New reference; the caller owns it. */
int json_read_file(const char *path, json_t **ret_json, struct err *err) MUST_CHECK;
/* Keys sorted, two-space indent, final newline, atomic rename. */
int json_write_file(const char *path, const json_t *json, struct err *err) MUST_CHECK;
char *json_print(const json_t *json); /* the same text; the caller frees it; NULL when it cannot be printed */
int json_parse(const char *text, size_t size, json_t **ret_json, struct err *err) MUST_CHECK;

#endif
