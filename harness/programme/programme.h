/* programme.yaml: who runs a drill, who allowed it, what it is for; what no measurement can know. One table of fields feeds the
 * reader, `drill help programme`, the reports and the lint of what a framework asks for. docs/programme.md is the users' page. */
#ifndef DRILL_PROGRAMME_PROGRAMME_H
#define DRILL_PROGRAMME_PROGRAMME_H

#include "harness/base/json.h"
#include "harness/programme/fields.h"

extern const char programme_file_name[]; /* "programme.yaml" */

/* Ends with kind FIELD_NONE. */
extern const struct field programme_fields[];

struct programme {
    char *file; /* NULL: there is none, then everything is missing */
    char *text; /* as read */
    size_t size;
    struct node *tree; /* with positions */
    json_t *fields;    /* what was given, by name; texts, lists of texts, lists of objects */
};

/* Read and check the whole file; what is wrong is ERR_INPUT with file:line:column and the nearest name. */
int programme_load(const char *file, struct programme **ret_programme, struct err *err) MUST_CHECK;
struct programme *programme_empty(void);
void programme_free(struct programme *programme); /* accepts NULL */
DEFINE_CLEANUP(struct programme *, programme, programme_free)
/* "file:line:column" of a field, of the file when it is not there. */
const char *programme_where(const struct programme *programme, const char *field, char out[static 512]);

#endif
