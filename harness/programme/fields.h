/* Tables of fields that people fill in: programme.yaml and reviews. One table feeds reader, help, template and lint; the values are
 * kept as they were written. */
#ifndef DRILL_PROGRAMME_FIELDS_H
#define DRILL_PROGRAMME_FIELDS_H

#include "harness/base/json.h"
#include "harness/param/param.h"

enum field_kind {
    FIELD_NONE = 0,
    FIELD_TEXT,
    FIELD_CHOICE,   /* one of `choices` */
    FIELD_DURATION, /* kept as written */
    FIELD_WHEN,     /* a day or an instant (when.h), kept as written */
    FIELD_SWITCH,   /* true or false */
    FIELD_TEXTS,    /* a list of texts; one text alone is a list of it */
    FIELD_ITEMS,    /* a list of maps with the options of `item`; a text alone is its first option */
};

struct field {
    const char *name;
    enum field_kind kind;
    const char *const *choices; /* NULL-terminated */
    const struct param *item;
    size_t item_size; /* of the struct that `item` fills */
    const char *help;
};
/* Read every member of a map into `values`, by name: texts, lists of texts, lists of objects. Tables end with kind FIELD_NONE. What is
 * wrong is ERR_INPUT with file:line:column and the nearest name; `help` names where all names are listed. */
int fields_read(const struct field *table, const struct node *map, const char *help, json_t *values, struct err *err) MUST_CHECK;
/* A line for each field. */
void fields_print_help(const struct field *table, struct buf *out);
/* Unique names, help present, item tables sound: for tests. */
int fields_check_table(const struct field *table, const char *what, struct err *err) MUST_CHECK;

#endif
