/* Typed option tables. One table feeds the parser (YAML, Lua, command line, JSON), the help, the docs and the did-you-mean. */
#ifndef DRILL_PARAM_PARAM_H
#define DRILL_PARAM_PARAM_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/buf.h"
#include "harness/param/node.h"

enum param_type {
    PARAM_END = 0,  /* ends a table */
    PARAM_STRING,   /* char *: owned by the struct, freed by param_clear */
    PARAM_BOOL,     /* bool */
    PARAM_INTEGER,  /* int64_t; min and max in the same unit */
    PARAM_DURATION, /* int64_t nanoseconds; min and max in nanoseconds */
    PARAM_SHARE,    /* double 0…1, written "30%"; min and max in parts per million */
    PARAM_RATE,     /* double per second */
    PARAM_BYTES,    /* int64_t */
    PARAM_BITRATE,  /* int64_t bits per second, written "10Mbit" */
    PARAM_CHOICE,   /* int: index into choices */
    PARAM_TYPE_COUNT
};

struct param {
    const char *name;
    enum param_type type;
    size_t offset;        /* offsetof the field in the struct that is filled */
    int64_t min, max;     /* both 0: no limits */
    const char *fallback; /* as a user would write it; NULL: zero or NULL */
    bool required;
    const char *const *choices; /* PARAM_CHOICE: NULL-terminated */
    const char *unit_hint;      /* shown in help, as "duration", "0..100%" */
    const char *help;           /* one line */
};

/* Fill `out` (zeroed first) from a map; unknown names are refused with the nearest right one, limits and missing required
 * options too, all with file:line:column. `what` names the object in messages, as "fault 'blackhole'". map may be NULL. */
int param_parse(const struct param *table, const struct node *map, const char *what, void *out, struct err *err) MUST_CHECK;
/* Set one option from text ("name=value" split by the caller). */
int param_set(const struct param *table, const char *name, const char *value, const char *what, void *out,
              struct err *err) MUST_CHECK;
void param_clear(const struct param *table, void *out); /* frees the strings */
/* The values as a user would write them, for evidence and reports; new reference. */
json_t *param_to_json(const struct param *table, const void *values);
/* Two columns: name (type, default, limits) and help. */
void param_print_help(const struct param *table, struct buf *out);
/* The same as a Markdown table with a row for each option; "" when there are none. */
void param_print_markdown(const struct param *table, struct buf *out);
/* Unique names, help present, limits in order, defaults that parse: for tests. */
int param_check_table(const struct param *table, const char *what, struct err *err) MUST_CHECK;

#endif
