/* What the files that turn YAML into the model share. Each reads one part of the root map and stores into reader->topology, which
 * owns everything from then on, so that a failure needs no clearing of its own. Internal to this room. */
#ifndef DRILL_TOPOLOGY_READER_H
#define DRILL_TOPOLOGY_READER_H

#include "harness/base/vec.h"
#include "harness/param/param.h"
#include "harness/topology/expand.h"
#include "harness/topology/names.h"

struct reader {
    struct topology *topology;
    const struct node *root;
    const char *state, *tools;
};

/* Room for one more, zeroed, at the end of an array of the model; gives its address. */
#define GROW(array, count)                                                                                                       \
    ({                                                                                                                           \
        (array) = xrealloc((array), (count) + 1, sizeof(*(array)));                                                              \
        memset(&(array)[(count)], 0, sizeof(*(array)));                                                                          \
        &(array)[(count)++];                                                                                                     \
    })

struct scope reader_scope(const struct reader *reader);
struct scope reader_scope_of(const struct reader *reader, struct subject subject);

/* Read the scalars of `map` through `table`, expanded; `nested` (NULL-terminated) names the members that are read elsewhere. All
 * other names are refused. With scope NULL nothing is expanded. */
int reader_fields(const struct param *table, const char *const *nested, const struct node *map, const struct scope *scope,
                  const char *what, void *out, struct err *err) MUST_CHECK;
/* Refuse members of `map` that are not in `names` (NULL-terminated), and anything that is no map. map may be NULL. */
int reader_only(const struct node *map, const char *const *names, const char *what, struct err *err) MUST_CHECK;
/* Append the expanded items of a list, or the one scalar. node may be NULL. */
int reader_strings(const struct scope *scope, const struct node *node, const char *what, char ***array, size_t *count,
                   struct err *err) MUST_CHECK;
/* The same for a command: one scalar is split at blanks outside of {{…}}. */
int reader_command(const struct scope *scope, const struct node *node, const char *what, char ***array, size_t *count,
                   struct err *err) MUST_CHECK;
/* "FILE:L:C: " of the node in front of the text in *err. */
int reader_at(const struct node *node, struct err *err);

int reader_settings(struct reader *reader, const struct node *values, struct err *err) MUST_CHECK;
int reader_regions(struct reader *reader, struct err *err) MUST_CHECK; /* and all hosts */
int reader_services(struct reader *reader, struct err *err) MUST_CHECK;
int reader_health(const struct scope *scope, const struct node *map, const char *what, int default_port,
                  struct topology_health *health, struct err *err) MUST_CHECK;
int reader_entrypoint(struct reader *reader, struct err *err) MUST_CHECK;
int reader_traffic(struct reader *reader, struct err *err) MUST_CHECK; /* and the entrypoint */
/* http://… or https://… */
int reader_check_url(const struct node *node, const char *url, struct err *err) MUST_CHECK;
/* What one entry of observers, steady, stores or controls is read with, once per subject of its `each`. */
typedef int reader_entry_f(struct reader *reader, const struct node *node, const struct scope *scope, const char *name,
                           struct err *err);
int reader_entries(struct reader *reader, const char *key, reader_entry_f *read, struct err *err) MUST_CHECK;
/* The host that an entry is at; NULL when it has none. The caller frees. */
char *reader_default_place(const struct scope *scope);
int reader_check_place(const struct reader *reader, const struct node *node, const char *place, struct err *err) MUST_CHECK;
int reader_controls(struct reader *reader, struct err *err) MUST_CHECK;
int reader_observers(struct reader *reader, struct err *err) MUST_CHECK; /* and steady, and stores */
/* Relations between the parts, once all are read. */
int reader_checks(const struct reader *reader, struct err *err) MUST_CHECK;

#endif
