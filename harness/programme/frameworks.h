/* What auditors' frameworks ask a drill's record to hold before the drill begins, as one table. It says which fields are there; it
 * never says that anybody complies with anything. */
#ifndef DRILL_PROGRAMME_FRAMEWORKS_H
#define DRILL_PROGRAMME_FRAMEWORKS_H

#include "harness/base/buf.h"
#include "harness/base/json.h"

enum { FRAMEWORK_FIELDS_MAX = 20 };

struct framework {
    const char *key;   /* for the command line: "dora" */
    const char *title; /* "DORA" */
    const char *clause;
    const char *fields[FRAMEWORK_FIELDS_MAX]; /* NULL-terminated names of record fields */
};
extern const struct framework frameworks[];
extern const size_t framework_count;

/* The frameworks of a list "soc2,dora" as indexes, each once. An unknown one is ERR_INPUT with the nearest name. The caller frees. */
int frameworks_choose(const char *list, size_t **ret_chosen, size_t *ret_count, struct err *err) MUST_CHECK;
/* `record`: the fields by name, from programme.yaml and from what the drill itself knows. One row for each field:
 * {framework, clause, field, present, where}; `where` is the part of the report that shows it. New reference. */
json_t *frameworks_check(const json_t *record, const size_t *chosen, size_t count);
/* "DORA 14/16: missing third_parties, risk_ref" for each framework, from those rows. */
void frameworks_print(const json_t *rows, struct buf *out);
void frameworks_print_help(struct buf *out);

#endif
