/* Template expansion: {{variables}}, {{#each …}}…{{#sep}}…{{/each}} and {{#if …}}…{{#else}}…{{/if}} over the topology's parts.
 *
 * Variables of what the text is for ("this") and, with "item." in front, of the innermost loop's item:
 *   host.name host.short host.address host.index   region.name region.id region.index region.router region.cidr region.primary
 *   address port instance name                     (name: of the region, host or instance)
 * Others: state tools dir primary_region entrypoint.url set.NAME. In traffic also those of param/hole.h, which stay. A tag that stands alone in its line takes the line away with
 * it. */
#ifndef DRILL_TOPOLOGY_EXPAND_H
#define DRILL_TOPOLOGY_EXPAND_H

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/topology/topology.h"

/* A part of the topology: the deepest that is known. All borrowed. */
struct subject {
    const struct topology_region *region;
    const struct topology_host *host;
    const struct topology_service *service;
};

struct scope {
    const struct topology *topology;
    const char *state, *tools;
    const char *dir; /* the instance's own folder, NULL outside of services */
    bool keep_holes; /* {{id}} and the others of param/hole.h stay: the load client fills them in */
    struct subject this, item;
    bool in_loop;
};

struct subject subject_of_region(const struct topology_region *region);
struct subject subject_of_host(const struct topology_host *host);
struct subject subject_of_service(const struct topology_service *service);
/* "us-east", "us-east-gw1" or "haproxy@us-east-gw1" */
const char *subject_name(const struct subject *subject);

/* Append the value of a variable. ERR_INPUT with the nearest name when there is none. */
int scope_lookup(const struct scope *scope, const char *name, struct buf *out, struct err *err) MUST_CHECK;

/* What a loop goes over: "regions", "hosts,short=db", "service=orders,region=this", "role=gateway". `region=` takes a name,
 * "this", "item" or "primary". The caller frees the array with free(). No match is no error; a name that does not exist is. */
int match_subjects(const struct scope *scope, const char *text, struct subject **ret_subjects, size_t *ret_count,
                   struct err *err) MUST_CHECK;

/* Expand `text`; `where` names its file, for "where:line:column: " in messages. The caller frees. */
int expand_text(const struct scope *scope, const char *text, const char *where, char **ret_text, struct err *err) MUST_CHECK;
/* Expand a scalar of the YAML file, with its position in messages. */
int expand_node(const struct scope *scope, const struct node *scalar, char **ret_text, struct err *err) MUST_CHECK;

#endif
